#!/usr/bin/env bash
# These are the checks by tools that nobody here wrote: schemathesis holds the sandbox to the
# contract, and Prism, a stranger's mock of the same contract, is archived from.
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

for tool in cargo python3 npm curl; do
    command -v "$tool" >/dev/null || fail "$tool is needed and not installed"
done
cargo build --release --locked --quiet
sandbox_keeps_the_contract
archive_from_prism static
# Seed 1 sends several runs, seed 3 a next page for ever and a count of 70 million.
for seed in 42 1 3; do
    archive_from_prism "dynamic-$seed" -d --seed "$seed" --json-schema-faker-fillProperties false
done
