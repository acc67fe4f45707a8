#!/usr/bin/env bash
# Dependencies: licenses, sources and duplicates (cargo-deny), unused ones (cargo-machete).
source "$(dirname "$0")/lib.sh"

install_tools() {
    cargo_tool cargo-deny 0.20.2
    cargo_tool cargo-machete 0.9.2
    # deny.toml covers other platforms too: their packages are needed offline.
    cargo fetch --locked --quiet
}

check() {
    "$tools/cargo/bin/cargo-deny" --offline --log-level error check bans licenses sources
    "$tools/cargo/bin/cargo-machete"
}

run_family "$@"
