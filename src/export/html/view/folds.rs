//! The folded sections of a selection: what differs from those of all runs.

use super::ViewBuilder;
use super::times::{DURATION, QUEUE_TIME};
use crate::export::html::chart::{ColumnChart, Shades};
use crate::report::overview::PipelineSummary;
use serde_json::{Value, json};

impl ViewBuilder<'_> {
    /// The summary, ticks or legend, and marks of each chart by its id. The script puts them into the charts of all
    /// runs. `null`: nothing is known, and the section is hidden.
    pub(super) fn folds(&self, of: &PipelineSummary) -> Value {
        let columns = |summary: Option<String>, chart: Option<ColumnChart>| {
            let chart = chart?;
            let (ticks, tops) = chart.figures();
            Some(json!([summary?, ticks, tops]))
        };
        let calendar = self.busiest_day(&of.days).map(|summary| {
            let shades = Shades::new(&of.days, &self.range);
            json!([summary, shades.legend(), shades.digits()])
        });
        let times = |measure| columns(self.latest_week(measure, &of.weeks), self.times(measure, &of.weeks));
        json!({
            "took": times(DURATION),
            "waited": times(QUEUE_TIME),
            "success": columns(self.success_summary(&of.total), self.success(&of.months)),
            "calendar": calendar,
        })
    }
}
