//! `runledger report metadata` and `components`, and paths into the metadata in `--by`.

use crate::commands::shared::output::print_note;
use crate::error::Result;
use crate::escape::escape_control;
use crate::export::manifest::Provenance;
use crate::report::{Cell, Dimension, Ledger, Table, metadata};
use crate::settings::Settings;
use crate::workspace::append_answers;

/// The name of the report that lists paths.
pub(super) const METADATA: &str = "metadata";

/// The name of the report on amounts.
pub(super) const COMPONENTS: &str = "components";

/// Runs the report that lists paths, one workspace after another.
///
/// # Errors
/// Those of SQLite.
pub(super) fn report(ledgers: &[Ledger<'_>], settings: &Settings, is_brief: bool) -> Result<Table> {
    let names = settings.monetary_names();
    append_answers(ledgers, |_, ledger| {
        let table = metadata::report(ledger, &names)?;
        Ok(if is_brief { metadata::for_people(&table, ledger.scope().zone) } else { table })
    })
}

/// Adds what people have to know about the report on amounts.
pub(super) fn note_components(settings: &Settings, provenance: &mut Provenance) {
    let endings = settings.monetary_names().endings().join(", ");
    let definition = format!("amounts are the numbers whose name ends in {endings}");
    provenance.notes.push(definition.clone());
    provenance.definitions.push(definition);
    let overlap = "an amount can contain others: do not add up those of different paths";
    provenance.notes.push(overlap.to_owned());
}

/// Prints a warning for each path in `--by` that no run of the answer has: it may be mistyped.
pub(super) fn warn_of_unmatched_paths(by: &[Dimension], table: &Table) {
    let paths = by.iter().filter_map(|dimension| match dimension {
        Dimension::Metadata(path) => Some(path.to_string()),
        _ => None,
    });
    for path in paths {
        let Some(column) = table.columns.iter().position(|column| *column == path) else { continue };
        let is_unmatched = !table.rows.iter().any(|row| matches!(row[column], Cell::Text(Some(_))));
        if is_unmatched && !table.rows.is_empty() {
            print_note(&format!(
                "warning: no run has a value at {}; `runledger report metadata` lists the paths",
                escape_control(&path)
            ));
        }
    }
}
