//! `runledger runs`: lists runs.

use crate::cli::{Names, ScopeArgs, TableArgs, TableFormat};
use crate::commands::Cli;
use crate::commands::shared::archives::{combined_provenance, open, open_ledgers};
use crate::commands::shared::numbers::grouped;
use crate::commands::shared::output::{print_line, print_table};
use crate::commands::shared::scope::{print_default_booking, request};
use crate::error::Result;
use crate::export::terminal::local_minute;
use crate::report::filter::RunFilter;
use crate::report::run_list::{self, RunList, RunListRequest, RunOrder};
use crate::report::{Cell, Ledger, Table};
use crate::workspace::read_transactions;
use clap::Args;

/// The runs that people get without `--limit`. Programs get all of them.
const ROWS_FOR_PEOPLE: u32 = 15;

/// The arguments of `runledger runs`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger runs                                  # the newest runs
  runledger runs --status failed --last 24h       # what failed last night
  runledger runs --last 30d --sort usd --limit 5  # the costliest of them
  runledger runs --status failed --last 24h --sort -duration
  runledger runs --kind source --period 2026-01 --format csv --output runs.csv
  runledger runs --id 31a52a                      # ids that begin so
  runledger runs --status running --ids           # whole ids, for scripts")]
pub struct RunsArgs {
    /// Order: started (newest first), duration, waited, usd (largest first), status or pipeline
    ///
    /// A minus in front means descending for words too.
    #[arg(
        long,
        value_name = "ORDER",
        default_value = "started",
        allow_hyphen_values = true,
        value_parser = Names(RunOrder::ALL.map(|(name, _)| name).to_vec()),
        hide_possible_values = true
    )]
    pub sort: String,

    /// Reverse the order
    #[arg(long, hide_short_help = true)]
    pub reverse: bool,

    /// Maximum number of runs [default: 15 in tables for people, else all]
    #[arg(long, value_name = "N", conflicts_with = "all_rows")]
    pub limit: Option<u32>,

    /// List every run
    #[arg(long, hide_short_help = true)]
    pub all_rows: bool,

    /// Only runs whose id begins so
    #[arg(long, value_name = "PREFIX", value_parser = id_prefix)]
    pub id: Option<String>,

    /// Print whole ids alone, one per line
    #[arg(long, hide_short_help = true, conflicts_with_all = ["format", "json", "output"])]
    pub ids: bool,

    /// Read the archives of all workspaces in the settings
    #[arg(long, hide_short_help = true)]
    pub all: bool,

    /// Which runs to read.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// How and where to print the table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// Parses the beginning of a run id into the spelling of the archive.
fn id_prefix(text: &str) -> Result<String, String> {
    crate::store::id_prefix(text).ok_or_else(|| "must be hexadecimal digits, as in an id".to_owned())
}

/// Lists the runs.
///
/// # Errors
/// As [`crate::workspace::open`], and [`crate::error::Error::Usage`] when an argument is invalid.
pub(super) fn run(args: &RunsArgs, cli: &Cli) -> Result<()> {
    let args = &RunsArgs { table: args.table.resolved()?, ..args.clone() };
    let is_for_people = !args.ids && args.table.format() == TableFormat::Table;
    let limit = args.limit.or((is_for_people && !args.all_rows).then_some(ROWS_FOR_PEOPLE));
    let list = RunListRequest {
        is_reversed: args.reverse,
        limit,
        id_prefix: args.id.clone().unwrap_or_default(),
        ..RunListRequest::default()
    }
    .with_order(&args.sort)?;
    let (workspaces, settings) = open(cli, args.all, &args.scope)?;
    // One read transaction per archive, so that the list and its manifest show the same state.
    let _reading = read_transactions(&workspaces)?;
    let ledgers = open_ledgers(&workspaces, &request(&args.scope)?)?;
    if args.table.format() == TableFormat::Csv {
        print_default_booking(ledgers[0].scope());
    }
    let RunList { mut table, runs } = run_list::list_across(&ledgers, &list)?;
    if args.ids {
        return print_ids(&table);
    }
    let mut provenance = combined_provenance("runs", &workspaces, &ledgers)?;
    provenance.limit = limit;
    if is_for_people {
        provenance.notes.splice(..0, notes(&table, runs, args, &ledgers)?);
        leave_out_constant_columns(&mut table, &ledgers[0].scope().filter);
    }
    print_table(&table, &args.table, &settings, ledgers[0].scope().zone, provenance)
}

/// Prints the whole id of each run.
fn print_ids(table: &Table) -> Result<()> {
    let Some(column) = table.columns.iter().position(|column| column == "run_id") else { return Ok(()) };
    let ids: Vec<String> = table.rows.iter().filter_map(|row| row[column].exact()).collect();
    if ids.is_empty() { Ok(()) } else { print_line(&ids.join("\n")) }
}

/// What people have to know to read the list.
fn notes(table: &Table, runs: u64, args: &RunsArgs, ledgers: &[Ledger<'_>]) -> Result<Vec<String>> {
    let shown = table.rows.len() as u64;
    if shown == 0 && args.limit != Some(0) {
        return Ok(vec![empty_note(args, ledgers)?]);
    }
    let mut notes = Vec::new();
    if shown < runs {
        notes.push(format!("{shown} of {} runs (--all-rows lists all)", grouped(runs)));
    }
    let cost = table.columns.iter().position(|column| column == "total_cost_usd");
    let unknown =
        cost.map_or(0, |cost| table.rows.iter().filter(|row| matches!(row[cost], Cell::Usd(None))).count());
    if unknown > 0 {
        notes.push(format!("{unknown} of {shown}: cost not known"));
    }
    Ok(notes)
}

/// The note of an empty list: when the latest run that meets the filter began, if one did.
fn empty_note(args: &RunsArgs, ledgers: &[Ledger<'_>]) -> Result<String> {
    let mut latest = None;
    for ledger in ledgers {
        latest = latest.max(run_list::latest(ledger)?);
    }
    let asked = request(&args.scope)?;
    let is_limited =
        asked.period.is_some() || asked.from.is_some() || asked.until.is_some() || asked.last.is_some();
    Ok(match latest {
        Some(at) if is_limited => {
            let latest = local_minute(at, ledgers[0].scope().zone, None);
            format!("No such run; the latest one is of {latest}")
        }
        _ => "No such run in the archive".to_owned(),
    })
}

/// Takes a column out of a table for people if a filter gives every row the same value, which the title has.
fn leave_out_constant_columns(table: &mut Table, filter: &RunFilter) {
    for (column, values) in
        [("status", &filter.status), ("trigger_type", &filter.trigger), ("pipeline_kind", &filter.kind)]
    {
        if values.len() == 1 {
            table.retain_columns(|name| name != column);
        }
    }
}
