#!/usr/bin/env bash
# This builds what is handed out: the `dist` binary, its man pages and completions, and a Debian package of it all.
# usage: packaging/build.sh [PROFILE]   (another than `dist` is for trying the package: it is built quicker)
#
# It needs cargo-deb (`cargo install cargo-deb@3.8.0 --locked`). The package is target/debian/runledger_*.deb.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-dist}

# Here, wherever else cargo is told to build: Cargo.toml names the place for cargo-deb.
cargo build --profile "$profile" --locked --target-dir target
runledger=target/$profile/runledger

made=target/packaging
rm -rf "$made"
share=$made/root/usr/share
doc=$share/doc/runledger
completions=(
    bash bash-completion/completions/runledger
    zsh zsh/vendor-completions/_runledger
    fish fish/vendor_completions.d/runledger.fish
)
"$runledger" man --output "$share/man/man1"
for ((i = 0; i < ${#completions[@]}; i += 2)); do
    mkdir -p "$share/$(dirname "${completions[i + 1]}")"
    "$runledger" completions "${completions[i]}" >"$share/${completions[i + 1]}"
done
mkdir -p "$doc"
cp README.md ARCHITECTURE.md "$doc/"
# The name that Debian has for it.
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
cp -r docs queries "$doc/"
# Installed and not enabled: only who runs the machine knows where the key is.
units=(packaging/systemd/*.service packaging/systemd/*.timer)
for unit in "${units[@]}"; do
    [ -e "$unit" ] && install -D -m 644 "$unit" "$made/root/usr/lib/systemd/system/$(basename "$unit")"
done

# The same sources make the same bytes: no clock but that of the last commit. Compilers of C are not told, or all of it
# would be compiled again after each commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
version=$("$runledger" --version | cut -d ' ' -f 2)
cat >"$made/changelog" <<CHANGELOG
runledger ($version-1) unstable; urgency=medium

  * What changed is in CHANGELOG.md.

 -- The runledger maintainers <maintainers@runledger.invalid>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
cargo deb --no-build --profile "$profile" --locked
