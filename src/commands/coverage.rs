//! This is `runledger coverage`: what can be missing from the archive, and what explains it.

use crate::cli::ApiArgs;
use crate::commands::shared::output::say;
use crate::commands::shared::progress::NoProgress;
use crate::commands::shared::runtime::{client, means, runtime, stop_on_signals};
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::report::question::Question;
use crate::report::{Ledger, Scope, Table};
use crate::run::Instant;
use crate::settings::{self, Settings, Workspace};
use crate::store::{Archive, Coverage, Gap, PipelineKind, Why};
use crate::sync::SystemClock;
use crate::sync::{Clock, Listed, listed};
use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// `runledger coverage`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger coverage
  runledger coverage --offline --json")]
pub struct CoverageArgs {
    /// Do not ask the API how many runs it has
    #[arg(long)]
    pub offline: bool,

    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How many gaps of one kind are named to people.
const MOST_GAPS: usize = 20;

/// Tells what can be missing.
///
/// # Errors
/// [`Error::Partial`] when something is missing that nothing explains.
pub fn run(args: &CoverageArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let coverage = archive.coverage()?;
    let ledger = Ledger::open(archive.connection(), Scope::default())?;
    let never_ran =
        Question::named("pipelines-without-runs").expect("the question is in the list").ask(&ledger, None)?;
    let days = days_without_sync(&coverage, SystemClock.now());
    let listing = Listing::of(ask(args, settings.workspace_at(path))?, &coverage, |id| {
        Ok(!archive.history(id)?.is_empty())
    })?;
    let unexplained = unexplained(&coverage, &listing);
    if args.json {
        say(&as_json(&coverage, &never_ran, &days, &listing, &unexplained).to_string())?;
    } else {
        say(&as_text(&archive, &coverage, &never_ran, &days, &listing)?)?;
    }
    if unexplained.is_empty() {
        return Ok(());
    }
    Err(Error::Partial { what: unexplained.join("; ") })
}

/// What the API's list says of itself. `None`: it is not asked.
fn ask(args: &CoverageArgs, workspace: Option<&Workspace>) -> Result<Option<Listed>> {
    if args.offline {
        return Ok(None);
    }
    if args.api.api_key_file.is_none() && workspace.is_none() && !settings::has_api_key()? {
        tracing::warn!("there is no API key: the API's count is not asked for, as with --offline");
        return Ok(None);
    }
    let (_, client) = client(&args.api, workspace)?;
    let runtime = runtime()?;
    let stop = stop_on_signals(&runtime)?;
    let mut observer = NoProgress;
    let listed = listed(&means(client, &runtime, &stop, &mut observer))?;
    runtime.shutdown_background();
    Ok(Some(listed))
}

/// How the API's count stands to the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    /// It was not asked for.
    NotAsked,
    /// The API does not say.
    Unknown,
    /// It is what the archive has.
    Same(u64),
    /// The archive has more: runs were deleted since the list was last read whole.
    Fewer { count: u64, by: u64 },
    /// The API has more, and its first run is not archived yet: they are new.
    New { count: u64, by: u64 },
    /// The API has more, and so many items are in quarantine.
    Quarantined { count: u64, by: u64 },
    /// The API has more, and nothing says why.
    Unexplained { count: u64, by: u64 },
}

impl Listing {
    fn of(
        listed: Option<Listed>,
        coverage: &Coverage,
        is_archived: impl Fn(uuid::Uuid) -> Result<bool>,
    ) -> Result<Listing> {
        let Some(listed) = listed else { return Ok(Listing::NotAsked) };
        let Some(count) = listed.count else { return Ok(Listing::Unknown) };
        let by = count.abs_diff(coverage.present_runs);
        Ok(match listed.first {
            _ if by == 0 => Listing::Same(count),
            _ if count < coverage.present_runs => Listing::Fewer { count, by },
            _ if by <= coverage.quarantined_items => Listing::Quarantined { count, by },
            Some(first) if !is_archived(first)? => Listing::New { count, by },
            _ => Listing::Unexplained { count, by },
        })
    }

    fn words(&self) -> String {
        match self {
            Listing::NotAsked => "not asked".to_owned(),
            Listing::Unknown => "does not say how many runs it has".to_owned(),
            Listing::Same(count) => format!("lists {count} runs, as many as the archive has of them"),
            Listing::Fewer { count, by } => format!(
                "lists {count} runs, {by} fewer than the archive: deleted there since; `runledger sync --full` finds out which"
            ),
            Listing::New { count, by } => {
                format!("lists {count} runs, {by} more than the archive: new since the last sync")
            }
            Listing::Quarantined { count, by } => {
                format!("lists {count} runs, {by} more than the archive: in quarantine")
            }
            Listing::Unexplained { count, by } => {
                format!(
                    "lists {count} runs, {by} more than the archive; `runledger sync --full` reads them all"
                )
            }
        }
    }

    fn count(&self) -> Option<u64> {
        match *self {
            Listing::NotAsked | Listing::Unknown => None,
            Listing::Same(count)
            | Listing::Fewer { count, .. }
            | Listing::New { count, .. }
            | Listing::Quarantined { count, .. }
            | Listing::Unexplained { count, .. } => Some(count),
        }
    }
}

/// What is missing without an explanation, a sentence each.
fn unexplained(coverage: &Coverage, listing: &Listing) -> Vec<String> {
    let mut unexplained = Vec::new();
    if coverage.first_whole_walk_at.is_none() {
        unexplained.push("the run list was never read whole".to_owned());
    }
    match numbers(coverage, Why::Unexplained) {
        0 => {}
        numbers => unexplained.push(format!("{numbers} run numbers are missing, and nothing explains it")),
    }
    if let Listing::Unexplained { by, .. } = listing {
        unexplained.push(format!("the API lists {by} runs more than the archive has"));
    }
    unexplained
}

fn numbers(coverage: &Coverage, why: Why) -> u64 {
    let gaps = coverage.gaps.iter().filter(|gap| gap.why == why);
    gaps.fold(0, |sum: u64, gap| sum.saturating_add(gap.size()))
}

/// The days before today, since the archive began, without a complete sync, as ranges.
fn days_without_sync(coverage: &Coverage, now: Instant) -> Vec<(NaiveDate, NaiveDate)> {
    let mut ranges: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    let Some(since) = coverage.archived_since else { return ranges };
    let (since, today) = (since.to_utc().date_naive(), now.to_utc().date_naive());
    for day in since.iter_days().take_while(|day| *day < today) {
        if coverage.synced_days.contains(&day.to_string()) {
            continue;
        }
        match ranges.last_mut() {
            Some((_, last)) if last.succ_opt() == Some(day) => *last = day,
            _ => ranges.push((day, day)),
        }
    }
    ranges
}

fn as_text(
    archive: &Archive,
    coverage: &Coverage,
    never_ran: &Table,
    days: &[(NaiveDate, NaiveDate)],
    listing: &Listing,
) -> Result<String> {
    let mut lines = vec![
        format!(
            "runs         {} present, {} vanished, {} items in quarantine",
            coverage.present_runs, coverage.vanished_runs, coverage.quarantined_items
        ),
        format!("API          {}", listing.words()),
        match coverage.first_whole_walk_at {
            Some(at) => format!("list         first read whole at {at}"),
            None => "list         never read whole".to_owned(),
        },
        format!(
            "pipelines    {} with numbered runs, {} never ran",
            coverage.numbered_pipelines,
            never_ran.rows.len()
        ),
    ];
    match days {
        [] => lines.push("days         none without a complete sync".to_owned()),
        _ => {
            let ranges: Vec<String> = days.iter().map(|(first, last)| range(first, last)).collect();
            lines.push(format!("days         without a complete sync: {}", ranges.join(", ")));
        }
    }
    for why in Why::ALL {
        let words = match why {
            Why::BelowFirst => "below the first archived number of their pipeline",
            Why::BeforeArchive => "not in the list when it was first read whole",
            Why::Quarantined => "in quarantine",
            Why::Unexplained => "without an explanation: gone between two syncs, or missed",
        };
        lines.push(format!("numbers      {} {words}", numbers(coverage, why)));
        let gaps: Vec<&Gap> = coverage.gaps.iter().filter(|gap| gap.why == why).collect();
        for gap in gaps.iter().take(MOST_GAPS) {
            let kind = PipelineKind::ALL.into_iter().find(|kind| kind.as_str() == gap.pipeline_kind);
            let name = match kind {
                Some(kind) => archive.pipeline_name(kind, &gap.pipeline_id)?,
                None => None,
            };
            let name =
                name.map_or_else(|| gap.pipeline_id.clone(), |name| format!("{name} ({})", gap.pipeline_id));
            lines.push(format!(
                "             {} {}: {}",
                gap.pipeline_kind,
                escape_control(&name),
                range(&gap.first, &gap.last)
            ));
        }
        if gaps.len() > MOST_GAPS {
            lines.push(format!("             and {} more", gaps.len() - MOST_GAPS));
        }
    }
    Ok(lines.join("\n"))
}

fn range<T: PartialEq + std::fmt::Display>(first: &T, last: &T) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

fn as_json(
    coverage: &Coverage,
    never_ran: &Table,
    days: &[(NaiveDate, NaiveDate)],
    listing: &Listing,
    unexplained: &[String],
) -> Value {
    let column = |name: &str| never_ran.columns.iter().position(|column| column == name);
    let gap = |gap: &Gap| {
        json!({
            "pipeline_kind": gap.pipeline_kind,
            "pipeline_id": gap.pipeline_id,
            "first": gap.first,
            "last": gap.last,
            "why": gap.why.as_str(),
        })
    };
    let never_ran: Vec<Value> = never_ran
        .rows
        .iter()
        .map(|row| {
            let cell = |name| column(name).and_then(|column: usize| row[column].exact());
            json!({
                "pipeline_kind": cell("pipeline_kind"),
                "pipeline_id": cell("pipeline_id"),
                "pipeline_name": cell("pipeline_name"),
            })
        })
        .collect();
    json!({
        "unexplained": unexplained,
        "runs": coverage.present_runs,
        "runs_vanished": coverage.vanished_runs,
        "items_quarantined": coverage.quarantined_items,
        "api_count": listing.count(),
        "api": listing.words(),
        "first_whole_walk_at": coverage.first_whole_walk_at.map(|at| at.to_string()),
        "archived_since": coverage.archived_since.map(|at| at.to_string()),
        "gaps": coverage.gaps.iter().map(gap).collect::<Vec<_>>(),
        "pipelines_that_never_ran": never_ran,
        "days_without_complete_sync": days.iter().map(|(first, last)| json!({
            "first": first.to_string(),
            "last": last.to_string(),
        })).collect::<Vec<_>>(),
    })
}
