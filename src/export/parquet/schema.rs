//! The schema of a dataset: the columns of each table, with types and meanings.

use crate::report::rows::dataset::DatasetTable;
use crate::run::Field;
use crate::run::fields::{self, DocumentedField};
use crate::run::kind::ColumnType;
use crate::store::data_dictionary;
use std::sync::LazyLock;

/// The type of a column, and its representation in Parquet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A text: a UTF-8 string.
    Text,
    /// A JSON document: a UTF-8 string, because some engines cannot read the logical type.
    Json,
    /// Bytes: a UTF-8 string of lowercase hexadecimal digits.
    Hex,
    /// A whole number: INT64.
    Whole,
    /// A floating-point number: DOUBLE.
    Double,
    /// An exact amount in US dollars: DECIMAL(18, 9), stored as INT64.
    Usd,
    /// True or false: BOOLEAN.
    Flag,
    /// An instant: TIMESTAMP(MICROS, adjusted to UTC), stored as INT64.
    Instant,
}

impl Type {
    /// The name of the type in SQL.
    pub fn words(self) -> &'static str {
        match self {
            Type::Text => "string",
            Type::Json => "string (JSON)",
            Type::Hex => "string (hex)",
            Type::Whole => "bigint",
            Type::Double => "double",
            Type::Usd => "decimal(18,9)",
            Type::Flag => "boolean",
            Type::Instant => "timestamp (UTC)",
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name, the same as in the archive if the archive has the column.
    pub name: String,
    /// The type.
    pub is: Type,
    /// Whether every row has a value.
    pub required: bool,
    /// The meaning, the unit, and what NULL means: as in the archive's data dictionary if it has
    /// the column.
    pub meaning: String,
}

/// The columns of the table, in order.
pub fn columns(table: DatasetTable) -> &'static [Column] {
    static PIPELINES: LazyLock<Vec<Column>> = LazyLock::new(|| columns_of::<Field>(DatasetTable::Pipelines));
    static RUNS: LazyLock<Vec<Column>> = LazyLock::new(|| columns_of::<Field>(DatasetTable::Runs));
    static RUN_SNAPSHOTS: LazyLock<Vec<Column>> =
        LazyLock::new(|| columns_of::<Field>(DatasetTable::RunSnapshots));
    match table {
        DatasetTable::Pipelines => &PIPELINES,
        DatasetTable::Runs => &RUNS,
        DatasetTable::RunSnapshots => &RUN_SNAPSHOTS,
    }
}

/// The meaning of a row of the table.
pub fn row(table: DatasetTable) -> &'static str {
    match table {
        DatasetTable::Pipelines => {
            "a source, destination or transformation as last seen, including those deleted since"
        }
        DatasetTable::Runs => "the current state of a run",
        DatasetTable::RunSnapshots => {
            "one distinct state of a run, known from `observed_at` until `superseded_at` (half open)"
        }
    }
}

/// The columns that the files of the table are sorted by. The Parquet metadata contains them too.
pub fn sorted_by(table: DatasetTable) -> &'static [&'static str] {
    match table {
        DatasetTable::Pipelines => &["kind", "pipeline_id"],
        DatasetTable::Runs => &["booked_at", "run_id"],
        DatasetTable::RunSnapshots => &["booked_at", "run_id", "snapshot_id"],
    }
}

/// The suffix of exact amounts.
const EXACT: &str = "_exact";

const RUNS: &str = "workspace run_id number pipeline_kind pipeline_id pipeline_name status trigger_type created_at \
    updated_at started_at ended_at booked_at duration_seconds queued_seconds full_sync credit_charge_status \
    el_cost_usd transformation_cost_usd total_cost_usd el_cost_usd_exact transformation_cost_usd_exact \
    total_cost_usd_exact vanished_at trigger extra_config el_cost_metadata transformation_cost_metadata \
    triggered_by triggered_by_token source destination transformation absent unmapped content_hash observed_at \
    sync_id snapshot_id";

const RUN_SNAPSHOTS: &str = "workspace snapshot_id run_id observed_at superseded_at sync_id content_hash number \
    created_at updated_at started_at ended_at booked_at duration_seconds status trigger trigger_type full_sync \
    extra_config credit_charge_status el_cost_usd transformation_cost_usd el_cost_usd_exact \
    transformation_cost_usd_exact el_cost_metadata transformation_cost_metadata triggered_by triggered_by_token \
    source destination transformation absent unmapped";

const PIPELINES: &str = "workspace kind pipeline_id slug name description active status created_at updated_at \
    first_seen_at gone_at settings";

/// The columns of a table in the order of its SQL, with the fields that the list does not name
/// before `absent`.
fn columns_of<F: DocumentedField>(table: DatasetTable) -> Vec<Column> {
    let listed = match table {
        DatasetTable::Pipelines => PIPELINES,
        DatasetTable::Runs => RUNS,
        DatasetTable::RunSnapshots => RUN_SNAPSHOTS,
    };
    let mut names: Vec<String> = listed.split_whitespace().map(str::to_owned).collect();
    if let Some(end_of_fields) = names.iter().position(|name| name == "absent") {
        let later = F::ALL.iter().filter(|field| !names.iter().any(|name| *name == field.columns()[0].name));
        let later: Vec<String> = later
            .flat_map(|field| match field.columns() {
                [usd, _] => vec![usd.name.to_owned(), format!("{}{EXACT}", usd.name)],
                columns => vec![columns[0].name.to_owned()],
            })
            .collect();
        names.splice(end_of_fields..end_of_fields, later);
    }
    names.into_iter().map(|name| column::<F>(table, name)).collect()
}

fn column<F: DocumentedField>(table: DatasetTable, name: String) -> Column {
    let field = fields::columns::<F>().find(|field| table != DatasetTable::Pipelines && field.name == name);
    let is = match field.map(|field| field.holds) {
        Some(ColumnType::Text) => Type::Text,
        Some(ColumnType::Json) => Type::Json,
        Some(ColumnType::Integer | ColumnType::Nanos) => Type::Whole,
        Some(ColumnType::Real) => Type::Double,
        Some(ColumnType::Boolean) => Type::Flag,
        Some(ColumnType::Instant) => Type::Instant,
        None => match name.as_str() {
            "absent" | "unmapped" | "settings" => Type::Json,
            "content_hash" => Type::Hex,
            "sync_id" | "snapshot_id" => Type::Whole,
            "queued_seconds" | "total_cost_usd" => Type::Double,
            "active" => Type::Flag,
            name if name.ends_with(EXACT) => Type::Usd,
            name if name.ends_with("_at") => Type::Instant,
            _ => Type::Text,
        },
    };
    let required = match table {
        DatasetTable::Pipelines => {
            matches!(name.as_str(), "workspace" | "kind" | "pipeline_id" | "first_seen_at")
        }
        DatasetTable::Runs | DatasetTable::RunSnapshots => matches!(
            name.as_str(),
            "workspace" | "run_id" | "content_hash" | "observed_at" | "sync_id" | "snapshot_id"
        ),
    };
    let meaning = match name.as_str() {
        "workspace" => {
            "Name of the archive: the stem of its file name, or `--workspace`; the same in every row of one archive"
                .to_owned()
        }
        "booked_at" => {
            "Instant that puts the run into a month, by the dataset's date basis; NULL: not known (yet), the row is in \
             the month that is NULL"
                .to_owned()
        }
        name if name.ends_with(EXACT) => {
            let usd = name.trim_end_matches(EXACT);
            format!(
                "{usd} rounded half to even at the ninth decimal; sums are exact; NULL: not known (yet), or beyond \
                 999,999,999.999999999 (then {usd} is not NULL, and the export reports it)"
            )
        }
        name => data_dictionary::description_of::<F>(table.name(), name).unwrap_or_default().to_owned(),
    };
    Column { name, is, required, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::fields::extended;

    #[test]
    fn every_column_has_a_description() {
        for table in DatasetTable::ALL {
            for column in columns(table) {
                assert!(!column.meaning.is_empty(), "{}.{}", table.name(), column.name);
            }
        }
    }

    #[test]
    fn a_new_field_is_a_column_before_the_absent_fields() {
        for table in [DatasetTable::Runs, DatasetTable::RunSnapshots] {
            let columns = columns_of::<extended::Field>(table);
            let absent = columns.iter().position(|column| column.name == "absent").unwrap();
            let new: Vec<(&str, Type)> =
                columns[absent - 3..absent].iter().map(|column| (column.name.as_str(), column.is)).collect();
            let expected = [
                ("peak_memory_bytes", Type::Whole),
                ("spark_cost_usd", Type::Double),
                ("spark_cost_usd_exact", Type::Usd),
            ];
            assert_eq!(new, expected);
            assert_eq!(columns[absent - 3].meaning, "Peak memory of the run in bytes; NULL: not sent");
        }
    }
}
