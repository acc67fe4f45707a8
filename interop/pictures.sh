#!/usr/bin/env bash
# Takes the pictures of docs/: the HTML report, and a terminal with reports of the demo archive.
#
#     interop/run pictures
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools convert:imagemagick
    chromium_env
}

check() {
    local name
    printf '[plan]\nfee_usd = "1490.00"\ncredits = 1200\n' >"$work/runledger.toml"
    demo_archive "$work/demo.db"
    node interop/pictures.mjs "$runledger" "$work" "$tools/browser"
    for name in html-report terminal; do
        # Few colors are used: a palette halves the file.
        convert "$work/$name.png" -strip +dither -colors 128 "PNG8:docs/$name.png"
        [ "$(stat -c %s "docs/$name.png")" -lt 150000 ] || fail "docs/$name.png is larger than 150 kB"
    done
}

run_family "$@"
