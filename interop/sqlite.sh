#!/usr/bin/env bash
# The archive, read by the sqlite3 shell of Debian (3.40), Python's sqlite3, DuckDB, pandas, Polars and connectorx: same
# rows, amounts and hashes, no fault, and a dump that can be loaded again.
source "$(dirname "$0")/lib.sh"

archive=$work/demo.db

install_tools() {
    apt_tools sqlite3:sqlite3
    duckdb_env sqlite pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 connectorx==0.4.6
}

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
        "$runledger" --db "$archive" report "$name" --zone UTC --format csv >"$work/runledger.csv" 2>"$work/warnings"
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

# Closes the oldest month of the archive without objections. The demo closes later ones.
close_a_month() {
    local month
    month=$("$runledger" --db "$archive" query "SELECT min(substr(booked_at, 1, 7)) AS month FROM runs" --format csv | tail -n 1)
    "$runledger" --db "$archive" close "$month" >/dev/null
    [ "$(sqlite3 "$archive" "SELECT count(*) > 0 FROM period_closes WHERE objections IS NULL")" = 1 ] ||
        fail "$month was not closed without objections"
}

# rows DATABASE: every row of every table and view, with the bytes and types of each value.
rows() {
    local name
    sqlite3 "$1" "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name" |
        while read -r name; do
            echo "$name"
            sqlite3 -quote "$1" "SELECT * FROM $name ORDER BY 1, 2, 3"
        done
}

# The shell finds no fault, and a dump that is loaded again has every row. `settled` in `runs` depends on the time.
shell_reloads_a_dump() {
    local copy=$work/reloaded.db
    [ "$(sqlite3 "$archive" "PRAGMA integrity_check")" = ok ] || fail "sqlite3 reports a fault in the archive"
    rm -f "$copy"
    sqlite3 "$archive" .dump | sqlite3 -bail "$copy" || fail "a dump cannot be loaded"
    cmp <(rows "$archive") <(rows "$copy") || fail "a dump that is loaded again differs"
    echo "the sqlite3 shell $(sqlite3 --version | cut -d ' ' -f 1) reports no fault, and reloads a dump"
}

readers_read_everything() {
    "$tools/sqlite/bin/python" - "$archive" <<'PYTHON'
import sqlite3, sys
import connectorx, duckdb, pandas, polars

archive = sys.argv[1]
database = sqlite3.connect(f"file:{archive}?mode=ro", uri=True)
objects = database.execute(
    "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
).fetchall()
assert len(objects) >= 12, objects
ledger = duckdb.connect()
ledger.execute(f"ATTACH '{archive}' AS ledger (TYPE sqlite, READ_ONLY)")
for kind, name in objects:
    rows = database.execute(f"SELECT * FROM {name}").fetchall()
    ids = sorted(str(row[0]) for row in rows)
    assert sorted(str(row[0]) for row in ledger.execute(f"SELECT * FROM ledger.{name}").fetchall()) == ids, name
    assert len(pandas.read_sql_query(f"SELECT * FROM {name}", database)) == len(rows), name
    assert polars.read_database(f"SELECT * FROM {name}", database, infer_schema_length=None).height == len(rows), name
    # connectorx cannot infer the types of a view's columns.
    if kind == "table":
        assert connectorx.read_sql(f"sqlite://{archive}", f"SELECT * FROM {name}", return_type="arrow").num_rows == len(rows), name
print(f"DuckDB, pandas, Polars and connectorx read {len(objects)} tables and views")
PYTHON
}

check() {
    demo_archive "$archive"
    close_a_month
    shell_agrees_with_the_reports
    python_agrees_with_the_exports
    shell_reloads_a_dump
    readers_read_everything
}

run_family "$@"
