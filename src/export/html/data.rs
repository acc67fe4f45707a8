//! The data of the filter: figures by month, week and day of the pipelines that can be selected, as
//! JSON for the script.

use super::SCRIPT;
use super::label::truncate;
use super::range::ChartRange;
use crate::language::Language;
use crate::report::overview::{KINDS, Overview, Percentiles, PipelineSummary, Sums};
use crate::run::{Seconds, Usd};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum bytes for the months of all pipelines, and for their weeks and days. The page stays
/// below one megabyte.
const MAX_MONTHS_BYTES: usize = 300_000;
const MAX_DETAILS_BYTES: usize = 250_000;

/// The minimum size of a pipeline.
const MIN_PIPELINE_BYTES: usize = 100;

/// The largest integer that JavaScript parses exactly from JSON: `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE_INTEGER: i128 = (1 << 53) - 1;

/// The number of pipelines of each month that have priority in the filter, and the number in the
/// list of pipelines.
pub(super) const TOP: usize = 10;

/// The pipelines that can be selected, and the JSON of the page.
#[derive(Debug)]
pub(super) struct ScriptData {
    /// The indexes of the pipelines in the overview, in ascending order.
    pub selectable: Vec<usize>,
    /// Whether all of them have weeks and days.
    pub has_all_details: bool,
    /// The JSON, escaped for a script element.
    pub json: String,
}

impl ScriptData {
    /// Collects the most important pipelines within the size limits.
    pub(super) fn new(overview: &Overview, range: &ChartRange) -> ScriptData {
        let mut room = MAX_MONTHS_BYTES;
        let mut selected = BTreeMap::new();
        for index in by_importance(overview, range) {
            let value = pipeline(&overview.pipelines[index], range);
            // The escaped size counts. A smaller pipeline may still fit.
            let bytes = escape_script(&value.to_string()).len();
            if bytes <= room {
                room -= bytes;
                selected.insert(index, value);
            } else if room < MIN_PIPELINE_BYTES {
                break;
            }
        }
        let (mut room, mut has_all_details) = (MAX_DETAILS_BYTES, true);
        let pipelines: Vec<Value> = selected
            .iter_mut()
            .map(|(index, value)| {
                let (pipeline, mut value) = (&overview.pipelines[*index], value.take());
                let details = (weeks(pipeline, range), days(pipeline, range));
                let bytes = details.0.to_string().len() + details.1.to_string().len();
                if bytes <= room {
                    room -= bytes;
                    (value["w"], value["d"]) = details;
                } else {
                    has_all_details = false;
                }
                value
            })
            .collect();
        let all = &overview.all;
        let kinds: Vec<Value> = overview
            .kinds
            .iter()
            .map(|(months, _)| {
                let in_range = months.iter().filter(|(month, _)| range.has_month(*month));
                in_range
                    .map(|(month, sums)| json!([month - range.months.0, nanos(sums.cost.total())]))
                    .collect()
            })
            .collect();
        let used_kinds: Vec<usize> = (0..overview.kinds.len())
            .filter(|kind| overview.kinds[*kind].0.ends().is_some() || overview.kinds[*kind].1.cost.runs > 0)
            .collect();
        let headline = overview.headline_month.as_ref();
        let data = json!({
            "months": range.month_labels(), "weeks": range.week_labels(),
            "month": range.months.0, "week": range.weeks.0, "day": range.days.0, "lastDay": range.days.1,
            "focus": headline.map(|headline| headline.month - range.months.0),
            "running": headline.is_some_and(|headline| headline.is_running),
            "compared": headline.is_some_and(|headline| headline.is_whole),
            "all": {
                "m": months(all, range), "w": weeks(all, range), "d": days(all, range), "x": sums(&all.total),
                "b": sums(&all.previous_month), "t": all.previous_month_to_date.as_ref().map(sums),
            },
            "kinds": kinds, "shown": used_kinds, "pipelines": pipelines, "count": overview.pipelines.len(),
            "lang": range.language.name(), "words": words(range.language),
        });
        ScriptData {
            selectable: selected.into_keys().collect(),
            has_all_details,
            json: escape_script(&data.to_string()),
        }
    }
}

/// The words of the script, by their English. Empty in English.
fn words(language: Language) -> BTreeMap<&'static str, &'static str> {
    match language {
        Language::English => BTreeMap::new(),
        Language::Portuguese => {
            let is_used = |text: &str| SCRIPT.contains(&format!("\"{text}\"")) || KINDS.contains(&Some(text));
            language.page_texts().filter(|(english, _)| is_used(english)).collect()
        }
    }
}

/// The indexes of all pipelines: first the top ones overall, of each month, by failures and by
/// unknown costs, then the others by cost.
fn by_importance(overview: &Overview, range: &ChartRange) -> Vec<usize> {
    let pipelines = &overview.pipelines;
    let mut order: Vec<usize> = (0..pipelines.len().min(TOP)).collect();
    let mut top = |weight: &dyn Fn(&PipelineSummary) -> Option<i128>| {
        let mut weighed: Vec<(i128, usize)> = pipelines
            .iter()
            .enumerate()
            .filter_map(|(index, pipeline)| Some((-weight(pipeline)?, index)))
            .collect();
        if weighed.len() > TOP {
            weighed.select_nth_unstable(TOP);
            weighed.truncate(TOP);
        }
        weighed.sort_unstable();
        order.extend(weighed.into_iter().map(|(_, index)| index));
    };
    for month in (range.months.0..=range.months.1).rev() {
        top(&|pipeline| Some(pipeline.months.get(month)?.cost.total()?.units()));
    }
    top(&|pipeline| Some(i128::from(pipeline.total.failed)).filter(|failed| *failed > 0));
    top(&|pipeline| Some(i128::from(pipeline.total.cost.runs_cost_unknown)).filter(|unknown| *unknown > 0));
    order.extend(0..pipelines.len());
    let mut seen = BTreeSet::new();
    order.retain(|index| seen.insert(*index));
    order
}

/// A pipeline without its weeks and days.
fn pipeline(pipeline: &PipelineSummary, range: &ChartRange) -> Value {
    let PipelineSummary { name, id, kind, total, previous_month, previous_month_to_date, failures, .. } =
        pipeline;
    json!({
        "n": name.as_deref().map(truncate), "i": id.as_deref().map(truncate), "k": kind,
        "m": months(pipeline, range), "x": sums(total), "b": sums(previous_month), "t": previous_month_to_date.as_ref().map(sums),
        "f": [failures.consecutive(), failures.last_failure_at().map(|at| range.format_instant(at))],
    })
}

fn months(pipeline: &PipelineSummary, range: &ChartRange) -> Value {
    let months = pipeline.months.iter().filter(|(month, _)| range.has_month(*month));
    months
        .map(|(month, figures)| {
            let mut row = vec![json!(month - range.months.0)];
            row.extend(sums(figures));
            Value::Array(row)
        })
        .collect()
}

/// Runs, runs with unknown cost, the two cost components, credits, successes, failures,
/// cancellations, unsettled runs.
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

/// Duration and queue time by week: number of runs, median and 95th percentile of each, in
/// milliseconds.
fn weeks(pipeline: &PipelineSummary, range: &ChartRange) -> Value {
    let weeks = pipeline.weeks.iter().filter(|(week, _)| range.has_week(*week));
    weeks
        .map(|(week, times)| {
            let mut row = vec![json!(week - range.weeks.0)];
            for Percentiles { runs, p50, p95 } in [times.duration, times.queued] {
                row.extend([json!(runs), millis(p50), millis(p95)]);
            }
            Value::Array(row)
        })
        .collect()
}

/// The days as a flat list: days since the previous entry, runs, failures.
fn days(pipeline: &PipelineSummary, range: &ChartRange) -> Value {
    let mut previous = range.days.0;
    let days = pipeline.days.iter().filter(|(day, _)| range.has_day(*day));
    days.flat_map(|(day, runs)| {
        let delta = day - previous;
        previous = *day;
        [json!(delta), json!(runs.runs), json!(runs.failed)]
    })
    .collect()
}

fn nanos(usd: Option<Usd>) -> Value {
    match usd.map(Usd::units) {
        None => Value::Null,
        Some(nanos) if nanos.abs() <= MAX_SAFE_INTEGER => json!(nanos as i64),
        Some(nanos) => json!(nanos.to_string()),
    }
}

fn millis(seconds: Option<Seconds>) -> Value {
    // Longer durations are displayed the same.
    seconds.map_or(Value::Null, |seconds| {
        json!(seconds.units().clamp(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) as i64)
    })
}

/// Escapes JSON for a script element: no end tag, comment, or line end of JavaScript.
fn escape_script(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)))
            }
            character => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_end_its_script_element() {
        let text = json!({"n": "</script><!--\u{2028}&amp;"}).to_string();
        let escaped = escape_script(&text);
        assert_eq!(escaped, "{\"n\":\"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026amp;\"}");
        assert_eq!(
            serde_json::from_str::<Value>(&escaped).unwrap(),
            serde_json::from_str::<Value>(&text).unwrap()
        );
    }

    #[test]
    fn an_amount_beyond_the_safe_integers_is_a_string() {
        assert_eq!(nanos(Some(Usd::from_units(MAX_SAFE_INTEGER))), json!(9_007_199_254_740_991_i64));
        assert_eq!(nanos(Some(Usd::from_units(MAX_SAFE_INTEGER + 1))), json!("9007199254740992"));
        assert_eq!(nanos(Some(Usd::from_units(-MAX_SAFE_INTEGER - 1))), json!("-9007199254740992"));
        assert_eq!(nanos(None), Value::Null);
        assert_eq!(millis(Some(Seconds::from_units(i128::MAX))), json!(9_007_199_254_740_991_i64));
        assert_eq!(millis(Some(Seconds::from_units(-7))), json!(-7));
    }
}
