//! `runledger status`: shows what the archive contains and how fresh it is.

pub mod nagios;
mod open;
mod text;

use crate::cli::{JsonArgs, time_span};
use crate::commands::shared::facts::Moments;
use crate::commands::shared::output::{print_line, print_view};
use crate::commands::shared::terminal::screen;
use crate::error::{Error, Result};
use crate::escape::shell_word;
use crate::run::Instant;
use crate::settings::{Origin, Setting, Settings};
use crate::store::{Archive, ArchiveStats, Cursor, Freshness, LastComplete, ListGap, SyncRow};
use crate::sync::{Clock, SystemClock};
use chrono::TimeDelta;
use clap::Args;
use open::OpenSummary;
use serde_json::{Value, json};
use std::path::PathBuf;
use text::Status;

/// The arguments of `runledger status`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger status
  runledger status --max-age 26h || echo 'runledger is stale'
  runledger status --check --warning 3h --critical 12h
  runledger status --check --max-run-age 12h      # WARNING if a run hangs
  runledger status --json")]
pub struct StatusArgs {
    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,

    /// Exit with code 3 if the last complete sync started longer ago than this, such as 26h
    #[arg(long, value_name = "SPAN", value_parser = time_span)]
    pub max_age: Option<TimeDelta>,

    /// How long after its end a run without a known cost counts as unsettled
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// Options for Nagios.
    #[command(flatten)]
    pub nagios: nagios::NagiosArgs,
}

/// Prints the status of the archive. `settings` gives the zone; the text is in UTC if they are invalid.
///
/// # Errors
/// [`Error::Partial`] when the last complete sync is older than `--max-age`.
pub(super) fn run(args: &StatusArgs, path: &Setting<PathBuf>, settings: Result<Settings>) -> Result<()> {
    let archive = Archive::open_for_reading(&path.value)?;
    let now = SystemClock.now();
    let contents = archive.stats(now.plus(-args.settle))?;
    let last = archive.last_sync()?;
    let freshness = archive.freshness(now)?;
    // What is usual takes reading months of runs, which is too slow for a glance.
    let open = match args.format.is_json() {
        true => OpenSummary::compared(&archive)?,
        false => OpenSummary::without_comparison(&archive)?,
    };
    let stale = why_stale(args.max_age, freshness.last_complete, now);
    if args.format.is_json() {
        print_line(&as_json(&archive, &contents, &open, last.as_ref(), freshness)?.to_string())?;
    } else {
        let date_basis = settings.as_ref().ok().and_then(|settings| settings.date_basis().ok().flatten());
        let moments = Moments::of(&archive, settings)?;
        let flag = match path.origin {
            Origin::Flag(flag) => format!(" {flag} {}", shell_word(&path.value)),
            _ => String::new(),
        };
        let status = Status {
            archive: &archive,
            contents: &contents,
            open: &open,
            last: last.as_ref(),
            freshness,
            is_stale: stale.is_some(),
            moments,
            date_basis: date_basis.map(|setting| setting.value),
            now,
            flag: &flag,
        };
        print_view(&status.text(&screen(None, false, moments.zone))?)?;
    }
    match stale {
        Some(stale) => Err(Error::Partial { what: format!("the archive is stale: {stale}") }),
        None => Ok(()),
    }
}

/// Why the archive is older than `max_age`. `None`: it is not, or no age was given.
fn why_stale(max_age: Option<TimeDelta>, last_complete: LastComplete, now: Instant) -> Option<String> {
    let max_age = max_age?;
    match last_complete {
        LastComplete::At(at) if at >= now.plus(-max_age) => None,
        LastComplete::At(at) => {
            Some(format!("the last complete sync started at {at}, longer than --max-age ago"))
        }
        LastComplete::InFuture(at) => {
            Some(format!("the last complete sync started at {at}, in the future: its clock was wrong"))
        }
        LastComplete::Never => Some("no sync has completed yet".to_owned()),
    }
}

fn gap_as_json(gap: &ListGap) -> Value {
    let id = |run: Option<Cursor>| run.map(|run| run.run_id.to_string());
    json!({
        "position": gap.position,
        "records": gap.records,
        "newer_run_id": id(gap.newer),
        "older_run_id": id(gap.older),
        "run_id": gap.run_id.map(|id| id.to_string()),
        "fetched_at": gap.fetched_at.map(|at| at.to_string()),
        "cause": gap.cause,
    })
}

fn as_json(
    archive: &Archive,
    contents: &ArchiveStats,
    open: &OpenSummary,
    last: Option<&SyncRow>,
    freshness: Freshness,
) -> Result<Value> {
    let text = |at: Option<Instant>| at.map(|at| at.to_string());
    let drift: Vec<_> = archive
        .drift()?
        .into_iter()
        .map(|row| {
            json!({
                "field": row.drift.field,
                "kind": row.drift.kind.as_str(),
                "observed": row.drift.observed,
                "first_seen_at": row.first_seen_at.as_str(),
                "example_run_id": row.example_run_id,
            })
        })
        .collect();
    Ok(json!({
        "archive": archive.path().to_string_lossy(),
        "schema_version": contents.schema_version,
        "file_bytes": contents.file_bytes,
        "log_bytes": contents.log_bytes,
        "archived_since": text(contents.archived_since),
        "runs": contents.runs,
        "snapshots": contents.snapshots,
        "oldest_booked_at": text(contents.oldest_booked_at),
        "newest_booked_at": text(contents.newest_booked_at),
        "pipelines": contents.pipelines,
        "open": {
            "runs": open.runs,
            "too_long": open.too_long,
            "oldest_seconds": open.oldest_seconds,
            "oldest_run_id": open.oldest_run_id,
        },
        "unsettled": contents.unsettled.total(),
        "vanished": contents.vanished,
        "suspected": contents.suspected,
        "quarantined": contents.quarantined,
        "unreadable": contents.unreadable,
        "list_gaps": archive.list_gaps()?.iter().map(gap_as_json).collect::<Vec<_>>(),
        "drift": drift,
        "last_complete_sync_at": text(freshness.last_complete.at()),
        "observations_ahead_seconds": freshness.observations_ahead.num_seconds(),
        "last_sync": last.map(|sync| json!({
            "sync_id": sync.sync_id,
            "kind": sync.kind,
            "started_at": sync.started_at.as_str(),
            "ended_at": text(sync.ended_at),
            "clock_started_at": text(sync.clock_started_at),
            "clock_ended_at": text(sync.clock_ended_at),
            "outcome": sync.outcome,
            "error": sync.error,
            "process_id": sync.process_id,
            "requests": sync.counts.requests,
            "runs_seen": sync.counts.seen,
            "runs_new": sync.counts.new,
            "runs_changed": sync.counts.changed,
            "runs_unchanged": sync.counts.unchanged,
            "runs_vanished": sync.counts.vanished,
            "items_quarantined": sync.counts.quarantined,
        })),
    }))
}
