#!/usr/bin/env bash
# Files for spreadsheets: LibreOffice and openpyxl open every CSV dialect and XLSX; DuckDB sums them.
source "$(dirname "$0")/lib.sh"

install_tools() {
    apt_tools soffice:libreoffice-calc-nogui sqlite3:sqlite3
    duckdb_env spreadsheets openpyxl tzdata
}

check() {
    local archive=$work/ledger.db converted=$work/converted zone=America/Sao_Paulo dialect separator language month
    rm -rf "$work"
    mkdir -p "$converted"
    demo_archive "$archive" --runs 1000
    # Pipeline names with formula injection, with separators that could end a cell, with line ends, and those that a
    # spreadsheet would take for numbers, dates or truth values.
    sqlite3 "$archive" "UPDATE pipeline_snapshots SET name = CASE position % 16
            WHEN 8 THEN '00123' WHEN 9 THEN '1/2' WHEN 10 THEN '1E5' WHEN 11 THEN 'TRUE' WHEN 12 THEN 'Mar 1'
            WHEN 13 THEN 'a' || char(13, 10) || 'b' WHEN 14 THEN '1,5' WHEN 15 THEN '10:30'
            WHEN 0 THEN '=1+2' WHEN 1 THEN '+1' WHEN 2 THEN '-1+cmd|'' /C calc''!A0' WHEN 3 THEN '@SUM(1)'
            WHEN 4 THEN char(9) || '=1' WHEN 5 THEN '  =1' WHEN 6 THEN '＝1' ELSE 'a\";=1+2;\"b,=3' END
        FROM (SELECT kind AS k, pipeline_id AS id, row_number() OVER (ORDER BY kind, pipeline_id) AS position FROM pipelines)
        WHERE kind = k AND pipeline_id = id AND superseded_at IS NULL"
    ledger() { "$runledger" --db "$archive" "$@"; }
    ledger export runs --format ndjson --output "$work/runs.ndjson"
    ledger report cost --zone UTC --format json --output "$work/utc.json"
    ledger report cost --by month,pipeline --zone $zone --format json --output "$work/cost.json"
    ledger report costliest-runs --format json --output "$work/costliest.json"
    ledger report costliest-runs --zone $zone --decimals 6 --format xlsx --manifest --output "$work/costliest.xlsx"
    "$runledger" verify-file "$work/costliest.xlsx" >/dev/null
    month=$(sqlite3 "$archive" "SELECT strftime('%Y-%m', max(observed_at), '-32 days') FROM run_snapshots")
    for language in en pt-BR; do
        ledger export workbook --period "$month" --zone $zone --language $language --output "$work/workbook.$language.xlsx"
        # LibreOffice shows the stored values of formulas, unless a setting makes it calculate them again.
        mkdir -p "$work/profile/user"
        cat >"$work/profile/user/registrymodifications.xcu" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
XML
        soffice --headless "-env:UserInstallation=file://$work/profile" --convert-to xlsx --outdir "$converted" \
            "$work/workbook.$language.xlsx" >"$work/soffice.log" 2>&1 ||
            fail "LibreOffice cannot read the workbook: $(cat "$work/soffice.log")"
    done
    for dialect in machine excel excel-br; do
        ledger export runs --dialect $dialect --headings machine --zone $zone --manifest --output "$work/runs.$dialect.csv"
        ledger report cost --by month,pipeline --zone $zone --format csv --dialect $dialect --headings machine --manifest \
            --output "$work/cost.$dialect.csv"
        "$runledger" verify-file "$work/runs.$dialect.csv" >/dev/null
        "$runledger" verify-file "$work/cost.$dialect.csv" >/dev/null
        # Comma for an English, semicolon for a Brazilian office; UTF-8; dates and formulas are evaluated.
        if [ $dialect = excel-br ]; then separator=59 language=1046; else separator=44 language=1033; fi
        soffice --headless "-env:UserInstallation=file://$work/profile" --convert-to xlsx --outdir "$converted" \
            --infilter="CSV:$separator,34,76,1,,$language,false,true,false,false,false,0,true" \
            "$work/runs.$dialect.csv" "$work/cost.$dialect.csv" >"$work/soffice.log" 2>&1 ||
            fail "LibreOffice cannot read the dialect $dialect: $(cat "$work/soffice.log")"
    done
    "$tools/spreadsheets/bin/python" interop/spreadsheets.py "$archive" "$work"
}

run_family "$@"
