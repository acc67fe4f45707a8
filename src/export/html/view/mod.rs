//! The content of the page: the overview as texts, tables and charts.

mod calendar;
mod change;
mod cost;
mod header;
mod headline;
mod lists;
mod pipelines;
mod second_currency;
mod success;
mod summaries;
mod times;

use super::Labels;
use super::chart::{ColumnChart, DayCalendar};
use super::data::ScriptData;
use super::number::{Number, Numbers};
use super::range::ChartRange;
use crate::language::Language;
use crate::report::month_states::MonthStates;
use crate::report::overview::{KINDS, Overview, Series, Sums};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use askama::Template;
use change::ChangeSection;
use headline::Tile;
use lists::{FailureRow, OutlierRow, UnknownRow};
use pipelines::PipelineRow;
use second_currency::SecondCurrency;
use summaries::Summaries;

/// The maximum number of rows in a list.
const MAX_ROWS: usize = 15;

/// The CSS class of each kind, and its name in English, in the order of [`KINDS`].
const KIND_LABELS: [(&str, &str); KINDS.len()] = [
    ("source", "sources"),
    ("destination", "destinations"),
    ("transformation", "transformations"),
    ("none", "no single pipeline"),
];

/// The page.
#[derive(Debug, Template)]
#[template(path = "page.html")]
pub(super) struct View {
    pub style: &'static str,
    pub script: &'static str,
    pub style_hash: String,
    pub script_hash: String,
    language: Language,
    title: String,
    lead: String,
    badge: Option<String>,
    scope: Vec<(&'static str, String)>,
    filter_note: Option<String>,
    runs: u64,
    tiles: Vec<Tile>,
    total: Total,
    kinds: Vec<(&'static str, &'static str)>,
    cost: Option<ColumnChart>,
    cost_table: DataTable,
    second_currency: Option<SecondCurrency>,
    months_note: Option<String>,
    month_notes: Vec<String>,
    pipelines: Vec<PipelineRow>,
    pipelines_more: String,
    change: Option<ChangeSection>,
    summaries: Summaries,
    took: Option<ColumnChart>,
    took_table: DataTable,
    weeks_note: Option<String>,
    waited: Option<ColumnChart>,
    waited_table: DataTable,
    success: Option<ColumnChart>,
    success_table: DataTable,
    calendar: Option<DayCalendar>,
    calendar_table: DataTable,
    days_note: Option<String>,
    shades: Vec<(&'static str, String)>,
    failures: Vec<FailureRow>,
    failures_more: String,
    unknown_facts: Vec<String>,
    unknown: Vec<UnknownRow>,
    unknown_more: String,
    outliers: Vec<OutlierRow>,
    freshness: String,
    data: String,
}

/// The total cost in a sentence.
#[derive(Debug)]
struct Total {
    before: String,
    value: Number,
    after: String,
}

/// The table of a chart's figures.
#[derive(Debug, Template)]
#[template(path = "table.html")]
struct DataTable {
    id: &'static str,
    summary: &'static str,
    caption: String,
    headings: Vec<&'static str>,
    rows: Vec<(String, Vec<Number>)>,
}

impl View {
    /// A text of the page.
    fn t(&self, english: &'static str) -> &'static str {
        self.language.page(english)
    }

    /// Builds the page, without style and script.
    pub(super) fn new(overview: &Overview, labels: &Labels, language: Language) -> View {
        let range = ChartRange::new(overview, language);
        let data = ScriptData::new(overview, &range);
        let numbers = Numbers(language);
        let page =
            ViewBuilder { overview, range, numbers, selectable: &data.selectable, months: &labels.months };
        let scope = &overview.scope;
        let title = match (&scope.period, &overview.headline_month) {
            (Some(period), _) => {
                language.page_with("Pipeline runs of {period}", &[("period", &range.period(period))])
            }
            (None, Some(headline)) => {
                language.page_with("Pipeline runs until {month}", &[("month", &range.month(headline.month))])
            }
            (None, None) => language.page("Pipeline runs").to_owned(),
        };
        let total = &overview.all.total.cost;
        let calendar = page.calendar();
        View {
            style: "",
            script: "",
            style_hash: String::new(),
            script_hash: String::new(),
            language,
            title,
            lead: page.lead(),
            badge: page.badge(),
            scope: page.scope(&labels.state),
            filter_note: page.filter_note(&data),
            runs: total.runs,
            tiles: page.tiles(),
            total: Total {
                before: language.page("Total: ").to_owned(),
                value: numbers.usd(total.total(), USD_DECIMALS_FOR_PEOPLE),
                after: language.page_with(
                    " USD for {runs} runs{unknown}.",
                    &[
                        ("runs", &numbers.whole(total.runs)),
                        ("unknown", &page.of_them_unknown(total.runs_cost_unknown)),
                    ],
                ),
            },
            kinds: page.kind_labels(),
            cost: page.cost(),
            cost_table: page.cost_table(),
            second_currency: SecondCurrency::of(overview, range),
            months_note: page.months_note(),
            month_notes: page.month_notes(&labels.notes),
            pipelines: page.pipelines(),
            pipelines_more: page.pipelines_more(),
            change: page.change(),
            summaries: page.summaries(),
            took: page.times("took", language.page("Duration of runs by week"), |times| times.duration),
            weeks_note: page.weeks_note(),
            took_table: page
                .times_table("took", language.page("Duration of runs by week"), |times| times.duration),
            waited: page.times("waited", language.page("Queue time of runs by week"), |times| times.queued),
            waited_table: page
                .times_table("waited", language.page("Queue time of runs by week"), |times| times.queued),
            success: page.success(),
            success_table: page.success_table(),
            shades: calendar.as_ref().map(calendar::shades).unwrap_or_default(),
            calendar,
            days_note: page.days_note(),
            calendar_table: page.calendar_table(),
            failures: page.failures(),
            failures_more: page.failures_more(),
            unknown_facts: page.unknown_facts(),
            unknown: page.unknown(),
            unknown_more: page.unknown_more(),
            outliers: overview.outliers.iter().map(|outlier| page.outlier(outlier)).collect(),
            freshness: page.freshness(),
            data: data.json,
        }
    }
}

/// Builds the parts of the page.
struct ViewBuilder<'o> {
    overview: &'o Overview,
    range: ChartRange,
    numbers: Numbers,
    /// The indexes of the pipelines that the filter can select.
    selectable: &'o [usize],
    /// The closed and running months.
    months: &'o MonthStates,
}

impl ViewBuilder<'_> {
    fn language(&self) -> Language {
        self.range.language
    }

    /// A text of the page.
    fn text(&self, english: &'static str) -> String {
        self.language().page(english).to_owned()
    }

    /// A text of the page, with a value for each placeholder.
    fn filled(&self, english: &'static str, values: &[(&str, &str)]) -> String {
        self.language().page_with(english, values)
    }

    fn sums(&self, month: i32) -> Sums {
        self.overview.all.months.get(month).copied().unwrap_or_default()
    }

    /// The note about runs after the range of a chart, which ends with `last`. `None`: there are none.
    fn later_note(&self, runs: u64, last: &str) -> Option<String> {
        let runs = self.numbers.whole(Some(runs).filter(|runs| *runs > 0)?);
        let last = if last.is_empty() { self.text("the last observation") } else { last.to_owned() };
        Some(self.filled(
            "Runs booked after {last}, included in the totals but not shown: {runs}.",
            &[("last", &last), ("runs", &runs)],
        ))
    }

    /// `, 8 of them without a known cost`; empty if there are none.
    fn of_them_unknown(&self, unknown: u64) -> String {
        match unknown {
            0 => String::new(),
            unknown => self.filled(
                ", {unknown} of them without a known cost",
                &[("unknown", &self.numbers.whole(unknown))],
            ),
        }
    }

    fn runs_after(&self, last: i32) -> u64 {
        let days = self.overview.all.days.iter().rev().take_while(|(day, _)| *day > last);
        days.map(|(_, runs)| runs.runs).sum()
    }
}

/// Adds up the selected periods.
fn merged(series: &Series<Sums>, is_selected: impl Fn(i32) -> bool) -> Sums {
    let mut merged = Sums::default();
    series.iter().filter(|(number, _)| is_selected(*number)).for_each(|(_, sums)| merged.merge(*sums));
    merged
}
