//! A lossless JSON reader, comparison and generator, independent of the code under test.
//!
//! It shares no code with the library. Strings are UTF-16 code units, so that lone surrogates are
//! representable, and numbers are their raw text.

use chrono::DateTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Boolean(bool),
    /// The raw text of the number.
    Number(String),
    /// UTF-16 code units.
    Text(Vec<u16>),
    Array(Vec<Json>),
    Object(BTreeMap<Vec<u16>, Json>),
}

pub fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

// ---- reading

/// Reads a JSON text.
///
/// # Panics
/// If the text is invalid.
pub fn read(text: &str) -> Json {
    let mut reader = Reader { text: text.as_bytes(), place: 0 };
    let value = reader.value();
    reader.skip_space();
    assert_eq!(reader.place, text.len(), "text follows the value: {text}");
    value
}

struct Reader<'a> {
    text: &'a [u8],
    place: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Json {
        self.skip_space();
        match self.text[self.place] {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => Json::Text(self.string()),
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Boolean(true)),
            b'f' => self.word("false", Json::Boolean(false)),
            _ => {
                let begin = self.place;
                let of_number = |byte: &u8| b"+-.0123456789eE".contains(byte);
                self.place += self.text[begin..].iter().take_while(|byte| of_number(byte)).count();
                assert!(self.place > begin, "no value at {begin}");
                Json::Number(str::from_utf8(&self.text[begin..self.place]).unwrap().to_owned())
            }
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Json {
        assert!(self.text[self.place..].starts_with(word.as_bytes()), "no {word} at {}", self.place);
        self.place += word.len();
        value
    }

    fn array(&mut self) -> Json {
        let mut items = Vec::new();
        self.place += 1;
        while !self.comes(b']') {
            items.push(self.value());
            assert!(self.comes(b',') || self.text[self.place] == b']');
        }
        Json::Array(items)
    }

    fn object(&mut self) -> Json {
        let mut entries = BTreeMap::new();
        self.place += 1;
        while !self.comes(b'}') {
            self.skip_space();
            let key = self.string();
            assert!(self.comes(b':'));
            let value = self.value();
            assert!(entries.insert(key, value).is_none(), "a duplicate key");
            assert!(self.comes(b',') || self.text[self.place] == b'}');
        }
        Json::Object(entries)
    }

    fn string(&mut self) -> Vec<u16> {
        let mut units = Vec::new();
        assert_eq!(self.text[self.place], b'"');
        self.place += 1;
        loop {
            let begin = self.place;
            while !matches!(self.text[self.place], b'"' | b'\\') {
                self.place += 1;
            }
            units.extend(str::from_utf8(&self.text[begin..self.place]).unwrap().encode_utf16());
            self.place += 2;
            if self.text[self.place - 2] == b'"' {
                self.place -= 1;
                return units;
            }
            units.push(match self.text[self.place - 1] {
                b'b' => 8,
                b'f' => 12,
                b'n' => 10,
                b'r' => 13,
                b't' => 9,
                b'u' => {
                    self.place += 4;
                    let digits = str::from_utf8(&self.text[self.place - 4..self.place]).unwrap();
                    u16::from_str_radix(digits, 16).unwrap()
                }
                itself => u16::from(itself),
            });
        }
    }

    fn skip_space(&mut self) {
        while self.text.get(self.place).is_some_and(u8::is_ascii_whitespace) {
            self.place += 1;
        }
    }

    fn comes(&mut self, mark: u8) -> bool {
        self.skip_space();
        let comes = self.text[self.place] == mark;
        self.place += usize::from(comes);
        comes
    }
}

// ---- comparing

/// Whether two documents of a run are equal. Instants compare as instants, numbers as exact decimals.
/// The order of keys and the spelling of strings do not matter.
pub fn same_run(one: &Json, other: &Json) -> bool {
    let (Json::Object(one), Json::Object(other)) = (one, other) else { return false };
    one.len() == other.len()
        && one.iter().all(|(key, value)| {
            let is_instant = INSTANTS.iter().any(|name| *key == units(name));
            other
                .get(key)
                .is_some_and(|other| same(value, other) || (is_instant && same_instant(value, other)))
        })
}

fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one == other || decimal(one) == decimal(other),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        (one, other) => one == other,
    }
}

fn same_instant(one: &Json, other: &Json) -> bool {
    let instant = |value: &Json| match value {
        Json::Text(text) => DateTime::parse_from_rfc3339(&String::from_utf16(text).ok()?).ok(),
        _ => None,
    };
    instant(one).is_some() && instant(one) == instant(other)
}

/// Sign, digits without outer zeros, and the exponent of the first digit.
fn decimal(text: &str) -> (bool, String, i128) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0').to_owned();
    if significant.is_empty() {
        return (false, significant, 0);
    }
    let power = exponent.parse::<i128>().unwrap() + whole.len() as i128 - leading as i128;
    (mantissa.starts_with('-'), significant, power)
}

// ---- writing

/// Writes a value in one of many spellings, chosen by `style`.
pub fn write(value: &Json, style: u32) -> String {
    let mut out = String::new();
    write_value(value, style, &mut out);
    out
}

fn write_value(value: &Json, style: u32, out: &mut String) {
    let space = if style & 1 == 1 { " \n" } else { "" };
    let inner = style.rotate_right(1);
    match value {
        Json::Null => out.push_str("null"),
        Json::Boolean(value) => out.push_str(&value.to_string()),
        Json::Number(text) => out.push_str(text),
        Json::Text(units) => write_units(units, style, out),
        Json::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                out.push_str(space);
                write_value(item, inner, out);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            // JSON leaves the order of keys to the writer.
            let mut entries: Vec<_> = entries.iter().collect();
            if style & 2 == 2 {
                entries.reverse();
            }
            out.push('{');
            for (place, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write_units(key, style, out);
                out.push_str(space);
                out.push(':');
                write_value(value, inner, out);
            }
            out.push('}');
        }
    }
}

fn write_units(units: &[u16], style: u32, out: &mut String) {
    out.push('"');
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok(letter @ ('"' | '\\')) => out.extend(['\\', letter]),
            Ok('/') if style & 4 == 4 => out.push_str("\\/"),
            Ok(letter) if letter < ' ' || (style & 8 == 8 && letter.is_alphabetic()) => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            Ok(letter) => out.push(letter),
            Err(lone) => out.push_str(&format!("\\u{:04X}", lone.unpaired_surrogate())),
        }
    }
    out.push('"');
}

// ---- generating

const INSTANTS: [&str; 4] = ["created_at", "updated_at", "started_at", "ended_at"];

/// Parts of keys that name a credential: such values are redacted, so they are not generated.
const OF_CREDENTIALS: [&str; 7] =
    ["token", "passw", "pwd", "phrase", "secret", "authorization", "credential"];

fn text() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![
        4 => "[a-z_ ]{0,12}".prop_map(|text| units(&text)),
        2 => "\\PC{0,8}".prop_map(|text| units(&text)),
        1 => vec(prop_oneof![Just('\0'), Just('"'), Just('\\'), Just('/'), Just('\n'), Just('\u{7f}'), any::<char>()], 0..6)
            .prop_map(|letters| units(&String::from_iter(letters))),
        // Lone surrogates, and sometimes pairs.
        1 => vec(prop_oneof![0xd800..=0xdfff_u16, 0x20..=0x7e_u16], 0..5),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<i64>().prop_map(|whole| whole.to_string()),
        3 => any::<f64>().prop_filter("JSON has no such number", |real| real.is_finite()).prop_map(|real| format!("{real:?}")),
        3 => "-?(0|[1-9][0-9]{0,3})\\.[0-9]{1,12}",
        2 => "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?",
        1 => prop::sample::select(vec![
            "1e400", "-1e400", "123456789012345678901234567890", "-0.0", "-0", "0e0", "0.0e-7", "1e-320", "5e-324",
            "1e-400", "0.1", "0.30000000000000004", "12.0", "1.5E+1", "9223372036854775807", "9223372036854775808",
            "-9223372036854775808", "9223372036.854775807", "9223372036.854775808", "9007199254740993", "1e18", "1e19",
            "1e999999999999999999", "1e-999999999999999999", "1e99999999999999999999",
        ]).prop_map(str::to_owned),
    ]
}

fn key() -> impl Strategy<Value = Vec<u16>> {
    text().prop_filter("a credential could stand there", |key| {
        let key = String::from_utf16_lossy(key).to_lowercase();
        !key.contains("key") && !OF_CREDENTIALS.iter().any(|part| key.contains(part))
    })
}

/// Any JSON value.
pub fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        number().prop_map(Json::Number),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::btree_map(key(), inner, 0..4).prop_map(Json::Object),
        ]
    })
}

/// A person or token without an id is dropped.
fn no_person() -> impl Strategy<Value = Json> {
    value().prop_filter("it is not kept", |value| !matches!(value, Json::Object(_) | Json::Array(_)))
}

fn instant() -> impl Strategy<Value = Json> {
    (
        (0..=9999_u16, 1..=13_u8, 1..=31_u8, 0..=24_u8, 0..=59_u8, 0..=60_u8),
        "(\\.[0-9]{1,9})?",
        prop_oneof![Just("Z".to_owned()), Just(String::new()), "[+-](0[0-9]|1[0-4]):[0-5][0-9]"],
        prop::sample::select(vec!["T", "t", " "]),
    )
        .prop_map(|((year, month, day, hour, minute, second), fraction, zone, mark)| {
            let text = format!(
                "{year:04}-{month:02}-{day:02}{mark}{hour:02}:{minute:02}:{second:02}{fraction}{zone}"
            );
            Json::Text(units(&text))
        })
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Json> {
    prop::sample::select(words).prop_map(|word| Json::Text(units(word)))
}

/// A valid value of each documented field except the id.
fn fitting(field: &str) -> BoxedStrategy<Json> {
    let whole = || any::<i64>().prop_map(|whole| Json::Number(whole.to_string()));
    match field {
        "number" | "duration_seconds" | "triggered_by" => whole().boxed(),
        "full_sync" => any::<bool>().prop_map(Json::Boolean).boxed(),
        "status" => {
            words(&["pending_events", "queued", "running", "success", "failed", "paused", ""]).boxed()
        }
        "credit_charge_status" => words(&["charged", "unsuccessful", "first_extraction"]).boxed(),
        "el_cost_usd" | "transformation_cost_usd" => {
            prop_oneof!["(0|[1-9][0-9]{0,2})\\.[0-9]{1,17}", number()].prop_map(Json::Number).boxed()
        }
        "trigger" => {
            (words(&["manual", "cron", "event", "webhook"]), option::of(text()), option::of(value()))
                .prop_map(|(word, cron, more)| {
                    let entries = [
                        Some((units("type"), word)),
                        Some((units("cron_expression"), cron.map_or(Json::Null, Json::Text))),
                        more.map(|more| (units("more"), more)),
                    ];
                    Json::Object(entries.into_iter().flatten().collect())
                })
                .boxed()
        }
        "extra_config" | "el_cost_metadata" | "transformation_cost_metadata" => value().boxed(),
        name if INSTANTS.contains(&name) => instant().boxed(),
        _ => "[0-9a-f]{8}-[a-z]{1,8}".prop_map(|slug| Json::Text(units(&slug))).boxed(),
    }
}

fn id() -> impl Strategy<Value = Json> {
    (any::<u128>(), 0..4).prop_map(|(id, spelling)| {
        let id = uuid::Uuid::from_u128(id);
        let text = match spelling {
            0 => id.simple().to_string(),
            1 => id.hyphenated().to_string().to_uppercase(),
            _ => id.hyphenated().to_string(),
        };
        Json::Text(units(&text))
    })
}

/// The documented fields of a run except the id.
const FIELDS: [&str; 20] = [
    "number",
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "duration_seconds",
    "status",
    "trigger",
    "full_sync",
    "extra_config",
    "credit_charge_status",
    "el_cost_usd",
    "el_cost_metadata",
    "transformation_cost_usd",
    "transformation_cost_metadata",
    "triggered_by",
    "triggered_by_token",
    "source",
    "destination",
    "transformation",
];

/// The document of a run with an id and otherwise arbitrary fields: valid, of the wrong type, null,
/// absent, and undocumented.
pub fn run() -> impl Strategy<Value = Json> {
    let fields: Vec<_> = FIELDS
        .into_iter()
        .map(|field| {
            let unfit = if field.starts_with("triggered_by") { no_person().boxed() } else { value().boxed() };
            prop_oneof![
                6 => fitting(field).prop_map(Some),
                1 => unfit.prop_map(Some),
                1 => Just(Some(Json::Null)),
                1 => Just(None),
            ]
            .prop_map(move |value| value.map(|value| (units(field), value)))
        })
        .collect();
    let unknown = vec((key(), value()), 0..4);
    (id(), fields, unknown).prop_map(|(id, fields, unknown)| {
        let mut document: BTreeMap<_, _> = unknown.into_iter().collect();
        document.extend(fields.into_iter().flatten());
        document.insert(units("id"), id);
        Json::Object(document)
    })
}
