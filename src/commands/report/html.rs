//! `runledger report html`: writes a self-contained HTML page with an overview of the ledger.

use crate::alert::attention;
use crate::cli::{FileType, first_given, require_type};
use crate::commands::alert::inputs;
use crate::commands::report::ReportArgs;
use crate::commands::shared::output::{built_without, language, provenance};
use crate::commands::shared::scope::{note_unfrozen_rates, note_unfrozen_terms, request};
use crate::error::{Error, Result};
use crate::export::html::Labels;
use crate::export::manifest::Provenance;
use crate::export::{Destination, html};
use crate::report::change::{Change, ChangeRequest};
use crate::report::fx::Fx;
use crate::report::month_states::MonthStates;
use crate::report::neighbors::warn_of_conflicts;
use crate::report::overview::{Attention, CreditsForecast, Gathering, HeadlineMonth, Overview};
use crate::report::scope::ScopeRequest;
use crate::report::{Dimension, Scope};
use crate::run::Instant;
use crate::settings::Settings;
use crate::workspace::{Workspace, change};
use std::io::IsTerminal;

/// Writes the HTML report.
///
/// # Errors
/// [`Error::Usage`] when several workspaces are given.
pub(super) fn run(args: &ReportArgs, workspaces: &[Workspace], settings: &Settings) -> Result<()> {
    let [Workspace { archive, defaults, .. }] = workspaces else {
        return Err(Error::Usage {
            what: "the HTML report shows one workspace, but several are given".to_owned(),
            hint: Some("write one report per workspace, each with its own --db and --output".to_owned()),
        });
    };
    // The runs are read in a thread of their own. Both connections show the same state, so all parts of the page do.
    let (_reading, for_runs) = archive.read_twice()?;
    let request = request(&args.scope)?;
    let scope = Scope::resolve(&request, defaults, archive)?;
    warn_of_conflicts(&scope, archive)?;
    let Provenance { close_state, closed_at, notes, .. } = provenance(String::new(), &scope, archive)?;
    let mut notes = notes;
    notes.extend(scope.fx().map(Fx::description));
    let labels = Labels {
        workspace: workspaces[0].name.clone(),
        state: close_state.unwrap_or_default(),
        closed_at,
        months: MonthStates::of(&[(&scope, archive)])?,
        notes,
    };
    // The page is dated by the system clock, which observations can be ahead of.
    let known_at = archive.clock_at_last_observation(scope.as_of)?;
    let gathering = Gathering::new(archive.connection(), &scope, known_at)?;
    let (pass, beside) = std::thread::scope(|threads| {
        let pass = threads.spawn(|| gathering.read(&{ for_runs }));
        let beside = Beside::read(args, workspaces, settings, &request, &scope, known_at);
        // What is left is shared by both threads.
        let beside = beside.and_then(|beside| Ok((beside, gathering.help(archive.connection())?)));
        (pass.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), beside)
    });
    let (Beside { forecast, change, attention }, helped) = beside?;
    let overview = gathering.overview(archive.connection(), pass?, helped)?;
    let overview = Overview { forecast, change, attention, ..overview };
    note_unfrozen_terms(&scope);
    note_unfrozen_rates(&scope, settings);
    let language = language(&args.table.format_options, settings)?;
    html::write(&overview, &labels, language, &Destination::at(args.table.output.output.as_deref()))
}

/// What the page shows beside the overview of the runs.
#[derive(Default)]
struct Beside {
    forecast: CreditsForecast,
    change: Option<std::result::Result<Change, String>>,
    attention: Attention,
}

impl Beside {
    fn read(
        args: &ReportArgs,
        workspaces: &[Workspace],
        settings: &Settings,
        request: &ScopeRequest,
        scope: &Scope,
        known_at: Option<Instant>,
    ) -> Result<Beside> {
        let Workspace { archive, budgets, .. } = &workspaces[0];
        let mut beside = Beside {
            forecast: CreditsForecast::read(archive.connection(), scope, known_at)?,
            ..Beside::default()
        };
        let Some(month) = HeadlineMonth::of(scope, known_at) else { return Ok(beside) };
        if let Some(period) = month.compared_period(scope, known_at) {
            let request = ChangeRequest {
                scope: ScopeRequest { period: Some(period), from: None, until: None, ..request.clone() },
                by: vec![Dimension::Pipeline],
                ..ChangeRequest::default()
            };
            // The zone, date basis or moment of the page can contradict a closed month.
            beside.change = Some(match change(workspaces, &request) {
                Err(Error::Usage { what, .. }) => Err(what),
                change => Ok(change?),
            });
        }
        if month.is_current(scope) {
            let as_of = args.scope.as_of.as_deref();
            beside.attention = attention(inputs(archive, settings, budgets.clone(), as_of)?)?;
        }
        Ok(beside)
    }
}

/// Checks the arguments before anything is read.
///
/// # Errors
/// [`Error::Usage`] when this binary was built without the HTML report, when a flag for tables is given, when the
/// extension names another format, or when the page would go to a terminal.
pub(super) fn check(args: &ReportArgs) -> Result<()> {
    if !cfg!(feature = "page") {
        return Err(built_without("the HTML report", "page"));
    }
    reject_unsupported_flags(args)?;
    let output = args.table.output.output.as_deref();
    require_type(output, FileType::Html, "report html")?;
    match output {
        None if std::io::stdout().is_terminal() => Err(Error::Usage {
            what: "report html writes a page for a browser, and standard output is a terminal".to_owned(),
            hint: Some("name a file, such as --output runs.html".to_owned()),
        }),
        _ => Ok(()),
    }
}

/// Rejects flags that only apply to tables.
fn reject_unsupported_flags(args: &ReportArgs) -> Result<()> {
    let format_options = &args.table.format_options;
    let flag = first_given(&[
        ("--by", !args.by.is_empty()),
        ("--limit", args.limit.is_some()),
        ("--all-rows", args.all_rows),
        ("--sort", args.sort.is_some()),
        ("--reverse", args.reverse),
        ("--what-if", !args.what_if.is_empty()),
        ("--format", args.table.format.is_some()),
        ("--json", args.table.json),
        ("--decimals", format_options.decimals.is_some()),
        ("--manifest", format_options.manifest),
    ]);
    match flag.or_else(|| format_options.csv_only_flag()) {
        None => Ok(()),
        Some(flag) => Err(Error::Usage {
            what: format!("{flag} only applies to tables, but `report html` writes a page"),
            hint: Some(
                "`report html` accepts --output, --language, --period, --from, --until, --zone, --date-basis and --as-of"
                    .to_owned(),
            ),
        }),
    }
}
