#!/usr/bin/env bash
# The HTML report in Debian's Chromium: figures, layout, accessibility (axe), keyboard, print.
# Screenshots and PDFs stay in target/interop/browser/.
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools pdftotext:poppler-utils sqlite3:sqlite3
    chromium_env
}

check() {
    local name
    printf '[plan]\nfee_usd = "1490.00"\ncredits = 1200\n' >"$work/runledger.toml"
    demo_archive "$work/demo.db"
    # The same archive with pipeline names that break a careless page: markup, right-to-left text, emoji, 450 letters,
    # 300 kB.
    rm -f "$work/names.db"
    sqlite3 "$work/demo.db" "VACUUM INTO '$work/names.db'"
    sqlite3 "$work/names.db" "UPDATE pipeline_snapshots SET name = CASE position % 6
            WHEN 0 THEN '</script><script>alert(1)</script><img src=x onerror=alert(1)>'
            WHEN 1 THEN 'مبيعات ' || char(0x202e) || 'gnp.exe' || char(0x2028)
            WHEN 2 THEN '👩‍👩‍👧 ' || char(27) || '[31m\"&amp;'
            WHEN 3 THEN replace(hex(zeroblob(150)), '00', 'abc')
            WHEN 4 THEN replace(hex(zeroblob(25000)), '0', '𝕏' || char(0x300)) ELSE '  ' END
        FROM (SELECT kind AS k, pipeline_id AS id, row_number() OVER (ORDER BY kind, pipeline_id) AS position FROM pipelines)
        WHERE kind = k AND pipeline_id = id AND superseded_at IS NULL"
    "$runledger" --db "$work/names.db" report html --output "$work/names.html"
    # The first day of a month, and no plan.
    rm -rf "$work/first.db" "$work/noplan"
    mkdir "$work/noplan"
    sqlite3 "$work/demo.db" "VACUUM INTO '$work/first.db'" "VACUUM INTO '$work/noplan/demo.db'"
    sqlite3 "$work/first.db" "PRAGMA foreign_keys = OFF;
        CREATE TEMP TABLE noon AS SELECT strftime('%Y-%m-01T15:00:00.000000Z', max(ended_at)) AS at FROM syncs;
        DELETE FROM run_snapshots WHERE coalesce(started_at, created_at) > (SELECT at FROM noon);
        UPDATE run_snapshots SET observed_at = (SELECT at FROM noon);
        UPDATE syncs SET started_at = (SELECT at FROM noon), ended_at = (SELECT at FROM noon),
            last_observed_at = (SELECT at FROM noon), clock_started_at = NULL, clock_ended_at = NULL"
    "$runledger" --db "$work/first.db" report html --output "$work/first.html"
    touch "$work/noplan/runledger.toml"
    "$runledger" --db "$work/noplan/demo.db" report html --output "$work/noplan.html"
    # A workspace without runs.
    rm -rf "$work/empty" && mkdir "$work/empty"
    start_sandbox --runs 0
    NEKT_API_KEY=sandbox-key RUNLEDGER_API_URL=$sandbox_url "$runledger" --db "$work/empty/empty.db" sync --quiet
    "$runledger" --db "$work/empty/empty.db" report html --output "$work/empty.html"
    MORE="names first noplan empty" node interop/browser.mjs "$runledger" "$work/demo.db" "$work" "$tools/browser"
    local -A texts=([demo]='Cost by month' [nothing]='No runs in this time range')
    for name in "${!texts[@]}"; do
        pdftotext "$work/$name.pdf" "$work/$name.txt"
        grep -q "${texts[$name]}" "$work/$name.txt" || fail "$name.pdf does not say: ${texts[$name]}"
    done
}

run_family "$@"
