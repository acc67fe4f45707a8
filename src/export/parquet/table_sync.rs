//! The update of one workspace's files of one table.

use super::folder::{Folder, file_name, file_path};
use super::index::FileEntry;
use super::writer::{FileStats, FileWriter};
use super::{Options, TableSummary, schema};
use crate::atomic_file::write_atomically;
use crate::digest::{Hash, HashingWriter, to_hex};
use crate::error::{Error, Result};
use crate::export::WriteError;
use crate::report::Ledger;
use crate::report::rows::dataset::{self, BookedMonth, DatasetTable, RowRange, StatesDigest};
use crate::report::rows::{Cursor, Row, RowStream, Value};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;

/// One workspace's files of one table, and the ledger that they are updated from.
pub(super) struct TableSync<'a, 'l> {
    pub(super) ledger: &'a Ledger<'l>,
    /// The number of the workspace in its file names.
    pub(super) number: usize,
    pub(super) table: DatasetTable,
    pub(super) options: &'a Options,
    pub(super) folder: &'a mut Folder,
}

impl<'a> TableSync<'a, '_> {
    /// Compares the months with their files, writes those that changed, and removes files of months
    /// without rows.
    pub(super) fn run(mut self) -> Result<TableSummary> {
        let mut months = match self.table {
            DatasetTable::Pipelines => Vec::new(),
            DatasetTable::Runs | DatasetTable::RunSnapshots => dataset::months(self.ledger, self.table)?,
        };
        if months.is_empty() {
            // An empty table has an empty file, because readers fail on a folder without files.
            months.push(BookedMonth { period: None, states: StatesDigest::default() });
        }
        let mut summary = TableSummary::default();
        let booked = months.iter().filter(|month| month.period.is_some()).count();
        let is_rechecked = |index: usize| {
            self.options.recheck_months.is_none_or(|newest| index.saturating_add(newest) >= booked)
        };
        // A month without a file is written; one with a file is compared or skipped.
        let (mut changed, mut compared) = (vec![false; months.len()], vec![false; months.len()]);
        for (index, month) in months.iter().enumerate() {
            match self.folder.entry(self.table, &self.file(month)) {
                None => changed[index] = true,
                Some(_) if is_rechecked(index) => compared[index] = true,
                // A run may have moved to another month and must not be in both, or its state may
                // have been superseded by one in another month.
                Some(entry) if entry.states_digest != self.states_digest(month) => {
                    compared[index] = true;
                }
                Some(_) => summary.not_compared += 1,
            }
        }
        for range in ranges(&months, &compared) {
            let hashes = self.hashes(&months[range.clone()])?;
            for (index, hash) in range.zip(hashes) {
                let (file, states) = (self.file(&months[index]), self.states_digest(&months[index]));
                let entry = self.folder.entry(self.table, &file);
                changed[index] = entry.is_none_or(|entry| entry.rows_sha256 != to_hex(&hash));
                if !changed[index] {
                    summary.unchanged += 1;
                    // The index of an earlier version has no digests.
                    self.folder.set_states_digest(self.table, &file, states);
                }
            }
        }
        for range in ranges(&months, &changed) {
            self.write(&months[range], &mut summary)?;
        }
        let current: Vec<String> = months.iter().map(|month| self.file(month)).collect();
        for file in self.folder.files_of(self.table, self.number)? {
            if !current.contains(&file) {
                self.folder.remove(self.table, &file)?;
                summary.removed += 1;
            }
        }
        summary.rows = self.folder.rows(self.table, self.number);
        Ok(summary)
    }

    /// The hashes of the rows of consecutive months.
    fn hashes(&self, months: &[BookedMonth]) -> Result<Vec<Hash>> {
        let mut rows = self.rows(months)?;
        let mut cursor = rows.cursor();
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

    /// Writes consecutive months, each file atomically.
    fn write(&mut self, months: &[BookedMonth], summary: &mut TableSummary) -> Result<()> {
        let mut rows = self.rows(months)?;
        let mut cursor = rows.cursor();
        cursor.advance()?;
        let columns = schema::columns(self.table);
        for month in months {
            let file = self.file(month);
            let path = self.folder.path_of(self.table, &file);
            let output_error = |cause| Error::Output { what: path.display().to_string(), cause };
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(output_error)?;
            }
            let (mut fingerprint, mut stats) = (Fingerprint::default(), FileStats::default());
            write_atomically(&path, |temporary| -> Result<(), WriteError> {
                let mut writer = FileWriter::new(temporary.as_file_mut(), self.table, columns)?;
                self.for_each_of(month, &mut cursor, |row| -> Result<(), WriteError> {
                    fingerprint.add(row.values());
                    writer.add(row.values())
                })?;
                stats = writer.finish()?;
                Ok(())
            })
            .map_err(|error| match error {
                WriteError::Io(cause) => output_error(cause),
                WriteError::Source(error) => error,
            })?;
            let bytes = fs::metadata(&path).map_err(output_error)?.len();
            summary.written += 1;
            summary.rows_written += stats.rows;
            let entry = FileEntry::new(stats, &fingerprint.finish(), bytes, self.states_digest(month));
            self.folder.insert(self.table, file, entry);
        }
        Ok(())
    }

    fn rows(&self, months: &[BookedMonth]) -> Result<RowStream<'a>> {
        let period = |month: Option<&BookedMonth>| month.and_then(|month| month.period.clone());
        let range = match (self.table, period(months.first()), period(months.last())) {
            (DatasetTable::Pipelines, ..) => RowRange::All,
            (_, Some(first), Some(last)) => RowRange::Booked(first.start, last.end),
            _ => RowRange::Unbooked,
        };
        dataset::rows(self.ledger, self.table, range, self.ledger.workspace())
    }

    /// Calls `visit` with the rows from the cursor to the end of the month.
    fn for_each_of<E: From<Error>>(
        &self,
        month: &BookedMonth,
        cursor: &mut Cursor<'_>,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let column = schema::columns(self.table).iter().position(|column| column.name == "booked_at");
        while let Some(row) = cursor.row() {
            let booked_at = column.map(|column| row.value(column)).and_then(|value| match value {
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

    /// The digest of the month's states. `None`: the table has no states.
    fn states_digest(&self, month: &BookedMonth) -> Option<String> {
        match self.table {
            DatasetTable::Pipelines => None,
            DatasetTable::Runs | DatasetTable::RunSnapshots => Some(month.states.hex()),
        }
    }

    /// The path of the month's file, below the folder of the table.
    fn file(&self, month: &BookedMonth) -> String {
        match self.table {
            DatasetTable::Pipelines => file_name(self.number),
            DatasetTable::Runs | DatasetTable::RunSnapshots => file_path(month.label(), self.number),
        }
    }
}

/// The ranges of consecutive selected months. The rows without a month are a range of their own.
fn ranges(months: &[BookedMonth], selected: &[bool]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for index in (0..months.len()).filter(|index| selected[*index]) {
        match ranges.last_mut() {
            Some(last) if last.end == index && months[index].period.is_some() => last.end += 1,
            _ => ranges.push(index..index + 1),
        }
    }
    ranges
}

/// A hash of rows. It includes the type and the length of each value, so different rows never have
/// the same input bytes.
pub(crate) struct Fingerprint {
    hashing: HashingWriter<io::Sink>,
    row: Vec<u8>,
}

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        Fingerprint { hashing: HashingWriter::new(io::sink()), row: Vec::new() }
    }
}

impl Fingerprint {
    /// Adds a row.
    pub(crate) fn add<'v>(&mut self, values: impl Iterator<Item = Value<'v>>) {
        self.row.clear();
        for value in values {
            let (tag, bytes): (u8, &[u8]) = match &value {
                Value::Null => (b'n', &[]),
                Value::Integer(whole) => (b'i', &whole.to_le_bytes()),
                Value::Real(real) => (b'r', &real.to_le_bytes()),
                Value::Usd(usd) => (b'u', &usd.units().to_le_bytes()),
                Value::Text(text) => (b't', text),
                Value::Json(text) => (b'j', text),
                Value::Blob(blob) => (b'b', blob),
            };
            self.row.push(tag);
            self.row.extend((bytes.len() as u64).to_le_bytes());
            self.row.extend(bytes);
        }
        self.hashing.write_all(&self.row).expect("a sink accepts every write");
    }

    /// The hash of all rows.
    pub(crate) fn finish(self) -> Hash {
        self.hashing.finish().1
    }
}
