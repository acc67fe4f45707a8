//! The most expensive pipelines of a month, and the sparklines of the cards.

use super::ViewBuilder;
use super::cards::Delta;
use super::prepared::TOP;
use super::selection::{Selected, Selection};
use crate::export::html::chart::coordinate;
use crate::export::html::number::Number;
use crate::report::overview::Sums;
use crate::run::{Share, Usd};

/// The number of months in a sparkline.
const SPARKLINE_MONTHS: usize = 12;

/// The highest and the lowest position in a sparkline, which is 44 high.
const SPARKLINE_TOP: f64 = 6.0;
const SPARKLINE_BOTTOM: f64 = 40.0;

/// The most expensive pipelines of a month.
#[derive(Debug)]
pub(super) struct Leaders {
    /// Their indexes in the overview.
    pub(super) pipelines: Vec<usize>,
    /// The others together. `None`: there are none.
    pub(super) rest: Option<Leader>,
}

/// A row of the list.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) name: String,
    /// The CSS class of its kind, and its name.
    pub(super) kind: (&'static str, &'static str),
    /// The length of its bar, in percent.
    pub(super) width: String,
    pub(super) cost: Number,
    pub(super) share: String,
    pub(super) delta: Delta,
    /// The value in the filter.
    pub(super) key: String,
}

impl Leader {
    /// The texts that the script puts in place, besides name and cost: those are in the pipeline's cards.
    pub(super) fn texts(&self) -> [&str; 4] {
        [&self.width, &self.share, &self.delta.text, self.delta.class]
    }

    /// The same with name and cost, for the other pipelines together.
    pub(super) fn texts_of_rest(&self) -> [&str; 7] {
        let [width, share, delta, class] = self.texts();
        let exact = self.cost.exact.as_deref().unwrap_or_default();
        [width, share, delta, class, &self.name, &self.cost.text, exact]
    }
}

/// The curve of a card: the finished months, the dashes to the running one, and the height of its last point in
/// percent.
#[derive(Debug, Default, serde::Serialize)]
pub(super) struct SparkCurve(pub(super) String, pub(super) String, pub(super) String);

impl ViewBuilder<'_> {
    /// The pipelines of the selection with the highest known costs in the month, and the others.
    pub(super) fn leaders(&self, selected: &Selected<'_>, month: i32) -> Leaders {
        let pipelines = self.overview.pipelines.iter().enumerate();
        let mut ranked: Vec<(Option<Usd>, usize)> = pipelines
            .filter(|(_, pipeline)| selected.selection.includes(pipeline))
            .filter_map(|(index, pipeline)| Some((pipeline.months.get(month)?.cost.total(), index)))
            .collect();
        ranked.sort_by_key(|(cost, index)| (std::cmp::Reverse(*cost), *index));
        let others = ranked.split_off(ranked.len().min(TOP));
        let rest = (!others.is_empty()).then(|| {
            let (mut now, mut before) = (Sums::default(), None::<Sums>);
            for (_, index) in &others {
                let pipeline = self.pipeline(*index);
                now.merge(pipeline.summary.months.get(month).copied().unwrap_or_default());
                if let Some(sums) = self.before(&pipeline, month) {
                    before.get_or_insert_default().merge(sums);
                }
            }
            let count = self.numbers.whole(others.len() as u64);
            let name = self.filled("{count} more pipelines", &[("count", &count)]);
            self.leader_of(name, "none", month, now, before)
        });
        Leaders { pipelines: ranked.into_iter().map(|(_, index)| index).collect(), rest }
    }

    /// The row of a pipeline.
    pub(super) fn leader(&self, selected: &Selected<'_>, month: i32) -> Leader {
        let now = selected.summary.months.get(month).copied().unwrap_or_default();
        let kind = selected.summary.kind.as_deref().unwrap_or("none");
        let row =
            self.leader_of(self.selection_name(selected), kind, month, now, self.before(selected, month));
        Leader { key: self.selection_key(selected), ..row }
    }

    fn leader_of(&self, name: String, kind: &str, month: i32, now: Sums, before: Option<Sums>) -> Leader {
        let (cost, all) = (now.cost.total(), self.sums(month).cost.total());
        let (class, label) = super::KIND_LABELS
            .into_iter()
            .find(|(class, _)| *class == kind)
            .unwrap_or(super::KIND_LABELS[super::KIND_LABELS.len() - 1]);
        let highest = self.highest(month).max(1);
        let width = 100.0 * cost.map_or(0, Usd::units).max(0) as f64 / highest as f64;
        let share = cost.zip(all).and_then(|(part, all)| Share::ratio(part.units(), all.units()));
        // A pipeline without a run before rises from zero.
        let before = before.map(|sums| sums.cost.total().filter(|_| sums.cost.runs > 0).unwrap_or_default());
        Leader {
            name,
            kind: (class, self.language().page(label)),
            width: coordinate(width.min(100.0)),
            cost: self.numbers.money(cost),
            share: share.map_or_else(String::new, |share| self.numbers.percent(share)),
            delta: self.money_delta(cost, before, Some(all.unwrap_or_default())),
            key: String::new(),
        }
    }

    /// The cost of the most expensive pipeline of a month, in nano-dollars.
    fn highest(&self, month: i32) -> i128 {
        self.highest.get(&month).copied().unwrap_or_default()
    }

    /// The curves of the cost and of the failure rate over the last twelve months, up to the headline month.
    pub(super) fn sparklines(&self, selected: &Selected<'_>) -> [SparkCurve; 2] {
        let months = self.sparkline_months();
        let sums = |month: &i32| selected.summary.months.get(*month).copied().unwrap_or_default();
        let costs = months.iter().map(|month| sums(month).cost.total().map_or(0.0, |usd| usd.units() as f64));
        let rates = months.iter().map(|month| {
            let sums = sums(month);
            if sums.ended() == 0 { 0.0 } else { sums.failed as f64 / sums.ended() as f64 }
        });
        let is_running = months.last().is_some_and(|month| self.is_running(*month));
        let mut costs: Vec<f64> = costs.collect();
        if let (true, Some(cost), Some(month)) = (is_running, costs.last_mut(), months.last()) {
            // The running month is drawn with its forecast, to be comparable with the others.
            let forecast = self.forecast(sums(month).cost.total(), *month);
            *cost = forecast.map_or(*cost, |usd| usd.units() as f64);
        }
        [curve(&costs, is_running), curve(&rates.collect::<Vec<f64>>(), is_running)]
    }

    /// The months of the sparklines. A running month is one of them from the second day on.
    fn sparkline_months(&self) -> Vec<i32> {
        let headline = self.overview.headline_month.as_ref().map_or(i32::MAX, |headline| headline.month);
        let last = if self.overview.is_first_day() { headline - 1 } else { headline };
        let months = self.range.dashboard().filter(|month| *month <= last && !self.begins_in(*month));
        let months: Vec<i32> = months.collect();
        months[months.len().saturating_sub(SPARKLINE_MONTHS)..].to_vec()
    }

    /// The first and the last month of the sparklines, by their names.
    pub(super) fn sparkline_ends(&self) -> (String, String) {
        let months = self.sparkline_months();
        // A single month is no curve.
        let months = if months.len() < 2 { &[][..] } else { &months[..] };
        let name =
            |month: Option<&i32>| month.map_or_else(String::new, |month| self.range.short_month(*month));
        (name(months.first()), name(months.last()))
    }

    /// All runs.
    pub(super) fn all(&self) -> Selected<'_> {
        Selected { selection: Selection::All, summary: &self.overview.all }
    }
}

/// A curve through the values, with dashes to the last one.
fn curve(values: &[f64], is_dashed: bool) -> SparkCurve {
    if values.len() < 2 {
        return SparkCurve::default();
    }
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let y = |value: f64| match high - low {
        range if range > 0.0 => SPARKLINE_BOTTOM - (value - low) / range * (SPARKLINE_BOTTOM - SPARKLINE_TOP),
        _ => (SPARKLINE_BOTTOM + SPARKLINE_TOP) / 2.0,
    };
    let step = 100.0 / (values.len() - 1) as f64;
    let tenth = |value: f64| coordinate((value * 10.0).round() / 10.0);
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(index, value)| format!("{} {}", tenth(step * index as f64), tenth(y(*value))))
        .collect();
    let solid = if is_dashed { &points[..points.len() - 1] } else { &points[..] };
    let dashes = if is_dashed { format!("M{}", points[points.len() - 2..].join(" ")) } else { String::new() };
    let last = y(values[values.len() - 1]) / 44.0 * 100.0;
    SparkCurve(format!("M{}", solid.join(" ")), dashes, tenth(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_spans_the_height_and_ends_in_dashes() {
        let SparkCurve(solid, dashes, last) = curve(&[0.0, 2.0, 1.0], true);
        assert_eq!((solid.as_str(), dashes.as_str(), last.as_str()), ("M0 40 50 6", "M50 6 100 23", "52.3"));
        assert_eq!(curve(&[1.0, 1.0], false).0, "M0 23 100 23");
        assert_eq!(curve(&[1.0], false).0, "");
    }
}
