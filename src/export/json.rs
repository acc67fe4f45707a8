//! JSON: one object per row, in one array or one per line. The answer of a report is an object with the
//! array as `rows`, and the question as `scope`.
//!
//! Numbers are JSON numbers. An amount has all nine decimals, so a decimal parser gets the exact
//! value and other parsers get a double, never a string. An unknown value is null. Duplicate column
//! names get the suffix `_2`, `_3` …

use super::column_totals::ColumnTotals;
use super::destination::WriteError;
use super::manifest::Provenance;
use crate::report::rows::{Column, RowStream, Value};
use crate::report::{Cell, Table};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Write};

/// The text around and between the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One array of objects: JSON.
    Array,
    /// One object per line: NDJSON.
    Lines,
}

impl Layout {
    fn start(self) -> &'static str {
        match self {
            Layout::Array => "[",
            Layout::Lines => "",
        }
    }

    fn before_row(self, nth: u64) -> &'static str {
        match self {
            Layout::Array if nth == 0 => "\n",
            Layout::Array => ",\n",
            Layout::Lines => "",
        }
    }

    fn after_row(self) -> &'static str {
        match self {
            Layout::Array => "",
            Layout::Lines => "\n",
        }
    }

    fn end(self) -> &'static str {
        match self {
            Layout::Array => "\n]\n",
            Layout::Lines => "",
        }
    }
}

/// Writes the table as objects, amounts with `usd_decimals` decimals, without the totals.
pub fn write_table(table: &Table, layout: Layout, usd_decimals: u32, out: &mut dyn Write) -> io::Result<()> {
    let keys = keys(table.columns.iter().map(String::as_str));
    out.write_all(layout.start().as_bytes())?;
    for (nth, row) in (0..).zip(&table.rows) {
        out.write_all(layout.before_row(nth).as_bytes())?;
        for (key, cell) in keys.iter().zip(row) {
            out.write_all(key)?;
            match (cell, cell.exact_to(usd_decimals)) {
                (_, None) => out.write_all(b"null")?,
                (Cell::Text(_) | Cell::Rest(_) | Cell::Group { .. }, Some(text)) => {
                    serde_json::to_writer(&mut *out, &text)?
                }
                (Cell::Real(real), _) => write_real(*real, out)?,
                (_, Some(number)) => out.write_all(number.as_bytes())?,
            }
        }
        out.write_all(b"}")?;
        out.write_all(layout.after_row().as_bytes())?;
    }
    out.write_all(layout.end().as_bytes())
}

/// Writes the answer of a report: an object with the question as `scope`, and the table as `rows`. It does not have the
/// version of the schema, so that an answer about a closed month stays the same after a migration.
pub(crate) fn write_answer(
    table: &Table,
    scope: &Provenance,
    usd_decimals: u32,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"{\"scope\":")?;
    serde_json::to_writer(&mut *out, &Provenance { schema_version: None, ..scope.clone() })?;
    out.write_all(b",\n\"rows\":")?;
    write_table(table, Layout::Array, usd_decimals, out)?;
    out.write_all(b"}\n")
}

/// Writes the rows as they are read, amounts with `usd_decimals` decimals, and adds them to the
/// totals. JSON columns become JSON values and bytes a hexadecimal string. An infinity becomes
/// `9e999`, which parses as an infinite double.
pub fn write_rows(
    rows: &mut RowStream<'_>,
    layout: Layout,
    usd_decimals: u32,
    totals: &mut ColumnTotals,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let keys = keys(rows.columns().iter().map(|Column { name, .. }| name.as_str()));
    out.write_all(layout.start().as_bytes())?;
    let (mut nth, mut hex, mut line) = (0, Vec::new(), Vec::new());
    rows.for_each(|row| -> Result<(), WriteError> {
        totals.add_row(&row);
        line.clear();
        line.extend_from_slice(layout.before_row(nth).as_bytes());
        for (key, value) in keys.iter().zip(row.values()) {
            line.extend_from_slice(key);
            match value {
                Value::Null => line.extend_from_slice(b"null"),
                Value::Integer(whole) => write!(line, "{whole}")?,
                Value::Real(real) => write_real(real, &mut line)?,
                Value::Usd(usd) => usd.append_fixed(usd_decimals, b'.', &mut line),
                Value::Text(text) => write_text(text, &mut line)?,
                Value::Json(json) => write_json(json, &mut line),
                Value::Blob(bytes) => {
                    hex.clear();
                    crate::digest::append_hex(bytes, &mut hex);
                    write_text(&hex, &mut line)?;
                }
            }
        }
        line.push(b'}');
        line.extend_from_slice(layout.after_row().as_bytes());
        nth += 1;
        Ok(out.write_all(&line)?)
    })?;
    Ok(out.write_all(layout.end().as_bytes())?)
}

/// Reads a file and adds each object to `totals`, which has the columns `columns`.
///
/// # Errors
/// An I/O error, also when the file is not JSON in this layout. With [`Layout::Array`], the array
/// can be the whole file, or `rows` of an object.
pub fn read_rows(
    file: impl BufRead,
    layout: Layout,
    columns: &[String],
    totals: &mut ColumnTotals,
) -> io::Result<()> {
    let mut reader = RowReader { columns, totals };
    match layout {
        Layout::Array => {
            let mut json = serde_json::Deserializer::from_reader(file);
            json.deserialize_any(reader)?;
            json.end()?;
        }
        Layout::Lines => {
            for row in serde_json::Deserializer::from_reader(file).into_iter() {
                reader.add(&row?);
            }
        }
    }
    Ok(())
}

/// Adds one object at a time to the totals. Numbers keep their text, so amounts stay exact.
struct RowReader<'t> {
    columns: &'t [String],
    totals: &'t mut ColumnTotals,
}

type Object = HashMap<String, Box<RawValue>>;

impl RowReader<'_> {
    fn add(&mut self, object: &Object) {
        let text = |column: &String| match object.get(column).map(|value| value.get()) {
            None | Some("null") => String::new(),
            Some(value) => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        };
        self.totals.add_texts(self.columns.iter().map(text));
    }
}

impl<'de> Visitor<'de> for RowReader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects, or an object with such an array as `rows`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut reader = Some(self);
        while let Some(key) = entries.next_key::<String>()? {
            match reader.take_if(|_| key == "rows") {
                Some(rows) => entries.next_value_seed(rows)?,
                None => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        match reader {
            Some(_) => Err(A::Error::missing_field("rows")),
            None => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element()? {
            self.add(&object);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for RowReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

/// The text before each value, with the unique column name: `{"a":`, `,"b":`.
fn keys<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Vec<Vec<u8>> {
    let mut used: HashSet<String> = names.clone().map(str::to_owned).collect();
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for name in names {
        let mut unique = name.to_owned();
        if !seen.insert(name) {
            unique = (2..)
                .map(|nth| format!("{name}_{nth}"))
                .find(|name| used.insert(name.clone()))
                .expect("there are more suffixes than columns");
        }
        let mut key = if keys.is_empty() { b"{".to_vec() } else { b",".to_vec() };
        key.extend(serde_json::to_vec(&unique).expect("a string is always JSON"));
        key.push(b':');
        keys.push(key);
    }
    keys
}

fn write_text(text: &[u8], line: &mut Vec<u8>) -> io::Result<()> {
    Ok(serde_json::to_writer(line, &String::from_utf8_lossy(text))?)
}

/// Appends the JSON on one line: line ends in JSON are only whitespace between tokens.
fn write_json(json: &[u8], line: &mut Vec<u8>) {
    let start = line.len();
    line.extend_from_slice(json);
    for byte in &mut line[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Writes a double as a plain decimal, never with an exponent.
fn write_real(real: f64, out: &mut dyn Write) -> io::Result<()> {
    match real {
        f64::INFINITY => out.write_all(b"9e999"),
        f64::NEG_INFINITY => out.write_all(b"-9e999"),
        // The decimal point marks a double: 2.0, not 2.
        _ if real.fract() == 0.0 => write!(out, "{real}.0"),
        _ => write!(out, "{real}"),
    }
}
