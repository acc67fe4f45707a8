//! The content of the page: the overview as texts, tables and charts.

mod attention;
mod calendar;
mod cards;
mod change;
mod cost;
mod folds;
mod header;
mod leaders;
mod lists;
mod load;
mod pipelines;
mod prepared;
mod second_currency;
mod selection;
mod stacks;
mod success;
mod summaries;
mod times;

use super::Labels;
use super::chart::{ColumnChart, DayCalendar, coordinate};
use super::number::{Number, Numbers};
use super::range::ChartRange;
use super::stack::StackChart;
use crate::language::Language;
use crate::report::month_states::{CLOSED, MonthStates};
use crate::report::overview::calendar::month_label;
use crate::report::overview::{KINDS, Overview, Series, Sums};
use crate::run::{Share, Usd};
use askama::Template;
use attention::Attention;
use cards::{Cards, MonthTexts};
use change::ChangeSection;
use leaders::{Leader, SparkCurve};
use lists::{FailureRow, OutlierRow, UnknownRow};
use load::HeatMap;
use pipelines::PipelineRow;
use prepared::Prepared;
use second_currency::SecondCurrency;
use std::collections::BTreeMap;
use summaries::Summaries;
use times::{DURATION, QUEUE_TIME};

/// The maximum number of rows in a list.
const MAX_ROWS: usize = 15;

/// The CSS class of each kind, and its name in English, in the order of [`KINDS`].
const KIND_LABELS: [(&str, &str); KINDS.len()] = [
    ("source", "Source"),
    ("destination", "Destination"),
    ("transformation", "Transformation"),
    ("none", "No single pipeline"),
];

/// The CSS classes of the kinds and their names, in the order of a bar.
const KEYS: [(&str, &str); 4] = [KIND_LABELS[0], KIND_LABELS[2], KIND_LABELS[1], KIND_LABELS[3]];

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
    workspace: String,
    fresh: (String, String),
    scope: Vec<(&'static str, String)>,
    filter_note: Option<String>,
    /// The heading and the sentences of a page without runs.
    empty: Option<(String, Vec<String>)>,
    runs: u64,
    dashboard: Option<Dashboard>,
    total: Total,
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
    heat_map: Option<HeatMap>,
    load_table: DataTable,
    calendar: Option<DayCalendar>,
    calendar_table: DataTable,
    days_note: Option<String>,
    failures: Vec<FailureRow>,
    failures_more: String,
    unknown_facts: Vec<String>,
    unknown: Vec<UnknownRow>,
    unknown_more: String,
    outliers: Vec<OutlierRow>,
    charts: Vec<(String, String)>,
    data: String,
}

/// The parts of the page about the headline month.
#[derive(Debug)]
struct Dashboard {
    month: MonthTexts,
    cards: Cards,
    curves: [SparkCurve; 2],
    /// The first and the last month of the curves. Empty: there are no curves.
    curve_ends: (String, String),
    rate_caption: String,
    gauge: Option<Gauge>,
    /// Why there is no gauge.
    no_plan: &'static str,
    /// The options of the filter, each with its value: months, kinds, cost centers.
    months: Vec<(String, String)>,
    kinds: Vec<(String, String)>,
    centers: Vec<(String, String)>,
    keys: Vec<(&'static str, &'static str)>,
    has_forecast: bool,
    has_partial: bool,
    has_closed: bool,
    cost_chart: StackChart,
    day_chart: StackChart,
    credit_chart: StackChart,
    chart_notes: [String; 3],
    leaders: Vec<Leader>,
    rest: Option<Leader>,
    attention: Vec<Attention>,
    /// How many rows are folded. Empty: none are.
    attention_more: String,
    well: String,
}

/// The credits of the plan, in percent of the width.
#[derive(Debug)]
struct Gauge {
    label: String,
    used: String,
    expected: String,
    over: (String, String),
    mark: String,
    used_text: String,
    plan_text: String,
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
        let numbers = Numbers(language);
        let highest = range.dashboard().map(|month| {
            let costs = overview.pipelines.iter().filter_map(|of| of.months.get(month)?.cost.total());
            (month, costs.map(Usd::units).max().unwrap_or_default())
        });
        let page =
            ViewBuilder { overview, range, numbers, months: &labels.months, highest: highest.collect() };
        let data = Prepared::new(&page);
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
        View {
            style: "",
            script: "",
            style_hash: String::new(),
            script_hash: String::new(),
            language,
            title,
            workspace: labels.workspace.clone(),
            fresh: page.fresh(),
            scope: page.scope(labels),
            filter_note: page.filter_note(&data),
            empty: page.empty(),
            runs: total.runs,
            dashboard: page.dashboard(),
            total: Total {
                before: language.page("Total: ").to_owned(),
                value: numbers.money(total.total()),
                after: language.page_with(
                    " USD for {runs} runs{unknown}.",
                    &[
                        ("runs", &numbers.whole(total.runs)),
                        ("unknown", &page.of_them_unknown(total.runs_cost_unknown)),
                    ],
                ),
            },
            cost_table: page.cost_table(),
            second_currency: SecondCurrency::of(overview, range),
            months_note: page.months_note(),
            month_notes: page.month_notes(&labels.notes),
            pipelines: page.pipelines(),
            pipelines_more: page.pipelines_more(),
            change: page.change(),
            summaries: page.summaries(),
            took: page.times(DURATION, &overview.all.weeks),
            weeks_note: page.weeks_note(),
            took_table: page.times_table(DURATION),
            waited: page.times(QUEUE_TIME, &overview.all.weeks),
            waited_table: page.times_table(QUEUE_TIME),
            success: page.success(&overview.all.months),
            success_table: page.success_table(),
            heat_map: page.heat_map(),
            load_table: page.load_table(),
            calendar: page.calendar(&overview.all.days),
            days_note: page.days_note(),
            calendar_table: page.calendar_table(),
            failures: page.failures(),
            failures_more: page.failures_more(),
            unknown_facts: page.unknown_facts(),
            unknown: page.unknown(),
            unknown_more: page.unknown_more(),
            outliers: overview.outliers.iter().map(|outlier| page.outlier(outlier)).collect(),
            charts: data.charts,
            data: data.json,
        }
    }
}

/// Builds the parts of the page.
struct ViewBuilder<'o> {
    overview: &'o Overview,
    range: ChartRange,
    numbers: Numbers,
    /// The closed and running months.
    months: &'o MonthStates,
    /// The cost of the most expensive pipeline of each month, in nano-dollars.
    highest: BTreeMap<i32, i128>,
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

    /// The parts about the headline month. `None`: there is none, or it has no runs.
    fn dashboard(&self) -> Option<Dashboard> {
        let month = self.overview.headline_month.as_ref()?.month;
        let all = self.all();
        let leaders = self.leaders(&all, month);
        let cards = self.cards(&all, month);
        let curve_ends = self.sparkline_ends();
        let attention = self.attention();
        let groups = self.groups();
        let options = |filter: &str| {
            let groups = groups.iter().filter(|group| group.selection.filter() == filter);
            groups.map(|group| (self.selection_key(group), self.selection_name(group))).collect()
        };
        let months: Vec<MonthTexts> =
            self.range.dashboard().rev().map(|month| self.month_texts(month)).collect();
        let used = |class: &str| {
            let kind = KIND_LABELS.iter().position(|(kind, _)| *kind == class);
            kind.is_some_and(|kind| self.overview.kinds[kind].total.cost.runs > 0)
        };
        (self.overview.all.total.cost.runs > 0).then(|| Dashboard {
            curves: self.sparklines(&all),
            rate_caption: self.filled("Rate since {month}", &[("month", &curve_ends.0)]),
            curve_ends,
            gauge: self.gauge(month),
            no_plan: self.language().page(match self.months.is_as_closed(&month_label(month)) {
                true => "No plan was set when the month was closed.",
                false => "Set the plan in runledger.toml to compare credits with it.",
            }),
            has_forecast: self.has_forecast(month),
            has_partial: self.range.dashboard().any(|month| self.is_partial(month)),
            has_closed: months.iter().any(|month| self.months.mark(&month.key) == Some(CLOSED)),
            months: months.into_iter().map(|month| (month.key, month.option)).collect(),
            kinds: options("kind"),
            centers: options("center"),
            keys: KEYS
                .into_iter()
                .filter(|(class, _)| used(class))
                .map(|(class, label)| (class, self.language().page(label)))
                .collect(),
            cost_chart: self.cost_chart(&all),
            day_chart: self.day_chart(month),
            credit_chart: self.credit_chart(&all),
            chart_notes: self.chart_notes(Some(month)),
            leaders: leaders
                .pipelines
                .iter()
                .map(|index| self.leader(&self.pipeline(*index), month))
                .collect(),
            rest: leaders.rest,
            well: self.well(&attention),
            attention_more: match attention.len().saturating_sub(attention::MAX_ROWS) {
                0 => String::new(),
                more => self.filled("{count} more", &[("count", &self.numbers.whole(more as u64))]),
            },
            attention,
            month: self.month_texts(month),
            cards,
        })
    }

    /// The credits against the plan. `None`: there is no plan.
    fn gauge(&self, month: i32) -> Option<Gauge> {
        let terms = self.overview.scope.terms_of(&month_label(month));
        let available = terms.available_credits().filter(|available| *available > 0)?;
        let used = self.sums(month).cost.credits;
        let forecast = self.credits_forecast(month).filter(|_| self.has_forecast(month));
        let expected = forecast.and_then(|forecast| forecast.expected).unwrap_or(used).max(used);
        let whole = expected.max(available);
        let percent = |credits: u64| coordinate(100.0 * credits as f64 / whole as f64);
        let share = Share::ratio(used.into(), available.into())?;
        let text = |credits: u64| self.numbers.whole(credits);
        Some(Gauge {
            label: self.filled(
                "{used} used, {expected} expected, plan {plan}",
                &[("used", &text(used)), ("expected", &text(expected)), ("plan", &text(available))],
            ),
            used: percent(used),
            expected: percent(expected - used),
            over: (percent(available), percent(expected.saturating_sub(available))),
            mark: percent(available),
            used_text: self.filled("{share} used", &[("share", &self.numbers.percent(share))]),
            plan_text: self.filled("Plan {amount}", &[("amount", &text(available))]),
        })
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
        days.map(|(_, runs)| runs.cost.runs).sum()
    }
}

/// Adds up the selected periods.
fn merged(series: &Series<Sums>, is_selected: impl Fn(i32) -> bool) -> Sums {
    let mut merged = Sums::default();
    series.iter().filter(|(number, _)| is_selected(*number)).for_each(|(_, sums)| merged.merge(*sums));
    merged
}
