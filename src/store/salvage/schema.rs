//! The schema of a damaged file, as far as it can be read.

use super::layout::Layout;
use super::page::PageKind;
use super::scan::{Scan, Tree};
use refinery::Migration;
use rusqlite::types::Value;

/// The table with the applied migrations.
const HISTORY: &str = "refinery_schema_history";

/// The tables, indexes and views that the file lists.
#[derive(Debug)]
pub(super) struct Schema {
    objects: Vec<Object>,
    /// Whether all of it can be read.
    pub(super) is_whole: bool,
    /// The pages of it that cannot be read.
    pub(super) unreadable: Vec<u32>,
}

/// A table or an index with its pages.
#[derive(Debug)]
struct Object {
    kind: String,
    name: String,
    root: u32,
}

impl Schema {
    /// Reads the schema, whose tree begins on page 1.
    pub(super) fn read(scan: &mut Scan<'_>) -> Schema {
        let tree = scan.tree(1);
        // Nothing else is ever on page 1.
        scan.use_page(1);
        let mut is_whole = tree.unreadable.is_empty();
        let rows = rows_of(scan, &tree, &mut is_whole);
        let mut schema = Schema { objects: Vec::new(), is_whole, unreadable: tree.unreadable };
        for (_, stored) in rows {
            match stored.as_slice() {
                [Value::Text(kind), Value::Text(name), _, root, _] => {
                    let root = match root {
                        Value::Integer(root) => u32::try_from(*root).unwrap_or(0),
                        _ => 0,
                    };
                    schema.objects.push(Object { kind: kind.clone(), name: name.clone(), root });
                }
                _ => schema.is_whole = false,
            }
        }
        schema
    }

    /// The first page of a table or an index. `None`: the schema has no such object.
    pub(super) fn root_of(&self, kind: &str, name: &str) -> Option<u32> {
        let mut objects = self.objects.iter().filter(|object| object.root > 0);
        objects.find(|object| object.kind == kind && object.name == name).map(|object| object.root)
    }

    /// The first pages of all tables and indexes.
    pub(super) fn roots(&self) -> impl Iterator<Item = u32> {
        self.objects.iter().map(|object| object.root).filter(|root| *root > 0)
    }

    /// The tables that are not of an archive.
    pub(super) fn foreign_tables<'s>(&'s self, layout: &'s Layout) -> impl Iterator<Item = &'s str> {
        let tables = self.objects.iter().filter(|object| object.kind == "table");
        let is_foreign =
            |name: &&str| layout.table(name).is_none() && *name != HISTORY && !name.starts_with("sqlite_");
        tables.map(|object| object.name.as_str()).filter(is_foreign)
    }

    /// Whether the file has the tables that every archive has.
    pub(super) fn is_of_archive(&self) -> bool {
        ["syncs", "run_snapshots"].iter().all(|name| self.root_of("table", name).is_some())
    }

    /// The version of the schema: the newest applied migration, also of a later program, or the newest version whose
    /// tables the schema lists, if entries of the history are lost. Without either, the newest of all, because most of
    /// its tables accept the rows of earlier versions.
    pub(super) fn version(&self, scan: &mut Scan<'_>, layouts: &[Layout], migrations: &[Migration]) -> i64 {
        let applied = self.applied(scan).or_else(|| applied_by_name(scan, migrations));
        let has_all =
            |layout: &Layout| layout.tables.iter().all(|table| self.root_of("table", &table.name).is_some());
        let listed = layouts.iter().rposition(has_all).map(|place| place as i64 + 1);
        applied.max(listed).unwrap_or(layouts.len() as i64)
    }

    /// The newest version in the table of applied migrations. `None`: it cannot be read.
    fn applied(&self, scan: &mut Scan<'_>) -> Option<i64> {
        let tree = scan.tree(self.root_of("table", HISTORY)?);
        rows_of(scan, &tree, &mut true)
            .filter_map(|(_, stored)| migration(&stored).map(|(version, _)| version))
            .max()
    }
}

/// The newest version in rows of applied migrations on any page. `None`: there are none.
fn applied_by_name(scan: &mut Scan<'_>, migrations: &[Migration]) -> Option<i64> {
    let known = |version: i64, name: &str| {
        migrations.iter().any(|known| i64::from(known.version()) == version && known.name() == name)
    };
    let mut newest = None;
    for number in scan.unused() {
        let Some((PageKind::TableLeaf, rows, _)) = scan.rows(number) else { continue };
        for stored in rows.into_iter().filter_map(|(_, stored)| stored) {
            let version = migration(&stored).filter(|(version, name)| known(*version, name));
            newest = newest.max(version.map(|(version, _)| version));
        }
    }
    newest
}

/// The version and the name in a row of an applied migration.
fn migration(stored: &[Value]) -> Option<(i64, &str)> {
    match stored {
        [Value::Integer(version), Value::Text(name), Value::Text(_), Value::Text(_)] => {
            Some((*version, name))
        }
        _ => None,
    }
}

/// The rows of a tree. `is_whole` becomes false if one is damaged.
fn rows_of(
    scan: &mut Scan<'_>,
    tree: &Tree,
    is_whole: &mut bool,
) -> impl Iterator<Item = (Option<i64>, Vec<Value>)> + use<> {
    let mut found = Vec::new();
    for number in &tree.pages {
        let Some((_, rows, damaged)) = scan.rows(*number) else { continue };
        *is_whole &= damaged == 0;
        for (rowid, stored) in rows {
            *is_whole &= stored.is_some();
            found.extend(stored.map(|stored| (rowid, stored)));
        }
    }
    found.into_iter()
}
