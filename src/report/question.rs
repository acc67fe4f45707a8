//! This is a question in `queries/`: an SQL file that answers as it stands in any SQLite shell.

use super::ledger::Ledger;
use super::rows::{Selection, Value};
use super::table::{Cell, Measure, Table};
use crate::error::{Error, Result};
use crate::run::Instant;
use rusqlite::ToSql;

/// A question with a name, the same as that of its file.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The name: `slowest-runs` for `queries/slowest-runs.sql`.
    pub name: &'static str,
    /// The whole file.
    pub sql: &'static str,
}

/// Every question, in the order people are shown them.
pub const QUESTIONS: [Question; 12] = [
    Question { name: "cost", sql: include_str!("../../queries/cost.sql") },
    Question { name: "duration", sql: include_str!("../../queries/duration.sql") },
    Question { name: "failures", sql: include_str!("../../queries/failures.sql") },
    Question { name: "slowest-runs", sql: include_str!("../../queries/slowest-runs.sql") },
    Question { name: "costliest-runs", sql: include_str!("../../queries/costliest-runs.sql") },
    Question {
        name: "cost-changes-after-success",
        sql: include_str!("../../queries/cost-changes-after-success.sql"),
    },
    Question {
        name: "pipelines-without-runs",
        sql: include_str!("../../queries/pipelines-without-runs.sql"),
    },
    Question { name: "status-transitions", sql: include_str!("../../queries/status-transitions.sql") },
    Question { name: "settling", sql: include_str!("../../queries/settling.sql") },
    Question { name: "audit", sql: include_str!("../../queries/audit.sql") },
    Question { name: "waste", sql: include_str!("../../queries/waste.sql") },
    Question { name: "anomalies", sql: include_str!("../../queries/anomalies.sql") },
];

/// The reports that no file answers, because they need what no archive has: the plan, the calendar of schedules.
pub const WORKED_OUT: [(&str, &str); 1] =
    [("credits", "How many of the plan's credits were taken, and how many will be at the month's end?")];

/// What `report` also has, and what it answers: no table, but a page of them all.
pub const PAGE: (&str, &str) = ("html", "What does all of it look like, on one page for a browser?");

/// Every report and the question it answers, in the order people are shown them.
pub fn reports() -> impl Iterator<Item = (&'static str, &'static str)> {
    QUESTIONS.iter().map(|question| (question.name, question.words())).chain(WORKED_OUT)
}

impl Question {
    /// The question of that name.
    pub fn named(name: &str) -> Option<Question> {
        QUESTIONS.into_iter().find(|question| question.name == name)
    }

    /// The question in words: the first line of its file.
    pub fn words(&self) -> &'static str {
        let line = self.sql.lines().next().unwrap_or_default();
        line.trim_start_matches("--").trim()
    }

    /// Asks the ledger. `limit` is the greatest count of rows; `None`: as many as the file says.
    pub fn ask(&self, ledger: &Ledger<'_>, limit: Option<u32>) -> Result<Table> {
        let span = ledger.scope().span;
        let mut statement = ledger.connection().prepare(self.sql)?;
        let parameters: [(&str, &dyn ToSql); 3] = [
            (":from", &span.from.as_ref().map(Instant::as_str)),
            (":until", &span.until.as_ref().map(Instant::as_str)),
            (":limit", &limit),
        ];
        for (name, value) in parameters {
            if let Some(index) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(index, value)?;
            } else if name == ":limit" && limit.is_some() {
                return Err(Error::usage(format!(
                    "the report {} has no --limit: it gives every row",
                    self.name
                )));
            }
        }
        Selection::new(statement).table(|column, value| cell(Measure::of_column(&column.name), value))
    }
}

/// The cell for a value of a column with that measure. A whole number stays one, so that the same
/// digits come out as in any SQLite shell.
fn cell(measure: Measure, value: Value<'_>) -> Cell {
    match value {
        Value::Null => measure.unknown(),
        Value::Text(text) => {
            let text = String::from_utf8_lossy(text);
            measure.cell(&text).unwrap_or_else(|| Cell::text(text))
        }
        value => value.cell(),
    }
}
