//! The first sheet: totals, the comparison with the month before, and checks that the sheets add up. One page to sign.

use super::figures::{Comparison, MonthFigures};
use super::{Context, words};
use crate::export::xlsx::book::{Content, Form, FormCell, Look, Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Change, Count, Id, Instant, Rate, Usd};
use crate::export::xlsx::letters;
use crate::language::{Phrase, phrases};
use crate::report::Cell;
use crate::run::{Share, Usd as Amount};

/// The widths of label, value and remark.
const WIDTHS: [f64; 3] = [34.0, 18.0, 48.0];

/// The cell of the total cost: the first value below the title.
const TOTAL_CELL: &str = "B5";

/// The largest difference that doubles can have in a sum of exact amounts, in US dollars.
const TOLERANCE: &str = "0.000001";

/// The column that the checks add up.
const TOTAL_COST: &str = "total_cost_usd";

/// `tables` are the sheets with parts of the total.
pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures, tables: &[Sheet<'_>]) -> Sheet<'static> {
    let mut lines = totals(context, figures);
    lines.push(Vec::new());
    lines.extend(bounds(context, figures));
    lines.push(Vec::new());
    lines.push(vec![FormCell::text(context.text(words::CHECKS)).looking(Look::Strong)]);
    let total = figures.cost.total();
    for name in [words::COST_CENTERS, words::PIPELINES, words::DAYS, words::RUNS] {
        let named = tables.iter().find(|sheet| sheet.name == name.text(context.language));
        lines.extend(named.and_then(|sheet| check(context, sheet, total)));
    }
    lines.push(Vec::new());
    lines.push(vec![FormCell::text(context.text(words::PREPARED_BY))]);
    Sheet {
        name: context.text(words::SUMMARY),
        title: context.title(words::SUMMARY),
        content: Content::Form(Form { widths: WIDTHS.to_vec(), lines }),
    }
}

fn totals(context: &Context<'_>, figures: &MonthFigures) -> Vec<Vec<FormCell>> {
    let language = context.language;
    let label = |field: &str| FormCell::text(language.heading(field));
    let part = |field: &str| FormCell::text(format!("  {}", language.heading(field)));
    let usd = |amount: Option<Amount>| FormCell::new(Cell::Usd(amount), Usd(2));
    let count = |count: u64| FormCell::new(Cell::count(count), Count);
    let remark = |text: String| FormCell::text(text).looking(Look::Remark);
    let cost = &figures.cost;
    let unknown = match cost.runs_cost_unknown {
        0 => count(0),
        runs => count(runs).looking(Look::Attention),
    };
    let plan = figures.terms.plan.map(|plan| {
        let share = Share::ratio(cost.credits.into(), plan.credits.into());
        let share = share.map_or_else(String::new, Share::to_percent);
        let credits = language.number(&plan.credits.to_string());
        words::OF_PLAN.fill(language, &[("share", &in_language(context, &share)), ("credits", &credits)])
    });
    let before = match &figures.comparison {
        Comparison::None(_) => context.text(words::NOT_COMPARED_SHORT),
        Comparison::With(change) if change.scopes.iter().any(|scopes| scopes.cut.is_some()) => {
            context.text(words::COMPARED_IN_PART)
        }
        Comparison::With(change) => {
            let is_closed = change.scopes.iter().any(|scopes| scopes.against.close_id.is_some());
            let state = if is_closed { phrases::CLOSED } else { phrases::NOT_CLOSED };
            format!("{}: {}", language.period(&change.against), context.text(state))
        }
    };
    let percent = figures.change().zip(figures.previous()).and_then(|(change, before)| {
        let share = Share::ratio(change.units(), before.units())?;
        let sign = if change.units() > 0 { "+" } else { "" };
        Some(format!("{sign}{}", in_language(context, &share.to_percent())))
    });
    vec![
        vec![
            label(TOTAL_COST).looking(Look::Strong),
            usd(cost.total()).looking(Look::Strong).named("RL_total_usd"),
        ],
        vec![part("el_cost_usd"), usd(cost.el())],
        vec![
            part("transformation_cost_usd"),
            usd(cost.transformation()),
            remark(context.text(words::EXACT_PARTS)),
        ],
        vec![label("runs"), count(cost.runs).named("RL_runs_count")],
        vec![label("runs_cost_unknown"), unknown],
        vec![
            label("credits"),
            count(cost.credits).named("RL_credits_count"),
            remark(plan.unwrap_or_default()),
        ],
        vec![label("previous_usd"), usd(figures.previous()), remark(before)],
        vec![
            label("change_usd"),
            FormCell::new(Cell::Usd(figures.change()), Change(2)),
            remark(percent.unwrap_or_default()),
        ],
    ]
}

/// The bounds of the month, its close, and how far it is known.
fn bounds(context: &Context<'_>, figures: &MonthFigures) -> Vec<Vec<FormCell>> {
    let label = |phrase: Phrase| FormCell::text(context.text(phrase));
    let instant = |text: Option<String>| FormCell::new(Cell::Text(text), Instant).looking(Look::Result);
    let span = figures.scope.span;
    let close = match figures.scope.close_id {
        Some(close) => FormCell::new(Cell::Count(Some(close)), Id).looking(Look::Result),
        None => FormCell::text(context.text(words::NONE)).looking(Look::Result),
    };
    let mut lines = vec![
        vec![label(words::START), instant(span.from.map(|at| at.to_string())).named("RL_period")],
        vec![
            label(words::END),
            instant(span.until.map(|at| at.to_string())),
            FormCell::text(context.text(words::EXCLUSIVE)).looking(Look::Remark),
        ],
        vec![label(words::CLOSE), close],
        vec![label(words::KNOWN_UNTIL), instant(context.provenance.known_at.clone())],
    ];
    if let Some(converted) = &figures.converted {
        let [rate, date, source] = converted.rate();
        let heading = FormCell::text(context.language.heading("fx_rate"));
        // Several rates have their first and their last date.
        let dates = date.exact().map(|dates| {
            let dates = dates.split('/').map(|date| context.language.period(date));
            dates.collect::<Vec<_>>().join(" – ")
        });
        let remark: Vec<String> = [dates, source.exact()].into_iter().flatten().collect();
        lines.push(vec![
            heading,
            FormCell::new(rate, Rate),
            FormCell::text(remark.join(" · ")).looking(Look::Remark),
        ]);
    }
    if let Some(closed_at) = &context.provenance.closed_at {
        let heading = FormCell::text(context.language.heading("closed_at"));
        lines.push(vec![heading, instant(Some(closed_at.clone())).named("RL_closed_at")]);
    }
    lines
}

/// The check that the rows of a sheet add up to the total. `None`: the sheet has no rows.
fn check(context: &Context<'_>, sheet: &Sheet<'_>, total: Option<Amount>) -> Option<Vec<FormCell>> {
    let Content::Table(table) = &sheet.content else { return None };
    let column = table.columns.iter().position(|column| column.field == TOTAL_COST)?;
    let rows = Some(table.rows.count()).filter(|rows| *rows > 0)?;
    let (letters, first) = (letters(column), u64::from(sheet.title.header_row()) + 2);
    let range = format!("{}!{letters}{first}:{letters}{}", sheet.reference(), first + rows - 1);
    let difference = match &table.rows {
        Rows::Cells(rows) => {
            let sum: Amount = rows.iter().filter_map(|row| known(&row[column])).sum();
            sum - total.unwrap_or_default()
        }
        // The total was computed from these rows.
        Rows::Stream { .. } => Amount::default(),
    };
    let (ok, error) = (context.text(phrases::CHECK_OK), context.text(phrases::CHECK_ERROR));
    let is_ok = difference == Amount::default();
    let result = FormCell::text(if is_ok { ok.clone() } else { error.clone() });
    let look = if is_ok { Look::Result } else { Look::Attention };
    let what = words::CHECK.fill(context.language, &[("what", &sheet.name)]);
    Some(vec![
        FormCell::text(format!("  {what}")),
        result
            .looking(look)
            .computed_by(format!("IF(ABS(SUM({range})-{TOTAL_CELL})<{TOLERANCE},\"{ok}\",\"{error}\")")),
        FormCell::new(Cell::Usd(Some(difference)), Usd(2))
            .looking(Look::Remark)
            .computed_by(format!("ROUND(SUM({range})-{TOTAL_CELL},9)")),
    ])
}

fn known(cell: &Cell) -> Option<Amount> {
    match cell {
        Cell::Usd(usd) => *usd,
        _ => None,
    }
}

/// A number with a unit, such as `19.6 %`, in the language.
fn in_language(context: &Context<'_>, text: &str) -> String {
    match text.split_once(' ') {
        Some((number, unit)) => format!("{} {unit}", context.language.number(number)),
        None => context.language.number(text),
    }
}
