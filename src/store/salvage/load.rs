//! The rows of a damaged file, in passes from the most to the least trusted place.

use super::TableRecovery;
use super::layout::IndexLayout;
use super::page::{PageKind, carve};
use super::rows::{Rows, Verdict};
use super::scan::{Scan, Tree};
use super::schema::Schema;
use crate::digest::to_hex;
use crate::error::Result;
use rusqlite::types::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The most examples of lost or rejected rows of a table.
const MOST_EXAMPLES: usize = 20;

/// The most numbers in a row that are taken for lost rows.
const LARGEST_GAP: i64 = 1_000_000;

/// The tables whose rows are believed at any place of a damaged page: a hash verifies them, or they never change and
/// the check of the archive verifies them.
const CARVED: [&str; 3] = ["run_snapshots", "quarantine", "period_closes"];

/// The index that has each snapshot, whose entries are recognized without a schema.
const EVERY_SNAPSHOT: &str = "run_snapshots_of_run";

/// What is known about a table.
#[derive(Debug, Default, Clone)]
struct Found {
    rejected: u64,
    unreadable_pages: u64,
    damaged_cells: u64,
    /// Whether an index that was read whole has an entry for each row.
    is_proven: bool,
    /// The primary keys of the rows that are known to be missing.
    lost: BTreeSet<String>,
    examples: Vec<String>,
}

impl Found {
    fn example(&mut self, example: impl FnOnce() -> String) {
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(example());
        }
    }

    fn is_damaged(&self) -> bool {
        self.unreadable_pages > 0 || self.damaged_cells > 0 || self.rejected > 0
    }
}

/// Reads a damaged file into a new archive.
pub(super) struct Loader<'l> {
    scan: Scan<'l>,
    schema: &'l Schema,
    rows: Rows<'l>,
    found: Vec<Found>,
    /// The pages with cells that their lists of cells do not give.
    damaged_pages: BTreeSet<u32>,
    /// The pages that cannot be read and of which nothing is known.
    unknown_pages: u64,
    /// The pages of indexes that no schema names.
    index_pages: Vec<u32>,
}

impl<'l> Loader<'l> {
    pub(super) fn of(scan: Scan<'l>, schema: &'l Schema, rows: Rows<'l>) -> Loader<'l> {
        let found = vec![Found::default(); rows.layout.tables.len()];
        Loader {
            scan,
            schema,
            rows,
            found,
            damaged_pages: BTreeSet::new(),
            unknown_pages: 0,
            index_pages: Vec::new(),
        }
    }

    /// Reads everything. Returns what became of each table, and the number of unreadable pages of unknown content.
    ///
    /// # Errors
    /// Those of SQLite when the new archive cannot be written.
    pub(super) fn load(mut self) -> Result<(Vec<TableRecovery>, u64)> {
        let layout = self.rows.layout;
        for (place, table) in layout.tables.iter().enumerate() {
            if let Some(root) = self.schema.root_of("table", &table.name) {
                self.read_table(place, root)?;
            }
        }
        self.damaged_pages.extend(&self.schema.unreadable);
        let mut indexes: Vec<(&IndexLayout, Tree)> = Vec::new();
        for (name, index) in &layout.indexes {
            if let Some(root) = self.schema.root_of("index", name) {
                let tree = self.scan.tree(root);
                self.damaged_pages.extend(&tree.unreadable);
                indexes.push((index, tree));
            }
        }
        for root in self.schema.roots() {
            if !self.scan.is_used(root) {
                let tree = self.scan.tree(root);
                self.damaged_pages.extend(tree.unreadable);
            }
        }
        let free = self.scan.pages.free_pages();
        free.iter().for_each(|number| self.scan.use_page(*number));
        let is_damaged = !self.schema.is_whole || self.found.iter().any(Found::is_damaged);
        self.read_orphans(is_damaged)?;
        self.carve_damaged_pages()?;
        if is_damaged {
            // Snapshots are never deleted, so one on a free page is history too. Rows of other tables can be older
            // states of rows, or rows that were removed.
            self.read_free_pages(&free)?;
        }
        self.rows.number_the_rest()?;
        self.find_lost(&indexes)?;
        self.find_gaps(is_damaged)?;
        let unknown_pages = self.unknown_pages;
        Ok((self.recovered()?, unknown_pages))
    }

    fn read_table(&mut self, place: usize, root: u32) -> Result<()> {
        let tree = self.scan.tree(root);
        self.found[place].unreadable_pages += tree.unreadable.len() as u64;
        self.damaged_pages.extend(&tree.unreadable);
        for number in tree.pages {
            let Some((kind, rows, damaged)) = self.scan.rows(number) else { continue };
            self.note_damage(place, number, damaged);
            let mut is_of_table = rows.is_empty();
            for (rowid, stored) in rows {
                let Some(stored) = stored else {
                    self.note_damage(place, number, 1);
                    continue;
                };
                let verdict = self.rows.offer(place, rowid, stored)?;
                is_of_table |= verdict != Verdict::OtherShape;
                self.note(place, verdict);
            }
            if !is_of_table && kind != PageKind::TableInterior {
                // The root or a page above is damaged in a way that leads here.
                self.found[place].unreadable_pages += 1;
                self.scan.release(number);
            }
        }
        Ok(())
    }

    fn note_damage(&mut self, place: usize, number: u32, damaged: usize) {
        if damaged > 0 {
            self.found[place].damaged_cells += damaged as u64;
            self.damaged_pages.insert(number);
        }
    }

    fn note(&mut self, place: usize, verdict: Verdict) {
        match verdict {
            Verdict::Kept | Verdict::Known => {}
            Verdict::OtherShape => self.found[place].damaged_cells += 1,
            Verdict::Rejected(reason) => {
                self.found[place].rejected += 1;
                self.found[place].example(|| reason);
            }
        }
    }

    /// Reads the pages that no table, index or list of free pages has: a page above them is damaged, or the schema.
    fn read_orphans(&mut self, is_damaged: bool) -> Result<()> {
        for number in self.scan.unused() {
            // An overflow page of an orphan before it.
            if self.scan.is_used(number) {
                continue;
            }
            let Some((kind, rows, damaged)) = self.scan.rows(number) else { continue };
            self.scan.use_page(number);
            if damaged > 0 {
                self.damaged_pages.insert(number);
            }
            if !kind.is_of_table() && rows.iter().any(|(_, entry)| is_current_snapshot(entry.as_deref())) {
                self.index_pages.push(number);
                continue;
            }
            for (rowid, stored) in rows {
                match stored {
                    Some(stored) => self.offer_by_shape(kind, rowid, stored)?,
                    None => drop(self.damaged_pages.insert(number)),
                }
            }
        }
        // What is still unused is no page of a tree, and no overflow page of a row that was read.
        let unknown = self.scan.unused();
        if is_damaged {
            let is_unknown = |number: &&u32| !self.damaged_pages.contains(number);
            self.unknown_pages = unknown.iter().filter(is_unknown).count() as u64;
        }
        self.damaged_pages.extend(unknown);
        Ok(())
    }

    /// Offers a row to each table that it can be of.
    fn offer_by_shape(&mut self, kind: PageKind, rowid: Option<i64>, stored: Vec<Value>) -> Result<()> {
        let layout = self.rows.layout;
        let mut rejection = None;
        for (place, table) in layout.tables.iter().enumerate() {
            if table.has_rowids != kind.is_of_table() {
                continue;
            }
            // A copy of a table that a user made has the number in the row.
            let number = table.rowid.and_then(|number| stored.get(number));
            if number.is_some_and(|number| *number != Value::Null) {
                continue;
            }
            match self.rows.offer(place, rowid, stored.clone())? {
                Verdict::OtherShape => {}
                rejected @ Verdict::Rejected(_) => rejection = Some((place, rejected)),
                Verdict::Kept | Verdict::Known => return Ok(()),
            }
        }
        // An entry of an index can have as many values as a row of a table without rowids.
        if let Some((place, rejected)) = rejection.filter(|_| kind.is_of_table()) {
            self.note(place, rejected);
        }
        Ok(())
    }

    fn carve_damaged_pages(&mut self) -> Result<()> {
        let layout = self.rows.layout;
        let carved = |place: &usize| CARVED.contains(&layout.tables[*place].name.as_str());
        let places: Vec<usize> = (0..layout.tables.len()).filter(carved).collect();
        for number in std::mem::take(&mut self.damaged_pages) {
            let Some(page) = self.scan.pages.page(number) else { continue };
            for cell in carve(&page, self.scan.pages.usable) {
                let Some(stored) = cell.payload.and_then(|payload| self.scan.values(&payload)) else {
                    continue;
                };
                for place in &places {
                    // Bytes that only seem to be a row are no news.
                    self.rows.offer(*place, cell.rowid, stored.clone())?;
                }
            }
        }
        Ok(())
    }

    fn read_free_pages(&mut self, free: &[u32]) -> Result<()> {
        let Some(place) = self.rows.layout.place_of("run_snapshots") else { return Ok(()) };
        for number in free {
            let Some((PageKind::TableLeaf, rows, _)) = self.scan.rows(*number) else { continue };
            for (rowid, stored) in rows {
                if let Some(stored) = stored {
                    self.rows.offer(place, rowid, stored)?;
                }
            }
        }
        Ok(())
    }

    /// Compares the entries of the indexes with the rows.
    fn find_lost(&mut self, indexes: &[(&IndexLayout, Tree)]) -> Result<()> {
        // If an index with all rows can be read, the others say nothing more.
        let (whole, partial): (Vec<_>, Vec<_>) = indexes.iter().partition(|(index, _)| index.is_whole);
        for (index, tree) in whole.into_iter().chain(partial) {
            if self.found[index.table].is_proven {
                continue;
            }
            let mut is_readable = tree.unreadable.is_empty();
            for number in &tree.pages {
                is_readable &= self.find_lost_on(index, *number)?;
            }
            self.found[index.table].is_proven |= is_readable && index.is_whole;
        }
        if let Some(index) = self.rows.layout.indexes.get(EVERY_SNAPSHOT) {
            for number in std::mem::take(&mut self.index_pages) {
                self.find_lost_on(index, number)?;
            }
        }
        Ok(())
    }

    /// Returns whether every entry on the page can be read.
    fn find_lost_on(&mut self, index: &IndexLayout, number: u32) -> Result<bool> {
        let Some((_, entries, damaged)) = self.scan.rows(number) else { return Ok(false) };
        let mut is_readable = damaged == 0;
        let table = &self.rows.layout.tables[index.table];
        for (_, entry) in entries {
            let key = entry.as_ref().and_then(|entry| {
                index.key.iter().map(|place| entry.get(*place)).collect::<Option<Vec<&Value>>>()
            });
            let (Some(entry), Some(key)) = (&entry, key) else {
                is_readable = false;
                continue;
            };
            if self.rows.has(table, &key)? {
                continue;
            }
            let run = index.run_id.and_then(|place| entry.get(place));
            let run = match run {
                Some(Value::Text(id)) => format!(" of run {id}"),
                _ => String::new(),
            };
            let name = name_of(&key);
            let found = &mut self.found[index.table];
            if found.lost.insert(name.clone()) {
                found.example(|| format!("{name}{run} is lost"));
            }
        }
        Ok(is_readable)
    }

    /// Finds missing numbers in damaged tables that no index proves: no row is ever deleted.
    fn find_gaps(&mut self, is_damaged: bool) -> Result<()> {
        for (table, found) in self.rows.layout.tables.iter().zip(&mut self.found) {
            let Some(number) = table.rowid else { continue };
            if found.is_proven || !(is_damaged || found.is_damaged()) {
                continue;
            }
            let column = &table.columns[number].name;
            let sql = format!("SELECT \"{column}\" FROM \"{}\" ORDER BY 1", table.name);
            let mut statement = self.rows.archive.prepare(&sql)?;
            let mut numbers = statement.query([])?;
            let mut expected = 1;
            while let Some(row) = numbers.next()? {
                let number: i64 = row.get(0)?;
                // A damaged number is far from the others, and no gap.
                if number - expected < LARGEST_GAP {
                    for missing in expected..number {
                        if found.lost.insert(missing.to_string()) {
                            found.example(|| format!("{missing} is lost"));
                        }
                    }
                }
                expected = number + 1;
            }
        }
        Ok(())
    }

    fn recovered(self) -> Result<Vec<TableRecovery>> {
        let tables = self.rows.layout.tables.iter().zip(self.found).map(|(table, found)| {
            let sql = format!("SELECT count(*) FROM \"{}\"", table.name);
            let lost = found.lost.len() as u64;
            Ok(TableRecovery {
                recovered: self.rows.archive.query_row(&sql, [], |row| row.get(0))?,
                table: table.name.clone(),
                lost,
                rejected: if found.is_proven { found.rejected.min(lost) } else { found.rejected },
                // If an index proves that each row is there, nothing was on the damaged pages.
                damaged_pages: if found.is_proven { 0 } else { found.unreadable_pages },
                damaged_rows: if found.is_proven { 0 } else { found.damaged_cells },
                examples: found.examples,
            })
        });
        tables.collect()
    }
}

/// Whether it is the entry of a current snapshot in the index [`EVERY_SNAPSHOT`]: run, no end, number. An entry of an
/// earlier snapshot can look like a row of a table.
fn is_current_snapshot(entry: Option<&[Value]>) -> bool {
    match entry {
        Some([Value::Text(run_id), Value::Text(end), Value::Integer(_)]) => {
            end.is_empty() && Uuid::try_parse(run_id).is_ok()
        }
        _ => false,
    }
}

/// A row's primary key in words.
fn name_of(key: &[&Value]) -> String {
    let parts = key.iter().map(|value| match value {
        Value::Text(text) => Cow::Borrowed(text.as_str()),
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Blob(bytes) => Cow::Owned(to_hex(bytes)),
        Value::Null | Value::Real(_) => Cow::Borrowed("?"),
    });
    parts.collect::<Vec<_>>().join(" ")
}
