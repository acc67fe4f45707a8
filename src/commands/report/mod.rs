//! This is `runledger report`: it answers a question that has a name.

mod html;

use crate::cli::{Names, ScopeArgs, TableArgs};
use crate::commands::Cli;
use crate::commands::shared::archives::{Workspace, asked_of, at_one_moment, ledgers, one_by_one, open};
use crate::commands::shared::output::print;
use crate::commands::shared::terminal as screen;
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::export::{terminal, with_charts};
use crate::report::period::Calendar;
use crate::report::question::{HTML_REPORT, Question, reports};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::report::{Cell, Dimension, Ledger, Table, cost, credits, duration};
use crate::settings::{self, Settings};
use crate::suggest::did_you_mean;
use chrono_tz::Tz;
use clap::Args;
use std::path::PathBuf;

/// `runledger report`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger report                                # every question that has a name
  runledger report cost --by pipeline --period 2026-01 --zone America/Sao_Paulo
  runledger report duration --by week,kind --format csv --output durations.csv
  runledger report failures --from 2026-01-01 --limit 10
  runledger report cost --as-of 2026-02-01        # as it was known then
  runledger report credits --what-if google-ads='0 */2 * * *'")]
pub struct ReportArgs {
    /// The question to answer; without one the questions are listed
    #[arg(value_parser = Names(reports().map(|(name, _)| name).chain([HTML_REPORT.0]).collect()))]
    pub name: Option<String>,

    /// List the questions
    #[arg(long, conflicts_with = "name")]
    pub list: bool,

    /// Ask the archives of all workspaces that the settings name
    #[arg(long)]
    pub all: bool,

    /// Split cost and duration by month, week, day, pipeline, kind, trigger, status, centre, workspace; several
    /// with commas [default: month]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "WHAT",
        value_parser = Names(Dimension::ALL.map(|(name, _)| name).to_vec()),
        hide_possible_values = true
    )]
    pub by: Vec<String>,

    /// Forecast credits as if a pipeline (by slug, id or name) had this cron expression; can be repeated
    #[arg(long, value_name = "PIPELINE=EXPRESSION")]
    pub what_if: Vec<String>,

    /// At most this many rows, where the question has a limit
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,

    /// Which runs are meant.
    #[command(flatten)]
    pub scope: ScopeArgs,

    /// How the answer is printed, and where.
    #[command(flatten)]
    pub answer: TableArgs,
}

/// Answers the question, or lists the questions when none is named.
pub fn run(args: &ReportArgs, cli: &Cli) -> Result<()> {
    let Some(name) = args.name.as_deref() else {
        let settings = Settings::load(
            cli.config.as_deref(),
            &settings::archive(cli.db.first().map(PathBuf::as_path)).value,
        )?;
        let asked = Provenance { question: "report --list".to_owned(), ..Provenance::default() };
        return print(&list(), &args.answer, &settings, Tz::UTC, asked);
    };
    be_a_report(name)?;
    let workspaces = open(cli, args.all)?;
    if name == HTML_REPORT.0 {
        return html::run(args, &workspaces);
    }
    // One moment for the answer and for what the manifest says of each archive.
    let _reading = at_one_moment(&workspaces)?;
    let ledgers = ledgers(&workspaces, &args.scope)?;
    let table = answer(name, args, &workspaces, &ledgers)?;
    let table = match screen::width(&args.answer) {
        Some(width) => with_pictures(table, name, args, &ledgers, width)?,
        None => table,
    };
    let asked = asked_of(&format!("report {name}"), &workspaces, &ledgers)?;
    let asked = Provenance { by: args.by.clone(), limit: args.limit, ..asked };
    print(&table, &args.answer, &workspaces[0].settings, ledgers[0].scope().zone, asked)
}

/// The table with bars, and lines of its months, where a terminal of that width has room for them beside it.
fn with_pictures(
    table: Table,
    name: &str,
    args: &ReportArgs,
    ledgers: &[Ledger<'_>],
    width: usize,
) -> Result<Table> {
    let decimals = args.answer.writing.decimals.unwrap_or(USD_DECIMALS_FOR_PEOPLE);
    let Some(room) = width.checked_sub(terminal::width(&table, decimals)).filter(|room| *room > 0) else {
        return Ok(table);
    };
    let mut by = dimensions(&args.by)?;
    let has_period = by.iter().any(|dimension| matches!(dimension, Dimension::Period(_)));
    let by_month = if name == "cost" && !has_period {
        by.push(Dimension::Period(Calendar::Month));
        Some(cost::report_across(ledgers, &by)?)
    } else {
        None
    };
    Ok(with_charts(&table, by_month.as_ref(), room))
}

/// What the workspaces answer: what was spent and how long it took all together, everything else one by one.
fn answer(name: &str, args: &ReportArgs, workspaces: &[Workspace], ledgers: &[Ledger<'_>]) -> Result<Table> {
    match name {
        _ if !args.what_if.is_empty() && name != "credits" => {
            Err(Error::usage(format!("the report {name} has no --what-if: only credits are forecast")))
        }
        _ if !args.what_if.is_empty() && ledgers.len() > 1 => Err(Error::Usage {
            what: "--what-if names a pipeline of one workspace, and several are asked".to_owned(),
            hint: Some("ask that one, with its --db alone".to_owned()),
        }),
        "cost" | "duration" | "credits" if args.limit.is_some() => {
            Err(Error::usage(format!("the report {name} has no --limit: it gives every row")))
        }
        "cost" => cost::report_across(ledgers, &dimensions(&args.by)?),
        "duration" => duration::report_across(ledgers, &dimensions(&args.by)?),
        "credits" => one_by_one(ledgers, |index, ledger| credits(ledger, args, &workspaces[index])),
        _ if !args.by.is_empty() => Err(Error::usage(format!(
            "the report {name} has no --by: only cost, duration and credits can be split"
        ))),
        _ => {
            let question = Question::named(name).ok_or_else(|| no_report(name))?;
            one_by_one(ledgers, |_, ledger| question.ask(ledger, args.limit))
        }
    }
}

/// What can be asked for by name.
fn names() -> impl Iterator<Item = &'static str> {
    reports().map(|(name, _)| name).chain([HTML_REPORT.0])
}

/// Refuses a name that no report has, before anything is opened.
fn be_a_report(name: &str) -> Result<()> {
    if names().any(|known| known == name) { Ok(()) } else { Err(no_report(name)) }
}

fn no_report(name: &str) -> Error {
    Error::Usage {
        what: format!("there is no report {name}"),
        hint: did_you_mean(name, names()).or_else(|| Some("`runledger report --list` names them".to_owned())),
    }
}

/// The credits, as known at the moment asked for, or now.
fn credits(ledger: &Ledger<'_>, args: &ReportArgs, workspace: &Workspace) -> Result<Table> {
    let Workspace { archive, settings, .. } = workspace;
    let by = dimensions(&args.by)?;
    if by.iter().any(|dimension| !credits::DIMENSIONS.contains(dimension)) {
        return Err(Error::usage("the report credits can be split by month and pipeline alone"));
    }
    let what_if = args.what_if.iter().map(|what_if| {
        let (pipeline, expression) = what_if.split_once('=').ok_or_else(|| Error::Usage {
            what: format!("--what-if {what_if}: not of the form PIPELINE=EXPRESSION"),
            hint: Some("such as --what-if google-ads='0 */2 * * *'".to_owned()),
        })?;
        Ok((pipeline.to_owned(), expression.to_owned()))
    });
    let question = credits::CreditsOptions {
        plan: settings.plan(),
        what_if: what_if.collect::<Result<_>>()?,
        by_pipeline: by.contains(&Dimension::Pipeline),
    };
    let Some(now) = archive.last_observed_by(ledger.scope().as_of)? else {
        return Err(Error::usage("nothing is archived yet: there is nothing to forecast from"));
    };
    credits::report(ledger, &question, now)
}

/// What `--by` names; a month where it names nothing.
fn dimensions(names: &[String]) -> Result<Vec<Dimension>> {
    let mut dimensions = Vec::with_capacity(names.len());
    for name in names {
        let dimension = Dimension::named(name).ok_or_else(|| Error::Usage {
            what: format!("--by {name}: a report cannot be split by that"),
            hint: did_you_mean(name, Dimension::ALL.map(|(name, _)| name))
                .or_else(|| Some(format!("it can by {}", Dimension::ALL.map(|(name, _)| name).join(", ")))),
        })?;
        if dimensions.contains(&dimension) {
            return Err(Error::usage(format!("--by names {name} twice")));
        }
        dimensions.push(dimension);
    }
    if dimensions.is_empty() {
        dimensions.push(Dimension::Period(Calendar::Month));
    }
    Ok(dimensions)
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
