#!/bin/sh
# This is the check that the sqlite3 shell gives the same answers as runledger, digit by digit.
# usage: tests/shell.sh RUNLEDGER ARCHIVE   (run from the project's folder; needs sqlite3 3.37 or newer, and python3)
set -eu
runledger=$1 archive=$2
answers=$(mktemp -d)
trap 'rm -r "$answers"' EXIT

# The shell quotes more than it must, and gives no heading without rows: cells are compared, not bytes.
same_cells='
import csv, sys
shell, ours = (list(csv.reader(open(path, newline="", encoding="utf-8"))) for path in sys.argv[1:])
if (shell or ours[:1]) != ours:
    sys.exit(f"the sqlite3 shell says {shell[:3]}..., runledger says {ours[:3]}...")
'

# Every question, as it stands, against the same from `runledger report`.
for file in queries/*.sql; do
    name=$(basename "$file" .sql)
    sqlite3 -readonly -header -csv "$archive" < "$file" > "$answers/shell.csv"
    "$runledger" --db "$archive" report "$name" --format csv > "$answers/runledger.csv"
    if ! python3 -c "$same_cells" "$answers/shell.csv" "$answers/runledger.csv"; then
        echo "error: $file answers otherwise in the sqlite3 shell" >&2
        exit 1
    fi
done
echo "the sqlite3 shell answers every question as runledger does"
