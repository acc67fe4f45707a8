//! The sheet of open items: everything that speaks against trusting the month.

use super::figures::MonthFigures;
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Name, Text, Usd, Wrapped};
use crate::export::xlsx::column::Column;
use crate::report::Cell;
use crate::report::allocation::UNALLOCATED;
use crate::run::Usd as Amount;

/// The severities.
const ERROR: &str = "error";
const WARNING: &str = "warning";

/// An open item without a run.
struct Item {
    severity: &'static str,
    item: String,
    amount: Option<Amount>,
    why: String,
}

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let columns = vec![
        column("severity", Text, 12.0),
        column("item", Text, 32.0),
        column("pipeline_name", Name, 40.0),
        column("amount_usd", Usd(4), 16.0),
        column("why", Wrapped, 60.0),
        column("run_id", Text, 38.0),
    ];
    let row = |item: Item| {
        vec![
            Cell::text(item.severity),
            Cell::text(item.item),
            Cell::Text(None),
            Cell::Usd(item.amount),
            Cell::text(item.why),
            Cell::Text(None),
        ]
    };
    let (errors, warnings): (Vec<Item>, Vec<Item>) =
        items(context, figures).into_iter().partition(|item| item.severity == ERROR);
    let rows = errors.into_iter().chain(warnings).map(row).chain(findings(context, figures));
    context.sheet(TableSheet {
        name: words::OPEN_ITEMS,
        table_name: "RL_open_items",
        columns,
        rows: Rows::Cells(rows.collect()),
        totals: None,
        empty: words::NO_OPEN_ITEMS,
        notes: Vec::new(),
        frozen_columns: 1,
    })
}

fn items(context: &Context<'_>, figures: &MonthFigures) -> Vec<Item> {
    let language = context.language;
    let (runs, period) = (figures.cost.runs.to_string(), figures.scope.period.clone().unwrap_or_default());
    let mut items = Vec::new();
    let mut add = |severity, item, amount, why: String| {
        items.push(Item { severity, item: context.text(item), amount, why });
    };
    if !figures.is_over {
        add(ERROR, words::ITEM_RUNNING, None, context.text(words::WHY_RUNNING));
    } else if figures.scope.close_id.is_none() {
        let why = words::WHY_NOT_CLOSED.fill(language, &[("period", &period)]);
        add(WARNING, words::ITEM_NOT_CLOSED, None, why);
    }
    for objection in &figures.objections {
        add(ERROR, words::ITEM_OBJECTION, None, language.sentence(objection).into_owned());
    }
    if figures.cost.runs_cost_unknown > 0 {
        let count = figures.cost.runs_cost_unknown.to_string();
        let why = words::WHY_UNKNOWN.fill(language, &[("count", &count), ("runs", &runs)]);
        add(ERROR, words::ITEM_UNKNOWN, None, why);
    }
    let unallocated = figures.centers.iter().find(|center| center.name == UNALLOCATED && center.now.runs > 0);
    if let (Some(center), false) = (unallocated, figures.scope.allocation.0.is_empty()) {
        let count = center.now.runs.to_string();
        let why = words::WHY_UNALLOCATED.fill(language, &[("count", &count), ("runs", &runs)]);
        add(WARNING, words::ITEM_UNALLOCATED, center.now.total(), why);
    }
    if !figures.corrections.is_empty() {
        let differences = figures.corrections.iter().filter_map(|correction| correction.change.difference);
        let (count, sheet) = (figures.corrections.len().to_string(), context.text(words::AFTER_CLOSE));
        let why = words::WHY_CORRECTIONS.fill(language, &[("count", &count), ("sheet", &sheet)]);
        add(WARNING, words::ITEM_CORRECTIONS, differences.reduce(|one, other| one + other), why);
    }
    items
}

/// The findings of the report `audit`, as warnings.
fn findings<'f>(context: &'f Context<'_>, figures: &'f MonthFigures) -> impl Iterator<Item = Vec<Cell>> + 'f {
    let table = &figures.findings;
    let place = |column: &str| table.columns.iter().position(|name| name == column);
    let places = ["finding", "pipeline_name", "total_cost_usd", "why", "run_id"].map(place);
    table.rows.iter().map(move |row| {
        let [finding, pipeline, amount, why, run_id] =
            places.map(|place| place.map_or(Cell::Text(None), |place| row[place].clone()));
        let finding = finding.exact().unwrap_or_default();
        vec![
            Cell::text(WARNING),
            Cell::text(context.language.value("finding", &finding)),
            pipeline,
            amount,
            why,
            run_id,
        ]
    })
}
