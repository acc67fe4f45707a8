//! Manifests: a JSON file next to an export that records the query and the content of the file.
//!
//! A manifest contains no time of export, so the same query on the same archive gives the same
//! manifest.

use super::column_totals::ColumnTotals;
use super::csv::TotalsRow;
use super::destination::Destination;
use super::dialect::Dialect;
use super::headings::Headings;
use crate::digest::{Hash, to_hex};
use crate::error::{Error, Result};
use crate::report::Ledger;
use crate::report::change::Change;
use crate::report::filter::RunFilter;
use crate::report::fx::{Currency, Policy};
use crate::report::run_list::ListConditions;
use crate::run::Instant;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the manifest format. Version 2 has headings; a file whose headings are the names of its columns has
/// a manifest of version 1, which earlier versions of runledger read.
const VERSION: u32 = 2;
const WITHOUT_HEADINGS: u32 = 1;

/// The extension of a manifest, which replaces that of the file.
const EXTENSION: &str = "manifest.json";

/// The query and the state of the archive: the scope of an answer, in manifests and in JSON. Instants
/// are UTC in the archive's format; `None` and an empty list: not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The command: `report cost`, `export runs`.
    pub question: String,
    /// The dimensions that the report was grouped by.
    pub by: Vec<String>,
    /// The row limit.
    pub limit: Option<u32>,
    /// The cost center that a statement is for. `None`: the answer is for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// Which of the runs in the time range. `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<RunFilter>,
    /// Which of these runs a list has.
    #[serde(flatten)]
    pub list: ListConditions,
    /// How the start of the time range was given, if by `--last`: `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The start of the time range, inclusive.
    pub from: Option<String>,
    /// The end of the time range, exclusive.
    pub until: Option<String>,
    /// The time zone of days, weeks and months.
    pub zone: String,
    /// The closed month whose close gives the zone or the date basis, because neither arguments nor settings do.
    pub defaults_from_close: Option<String>,
    /// The label of the requested period.
    pub period: Option<String>,
    /// The date that books a run: `started`, `ended` or `created`.
    pub date_basis: Option<String>,
    /// The as-of instant.
    pub as_of: Option<String>,
    /// The instant of the last observation that is included.
    pub known_at: Option<String>,
    /// `closed at …` with the number of the close, `running` when the span ends after the last observation, else
    /// `current`: as known at that moment. Manifests of earlier versions have `open` for the last two.
    pub close_state: Option<String>,
    /// The instant of the close that answers. `None`: none does.
    pub closed_at: Option<String>,
    /// Who closed the period; `None`: it is open, or the close does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// The note of the close; `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_note: Option<String>,
    /// The allocation rules of the cost centers, in order. Older manifests have the key `centres`.
    #[serde(alias = "centres")]
    pub cost_centers: Vec<String>,
    /// What people have to know to read the answer, such as what a month was closed with.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Those of the notes that only define a word or a default. Terminals show them with `--wide` only.
    #[serde(skip)]
    pub definitions: Vec<String>,
    /// The second currency of the amounts; `None`: all are in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fx: Option<FxProvenance>,
    /// The schema version of the archive; `None` also in JSON answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// The answer in one sentence. `None`: its table is the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The period that a comparison is against. `None`: the question compares nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<ComparedPeriod>,
    /// The provenance of each of several archives, in order; empty: there is a single archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<WorkspaceProvenance>,
}

/// The second currency of an answer. The rates themselves are in its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FxProvenance {
    /// The code of the currency.
    pub currency: Currency,
    /// Which rate applies, in the first archive.
    pub policy: Policy,
}

impl FxProvenance {
    /// The second currency of the ledgers. `None`: there is none.
    pub(crate) fn of(ledgers: &[Ledger<'_>]) -> Option<FxProvenance> {
        let fx = ledgers.iter().find_map(|ledger| ledger.scope().fx())?;
        Some(FxProvenance { currency: fx.currency.clone(), policy: fx.policy })
    }
}

/// The period that a comparison is against, in the first archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedPeriod {
    /// Its label.
    pub period: String,
    /// Its start, inclusive.
    pub from: Option<String>,
    /// Its end, exclusive; where it is cut, because the other period is running.
    pub until: Option<String>,
    /// The as-of instant.
    pub as_of: Option<String>,
    /// The close that answers for it. `None`: it is open.
    pub close_id: Option<i64>,
}

impl ComparedPeriod {
    /// The period that the change is against.
    pub(crate) fn of(change: &Change) -> ComparedPeriod {
        let scope = change.scopes.first().map(|scopes| &scopes.against);
        let text = |instant: Option<Instant>| instant.map(|at| at.to_string());
        ComparedPeriod {
            period: change.against.clone(),
            from: text(scope.and_then(|scope| scope.span.from)),
            until: text(scope.and_then(|scope| scope.span.until)),
            as_of: text(scope.and_then(|scope| scope.as_of)),
            close_id: scope.and_then(|scope| scope.close_id),
        }
    }
}

/// The part of the provenance that can differ between several archives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceProvenance {
    /// The name of the workspace.
    pub workspace: String,
    /// The as-of instant.
    pub as_of: Option<String>,
    /// The instant of the last observation that is included.
    pub known_at: Option<String>,
    /// Whether the answer is closed, running or current.
    pub close_state: Option<String>,
    /// Who closed the period; `None`: it is open, or the close does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// The note of the close; `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_note: Option<String>,
    /// The allocation rules of the cost centers, in order. Manifests written before the rename have
    /// the key `centres`.
    #[serde(alias = "centres")]
    pub cost_centers: Vec<String>,
}

/// The exported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenFile {
    /// The file name, without the folder.
    #[serde(rename = "file")]
    pub name: String,
    /// The length in bytes.
    pub bytes: u64,
    /// The SHA-256 in hexadecimal.
    pub sha256: String,
}

/// The dialect of a CSV file in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialectDescription {
    /// The name of the dialect.
    pub name: String,
    /// The field separator.
    pub separator: char,
    /// The decimal mark.
    pub decimal_mark: char,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
    /// `LF` or `CRLF`.
    pub line_end: String,
    /// The format of instants.
    pub instants: String,
    /// The time zone of instants.
    pub instants_zone: String,
    /// Whether texts that a spreadsheet would run as a formula start with an apostrophe.
    #[serde(rename = "formulas_made_harmless")]
    pub escapes_formulas: bool,
    /// `machine`: the first line has the names of the columns, and values are as stored. Otherwise the language of
    /// headings and values.
    #[serde(default = "machine_headings", skip_serializing_if = "is_machine_headings")]
    pub headings: String,
}

fn machine_headings() -> String {
    Headings::Machine.name().to_owned()
}

fn is_machine_headings(name: &String) -> bool {
    *name == machine_headings()
}

/// The sum of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSum {
    /// The column. The sum of `credit_charge_status` counts `charged`, each of which is one credit.
    pub column: String,
    /// The exact sum of the known values, also if the file has rounded values; `None`: no value is
    /// known.
    pub sum: Option<String>,
    /// The number of rows without a known value.
    pub unknown: u64,
}

/// The manifest of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the manifest format.
    pub manifest_version: u32,
    /// The file; `None` for a manifest inside the file, which cannot contain its own hash.
    #[serde(flatten)]
    pub file: Option<WrittenFile>,
    /// The format of the file: `csv`, `json`, `ndjson`, `table`, `markdown` or `xlsx`.
    pub format: String,
    /// The dialect of a CSV file.
    pub dialect: Option<DialectDescription>,
    /// The decimals of amounts; `None`: as the API sent them.
    pub usd_decimals: Option<u32>,
    /// The columns in order; for run documents, the fields that are summed.
    pub columns: Vec<String>,
    /// The headings of the columns in the file, in the same order. Empty: they are the names of the columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headings: Vec<String>,
    /// The number of rows, without heading and totals.
    pub rows: u64,
    /// Whether the last row of the file contains the totals.
    pub totals_row: bool,
    /// The sums of amounts, credits and run counts, from the ledger's own values.
    pub sums: Vec<ColumnSum>,
    /// The query.
    #[serde(rename = "asked")]
    pub provenance: Provenance,
    /// The version of the program that wrote the file.
    pub program_version: String,
}

impl WrittenFile {
    /// The file at `path`, with its length and hash.
    pub fn new(path: &Path, bytes: u64, hash: &Hash) -> WrittenFile {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        WrittenFile { name, bytes, sha256: to_hex(hash) }
    }
}

impl DialectDescription {
    /// Describes the dialect.
    pub fn of(dialect: &Dialect) -> DialectDescription {
        DialectDescription {
            name: dialect.name().to_owned(),
            separator: char::from(dialect.separator),
            decimal_mark: char::from(dialect.decimal_mark),
            bom: dialect.bom,
            line_end: if dialect.line_end() == "\n" { "LF" } else { "CRLF" }.to_owned(),
            instants: dialect.instant_format().to_owned(),
            instants_zone: dialect.zone.name().to_owned(),
            escapes_formulas: dialect.is_for_spreadsheets(),
            headings: dialect.headings.name().to_owned(),
        }
    }

    /// The described dialect; `None`: this version does not know it.
    pub fn dialect(&self) -> Option<Dialect> {
        let mut dialect = Dialect::named(&self.name)?;
        dialect.separator = u8::try_from(self.separator).ok()?;
        dialect.decimal_mark = u8::try_from(self.decimal_mark).ok()?;
        dialect.bom = self.bom;
        dialect.zone = self.instants_zone.parse().ok()?;
        dialect.headings = Headings::named(&self.headings)?;
        Some(dialect)
    }
}

impl Manifest {
    /// A manifest of a file that is not written yet.
    pub fn new(
        format: &str,
        dialect: Option<&Dialect>,
        usd_decimals: Option<u32>,
        columns: Vec<String>,
        totals_row: TotalsRow,
        provenance: Provenance,
    ) -> Manifest {
        let headings = dialect.map_or_else(Vec::new, |dialect| dialect.headings.all(&columns));
        Manifest {
            manifest_version: if headings.is_empty() { WITHOUT_HEADINGS } else { VERSION },
            file: None,
            format: format.to_owned(),
            dialect: dialect.map(DialectDescription::of),
            usd_decimals,
            columns,
            headings,
            rows: 0,
            totals_row: totals_row == TotalsRow::Last,
            sums: Vec::new(),
            provenance,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The heading of a column in the file.
    pub(crate) fn heading<'m>(&'m self, column: &'m str) -> &'m str {
        let place = self.columns.iter().position(|known| known == column);
        place.and_then(|place| self.headings.get(place)).map_or(column, String::as_str)
    }

    /// Records the row count and the sums.
    pub fn set_totals(&mut self, totals: &ColumnTotals) {
        self.rows = totals.rows;
        self.sums = totals
            .sums
            .iter()
            .map(|sum| ColumnSum { column: sum.column.clone(), sum: sum.text(), unknown: sum.unknown })
            .collect();
    }

    /// The manifest as indented JSON.
    pub fn json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a manifest is JSON");
        json.push(b'\n');
        json
    }

    /// Reads the manifest of the exported file at `path`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is missing, unreadable or of a newer version, or when it describes
    /// another file.
    pub fn for_file(path: &Path) -> Result<Manifest> {
        let manifest_path = manifest_path(path);
        let unusable = |what: String, hint: &str| Error::Usage { what, hint: Some(hint.to_owned()) };
        let text = fs::read(&manifest_path).map_err(|cause| {
            unusable(
                format!("the manifest {} cannot be read: {cause}", manifest_path.display()),
                "write the file with --manifest, and keep both files in one folder",
            )
        })?;
        let version = serde_json::from_slice::<ManifestVersion>(&text).map(|header| header.manifest_version);
        if version.as_ref().is_ok_and(|version| *version > VERSION) {
            return Err(unusable(
                format!(
                    "the manifest {} was written by a newer version of runledger",
                    manifest_path.display()
                ),
                "verify the file with that version",
            ));
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|cause| {
            unusable(
                format!("{} is not a valid manifest of runledger: {cause}", manifest_path.display()),
                "export the file again with --manifest",
            )
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match &manifest.file {
            Some(file) if file.name == name => Ok(manifest),
            file => Err(unusable(
                format!(
                    "the manifest {} describes {}, not {name}",
                    manifest_path.display(),
                    file.as_ref().map_or("no file", |file| &file.name)
                ),
                "verify the file that the manifest names; do not rename exported files",
            )),
        }
    }
}

/// The field that every version of the format has.
#[derive(Deserialize)]
struct ManifestVersion {
    manifest_version: u32,
}

/// The path of the manifest of the file at `path`: `costs.manifest.json` for `costs.csv`.
pub(crate) fn manifest_path(path: &Path) -> PathBuf {
    path.with_extension(EXTENSION)
}

/// The paths of the file and of its manifest.
///
/// # Errors
/// [`Error::Usage`] when the destination is not a file that can have a manifest, or when the
/// manifest would overwrite that of another file.
pub(crate) fn output_paths(destination: &Destination) -> Result<(&Path, PathBuf)> {
    let Destination::File(path) = destination else {
        return Err(Error::Usage {
            what: "--manifest needs an output file".to_owned(),
            hint: Some("give it with --output".to_owned()),
        });
    };
    let manifest_path = manifest_path(path);
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) || manifest_path == *path {
        return Err(Error::usage(format!("{} cannot have a manifest", path.display())));
    }
    // The manifest of costs.json must not be lost because costs.csv is written.
    let other = fs::read(&manifest_path).ok().and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    match other.and_then(|manifest| manifest.file) {
        Some(file) if path.file_name().is_none_or(|name| name.to_string_lossy() != file.name) => {
            Err(Error::Usage {
                what: format!(
                    "the manifest would overwrite {}, the manifest of {}",
                    manifest_path.display(),
                    file.name
                ),
                hint: Some("give another name with --output, or remove that manifest".to_owned()),
            })
        }
        _ => Ok((path, manifest_path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::verify::{FileCheck, compare};

    /// An export and its manifest as they were written before cost centers were renamed.
    const OLD_CSV: &str = "centre,credits,total_cost_usd\nSales,2,1.500000000\nunallocated,1,\n";
    const OLD_MANIFEST: &str = r#"{
      "manifest_version": 1,
      "file": "cost.csv",
      "bytes": 65,
      "sha256": "SHA256",
      "format": "csv",
      "dialect": {
        "name": "machine", "separator": ",", "decimal_mark": ".", "bom": false, "line_end": "LF",
        "instants": "YYYY-MM-DDTHH:MM:SS.ffffffZ", "instants_zone": "UTC", "formulas_made_harmless": false
      },
      "usd_decimals": 9,
      "columns": ["centre", "credits", "total_cost_usd"],
      "rows": 2,
      "totals_row": false,
      "sums": [
        { "column": "credits", "sum": "3", "unknown": 0 },
        { "column": "total_cost_usd", "sum": "1.500000000", "unknown": 1 }
      ],
      "asked": {
        "question": "report cost", "by": ["centre"], "limit": null, "from": null, "until": null, "zone": "UTC",
        "period": null, "date_basis": "started", "as_of": null, "known_at": null, "close_state": null,
        "centres": [], "schema_version": 2,
        "workspaces": [
          { "workspace": "a", "as_of": null, "known_at": null, "close_state": null, "centres": ["Sales: every run"] }
        ]
      },
      "program_version": "0.1.0"
    }"#;

    #[test]
    fn a_manifest_written_before_the_rename_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cost.csv");
        fs::write(&path, OLD_CSV).unwrap();
        let sha256 = to_hex(&crate::digest::hash(OLD_CSV.as_bytes()));
        fs::write(manifest_path(&path), OLD_MANIFEST.replace("SHA256", &sha256)).unwrap();
        let manifest = Manifest::for_file(&path).unwrap();
        assert_eq!(manifest.provenance.workspaces[0].cost_centers, ["Sales: every run"]);
        let checks = compare(&path, &manifest).unwrap();
        assert_eq!(checks.len(), 7);
        assert!(checks.iter().all(|check| matches!(check, FileCheck::Matches(_))), "{checks:?}");
    }

    #[test]
    fn a_manifest_is_written_with_the_new_key() {
        let provenance =
            Provenance { cost_centers: vec!["All: every run".to_owned()], ..Provenance::default() };
        let manifest = Manifest::new("json", None, None, Vec::new(), TotalsRow::None, provenance);
        let json: serde_json::Value = serde_json::from_slice(&manifest.json()).unwrap();
        assert_eq!(json["asked"]["cost_centers"][0], "All: every run");
        assert_eq!(json["asked"].get("centres"), None);
    }
}
