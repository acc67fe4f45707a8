#!/usr/bin/env bash
# This asks bash and fish to complete what somebody types, with the scripts of a runledger: tests/completions.sh PROGRAM FOLDER
set -euo pipefail
program=$1
folder=$2

fail() {
    echo "completions.sh: $*" >&2
    exit 1
}

# in_bash WORD …: what bash offers for the last word.
in_bash() {
    bash --norc -c '
        # Only what readline itself calls may ask for it.
        compopt() { :; }
        source "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        _runledger runledger "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"
    ' bash "$folder/completion.bash" "$@"
}

# in_fish LINE: what fish offers for the last word of a line, without what it says of it.
in_fish() {
    HOME=$folder fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$folder/completion.fish" "$1" | cut -f 1
}

# offers WORDS HOW …: that all of the words, with commas between them, are offered.
offers() {
    local word words offered
    IFS=, read -ra words <<<"$1"
    shift
    offered=$("$@")
    for word in "${words[@]}"; do
        grep -qxF -- "$word" <<<"$offered" || fail "$* offers no $word but: $offered"
    done
}

PATH=$(dirname "$program"):$PATH
[ "$(in_bash runledger rep)" = report ] || fail "bash completes rep as: $(in_bash runledger rep)"
offers dearest-runs in_bash runledger report de
offers table,csv,json,markdown in_bash runledger report cost --format ''
offers --what-if in_bash runledger report credits --wh
offers month,pipeline,centre in_bash runledger report cost --by ''
offers excel,excel-br in_bash runledger export runs --dialect ex
offers bash,zsh,fish in_bash runledger completions ''
touch "$folder/some archive.db"
offers "$folder/some archive.db" in_bash runledger report --db "$folder/some"

offers report,restatements,reconcile in_fish 'runledger re'
offers dearest-runs in_fish 'runledger report de'
offers csv in_fish 'runledger report cost --format c'
offers focus in_fish 'runledger export fo'
offers --what-if in_fish 'runledger report credits --wh'
