//! What needs attention: pipelines that fail often, unusual runs, and unknown costs, the worst first.

use super::ViewBuilder;
use super::pipelines::{name_of, name_of_labels};
use super::selection::pipeline_key;
use crate::export::html::label::single_line;
use crate::report::overview::{ControlBand, Outlier, PipelineSummary, StuckRun, Sums};
use crate::run::{Share, Usd};

/// A pipeline fails often if at least this share of its runs in the headline month failed, in percent.
const FAILURE_PERCENT: u64 = 25;

/// A pipeline with fewer ended runs in the month is not said to fail often.
const MIN_ENDED: u64 = 10;

/// How many rows are shown without a filter.
pub(super) const MAX_ROWS: usize = 7;

/// A row of the list.
#[derive(Debug)]
pub(super) struct Attention {
    /// The icon: `stuck`, `warn`, `usd`, `clock` or `unk`.
    pub(super) icon: &'static str,
    /// `worse` or `warnc`.
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
        let mut rows: Vec<Attention> = self.overview.stuck.iter().map(|run| self.stuck(run)).collect();
        rows.extend(self.failing());
        let outliers = || self.overview.outliers.iter();
        rows.extend(outliers().filter_map(|outlier| self.unusual_cost(outlier)));
        rows.extend(outliers().filter_map(|outlier| self.took_long(outlier)));
        rows.extend(self.unknown_costs());
        rows.iter_mut().skip(MAX_ROWS).for_each(|row| row.is_extra = true);
        rows
    }

    /// What was checked and is well.
    pub(super) fn well(&self, rows: &[Attention]) -> String {
        let has = |icon: &str| rows.iter().any(|row| row.icon == icon);
        let checks = [
            ("stuck", "No run is stuck."),
            ("warn", "No pipeline fails often."),
            ("usd", "No cost is unusual."),
            ("clock", "No duration is unusual."),
            ("unk", "Every cost is known."),
        ];
        let well: Vec<String> =
            checks.into_iter().filter(|(icon, _)| !has(icon)).map(|(_, words)| self.text(words)).collect();
        well.join(" ")
    }

    fn row(
        &self,
        pipeline: &PipelineSummary,
        of: (&'static str, &'static str),
        tag: &'static str,
        why: String,
    ) -> Attention {
        Attention {
            icon: of.0,
            class: of.1,
            name: name_of(pipeline, self.language()).name,
            tag: self.text(tag),
            why,
            key: pipeline_key(pipeline.kind.as_deref(), pipeline.id.as_deref()),
            kind: pipeline.kind.clone().unwrap_or_default(),
            is_extra: false,
        }
    }

    fn failing(&self) -> Vec<Attention> {
        let Some(headline) = &self.overview.headline_month else { return Vec::new() };
        let mut failing: Vec<(u64, &PipelineSummary, Sums)> = Vec::new();
        for pipeline in &self.overview.pipelines {
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
            self.row(pipeline, ("warn", "worse"), "Fails often", why)
        };
        failing.into_iter().map(row).collect()
    }

    fn stuck(&self, run: &StuckRun) -> Attention {
        let why = self.filled(
            "Running for {duration}. Usual: up to {high}.",
            &[
                ("duration", &self.numbers.duration(run.running_millis)),
                ("high", &self.numbers.duration(run.usual_millis)),
            ],
        );
        Attention { class: "worse", ..self.of_label(&run.label, "stuck", "Stuck", why) }
    }

    fn unusual_cost(&self, outlier: &Outlier) -> Option<Attention> {
        let band = outlier.scored.cost.filter(ControlBand::is_outside)?;
        let usd = |nanos: i128| self.numbers.money(Some(Usd::from_units(nanos))).text;
        let why = self.filled(
            "{cost} USD on {moment}. Usual: {low} to {high} USD.",
            &[
                ("cost", &usd(band.value)),
                ("moment", &self.range.short_moment(outlier.scored.booked_at)),
                ("low", &usd(band.low)),
                ("high", &usd(band.high)),
            ],
        );
        Some(self.of_label(&outlier.label, "usd", "Unusual cost", why))
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
            self.of_label(&outlier.label, "clock", "Took long", why)
        } else {
            let values = [("duration", value.as_str()), ("moment", &moment), ("low", &low)];
            let why = self.filled("{duration} on {moment}. Usual: at least {low}.", &values);
            self.of_label(&outlier.label, "clock", "Ended early", why)
        })
    }

    fn of_label(
        &self,
        label: &[Option<String>],
        icon: &'static str,
        tag: &'static str,
        why: String,
    ) -> Attention {
        let part = |index: usize| label.get(index).and_then(Option::as_deref);
        Attention {
            icon,
            class: "warnc",
            name: single_line(&name_of_labels(label, self.language()).name),
            tag: self.text(tag),
            why,
            key: pipeline_key(part(2), part(1)),
            kind: part(2).unwrap_or_default().to_owned(),
            is_extra: false,
        }
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
        let why = self.filled(
            "{running} of this month still run. Other months: {others} more.",
            &[("running", &whole(running)), ("others", &whole(total - unknown))],
        );
        let name = match unknown {
            1 => self.text("1 run without a cost"),
            _ => self.filled("{count} runs without a cost", &[("count", &whole(unknown))]),
        };
        Some(Attention {
            icon: "unk",
            class: "",
            name,
            tag: self.text("Unknown cost"),
            why,
            key: String::new(),
            kind: String::new(),
            is_extra: false,
        })
    }
}
