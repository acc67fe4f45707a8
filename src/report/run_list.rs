//! The list of runs: single runs with what people ask of them, the most important first.

use super::ledger::Ledger;
use super::median_factor;
use super::period::Span;
use super::ranking::compare_cells;
use super::rows::{RowStream, Value};
use super::table::{Cell, Measure, Table};
use crate::error::{Error, Result};
use crate::run::{Instant, Seconds, Usd};
use crate::store::ID_BEGINS_SO;
use crate::suggest::did_you_mean;
use rusqlite::{Statement, ToSql};
use serde::{Deserialize, Serialize};

/// The columns of a list that [`listed_runs`] reads for each run.
const LISTED_RUNS: &str = include_str!("rows/listed_runs.sql");

/// What a list is ordered by. Runs that are alike are newest first, and unknown values last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RunOrder {
    /// Newest first, by the date basis.
    #[default]
    Started,
    /// Longest first.
    Duration,
    /// Longest first: from creation to start.
    Waited,
    /// Most expensive first.
    Usd,
    /// By the word.
    Status,
    /// By name, else by id.
    Pipeline,
}

impl RunOrder {
    /// Every order with its name on the command line.
    pub(crate) const ALL: [(&'static str, RunOrder); 6] = [
        ("started", RunOrder::Started),
        ("duration", RunOrder::Duration),
        ("waited", RunOrder::Waited),
        ("usd", RunOrder::Usd),
        ("status", RunOrder::Status),
        ("pipeline", RunOrder::Pipeline),
    ];

    /// The column of the view `runs`, and whether its largest value is first.
    fn column(self) -> (&'static str, bool) {
        match self {
            RunOrder::Started => ("booked_at", true),
            RunOrder::Duration => ("duration_seconds", true),
            RunOrder::Waited => ("queued_seconds", true),
            RunOrder::Usd => ("total_cost_nanos", true),
            RunOrder::Status => ("status", false),
            RunOrder::Pipeline => ("coalesce(pipeline_name, pipeline_id)", false),
        }
    }

    /// The column of the list.
    fn listed_column(self) -> &'static str {
        match self {
            RunOrder::Started => "booked_at",
            RunOrder::Duration => "duration_seconds",
            RunOrder::Waited => "queued_seconds",
            RunOrder::Usd => "total_cost_usd",
            RunOrder::Status => "status",
            RunOrder::Pipeline => "pipeline_name",
        }
    }
}

/// Which runs to list, of those in a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RunListRequest {
    /// The order.
    pub(crate) order: RunOrder,
    /// Whether the least important come first.
    pub(crate) is_reversed: bool,
    /// The maximum number of runs. `None`: all.
    pub(crate) limit: Option<u32>,
    /// The beginning of the ids. Empty: any.
    pub(crate) id_prefix: String,
    /// What the costs must be.
    pub(crate) costs: CostCondition,
    /// Whether a column has the duration as a multiple of the pipeline's median.
    pub(crate) has_median_factor: bool,
}

/// Which runs of a ledger a list has, for its title, its JSON and its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListConditions {
    /// The beginning of the ids. `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_prefix: Option<String>,
    /// The least known cost of each run. `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_cost_usd: Option<String>,
    /// Whether no cost of the runs is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_unknown: bool,
}

/// What the costs of listed runs must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CostCondition {
    /// Anything.
    #[default]
    Any,
    /// The sum of the known costs is at least this.
    AtLeast(Usd),
    /// No cost is known.
    Unknown,
}

impl CostCondition {
    /// The condition in SQL over the view `runs`. `None`: it is always met.
    fn sql(self) -> Option<&'static str> {
        match self {
            CostCondition::Any => None,
            CostCondition::AtLeast(_) => Some("total_cost_nanos >= :least_nanos"),
            CostCondition::Unknown => Some("total_cost_nanos IS NULL"),
        }
    }

    /// The least cost in nano-dollars. No cost of a run is beyond the integers of SQLite.
    fn least_nanos(self) -> Option<i64> {
        match self {
            CostCondition::AtLeast(usd) => Some(i64::try_from(usd.units()).unwrap_or(i64::MAX)),
            _ => None,
        }
    }
}

impl RunListRequest {
    /// Reads the order of `--sort`, of which a minus only says what is so anyway: the largest figure first.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no such order.
    pub(crate) fn with_order(self, text: &str) -> Result<RunListRequest> {
        let name = text.strip_prefix('-').unwrap_or(text);
        let names = || RunOrder::ALL.map(|(name, _)| name);
        let found = RunOrder::ALL.into_iter().find(|(known, _)| *known == name);
        let Some((_, order)) = found else {
            return Err(Error::Usage {
                what: format!("--sort {text}: a list of runs has the orders {}", names().join(", ")),
                hint: did_you_mean(name, names()),
            });
        };
        let (_, is_largest_first) = order.column();
        // Words begin with A, unless a minus reverses them.
        let is_reversed = self.is_reversed != (name != text && !is_largest_first);
        Ok(RunListRequest { order, is_reversed, ..self })
    }

    /// Whether the largest value is first.
    fn is_descending(&self) -> bool {
        self.order.column().1 != self.is_reversed
    }
}

/// Some runs of a ledger, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunList {
    /// One row per run, with every column.
    pub(crate) table: Table,
    /// The number of runs that meet the request, also beyond its limit.
    pub(crate) runs: u64,
}

/// The runs of the ledgers that meet the request. Several ledgers have a column `workspace`.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn list_across(ledgers: &[Ledger<'_>], request: &RunListRequest) -> Result<RunList> {
    let mut all = RunList { table: Table { columns: Vec::new(), rows: Vec::new(), totals: None }, runs: 0 };
    for ledger in ledgers {
        let list = list(ledger, request).map_err(|error| ledger.with_archive_path(error))?;
        all.runs += list.runs;
        match ledgers {
            [_] => all.table = list.table,
            _ => all.table.append_labeled("workspace", ledger.workspace(), list.table),
        }
    }
    if let [_, _, ..] = ledgers {
        merge(&mut all.table, request);
    }
    Ok(all)
}

/// Orders the rows of several ledgers, each of which has its first rows, and keeps the first of all.
fn merge(table: &mut Table, request: &RunListRequest) {
    let column = |name: &str| table.columns.iter().position(|column| column == name);
    let (Some(key), Some(booked_at)) = (column(request.order.listed_column()), column("booked_at")) else {
        return;
    };
    table.rows.sort_by(|one, other| {
        let by_key = compare_cells(&one[key], &other[key], request.is_descending());
        by_key.then_with(|| compare_cells(&one[booked_at], &other[booked_at], true))
    });
    table.rows.truncate(request.limit.map_or(usize::MAX, |limit| limit as usize));
}

/// The condition of the runs of a request in a span, with its `WHERE`. Empty: it is always met.
fn conditions(request: &RunListRequest, span: Span) -> String {
    let mut conditions = Vec::new();
    // A condition that is absent lets SQLite read the index of booking dates from its end.
    for (bound, condition) in [(span.from, "booked_at >= :from"), (span.until, "booked_at < :until")] {
        conditions.extend(bound.map(|_| condition));
    }
    if !request.id_prefix.is_empty() {
        conditions.push(ID_BEGINS_SO);
    }
    conditions.extend(request.costs.sql());
    match conditions.as_slice() {
        [] => String::new(),
        conditions => format!("WHERE {}", conditions.join(" AND ")),
    }
}

fn list(ledger: &Ledger<'_>, request: &RunListRequest) -> Result<RunList> {
    let conditions = conditions(request, ledger.scope().span);
    let (column, _) = request.order.column();
    let order = |table: &str, key: &str| match (request.order, request.is_descending()) {
        // NULL is the smallest value of SQLite.
        (RunOrder::Started, true) => format!("{table}booked_at DESC, {table}snapshot_id DESC"),
        (RunOrder::Started, false) => {
            format!("{table}booked_at IS NULL, {table}booked_at, {table}snapshot_id")
        }
        (_, true) => format!("{key} DESC, {table}booked_at DESC, {table}snapshot_id DESC"),
        (_, false) => format!("{key} IS NULL, {key}, {table}booked_at DESC, {table}snapshot_id DESC"),
    };
    // The list is found with the covering index of the reports, and the other columns of its runs afterwards.
    let sql = format!(
        "WITH listed AS MATERIALIZED ( \
             SELECT snapshot_id, {column} AS sort_key, booked_at FROM runs {conditions} \
             ORDER BY {} LIMIT coalesce(:limit, -1)) \
         {LISTED_RUNS} ORDER BY {}",
        order("", column),
        order("l.", "l.sort_key")
    );
    let statement = prepared(ledger, &sql, request)?;
    let mut table =
        RowStream::new(statement).with_run_columns().table(|column, value| cell(&column.name, value))?;
    if request.has_median_factor {
        median_factor::add_to(&mut table, ledger)?;
    }
    let is_cut = request.limit.is_some_and(|limit| table.rows.len() as u64 >= u64::from(limit));
    let runs = match is_cut {
        false => table.rows.len() as u64,
        true => {
            let mut statement =
                prepared(ledger, &format!("SELECT count(*) FROM runs {conditions}"), request)?;
            let mut rows = statement.raw_query();
            rows.next()?.map_or(Ok(0), |row| row.get(0))?
        }
    };
    Ok(RunList { table, runs })
}

/// The runs with these current states, in this order, with every column of a list.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn of_snapshots(ledger: &Ledger<'_>, snapshots: &[i64]) -> Result<Table> {
    let sql = format!(
        "WITH listed AS MATERIALIZED (SELECT key AS place, value AS snapshot_id FROM json_each(:snapshots)) \
         {LISTED_RUNS} ORDER BY l.place"
    );
    let mut statement = ledger.connection().prepare(&sql)?;
    let snapshots = serde_json::to_string(snapshots).expect("numbers are always JSON");
    let index = statement.parameter_index(":snapshots")?.expect("the query has the parameter");
    statement.raw_bind_parameter(index, snapshots)?;
    RowStream::new(statement).with_run_columns().table(|column, value| cell(&column.name, value))
}

/// The statement with its parameters bound.
fn prepared<'l>(ledger: &'l Ledger<'_>, sql: &str, request: &RunListRequest) -> Result<Statement<'l>> {
    let span = ledger.scope().span;
    let parameters: [(&str, &dyn ToSql); 5] = [
        (":from", &span.from.as_ref().map(Instant::as_str)),
        (":until", &span.until.as_ref().map(Instant::as_str)),
        (":prefix", &request.id_prefix),
        (":limit", &request.limit),
        (":least_nanos", &request.costs.least_nanos()),
    ];
    let mut statement = ledger.connection().prepare(sql)?;
    for (name, value) in parameters {
        if let Some(index) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(statement)
}

/// The cell of a value of the list.
fn cell(column: &str, value: Value<'_>) -> Cell {
    const MICROS_PER_SECOND: f64 = 1e6;
    let measure = Measure::of_column(column);
    match (measure, value) {
        (_, Value::Null) => measure.unknown(),
        (Measure::Seconds, Value::Integer(seconds)) => Cell::Seconds(Seconds::ratio(seconds.into(), 1)),
        // The view has whole microseconds in a floating-point number.
        (Measure::Seconds, Value::Real(seconds)) => Cell::Seconds(Seconds::ratio(
            (seconds * MICROS_PER_SECOND).round() as i128,
            MICROS_PER_SECOND as i128,
        )),
        (_, value) => value.cell(),
    }
}

/// When the latest run was booked that a request selects in any span. `None`: there is none.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn latest(ledger: &Ledger<'_>, request: &RunListRequest) -> Result<Option<Instant>> {
    let conditions = conditions(request, Span::default());
    let and = if conditions.is_empty() { "WHERE" } else { "AND" };
    let sql = format!(
        "SELECT booked_at FROM runs {conditions} {and} booked_at IS NOT NULL ORDER BY booked_at DESC LIMIT 1"
    );
    let mut statement = prepared(ledger, &sql, request)?;
    let mut rows = statement.raw_query();
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}
