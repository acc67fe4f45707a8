//! Writing of all statements of a month to a folder.

use super::figures::IndexedFigures;
use super::file_name::{CSV, XLSX, stem};
use super::folder::Folder;
use super::index::{Index, IndexedStatement};
use super::{Statement, Statements, spreadsheet};
use crate::digest::hash;
use crate::error::{Error, Result};
use crate::export::manifest::{ComparedPeriod, Provenance, WrittenFile, manifest_path};
use crate::export::{Destination, Dialect, Format, Sidecar, WriteOptions, write_table};
use crate::language::Language;
use crate::workspace::Workspace;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// How statements are written.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// The dialect of the CSV files.
    pub dialect: Dialect,
    /// The language of the spreadsheets.
    pub language: Language,
    /// The query.
    pub provenance: Provenance,
}

/// Writes the files of each statement and the index to `folder`.
///
/// # Errors
/// [`Error::Usage`] when the folder has statements of another month, zone, date basis or archive; it is unchanged then.
/// [`Error::Output`] when a file cannot be written.
pub(crate) fn write(
    statements: &Statements,
    workspaces: &[Workspace],
    output: &Output,
    folder: &Path,
) -> Result<()> {
    let stems = stems(statements)?;
    let mut index = Index::new(statements, workspaces, output.provenance.clone())?;
    let folder = Folder::open(folder, &index)?;
    for (stem, statement) in stems.iter().zip(&statements.statements) {
        index.statements.push(IndexedStatement {
            cost_center: statement.cost_center.clone(),
            figures: IndexedFigures::of(&statement.change.all),
            files: write_files(statement, stem, output, &folder)?,
        });
    }
    folder.complete(&index)
}

/// The name of each statement's files, without extension.
///
/// # Errors
/// [`Error::Usage`] when two cost centers have the same. No two real names do: their hashes would have to be equal.
fn stems(statements: &Statements) -> Result<Vec<String>> {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    let mut stems = Vec::with_capacity(statements.statements.len());
    for Statement { cost_center, .. } in &statements.statements {
        let stem = stem(&statements.whole.period, cost_center);
        if let Some(other) = owners.insert(stem.to_ascii_lowercase(), cost_center) {
            return Err(Error::Usage {
                what: format!("the cost centers {other} and {cost_center} would have the same file {stem}"),
                hint: Some("rename one of them".to_owned()),
            });
        }
        stems.push(stem);
    }
    Ok(stems)
}

/// Writes the CSV with its manifest, and the spreadsheet if this build has the format.
fn write_files(
    statement: &Statement,
    stem: &str,
    output: &Output,
    folder: &Folder,
) -> Result<Vec<WrittenFile>> {
    let provenance = provenance(statement, output);
    let csv = folder.file(&format!("{stem}.{CSV}"));
    let mut paths = vec![csv.clone(), manifest_path(&csv)];
    let options = WriteOptions {
        format: Format::Csv(output.dialect),
        usd_decimals: None,
        sidecar: Sidecar::Manifest,
        provenance: Some(provenance.clone()),
        language: output.language,
    };
    write_table(&statement.table(), &options, &Destination::File(csv))?;
    if cfg!(feature = "xlsx") {
        let xlsx = folder.file(&format!("{stem}.{XLSX}"));
        let book = spreadsheet::book(statement, &provenance, output.language);
        Destination::File(xlsx.clone()).write(|out| book.write(out))?;
        paths.push(xlsx);
    }
    paths.iter().map(|path| written(path)).collect()
}

/// The query for the files of one statement.
fn provenance(statement: &Statement, output: &Output) -> Provenance {
    let Statement { cost_center, change } = statement;
    let mut notes = output.provenance.notes.clone();
    notes.extend(change.notes());
    Provenance {
        by: vec!["pipeline".to_owned()],
        cost_center: Some(cost_center.clone()),
        summary: Some(change.summary()),
        against: Some(ComparedPeriod::of(change)),
        notes,
        ..output.provenance.clone()
    }
}

/// The length and hash of a file that was written.
fn written(path: &Path) -> Result<WrittenFile> {
    let bytes = fs::read(path).map_err(|cause| Error::Output { what: path.display().to_string(), cause })?;
    Ok(WrittenFile::new(path, bytes.len() as u64, &hash(&bytes)))
}
