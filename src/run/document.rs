//! This is a run's document: the API's own JSON, rebuilt from the run's fields.

use super::Run;
use super::json::{self, Entries};
use std::fmt::Write as _;

/// The documented fields of a run, in the contract's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is documented where the run holds it")]
pub enum Field {
    Id,
    Number,
    CreatedAt,
    UpdatedAt,
    StartedAt,
    EndedAt,
    DurationSeconds,
    Status,
    Trigger,
    FullSync,
    ExtraConfig,
    CreditChargeStatus,
    ElCostUsd,
    ElCostMetadata,
    TransformationCostUsd,
    TransformationCostMetadata,
    TriggeredBy,
    TriggeredByToken,
    Source,
    Destination,
    Transformation,
}

impl Field {
    /// All of them, in the contract's order.
    pub const ALL: [Field; 21] = [
        Field::Id,
        Field::Number,
        Field::CreatedAt,
        Field::UpdatedAt,
        Field::StartedAt,
        Field::EndedAt,
        Field::DurationSeconds,
        Field::Status,
        Field::Trigger,
        Field::FullSync,
        Field::ExtraConfig,
        Field::CreditChargeStatus,
        Field::ElCostUsd,
        Field::ElCostMetadata,
        Field::TransformationCostUsd,
        Field::TransformationCostMetadata,
        Field::TriggeredBy,
        Field::TriggeredByToken,
        Field::Source,
        Field::Destination,
        Field::Transformation,
    ];

    /// The field's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Number => "number",
            Field::CreatedAt => "created_at",
            Field::UpdatedAt => "updated_at",
            Field::StartedAt => "started_at",
            Field::EndedAt => "ended_at",
            Field::DurationSeconds => "duration_seconds",
            Field::Status => "status",
            Field::Trigger => "trigger",
            Field::FullSync => "full_sync",
            Field::ExtraConfig => "extra_config",
            Field::CreditChargeStatus => "credit_charge_status",
            Field::ElCostUsd => "el_cost_usd",
            Field::ElCostMetadata => "el_cost_metadata",
            Field::TransformationCostUsd => "transformation_cost_usd",
            Field::TransformationCostMetadata => "transformation_cost_metadata",
            Field::TriggeredBy => "triggered_by",
            Field::TriggeredByToken => "triggered_by_token",
            Field::Source => "source",
            Field::Destination => "destination",
            Field::Transformation => "transformation",
        }
    }

    /// The field of that name. `None`: the contract has none.
    pub fn named(name: &str) -> Option<Field> {
        Some(match name {
            "id" => Field::Id,
            "number" => Field::Number,
            "created_at" => Field::CreatedAt,
            "updated_at" => Field::UpdatedAt,
            "started_at" => Field::StartedAt,
            "ended_at" => Field::EndedAt,
            "duration_seconds" => Field::DurationSeconds,
            "status" => Field::Status,
            "trigger" => Field::Trigger,
            "full_sync" => Field::FullSync,
            "extra_config" => Field::ExtraConfig,
            "credit_charge_status" => Field::CreditChargeStatus,
            "el_cost_usd" => Field::ElCostUsd,
            "el_cost_metadata" => Field::ElCostMetadata,
            "transformation_cost_usd" => Field::TransformationCostUsd,
            "transformation_cost_metadata" => Field::TransformationCostMetadata,
            "triggered_by" => Field::TriggeredBy,
            "triggered_by_token" => Field::TriggeredByToken,
            "source" => Field::Source,
            "destination" => Field::Destination,
            "transformation" => Field::Transformation,
            _ => return None,
        })
    }
}

/// A set of documented fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldSet(u32);

impl FieldSet {
    /// Every documented field.
    pub fn all() -> FieldSet {
        FieldSet((1 << Field::ALL.len()) - 1)
    }

    /// Adds a field; says whether it is new.
    pub fn insert(&mut self, field: Field) -> bool {
        let before = self.0;
        self.0 |= 1 << field as u32;
        self.0 != before
    }

    /// Whether the field is in the set.
    pub fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u32) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields that are not in this set.
    pub fn complement(self) -> FieldSet {
        FieldSet(FieldSet::all().0 & !self.0)
    }

    /// The fields in the contract's order.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.contains(*field))
    }

    /// The names as a JSON array, as the archive stores them. `None`: the set is empty.
    pub fn to_json(self) -> Option<String> {
        let names: Vec<_> = self.iter().map(Field::name).collect();
        (!names.is_empty()).then(|| serde_json::to_string(&names).expect("names are always JSON"))
    }

    /// Reads what [`FieldSet::to_json`] wrote. `None`: it is not that.
    pub fn from_json(text: &str) -> Option<FieldSet> {
        let names: Vec<String> = serde_json::from_str(text).ok()?;
        let mut fields = FieldSet::default();
        for name in names {
            fields.insert(Field::named(&name)?);
        }
        Some(fields)
    }
}

impl Run {
    /// The run's document as the API sent it, on one line: documented fields first, in the
    /// contract's order. Instants are UTC with six digits, costs are plain decimals, nested
    /// objects are sorted by key, credentials are taken out; nothing else differs.
    pub fn document(&self) -> String {
        let unmapped = self.unmapped.as_deref().and_then(Entries::parse);
        let mut out = String::with_capacity(1400);
        out.push('{');
        for field in Field::ALL {
            if self.absent.contains(field) {
                continue;
            }
            begin_entry(&mut out);
            out.push('"');
            out.push_str(field.name());
            out.push_str("\":");
            match unmapped.as_ref().and_then(|entries| entries.get(field.name())) {
                Some(value) => out.push_str(value.get()),
                None => self.write_field(field, &mut out),
            }
        }
        for entry in unmapped.iter().flat_map(|entries| &entries.0) {
            if Field::named(&entry.key).is_none() {
                begin_entry(&mut out);
                out.push_str(entry.quoted_key.get());
                out.push(':');
                out.push_str(entry.value.get());
            }
        }
        out.push('}');
        out
    }

    fn write_field(&self, field: Field, out: &mut String) {
        match field {
            Field::Id => write_plain_text(Some(&self.id.hyphenated()), out),
            Field::Number => write_number(self.number, out),
            Field::CreatedAt => write_plain_text(self.created_at.as_ref(), out),
            Field::UpdatedAt => write_plain_text(self.updated_at.as_ref(), out),
            Field::StartedAt => write_plain_text(self.started_at.as_ref(), out),
            Field::EndedAt => write_plain_text(self.ended_at.as_ref(), out),
            Field::DurationSeconds => write_number(self.duration_seconds, out),
            Field::Status => write_text(self.status.as_ref().map(|status| status.as_str()), out),
            Field::Trigger => write_json(self.trigger.as_deref(), out),
            Field::FullSync => write_number(self.full_sync, out),
            Field::ExtraConfig => write_json(self.extra_config.as_deref(), out),
            Field::CreditChargeStatus => {
                write_text(self.credit_charge_status.as_ref().map(|status| status.as_str()), out);
            }
            // Rust prints a double as the shortest plain decimal that is that double, never an exponent.
            Field::ElCostUsd => write_number(self.el_cost_usd.map(|cost| cost.usd), out),
            Field::ElCostMetadata => write_json(self.el_cost_metadata.as_deref(), out),
            Field::TransformationCostUsd => {
                write_number(self.transformation_cost_usd.map(|cost| cost.usd), out)
            }
            Field::TransformationCostMetadata => {
                write_json(self.transformation_cost_metadata.as_deref(), out)
            }
            Field::TriggeredBy => write_number(self.triggered_by, out),
            Field::TriggeredByToken => write_text(self.triggered_by_token.as_deref(), out),
            Field::Source => write_text(self.source.as_deref(), out),
            Field::Destination => write_text(self.destination.as_deref(), out),
            Field::Transformation => write_text(self.transformation.as_deref(), out),
        }
    }
}

/// A comma, unless the object has just been opened.
fn begin_entry(out: &mut String) {
    if out.len() > 1 {
        out.push(',');
    }
}

fn write_number(value: Option<impl std::fmt::Display>, out: &mut String) {
    match value {
        Some(value) => {
            let _ = write!(out, "{value}");
        }
        None => out.push_str("null"),
    }
}

/// A text that needs no escapes: digits, letters and marks.
fn write_plain_text(value: Option<&impl std::fmt::Display>, out: &mut String) {
    match value {
        Some(value) => {
            out.push('"');
            let _ = write!(out, "{value}");
            out.push('"');
        }
        None => out.push_str("null"),
    }
}

fn write_text(value: Option<&str>, out: &mut String) {
    match value {
        Some(text) => json::write_text(text, out),
        None => out.push_str("null"),
    }
}

fn write_json(value: Option<&str>, out: &mut String) {
    out.push_str(value.unwrap_or("null"));
}
