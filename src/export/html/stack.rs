//! The chart of the dashboard: stacked bars by month or day, drawn once here for every selection.
//!
//! Horizontal positions are in percent and vertical ones in pixels, so texts keep their size at any width.

use super::chart::coordinate;
use super::number::Numbers;
use super::scale::{Scale, Unit};
use askama::Template;

/// The height of the plot, and the space above it for labels, in pixels.
const PLOT: u32 = 220;
const ABOVE: f64 = 26.0;
// The template stack.html and page.css have the position of the baseline.
const _: () = assert!(PLOT == 220);

/// The width is divided by at least this number, so that few bars are not too wide.
const MIN_SLOTS: usize = 7;

/// The distance of two labels of a bar, in pixels.
const LABEL_DISTANCE: f64 = 15.0;

/// The distance of a label's baseline from what is below it, in pixels.
const LABEL_GAP: f64 = 6.0;

/// The height of a label and its distance from the bar, in pixels: a line this close above the bar would cross it.
const LABEL_HEIGHT: f64 = 18.0;

/// The lowest bar that is still visible, in pixels.
const MIN_HEIGHT: f64 = 1.0;

/// A chart of stacked bars.
#[derive(Debug, Template)]
#[template(path = "stack.html")]
pub(super) struct StackChart {
    /// `month`, `day` or `credit`.
    class: &'static str,
    unit: String,
    /// The name for screen readers.
    label: String,
    height: u32,
    ticks: Vec<(String, String)>,
    zero: String,
    bars: Vec<Bar>,
    /// The line of the plan, with its label.
    plan: Option<(String, String)>,
}

/// What a chart shows, besides its bars.
#[derive(Debug)]
pub(super) struct StackFrame {
    /// `month`, `day` or `credit`.
    pub class: &'static str,
    /// The unit of the values.
    pub unit: (Unit, String),
    /// The name for screen readers.
    pub label: String,
    /// The value of the plan's line and its label. `None`: there is no line.
    pub plan: Option<(i128, String)>,
}

/// The values of a bar.
#[derive(Debug, Default)]
pub(super) struct BarValues {
    /// The CSS class and the value of each part, from the bottom. `None`: nothing is known.
    pub parts: Vec<(&'static str, Option<i128>)>,
    /// The total with few digits, for phones. Empty: phones show `total` or nothing.
    pub short: String,
    /// The total as text.
    pub total: String,
    /// The value expected at the end of the period, and its text.
    pub expected: Option<(i128, String)>,
    /// Whether the period is not complete.
    pub is_partial: bool,
    /// Whether the period has not ended.
    pub is_running: bool,
    /// Whether the period is closed.
    pub is_closed: bool,
    /// The label below the bar.
    pub label: String,
    /// Whether a phone shows neither the label nor a part of it.
    pub is_wide: bool,
    /// The second line of the label. Empty: there is none.
    pub year: String,
    /// What the tooltip says, one line each. Empty: the bar has no tooltip.
    pub title: String,
    /// The month that a click selects: `2026-10`. Empty: none.
    pub month: String,
}

#[derive(Debug)]
struct Bar {
    x: String,
    width: String,
    parts: Vec<Part>,
    total: Option<Total>,
    expected: Option<(String, String)>,
    is_peak: bool,
    is_now: bool,
    is_closed: bool,
    is_wide: bool,
    label: String,
    initial: String,
    year: String,
    title: String,
    month: String,
}

impl Bar {
    /// The label after its initial. A number is not shortened.
    fn rest(&self) -> &str {
        &self.label[self.initial.len()..]
    }
}

#[derive(Debug)]
struct Part {
    class: &'static str,
    y: String,
    height: String,
}

#[derive(Debug)]
struct Total {
    y: String,
    text: String,
    short: String,
}

/// The sums of a bar's parts above and below zero.
fn ends(bar: &BarValues) -> (i128, i128) {
    let known = || bar.parts.iter().filter_map(|(_, value)| *value);
    (known().filter(|value| *value < 0).sum(), known().filter(|value| *value > 0).sum())
}

impl StackChart {
    /// A chart of consecutive periods.
    pub(super) fn new(frame: StackFrame, bars: Vec<BarValues>, numbers: Numbers) -> StackChart {
        let StackFrame { class, unit: (unit, unit_text), label, plan } = frame;
        let (mut low, mut high) = (0, 0);
        for bar in &bars {
            let (below, above) = ends(bar);
            low = low.min(below);
            high = high.max(above).max(bar.expected.as_ref().map_or(0, |(value, _)| *value));
        }
        high = plan.as_ref().map_or(high, |(value, _)| high.max(*value));
        // The lowest step has a label with whole cents.
        let scale = Scale::new(unit, low, high.max(if unit == Unit::Usd { 40_000_000 } else { 4 }));
        let y = |value: i128| scale.y(value, PLOT) + ABOVE;
        let plan = plan.map(|(value, label)| (y(value), label));
        let peak = bars.iter().map(|bar| ends(bar).1).max().unwrap_or_default();
        let width = 100.0 / (bars.len().max(MIN_SLOTS)) as f64;
        let drawn = bars.into_iter().enumerate().map(|(index, bar)| {
            let (below, above) = ends(&bar);
            let mut parts = Vec::new();
            let mut rect = |class, from: i128, to: i128| {
                let height = (y(from) - y(to)).max(MIN_HEIGHT);
                parts.push(Part { class, y: coordinate(y(from) - height), height: coordinate(height) });
            };
            let expected = bar.expected.filter(|(value, _)| *value > above);
            if let Some((value, _)) = &expected {
                rect("ghost", 0, *value);
            }
            let (mut up, mut down) = (0, 0);
            for (class, value) in &bar.parts {
                match value {
                    None | Some(0) => {}
                    Some(value) if *value < 0 => {
                        rect(class, down + value, down);
                        down += value;
                    }
                    Some(value) => {
                        rect(class, up, up + value);
                        up += value;
                    }
                }
            }
            if bar.is_partial && above > below {
                rect("hatch", below, above);
            }
            // A label that the plan's line would cross stands above the line.
            let clear = |label: f64| match &plan {
                Some((line, _)) if label - 12.0 < *line && *line < label + LABEL_GAP => line - LABEL_GAP,
                _ => label,
            };
            let outline = expected.as_ref().map(|(value, _)| y(*value));
            let near = outline.filter(|outline| y(above) - outline < LABEL_HEIGHT);
            let top = clear(near.unwrap_or(y(above)) - LABEL_GAP);
            let initial = match bar.label.chars().next() {
                Some(first) if first.is_alphabetic() => first.to_string(),
                _ => bar.label.clone(),
            };
            Bar {
                x: coordinate(width * index as f64),
                width: coordinate(width),
                parts,
                is_peak: above == peak && peak > 0,
                total: (!bar.total.is_empty()).then(|| Total {
                    y: coordinate(top),
                    text: bar.total,
                    short: bar.short,
                }),
                expected: expected.map(|(value, text)| {
                    (coordinate(clear((y(value) - LABEL_GAP).min(top - LABEL_DISTANCE))), text)
                }),
                is_now: bar.is_running,
                is_closed: bar.is_closed,
                is_wide: bar.is_wide,
                label: bar.label,
                initial,
                year: bar.year,
                title: bar.title,
                month: bar.month,
            }
        });
        StackChart {
            bars: drawn.collect(),
            class,
            unit: unit_text,
            label,
            height: if class == "day" { 274 } else { 290 },
            ticks: scale
                .ticks(numbers)
                .into_iter()
                .map(|(value, label)| (coordinate(y(value)), label))
                .collect(),
            zero: coordinate(y(0)),
            plan: plan.map(|(line, label)| (coordinate(line), label)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn chart(bars: Vec<BarValues>, plan: Option<i128>) -> StackChart {
        let frame = StackFrame {
            class: "credit",
            unit: (Unit::Count, "Credits".to_owned()),
            label: String::new(),
            plan: plan.map(|credits| (credits, "Plan".to_owned())),
        };
        StackChart::new(frame, bars, Numbers(Language::English))
    }

    fn bar(parts: &[(&'static str, Option<i128>)]) -> BarValues {
        BarValues { parts: parts.to_vec(), total: "x".to_owned(), ..BarValues::default() }
    }

    fn positions(bar: &Bar) -> Vec<(&str, &str, &str)> {
        bar.parts.iter().map(|part| (part.class, part.y.as_str(), part.height.as_str())).collect()
    }

    #[test]
    fn parts_stand_on_each_other_and_refunds_below_zero() {
        let chart = chart(vec![bar(&[("source", Some(100)), ("destination", Some(100))])], None);
        assert_eq!(positions(&chart.bars[0]), [("source", "136", "110"), ("destination", "26", "110")]);
        let refund =
            self::chart(vec![bar(&[("source", Some(100)), ("none", Some(-100)), ("x", None)])], None);
        assert_eq!(positions(&refund.bars[0]), [("source", "26", "110"), ("none", "136", "110")]);
        assert_eq!(refund.zero, "136");
    }

    #[test]
    fn an_incomplete_bar_is_hatched_and_has_a_forecast() {
        let running = BarValues {
            is_partial: true,
            expected: Some((200, "200".to_owned())),
            ..bar(&[("source", Some(100))])
        };
        let chart = chart(vec![running], None);
        let classes: Vec<&str> = positions(&chart.bars[0]).iter().map(|(class, ..)| *class).collect();
        assert_eq!(classes, ["ghost", "source", "hatch"]);
        let bar =
            |expected| BarValues { expected: Some((expected, String::new())), ..bar(&[("x", Some(100))]) };
        let near = self::chart(vec![bar(101)], None);
        let (total, expected) =
            (near.bars[0].total.as_ref().unwrap(), near.bars[0].expected.as_ref().unwrap());
        let [total, expected] = [&total.y, &expected.0].map(|y| y.parse::<f64>().unwrap());
        assert_eq!(total - expected, LABEL_DISTANCE, "the labels do not overlap");
        let outline = near.bars[0].parts[0].y.parse::<f64>().unwrap();
        assert!(total < outline, "the outline of the forecast does not cross the total");
    }

    #[test]
    fn a_total_is_above_the_line_of_the_plan() {
        let total_y = |plan| {
            let chart = chart(vec![bar(&[("source", Some(195))]), bar(&[("source", Some(200))])], plan);
            chart.bars[0].total.as_ref().unwrap().y.parse::<f64>().unwrap()
        };
        assert!(total_y(Some(200)) < total_y(None));
        // 974 so far, 1,054 expected, a plan of 1,200: the line would cross the forecast's label.
        let running =
            BarValues { expected: Some((1054, "1,054".to_owned())), ..bar(&[("source", Some(974))]) };
        let chart = chart(vec![running], Some(1200));
        let line = chart.plan.as_ref().unwrap().0.parse::<f64>().unwrap();
        let expected = chart.bars[0].expected.as_ref().unwrap().0.parse::<f64>().unwrap();
        assert!(!(expected - 12.0..expected + 6.0).contains(&line), "{expected} and {line}");
    }

    #[test]
    fn a_chart_without_costs_has_an_axis() {
        let chart = chart(vec![bar(&[("source", None)])], None);
        assert_eq!(chart.ticks.len(), 5);
        assert!(chart.bars[0].parts.is_empty());
    }
}
