"""Recomputes money with Python's decimal, the sqlite3 shell and DuckDB, on archives with random costs.

Every amount that runledger prints must match to the last digit.

usage: interop/money.py RUNLEDGER ARCHIVE [ARCHIVES]

Runs from the project's folder; needs sqlite3 3.40, DuckDB 1.5.5 and duckdb-extension-sqlite-scanner. Each of the
ARCHIVES (default 50) is a copy of ARCHIVE with other costs.
"""

import csv
import io
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

getcontext().prec = 60
COSTS = ("el_cost_usd", "transformation_cost_usd", "total_cost_usd")
PLAIN = re.compile(r"-?[0-9]+\.[0-9]{9}")
ZONES = ("UTC", "America/Sao_Paulo", "Asia/Kathmandu")


def random_cost(dice):
    """Nano-dollars of either sign: unknown, zero, one, cents, dollars, or up to a million dollars."""
    nanos = dice.choice([None, 0, 1, dice.randrange(10**6), dice.randrange(10**9), dice.randrange(10**15)])
    return nanos if nanos is None or dice.random() < 0.8 else -nanos


def copy_with_random_costs(archive, path, dice):
    """Writes a copy of the archive with other costs. Some copies have one cost near the limit of 64 bits."""
    source, copy = sqlite3.connect(f"file:{archive}?mode=ro", uri=True), sqlite3.connect(path)
    source.backup(copy)
    snapshots = [row[0] for row in copy.execute("SELECT snapshot_id FROM run_snapshots")]
    costs = {snapshot: (random_cost(dice), random_cost(dice)) for snapshot in snapshots}
    if dice.random() < 0.3:
        # Sums in SQL must fit 64 bits.
        costs[dice.choice(snapshots)] = (dice.choice([1, -1]) * dice.randrange(8 * 10**18, 9 * 10**18), None)
    copy.executemany(
        "UPDATE run_snapshots SET el_cost_nanos = ?1, el_cost_usd = ?1 / 1e9, transformation_cost_nanos = ?2, "
        "transformation_cost_usd = ?2 / 1e9 WHERE snapshot_id = ?3",
        [(el, transformation, snapshot) for snapshot, (el, transformation) in costs.items()],
    )
    copy.commit()
    copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy.execute("PRAGMA journal_mode = DELETE")
    copy.close()


def amount(text):
    """The amount of a cell. None: unknown."""
    assert text == "" or (PLAIN.fullmatch(text) and (Decimal(text) != 0 or text[0] != "-")), text
    return Decimal(text) if text else None


def known_sum(amounts):
    """The sum of the known amounts. None: all are unknown."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def check(ask, path, folder, dice):
    """Checks one archive. Returns the number of amounts compared."""
    runs = rows_of(ask("export", "runs"))
    compared = 0
    # Each exported run against the stored one.
    stored = sqlite3.connect(path).execute("SELECT run_id, el_cost_nanos, transformation_cost_nanos FROM runs").fetchall()
    of_run = {run: tuple(nanos if nanos is None else Decimal(nanos) / 10**9 for nanos in pair) for run, *pair in stored}
    for exported in (runs, rows_of(ask("export", "costs"))):
        assert len(exported) == len(of_run)
        for row in exported:
            amounts = [amount(row[column]) for column in COSTS]
            assert (amounts[0], amounts[1]) == of_run[row["run_id"]] and amounts[2] == known_sum(amounts[:2]), row
            compared += 3
    states = rows_of(ask("export", "snapshots"))
    current = [row for row in states if not row["superseded_at"]]
    for column in COSTS[:2]:
        assert known_sum(amount(row[column]) for row in current) == known_sum(amount(row[column]) for row in runs)

    # Each group of a report against the rows it sums, in months of a zone.
    for zone in ZONES:
        for by, label in (("month", None), ("month,kind", "pipeline_kind"), ("month,status", "status")):
            groups = defaultdict(list)
            for row in runs:
                # The month by Python's own zone data.
                booked = row["booked_at"] and datetime.fromisoformat(row["booked_at"]).astimezone(ZoneInfo(zone))
                groups[(f"{booked:%Y-%m}" if booked else "", row[label] if label else None)].append(row)
            report = rows_of(ask("report", "cost", "--by", by, "--zone", zone))
            assert len(report) == len(groups)
            for row in report:
                group = groups[(row["month"], row[label] if label else None)]
                for column in COSTS:
                    assert amount(row[column]) == known_sum(amount(run[column]) for run in group), (zone, by, row)
                    compared += 1
                unknown = sum(run["total_cost_usd"] == "" for run in group)
                assert int(row["runs_cost_unknown"]) == unknown
                if unknown < len(group):
                    share = amount(row["total_cost_usd"]) / (len(group) - unknown)
                    assert amount(row["cost_per_run_usd"]) == share.quantize(Decimal("1e-9"), ROUND_HALF_EVEN)

    # The same SQL in the sqlite3 shell and in DuckDB.
    sql = Path("queries/cost.sql").read_text(encoding="utf-8")
    months = [list(row.values()) for row in rows_of(ask("report", "cost", "--zone", "UTC"))]
    shell = subprocess.run(
        ["sqlite3", "-readonly", "-csv", str(path)], input=sql, capture_output=True, text=True, check=True
    )
    assert list(csv.reader(io.StringIO(shell.stdout))) == months, "the sqlite3 shell disagrees"
    duck = duckdb.connect()
    duck.execute("SET integer_division = true")
    duck.execute("CREATE MACRO iif(condition, one, other) AS CASE WHEN condition THEN one ELSE other END")
    duck.execute(f"ATTACH '{path}' AS archive (TYPE sqlite, READ_ONLY)")
    # DuckDB reads the columns of a SQLite view as text.
    duck.execute(
        "CREATE VIEW runs AS SELECT * REPLACE (el_cost_nanos::BIGINT AS el_cost_nanos, transformation_cost_nanos::BIGINT "
        "AS transformation_cost_nanos, total_cost_nanos::BIGINT AS total_cost_nanos) FROM archive.runs"
    )
    answer = duck.execute(re.sub(r":(from|until)\b", "NULL", sql))
    cells = [["" if cell is None else str(cell) for cell in row] for row in answer.fetchall()]
    assert cells == months, "DuckDB disagrees"
    compared += 2 * sum(map(len, months))

    # The CSV files, read by DuckDB as decimals.
    (folder / "runs.csv").write_text(ask("export", "runs"), encoding="utf-8", newline="")
    (folder / "cost.csv").write_text(ask("report", "cost", "--by", "day,pipeline"), encoding="utf-8", newline="")
    types = ", ".join(f"'{column}': 'DECIMAL(38, 9)'" for column in COSTS)
    for column in COSTS:
        sums = [
            duck.execute(f"SELECT sum({column}) FROM read_csv('{folder / name}', types = {{{types}}})").fetchone()[0]
            for name in ("runs.csv", "cost.csv")
        ]
        assert sums[0] == sums[1] == known_sum(amount(row[column]) for row in runs), column

    # Fewer decimals, in CSV and XLSX: rounded half to even from the exact amount, not from a rounded one.
    decimals = dice.randrange(10)
    place = Decimal(1).scaleb(-decimals)
    ask("report", "cost", "--decimals", str(decimals), "--format", "xlsx", "--output", str(folder / "cost.xlsx"))
    with zipfile.ZipFile(folder / "cost.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    numbers = dict(re.findall(r'<c r="([A-Z]+[0-9]+)"[^>]*><v>([^<]*)</v>', sheet))
    exact, few = rows_of(ask("report", "cost")), rows_of(ask("report", "cost", "--decimals", str(decimals)))
    for line, (row, rounded) in enumerate(zip(exact, few), start=6):
        for letter, column in zip("DEF", COSTS):
            if row[column]:
                expected = Decimal(row[column]).quantize(place, ROUND_HALF_EVEN)
                text, number = rounded[column], numbers[f"{letter}{line}"]
                assert Decimal(text) == expected and ("." in text) == (decimals > 0), (text, expected)
                assert len(text.partition(".")[2]) == decimals and "e" not in text.lower(), text
                assert float(number) == float(expected) and "e" not in number.lower(), (number, expected)
                for shown in (text, number):
                    assert Decimal(shown) != 0 or not shown.startswith("-"), shown
                compared += 2
            else:
                assert rounded[column] == "" and f"{letter}{line}" not in numbers
    return compared


def main(runledger, archive, archives="50"):
    compared = 0
    for seed in range(int(archives)):
        dice = random.Random(seed)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = folder / "archive.db"
            copy_with_random_costs(archive, path, dice)

            def ask(*arguments):
                command = [runledger, "--db", str(path), *arguments]
                if "--format" not in arguments:
                    command += ["--format", "csv"]
                return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout

            compared += check(ask, path, folder, dice)
    print(f"Python, the sqlite3 shell and DuckDB agree on {compared} amounts in {archives} archives")


if __name__ == "__main__":
    main(*sys.argv[1:])
