//! The lists of failures, of unknown and unsettled runs, and of outliers.

use super::pipelines::{Name, name_of, name_of_labels};
use super::{MAX_ROWS, ViewBuilder};
use crate::export::html::label::single_line;
use crate::export::html::number::Number;
use crate::report::overview::{ControlBand, Outlier, Overview, PipelineSummary, Sums};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::run::{Share, Usd};

#[derive(Debug)]
pub(super) struct FailureRow {
    pub(super) name: Name,
    pub(super) failed: Number,
    pub(super) ended: Number,
    pub(super) rate: Number,
    /// Failures since the last success.
    pub(super) consecutive: Number,
    pub(super) last: String,
}

#[derive(Debug)]
pub(super) struct UnknownRow {
    pub(super) name: Name,
    pub(super) unknown: Number,
    pub(super) unsettled: Number,
    pub(super) runs: Number,
}

#[derive(Debug)]
pub(super) struct OutlierRow {
    pub(super) name: Name,
    pub(super) run_id: String,
    pub(super) booked_at: String,
    pub(super) reasons: String,
}

impl ViewBuilder<'_> {
    /// The indexes of the pipelines with a positive weight, heaviest first.
    fn heaviest(&self, weight: impl Fn(&PipelineSummary) -> u64) -> Vec<usize> {
        let pipelines = &self.overview.pipelines;
        let mut indexes: Vec<usize> =
            (0..pipelines.len()).filter(|index| weight(&pipelines[*index]) > 0).collect();
        indexes.sort_by_key(|index| {
            let pipeline = &pipelines[*index];
            (u64::MAX - weight(pipeline), pipeline.kind.clone(), pipeline.id.clone())
        });
        indexes
    }

    // ---- failures

    pub(super) fn failures(&self) -> Vec<FailureRow> {
        let indexes = self.heaviest(|pipeline| pipeline.total.failed);
        let rows = indexes.into_iter().take(MAX_ROWS).map(|index| {
            let pipeline = &self.overview.pipelines[index];
            let Sums { failed, .. } = pipeline.total;
            let ended = pipeline.total.ended();
            let last = pipeline.failures.last_failure_at();
            FailureRow {
                name: name_of(pipeline, self.language()),
                failed: self.numbers.count(failed),
                ended: self.numbers.count(ended),
                rate: self.numbers.share(Share::ratio(failed.into(), ended.into())),
                consecutive: self.numbers.count(pipeline.failures.consecutive()),
                last: last.map_or_else(|| "–".to_owned(), |at| self.range.format_instant(at)),
            }
        });
        rows.collect()
    }

    pub(super) fn failures_more(&self) -> String {
        let count = self.heaviest(|pipeline| pipeline.total.failed).len();
        self.more(count, "{count} more pipelines; runledger report failures lists them all.")
    }

    // ---- unknown and unsettled runs

    pub(super) fn unknown_facts(&self) -> Vec<String> {
        let Overview { quarantined, drift, vanished, .. } = self.overview;
        let facts = [
            (
                self.overview.all.total.cost.runs_cost_unknown,
                "{count} runs have no known cost; no sum includes them",
            ),
            (
                self.overview.all.total.unsettled,
                "{count} runs may still change: they have not ended, or their cost is unknown up to 30 days after their end",
            ),
            (*vanished, "{count} runs are no longer in the API; they are counted here"),
            (*quarantined, "{count} items could not be decoded as runs; no figure includes them"),
            (*drift, "{count} differences from the documented API (runledger drift)"),
        ];
        let facts = facts.into_iter().filter(|(count, _)| *count > 0);
        facts.map(|(count, fact)| self.filled(fact, &[("count", &self.numbers.whole(count))])).collect()
    }

    pub(super) fn unknown(&self) -> Vec<UnknownRow> {
        let row = |index: usize| {
            let pipeline = &self.overview.pipelines[index];
            UnknownRow {
                name: name_of(pipeline, self.language()),
                unknown: self.numbers.count(pipeline.total.cost.runs_cost_unknown),
                unsettled: self.numbers.count(pipeline.total.unsettled),
                runs: self.numbers.count(pipeline.total.cost.runs),
            }
        };
        self.with_unknown_runs().into_iter().take(MAX_ROWS).map(row).collect()
    }

    fn with_unknown_runs(&self) -> Vec<usize> {
        self.heaviest(|pipeline| pipeline.total.cost.runs_cost_unknown.max(pipeline.total.unsettled))
    }

    pub(super) fn unknown_more(&self) -> String {
        self.more(
            self.with_unknown_runs().len(),
            "{count} more pipelines; runledger report cost --by pipeline lists them all.",
        )
    }

    // ---- outliers

    pub(super) fn outlier(&self, outlier: &Outlier) -> OutlierRow {
        let Outlier { label, run_id, scored, .. } = outlier;
        let usd = |nanos: i128| {
            self.numbers.decimal(&Usd::from_units(nanos).to_fixed(USD_DECIMALS_FOR_PEOPLE)) + " USD"
        };
        let duration = |millis: i128| self.numbers.duration(millis);
        let reason = |words: &'static str, band: &ControlBand, format: &dyn Fn(i128) -> String| {
            let values = [
                ("value", format(band.value)),
                ("median", format(band.median)),
                ("low", format(band.low)),
                ("high", format(band.high)),
                ("runs", band.runs_before.to_string()),
            ];
            self.filled(words, &values.each_ref().map(|(name, value)| (*name, value.as_str())))
        };
        let outside = |band: &Option<ControlBand>| band.filter(ControlBand::is_outside);
        let reasons: Vec<String> = [
            outside(&scored.cost).map(|band| {
                let words =
                    "cost {value}, median {median} (expected {low} to {high}, from {runs} earlier runs)";
                reason(words, &band, &usd)
            }),
            outside(&scored.duration).map(|band| {
                let words =
                    "duration {value}, median {median} (expected {low} to {high}, from {runs} earlier runs)";
                reason(words, &band, &duration)
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        OutlierRow {
            name: name_of_labels(label, self.language()),
            run_id: single_line(run_id),
            booked_at: self.range.format_instant(scored.booked_at),
            reasons: reasons.join("; "),
        }
    }

    /// The note about rows beyond the maximum; empty if there are none.
    fn more(&self, count: usize, words: &'static str) -> String {
        match count.saturating_sub(MAX_ROWS) {
            0 => String::new(),
            rest => self.filled(words, &[("count", &self.numbers.whole(rest as u64))]),
        }
    }
}
