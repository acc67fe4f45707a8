//! `runledger report`: runs a named report, or lists the reports.

mod additions;
mod budget;
mod change;
mod check;
mod html;
mod levels;
mod metadata;
mod open;
mod recovery;
mod runs_shown;
mod schedule;

use crate::cli::{Names, ScopeArgs, TableArgs, TableFormat, time_span};
use crate::commands::Cli;
use crate::commands::shared::allocation::warn_of_idle_rules_in;
use crate::commands::shared::archives::{combined_provenance, open, open_ledgers};
use crate::commands::shared::output::{print_table, table_screen};
use crate::commands::shared::scope::{note_unfrozen_terms, print_default_booking, request};
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::renamed::{NameKind, renamed};
use crate::report::filter::FilterSupport;
use crate::report::fx::Currency;
use crate::report::metadata_path::JSON_COLUMNS;
use crate::report::period::Calendar;
use crate::report::question::{HTML_REPORT, Question, reports};
use crate::report::ranking::Ranking;
use crate::report::two_levels::add_shares;
use crate::report::{Cell, Dimension, Ledger, MetadataPath, Table, components, cost, credits, duration, fx};
use crate::settings::{self, Settings};
use crate::suggest::did_you_mean;
use crate::workspace::{Workspace, append_answers, read_in_threads};
use additions::{add_trends_by_month, label_months, note_conversion};
use chrono::TimeDelta;
use chrono_tz::Tz;
use clap::Args;
use levels::Answer;
use std::path::PathBuf;

/// The columns of a terminal from which on costs have a line by month.
const TREND_FROM: usize = 120;

/// The reports with amounts in the second currency, beside the report change.
const CONVERTED: [&str; 2] = ["cost", "credits"];

/// The groups that people get without `--limit`, unless they are periods.
const ROWS_FOR_PEOPLE: usize = 10;

/// The arguments of `runledger report`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger report                                # list the reports
  runledger report cost --by pipeline --period 2026-01 --zone America/Sao_Paulo
  runledger report duration --by week,kind --format csv --output durations.csv
  runledger report metadata                       # what is in the JSON columns?
  runledger report cost --by month,el_cost_metadata.compute.instance_type
  runledger report components --by pipeline       # the amounts in the metadata
  runledger report cost --by pipeline --last 30d --sort runs --limit 5
  runledger report slowest-runs --from 2026-01-01 --limit 10
  runledger report cost --as-of 2026-02-01        # as known on that day
  runledger report schedule                       # which runs did not come?
  runledger report change --period 2026-10        # why did it cost more?
  runledger report credits --what-if google-ads='0 */2 * * *'
  runledger report budget --check=forecast        # exit 3: over, or will be")]
pub struct ReportArgs {
    /// Name of the report [default: list all reports]
    #[arg(
        value_parser = Names(reports().map(|(name, _)| name).chain([HTML_REPORT.0]).collect()),
        hide_possible_values = true
    )]
    pub name: Option<String>,

    /// List all reports
    #[arg(long, conflicts_with = "name", hide_short_help = true)]
    pub list: bool,

    /// Read the archives of all workspaces in the settings
    #[arg(long)]
    pub all: bool,

    /// Group by month, pipeline, kind, cost-center, …
    ///
    /// Also by week, day, trigger, status and workspace. Separate several with commas. `runledger report metadata`
    /// lists the paths into the metadata. [default: month; pipeline for the report change]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "DIMENSION",
        value_parser = Names(Dimension::ALL.map(|(name, _)| name).to_vec()),
        hide_possible_values = true
    )]
    pub by: Vec<String>,

    /// For the report change: the period to compare --period with: previous, year (the same a year before), or a month,
    /// week or day [default: previous]
    #[arg(
        long,
        value_name = "PERIOD",
        value_parser = Names(vec!["previous", "year"]),
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub against: Option<String>,

    /// Forecast credits with another cron expression for a pipeline (slug, id or name); repeatable
    #[arg(long, value_name = "PIPELINE=EXPRESSION", hide_short_help = true)]
    pub what_if: Vec<String>,

    /// For the report schedule: how late a run can be, such as 15m [default: learned from the history of each pipeline]
    #[arg(long, value_name = "SPAN", value_parser = time_span, hide_short_help = true)]
    pub grace: Option<TimeDelta>,
    /// End with 3 if a budget is exceeded (=forecast: or will be), if runs are overdue or missing, or take too long
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "actual",
        hide_possible_values = true,
        hide_short_help = true
    )]
    pub check: Option<check::Check>,

    /// For the report open: a run is too long beyond this many times its pipeline's 95th percentile [default: 2]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub factor: Option<String>,

    /// Order the rows by this column, such as usd or runs: the largest first
    ///
    /// A minus in front means descending for texts too.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub sort: Option<String>,

    /// Reverse the order of the rows
    #[arg(long, hide_short_help = true)]
    pub reverse: bool,

    /// Maximum number of rows, with one more row for the rest
    ///
    /// A terminal gets ten pipelines, kinds, runs and so on, unless --all-rows is given. By two dimensions, it is the
    /// number of rows of each group; the default is three.
    #[arg(long, value_name = "N", conflicts_with = "all_rows")]
    pub limit: Option<u32>,

    /// Print every row
    #[arg(long, hide_short_help = true)]
    pub all_rows: bool,

    /// Which runs to read.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// How and where to print the table.
    #[command(flatten)]
    pub table: TableArgs,
}

/// Runs the report, or lists all reports when none is named.
pub(super) fn run(args: &ReportArgs, cli: &Cli) -> Result<()> {
    let args = &match args.name.as_deref() {
        Some(name) if name == HTML_REPORT.0 => {
            html::check(args)?;
            args.clone()
        }
        _ => ReportArgs { table: args.table.resolved()?, ..args.clone() },
    };
    let Some(name) = args.name.as_deref() else {
        let settings = Settings::load(
            cli.config.as_deref(),
            &settings::archive(cli.db.first().map(PathBuf::as_path))?.value,
        )?;
        return print_table(&list(), &args.table, &settings, Tz::UTC, None);
    };
    require_report(name)?;
    let factor = open::factor(args, name)?;
    let asked = request(&args.scope)?;
    asked.filter.require(FilterSupport::of_report(name), &format!("report {name}"))?;
    let by = dimensions(&args.by)?;
    if args.grace.is_some() && name != schedule::NAME {
        return Err(Error::usage(format!("--grace only applies to the report schedule, not to {name}")));
    }
    if name == schedule::NAME {
        schedule::check(args)?;
    }
    if !args.what_if.is_empty() && name != "credits" {
        return Err(Error::usage(format!("--what-if only applies to the report credits, not to {name}")));
    }
    if args.against.is_some() && name != change::NAME {
        return Err(Error::usage(format!("--against only applies to the report change, not to {name}")));
    }
    check::validate(args.check, name)?;
    if name == budget::NAME {
        budget::check(args)?;
    }
    let comparison = (name == change::NAME).then(|| change::change_request(args, &by)).transpose()?;
    let (workspaces, settings) = open(cli, args.all, &args.scope)?;
    if let Some(request) = &comparison {
        return change::run(args, request, &workspaces, &settings);
    }
    if name == budget::NAME {
        return budget::run(args, &asked, &workspaces, &settings);
    }
    if name == HTML_REPORT.0 {
        return html::run(args, &workspaces, &settings);
    }
    if name == schedule::NAME {
        return schedule::run(args, &asked, &workspaces, &settings);
    }
    // One read transaction per archive, so that the report and its manifest show the same state.
    let (_reading, second_connections) = read_in_threads(&workspaces, name == recovery::NAME)?;
    let ledgers = open_ledgers(&workspaces, &asked)?;
    ledgers.iter().zip(second_connections).for_each(|(ledger, second)| ledger.give_second_connection(second));
    if args.table.format() == TableFormat::Csv {
        print_default_booking(ledgers[0].scope());
    }
    if by.contains(&Dimension::CostCenter) {
        warn_of_idle_rules_in(&ledgers, &settings)?;
    }
    let mut too_long = 0;
    let (mut answer, own_notes) = match name {
        open::NAME => {
            let report = open::report(args, &ledgers, factor)?;
            too_long = report.too_long;
            (Answer::from(report.table), report.notes)
        }
        recovery::NAME => {
            let (table, notes) = recovery::report(args, &by, &ledgers)?;
            (Answer::from(table), notes)
        }
        _ => (run_report(name, args, &by, &workspaces, &ledgers, &settings)?, Vec::new()),
    };
    metadata::warn_of_unmatched_paths(&by, &answer.table);
    let mut provenance = combined_provenance(&format!("report {name}"), &workspaces, &ledgers)?;
    provenance.notes.extend(own_notes);
    if name == metadata::COMPONENTS {
        metadata::note_components(&settings, &mut provenance);
    }
    if name == open::NAME {
        // Ages have no date basis.
        provenance.date_basis = None;
    } else {
        provenance.notes.splice(..0, label_months(&mut answer, args, &by, &workspaces, &ledgers)?);
    }
    if CONVERTED.contains(&name) {
        note_conversion(&mut answer, args, &ledgers, &settings, &mut provenance);
    }
    let screen = table_screen(&args.table, ledgers[0].scope().zone);
    let mut table = answer.on(&provenance.question, args.table.format_options.decimals, &screen);
    let has_room = screen.is_terminal && screen.unicode && screen.width >= TREND_FROM;
    if args.table.format() == TableFormat::Table && has_room {
        add_trends_by_month(&mut table, name, &by, &ledgers)?;
    }
    provenance.notes.extend(runs_shown::notes(name, args, &table, &ledgers)?);
    let by = match (name, args.by.as_slice()) {
        ("cost" | "duration" | "credits" | metadata::COMPONENTS, []) => vec!["month".to_owned()],
        (_, by) => by.to_vec(),
    };
    let provenance = Provenance { by, limit: args.limit, ..provenance };
    print_table(&table, &args.table, &settings, ledgers[0].scope().zone, provenance)?;
    check::require_none(args.check, &[("runs that take too long", too_long)])
}

/// Runs the report over the workspaces. Cost, duration and components are combined; other reports list one workspace
/// after another.
fn run_report(
    name: &str,
    args: &ReportArgs,
    by: &[Dimension],
    workspaces: &[Workspace],
    ledgers: &[Ledger<'_>],
    settings: &Settings,
) -> Result<Answer> {
    let ranking = ranking_of(name, args, by);
    let table = match name {
        _ if !args.what_if.is_empty() && ledgers.len() > 1 => Err(Error::Usage {
            what: "--what-if applies to a pipeline of one workspace, but several are given".to_owned(),
            hint: Some("give only the --db of that workspace".to_owned()),
        }),
        "cost" | "duration" if by.len() == 2 && args.table.format() == TableFormat::Table => {
            return levels::answer(name, args, [&by[0], &by[1]], ledgers);
        }
        "cost" => cost::ranked_across(ledgers, by, &ranking).map(|mut table| {
            // A list of other things than periods is about who costs most.
            if args.table.format() == TableFormat::Table && matches!(by, [one] if !is_period(one)) {
                add_shares(&mut table, levels::COST);
            }
            table
        }),
        "duration" => duration::ranked_across(ledgers, by, &ranking),
        metadata::COMPONENTS => {
            ranked(components::report_across(ledgers, by, &settings.monetary_names())?, &ranking, &[])
        }
        "credits" => {
            let currency = fx::shared_currency(ledgers)?;
            let table = append_answers(ledgers, |index, ledger| {
                credits(ledger, args, by, currency.clone(), &workspaces[index])
            })?;
            ranked(table, &ranking, &[])
        }
        _ if !args.by.is_empty() => Err(Error::usage(format!(
            "--by only applies to the reports cost, change, duration, components and credits, not to {name}"
        ))),
        metadata::METADATA => {
            ranked(metadata::report(ledgers, settings, args.table.is_brief())?, &ranking, &[])
        }
        _ => {
            let question = Question::named(name).ok_or_else(|| unknown_report(name))?;
            // An order of its own applies before the limit.
            let has_rest = runs_shown::has_rest(name) && args.table.format() == TableFormat::Table;
            let is_ranked_here = args.sort.is_some() || args.reverse || has_rest || !question.has_limit();
            let limit = match is_ranked_here {
                true => question.has_limit().then_some(u32::MAX),
                false if args.all_rows => Some(u32::MAX),
                false => args.limit.or_else(|| ranking.limit.and_then(|limit| u32::try_from(limit).ok())),
            };
            let table = append_answers(ledgers, |_, ledger| runs_shown::ask(question, args, ledger, limit))?;
            let ranking = if is_ranked_here { ranking } else { Ranking::default() };
            ranked(table, &ranking, runs_shown::columns_of_rest(name, has_rest))
        }
    };
    table.map(Answer::from)
}

fn is_period(dimension: &Dimension) -> bool {
    matches!(dimension, Dimension::Period(_))
}

/// The table in the order that the arguments give.
fn ranked(table: Table, ranking: &Ranking, additive: &[&str]) -> Result<Table> {
    let mut table = table;
    ranking.apply(&mut table, additive)?;
    Ok(table)
}

impl ReportArgs {
    /// The order and the number of rows as the arguments give them.
    fn ranking(&self) -> Ranking {
        Ranking {
            sort: self.sort.clone(),
            is_reversed: self.reverse,
            limit: self.limit.and_then(|limit| usize::try_from(limit).ok()),
        }
    }

    /// The same, with ten rows at the terminal if the arguments give no number.
    fn ranking_of_list(&self) -> Ranking {
        let is_short = self.table.format() == TableFormat::Table && !self.all_rows;
        let ranking = self.ranking();
        Ranking { limit: ranking.limit.or(is_short.then_some(ROWS_FOR_PEOPLE)), ..ranking }
    }
}

/// The order and the number of rows. At the terminal, groups that are not periods begin with the most important, and
/// ten of them are enough.
fn ranking_of(name: &str, args: &ReportArgs, by: &[Dimension]) -> Ranking {
    let default_sort = match (name, by) {
        _ if args.table.format() != TableFormat::Table => None,
        ("cost" | "duration", [Dimension::Period(_)]) => None,
        ("cost", [_]) => Some("total_cost_usd"),
        ("duration", [_]) => Some("total_seconds"),
        _ => None,
    };
    let is_list = default_sort.is_some()
        || name == "failures"
        || runs_shown::has_rest(name)
        || runs_shown::is_list(name);
    let ranking = if is_list { args.ranking_of_list() } else { args.ranking() };
    Ranking { sort: ranking.sort.or_else(|| default_sort.map(str::to_owned)), ..ranking }
}

/// The names of all reports.
fn names() -> impl Iterator<Item = &'static str> {
    reports().map(|(name, _)| name).chain([HTML_REPORT.0])
}

/// Rejects an unknown report before an archive is opened.
fn require_report(name: &str) -> Result<()> {
    if names().any(|known| known == name) { Ok(()) } else { Err(unknown_report(name)) }
}

fn unknown_report(name: &str) -> Error {
    if let Some(renamed) = renamed(NameKind::Report, name) {
        return renamed.error();
    }
    Error::Usage {
        what: format!("there is no report {name}"),
        hint: did_you_mean(name, names())
            .or_else(|| Some("`runledger report --list` lists the reports".to_owned())),
    }
}

/// The credits report, as of the requested instant or now.
fn credits(
    ledger: &Ledger<'_>,
    args: &ReportArgs,
    by: &[Dimension],
    currency: Option<Currency>,
    workspace: &Workspace,
) -> Result<Table> {
    let archive = &workspace.archive;
    if by.iter().any(|dimension| !credits::DIMENSIONS.contains(dimension)) {
        return Err(Error::usage("the report credits can only be grouped by month and pipeline"));
    }
    let what_if = args.what_if.iter().map(|what_if| {
        let (pipeline, expression) = what_if.split_once('=').ok_or_else(|| Error::Usage {
            what: format!("--what-if {what_if}: the form is PIPELINE=EXPRESSION"),
            hint: Some("for example --what-if google-ads='0 */2 * * *'".to_owned()),
        })?;
        Ok((pipeline.to_owned(), expression.to_owned()))
    });
    let question = credits::CreditsOptions {
        what_if: what_if.collect::<Result<_>>()?,
        by_pipeline: by.contains(&Dimension::Pipeline),
        currency,
    };
    // The forecast starts at the system clock, which observations can be ahead of.
    let Some(now) = archive.clock_at_last_observation(ledger.scope().as_of)? else {
        return Err(Error::usage("the archive is empty: there is no data for a forecast"));
    };
    note_unfrozen_terms(ledger.scope());
    credits::report(ledger, &question, now)
}

/// The dimensions of `--by`; month by default.
fn dimensions(names: &[String]) -> Result<Vec<Dimension>> {
    let mut dimensions = Vec::with_capacity(names.len());
    for name in names {
        if let Some(renamed) = renamed(NameKind::Dimension, name) {
            return Err(renamed.error());
        }
        let dimension = match Dimension::named(name) {
            Some(dimension) => dimension,
            None if MetadataPath::is_path(name) => Dimension::Metadata(MetadataPath::parse(name)?),
            None => return Err(unknown_dimension(name)),
        };
        if dimensions.contains(&dimension) {
            return Err(Error::usage(format!("--by lists {name} twice")));
        }
        dimensions.push(dimension);
    }
    if dimensions.is_empty() {
        dimensions.push(Dimension::Period(Calendar::Month));
    }
    Ok(dimensions)
}

fn unknown_dimension(name: &str) -> Error {
    let names = Dimension::ALL.map(|(name, _)| name);
    // A path with a mistyped column.
    let first = name.split(['.', '[']).next().unwrap_or(name);
    let list = || {
        format!(
            "the dimensions are {}, and the paths that `runledger report metadata` lists",
            names.join(", ")
        )
    };
    Error::Usage {
        what: format!("--by {name}: there is no such dimension"),
        hint: did_you_mean(first, names.into_iter().chain(JSON_COLUMNS)).or_else(|| Some(list())),
    }
}

fn list() -> Table {
    Table {
        columns: vec!["report".to_owned(), "question".to_owned()],
        rows: reports()
            .chain([HTML_REPORT])
            .map(|(name, words)| vec![Cell::text(name), Cell::text(words)])
            .collect(),
        totals: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renamed::RENAMED;

    #[test]
    fn a_renamed_report_or_dimension_is_an_error_with_the_new_name() {
        for renamed in RENAMED {
            let error = match renamed.kind {
                NameKind::Report => unknown_report(renamed.old),
                NameKind::Dimension => dimensions(&[renamed.old.to_owned()]).unwrap_err(),
                _ => continue,
            };
            assert_eq!((error.exit_code(), error.to_string()), (2, renamed.error().to_string()));
        }
    }

    #[test]
    fn every_new_name_of_a_dimension_exists() {
        let new = RENAMED.iter().filter(|renamed| renamed.kind == NameKind::Dimension);
        assert!(new.into_iter().all(|renamed| Dimension::named(renamed.new).is_some()));
    }
}
