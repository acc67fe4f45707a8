//! The last sheet: where the figures come from, field by field, with rows and exact sums of every sheet.

use super::figures::MonthFigures;
use super::{Context, words};
use crate::export::xlsx::book::{Content, Sheet};
use crate::export::xlsx::column::Total;
use crate::export::xlsx::sheet_of;
use crate::report::Cell;

pub(super) fn sheet(context: &Context<'_>, figures: &MonthFigures, tables: &[Sheet<'_>]) -> Sheet<'static> {
    let provenance = context.provenance;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let mut entries: Vec<(String, String)> = [
        ("question", provenance.question.clone()),
        ("account", context.account.clone()),
        ("period", text(&provenance.period)),
        ("zone", provenance.zone.clone()),
        ("date_basis", text(&provenance.date_basis)),
        ("from", text(&provenance.from)),
        ("until", text(&provenance.until)),
        ("as_of", text(&provenance.as_of)),
        ("known_at", text(&provenance.known_at)),
        ("close_state", text(&provenance.close_state)),
        ("close_id", figures.scope.close_id.map_or_else(String::new, |close| close.to_string())),
        ("closed_at", text(&provenance.closed_at)),
        ("closed_by", text(&provenance.closed_by)),
        ("close_note", text(&provenance.close_note)),
        ("language", context.language.name().to_owned()),
        ("program_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("rows_sha256", figures.rows_sha256()),
    ]
    .map(|(field, value)| (field.to_owned(), value))
    .into();
    for (number, rule) in (1..).zip(&provenance.cost_centers) {
        entries.push((format!("cost_centers.{number}"), rule.clone()));
    }
    entries.extend(tables.iter().flat_map(of_table));
    sheet_of(entries, context.title(words::MANIFEST), context.language)
}

/// The rows of a sheet and its exact sums.
fn of_table(sheet: &Sheet<'_>) -> Vec<(String, String)> {
    let Content::Table(table) = &sheet.content else { return Vec::new() };
    let name = &table.table_name;
    let mut entries = vec![(format!("{name}.rows"), table.rows.count().to_string())];
    let totals = table.totals.iter().filter(|_| table.rows.count() > 0).flatten();
    for (column, total) in table.columns.iter().zip(totals) {
        if let (Total::Sum, Cell::Usd(_) | Cell::Count(_)) = (column.total, total) {
            entries.push((format!("{name}.{}", column.field), total.exact().unwrap_or_default()));
        }
    }
    entries
}
