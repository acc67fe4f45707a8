//! Parquet datasets: values read back as the archive has them, and only changes are rewritten.

#![cfg(feature = "parquet")]

mod folder;
mod values;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use runledger::internal::error::Error;
use runledger::internal::export::parquet::{Options, Summary, TableSummary};
use runledger::internal::report::rows::dataset::DatasetTable;
use runledger::internal::report::{Ledger, Scope};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

fn options(tables: &[DatasetTable], recheck_months: Option<usize>) -> Options {
    Options { tables: tables.to_vec(), recheck_months }
}

fn write_in(archive: &Connection, folder: &Path, scope: Scope, options: &Options) -> Result<Summary, Error> {
    write_of("small", archive, folder, scope, options)
}

fn write_of(
    workspace: &str,
    archive: &Connection,
    folder: &Path,
    scope: Scope,
    options: &Options,
) -> Result<Summary, Error> {
    runledger::internal::export::parquet::write(
        &[Ledger::open(archive, scope).unwrap().for_workspace(workspace)],
        folder,
        options,
    )
}

fn write(archive: &Connection, folder: &Path) -> BTreeMap<DatasetTable, TableSummary> {
    let done = write_in(archive, folder, Scope::default(), &options(&DatasetTable::ALL, None)).unwrap();
    done.tables.into_iter().collect()
}

/// Every file below a folder by its path, except those that readers ignore.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = if folder.exists() { vec![folder.to_owned()] } else { Vec::new() };
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !path.file_name().unwrap().to_str().unwrap().starts_with('.') {
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// The rows of a file, each a list of names and values.
fn rows_of(path: &Path) -> Vec<Vec<(String, Field)>> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().into_columns()).collect()
}

/// The number of rows and of distinct runs in all files of a table.
fn counted(folder: &Path, table: &str) -> (usize, usize) {
    let names: Vec<String> = files(folder)
        .into_keys()
        .filter(|name| name.starts_with(table) && name.ends_with(".parquet"))
        .collect();
    let rows: Vec<_> = names.iter().flat_map(|name| rows_of(&folder.join(name))).collect();
    let ids: std::collections::BTreeSet<String> =
        rows.iter().map(|row| row.iter().find(|(name, _)| name == "run_id").unwrap().1.to_string()).collect();
    (rows.len(), ids.len())
}
