//! The tables and indexes of a schema version, as stored rows must fit them.

use crate::error::Result;
use crate::store::check::IS_INSTANT;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// A schema version.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) tables: Vec<TableLayout>,
    /// By name.
    pub(super) indexes: BTreeMap<String, IndexLayout>,
}

/// A table of the archive.
#[derive(Debug)]
pub(super) struct TableLayout {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The places of the columns in the order in which SQLite stores them: the primary key of a table without rowids
    /// is first.
    pub(super) stored: Vec<usize>,
    /// The fewest values of a stored row. Rows from before an `ALTER TABLE ADD COLUMN` have fewer than columns.
    pub(super) fewest: usize,
    /// The column that is the rowid, which is stored as NULL. `None`: there is none.
    pub(super) rowid: Option<usize>,
    /// The columns of the primary key.
    pub(super) key: Vec<usize>,
    pub(super) has_rowids: bool,
}

/// A column of a table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) is_instant: bool,
    /// SQLite stores whole numbers of such a column as integers.
    pub(super) is_real: bool,
}

/// An index that names the rows of its table.
#[derive(Debug)]
pub(super) struct IndexLayout {
    /// The place of its table in [`Layout::tables`].
    pub(super) table: usize,
    /// The places of the table's primary key in an entry.
    pub(super) key: Vec<usize>,
    /// The place of the run's id in an entry. `None`: it has none.
    pub(super) run_id: Option<usize>,
    /// Whether it has an entry for each row.
    pub(super) is_whole: bool,
}

impl Layout {
    /// The layout of the schema in `model`. `before` are the layouts of all earlier versions.
    pub(super) fn of(model: &Connection, before: &[Layout]) -> Result<Layout> {
        let mut layout = Layout { tables: Vec::new(), indexes: BTreeMap::new() };
        let mut tables = model.prepare(
            "SELECT name, wr FROM pragma_table_list \
             WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND name <> 'refinery_schema_history' ORDER BY name",
        )?;
        let mut rows = tables.query([])?;
        while let Some(row) = rows.next()? {
            let mut table = table(model, row.get(0)?, !row.get::<_, bool>(1)?)?;
            let earlier = before.iter().filter_map(|layout| layout.table(&table.name));
            table.fewest = earlier
                .map(|earlier| earlier.columns.len())
                .chain([table.columns.len()])
                .min()
                .expect("it has its own");
            let place = layout.tables.len();
            for (name, index) in indexes(model, &table, place)? {
                layout.indexes.insert(name, index);
            }
            layout.tables.push(table);
        }
        Ok(layout)
    }

    pub(super) fn table(&self, name: &str) -> Option<&TableLayout> {
        self.tables.iter().find(|table| table.name == name)
    }

    pub(super) fn place_of(&self, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.name == name)
    }
}

fn table(model: &Connection, name: String, has_rowids: bool) -> Result<TableLayout> {
    let sql =
        format!("SELECT c.name, c.type, c.pk, {IS_INSTANT} FROM pragma_table_info(?1) AS c ORDER BY c.cid");
    let mut statement = model.prepare(&sql)?;
    let mut rows = statement.query([&name])?;
    let (mut columns, mut types, mut key) = (Vec::new(), Vec::new(), BTreeMap::new());
    while let Some(row) = rows.next()? {
        let (name, sql_type, place_in_key): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if place_in_key > 0 {
            key.insert(place_in_key, columns.len());
        }
        columns.push(Column { name, is_instant: row.get(3)?, is_real: sql_type == "REAL" });
        types.push(sql_type);
    }
    let key: Vec<usize> = key.into_values().collect();
    let rowid = match key.as_slice() {
        [one] if has_rowids && types[*one] == "INTEGER" => Some(*one),
        _ => None,
    };
    let others = (0..columns.len()).filter(|place| has_rowids || !key.contains(place));
    let stored = key.iter().copied().filter(|_| !has_rowids).chain(others).collect();
    Ok(TableLayout { name, columns, stored, fewest: 0, rowid, key, has_rowids })
}

/// The indexes of a table whose entries have its primary key, by name.
fn indexes(model: &Connection, table: &TableLayout, place: usize) -> Result<Vec<(String, IndexLayout)>> {
    let mut list = model.prepare("SELECT name, partial FROM pragma_index_list(?1)")?;
    let mut entry = model.prepare("SELECT cid FROM pragma_index_xinfo(?1) ORDER BY seqno")?;
    let listed: Vec<(String, bool)> = list
        .query_map([&table.name], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut indexes = Vec::new();
    for (name, is_partial) in listed {
        // -1 is the rowid, -2 an expression.
        let columns: Vec<i64> =
            entry.query_map([&name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let place_of = |column: usize| {
            columns
                .iter()
                .position(|cid| *cid == column as i64 || (*cid == -1 && table.rowid == Some(column)))
        };
        let run_id = table.columns.iter().position(|column| column.name == "run_id").and_then(place_of);
        if let Some(key) = table.key.iter().map(|column| place_of(*column)).collect() {
            indexes.push((name, IndexLayout { table: place, key, run_id, is_whole: !is_partial }));
        }
    }
    Ok(indexes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Archive;

    #[test]
    fn a_layout_has_the_order_of_storage_and_the_keys_of_indexes() {
        let archive = Archive::temporary().unwrap();
        let layout = Layout::of(archive.connection(), &[]).unwrap();
        let vanishings = layout.table("vanishings").unwrap();
        assert_eq!((vanishings.stored.as_slice(), vanishings.rowid), (&[0, 1, 2, 3][..], None));
        let snapshots = layout.table("run_snapshots").unwrap();
        assert_eq!((snapshots.rowid, snapshots.has_rowids), (Some(0), true));
        let index = &layout.indexes["run_snapshots_of_run"];
        assert_eq!((index.key.as_slice(), index.run_id, index.is_whole), (&[2][..], Some(0), true));
        assert_eq!(layout.indexes["sqlite_autoindex_quarantine_1"].key, [0]);
        assert_eq!(layout.indexes["pipeline_snapshots_by_slug"].key, [4, 2, 5]);
    }
}
