#!/usr/bin/env bash
# The API contract: schemathesis tests the sandbox against it; a probe and syncs read from Prism, a mock API made
# from it.
source "$(dirname "$0")/lib.sh"

contract=$PWD/docs/nekt-api.yaml

install_tools() {
    python_env schemathesis schemathesis==4.32.5
    node_env prism @stoplight/prism-cli@5.14.2
}

sandbox_conforms_to_the_contract() {
    start_sandbox --runs 500 --seed 7
    # schemathesis writes its own files into the current folder.
    if ! (
        cd "$work" && "$tools/schemathesis/bin/st" run "$contract" --url "$sandbox_url" -H 'x-api-key: sandbox-key' \
            --mode positive --seed 7 --generation-database none --checks \
            status_code_conformance,content_type_conformance,response_schema_conformance,not_a_server_error
    ) >"$work/schemathesis.out" 2>&1; then
        cat "$work/schemathesis.out" >&2
        fail "schemathesis: the sandbox violates the contract"
    fi
    stop_all
    echo "the sandbox conforms to the contract: $(grep -Eo '[0-9]+ generated, [0-9]+ passed' "$work/schemathesis.out")"
}

# probe_prism NAME PORT: Prism ignores page numbers and sizes, which must be reported; each list must be readable.
probe_prism() {
    local name=$1 port=$2 code=0
    NEKT_API_KEY=any timeout 60 "$runledger" probe --json --api-url "http://127.0.0.1:$port" \
        >"$work/$name.probe.json" 2>"$work/$name.probe.err" || code=$?
    python3 - "$name" "$code" "$work/$name.probe.json" <<'PYTHON' || {
import json, sys

name, code, path = sys.argv[1:]
report = json.load(open(path))
findings = {finding["name"]: finding for finding in report["findings"]}
for finding in findings.values():
    assert all(finding[key] for key in ("result", "observed", "expected", "for_sync")), finding
results = {name: finding["result"] for name, finding in findings.items()}
for needed in ("API key", "connection", "list of sources", "list of destinations", "list of transformations"):
    assert results[needed] == "ok", findings[needed]
# Prism answers every request, also that for a page or a run which no list has.
assert results["run that does not exist"] == "differs", findings["run that does not exist"]
assert code == "3" and not report["as_expected"] and report["requests"] <= 15, report
differing = [name for name, result in results.items() if result == "differs"]
print(f"probe of Prism ({name}): {report['requests']} requests, {len(differing)} of {len(results)} differ")
PYTHON
        cat "$work/$name.probe.json" "$work/$name.probe.err" >&2
        fail "a probe of Prism ($name) exited with $code"
    }
}

# sync_from_prism NAME [OPTION…]: every item that Prism sends must be archived or quarantined.
sync_from_prism() {
    local name=$1 port database code
    shift
    port=$(free_port)
    "$tools/prism/node_modules/.bin/prism" mock -h 127.0.0.1 -p "$port" "$@" "$contract" \
        >"$work/$name.log" 2>&1 &
    started+=($!)
    wait_until curl -fsS -H 'x-api-key: any' "http://127.0.0.1:$port/api/v1/sources/"

    probe_prism "$name" "$port"
    database=$work/$name.db
    rm -f "$database" "$database"-*
    # The second sync finds everything in the archive.
    for _ in first second; do
        code=0
        NEKT_API_KEY=any timeout 120 "$runledger" sync --quiet --db "$database" \
            --api-url "http://127.0.0.1:$port" >"$work/$name.out" 2>&1 || code=$?
        case $code in
        0 | 3) ;;
        *)
            cat "$work/$name.out" >&2
            fail "a sync from Prism ($name) exited with $code"
            ;;
        esac
    done
    stop_all
    "$runledger" status --json --db "$database" >"$work/$name.json"
    python3 - "$name" "$code" "$work/$name.json" <<'PYTHON'
import json, sys

name, code, path = sys.argv[1:]
status = json.load(open(path))
runs, quarantined = status["runs"], status["quarantined"]
assert runs + quarantined > 0, f"the archive has nothing that Prism ({name}) sent: {status}"
print(f"sync from Prism ({name}): {runs} runs archived, {quarantined} quarantined, exit code {code}")
PYTHON
}

check() {
    sandbox_conforms_to_the_contract
    sync_from_prism static
    # Seed 1 sends several runs. Seed 3 sends an endless `next` and a count of 70 million.
    for seed in 42 1 3; do
        sync_from_prism "dynamic-$seed" -d --seed "$seed" --json-schema-faker-fillProperties false
    done
}

run_family "$@"
