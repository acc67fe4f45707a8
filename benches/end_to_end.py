#!/usr/bin/env python3
"""End-to-end benchmarks: whole processes against `runledger sandbox` in another process.

    cargo build --release && cargo bench --no-run
    python3 benches/end_to_end.py                     100,000 runs, three rounds
    python3 benches/end_to_end.py --runs 1000000      the sizes of docs/performance.md

Every figure is a median. Compared programs take turns within a round, so that a load spike affects both.
Linux only. Needs python3, GNU time and the sqlite3 shell. As root it also drops the page cache to read an
archive cold from disk.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

from processes import PROGRAM, ROOT, TARGET, Sandbox, measure, median, remove

SMALL = 10_000


def raw_insert():
    built = [path for path in (TARGET / "release" / "deps").glob("raw_insert-*") if path.suffix == ""]
    if not built:
        sys.exit("run `cargo bench --no-run` first")
    return max(built, key=lambda path: path.stat().st_mtime)


def without_parameters(sql):
    """A file's SQL with unset parameters, for the sqlite3 shell."""
    return re.sub(r":(from|until)\b", "NULL", (ROOT / sql).read_text())


class Table:
    """Figures and targets, as Markdown."""

    def __init__(self):
        print("| measurement | target | median |\n|---|---:|---:|", flush=True)

    def row(self, label, target, figure):
        print(f"| {label} | {target} | {figure} |", flush=True)


def load(table, sandbox, runs, rounds, archive, folder):
    syncs, inserts = [], []
    for _ in range(rounds):
        inserts.append(measure(raw_insert(), runs, keep=True, TMPDIR=str(folder)))
        remove(archive)
        syncs.append(sandbox.sync(archive))
    seconds = statistics.median(float(re.search(r"in ([\d.]+) s", insert.output)[1]) for insert in inserts)
    wall = median(syncs, "wall")
    table.row(f"first sync of {runs:,} runs", "", f"{wall:.2f} s, {runs / wall:,.0f} runs a second")
    table.row("raw insert of the same rows", "", f"{seconds:.2f} s, {runs / seconds:,.0f} runs a second")
    table.row("first sync : raw insert, by rate", "≥ 0.90", f"{seconds / wall:.2f}")
    table.row("first sync, CPU", "", f"{median(syncs, 'cpu'):.2f} s")
    table.row("first sync, peak memory", "< 100 MB", f"{median(syncs, 'megabytes'):.0f} MB")
    table.row("file, bytes a run", "≤ 1,300", f"{archive.stat().st_size / runs:,.0f}")


def nothing_new(table, sandbox, runs, rounds, archive):
    syncs = [sandbox.sync(archive, "--lookback", "0d") for _ in range(rounds)]
    pages = max(sync.summary["pages"] for sync in syncs)
    table.row(f"nothing new, {runs:,} runs: requests for runs", "≤ 2", f"{pages}")
    table.row(f"nothing new, {runs:,} runs: CPU", "< 50 ms", f"{median(syncs, 'cpu') * 1e3:.0f} ms")
    table.row(f"nothing new, {runs:,} runs: peak memory", "", f"{median(syncs, 'megabytes'):.0f} MB")


def full_walk(table, sandbox, runs, rounds, archive):
    walks = [sandbox.sync(archive, "--full") for _ in range(rounds)]
    pages = -(-runs // 500)
    summary = walks[0].summary
    table.row("full walk, nothing changed: requests for runs", f"{pages:,}", f"{summary['requests'] - 3:,}")
    table.row("full walk, nothing changed", "", f"{median(walks, 'wall'):.2f} s")
    table.row("full walk, CPU", "", f"{median(walks, 'cpu'):.2f} s")
    table.row("full walk, peak memory", "< 100 MB", f"{median(walks, 'megabytes'):.0f} MB")


def questions(table, runs, rounds, archive, folder):
    for name, target in (("cost", "1.20"), ("duration", "0.50")):
        ours, shells = [], []
        for _ in range(rounds):
            ours.append(measure(PROGRAM, "--db", archive, "report", name, "--by", "month"))
            shells.append(measure("sqlite3", "-readonly", archive, stdin=ROOT / "queries" / f"{name}.sql"))
        wall, shell_wall = median(ours, "wall"), median(shells, "wall")
        table.row(f"report {name} --by month", "", f"{wall:.2f} s, {median(ours, 'megabytes'):.0f} MB")
        table.row(f"sqlite3 < queries/{name}.sql", "", f"{shell_wall:.2f} s")
        table.row(f"report {name} : the shell, by time", f"≤ {target}", f"{wall / shell_wall:.2f}")
    if os.geteuid() == 0:
        for name in ("cost", "duration"):
            ours = []
            for _ in range(rounds):
                os.sync()
                pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
                ours.append(measure(PROGRAM, "--db", archive, "report", name))
            table.row(f"report {name}, cold from disk", "< 1.5 s", f"{median(ours, 'wall'):.2f} s")
        # Warms the page cache again.
        measure("cat", archive)

    for what in ("runs", "snapshots"):
        query = folder / f"{what}.sql"
        query.write_text(without_parameters(f"src/report/rows/{what}.sql"))
        ours, shells = [], []
        for _ in range(rounds):
            ours.append(measure(PROGRAM, "--db", archive, "export", what, "--format", "csv"))
            shells.append(measure("sqlite3", "-readonly", "-csv", "-header", archive, stdin=query))
        wall, shell_wall = median(ours, "wall"), median(shells, "wall")
        table.row(f"export {what} as CSV", "", f"{wall:.2f} s, {runs / wall:,.0f} rows a second")
        table.row(f"export {what}, peak memory", "< 30 MB", f"{median(ours, 'megabytes'):.0f} MB")
        table.row(f"export {what} : sqlite3 -csv, by time", "≤ 0.75", f"{wall / shell_wall:.2f}")

    statuses = [measure(PROGRAM, "--db", archive, "status") for _ in range(rounds)]
    table.row("status", "< 20 ms", f"{median(statuses, 'wall') * 1e3:.0f} ms")


def metadata(table, rounds, archive):
    """Questions about the JSON of runs, each against SQLite's JSON functions."""
    for arguments, plain in (
        (("cost", "--by", "el_cost_metadata.attempts"), "cost_by_path.sql"),
        (("metadata",), "metadata.sql"),
        (("components",), "components.sql"),
    ):
        ours, shells = [], []
        for _ in range(rounds):
            ours.append(measure(PROGRAM, "--db", archive, "report", *arguments))
            shells.append(measure("sqlite3", "-readonly", archive, stdin=ROOT / "benches" / "sql" / plain))
        wall, shell_wall = median(ours, "wall"), median(shells, "wall")
        words = " ".join(("report", *arguments))
        table.row(words, "< 200 MB", f"{wall:.2f} s, {median(ours, 'megabytes'):.0f} MB")
        table.row(f"{words} : sqlite3 < {plain}, by time", "≤ 1.20", f"{wall / shell_wall:.2f}")


def past_and_zones(table, rounds, archive, folder):
    """Time zones, date bases and past states, each against plain SQL with the same result."""
    sql = ROOT / "benches" / "sql"
    measure("sqlite3", archive, stdin=sql / "late_changes.sql")
    runs = folder / "runs.sql"
    runs.write_text(without_parameters("src/report/rows/runs.sql"))
    zone, past = ("--zone", "America/Sao_Paulo"), ("--as-of", "8999-01-01T00:00:00Z")
    for arguments, plain in (
        (("report", "cost", *zone), sql / "cost_in_zone.sql"),
        (("report", "cost", *past), sql / "cost_as_known.sql"),
        (("report", "cost", *zone, *past), sql / "cost_as_known.sql"),
        (("report", "cost", "--date-basis", "ended"), ROOT / "queries" / "cost.sql"),
        (("export", "runs", *zone), runs),
        (("export", "runs", *past), sql / "runs_as_known.sql"),
        (("export", "costs", *zone, *past), sql / "runs_as_known.sql"),
    ):
        ours, shells = [], []
        for _ in range(rounds):
            ours.append(measure(PROGRAM, "--db", archive, *arguments))
            shells.append(measure("sqlite3", "-readonly", "-csv", archive, stdin=plain))
        wall, shell_wall = median(ours, "wall"), median(shells, "wall")
        words = " ".join(arguments)
        table.row(words, "", f"{wall:.2f} s, {median(ours, 'megabytes'):.0f} MB")
        table.row(f"{words} : sqlite3 < {plain.name}, by time", "≤ 1.30", f"{wall / shell_wall:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000, help="number of runs in the sandbox")
    parser.add_argument("--rounds", type=int, default=3, help="number of measurements for each figure")
    parser.add_argument("--folder", help="folder for the archives (default: a temporary folder)")
    given = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="runledger-bench-", dir=given.folder))
    table = Table()
    try:
        archive, small = folder / "large.db", folder / "small.db"
        with Sandbox(SMALL, 9821) as sandbox:
            sandbox.sync(small)
            nothing_new(table, sandbox, SMALL, given.rounds, small)
        with Sandbox(given.runs, 9822) as sandbox:
            load(table, sandbox, given.runs, given.rounds, archive, folder)
            nothing_new(table, sandbox, given.runs, given.rounds, archive)
            full_walk(table, sandbox, given.runs, given.rounds, archive)
        questions(table, given.runs, given.rounds, archive, folder)
        metadata(table, given.rounds, archive)
        past_and_zones(table, given.rounds, archive, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
