#!/usr/bin/env bash
# Parquet datasets, read by DuckDB, Polars, pyarrow, pandas and Spark: the demo's, and one of a million generated runs.
# PARQUET_RUNS sets the size of the generated dataset; SPARK_MEMORY Spark's memory (default 4g).
source "$(dirname "$0")/lib.sh"

python=$tools/parquet/bin/python

install_tools() {
    apt_tools sqlite3:sqlite3 java:openjdk-17-jre-headless
    python_env parquet duckdb==1.5.5 polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1 pyspark==4.3.0
}

# Every reader gives the sums of the reports, and Spark answers every question as runledger does.
readers_agree_with_the_reports() {
    local archive=$work/demo.db dataset=$work/dataset
    demo_archive "$archive"
    # Runs without a booking.
    sqlite3 "$archive" "UPDATE run_snapshots SET started_at = NULL, created_at = NULL
        WHERE superseded_at IS NULL AND snapshot_id % 97 = 0"
    rm -rf "$dataset"
    "$runledger" --db "$archive" export parquet --zone UTC --snapshots --output "$dataset" 2>/dev/null
    TZ=UTC "$python" interop/parquet.py "$runledger" "$archive" "$dataset" 2>"$work/readers.err" || {
        tail -n 20 "$work/readers.err" >&2
        fail "a reader of the dataset and runledger disagree"
    }
}

# Spark finds the sums that the generator computed. It answers the other questions about a quarter: that they are right
# shows in readers_agree_with_the_reports.
spark_agrees_with_the_generator() {
    local generated=$work/generated sums=$work/generated.csv
    rm -rf "$generated"
    mkdir -p "$generated"
    cargo bench --locked --quiet --bench parquet -- "${PARQUET_RUNS:-1000000}" "$generated" \
        >"$sums" 2>"$work/generator.err" || {
        tail -n 20 "$work/generator.err" >&2
        fail "the generator failed"
    }
    "$python" interop/spark.py "$generated" "$sums" 2025-10 2>"$work/spark.err" || {
        tail -n 20 "$work/spark.err" >&2
        fail "Spark and the generator disagree"
    }
    rm -rf "$generated"
}

check() {
    readers_agree_with_the_reports
    spark_agrees_with_the_generator
}

run_family "$@"
