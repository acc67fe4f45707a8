//! `runledger report change`: compares the costs of two periods.

use crate::cli::TableFormat;
use crate::commands::report::metadata::warn_of_unmatched_paths;
use crate::commands::report::{ROWS_FOR_PEOPLE, ReportArgs};
use crate::commands::shared::allocation::warn_of_idle_rules_in;
use crate::commands::shared::archives::combined_provenance;
use crate::commands::shared::output::print_table;
use crate::commands::shared::scope::{note_unfrozen_rates, print_default_booking, request};
use crate::error::{Error, Result};
use crate::export::manifest::{ComparedPeriod, FxProvenance, Provenance};
use crate::export::terminal::local_minute;
use crate::report::change::{Against, Change, ChangeRequest, Side, UNKNOWN_DEFINED};
use crate::report::month_states::MonthStates;
use crate::report::period::Calendar;
use crate::report::table::USD_DECIMALS;
use crate::report::{Dimension, Table};
use crate::run::Instant;
use crate::settings::Settings;
use crate::workspace::{Workspace, change, ledgers_of, read_transactions};

/// The name of the report.
pub(super) const NAME: &str = "change";

/// What the report is grouped by without `--by`.
const DEFAULT_DIMENSION: &str = "pipeline";

/// The request of the arguments.
///
/// # Errors
/// [`crate::error::Error::Usage`] naming the argument that is invalid.
pub(super) fn change_request(args: &ReportArgs, by: &[Dimension]) -> Result<ChangeRequest> {
    if args.sort.is_some() || args.reverse {
        return Err(Error::usage(format!(
            "--sort and --reverse do not apply to the report {NAME}: the largest change is first"
        )));
    }
    if args.scope.last.is_some() {
        return Err(Error::Usage {
            what: format!("--last does not apply to the report {NAME}, which compares two periods"),
            hint: Some("name a period with --period, and the other one with --against".to_owned()),
        });
    }
    let request = ChangeRequest {
        scope: request(&args.scope)?,
        against: args.against.as_deref().map(Against::parse).transpose()?.unwrap_or_default(),
        by: if args.by.is_empty() { vec![Dimension::Pipeline] } else { by.to_vec() },
    };
    request.validate()?;
    Ok(request)
}

/// Runs the report.
///
/// # Errors
/// As [`change`] and [`print_table`].
pub(super) fn run(
    args: &ReportArgs,
    request: &ChangeRequest,
    workspaces: &[Workspace],
    settings: &Settings,
) -> Result<()> {
    // One read transaction per archive, so that both periods and the manifest show the same state.
    let _reading = read_transactions(workspaces)?;
    let change = change(workspaces, request)?;
    for (workspace, scopes) in workspaces.iter().zip(&change.scopes) {
        scopes.warn_of_conflicts(&workspace.archive)?;
    }
    if args.table.format() == TableFormat::Csv {
        print_default_booking(&change.scopes[0].period);
    }
    let limit = args.limit.and_then(|limit| usize::try_from(limit).ok());
    let table = match args.table.is_brief() {
        true => change.table_for_people(limit.or((!args.all_rows).then_some(ROWS_FOR_PEOPLE))),
        false => change.table(limit),
    };
    warn_of_unmatched_paths(&request.by, &change.table(None));
    let ledgers = ledgers_of(workspaces, &change)?;
    if request.by.contains(&Dimension::CostCenter) {
        warn_of_idle_rules_in(&ledgers, settings)?;
    }
    let mut provenance = combined_provenance(&format!("report {NAME}"), workspaces, &ledgers)?;
    let notes = match args.table.is_for_terminal() {
        true => {
            let zone = ledgers[0].scope().zone;
            let moment =
                provenance.as_of.as_deref().or(provenance.known_at.as_deref()).and_then(Instant::parse);
            change.notes_with(&|at| local_minute(at, zone, moment))
        }
        false => change.notes(),
    };
    provenance.notes.extend(notes);
    provenance.definitions.push(UNKNOWN_DEFINED.to_owned());
    provenance.notes.extend(notes_of_closed_months(workspaces, &change, &table)?);
    for scopes in &change.scopes {
        Side::BOTH.into_iter().for_each(|side| note_unfrozen_rates(scopes.scope(side), settings));
    }
    provenance.fx = FxProvenance::of(&ledgers);
    let provenance = Provenance {
        by: match args.by.as_slice() {
            [] => vec![DEFAULT_DIMENSION.to_owned()],
            given => given.to_vec(),
        },
        limit: args.limit,
        summary: Some(change.summary()),
        against: Some(ComparedPeriod::of(&change)),
        ..provenance
    };
    print_table(&table, &args.table, settings, ledgers[0].scope().zone, provenance)
}

/// What people have to know about the closed months that days and weeks are in. Months have their own notes.
fn notes_of_closed_months(workspaces: &[Workspace], change: &Change, table: &Table) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if Calendar::of_label(&change.period) == Calendar::Month {
        return Ok(notes);
    }
    for side in Side::BOTH {
        let archives = workspaces.iter().map(|workspace| &workspace.archive);
        let answers = change.scopes.iter().map(|scopes| scopes.scope(side)).zip(archives);
        notes.extend(MonthStates::of(&answers.collect::<Vec<_>>())?.notes(table, USD_DECIMALS));
    }
    notes.dedup();
    Ok(notes)
}
