//! Paths to values in the JSON columns of a run: `el_cost_metadata.compute.instance_type`.

use crate::error::{Error, Result};
use std::fmt;
use std::sync::Arc;

/// The columns with JSON documents that paths lead into, in the order of reports.
pub(crate) const JSON_COLUMNS: [&str; 3] =
    ["el_cost_metadata", "transformation_cost_metadata", "extra_config"];

/// A path to one value in a JSON column. Its text is the column, then `.key` for an entry of an object and `[0]` for an
/// element of an array. A key with other characters than letters, digits, `_` and `-` is a JSON string: `."a key"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetadataPath {
    column: &'static str,
    steps: Arc<[Step]>,
}

/// A step from a JSON value to a value within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    /// The entry of an object with this key.
    Key(String),
    /// The element of an array with this index, from 0.
    Element(usize),
}

impl MetadataPath {
    /// Whether a text begins like a path, with a JSON column.
    pub fn is_path(text: &str) -> bool {
        split_column(text).is_some()
    }

    /// Parses the text of a path.
    ///
    /// # Errors
    /// [`Error::Usage`] naming what is wrong. `[*]` is an error: a run would be in several groups.
    pub fn parse(text: &str) -> Result<MetadataPath> {
        let invalid = |why: &str| Error::Usage {
            what: format!("--by {text}: {why}"),
            hint: Some("`runledger report metadata` lists the paths, as --by accepts them".to_owned()),
        };
        let Some((column, mut rest)) = split_column(text) else {
            return Err(invalid(&format!("a path begins with {}", JSON_COLUMNS.join(", "))));
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = first_step(rest).map_err(invalid)?;
            steps.push(step);
            rest = after;
        }
        Ok(MetadataPath { column, steps: steps.into() })
    }

    /// The column that the path leads into.
    pub(super) fn column(&self) -> &'static str {
        self.column
    }

    /// The path within the column, as SQLite's JSON functions read it.
    pub(super) fn json_path(&self) -> String {
        let mut path = "$".to_owned();
        for step in self.steps.iter() {
            match step {
                Step::Key(key) => {
                    path.push('.');
                    path.push_str(&quoted(key));
                }
                Step::Element(index) => push_element(&index.to_string(), &mut path),
            }
        }
        path
    }
}

impl fmt::Display for MetadataPath {
    /// Writes the text that [`MetadataPath::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = self.column.to_owned();
        for step in self.steps.iter() {
            match step {
                Step::Key(key) => push_key(key, &mut path),
                Step::Element(index) => push_element(&index.to_string(), &mut path),
            }
        }
        f.write_str(&path)
    }
}

/// Appends the step to an entry of an object.
pub(super) fn push_key(key: &str, path: &mut String) {
    path.push('.');
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    if !key.is_empty() && key.chars().all(is_plain) {
        path.push_str(key);
    } else {
        // --by splits its value at commas.
        path.push_str(&quoted(key).replace(',', "\\u002c"));
    }
}

/// Appends the step to an element of an array; `*` means every element.
pub(super) fn push_element(index: &str, path: &mut String) {
    path.push('[');
    path.push_str(index);
    path.push(']');
}

fn quoted(key: &str) -> String {
    serde_json::to_string(key).expect("a string is always JSON")
}

/// The column at the beginning of a path, and the rest. `None`: the text is no path.
fn split_column(text: &str) -> Option<(&'static str, &str)> {
    JSON_COLUMNS.into_iter().find_map(|column| {
        let rest = text.strip_prefix(column)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some((column, rest))
    })
}

/// The first step of a path without its column, and the rest. The error says what is wrong.
fn first_step(path: &str) -> std::result::Result<(Step, &str), &'static str> {
    if let Some(inside) = path.strip_prefix('[') {
        let (index, rest) = inside.split_once(']').ok_or("a `[` has no `]`")?;
        if index == "*" {
            return Err("a run is in one group only, so name one element, such as [0] instead of [*]");
        }
        let index = index.parse().map_err(|_| "an element has a number from 0, such as [0]")?;
        return Ok((Step::Element(index), rest));
    }
    let key = path.strip_prefix('.').ok_or("after `]` or a quoted key comes `.` or `[`")?;
    if key.starts_with('"') {
        let end = closing_quote(key).ok_or("a quoted key has no closing quote")?;
        let (quoted, rest) = key.split_at(end + 1);
        let key = serde_json::from_str(quoted).map_err(|_| "a quoted key is a JSON string")?;
        return Ok((Step::Key(key), rest));
    }
    let (key, rest) = key.split_at(key.find(['.', '[']).unwrap_or(key.len()));
    if key.is_empty() {
        return Err("a key is empty");
    }
    Ok((Step::Key(key.to_owned()), rest))
}

/// The offset of the quote that closes the JSON string at the start of a text.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().enumerate().skip(1).find_map(|(offset, byte)| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes.then_some(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_text_for_people_and_one_for_sqlite() {
        for (text, sqlite) in [
            ("extra_config", "$"),
            ("el_cost_metadata.compute.instance_type", r#"$."compute"."instance_type""#),
            ("transformation_cost_metadata.items[10].usd", r#"$."items"[10]."usd""#),
            ("el_cost_metadata.café-1", r#"$."café-1""#),
            (r#"el_cost_metadata."a.b[0] \"c\"".d"#, r#"$."a.b[0] \"c\""."d""#),
            (r#"el_cost_metadata."a\u002cb""#, r#"$."a,b""#),
            (r#"el_cost_metadata."""#, r#"$."""#),
        ] {
            let path = MetadataPath::parse(text).unwrap();
            assert_eq!((path.to_string().as_str(), path.json_path().as_str()), (text, sqlite));
        }
        let unquoted = MetadataPath::parse("el_cost_metadata.a b").unwrap();
        assert_eq!(unquoted.to_string(), r#"el_cost_metadata."a b""#);
    }

    #[test]
    fn a_path_that_is_no_single_value_is_an_error() {
        for (text, why) in [
            ("el_cost_metadata.streams[*]", "one group only"),
            ("el_cost_metadata.streams[x]", "a number from 0"),
            ("el_cost_metadata.streams[0", "has no `]`"),
            ("el_cost_metadata.streams[0]x", "comes `.` or `[`"),
            ("el_cost_metadata.", "a key is empty"),
            ("el_cost_metadata..a", "a key is empty"),
            (r#"el_cost_metadata."a"#, "no closing quote"),
            (r#"el_cost_metadata."\x""#, "a JSON string"),
            ("metadata.a", "a path begins with el_cost_metadata"),
        ] {
            let error = MetadataPath::parse(text).unwrap_err();
            assert!(error.to_string().contains(why) && error.exit_code() == 2, "{text}: {error}");
        }
    }

    #[test]
    fn a_dimension_is_no_path() {
        assert!(MetadataPath::is_path("extra_config.reason") && MetadataPath::is_path("extra_config"));
        assert!(!MetadataPath::is_path("month") && !MetadataPath::is_path("el_cost_metadata2.a"));
    }
}
