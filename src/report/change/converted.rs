//! The change report in the second currency: both totals, their difference, and the rates.

use super::{Change, ChangedGroup};
use crate::error::Result;
use crate::report::cost::CostTotals;
use crate::report::dimension::Dimension;
use crate::report::fx::{self, Conversions, ConvertedCost, Currency, Fx, RATE_COLUMNS};
use crate::report::group_by::{self, Groups};
use crate::report::ledger::Ledger;
use crate::report::table::Cell;

/// The second currency of one period.
pub(super) struct PeriodFx {
    currency: Currency,
    /// What the rates are, in words.
    policy: String,
    conversions: Conversions,
}

/// The second currency of both periods.
#[derive(Debug, Clone)]
pub(super) struct ChangeFx {
    currency: Currency,
    policy: String,
    /// The rates of the period compared with. `None`: it has none, because its month was closed without.
    against: Option<Conversions>,
    /// The rates of the period asked about.
    period: Option<Conversions>,
}

/// The costs of a group in one period, in US dollars and converted.
#[derive(Default)]
pub(super) struct PeriodCost {
    pub(super) usd: CostTotals,
    pub(super) converted: ConvertedCost,
}

/// Reads the costs of one period by group.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the ledgers have different second currencies. Those of SQLite.
pub(super) fn read(
    ledgers: &[Ledger<'_>],
    by: &[Dimension],
) -> Result<(Groups<PeriodCost>, Option<PeriodFx>)> {
    let Some(currency) = fx::shared_currency(ledgers)? else {
        let groups = group_by::groups_across::<CostTotals>(ledgers, by)?;
        return Ok((groups.map(|usd| PeriodCost { usd, converted: ConvertedCost::default() }), None));
    };
    let calendar = Conversions::calendar(ledgers);
    let (groups, slices) = group_by::sliced_groups_across::<CostTotals>(ledgers, by, calendar)?;
    let conversions = Conversions::of(ledgers, &slices);
    let groups =
        groups.map(|sliced| PeriodCost { usd: sliced.total(), converted: conversions.convert(&sliced) });
    let policy = ledgers.iter().find_map(|ledger| ledger.scope().fx()).map(Fx::description);
    Ok((groups, Some(PeriodFx { currency, policy: policy.unwrap_or_default(), conversions })))
}

impl Change {
    /// The columns of the second currency. Empty: there is none.
    pub(crate) fn converted_columns(&self) -> Vec<String> {
        self.fx.as_ref().map(ChangeFx::columns).unwrap_or_default()
    }

    /// The cells of these columns.
    pub(crate) fn converted_cells(&self, group: &ChangedGroup) -> Vec<Cell> {
        self.fx.as_ref().map(|fx| fx.cells(group)).unwrap_or_default()
    }
}

impl ChangeFx {
    /// The second currency of both periods. `None`: neither has one, or they have different ones.
    pub(super) fn of(against: Option<PeriodFx>, period: Option<PeriodFx>) -> Option<ChangeFx> {
        if let (Some(against), Some(period)) = (&against, &period)
            && against.currency != period.currency
        {
            return None;
        }
        let either = period.as_ref().or(against.as_ref())?;
        let (currency, policy) = (either.currency.clone(), either.policy.clone());
        let conversions = |fx: Option<PeriodFx>| fx.map(|fx| fx.conversions);
        Some(ChangeFx { currency, policy, against: conversions(against), period: conversions(period) })
    }

    /// The columns after those in US dollars.
    pub(super) fn columns(&self) -> Vec<String> {
        let suffix = self.currency.suffix();
        let amounts = ["change", "against_total_cost", "total_cost"].map(|name| format!("{name}_{suffix}"));
        let rates = RATE_COLUMNS.iter().flat_map(|name| [format!("against_{name}"), (*name).to_owned()]);
        amounts.into_iter().chain(rates).collect()
    }

    /// The cells of these columns.
    pub(super) fn cells(&self, group: &ChangedGroup) -> Vec<Cell> {
        let (old, new) = self.costs(group);
        let none = Conversions::default();
        let (old_rates, new_rates) =
            (self.against.as_ref().unwrap_or(&none), self.period.as_ref().unwrap_or(&none));
        let change = new.change_since(&old);
        let (old, new) = (old.cells(old_rates), new.cells(new_rates));
        let pairs = old.into_iter().zip(new).flat_map(|(old, new)| [old, new]);
        std::iter::once(Cell::Converted(change)).chain(pairs).collect()
    }

    /// The costs of a group in both periods. A period without rates has none for its runs.
    fn costs(&self, group: &ChangedGroup) -> (ConvertedCost, ConvertedCost) {
        let side = |conversions: &Option<Conversions>, converted: &ConvertedCost, usd: &CostTotals| {
            match conversions {
                Some(_) => converted.clone(),
                None => ConvertedCost::without_rates(usd.runs_cost_known()),
            }
        };
        (
            side(&self.against, &group.old_converted, &group.old),
            side(&self.period, &group.new_converted, &group.new),
        )
    }

    /// What the rates are, which both periods have, and how many runs have none.
    pub(super) fn notes(&self, change: &Change) -> Vec<String> {
        let side = |label: &str, conversions: &Option<Conversions>| {
            let rates = conversions.as_ref().and_then(Conversions::description)?;
            Some(format!("; {label}: {rates}"))
        };
        let (against, period) = (side(&change.against, &self.against), side(&change.period, &self.period));
        let rates = [Some(self.policy.clone()), against, period].into_iter().flatten().collect();
        let (old, new) = self.costs(&change.all);
        let missing = fx::note_of_runs(old.runs_without_rate + new.runs_without_rate, &self.currency);
        std::iter::once(rates).chain(missing).collect()
    }
}
