#!/usr/bin/env bash
# The pages of docs/ with every tool that they mention: commands, SQL and Python run as printed. CI runs them in
# `cargo test`.
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools sqlite3:sqlite3
    duckdb_env docs pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
}

check() {
    # RUNLEDGER_BOOK=whole makes a missing tool a failure and includes the Python of the pages.
    if ! PATH=$tools/docs/bin:$PATH RUNLEDGER_BOOK=whole \
        cargo test --locked --quiet --test it docs::pages -- --nocapture >"$work/pages.out" 2>&1; then
        cat "$work/pages.out" >&2
        fail "a command, statement or script in docs/ fails"
    fi
    grep -Eq 'test result: ok\. [1-9]' "$work/pages.out" || fail "no test of docs::pages ran"
    echo "docs: $(grep -Eo '[a-z-]+\.md: [1-9][0-9]* ran' "$work/pages.out" | tr '\n' ' ')"
}

run_family "$@"
