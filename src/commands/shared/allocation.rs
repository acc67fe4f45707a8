//! Warnings about cost-center rules that match nothing.

use super::output::print_note;
use crate::error::Result;
use crate::escape::escape_control;
use crate::report::Ledger;
use crate::report::allocation::Allocation;
use crate::report::allocation_check::{IdleCause, IdleRule, Searched, idle_rules};
use crate::settings::Settings;
use crate::store::Archive;

/// Prints a warning for each rule that matches nothing in the archives, nor in another workspace of the settings.
/// Returns whether there is one.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn warn_of_idle_rules(
    allocation: &Allocation,
    archives: &Searched<'_>,
    settings: &Settings,
) -> Result<bool> {
    let idle = idle_in_every_workspace(allocation, archives, settings)?;
    for idle in &idle {
        print_note(&format!("warning: {}", escape_control(&idle.to_string())));
    }
    Ok(!idle.is_empty())
}

/// As [`warn_of_idle_rules`], for the rules of the ledgers. Those of a closed month are the frozen ones.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn warn_of_idle_rules_in(ledgers: &[Ledger<'_>], settings: &Settings) -> Result<()> {
    let mut checked: Vec<&Allocation> = Vec::new();
    for ledger in ledgers {
        let allocation = &ledger.scope().allocation;
        if checked.contains(&allocation) {
            continue;
        }
        checked.push(allocation);
        let same_rules = ledgers.iter().filter(|other| other.scope().allocation == *allocation);
        let has_idle = warn_of_idle_rules(allocation, &Searched::ledgers(same_rules), settings)?;
        if let (true, Some(period), Some(_)) = (has_idle, &ledger.scope().period, ledger.scope().close_id) {
            print_note(&format!(
                "these rules were frozen with {period}: `runledger close --restate {period}` adopts those of the settings"
            ));
        }
    }
    Ok(())
}

fn idle_in_every_workspace(
    allocation: &Allocation,
    archives: &Searched<'_>,
    settings: &Settings,
) -> Result<Vec<IdleRule>> {
    let mut idle = idle_rules(allocation, archives)?;
    if idle.is_empty() || settings.workspaces().is_empty() {
        return Ok(idle);
    }
    // The settings are those of every workspace, so a rule can be for another one.
    let others: Vec<Archive> = settings
        .workspaces()
        .iter()
        .filter_map(|workspace| Archive::open_for_reading(&workspace.archive).ok())
        .collect();
    if others.len() < settings.workspaces().len() {
        // It can be for a workspace whose archive is missing.
        idle.retain(|idle| matches!(idle.cause, IdleCause::Covered(_)));
        return Ok(idle);
    }
    idle_rules(allocation, &archives.and(&others))
}
