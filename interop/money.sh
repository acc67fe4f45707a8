#!/usr/bin/env bash
# Exact money: Python, the sqlite3 shell and DuckDB recompute the sums of archives with random costs.
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools sqlite3:sqlite3
    python_env money duckdb==1.5.5 duckdb-extensions duckdb-extension-sqlite-scanner
}

check() {
    demo_archive "$work/demo.db" --runs 200
    "$tools/money/bin/python" interop/money.py "$runledger" "$work/demo.db"
}

run_family "$@"
