//! Parquet datasets: one file per month and workspace; an export rewrites only the months that
//! changed.
//!
//! Every step leaves a readable dataset. Data files are written before the index, so after an
//! interruption the next export compares the months that were written, and writes them again where
//! necessary.

pub(crate) mod folder;
pub(crate) mod index;
mod inspect;
pub mod schema;
mod schema_page;
mod table_sync;
pub mod writer;

use crate::error::{Error, Result};
use crate::report::rows::dataset::DatasetTable;
use crate::report::{DateBasis, Ledger};
use chrono_tz::Tz;
use folder::Folder;
use index::DatasetLayout;
use std::path::Path;
use table_sync::TableSync;

/// What an export writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The tables.
    pub tables: Vec<DatasetTable>,
    /// The number of newest months of each table that are compared with their files; `None`: all
    /// months. An older month is compared only if the states in it are not those in its file.
    pub recheck_months: Option<usize>,
}

/// The result of an export for one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableSummary {
    /// The number of files that were written.
    pub written: u64,
    /// The number of files that were compared and are current.
    pub unchanged: u64,
    /// The number of files that were not compared.
    pub not_compared: u64,
    /// The number of files that were removed, because their month has no rows any more.
    pub removed: u64,
    /// The number of rows that were written.
    pub rows_written: u64,
    /// The number of rows in the table.
    pub rows: u64,
}

impl TableSummary {
    /// Adds the result for another workspace.
    fn add(&mut self, other: TableSummary) {
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.not_compared += other.not_compared;
        self.removed += other.removed;
        self.rows_written += other.rows_written;
        self.rows += other.rows;
    }
}

/// The result of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The result for each table.
    pub tables: Vec<(DatasetTable, TableSummary)>,
    /// The number of amounts that are NULL because DECIMAL(18, 9) cannot represent them.
    pub amounts_too_large: u64,
}

/// The zone and the date basis of the dataset in the folder. `None`: there is no dataset yet.
///
/// # Errors
/// [`Error::Usage`] when the folder contains anything else, [`Error::Output`] when it cannot be read.
pub(crate) fn booking_of(path: &Path) -> Result<Option<(Tz, DateBasis)>> {
    // A path that is no folder gets its own error when it is opened.
    let layout = if path.is_dir() { inspect::layout(path)? } else { None };
    Ok(layout.and_then(|layout| layout.booking()))
}

/// Updates the dataset in the folder from the ledgers. Each ledger is a workspace with a unique
/// name; all have the same zone and date basis.
///
/// # Errors
/// [`Error::Usage`] when the folder contains anything else, or when this binary was built without
/// Parquet. [`Error::Output`] when the folder cannot be written. Those of SQLite.
pub fn write(ledgers: &[Ledger<'_>], path: &Path, options: &Options) -> Result<Summary> {
    writer::require_feature()?;
    let Some(scope) = ledgers.first().map(Ledger::scope) else {
        return Err(Error::usage("a dataset needs an archive"));
    };
    let layout = DatasetLayout::new(scope.zone, scope.date);
    let workspaces: Vec<&str> = ledgers.iter().map(Ledger::workspace).collect();
    let mut folder = Folder::open(path, &layout, &options.tables, &workspaces)?;
    let as_of = scope.as_of.map(|instant| instant.to_string());
    // Months that are not compared would keep the state of another as-of instant.
    let recheck_months = options.recheck_months.filter(|_| folder.as_of() == as_of.as_deref());
    let options = &Options { recheck_months, ..options.clone() };
    folder.write_schema(&schema_page::schema_page(
        &options.tables,
        scope.zone.name(),
        scope.date.as_str(),
    ))?;
    let mut tables = Vec::new();
    for table in &options.tables {
        let mut summary = TableSummary::default();
        for ledger in ledgers {
            let number =
                folder.workspace_number(ledger.workspace()).expect("Folder::open adds every workspace");
            let sync = TableSync { ledger, number, table: *table, options, folder: &mut folder };
            let result = sync.run().map_err(|error| ledger.with_archive_path(error));
            // Saved even after an error, so that the next export does not write the same files
            // again.
            folder.save_index()?;
            summary.add(result?);
        }
        tables.push((*table, summary));
    }
    folder.set_as_of(as_of)?;
    Ok(Summary { tables, amounts_too_large: folder.amounts_too_large() })
}
