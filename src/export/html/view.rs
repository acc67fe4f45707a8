//! This is what the page says: the overview put into words, tables and charts.

use super::chart::{CALENDAR_WEEKS, Columns, DayCalendar, Each, HEIGHT, Segment, Spark};
use super::data::{Data, TOP};
use super::label::{is_visible, on_a_line};
use super::number::{FEW_DECIMALS, Figure, change, grouped, lasting, percent};
use super::range::Shown;
use super::scale::{Scale, Unit};
use crate::report::DateBasis;
use crate::report::overview::calendar::{day_label, monday, month_label, week_label, week_of};
use crate::report::overview::{
    ControlBand, KINDS, Outlier, Overview, Percentiles, PipelineSummary, Series, Sums, Times,
};
use crate::report::period::Calendar;
use crate::report::period::Period;
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::run::{Instant, Seconds, Share, Usd};
use askama::Template;
use chrono::TimeDelta;

/// The most rows of a list.
const ROWS: usize = 15;

/// How kinds are drawn, and what they are called: in the order of [`KINDS`].
const KIND_WORDS: [(&str, &str); KINDS.len()] = [
    ("source", "sources"),
    ("destination", "destinations"),
    ("transformation", "transformations"),
    ("none", "no one pipeline"),
];

/// The page.
#[derive(Debug, Template)]
#[template(path = "page.html")]
pub struct View {
    pub style: &'static str,
    pub script: &'static str,
    pub style_hash: String,
    pub script_hash: String,
    title: String,
    lead: String,
    scope: Vec<(&'static str, String)>,
    filter_note: Option<String>,
    runs: u64,
    tiles: Vec<Tile>,
    total: Told,
    kinds: Vec<(&'static str, &'static str)>,
    cost: Option<Columns>,
    cost_table: DataTable,
    months_note: Option<String>,
    pipelines: Vec<PipelineRow>,
    pipelines_more: String,
    took: Option<Columns>,
    took_table: DataTable,
    weeks_note: Option<String>,
    waited: Option<Columns>,
    waited_table: DataTable,
    success: Option<Columns>,
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
    fed: String,
    data: String,
}

/// A figure in a sentence.
#[derive(Debug)]
struct Told {
    before: String,
    value: Figure,
    after: String,
}

/// One of the figures that come first.
#[derive(Debug)]
struct Tile {
    id: &'static str,
    heading: String,
    value: Figure,
    unit: &'static str,
    meter: Option<(u64, u64)>,
    lines: Vec<String>,
}

/// The table behind a chart.
#[derive(Debug, Template)]
#[template(path = "table.html")]
struct DataTable {
    id: &'static str,
    summary: &'static str,
    caption: String,
    headings: Vec<&'static str>,
    rows: Vec<(String, Vec<Figure>)>,
}

/// What a pipeline is called.
#[derive(Debug, Template)]
#[template(path = "name.html")]
struct Name {
    name: String,
    kind: String,
    id: Option<String>,
}

#[derive(Debug)]
struct PipelineRow {
    name: Name,
    runs: Figure,
    unknown: Figure,
    cost: Figure,
    share: Figure,
    spark: Spark,
}

#[derive(Debug)]
struct FailureRow {
    name: Name,
    failed: Figure,
    ended: Figure,
    rate: Figure,
    in_a_row: Figure,
    last: String,
}

#[derive(Debug)]
struct UnknownRow {
    name: Name,
    unknown: Figure,
    unsettled: Figure,
    runs: Figure,
}

#[derive(Debug)]
struct OutlierRow {
    of: String,
    name: Name,
    run_id: String,
    booked_at: String,
    why: String,
}

impl View {
    /// Puts the overview into words.
    pub fn of(overview: &Overview, state: &str) -> View {
        let shown = Shown::of(overview);
        let data = Data::of(overview, &shown);
        let page = ViewBuilder { overview, shown, picked: &data.picked };
        let scope = &overview.scope;
        let title = match (&scope.period, &overview.headline_month) {
            (Some(period), _) => format!("Pipeline runs of {period}"),
            (None, Some(focus)) => format!("Pipeline runs until {}", month_label(focus.month)),
            (None, None) => "Pipeline runs".to_owned(),
        };
        let total = &overview.all.total.cost;
        let calendar = page.calendar();
        View {
            style: "",
            script: "",
            style_hash: String::new(),
            script_hash: String::new(),
            title,
            lead: format!(
                "{} runs of {} pipelines: what they cost, how long they took, and what is not known yet.",
                grouped(&total.runs.to_string()),
                grouped(
                    &overview.pipelines.iter().filter(|pipeline| pipeline.id.is_some()).count().to_string()
                )
            ),
            scope: page.scope(state),
            filter_note: filter_note(&data, overview.pipelines.len()),
            runs: total.runs,
            tiles: page.tiles(),
            total: Told {
                before: "In all: ".to_owned(),
                value: Figure::usd(total.total(), USD_DECIMALS_FOR_PEOPLE),
                after: format!(
                    " USD for {} runs{}.",
                    grouped(&total.runs.to_string()),
                    unknown_of(total.runs_cost_unknown)
                ),
            },
            kinds: KIND_WORDS
                .into_iter()
                .enumerate()
                .filter(|(kind, _)| page.has_kind(*kind))
                .map(|(_, w)| w)
                .collect(),
            cost: page.cost(),
            cost_table: page.cost_table(),
            months_note: page.months_note(),
            pipelines: page.pipelines(),
            pipelines_more: page.pipelines_more(),
            took: page.times("took", "How long runs took, by week", |times| times.duration),
            weeks_note: page.weeks_note(),
            took_table: page.times_table("took", "How long runs took, by week", |times| times.duration),
            waited: page.times("waited", "How long runs waited, by week", |times| times.queued),
            waited_table: page.times_table("waited", "How long runs waited, by week", |times| times.queued),
            success: page.success(),
            success_table: page.success_table(),
            shades: calendar.as_ref().map(shades).unwrap_or_default(),
            calendar,
            days_note: page.days_note(),
            calendar_table: page.calendar_table(),
            failures: page.failures(),
            failures_more: page.failures_more(),
            unknown_facts: page.unknown_facts(),
            unknown: page.unknown(),
            unknown_more: page.unknown_more(),
            outliers: overview.outliers.iter().map(|outlier| page.outlier(outlier)).collect(),
            fed: match overview.known_at {
                Some(known_at) => format!("Everything here was known at {known_at}."),
                None => "Nothing is archived yet.".to_owned(),
            },
            data: data.json,
        }
    }
}

/// What the filter does not reach. `None`: nothing.
fn filter_note(data: &Data, pipelines: usize) -> Option<String> {
    let picked = data.picked.len();
    let mut said = Vec::new();
    if picked < pipelines {
        said.push(format!(
            "{} of {} pipelines can be picked here; the others are in the totals.",
            grouped(&picked.to_string()),
            grouped(&pipelines.to_string())
        ));
    }
    if !data.is_whole {
        said.push("Weeks and days are here of those pipelines alone that matter most.".to_owned());
    }
    (!said.is_empty())
        .then(|| said.join(" ") + " Of any pipeline: runledger report cost --by month,pipeline.")
}

/// `, 8 of them without a known cost`.
fn unknown_of(unknown: u64) -> String {
    match unknown {
        0 => String::new(),
        unknown => format!(", {} of them without a known cost", grouped(&unknown.to_string())),
    }
}

fn shades(calendar: &DayCalendar) -> Vec<(&'static str, String)> {
    let classes = ["d1", "d2", "d3", "d4"];
    let skipped = classes.len() - calendar.shades.len();
    let words =
        |(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from}–{to}") };
    let mut shades = vec![("d0", "0".to_owned())];
    // Where there are few runs the lightest shades have no numbers of their own.
    shades.extend(classes[skipped..].iter().copied().zip(calendar.shades.iter().map(words)));
    shades
}

/// What the words are made from.
struct ViewBuilder<'o> {
    overview: &'o Overview,
    shown: Shown,
    picked: &'o [usize],
}

impl ViewBuilder<'_> {
    fn scope(&self, state: &str) -> Vec<(&'static str, String)> {
        let scope = &self.overview.scope;
        let day = |at: Instant| Period::around(at, Calendar::Day, scope.zone).label;
        let last = |until: Instant| day(until.plus(TimeDelta::microseconds(-1)));
        let span = match (scope.span.from, scope.span.until) {
            (None, None) => "all runs".to_owned(),
            (Some(from), None) => format!("from {} on", day(from)),
            (None, Some(until)) => format!("until {}, that day included", last(until)),
            (Some(from), Some(until)) => {
                format!("from {} until {}, both days included", day(from), last(until))
            }
        };
        let booked = match scope.date {
            DateBasis::Started => "when they started, else when they were created",
            DateBasis::Ended => "when they ended",
            DateBasis::Created => "when they were created",
        };
        let known = self.overview.known_at.map_or("nothing yet".to_owned(), |at| self.shown.told(at));
        let fed = self.overview.last_sync.as_ref().map_or("never".to_owned(), |fed| {
            format!("{} ({} sync)", self.shown.told(fed.ended_at), fed.kind)
        });
        let mut said = vec![
            ("Runs", span),
            ("Booked", booked.to_owned()),
            ("Zone", scope.zone.name().to_owned()),
            ("Known", known),
            ("Last complete sync", fed),
        ];
        if !state.is_empty() {
            said.push(("Books", state.to_owned()));
        }
        if let Some(plan) = self.overview.plan {
            said.push((
                "Plan",
                format!(
                    "{} USD a month for {} credits",
                    grouped(&plan.fee_usd.to_fixed(FEW_DECIMALS)),
                    grouped(&plan.credits.to_string())
                ),
            ));
        }
        said
    }

    fn of(&self, place: Option<usize>) -> String {
        let picked = place.and_then(|place| self.picked.binary_search(&place).ok());
        picked.map_or_else(String::new, |place| place.to_string())
    }

    fn sums(&self, month: i32) -> Sums {
        self.overview.all.months.get(month).copied().unwrap_or_default()
    }

    // ---- the month

    fn tiles(&self) -> Vec<Tile> {
        let Some(focus) = &self.overview.headline_month else { return Vec::new() };
        let (all, month) = (&self.overview.all, month_label(focus.month));
        let now = self.sums(focus.month);
        let so_far = match (focus.is_whole, focus.is_running) {
            (false, _) => ", in part",
            (true, true) => " so far",
            (true, false) => "",
        };
        let before = focus.is_whole.then(|| month_label(focus.month - 1));
        // The month before in all, and as far as the running month has come.
        let against = |value: &dyn Fn(&Sums) -> (Option<i128>, String)| -> Vec<String> {
            let Some(label) = &before else { return Vec::new() };
            let (now, _) = value(&now);
            let (whole, words) = value(&all.previous_month);
            match &all.previous_month_to_date {
                None => vec![format!("{label}: {words}{}", in_brackets(change(now, whole)))],
                Some(to_date) => {
                    let (part, part_words) = value(to_date);
                    vec![
                        format!("{label} by the same point: {part_words}{}", in_brackets(change(now, part))),
                        format!("{label} in all: {words}"),
                    ]
                }
            }
        };
        let usd = |sums: &Sums| {
            let total = sums.cost.total();
            (total.map(Usd::units), format!("{} USD", Figure::usd_in_short(total).shown))
        };
        let mut cost = against(&usd);
        if !focus.is_whole {
            cost.push("Only a part of the month is asked about, so it is held against no other".to_owned());
        }
        if now.cost.runs_cost_unknown > 0 {
            cost.push(format!(
                "{} of {} runs have no known cost",
                grouped(&now.cost.runs_cost_unknown.to_string()),
                grouped(&now.cost.runs.to_string())
            ));
        }
        let taken =
            |sums: &Sums| (Some(i128::from(sums.cost.credits)), grouped(&sums.cost.credits.to_string()));
        let mut credits = Vec::new();
        let plan = self.overview.plan.filter(|_| focus.is_whole);
        if let Some(plan) = plan {
            let share = Share::ratio(now.cost.credits.into(), plan.credits.into());
            let share = share.map_or(String::new(), |share| format!("{} of ", percent(share)));
            credits.push(format!("{share}the plan's {}", grouped(&plan.credits.to_string())));
        }
        if let Some(expected) = focus.expected_credits.filter(|_| focus.is_whole && focus.is_running) {
            credits.push(format!("{} expected by the month's end", grouped(&expected.to_string())));
        }
        if let Some(day) = focus.credits_run_out_on.as_ref().filter(|_| focus.is_whole) {
            credits.push(format!("The plan's last credit is taken on {day}"));
        }
        credits.extend(against(&taken));
        let rate = |sums: &Sums| (None, Figure::share(sums.success_rate()).shown);
        let mut success = against(&rate);
        success.insert(
            0,
            format!(
                "{} failed and {} canceled of {} that ended",
                grouped(&now.failed.to_string()),
                grouped(&now.canceled.to_string()),
                grouped(&now.ended().to_string())
            ),
        );
        let total = &all.total;
        let mut unsettled = Vec::new();
        if total.unsettled > 0 {
            unsettled.push("Their status, cost or credit may still change".to_owned());
        }
        unsettled.push(format!(
            "{} of all {} runs have no known cost",
            grouped(&total.cost.runs_cost_unknown.to_string()),
            grouped(&total.cost.runs.to_string())
        ));
        vec![
            Tile {
                id: "cost",
                heading: format!("Cost in {month}{so_far}"),
                value: Figure::usd_in_short(now.cost.total()),
                unit: "USD",
                meter: None,
                lines: cost,
            },
            Tile {
                id: "credits",
                heading: format!("Credits in {month}{so_far}"),
                value: Figure::count(now.cost.credits),
                unit: "",
                meter: plan.map(|plan| (now.cost.credits, plan.credits)),
                lines: credits,
            },
            Tile {
                id: "success",
                heading: format!("Success rate in {month}{so_far}"),
                value: Figure::share(now.success_rate()),
                unit: "",
                meter: None,
                lines: success,
            },
            Tile {
                id: "unsettled",
                heading: "Runs not settled, in all".to_owned(),
                value: Figure::count(total.unsettled),
                unit: "",
                meter: None,
                lines: unsettled,
            },
        ]
    }

    // ---- cost

    fn has_kind(&self, kind: usize) -> bool {
        let (months, unbooked) = &self.overview.kinds[kind];
        months.ends().is_some() || unbooked.cost.runs > 0
    }

    fn cost(&self) -> Option<Columns> {
        let columns: Vec<Vec<Segment>> = self.shown.months().map(|month| self.stack(month)).collect();
        let ends = columns.iter().flatten().flat_map(|segment| [segment.from, segment.to]);
        let (low, high) = ends.fold((0, 0), |(low, high), end| (low.min(end), high.max(end)));
        if columns.iter().all(Vec::is_empty) {
            return None;
        }
        let title = "Cost by month, stacked by the kind of pipeline, in USD";
        let dearest =
            self.shown.months().filter_map(|month| Some((self.sums(month).cost.total()?, month))).max();
        let description = dearest.map_or_else(String::new, |(usd, month)| {
            format!(
                "The dearest month is {} with {} USD.",
                month_label(month),
                grouped(&usd.to_fixed(FEW_DECIMALS))
            )
        });
        let scale = Scale::over(Unit::Usd, low, high);
        Some(Columns::new("cost", title, description, (Each::Month, self.shown.months.0), scale, &columns))
    }

    /// The kinds of a month on each other: refunds below nothing.
    fn stack(&self, month: i32) -> Vec<Segment> {
        let (mut above, mut below) = (0, 0);
        let mut segments = Vec::new();
        for ((months, _), (class, words)) in self.overview.kinds.iter().zip(KIND_WORDS) {
            let Some(usd) = months.get(month).and_then(|sums| sums.cost.total()) else { continue };
            let end = if usd.units() < 0 { &mut below } else { &mut above };
            let from = *end;
            *end += usd.units();
            let title = format!(
                "{}, {words}: {} USD",
                month_label(month),
                grouped(&usd.to_fixed(USD_DECIMALS_FOR_PEOPLE))
            );
            segments.push(Segment { from, to: *end, class, title });
        }
        segments
    }

    fn cost_table(&self) -> DataTable {
        let kinds: Vec<usize> = (0..KINDS.len()).filter(|kind| self.has_kind(*kind)).collect();
        let row = |label: String, all: Sums, of_kind: &dyn Fn(usize) -> Sums| {
            let mut cells = vec![Figure::count(all.cost.runs), Figure::count(all.cost.runs_cost_unknown)];
            cells.extend(
                kinds.iter().map(|kind| Figure::usd(of_kind(*kind).cost.total(), USD_DECIMALS_FOR_PEOPLE)),
            );
            cells.push(Figure::usd(all.cost.total(), USD_DECIMALS_FOR_PEOPLE));
            cells.push(Figure::count(all.cost.credits));
            (label, cells)
        };
        let mut rows: Vec<_> = self
            .shown
            .months()
            .map(|month| {
                row(month_label(month), self.sums(month), &|kind| {
                    self.overview.kinds[kind].0.get(month).copied().unwrap_or_default()
                })
            })
            .collect();
        let (first, last) = self.shown.months;
        let (earlier, later) = (|month: i32| month < first, |month: i32| month > last);
        let before = merged(&self.overview.all.months, earlier);
        if before.cost.runs > 0 {
            let label = format!("before {}", month_label(first));
            rows.insert(0, row(label, before, &|kind| merged(&self.overview.kinds[kind].0, earlier)));
        }
        let after = merged(&self.overview.all.months, later);
        if after.cost.runs > 0 {
            let label = format!("after {}", month_label(last));
            rows.push(row(label, after, &|kind| merged(&self.overview.kinds[kind].0, later)));
        }
        let unbooked = self.overview.all.unbooked;
        if unbooked.cost.runs > 0 {
            rows.push(row("in no month".to_owned(), unbooked, &|kind| self.overview.kinds[kind].1));
        }
        let mut headings = vec!["Month", "Runs", "Cost not known"];
        let words = ["Sources, USD", "Destinations, USD", "Transformations, USD", "No one pipeline, USD"];
        headings.extend(kinds.iter().map(|kind| words[*kind]));
        headings.extend(["All, USD", "Credits"]);
        DataTable {
            id: "cost",
            summary: "Cost by month as a table",
            caption: "Cost and credits by month, as runledger report cost has them".to_owned(),
            headings,
            rows,
        }
    }

    // ---- what is not drawn

    fn months_note(&self) -> Option<String> {
        let (first, last) = self.shown.months;
        let is_cut = self.overview.all.months.ends().is_some_and(|(earliest, _)| earliest < first);
        let cut =
            is_cut.then(|| format!("Months before {} are in the total, and not drawn.", month_label(first)));
        let later = merged(&self.overview.all.months, |month| month > last).cost.runs;
        let later = later_note(later, &month_label(last));
        let said: Vec<String> = cut.into_iter().chain(later).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    fn weeks_note(&self) -> Option<String> {
        let (first, last) = self.shown.weeks;
        let label = if first > last { String::new() } else { week_label(last) };
        later_note(self.runs_after(monday(last) + 6), &label)
    }

    fn days_note(&self) -> Option<String> {
        let (first, last) = self.shown.days;
        let label = if first > last { String::new() } else { day_label(last) };
        later_note(self.runs_after(last), &label)
    }

    fn runs_after(&self, last: i32) -> u64 {
        let days = self.overview.all.days.iter().rev().take_while(|(day, _)| *day > last);
        days.map(|(_, runs)| runs.runs).sum()
    }

    // ---- pipelines

    fn name(&self, name: Option<&String>, id: Option<&String>, kind: Option<&String>) -> Name {
        let clean = |text: &String| on_a_line(text);
        // Of a name that nobody would see the id is told.
        match (name.filter(|name| is_visible(name)), id) {
            (Some(name), id) => {
                Name { name: clean(name), kind: kind.cloned().unwrap_or_default(), id: id.map(clean) }
            }
            (None, Some(id)) => Name { name: clean(id), kind: kind.cloned().unwrap_or_default(), id: None },
            (None, None) => Name {
                name: "No one pipeline".to_owned(),
                kind: "none, or several at once".to_owned(),
                id: None,
            },
        }
    }

    fn name_of(&self, pipeline: &PipelineSummary) -> Name {
        self.name(pipeline.name.as_ref(), pipeline.id.as_ref(), pipeline.kind.as_ref())
    }

    fn pipelines(&self) -> Vec<PipelineRow> {
        let all = self.overview.all.total.cost.total();
        let row = |pipeline: &PipelineSummary| {
            let Sums { cost, .. } = pipeline.total;
            let months: Vec<(Option<i128>, String)> = self
                .shown
                .months()
                .rev()
                .take(24)
                .map(|month| {
                    let usd = pipeline.months.get(month).and_then(|sums| sums.cost.total());
                    let words = Figure::usd(usd, USD_DECIMALS_FOR_PEOPLE).shown;
                    (usd.map(Usd::units), format!("{}: {words} USD", month_label(month)))
                })
                .collect();
            let months: Vec<_> = months.into_iter().rev().collect();
            // As many months as there are after it stand behind it.
            let focus = self.overview.headline_month.as_ref().and_then(|focus| {
                months
                    .len()
                    .checked_sub(1)?
                    .checked_sub(usize::try_from(self.shown.months.1 - focus.month).ok()?)
            });
            let share = cost.total().zip(all).and_then(|(part, all)| Share::ratio(part.units(), all.units()));
            PipelineRow {
                name: self.name_of(pipeline),
                runs: Figure::count(cost.runs),
                unknown: Figure::count(cost.runs_cost_unknown),
                cost: Figure::usd(cost.total(), USD_DECIMALS_FOR_PEOPLE),
                share: Figure::share(share),
                spark: Spark::new(
                    format!("Cost by month, the last is {}", month_label(self.shown.months.1)),
                    &months,
                    focus,
                ),
            }
        };
        self.overview.pipelines.iter().take(TOP).map(row).collect()
    }

    fn pipelines_more(&self) -> String {
        let rest = self.overview.pipelines.get(TOP..).unwrap_or_default();
        if rest.is_empty() {
            return String::new();
        }
        let mut sums = Sums::default();
        rest.iter().for_each(|pipeline| sums.merge(pipeline.total));
        format!(
            "{} more pipelines, together {} USD for {} runs{}.",
            grouped(&rest.len().to_string()),
            Figure::usd(sums.cost.total(), USD_DECIMALS_FOR_PEOPLE).shown,
            grouped(&sums.cost.runs.to_string()),
            unknown_of(sums.cost.runs_cost_unknown)
        )
    }

    // ---- times

    fn times(&self, id: &'static str, title: &str, of: fn(&Times) -> Percentiles) -> Option<Columns> {
        let weeks = &self.overview.all.weeks;
        let columns: Vec<Vec<Segment>> = self
            .shown
            .weeks()
            .map(|week| {
                let figures = weeks.get(week).map(of);
                let known = figures.and_then(|figures| Some((figures.runs, figures.p50?, figures.p95?)));
                known.map_or_else(Vec::new, |(runs, p50, p95)| percentiles(week, runs, p50, p95))
            })
            .collect();
        let most = columns.iter().flatten().map(|segment| segment.to).max()?;
        let least = columns.iter().flatten().map(|segment| segment.to).min()?.min(0);
        let scale = Scale::over(Unit::Time, least, most);
        let description =
            "A column for each week: the lower part is the median, the whole the 95th percentile.";
        Some(Columns::new(id, title, description, (Each::Week, self.shown.weeks.0), scale, &columns))
    }

    fn times_table(&self, id: &'static str, title: &str, of: fn(&Times) -> Percentiles) -> DataTable {
        let weeks = self.overview.all.weeks.iter().filter(|(week, _)| self.shown.has_week(*week));
        let rows = weeks.map(|(week, times)| {
            let Percentiles { runs, p50, p95 } = of(times);
            (week_label(*week), vec![Figure::count(runs), Figure::seconds(p50), Figure::seconds(p95)])
        });
        DataTable {
            id,
            summary: "The weeks as a table",
            caption: title.to_owned(),
            headings: vec!["Week", "Runs", "Median", "95th percentile"],
            rows: rows.collect(),
        }
    }

    // ---- success

    fn success(&self) -> Option<Columns> {
        let rated = |month: i32| Some((self.sums(month), self.sums(month).success_rate()?));
        let columns: Vec<Vec<Segment>> = self
            .shown
            .months()
            .map(|month| {
                let segment = rated(month).map(|(sums, rate)| Segment {
                    from: rate.units(),
                    to: rate.units(),
                    class: "rate",
                    title: format!(
                        "{}: {} of {} runs that ended succeeded",
                        month_label(month),
                        percent(rate),
                        grouped(&sums.ended().to_string())
                    ),
                });
                segment.into_iter().collect()
            })
            .collect();
        let least = columns.iter().flatten().map(|segment| segment.from).min()?;
        let scale = Scale::over(Unit::Share, least.min(990_000), 1_000_000);
        let (title, description) = ("Success rate by month", "A line for each month.");
        Some(Columns::new("success", title, description, (Each::Month, self.shown.months.0), scale, &columns))
    }

    fn success_table(&self) -> DataTable {
        let rows = self.shown.months().map(|month| {
            let sums = self.sums(month);
            let counts = [sums.ended(), sums.succeeded, sums.failed, sums.canceled].map(Figure::count);
            let mut cells = counts.to_vec();
            cells.push(Figure::share(sums.success_rate()));
            (month_label(month), cells)
        });
        DataTable {
            id: "success",
            summary: "Success by month as a table",
            caption: "How runs ended, by month".to_owned(),
            headings: vec!["Month", "Ended", "Succeeded", "Failed", "Canceled", "Success rate"],
            rows: rows.collect(),
        }
    }

    // ---- the calendar

    fn calendar(&self) -> Option<DayCalendar> {
        if self.shown.days.0 > self.shown.days.1 {
            return None;
        }
        Some(DayCalendar::new("Runs by day, a column a week", &self.overview.all.days, self.shown.days))
    }

    fn calendar_table(&self) -> DataTable {
        let (first, last) = self.shown.days;
        let first_week = week_of(first).max(week_of(last) - CALENDAR_WEEKS + 1);
        let weeks = if first > last { 0..0 } else { first_week..week_of(last) + 1 };
        let rows = weeks.map(|week| {
            let days = (monday(week)..monday(week) + 7).map(|day| {
                if day < first || day > last {
                    return Figure { shown: String::new(), exact: Some(String::new()) };
                }
                Figure::count(self.overview.all.days.get(day).map_or(0, |day| day.runs))
            });
            (day_label(monday(week)), days.collect())
        });
        DataTable {
            id: "calendar",
            summary: "The days as a table",
            caption: "Runs by day".to_owned(),
            headings: vec!["Week of", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            rows: rows.collect(),
        }
    }

    // ---- failures

    /// The pipelines' places, those that weigh most first; those that weigh nothing are left out.
    fn heaviest(&self, weight: impl Fn(&PipelineSummary) -> u64) -> Vec<usize> {
        let pipelines = &self.overview.pipelines;
        let mut places: Vec<usize> =
            (0..pipelines.len()).filter(|place| weight(&pipelines[*place]) > 0).collect();
        places.sort_by_key(|place| {
            let pipeline = &pipelines[*place];
            (u64::MAX - weight(pipeline), pipeline.kind.clone(), pipeline.id.clone())
        });
        places
    }

    fn failures(&self) -> Vec<FailureRow> {
        let places = self.heaviest(|pipeline| pipeline.total.failed);
        let rows = places.into_iter().take(ROWS).map(|place| {
            let pipeline = &self.overview.pipelines[place];
            let Sums { failed, .. } = pipeline.total;
            let ended = pipeline.total.ended();
            FailureRow {
                name: self.name_of(pipeline),
                failed: Figure::count(failed),
                ended: Figure::count(ended),
                rate: Figure::share(Share::ratio(failed.into(), ended.into())),
                in_a_row: Figure::count(pipeline.failures.consecutive()),
                last: pipeline.failures.last_failure_at().map_or("–".to_owned(), |at| self.shown.told(at)),
            }
        });
        rows.collect()
    }

    fn failures_more(&self) -> String {
        let count = self.heaviest(|pipeline| pipeline.total.failed).len();
        more(count, "runledger report failures lists them all.")
    }

    // ---- what is not known

    fn unknown_facts(&self) -> Vec<String> {
        let Overview { quarantined, drift, vanished, .. } = self.overview;
        let facts = [
            (self.overview.all.total.cost.runs_cost_unknown, "runs have no known cost; they are in no sum"),
            (
                self.overview.all.total.unsettled,
                "runs may still change: they go on, or no cost is known within 30 days of their end",
            ),
            (*vanished, "runs of the archive are gone from the API; they are counted here"),
            (*quarantined, "items could not be read as runs, and are in no figure"),
            (*drift, "things are not in the API's contract (runledger drift)"),
        ];
        let facts = facts.into_iter().filter(|(count, _)| *count > 0);
        facts.map(|(count, words)| format!("{} {words}", grouped(&count.to_string()))).collect()
    }

    fn unknown(&self) -> Vec<UnknownRow> {
        let row = |place: usize| {
            let pipeline = &self.overview.pipelines[place];
            UnknownRow {
                name: self.name_of(pipeline),
                unknown: Figure::count(pipeline.total.cost.runs_cost_unknown),
                unsettled: Figure::count(pipeline.total.unsettled),
                runs: Figure::count(pipeline.total.cost.runs),
            }
        };
        self.unknown_places().into_iter().take(ROWS).map(row).collect()
    }

    fn unknown_places(&self) -> Vec<usize> {
        self.heaviest(|pipeline| pipeline.total.cost.runs_cost_unknown.max(pipeline.total.unsettled))
    }

    fn unknown_more(&self) -> String {
        more(self.unknown_places().len(), "runledger report cost --by pipeline counts them all.")
    }

    // ---- what is out of the ordinary

    fn outlier(&self, outlier: &Outlier) -> OutlierRow {
        let Outlier { pipeline, label, run_id, scored } = outlier;
        let part = |place: usize| label.get(place).and_then(Option::as_ref);
        let cost = |nanos: i128| grouped(&Usd::from_units(nanos).to_fixed(USD_DECIMALS_FOR_PEOPLE)) + " USD";
        let words = |what: &str, band: &ControlBand, told: &dyn Fn(i128) -> String| {
            format!(
                "{what} {} against a median of {} (expected {} to {}, from {} runs before)",
                told(band.value),
                told(band.median),
                told(band.low),
                told(band.high),
                band.runs_before
            )
        };
        let left = |band: &Option<ControlBand>| band.filter(ControlBand::is_outside);
        let why: Vec<String> = [
            left(&scored.cost).map(|band| words("cost", &band, &cost)),
            left(&scored.duration).map(|band| words("took", &band, &lasting)),
        ]
        .into_iter()
        .flatten()
        .collect();
        OutlierRow {
            of: self.of(*pipeline),
            name: self.name(part(0), part(1), part(2)),
            run_id: on_a_line(run_id),
            booked_at: self.shown.told(scored.booked_at),
            why: why.join("; "),
        }
    }
}

/// What those of the numbers come to.
fn merged(figures: &Series<Sums>, is_meant: impl Fn(i32) -> bool) -> Sums {
    let mut merged = Sums::default();
    figures.iter().filter(|(number, _)| is_meant(*number)).for_each(|(_, sums)| merged.merge(*sums));
    merged
}

/// How many runs lie after what is drawn. `None`: none does.
fn later_note(runs: u64, last: &str) -> Option<String> {
    let runs = grouped(&Some(runs).filter(|runs| *runs > 0)?.to_string());
    Some(match last {
        "" => format!("Runs booked after all that was known, in the totals and not drawn: {runs}."),
        last => format!("Runs booked after {last}, in the totals and not drawn: {runs}."),
    })
}

/// The column of a week: the median in front of the 95th percentile.
fn percentiles(week: i32, runs: u64, p50: Seconds, p95: Seconds) -> Vec<Segment> {
    let title = format!(
        "{}: half of {} runs within {}, 95 % within {}",
        week_label(week),
        grouped(&runs.to_string()),
        lasting(p50.units()),
        lasting(p95.units())
    );
    let segment = |to: i128, class: &'static str| Segment { from: 0, to, class, title: title.clone() };
    vec![segment(p95.units(), "p95"), segment(p50.units(), "p50")]
}

fn in_brackets(change: Option<String>) -> String {
    change.map_or_else(String::new, |change| format!(" ({change})"))
}

fn more(count: usize, where_all: &str) -> String {
    match count.saturating_sub(ROWS) {
        0 => String::new(),
        rest => format!("{} more pipelines; {where_all}", grouped(&rest.to_string())),
    }
}

const _: () = assert!(HEIGHT == 180);
