//! `runledger runs`: lists runs.

use crate::cli::{Names, ScopeArgs, TableArgs, TableFormat};
use crate::commands::Cli;
use crate::commands::shared::archives::{combined_provenance, open, open_ledgers};
use crate::commands::shared::numbers::grouped;
use crate::commands::shared::output::{print_line, print_table, table_screen};
use crate::commands::shared::scope::{print_default_booking, request};
use crate::error::Result;
use crate::escape::shell_word;
use crate::export::terminal::local_minute;
use crate::report::allocation::UNALLOCATED;
use crate::report::filter::RunFilter;
use crate::report::median_factor;
use crate::report::run_list::{self, CostCondition, ListConditions, RunList, RunListRequest, RunOrder};
use crate::report::{Cell, Ledger, Table};
use crate::run::{Cost, Instant, Usd};
use crate::sync::{Clock, SystemClock};
use crate::workspace::read_transactions;
use clap::Args;
use std::path::Path;

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
  runledger runs --last 7d --min-usd 1            # what cost a dollar or more
  runledger runs --unknown                        # runs without a known cost
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

    /// Only runs that cost at least this many US dollars
    #[arg(long, value_name = "USD", value_parser = usd, conflicts_with = "unknown")]
    pub min_usd: Option<Usd>,

    /// Only runs without a known cost
    #[arg(long)]
    pub unknown: bool,

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

/// Parses an amount such as `1` or `0.25`.
fn usd(text: &str) -> Result<Usd, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let cost = Cost::from_number(text).filter(|_| is_plain);
    let invalid = || "must be an amount of US dollars, such as 1 or 0.25".to_owned();
    cost.map(|cost| Usd::from_units(cost.nanos.into())).ok_or_else(invalid)
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
        costs: match args.min_usd {
            Some(least) => CostCondition::AtLeast(least),
            None if args.unknown => CostCondition::Unknown,
            None => CostCondition::Any,
        },
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
    let screen = table_screen(&args.table, ledgers[0].scope().zone);
    let list = RunListRequest { has_median_factor: is_for_people && screen.has_more_columns(), ..list };
    let RunList { mut table, runs } = run_list::list_across(&ledgers, &list)?;
    if args.ids {
        return print_ids(&table);
    }
    let mut provenance = combined_provenance("runs", &workspaces, &ledgers)?;
    provenance.limit = limit;
    provenance.list = ListConditions {
        id_prefix: args.id.clone(),
        min_cost_usd: args.min_usd.map(plain),
        cost_unknown: args.unknown,
    };
    if is_for_people {
        // Where costs decide, they are the first column.
        if args.min_usd.is_some() || list.order == RunOrder::Usd {
            provenance.question = "runs with costs".to_owned();
        }
        provenance.notes.splice(..0, notes(&table, runs, args, &list, &ledgers)?);
        leave_out_constant_columns(&mut table, &ledgers[0].scope().filter, args);
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
fn notes(
    table: &Table,
    runs: u64,
    args: &RunsArgs,
    list: &RunListRequest,
    ledgers: &[Ledger<'_>],
) -> Result<Vec<String>> {
    let shown = table.rows.len() as u64;
    if shown == 0 && args.limit != Some(0) {
        return Ok(empty_note(args, list, ledgers)?.into_iter().collect());
    }
    let mut notes = Vec::new();
    if shown < runs {
        notes.push(format!("{shown} of {} runs (--all-rows lists all)", grouped(runs)));
    }
    let cost = table.columns.iter().position(|column| column == "total_cost_usd");
    let unknown =
        cost.map_or(0, |cost| table.rows.iter().filter(|row| matches!(row[cost], Cell::Usd(None))).count());
    if unknown > 0 && !args.unknown {
        notes.push(format!("{unknown} of {shown}: cost not known"));
    }
    notes.extend(median_factor::note(table));
    Ok(notes)
}

/// The note of an empty list: when the latest run that meets the filter began, and the command that lists it. `None`:
/// no run meets the filter.
fn empty_note(args: &RunsArgs, list: &RunListRequest, ledgers: &[Ledger<'_>]) -> Result<Option<String>> {
    let mut latest = None;
    for ledger in ledgers {
        latest = latest.max(run_list::latest(ledger, list)?);
    }
    let Some(at) = latest else { return Ok(None) };
    let command = format!("runledger runs{}{}", options(args), span_with(at));
    Ok(Some(format!("The latest began {}: `{command}`", local_minute(at, ledgers[0].scope().zone, None))))
}

/// The options of the filter, for a command to copy.
fn options(args: &RunsArgs) -> String {
    let filter = &args.scope.filter;
    let mut options = String::new();
    let mut add =
        |flag: &str, value: &str| options.push_str(&format!(" {flag} {}", shell_word(Path::new(value))));
    filter.pipeline.iter().for_each(|pattern| add("--pipeline", pattern));
    for (flag, values) in
        [("--kind", &filter.kind), ("--status", &filter.status), ("--trigger", &filter.trigger)]
    {
        if !values.is_empty() {
            add(flag, &values.join(","));
        }
    }
    filter.cost_center.iter().for_each(|center| add("--cost-center", center));
    args.id.iter().for_each(|id| add("--id", id));
    args.min_usd.iter().for_each(|least| add("--min-usd", &plain(*least)));
    if args.unknown {
        options.push_str(" --unknown");
    }
    options
}

/// The option of the shortest usual span, up to now, that has an instant. Empty: it is longer than a year ago.
fn span_with(at: Instant) -> String {
    const SPANS: [(i64, &str); 4] = [(7, "7d"), (30, "30d"), (90, "90d"), (365, "365d")];
    let days = (SystemClock.now().to_utc() - at.to_utc()).num_days() + 1;
    let span = SPANS.iter().find(|(most, _)| days < *most);
    span.map_or_else(String::new, |(_, span)| format!(" --last {span}"))
}

/// The amount without zeros at its end: `1`, `0.25`.
fn plain(usd: Usd) -> String {
    usd.to_string().trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Takes a column out of a table for people if a filter gives every row the same value, which the title has.
fn leave_out_constant_columns(table: &mut Table, filter: &RunFilter, args: &RunsArgs) {
    let is_one = |values: &[String]| values.len() == 1;
    let is_one_pipeline = is_one(&filter.pipeline)
        && table
            .columns
            .iter()
            .position(|column| column == "pipeline_id")
            .is_some_and(|id| table.rows.windows(2).all(|pair| pair[0][id] == pair[1][id]))
        && !filter.pipeline[0].contains(['*', '?', '[']);
    let has_cost_centers =
        table.columns.iter().position(|column| column == "cost_center").is_some_and(|center| {
            table.rows.iter().any(|row| row[center].exact().as_deref() != Some(UNALLOCATED))
        });
    let left_out = [
        (is_one(&filter.status), "status"),
        (is_one(&filter.trigger), "trigger_type"),
        (is_one(&filter.kind), "pipeline_kind"),
        (is_one(&filter.cost_center) || !has_cost_centers, "cost_center"),
        (is_one_pipeline, "pipeline_name"),
        (args.unknown, "total_cost_usd"),
    ];
    table.retain_columns(|name| !left_out.iter().any(|(is_fixed, column)| *is_fixed && *column == name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_plain_digits() {
        assert_eq!(
            [usd("1"), usd("0.25")].map(|usd| usd.map(plain)),
            [Ok("1".to_owned()), Ok("0.25".to_owned())]
        );
        for text in ["", ".", "-1", "1e3", "1,5", "inf", "1.2.3", "99999999999999999999"] {
            assert!(usd(text).is_err(), "{text}");
        }
    }
}
