//! The row streams of the Parquet dataset: one for each table, by month.

mod states_digest;

pub use states_digest::StatesDigest;

use super::{RowStream, with_later_fields};
use crate::error::{Error, Result};
use crate::report::group_by;
use crate::report::ledger::Ledger;
use crate::report::period::{AFTER_EVERYTHING, BEFORE_EVERYTHING, Calendar, Period};
use crate::report::run_scan::Columns;
use crate::report::scope::DateBasis;
use crate::run::fields::FieldColumn;
use crate::run::{Field, Instant};
use rusqlite::types::ValueRef;
use states_digest::StateKey;

/// One table of the dataset, named as in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatasetTable {
    /// The pipeline catalogue.
    Pipelines,
    /// The current state of each run.
    Runs,
    /// Every snapshot of each run.
    RunSnapshots,
}

/// A month with booked rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedMonth {
    /// The month. `None`: the rows without a booking date.
    pub period: Option<Period>,
    /// The states of the rows.
    pub states: StatesDigest,
}

/// A range of rows in the order of booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowRange {
    /// Rows without a booking date.
    Unbooked,
    /// Rows booked at or after the first instant and before the second; `None`: no limit.
    Booked(Option<Instant>, Option<Instant>),
    /// All rows, for a table without months.
    All,
}

impl DatasetTable {
    /// All tables.
    pub const ALL: [DatasetTable; 3] =
        [DatasetTable::Pipelines, DatasetTable::Runs, DatasetTable::RunSnapshots];

    /// The name of the table.
    pub fn name(self) -> &'static str {
        match self {
            DatasetTable::Pipelines => "pipelines",
            DatasetTable::Runs => "runs",
            DatasetTable::RunSnapshots => "run_snapshots",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            DatasetTable::Pipelines => include_str!("dataset/pipelines.sql"),
            DatasetTable::Runs => include_str!("dataset/runs.sql"),
            DatasetTable::RunSnapshots => include_str!("dataset/run_snapshots.sql"),
        }
    }
}

impl BookedMonth {
    /// The label of the month. `None`: its rows have no booking date.
    pub fn label(&self) -> Option<&str> {
        self.period.as_ref().map(|period| period.label.as_str())
    }

    /// Whether the month contains a row with this booking date.
    pub fn contains(&self, booked_at: Option<&[u8]>) -> bool {
        match (&self.period, booked_at) {
            (None, booked_at) => booked_at.is_none(),
            (Some(period), Some(booked_at)) => {
                std::str::from_utf8(booked_at).is_ok_and(|booked_at| period.contains(booked_at))
            }
            (Some(_), None) => false,
        }
    }
}

/// The rows of a table in a range, in the order of the table: the column `workspace`, then the archive's columns.
/// Amounts in columns ending in `_exact` are nano-dollars.
///
/// # Errors
/// Those of SQLite.
pub fn rows<'l>(
    ledger: &'l Ledger<'_>,
    table: DatasetTable,
    range: RowRange,
    workspace: &str,
) -> Result<RowStream<'l>> {
    let mut sql = match table {
        DatasetTable::Pipelines => table.sql().to_owned(),
        DatasetTable::Runs | DatasetTable::RunSnapshots => {
            with_later_fields::<Field>(table.sql(), select_field)
        }
    };
    if table == DatasetTable::RunSnapshots {
        sql = sql.replace(DateBasis::Started.sql(), ledger.scope().date.sql());
    }
    if range == RowRange::Unbooked {
        let booked_at = match table {
            DatasetTable::RunSnapshots => ledger.scope().date.sql(),
            DatasetTable::Runs | DatasetTable::Pipelines => "booked_at",
        };
        let in_range = format!("{booked_at} >= :from AND {booked_at} < :until");
        sql = sql.replace(&in_range, &format!("{booked_at} IS NULL"));
    }
    let (from, until) = match &range {
        RowRange::Booked(from, until) => (
            from.as_ref().map_or(BEFORE_EVERYTHING, Instant::as_str),
            until.as_ref().map_or(AFTER_EVERYTHING, Instant::as_str),
        ),
        RowRange::Unbooked | RowRange::All => (BEFORE_EVERYTHING, AFTER_EVERYTHING),
    };
    let mut statement = ledger.connection().prepare(&sql)?;
    for (name, value) in [(":workspace", workspace), (":from", from), (":until", until)] {
        if let Some(index) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(RowStream::new(statement))
}

/// How `dataset/*.sql` select a field: an amount is the double, and exact in nano-dollars.
fn select_field(columns: &[FieldColumn]) -> String {
    match columns {
        [usd, nanos] => format!("{}, {} AS {0}_exact", usd.name, nanos.name),
        columns => format!("\"{}\"", columns[0].name),
    }
}

/// The months in which a table's rows are booked, in order; rows without a booking date are last. Reads indexes only.
///
/// # Errors
/// Those of SQLite; [`Error::Archive`] when a booking date in the archive is not an instant.
pub fn months(ledger: &Ledger<'_>, table: DatasetTable) -> Result<Vec<BookedMonth>> {
    let mut collector = MonthCollector { ledger, months: Vec::new(), last: 0 };
    match table {
        DatasetTable::Pipelines => {}
        DatasetTable::Runs => {
            let columns = Columns::BOOKED_AT.and(Columns::CREATED_AT).and(Columns::SNAPSHOT);
            group_by::for_each_run_in(ledger, Default::default(), columns, |run| {
                let state = StateKey {
                    snapshot_id: run.snapshot_id()?,
                    created_at: run.created_at()?.map(str::as_bytes),
                    superseded_at: None,
                };
                collector.add(run.booked_at()?.map(str::as_bytes), state)
            })?;
        }
        DatasetTable::RunSnapshots => {
            let booked_at = ledger.scope().date.sql();
            let columns = format!("{booked_at}, snapshot_id, created_at, superseded_at");
            let sql = format!(
                "SELECT {columns} FROM run_snapshots WHERE superseded_at IS NULL \
                 UNION ALL SELECT {columns} FROM run_snapshots WHERE superseded_at IS NOT NULL"
            );
            let mut statement = ledger.connection().prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let text = |column: usize| -> Result<Option<&[u8]>> {
                    Ok(match row.get_ref(column)? {
                        ValueRef::Text(text) => Some(text),
                        _ => None,
                    })
                };
                let state =
                    StateKey { snapshot_id: row.get(1)?, created_at: text(2)?, superseded_at: text(3)? };
                collector.add(text(0)?, state)?;
            }
        }
    }
    let mut months = collector.months;
    months
        .sort_by_key(|month| (month.period.is_none(), month.period.as_ref().and_then(|period| period.start)));
    Ok(months)
}

/// Collects the months of rows, in no particular order.
struct MonthCollector<'l> {
    ledger: &'l Ledger<'l>,
    months: Vec<BookedMonth>,
    /// The index of the last row's month. Consecutive rows are mostly in the same month.
    last: usize,
}

impl MonthCollector<'_> {
    fn add(&mut self, booked_at: Option<&[u8]>, state: StateKey<'_>) -> Result<()> {
        if !self.months.get(self.last).is_some_and(|month| month.contains(booked_at)) {
            self.last = match self.months.iter().position(|month| month.contains(booked_at)) {
                Some(index) => index,
                None => {
                    let period = booked_at.map(|text| self.month_of(text)).transpose()?;
                    self.months.push(BookedMonth { period, states: StatesDigest::default() });
                    self.months.len() - 1
                }
            };
        }
        self.months[self.last].states.add(state);
        Ok(())
    }

    fn month_of(&self, booked_at: &[u8]) -> Result<Period> {
        let instant = std::str::from_utf8(booked_at).ok().and_then(Instant::parse).ok_or_else(|| {
            let text = String::from_utf8_lossy(booked_at);
            Error::Archive {
                path: self.ledger.connection().path().unwrap_or_default().into(),
                cause: format!("the booking date {text:?} of a run is not an instant"),
                hint: Some("run `runledger check` to find the run".to_owned()),
            }
        })?;
        Ok(Period::around(instant, Calendar::Month, self.ledger.scope().zone))
    }
}
