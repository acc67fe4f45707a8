#!/usr/bin/env python3
"""First loads of the same runs by runledger and by its peers, as whole processes against `runledger sandbox`.

    cargo build --release
    python3 -m venv target/peers
    target/peers/bin/pip install 'dlt[duckdb]==1.31.0' duckdb==2.0.1 orjson==3.13.0 pyarrow==26.0.1 sqlite-utils==4.2.1
    target/peers/bin/python benches/peers/compare.py                                   100,000 runs, three rounds
    target/peers/bin/python benches/peers/compare.py --runs 1000000 --without dlt_dictionaries,sqlite_utils_insert

The loaders take turns within a round. Each one's runs and sums are compared with runledger's. Figures are medians.
Linux only. Needs GNU time.
"""

import argparse
import hashlib
import pathlib
import sqlite3
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from processes import PROGRAM, Sandbox, measure, median  # noqa: E402

# The peers, with the file that each one writes and the table in it.
PEERS = {
    "duckdb_read_json": ("runs.duckdb", "runs"),
    "python_sqlite": ("runs.db", "runs"),
    "sqlite_utils_insert": ("runs.db", "runs"),
    "dlt_arrow": ("runs.duckdb", "nekt.runs"),
    "dlt_dictionaries": ("runs.duckdb", "nekt.runs"),
}
OURS = "runledger"


def load(name, address, folder):
    """One first load into an empty folder, in its own process."""
    if name == OURS:
        command = [PROGRAM, "--db", f"{folder}/runs.db", "sync", "--quiet"]
    else:
        command = [sys.executable, pathlib.Path(__file__).with_name(f"{name}.py"), address, folder]
    measurement = measure(
        *command,
        NEKT_API_KEY="sandbox-key", RUNLEDGER_API_URL=address, RUNTIME__DLTHUB_TELEMETRY="false",
    )
    measurement.bytes = sum(path.stat().st_size for path in pathlib.Path(folder).glob("runs.*"))
    return measurement


def stored(name, folder):
    """The number of runs, a hash of their ids, and their sums in nano-dollars, as a loader stored them."""
    if name == OURS:
        database = sqlite3.connect(f"{folder}/runs.db")
        rows = database.execute("SELECT run_id, el_cost_usd, transformation_cost_usd FROM runs")
    else:
        file, table = PEERS[name]
        if file.endswith(".duckdb"):
            import duckdb

            connect = duckdb.connect
        else:
            connect = sqlite3.connect
        database = connect(f"{folder}/{file}")
        rows = database.execute(f"SELECT id, el_cost_usd, transformation_cost_usd FROM {table}")
    ids, sums = [], [0, 0]
    for run_id, *costs in rows.fetchall():
        ids.append(str(run_id))
        for index, cost in enumerate(costs):
            # No cost has more than nine decimals, so that rounding undoes binary fractions.
            sums[index] += round(float(cost or 0) * 1e9)
    database.close()
    return len(ids), hashlib.sha256("".join(sorted(ids)).encode()).hexdigest(), *sums


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000, help="number of runs in the sandbox")
    parser.add_argument("--rounds", type=int, default=3, help="number of loads by each loader")
    parser.add_argument("--without", default="", help="peers to leave out, separated by commas")
    given = parser.parse_args()
    loaders = [OURS, *(name for name in PEERS if name not in given.without.split(","))]
    loads = {name: [] for name in loaders}
    with Sandbox(given.runs, 9823) as sandbox:
        for number in range(given.rounds):
            # Each round begins with another loader.
            for name in loaders[number % len(loaders) :] + loaders[: number % len(loaders)]:
                with tempfile.TemporaryDirectory(prefix="runledger-peers-") as folder:
                    loads[name].append(load(name, sandbox.address, folder))
                    found = stored(name, folder)
                    loads[name][-1].found = found
                    print(f"round {number + 1}: {name} {loads[name][-1].wall:.2f} s", file=sys.stderr)

    expected = loads[OURS][0].found
    for name in loaders:
        for one in loads[name]:
            if one.found != expected or one.found[0] != given.runs:
                sys.exit(f"{name} stored {one.found}, and runledger {expected}")
    runs, _, *sums = expected
    print(f"Every loader stored the same {runs:,} runs, with {sum(sums) / 1e9:,.9f} USD.\n")
    print("| loader | wall | CPU | peak memory | file, bytes per run | wall, runledger : peer | CPU |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    ours = loads[OURS]
    for name in loaders:
        wall, cpu = median(loads[name], "wall"), median(loads[name], "cpu")
        print(
            f"| {name} | {wall:.2f} s | {cpu:.2f} s | {median(loads[name], 'megabytes'):.0f} MB "
            f"| {median(loads[name], 'bytes') / runs:,.0f} "
            f"| {median(ours, 'wall') / wall:.2f} | {median(ours, 'cpu') / cpu:.2f} |"
        )


if __name__ == "__main__":
    main()
