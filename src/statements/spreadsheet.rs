//! A statement as a spreadsheet: the columns that people read on one page, and the manifest.

use super::Statement;
use crate::export::column_totals::ColumnTotals;
use crate::export::csv::TotalsRow;
use crate::export::manifest::{Manifest, Provenance};
use crate::export::subject::subject;
use crate::export::xlsx::book::{Book, Content, Rows, Sheet, TableContent};
use crate::export::xlsx::column::Column;
use crate::export::xlsx::manifest_sheet;
use crate::export::xlsx::title_block::{TitleBlock, state};
use crate::language::{Language, Phrase};
use crate::report::Table;
use crate::report::billing::Account;
use crate::report::table::USD_DECIMALS;
use chrono_tz::Tz;

/// The name of the sheet.
const STATEMENT: Phrase = Phrase::new("Statement", "Demonstrativo");

/// The sentence of a statement without rows.
const NO_RUNS: Phrase = Phrase::new("No runs in either month.", "Nenhuma execução em nenhum dos dois meses.");

/// The decimals of amounts as shown. Cells have the exact amounts.
const SHOWN_DECIMALS: u32 = 2;

/// Columns whose heading in a comparison of months is that of another name.
const HEADINGS: [(&str, &str); 4] = [
    ("total_cost_usd", "current_usd"),
    ("against_total_cost_usd", "previous_usd"),
    ("runs", "current_runs"),
    ("against_runs", "previous_runs"),
];

/// The spreadsheet of a statement. `provenance` is what it answers.
pub(super) fn book(statement: &Statement, provenance: &Provenance, language: Language) -> Book<'static> {
    let table = statement.table_for_people();
    let scope = statement.change.scopes.first().map(|scopes| &scopes.period);
    let account = scope.map(|scope| scope.terms_of(&statement.change.period).account);
    let subject = subject(provenance, language).unwrap_or_default();
    let state = state(provenance, language).unwrap_or_default();
    let title =
        TitleBlock::new(subject.clone(), provenance, account.as_ref().and_then(Account::name), language);
    let manifest = manifest(&table, provenance);
    let notes = provenance.notes.iter().map(|note| language.sentence(note).into_owned()).collect();
    let sheet = Sheet {
        name: STATEMENT.text(language).to_owned(),
        title,
        content: Content::Table(TableContent {
            table_name: "RL_statement".to_owned(),
            columns: columns(&table, language),
            rows: Rows::Cells(table.rows),
            totals: table.totals,
            empty: NO_RUNS.text(language).to_owned(),
            notes,
            frozen_columns: 1,
            chart: None,
        }),
    };
    Book {
        language,
        zone: scope.map_or(Tz::UTC, |scope| scope.zone),
        usd_decimals: None,
        title: subject.clone(),
        page_header: [subject, state.clone()],
        page_footer: String::new(),
        state,
        sheets: vec![sheet, manifest_sheet(&manifest, language)],
    }
}

fn columns(table: &Table, language: Language) -> Vec<Column> {
    let with_heading = |column: Column| {
        let heading = HEADINGS.iter().find(|(field, _)| *field == column.field);
        match heading {
            Some((_, name)) => Column { heading: language.heading(name).into_owned(), ..column },
            None => column,
        }
    };
    Column::of_table(table, Some(SHOWN_DECIMALS), language).into_iter().map(with_heading).collect()
}

/// The manifest inside the file, with the exact sums.
fn manifest(table: &Table, provenance: &Provenance) -> Manifest {
    let mut totals = ColumnTotals::new(table.columns.iter().map(String::as_str));
    table.rows.iter().for_each(|row| totals.add_cells(row));
    let totals_row = if table.totals.is_some() { TotalsRow::Last } else { TotalsRow::None };
    let mut manifest = Manifest::new(
        "xlsx",
        None,
        Some(USD_DECIMALS),
        table.columns.clone(),
        totals_row,
        provenance.clone(),
    );
    manifest.set_totals(&totals);
    manifest
}
