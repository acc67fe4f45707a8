//! What the filter of the page shows: texts and charts, prepared for every selection that fits.
//!
//! The script only puts them in place. It neither adds up, nor formats, nor draws.

use super::ViewBuilder;
use super::cards::{Cards, MonthTexts};
use super::leaders::Leader;
use super::selection::{Selected, Selection};
use crate::export::html::label::truncate;
use crate::report::overview::calendar::month_label;
use crate::report::overview::{Overview, PipelineSummary};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum bytes for the texts of all pipelines, for the folded sections and the charts of selections, and for the
/// charts of days. The page stays below one megabyte.
const MAX_TEXTS_BYTES: usize = 220_000;
const MAX_FOLDS_BYTES: usize = 80_000;
const MAX_CHARTS_BYTES: usize = 215_000;
const MAX_DAYS_BYTES: usize = 100_000;

/// After this many pipelines that do not fit, no smaller one is searched for.
const MAX_MISSES: usize = 20;

/// The maximum number of cost centers that can be selected.
const MAX_COST_CENTERS: usize = 20;

/// The number of pipelines of each month that have priority in the filter, and the number in the
/// list of pipelines.
pub(super) const TOP: usize = 10;

/// The pipelines that can be selected, and what the page has for each selection.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The indexes of the pipelines in the overview, in ascending order.
    pub selectable: Vec<usize>,
    /// The charts of selections and of the days of months, as HTML by the id of their template.
    pub charts: Vec<(String, String)>,
    /// The texts as JSON, escaped for a script element.
    pub json: String,
}

impl Prepared {
    /// Prepares the most important pipelines within the size limits.
    pub(super) fn new(page: &ViewBuilder<'_>) -> Prepared {
        let overview = page.overview;
        let (mut room, mut misses) = (MAX_TEXTS_BYTES, 0);
        let mut selected = BTreeMap::new();
        let mut important = Vec::new();
        for index in by_importance(page) {
            let value = pipeline(page, index);
            // The escaped size counts. A smaller pipeline may still fit.
            let bytes = escape_script(&value.to_string()).len();
            if bytes <= room {
                room -= bytes;
                selected.insert(index, value);
                important.push(index);
            } else {
                misses += 1;
            }
            if misses > MAX_MISSES {
                break;
            }
        }
        let selectable: Vec<usize> = selected.keys().copied().collect();
        let groups = page.groups();
        let mut centers = 0;
        let groups: Vec<&Selected<'_>> = groups
            .iter()
            .filter(|group| {
                centers += usize::from(matches!(group.selection, Selection::CostCenter(_)));
                centers <= MAX_COST_CENTERS
            })
            .collect();
        let mut room = MAX_FOLDS_BYTES;
        let mut add_folds = |value: &mut Value, summary: &PipelineSummary| {
            let folds = page.folds(summary);
            let bytes = escape_script(&folds.to_string()).len();
            if bytes <= room {
                room -= bytes;
                value["folds"] = folds;
            }
        };
        let mut of_groups: Vec<Value> =
            groups.iter().map(|group| self::group(page, group, &selectable)).collect();
        // The charts of all runs are in the page itself.
        for (value, group) in of_groups.iter_mut().zip(&groups).skip(1) {
            add_folds(value, group.summary);
        }
        for index in important {
            if let Some(value) = selected.get_mut(&index) {
                add_folds(value, &overview.pipelines[index]);
            }
        }
        let months: Vec<i32> = page.range.dashboard().collect();
        let headline = overview.headline_month.as_ref();
        let focus = headline.and_then(|headline| months.iter().position(|month| *month == headline.month));
        let texts: Vec<Vec<String>> = months
            .iter()
            .map(|month| {
                page.month_texts(*month).slots().iter().map(|(_, text)| (*text).to_owned()).collect()
            })
            .collect();
        let data = json!({
            "months": months.iter().map(|month| month_label(*month)).collect::<Vec<_>>(),
            "focus": focus,
            "monthSlots": names(&MonthTexts::default().slots()),
            "slots": names(&Cards::default().slots()),
            "texts": texts,
            "groups": of_groups,
            "pipelines": selected.values().collect::<Vec<_>>(),
        });
        let mut charts = Vec::new();
        let mut room = MAX_CHARTS_BYTES;
        let groups =
            groups.iter().enumerate().skip(1).map(|(index, group)| (format!("chart-g{index}"), **group));
        let mut pipelines: Vec<(usize, usize)> = selectable.iter().copied().enumerate().collect();
        pipelines.sort_by_key(|(_, index)| *index);
        let pipelines =
            pipelines.into_iter().map(|(place, index)| (format!("chart-p{place}"), page.pipeline(index)));
        for (id, selected) in groups.chain(pipelines) {
            // Credits of a pipeline are its charged runs, which its card counts.
            let credits = match selected.selection {
                Selection::Pipeline(_) => String::new(),
                _ => page.credit_chart(&selected).to_string(),
            };
            let html = format!("{}{credits}", page.cost_chart(&selected));
            if html.len() <= room {
                room -= html.len();
                charts.push((id, html));
            }
        }
        let mut room = MAX_DAYS_BYTES;
        for month in
            months.iter().rev().filter(|month| headline.is_none_or(|headline| headline.month != **month))
        {
            let html = page.day_chart(*month).to_string();
            if page.sums(*month).cost.runs > 0 && html.len() <= room {
                room -= html.len();
                let note = page.days_sentence(*month);
                charts.push((
                    format!("days-{}", month_label(*month)),
                    format!("{html}<p class=\"note\">{note}</p>"),
                ));
            }
        }
        Prepared { selectable, charts, json: escape_script(&data.to_string()) }
    }
}

fn names(slots: &[(&'static str, &str)]) -> Vec<&'static str> {
    slots.iter().map(|(name, _)| *name).collect()
}

/// The indexes of all pipelines: first the top ones overall, of each month, by failures and by
/// unknown costs, then the others by cost.
fn by_importance(page: &ViewBuilder<'_>) -> Vec<usize> {
    let Overview { pipelines, .. } = page.overview;
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
    for month in page.range.dashboard().rev() {
        top(&|pipeline| Some(pipeline.months.get(month)?.cost.total()?.units()));
    }
    top(&|pipeline| Some(i128::from(pipeline.total.failed)).filter(|failed| *failed > 0));
    top(&|pipeline| Some(i128::from(pipeline.total.cost.runs_cost_unknown)).filter(|unknown| *unknown > 0));
    order.extend(0..pipelines.len());
    let mut seen = BTreeSet::new();
    order.retain(|index| seen.insert(*index));
    order
}

/// The texts of the cards for each month. `None`: the selection has no run in the month.
fn cards(page: &ViewBuilder<'_>, selected: &Selected<'_>) -> Vec<Option<Vec<String>>> {
    let of_month = |month: i32| {
        selected.summary.months.get(month)?;
        let cards = page.cards(selected, month);
        Some(cards.slots().iter().map(|(_, text)| (*text).to_owned()).collect())
    };
    page.range.dashboard().map(of_month).collect()
}

/// All runs, a kind or a cost center: its cards, and the most expensive pipelines of each month with the row of the
/// others.
fn group(page: &ViewBuilder<'_>, selected: &Selected<'_>, selectable: &[usize]) -> Value {
    let lists = page.range.dashboard().map(|month| {
        let leaders = page.leaders(selected, month);
        let places = leaders.pipelines.iter().filter_map(|index| selectable.binary_search(index).ok());
        json!([places.collect::<Vec<_>>(), leaders.rest.as_ref().map(Leader::texts_of_rest)])
    });
    let has_list = !matches!(selected.selection, Selection::CostCenter(_));
    json!({
        "f": selected.selection.filter(),
        "k": page.selection_key(selected),
        "n": page.selection_name(selected),
        "c": cards(page, selected),
        "s": page.sparklines(selected),
        "t": has_list.then(|| lists.collect::<Vec<_>>()),
    })
}

/// A pipeline: its cards, and its row in the list of each month.
fn pipeline(page: &ViewBuilder<'_>, index: usize) -> Value {
    let selected = page.pipeline(index);
    let PipelineSummary { id, kind, months, .. } = selected.summary;
    let rows = page.range.dashboard().map(|month| {
        months.get(month)?;
        Some(json!(page.leader(&selected, month).texts()))
    });
    json!({
        "f": selected.selection.filter(),
        "k": page.selection_key(&selected),
        "n": truncate(&page.selection_name(&selected)),
        "i": id.as_deref().map(truncate),
        "kind": kind,
        "c": cards(page, &selected),
        "s": page.sparklines(&selected),
        "r": rows.collect::<Vec<_>>(),
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
}
