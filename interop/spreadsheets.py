# Checks what spreadsheets and databases read from exported files: LibreOffice the CSV dialects, openpyxl the XLSX
# file, DuckDB the machine dialect and the archive.
# usage: spreadsheets.py ARCHIVE FOLDER   (spreadsheets.sh writes the files in FOLDER)
import csv, decimal, json, math, sqlite3, sys
from datetime import datetime
from zoneinfo import ZoneInfo
import zipfile

import duckdb, openpyxl

archive, folder = sys.argv[1:]
zone = ZoneInfo("America/Sao_Paulo")
decimals = decimal.Decimal
runs = [json.loads(line, parse_float=decimals) for line in open(f"{folder}/runs.ndjson", encoding="utf-8")]
escaped = 0


def local(instant):
    return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(zone).replace(microsecond=0, tzinfo=None)


def same(column, cell, truth, where):
    """Fails unless a spreadsheet's cell has the exported value."""
    global escaped
    if truth is None or truth == "":
        assert cell is None, (where, column, cell)
    elif column.endswith("_at"):
        assert cell == local(truth), (where, column, cell, truth)
    elif isinstance(truth, (int, decimals)):
        # LibreOffice stores 15 digits.
        assert not isinstance(cell, str) and math.isclose(cell, truth, rel_tol=1e-14), (where, column, cell, truth)
    elif isinstance(truth, (dict, list)):
        assert json.loads(cell, parse_float=decimals) == truth, (where, column, cell)
    else:
        # A cell has its lines end with LF.
        truth = truth.replace("\r\n", "\n")
        assert cell in (truth, "'" + truth), (where, column, cell, truth)
        escaped += cell != truth


# LibreOffice with formula evaluation on: the spreadsheet dialects.
for dialect in ("excel", "excel-br"):
    sheet = openpyxl.load_workbook(f"{folder}/converted/runs.{dialect}.xlsx").active
    rows = list(sheet.iter_rows())
    columns = [cell.value for cell in rows[0]]
    assert len(rows) == len(runs) + 1 and columns == list(runs[0])
    for row, run in zip(rows[1:], runs):
        for column, cell in zip(columns, row):
            assert cell.data_type != "f", (dialect, column, cell.value)
            same(column, cell.value, run[column], dialect)

    answer = json.load(open(f"{folder}/cost.json"), parse_float=decimals)["rows"]
    sheet = openpyxl.load_workbook(f"{folder}/converted/cost.{dialect}.xlsx").active
    *rows, last = list(sheet.iter_rows(values_only=True))[1:]
    assert len(rows) == len(answer) and last[0] == "all"
    for row, truth in zip(rows, answer):
        for (column, value), cell in zip(truth.items(), row):
            # LibreOffice reads the label of a month as its first day.
            same(column, cell.strftime("%Y-%m") if isinstance(cell, datetime) else cell, value, dialect)
assert escaped >= 8, f"only {escaped} formulas were escaped"

# A positive control: the machine dialect does not escape formulas.
sheet = openpyxl.load_workbook(f"{folder}/converted/runs.machine.xlsx").active
assert any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row), "LibreOffice evaluates no formulas"

# Python's csv: each dialect, to the last digit.
for dialect, separator, mark in (("machine", ",", "."), ("excel", ",", "."), ("excel-br", ";", ",")):
    text = open(f"{folder}/runs.{dialect}.csv", newline="", encoding="utf-8").read()
    assert text.startswith("\ufeff") == (dialect != "machine")
    for row, run in zip(csv.DictReader(text.lstrip("\ufeff").splitlines(keepends=True), delimiter=separator), runs):
        for column in ("el_cost_usd", "transformation_cost_usd", "total_cost_usd"):
            amount = row[column].replace(mark, ".")
            assert (decimals(amount) if amount else None) == run[column] and "e" not in amount.lower()

# The XLSX file.
path = f"{folder}/costliest.xlsx"
assert {entry.date_time for entry in zipfile.ZipFile(path).infolist()} == {(1980, 1, 1, 0, 0, 0)}
book = openpyxl.load_workbook(path)
assert book.sheetnames == ["Report", "Manifest"] and book.properties.created == datetime(1980, 1, 1)
sheet = book["Report"]
assert sheet["A1"].value == "Most expensive runs" and sheet["A2"].value.startswith("Known until ")
assert sheet["A3"].value == "America/Sao_Paulo · by start · USD"
assert sheet.freeze_panes == "B6" and sheet.page_setup.paperSize == 9 and sheet.print_title_rows == "$5:$5"
answer = json.load(open(f"{folder}/costliest.json"), parse_float=decimals)["rows"]
# The headings are below the title, and the notes below an empty row.
rows = list(sheet.iter_rows(min_row=5, max_row=5 + len(answer)))
assert len(rows) == len(answer) + 1
table = sheet.tables["RL_report"]
assert table.ref == f"A5:{rows[0][-1].column_letter}{5 + len(answer)}"
assert [column.name for column in table.tableColumns] == [cell.value for cell in rows[0]]
for row, truth in zip(rows[1:], answer):
    for column, cell in zip(truth, row):
        assert cell.data_type != "f" and cell.hyperlink is None
        value = truth[column]
        if column.endswith("_usd") and value is not None:
            value = value.quantize(decimals("0.000001"))  # --decimals 6: half to even
            assert cell.number_format == "#,##0.000000;-#,##0.000000", cell.number_format
        if column.endswith("_seconds") and value is not None:
            assert cell.number_format == "[h]:mm:ss" and abs(cell.value.total_seconds() - float(value)) < 0.001
        elif column.endswith("_at") and value is not None:
            same(column, cell.value, value, "xlsx")
        elif isinstance(value, str):
            # Names are in one line, and words such as statuses are written for people.
            name = value.replace("\r\n", " ").replace("\n", " ")
            assert cell.value.lower() in (name.lower(), value.lower()) or column in ("status", "pipeline_kind"), (column, cell.value)
        else:
            same(column, cell.value, value, "xlsx")
manifest = dict(book["Manifest"].iter_rows(min_row=2, values_only=True))
manifest_file = json.load(open(f"{folder}/costliest.manifest.json"))
assert manifest["rows"] == str(manifest_file["rows"]) == str(len(answer))
assert manifest["asked.question"] == manifest_file["asked"]["question"] == "report costliest-runs"

# The workbook: openpyxl opens each sheet, and the formulas of totals have the sums as values.
for language, names in (("en", "Summary Runs"), ("pt-BR", "Resumo Execuções")):
    path = f"{folder}/workbook.{language}.xlsx"
    values, formulas = openpyxl.load_workbook(path, data_only=True), openpyxl.load_workbook(path)
    summary, runs_sheet = (values[name] for name in names.split())
    assert len(values.sheetnames) == 11 and summary["B5"].value > 0
    assert [cell.value for row in summary.iter_rows(min_col=2, max_col=2) for cell in row].count("OK") == 4
    last = formulas[runs_sheet.title].tables["RL_runs"].ref.split(":")[1]
    total = formulas[runs_sheet.title][f"I{last[1:]}"].value
    assert total.startswith("=SUBTOTAL(109,RL_runs["), total
    assert math.isclose(runs_sheet[f"I{last[1:]}"].value, summary["B5"].value, rel_tol=1e-12)
    # LibreOffice calculates the same values.
    computed = openpyxl.load_workbook(f"{folder}/converted/workbook.{language}.xlsx", data_only=True)
    for row in formulas[runs_sheet.title].iter_rows(min_row=int(last[1:]), max_row=int(last[1:])):
        for cell in row:
            if cell.data_type == "f":
                found = computed[runs_sheet.title][cell.coordinate].value
                assert math.isclose(found, runs_sheet[cell.coordinate].value, rel_tol=1e-9), (cell.coordinate, found)
    assert [cell.value for row in computed[summary.title].iter_rows(min_col=2, max_col=2) for cell in row].count("OK") == 4

# The same totals from every engine.
report = {row["month"]: row["total_cost_usd"] for row in json.load(open(f"{folder}/utc.json"), parse_float=decimals)["rows"]}
quoted = f"{folder}/runs.machine.csv".replace("'", "''")
database = duckdb.connect()
by_csv = f"""SELECT booked_at[:7], sum(total_cost_usd::DECIMAL(38,9)) FROM read_csv('{quoted}', all_varchar=true, header=true)
             GROUP BY 1"""
assert dict(database.sql(by_csv).fetchall()) == report, "DuckDB sums the CSV differently"
database.sql("LOAD sqlite_scanner")
database.sql(f"ATTACH '{archive}' AS ledger (TYPE sqlite, READ_ONLY)")
by_archive = """SELECT coalesce(started_at, created_at)[:7],
                       sum((coalesce(el_cost_nanos, 0)::HUGEINT + coalesce(transformation_cost_nanos, 0))
                           ) FILTER (el_cost_nanos IS NOT NULL OR transformation_cost_nanos IS NOT NULL)
                FROM ledger.run_snapshots WHERE superseded_at IS NULL GROUP BY 1"""
nanos = {month: total if total is None else decimals(int(total)).scaleb(-9) for month, total in database.sql(by_archive).fetchall()}
assert nanos == report, "DuckDB sums the archive differently"
by_sqlite = "SELECT substr(booked_at, 1, 7), sum(total_cost_nanos) FROM runs GROUP BY 1"
stored = sqlite3.connect(f"file:{archive}?mode=ro", uri=True).execute(by_sqlite)
assert {month: total if total is None else decimals(total).scaleb(-9) for month, total in stored} == report
print(f"LibreOffice, openpyxl, Python and DuckDB read {len(runs)} runs unchanged, {escaped} formulas escaped")
