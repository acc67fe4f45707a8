#!/usr/bin/env bash
# This installs what `cargo install` leaves out: the man pages and the completions, below a prefix such as ~/.local.
#
#   cargo install --path . && packaging/install.sh ~/.local
#   packaging/install.sh --uninstall ~/.local
set -euo pipefail

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

action=install
if [ "${1:-}" = --uninstall ]; then
    action=uninstall
    shift
fi
[ $# -eq 1 ] && [ -n "$1" ] || fail "give one prefix, such as ~/.local or /usr/local"
case $1 in -*) fail "$1 is no prefix: give one such as ~/.local, or --uninstall and one" ;; esac
prefix=${1%/}
man=$prefix/share/man/man1
# Where each shell looks below a prefix.
bash=$prefix/share/bash-completion/completions/runledger
zsh=$prefix/share/zsh/site-functions/_runledger
fish=$prefix/share/fish/vendor_completions.d/runledger.fish

if [ $action = uninstall ]; then
    rm -f "$prefix/bin/runledger" "$man"/runledger.1 "$man"/runledger-*.1 "$bash" "$zsh" "$fish"
    echo "runledger, its man pages and completions are gone from $prefix; archives stay where they are"
    exit
fi

# The program is the one that was just installed, or built, or is named.
runledger=${RUNLEDGER:-$(command -v runledger || true)}
[ -x "$runledger" ] || fail "there is no runledger on the PATH: run \`cargo install --path .\` first, or name it in RUNLEDGER"

mkdir -p "$man" "$(dirname "$bash")" "$(dirname "$zsh")" "$(dirname "$fish")"
# One that is there already, wherever on the PATH, is enough: two would part with the next update.
[ -n "$(command -v runledger || true)" ] || install -D -m 755 "$runledger" "$prefix/bin/runledger"
# Pages of commands that an older version had.
rm -f "$man"/runledger.1 "$man"/runledger-*.1
"$runledger" man --output "$man"
"$runledger" completions bash >"$bash"
"$runledger" completions zsh >"$zsh"
"$runledger" completions fish >"$fish"
echo "man pages are in $man, completions for bash, zsh and fish below $prefix/share"
