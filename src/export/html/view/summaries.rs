//! The one-line summaries of the collapsed sections, over all pipelines and months of the page.

use super::ViewBuilder;
use super::times::{DURATION, QUEUE_TIME};
use crate::report::overview::Sums;

/// A summary for each collapsed section. `None`: the section has no figures.
#[derive(Debug)]
pub(super) struct Summaries {
    pub(super) took: Option<String>,
    pub(super) waited: Option<String>,
    pub(super) success: Option<String>,
    pub(super) calendar: Option<String>,
    pub(super) unknown: Option<String>,
    pub(super) load: Option<String>,
}

impl ViewBuilder<'_> {
    pub(super) fn summaries(&self) -> Summaries {
        let all = &self.overview.all;
        Summaries {
            took: self.latest_week(DURATION, &all.weeks),
            waited: self.latest_week(QUEUE_TIME, &all.weeks),
            success: self.success_summary(&all.total),
            calendar: self.busiest_day(&all.days),
            unknown: self.unknown_summary(),
            load: self.load_summary(),
        }
    }

    /// The success rate over all months. `None`: no run has ended.
    pub(super) fn success_summary(&self, total: &Sums) -> Option<String> {
        let rate = total.success_rate()?;
        Some(self.filled(
            "{share} of {runs} ended runs succeeded",
            &[("share", &self.numbers.percent(rate)), ("runs", &self.numbers.whole(total.ended()))],
        ))
    }

    fn unknown_summary(&self) -> Option<String> {
        let total = &self.overview.all.total;
        (total.cost.runs > 0).then(|| {
            self.filled(
                "{unknown} without a known cost, {unsettled} may still change",
                &[
                    ("unknown", &self.numbers.whole(total.cost.runs_cost_unknown)),
                    ("unsettled", &self.numbers.whole(total.unsettled)),
                ],
            )
        })
    }
}
