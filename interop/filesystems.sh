#!/usr/bin/env bash
# File systems that lack something: the built program with an operation that fails, by LD_PRELOAD and by strace.
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools c++:g++ strace:strace
    c++ -std=c++17 -Wall -Wextra -Werror -shared -fPIC -o "$tools/file_system.so" interop/file_system.cc -ldl
}

# lacking OPERATION ERRNO ARGUMENT…: runs the program without that operation, and sets `printed` and `code`.
lacking() {
    code=0
    printed=$(LACKS=$1 LACKS_ERRNO=$2 LD_PRELOAD=$tools/file_system.so "$runledger" "${@:3}" 2>&1) || code=$?
}

# refused WHAT: it must have ended with the advice to use a local disk.
refused() {
    [[ $code -eq 6 && $printed == *"$1"* && $printed == *'hint:  put the archive on a local disk'* ]] ||
        fail "exit $code without the advice: $printed"
}

check() {
    local archive=$work/a.db errno
    local close=(close 2020-01 --force --zone UTC --db "$archive")
    demo_archive "$archive" --runs 100
    # EINVAL, ENOSYS, EOPNOTSUPP
    for errno in 22 38 95; do
        rm -f "$work/copy.db" "$work/runs.csv"
        lacking folder-sync $errno backup --db "$archive" "$work/copy.db"
        [ $code -eq 0 ] && "$runledger" check --db "$work/copy.db" >/dev/null || fail "backup: exit $code: $printed"
        lacking folder-sync $errno export runs --db "$archive" --output "$work/runs.csv"
        [ $code -eq 0 ] && [ -s "$work/runs.csv" ] || fail "export: exit $code: $printed"
    done
    echo "finished work is finished on a file system that cannot sync folders"

    # ENOLCK, too
    for errno in 22 37 38 95; do
        lacking flock $errno "${close[@]}"
        refused 'has no locks'
    done
    for errno in 22 38; do
        lacking posix-locks $errno "${close[@]}"
        refused 'its file system has no working locks'
        lacking posix-locks $errno status --db "$archive"
        refused 'its file system has no working locks'
    done
    # ENODEV, EINVAL
    for errno in 19 22; do
        lacking shared-memory $errno "${close[@]}"
        refused 'its file system has no shared memory'
        lacking shared-memory $errno status --db "$archive"
        refused 'its file system has no shared memory'
    done
    # SQLite takes ENOLCK for a lock of another program, and waits.
    code=0
    printed=$(strace -f -o /dev/null -e trace=fcntl -e inject=fcntl:error=ENOLCK -P "$archive" \
        "$runledger" status --db "$archive" 2>&1) || code=$?
    refused 'its file system has no locks'
    "$runledger" check --db "$archive" >/dev/null || fail "the archive was changed"
    echo "an archive on a file system without locks or shared memory gets the advice to move it"
}

run_family "$@"
