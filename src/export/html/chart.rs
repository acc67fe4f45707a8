//! Charts of the page. Horizontal positions are in percent, so that a chart fits any width.

use super::number::Numbers;
use super::range::ChartRange;
use super::scale::Scale;
use crate::language::Language;
use crate::report::overview::calendar::{monday, month_label, month_of, week_of};
use crate::report::overview::{DayRuns, Series};
use askama::Template;

/// The height of the plot, in pixels.
pub(super) const HEIGHT: u32 = 180;
// The template columns.html contains positions that follow from this height.
const _: () = assert!(HEIGHT == 180);

/// The width of a bar, as a share of its column.
const BAR_SHARE: f64 = 0.74;

/// The possible distances between two labels, in months.
const LABEL_STEPS: [i32; 6] = [1, 2, 3, 6, 12, 60];

/// The maximum number of labels on phones, and on wider screens.
const MAX_LABELS_NARROW: i32 = 7;
const MAX_LABELS_WIDE: i32 = 14;

/// The number of weeks in a calendar: the most that a year can touch.
pub(super) const CALENDAR_WEEKS: i32 = 54;

/// The height of a calendar row and of its cells, in pixels.
const ROW_HEIGHT: u32 = 14;
const CELL_HEIGHT: u32 = 12;

/// A column chart, with one column per month or week.
#[derive(Debug, Clone, Template)]
#[template(path = "columns.html")]
pub(super) struct ColumnChart {
    /// The id of the chart in the page.
    pub id: &'static str,
    /// The title for screen readers.
    pub title: String,
    /// The description for screen readers.
    pub description: String,
    ticks: Vec<Tick>,
    labels: Vec<Label>,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone)]
struct Tick {
    y: String,
    label: String,
}

#[derive(Debug, Clone)]
struct Label {
    x: String,
    text: String,
    /// `wide` for a label that phones do not show.
    class: &'static str,
}

#[derive(Debug, Clone)]
struct Mark {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
    title: String,
}

/// A part of a column.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// The start, in the unit of the scale.
    pub from: i128,
    /// The end, in the unit of the scale.
    pub to: i128,
    /// The CSS class.
    pub class: &'static str,
    /// The tooltip.
    pub title: String,
}

/// The period of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnPeriod {
    /// A month.
    Month,
    /// A week.
    Week,
}

impl ColumnPeriod {
    /// The minimum number of columns that the width is divided by, so that few columns are not too
    /// wide.
    pub(super) fn min_columns(self) -> i32 {
        match self {
            ColumnPeriod::Month => 8,
            ColumnPeriod::Week => 26,
        }
    }

    /// The month that starts in the column. `None`: no month does.
    fn month_start(self, number: i32) -> Option<i32> {
        match self {
            ColumnPeriod::Month => Some(number),
            ColumnPeriod::Week => month_of(monday(number) + 6)
                .filter(|month| month_of(monday(number) - 1).is_none_or(|before| before != *month)),
        }
    }
}

impl ColumnChart {
    /// A chart of consecutive periods from the number `first`.
    pub(super) fn new(
        id: &'static str,
        title: impl Into<String>,
        description: impl Into<String>,
        (period, first): (ColumnPeriod, i32),
        scale: Scale,
        columns: &[Vec<Segment>],
        language: Language,
    ) -> ColumnChart {
        let width = column_width(period, columns.len());
        let mut marks = Vec::new();
        for (index, segment) in
            (0..).zip(columns).flat_map(|(index, column)| column.iter().map(move |s| (index, s)))
        {
            let (top, bottom) = (segment.from.max(segment.to), segment.from.min(segment.to));
            let (y, height) = (scale.y(top, HEIGHT), scale.y(bottom, HEIGHT) - scale.y(top, HEIGHT));
            // Every segment is visible, however small.
            let height = height.max(if segment.class == "rate" { 3.0 } else { 1.0 });
            marks.push(Mark {
                class: segment.class,
                x: coordinate(width * (f64::from(index) + (1.0 - BAR_SHARE) / 2.0)),
                width: coordinate(width * BAR_SHARE),
                y: coordinate(y),
                height: coordinate(height),
                title: segment.title.clone(),
            });
        }
        let ticks = scale
            .ticks(Numbers(language))
            .into_iter()
            .map(|(value, label)| Tick { y: coordinate(scale.y(value, HEIGHT)), label });
        let count = i32::try_from(columns.len()).unwrap_or(i32::MAX);
        ColumnChart {
            id,
            title: title.into(),
            description: description.into(),
            ticks: ticks.collect(),
            labels: labels(period, first, count, width, language),
            marks,
        }
    }
}

/// The width of a column, in percent.
pub(super) fn column_width(period: ColumnPeriod, columns: usize) -> f64 {
    100.0 / f64::from(i32::try_from(columns).unwrap_or(i32::MAX).max(period.min_columns()))
}

/// The month labels below the columns, as many as fit.
fn labels(period: ColumnPeriod, first: i32, count: i32, width: f64, language: Language) -> Vec<Label> {
    let starts: Vec<(i32, i32)> = (0..count)
        .filter_map(|index| Some((index, period.month_start(first.checked_add(index)?)?)))
        .collect();
    let months = starts.len() as i32;
    let step = |max: i32| LABEL_STEPS.into_iter().find(|step| months <= step * max).unwrap_or(LABEL_STEPS[5]);
    let (wide, narrow) = (step(MAX_LABELS_WIDE), step(MAX_LABELS_NARROW));
    starts
        .into_iter()
        .filter(|(_, month)| month.rem_euclid(12) % wide == 0 || month % wide == 0)
        .map(|(index, month)| Label {
            x: coordinate(width * (f64::from(index) + 0.5)),
            text: month_name(month, language),
            class: if month % narrow == 0 { "" } else { "wide" },
        })
        .collect()
}

/// The first three letters of a month. The label of a January is its year.
fn month_name(month: i32, language: Language) -> String {
    match month.rem_euclid(12) {
        0 => month_label(month)[..4].to_owned(),
        index => language.month_name(index as u32 + 1).unwrap_or_default().chars().take(3).collect(),
    }
}

/// Formats a number with at most two decimals.
pub(super) fn coordinate(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}

/// A sparkline: small bars, one per month.
#[derive(Debug, Clone, Template)]
#[template(path = "sparkline.html")]
pub(super) struct Sparkline {
    /// The title for screen readers.
    pub title: String,
    width: u32,
    marks: Vec<Mark>,
}

/// The height of a sparkline and the width of its columns, in pixels.
const SPARKLINE_HEIGHT: u32 = 24;
const SPARKLINE_COLUMN: u32 = 7;

impl Sparkline {
    /// A sparkline of amounts with their tooltips; a `None` amount is unknown. `highlighted` is the
    /// index of the headline month.
    pub(super) fn new(
        title: impl Into<String>,
        months: &[(Option<i128>, String)],
        highlighted: Option<usize>,
    ) -> Sparkline {
        let known = || months.iter().filter_map(|(amount, _)| *amount);
        let (high, low) = (known().max().unwrap_or(0).max(0), known().min().unwrap_or(0).min(0));
        let pixels = |units: i128| units as f64 / (high - low).max(1) as f64 * f64::from(SPARKLINE_HEIGHT);
        let marks = (0..).zip(months).filter_map(|(index, (amount, title))| {
            let amount = (*amount)?;
            // Every amount is visible, however small.
            let height = pixels(amount.abs()).max(1.0);
            Some(Mark {
                class: if highlighted == Some(index as usize) { "focus" } else { "" },
                x: (index * SPARKLINE_COLUMN).to_string(),
                width: (SPARKLINE_COLUMN - 2).to_string(),
                // Refunds are drawn below zero.
                y: coordinate(if amount < 0 { pixels(high) } else { (pixels(high) - height).max(0.0) }),
                height: coordinate(height),
                title: title.clone(),
            })
        });
        Sparkline {
            title: title.into(),
            marks: marks.collect(),
            width: months.len() as u32 * SPARKLINE_COLUMN,
        }
    }
}

/// A calendar: one column per week, with the days from Monday to Sunday as rows.
#[derive(Debug, Clone, Template)]
#[template(path = "calendar.html")]
pub(super) struct DayCalendar {
    /// The title for screen readers.
    pub title: String,
    /// The description for screen readers.
    pub description: String,
    labels: Vec<Label>,
    marks: Vec<Mark>,
    failing: Vec<(String, u32)>,
    /// The runs per day of each shade, first and last, from the lightest.
    pub shades: Vec<(u64, u64)>,
    /// The names of the first, third and fifth row.
    weekdays: [&'static str; 3],
    height: u32,
}

/// The CSS classes of the shades.
const SHADES: [&str; 5] = ["d0", "d1", "d2", "d3", "d4"];

/// A day is marked if at least one run in this many failed.
const FAILURE_RATIO: u64 = 5;

/// The shade of a day, if the busiest day has `max` runs.
fn shade(runs: u64, max: u64) -> usize {
    if runs == 0 { 0 } else { ((runs * 4).div_ceil(max.max(1)) as usize).min(4) }
}

impl DayCalendar {
    /// The weeks up to the one of the day `last`, starting at the day `first` or later.
    pub(super) fn new(title: impl Into<String>, days: &Series<DayRuns>, range: &ChartRange) -> DayCalendar {
        let ((first, last), language) = (range.days, range.language);
        let last_week = week_of(last);
        let first_week = week_of(first).max(last_week - CALENDAR_WEEKS + 1);
        let width = column_width(ColumnPeriod::Week, (last_week - first_week + 1) as usize);
        let is_visible = |day: &i32| *day >= monday(first_week) && *day <= last;
        let max =
            days.iter().filter(|(day, _)| is_visible(day)).map(|(_, runs)| runs.cost.runs).max().unwrap_or(0);
        let (mut marks, mut failing) = (Vec::new(), Vec::new());
        for day in monday(first_week).max(first)..=last {
            let DayRuns { cost, failed } = days.get(day).copied().unwrap_or_default();
            let runs = cost.runs;
            let (column, row) = (week_of(day) - first_week, (day - monday(week_of(day))) as u32);
            let x = width * (f64::from(column) + (1.0 - 0.84) / 2.0);
            marks.push(Mark {
                class: SHADES[shade(runs, max)],
                x: coordinate(x),
                y: (row * ROW_HEIGHT).to_string(),
                width: coordinate(width * 0.84),
                height: CELL_HEIGHT.to_string(),
                title: day_title(&range.day(day), runs, failed, language),
            });
            if failed * FAILURE_RATIO >= runs && failed > 0 {
                failing.push((
                    coordinate(width * (f64::from(column) + 0.5)),
                    row * ROW_HEIGHT + CELL_HEIGHT / 2,
                ));
            }
        }
        let shades = (1..=4_u64).map(|shade| (max * (shade - 1) / 4 + 1, max * shade / 4));
        let shades = if max == 0 { Vec::new() } else { shades.filter(|(from, to)| from <= to).collect() };
        DayCalendar {
            title: title.into(),
            description: language.page_with(
                "The busiest day has {max} runs. A dot marks a day on which at least one run in {ratio} failed.",
                &[("max", &Numbers(language).whole(max)), ("ratio", &FAILURE_RATIO.to_string())],
            ),
            labels: labels(ColumnPeriod::Week, first_week, last_week - first_week + 1, width, language),
            weekdays: ["Mon", "Wed", "Fri"].map(|day| language.page(day)),
            marks,
            failing,
            shades,
            height: 6 * ROW_HEIGHT + CELL_HEIGHT,
        }
    }
}

fn day_title(day: &str, runs: u64, failed: u64, language: Language) -> String {
    let [count, failures] = [runs, failed].map(|number| Numbers(language).whole(number));
    let words = match (runs, failed) {
        (0, _) => "{day}: no runs",
        (1, 0) => "{day}: 1 run",
        (1, _) => "{day}: 1 run, {failures} failed",
        (_, 0) => "{day}: {count} runs",
        (_, _) => "{day}: {count} runs, {failures} failed",
    };
    language.page_with(words, &[("day", day), ("count", &count), ("failures", &failures)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::html::scale::Unit;
    use crate::report::cost::CostTotals;

    #[test]
    fn segments_are_stacked_in_their_column() {
        let segment = |from, to| Segment { from, to, class: "source", title: String::new() };
        let columns = vec![vec![segment(0, 50), segment(50, 100)]; 20];
        let scale = Scale::new(Unit::Usd, 0, 100);
        let chart = ColumnChart::new(
            "c",
            "t",
            "d",
            (ColumnPeriod::Month, 24_300),
            scale,
            &columns,
            Language::English,
        );
        let position = |mark: &Mark| [mark.x.as_str(), &mark.y, &mark.width, &mark.height].map(str::to_owned);
        assert_eq!(position(&chart.marks[0]), ["0.65", "90", "3.7", "90"]);
        assert_eq!(position(&chart.marks[1]), ["0.65", "0", "3.7", "90"]);
        assert_eq!(chart.marks[39].x, "95.65");
    }

    #[test]
    fn a_sparkline_has_refunds_below_zero_and_one_highlighted_month() {
        let months = [Some(20), Some(-10), None, Some(0)].map(|amount| (amount, String::new()));
        let position = |mark: &Mark| (mark.class, mark.y.clone(), mark.height.clone());
        let expected = |class, y: &str, height: &str| (class, y.to_owned(), height.to_owned());
        let marks: Vec<_> = Sparkline::new("t", &months, Some(1)).marks.iter().map(position).collect();
        assert_eq!(marks, [expected("", "0", "16"), expected("focus", "16", "8"), expected("", "15", "1")]);
        assert!(Sparkline::new("t", &months, Some(2)).marks.iter().all(|mark| mark.class.is_empty()));
    }

    #[test]
    fn labels_have_space_and_a_january_shows_its_year() {
        for months in [1, 7, 13, 14, 15, 36, 60] {
            let labels = labels(ColumnPeriod::Month, 2025 * 12 + 10, months, 1.0, Language::English);
            let narrow = labels.iter().filter(|label| label.class.is_empty()).count();
            assert!(labels.len() <= 15 && narrow <= 8, "{months}: {} {narrow}", labels.len());
        }
        let texts = |language: Language| {
            let of_a_year = labels(ColumnPeriod::Month, 2025 * 12 + 10, 4, 1.0, language);
            of_a_year.into_iter().map(|label| label.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(Language::English), ["Nov", "Dec", "2026", "Feb"]);
        assert_eq!(texts(Language::Portuguese), ["nov", "dez", "2026", "fev"]);
    }

    #[test]
    fn a_day_is_in_the_column_of_its_week() {
        let mut days = Series::default();
        // A Monday, and the Sunday of the same week.
        let first = 739_579;
        let mut cost = CostTotals::default();
        cost.runs = 8;
        let range = ChartRange {
            months: (0, 0),
            weeks: (0, 0),
            days: (first, first + 6),
            headline: None,
            zone: chrono_tz::Tz::UTC,
            language: Language::English,
        };
        assert_eq!((range.day(first), monday(week_of(first))), ("2025-11-24".to_owned(), first));
        for day in [first, first + 6] {
            days = with(days, day, DayRuns { cost, failed: 2 });
        }
        let calendar = DayCalendar::new("t", &days, &range);
        assert_eq!(calendar.marks.len(), 7);
        assert_eq!((calendar.marks[0].class, calendar.marks[0].y.as_str()), ("d4", "0"));
        assert_eq!((calendar.marks[6].class, calendar.marks[6].y.as_str()), ("d4", "84"));
        assert_eq!(calendar.failing.len(), 2);
        assert_eq!(calendar.shades, [(1, 2), (3, 4), (5, 6), (7, 8)]);
    }

    fn with(days: Series<DayRuns>, day: i32, runs: DayRuns) -> Series<DayRuns> {
        days.iter().copied().chain([(day, runs)]).collect()
    }
}
