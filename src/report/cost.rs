//! The cost report: the cost of each group of runs, and the number of unknown costs.

use super::dimension::Dimension;
use super::fx;
use super::group_by::{self, Aggregate};
use super::ledger::Ledger;
use super::ranking::Ranking;
use super::run_scan::{Columns, IndexedRun};
use super::table::{Cell, Table};
use super::two_levels::{TwoLevelRequest, TwoLevels};
use crate::error::Result;
use crate::run::Usd;

/// The `credit_charge_status` of a run that was charged a credit.
pub const CHARGED: &str = "charged";

/// The cost of the ledger's runs. `report::group_by` defines the grouping and the order of rows. If the terms of the
/// scope have a second currency, more columns have the total in it.
///
/// # Errors
/// As [`report_across`].
pub fn report(ledger: &Ledger<'_>, by: &[Dimension]) -> Result<Table> {
    report_across(std::slice::from_ref(ledger), by)
}

/// The same report over several ledgers with the same zone.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the ledgers have different second currencies. Those of SQLite.
pub fn report_across(ledgers: &[Ledger<'_>], by: &[Dimension]) -> Result<Table> {
    ranked_across(ledgers, by, &Ranking::default())
}

/// The same report in an order, with one row for the groups beyond a limit.
///
/// # Errors
/// As [`report_across`]; [`crate::error::Error::Usage`] when no column has the name of the order.
pub(crate) fn ranked_across(ledgers: &[Ledger<'_>], by: &[Dimension], ranking: &Ranking) -> Result<Table> {
    match fx::shared_currency(ledgers)? {
        Some(currency) => fx::ranked_across(ledgers, by, &currency, ranking),
        None => group_by::ranked_across::<CostTotals>(ledgers, by, ranking),
    }
}

/// The columns that would repeat the values of the second dimension in parts.
const PARTS: [&str; 2] = ["el_cost_usd", "transformation_cost_usd"];

/// The same report by two dimensions, for people.
///
/// # Errors
/// As [`ranked_across`].
pub(crate) fn two_levels_across(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
    request: &TwoLevelRequest<'_>,
) -> Result<TwoLevels> {
    let mut levels = match fx::shared_currency(ledgers)? {
        Some(currency) => fx::two_levels_across(ledgers, by, &currency, request)?,
        None => group_by::two_levels_across::<CostTotals>(ledgers, by, request)?,
    };
    if let Some(columns) = &mut levels.columns {
        columns.retain_columns(|name| !PARTS.contains(&name));
    }
    Ok(levels)
}

/// The cost of all of the ledger's runs.
pub fn total(ledger: &Ledger<'_>) -> Result<CostTotals> {
    group_by::total(ledger)
}

/// The cost of some runs.
#[derive(Debug, Default, Clone, Copy)]
pub struct CostTotals {
    /// The number of runs.
    pub runs: u64,
    /// The number of runs for which no cost component is known.
    pub runs_cost_unknown: u64,
    el: KnownSum,
    transformation: KnownSum,
    /// The number of runs that were charged a credit.
    pub credits: u64,
}

impl CostTotals {
    /// Adds a run. Both cost components are in nano-dollars.
    pub(super) fn add_run(&mut self, el: Option<i64>, transformation: Option<i64>, is_charged: bool) {
        self.runs += 1;
        self.runs_cost_unknown += u64::from(el.is_none() && transformation.is_none());
        self.el.add(el);
        self.transformation.add(transformation);
        self.credits += u64::from(is_charged);
    }

    /// The number of runs with a known cost.
    pub fn runs_cost_known(&self) -> u64 {
        self.runs - self.runs_cost_unknown
    }

    /// The cost of extraction and loading. `None`: not known for any run.
    pub fn el(&self) -> Option<Usd> {
        self.el.usd()
    }

    /// The cost of transformation. `None`: not known for any run.
    pub fn transformation(&self) -> Option<Usd> {
        self.transformation.usd()
    }

    /// The sum of both components. `None`: no cost is known.
    pub fn total(&self) -> Option<Usd> {
        (self.runs_cost_known() > 0).then(|| Usd::from_units(self.el.nanos + self.transformation.nanos))
    }
}

/// The sum of the known amounts.
#[derive(Debug, Default, Clone, Copy)]
struct KnownSum {
    nanos: i128,
    known: u64,
}

impl KnownSum {
    fn add(&mut self, nanos: Option<i64>) {
        if let Some(nanos) = nanos {
            self.nanos += i128::from(nanos);
            self.known += 1;
        }
    }

    fn merge(&mut self, other: KnownSum) {
        self.nanos += other.nanos;
        self.known += other.known;
    }

    fn usd(&self) -> Option<Usd> {
        (self.known > 0).then(|| Usd::from_units(self.nanos))
    }
}

impl Aggregate for CostTotals {
    const COLUMNS: &'static [&'static str] = &[
        "runs",
        "runs_cost_unknown",
        "el_cost_usd",
        "transformation_cost_usd",
        "total_cost_usd",
        "credits",
        "cost_per_run_usd",
    ];

    const READS: Columns = Columns::COSTS.and(Columns::CREDIT);

    fn add(&mut self, run: &IndexedRun<'_>) -> Result<()> {
        let (el, transformation) = (run.el_cost_nanos()?, run.transformation_cost_nanos()?);
        self.add_run(el, transformation, run.is_charged()?);
        Ok(())
    }

    fn merge(&mut self, other: CostTotals) {
        self.runs += other.runs;
        self.runs_cost_unknown += other.runs_cost_unknown;
        self.el.merge(other.el);
        self.transformation.merge(other.transformation);
        self.credits += other.credits;
    }

    fn cells(&mut self) -> Vec<Cell> {
        let total = self.total();
        vec![
            Cell::count(self.runs),
            Cell::count(self.runs_cost_unknown),
            Cell::Usd(self.el()),
            Cell::Usd(self.transformation()),
            Cell::Usd(total),
            Cell::count(self.credits),
            // Divided by the runs with a known cost only. Counting the others would understate the cost.
            Cell::Usd(total.and_then(|total| total.per(self.runs_cost_known()))),
        ]
    }
}
