//! This is a run: one execution of a pipeline, as the API documents it and as the archive holds it.

mod decode;
mod document;
mod fixed_point;
pub mod instant;
pub mod json;
mod json_type;
pub mod money;
pub mod redact;
pub mod vocabulary;

pub use decode::{DecodeError, Decoded, Drift, DriftKind, decode};
pub use document::{Field, FieldSet};
pub use fixed_point::{Fixed, Seconds, Share, Usd};
pub use instant::Instant;
pub use money::Cost;
pub use redact::Redaction;
pub use vocabulary::{ChargeStatus, Status, TriggerType};

use uuid::Uuid;

/// One state of a run, a field for each of the contract's.
///
/// `None` is null, or absent (then the field is in `absent`), or a value that does not fit (then
/// it is in `unmapped`). JSON texts are canonical (see [`json`]). Together the fields give back the
/// whole document: [`Run::document`].
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The run's id.
    pub id: Uuid,
    /// Counts the runs of one pipeline.
    pub number: Option<i64>,
    /// When the run was put on record.
    pub created_at: Option<Instant>,
    /// When the API last changed it. Costs can change without it.
    pub updated_at: Option<Instant>,
    /// When it began to work.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// How long it worked, in whole seconds.
    pub duration_seconds: Option<i64>,
    /// How far it has come.
    pub status: Option<Status>,
    /// What set it off: JSON.
    pub trigger: Option<String>,
    /// Whether everything was read anew.
    pub full_sync: Option<bool>,
    /// Settings of this run alone: JSON of any shape.
    pub extra_config: Option<String>,
    /// Whether it cost a credit.
    pub credit_charge_status: Option<ChargeStatus>,
    /// What extracting and loading cost.
    pub el_cost_usd: Option<Cost>,
    /// How that cost came about: JSON of any shape.
    pub el_cost_metadata: Option<String>,
    /// What transforming cost.
    pub transformation_cost_usd: Option<Cost>,
    /// How that cost came about: JSON of any shape.
    pub transformation_cost_metadata: Option<String>,
    /// The user who triggered it.
    pub triggered_by: Option<i64>,
    /// The id of the API token that triggered it, never the token.
    pub triggered_by_token: Option<String>,
    /// The source it extracted from: its id or its slug, the API does not say which.
    pub source: Option<String>,
    /// The destination it loaded into, likewise.
    pub destination: Option<String>,
    /// The transformation it ran, likewise.
    pub transformation: Option<String>,
    /// The documented fields that the document did not have.
    pub absent: FieldSet,
    /// What has no field here, or whose field cannot give it back exactly: a JSON object.
    pub unmapped: Option<String>,
}

impl Run {
    /// What set the run off. `None`: the trigger does not say, or not in a word.
    pub fn trigger_type(&self) -> Option<TriggerType> {
        let trigger = json::Entries::parse(self.trigger.as_deref()?)?;
        let word = json::text_of(trigger.get("type")?)?;
        // SQLite's tools cut a text at NUL: such a word stays in the JSON alone.
        (!word.contains('\0')).then(|| TriggerType::from_word(&word))
    }
}
