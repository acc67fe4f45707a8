//! The fields that change detection ignores, because the API sends another value in every response.

use crate::run::Field;
use crate::run::json::{Entries, JsonText};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most paths that a comparison lists.
const MAX_PATHS: usize = 10;

/// The fields that every change detection needs: reports, closed months and settlement depend on them.
const ESSENTIAL: [Field; 13] = [
    Field::Id,
    Field::CreatedAt,
    Field::StartedAt,
    Field::EndedAt,
    Field::DurationSeconds,
    Field::Status,
    Field::Trigger,
    Field::CreditChargeStatus,
    Field::ElCostUsd,
    Field::TransformationCostUsd,
    Field::Source,
    Field::Destination,
    Field::Transformation,
];

/// Whether reports, closed months or settlement depend on the field with that name.
pub(crate) fn is_essential(field: &str) -> bool {
    ESSENTIAL.iter().any(|essential| essential.name() == field)
}

/// Paths of values in a run's document: keys joined by dots. A path passes through arrays without an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct IgnoredFields(Vec<String>);

impl TryFrom<Vec<String>> for IgnoredFields {
    type Error = String;

    fn try_from(paths: Vec<String>) -> Result<IgnoredFields, String> {
        for path in &paths {
            let field = path.split('.').next().unwrap_or_default();
            if path.split('.').any(str::is_empty) {
                return Err(format!("ignore_changes_in: `{path}` is no path of keys joined by dots"));
            }
            if is_essential(field) {
                return Err(format!("ignore_changes_in: reports need every change of `{field}`"));
            }
        }
        Ok(IgnoredFields(paths))
    }
}

impl IgnoredFields {
    /// The paths, in the order of the settings.
    pub(crate) fn paths(&self) -> &[String] {
        &self.0
    }

    /// Compares the canonical values of a field in two documents. `None`: they are equal, except where ignored.
    /// Otherwise the paths of values that another value replaced, at most ten; none if values came or went.
    pub(crate) fn difference(
        &self,
        field: &str,
        before: Option<JsonText<'_>>,
        after: Option<JsonText<'_>>,
    ) -> Option<Vec<String>> {
        let mut replaced = Vec::new();
        self.differ(&mut field.to_owned(), before, after, &mut replaced).then_some(replaced)
    }

    /// Whether two values at a path differ where they are not ignored.
    fn differ(
        &self,
        path: &mut String,
        before: Option<JsonText<'_>>,
        after: Option<JsonText<'_>>,
        replaced: &mut Vec<String>,
    ) -> bool {
        if before == after || self.0.contains(path) {
            return false;
        }
        let (Some(before), Some(after)) = (before, after) else { return true };
        if let (Some(before), Some(after)) = (Entries::of(before), Entries::of(after)) {
            let (before, after) = (by_key(&before), by_key(&after));
            let removed = before.keys().filter(|key| !after.contains_key(key));
            let mut differs = false;
            for key in after.keys().chain(removed) {
                let parent = path.len();
                path.push('.');
                path.push_str(key.0);
                let [before, after] = [&before, &after].map(|values| values.get(key).copied());
                differs |= self.differ(path, before, after, replaced);
                path.truncate(parent);
            }
            return differs;
        }
        if let (Some(before), Some(after)) = (before.elements(), after.elements())
            && before.len() == after.len()
        {
            let pairs = before.into_iter().zip(after);
            return pairs.fold(false, |differs, (before, after)| {
                self.differ(path, Some(before), Some(after), replaced) || differs
            });
        }
        if replaced.len() < MAX_PATHS && !replaced.contains(path) {
            replaced.push(path.clone());
        }
        true
    }
}

/// The values of a canonical object by key, and by the number of entries before it with the same key.
fn by_key<'a>(entries: &'a Entries<'a>) -> BTreeMap<(&'a str, usize), JsonText<'a>> {
    let mut values = BTreeMap::new();
    let (mut last, mut repetition) = (None, 0);
    for entry in &entries.0 {
        // A canonical object is sorted by key.
        repetition = if last == Some(&entry.key) { repetition + 1 } else { 0 };
        last = Some(&entry.key);
        values.insert((entry.key.as_ref(), repetition), entry.value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignoring(paths: &[&str]) -> IgnoredFields {
        paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>().try_into().unwrap()
    }

    fn difference(ignored: &[&str], before: &str, after: &str) -> Option<Vec<String>> {
        let [before, after] = [before, after].map(|text| JsonText::parse(text).unwrap());
        ignoring(ignored).difference("x", Some(before), Some(after))
    }

    #[test]
    fn a_difference_is_named_by_its_path() {
        let (before, after) =
            (r#"{"a":[{"u":1},{"u":2}],"b":{"c.d":1}}"#, r#"{"a":[{"u":3},{"u":4}],"b":{"c.d":2}}"#);
        assert_eq!(difference(&[], before, after).unwrap(), ["x.a.u", "x.b.c.d"]);
        assert_eq!(difference(&["x.a.u"], before, after).unwrap(), ["x.b.c.d"]);
        for ignored in [&["x.a.u", "x.b.c.d"][..], &["x.a", "x.b"], &["x"]] {
            assert_eq!(difference(ignored, before, after), None);
        }
    }

    #[test]
    fn a_value_that_comes_or_goes_is_a_difference_without_path() {
        for (before, after) in [(r#"{"a":1}"#, "{}"), ("{}", r#"{"a":null}"#)] {
            assert_eq!(difference(&[], before, after).unwrap(), [""; 0]);
            assert_eq!(difference(&["x.a"], before, after), None);
            assert!(difference(&["x.b"], before, after).is_some());
        }
        assert_eq!(difference(&[], "[1]", "[1,2]").unwrap(), ["x"]);
    }

    #[test]
    fn repeated_keys_are_compared_one_by_one() {
        assert!(difference(&[], r#"{"a":1,"a":2}"#, r#"{"a":1,"a":3}"#).is_some());
        assert!(difference(&[], r#"{"a":1,"a":2}"#, r#"{"a":1}"#).is_some());
    }

    #[test]
    fn many_keys_are_compared_in_linear_time() {
        let object = |value: u32| {
            let entries: Vec<_> = (0..50_000).map(|key| format!(r#""{key:05}":{value}"#)).collect();
            format!("{{{}}}", entries.join(","))
        };
        assert_eq!(difference(&[], &object(1), &object(2)).unwrap().len(), MAX_PATHS);
    }

    #[test]
    fn essential_fields_cannot_be_ignored() {
        for path in ["status", "el_cost_usd", "id", "source.name", "", "extra_config..a", "a."] {
            assert!(IgnoredFields::try_from(vec![path.to_owned()]).is_err(), "{path}");
        }
        assert!(IgnoredFields::try_from(vec!["extra_config.a".to_owned(), "log".to_owned()]).is_ok());
    }
}
