//! The questions in `queries/`: SQL files that run unchanged in any SQLite shell.

use super::ledger::Ledger;
use super::rows::{RowStream, Value};
use super::table::{Cell, Measure, Table};
use super::{anomalies, failures, waste};
use crate::error::{Error, Result};
use crate::run::Instant;
use rusqlite::ToSql;

/// A named question. Its name is that of its file.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The name: `slowest-runs` for `queries/slowest-runs.sql`.
    pub name: &'static str,
    /// The text of the file.
    pub sql: &'static str,
}

/// Every question in display order.
pub const QUESTIONS: [Question; 15] = [
    Question { name: "cost", sql: include_str!("../../queries/cost.sql") },
    Question { name: "change", sql: include_str!("../../queries/change.sql") },
    Question { name: "duration", sql: include_str!("../../queries/duration.sql") },
    Question { name: "failures", sql: include_str!("../../queries/failures.sql") },
    Question { name: "recovery", sql: include_str!("../../queries/recovery.sql") },
    Question { name: "open", sql: include_str!("../../queries/open.sql") },
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

/// The reports without an SQL file, because they need data outside the archive (the plan, budgets, the names of
/// amounts), the due times of cron expressions, or paths of any depth. Each has a name and a question.
pub(crate) const COMPUTED_REPORTS: [(&str, &str); 5] = [
    ("schedule", "Which runs came when they were due, and which scheduled runs did not come?"),
    ("credits", "How many of the plan's credits were used, and how many will be by the end of the month?"),
    ("budget", "How much of each budget is spent, and which will be exceeded by the end of the month?"),
    ("metadata", "Which values are in the metadata of the runs, and under which path?"),
    (
        "components",
        "Which amounts are in the metadata of the runs, and how much of the cost do they explain?",
    ),
];

/// The name and the question of the HTML report, which is not a table.
pub(crate) const HTML_REPORT: (&str, &str) =
    ("html", "What does the whole archive look like, as one HTML page?");

/// Every tabular report and its question, in display order.
pub fn reports() -> impl Iterator<Item = (&'static str, &'static str)> {
    QUESTIONS.iter().map(|question| (question.name, question.title())).chain(COMPUTED_REPORTS)
}

impl Question {
    /// The question with a name.
    pub fn named(name: &str) -> Option<Question> {
        QUESTIONS.into_iter().find(|question| question.name == name)
    }

    /// The question as a sentence: the first line of its file.
    pub fn title(&self) -> &'static str {
        let line = self.sql.lines().next().unwrap_or_default();
        line.trim_start_matches("--").trim()
    }

    /// Whether a maximum number of rows can be asked for.
    pub(crate) fn has_limit(&self) -> bool {
        self.sql.contains("(:limit,")
    }

    /// The answer for a ledger, as [`Question::ask`] gives it. Where one pass over the index of the reports is much
    /// faster than the file, that pass gives it.
    ///
    /// # Errors
    /// As [`Question::ask`].
    pub fn answer(&self, ledger: &Ledger<'_>, limit: Option<u32>) -> Result<Table> {
        match self.name {
            "anomalies" => anomalies::report(ledger, limit),
            "waste" => waste::report(ledger, limit),
            "failures" if limit.is_none() => failures::report(ledger),
            _ => self.ask(ledger, limit),
        }
    }

    /// Runs the file against the ledger. `limit` is the maximum number of rows; `None` means the file's own limit.
    ///
    /// # Errors
    /// [`Error::Usage`] when a limit is given and the question has none. Those of SQLite.
    pub fn ask(&self, ledger: &Ledger<'_>, limit: Option<u32>) -> Result<Table> {
        let span = ledger.scope().span;
        let mut statement = ledger.connection().prepare(self.sql)?;
        let as_of = ledger.scope().as_of;
        let parameters: [(&str, &dyn ToSql); 4] = [
            (":from", &span.from.as_ref().map(Instant::as_str)),
            (":until", &span.until.as_ref().map(Instant::as_str)),
            (":as_of", &as_of.as_ref().map(Instant::as_str)),
            (":limit", &limit),
        ];
        for (name, value) in parameters {
            if let Some(index) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(index, value)?;
            } else if name == ":limit" && limit.is_some() {
                return Err(Error::usage(format!(
                    "the report {} does not support --limit: it returns every row",
                    self.name
                )));
            }
        }
        RowStream::new(statement).table(|column, value| cell(Measure::of_column(&column.name), value))
    }
}

/// The cell for a value of a column with a measure. Integers stay integers, so that the digits are the same as in any
/// SQLite shell.
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
