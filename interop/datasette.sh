#!/usr/bin/env bash
# Datasette, the stable and the coming version: answers every question as runledger does, and reads during a sync.
source "$(dirname "$0")/lib.sh"

stable=0.65.5
# It reads canned queries from its configuration instead of the metadata.
coming=1.0a41
# The plugin with the MCP server of docs/mcp.md.
mcp=0.3

install_tools() {
    apt_tools sqlite3:sqlite3
    python_env "datasette-$stable" "datasette==$stable"
    python_env "datasette-$coming" "datasette==$coming"
    python_env "datasette-mcp" "datasette==$stable" "datasette-mcp==$mcp"
}

# serve VERSION OPTION…: starts Datasette and sets `datasette_url`.
serve() {
    local version=$1 port
    shift
    port=$(free_port)
    "$tools/datasette-$version/bin/datasette" serve -h 127.0.0.1 -p "$port" "$@" >"$work/datasette.log" 2>&1 &
    started+=($!)
    datasette_url=http://127.0.0.1:$port
    wait_until curl -fsS "$datasette_url/-/versions.json"
}

# Neither blocks the other.
reads_while_a_sync_writes() {
    local archive=$work/live.db answers=0 sync
    rm -f "$archive" "$archive"-*
    start_sandbox --runs 5000 --latency-ms 20
    export NEKT_API_KEY=sandbox-key RUNLEDGER_API_URL=$sandbox_url
    "$runledger" sync --quiet --db "$archive"
    serve "$stable" "$archive"
    "$runledger" sync --quiet --full --page-size 20 --db "$archive" &
    sync=$!
    while kill -0 "$sync" 2>/dev/null; do
        curl -fsS -G "$datasette_url/live.json" --data-urlencode "_shape=array" \
            --data-urlencode "sql=SELECT count(*) AS runs FROM runs" | grep -q '"runs": 5000' ||
            fail "Datasette could not read the archive during a sync"
        answers=$((answers + 1))
    done
    wait "$sync" || fail "a sync failed while Datasette read the archive"
    [ "$answers" -ge 3 ] || fail "Datasette answered only $answers times during the sync"
    stop_all
    unset NEKT_API_KEY RUNLEDGER_API_URL
    echo "Datasette answered $answers times during a sync"
}

answers_every_question() {
    local archive=$work/demo.db metadata=$work/metadata.json version config
    demo_archive "$archive"
    "$runledger" --db "$archive" datasette-metadata --output "$metadata"
    for version in "$stable" "$coming"; do
        config=()
        [ "$version" = "$stable" ] || config=(--config "$metadata")
        serve "$version" "$archive" --metadata "$metadata" "${config[@]}" --plugins-dir contrib/datasette \
            --setting sql_time_limit_ms 20000 --setting max_returned_rows 100000
        sqlite3 "$archive" "SELECT date(max(booked_at), '-60 days'), date(max(booked_at), '-30 days') FROM runs" |
            tr '|' ' ' | python3 interop/datasette.py "$runledger" "$archive" "$metadata" "$datasette_url" ||
            fail "Datasette $version: $(tail -n 5 "$work/datasette.log")"
        stop_all
    done
}

# The questions of docs/mcp.md, on a backup.
answers_over_mcp() {
    local archive=$work/demo.db copy=$work/questions.db nanos
    [ -f "$archive" ] || demo_archive "$archive"
    rm -f "$copy"
    "$runledger" --db "$archive" backup "$copy"
    serve mcp -i "$copy" --setting sql_time_limit_ms 20000
    nanos=$(sqlite3 "$copy" "SELECT sum(total_cost_nanos) FROM runs")
    python3 interop/mcp.py "$datasette_url/-/mcp" questions "$nanos" ||
        fail "datasette-mcp $mcp: $(tail -n 5 "$work/datasette.log")"
    stop_all
}

check() {
    reads_while_a_sync_writes
    answers_every_question
    answers_over_mcp
}

run_family "$@"
