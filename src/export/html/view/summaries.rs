//! The one-line summaries of the collapsed sections, over all pipelines and months of the page.

use super::ViewBuilder;
use crate::report::overview::{Percentiles, Times};

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
        Summaries {
            took: self.latest_week(|times| times.duration),
            waited: self.latest_week(|times| times.queued),
            success: self.success_summary(),
            calendar: self.busiest_day(),
            unknown: self.unknown_summary(),
            load: self.load_summary(),
        }
    }

    /// The latest week of the chart with a known time.
    fn latest_week(&self, percentiles: fn(&Times) -> Percentiles) -> Option<String> {
        let weeks = self.overview.all.weeks.iter().rev().filter(|(week, _)| self.range.has_week(*week));
        let mut known = weeks.filter_map(|(week, times)| {
            let Percentiles { runs, p50, p95 } = percentiles(times);
            Some((*week, runs, p50?, p95?))
        });
        let (week, runs, p50, p95) = known.next()?;
        Some(self.filled(
            "{week}: half of {runs} runs within {p50}, 95% within {p95}",
            &[
                ("week", &self.range.week(week)),
                ("runs", &self.numbers.whole(runs)),
                ("p50", &self.numbers.duration(p50.units())),
                ("p95", &self.numbers.duration(p95.units())),
            ],
        ))
    }

    fn success_summary(&self) -> Option<String> {
        let total = &self.overview.all.total;
        let rate = total.success_rate()?;
        Some(self.filled(
            "{share} of {runs} ended runs succeeded",
            &[("share", &self.numbers.percent(rate)), ("runs", &self.numbers.whole(total.ended()))],
        ))
    }

    /// The first of the days with the most runs.
    fn busiest_day(&self) -> Option<String> {
        let days = self.overview.all.days.iter().filter(|(day, _)| self.range.has_day(*day));
        let (day, runs) = days.rev().max_by_key(|(_, runs)| runs.cost.runs)?;
        Some(self.filled(
            "Busiest day: {day}, {runs} runs",
            &[("day", &self.range.day(*day)), ("runs", &self.numbers.whole(runs.cost.runs))],
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
