//! What needs attention, the worst first: what the monitoring reports find now, pipelines that fail often, unusual
//! runs, and unknown costs.

use super::ViewBuilder;
use super::pipelines::name_of_labels;
use super::selection::pipeline_key;
use crate::export::html::label::single_line;
use crate::export::html::number::FEW_DECIMALS;
use crate::report::budget::{BudgetState, State, Unit};
use crate::report::fx::Amount;
use crate::report::open::OpenRun;
use crate::report::overview::{
    ControlBand, FailingPipelineNow, Outlier, OverduePipeline, PipelineSummary, Sums,
};
use crate::report::recovery::FailingPipeline;
use crate::run::{Seconds, Share, Usd};

/// A pipeline fails often if at least this share of its runs in the headline month failed, in percent.
const FAILURE_PERCENT: u64 = 25;

/// A pipeline with fewer ended runs in the month is not said to fail often.
const MIN_ENDED: u64 = 10;

/// How many rows are shown without a filter.
pub(super) const MAX_ROWS: usize = 7;

/// How many rows a check has at most. The others are counted.
const MAX_OF_A_CHECK: usize = 10;

/// The decimals of amounts that two decimals would make equal.
const MORE_DECIMALS: u32 = 4;

/// What is checked, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Overdue,
    Open,
    Failing,
    Budget,
    FailsOften,
    Cost,
    Duration,
    Unknown,
}

impl Check {
    /// What is well if nothing is found.
    fn well(self) -> &'static str {
        match self {
            Check::Overdue => "No pipeline is overdue.",
            Check::Open => "No run is open for too long.",
            Check::Failing => "No pipeline keeps failing.",
            Check::Budget => "No budget is near its limit.",
            Check::FailsOften => "No pipeline fails often.",
            Check::Cost => "No cost is unusual.",
            Check::Duration => "No duration is unusual.",
            Check::Unknown => "Every cost is known.",
        }
    }

    /// The symbol in the page, and its CSS class.
    fn icon(self) -> (&'static str, &'static str) {
        match self {
            Check::Overdue => ("clock", "worse"),
            Check::Open => ("stuck", "worse"),
            Check::Failing | Check::FailsOften => ("warn", "worse"),
            Check::Budget | Check::Cost => ("usd", "warnc"),
            Check::Duration => ("clock", "warnc"),
            Check::Unknown => ("unk", ""),
        }
    }

    /// The report that lists all that is found.
    fn report(self) -> &'static str {
        match self {
            Check::Overdue => "schedule",
            Check::Open => "open",
            Check::Failing => "recovery",
            Check::Budget => "budget",
            Check::FailsOften => "failures",
            Check::Cost | Check::Duration => "anomalies",
            Check::Unknown => "cost",
        }
    }
}

/// A row of the list.
#[derive(Debug)]
pub(super) struct Attention {
    /// What found it.
    check: Check,
    /// The symbol in the page.
    pub(super) icon: &'static str,
    /// `worse`, `warnc` or nothing.
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) why: String,
    /// The pipeline's value in the filter. Empty: the row is about all runs.
    pub(super) key: String,
    pub(super) kind: String,
    /// Whether the row is only shown by a filter.
    pub(super) is_extra: bool,
}

impl ViewBuilder<'_> {
    /// The rows, those beyond the first seven marked as extra.
    pub(super) fn attention(&self) -> Vec<Attention> {
        let outliers = || self.overview.outliers.iter();
        let found = [
            self.overdue(),
            self.open_too_long(),
            self.failing_now(),
            self.budgets(),
            self.failing_often(),
            outliers().filter_map(|outlier| self.unusual_cost(outlier)).collect(),
            outliers().filter_map(|outlier| self.took_long(outlier)).collect(),
            self.unknown_costs().into_iter().collect(),
        ];
        let mut rows: Vec<Attention> = found.into_iter().flat_map(|rows| self.bounded(rows)).collect();
        rows.iter_mut().skip(MAX_ROWS).for_each(|row| row.is_extra = true);
        rows
    }

    /// The first rows of a check, and one that counts the others.
    fn bounded(&self, mut rows: Vec<Attention>) -> Vec<Attention> {
        let more = rows.len().saturating_sub(MAX_OF_A_CHECK);
        rows.truncate(MAX_OF_A_CHECK);
        if let Some(Attention { check, tag, .. }) = rows.last().filter(|_| more > 0) {
            let name = self.filled("{count} more", &[("count", &self.numbers.whole(more as u64))]);
            let why = self.filled("All: runledger report {report}", &[("report", check.report())]);
            rows.push(self.row(*check, (name, String::new(), String::new()), tag.clone(), why));
        }
        rows
    }

    /// What was checked and is well.
    pub(super) fn well(&self, rows: &[Attention]) -> String {
        let attention = &self.overview.attention;
        let checks = [
            (Check::Overdue, attention.overdue.is_some()),
            (Check::Open, attention.open.is_some()),
            (Check::Failing, attention.failing.is_some()),
            (Check::Budget, attention.budgets.is_some()),
            (Check::FailsOften, true),
            (Check::Cost, true),
            (Check::Duration, true),
            (Check::Unknown, true),
        ];
        let is_well =
            |(check, is_checked): &(Check, bool)| *is_checked && rows.iter().all(|row| row.check != *check);
        let well = checks.into_iter().filter(is_well).map(|(check, _)| self.text(check.well()));
        well.collect::<Vec<_>>().join(" ")
    }

    /// A row about a subject: its name, its value in the filter, and the kind of the pipeline.
    fn row(
        &self,
        check: Check,
        (name, key, kind): (String, String, String),
        tag: String,
        why: String,
    ) -> Attention {
        let (icon, class) = check.icon();
        Attention { check, icon, class, name, tag, why, key, kind, is_extra: false }
    }

    /// A row about a pipeline with this name, id and kind.
    fn of_label(&self, check: Check, label: &[Option<String>], tag: &'static str, why: String) -> Attention {
        let part = |index: usize| label.get(index).and_then(Option::as_deref);
        let name = single_line(&name_of_labels(label, self.language()).name);
        let subject = (name, pipeline_key(part(2), part(1)), part(2).unwrap_or_default().to_owned());
        self.row(check, subject, self.text(tag), why)
    }

    fn overdue(&self) -> Vec<Attention> {
        let overdue = self.overview.attention.overdue.iter().flatten();
        let row = |pipeline: &OverduePipeline| {
            let moment = self.range.short_moment(pipeline.since);
            let label = [pipeline.name.clone(), Some(pipeline.id.clone()), Some(pipeline.kind.clone())];
            let why = self.filled("Overdue since {moment}.", &[("moment", &moment)]);
            self.of_label(Check::Overdue, &label, "Overdue", why)
        };
        overdue.map(row).collect()
    }

    fn open_too_long(&self) -> Vec<Attention> {
        let open = self.overview.attention.open.iter().flatten();
        let row = |run: &OpenRun| {
            let usual = run.usual.as_ref().map(|usual| self.numbers.duration(usual.p95.units()));
            let words = match run.started_at {
                Some(_) => "Running for {age}; 95% of the runs take at most {usual}.",
                None => "Waiting for {age}; 95% of the runs take at most {usual}.",
            };
            let age = self.numbers.duration(Seconds::whole(run.age_seconds.unwrap_or(0)).units());
            let why = self.filled(words, &[("age", &age), ("usual", &usual.unwrap_or_default())]);
            let label = [&run.pipeline_name, &run.pipeline_id, &run.pipeline_kind].map(Clone::clone);
            self.of_label(Check::Open, &label, "Open too long", why)
        };
        open.map(row).collect()
    }

    fn failing_now(&self) -> Vec<Attention> {
        let failing = self.overview.attention.failing.iter().flatten();
        let row = |failing: &FailingPipelineNow| {
            let FailingPipeline { name, id, kind, failures_limit, .. } = &failing.pipeline;
            let failures = self.numbers.whole(failing.failures);
            let since = self.range.short_moment(failing.since);
            let mut why = match failing.failures {
                1 => self.filled("Failed on {moment}.", &[("moment", &since)]),
                _ => self.filled(
                    "{failures} failures in a row since {moment}.",
                    &[("failures", &failures), ("moment", &since)],
                ),
            };
            let mut tag = "Keeps failing";
            if let (Some(left), Some(limit)) = (failing.left, failures_limit) {
                let words = match left {
                    0 => "They disable it (limit {limit}).",
                    1 => "1 more failure disables it ({failures} of {limit}).",
                    _ => "{left} more failures disable it ({failures} of {limit}).",
                };
                let (left, limit) = (self.numbers.whole(left), self.numbers.whole(*limit));
                let values = [("left", left.as_str()), ("failures", &failures), ("limit", &limit)];
                why = format!("{why} {}", self.filled(words, &values));
                tag = "About to be disabled";
            }
            self.of_label(Check::Failing, &[name.clone(), id.clone(), kind.clone()], tag, why)
        };
        failing.map(row).collect()
    }

    fn budgets(&self) -> Vec<Attention> {
        let budgets = self.overview.attention.budgets.iter().flatten();
        budgets.map(|state| self.budget(state)).collect()
    }

    fn budget(&self, state: &BudgetState) -> Attention {
        let unit = state.budget.limit.unit();
        let amount = |amount: Amount| {
            self.numbers.decimal(&amount.to_fixed(if unit == Unit::Credits { 0 } else { FEW_DECIMALS }))
        };
        let unit = if unit == Unit::Credits { self.text("credits") } else { unit.to_string() };
        let limit = format!("{} {unit}", amount(state.limit));
        let sentence = |words, of: Amount, reached: u32| {
            let values = [("amount", amount(of)), ("limit", limit.clone()), ("percent", reached.to_string())];
            self.filled(words, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
        };
        let spent = state.spent.zip(state.reached).map(|(spent, reached)| {
            sentence("{amount} of {limit} are spent ({percent}% reached).", spent, reached)
        });
        // What is spent already says more than that it will be.
        let more =
            state.forecast_reached.filter(|reached| state.reached.is_none_or(|spent| spent < *reached));
        let expected = state.forecast.zip(more).map(|(forecast, reached)| {
            let words = "{amount} of {limit} are expected by the end of the month ({percent}% reached).";
            sentence(words, forecast.expected, reached)
        });
        let over_on = state.over_on.as_ref().filter(|_| expected.is_some()).and_then(|day| {
            let day = self.language().day_of_month(day.parse().ok()?);
            Some(self.filled("It is exceeded on {day}.", &[("day", &day)]))
        });
        let why: Vec<String> = [spent, expected, over_on].into_iter().flatten().collect();
        let name = single_line(&state.budget.name);
        self.row(
            Check::Budget,
            (name, String::new(), String::new()),
            self.text(if state.state == State::Over { "Budget exceeded" } else { "Budget" }),
            why.join(" "),
        )
    }

    /// Pipelines of which many runs failed in the month, without those that are listed for failing now.
    fn failing_often(&self) -> Vec<Attention> {
        let Some(headline) = &self.overview.headline_month else { return Vec::new() };
        let is_listed = |of: &PipelineSummary| {
            let mut listed =
                self.overview.attention.failing.iter().flatten().map(|failing| &failing.pipeline);
            listed.any(|failing| (&failing.kind, &failing.id) == (&of.kind, &of.id))
        };
        let mut failing: Vec<(u64, &PipelineSummary, Sums)> = Vec::new();
        for pipeline in self.overview.pipelines.iter().filter(|pipeline| !is_listed(pipeline)) {
            let Some(sums) = pipeline.months.get(headline.month) else { continue };
            let ended = sums.ended();
            if ended >= MIN_ENDED && sums.failed * 100 >= ended * FAILURE_PERCENT {
                failing.push((sums.failed * 1_000_000 / ended, pipeline, *sums));
            }
        }
        failing.sort_by(|(left, one, _), (right, other, _)| {
            right.cmp(left).then_with(|| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)))
        });
        let row = |(_, pipeline, sums): (u64, &PipelineSummary, Sums)| {
            let share = Share::ratio(sums.failed.into(), sums.ended().into());
            let share = self.numbers.share(share).text;
            let ended = self.numbers.whole(sums.ended());
            let last = pipeline.failures.last_failure_at();
            let is_last = last > pipeline.failures.last_success_at();
            let why = match last.filter(|_| is_last) {
                Some(at) => self.filled(
                    "{share} of {ended} runs failed, the last on {moment}.",
                    &[("share", &share), ("ended", &ended), ("moment", &self.range.short_moment(at))],
                ),
                None => self.filled(
                    "{share} of {ended} runs failed; the last one succeeded.",
                    &[("share", &share), ("ended", &ended)],
                ),
            };
            let label = [pipeline.name.clone(), pipeline.id.clone(), pipeline.kind.clone()];
            self.of_label(Check::FailsOften, &label, "Fails often", why)
        };
        failing.into_iter().map(row).collect()
    }

    fn unusual_cost(&self, outlier: &Outlier) -> Option<Attention> {
        let band = outlier.scored.cost.filter(ControlBand::is_outside)?;
        let few = |nanos: i128| self.numbers.money(Some(Usd::from_units(nanos))).text;
        // Two decimals can make an unusual cost look usual.
        let looks_usual = [band.low, band.high].iter().any(|bound| few(*bound) == few(band.value));
        let usd = |nanos: i128| match looks_usual {
            true => self.numbers.usd(Some(Usd::from_units(nanos)), MORE_DECIMALS).text,
            false => few(nanos),
        };
        let why = self.filled(
            "{cost} USD on {moment}. Usual: {low} to {high} USD.",
            &[
                ("cost", &usd(band.value)),
                ("moment", &self.range.short_moment(outlier.scored.booked_at)),
                ("low", &usd(band.low)),
                ("high", &usd(band.high)),
            ],
        );
        Some(self.of_label(Check::Cost, &outlier.label, "Unusual cost", why))
    }

    fn took_long(&self, outlier: &Outlier) -> Option<Attention> {
        let band = outlier.scored.duration.filter(ControlBand::is_outside)?;
        let moment = self.range.short_moment(outlier.scored.booked_at);
        let (value, low, high) = (
            self.numbers.duration(band.value),
            self.numbers.duration(band.low),
            self.numbers.duration(band.high),
        );
        Some(if band.value > band.high {
            let values = [("duration", value.as_str()), ("moment", &moment), ("high", &high)];
            let why = self.filled("{duration} on {moment}. Usual: up to {high}.", &values);
            self.of_label(Check::Duration, &outlier.label, "Took long", why)
        } else {
            let values = [("duration", value.as_str()), ("moment", &moment), ("low", &low)];
            let why = self.filled("{duration} on {moment}. Usual: at least {low}.", &values);
            self.of_label(Check::Duration, &outlier.label, "Ended early", why)
        })
    }

    /// One row for all runs of the headline month without a known cost.
    fn unknown_costs(&self) -> Option<Attention> {
        let month = self.overview.headline_month.as_ref()?.month;
        let now = self.sums(month);
        let total = self.overview.all.total.cost.runs_cost_unknown;
        let unknown = now.cost.runs_cost_unknown;
        if total == 0 {
            return None;
        }
        let whole = |count: u64| self.numbers.whole(count);
        let running = now.cost.runs - now.ended();
        let (count, why) = match unknown {
            0 => (total, self.text("None is of this month.")),
            _ => {
                let values = [("running", whole(running)), ("others", whole(total - unknown))];
                let why = self.filled(
                    "{running} of this month still run. Other months: {others} more.",
                    &values.each_ref().map(|(name, value)| (*name, value.as_str())),
                );
                (unknown, why)
            }
        };
        let name = match count {
            1 => self.text("1 run without a cost"),
            _ => self.filled("{count} runs without a cost", &[("count", &whole(count))]),
        };
        let subject = (name, String::new(), String::new());
        Some(self.row(Check::Unknown, subject, self.text("Unknown cost"), why))
    }
}
