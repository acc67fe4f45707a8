#!/usr/bin/env bash
# Builds the release artifacts: the binary, its man pages and completions, and a Debian package of them.
# usage: packaging/build.sh [PROFILE]   (default `dist`; `release` builds faster, to try the package)
#
# Needs cargo-deb (`cargo install cargo-deb@3.8.0 --locked`). Writes target/debian/runledger_*.deb.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-dist}

# Ignores CARGO_TARGET_DIR: Cargo.toml names the paths for cargo-deb.
cargo build --profile "$profile" --locked --target-dir target
runledger=target/$profile/runledger

out=target/packaging
rm -rf "$out"
share=$out/root/usr/share
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
# Debian requires this name.
gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
cp -r docs queries "$doc/"
# Not enabled: they need an API key that only the administrator can provide.
for unit in contrib/systemd/*.service contrib/systemd/*.timer; do
    install -D -m 644 "$unit" "$out/root/usr/lib/systemd/system/$(basename "$unit")"
done

# Reproducible: timestamps are those of the last commit. Set only after the build, as C compilers read the variable too
# and cargo would recompile the C code after every commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
version=$("$runledger" --version | cut -d ' ' -f 2)
cat >"$out/changelog" <<CHANGELOG
runledger ($version-1) unstable; urgency=medium

  * See CHANGELOG.md.

 -- The runledger maintainers <maintainers@runledger.invalid>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
cargo deb --no-build --profile "$profile" --locked
