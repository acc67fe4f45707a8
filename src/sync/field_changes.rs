//! Counts in which fields runs change, to find one that differs in every response.

use std::collections::BTreeMap;

/// Below this many changes, none is conspicuous.
const MIN_CHANGES: u64 = 20;

/// The most fields to count. One that most runs share is among the first.
const MAX_FIELDS: usize = 100;

/// The longest path to count, in bytes.
const MAX_PATH_BYTES: usize = 200;

/// A field in which most changed runs differ, while no field that reports use has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoisyField {
    /// Its path: keys joined by dots.
    pub path: String,
    /// The number of changes.
    pub changes: u64,
}

/// The number of changes by the path of the value that was replaced.
#[derive(Debug, Default)]
pub(super) struct FieldChanges(BTreeMap<String, u64>);

impl FieldChanges {
    /// Counts a changed run.
    pub(super) fn add(&mut self, replaced: &[String]) {
        for path in replaced.iter().filter(|path| path.len() <= MAX_PATH_BYTES) {
            if let Some(changes) = self.0.get_mut(path) {
                *changes += 1;
            } else if self.0.len() < MAX_FIELDS {
                self.0.insert(path.clone(), 1);
            }
        }
    }

    /// The fields in which more than half of the `changed` runs differ.
    pub(super) fn noisy(self, changed: u64) -> Vec<NoisyField> {
        let fields = self.0.into_iter().map(|(path, changes)| NoisyField { path, changes });
        fields.filter(|field| field.changes >= MIN_CHANGES && field.changes * 2 > changed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_in_most_of_many_changes_is_noisy() {
        let noisy = |times: u64, changed: u64| {
            let mut changes = FieldChanges::default();
            for number in 0..times {
                changes.add(&["a.b".to_owned(), format!("other {number}")]);
            }
            changes.noisy(changed).into_iter().map(|field| (field.path, field.changes)).collect::<Vec<_>>()
        };
        assert_eq!(noisy(20, 39), [("a.b".to_owned(), 20)]);
        assert_eq!(noisy(20, 40), []);
        assert_eq!(noisy(19, 19), []);
        assert_eq!(noisy(1000, 1000), [("a.b".to_owned(), 1000)]);
    }
}
