//! This is a chart of the page: where its marks stand, sideways in percent so that it fits any width.

use super::number::grouped;
use super::scale::Scale;
use crate::report::overview::calendar::{day_label, monday, month_label, month_of, week_of};
use crate::report::overview::{DayRuns, Series};
use askama::Template;

/// The height of what is drawn, in pixels.
pub const HEIGHT: u32 = 180;

/// The part of a column's room that it fills.
const FILLED: f64 = 0.74;

/// The names of the months where there is little room; a year stands in the place of its January.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// From how many months one is labelled.
const STEPS: [i32; 6] = [1, 2, 3, 6, 12, 60];

/// How many labels fit on a phone, and elsewhere.
const LABELS_ON_A_PHONE: i32 = 7;
const LABELS: i32 = 14;

/// How many weeks a calendar shows: as many as a year can touch.
pub const CALENDAR_WEEKS: i32 = 54;

/// The rows of a calendar in pixels, and how much of a row its cell fills.
const ROW: u32 = 14;
const CELL: u32 = 12;

/// A chart of columns, one a month or a week.
#[derive(Debug, Clone, Template)]
#[template(path = "columns.html")]
pub struct Columns {
    /// Tells it from the page's others.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// What there is to see, in words.
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
    /// `wide` for one that a phone has no room for.
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
pub struct Segment {
    /// Where it begins and ends, in the scale's units.
    pub from: i128,
    /// As `from`.
    pub to: i128,
    /// What it is drawn as.
    pub class: &'static str,
    /// What it says.
    pub title: String,
}

/// What the columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// Months.
    Month,
    /// Weeks.
    Week,
}

impl Each {
    /// The least number of columns that there is room for, so that few do not become slabs.
    pub fn least(self) -> i32 {
        match self {
            Each::Month => 8,
            Each::Week => 26,
        }
    }

    /// The month that begins in the column of that number. `None`: none does.
    fn begins(self, number: i32) -> Option<i32> {
        match self {
            Each::Month => Some(number),
            Each::Week => month_of(monday(number) + 6)
                .filter(|month| month_of(monday(number) - 1).is_none_or(|before| before != *month)),
        }
    }
}

impl Columns {
    /// The columns of the numbers from `first` on.
    pub fn new(
        id: &'static str,
        title: impl Into<String>,
        description: impl Into<String>,
        (each, first): (Each, i32),
        scale: Scale,
        columns: &[Vec<Segment>],
    ) -> Columns {
        let room = room(each, columns.len());
        let mut marks = Vec::new();
        for (place, segment) in
            (0..).zip(columns).flat_map(|(place, column)| column.iter().map(move |s| (place, s)))
        {
            let (top, bottom) = (segment.from.max(segment.to), segment.from.min(segment.to));
            let (y, height) = (scale.y(top, HEIGHT), scale.y(bottom, HEIGHT) - scale.y(top, HEIGHT));
            // What is there is seen, however little.
            let height = height.max(if segment.class == "rate" { 3.0 } else { 1.0 });
            marks.push(Mark {
                class: segment.class,
                x: number(room * (f64::from(place) + (1.0 - FILLED) / 2.0)),
                width: number(room * FILLED),
                y: number(y),
                height: number(height),
                title: segment.title.clone(),
            });
        }
        let ticks =
            scale.ticks().into_iter().map(|(value, label)| Tick { y: number(scale.y(value, HEIGHT)), label });
        let count = i32::try_from(columns.len()).unwrap_or(i32::MAX);
        Columns {
            id,
            title: title.into(),
            description: description.into(),
            ticks: ticks.collect(),
            labels: labels(each, first, count, room),
            marks,
        }
    }
}

/// What is the room of a column, in percent.
pub fn room(each: Each, columns: usize) -> f64 {
    100.0 / f64::from(i32::try_from(columns).unwrap_or(i32::MAX).max(each.least()))
}

/// The names of the months below the columns, as many as fit.
fn labels(each: Each, first: i32, count: i32, room: f64) -> Vec<Label> {
    let begun: Vec<(i32, i32)> =
        (0..count).filter_map(|place| Some((place, each.begins(first.checked_add(place)?)?))).collect();
    let months = begun.len() as i32;
    let step = |most: i32| STEPS.into_iter().find(|step| months <= step * most).unwrap_or(STEPS[5]);
    let (wide, narrow) = (step(LABELS), step(LABELS_ON_A_PHONE));
    begun
        .into_iter()
        .filter(|(_, month)| month.rem_euclid(12) % wide == 0 || month % wide == 0)
        .map(|(place, month)| Label {
            x: number(room * (f64::from(place) + 0.5)),
            text: month_name(month),
            class: if month % narrow == 0 { "" } else { "wide" },
        })
        .collect()
}

fn month_name(month: i32) -> String {
    match month.rem_euclid(12) {
        0 => month_label(month)[..4].to_owned(),
        place => MONTHS[place as usize].to_owned(),
    }
}

/// A number with at most two decimals, rounded as the page's script rounds it.
fn number(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}

/// A line of small columns, one a month.
#[derive(Debug, Clone, Template)]
#[template(path = "spark.html")]
pub struct Spark {
    /// What it shows.
    pub title: String,
    width: u32,
    marks: Vec<Mark>,
}

/// The size of a line of small columns, in pixels.
const SPARK_HEIGHT: u32 = 24;
const SPARK_ROOM: u32 = 7;

impl Spark {
    /// The amounts with what they say, those of the month that comes first apart. `None`: not known, and no such month.
    pub fn new(title: impl Into<String>, months: &[(Option<i128>, String)], focus: Option<usize>) -> Spark {
        let known = || months.iter().filter_map(|(amount, _)| *amount);
        let (high, low) = (known().max().unwrap_or(0).max(0), known().min().unwrap_or(0).min(0));
        let pixels = |units: i128| units as f64 / (high - low).max(1) as f64 * f64::from(SPARK_HEIGHT);
        let marks = (0..).zip(months).filter_map(|(place, (amount, title))| {
            let amount = (*amount)?;
            // What is there is seen, however little.
            let height = pixels(amount.abs()).max(1.0);
            Some(Mark {
                class: if focus == Some(place as usize) { "focus" } else { "" },
                x: (place * SPARK_ROOM).to_string(),
                width: (SPARK_ROOM - 2).to_string(),
                // Refunds stand below nothing.
                y: number(if amount < 0 { pixels(high) } else { (pixels(high) - height).max(0.0) }),
                height: number(height),
                title: title.clone(),
            })
        });
        Spark { title: title.into(), marks: marks.collect(), width: months.len() as u32 * SPARK_ROOM }
    }
}

/// A calendar: weeks as columns, the days from Monday to Sunday as rows.
#[derive(Debug, Clone, Template)]
#[template(path = "calendar.html")]
pub struct DayCalendar {
    /// What it shows.
    pub title: String,
    /// What there is to see, in words.
    pub description: String,
    labels: Vec<Label>,
    marks: Vec<Mark>,
    failing: Vec<(String, u32)>,
    /// What the shades mean, from the lightest: from how many runs to how many.
    pub shades: Vec<(u64, u64)>,
    height: u32,
}

/// The shades of a calendar.
const SHADES: [&str; 5] = ["d0", "d1", "d2", "d3", "d4"];

/// A day is marked when one run in so many failed.
const FAILING: u64 = 5;

/// The shade of a day with so many runs where the busiest has `most`.
pub fn shade(runs: u64, most: u64) -> usize {
    if runs == 0 { 0 } else { ((runs * 4).div_ceil(most.max(1)) as usize).min(4) }
}

impl DayCalendar {
    /// The weeks until the one of `last`, as far as the first day goes back.
    pub fn new(title: impl Into<String>, days: &Series<DayRuns>, (first, last): (i32, i32)) -> DayCalendar {
        let last_week = week_of(last);
        let first_week = week_of(first).max(last_week - CALENDAR_WEEKS + 1);
        let room = room(Each::Week, (last_week - first_week + 1) as usize);
        let shown = |day: &i32| *day >= monday(first_week) && *day <= last;
        let most = days.iter().filter(|(day, _)| shown(day)).map(|(_, runs)| runs.runs).max().unwrap_or(0);
        let (mut marks, mut failing) = (Vec::new(), Vec::new());
        for day in monday(first_week).max(first)..=last {
            let DayRuns { runs, failed } = days.get(day).copied().unwrap_or_default();
            let (column, row) = (week_of(day) - first_week, (day - monday(week_of(day))) as u32);
            let x = room * (f64::from(column) + (1.0 - 0.84) / 2.0);
            marks.push(Mark {
                class: SHADES[shade(runs, most)],
                x: number(x),
                y: (row * ROW).to_string(),
                width: number(room * 0.84),
                height: CELL.to_string(),
                title: day_words(&day_label(day), runs, failed),
            });
            if failed * FAILING >= runs && failed > 0 {
                failing.push((number(room * (f64::from(column) + 0.5)), row * ROW + CELL / 2));
            }
        }
        let shades = (1..=4_u64).map(|shade| (most * (shade - 1) / 4 + 1, most * shade / 4));
        let shades = if most == 0 { Vec::new() } else { shades.filter(|(from, to)| from <= to).collect() };
        DayCalendar {
            title: title.into(),
            description: format!(
                "The busiest day has {most} runs. A dot marks a day on which one run in {FAILING} failed, or more."
            ),
            labels: labels(Each::Week, first_week, last_week - first_week + 1, room),
            marks,
            failing,
            shades,
            height: 6 * ROW + CELL,
        }
    }
}

fn day_words(day: &str, runs: u64, failed: u64) -> String {
    let [many, failures] = [runs, failed].map(|count| grouped(&count.to_string()));
    match (runs, failed) {
        (0, _) => format!("{day}: no runs"),
        (1, 0) => format!("{day}: 1 run"),
        (1, _) => format!("{day}: 1 run, {failures} failed"),
        (_, 0) => format!("{day}: {many} runs"),
        (_, _) => format!("{day}: {many} runs, {failures} failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::html::scale::Unit;

    #[test]
    fn a_stack_stands_on_itself_and_fills_its_room() {
        let segment = |from, to| Segment { from, to, class: "source", title: String::new() };
        let columns = vec![vec![segment(0, 50), segment(50, 100)]; 20];
        let scale = Scale::over(Unit::Usd, 0, 100);
        let chart = Columns::new("c", "t", "d", (Each::Month, 24_300), scale, &columns);
        let place = |mark: &Mark| [mark.x.as_str(), &mark.y, &mark.width, &mark.height].map(str::to_owned);
        assert_eq!(place(&chart.marks[0]), ["0.65", "90", "3.7", "90"]);
        assert_eq!(place(&chart.marks[1]), ["0.65", "0", "3.7", "90"]);
        assert_eq!(chart.marks[39].x, "95.65");
    }

    #[test]
    fn a_trend_shows_refunds_below_nothing_and_the_month_that_comes_first_apart() {
        let months = [Some(20), Some(-10), None, Some(0)].map(|amount| (amount, String::new()));
        let place = |mark: &Mark| (mark.class, mark.y.clone(), mark.height.clone());
        let told = |class, y: &str, height: &str| (class, y.to_owned(), height.to_owned());
        let marks: Vec<_> = Spark::new("t", &months, Some(1)).marks.iter().map(place).collect();
        assert_eq!(marks, [told("", "0", "16"), told("focus", "16", "8"), told("", "15", "1")]);
        assert!(Spark::new("t", &months, Some(2)).marks.iter().all(|mark| mark.class.is_empty()));
    }

    #[test]
    fn labels_do_not_crowd_and_a_year_takes_the_place_of_its_january() {
        for months in [1, 7, 13, 14, 15, 36, 60] {
            let labels = labels(Each::Month, 2025 * 12 + 10, months, 1.0);
            let on_a_phone = labels.iter().filter(|label| label.class.is_empty()).count();
            assert!(labels.len() <= 15 && on_a_phone <= 8, "{months}: {} {on_a_phone}", labels.len());
        }
        let of_a_year = labels(Each::Month, 2025 * 12 + 10, 4, 1.0);
        let texts: Vec<&str> = of_a_year.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(texts, ["Nov", "Dec", "2026", "Feb"]);
    }

    #[test]
    fn a_day_has_its_week_and_its_row() {
        let mut days = Series::default();
        // A Monday and the Sunday after it.
        let first = 739_579;
        assert_eq!((day_label(first), monday(week_of(first))), ("2025-11-24".to_owned(), first));
        for day in [first, first + 6] {
            days = with(days, day, DayRuns { runs: 8, failed: 2 });
        }
        let calendar = DayCalendar::new("t", &days, (first, first + 6));
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
