//! The change report in words: one sentence on top, and notes on what was compared.

use super::periods::{Cut, Side};
use super::{Change, ChangedGroup};
use crate::report::cost::CostTotals;
use crate::report::dimension::Dimension;
use crate::report::period::Calendar;
use crate::run::{Fixed, Instant, Usd};
use crate::wording::counted;
use chrono::{NaiveDate, TimeDelta};

/// What the part of a difference is that is unknown.
pub(crate) const UNKNOWN_DEFINED: &str =
    "Unknown: runs, but no known cost, in one of both periods, so the difference is not split";

/// One US dollar in nano-dollars.
const ONE_USD: u128 = 1_000_000_000;

/// A cent, in nano-dollars.
const CENT: i128 = 10_000_000;

impl Change {
    /// The answer in one sentence: how much more or less the period cost, and why.
    pub fn summary(&self) -> String {
        self.summary_with(self.difference())
    }

    /// The same with a difference that was rounded for its place.
    pub(crate) fn summary_with(&self, difference: Usd) -> String {
        let (period, against) = self.names();
        let ChangedGroup { old, new, .. } = &self.all;
        // What is known about the cost of a period without a known cost.
        let nothing = |name: &str, runs: u64| match runs {
            0 => format!("{name} has no runs"),
            _ => format!("{name} has no run with a known cost"),
        };
        match (old.total(), new.total()) {
            (Some(_), Some(_)) => {
                format!("{period} cost {} {against}: {}", how_much(difference), self.reasons().join(", "))
            }
            (None, Some(cost)) => {
                format!("{period} cost {} USD; {}", amount(cost), nothing(&against, old.runs))
            }
            (Some(cost), None) => {
                format!("{}; {against} cost {} USD", nothing(&period, new.runs), amount(cost))
            }
            (None, None) if old.runs + new.runs == 0 => format!("{period} and {against} have no runs"),
            (None, None) => format!("{period} and {against} have no run with a known cost"),
        }
    }

    fn reasons(&self) -> Vec<String> {
        let ChangedGroup { old, new, .. } = &self.all;
        let (runs, old_runs) = (i128::from(new.runs_cost_known()), i128::from(old.runs_cost_known()));
        let which = if old.runs_cost_unknown + new.runs_cost_unknown > 0 { " with a known cost" } else { "" };
        let more_runs = match percent(runs - old_runs, old_runs) {
            _ if runs == old_runs => "as many runs".to_owned(),
            Some(0) | None => "about as many runs".to_owned(),
            Some(percent) if percent > 0 => format!("{percent} % more runs"),
            Some(percent) => format!("{} % fewer runs", percent.abs()),
        };
        let mut reasons = vec![more_runs + which];
        let mean = |costs: &CostTotals| costs.total()?.per(costs.runs_cost_known());
        if let (Some(mean), Some(old_mean)) = (mean(new), mean(old)) {
            reasons.push(match percent((mean - old_mean).units(), old_mean.units()) {
                _ if mean == old_mean => "the same cost per run".to_owned(),
                Some(0) => "about the same cost per run".to_owned(),
                Some(percent) if percent > 0 => format!("{percent} % higher cost per run"),
                Some(percent) => format!("{} % lower cost per run", percent.abs()),
                // A mean of zero, or of refunds, has no percentage.
                None => format!("{} instead of {} USD per run", mean.to_fixed(4), old_mean.to_fixed(4)),
            });
        }
        let noun = self.noun();
        let count = |is_counted: &dyn Fn(&ChangedGroup) -> bool| {
            // Runs without a pipeline, for example, are no pipeline.
            let named = self.groups.iter().filter(|group| group.labels.iter().any(Option::is_some));
            Some(named.filter(|group| is_counted(group)).count() as u64).filter(|count| *count > 0)
        };
        let new = count(&|group| group.effects.new.is_some());
        let gone = count(&|group| group.effects.gone.is_some());
        let unknown = count(&|group| group.effects.is_unknown());
        reasons.extend(new.map(|count| counted(count, &format!("new {noun}"))));
        reasons.extend(gone.map(|count| format!("{} gone", counted(count, noun))));
        reasons.extend(unknown.map(|count| format!("{} unknown", counted(count, noun))));
        reasons
    }

    /// What a group is.
    fn noun(&self) -> &'static str {
        match self.by.as_slice() {
            [Dimension::Pipeline] => "pipeline",
            [Dimension::Kind] => "kind",
            [Dimension::CostCenter] => "cost center",
            [Dimension::Workspace] => "workspace",
            [Dimension::Trigger] => "trigger type",
            [Dimension::Metadata(_)] => "value",
            _ => "group",
        }
    }

    /// The names of both periods in a sentence: `October so far` and `September up to the same point`.
    fn names(&self) -> (String, String) {
        let is_in_one_year = self.period.get(..4) == self.against.get(..4);
        let named = |label: &String| name(label, is_in_one_year);
        let (mut period, mut against) = (named(&self.period), named(&self.against));
        if let Some(Cut { running, .. }) = self.first_cut() {
            let (running, other) = match running {
                Side::Period => (&mut period, &mut against),
                Side::Against => (&mut against, &mut period),
            };
            running.push_str(" so far");
            if self.scopes.iter().any(|scopes| scopes.cut.is_some_and(|cut| cut.until.is_some())) {
                other.push_str(" up to the same point");
            }
        }
        (period, against)
    }

    fn first_cut(&self) -> Option<Cut> {
        self.scopes.iter().find_map(|scopes| scopes.cut)
    }

    /// What a reader must know about the compared periods, one sentence each: where one is cut, what is closed, what is
    /// unknown, and which settings changed. Empty if there is nothing to say.
    pub fn notes(&self) -> Vec<String> {
        self.notes_with(&|at| at.to_string())
    }

    /// The same with the texts of instants.
    pub(crate) fn notes_with(&self, at: &dyn Fn(Instant) -> String) -> Vec<String> {
        let mut notes = self.cut_notes(at);
        notes.extend(Side::BOTH.into_iter().filter_map(|side| self.close_note(side, at)));
        for label in &self.first_periods {
            notes.push(format!("The archive has no run before {label}, which can be incomplete"));
        }
        let unknown: Vec<String> = [(&self.against, self.all.old), (&self.period, self.all.new)]
            .into_iter()
            .filter(|(_, costs)| costs.runs_cost_unknown > 0)
            .map(|(label, costs)| format!("{} of {label}", counted(costs.runs_cost_unknown, "run")))
            .collect();
        if !unknown.is_empty() {
            notes.push(format!("Without a known cost, and in no sum: {}", unknown.join(", ")));
        }
        notes.extend(self.fx.iter().flat_map(|fx| fx.notes(self)));
        if self.groups.iter().any(|group| group.effects.is_unknown()) {
            notes.push(UNKNOWN_DEFINED.to_owned());
        }
        notes.extend(self.setting_notes());
        notes
    }

    fn label(&self, side: Side) -> &str {
        match side {
            Side::Period => &self.period,
            Side::Against => &self.against,
        }
    }

    /// One sentence if all archives were last observed at the same time, else one for each.
    fn cut_notes(&self, at: &dyn Fn(Instant) -> String) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for Cut { running, elapsed, until } in self.scopes.iter().filter_map(|scopes| scopes.cut) {
            let other = match running {
                Side::Period => Side::Against,
                Side::Against => Side::Period,
            };
            let (running, other) = (self.label(running), self.label(other));
            let note = match until {
                Some(until) => format!(
                    "{running} is running: {other} is compared up to the same elapsed time, {}, before {}",
                    elapsed_time(elapsed),
                    at(until)
                ),
                None => format!("{running} is running, and has lasted longer than {other}"),
            };
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    fn close_note(&self, side: Side, at: &dyn Fn(Instant) -> String) -> Option<String> {
        let label = self.label(side);
        let scopes = || self.scopes.iter().map(|scopes| scopes.scope(side));
        let closed = scopes().filter(|scope| scope.close_id.is_some()).count();
        let rules = match self.is_allocated {
            true => ", with the allocation rules of the close",
            false => "",
        };
        match (closed, self.scopes.as_slice()) {
            (0, [only]) if only.period.close_id.is_some() && only.scope(side).as_of == only.period.as_of => {
                Some(format!("{label} is open: as known when {} was closed{rules}", self.period))
            }
            (0, _) => None,
            (1, [_]) => {
                let known_at = scopes().find_map(|scope| scope.as_of)?;
                Some(format!("{label} is closed: as known at {}{rules}", at(known_at)))
            }
            (closed, all) if closed == all.len() => {
                Some(format!("{label} is closed in every workspace{rules}"))
            }
            (closed, all) => {
                Some(format!("{label} is closed in {closed} of {} workspaces{rules}", all.len()))
            }
        }
    }
}

/// The name of a period: `October` or `October 2026`; weeks and days have their labels.
fn name(label: &str, without_year: bool) -> String {
    match Calendar::of_label(label) {
        Calendar::Month => NaiveDate::parse_from_str(&format!("{label}-01"), "%Y-%m-%d").map_or_else(
            |_| label.to_owned(),
            |day| day.format(if without_year { "%B" } else { "%B %Y" }).to_string(),
        ),
        Calendar::Week | Calendar::Day => label.to_owned(),
    }
}

/// `12.31 USD more than`.
fn how_much(difference: Usd) -> String {
    let than = if difference.units() < 0 { "less than" } else { "more than" };
    match difference.units() {
        0 => "as much as".to_owned(),
        // Smaller amounts round to nothing.
        nanos if nanos.unsigned_abs() <= 50_000 => format!("less than 0.0001 USD {than}"),
        nanos => format!("{} USD {than}", amount(Usd::from_units(nanos.abs()))),
    }
}

/// An amount with two decimals, or four if it is small and not in whole cents.
fn amount(usd: Usd) -> String {
    let is_small = usd.units().unsigned_abs() < ONE_USD && usd.units() % CENT != 0;
    usd.to_fixed(if is_small { 4 } else { 2 })
}

/// `part` as whole percent of `whole`, half to even. `None`: the whole is not positive.
fn percent(part: i128, whole: i128) -> Option<i128> {
    Fixed::<0>::ratio(part * 100, whole).map(Fixed::units)
}

/// `26 d 9 h 6 min`; parts that are zero are left out.
fn elapsed_time(elapsed: TimeDelta) -> String {
    let minutes = elapsed.num_minutes().max(0);
    let parts = [(minutes / 1440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if parts.is_empty() { "less than a minute".to_owned() } else { parts.join(" ") }
}
