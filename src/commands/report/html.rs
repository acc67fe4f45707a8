//! This is `runledger report html`: the ledger at a glance, as one page for a browser.

use crate::cli::TableFormat;
use crate::commands::report::ReportArgs;
use crate::commands::shared::output::built_without;
use crate::commands::shared::output::{asked, dialect_given};
use crate::commands::shared::scope::request;
use crate::error::{Error, Result};
use crate::export::{Destination, html};
use crate::report::{Scope, overview};
use crate::workspace::Workspace;

/// Writes the page.
///
/// # Errors
/// [`Error::Usage`] when an argument is given that only a table has, or this program was built without the page.
pub fn run(args: &ReportArgs, workspaces: &[Workspace]) -> Result<()> {
    if !cfg!(feature = "page") {
        return Err(built_without("the page", "page"));
    }
    refuse_what_tables_have(args)?;
    let [Workspace { archive, defaults, plan, .. }] = workspaces else {
        return Err(Error::Usage {
            what: "a page shows one workspace, and several are asked for".to_owned(),
            hint: Some("write a page for each, with one --db and its own --output".to_owned()),
        });
    };
    // One moment for all that the page says.
    let _reading = archive.connection().unchecked_transaction()?;
    let scope = Scope::resolve(&request(&args.scope)?, defaults, archive)?;
    let state = asked(String::new(), &scope, archive)?.close_state.unwrap_or_default();
    let known_at = archive.last_observed_by(scope.as_of)?;
    let overview = overview::gather(archive.connection(), &scope, *plan, known_at)?;
    html::write(&overview, &state, &Destination::at(args.answer.output.output.as_deref()))
}

fn refuse_what_tables_have(args: &ReportArgs) -> Result<()> {
    let writing = &args.answer.writing;
    let given = [
        ("--by", !args.by.is_empty()),
        ("--limit", args.limit.is_some()),
        ("--what-if", !args.what_if.is_empty()),
        ("--format", args.answer.format != TableFormat::Table),
        ("--decimals", writing.decimals.is_some()),
        ("--manifest", writing.manifest),
    ];
    let given = given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag);
    match given.or_else(|| dialect_given(writing)) {
        None => Ok(()),
        Some(flag) => Err(Error::Usage {
            what: format!("{flag} is for reports that are tables, and html is a page"),
            hint: Some(
                "a page takes --output, --period, --from, --until, --zone, --date and --as-of".to_owned(),
            ),
        }),
    }
}
