//! The kinds of documented fields: how a value is decoded, written as JSON, stored in columns and read back.
//!
//! A [`Form`] is how values are written and stored; a [`Kind`] adds how they are decoded. Most kinds are their own
//! form.

use super::decode::{DecodeError, Decoder, boolean, cost, expanded_id, instant, integer, text};
use super::json::{self, Entry, JsonType};
use super::money::Cost;
use super::redact;
use super::vocabulary::{ChargeStatus, Status};
use super::{DriftKind, Instant};
use std::fmt::{Display, Write as _};
use std::marker::PhantomData;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// Text.
    Text,
    /// A JSON document, as text.
    Json,
    /// A whole number.
    Integer,
    /// A double.
    Real,
    /// An amount in whole nano-dollars.
    Nanos,
    /// 0 or 1.
    Boolean,
    /// An instant, as text.
    Instant,
}

#[cfg(test)]
impl ColumnType {
    /// The type's name in a STRICT table of SQLite.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            ColumnType::Text | ColumnType::Json | ColumnType::Instant => "TEXT",
            ColumnType::Integer | ColumnType::Nanos | ColumnType::Boolean => "INTEGER",
            ColumnType::Real => "REAL",
        }
    }
}

/// A value of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ColumnValue<'v> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'v str),
}

/// Takes the values of columns one after the other.
pub(crate) trait ColumnSink {
    type Error;

    fn put(&mut self, value: ColumnValue<'_>) -> Result<(), Self::Error>;
}

/// Gives the values of columns one after the other.
pub(crate) trait ColumnSource {
    type Error;

    /// Reads the next column. `None`: it is NULL. It is an error where `read` returns `None`.
    fn take<T>(&mut self, read: impl FnOnce(ColumnValue<'_>) -> Option<T>) -> Result<Option<T>, Self::Error>;
}

/// How the values of a field are written and stored.
pub(crate) trait Form {
    type Value;

    /// What the field's column holds; the first one where there are two.
    const HOLDS: ColumnType;

    /// Appends the value as JSON.
    fn write(value: &Self::Value, out: &mut String);

    /// Gives the values of the field's columns. `None`: the value is not known.
    fn store<S: ColumnSink>(value: Option<&Self::Value>, sink: &mut S) -> Result<(), S::Error>;

    /// Reads the field's columns.
    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<Self::Value>, S::Error>;
}

/// How the values of a field are decoded.
pub(crate) trait Kind {
    type Form: Form;

    /// Decodes the value of an entry, which is not null. What the field cannot reproduce is kept by the decoder.
    fn decode<'a>(
        decoder: &mut Decoder<'a>,
        entry: &'a Entry<'a>,
    ) -> Result<Option<<Self::Form as Form>::Value>, DecodeError>;
}

/// The type of a kind's values.
pub(crate) type ValueOf<K> = <<K as Kind>::Form as Form>::Value;

/// Appends a field's value as JSON.
pub(crate) fn write<K: Kind>(value: Option<&ValueOf<K>>, out: &mut String) {
    match value {
        Some(value) => K::Form::write(value, out),
        None => out.push_str("null"),
    }
}

/// Gives the values of a field's columns.
pub(crate) fn store<K: Kind, S: ColumnSink>(
    value: Option<&ValueOf<K>>,
    sink: &mut S,
) -> Result<(), S::Error> {
    K::Form::store(value, sink)
}

/// Reads a field from its columns.
pub(crate) fn load<K: Kind, S: ColumnSource>(source: &mut S) -> Result<Option<ValueOf<K>>, S::Error> {
    K::Form::load(source)
}

/// Appends a text without characters that JSON escapes.
pub(crate) fn write_plain_text(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn write_plainly(value: &impl Display, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// A whole number.
pub(crate) struct Integer;

impl Form for Integer {
    type Value = i64;
    const HOLDS: ColumnType = ColumnType::Integer;

    fn write(value: &i64, out: &mut String) {
        write_plainly(value, out);
    }

    fn store<S: ColumnSink>(value: Option<&i64>, sink: &mut S) -> Result<(), S::Error> {
        sink.put(value.map_or(ColumnValue::Null, |value| ColumnValue::Integer(*value)))
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<i64>, S::Error> {
        source.take(|value| match value {
            ColumnValue::Integer(value) => Some(value),
            _ => None,
        })
    }
}

impl Kind for Integer {
    type Form = Integer;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<i64>, DecodeError> {
        decoder.place(entry, integer(entry.value))
    }
}

/// `true` or `false`.
pub(crate) struct Boolean;

impl Form for Boolean {
    type Value = bool;
    const HOLDS: ColumnType = ColumnType::Boolean;

    fn write(value: &bool, out: &mut String) {
        write_plainly(value, out);
    }

    fn store<S: ColumnSink>(value: Option<&bool>, sink: &mut S) -> Result<(), S::Error> {
        sink.put(value.map_or(ColumnValue::Null, |value| ColumnValue::Integer(i64::from(*value))))
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<bool>, S::Error> {
        source.take(|value| match value {
            ColumnValue::Integer(value) => Some(value != 0),
            _ => None,
        })
    }
}

impl Kind for Boolean {
    type Form = Boolean;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<bool>, DecodeError> {
        decoder.place(entry, boolean(entry.value))
    }
}

/// An instant with its zone.
pub(crate) struct Moment;

impl Form for Moment {
    type Value = Instant;
    const HOLDS: ColumnType = ColumnType::Instant;

    fn write(value: &Instant, out: &mut String) {
        write_plain_text(value.as_str(), out);
    }

    fn store<S: ColumnSink>(value: Option<&Instant>, sink: &mut S) -> Result<(), S::Error> {
        sink.put(value.map_or(ColumnValue::Null, |value| ColumnValue::Text(value.as_str())))
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<Instant>, S::Error> {
        source.take(|value| match value {
            ColumnValue::Text(text) => Instant::parse(text),
            _ => None,
        })
    }
}

impl Kind for Moment {
    type Form = Moment;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<Instant>, DecodeError> {
        decoder.place(entry, instant(entry.value))
    }
}

/// A string.
pub(crate) struct Text;

impl Form for Text {
    type Value = String;
    const HOLDS: ColumnType = ColumnType::Text;

    fn write(value: &String, out: &mut String) {
        json::write_text(value, out);
    }

    fn store<S: ColumnSink>(value: Option<&String>, sink: &mut S) -> Result<(), S::Error> {
        sink.put(value.map_or(ColumnValue::Null, |value| ColumnValue::Text(value)))
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<String>, S::Error> {
        source.take(|value| match value {
            ColumnValue::Text(text) => Some(text.to_owned()),
            _ => None,
        })
    }
}

impl Kind for Text {
    type Form = Text;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<String>, DecodeError> {
        decoder.place(entry, text(entry.value))
    }
}

/// A value of any type, stored as canonical JSON.
pub(crate) struct Json;

impl Form for Json {
    type Value = String;
    const HOLDS: ColumnType = ColumnType::Json;

    fn write(value: &String, out: &mut String) {
        out.push_str(value);
    }

    fn store<S: ColumnSink>(value: Option<&String>, sink: &mut S) -> Result<(), S::Error> {
        Text::store(value, sink)
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<String>, S::Error> {
        Text::load(source)
    }
}

impl Kind for Json {
    type Form = Json;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<String>, DecodeError> {
        decoder.canonical(entry.value).map(Some)
    }
}

/// A cost in US dollars, in two columns: the double, and the number's own text in nano-dollars.
pub(crate) struct Amount;

impl Form for Amount {
    type Value = Cost;
    const HOLDS: ColumnType = ColumnType::Real;

    fn write(value: &Cost, out: &mut String) {
        // Rust prints a double as the shortest plain decimal that is that double, never with an exponent.
        write_plainly(&value.usd, out);
    }

    fn store<S: ColumnSink>(value: Option<&Cost>, sink: &mut S) -> Result<(), S::Error> {
        sink.put(value.map_or(ColumnValue::Null, |cost| ColumnValue::Real(cost.usd)))?;
        sink.put(value.map_or(ColumnValue::Null, |cost| ColumnValue::Integer(cost.nanos)))
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<Cost>, S::Error> {
        let usd = source.take(|value| match value {
            ColumnValue::Real(usd) => Some(usd),
            _ => None,
        })?;
        Ok(usd.zip(Integer::load(source)?).map(|(usd, nanos)| Cost { usd, nanos }))
    }
}

impl Kind for Amount {
    type Form = Amount;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<Cost>, DecodeError> {
        decoder.place(entry, cost(entry.value))
    }
}

/// A word of a vocabulary, where an unknown word is recorded as drift.
pub(crate) struct Word<W>(PhantomData<W>);

/// A vocabulary of the API.
pub(crate) trait Vocabulary: Sized {
    fn from_word(word: &str) -> Self;
    fn as_str(&self) -> &str;
    fn is_known(&self) -> bool;
}

macro_rules! vocabularies {
    ($($name:ident),+) => {
        $(impl Vocabulary for $name {
            fn from_word(word: &str) -> $name {
                $name::from_word(word)
            }

            fn as_str(&self) -> &str {
                $name::as_str(self)
            }

            fn is_known(&self) -> bool {
                $name::is_known(self)
            }
        })+
    };
}

vocabularies!(Status, ChargeStatus);

impl<W: Vocabulary> Form for Word<W> {
    type Value = W;
    const HOLDS: ColumnType = ColumnType::Text;

    fn write(value: &W, out: &mut String) {
        json::write_text(value.as_str(), out);
    }

    fn store<S: ColumnSink>(value: Option<&W>, sink: &mut S) -> Result<(), S::Error> {
        sink.put(value.map_or(ColumnValue::Null, |value| ColumnValue::Text(value.as_str())))
    }

    fn load<S: ColumnSource>(source: &mut S) -> Result<Option<W>, S::Error> {
        source.take(|value| match value {
            ColumnValue::Text(text) => Some(W::from_word(text)),
            _ => None,
        })
    }
}

impl<W: Vocabulary> Kind for Word<W> {
    type Form = Word<W>;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<W>, DecodeError> {
        let word = decoder.place(entry, text(entry.value))?.map(|word| W::from_word(&word));
        if let Some(unknown) = word.as_ref().filter(|word| !word.is_known()) {
            decoder.note(&entry.key, DriftKind::Value, unknown.as_str());
        }
        Ok(word)
    }
}

/// The trigger: JSON whose known keys are checked for drift.
pub(crate) struct Trigger;

impl Kind for Trigger {
    type Form = Json;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<String>, DecodeError> {
        let trigger = decoder.canonical(entry.value)?;
        decoder.note_drift_of_trigger(entry.value);
        Ok(Some(trigger))
    }
}

/// A user, expanded or by id. Only the id is kept.
pub(crate) struct UserId;

impl Kind for UserId {
    type Form = Integer;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<i64>, DecodeError> {
        match expanded_id(entry.value) {
            Some(id) => Ok(decoder.place_id_only(entry, id.map(integer))),
            None => decoder.place(entry, integer(entry.value)),
        }
    }
}

/// An API token, expanded or by id. Only the id is kept.
pub(crate) struct TokenId;

impl Kind for TokenId {
    type Form = Text;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<String>, DecodeError> {
        match expanded_id(entry.value) {
            Some(id) => Ok(decoder.place_id_only(entry, id.map(text))),
            // A list may contain tokens.
            None if entry.value.json_type() == JsonType::Array => Ok(decoder.place_id_only(entry, None)),
            // The document was decoded before: a redacted value is no id.
            None if entry.value.text().is_some_and(|text| redact::is_redacted(&text)) => {
                decoder.place(entry, super::decode::Conversion::Rejected("credential that was taken out"))
            }
            None => decoder.place(entry, text(entry.value)),
        }
    }
}

/// A pipeline, expanded or by id or slug. An expanded one is known by its id; the object is kept in `unmapped`.
pub(crate) struct PipelineRef;

impl Kind for PipelineRef {
    type Form = Text;

    fn decode<'a>(decoder: &mut Decoder<'a>, entry: &'a Entry<'a>) -> Result<Option<String>, DecodeError> {
        decoder.place_pipeline(entry)
    }
}
