//! A snapshot: one distinct state of a run, identified by the hash of its document.

pub use crate::digest::hash;

use crate::digest::Hash;
use crate::ignored_fields::{IgnoredFields, is_essential};
use crate::run::json::{Entries, JsonText};
use crate::run::{Field, Run, TriggerType};
use std::collections::HashMap;

/// SHA-256 of a run's document.
pub(crate) type ContentHash = Hash;

/// A run with the hash of its document.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The run.
    pub run: Run,
    /// SHA-256 of [`Run::document`].
    pub content_hash: ContentHash,
    /// [`Run::trigger_type`], computed here to save the writer's thread the work.
    pub trigger_type: Option<TriggerType>,
}

impl Snapshot {
    /// The snapshot of a run.
    pub fn of(run: Run) -> Snapshot {
        let content_hash = hash(run.document().as_bytes());
        let trigger_type = run.trigger_type();
        Snapshot { run, content_hash, trigger_type }
    }
}

/// A field that differs between two states of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The field's name in the API.
    pub field: String,
    /// Its JSON before. `None`: it was absent.
    pub before: Option<String>,
    /// Its JSON after. `None`: it is absent.
    pub after: Option<String>,
    /// The paths of the values in it that another value replaced, as [`IgnoredFields::difference`] lists them.
    pub replaced: Vec<String>,
}

/// The differences between two states of a run, in the order of the later document, without the ignored ones.
pub(crate) fn changes(before: &Run, after: &Run, ignored: &IgnoredFields) -> Vec<Change> {
    let (before, after) = (before.document(), after.document());
    let (before, after) = (entries(&before), entries(&after));
    let (values_before, values_after) = (values(&before), values(&after));
    let change = |field: &str| {
        let [before, after] = [&values_before, &values_after].map(|of| of.get(field).copied());
        let replaced = ignored.difference(field, before, after)?;
        let [before, after] = [before, after].map(|value| value.map(|value| value.get().to_owned()));
        Some(Change { field: field.to_owned(), before, after, replaced })
    };
    let removed = before.0.iter().filter(|entry| !values_after.contains_key(entry.key.as_ref()));
    after.0.iter().chain(removed).filter_map(|entry| change(&entry.key)).collect()
}

/// The JSON of each value by its key.
fn values<'a>(entries: &'a Entries<'_>) -> HashMap<&'a str, JsonText<'a>> {
    entries.0.iter().map(|entry| (entry.key.as_ref(), entry.value)).collect()
}

/// The result of comparing a state just seen with the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Everything seen is stored already; the stored state may have more fields.
    Known,
    /// Something differs, and every stored field was seen again.
    Differs,
    /// Something differs, but stored fields were not shown: the list shows less than the details.
    DiffersAndShowsLess,
}

/// The paths of the replaced values. Empty if a field changed on which reports depend.
pub(crate) fn inessential_paths(changes: Vec<Change>) -> Vec<String> {
    if changes.iter().any(|change| is_essential(&change.field)) {
        return Vec::new();
    }
    changes.into_iter().flat_map(|change| change.replaced).collect()
}

/// Classifies the changes of one run, from the stored document to the one just seen.
///
/// The list may show fewer fields than the details. Showing less is no change by itself: otherwise list and details
/// would add a snapshot in turn. Neither is another spelling of the id: both states are of one run.
pub(crate) fn compare(changes: &[Change]) -> Comparison {
    let changes = || changes.iter().filter(|change| change.field != Field::Id.name());
    let shows_less = changes().any(|change| change.after.is_none());
    let differs = changes().any(|change| change.after.is_some());
    match (differs, shows_less) {
        (false, _) => Comparison::Known,
        (true, false) => Comparison::Differs,
        (true, true) => Comparison::DiffersAndShowsLess,
    }
}

fn entries(document: &str) -> Entries<'_> {
    Entries::parse(document).expect("a run's document is an object")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(entries: &str) -> Run {
        let text = format!(r#"{{"id":"6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11"{entries}}}"#);
        crate::run::decode(serde_json::from_str(&text).unwrap(), &Default::default()).unwrap().run
    }

    #[test]
    fn the_hash_covers_the_exported_line() {
        let snapshot = Snapshot::of(run(r#","status":"success""#));
        assert_eq!(snapshot.content_hash, hash(snapshot.run.document().as_bytes()));
    }

    #[test]
    fn another_order_of_keys_is_the_same_state() {
        let one = Snapshot::of(run(r#","number":1,"extra_config":{"a":1,"b":2}"#));
        let other = Snapshot::of(run(r#","extra_config":{"b":2,"a":1},"number":1"#));
        assert_eq!(one.content_hash, other.content_hash);
    }

    #[test]
    fn a_change_has_field_before_and_after() {
        let before = run(r#","status":"running","log":"x""#);
        let after = run(r#","status":"success","el_cost_usd":0.5"#);
        let found: Vec<_> = changes(&before, &after, &IgnoredFields::default())
            .into_iter()
            .map(|change| (change.field, change.before.unwrap_or_default(), change.after.unwrap_or_default()))
            .collect();
        let expected =
            [("status", "\"running\"", "\"success\""), ("el_cost_usd", "", "0.5"), ("log", "\"x\"", "")];
        assert_eq!(found, expected.map(|(field, before, after)| (field.into(), before.into(), after.into())));
    }

    /// In quadratic time this test would take minutes.
    #[test]
    fn two_hundred_thousand_unknown_keys_take_linear_time() {
        let unknown = |value: &str| -> String {
            (0..200_000).map(|number| format!(r#","unknown_{:06}":{value}"#, number ^ 1)).collect()
        };
        let (before, after) = (run(&unknown("1")), run(&unknown("2")));
        assert_eq!(entries(before.unmapped.as_deref().unwrap()).0.len(), 200_000);
        assert_eq!(changes(&before, &after, &IgnoredFields::default()).len(), 200_000);
    }

    #[test]
    fn fewer_fields_alone_are_no_change() {
        let compare = |stored: &Run, seen: &Run| compare(&changes(stored, seen, &IgnoredFields::default()));
        let stored = run(r#","status":"success","el_cost_usd":0.5"#);
        assert_eq!(compare(&stored, &run(r#","status":"success""#)), Comparison::Known);
        let spelled = run(r#","status":"success","el_cost_usd":0.5"#).document().replace("6f6b", "6F6B");
        let spelled =
            crate::run::decode(serde_json::from_str(&spelled).unwrap(), &Default::default()).unwrap();
        assert_eq!(compare(&stored, &spelled.run), Comparison::Known);
        assert_eq!(compare(&stored, &run(r#","status":"failed""#)), Comparison::DiffersAndShowsLess);
        assert_eq!(compare(&stored, &run(r#","status":"success","el_cost_usd":0.6"#)), Comparison::Differs);
        assert_eq!(
            compare(&stored, &run(r#","status":"success","el_cost_usd":0.5,"x":1"#)),
            Comparison::Differs
        );
    }
}
