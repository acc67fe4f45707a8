//! Salvage: a new archive with every row of a damaged one that can be read.
//!
//! SQLite stops at the first damaged page of a table. Here the pages are read one by one instead:
//!
//! 1. The trees of the tables, from the roots that the schema names. A damaged page hides only itself.
//! 2. Pages that no tree has, because a page above them or the schema is damaged. A row is recognized by its number of
//!    values, and by the types and constraints of the table.
//! 3. Damaged pages, at every byte, for rows that a hash or a close verifies.
//! 4. Free pages, for snapshots, which are never deleted.
//!
//! Each snapshot must have the hash of its document, so no copy of a page can invent one. The rows fill an archive of
//! the same schema version, which is then migrated. Indexes tell which rows are lost.

mod layout;
mod load;
mod page;
mod pages;
mod record;
mod repair;
mod rows;
mod scan;
mod schema;
mod wal;

pub(crate) use repair::Repairs;

use super::{APPLICATION_ID, PAGE_SIZE_BYTES, migrations, unusable};
use crate::error::Result;
use layout::Layout;
use load::Loader;
use pages::Pages;
use refinery::Migration;
use rows::Rows;
use rusqlite::{Connection, OpenFlags};
use scan::Scan;
use schema::Schema;
use std::path::Path;

/// What was recovered of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The version of the schema that the damaged file has.
    pub schema_version: u32,
    /// The tables of that version, by name.
    pub tables: Vec<TableRecovery>,
    /// What was changed to make the new archive consistent.
    pub repairs: Repairs,
    /// Unreadable pages of unknown content.
    pub unknown_pages: u64,
    /// Damaged pages of the write-ahead log.
    pub damaged_log_pages: u64,
    /// What was left aside, in words.
    pub notes: Vec<String>,
}

/// What was recovered of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRecovery {
    /// Its name.
    pub table: String,
    /// The rows in the new archive.
    pub recovered: u64,
    /// The rows that are known to be missing.
    pub lost: u64,
    /// The rows that were read and not believed, such as snapshots with another hash.
    pub rejected: u64,
    /// The pages that cannot be read. Zero if an index proves that each row is known.
    pub damaged_pages: u64,
    /// The rows that cannot be read on pages that can. Zero if an index proves that each row is known.
    pub damaged_rows: u64,
    /// Some of the lost and rejected rows, in words.
    pub examples: Vec<String>,
}

impl TableRecovery {
    /// Whether each row is known to be there.
    pub fn is_whole(&self) -> bool {
        self.lost + self.rejected + self.damaged_pages + self.damaged_rows == 0
    }
}

impl Recovery {
    /// Whether nothing is known to be lost or changed.
    pub fn is_whole(&self) -> bool {
        self.tables.iter().all(TableRecovery::is_whole)
            && self.repairs == Repairs::default()
            && self.unknown_pages + self.damaged_log_pages == 0
    }
}

/// Reads what can be read of the damaged archive into a new one at `new`, an empty file. The damaged file is only read.
///
/// # Errors
/// [`crate::error::Error::Archive`] when the file cannot be read, has no row of an archive, or was written by a newer
/// version; those of SQLite when the new archive cannot be written.
pub(crate) fn recover(damaged: &Path, new: &Path) -> Result<Recovery> {
    let migrations = migrations::migrations();
    let layouts = layouts(migrations)?;
    let pages = Pages::open(damaged)?;
    let mut scan = Scan::of(&pages);
    let schema = Schema::read(&mut scan);
    let version = schema.version(&mut scan, &layouts, migrations);
    let newest = migrations::newest(migrations);
    if version > i64::from(newest) {
        return Err(migrations::written_by_newer(damaged, version, newest));
    }
    let place = usize::try_from(version).unwrap_or(1).clamp(1, layouts.len()) - 1;
    let layout = &layouts[place];

    let mut archive = blank(new)?;
    migrations::migrate(new, &mut archive, &migrations[..=place])?;
    // The rows come in any order, and their references may be lost.
    archive.pragma_update(None, "foreign_keys", false)?;
    let mut repairs = Repairs::default();
    archive.execute_batch("BEGIN")?;
    let indexes = drop_indexes(&archive)?;
    let (tables, unknown_pages) = Loader::of(scan, &schema, Rows::of(&archive, layout)).load()?;
    if tables.iter().all(|table| table.recovered == 0) && !schema.is_of_archive() {
        return Err(unusable(
            damaged,
            "it has no table and no row of an archive".to_owned(),
            Some("name a damaged archive, or a copy that sqlite3 made of one".to_owned()),
        ));
    }
    repair::connect_states(&archive, &mut repairs)?;
    for index in indexes {
        archive.execute_batch(&index)?;
    }
    archive.execute_batch("COMMIT")?;
    migrations::migrate(new, &mut archive, migrations)?;
    archive.pragma_update(None, "foreign_keys", false)?;
    archive.execute_batch("BEGIN")?;
    repair::make_consistent(&archive, &mut repairs)?;
    archive.execute_batch("COMMIT")?;

    let mut notes = pages.notes.clone();
    notes.extend(
        schema
            .foreign_tables(layout)
            .map(|name| format!("the table {name} is not of an archive and was not copied")),
    );
    let mut recovery = Recovery {
        schema_version: place as u32 + 1,
        tables,
        repairs,
        unknown_pages,
        damaged_log_pages: pages.damaged_frames(),
        notes,
    };
    recovery.count_what_rows_show();
    Ok(recovery)
}

impl Recovery {
    /// Syncs count the snapshots that they stored, other rows name syncs, and absences need a snapshot of their run.
    /// Each can show more losses than indexes.
    fn count_what_rows_show(&mut self) {
        let Repairs { missing_snapshots, rebuilt_syncs, .. } = &self.repairs;
        let lost = [("run_snapshots", *missing_snapshots), ("syncs", rebuilt_syncs.len() as u64)];
        for table in &mut self.tables {
            for (name, lost) in lost {
                if table.table == name {
                    table.lost = table.lost.max(lost);
                }
            }
            if ["vanishings", "vanished_runs"].contains(&table.table.as_str()) {
                table.recovered = table.recovered.saturating_sub(self.repairs.removed_absences);
                table.lost += self.repairs.removed_absences;
            }
        }
    }
}

/// The layout of each schema version, oldest first.
fn layouts(migrations: &[Migration]) -> Result<Vec<Layout>> {
    let mut layouts = Vec::with_capacity(migrations.len());
    let mut model = Connection::open_in_memory()?;
    for version in 1..=migrations.len() {
        migrations::migrate(Path::new("(model)"), &mut model, &migrations[..version])?;
        layouts.push(Layout::of(&model, &layouts)?);
    }
    Ok(layouts)
}

/// Opens the new file, marked as an archive, for a fast load: it is of no use before it is complete.
fn blank(new: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(new, flags)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE_BYTES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "synchronous", "off")?;
    connection.pragma_update(None, "journal_mode", "memory")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Drops the indexes that statements created, and returns these statements. Rows of different age would break the rules
/// that some of them enforce, until their states are connected.
fn drop_indexes(archive: &Connection) -> Result<Vec<String>> {
    let mut statement = archive.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid",
    )?;
    let indexes: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (name, _) in &indexes {
        archive.execute_batch(&format!("DROP INDEX \"{name}\""))?;
    }
    Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
}
