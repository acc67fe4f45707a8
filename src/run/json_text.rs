//! JSON values as text that was validated once, and reading their parts without validating them again.

use super::json_type::JsonType;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A value as its JSON text, which is valid and has no whitespace around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonText<'a>(&'a str);

impl<'a> From<&'a RawValue> for JsonText<'a> {
    fn from(raw: &'a RawValue) -> JsonText<'a> {
        JsonText(raw.get())
    }
}

impl<'a> JsonText<'a> {
    /// The value of a text. `None`: it is not JSON.
    pub fn parse(text: &'a str) -> Option<JsonText<'a>> {
        serde_json::from_str::<&RawValue>(text).ok().map(JsonText::from)
    }

    /// The JSON.
    pub fn get(self) -> &'a str {
        self.0
    }

    /// The type of the value.
    pub fn json_type(self) -> JsonType {
        JsonType::from_first_byte(self.0.as_bytes()[0])
    }

    /// The text of a string. `None`: it is another value, or not valid Unicode.
    pub fn text(self) -> Option<Cow<'a, str>> {
        if self.json_type() == JsonType::String { QuotedText::of(self.0).text() } else { None }
    }

    /// The elements of an array. `None`: it is another value.
    pub fn elements(self) -> Option<Vec<JsonText<'a>>> {
        if self.json_type() != JsonType::Array {
            return None;
        }
        let mut scanner = Scanner::new(self);
        let mut elements = Vec::new();
        while scanner.next_part(b']') {
            elements.push(scanner.value());
        }
        Some(elements)
    }
}

/// A string as its JSON, with the quotes.
#[derive(Debug, Clone, Copy)]
pub struct QuotedText<'a> {
    json: &'a str,
    /// Whether it contains a backslash.
    escaped: bool,
}

impl<'a> QuotedText<'a> {
    fn of(json: &'a str) -> QuotedText<'a> {
        QuotedText { json, escaped: json.as_bytes().contains(&b'\\') }
    }

    /// The JSON.
    pub(super) fn json(self) -> &'a str {
        self.json
    }

    /// The text. `None`: it is not valid Unicode.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        if self.escaped {
            serde_json::from_str::<String>(self.json).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(&self.json[1..self.json.len() - 1]))
        }
    }

    /// The text; the JSON when it is not valid Unicode.
    pub(super) fn text_or_json(self) -> Cow<'a, str> {
        self.text().unwrap_or(Cow::Borrowed(self.json))
    }
}

/// Reads valid JSON from its beginning to its end.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// The offset of what is still to be read.
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(value: JsonText<'a>) -> Scanner<'a> {
        Scanner { text: value.0, at: 0 }
    }

    /// The next byte that is not whitespace.
    pub(super) fn peek(&mut self) -> u8 {
        loop {
            match self.text.as_bytes()[self.at] {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return byte,
            }
        }
    }

    /// Passes over the next byte, which is one of `{ [ ] } , :`.
    fn skip(&mut self) {
        self.at += 1;
    }

    /// Moves to the next part of the object or array that `close` ends, past the bracket or comma before it. `false`:
    /// there is none, and the end is passed over.
    pub(super) fn next_part(&mut self, close: u8) -> bool {
        if self.peek() != close {
            self.skip();
        }
        let found = self.peek() != close;
        if !found {
            self.skip();
        }
        found
    }

    /// Passes over the colon between a key and its value.
    pub(super) fn pass_colon(&mut self) {
        self.peek();
        self.skip();
    }

    /// The next string.
    pub(super) fn string(&mut self) -> QuotedText<'a> {
        let begin = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        self.at += 1;
        loop {
            // Most strings are short: a loop beats a search by vectors.
            let end = bytes[self.at..].iter().position(|byte| matches!(byte, b'"' | b'\\'));
            self.at += end.expect("a string is closed");
            if bytes[self.at] == b'"' {
                self.at += 1;
                return QuotedText { json: &self.text[begin..self.at], escaped };
            }
            escaped = true;
            self.at += 2;
        }
    }

    /// The next number, `true`, `false` or `null`.
    pub(super) fn word(&mut self) -> &'a str {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        let rest = &self.text.as_bytes()[self.at..];
        let begin = self.at;
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        &self.text[begin..self.at]
    }

    /// The next value, of any type and depth.
    pub(super) fn value(&mut self) -> JsonText<'a> {
        let first = self.peek();
        let begin = self.at;
        match first {
            b'"' => _ = self.string(),
            b'{' | b'[' => self.skip_container(),
            _ => _ = self.word(),
        }
        JsonText(&self.text[begin..self.at])
    }

    fn skip_container(&mut self) {
        let mut depth = 0;
        loop {
            match self.text.as_bytes()[self.at] {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::Entries;
    use super::*;

    fn parts(text: &str) -> (Vec<String>, Vec<String>) {
        let value = JsonText::parse(text).unwrap();
        let entries = Entries::of(value).map_or(Vec::new(), |entries| entries.0);
        (
            entries.iter().map(|entry| format!("{}={}", entry.key, entry.value.get())).collect(),
            value.elements().unwrap_or_default().iter().map(|element| element.get().to_owned()).collect(),
        )
    }

    #[test]
    fn the_parts_of_a_value_are_its_text_between_commas() {
        assert_eq!(
            parts(r#" { "a\"}" : [1 , {"]":"[\\"} ,"x\\" ] ,"b":-1.5e3 , "é" : null} "#).0,
            [r#"a"}=[1 , {"]":"[\\"} ,"x\\" ]"#, "b=-1.5e3", "é=null"]
        );
        assert_eq!(
            parts(r#"[ {"a":[ ]} , [[1],2],"]", true , 0 ]"#).1,
            [r#"{"a":[ ]}"#, "[[1],2]", r#""]""#, "true", "0"]
        );
    }

    #[test]
    fn an_empty_container_has_no_parts() {
        for text in ["{}", "{ }", "[]", " [\n] ", "null", "7", r#""[1]""#] {
            assert_eq!(parts(text), (vec![], vec![]), "{text}");
        }
    }

    #[test]
    fn a_string_that_is_not_unicode_has_no_text() {
        let text = |json| JsonText::parse(json).unwrap().text().map(Cow::into_owned);
        assert_eq!(text(r#""\u00e9\\""#).as_deref(), Some("é\\"));
        assert_eq!(text(r#""\ud800""#), None);
        assert_eq!(text("1"), None);
        assert_eq!(JsonText::parse("[1").map(JsonText::get), None);
    }
}
