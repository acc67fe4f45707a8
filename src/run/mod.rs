//! A run: one execution of a pipeline, as the API documents it and as the archive stores it.

pub(crate) mod decode;
pub(crate) mod document;
pub(crate) mod fields;
mod fixed_point;
pub mod instant;
pub mod json;
mod json_type;
pub(crate) mod kind;
pub mod money;
pub mod redact;
pub mod vocabulary;

pub use decode::{DecodeError, Decoded, Drift, DriftKind, decode};
pub use document::FieldSet;
pub use fields::{Field, Run};
pub use fixed_point::{Fixed, Seconds, Share, Usd};
pub use instant::Instant;
pub use money::Cost;
pub use redact::Redaction;
pub use vocabulary::{ChargeStatus, Status, TriggerType};

impl Run {
    /// The type of the trigger. `None`: the trigger has no type, or the type is not a word.
    pub fn trigger_type(&self) -> Option<TriggerType> {
        let trigger = json::Entries::parse(self.trigger.as_deref()?)?;
        let word = json::text_of(trigger.get("type")?)?;
        // SQLite's command-line tools cut a text at NUL: such a word stays in the JSON only.
        (!word.contains('\0')).then(|| TriggerType::from_word(&word))
    }
}
