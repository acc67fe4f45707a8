//! This is `runledger report`: it answers a question that has a name.

use super::page;
use super::scope::scope;
use super::writing::{asked, print};
use crate::cli::ReportArgs;
use crate::error::{Error, Result};
use crate::export::manifest::Asked;
use crate::report::period::Calendar;
use crate::report::question::{PAGE, Question, reports};
use crate::report::{Cell, Dimension, Ledger, Table, cost, credits, duration};
use crate::settings::Settings;
use crate::store::Archive;
use chrono_tz::Tz;
use std::path::Path;

/// Answers the question, or lists the questions when none is named.
pub fn run(args: &ReportArgs, path: &Path, settings: &Settings) -> Result<()> {
    let (table, zone, asked) = match args.name.as_deref() {
        Some(name) if name == PAGE.0 => return page::run(args, path, settings),
        Some(name) => {
            let archive = Archive::open_for_reading(path)?;
            // One moment for the answer and for what the manifest says of the archive.
            let _reading = archive.connection().unchecked_transaction()?;
            let scope = scope(&args.scope, settings, &archive)?;
            let ledger = Ledger::open(archive.connection(), scope)?;
            let table = answer(name, args, &ledger, &archive, settings)?;
            let asked = asked(format!("report {name}"), ledger.scope(), &archive)?;
            (table, ledger.scope().zone, Asked { by: args.by.clone(), limit: args.limit, ..asked })
        }
        None => (list(), Tz::UTC, Asked { question: "report --list".to_owned(), ..Asked::default() }),
    };
    print(&table, &args.answer, settings, zone, asked)
}

fn answer(
    name: &str,
    args: &ReportArgs,
    ledger: &Ledger<'_>,
    archive: &Archive,
    settings: &Settings,
) -> Result<Table> {
    match name {
        _ if !args.what_if.is_empty() && name != "credits" => {
            Err(Error::usage(format!("the report {name} has no --what-if: only credits are forecast")))
        }
        "cost" | "duration" | "credits" if args.limit.is_some() => {
            Err(Error::usage(format!("the report {name} has no --limit: it gives every row")))
        }
        "cost" => cost::report(ledger, &dimensions(&args.by)?),
        "duration" => duration::report(ledger, &dimensions(&args.by)?),
        "credits" => credits(ledger, args, archive, settings),
        _ if !args.by.is_empty() => Err(Error::usage(format!(
            "the report {name} has no --by: only cost, duration and credits can be split"
        ))),
        _ => Question::named(name)
            .ok_or_else(|| Error::usage(format!("there is no report {name}")))?
            .ask(ledger, args.limit),
    }
}

/// The credits, as known at the moment asked for, or now.
fn credits(ledger: &Ledger<'_>, args: &ReportArgs, archive: &Archive, settings: &Settings) -> Result<Table> {
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
    let question = credits::Question {
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
            hint: Some(format!("it can by {}", Dimension::ALL.map(|(name, _)| name).join(", "))),
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
            .chain([PAGE])
            .map(|(name, words)| vec![Cell::text(name), Cell::text(words)])
            .collect(),
        totals: None,
    }
}
