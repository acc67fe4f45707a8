//! This is the ledger as one question sees it: the archive as it was known at a moment, booked on a basis.
//!
//! Every question names `runs`, `run_snapshots`, `pipelines` and `vanished_runs`. For a moment in the past, or
//! another basis than usual, temporary views of these names stand before the archive's own: so each
//! question is asked as it stands, and the past answers.

use super::allocation::Allocator;
use super::scope::{DateBasis, Scope};
use crate::error::{Error, Result};
use crate::run::Instant;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, named_params};
use std::path::Path;
use std::sync::Arc;

/// What remembers when it was known, and the views over it, in the order in which they build on each other.
const HISTORIES: [&str; 2] = ["run_snapshots", "pipeline_snapshots"];
const VIEWS: [&str; 2] = ["pipelines", "runs"];
const VANISHED: &str = "vanished_runs";

/// How the view `runs` says what books a run, and what the time is.
const BOOKED: &str = "coalesce(started_at, created_at) AS booked_at";
const NOW: &str = "'now'";

/// The runs in a span that may still change.
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

/// A pipeline and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `source`, `destination` or `transformation`.
    pub kind: String,
    /// Its id or slug, as its runs name it.
    pub pipeline_id: String,
    /// Its name. `None`: the catalogue has none.
    pub name: Option<String>,
}

/// The archive in a scope. A connection shows one at a time: the one opened last.
#[derive(Debug)]
pub struct Ledger<'a> {
    archive: &'a Connection,
    scope: Scope,
    workspace: String,
    allocator: Arc<Allocator>,
}

impl<'a> Ledger<'a> {
    /// Shows the archive in that scope until it is dropped. SQL has the function
    /// `centre(pipeline_kind, pipeline_id, trigger_type, booked_at)` meanwhile.
    ///
    /// # Errors
    /// [`Error::Usage`] when nothing was archived yet at the moment asked for. Those of SQLite.
    pub fn open(archive: &'a Connection, scope: Scope) -> Result<Ledger<'a>> {
        show(archive, scope.as_of, scope.date)?;
        let allocator = Arc::new(Allocator::new(&scope.allocation, scope.zone, archive)?);
        let of_runs = Arc::clone(&allocator);
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        archive.create_scalar_function("centre", 4, flags, move |arguments| {
            let text = |index: usize| match arguments.get_raw(index) {
                ValueRef::Text(text) => std::str::from_utf8(text).ok(),
                _ => None,
            };
            let pipeline = text(0).zip(text(1));
            Ok(of_runs.centre(pipeline, text(2), text(3)).to_owned())
        })?;
        Ok(Ledger { archive, scope, workspace: String::new(), allocator })
    }

    /// The same ledger, as that of the workspace of that name.
    #[must_use]
    pub fn of(self, workspace: impl Into<String>) -> Ledger<'a> {
        let mut ledger = self;
        ledger.workspace = workspace.into();
        ledger
    }

    /// What the workspace is called whose runs these are; empty where nobody said.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The connection to ask.
    pub fn connection(&self) -> &Connection {
        self.archive
    }

    /// Names this archive in what SQLite said of it.
    pub fn blamed(&self, error: Error) -> Error {
        match self.archive.path() {
            Some(path) => error.in_archive(Path::new(path)),
            None => error,
        }
    }

    /// What is shown.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The runs of the span that may still change, in the order of booking, each as `ID (STATUS)`.
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

    /// The pipelines of the span's runs, by kind and id, each with what it is called in this ledger.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn pipelines(&self) -> Result<Vec<Named>> {
        let mut statement = self.archive.prepare(PIPELINES)?;
        let (from, until) = self.scope.span.bounds();
        let named = statement.query_map(named_params! {":from": from, ":until": until}, |row| {
            Ok(Named { kind: row.get(0)?, pipeline_id: row.get(1)?, name: row.get(2)? })
        })?;
        Ok(named.collect::<rusqlite::Result<_>>()?)
    }

    /// Which cost centre each run belongs to.
    pub fn allocator(&self) -> &Arc<Allocator> {
        &self.allocator
    }
}

impl Drop for Ledger<'_> {
    fn drop(&mut self) {
        // A view that stays does no harm: the next ledger takes it away before it shows itself.
        let _ = show_archive_itself(self.archive);
    }
}

fn show_archive_itself(archive: &Connection) -> Result<()> {
    for name in VIEWS.iter().chain(&HISTORIES).chain([&VANISHED]) {
        archive.execute_batch(&format!("DROP VIEW IF EXISTS temp.{name}"))?;
    }
    Ok(())
}

fn show(archive: &Connection, as_of: Option<Instant>, date: DateBasis) -> Result<()> {
    show_archive_itself(archive)?;
    if let Some(moment) = as_of {
        began_before(archive, moment)?;
        for table in HISTORIES {
            let known = as_known(archive, table, moment)?;
            archive.execute_batch(&format!("CREATE TEMP VIEW {table} AS {known}"))?;
        }
        archive.execute_batch(&format!(
            "CREATE TEMP VIEW {VANISHED} AS SELECT run_id, vanished_at, sync_id FROM main.vanishings \
             WHERE vanished_at <= '{moment}' AND (returned_at IS NULL OR returned_at > '{moment}')"
        ))?;
    }
    if as_of.is_none() && date == DateBasis::default() {
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
            if [BOOKED, NOW].iter().any(|part| definition.matches(part).count() != 1) {
                let what = "the archive's view `runs` was changed; `runledger check` tells more";
                return Err(Error::Internal(what.to_owned()));
            }
            definition = definition.replace(BOOKED, &format!("{} AS booked_at", date.sql()));
            if let Some(moment) = as_of {
                definition = definition.replace(NOW, &format!("'{moment}'"));
            }
        }
        archive.execute_batch(&definition)?;
    }
    Ok(())
}

/// A history as it stood at that moment: what came later is not there, and what it superseded is current.
/// Each of the three parts has an index of its own.
fn as_known(archive: &Connection, table: &str, moment: Instant) -> Result<String> {
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
    Ok(format!(
        "SELECT {still} FROM main.{table} WHERE superseded_at IS NULL AND observed_at <= '{moment}' \
         UNION ALL SELECT {still} FROM main.{table} WHERE superseded_at > '{moment}' AND observed_at <= '{moment}' \
         UNION ALL SELECT {over} FROM main.{table} WHERE superseded_at <= '{moment}'",
        still = list("CAST(NULL AS TEXT)"),
        over = list("superseded_at"),
    ))
}

/// When the first sync began. `None`: there was none.
pub(super) fn began(archive: &Connection) -> Result<Option<Instant>> {
    Ok(archive.query_row("SELECT min(started_at) FROM main.syncs", [], |row| row.get(0))?)
}

fn began_before(archive: &Connection, moment: Instant) -> Result<()> {
    match began(archive)? {
        Some(began) if moment < began => Err(Error::Usage {
            what: format!("nothing was known yet at {moment}"),
            hint: Some(format!("this archive began at {began}")),
        }),
        _ => Ok(()),
    }
}
