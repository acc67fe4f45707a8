//! The file `_schema.md`, which describes a dataset for its readers.

use super::schema::{columns, row, sorted_by};
use crate::report::rows::dataset::DatasetTable;

/// The description of a dataset with these tables, in this time zone and with this date basis.
pub(super) fn schema_page(tables: &[DatasetTable], zone: &str, date_basis: &str) -> String {
    let months = match date_basis {
        "ended" => "by their end; a run that has not ended has no month",
        "created" => "by their creation",
        _ => "by their start, or by their creation if they have not started",
    };
    let mut page = format!(
        "\
# Schema of this dataset

Written by `runledger export parquet`. The export replaces the files of months that changed, and removes the files of
months that no longer have rows. Do not put other files here. Spark, DuckDB, Trino, Athena and other readers ignore names
that start with `_` or `.`. `_runledger.json` records the content of each file.

- `runs` and `run_snapshots` are partitioned by month, in the time zone {zone}.
  Runs belong to months {months}.
  A file is `month=2026-01/part-0.parquet`; a second workspace has `part-1` in the same folder. `month` is a string from the
  folder name, not a column inside the files. Rows without a month are in `month=unbooked`.
- NULL means unknown (yet), or not applicable. An unknown value is never zero.
- Instants are UTC, with microseconds. Amounts are US dollars. Sum the columns `…_usd_exact`: they are decimals with nine
  places, so sums are exact in any order. Sums of doubles are not.
- The file of each month is replaced atomically. During an export, readers can briefly see a run in two months, or in none.

Read it (declare `month` as a string: some readers parse 2026-01 as a date):

    DuckDB   SELECT * FROM read_parquet('DIR/runs/**/*.parquet', hive_partitioning = true, hive_types = {{'month': VARCHAR}})
    Polars   pl.scan_parquet('DIR/runs', hive_schema={{'month': pl.String}})
    pyarrow  ds.dataset('DIR/runs', partitioning=ds.partitioning(pa.schema([('month', pa.string())]), flavor='hive'))
    Spark    spark.conf.set('spark.sql.sources.partitionColumnTypeInference.enabled', 'false'); spark.read.parquet('DIR/runs')
"
    );
    for table in tables {
        page.push_str(&format!(
            "\n## {}\n\nA row is {}. Sorted by {}.\n\n| column | type | | meaning |\n|---|---|---|---|\n",
            table.name(),
            row(*table),
            sorted_by(*table).iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        ));
        for column in columns(*table) {
            let required = if column.required { "never NULL" } else { "" };
            page.push_str(&format!(
                "| `{}` | {} | {required} | {} |\n",
                column.name,
                column.is.words(),
                column.meaning
            ));
        }
        if *table != DatasetTable::Pipelines {
            page.push_str("| `month` | string | | the month, from the folder name |\n");
        }
    }
    page
}
