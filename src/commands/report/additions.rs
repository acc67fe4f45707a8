//! What is added to the answer of a report: marks of months, the second currency, costs month by month.

use super::levels::Answer;
use super::{ReportArgs, is_period};
use crate::cli::TableFormat;
use crate::commands::shared::month_marks::mark_months;
use crate::commands::shared::scope::note_unfrozen_rates;
use crate::error::Result;
use crate::export::manifest::{FxProvenance, Provenance};
use crate::export::{add_trends, terminal};
use crate::report::month_states::MonthStates;
use crate::report::period::Calendar;
use crate::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use crate::report::{Dimension, Ledger, Table, cost, fx, group_by};
use crate::settings::Settings;
use crate::workspace::Workspace;

/// Adds the notes of the second currency, and leaves out of tables for people what they replace.
pub(super) fn note_conversion(
    answer: &mut Answer,
    args: &ReportArgs,
    ledgers: &[Ledger<'_>],
    settings: &Settings,
    provenance: &mut Provenance,
) {
    ledgers.iter().for_each(|ledger| note_unfrozen_rates(ledger.scope(), settings));
    provenance.notes.extend(fx::notes(ledgers, &answer.table));
    provenance.fx = FxProvenance::of(ledgers);
    if args.table.is_brief() {
        answer.tables().for_each(fx::leave_out_columns_for_programs);
    }
}

/// Marks closed and running months in tables for people, and returns the notes of the answer.
///
/// # Errors
/// Those of SQLite.
pub(super) fn label_months(
    answer: &mut Answer,
    args: &ReportArgs,
    by: &[Dimension],
    workspaces: &[Workspace],
    ledgers: &[Ledger<'_>],
) -> Result<Vec<String>> {
    let answers =
        ledgers.iter().map(Ledger::scope).zip(workspaces.iter().map(|workspace| &workspace.archive));
    let months = MonthStates::of(&answers.collect::<Vec<_>>())?;
    let decimals = args.table.format_options.decimals.unwrap_or(match args.table.format() {
        TableFormat::Csv | TableFormat::Json => USD_DECIMALS,
        TableFormat::Table => terminal::DECIMALS,
        TableFormat::Markdown | TableFormat::Xlsx => USD_DECIMALS_FOR_PEOPLE,
    });
    let whole = answer.whole_months(by, ledgers)?;
    let has_decimals = args.table.format_options.decimals.is_some();
    let mut notes = months.notes(whole.as_ref().unwrap_or(&answer.table), decimals);
    let legend = match args.table.format() {
        TableFormat::Csv | TableFormat::Json => return Ok(notes),
        TableFormat::Table if whole.is_none() && !args.table.wide && !has_decimals => {
            let (legend, has_booked) = mark_months(&months, &mut answer.table);
            if has_booked {
                notes.clear();
            }
            legend
        }
        _ => months.mark_table(&mut answer.table),
    };
    if let Some(columns) = &mut answer.columns {
        months.mark_table(columns);
        if let [_, Dimension::Period(Calendar::Month)] = by {
            months.mark_columns(columns);
        }
    }
    notes.splice(..0, legend);
    Ok(notes)
}

/// Adds to the costs of pipelines, kinds and so on how they went month by month.
///
/// # Errors
/// Those of SQLite.
pub(super) fn add_trends_by_month(
    table: &mut Table,
    name: &str,
    by: &[Dimension],
    ledgers: &[Ledger<'_>],
) -> Result<()> {
    let has_period = by.iter().any(is_period);
    // Two dimensions have a form of their own.
    if name == "cost" && !has_period && by.len() != 2 && by.len() < group_by::MAX_DIMENSIONS {
        let by = [by, &[Dimension::Period(Calendar::Month)]].concat();
        add_trends(table, &cost::report_across(ledgers, &by)?);
    }
    Ok(())
}
