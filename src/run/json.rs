//! Canonical JSON: one text for each value, with credentials redacted.
//!
//! Objects are sorted by key, whitespace is removed, and strings are escaped in one way. Numbers keep their text, so no
//! digit is lost to a double. Strings that are not valid Unicode (lone surrogates) keep their text, too, because a Rust
//! string cannot hold them.

use super::json_text::Scanner;
pub use super::json_text::{JsonText, QuotedText};
pub use super::json_type::JsonType;
use super::redact::{REDACTED, Redaction};
use std::borrow::Cow;

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
    pub quoted_key: QuotedText<'a>,
    /// The value.
    pub value: JsonText<'a>,
}

/// The entries of an object, in the order of the document.
#[derive(Debug)]
pub struct Entries<'a>(pub Vec<Entry<'a>>);

impl<'a> Entries<'a> {
    /// The entries of an object. `None`: it is another value.
    pub fn of(object: impl Into<JsonText<'a>>) -> Option<Entries<'a>> {
        let object = object.into();
        if object.json_type() != JsonType::Object {
            return None;
        }
        let mut scanner = Scanner::new(object);
        let mut entries = Vec::with_capacity(24);
        while scanner.next_part(b'}') {
            let quoted_key = scanner.string();
            scanner.pass_colon();
            entries.push(Entry { key: quoted_key.text_or_json(), quoted_key, value: scanner.value() });
        }
        Some(Entries(entries))
    }

    /// The entries of an object's text. `None`: it is not an object.
    pub fn parse(text: &'a str) -> Option<Entries<'a>> {
        JsonText::parse(text).and_then(Entries::of)
    }

    /// The value of a key. `None`: the object lacks the key.
    pub fn get(&self, key: &str) -> Option<JsonText<'a>> {
        self.0.iter().find(|entry| entry.key == key).map(|entry| entry.value)
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
pub fn canonical<'a>(value: impl Into<JsonText<'a>>, redaction: &Redaction) -> Result<String, TooDeep> {
    let (text, whole) = Rewriter::rewrite(value.into(), redaction);
    if whole { Ok(text) } else { Err(TooDeep) }
}

/// The canonical text of a value. Credentials are redacted, and so is everything nested deeper than [`DEPTH_LIMIT`],
/// which is not searched for credentials.
pub fn canonical_to_limit<'a>(value: impl Into<JsonText<'a>>, redaction: &Redaction) -> String {
    Rewriter::rewrite(value.into(), redaction).0
}

/// Rewrites JSON in one pass.
struct Rewriter<'a> {
    redaction: &'a Redaction,
    scanner: Scanner<'a>,
    out: String,
    /// The entries of the open objects: each key, and the offset of the entry in `out`.
    entries: Vec<(Cow<'a, str>, usize)>,
    /// Whether nothing was nested too deep.
    whole: bool,
}

impl<'a> Rewriter<'a> {
    /// The canonical text, and whether it contains the whole value.
    fn rewrite(value: JsonText<'a>, redaction: &'a Redaction) -> (String, bool) {
        let out = String::with_capacity(value.get().len());
        let scanner = Scanner::new(value);
        let mut rewriter = Rewriter { redaction, scanner, out, entries: Vec::new(), whole: true };
        rewriter.value(0);
        (rewriter.out, rewriter.whole)
    }

    fn value(&mut self, depth: usize) {
        let kind = JsonType::from_first_byte(self.scanner.peek());
        if depth > DEPTH_LIMIT {
            self.whole = false;
            self.hide();
            return;
        }
        match kind {
            JsonType::Object => self.object(depth),
            JsonType::Array => self.array(depth),
            JsonType::String => {
                write_quoted(self.scanner.string(), &mut self.out);
            }
            JsonType::Null | JsonType::Boolean | JsonType::Number => self.out.push_str(self.scanner.word()),
        }
    }

    fn object(&mut self, depth: usize) {
        let (first, start) = (self.entries.len(), self.out.len());
        let mut sorted = true;
        while self.scanner.next_part(b'}') {
            let quoted = self.scanner.string();
            let key = quoted.text_or_json();
            self.out.push(if self.entries.len() == first { '{' } else { ',' });
            sorted &= self.entries[first..].last().is_none_or(|(before, _)| *before <= key);
            let begin = self.out.len();
            write_quoted(quoted, &mut self.out);
            self.out.push(':');
            self.scanner.pass_colon();
            let hidden = self.redaction.covers(&key, JsonType::from_first_byte(self.scanner.peek()));
            self.entries.push((key, begin));
            if hidden { self.hide() } else { self.value(depth + 1) }
        }
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
        let start = self.out.len();
        while self.scanner.next_part(b']') {
            self.out.push(if self.out.len() == start { '[' } else { ',' });
            self.value(depth + 1);
        }
        if self.out.len() == start {
            self.out.push('[');
        }
        self.out.push(']');
    }

    /// Writes that there is something which may not be shown, and passes it over.
    fn hide(&mut self) {
        self.out.push_str(REDACTED);
        self.scanner.value();
    }
}

/// Appends the canonical JSON of a string.
pub(super) fn write_quoted(quoted: QuotedText<'_>, out: &mut String) {
    match quoted.text() {
        Some(Cow::Owned(text)) => write_text(&text, out),
        // Without a backslash there is only one spelling; a text that is not valid Unicode keeps its own.
        Some(Cow::Borrowed(_)) | None => out.push_str(quoted.json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_text(text: &str) -> String {
        canonical(JsonText::parse(text).unwrap(), &Redaction::default()).unwrap()
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
        let read = |text: String| canonical(JsonText::parse(&text).unwrap(), &Redaction::default());
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
