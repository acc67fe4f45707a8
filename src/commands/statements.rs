//! `runledger statements`: writes a statement for each cost center, or checks a folder of them.

use crate::cli::{FormatArgs, LanguageArgs, Names, OutcomeArgs, PeriodArgs, ScopeArgs};
use crate::commands::Cli;
use crate::commands::shared::allocation::warn_of_idle_rules_in;
use crate::commands::shared::archives::{combined_provenance, open};
use crate::commands::shared::outcome::{exact, print_checks};
use crate::commands::shared::output::{dialect, language, print_line, print_note};
use crate::commands::shared::scope::{note_unfrozen_rates, print_default_booking, request};
use crate::error::{Error, Result};
use crate::export::Dialect;
use crate::export::manifest::{ComparedPeriod, FxProvenance, Provenance};
use crate::report::change::Side;
use crate::statements::{self, INDEX_FILE, Output, Statements};
use crate::suggest::did_you_mean;
use crate::wording::counted;
use crate::workspace::{ledgers_of, read_transactions};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

/// The value of `--by`.
const COST_CENTER: &str = "cost-center";

/// The arguments of `runledger statements`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Each cost center gets a CSV with its manifest and a spreadsheet: its pipelines, what they cost in
the month and in the month before, the parts of the difference as `report change` has them, and
the runs without a known cost. Runs without a cost center are in the statement `unallocated`.
statements.json lists the files of each cost center, with sums and hashes.

Examples:
  runledger statements --period 2026-10 --by cost-center --output october
  runledger statements --period 2026-10 --dialect excel-br --output outubro
  runledger statements --check october   # exit 3 if they do not add up")]
pub struct StatementsArgs {
    /// The month, such as 2026-10
    ///
    /// A closed month gives the numbers it was closed with.
    #[arg(long, value_name = "MONTH", required_unless_present = "check")]
    pub period: Option<String>,

    /// Write a statement for each of these: cost-center
    #[arg(
        long,
        value_name = "DIMENSION",
        value_parser = Names(vec![COST_CENTER]),
        hide_possible_values = true,
        default_value = COST_CENTER
    )]
    pub by: String,

    /// Write to this folder
    ///
    /// Other files in it are left alone. Statements of another month, time zone, date basis or archive are refused.
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    pub output: Option<PathBuf>,

    /// Check that the statements in this folder add up
    ///
    /// They must be unchanged, and add up to the close of their month.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["period", "output", "zone", "date_basis", "as_of", "dialect", "language"]
    )]
    pub check: Option<PathBuf>,

    /// Read the archives of all workspaces in the settings
    #[arg(long)]
    pub all: bool,

    /// How to assign a run to the month.
    #[command(flatten, next_help_heading = "Scope")]
    pub booking: PeriodArgs,

    /// Use the data as known at this instant or day
    ///
    /// An instant such as 2026-02-01T12:00:00Z; a day counts up to its end.
    #[arg(long, value_name = "INSTANT|DAY", help_heading = "Scope")]
    pub as_of: Option<String>,

    /// CSV dialect: machine, or excel and excel-br with dates, totals and protection against formula injection
    /// [default: machine]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = Names(Dialect::NAMES.to_vec()),
        hide_possible_values = true,
        help_heading = "Output"
    )]
    pub dialect: Option<String>,

    /// The language.
    #[command(flatten)]
    pub language: LanguageArgs,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// Writes the statements, or checks them.
///
/// # Errors
/// As [`statements::statements`] and [`statements::write`]; [`Error::Partial`] when a check fails.
pub(super) fn run(args: &StatementsArgs, cli: &Cli) -> Result<()> {
    if args.by != COST_CENTER {
        return Err(Error::Usage {
            what: format!("--by {}: statements are by cost center", args.by),
            hint: did_you_mean(&args.by, [COST_CENTER])
                .or_else(|| Some("`runledger report change` has other dimensions".to_owned())),
        });
    }
    match (&args.check, &args.output) {
        (Some(folder), _) => check(args, folder, cli),
        (None, Some(folder)) => write(args, folder, cli),
        (None, None) => Err(Error::usage("statements need a folder: give it with --output")),
    }
}

fn write(args: &StatementsArgs, folder: &Path, cli: &Cli) -> Result<()> {
    let scope = ScopeArgs {
        period: args.period.clone(),
        booking: args.booking.clone(),
        as_of: args.as_of.clone(),
        ..ScopeArgs::default()
    };
    let (workspaces, settings) = open(cli, args.all, &scope)?;
    // One read transaction per archive, so that all statements show the same state.
    let _reading = read_transactions(&workspaces)?;
    let statements = statements::statements(&workspaces, &request(&scope)?)?;
    let whole = &statements.whole;
    for (workspace, scopes) in workspaces.iter().zip(&whole.scopes) {
        scopes.warn_of_conflicts(&workspace.archive)?;
    }
    let ledgers = ledgers_of(&workspaces, whole)?;
    let month = ledgers[0].scope();
    print_default_booking(month);
    warn_of_idle_rules_in(&ledgers, &settings)?;
    for scopes in &whole.scopes {
        Side::BOTH.into_iter().for_each(|side| note_unfrozen_rates(scopes.scope(side), &settings));
    }
    let provenance = Provenance {
        by: vec![COST_CENTER.to_owned(), "pipeline".to_owned()],
        against: Some(ComparedPeriod::of(whole)),
        fx: FxProvenance::of(&ledgers),
        ..combined_provenance("statements", &workspaces, &ledgers)?
    };
    let format = FormatArgs {
        dialect: args.dialect.clone(),
        language: args.language.clone(),
        ..FormatArgs::default()
    };
    let output = Output {
        dialect: dialect(&format, &settings, month.zone)?,
        language: language(&format, &settings)?,
        provenance,
    };
    statements::write(&statements, &workspaces, &output, folder)?;
    if args.outcome.format.is_json() {
        let written = Written::of(&statements, folder);
        print_line(&serde_json::to_string(&written).expect("statements are valid JSON"))?;
    }
    if args.outcome.quiet {
        return Ok(());
    }
    for note in whole.notes() {
        print_note(&note);
    }
    print_note(&format!(
        "{} of {} in {}: {} USD in total",
        counted(statements.statements.len() as u64, "statement"),
        whole.period,
        folder.display(),
        whole.all.new.total().map_or_else(|| "unknown".to_owned(), |usd| usd.to_string())
    ));
    Ok(())
}

/// The statements that were written, as JSON.
#[derive(Serialize)]
struct Written<'a> {
    folder: String,
    index: String,
    period: &'a str,
    against: &'a str,
    total_cost_usd: Option<Box<RawValue>>,
    statements: Vec<WrittenStatement<'a>>,
    notes: Vec<String>,
}

/// The statement of a cost center, as JSON.
#[derive(Serialize)]
struct WrittenStatement<'a> {
    cost_center: &'a str,
    runs: u64,
    runs_cost_unknown: u64,
    total_cost_usd: Option<Box<RawValue>>,
}

impl<'a> Written<'a> {
    fn of(statements: &'a Statements, folder: &Path) -> Written<'a> {
        let whole = &statements.whole;
        let rows = statements.statements.iter().map(|statement| {
            let costs = &statement.change.all.new;
            WrittenStatement {
                cost_center: &statement.cost_center,
                runs: costs.runs,
                runs_cost_unknown: costs.runs_cost_unknown,
                total_cost_usd: exact(costs.total()),
            }
        });
        Written {
            folder: folder.to_string_lossy().into_owned(),
            index: folder.join(INDEX_FILE).to_string_lossy().into_owned(),
            period: &whole.period,
            against: &whole.against,
            total_cost_usd: exact(whole.all.new.total()),
            statements: rows.collect(),
            notes: whole.notes(),
        }
    }
}

fn check(args: &StatementsArgs, folder: &Path, cli: &Cli) -> Result<()> {
    let (workspaces, _) = open(cli, args.all, &ScopeArgs::default())?;
    let _reading = read_transactions(&workspaces)?;
    let checks = statements::check(folder, &workspaces)?;
    match print_checks(folder, &checks, args.outcome)? {
        0 => Ok(()),
        differing => Err(Error::Partial {
            what: format!(
                "the statements in {} are not those of the archive: {differing} of {} checks differ",
                folder.display(),
                checks.len()
            ),
        }),
    }
}
