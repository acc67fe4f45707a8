//! The sheet of cost centers: what bookkeeping books.

use super::figures::{Center, MonthFigures};
use super::{Context, TableSheet, words};
use crate::export::xlsx::book::{Rows, Sheet};
use crate::export::xlsx::cell_format::CellFormat::{Change, Count, Name, Percent, Usd};
use crate::export::xlsx::column::Column;
use crate::report::Cell;
use crate::run::{Share, Usd as Amount};

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures) -> Sheet<'static> {
    let column = |field, format, width| Column::new(field, format, width, context.language);
    let mut columns = vec![
        column("cost_center", Name, 32.0),
        column("amount_to_book_usd", Usd(2), 18.0).summed(),
        column("total_cost_usd", Usd(2), 16.0).summed(),
        column("share", Percent, 13.0),
        column("el_cost_usd", Usd(2), 18.0).summed(),
        column("transformation_cost_usd", Usd(2), 18.0).summed(),
        column("runs", Count, 12.0).summed(),
        column("runs_cost_unknown", Count, 14.0).summed(),
        column("credits", Count, 11.0).summed(),
        column("previous_usd", Usd(2), 16.0).summed(),
        column("change_usd", Change(2), 14.0).summed(),
    ];
    let total = figures.cost.total();
    let row = |Center { name, now, before, to_book }: &Center| {
        vec![
            Cell::text(name),
            Cell::Usd(*to_book),
            Cell::Usd(now.total()),
            Cell::Share(share(now.total(), total)),
            Cell::Usd(now.el()),
            Cell::Usd(now.transformation()),
            Cell::count(now.runs),
            Cell::count(now.runs_cost_unknown),
            Cell::count(now.credits),
            Cell::Usd(before.total()),
            Cell::Usd(difference(now.total(), before.total())),
        ]
    };
    let to_book = figures.centers.iter().filter_map(|center| center.to_book).reduce(|one, other| one + other);
    let mut totals = vec![
        Cell::Text(None),
        Cell::Usd(to_book),
        Cell::Usd(total),
        Cell::Share(None),
        Cell::Usd(figures.cost.el()),
        Cell::Usd(figures.cost.transformation()),
        Cell::count(figures.cost.runs),
        Cell::count(figures.cost.runs_cost_unknown),
        Cell::count(figures.cost.credits),
        Cell::Usd(figures.previous()),
        Cell::Usd(difference(total, figures.previous())),
    ];
    let mut rows: Vec<Vec<Cell>> = figures.centers.iter().map(row).collect();
    if let Some(converted) = &figures.converted {
        let [booked, rate, date, source, unknown] = converted.columns(context.language);
        columns.splice(2..2, [booked]);
        columns.extend([rate, date, source, unknown]);
        let cells = converted.cells(&figures.centers);
        for (row, [booked, rest @ ..]) in rows.iter_mut().chain([&mut totals]).zip(cells) {
            row.splice(2..2, [booked]);
            row.extend(rest);
        }
    }
    let fee = figures.terms.plan.map(|plan| {
        let amount = context.language.number(&plan.fee_usd.to_fixed(2));
        words::PLAN_FEE.fill(context.language, &[("amount", &amount)])
    });
    context.sheet(TableSheet {
        name: words::COST_CENTERS,
        table_name: "RL_cost_centers",
        columns,
        rows: Rows::Cells(rows),
        totals: Some(totals),
        empty: words::NO_RUNS,
        notes: fee.into_iter().chain([context.text(words::ROUNDING)]).collect(),
        frozen_columns: 1,
    })
}

/// The share of the total. `None`: one of both is not known, or the total is not positive.
pub(super) fn share(part: Option<Amount>, total: Option<Amount>) -> Option<Share> {
    part.zip(total).and_then(|(part, total)| Share::ratio(part.units(), total.units()))
}

/// The difference of two amounts, in which an unknown one counts nothing. `None`: both are unknown.
fn difference(now: Option<Amount>, before: Option<Amount>) -> Option<Amount> {
    now.or(before).map(|_| now.unwrap_or_default() - before.unwrap_or_default())
}
