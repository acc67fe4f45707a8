#!/usr/bin/env bash
# Installs the man pages and completions, which `cargo install` does not, under a prefix such as ~/.local.
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
[ $# -eq 1 ] && [ -n "$1" ] || fail "expected one prefix, such as ~/.local or /usr/local"
case $1 in -*) fail "unknown option $1: expected a prefix such as ~/.local, or --uninstall and a prefix" ;; esac
prefix=${1%/}
man=$prefix/share/man/man1
# Where each shell looks for completions under a prefix.
bash=$prefix/share/bash-completion/completions/runledger
zsh=$prefix/share/zsh/site-functions/_runledger
fish=$prefix/share/fish/vendor_completions.d/runledger.fish

if [ $action = uninstall ]; then
    rm -f "$prefix/bin/runledger" "$man"/runledger.1 "$man"/runledger-*.1 "$bash" "$zsh" "$fish"
    echo "removed runledger, its man pages and completions from $prefix; archives are unchanged"
    exit
fi

runledger=${RUNLEDGER:-$(command -v runledger || true)}
[ -x "$runledger" ] || fail "no runledger on the PATH: run \`cargo install --path .\` first, or set RUNLEDGER"

mkdir -p "$man" "$(dirname "$bash")" "$(dirname "$zsh")" "$(dirname "$fish")"
# A second copy next to one on the PATH would be outdated by the next update.
[ -n "$(command -v runledger || true)" ] || install -D -m 755 "$runledger" "$prefix/bin/runledger"
# Removes the pages of commands that no longer exist.
rm -f "$man"/runledger.1 "$man"/runledger-*.1
"$runledger" man --output "$man"
"$runledger" completions bash >"$bash"
"$runledger" completions zsh >"$zsh"
"$runledger" completions fish >"$fish"
echo "installed man pages in $man and completions for bash, zsh and fish in $prefix/share"
