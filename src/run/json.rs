//! Canonical JSON: one text for each value, with credentials redacted.
//!
//! Objects are sorted by key, whitespace is removed, and strings are escaped in one way. Numbers keep their text, so no
//! digit is lost to a double. Strings that are not valid Unicode (lone surrogates) keep their text, too, because a Rust
//! string cannot hold them.

pub use super::json_type::JsonType;
use super::redact::{REDACTED, Redaction};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The maximum nesting of a value. It bounds the work on a hostile document; SQLite reads JSON up to a depth of 1000.
pub const DEPTH_LIMIT: usize = 128;

/// A value is nested deeper than [`DEPTH_LIMIT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooDeep;

/// One entry of an object.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The key as text; as quoted JSON when it is not valid Unicode.
    pub key: Cow<'a, str>,
    /// The key as JSON.
    pub quoted_key: &'a RawValue,
    /// The value as JSON.
    pub value: &'a RawValue,
}

/// The entries of an object, in the order of the document.
#[derive(Debug)]
pub struct Entries<'a>(pub Vec<Entry<'a>>);

impl<'a> Entries<'a> {
    /// The entries of an object. `None`: the value is not an object.
    pub fn of(raw: &'a RawValue) -> Option<Entries<'a>> {
        // Checked first, because serde_json builds a costly error for any other value.
        if JsonType::of(raw) == JsonType::Object { Entries::parse(raw.get()) } else { None }
    }

    /// The entries of an object's text. `None`: it is not an object.
    pub fn parse(text: &'a str) -> Option<Entries<'a>> {
        serde_json::from_str(text).ok()
    }

    /// The value of a key. `None`: the object lacks the key.
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

/// The text of a string value. `None`: it is not a string, or not valid Unicode.
pub fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    if JsonType::of(raw) == JsonType::String { unquoted(raw.get()) } else { None }
}

/// The text of a string's JSON. `None`: it is not valid Unicode.
fn unquoted(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.as_bytes().contains(&b'\\') {
        serde_json::from_str::<String>(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
    }
}

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut String) {
    if text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// The canonical text of a value, with credentials redacted.
///
/// # Errors
/// [`TooDeep`] when it is nested deeper than [`DEPTH_LIMIT`].
pub fn canonical(raw: &RawValue, redaction: &Redaction) -> Result<String, TooDeep> {
    let (text, whole) = Rewriter::rewrite(raw, redaction);
    if whole { Ok(text) } else { Err(TooDeep) }
}

/// The canonical text of a value. Credentials are redacted, and so is everything nested deeper than [`DEPTH_LIMIT`],
/// which is not searched for credentials.
pub fn canonical_to_limit(raw: &RawValue, redaction: &Redaction) -> String {
    Rewriter::rewrite(raw, redaction).0
}

/// Rewrites JSON in one pass. It does not validate: a [`RawValue`] is valid JSON.
struct Rewriter<'a> {
    redaction: &'a Redaction,
    /// The text that is still to be read.
    rest: &'a str,
    out: String,
    /// The entries of the open objects: each key, and the offset of the entry in `out`.
    entries: Vec<(Cow<'a, str>, usize)>,
    /// Whether nothing was nested too deep.
    whole: bool,
}

impl<'a> Rewriter<'a> {
    /// The canonical text, and whether it contains the whole value.
    fn rewrite(raw: &'a RawValue, redaction: &'a Redaction) -> (String, bool) {
        let rest = raw.get();
        let out = String::with_capacity(rest.len());
        let mut rewriter = Rewriter { redaction, rest, out, entries: Vec::new(), whole: true };
        rewriter.value(0);
        (rewriter.out, rewriter.whole)
    }

    fn value(&mut self, depth: usize) {
        let kind = JsonType::from_first_byte(self.next());
        if depth > DEPTH_LIMIT {
            self.whole = false;
            self.hide();
            return;
        }
        match kind {
            JsonType::Object => self.object(depth),
            JsonType::Array => self.array(depth),
            JsonType::String => {
                let quoted = self.string();
                write_quoted(quoted, &mut self.out);
            }
            JsonType::Null | JsonType::Boolean | JsonType::Number => {
                let word = self.word();
                self.out.push_str(word);
            }
        }
    }

    fn object(&mut self, depth: usize) {
        let (first, start) = (self.entries.len(), self.out.len());
        let mut sorted = true;
        self.skip(1);
        loop {
            match self.next() {
                b'}' => break,
                b',' => self.skip(1),
                _ => {}
            }
            self.next();
            let quoted = self.string();
            let key = unquoted(quoted).unwrap_or(Cow::Borrowed(quoted));
            self.out.push(if self.entries.len() == first { '{' } else { ',' });
            sorted &= self.entries[first..].last().is_none_or(|(before, _)| *before <= key);
            let begin = self.out.len();
            write_quoted(quoted, &mut self.out);
            self.out.push(':');
            self.next();
            self.skip(1);
            let hidden = self.redaction.covers(&key, JsonType::from_first_byte(self.next()));
            self.entries.push((key, begin));
            if hidden { self.hide() } else { self.value(depth + 1) }
        }
        self.skip(1);
        if self.entries.len() == first {
            self.out.push('{');
        }
        if !sorted {
            self.sort(first, start);
        }
        self.entries.truncate(first);
        self.out.push('}');
    }

    /// Sorts the entries of the object that starts at offset `start` by key.
    fn sort(&mut self, first: usize, start: usize) {
        let written = self.out.split_off(start);
        let ends = self.entries[first + 1..].iter().map(|(_, next)| next - 1).chain([start + written.len()]);
        let mut entries: Vec<(&str, &str)> = self.entries[first..]
            .iter()
            .zip(ends)
            .map(|((key, begin), end)| (key.as_ref(), &written[begin - start..end - start]))
            .collect();
        // Stable: of two equal keys the first stays first.
        entries.sort_by_key(|(key, _)| *key);
        for (place, (_, entry)) in entries.into_iter().enumerate() {
            self.out.push(if place == 0 { '{' } else { ',' });
            self.out.push_str(entry);
        }
    }

    fn array(&mut self, depth: usize) {
        self.skip(1);
        self.out.push('[');
        loop {
            match self.next() {
                b']' => break,
                b',' => {
                    self.skip(1);
                    self.next();
                    self.out.push(',');
                }
                _ => {}
            }
            self.value(depth + 1);
        }
        self.skip(1);
        self.out.push(']');
    }

    /// Writes that there is something which may not be shown, and passes it over.
    fn hide(&mut self) {
        self.out.push_str(REDACTED);
        let mut depth = 0;
        loop {
            match JsonType::from_first_byte(self.next()) {
                JsonType::String => _ = self.string(),
                JsonType::Object | JsonType::Array => {
                    depth += 1;
                    self.skip(1);
                }
                _ => match self.next() {
                    b'}' | b']' => {
                        depth -= 1;
                        self.skip(1);
                    }
                    b',' | b':' => self.skip(1),
                    _ => _ = self.word(),
                },
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// The next byte that is not whitespace.
    fn next(&mut self) -> u8 {
        loop {
            match self.rest.as_bytes()[0] {
                b' ' | b'\t' | b'\n' | b'\r' => self.skip(1),
                first => return first,
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    /// The next string, with its quotes.
    fn string(&mut self) -> &'a str {
        let bytes = self.rest.as_bytes();
        let mut end = 1;
        while bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.take(end + 1)
    }

    /// The next number, `true`, `false` or `null`.
    fn word(&mut self) -> &'a str {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        self.take(self.rest.as_bytes().iter().position(ends).unwrap_or(self.rest.len()))
    }
}

/// Appends the canonical text of a string.
pub fn write_string(raw: &RawValue, out: &mut String) {
    write_quoted(raw.get(), out);
}

fn write_quoted(quoted: &str, out: &mut String) {
    match unquoted(quoted) {
        Some(Cow::Owned(text)) => write_text(&text, out),
        // Without a backslash there is only one spelling; a text that is not valid Unicode keeps its own.
        Some(Cow::Borrowed(_)) | None => out.push_str(quoted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_text(text: &str) -> String {
        canonical(serde_json::from_str(text).unwrap(), &Redaction::default()).unwrap()
    }

    #[test]
    fn equal_values_have_one_text() {
        assert_eq!(canonical_text(r#" { "b" : [ 1 , 2 ], "a":"\u00e9\/" } "#), r#"{"a":"é/","b":[1,2]}"#);
        assert_eq!(canonical_text(r#"{"a":"é/","b":[1,2]}"#), r#"{"a":"é/","b":[1,2]}"#);
    }

    #[test]
    fn numbers_keep_their_text() {
        let text = "[1e400,0.10,-0.0,123456789012345678901234567890]";
        assert_eq!(canonical_text(text), text);
    }

    #[test]
    fn strings_that_are_not_unicode_keep_their_text() {
        assert_eq!(canonical_text(r#"["\ud800","a\u0000b"]"#), r#"["\ud800","a\u0000b"]"#);
        assert_eq!(canonical_text(r#"{"\ud800":1,"\ud800":2}"#), r#"{"\ud800":1,"\ud800":2}"#);
    }

    #[test]
    fn a_value_nested_too_deep_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let read = |text: String| canonical(serde_json::from_str(&text).unwrap(), &Redaction::default());
        assert!(read(nested(DEPTH_LIMIT)).is_ok());
        assert_eq!(read(nested(10_000)), Err(TooDeep));
    }

    #[test]
    fn credentials_are_redacted_at_any_depth() {
        assert_eq!(
            canonical_text(r#"{"a":[{"api_key":"s3cret","tokens":17,"token":null}]}"#),
            r#"{"a":[{"api_key":"[redacted]","token":null,"tokens":17}]}"#
        );
    }
}
