# shellcheck shell=bash
# Shared by the scripts of this folder, which source it first.
#
# A family is a script FAMILY.sh with two functions: `install_tools`, and `check`, which runs its checks.
# Its last line is `run_family "$@"`. `interop/run` runs families; FAMILY.sh --install only installs.
#
# A tool that cannot be installed is a failure: no check is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

family=$(basename "$0" .sh)
# The program under test, as an absolute path: some checks run it elsewhere.
runledger=$(realpath -m "${RUNLEDGER_BIN:-target/release/runledger}")
tools=$PWD/target/interop/tools
# Scratch files of this family alone, so that families can run in parallel.
work=$PWD/target/interop/$family
mkdir -p "$tools" "$work"
export PYTHONDONTWRITEBYTECODE=1

fail() {
    echo "interop/$family.sh: $*" >&2
    exit 1
}

run_family() {
    install_tools
    [ "${1:-}" = --install ] && return
    [ -x "$runledger" ] || fail "$runledger does not exist: run \`cargo build --release\` or set RUNLEDGER_BIN"
    check
}

# ---- processes

started=()
stop_all() {
    local id
    for id in "${started[@]}"; do
        kill "$id" 2>/dev/null || true
        wait "$id" 2>/dev/null || true
    done
    started=()
}
trap stop_all EXIT

# Retries a command for one minute, ten times a second.
wait_until() {
    local _
    for _ in $(seq 600); do
        if "$@" >/dev/null 2>&1; then return; fi
        sleep 0.1
    done
    fail "timed out after one minute: $*"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_sandbox OPTION…: starts a sandbox API and sets `sandbox_url`.
start_sandbox() {
    local out=$work/sandbox.out
    rm -f "$out"
    "$runledger" sandbox --port 0 "$@" >"$out" &
    started+=($!)
    wait_until grep -q 'http://127.0.0.1:' "$out"
    # shellcheck disable=SC2034 # for the scripts
    sandbox_url=$(grep -o 'http://127.0.0.1:[0-9]*' "$out" | sed -n 1p)
}

# demo_archive PATH [OPTION…]: creates a demo archive, replacing an old one.
demo_archive() {
    local path=$1
    shift
    rm -f "$path" "$path"-*
    "$runledger" demo --db "$path" "$@" >/dev/null
}

# ---- tools

# locked NAME COMMAND…: runs a command while no other family runs one with the same lock.
locked() {
    local name=$1
    shift
    (
        flock 9
        "$@"
    ) 9>"target/interop/$name.lock"
}

# Chromium, the fonts of the pages in it, and the client that drives it.
chromium_env() {
    apt_tools chromium:chromium
    [ -d /usr/share/fonts/truetype/dejavu ] || apt_packages fonts-dejavu-core
    [ -e /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf ] || apt_packages fonts-noto-color-emoji
    node_env browser playwright-core@1.65.1 axe-core@4.14.1
}

# apt_tools COMMAND:PACKAGE…: installs each package whose command is missing.
apt_tools() {
    local tool missing=()
    for tool in "$@"; do
        command -v "${tool%%:*}" >/dev/null || missing+=("${tool#*:}")
    done
    [ ${#missing[@]} -eq 0 ] || apt_packages "${missing[@]}"
}

apt_packages() {
    locked apt apt_update
    DEBIAN_FRONTEND=noninteractive locked apt apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Updates the package lists once an hour.
apt_update() {
    [ -n "$(find target/interop/apt.updated -mmin -60 2>/dev/null)" ] && return
    apt-get update -qq
    touch target/interop/apt.updated
}

# python_env NAME PACKAGE…: creates the virtual environment target/interop/tools/NAME with these packages.
# The variable `interpreter` names the Python to use. Another list of packages creates it anew.
python_env() {
    local env=$tools/$1
    shift
    [ "$(cat "$env/packages" 2>/dev/null)" != "$*" ] || return 0
    rm -rf "$env"
    "${interpreter:-python3}" -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$env/packages"
}

# duckdb_env NAME PACKAGE…: a virtual environment with DuckDB and its SQLite extension, which DuckDB would download.
duckdb_env() {
    python_env "$@" duckdb==1.5.5 duckdb-extensions duckdb-extension-sqlite-scanner
    locked duckdb "$tools/$1/bin/python" -c \
        'from duckdb_extensions import import_extension; import_extension("sqlite_scanner")'
}

# node_env NAME PACKAGE…: installs these packages into target/interop/tools/NAME/node_modules.
node_env() {
    local env=$tools/$1
    shift
    [ "$(cat "$env/packages" 2>/dev/null)" != "$*" ] || return 0
    rm -rf "$env"
    npm install --prefix "$env" --silent --no-audit --no-fund "$@"
    echo "$*" >"$env/packages"
}

# cargo_tool NAME VERSION: installs this version of a cargo subcommand into target/interop/tools/cargo/bin.
# One target folder for all of them compiles their common dependencies once.
cargo_tool() {
    grep -qs "^\"$1 $2 " "$tools/cargo/.crates.toml" || CARGO_TARGET_DIR=target/interop/cargo \
        locked cargo cargo install --quiet --locked --debug --root "$tools/cargo" "$1@$2"
}
