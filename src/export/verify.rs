//! Verification of an exported file against its manifest, without the archive.

use super::column_totals::ColumnTotals;
use super::csv::{self, TotalsRow};
use super::json::{self, Layout};
use super::manifest::Manifest;
use crate::digest::{Hash, HashingWriter, to_hex};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// The result of one check, with a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileCheck {
    /// File and manifest agree.
    Matches(String),
    /// File and manifest differ.
    Differs(String),
    /// The check does not apply to the format of the file.
    Skipped(String),
}

/// Compares the file at `path` with its manifest: length and hash. For CSV, JSON and NDJSON also
/// compares rows, sums and unknown values.
///
/// # Errors
/// An I/O error when the file cannot be read.
pub fn compare(path: &Path, manifest: &Manifest) -> io::Result<Vec<FileCheck>> {
    let (bytes, hash) = length_and_hash(path)?;
    let mut checks = Vec::new();
    if let Some(file) = &manifest.file {
        checks.push(check("bytes", &bytes.to_string(), &file.bytes.to_string()));
        checks.push(check("SHA-256", &to_hex(&hash), &file.sha256));
    }
    let columns: Vec<String> = manifest.sums.iter().map(|sum| sum.column.clone()).collect();
    let mut totals = ColumnTotals::new(columns.iter().map(String::as_str));
    if totals.sums.len() != columns.len() {
        checks.push(FileCheck::Differs("the manifest has sums of columns that cannot be summed".to_owned()));
        return Ok(checks);
    }
    match read_totals(path, manifest, &columns, &mut totals) {
        None => checks.push(FileCheck::Skipped(format!(
            "rows and sums: not available for the format {}",
            manifest.format
        ))),
        Some(Err(cause)) => checks.push(FileCheck::Differs(format!("the rows cannot be read: {cause}"))),
        Some(Ok(())) => {
            checks.push(check("rows", &totals.rows.to_string(), &manifest.rows.to_string()));
            checks.extend(check_sums(&totals, manifest));
        }
    }
    Ok(checks)
}

/// Adds up the rows of the file. `None`: its format cannot be read.
fn read_totals(
    path: &Path,
    manifest: &Manifest,
    columns: &[String],
    totals: &mut ColumnTotals,
) -> Option<io::Result<()>> {
    let file = || Ok(BufReader::new(File::open(path)?));
    let totals_row = if manifest.totals_row { TotalsRow::Last } else { TotalsRow::None };
    match manifest.format.as_str() {
        "csv" => {
            let Some(dialect) = manifest.dialect.as_ref().and_then(|description| description.dialect())
            else {
                return Some(Err(io::Error::other("this version does not know its dialect")));
            };
            let columns: Vec<(&str, &str)> =
                columns.iter().map(|column| (column.as_str(), manifest.heading(column))).collect();
            Some(file().and_then(|file| csv::read_rows(file, &dialect, totals_row, &columns, totals)))
        }
        "json" => Some(file().and_then(|file| json::read_rows(file, Layout::Array, columns, totals))),
        "ndjson" => Some(file().and_then(|file| json::read_rows(file, Layout::Lines, columns, totals))),
        _ => None,
    }
}

/// Compares the sums of the file with those of the manifest, which are exact even if the file's
/// amounts are rounded.
fn check_sums(totals: &ColumnTotals, manifest: &Manifest) -> Vec<FileCheck> {
    let decimals = manifest.usd_decimals.unwrap_or(9);
    let mut checks = Vec::new();
    for (sum, recorded) in totals.sums.iter().zip(&manifest.sums) {
        let (found, expected) = (sum.text(), recorded.sum.clone());
        let name = format!("sum of {}", sum.column);
        let exact = recorded.sum.as_deref().and_then(|text| sum.parse(text));
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        let is_rounded = found != expected
            && sum.known > 0
            && exact.is_some_and(|exact| (sum.total - exact).abs() <= sum.rounding_error(decimals));
        checks.push(if is_rounded {
            FileCheck::Matches(format!(
                "{name}: {}, the manifest's {} within rounding to {decimals} decimals",
                or_unknown(found),
                or_unknown(expected)
            ))
        } else {
            check(&name, &or_unknown(found), &or_unknown(expected))
        });
        checks.push(check(
            &format!("unknown {}", sum.column),
            &sum.unknown.to_string(),
            &recorded.unknown.to_string(),
        ));
    }
    checks
}

fn check(name: &str, found: &str, expected: &str) -> FileCheck {
    if found == expected {
        FileCheck::Matches(format!("{name}: {found}"))
    } else {
        FileCheck::Differs(format!("{name}: {found}, but the manifest says {expected}"))
    }
}

fn length_and_hash(path: &Path) -> io::Result<(u64, Hash)> {
    let mut hashing = HashingWriter::new(io::sink());
    io::copy(&mut File::open(path)?, &mut hashing)?;
    Ok(hashing.finish())
}
