#!/usr/bin/env bash
# Checks with the Rust toolchain: format, lints, docs. The tests are `cargo test`.
set -euo pipefail
cd "$(dirname "$0")"

step() {
    echo "== $*"
    "$@"
}

step cargo fmt --all --check
step cargo clippy --all-targets --locked -- --deny warnings
RUSTDOCFLAGS='--deny warnings' step cargo doc --no-deps --locked
