//! `runledger status`: shows what the archive contains and how fresh it is.

pub mod nagios;

use crate::cli::{JsonArgs, time_span};
use crate::commands::shared::output::print_line;
use crate::commands::shared::span::format_span;
use crate::error::{Error, Result};
use crate::escape::{escape_control, shell_word};
use crate::run::Instant;
use crate::store::{Archive, ArchiveStats, Cursor, Freshness, LastComplete, ListGap, SyncRow};
use crate::sync::{Clock, SystemClock};
use chrono::TimeDelta;
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// The most deviations that the text lists, newest last. The JSON lists all.
const MAX_LISTED_DRIFT: usize = 20;

/// The arguments of `runledger status`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger status
  runledger status --max-age 26h || mail -s 'runledger is stale' ops@example.com < /dev/null
  runledger status --check --warning 3h --critical 12h
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

/// Prints the status of the archive.
///
/// # Errors
/// [`Error::Partial`] when the last complete sync is older than `--max-age`.
pub fn run(args: &StatusArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let now = SystemClock.now();
    let contents = archive.stats(now.plus(-args.settle))?;
    let last = archive.last_sync()?;
    let freshness = archive.freshness(now)?;
    if args.format.is_json() {
        print_line(&as_json(&archive, &contents, last.as_ref(), freshness)?.to_string())?;
    } else {
        print_line(&as_text(&archive, &contents, last.as_ref(), freshness)?)?;
    }
    let stale = match (args.max_age, freshness.last_complete) {
        (Some(max_age), LastComplete::At(at)) if at < now.plus(-max_age) => {
            format!("the last complete sync started at {at}, longer than --max-age ago")
        }
        (Some(_), LastComplete::InFuture(at)) => {
            format!("the last complete sync started at {at}, in the future: its clock was wrong")
        }
        (Some(_), LastComplete::Never) => "no sync has completed yet".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::Partial { what: format!("the archive is stale: {stale}") })
}

fn as_text(
    archive: &Archive,
    contents: &ArchiveStats,
    last: Option<&SyncRow>,
    freshness: Freshness,
) -> Result<String> {
    let or_never = |at: Option<Instant>| at.map_or("never".to_owned(), |at| at.to_string());
    let mut lines = vec![
        format!("archive      {} ({})", archive.path().display(), in_mib(contents.file_bytes)),
        format!("since        {}", or_never(contents.archived_since)),
        format!("runs         {} in {} snapshots", contents.runs, contents.snapshots),
    ];
    if let (Some(oldest), Some(newest)) = (contents.oldest_booked_at, contents.newest_booked_at) {
        lines.push(format!("             from {oldest} to {newest}"));
    }
    lines.push(format!("pipelines    {}", contents.pipelines));
    lines.push(match last {
        Some(sync) => {
            let at = sync.clock_started_at.unwrap_or(sync.started_at);
            format!("last sync    {} at {at}: {}", sync.kind, outcome(sync))
        }
        None => "last sync    never".to_owned(),
    });
    lines.push(match freshness.last_complete {
        LastComplete::Never => "complete     never".to_owned(),
        LastComplete::At(at) => format!("complete     {at}"),
        LastComplete::InFuture(at) => format!("complete     {at}, in the future: the clock was wrong"),
    });
    if freshness.observations_ahead > TimeDelta::zero() {
        lines.push(format!(
            "clock        observations are {} ahead of it: a sync ran with a wrong clock",
            format_span(freshness.observations_ahead)
        ));
    }
    if archive.has_large_log() {
        lines.push(format!(
            "log          {}: a long-running reader keeps, or kept, it from shrinking; the first sync after the \
             reader\n             ends empties it",
            in_mib(contents.log_bytes)
        ));
    }
    lines.push(format!("unsettled    {}", contents.unsettled.total()));
    lines.push(format!("vanished     {}", contents.vanished));
    if contents.suspected > 0 {
        lines.push(format!(
            "suspected    {} missing from the run list, and not known to be deleted; if they are, run\n             \
             `runledger sync --confirm-vanished --db {}`",
            contents.suspected,
            shell_word(archive.path())
        ));
    }
    lines.push(format!("quarantined  {}", contents.quarantined));
    lines.push(format!("unreadable   {}", contents.unreadable));
    for gap in archive.list_gaps()?.iter().filter(|gap| gap.is_missing()) {
        lines.push(format!("             {}", escape_control(&gap.to_string())));
    }
    let drift = archive.drift()?;
    lines.push(format!("drift        {}", drift.len()));
    let older = drift.len().saturating_sub(MAX_LISTED_DRIFT);
    for row in &drift[older..] {
        lines.push(format!(
            "             {} of `{}`: {} (since {}, run {})",
            row.drift.kind.as_str(),
            escape_control(&row.drift.field),
            escape_control(&row.drift.observed),
            row.first_seen_at,
            row.example_run_id
        ));
    }
    if older > 0 {
        lines.push(format!("             and {older} more, seen before: see `runledger drift`"));
    }
    Ok(lines.join("\n"))
}

/// The outcome of a sync. One marked as running is still running or was killed.
fn outcome(sync: &SyncRow) -> String {
    let tally = &sync.counts;
    let outcome = match sync.outcome.as_str() {
        "running" => format!("running in process {}, or killed", sync.process_id),
        outcome => outcome.to_owned(),
    };
    let mut text = format!(
        "{outcome}, {} seen, {} new, {} changed, {} vanished",
        tally.seen, tally.new, tally.changed, tally.vanished
    );
    if let Some(error) = &sync.error {
        text.push_str(&format!("\n             {}", escape_control(&error.replace('\n', " "))));
    }
    text
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

fn in_mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

fn as_json(
    archive: &Archive,
    contents: &ArchiveStats,
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
