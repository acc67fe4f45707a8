//! The one-line summaries of the collapsed sections, over all pipelines and months of the page.

use super::ViewBuilder;

/// Summaries of collapsed sections. `None`: the section has no figures.
#[derive(Debug)]
pub(super) struct Summaries {
    pub(super) success: Option<String>,
    pub(super) unknown: Option<String>,
    pub(super) load: Option<String>,
}

impl ViewBuilder<'_> {
    pub(super) fn summaries(&self) -> Summaries {
        Summaries {
            success: self.success_summary(),
            unknown: self.unknown_summary(),
            load: self.load_summary(),
        }
    }

    fn success_summary(&self) -> Option<String> {
        let total = &self.overview.all.total;
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
