//! The ledger: the archive in one scope, as of a moment and by a date basis.
//!
//! Queries read `runs`, `run_snapshots`, `pipelines` and `vanished_runs`. For an as-of moment, a filter, or a date
//! basis other than the default, temporary views with these names shadow those of the archive, so every query runs
//! unchanged. So do copies of the views that users added.

use super::allocation::Allocator;
use super::filter::RunSelector;
use super::scope::{DateBasis, Scope};
use super::user_views;
use crate::error::{Error, Result};
use crate::run::Instant;
use crate::store::{ClockOffsets, SecondConnection};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

/// The tables with a history, and the views over them, in the order in which they depend on each other.
const RUN_STATES: &str = "run_snapshots";
const HISTORIES: [&str; 2] = [RUN_STATES, "pipeline_snapshots"];
const VIEWS: [&str; 2] = ["pipelines", "runs"];
const VANISHED: &str = "vanished_runs";

/// The expressions for the booking date and the current time in the view `runs`.
const BOOKED_AT: &str = "coalesce(started_at, created_at) AS booked_at";
const NOW: &str = "'now'";

/// The unsettled runs in a span.
const UNSETTLED: &str = "
SELECT run_id, status
FROM runs
WHERE booked_at >= :from AND booked_at < :until AND settled = 0
ORDER BY booked_at, run_id";

/// The pipelines of the runs in a span.
const PIPELINES: &str = "
SELECT DISTINCT pipeline_kind, pipeline_id, pipeline_name
FROM runs
WHERE booked_at >= :from AND booked_at < :until AND pipeline_id IS NOT NULL
ORDER BY pipeline_kind, pipeline_id";

/// The cost center of a run.
const COST_CENTER: &str =
    "SELECT cost_center(pipeline_kind, pipeline_id, trigger_type, booked_at) FROM runs WHERE run_id = ?1";

/// A pipeline and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPipeline {
    /// `source`, `destination` or `transformation`.
    pub kind: String,
    /// The id or slug in the runs.
    pub pipeline_id: String,
    /// The name. `None`: the catalogue has none.
    pub name: Option<String>,
}

/// The archive in a scope. A connection has one ledger at a time: the one opened last.
#[derive(Debug)]
pub struct Ledger<'a> {
    archive: &'a Connection,
    scope: Scope,
    workspace: String,
    allocator: Arc<Allocator>,
    /// A connection to the same state of the archive, for a second thread. `None`: there is none, or it was used.
    second: RefCell<Option<SecondConnection>>,
}

impl<'a> Ledger<'a> {
    /// Opens the archive in a scope, until the ledger is dropped. Adds the SQL function
    /// `cost_center(pipeline_kind, pipeline_id, trigger_type, booked_at)`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the as-of moment is before the first sync. Those of SQLite.
    pub fn open(archive: &'a Connection, scope: Scope) -> Result<Ledger<'a>> {
        create_views(archive, &scope)?;
        let allocator = Arc::new(Allocator::new(&scope.allocation, scope.zone, archive)?);
        add_allocation_function(archive, Arc::clone(&allocator))?;
        if !scope.filter.is_empty() {
            RunSelector::new(&scope.filter, Arc::clone(&allocator), archive)?.add_to(archive)?;
        }
        Ok(Ledger { archive, scope, workspace: String::new(), allocator, second: RefCell::default() })
    }

    /// Sets the name of the workspace.
    #[must_use]
    pub fn for_workspace(self, workspace: impl Into<String>) -> Ledger<'a> {
        let mut ledger = self;
        ledger.workspace = workspace.into();
        ledger
    }

    /// Lets a question read the archive in two threads. `second` must read the same state of it.
    pub fn give_second_connection(&self, second: SecondConnection) {
        self.second.replace(Some(second));
    }

    /// The second connection, for the first question that asks. `None`: read the archive in one thread.
    pub(super) fn take_second_connection(&self) -> Option<SecondConnection> {
        self.second.take()
    }

    /// The name of the workspace; empty if none is set.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The connection to the archive.
    pub fn connection(&self) -> &Connection {
        self.archive
    }

    /// Adds the path of this archive to an SQLite error.
    pub fn with_archive_path(&self, error: Error) -> Error {
        match self.archive.path() {
            Some(path) => error.in_archive(Path::new(path)),
            None => error,
        }
    }

    /// The id of the run that has a snapshot.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn run_id_of(&self, snapshot_id: i64) -> Result<String> {
        let sql = "SELECT run_id FROM main.run_snapshots WHERE snapshot_id = ?1";
        Ok(self.connection().prepare_cached(sql)?.query_row([snapshot_id], |row| row.get(0))?)
    }

    /// The scope that the ledger was opened in.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The unsettled runs in the span, ordered by booking date, each as `ID (STATUS)`.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn unsettled(&self) -> Result<Vec<String>> {
        let mut statement = self.archive.prepare(UNSETTLED)?;
        let (from, until) = self.scope.span.bounds();
        let mut rows = statement.query(named_params! {":from": from, ":until": until})?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            let (run_id, status): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            runs.push(format!("{run_id} ({})", status.as_deref().unwrap_or("no status")));
        }
        Ok(runs)
    }

    /// The pipelines of the runs in the span, ordered by kind and id, with their names as of this scope.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn pipelines(&self) -> Result<Vec<NamedPipeline>> {
        let mut statement = self.archive.prepare(PIPELINES)?;
        let (from, until) = self.scope.span.bounds();
        let named = statement.query_map(named_params! {":from": from, ":until": until}, |row| {
            Ok(NamedPipeline { kind: row.get(0)?, pipeline_id: row.get(1)?, name: row.get(2)? })
        })?;
        Ok(named.collect::<rusqlite::Result<_>>()?)
    }

    /// The cost center of a run. `None`: the ledger has no such run.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn cost_center_of(&self, run_id: &str) -> Result<Option<String>> {
        let mut statement = self.archive.prepare_cached(COST_CENTER)?;
        let mut rows = statement.query([run_id])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// The compiled allocation rules.
    pub fn allocator(&self) -> &Arc<Allocator> {
        &self.allocator
    }
}

impl Drop for Ledger<'_> {
    fn drop(&mut self) {
        // A leftover view is harmless: the next ledger drops it before it creates its own.
        let _ = user_views::drop_shadows(self.archive);
    }
}

/// Adds a function from the columns of a run to its cost center.
fn add_allocation_function(archive: &Connection, allocator: Arc<Allocator>) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    archive.create_scalar_function("cost_center", 4, flags, move |arguments| {
        let text = |index: usize| match arguments.get_raw(index) {
            ValueRef::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        };
        let pipeline = text(0).zip(text(1));
        Ok(allocator.cost_center(pipeline, text(2), text(3)).to_owned())
    })?;
    Ok(())
}

/// Creates the temporary views of an as-of moment, a filter and a date basis; none for the defaults.
fn create_views(archive: &Connection, scope: &Scope) -> Result<()> {
    user_views::drop_shadows(archive)?;
    let (as_of, date, selected) = (scope.as_of, scope.date, scope.filter.sql(scope.date));
    if let Some(moment) = as_of {
        require_sync_before(archive, moment)?;
        for table in HISTORIES {
            let selected = selected.as_deref().filter(|_| table == RUN_STATES);
            let known = history_as_of(archive, table, moment, selected)?;
            archive.execute_batch(&format!("CREATE TEMP VIEW {table} AS {known}"))?;
        }
        archive.execute_batch(&format!(
            "CREATE TEMP VIEW {VANISHED} AS SELECT run_id, vanished_at, sync_id FROM main.vanishings \
             WHERE vanished_at <= '{moment}' AND (returned_at IS NULL OR returned_at > '{moment}')"
        ))?;
    } else if let Some(selected) = &selected {
        archive.execute_batch(&format!(
            "CREATE TEMP VIEW {RUN_STATES} AS SELECT * FROM main.{RUN_STATES} WHERE {selected}"
        ))?;
    }
    if as_of.is_none() && selected.is_none() && date == DateBasis::default() {
        return Ok(());
    }
    for view in VIEWS {
        let definition: String = archive.query_row(
            "SELECT sql FROM main.sqlite_schema WHERE type = 'view' AND name = ?1",
            [view],
            |row| row.get(0),
        )?;
        let mut definition = definition.replacen("CREATE VIEW", "CREATE TEMP VIEW", 1);
        if view == "runs" {
            if [BOOKED_AT, NOW].iter().any(|part| definition.matches(part).count() != 1) {
                let what = "the definition of the view `runs` was changed; run `runledger check`";
                return Err(Error::Internal(what.to_owned()));
            }
            definition = definition.replace(BOOKED_AT, &format!("{} AS booked_at", date.sql()));
            if let Some(moment) = as_of {
                // Whether a run has settled depends on the clock, which observations can be ahead of.
                let clock = ClockOffsets::of(archive)?.clock_at(moment);
                definition = definition.replace(NOW, &format!("'{clock}'"));
            }
        }
        archive.execute_batch(&definition)?;
    }
    user_views::create_copies(archive)
}

/// The query for a history as of a moment: later rows are left out, and rows that they superseded are current.
/// Each of its three parts uses its own index, and has the condition `selected`.
fn history_as_of(
    archive: &Connection,
    table: &str,
    moment: Instant,
    selected: Option<&str>,
) -> Result<String> {
    let mut statement = archive.prepare("SELECT name FROM pragma_table_info(?1, 'main') ORDER BY cid")?;
    let columns: Vec<String> =
        statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let list = |superseded_at: &str| {
        let column = |name: &String| match name.as_str() {
            "superseded_at" => format!("{superseded_at} AS superseded_at"),
            name => format!("\"{name}\""),
        };
        columns.iter().map(column).collect::<Vec<_>>().join(", ")
    };
    let and = selected.map_or_else(String::new, |selected| format!(" AND {selected}"));
    Ok(format!(
        "SELECT {still} FROM main.{table} WHERE superseded_at IS NULL AND observed_at <= '{moment}'{and} \
         UNION ALL SELECT {still} FROM main.{table} \
             WHERE superseded_at > '{moment}' AND observed_at <= '{moment}'{and} \
         UNION ALL SELECT {over} FROM main.{table} WHERE superseded_at <= '{moment}'{and}",
        still = list("CAST(NULL AS TEXT)"),
        over = list("superseded_at"),
    ))
}

/// When the first sync started. `None`: there was no sync.
pub(crate) fn first_sync_at(archive: &Connection) -> Result<Option<Instant>> {
    Ok(archive.query_row("SELECT min(started_at) FROM main.syncs", [], |row| row.get(0))?)
}

/// The run that the archive stored first, by its id. No command removes it. `None`: the archive has no run.
pub(crate) fn first_run_id(archive: &Connection) -> Result<Option<String>> {
    let sql = "SELECT run_id FROM main.run_snapshots ORDER BY snapshot_id LIMIT 1";
    Ok(archive.query_row(sql, [], |row| row.get(0)).optional()?)
}

fn require_sync_before(archive: &Connection, moment: Instant) -> Result<()> {
    match first_sync_at(archive)? {
        Some(first) if moment < first => Err(Error::Usage {
            what: format!("nothing was known yet at {moment}"),
            hint: Some(format!("this archive began at {first}")),
        }),
        _ => Ok(()),
    }
}
