#!/usr/bin/env bash
# This installs a Debian package in a root where nothing else is, uses it and purges it: tests/package.sh PACKAGE FOLDER
set -euo pipefail
package=$1
folder=$2
root=$folder/debian

fail() {
    echo "package.sh: $*" >&2
    exit 1
}

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
# The mirror that this machine installs from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | sed -n 1p)
[ -n "$mirror" ] || fail "apt does not say where $suite is installed from"

# A minimal Debian with what the package depends on, made once.
[ -e "$folder/debian.tar" ] || {
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$folder/debootstrap.out" 2>&1 || {
        tail -n 20 "$folder/debootstrap.out" >&2
        fail "debootstrap cannot make a root"
    }
    tar -cf "$folder/debian.tar.part" -C "$root" .
    mv "$folder/debian.tar.part" "$folder/debian.tar"
}
rm -rf "$root"
mkdir -p "$root"
tar -xf "$folder/debian.tar" -C "$root"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./var/lib/dpkg -o -path ./var/log \) -prune -o -print | sort); }

files >"$folder/files.before"
cp "$package" "$root/tmp/runledger.deb"
inside dpkg -i /tmp/runledger.deb >"$folder/dpkg.out" 2>&1 || {
    cat "$folder/dpkg.out" >&2
    fail "the package cannot be installed"
}
rm "$root/tmp/runledger.deb"
inside runledger --version
inside runledger demo --runs 200 --db /root/try.db >"$folder/demo.out" 2>&1 || fail "the demo failed: $(cat "$folder/demo.out")"
inside runledger check --db /root/try.db >/dev/null || fail "the demo's archive is not in order"
for command in $(inside runledger --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | grep -vx help); do
    [ -s "$root/usr/share/man/man1/runledger-$command.1.gz" ] || fail "$command has no man page"
done
for file in man/man1/runledger.1.gz bash-completion/completions/runledger zsh/vendor-completions/_runledger \
    fish/vendor_completions.d/runledger.fish doc/runledger/copyright doc/runledger/README.md doc/runledger/queries/cost.sql; do
    [ -s "$root/usr/share/$file" ] || [ -s "$root/usr/share/$file.gz" ] || fail "$file is not there"
done
# Nothing runs by itself that nobody enabled.
if find "$root/etc/systemd" -name 'runledger*' 2>/dev/null | grep -q .; then fail "a unit is enabled"; fi

inside dpkg --purge runledger >"$folder/dpkg.out" 2>&1 || fail "the package cannot be purged: $(cat "$folder/dpkg.out")"
files >"$folder/files.after"
left=$(comm -13 "$folder/files.before" "$folder/files.after")
! grep -v '^\./root/try\.db' <<<"$left" || fail "a purge leaves more behind than the archive: $left"
grep -qxF ./root/try.db <<<"$left" || fail "a purge took the archive with it"
lintian --fail-on error --suppress-tags bogus-mail-host "$package" >"$folder/lintian.out" 2>&1 || {
    cat "$folder/lintian.out" >&2
    fail "lintian finds errors in the package"
}
echo "$(basename "$package") installs, runs and is purged in a clean $suite: $(stat -c %s "$package") bytes"
