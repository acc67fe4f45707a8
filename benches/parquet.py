# This is the comparison of an archive with a dataset of the same runs: how long each takes to answer, medians of three rounds.
# usage: python benches/lake.py ARCHIVE DATASET   (from the project's folder; with duckdb and pyspark, and the sqlite3 shell)
import pathlib, statistics, subprocess, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))
archive, dataset = sys.argv[1:]
ROUNDS = 3
COST = f"""
SELECT month, count(*), sum(el_cost_usd_exact), sum(transformation_cost_usd_exact), sum(total_cost_usd_exact)
FROM read_parquet('{dataset}/runs/**/*.parquet', hive_partitioning = true, hive_types = {{'month': VARCHAR}})
GROUP BY month ORDER BY month
"""
DEAREST = f"""
SELECT run_id, pipeline_name, total_cost_usd_exact
FROM read_parquet('{dataset}/runs/**/*.parquet', hive_partitioning = true, hive_types = {{'month': VARCHAR}})
ORDER BY total_cost_usd_exact DESC NULLS LAST LIMIT 20
"""


def timed(act):
    began = time.monotonic()
    act()
    return time.monotonic() - began


def command(*words, reads=None):
    source = open(reads) if reads else None
    return lambda: subprocess.run(words, stdin=source, stdout=subprocess.DEVNULL, check=True)


def duckdb(sql):
    return command(sys.executable, "-c", f"import duckdb; duckdb.sql({sql!r}).fetchall()")


ways = {}
for name in ("cost", "dearest-runs", "failures", "waste", "anomalies", "audit"):
    ways[f"{name}: runledger"] = command("target/release/runledger", "--db", archive, "report", name, "--format", "csv")
    if name in ("cost", "dearest-runs"):
        ways[f"{name}: sqlite3"] = lambda name=name: command("sqlite3", "-readonly", archive, reads=f"queries/{name}.sql")()
        ways[f"{name}: DuckDB"] = duckdb(COST if name == "cost" else DEAREST)

from lake_spark import ask, session

began = time.monotonic()
spark = session(dataset)
print(f"Spark: {time.monotonic() - began:.1f} s until it can be asked", flush=True)
for name in ("cost", "dearest-runs", "failures", "waste", "anomalies", "audit"):
    ways[f"{name}: Spark"] = lambda name=name: ask(spark, name)
seconds = {way: [] for way in ways}
for _ in range(ROUNDS):
    for way, act in ways.items():
        seconds[way].append(timed(act))
for way in sorted(seconds):
    print(f"{way}: {statistics.median(seconds[way]):.2f} s", flush=True)
