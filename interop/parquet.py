# Compares a dataset, read by DuckDB, Polars, pyarrow and Spark, with the reports of the archive that it was made from.
# usage: python interop/parquet.py RUNLEDGER ARCHIVE DATASET   (from the project's folder, with TZ=UTC)
import csv, datetime, decimal, io, pathlib, re, subprocess, sys

SUMS = ("el_cost_usd", "transformation_cost_usd", "total_cost_usd")
# Columns of doubles: the third decimal may be rounded the other way.
PERCENTILES = ("p50_seconds", "p95_seconds", "p99_seconds", "queued_p50_seconds", "queued_p95_seconds")
TOLERANCE = decimal.Decimal("0.001")


def report(name, *more):
    command = [runledger, "--db", archive, "report", name, "--zone", "UTC", "--format", "csv", *more]
    text = subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def cell(value):
    """A value in the form of runledger's CSV."""
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case decimal.Decimal():
            return format(value, "f")
        case datetime.datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        case _:
            return str(value)


def sorted_months(rows):
    """Rows of month, runs, runs without a known cost and three sums, in the order of the report."""
    rows = [["" if row[0] == "unbooked" else cell(row[0]), *(cell(value) for value in row[1:])] for row in rows]
    return sorted(rows, key=lambda row: (row[0] == "", row[0]))


def totals(rows):
    """Runs, runs without a known cost, and the three sums, over all months."""
    add = lambda column: sum(decimal.Decimal(row[column] or 0) for row in rows)
    return [add(column) for column in range(1, 6)]


def duckdb_rows():
    import duckdb

    sums = ", ".join(f"sum({name}_exact)" for name in SUMS)
    source = f"read_parquet('{dataset}/runs/**/*.parquet', hive_partitioning = true, hive_types = {{'month': VARCHAR}})"
    return duckdb.sql(
        f"SELECT month, count(*), count(*) FILTER (WHERE total_cost_usd IS NULL), {sums} FROM {source} GROUP BY month"
    ).fetchall()


def polars_rows():
    import polars as pl

    runs = pl.scan_parquet(f"{dataset}/runs", hive_schema={"month": pl.String})
    # Polars sums no values to 0; here the sum of unknown costs is unknown.
    known = lambda name: pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
    return (
        runs.group_by("month")
        .agg(pl.len(), pl.col("total_cost_usd").null_count(), *(known(f"{name}_exact") for name in SUMS))
        .collect()
        .rows()
    )


def pyarrow_rows():
    import pyarrow as pa, pyarrow.compute as pc, pyarrow.dataset as ds

    by_month = ds.partitioning(pa.schema([("month", pa.string())]), flavor="hive")
    runs = ds.dataset(f"{dataset}/runs", partitioning=by_month).to_table(
        columns=["month", "total_cost_usd", *(f"{name}_exact" for name in SUMS)]
    )
    rows = []
    for month in pc.unique(runs["month"]).to_pylist():
        of_month = runs.filter(pc.is_null(pc.field("month")) if month is None else pc.field("month") == month)
        sums = (pc.sum(of_month[f"{name}_exact"]).as_py() for name in SUMS)
        rows.append([month, of_month.num_rows, of_month["total_cost_usd"].null_count, *sums])
    return rows


def pandas_rows():
    import pandas

    # Without any options, as a reader would call it. The types of partitions are guessed then.
    runs = pandas.read_parquet(f"{dataset}/runs")
    rows = []
    for month, of_month in runs.groupby(runs.month.astype(str)):
        known = [of_month[f"{name}_exact"].dropna() for name in SUMS]
        sums = [sum(values, decimal.Decimal(0)) if len(values) else None for values in known]
        rows.append([month, len(of_month), int(of_month.total_cost_usd.isna().sum()), *sums])
    return rows


def compare(name, ours, theirs):
    """Fails if two answers differ by more than the tolerance. Returns the number of cells that differ at all."""
    columns, near = ours[0], 0
    assert theirs[0] == columns, f"{name}: columns of Spark: {theirs[0]}, of runledger: {columns}"
    assert len(theirs) == len(ours), f"{name}: rows of Spark: {len(theirs) - 1}, of runledger: {len(ours) - 1}"
    for row, (mine, other) in enumerate(zip(ours[1:], theirs[1:]), 1):
        for column, a, b in zip(columns, mine, other):
            if a == b:
                continue
            is_near = column in PERCENTILES and a and b and abs(decimal.Decimal(a) - decimal.Decimal(b)) <= TOLERANCE
            assert is_near, f"{name}, row {row}, {column}: Spark: {b!r}, runledger: {a!r}"
            near += 1
    return near


def spark_questions():
    from spark import ask, questions, session

    spark = session(dataset)
    near = cells = 0
    for name in questions():
        # Spark's months are those of the session, in UTC.
        ours = report(name)
        columns, rows = ask(spark, name)
        theirs = [columns, *([cell(value) for value in row] for row in rows)]
        near += compare(name, ours, theirs)
        cells += len(columns) * len(rows)
    print(f"Spark answers {len(questions())} questions as runledger does: {cells} cells, {near} of them within {TOLERANCE}")
    spark_tables(spark)
    spark.stop()


def spark_tables(spark):
    """Runs the CREATE TABLE statements of docs/parquet.md: their columns must be those of the files."""
    page = pathlib.Path("docs/parquet.md").read_text(encoding="utf-8")
    block = re.search(r"^#+ Spark.*?^```sql\n(.*?)^```", page, re.M | re.S)[1]
    other = spark.newSession()
    for statement in block.replace("LOCATION 'dataset/", f"LOCATION '{pathlib.Path(dataset).resolve()}/").split(";"):
        if statement.strip():
            other.sql(statement)
    for table in ("pipelines", "runs", "run_snapshots"):
        shape = lambda frame: [(field.name, field.dataType) for field in frame.schema]
        assert shape(other.table(table)) == shape(spark.table(table)), f"docs/parquet.md has other columns for {table}"
        assert other.table(table).count() == spark.table(table).count() > 0, table
        # Spark matches columns by name; a wrong type fails here.
        other.table(table).write.format("noop").mode("overwrite").save()
    print("Spark creates the tables of docs/parquet.md and reads every row")


runledger, archive, dataset = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(__file__).parent))
expected = [row[:6] for row in report("cost")[1:]]
for reader, rows in (("DuckDB", duckdb_rows()), ("Polars", polars_rows()), ("pyarrow", pyarrow_rows()), ("pandas", pandas_rows())):
    found = sorted_months(rows)
    assert found == expected, f"{reader}: {found}, runledger: {expected}"
    assert totals(found) == totals(expected)
    print(f"{reader} reads {len(found)} months, {totals(found)[0]} runs and exactly {totals(found)[4]} USD")
spark_questions()
