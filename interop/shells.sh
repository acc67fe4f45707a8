#!/usr/bin/env bash
# The terminal: man pages (mandoc, groff), completions (bash, zsh, fish), table width and bars on a pseudo-terminal.
source "$(dirname "$0")/lib.sh"

install_tools() { apt_tools mandoc:mandoc man:man-db zsh:zsh fish:fish; }

man_pages_are_valid() {
    local pages=$work/man page
    rm -rf "$pages"
    "$runledger" man --output "$pages"
    for page in "$pages"/*.1; do
        # The pages have no date, as it would change with the day. Below "warning" are matters of style.
        mandoc -T lint -W warning "$page" | grep -v 'missing date' >"$work/mandoc.out" || true
        [ ! -s "$work/mandoc.out" ] || fail "mandoc: $(cat "$work/mandoc.out")"
        LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>"$work/man.out" >/dev/null
        [ ! -s "$work/man.out" ] || fail "groff: $page: $(cat "$work/man.out")"
    done
    echo "mandoc and groff accept $(find "$pages" -name '*.1' | wc -l) man pages"
}

# in_bash WORD …: prints what bash completes the last word to.
in_bash() {
    bash --norc -c '
        # compopt fails outside of a completion that readline started.
        compopt() { :; }
        source "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        _runledger runledger "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"
    ' bash "$work/completion.bash" "$@"
}

# in_fish LINE: prints what fish completes the last word of a line to, without the descriptions.
in_fish() {
    # shellcheck disable=SC2016 # fish expands it
    HOME=$work fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$work/completion.fish" "$1" | cut -f 1
}

# offers WORDS COMMAND …: fails unless COMMAND prints each of the comma-separated words.
offers() {
    local word words offered
    IFS=, read -ra words <<<"$1"
    shift
    offered=$("$@")
    for word in "${words[@]}"; do
        grep -qxF -- "$word" <<<"$offered" || fail "$*: no $word in: $offered"
    done
}

shells_complete() {
    local shell
    for shell in bash zsh fish; do
        "$runledger" completions $shell >"$work/completion.$shell"
        $shell -n "$work/completion.$shell" || fail "$shell: syntax error in its completions"
    done
    PATH=$(dirname "$runledger"):$PATH
    [ "$(in_bash runledger rep)" = report ] || fail "bash completes rep to: $(in_bash runledger rep)"
    offers costliest-runs in_bash runledger report co
    offers table,csv,json,markdown in_bash runledger report cost --format ''
    offers --what-if in_bash runledger report credits --wh
    offers month,pipeline,cost-center in_bash runledger report cost --by ''
    offers excel,excel-br in_bash runledger export runs --dialect ex
    offers bash,zsh,fish in_bash runledger completions ''
    touch "$work/some archive.db"
    offers "$work/some archive.db" in_bash runledger report --db "$work/some"

    offers report,restatements,reconcile in_fish 'runledger re'
    offers costliest-runs in_fish 'runledger report co'
    offers csv in_fish 'runledger report cost --format c'
    offers focus in_fish 'runledger export fo'
    offers --what-if in_fish 'runledger report credits --wh'
    echo "bash and fish complete commands, reports and options; zsh parses its completions"
}

check() {
    man_pages_are_valid
    shells_complete
    demo_archive "$work/demo.db"
    python3 interop/terminal.py "$runledger" "$work/demo.db"
}

run_family "$@"
