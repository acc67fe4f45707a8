//! A run: one execution of a pipeline, as the API documents it and as the archive stores it.

pub(crate) mod decode;
pub(crate) mod document;
pub(crate) mod fields;
mod fixed_point;
pub(crate) mod instant;
pub mod json;
mod json_text;
mod json_type;
pub(crate) mod kind;
pub(crate) mod money;
pub(crate) mod redact;
pub(crate) mod vocabulary;

pub use decode::decode;
pub(crate) use decode::{Drift, DriftKind};
pub(crate) use document::FieldSet;
pub(crate) use fields::Field;
pub use fields::Run;
pub(crate) use fixed_point::Share;
pub use fixed_point::{Fixed, Seconds, Usd};
pub use instant::Instant;
pub(crate) use money::Cost;
pub use redact::Redaction;
pub(crate) use vocabulary::TriggerType;
pub use vocabulary::{ChargeStatus, Status};

impl Run {
    /// The type of the trigger. `None`: the trigger has no type, or the type is not a word.
    pub fn trigger_type(&self) -> Option<TriggerType> {
        let trigger = json::Entries::parse(self.trigger.as_deref()?)?;
        let word = trigger.get("type")?.text()?;
        // SQLite's command-line tools cut a text at NUL: such a word stays in the JSON only.
        (!word.contains('\0')).then(|| TriggerType::from_word(&word))
    }
}
