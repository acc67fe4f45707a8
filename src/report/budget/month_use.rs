//! What the runs of a month used so far, and what the rest of it is expected to use: by budget, and by pipeline.

use super::days::{Figures, Members, RunDays};
use super::forecast::{Expected, PACE_WINDOW};
use super::state::{Converter, Tally};
use super::{Budget, BudgetState, Unit, lacks_cost_center};
use crate::error::Result;
use crate::report::credits::PipelineKey;
use crate::report::fx::Amount;
use crate::report::group_by::has_earlier_runs;
use crate::report::ledger::Ledger;
use crate::report::period::{Period, Span};
use crate::run::{Fixed, Instant, Usd};
use std::collections::HashMap;
use std::rc::Rc;

/// The runs of a month and of the last thirty days.
pub(crate) struct MonthUse<'l, 'a> {
    ledger: &'l Ledger<'a>,
    label: String,
    /// The latest observation in scope.
    now: Instant,
    /// The end of the month. `None`: it was over by `now`, so there is nothing to expect.
    rest_until: Option<Instant>,
    days: RunDays,
    /// Whether anything was archived by the end of the month.
    has_begun: bool,
}

/// What the runs of a pipeline used in the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PipelineUse {
    /// The pipeline. `None`: the runs have none, or several.
    pub(crate) pipeline: PipelineKey,
    /// The cost. `None`: none is known.
    pub(crate) cost: Option<Usd>,
    /// The runs without a known cost.
    pub(crate) runs_cost_unknown: u64,
    /// The runs that were charged a credit.
    pub(crate) credits: u64,
    /// The cost that is expected by the end of the month. `None`: the month is over, or no cost is known.
    pub(crate) expected_cost: Option<Usd>,
    /// The credits that are expected by then. `None`: the month is over.
    pub(crate) expected_credits: Option<Fixed<9>>,
}

impl<'l, 'a> MonthUse<'l, 'a> {
    /// Reads the runs of the month and of the thirty days before `now`, the latest observation in scope.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn read(ledger: &'l Ledger<'a>, month: &Period, now: Instant) -> Result<MonthUse<'l, 'a>> {
        // A run that begins exactly at `now` counts as archived already.
        let from = now.next();
        let rest_until = month.end.filter(|end| from < *end && month.start.is_none_or(|start| start <= now));
        let so_far = Span { from: month.start, until: rest_until.map_or(month.end, |_| Some(from)) };
        let window = rest_until.map(|_| Span { from: Some(now.plus(-PACE_WINDOW)), until: Some(from) });
        let days = RunDays::read(ledger, so_far, window)?;
        // Before the first run, nothing was archived. After it, a month without runs cost nothing.
        let has_begun = !days.streams.is_empty() || has_earlier_runs(ledger)?;
        Ok(MonthUse { ledger, label: month.label.clone(), now, rest_until, days, has_begun })
    }

    /// The state of each budget that applies to the month, the furthest over first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn budgets(&self, budgets: &[Budget]) -> Result<Vec<BudgetState>> {
        let (days, ledger) = (&self.days, self.ledger);
        let budgets = Budget::of_month(budgets, &self.label);
        let mut members = Members::new(ledger, &budgets)?;
        let mut budgets_of =
            |pipeline: &PipelineKey, trigger: Option<&str>, at: Instant| members.of(pipeline, trigger, at);
        let mut sums = vec![vec![Figures::default(); days.slots.len()]; budgets.len()];
        for stream in &days.streams {
            for (slot, figures) in stream.figures.iter().enumerate().filter(|(_, figures)| figures.runs > 0) {
                let at = days.slots[slot].day.from;
                for budget in budgets_of(&stream.pipeline, stream.trigger.as_deref(), at).iter() {
                    sums[*budget][slot].add(*figures);
                }
            }
        }
        let expected = self.expected(budgets.len(), &mut budgets_of)?;
        let mut states: Vec<BudgetState> = Vec::with_capacity(budgets.len());
        for (place, budget) in budgets.into_iter().enumerate() {
            let rest = expected.as_ref().map(|expected| (&expected.rests[place], expected));
            let lacks_cost_center = lacks_cost_center(budget, ledger.scope());
            let state = match self.has_begun && !lacks_cost_center {
                true => {
                    let converter = Converter {
                        unit: budget.limit.unit(),
                        fx: ledger.scope().fx(),
                        now: days.slots.last(),
                    };
                    Tally::of(&days.slots, &sums[place], converter).state(budget, &self.label, rest)
                }
                false => BudgetState { lacks_cost_center, ..BudgetState::unknown(budget, &self.label) },
            };
            states.push(state);
        }
        // The sort is stable: equal shares stay in the order of the settings.
        states.sort_by(|one, other| other.share().unwrap_or(-1.0).total_cmp(&one.share().unwrap_or(-1.0)));
        Ok(states)
    }

    /// What each pipeline used that had a run in the month or in the last thirty days. The sum is what all runs used.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn pipelines(&self) -> Result<Vec<PipelineUse>> {
        let days = &self.days;
        let mut places: HashMap<&PipelineKey, Rc<[usize]>> = HashMap::new();
        let mut keys: Vec<&PipelineKey> = Vec::new();
        let mut sums: Vec<Vec<Figures>> = Vec::new();
        for stream in &days.streams {
            let place = places.entry(&stream.pipeline).or_insert_with(|| {
                keys.push(&stream.pipeline);
                sums.push(vec![Figures::default(); days.slots.len()]);
                Rc::new([keys.len() - 1])
            });
            let sums = &mut sums[place[0]];
            sums.iter_mut().zip(&stream.figures).for_each(|(sum, figures)| sum.add(*figures));
        }
        let none: Rc<[usize]> = Rc::new([]);
        let mut place_of = |pipeline: &PipelineKey, _: Option<&str>, _: Instant| {
            places.get(pipeline).map_or_else(|| Rc::clone(&none), Rc::clone)
        };
        let expected = self.expected(keys.len(), &mut place_of)?;
        let used = keys.into_iter().zip(&sums).enumerate().map(|(place, (pipeline, sums))| {
            let tally =
                |unit| Tally::of(&days.slots, sums, Converter { unit, fx: None, now: days.slots.last() });
            let exact = |amount: Amount| Fixed::from_units(amount.billionths());
            let at_end = |tally: &Tally<'_>| {
                let expected = expected.as_ref()?;
                Some(exact(tally.forecast(&expected.rests[place], expected)?.expected))
            };
            let (cost, credits) = (tally(Unit::Usd), tally(Unit::Credits));
            PipelineUse {
                pipeline: pipeline.clone(),
                cost: cost.spent().map(exact),
                runs_cost_unknown: cost.all.unpriced(),
                credits: credits.all.charged,
                expected_cost: at_end(&cost),
                expected_credits: at_end(&credits),
            }
        });
        Ok(used.collect())
    }

    /// What the rest of the month is expected to use, by set of runs. `None`: the month is over.
    fn expected(
        &self,
        sets: usize,
        sets_of: &mut impl FnMut(&PipelineKey, Option<&str>, Instant) -> Rc<[usize]>,
    ) -> Result<Option<Expected>> {
        let Some(until) = self.rest_until else { return Ok(None) };
        Expected::of(self.ledger, &self.days, sets, sets_of, self.now, until).map(Some)
    }
}
