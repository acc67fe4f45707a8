#!/usr/bin/env bash
# The archive, read by the sqlite3 shell (3.37 or newer) and by Python's sqlite3: same rows, amounts and hashes.
source "$(dirname "$0")/lib.sh"

archive=$work/demo.db

install_tools() { apt_tools sqlite3:sqlite3; }

# The shell quotes more cells, and prints no header without rows, so cells are compared, not bytes.
same_cells='
import csv, sys
shell, ours = (list(csv.reader(open(path, newline="", encoding="utf-8"))) for path in sys.argv[1:])
if (shell or ours[:1]) != ours:
    sys.exit(f"sqlite3 shell: {shell[:3]}..., runledger: {ours[:3]}...")
'

# Each file in queries/, unchanged, gives the rows of the report of that name.
shell_agrees_with_the_reports() {
    local file name
    for file in queries/*.sql; do
        name=$(basename "$file" .sql)
        sqlite3 -readonly -header -csv "$archive" <"$file" >"$work/shell.csv"
        "$runledger" --db "$archive" report "$name" --format csv >"$work/runledger.csv"
        python3 -c "$same_cells" "$work/shell.csv" "$work/runledger.csv" ||
            fail "$file: the sqlite3 shell gives another answer than \`runledger report $name\`"
    done
    echo "the sqlite3 shell answers every question as runledger does"
}

python_agrees_with_the_exports() {
    "$runledger" --db "$archive" export runs --output "$work/runs.csv"
    "$runledger" --db "$archive" export documents --output "$work/runs.ndjson"
    "$runledger" --db "$archive" report cost --format csv --output "$work/cost.csv"
    python3 - "$archive" "$work" <<'PYTHON'
import csv, decimal, hashlib, json, sqlite3, sys

archive, folder = sys.argv[1:]
database = sqlite3.connect(f"file:{archive}?mode=ro", uri=True)
assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

rows = list(csv.DictReader(open(f"{folder}/runs.csv", newline="", encoding="utf-8")))
stored = database.execute("SELECT run_id, pipeline_name, el_cost_nanos FROM runs ORDER BY booked_at, run_id").fetchall()
assert [(row["run_id"], row["pipeline_name"]) for row in rows] == [(run, name or "") for run, name, _ in stored]
amounts = [decimal.Decimal(row["el_cost_usd"]) if row["el_cost_usd"] else None for row in rows]
assert [amount and amount.scaleb(9) for amount in amounts] == [nanos for _, _, nanos in stored], "exported amounts differ"

total = sum(decimal.Decimal(row[kind]) for row in rows for kind in ("el_cost_usd", "transformation_cost_usd") if row[kind])
report = list(csv.DictReader(open(f"{folder}/cost.csv", newline="", encoding="utf-8")))
assert sum(decimal.Decimal(row["total_cost_usd"]) for row in report) == total, "the report's total differs from the rows'"

hashes = {run: content_hash for run, content_hash in database.execute("SELECT run_id, content_hash FROM runs")}
documents = open(f"{folder}/runs.ndjson", encoding="utf-8").read().splitlines()
for document in documents:
    assert hashlib.sha256(document.encode()).hexdigest() == hashes.pop(json.loads(document)["id"])
assert not hashes
print(f"Python reads {len(rows)} runs as stored: total {total} USD, every hash matches")
PYTHON
}

check() {
    demo_archive "$archive"
    shell_agrees_with_the_reports
    python_agrees_with_the_exports
}

run_family "$@"
