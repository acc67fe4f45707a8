//! This is a dataset: the ledger as Parquet files in folders of months, of which only those that changed are written again.
//!
//! Every step leaves a dataset that can be read, and what is written down last is what the files hold: whoever is killed before
//! that has the months that they wrote compared, and written again, by the next export.

pub mod folder;
pub mod schema;
pub mod writer;

use super::WriteError;
use crate::atomic_file::write_atomically;
use crate::digest::{Hash, Hashing, to_hex};
use crate::error::{Error, Result};
use crate::report::Ledger;
use crate::report::rows::dataset::{self, BookedMonth, DatasetTable, RowRange};
use crate::report::rows::{Cursor, Row, RowStream, Value};
use folder::{Folder, Kind, Part, part_of, place_of};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use writer::FileStats;

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The tables.
    pub tables: Vec<DatasetTable>,
    /// Of each table only so many of the newest months are compared, what has no file yet, and what has more rows or fewer
    /// than its file; `None`: all are.
    pub watch_months: Option<usize>,
}

/// What became of a table's files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableSummary {
    /// How many were written.
    pub written: u64,
    /// How many hold what they should.
    pub unchanged: u64,
    /// How many were not looked at.
    pub left_alone: u64,
    /// How many were removed, as nothing is in their month any more.
    pub removed: u64,
    /// How many rows were written.
    pub rows_written: u64,
    /// How many rows the table has.
    pub rows: u64,
}

impl TableSummary {
    /// Takes in what became of the files of another workspace.
    fn take_in(&mut self, other: TableSummary) {
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.left_alone += other.left_alone;
        self.removed += other.removed;
        self.rows_written += other.rows_written;
        self.rows += other.rows;
    }
}

/// What became of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Table by table.
    pub tables: Vec<(DatasetTable, TableSummary)>,
    /// How many amounts are NULL because DECIMAL(18, 9) cannot hold them.
    pub amounts_too_large: u64,
}

/// Brings the dataset in the folder up to date with the ledgers, each of which is that of a workspace with a name of its own.
/// Their zone and their date basis are one.
///
/// # Errors
/// [`Error::Usage`] when the folder holds anything else, or this program was built without Parquet; [`Error::Output`] when the
/// place refuses. Those of SQLite.
pub fn write(ledgers: &[Ledger<'_>], path: &Path, options: &Options) -> Result<Summary> {
    writer::available()?;
    let Some(scope) = ledgers.first().map(Ledger::scope) else {
        return Err(Error::usage("a dataset needs an archive"));
    };
    let kind = Kind::new(scope.zone, scope.date);
    let workspaces: Vec<&str> = ledgers.iter().map(Ledger::workspace).collect();
    let mut folder = Folder::open(path, &kind, &options.tables, &workspaces)?;
    let as_of = scope.as_of.map(|moment| moment.to_string());
    // What is left alone would be as known at another moment than what is written.
    let watch_months = options.watch_months.filter(|_| folder.as_of() == as_of.as_deref());
    let options = &Options { watch_months, ..options.clone() };
    folder.explain(&schema::page(&options.tables, scope.zone.name(), scope.date.as_str()))?;
    let mut tables = Vec::new();
    for table in &options.tables {
        let mut summary = TableSummary::default();
        for ledger in ledgers {
            let number =
                folder.number(ledger.workspace()).expect("each workspace that is asked for is in its folder");
            let bringing = TableSync { ledger, number, table: *table, options, folder: &mut folder };
            let brought = bringing.up_to_date().map_err(|error| ledger.with_archive_path(error));
            // What was written before an error need not be written again.
            folder.keep()?;
            summary.take_in(brought?);
        }
        tables.push((*table, summary));
    }
    folder.put_as_of(as_of)?;
    Ok(Summary { tables, amounts_too_large: folder.amounts_too_large() })
}

/// A workspace's table on its way into the folder.
struct TableSync<'a, 'l> {
    ledger: &'a Ledger<'l>,
    /// The number of its files.
    number: usize,
    table: DatasetTable,
    options: &'a Options,
    folder: &'a mut Folder,
}

impl<'a> TableSync<'a, '_> {
    fn up_to_date(mut self) -> Result<TableSummary> {
        let mut months = match self.table {
            DatasetTable::Pipelines => Vec::new(),
            DatasetTable::Runs | DatasetTable::RunSnapshots => dataset::months(self.ledger, self.table)?,
        };
        if months.is_empty() {
            // A table without a file is none to those who read it.
            months.push(BookedMonth { period: None, rows: 0 });
        }
        let mut summary = TableSummary::default();
        let booked = months.iter().filter(|month| month.period.is_some()).count();
        let is_watched =
            |nth: usize| self.options.watch_months.is_none_or(|newest| nth.saturating_add(newest) >= booked);
        // What has no file is written; what has one is compared, or left alone.
        let (mut changed, mut compared) = (vec![false; months.len()], vec![false; months.len()]);
        for (nth, month) in months.iter().enumerate() {
            match self.folder.part(self.table, &self.place(month)) {
                None => changed[nth] = true,
                Some(_) if is_watched(nth) => compared[nth] = true,
                // A run may have gone to a month that is watched, or come from there: it must not be there twice.
                Some(part) if self.table != DatasetTable::Pipelines && part.rows != month.rows => {
                    compared[nth] = true
                }
                Some(_) => summary.left_alone += 1,
            }
        }
        for stretch in stretches(&months, &compared) {
            let hashes = self.hashes(&months[stretch.clone()])?;
            for (nth, hash) in stretch.zip(hashes) {
                let part = self.folder.part(self.table, &self.place(&months[nth]));
                changed[nth] = part.is_none_or(|part| part.rows_sha256 != to_hex(&hash));
                summary.unchanged += u64::from(!changed[nth]);
            }
        }
        for stretch in stretches(&months, &changed) {
            self.write(&months[stretch], &mut summary)?;
        }
        let wanted: Vec<String> = months.iter().map(|month| self.place(month)).collect();
        for place in self.folder.places(self.table, self.number)? {
            if !wanted.contains(&place) {
                self.folder.remove(self.table, &place)?;
                summary.removed += 1;
            }
        }
        summary.rows = self.folder.rows(self.table, self.number);
        Ok(summary)
    }

    /// The hashes of these months' rows, which follow each other.
    fn hashes(&self, months: &[BookedMonth]) -> Result<Vec<Hash>> {
        let mut selection = self.rows(months)?;
        let mut cursor = selection.cursor();
        cursor.advance()?;
        let mut hashes = Vec::with_capacity(months.len());
        for month in months {
            let mut fingerprint = Fingerprint::default();
            self.for_each_of(month, &mut cursor, |row| -> Result<()> {
                fingerprint.add(row.values());
                Ok(())
            })?;
            hashes.push(fingerprint.finish());
        }
        Ok(hashes)
    }

    /// Writes these months, which follow each other, each in one step.
    fn write(&mut self, months: &[BookedMonth], summary: &mut TableSummary) -> Result<()> {
        let mut selection = self.rows(months)?;
        let mut cursor = selection.cursor();
        cursor.advance()?;
        let columns = schema::columns(self.table);
        for month in months {
            let place = self.place(month);
            let path = self.folder.path_of(self.table, &place);
            let refused = |cause| Error::Output { what: path.display().to_string(), cause };
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(refused)?;
            }
            let (mut fingerprint, mut held) = (Fingerprint::default(), FileStats::default());
            write_atomically(&path, |beside| -> Result<(), WriteError> {
                let mut file = writer::File::begin(beside.as_file_mut(), self.table, columns)?;
                self.for_each_of(month, &mut cursor, |row| -> Result<(), WriteError> {
                    fingerprint.add(row.values());
                    file.add(row.values())
                })?;
                held = file.finish()?;
                Ok(())
            })
            .map_err(|error| match error {
                WriteError::Io(cause) => refused(cause),
                WriteError::Source(error) => error,
            })?;
            let bytes = fs::metadata(&path).map_err(refused)?.len();
            summary.written += 1;
            summary.rows_written += held.rows;
            self.folder.put(self.table, place, Part::new(held, &fingerprint.finish(), bytes));
        }
        Ok(())
    }

    fn rows(&self, months: &[BookedMonth]) -> Result<RowStream<'a>> {
        let period = |month: Option<&BookedMonth>| month.and_then(|month| month.period.clone());
        let stretch = match (self.table, period(months.first()), period(months.last())) {
            (DatasetTable::Pipelines, ..) => RowRange::All,
            (_, Some(first), Some(last)) => RowRange::Booked(first.start, last.end),
            _ => RowRange::Unbooked,
        };
        dataset::rows(self.ledger, self.table, stretch, self.ledger.workspace())
    }

    /// Gives the rows to `visit` from where the cursor stands to the month's end.
    fn for_each_of<E: From<Error>>(
        &self,
        month: &BookedMonth,
        cursor: &mut Cursor<'_>,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let booked = schema::columns(self.table).iter().position(|column| column.name == "booked_at");
        while let Some(row) = cursor.row() {
            let booked_at = booked.map(|booked| row.value(booked)).and_then(|value| match value {
                Value::Text(text) => Some(text),
                _ => None,
            });
            if !month.contains(booked_at) {
                break;
            }
            visit(&row)?;
            cursor.advance()?;
        }
        Ok(())
    }

    fn place(&self, month: &BookedMonth) -> String {
        match self.table {
            DatasetTable::Pipelines => part_of(self.number),
            DatasetTable::Runs | DatasetTable::RunSnapshots => place_of(month.label(), self.number),
        }
    }
}

/// The months that are meant, as stretches of such as follow each other in the order of booking.
fn stretches(months: &[BookedMonth], meant: &[bool]) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for nth in (0..months.len()).filter(|nth| meant[*nth]) {
        match stretches.last_mut() {
            Some(last) if last.end == nth && months[nth].period.is_some() => last.end += 1,
            _ => stretches.push(nth..nth + 1),
        }
    }
    stretches
}

/// The hash of rows: of each value its type, its length and itself, so that no two lists of rows have the same bytes.
pub struct Fingerprint {
    hashing: Hashing<io::Sink>,
    row: Vec<u8>,
}

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        Fingerprint { hashing: Hashing::new(io::sink()), row: Vec::new() }
    }
}

impl Fingerprint {
    /// Takes a row in.
    pub fn add<'v>(&mut self, values: impl Iterator<Item = Value<'v>>) {
        self.row.clear();
        for value in values {
            let (sign, bytes): (u8, &[u8]) = match &value {
                Value::Null => (b'n', &[]),
                Value::Integer(whole) => (b'i', &whole.to_le_bytes()),
                Value::Real(real) => (b'r', &real.to_le_bytes()),
                Value::Usd(usd) => (b'u', &usd.units().to_le_bytes()),
                Value::Text(text) => (b't', text),
                Value::Json(text) => (b'j', text),
                Value::Blob(blob) => (b'b', blob),
            };
            self.row.push(sign);
            self.row.extend((bytes.len() as u64).to_le_bytes());
            self.row.extend(bytes);
        }
        self.hashing.write_all(&self.row).expect("what goes nowhere is never refused");
    }

    /// The hash of all rows.
    pub fn finish(self) -> Hash {
        self.hashing.finish().1
    }
}
