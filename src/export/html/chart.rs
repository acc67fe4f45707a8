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
    frame: ColumnFrame,
    ticks: Vec<Tick>,
    labels: Vec<Label>,
    /// The width of a mark, in percent.
    width: String,
    columns: Vec<Marks>,
}

/// What a column chart is about, and how its marks look.
#[derive(Debug, Clone)]
pub(super) struct ColumnFrame {
    /// The id of the chart in the page.
    pub id: &'static str,
    /// The title for screen readers.
    pub title: String,
    /// The description for screen readers.
    pub description: String,
    /// The period of a column, and the number of the first.
    pub periods: (ColumnPeriod, i32),
    /// The CSS class of each mark of a column, in the order in which they are drawn.
    pub classes: &'static [&'static str],
    /// The height of a mark, in pixels. One with the height of the plot is cut off at the axis.
    pub mark_height: u32,
}

/// The marks of a column.
#[derive(Debug, Clone)]
struct Marks {
    x: String,
    /// Empty: nothing is known about the period, and its marks are below the plot.
    title: String,
    /// The upper end of each mark, in pixels from the top of the plot.
    tops: Vec<u32>,
}

/// A tick: its distance from the top in pixels, and its label.
type Tick = (String, String);

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

/// A column: the value of each mark in the unit of the scale, and the tooltip.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// In the order of [`ColumnFrame::classes`].
    pub values: Vec<i128>,
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
    /// A chart of consecutive periods. `None`: nothing is known about the period.
    pub(super) fn new(
        frame: ColumnFrame,
        scale: Scale,
        columns: &[Option<Column>],
        language: Language,
    ) -> ColumnChart {
        let (period, first) = frame.periods;
        let width = column_width(period, columns.len());
        // Every mark is visible, however small its value.
        let visible = if frame.mark_height < HEIGHT { frame.mark_height } else { 1 };
        let top =
            |value: &i128| scale.y(*value, HEIGHT).round().clamp(0.0, f64::from(HEIGHT - visible)) as u32;
        let marks = (0..).zip(columns).map(|(index, column)| Marks {
            x: coordinate(width * (f64::from(index) + (1.0 - BAR_SHARE) / 2.0)),
            title: column.as_ref().map(|column| column.title.clone()).unwrap_or_default(),
            tops: match column {
                Some(column) => column.values.iter().map(top).collect(),
                None => vec![HEIGHT; frame.classes.len()],
            },
        });
        let columns = marks.collect::<Vec<_>>();
        let ticks = scale.ticks(Numbers(language)).into_iter();
        let count = i32::try_from(columns.len()).unwrap_or(i32::MAX);
        ColumnChart {
            ticks: ticks.map(|(value, label)| (coordinate(scale.y(value, HEIGHT)), label)).collect(),
            labels: labels(period, first, count, width, language),
            width: coordinate(width * BAR_SHARE),
            columns,
            frame,
        }
    }

    /// What the script puts into the chart of all runs to show this one: the ticks, and the upper ends of all marks,
    /// each as two digits to the base of 36.
    pub(super) fn figures(&self) -> (&[Tick], String) {
        let tops = self.columns.iter().flat_map(|column| &column.tops);
        let digits = tops.flat_map(|top| [top / 36, top % 36]);
        (&self.ticks, digits.filter_map(|digit| char::from_digit(digit, 36)).collect())
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
    /// The runs per day of each shade, from the lightest. Empty: no day can have the shade.
    pub legend: [String; SHADES],
    /// The names of the first, third and fifth row.
    weekdays: [&'static str; 3],
    height: u32,
}

/// The CSS class of each shade without runs, and then from few to many.
const SHADE_CLASSES: [&str; 2 * SHADES - 1] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8"];

/// The number of shades. Those of a failing day follow, which are only for days with runs.
pub(super) const SHADES: usize = 5;

/// A day is marked if at least one run in this many failed.
const FAILURE_RATIO: u64 = 5;

/// The shade of a day, if the busiest day has `max` runs.
fn shade(runs: u64, max: u64) -> usize {
    if runs == 0 { 0 } else { ((runs * 4).div_ceil(max.max(1)) as usize).min(SHADES - 1) }
}

/// The runs per day of a shade: `3–4`. Empty: no day can have the shade.
fn runs_of_shade(shade: usize, max: u64) -> String {
    let shade = shade as u64;
    match (max * shade.saturating_sub(1) / 4 + 1, max * shade / 4) {
        _ if shade == 0 => "0".to_owned(),
        (from, to) if from < to => format!("{from}–{to}"),
        (from, to) if from == to => from.to_string(),
        _ => String::new(),
    }
}

/// The shades of the days of a calendar.
pub(super) struct Shades {
    first_week: i32,
    first_day: i32,
    /// By day, from the first.
    of_days: Vec<usize>,
    /// The runs of the busiest day.
    max: u64,
}

impl Shades {
    /// The weeks up to the last one of the range.
    pub(super) fn new(days: &Series<DayRuns>, range: &ChartRange) -> Shades {
        let (first, last) = range.days;
        let first_week = week_of(first).max(week_of(last) - CALENDAR_WEEKS + 1);
        let first_day = monday(first_week).max(first);
        let visible = (first_day..=last).map(|day| days.get(day).copied().unwrap_or_default());
        let visible: Vec<DayRuns> = visible.collect();
        let max = visible.iter().map(|day| day.cost.runs).max().unwrap_or_default();
        let shade_of = |day: DayRuns| {
            let is_failing = day.failed * FAILURE_RATIO >= day.cost.runs && day.failed > 0;
            shade(day.cost.runs, max) + if is_failing { SHADES - 1 } else { 0 }
        };
        Shades { first_week, first_day, of_days: visible.into_iter().map(shade_of).collect(), max }
    }

    /// The runs per day of each shade, from the lightest. Empty: no day can have the shade.
    pub(super) fn legend(&self) -> [String; SHADES] {
        std::array::from_fn(|shade| runs_of_shade(shade, self.max))
    }

    /// The shades of all days, each as one digit. The script puts them into the calendar of all runs.
    pub(super) fn digits(&self) -> String {
        self.of_days.iter().map(usize::to_string).collect()
    }
}

impl DayCalendar {
    /// The calendar of some days.
    pub(super) fn new(title: impl Into<String>, days: &Series<DayRuns>, range: &ChartRange) -> DayCalendar {
        let shades = Shades::new(days, range);
        let (first_week, language) = (shades.first_week, range.language);
        let weeks = week_of(range.days.1) - first_week + 1;
        let width = column_width(ColumnPeriod::Week, weeks as usize);
        let marks = (shades.first_day..).zip(&shades.of_days).map(|(day, shade)| {
            let DayRuns { cost, failed } = days.get(day).copied().unwrap_or_default();
            let (column, row) = (week_of(day) - first_week, (day - monday(week_of(day))) as u32);
            let x = width * (f64::from(column) + (1.0 - 0.84) / 2.0);
            Mark {
                class: SHADE_CLASSES[*shade],
                x: coordinate(x),
                y: (row * ROW_HEIGHT).to_string(),
                width: coordinate(width * 0.84),
                height: CELL_HEIGHT.to_string(),
                title: day_title(&range.day(day), cost.runs, failed, language),
            }
        });
        DayCalendar {
            title: title.into(),
            description: language.page_with(
                "The busiest day has {max} runs. A dot marks a day on which at least one run in {ratio} failed.",
                &[("max", &Numbers(language).whole(shades.max)), ("ratio", &FAILURE_RATIO.to_string())],
            ),
            labels: labels(ColumnPeriod::Week, first_week, weeks, width, language),
            weekdays: ["Mon", "Wed", "Fri"].map(|day| language.page(day)),
            marks: marks.collect(),
            legend: shades.legend(),
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

    fn chart(mark_height: u32, columns: &[Option<Vec<i128>>]) -> ColumnChart {
        let frame = ColumnFrame {
            id: "c",
            title: "t".to_owned(),
            description: "d".to_owned(),
            periods: (ColumnPeriod::Month, 24_300),
            classes: if mark_height == HEIGHT { &["p95", "p50"] } else { &["rate"] },
            mark_height,
        };
        let column = |values: &Vec<i128>| Column { values: values.clone(), title: "October".to_owned() };
        let columns: Vec<_> = columns.iter().map(|values| values.as_ref().map(column)).collect();
        ColumnChart::new(frame, Scale::new(Unit::Usd, 0, 100), &columns, Language::English)
    }

    #[test]
    fn the_marks_of_a_column_start_at_their_value() {
        let chart = chart(HEIGHT, &[vec![Some(vec![100, 50]); 18], vec![Some(vec![0, -9]), None]].concat());
        assert_eq!((chart.width.as_str(), chart.columns[0].x.as_str()), ("3.7", "0.65"));
        assert_eq!((chart.columns[19].x.as_str(), chart.columns[0].title.as_str()), ("95.65", "October"));
        let tops: Vec<_> = chart.columns[17..].iter().map(|column| column.tops.as_slice()).collect();
        assert_eq!(
            tops,
            [[0, 90], [179, 179], [180, 180]],
            "the least value is visible, an unknown one is not"
        );
    }

    #[test]
    fn the_script_gets_ticks_and_two_digits_for_each_mark() {
        let of_times = chart(HEIGHT, &[Some(vec![100, 50]), None]);
        let (ticks, tops) = of_times.figures();
        assert_eq!(ticks.first().map(|(y, label)| (y.as_str(), label.as_str())), Some(("180", "0")));
        assert_eq!(tops, "002i5050");
        assert_eq!(chart(3, &[Some(vec![0])]).figures().1, "4x", "a mark at the axis is in the plot");
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
        assert_eq!((calendar.marks[0].class, calendar.marks[0].y.as_str()), ("d8", "0"));
        assert_eq!((calendar.marks[6].class, calendar.marks[6].y.as_str()), ("d8", "84"));
        assert_eq!(calendar.legend, ["0", "1–2", "3–4", "5–6", "7–8"]);
        assert_eq!(Shades::new(&days, &range).digits(), "8000008");
    }

    #[test]
    fn the_legend_of_a_calendar_matches_its_shades() {
        for max in 1..=40 {
            let legend: Vec<String> = (0..SHADES).map(|shade| runs_of_shade(shade, max)).collect();
            for runs in 0..=max {
                let ends: Vec<u64> =
                    legend[shade(runs, max)].split('–').map(|end| end.parse().unwrap()).collect();
                assert!(ends[0] <= runs && runs <= ends[ends.len() - 1], "{runs} of {max}: {legend:?}");
            }
        }
    }

    fn with(days: Series<DayRuns>, day: i32, runs: DayRuns) -> Series<DayRuns> {
        days.iter().copied().chain([(day, runs)]).collect()
    }
}
