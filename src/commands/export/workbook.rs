//! `runledger export workbook`: writes a month as one spreadsheet to file, print and book from.

use crate::cli::first_given;
use crate::commands::Cli;
use crate::commands::export::ExportArgs;
use crate::commands::shared::allocation::warn_of_idle_rules_in;
use crate::commands::shared::archives::open;
use crate::commands::shared::output::{built_without, language, provenance};
use crate::commands::shared::scope::{note_unfrozen_terms, request};
use crate::error::{Error, Result};
use crate::export::{Destination, Format, Sidecar, WriteOptions, write_with};
use crate::report::neighbors::refuse_conflicts;
use crate::report::{Ledger, Scope};
use crate::workbook::{MonthFigures, book, require_extension, require_month};
use crate::workspace::{Workspace, read_transactions};
use std::slice;

/// Writes the workbook.
///
/// # Errors
/// [`Error::Usage`] when the arguments name no month or no `.xlsx` file, when a flag does not apply, or when this
/// binary was built without spreadsheets.
pub(super) fn run(args: &ExportArgs, cli: &Cli) -> Result<()> {
    if !cfg!(feature = "xlsx") {
        return Err(built_without("spreadsheets", "xlsx"));
    }
    reject_unsupported_flags(args)?;
    let request = request(&args.scope)?;
    require_month(&request)?;
    let output = args.output.output.as_deref().filter(|output| output.as_os_str() != "-");
    let Some(output) = output else {
        return Err(Error::Usage {
            what: "export workbook needs a file to write to".to_owned(),
            hint: Some("give it with --output, such as --output close.xlsx".to_owned()),
        });
    };
    require_extension(output)?;
    let (workspaces, settings) = open(cli, false, &args.scope)?;
    let [workspace] = workspaces.as_slice() else {
        return Err(Error::Usage {
            what: "a workbook shows one workspace, but several are given".to_owned(),
            hint: Some("write one workbook per workspace, each with its own --db and --output".to_owned()),
        });
    };
    let Workspace { archive, defaults, name, .. } = workspace;
    // One read transaction, so that all sheets show the same state.
    let _reading = read_transactions(slice::from_ref(workspace))?;
    refuse_conflicts(&Scope::resolve(&request, defaults, archive)?, archive)?;
    let mut figures = MonthFigures::read(workspace, &request)?;
    note_unfrozen_terms(figures.scope());
    let ledger = Ledger::open(archive.connection(), figures.scope().clone())?.for_workspace(name);
    warn_of_idle_rules_in(slice::from_ref(&ledger), &settings)?;
    let provenance = provenance("export workbook".to_owned(), ledger.scope(), archive)?;
    let language = language(&args.format_options, &settings)?;
    let book = book(&mut figures, &ledger, &provenance, language)?;
    let options = WriteOptions {
        sidecar: if args.format_options.manifest { Sidecar::Manifest } else { Sidecar::None },
        provenance: Some(provenance),
        language,
        ..WriteOptions::plain(Format::Xlsx(ledger.scope().zone))
    };
    write_with(Vec::new(), &options, &Destination::at(Some(output)), |_, out| book.write(out))
}

/// Rejects flags of other exports.
fn reject_unsupported_flags(args: &ExportArgs) -> Result<()> {
    let format_options = &args.format_options;
    let flag = first_given(&[
        ("--format", args.format.is_some()),
        ("--json", args.json),
        ("--decimals", format_options.decimals.is_some()),
    ]);
    // The dialect only sets the language.
    match flag.or_else(|| format_options.csv_only_flag().filter(|flag| *flag != "--dialect")) {
        None => Ok(()),
        Some(flag) => Err(Error::usage(format!(
            "{flag} does not apply to a workbook: amounts are exact, and formats show two decimals"
        ))),
    }
}
