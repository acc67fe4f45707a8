//! This is JSON as the archive keeps it: one spelling for one value, with credentials taken out.
//!
//! Objects are sorted by key, white space is gone, strings are escaped in one way. Numbers keep the
//! text they came with, so nothing is lost to a double; so do strings that are no Unicode text
//! (lone surrogates), which no Rust string can hold.

use super::redact::{REDACTED, Redaction};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How deep a value may be nested. It keeps the work on a hostile document in bounds; SQLite reads
/// JSON up to a depth of 1000.
pub const DEPTH_LIMIT: usize = 128;

/// A value is nested deeper than [`DEPTH_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooDeep;

/// The kinds of JSON values, named as people name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// Any number
    Number,
    /// A string
    String,
    /// An array
    Array,
    /// An object
    Object,
}

impl Kind {
    /// The kind of a value's text, which its first character tells.
    pub fn of(raw: &RawValue) -> Kind {
        match raw.get().as_bytes()[0] {
            b'n' => Kind::Null,
            b't' | b'f' => Kind::Boolean,
            b'"' => Kind::String,
            b'[' => Kind::Array,
            b'{' => Kind::Object,
            _ => Kind::Number,
        }
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}

/// One entry of an object.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The key as text; as its own quoted JSON when it is no Unicode text.
    pub key: Cow<'a, str>,
    /// The key's own JSON.
    pub quoted_key: &'a RawValue,
    /// The value's own JSON.
    pub value: &'a RawValue,
}

/// The entries of one object, in the order they were sent.
#[derive(Debug)]
pub struct Entries<'a>(pub Vec<Entry<'a>>);

impl<'a> Entries<'a> {
    /// The entries of an object. `None`: the value is no object.
    pub fn of(raw: &'a RawValue) -> Option<Entries<'a>> {
        Entries::parse(raw.get())
    }

    /// The entries of an object's text. `None`: it is no object.
    pub fn parse(text: &'a str) -> Option<Entries<'a>> {
        serde_json::from_str(text).ok()
    }

    /// The value of a key. `None`: there is no such key.
    pub fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|entry| entry.key == key).map(|entry| entry.value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(24);
                while let Some((quoted_key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    let key = text_of(quoted_key).unwrap_or(Cow::Borrowed(quoted_key.get()));
                    entries.push(Entry { key, quoted_key, value });
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// The text of a string value. `None`: it is no string, or no Unicode text.
pub fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = raw.get();
    if !quoted.starts_with('"') {
        return None;
    }
    if quoted.contains('\\') {
        serde_json::from_str::<String>(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
    }
}

/// Writes a text as a JSON string.
pub fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}

/// The canonical spelling of a value, credentials taken out.
///
/// # Errors
/// [`TooDeep`] when it is nested deeper than [`DEPTH_LIMIT`].
pub fn canonical(raw: &RawValue, redaction: &Redaction) -> Result<String, TooDeep> {
    let mut out = String::with_capacity(raw.get().len());
    if write_canonical(raw, redaction, 0, &mut out) { Ok(out) } else { Err(TooDeep) }
}

/// The canonical spelling of a value, credentials taken out, and with them whatever lies deeper than
/// [`DEPTH_LIMIT`]: it cannot be searched for any.
pub fn canonical_to_limit(raw: &RawValue, redaction: &Redaction) -> String {
    let mut out = String::with_capacity(raw.get().len());
    write_canonical(raw, redaction, 0, &mut out);
    out
}

/// Says whether all of it was written.
fn write_canonical(raw: &RawValue, redaction: &Redaction, depth: usize, out: &mut String) -> bool {
    if depth > DEPTH_LIMIT {
        out.push_str(REDACTED);
        return false;
    }
    let mut whole = true;
    match Kind::of(raw) {
        Kind::Object => {
            let mut entries = Entries::of(raw).expect("what begins as an object is one").0;
            // Stable: of two equal keys the first stays first.
            entries.sort_by(|left, right| left.key.cmp(&right.key));
            out.push('{');
            for (place, entry) in entries.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_string(entry.quoted_key, out);
                out.push(':');
                if redaction.covers(&entry.key, Kind::of(entry.value)) {
                    out.push_str(REDACTED);
                } else {
                    whole &= write_canonical(entry.value, redaction, depth + 1, out);
                }
            }
            out.push('}');
        }
        Kind::Array => {
            let items: Vec<&RawValue> =
                serde_json::from_str(raw.get()).expect("what begins as an array is one");
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                whole &= write_canonical(item, redaction, depth + 1, out);
            }
            out.push(']');
        }
        Kind::String => write_string(raw, out),
        Kind::Null | Kind::Boolean | Kind::Number => out.push_str(raw.get()),
    }
    whole
}

/// Writes the canonical spelling of a string.
pub fn write_string(raw: &RawValue, out: &mut String) {
    match text_of(raw) {
        Some(Cow::Owned(text)) => write_text(&text, out),
        // Without a backslash there is one spelling only; without a text there is nothing to spell.
        Some(Cow::Borrowed(_)) | None => out.push_str(raw.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> String {
        canonical(serde_json::from_str(text).unwrap(), &Redaction::default()).unwrap()
    }

    #[test]
    fn one_value_has_one_spelling() {
        assert_eq!(spelled(r#" { "b" : [ 1 , 2 ], "a":"\u00e9\/" } "#), r#"{"a":"é/","b":[1,2]}"#);
        assert_eq!(spelled(r#"{"a":"é/","b":[1,2]}"#), r#"{"a":"é/","b":[1,2]}"#);
    }

    #[test]
    fn numbers_keep_their_own_text() {
        let text = "[1e400,0.10,-0.0,123456789012345678901234567890]";
        assert_eq!(spelled(text), text);
    }

    #[test]
    fn strings_that_are_no_unicode_stay_as_they_came() {
        assert_eq!(spelled(r#"["\ud800","a\u0000b"]"#), r#"["\ud800","a\u0000b"]"#);
        assert_eq!(spelled(r#"{"\ud800":1,"\ud800":2}"#), r#"{"\ud800":1,"\ud800":2}"#);
    }

    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let read = |text: String| canonical(serde_json::from_str(&text).unwrap(), &Redaction::default());
        assert!(read(nested(DEPTH_LIMIT)).is_ok());
        assert_eq!(read(nested(10_000)), Err(TooDeep));
    }

    #[test]
    fn credentials_are_taken_out_at_any_depth() {
        assert_eq!(
            spelled(r#"{"a":[{"api_key":"s3cret","tokens":17,"token":null}]}"#),
            r#"{"a":[{"api_key":"[redacted]","token":null,"tokens":17}]}"#
        );
    }
}
