# Compares query times on an archive and on a dataset of the same runs: medians of three rounds.
# usage: python benches/parquet.py ARCHIVE DATASET   (from the project's folder; with duckdb, pyspark and the sqlite3 shell)
import pathlib, statistics, subprocess, sys, time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "interop"))
archive, dataset = sys.argv[1:]
ROUNDS = 3
COST = f"""
SELECT month, count(*), sum(el_cost_usd_exact), sum(transformation_cost_usd_exact), sum(total_cost_usd_exact)
FROM read_parquet('{dataset}/runs/**/*.parquet', hive_partitioning = true, hive_types = {{'month': VARCHAR}})
GROUP BY month ORDER BY month
"""
COSTLIEST = f"""
SELECT run_id, pipeline_name, total_cost_usd_exact
FROM read_parquet('{dataset}/runs/**/*.parquet', hive_partitioning = true, hive_types = {{'month': VARCHAR}})
ORDER BY total_cost_usd_exact DESC NULLS LAST LIMIT 20
"""


def timed(action):
    began = time.monotonic()
    action()
    return time.monotonic() - began


def command(*words, reads=None):
    source = open(reads) if reads else None
    return lambda: subprocess.run(words, stdin=source, stdout=subprocess.DEVNULL, check=True)


def duckdb(sql):
    return command(sys.executable, "-c", f"import duckdb; duckdb.sql({sql!r}).fetchall()")


ways = {}
for name in ("cost", "costliest-runs", "failures", "waste", "anomalies", "audit"):
    ways[f"{name}: runledger"] = command("target/release/runledger", "--db", archive, "report", name, "--format", "csv")
    if name in ("cost", "costliest-runs"):
        ways[f"{name}: sqlite3"] = lambda name=name: command("sqlite3", "-readonly", archive, reads=f"queries/{name}.sql")()
        ways[f"{name}: DuckDB"] = duckdb(COST if name == "cost" else COSTLIEST)

from spark import ask, session

began = time.monotonic()
spark = session(dataset)
print(f"Spark: {time.monotonic() - began:.1f} s to start", flush=True)
for name in ("cost", "costliest-runs", "failures", "waste", "anomalies", "audit"):
    ways[f"{name}: Spark"] = lambda name=name: ask(spark, name)
seconds = {way: [] for way in ways}
for _ in range(ROUNDS):
    for way, action in ways.items():
        seconds[way].append(timed(action))
for way in sorted(seconds):
    print(f"{way}: {statistics.median(seconds[way]):.2f} s", flush=True)
