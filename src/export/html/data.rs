//! This is what the page's own script reads: the figures by month, week and day of the pipelines that can be picked.

use super::label::cut;
use super::range::Shown;
use crate::report::overview::{Overview, Percentiles, PipelineSummary, Sums};
use crate::run::{Seconds, Usd};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many bytes the months of pipelines may take, and their weeks and days: with all else less than a megabyte.
const MONTHS_BYTES: usize = 300_000;
const DETAILS_BYTES: usize = 250_000;

/// What no pipeline is smaller than.
const LEAST_BYTES: usize = 100;

/// The greatest whole number that JavaScript reads exactly from JSON.
const SAFE: i128 = (1 << 53) - 1;

/// How many pipelines of each month can be picked before dearer ones of others, as far as there is room.
pub const TOP: usize = 10;

/// The pipelines that can be picked, by their places in the overview, and the text that the script reads.
#[derive(Debug)]
pub struct Data {
    /// In the order of the overview.
    pub picked: Vec<usize>,
    /// Whether each of them has its weeks and days too.
    pub is_whole: bool,
    /// JSON that is safe inside of a page.
    pub json: String,
}

impl Data {
    /// Gathers what there is room for.
    pub fn of(overview: &Overview, shown: &Shown) -> Data {
        let mut room = MONTHS_BYTES;
        let mut picked = BTreeMap::new();
        for place in by_importance(overview, shown) {
            let value = pipeline(&overview.pipelines[place], shown);
            // What is written is what takes room; a smaller one may still fit.
            let bytes = inside_a_page(&value.to_string()).len();
            if bytes <= room {
                room -= bytes;
                picked.insert(place, value);
            } else if room < LEAST_BYTES {
                break;
            }
        }
        let (mut room, mut is_whole) = (DETAILS_BYTES, true);
        let pipelines: Vec<Value> = picked
            .iter_mut()
            .map(|(place, value)| {
                let (pipeline, mut value) = (&overview.pipelines[*place], value.take());
                let details = (weeks(pipeline, shown), days(pipeline, shown));
                let bytes = details.0.to_string().len() + details.1.to_string().len();
                if bytes <= room {
                    room -= bytes;
                    (value["w"], value["d"]) = details;
                } else {
                    is_whole = false;
                }
                value
            })
            .collect();
        let all = &overview.all;
        let kinds: Vec<Value> = overview
            .kinds
            .iter()
            .map(|(months, _)| {
                let shown_months = months.iter().filter(|(month, _)| shown.has_month(*month));
                shown_months
                    .map(|(month, sums)| json!([month - shown.months.0, nanos(sums.cost.total())]))
                    .collect()
            })
            .collect();
        let shown_kinds: Vec<usize> = (0..overview.kinds.len())
            .filter(|kind| overview.kinds[*kind].0.ends().is_some() || overview.kinds[*kind].1.cost.runs > 0)
            .collect();
        let focus = overview.headline_month.as_ref();
        let data = json!({
            "months": shown.month_labels(), "weeks": shown.week_labels(),
            "month": shown.months.0, "week": shown.weeks.0, "day": shown.days.0, "lastDay": shown.days.1,
            "focus": focus.map(|focus| focus.month - shown.months.0),
            "running": focus.is_some_and(|focus| focus.is_running),
            "compared": focus.is_some_and(|focus| focus.is_whole),
            "all": {
                "m": months(all, shown), "w": weeks(all, shown), "d": days(all, shown), "x": sums(&all.total),
                "b": sums(&all.previous_month), "t": all.previous_month_to_date.as_ref().map(sums),
            },
            "kinds": kinds, "shown": shown_kinds, "pipelines": pipelines, "count": overview.pipelines.len(),
        });
        Data { picked: picked.into_keys().collect(), is_whole, json: inside_a_page(&data.to_string()) }
    }
}

/// The pipelines' places: those that come first in some month or by their failures or unknown costs, then the dearest.
fn by_importance(overview: &Overview, shown: &Shown) -> Vec<usize> {
    let pipelines = &overview.pipelines;
    let mut order: Vec<usize> = (0..pipelines.len().min(TOP)).collect();
    let mut top = |weight: &dyn Fn(&PipelineSummary) -> Option<i128>| {
        let mut weighed: Vec<(i128, usize)> = pipelines
            .iter()
            .enumerate()
            .filter_map(|(place, pipeline)| Some((-weight(pipeline)?, place)))
            .collect();
        if weighed.len() > TOP {
            weighed.select_nth_unstable(TOP);
            weighed.truncate(TOP);
        }
        weighed.sort_unstable();
        order.extend(weighed.into_iter().map(|(_, place)| place));
    };
    for month in (shown.months.0..=shown.months.1).rev() {
        top(&|pipeline| Some(pipeline.months.get(month)?.cost.total()?.units()));
    }
    top(&|pipeline| Some(i128::from(pipeline.total.failed)).filter(|failed| *failed > 0));
    top(&|pipeline| Some(i128::from(pipeline.total.cost.runs_cost_unknown)).filter(|unknown| *unknown > 0));
    order.extend(0..pipelines.len());
    let mut met = BTreeSet::new();
    order.retain(|place| met.insert(*place));
    order
}

/// What is told of a pipeline, without its weeks and days.
fn pipeline(pipeline: &PipelineSummary, shown: &Shown) -> Value {
    let PipelineSummary { name, id, kind, total, previous_month, previous_month_to_date, failures, .. } =
        pipeline;
    json!({
        "n": name.as_deref().map(cut), "i": id.as_deref().map(cut), "k": kind,
        "m": months(pipeline, shown), "x": sums(total), "b": sums(previous_month), "t": previous_month_to_date.as_ref().map(sums),
        "f": [failures.consecutive(), failures.last_failure_at().map(|at| shown.told(at))],
    })
}

fn months(pipeline: &PipelineSummary, shown: &Shown) -> Value {
    let months = pipeline.months.iter().filter(|(month, _)| shown.has_month(*month));
    months
        .map(|(month, figures)| {
            let mut row = vec![json!(month - shown.months.0)];
            row.extend(sums(figures));
            Value::Array(row)
        })
        .collect()
}

/// Runs, those without a known cost, both parts of the cost, credits, successes, failures, cancellations, unsettled runs.
fn sums(sums: &Sums) -> Vec<Value> {
    let Sums { cost, succeeded, failed, canceled, unsettled } = sums;
    vec![
        json!(cost.runs),
        json!(cost.runs_cost_unknown),
        nanos(cost.el()),
        nanos(cost.transformation()),
        json!(cost.credits),
        json!(succeeded),
        json!(failed),
        json!(canceled),
        json!(unsettled),
    ]
}

/// The weeks' times in milliseconds: how many runs took how long, how many waited how long.
fn weeks(pipeline: &PipelineSummary, shown: &Shown) -> Value {
    let weeks = pipeline.weeks.iter().filter(|(week, _)| shown.has_week(*week));
    weeks
        .map(|(week, times)| {
            let mut row = vec![json!(week - shown.weeks.0)];
            for Percentiles { runs, p50, p95 } in [times.duration, times.queued] {
                row.extend([json!(runs), millis(p50), millis(p95)]);
            }
            Value::Array(row)
        })
        .collect()
}

/// The days one after the other: how many days after the one before, runs, failures.
fn days(pipeline: &PipelineSummary, shown: &Shown) -> Value {
    let mut before = shown.days.0;
    let days = pipeline.days.iter().filter(|(day, _)| shown.has_day(*day));
    days.flat_map(|(day, runs)| {
        let later = day - before;
        before = *day;
        [json!(later), json!(runs.runs), json!(runs.failed)]
    })
    .collect()
}

fn nanos(usd: Option<Usd>) -> Value {
    match usd.map(Usd::units) {
        None => Value::Null,
        Some(nanos) if nanos.abs() <= SAFE => json!(nanos as i64),
        Some(nanos) => json!(nanos.to_string()),
    }
}

fn millis(seconds: Option<Seconds>) -> Value {
    // No time that is longer can be told from it.
    seconds.map_or(Value::Null, |seconds| json!(seconds.units().clamp(-SAFE, SAFE) as i64))
}

/// JSON in which nothing ends a script, begins a comment, or ends a line for JavaScript.
fn inside_a_page(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)))
            }
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_leave_its_script() {
        let text = json!({"n": "</script><!--\u{2028}&amp;"}).to_string();
        let inside = inside_a_page(&text);
        assert_eq!(inside, "{\"n\":\"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026amp;\"}");
        assert_eq!(
            serde_json::from_str::<Value>(&inside).unwrap(),
            serde_json::from_str::<Value>(&text).unwrap()
        );
    }

    #[test]
    fn an_amount_that_javascript_would_round_is_a_text() {
        assert_eq!(nanos(Some(Usd::from_units(SAFE))), json!(9_007_199_254_740_991_i64));
        assert_eq!(nanos(Some(Usd::from_units(SAFE + 1))), json!("9007199254740992"));
        assert_eq!(nanos(Some(Usd::from_units(-SAFE - 1))), json!("-9007199254740992"));
        assert_eq!(nanos(None), Value::Null);
        assert_eq!(millis(Some(Seconds::from_units(i128::MAX))), json!(9_007_199_254_740_991_i64));
        assert_eq!(millis(Some(Seconds::from_units(-7))), json!(-7));
    }
}
