//! Decodes an item of the API's JSON to a run, without losing or guessing anything.

use super::fields::{DocumentedField, Record};
use super::json::{self, Entries, Entry, JsonText, JsonType, QuotedText};
use super::money::{Cost, decimal_parts};
use super::redact::{REDACTED, Redaction};
use super::vocabulary::TriggerType;
use super::{FieldSet, Instant, Run};
use crate::excerpt::excerpt;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A run, and the parts of its document that the contract does not know.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The run.
    pub run: Run,
    /// Deviations from the contract, in the order of the document.
    pub drift: Vec<Drift>,
}

/// A deviation from the API's contract.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Drift {
    /// The field's name; a dot leads into `trigger`.
    pub field: String,
    /// What about the field is unknown.
    pub kind: DriftKind,
    /// The type of a new field, the new word, or what does not fit about the value.
    pub observed: String,
}

/// What about a field is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DriftKind {
    /// The field.
    Field,
    /// The word of a vocabulary.
    Value,
    /// The type, or a value that the type does not allow.
    Type,
}

impl DriftKind {
    /// The kind's name in the archive.
    pub fn as_str(self) -> &'static str {
        match self {
            DriftKind::Field => "field",
            DriftKind::Value => "value",
            DriftKind::Type => "type",
        }
    }
}

/// Why an item cannot be stored as a run. The text completes "it was quarantined because".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);

/// The characters of a drift's texts, and of a key in an error, that are recorded. The item keeps the whole text.
const LONGEST_OBSERVED: usize = 100;

/// Decodes an item of a list, or the details of a run.
///
/// A value that fits its field goes there. A value that does not fit, or has no field, goes into `unmapped`, so that
/// [`Run::document`] reproduces the item.
///
/// # Errors
/// An error when the item is not an object, its id is not a UUID, a field occurs twice, or it is nested too
/// deep to be searched for credentials.
pub fn decode(item: &RawValue, redaction: &Redaction) -> Result<Decoded, DecodeError> {
    decode_record(item, redaction).map(|(run, drift)| Decoded { run, drift })
}

pub(crate) fn decode_record<R: Record>(
    item: &RawValue,
    redaction: &Redaction,
) -> Result<(R, Vec<Drift>), DecodeError> {
    let item = JsonText::from(item);
    let kind = item.json_type();
    let Some(Entries(entries)) = Entries::of(item) else {
        return Err(DecodeError(format!("it is not an object but {}", with_article(kind))));
    };
    let id = entries.iter().find(|entry| entry.key == "id");
    let id = id.ok_or_else(|| DecodeError("it has no id".to_owned()))?;
    let uuid = id
        .value
        .text()
        .and_then(|text| Uuid::try_parse(&text).ok())
        .ok_or_else(|| DecodeError("its id is not a UUID".to_owned()))?;
    let mut record = R::blank(uuid);
    let mut seen = FieldSet::default();
    let mut decoder = Decoder { redaction, unmapped: Vec::new(), drift: Vec::new() };
    for entry in &entries {
        match R::Field::named(&entry.key) {
            None => decoder.keep_undocumented(entry)?,
            Some(field) if !seen.insert(field) => return Err(duplicate(&entry.key)),
            Some(_) if entry.value.json_type() == JsonType::Null => {}
            Some(field) => record.decode_field(field, &mut decoder, entry)?,
        }
    }
    record.set_rest(seen.complement::<R::Field>(), decoder.unmapped_object()?);
    Ok((record, decoder.drift))
}

/// How a value fits its field.
pub(crate) enum Conversion<T> {
    /// The field reproduces the value.
    Lossless(T),
    /// The field holds an approximation; the reason says what is lost.
    Lossy(T, &'static str),
    /// The value does not fit, for the reason given.
    Rejected(&'static str),
}

/// What is collected while a document is decoded, apart from the fields.
pub(crate) struct Decoder<'a> {
    redaction: &'a Redaction,
    /// Key, quoted key, and canonical value of each entry that `unmapped` will hold.
    unmapped: Vec<(&'a str, QuotedText<'a>, String)>,
    drift: Vec<Drift>,
}

impl<'a> Decoder<'a> {
    /// Keeps an entry that no field is documented for.
    fn keep_undocumented(&mut self, entry: &'a Entry<'a>) -> Result<(), DecodeError> {
        let kind = entry.value.json_type();
        self.note(&entry.key, DriftKind::Field, kind.name());
        let value = if self.redaction.covers(&entry.key, kind) {
            REDACTED.to_owned()
        } else {
            self.canonical(entry.value)?
        };
        self.unmapped.push((&entry.key, entry.quoted_key, value));
        Ok(())
    }

    /// Returns the value for the field, and adds to `unmapped` what the field cannot reproduce.
    pub(crate) fn place<T>(
        &mut self,
        entry: &'a Entry<'a>,
        conversion: Conversion<T>,
    ) -> Result<Option<T>, DecodeError> {
        let (value, observed) = match conversion {
            Conversion::Lossless(value) => return Ok(Some(value)),
            Conversion::Lossy(value, observed) => (Some(value), observed),
            Conversion::Rejected(observed) => (None, observed),
        };
        self.note(&entry.key, DriftKind::Type, observed);
        let text = self.canonical(entry.value)?;
        self.unmapped.push((&entry.key, entry.quoted_key, text));
        Ok(value)
    }

    /// Keeps the spelling of the id where it is not that of a UUID in lower case with hyphens.
    pub(crate) fn place_id(&mut self, entry: &'a Entry<'a>, id: Uuid) -> Result<(), DecodeError> {
        let same = entry.value.text().is_some_and(|text| text == id.hyphenated().to_string());
        let conversion =
            if same { Conversion::Lossless(()) } else { Conversion::Lossy((), "a UUID in another spelling") };
        self.place(entry, conversion).map(drop)
    }

    /// Keeps only the id of an expanded person or token: the rest is personal data, or a credential.
    pub(crate) fn place_id_only<T>(&mut self, entry: &'a Entry<'a>, id: Option<Conversion<T>>) -> Option<T> {
        self.note(&entry.key, DriftKind::Type, entry.value.json_type().name());
        match id {
            Some(Conversion::Lossless(id)) => Some(id),
            _ => {
                self.unmapped.push((&entry.key, entry.quoted_key, REDACTED.to_owned()));
                None
            }
        }
    }

    /// Returns the id of an expanded pipeline and keeps the object in `unmapped`.
    pub(crate) fn place_pipeline(&mut self, entry: &'a Entry<'a>) -> Result<Option<String>, DecodeError> {
        let conversion = match expanded_id(entry.value).map(|id| id.map(text)) {
            Some(Some(Conversion::Lossless(id))) => Conversion::Lossy(id, JsonType::Object.name()),
            Some(_) => Conversion::Rejected(JsonType::Object.name()),
            None => text(entry.value),
        };
        self.place(entry, conversion)
    }

    /// Records what is unknown in a trigger. The whole trigger is kept as JSON anyway.
    pub(crate) fn note_drift_of_trigger(&mut self, value: JsonText<'_>) {
        let Some(entries) = Entries::of(value) else {
            return self.note("trigger", DriftKind::Type, value.json_type().name());
        };
        for entry in &entries.0 {
            let kind = entry.value.json_type();
            let mut note =
                |drift, observed: &str| self.note(&format!("trigger.{}", entry.key), drift, observed);
            match entry.key.as_ref() {
                "type" => match entry.value.text() {
                    Some(word) if TriggerType::from_word(&word).is_known() => {}
                    Some(word) => note(DriftKind::Value, &word),
                    None => note(DriftKind::Type, kind.name()),
                },
                "cron_expression" | "cron_timezone" | "event_rule" => {
                    if !matches!(kind, JsonType::String | JsonType::Null) {
                        note(DriftKind::Type, kind.name());
                    }
                }
                _ => note(DriftKind::Field, kind.name()),
            }
        }
    }

    pub(crate) fn canonical(&self, value: JsonText<'_>) -> Result<String, DecodeError> {
        json::canonical(value, self.redaction).map_err(|json::TooDeep| {
            DecodeError(format!("it is nested deeper than {} levels", json::DEPTH_LIMIT))
        })
    }

    /// Records a deviation from the contract.
    pub(crate) fn note(&mut self, field: &str, kind: DriftKind, observed: &str) {
        let cut = |text: &str| -> String {
            text.chars()
                .map(|letter| if letter == '\0' { '\u{fffd}' } else { letter })
                .take(LONGEST_OBSERVED)
                .collect()
        };
        self.drift.push(Drift { field: cut(field), kind, observed: cut(observed) });
    }

    /// The entries of `unmapped` as an object, sorted by key. `None`: there are none. It is an error if a key occurs
    /// twice.
    fn unmapped_object(&mut self) -> Result<Option<String>, DecodeError> {
        if self.unmapped.is_empty() {
            return Ok(None);
        }
        self.unmapped.sort_by(|left, right| left.0.cmp(right.0));
        // Equal keys are neighbors now: comparing each key with all others would take quadratic time.
        if let Some(pair) = self.unmapped.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(duplicate(pair[0].0));
        }
        let mut object = String::from("{");
        for (index, (_, quoted_key, value)) in self.unmapped.iter().enumerate() {
            if index > 0 {
                object.push(',');
            }
            json::write_quoted(*quoted_key, &mut object);
            object.push(':');
            object.push_str(value);
        }
        object.push('}');
        Ok(Some(object))
    }
}

fn duplicate(key: &str) -> DecodeError {
    DecodeError(format!("it names the field `{}` twice", excerpt(key, LONGEST_OBSERVED, 0).escape_debug()))
}

fn with_article(kind: JsonType) -> String {
    match kind {
        JsonType::Null => "null".to_owned(),
        JsonType::Array => "an array".to_owned(),
        other => format!("a {}", other.name()),
    }
}

/// The `id` of an object. `None`: the value is not an object. `Some(None)`: the object has no id.
pub(crate) fn expanded_id(value: JsonText<'_>) -> Option<Option<JsonText<'_>>> {
    Entries::of(value).map(|entries| entries.get("id"))
}

pub(crate) fn integer(value: JsonText<'_>) -> Conversion<i64> {
    if value.json_type() != JsonType::Number {
        return Conversion::Rejected(value.json_type().name());
    }
    let text = value.get();
    if let Ok(integer) = text.parse() {
        return Conversion::Lossless(integer);
    }
    // `12.0` and `1e3` are whole numbers, too.
    match decimal_parts(text) {
        Some((_, digits, _)) if digits.is_empty() => Conversion::Lossless(0),
        Some((_, _, power)) if power < 0 => Conversion::Rejected("number with a fraction"),
        Some((negative, digits, power)) if power <= 18 => {
            let sign = if negative { "-" } else { "" };
            match format!("{sign}{digits}{}", "0".repeat(power as usize)).parse() {
                Ok(integer) => Conversion::Lossless(integer),
                Err(_) => Conversion::Rejected("integer beyond 64 bits"),
            }
        }
        _ => Conversion::Rejected("integer beyond 64 bits"),
    }
}

pub(crate) fn boolean(value: JsonText<'_>) -> Conversion<bool> {
    match value.get() {
        "true" => Conversion::Lossless(true),
        "false" => Conversion::Lossless(false),
        _ => Conversion::Rejected(value.json_type().name()),
    }
}

pub(crate) fn text(value: JsonText<'_>) -> Conversion<String> {
    match value.text() {
        // SQLite's command-line tools cut a text at NUL.
        Some(text) if text.contains('\0') => Conversion::Rejected("string with NUL"),
        Some(text) => Conversion::Lossless(text.into_owned()),
        None if value.json_type() == JsonType::String => {
            Conversion::Rejected("string that is no Unicode text")
        }
        None => Conversion::Rejected(value.json_type().name()),
    }
}

pub(crate) fn instant(value: JsonText<'_>) -> Conversion<Instant> {
    let Some(text) = value.text() else {
        return Conversion::Rejected(value.json_type().name());
    };
    let Some(instant) = Instant::parse(&text) else {
        return Conversion::Rejected("string that is no instant with a zone");
    };
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let beyond_micros = fraction.bytes().take_while(u8::is_ascii_digit).skip(6).any(|digit| digit != b'0');
    if beyond_micros {
        Conversion::Lossy(instant, "instant finer than a microsecond")
    } else {
        Conversion::Lossless(instant)
    }
}

pub(crate) fn cost(value: JsonText<'_>) -> Conversion<Cost> {
    if value.json_type() != JsonType::Number {
        return Conversion::Rejected(value.json_type().name());
    }
    let text = value.get();
    let Some(cost) = Cost::from_number(text) else {
        return Conversion::Rejected("number out of the range of a cost");
    };
    let printed = cost.usd.to_string();
    if printed == text || decimal_parts(&printed) == decimal_parts(text) {
        Conversion::Lossless(cost)
    } else {
        Conversion::Lossy(cost, "number finer than a double")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Field, Status};

    const ID: &str = "6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11";

    fn read(text: &str) -> Result<Decoded, DecodeError> {
        decode(serde_json::from_str(text).unwrap(), &Redaction::default())
    }

    /// A run whose document has its id and these entries.
    fn with(entries: &str) -> Decoded {
        read(&format!(r#"{{"id":"{ID}",{entries}}}"#)).unwrap()
    }

    fn observed(decoded: &Decoded) -> Vec<(&str, &str, &str)> {
        decoded
            .drift
            .iter()
            .map(|drift| (drift.field.as_str(), drift.kind.as_str(), drift.observed.as_str()))
            .collect()
    }

    #[test]
    fn an_absent_field_is_not_null() {
        let run = with(r#""number":null"#).run;
        assert!(!run.absent.contains(Field::Number) && run.absent.contains(Field::Status));
        assert_eq!(run.document(), format!(r#"{{"id":"{ID}","number":null}}"#));
    }

    #[test]
    fn an_unknown_word_is_kept_and_noted() {
        let decoded = with(
            r#""status":"paused","credit_charge_status":"refunded","trigger":{"type":"webhook","url":"x"}"#,
        );
        assert_eq!(decoded.run.status, Some(Status::Other("paused".to_owned())));
        assert_eq!(decoded.run.unmapped, None);
        assert_eq!(
            observed(&decoded),
            [
                ("status", "value", "paused"),
                ("credit_charge_status", "value", "refunded"),
                ("trigger.type", "value", "webhook"),
                ("trigger.url", "field", "string"),
            ]
        );
    }

    #[test]
    fn a_value_of_another_type_is_kept_and_noted() {
        let decoded = with(
            r#""number":"7","el_cost_usd":"0.5","created_at":"2026-01-31T10:00:00","full_sync":1,"log":[1]"#,
        );
        assert_eq!((decoded.run.number, decoded.run.el_cost_usd, decoded.run.created_at), (None, None, None));
        assert_eq!(
            decoded.run.unmapped.as_deref(),
            Some(
                r#"{"created_at":"2026-01-31T10:00:00","el_cost_usd":"0.5","full_sync":1,"log":[1],"number":"7"}"#
            )
        );
        assert_eq!(
            observed(&decoded),
            [
                ("number", "type", "string"),
                ("el_cost_usd", "type", "string"),
                ("created_at", "type", "string that is no instant with a zone"),
                ("full_sync", "type", "number"),
                ("log", "field", "array"),
            ]
        );
    }

    #[test]
    fn a_value_finer_than_its_column_is_also_unmapped() {
        let decoded =
            with(r#""el_cost_usd":0.12345678901234567890123,"started_at":"2026-01-31T10:00:00.0000001Z""#);
        assert_eq!(decoded.run.el_cost_usd.unwrap().nanos, 123_456_789);
        assert!(decoded.run.started_at.is_some());
        assert!(decoded.run.document().contains("0.12345678901234567890123"));
        assert!(decoded.run.document().contains("10:00:00.0000001Z"));
    }

    #[test]
    fn integers_are_decoded_in_every_spelling() {
        for (spelling, number) in
            [("12", Some(12)), ("12.0", Some(12)), ("1.2e1", Some(12)), ("-0", Some(0)), ("0.0", Some(0))]
        {
            assert_eq!(with(&format!(r#""number":{spelling}"#)).run.number, number, "{spelling}");
        }
        for spelling in ["12.5", "9223372036854775808", "1e30", "1e99999999999999999999"] {
            let decoded = with(&format!(r#""number":{spelling}"#));
            assert_eq!(decoded.run.number, None, "{spelling}");
            assert!(decoded.run.document().contains(spelling), "{spelling}");
        }
    }

    #[test]
    fn only_the_id_of_an_expanded_person_or_token_is_kept() {
        let decoded = with(
            r#""triggered_by":{"id":7,"email":"ana@example.com"},"triggered_by_token":{"id":"t-1","token":"s3cret","x":"s3cret"}"#,
        );
        assert_eq!(decoded.run.triggered_by, Some(7));
        assert_eq!(decoded.run.triggered_by_token.as_deref(), Some("t-1"));
        let document = decoded.run.document();
        assert!(!document.contains("s3cret") && !document.contains("ana@"), "{document}");
        let document = with(r#""triggered_by_token":{"token":"s3cret"}"#).run.document();
        assert!(document.contains(r#""triggered_by_token":"[redacted]""#), "{document}");
    }

    #[test]
    fn an_expanded_pipeline_gives_its_id() {
        let decoded = with(r#""source":{"id":"p-1","slug":"s","password":"x"}"#);
        assert_eq!(decoded.run.source.as_deref(), Some("p-1"));
        assert!(
            decoded.run.document().contains(r#""source":{"id":"p-1","password":"[redacted]","slug":"s"}"#)
        );
    }

    #[test]
    fn an_item_that_is_no_run_is_rejected_with_a_reason() {
        for (item, reason) in [
            ("null", "it is not an object but null"),
            ("7", "it is not an object but a number"),
            ("[]", "it is not an object but an array"),
            ("{}", "it has no id"),
            (r#"{"id":7}"#, "its id is not a UUID"),
            (r#"{"id":"x"}"#, "its id is not a UUID"),
        ] {
            assert_eq!(read(item).unwrap_err(), DecodeError(reason.to_owned()), "{item}");
        }
        let twice = format!(r#"{{"id":"{ID}","number":1,"number":2}}"#);
        assert_eq!(read(&twice).unwrap_err().0, "it names the field `number` twice");
        let twice = format!(r#"{{"id":"{ID}","b":1,"a":1,"b":2}}"#);
        assert_eq!(read(&twice).unwrap_err().0, "it names the field `b` twice");
        let long = "k".repeat(1_000_000);
        let twice = format!(r#"{{"id":"{ID}","{long}":1,"{long}":2}}"#);
        assert!(read(&twice).unwrap_err().0.len() < 200);
        let deep = format!(r#"{{"id":"{ID}","extra_config":{}{}}}"#, "[".repeat(500), "]".repeat(500));
        assert_eq!(read(&deep).unwrap_err().0, "it is nested deeper than 128 levels");
    }

    #[test]
    fn a_redacted_token_stays_redacted_when_decoded_again() {
        for token in [r#"{"token":"s3cret"}"#, r#""[redacted]""#, r#""\u005bredacted]""#] {
            let run = with(&format!(r#""triggered_by_token":{token}"#)).run;
            assert_eq!(run.triggered_by_token, None);
            assert_eq!(read(&run.document()).unwrap().run, run);
        }
    }

    #[test]
    fn an_id_in_another_spelling_is_the_same_run() {
        let run = read(&format!(r#"{{"id":"{}"}}"#, ID.to_uppercase())).unwrap().run;
        assert_eq!(run.id.hyphenated().to_string(), ID);
        assert!(run.document().contains(&ID.to_uppercase()));
    }
}
