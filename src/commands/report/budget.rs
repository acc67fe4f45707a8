//! `runledger report budget`: how much of each budget is spent, and which will be exceeded.

use crate::cli::TableFormat;
use crate::commands::report::ReportArgs;
use crate::commands::report::check::Check;
use crate::commands::shared::allocation::warn_of_idle_rules_in;
use crate::commands::shared::archives::combined_provenance;
use crate::commands::shared::output::print_table;
use crate::commands::shared::scope::{note_unfrozen_rates, print_default_booking};
use crate::error::{Error, Result};
use crate::export::manifest::{FxProvenance, Provenance};
use crate::report::budget::{BudgetRuns, BudgetState, State, Unit, for_people, notes, report};
use crate::report::fx;
use crate::report::neighbors::warn_of_conflicts;
use crate::report::scope::ScopeRequest;
use crate::settings::Settings;
use crate::workspace::{Workspace, WorkspaceBudgets, append_answers, budgets_of, read_transactions};

/// The name of the report.
pub(super) const NAME: &str = "budget";

/// Refuses the arguments that a budget has no use for.
///
/// # Errors
/// [`Error::Usage`] naming the argument.
pub(super) fn check(args: &ReportArgs) -> Result<()> {
    if !args.by.is_empty() {
        return Err(Error::Usage {
            what: format!("--by does not apply to the report {NAME}: it has one row for each budget"),
            hint: Some("`runledger report cost --by cost-center` splits the costs".to_owned()),
        });
    }
    Ok(())
}

/// Runs the report.
///
/// # Errors
/// As [`budgets_of`] and [`print_table`]; [`Error::Partial`] when `--check` is given and a budget is exceeded.
pub(super) fn run(
    args: &ReportArgs,
    request: &ScopeRequest,
    workspaces: &[Workspace],
    settings: &Settings,
) -> Result<()> {
    // One read transaction per archive, so that the report and its manifest show the same state.
    let _reading = read_transactions(workspaces)?;
    let answer = budgets_of(workspaces, request)?;
    let WorkspaceBudgets { ledgers, month, now, states } = &answer;
    for (workspace, ledger) in workspaces.iter().zip(ledgers) {
        warn_of_conflicts(ledger.scope(), &workspace.archive)?;
    }
    if args.table.format() == TableFormat::Csv {
        print_default_booking(ledgers[0].scope());
    }
    let all: Vec<BudgetState> = states.iter().flatten().cloned().collect();
    if all.iter().any(|state| matches!(state.budget.runs, BudgetRuns::CostCenter(_))) {
        warn_of_idle_rules_in(ledgers, settings)?;
    }
    let is_in_currency = all.iter().any(|state| matches!(state.budget.limit.unit(), Unit::Currency(_)));
    let mut provenance = combined_provenance(&format!("report {NAME}"), workspaces, ledgers)?;
    if is_in_currency {
        fx::shared_currency(ledgers)?;
        ledgers.iter().for_each(|ledger| note_unfrozen_rates(ledger.scope(), settings));
        provenance.fx = FxProvenance::of(ledgers);
    }
    let mut table = append_answers(ledgers, |index, _| Ok(report(&states[index])))?;
    if args.table.is_brief() {
        provenance.notes.extend(for_people(&mut table, &all));
    }
    args.ranking().apply(&mut table, &[])?;
    for (workspace, states) in workspaces.iter().zip(states) {
        let named = |note: String| match workspaces.len() {
            1 => note,
            _ => format!("{}: {note}", workspace.name),
        };
        provenance.notes.extend(notes(states, month, *now).into_iter().map(named));
    }
    let provenance = Provenance { limit: args.limit, ..provenance };
    print_table(&table, &args.table, settings, ledgers[0].scope().zone, provenance)?;
    match args.check {
        Some(check) => require_within(&all, check),
        None => Ok(()),
    }
}

/// Fails if a budget is exceeded, or will be.
fn require_within(states: &[BudgetState], check: Check) -> Result<()> {
    let named = |wanted: State, words: &str| {
        let names: Vec<&str> =
            states.iter().filter(|one| one.state == wanted).map(|one| one.budget.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("{words}: {}", names.join(", ")))
    };
    let over = named(State::Over, "budgets exceeded");
    let will_be =
        named(State::WillBeOver, "budgets that will be exceeded").filter(|_| check == Check::Forecast);
    let found: Vec<String> = [over, will_be].into_iter().flatten().collect();
    if found.is_empty() { Ok(()) } else { Err(Error::Partial { what: found.join("; ") }) }
}
