#!/usr/bin/env bash
# The Debian package, built by packaging/build.sh: lintian, and install, use and purge in a minimal Debian.
# It contains the release binary. The profile `dist` of a real package links minutes longer.
source "$(dirname "$0")/lib.sh"

root=$work/root
# The minimal Debian, kept for the next time.
base=$work/root.tar

install_tools() {
    apt_tools debootstrap:debootstrap lintian:lintian
    cargo_tool cargo-deb 3.8.0
    [ -e "$base" ] || make_base
}

# A minimal Debian with the package's dependencies, from the mirror of this machine.
make_base() {
    local suite mirror
    suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
    locked apt apt_update
    # shellcheck disable=SC2016 # apt-get expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | sed -n 1p)
    [ -n "$mirror" ] || fail "apt has no mirror for $suite"
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$work/debootstrap.out" 2>&1 || {
        tail -n 20 "$work/debootstrap.out" >&2
        fail "debootstrap failed"
    }
    tar -cf "$base.part" -C "$root" .
    mv "$base.part" "$base"
}

inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }

files() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./var/lib/dpkg -o -path ./var/log \) \
        -prune -o -print | sort)
}

# package_works PACKAGE
package_works() {
    local package=$1 command file left
    rm -rf "$root"
    mkdir -p "$root"
    tar -xf "$base" -C "$root"
    files >"$work/files.before"
    cp "$package" "$root/tmp/runledger.deb"
    inside dpkg -i /tmp/runledger.deb >"$work/dpkg.out" 2>&1 || {
        cat "$work/dpkg.out" >&2
        fail "the package does not install"
    }
    rm "$root/tmp/runledger.deb"
    inside runledger --version
    inside runledger demo --runs 200 --db /root/try.db >"$work/demo.out" 2>&1 || fail "the demo failed: $(cat "$work/demo.out")"
    inside runledger check --db /root/try.db >/dev/null || fail "\`runledger check\` rejects the demo archive"
    for command in $(inside runledger --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | grep -vx help); do
        [ -s "$root/usr/share/man/man1/runledger-$command.1.gz" ] || fail "$command has no man page"
    done
    for file in man/man1/runledger.1.gz bash-completion/completions/runledger zsh/vendor-completions/_runledger \
        fish/vendor_completions.d/runledger.fish doc/runledger/copyright doc/runledger/README.md doc/runledger/queries/cost.sql; do
        [ -s "$root/usr/share/$file" ] || [ -s "$root/usr/share/$file.gz" ] || fail "the package lacks $file"
    done
    # An administrator enables units, not the package.
    if find "$root/etc/systemd" -name 'runledger*' 2>/dev/null | grep -q .; then fail "the package enables a unit"; fi

    inside dpkg --purge runledger >"$work/dpkg.out" 2>&1 || fail "the package does not purge: $(cat "$work/dpkg.out")"
    files >"$work/files.after"
    left=$(comm -13 "$work/files.before" "$work/files.after")
    ! grep -v '^\./root/try\.db' <<<"$left" || fail "a purge leaves files behind: $left"
    grep -qxF ./root/try.db <<<"$left" || fail "a purge deletes the archive"
}

check() {
    local package
    rm -f target/debian/runledger_*.deb
    PATH=$PATH:$tools/cargo/bin packaging/build.sh release >"$work/build.out" 2>&1 || {
        cat "$work/build.out" >&2
        fail "packaging/build.sh failed"
    }
    package=$(echo target/debian/runledger_*.deb)
    package_works "$package"
    lintian --fail-on error --suppress-tags bogus-mail-host "$package" >"$work/lintian.out" 2>&1 || {
        cat "$work/lintian.out" >&2
        fail "lintian finds errors in the package"
    }
    echo "$(basename "$package") installs, runs and purges in a minimal Debian: $(stat -c %s "$package") bytes"
}

run_family "$@"
