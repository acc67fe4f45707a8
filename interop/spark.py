# Spark over a dataset: the views that queries/spark/ reads, and its questions with their run times.
# usage: python interop/spark.py DATASET SUMS [MONTH]   (from the project's folder)
# SUMS is the CSV that benches/parquet.rs prints. Questions other than `cost` are asked about the runs since MONTH.
import csv, os, pathlib, sys, time

QUERIES = pathlib.Path(__file__).parent.parent / "queries" / "spark"


def questions():
    return sorted(path.stem for path in QUERIES.glob("*.sql"))


def session(dataset):
    from pyspark.sql import SparkSession

    # PySpark converts instants to Python's local zone.
    os.environ["TZ"] = "UTC"
    time.tzset()
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.driver.memory", os.environ.get("SPARK_MEMORY", "4g"))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    for table in ("pipelines", "runs", "run_snapshots"):
        spark.read.parquet(f"{dataset}/{table}").createOrReplaceTempView(table)
    return spark


def ask(spark, name):
    """The columns and rows of a question, with its parameters unset."""
    sql = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    parameters = {key: None for key in ("from", "until", "against_from", "against_until", "limit") if f":{key}" in sql}
    frame = spark.sql(sql, args=parameters)
    return frame.columns, frame.collect()


def timed(spark, name):
    began = time.monotonic()
    columns, rows = ask(spark, name)
    print(f"  {name}: {len(rows)} rows in {time.monotonic() - began:.1f} s", flush=True)
    return columns, rows


if __name__ == "__main__":
    dataset, sums, *since = sys.argv[1:]
    spark = session(dataset)
    partitions = spark.table("runs").rdd.getNumPartitions()
    print(f"Spark reads {spark.table('runs').count()} runs in {partitions} partitions", flush=True)
    columns, rows = timed(spark, "cost")
    expected = list(csv.reader(open(sums, newline="", encoding="utf-8")))
    found = [["" if value is None else str(value) for value in row[:7]] for row in rows]
    assert [columns[:7], *found] == expected, f"Spark: {found}, generator: {expected}"
    print("  every count and sum equals the generator's, to the last digit", flush=True)
    if since:
        for table in ("runs", "run_snapshots"):
            spark.table(table).where(f"month >= '{since[0]}'").createOrReplaceTempView(table)
        print(f"Of the {spark.table('runs').count()} runs since {since[0]}:", flush=True)
    for name in questions():
        if name != "cost":
            timed(spark, name)
    spark.stop()
