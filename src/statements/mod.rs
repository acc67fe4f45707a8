//! Statements: what each cost center cost in a month and in the month before, one set of files for each.
//!
//! A statement has the rows that `report change --by cost-center,pipeline` has for its cost center. Every row is in one
//! statement, so the statements add up to `report cost` of the month to the nano-dollar, and those of a closed month to
//! its close. [`check`] proves it for files that were handed over.

mod check;
mod figures;
mod file_name;
mod folder;
mod index;
mod spreadsheet;
mod table;
mod write;

pub(crate) use check::check;
pub use file_name::stem;
pub use index::INDEX_FILE;
pub(crate) use write::{Output, write};

use crate::error::{Error, Result};
use crate::report::Dimension;
use crate::report::allocation::UNALLOCATED;
use crate::report::change::{Against, Change, ChangeRequest};
use crate::report::period::{Calendar, Period};
use crate::report::scope::ScopeRequest;
use crate::workspace::{Workspace, change};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// What the rows of all statements are grouped by.
pub const DIMENSIONS: [Dimension; 2] = [Dimension::CostCenter, Dimension::Pipeline];

/// The statements of a month.
#[derive(Debug, Clone)]
pub struct Statements {
    /// The change of all cost centers, by cost center and pipeline.
    pub whole: Change,
    /// The statements by cost center, `unallocated` last.
    pub statements: Vec<Statement>,
}

/// The statement of a cost center.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The cost center.
    pub cost_center: String,
    /// The change of its pipelines.
    pub change: Change,
}

impl Statements {
    /// Splits a change by [`DIMENSIONS`]. Each cost center with a run in one of both months has a statement.
    /// `unallocated` always has one: without rows, it says that every run has a cost center.
    pub fn of(whole: Change) -> Statements {
        let labels = whole.groups.iter().filter_map(|group| group.labels.first()?.as_deref());
        let cost_centers: BTreeSet<&str> = labels.filter(|label| *label != UNALLOCATED).collect();
        let statement = |cost_center: &str| Statement {
            cost_center: cost_center.to_owned(),
            change: whole.part(cost_center),
        };
        let statements = cost_centers.into_iter().chain([UNALLOCATED]).map(statement).collect();
        Statements { whole, statements }
    }
}

/// Reads the statements of the month `request.period` from the archives.
///
/// # Errors
/// [`Error::Usage`] when the period is no month, and those of the report change.
pub(crate) fn statements(workspaces: &[Workspace], request: &ScopeRequest) -> Result<Statements> {
    let request =
        ChangeRequest { scope: request.clone(), against: Against::Previous, by: DIMENSIONS.to_vec() };
    match &request.scope.period {
        Some(month) => require_month(month)?,
        None => return Err(Error::usage("statements need a month: give it with --period")),
    }
    Ok(Statements::of(change(workspaces, &request)?))
}

fn require_month(period: &str) -> Result<()> {
    Period::parse(period, Tz::UTC)?;
    if Calendar::of_label(period) == Calendar::Month {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!("--period {period}: statements are of whole months"),
        hint: Some(format!(
            "give a month such as 2026-10; `runledger report change --period {period}` compares other periods"
        )),
    })
}
