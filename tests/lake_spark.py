# This is Spark over a dataset: the views that queries/spark reads, and the questions asked of them.
# usage: python tests/lake_spark.py DATASET [NAME …]   (from the project's folder; times each question)
import os, pathlib, sys, time

QUERIES = pathlib.Path(__file__).parent.parent / "queries" / "spark"


def questions():
    return sorted(path.stem for path in QUERIES.glob("*.sql"))


def session(dataset):
    from pyspark.sql import SparkSession

    # Python shows instants in its own zone.
    os.environ["TZ"] = "UTC"
    time.tzset()
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.driver.memory", os.environ.get("LAKE_MEMORY", "4g"))
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
    """The columns and rows of a question."""
    sql = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    known = {key: None for key in ("from", "until", "limit") if f":{key}" in sql}
    frame = spark.sql(sql, args=known)
    return frame.columns, frame.collect()


if __name__ == "__main__":
    spark = session(sys.argv[1])
    parts = spark.sql("SELECT * FROM runs").rdd.getNumPartitions()
    print(f"runs: {spark.sql('SELECT count(*) FROM runs').first()[0]} in {parts} partitions", flush=True)
    for name in sys.argv[2:] or questions():
        began = time.monotonic()
        columns, rows = ask(spark, name)
        print(f"{name}: {len(rows)} rows in {time.monotonic() - began:.1f} s", flush=True)
    spark.stop()
