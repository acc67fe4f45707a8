#!/usr/bin/env bash
# Exact money: Python, the sqlite3 shell and DuckDB recompute the sums of archives with random costs.
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools sqlite3:sqlite3
    duckdb_env money
}

check() {
    demo_archive "$work/demo.db" --runs 200
    "$tools/money/bin/python" interop/money.py "$runledger" "$work/demo.db"
}

run_family "$@"
