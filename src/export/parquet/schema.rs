//! The schema of a dataset: the columns of each table, with types and meanings.

use crate::report::rows::dataset::DatasetTable;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name, the same as in the archive if the archive has the column.
    pub name: &'static str,
    /// The type.
    pub is: Type,
    /// Whether every row has a value.
    pub required: bool,
    /// The meaning, the unit, and the meaning of NULL.
    pub meaning: &'static str,
}

const fn required(name: &'static str, is: Type, meaning: &'static str) -> Column {
    Column { name, is, required: true, meaning }
}

const fn optional(name: &'static str, is: Type, meaning: &'static str) -> Column {
    Column { name, is, required: false, meaning }
}

/// The columns of the table, in order.
pub fn columns(table: DatasetTable) -> &'static [Column] {
    match table {
        DatasetTable::Pipelines => PIPELINES,
        DatasetTable::Runs => RUNS,
        DatasetTable::RunSnapshots => RUN_SNAPSHOTS,
    }
}

/// The meaning of a row of the table.
pub fn row(table: DatasetTable) -> &'static str {
    match table {
        DatasetTable::Pipelines => {
            "a source, destination or transformation as it was last seen, also after it was deleted"
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

const WORKSPACE: Column = required(
    "workspace",
    Type::Text,
    "what the archive is called: the stem of its file's name, or `--workspace`; the same in every row of one archive",
);
const RUN_ID: Column = required("run_id", Type::Text, "the run's id (UUID)");
const NUMBER: Column = optional("number", Type::Whole, "its number within its pipeline; NULL: not sent");
const STATUS: Column = optional(
    "status",
    Type::Text,
    "pending_events, queued, running, success, failed, cancelling, canceled, or a word that is new; NULL: not sent",
);
const TRIGGER_TYPE: Column =
    optional("trigger_type", Type::Text, "what set it off: manual, cron, event; NULL: not sent");
const CREATED_AT: Column = optional("created_at", Type::Instant, "when the run was created; NULL: not sent");
const UPDATED_AT: Column =
    optional("updated_at", Type::Instant, "when the API last changed it; NULL: not sent");
const STARTED_AT: Column = optional("started_at", Type::Instant, "when it started; NULL: not started");
const ENDED_AT: Column = optional("ended_at", Type::Instant, "when it ended; NULL: not ended");
const BOOKED_AT: Column = optional(
    "booked_at",
    Type::Instant,
    "the instant that puts it into a month, by the dataset's date basis; NULL: none is known (yet), the row is in the month that is NULL",
);
const DURATION: Column =
    optional("duration_seconds", Type::Whole, "how long it took, in seconds; NULL: not known (yet)");
const FULL_SYNC: Column = optional(
    "full_sync",
    Type::Flag,
    "whether everything was synced, not only what is new; NULL: does not apply, or not sent",
);
const CHARGE: Column = optional(
    "credit_charge_status",
    Type::Text,
    "`charged`: the run cost one credit; `unsuccessful`: none; NULL: not known (yet)",
);
const EL: Column = optional(
    "el_cost_usd",
    Type::Double,
    "what extracting or loading cost, in US dollars: the double as the API sent it, for plots and not for sums; NULL: not known (yet)",
);
const TRANSFORMATION: Column =
    optional("transformation_cost_usd", Type::Double, "likewise what transforming cost");
const EL_EXACT: Column = optional(
    "el_cost_usd_exact",
    Type::Usd,
    "the same amount from the number's own text, rounded half to even at the ninth decimal: sums of it are exact; NULL: not known (yet), or beyond 999,999,999.999999999 (then `el_cost_usd` is not NULL, and the export says so)",
);
const TRANSFORMATION_EXACT: Column =
    optional("transformation_cost_usd_exact", Type::Usd, "likewise of `transformation_cost_usd`");
const TRIGGER: Column = optional("trigger", Type::Json, "what set it off, as the API sent it");
const EXTRA_CONFIG: Column = optional("extra_config", Type::Json, "the run's own settings");
const EL_METADATA: Column = optional("el_cost_metadata", Type::Json, "what `el_cost_usd` is made of");
const TRANSFORMATION_METADATA: Column =
    optional("transformation_cost_metadata", Type::Json, "what `transformation_cost_usd` is made of");
const TRIGGERED_BY: Column =
    optional("triggered_by", Type::Whole, "the id of the user who set it off; NULL: no user");
const TRIGGERED_BY_TOKEN: Column =
    optional("triggered_by_token", Type::Text, "the id (UUID) of the token that set it off; NULL: no token");
const SOURCE: Column =
    optional("source", Type::Text, "its source, by id or slug; NULL: it is no source's run");
const DESTINATION: Column =
    optional("destination", Type::Text, "its destination, by id or slug; NULL: it is no destination's run");
const TRANSFORMATION_ID: Column = optional(
    "transformation",
    Type::Text,
    "its transformation, by id or slug; NULL: it is no transformation's run",
);
const ABSENT: Column = optional(
    "absent",
    Type::Json,
    "documented fields that the API did not send, an array of names; NULL: it sent all",
);
const UNMAPPED: Column = optional(
    "unmapped",
    Type::Json,
    "what has no column, or what a column cannot give back exactly, an object; NULL: nothing",
);
const CONTENT_HASH: Column = required(
    "content_hash",
    Type::Hex,
    "SHA-256 of the run's document, the line that `runledger export documents` prints",
);
const OBSERVED_AT: Column = required("observed_at", Type::Instant, "when this state was first seen");
const SYNC_ID: Column = required("sync_id", Type::Whole, "which sync of the archive saw it");
const SNAPSHOT_ID: Column =
    required("snapshot_id", Type::Whole, "the number of this state in its archive, in the order of arrival");

const RUNS: &[Column] = &[
    WORKSPACE,
    RUN_ID,
    NUMBER,
    optional(
        "pipeline_kind",
        Type::Text,
        "source, destination or transformation; NULL: the run names none, or several",
    ),
    optional("pipeline_id", Type::Text, "the pipeline's id, or its slug; NULL: likewise"),
    optional("pipeline_name", Type::Text, "what it is called now; NULL: the catalogue does not know"),
    STATUS,
    TRIGGER_TYPE,
    CREATED_AT,
    UPDATED_AT,
    STARTED_AT,
    ENDED_AT,
    BOOKED_AT,
    DURATION,
    optional("queued_seconds", Type::Double, "from created to started, in seconds; NULL: not started"),
    FULL_SYNC,
    CHARGE,
    EL,
    TRANSFORMATION,
    optional(
        "total_cost_usd",
        Type::Double,
        "the sum of those of the two that are known, in US dollars: the double nearest to it; NULL: neither is known (yet)",
    ),
    EL_EXACT,
    TRANSFORMATION_EXACT,
    optional(
        "total_cost_usd_exact",
        Type::Usd,
        "the sum of those of the two that are known, exact; NULL: neither is known (yet), or it is too large",
    ),
    optional(
        "vanished_at",
        Type::Instant,
        "when the API was found not to have the run any more; NULL: it has it",
    ),
    TRIGGER,
    EXTRA_CONFIG,
    EL_METADATA,
    TRANSFORMATION_METADATA,
    TRIGGERED_BY,
    TRIGGERED_BY_TOKEN,
    SOURCE,
    DESTINATION,
    TRANSFORMATION_ID,
    ABSENT,
    UNMAPPED,
    CONTENT_HASH,
    OBSERVED_AT,
    SYNC_ID,
    SNAPSHOT_ID,
];

const RUN_SNAPSHOTS: &[Column] = &[
    WORKSPACE,
    SNAPSHOT_ID,
    RUN_ID,
    OBSERVED_AT,
    optional("superseded_at", Type::Instant, "when the next state was seen; NULL: this is the current one"),
    SYNC_ID,
    CONTENT_HASH,
    NUMBER,
    CREATED_AT,
    UPDATED_AT,
    STARTED_AT,
    ENDED_AT,
    BOOKED_AT,
    DURATION,
    STATUS,
    TRIGGER,
    TRIGGER_TYPE,
    FULL_SYNC,
    EXTRA_CONFIG,
    CHARGE,
    EL,
    TRANSFORMATION,
    EL_EXACT,
    TRANSFORMATION_EXACT,
    EL_METADATA,
    TRANSFORMATION_METADATA,
    TRIGGERED_BY,
    TRIGGERED_BY_TOKEN,
    SOURCE,
    DESTINATION,
    TRANSFORMATION_ID,
    ABSENT,
    UNMAPPED,
];

const PIPELINES: &[Column] = &[
    WORKSPACE,
    required("kind", Type::Text, "source, destination or transformation"),
    required("pipeline_id", Type::Text, "its id (UUID)"),
    optional("slug", Type::Text, "its slug; NULL: it has none"),
    optional("name", Type::Text, "what people call it: its name, else its description, else its slug"),
    optional("description", Type::Text, "its description"),
    optional("active", Type::Flag, "whether it is active; NULL: not sent"),
    optional("status", Type::Text, "its status in the list; NULL: not sent"),
    optional("created_at", Type::Instant, "when it was created; NULL: not sent"),
    optional("updated_at", Type::Instant, "when the API last changed it; NULL: not sent"),
    required("first_seen_at", Type::Instant, "when a sync first saw it"),
    optional("gone_at", Type::Instant, "when a complete list first lacked it; NULL: it is listed"),
];
