//! This is the kind of a JSON value, which its first character tells.

use serde_json::value::RawValue;

/// The kinds of JSON values, named as people name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
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

impl JsonType {
    /// The kind of a value's text, which its first character tells.
    pub fn of(raw: &RawValue) -> JsonType {
        JsonType::begun_by(raw.get().as_bytes()[0])
    }

    /// The kind of a value that begins with this byte.
    pub(super) fn begun_by(first: u8) -> JsonType {
        match first {
            b'n' => JsonType::Null,
            b't' | b'f' => JsonType::Boolean,
            b'"' => JsonType::String,
            b'[' => JsonType::Array,
            b'{' => JsonType::Object,
            _ => JsonType::Number,
        }
    }

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            JsonType::Null => "null",
            JsonType::Boolean => "boolean",
            JsonType::Number => "number",
            JsonType::String => "string",
            JsonType::Array => "array",
            JsonType::Object => "object",
        }
    }
}
