//! This is JSON: one object a row, in one array or one a line.
//!
//! Numbers are JSON numbers. Money keeps all nine decimals in its text, so a reader of decimals gets
//! it exactly and a reader of doubles gets a number it can add, never a string. What is not known is
//! null. A column's second and later namesakes get `_2`, `_3` … behind their name.

use super::column_totals::ColumnTotals;
use super::destination::WriteError;
use crate::report::rows::{Column, RowStream, Value};
use crate::report::{Cell, Table};
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Write};

/// What stands between and around the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One array of objects: JSON.
    Array,
    /// One object a line: NDJSON.
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

/// Writes the table as objects, money with so many decimals, without the totals.
pub fn write_table(table: &Table, layout: Layout, usd_decimals: u32, out: &mut dyn Write) -> io::Result<()> {
    let keys = keys(table.columns.iter().map(String::as_str));
    out.write_all(layout.start().as_bytes())?;
    for (nth, row) in (0..).zip(&table.rows) {
        out.write_all(layout.before_row(nth).as_bytes())?;
        for (key, cell) in keys.iter().zip(row) {
            out.write_all(key)?;
            match (cell, cell.exact_to(usd_decimals)) {
                (_, None) => out.write_all(b"null")?,
                (Cell::Text(_), Some(text)) => serde_json::to_writer(&mut *out, &text)?,
                (Cell::Real(real), _) => write_real(*real, out)?,
                (_, Some(number)) => out.write_all(number.as_bytes())?,
            }
        }
        out.write_all(b"}")?;
        out.write_all(layout.after_row().as_bytes())?;
    }
    out.write_all(layout.end().as_bytes())
}

/// Writes each row as it comes, money with so many decimals, and lets `tally` see it. Columns of JSON become JSON, bytes become a text in hexadecimal, and an
/// infinity becomes `9e999`, which readers of doubles take for one.
pub fn write_rows(
    selection: &mut RowStream<'_>,
    layout: Layout,
    usd_decimals: u32,
    tally: &mut ColumnTotals,
    out: &mut dyn Write,
) -> Result<(), WriteError> {
    let keys = keys(selection.columns().iter().map(|Column { name, .. }| name.as_str()));
    out.write_all(layout.start().as_bytes())?;
    let (mut nth, mut hex, mut line) = (0, Vec::new(), Vec::new());
    selection.for_each(|row| -> Result<(), WriteError> {
        tally.add_row(&row);
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

/// Reads a file back: each of its objects is added to `tally`, which watches `columns`.
///
/// # Errors
/// What the system says, or that the file is no such JSON.
pub fn read_rows(
    file: impl BufRead,
    layout: Layout,
    columns: &[String],
    tally: &mut ColumnTotals,
) -> io::Result<()> {
    let mut rows = RowsRead { columns, tally };
    match layout {
        Layout::Array => {
            let mut json = serde_json::Deserializer::from_reader(file);
            json.deserialize_seq(rows)?;
            json.end()?;
        }
        Layout::Lines => {
            for row in serde_json::Deserializer::from_reader(file).into_iter() {
                rows.add(&row?);
            }
        }
    }
    Ok(())
}

/// What is read back, one object at a time. Numbers keep their own text.
struct RowsRead<'t> {
    columns: &'t [String],
    tally: &'t mut ColumnTotals,
}

type Object = HashMap<String, Box<RawValue>>;

impl RowsRead<'_> {
    fn add(&mut self, object: &Object) {
        let text = |column: &String| match object.get(column).map(|value| value.get()) {
            None | Some("null") => String::new(),
            Some(value) => serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        };
        self.tally.add_texts(self.columns.iter().map(text));
    }
}

impl<'de> Visitor<'de> for RowsRead<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element()? {
            self.add(&object);
        }
        Ok(())
    }
}

/// Each column's name as it stands before its value, with what stands before the name: `{"a":`, `,"b":`.
fn keys<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Vec<Vec<u8>> {
    let mut taken: HashSet<String> = names.clone().map(str::to_owned).collect();
    let mut seen = HashSet::new();
    let mut keys = Vec::new();
    for name in names {
        let mut unique = name.to_owned();
        if !seen.insert(name) {
            unique = (2..)
                .map(|nth| format!("{name}_{nth}"))
                .find(|name| taken.insert(name.clone()))
                .expect("there are more names than columns");
        }
        let mut key = if keys.is_empty() { b"{".to_vec() } else { b",".to_vec() };
        key.extend(serde_json::to_vec(&unique).expect("a text is always JSON"));
        key.push(b':');
        keys.push(key);
    }
    keys
}

fn write_text(text: &[u8], line: &mut Vec<u8>) -> io::Result<()> {
    Ok(serde_json::to_writer(line, &String::from_utf8_lossy(text))?)
}

/// A document on one line: a line end in JSON can only be space between its parts.
fn write_json(json: &[u8], line: &mut Vec<u8>) {
    let start = line.len();
    line.extend_from_slice(json);
    for byte in &mut line[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// A double as a plain decimal, never with an exponent.
fn write_real(real: f64, out: &mut dyn Write) -> io::Result<()> {
    match real {
        f64::INFINITY => out.write_all(b"9e999"),
        f64::NEG_INFINITY => out.write_all(b"-9e999"),
        // The point tells a reader that it is a double: 2.0, not 2.
        _ if real.fract() == 0.0 => write!(out, "{real}.0"),
        _ => write!(out, "{real}"),
    }
}
