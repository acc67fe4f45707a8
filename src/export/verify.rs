//! This is the reading back of a written file, to hold it against its manifest without the archive.

use super::column_totals::ColumnTotals;
use super::csv::{self, Totals};
use super::json::{self, Layout};
use super::manifest::Manifest;
use crate::digest::{Hash, Hashing, to_hex};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

/// One thing that the manifest says of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It is so, in words.
    Holds(String),
    /// It is not so, in words.
    Differs(String),
    /// It was not looked at, and why.
    NotRead(String),
}

/// Holds the file at `path` against its manifest: bytes and hash, and of CSV, JSON and NDJSON also rows, sums and
/// unknown values.
///
/// # Errors
/// What the system says when the file cannot be read at all.
pub fn compare(path: &Path, manifest: &Manifest) -> io::Result<Vec<Finding>> {
    let (bytes, hash) = length_and_hash(path)?;
    let mut findings = Vec::new();
    if let Some(written) = &manifest.written {
        findings.push(same("bytes", &bytes.to_string(), &written.bytes.to_string()));
        findings.push(same("SHA-256", &to_hex(&hash), &written.sha256));
    }
    let columns: Vec<String> = manifest.sums.iter().map(|sum| sum.column.clone()).collect();
    let mut tally = ColumnTotals::of(columns.iter().map(String::as_str));
    if tally.sums.len() != columns.len() {
        findings.push(Finding::Differs("the manifest has sums of columns that have none".to_owned()));
        return Ok(findings);
    }
    match read(path, manifest, &columns, &mut tally) {
        None => {
            findings.push(Finding::NotRead(format!("rows and sums: not read back from {}", manifest.format)))
        }
        Some(Err(cause)) => findings.push(Finding::Differs(format!("it cannot be read back: {cause}"))),
        Some(Ok(())) => {
            findings.push(same("rows", &tally.rows.to_string(), &manifest.rows.to_string()));
            findings.extend(sums(&tally, manifest));
        }
    }
    Ok(findings)
}

/// Tallies the file's rows. `None`: those of its format are not read.
fn read(
    path: &Path,
    manifest: &Manifest,
    columns: &[String],
    tally: &mut ColumnTotals,
) -> Option<io::Result<()>> {
    let file = || Ok(BufReader::new(File::open(path)?));
    let totals = if manifest.totals_row { Totals::LastRow } else { Totals::None };
    match manifest.format.as_str() {
        "csv" => {
            let Some(dialect) = manifest.dialect.as_ref().and_then(|parts| parts.dialect()) else {
                return Some(Err(io::Error::other("its dialect is not known here")));
            };
            Some(file().and_then(|file| csv::read_rows(file, &dialect, totals, columns, tally)))
        }
        "json" => Some(file().and_then(|file| json::read_rows(file, Layout::Array, columns, tally))),
        "ndjson" => Some(file().and_then(|file| json::read_rows(file, Layout::Lines, columns, tally))),
        _ => None,
    }
}

/// What the sums of the file are beside those of the manifest.
fn sums(tally: &ColumnTotals, manifest: &Manifest) -> Vec<Finding> {
    let decimals = manifest.usd_decimals.unwrap_or(9);
    let mut findings = Vec::new();
    for (sum, told) in tally.sums.iter().zip(&manifest.sums) {
        let (read, expected) = (sum.text(), told.sum.clone());
        let name = format!("sum of {}", sum.column);
        let rounding = sum.rounding(decimals);
        let total = told.sum.as_deref().and_then(|text| sum.parse(text));
        let shown = |text: Option<String>| text.unwrap_or_else(|| "nothing known".to_owned());
        findings.push(match total {
            Some(total) if read != expected && sum.known > 0 && (sum.total - total).abs() <= rounding => {
                Finding::Holds(format!(
                    "{name}: {}, within what rounding to {decimals} decimals can do to {}",
                    shown(read),
                    shown(expected)
                ))
            }
            _ => same(&name, &shown(read), &shown(expected)),
        });
        findings.push(same(
            &format!("unknown {}", sum.column),
            &sum.unknown.to_string(),
            &told.unknown.to_string(),
        ));
    }
    findings
}

fn same(name: &str, found: &str, expected: &str) -> Finding {
    if found == expected {
        Finding::Holds(format!("{name}: {found}"))
    } else {
        Finding::Differs(format!("{name}: {found}, but the manifest says {expected}"))
    }
}

fn length_and_hash(path: &Path) -> io::Result<(u64, Hash)> {
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut File::open(path)?, &mut hashing)?;
    Ok(hashing.finish())
}
