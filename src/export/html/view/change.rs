//! Why the cost differs from that of the period before.

use super::ViewBuilder;
use super::cards::in_cents;
use super::pipelines::{Name, name, name_of_labels};
use super::prepared::TOP;
use crate::export::html::chart::coordinate;
use crate::export::html::number::{FEW_DECIMALS, Number};
use crate::report::apportionment;
use crate::report::change::{Change, ChangedGroup, Effects, Side};
use crate::report::cost::CostTotals;
use crate::report::overview::calendar::month_label;
use crate::report::period::Calendar;
use crate::run::Usd;

/// The section with the comparison.
#[derive(Debug)]
pub(super) struct ChangeSection {
    pub(super) heading: String,
    /// How much the cost differs. Empty: no cause is known, or nothing is compared.
    pub(super) difference: String,
    /// Why it differs, or that nothing is compared.
    pub(super) causes: String,
    pub(super) notes: Vec<String>,
    pub(super) headings: Vec<String>,
    /// The pipelines with the largest changes, then the others together.
    pub(super) rows: Vec<(Name, Vec<Number>)>,
    pub(super) totals: Vec<Number>,
    /// From the cost of one period to that of the other.
    pub(super) steps: Vec<Step>,
    /// What the steps are from and to.
    pub(super) steps_caption: String,
    /// The pipelines with the largest changes, then the others together.
    pub(super) movers: Vec<Mover>,
}

/// A row of the waterfall chart, in percent of its width.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) label: String,
    /// `base` for a total, `up`, `down`, or `none` for a part of zero.
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) width: String,
    /// Where the row ends: the line to the next one begins there. `None`: it is the last row.
    pub(super) end: Option<String>,
    pub(super) value: String,
    pub(super) exact: String,
}

/// A pipeline whose cost changed.
#[derive(Debug)]
pub(super) struct Mover {
    pub(super) name: String,
    pub(super) runs: String,
    pub(super) cost_per_run: String,
    pub(super) change: Number,
    pub(super) is_rest: bool,
}

/// How many pipelines have a row of their own.
const MOVERS: usize = 5;

/// A part of the change, as a column.
struct Part {
    heading: &'static str,
    /// Its row in the chart.
    label: &'static str,
    of: fn(&Effects) -> Option<Usd>,
}

/// Every part. A column without any value is left out.
const PARTS: [Part; 5] = [
    Part { heading: "More or fewer runs", label: "More or fewer runs", of: |effects| effects.volume },
    Part { heading: "Cost of a run", label: "Cost of a run", of: |effects| effects.price },
    Part { heading: "New", label: "New pipelines", of: |effects| effects.new },
    Part { heading: "No longer run", label: "Pipelines no longer run", of: |effects| effects.gone },
    Part { heading: "Unknown", label: "Unknown", of: |effects| effects.unknown },
];

impl ViewBuilder<'_> {
    /// `None`: the page compares nothing.
    pub(super) fn change(&self) -> Option<ChangeSection> {
        match self.overview.change.as_ref()? {
            Ok(change) => self.compared(change),
            Err(reason) => Some(ChangeSection {
                heading: self.text("What changed"),
                difference: String::new(),
                causes: self.filled("Not compared: {reason}.", &[("reason", reason)]),
                notes: Vec::new(),
                headings: Vec::new(),
                rows: Vec::new(),
                totals: Vec::new(),
                steps: Vec::new(),
                steps_caption: String::new(),
                movers: Vec::new(),
            }),
        }
    }

    fn compared(&self, change: &Change) -> Option<ChangeSection> {
        if change.groups.is_empty() {
            return None;
        }
        let parts: Vec<&Part> =
            PARTS.iter().filter(|part| (part.of)(&change.all.effects).is_some()).collect();
        let cells = |group: &ChangedGroup| {
            let ChangedGroup { old, new, effects, .. } = group;
            let mut cells = vec![self.numbers.usd_change(effects.total(), FEW_DECIMALS)];
            cells.extend(parts.iter().map(|part| self.numbers.usd_change((part.of)(effects), FEW_DECIMALS)));
            cells.extend([old, new].map(|costs| self.numbers.usd_exact(costs.total())));
            cells
        };
        let mut rows: Vec<(Name, Vec<Number>)> = Vec::new();
        for group in change.groups.iter().take(TOP) {
            rows.push((name_of_labels(&group.labels, self.language()), cells(group)));
        }
        if let Some((count, rest)) = change.rest(TOP) {
            let count = self.filled("{count} more", &[("count", &self.numbers.whole(count as u64))]);
            rows.push((name(Some(&count), None, None, self.language()), cells(&rest)));
        }
        let mut headings = vec![self.text("Change, USD")];
        headings.extend(parts.iter().map(|part| self.text(part.heading)));
        headings.extend(
            [&change.against, &change.period]
                .map(|label| self.filled("{period}, USD", &[("period", &self.range.period(label))])),
        );
        // The sentence has the difference of the two totals as they are shown, unless they are equal.
        let difference = Some(shown_difference(change)).filter(|usd| usd.units() != 0);
        let summary = difference.map_or_else(|| change.summary(), |usd| change.summary_with(usd));
        let summary = self.sentence(&summary);
        let (difference, causes) = summary.split_once(": ").unwrap_or(("", &summary));
        let notes = change.notes_with(&|at| self.range.format_instant(at));
        let notes = notes.iter().map(|note| self.sentence(note)).chain(self.changed_since_close(change));
        Some(ChangeSection {
            heading: self.heading(change),
            difference: difference.to_owned(),
            causes: causes.to_owned(),
            notes: notes.collect(),
            headings,
            rows,
            totals: cells(&change.all),
            steps: self.steps(change),
            steps_caption: self.filled(
                "From {against} to {period}",
                &[
                    ("against", &self.period_word(&change.against)),
                    ("period", &self.period_word(&change.period)),
                ],
            ),
            movers: self.movers(change),
        })
    }

    /// Why a closed month has another cost here than in the cards and charts. `None`: it has the same.
    fn changed_since_close(&self, change: &Change) -> Option<String> {
        let closed = [(Side::Against, &change.against), (Side::Period, &change.period)];
        let mut months = closed.into_iter().filter(|(side, month)| {
            let is_as_closed = change.scopes.iter().any(|scopes| scopes.scope(*side).close_id.is_some());
            is_as_closed && !self.months.is_as_closed(month)
        });
        let (_, month) = months.next_back()?;
        let text = "The cards and charts show {month} with the changes after its close.";
        Some(self.filled(text, &[("month", &self.language().period(month))]))
    }

    fn heading(&self, change: &Change) -> String {
        // On its first day, the page leads with a month that is not compared yet.
        let headline = self.overview.headline_month.as_ref().map(|headline| month_label(headline.month));
        let is_earlier = self.overview.is_first_day() && headline.is_some_and(|month| month != change.period);
        match Calendar::of_label(&change.period) {
            Calendar::Month if is_earlier => {
                self.filled("What changed in {month}", &[("month", &self.language().period(&change.period))])
            }
            Calendar::Month => self.text("What changed since last month"),
            Calendar::Week => self.text("What changed since the week before"),
            Calendar::Day => self.text("What changed since the day before"),
        }
    }

    /// A sentence in the language and with the percentages of the page.
    fn sentence(&self, english: &str) -> String {
        format!("{}.", self.language().sentence(english).replace(" %", "%"))
    }

    /// The waterfall from one cost to the other. Amounts are in whole cents, and the parts add up to the difference of
    /// the two totals as they are shown. Empty: one of both costs is not known.
    fn steps(&self, change: &Change) -> Vec<Step> {
        let (Some(old), Some(new)) = (change.all.old.total(), change.all.new.total()) else {
            return Vec::new();
        };
        let (old_cents, new_cents) = (in_cents(old), in_cents(new));
        // What is unknown is only named if it is there.
        let known: Vec<(&Part, Usd)> = PARTS
            .iter()
            .filter_map(|part| match (part.of)(&change.all.effects) {
                None if part.heading == "Unknown" => None,
                usd => Some((part, usd.unwrap_or_default())),
            })
            .collect();
        let exact: Vec<Option<Usd>> = known.iter().map(|(_, usd)| Some(*usd)).collect();
        let mut shown: Vec<Usd> =
            apportionment::in_cents(&exact).into_iter().map(Option::unwrap_or_default).collect();
        let sum = shown.iter().fold(Usd::default(), |sum, usd| sum + *usd);
        // The largest part takes the cent that rounding both totals can leave.
        if let Some(largest) = shown.iter_mut().max_by_key(|usd| usd.units().abs()) {
            *largest += new_cents - old_cents - sum;
        }
        let mut level = old_cents;
        let mut levels = vec![old_cents, new_cents];
        for usd in &shown {
            level += *usd;
            levels.push(level);
        }
        let highest = levels.iter().map(|usd| usd.units()).max().unwrap_or_default().max(1);
        let percent = |usd: Usd| coordinate(100.0 * usd.units().max(0) as f64 / highest as f64);
        let total = |label: &str, usd: Usd, exact: Usd, is_last: bool| Step {
            label: self.step_label(change, label),
            class: "base",
            x: "0".to_owned(),
            width: percent(usd),
            end: (!is_last).then(|| percent(usd)),
            value: self.numbers.usd(Some(usd), FEW_DECIMALS).text,
            exact: exact.to_string(),
        };
        let mut steps = vec![total(&change.against, old_cents, old, false)];
        let mut level = old_cents;
        for ((part, exact), usd) in known.iter().zip(&shown) {
            let next = level + *usd;
            let (left, right) = if usd.units() < 0 { (next, level) } else { (level, next) };
            let class = match usd.units() {
                0 => "none",
                1.. => "up",
                _ => "down",
            };
            steps.push(Step {
                label: self.text(part.label),
                class,
                x: percent(left),
                width: percent(Usd::from_units(right.units().max(0) - left.units().max(0))),
                end: Some(percent(next)),
                value: self.numbers.usd_change(Some(*usd), FEW_DECIMALS).text,
                exact: exact.to_string(),
            });
            level = next;
        }
        steps.push(total(&change.period, new_cents, new, true));
        steps
    }

    fn change_in_all(&self, change: &Change) -> Number {
        let exact = self.numbers.usd_change(change.all.effects.total(), FEW_DECIMALS);
        let shown = self.numbers.usd_change(Some(shown_difference(change)), FEW_DECIMALS);
        match (change.all.old.total(), change.all.new.total()) {
            (Some(_), Some(_)) => Number { text: shown.text, ..exact },
            _ => exact,
        }
    }

    /// The name of one of both periods: `October 2026, same point` while the other one is running.
    fn step_label(&self, change: &Change, label: &str) -> String {
        let name = self.period_word(label);
        let cut = change.scopes.iter().find_map(|scopes| scopes.cut);
        let running = cut.map(|cut| match cut.running {
            Side::Period => change.period.as_str(),
            Side::Against => change.against.as_str(),
        });
        match running {
            None => name,
            Some(running) if running == label => self.filled("{period} so far", &[("period", &name)]),
            Some(_) => self.filled("{period}, same point", &[("period", &name)]),
        }
    }

    /// `October` for a month: of two consecutive ones, the year needs no mention.
    fn period_word(&self, label: &str) -> String {
        let month =
            label.split_once('-').and_then(|(_, month)| self.language().month_name(month.parse().ok()?));
        month.map_or_else(|| self.language().period(label), str::to_owned)
    }

    fn movers(&self, change: &Change) -> Vec<Mover> {
        let arrow = |old: String, new: String| format!("{old} → {new}");
        let mean = |costs: &CostTotals| {
            self.numbers.money(costs.total().and_then(|usd| usd.per(costs.runs_cost_known()))).text
        };
        let changed = |group: &ChangedGroup| self.numbers.usd_change(group.effects.total(), FEW_DECIMALS);
        let mut movers = Vec::new();
        for group in change.groups.iter().take(MOVERS) {
            movers.push(Mover {
                name: name_of_labels(&group.labels, self.language()).name,
                runs: arrow(self.numbers.whole(group.old.runs), self.numbers.whole(group.new.runs)),
                cost_per_run: arrow(mean(&group.old), mean(&group.new)),
                change: changed(group),
                is_rest: false,
            });
        }
        if let Some((count, rest)) = change.rest(MOVERS) {
            movers.push(Mover {
                name: self.filled("{count} more", &[("count", &self.numbers.whole(count as u64))]),
                runs: String::new(),
                cost_per_run: String::new(),
                change: changed(&rest),
                is_rest: true,
            });
        }
        movers.push(Mover {
            name: self.text("Change in all"),
            runs: String::new(),
            cost_per_run: String::new(),
            change: self.change_in_all(change),
            is_rest: false,
        });
        movers
    }
}

/// The difference of the two totals as they are shown, in cents. An unknown total counts as zero.
fn shown_difference(change: &Change) -> Usd {
    let [old, new] = [&change.all.old, &change.all.new].map(|costs| costs.total().unwrap_or_default());
    in_cents(new) - in_cents(old)
}
