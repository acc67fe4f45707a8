//! The state of one budget: what its runs used, in its unit, and what the rest of the month adds.

use super::days::{Figures, Slot};
use super::forecast::{BILLION, Expected, Rest, range};
use super::{Budget, BudgetState, Forecast, State, Unit};
use crate::report::fx::{Amount, Conversion, ExactSum, Fx};
use crate::run::Usd;

/// Adds figures up in the unit of a budget.
pub(super) struct Converter<'f> {
    pub(super) unit: Unit,
    pub(super) fx: Option<&'f Fx>,
    /// The newest slot, whose rate applies to the forecast.
    pub(super) now: Option<&'f Slot>,
}

impl Converter<'_> {
    fn conversion(&self, day: &str) -> Option<Conversion> {
        match (&self.unit, self.fx) {
            (Unit::Currency(currency), Some(fx)) if fx.currency == *currency => fx.conversion(day),
            _ => None,
        }
    }

    /// Adds the figures of a day. Returns the number of runs without a rate.
    fn add(&self, sum: &mut ExactSum, day: &str, figures: Figures) -> u64 {
        match &self.unit {
            Unit::Usd => sum.add_exact(figures.used.nanos),
            Unit::Credits => sum.add_exact(i128::from(figures.charged) * BILLION),
            Unit::Currency(_) if figures.used.priced == 0 => {}
            Unit::Currency(_) => match self.conversion(day) {
                Some(conversion) => sum.add(Usd::from_units(figures.used.nanos), &conversion),
                None => return figures.used.priced,
            },
        }
        0
    }

    /// What is expected in addition to `spent`, at the newest rate: nano-dollars, or billionths of a credit. `None`:
    /// there is no rate.
    fn plus(&self, spent: &ExactSum, (nanos, credits): (i128, i128)) -> Option<Amount> {
        let mut sum = spent.clone();
        match &self.unit {
            Unit::Usd => sum.add_exact(nanos),
            Unit::Credits => sum.add_exact(credits),
            Unit::Currency(_) if nanos == 0 => {}
            Unit::Currency(_) => sum.add(Usd::from_units(nanos), &self.conversion(&self.now?.day.label)?),
        }
        Some(sum.amount())
    }
}

/// What the runs of a budget used.
pub(super) struct Tally<'a> {
    slots: &'a [Slot],
    /// By slot.
    sums: &'a [Figures],
    converter: Converter<'a>,
    /// The figures of the month.
    pub(super) all: Figures,
    spent: ExactSum,
    runs_fx_unknown: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn of(slots: &'a [Slot], sums: &'a [Figures], converter: Converter<'a>) -> Tally<'a> {
        let (mut all, mut spent, mut runs_fx_unknown) = (Figures::default(), ExactSum::default(), 0);
        for (slot, figures) in in_month(slots, sums) {
            all.add(*figures);
            runs_fx_unknown += converter.add(&mut spent, &slot.day.label, *figures);
        }
        Tally { slots, sums, converter, all, spent, runs_fx_unknown }
    }

    /// The day on which the limit was exceeded. `None`: it is not.
    fn over_on(&self, limit: Amount) -> Option<String> {
        let mut spent = ExactSum::default();
        let exceeds = |(slot, figures): &(&Slot, &Figures)| {
            self.converter.add(&mut spent, &slot.day.label, **figures);
            spent.amount() > limit
        };
        in_month(self.slots, self.sums).find(exceeds).map(|(slot, _)| slot.day.label.clone())
    }

    fn is_of_credits(&self) -> bool {
        self.converter.unit == Unit::Credits
    }

    /// Whether a cost is known, or there is none to know.
    fn is_known(&self) -> bool {
        self.is_of_credits() || self.all.runs == 0 || self.all.used.priced > 0
    }

    /// What is spent. `None`: no cost is known, or a rate is missing.
    pub(super) fn spent(&self) -> Option<Amount> {
        (self.is_known() && self.runs_fx_unknown == 0).then(|| self.spent.amount())
    }

    /// What the rest of the month adds by the end of a day, `margin` more than expected: nano-dollars and billionths of
    /// a credit. Undecided runs are expected to be charged.
    fn rest_by(&self, rest: &Rest, day: usize, margin: i128) -> (i128, i128) {
        let (nanos, credits) = rest.by_day.get(day).copied().unwrap_or_default();
        let undecided = i128::from(self.all.undecided()) * BILLION;
        (rest.pending_nanos + nanos + margin, undecided + credits + margin)
    }

    /// The forecast. `None`: nothing is known, or a rate is missing.
    pub(super) fn forecast(&self, rest: &Rest, expected: &Expected) -> Option<Forecast> {
        if self.runs_fx_unknown > 0 || !(self.is_known() || rest.is_known()) {
            return None;
        }
        let last = expected.days.len().checked_sub(1)?;
        let end = |margin: i128| self.converter.plus(&self.spent, self.rest_by(rest, last, margin));
        let amount = end(0)?;
        let margin = rest.margin(self.slots, self.sums, self.is_of_credits(), expected.days_left);
        let range =
            margin.and_then(|margin| Some(range(end(-margin)?, end(margin)?, amount, self.spent.amount())));
        Some(Forecast { expected: amount, range })
    }

    /// The day by whose end the limit is expected to be exceeded. `None`: none is.
    fn expected_over_on(&self, limit: Amount, rest: &Rest, expected: &Expected) -> Option<String> {
        let is_over = |day: usize| {
            let amount = self.converter.plus(&self.spent, self.rest_by(rest, day, 0));
            amount.is_some_and(|amount| amount > limit)
        };
        let day = (0..expected.days.len()).find(|day| is_over(*day))?;
        Some(expected.days[day].label.clone())
    }

    /// The state of the budget. `rest`: the rest of the month; `None`: it is over.
    pub(super) fn state(
        &self,
        budget: &Budget,
        month: &str,
        rest: Option<(&Rest, &Expected)>,
    ) -> BudgetState {
        let (limit, spent) = (budget.limit.amount(), self.spent());
        let forecast = rest.and_then(|(rest, expected)| self.forecast(rest, expected));
        let expected = forecast.map(|forecast| forecast.expected);
        let state = match (spent, expected) {
            (Some(spent), _) if spent > limit => State::Over,
            (_, Some(expected)) if expected > limit => State::WillBeOver,
            (None, None) => State::Unknown,
            _ => State::Ok,
        };
        let over_on = match state {
            State::Over => self.over_on(limit),
            State::WillBeOver => {
                rest.and_then(|(rest, expected)| self.expected_over_on(limit, rest, expected))
            }
            State::Ok | State::Unknown => None,
        };
        let per_day = rest.filter(|_| forecast.is_some()).and_then(|(rest, _)| {
            self.converter.plus(&ExactSum::default(), rest.mean_day(self.slots, self.sums))
        });
        let is_of_credits = self.is_of_credits();
        BudgetState {
            state,
            spent,
            forecast,
            per_day,
            over_on,
            reached: reached(limit, spent, &budget.thresholds),
            forecast_reached: reached(limit, expected, &budget.forecast_thresholds),
            runs: self.all.runs,
            runs_unknown: if is_of_credits { self.all.undecided() } else { self.all.unpriced() },
            runs_fx_unknown: self.runs_fx_unknown,
            pipelines_cost_unknown: match rest {
                Some((rest, _)) if !is_of_credits => rest.pipelines_cost_unknown(),
                _ => 0,
            },
            ..BudgetState::unknown(budget, month)
        }
    }
}

/// The highest of the thresholds that the amount reaches. `None`: it reaches none.
fn reached(limit: Amount, amount: Option<Amount>, thresholds: &[u32]) -> Option<u32> {
    let part = amount?.billionths() * 100;
    thresholds.iter().copied().rfind(|percent| part >= limit.billionths() * i128::from(*percent))
}

/// The figures of the slots in the month.
fn in_month<'a>(slots: &'a [Slot], sums: &'a [Figures]) -> impl Iterator<Item = (&'a Slot, &'a Figures)> {
    slots.iter().zip(sums).filter(|(slot, _)| slot.is_in_month)
}
