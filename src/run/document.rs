//! A run's document: the API's JSON, rebuilt from the run's fields.

use super::Run;
use super::fields::{DocumentedField, Record};
use super::json::Entries;

/// A set of documented fields, as a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldSet(u64);

#[allow(private_bounds, reason = "`Field` is the one type that callers pass")]
impl FieldSet {
    /// Adds a field. Returns whether it is new.
    pub fn insert<F: DocumentedField>(&mut self, field: F) -> bool {
        let before = self.0;
        self.0 |= 1 << field.index();
        self.0 != before
    }

    /// Whether the field is in the set.
    pub fn contains<F: DocumentedField>(self, field: F) -> bool {
        self.0 & (1 << field.index()) != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields that are not in this set.
    pub(crate) fn complement<F: DocumentedField>(self) -> FieldSet {
        FieldSet(((1 << F::ALL.len()) - 1) & !self.0)
    }

    /// The names as a JSON array, as the archive stores them. `None`: the set is empty.
    pub(crate) fn to_json<F: DocumentedField>(self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let names: Vec<_> =
            F::ALL.iter().filter(|field| self.contains(**field)).map(|field| field.name()).collect();
        Some(serde_json::to_string(&names).expect("names are always JSON"))
    }

    /// Parses the text of [`FieldSet::to_json`]. `None`: it is something else.
    pub(crate) fn from_json<F: DocumentedField>(text: &str) -> Option<FieldSet> {
        let names: Vec<String> = serde_json::from_str(text).ok()?;
        let mut fields = FieldSet::default();
        for name in names {
            fields.insert(F::named(&name)?);
        }
        Some(fields)
    }
}

impl Run {
    /// The run's document as the API sent it, on one line, documented fields first in the contract's order.
    ///
    /// Instants are UTC with six digits, costs are plain decimals, nested objects are sorted by key, and credentials
    /// are redacted. Nothing else differs.
    pub fn document(&self) -> String {
        document(self)
    }
}

pub(crate) fn document<R: Record>(record: &R) -> String {
    let unmapped = record.unmapped().and_then(Entries::parse);
    let mut out = String::with_capacity(1400);
    out.push('{');
    for field in R::Field::ALL {
        if record.absent().contains(*field) {
            continue;
        }
        begin_entry(&mut out);
        out.push('"');
        out.push_str(field.name());
        out.push_str("\":");
        match unmapped.as_ref().and_then(|entries| entries.get(field.name())) {
            Some(value) => out.push_str(value.get()),
            None => record.write_field(*field, &mut out),
        }
    }
    for entry in unmapped.iter().flat_map(|entries| &entries.0) {
        if R::Field::named(&entry.key).is_none() {
            begin_entry(&mut out);
            out.push_str(entry.quoted_key.json());
            out.push(':');
            out.push_str(entry.value.get());
        }
    }
    out.push('}');
    out
}

/// Appends a comma, unless the object has just been opened.
fn begin_entry(out: &mut String) {
    if out.len() > 1 {
        out.push(',');
    }
}
