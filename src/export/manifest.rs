//! This is a manifest: what was asked, and what was written, beside the file that was written.
//!
//! It has no instant of its own making: the same question to the same archive gives the same manifest.

use super::column_totals::ColumnTotals;
use super::csv::Totals;
use super::destination::Destination;
use super::dialect::Dialect;
use crate::digest::{Hash, to_hex};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the manifest's own form.
const VERSION: u32 = 1;

/// How the name of a manifest ends, in place of the file's own ending.
const ENDING: &str = "manifest.json";

/// What was asked, of which archive. Instants are UTC as they are stored; `None` and an empty list: not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The command: `report cost`, `export runs`.
    pub question: String,
    /// What the report was split by.
    pub by: Vec<String>,
    /// The most rows that were wanted.
    pub limit: Option<u32>,
    /// The first instant inside.
    pub from: Option<String>,
    /// The first instant outside.
    pub until: Option<String>,
    /// The zone of days, weeks and months.
    pub zone: String,
    /// The label of the period that was asked for.
    pub period: Option<String>,
    /// Which instant books a run.
    pub date_basis: Option<String>,
    /// The moment as of which the question was asked.
    pub as_of: Option<String>,
    /// The latest observation that the answer knows of.
    pub known_at: Option<String>,
    /// Whether the period is open, closed or restated.
    pub close_state: Option<String>,
    /// The rules of the cost centres, in their order.
    pub centres: Vec<String>,
    /// The version of the archive's schema.
    pub schema_version: Option<u32>,
    /// What each of several archives was asked, in their order; empty: it was a single one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<AskedOf>,
}

/// What one of several archives was asked, as far as it can differ between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedOf {
    /// The name of its workspace.
    pub workspace: String,
    /// The moment as of which the question was asked.
    pub as_of: Option<String>,
    /// The latest observation that the answer knows of.
    pub known_at: Option<String>,
    /// Whether the period is open, closed or restated.
    pub close_state: Option<String>,
    /// The rules of the cost centres, in their order.
    pub centres: Vec<String>,
}

/// The file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its name, without its folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// The dialect of a CSV, each part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialectParts {
    /// The name of the dialect.
    pub name: String,
    /// What stands between two fields.
    pub separator: char,
    /// What stands before the decimals.
    pub decimal_mark: char,
    /// Whether the file begins with a byte order mark.
    pub bom: bool,
    /// `LF` or `CRLF`.
    pub line_end: String,
    /// The form of instants.
    pub instants: String,
    /// The zone of instants.
    pub instants_zone: String,
    /// Whether texts that a spreadsheet would take for a formula have an apostrophe before them.
    pub formulas_made_harmless: bool,
}

/// The sum of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSum {
    /// The column. Of `credit_charge_status` the sum counts the `charged`, each of which is one credit.
    pub column: String,
    /// The exact sum of what is known, as a decimal, whatever decimals the file has; `None`: nothing is known.
    pub sum: Option<String>,
    /// How many rows have no known value.
    pub unknown: u64,
}

/// Everything that a manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the manifest's form.
    pub manifest_version: u32,
    /// The file; `None` inside the file itself, which cannot hold its own hash.
    #[serde(flatten)]
    pub written: Option<Written>,
    /// The file's format: `csv`, `json`, `ndjson`, `table`, `markdown` or `xlsx`.
    pub format: String,
    /// The dialect of a CSV.
    pub dialect: Option<DialectParts>,
    /// The decimals of money; `None`: those that the API sent.
    pub usd_decimals: Option<u32>,
    /// The columns in their order; of runs' own JSON those that are summed up.
    pub columns: Vec<String>,
    /// How many rows there are, without heading and totals.
    pub rows: u64,
    /// Whether the last row of the file has the totals.
    pub totals_row: bool,
    /// The sums of amounts, credits and counts of runs, from the ledger's own values.
    pub sums: Vec<ColumnSum>,
    /// What was asked.
    pub asked: Asked,
    /// The version of the program that wrote it.
    pub program_version: String,
}

impl Written {
    /// The file at `path`, of so many bytes with that hash.
    pub fn new(path: &Path, bytes: u64, hash: &Hash) -> Written {
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Written { file, bytes, sha256: to_hex(hash) }
    }
}

impl DialectParts {
    /// The parts of the dialect.
    pub fn of(dialect: &Dialect) -> DialectParts {
        DialectParts {
            name: dialect.name().to_owned(),
            separator: char::from(dialect.separator),
            decimal_mark: char::from(dialect.decimal_mark),
            bom: dialect.bom,
            line_end: if dialect.line_end() == "\n" { "LF" } else { "CRLF" }.to_owned(),
            instants: dialect.instants().to_owned(),
            instants_zone: dialect.zone.name().to_owned(),
            formulas_made_harmless: dialect.is_for_spreadsheets(),
        }
    }

    /// The dialect that has these parts; `None`: this program knows none.
    pub fn dialect(&self) -> Option<Dialect> {
        let mut dialect = Dialect::named(&self.name)?;
        dialect.separator = u8::try_from(self.separator).ok()?;
        dialect.decimal_mark = u8::try_from(self.decimal_mark).ok()?;
        dialect.bom = self.bom;
        dialect.zone = self.instants_zone.parse().ok()?;
        Some(dialect)
    }
}

impl Manifest {
    /// What can be said before the file is written.
    pub fn new(
        format: &str,
        dialect: Option<&Dialect>,
        usd_decimals: Option<u32>,
        columns: Vec<String>,
        totals: Totals,
        asked: Asked,
    ) -> Manifest {
        Manifest {
            manifest_version: VERSION,
            written: None,
            format: format.to_owned(),
            dialect: dialect.map(DialectParts::of),
            usd_decimals,
            columns,
            rows: 0,
            totals_row: totals == Totals::LastRow,
            sums: Vec::new(),
            asked,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Takes in what was tallied.
    pub fn take(&mut self, tally: &ColumnTotals) {
        self.rows = tally.rows;
        self.sums = tally
            .sums
            .iter()
            .map(|sum| ColumnSum { column: sum.column.clone(), sum: sum.text(), unknown: sum.unknown })
            .collect();
    }

    /// The manifest as it is written: JSON on many lines.
    pub fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a manifest is JSON");
        json.push(b'\n');
        json
    }

    /// Reads the manifest of the file at `path`.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none that this program knows, or when it is that of another file.
    pub fn beside(path: &Path) -> Result<Manifest> {
        let place = place_of(path);
        let unusable = |what: String, hint: &str| Error::Usage { what, hint: Some(hint.to_owned()) };
        let text = fs::read(&place).map_err(|cause| {
            unusable(
                format!("the manifest {} cannot be read: {cause}", place.display()),
                "write the file with --manifest, and keep both in one folder",
            )
        })?;
        let version = serde_json::from_slice::<ManifestVersion>(&text).map(|it| it.manifest_version);
        if version.as_ref().is_ok_and(|version| *version > VERSION) {
            return Err(unusable(
                format!("the manifest {} was made by a newer version of runledger", place.display()),
                "check it with that version",
            ));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|cause| {
            unusable(
                format!("{} is no manifest of runledger, or was damaged: {cause}", place.display()),
                "write file and manifest again",
            )
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match &manifest.written {
            Some(written) if written.file == name => Ok(manifest),
            written => Err(unusable(
                format!(
                    "the manifest {} is not that of {name} but of {}",
                    place.display(),
                    written.as_ref().map_or("nothing", |written| &written.file)
                ),
                "give the file that it names, or rename neither",
            )),
        }
    }
}

/// The part of any manifest that tells whether the rest can be understood.
#[derive(Deserialize)]
struct ManifestVersion {
    manifest_version: u32,
}

/// Where the manifest of the file at `path` stands: `costs.manifest.json` beside `costs.csv`.
pub fn place_of(path: &Path) -> PathBuf {
    path.with_extension(ENDING)
}

/// The file that is written and the place of its manifest.
///
/// # Errors
/// [`Error::Usage`] when it is no file that could have a manifest beside it, or when the place holds something else.
pub fn places(destination: &Destination) -> Result<(&Path, PathBuf)> {
    let Destination::File(path) = destination else {
        return Err(Error::Usage {
            what: "--manifest describes a file, and there is none".to_owned(),
            hint: Some("name one with --output".to_owned()),
        });
    };
    let place = place_of(path);
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) || place == *path {
        return Err(Error::usage(format!(
            "{} is no file that a manifest could stand beside",
            path.display()
        )));
    }
    // The manifest of costs.json must not be lost because costs.csv is written.
    let other = fs::read(&place).ok().and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    match other.and_then(|manifest| manifest.written) {
        Some(written) if path.file_name().is_none_or(|name| name.to_string_lossy() != written.file) => {
            Err(Error::Usage {
                what: format!("{} is the manifest of {}, and would be lost", place.display(), written.file),
                hint: Some("give the output another name, or remove that manifest".to_owned()),
            })
        }
        _ => Ok((path, place)),
    }
}
