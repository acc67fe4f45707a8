//! This is the ledger's rows as a dataset has them: table by table, and month by month.

use super::group_by;
use super::ledger::Ledger;
use super::period::{AFTER_EVERYTHING, BEFORE_EVERYTHING, Calendar, Period};
use super::rows::{self, Selection};
use super::scope::DateBasis;
use crate::error::{Error, Result};
use crate::run::fields::FieldColumn;
use crate::run::{Field, Instant};
use rusqlite::types::ValueRef;

/// One table of the dataset, with the name that it has in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The catalogue.
    Pipelines,
    /// The current state of each run.
    Runs,
    /// Every state of each run.
    RunSnapshots,
}

/// A month that rows are booked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// The month. `None`: that of the rows that no instant books.
    pub period: Option<Period>,
    /// How many rows it has.
    pub rows: u64,
}

/// Rows that follow each other in the order of booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// Those that no instant books.
    Unbooked,
    /// Those booked at or after the first instant and before the second; `None`: no limit.
    Booked(Option<Instant>, Option<Instant>),
    /// All of a table that knows no months.
    All,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 3] = [Table::Pipelines, Table::Runs, Table::RunSnapshots];

    /// The table's name.
    pub fn name(self) -> &'static str {
        match self {
            Table::Pipelines => "pipelines",
            Table::Runs => "runs",
            Table::RunSnapshots => "run_snapshots",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Table::Pipelines => include_str!("dataset/pipelines.sql"),
            Table::Runs => include_str!("dataset/runs.sql"),
            Table::RunSnapshots => include_str!("dataset/run_snapshots.sql"),
        }
    }
}

impl Month {
    /// The month's name. `None`: its rows are booked by nothing.
    pub fn label(&self) -> Option<&str> {
        self.period.as_ref().map(|period| period.label.as_str())
    }

    /// Whether a row booked at the instant with this text is in the month.
    pub fn has(&self, booked_at: Option<&[u8]>) -> bool {
        match (&self.period, booked_at) {
            (None, booked_at) => booked_at.is_none(),
            (Some(period), Some(booked_at)) => {
                std::str::from_utf8(booked_at).is_ok_and(|booked_at| period.contains(booked_at))
            }
            (Some(_), None) => false,
        }
    }
}

/// The rows of a table in a stretch, in its order: `workspace` and the archive's columns, amounts exact in whole nano-dollars
/// where their name ends so.
///
/// # Errors
/// Those of SQLite.
pub fn rows<'l>(
    ledger: &'l Ledger<'_>,
    table: Table,
    stretch: Stretch,
    workspace: &str,
) -> Result<Selection<'l>> {
    let mut sql = match table {
        Table::Pipelines => table.sql().to_owned(),
        Table::Runs | Table::RunSnapshots => rows::with_later_fields::<Field>(table.sql(), select),
    };
    if table == Table::RunSnapshots {
        sql = sql.replace(DateBasis::Started.sql(), ledger.scope().date.sql());
    }
    if stretch == Stretch::Unbooked {
        let booked = match table {
            Table::RunSnapshots => ledger.scope().date.sql(),
            Table::Runs | Table::Pipelines => "booked_at",
        };
        let within = format!("{booked} >= :from AND {booked} < :until");
        sql = sql.replace(&within, &format!("{booked} IS NULL"));
    }
    let (from, until) = match &stretch {
        Stretch::Booked(from, until) => (
            from.as_ref().map_or(BEFORE_EVERYTHING, Instant::as_str),
            until.as_ref().map_or(AFTER_EVERYTHING, Instant::as_str),
        ),
        Stretch::Unbooked | Stretch::All => (BEFORE_EVERYTHING, AFTER_EVERYTHING),
    };
    let mut statement = ledger.connection().prepare(&sql)?;
    for (name, value) in [(":workspace", workspace), (":from", from), (":until", until)] {
        if let Some(index) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(Selection::new(statement))
}

/// How `dataset/*.sql` select a field: an amount is the double, and exact in nano-dollars.
fn select(columns: &[FieldColumn]) -> String {
    match columns {
        [usd, nanos] => format!("{}, {} AS {0}_exact", usd.name, nanos.name),
        columns => format!("\"{}\"", columns[0].name),
    }
}

/// The months that a table's rows are booked in, in their order, those booked by nothing last. Indexes alone are read.
///
/// # Errors
/// Those of SQLite; [`Error::Archive`] when an instant of the archive is none.
pub fn months(ledger: &Ledger<'_>, table: Table) -> Result<Vec<Month>> {
    let mut counting = Counting { ledger, months: Vec::new(), last: 0 };
    match table {
        Table::Pipelines => {}
        Table::Runs => group_by::for_each_run_in(ledger, Default::default(), |run| {
            counting.add(run.booked_at()?.map(str::as_bytes))
        })?,
        Table::RunSnapshots => {
            let booked = ledger.scope().date.sql();
            let sql = format!(
                "SELECT {booked} FROM run_snapshots WHERE superseded_at IS NULL \
                 UNION ALL SELECT {booked} FROM run_snapshots WHERE superseded_at IS NOT NULL"
            );
            let mut statement = ledger.connection().prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                match row.get_ref(0)? {
                    ValueRef::Text(text) => counting.add(Some(text))?,
                    _ => counting.add(None)?,
                }
            }
        }
    }
    let mut months = counting.months;
    months
        .sort_by_key(|month| (month.period.is_none(), month.period.as_ref().and_then(|period| period.start)));
    Ok(months)
}

/// The months met so far, in no order.
struct Counting<'l> {
    ledger: &'l Ledger<'l>,
    months: Vec<Month>,
    /// The place of the one that the last row was in: neighbours mostly share it.
    last: usize,
}

impl Counting<'_> {
    fn add(&mut self, booked_at: Option<&[u8]>) -> Result<()> {
        if !self.months.get(self.last).is_some_and(|month| month.has(booked_at)) {
            self.last = match self.months.iter().position(|month| month.has(booked_at)) {
                Some(place) => place,
                None => {
                    let period = booked_at.map(|text| self.around(text)).transpose()?;
                    self.months.push(Month { period, rows: 0 });
                    self.months.len() - 1
                }
            };
        }
        self.months[self.last].rows += 1;
        Ok(())
    }

    fn around(&self, booked_at: &[u8]) -> Result<Period> {
        let instant = std::str::from_utf8(booked_at).ok().and_then(Instant::parse).ok_or_else(|| {
            let text = String::from_utf8_lossy(booked_at);
            Error::Archive {
                path: self.ledger.connection().path().unwrap_or_default().into(),
                cause: format!("a run is booked at {text:?}, which is no instant"),
                hint: Some("`runledger check` tells which run".to_owned()),
            }
        })?;
        Ok(Period::around(instant, Calendar::Month, self.ledger.scope().zone))
    }
}
