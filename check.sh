#!/usr/bin/env bash
# This is the one list of checks that the project's own tools make: format, lints, docs, tests.
set -euo pipefail
cd "$(dirname "$0")"

step() {
    echo "== $*"
    "$@"
}

step cargo fmt --all --check
step cargo clippy --all-targets --locked -- --deny warnings
RUSTDOCFLAGS='--deny warnings' step cargo doc --no-deps --locked
step cargo test --locked
