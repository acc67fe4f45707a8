#!/bin/sh
# This is the check that the sqlite3 shell gives the same answers as runledger, digit by digit.
# usage: tests/shell.sh RUNLEDGER ARCHIVE   (run from the project's folder; needs sqlite3 3.37 or newer)
set -eu
runledger=$1 archive=$2
answers=$(mktemp -d)
trap 'rm -r "$answers"' EXIT

# Every question, as it stands, against `runledger report` as CSV. An answer without rows has no heading in the shell.
for file in queries/*.sql; do
    name=$(basename "$file" .sql)
    sqlite3 -readonly -header -csv "$archive" < "$file" | tr -d '\r' > "$answers/shell.csv"
    "$runledger" --db "$archive" report "$name" --format csv > "$answers/runledger.csv"
    [ -s "$answers/shell.csv" ] || head -n 1 "$answers/runledger.csv" > "$answers/shell.csv"
    if ! diff "$answers/shell.csv" "$answers/runledger.csv"; then
        echo "the sqlite3 shell and runledger answer $name differently" >&2
        exit 1
    fi
done
echo "the sqlite3 shell answers every question as runledger does"
