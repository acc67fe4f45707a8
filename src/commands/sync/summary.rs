//! The summary of a sync: a line or two for people, or one JSON object.

use crate::cli::VerbosityArgs;
use crate::commands::shared::numbers::{grouped, grouped_count, unsettled_parts};
use crate::commands::shared::output::print_line;
use crate::commands::shared::span::format_span;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::ignored_fields::IgnoredFields;
use crate::store::SyncKind;
use crate::sync::{Options, Summary};
use crate::wording::counted;
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::path::Path;

/// The most new kinds of drift that are printed, one line each.
const MAX_PRINTED_DRIFT: usize = 20;

/// Prints the summary, after a line for each new kind of drift and one for a new base URL of the API. With `--quiet`,
/// and after a sync that reached no API, there is nothing to sum up.
pub(super) fn print_summary(
    workspace: Option<&str>,
    summary: &Summary,
    seconds: f64,
    verbosity: &VerbosityArgs,
    dry_run: bool,
) -> Result<()> {
    if verbosity.format.is_json() {
        let mut object = as_json(summary, seconds, dry_run);
        if let Some(workspace) = workspace {
            object["workspace"] = json!(workspace);
        }
        return print_line(&object.to_string());
    }
    if verbosity.quiet || matches!(summary.result, Err(Error::Unreachable { .. }) if summary.counts.seen == 0)
    {
        return Ok(());
    }
    for row in summary.new_drift.iter().take(MAX_PRINTED_DRIFT) {
        let drift = &row.drift;
        let line = format!(
            "unknown {} of `{}`: {} (stored; first seen in run {})",
            drift.kind.as_str(),
            escape_control(&drift.field),
            escape_control(&drift.observed),
            row.example_run_id
        );
        print_line(&with_workspace(workspace, line))?;
    }
    if summary.new_drift.len() > MAX_PRINTED_DRIFT {
        let more = summary.new_drift.len() - MAX_PRINTED_DRIFT;
        let line = format!("{more} more unknown fields, values and types: see `runledger drift`");
        print_line(&with_workspace(workspace, line))?;
    }
    if summary.drift_unrecorded > 0 {
        let line = format!(
            "a run has {} more unknown fields, values and types than `runledger drift` lists (all are stored)",
            summary.drift_unrecorded
        );
        print_line(&with_workspace(workspace, line))?;
    }
    if let Some(previous) = &summary.previous_api_url {
        let line = format!(
            "the archive's runs are now read from {} (before: {})",
            summary.api_url,
            escape_control(previous)
        );
        print_line(&with_workspace(workspace, line))?;
    }
    print_line(&with_workspace(workspace, summary_line(summary, seconds, dry_run)))?;
    match outlook(summary) {
        Some(expected) => print_line(&with_workspace(workspace, expected)),
        None => Ok(()),
    }
}

/// Prints the JSON object of a sync that failed before the first request.
pub(super) fn print_failure(workspace: &str, error: &Error) -> Result<()> {
    let object = json!({
        "workspace": workspace,
        "kind": null,
        "exit_code": error.exit_code(),
        "error": error.to_string(),
    });
    print_line(&object.to_string())
}

/// The note that the archive's observations are ahead of the system clock. `None`: they are not.
pub(super) fn clock_note(summary: &Summary) -> Option<String> {
    (summary.observations_ahead > TimeDelta::zero()).then(|| {
        format!(
            "warning: observations in the archive are {} ahead of the system clock: a sync ran with a wrong clock",
            format_span(summary.observations_ahead)
        )
    })
}

/// The note that most changes are in a field that may differ in every response, with the setting that excludes it.
/// `None`: there is no such field.
pub(super) fn noise_note(summary: &Summary, ignored: &IgnoredFields, settings_file: &Path) -> Option<String> {
    let changes = summary.noisy_fields.iter().map(|field| field.changes).max()?;
    let noisy = summary.noisy_fields.iter().map(|field| &field.path);
    let names: Vec<_> = noisy.clone().map(|path| format!("`{}`", escape_control(path))).collect();
    // A JSON string is a TOML string, too.
    let paths = ignored.paths().iter().chain(noisy).map(|path| Value::from(path.as_str()).to_string());
    let setting = paths.collect::<Vec<_>>().join(", ");
    Some(format!(
        "warning: {changes} of {} changed runs differ in {}, and in no field that reports use. If it differs in \
         every response, each sync adds a snapshot per run. To ignore it, set this under [sync] in {}:\n\
         ignore_changes_in = [{}]",
        summary.counts.changed,
        names.join(" and "),
        settings_file.display(),
        escape_control(&setting)
    ))
}

/// The note that a reader keeps the write-ahead log large. `None`: no reader does.
pub(super) fn log_note(summary: &Summary) -> Option<String> {
    summary.held_log_bytes.map(|bytes| {
        format!(
            "warning: the write-ahead log of the archive has grown to {:.1} MiB: another program has kept a \
             transaction open, such as a dashboard or a database shell. End it; the next sync empties the log",
            bytes as f64 / (1024.0 * 1024.0)
        )
    })
}

/// The note that costs change later than the lookback reaches, with the values that would find them. `None`: they do
/// not.
pub(super) fn lookback_note(summary: &Summary, options: &Options) -> Option<String> {
    let advice = summary.lookback_advice?;
    let lookback = match advice.lookback_days() {
        Some(days) => format!("`--lookback {days}d`, or "),
        None => String::new(),
    };
    Some(format!(
        "warning: the costs of {} changed more than {} after the run was created, up to {} days after, in the last 90 \
         days; a sync finds such a change up to {} late. Use {lookback}`--full-every 1d`",
        counted(advice.runs, "run"),
        format_span(options.lookback),
        advice.latest_days,
        format_span(options.full_every),
    ))
}

/// A line prefixed with the name of its workspace, if there are several.
pub(super) fn with_workspace(workspace: Option<&str>, line: String) -> String {
    match workspace {
        Some(workspace) => format!("{}: {line}", escape_control(workspace)),
        None => line,
    }
}

/// The summary: what the sync did, and on a second line what a later sync will complete.
pub(in crate::commands) fn summary_text(summary: &Summary, seconds: f64, dry_run: bool) -> String {
    let mut text = summary_line(summary, seconds, dry_run);
    if let Some(expected) = outlook(summary) {
        text.push('\n');
        text.push_str(&expected);
    }
    text
}

/// What the sync did: `Synced 12,003 runs: 3 new, 38 changed   (full, 28 requests, 0.1 s)`.
fn summary_line(summary: &Summary, seconds: f64, dry_run: bool) -> String {
    let counts = &summary.counts;
    let outcome = match (&summary.result, dry_run) {
        (Ok(()), false) => None,
        (Ok(()), true) => Some("dry run: nothing was stored"),
        (Err(Error::Partial { .. }), _) => Some("partial"),
        (Err(_), _) => Some("incomplete"),
    };
    let (verb, kind) = match summary.kind {
        SyncKind::Fetch => ("Fetched", "by id"),
        kind => ("Synced", kind.as_str()),
    };
    let changes = [(counts.new, "new"), (counts.changed, "changed"), (counts.vanished, "vanished")];
    let changes: Vec<String> = changes
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", grouped(number)))
        .collect();
    let changes = if changes.is_empty() { "nothing new".to_owned() } else { changes.join(", ") };
    let requests = grouped_count(counts.requests, "request");
    let took = format!("{seconds:.1} s");
    let about: Vec<&str> =
        [Some(kind), outcome, Some(&requests), Some(&took)].into_iter().flatten().collect();
    format!("{verb} {}: {changes}   ({})", grouped_count(counts.seen, "run"), about.join(", "))
}

/// What a later sync will complete. `None`: every run is settled, or the sync did not get that far.
fn outlook(summary: &Summary) -> Option<String> {
    let parts = unsettled_parts(summary.unsettled?);
    (!parts.is_empty()).then(|| parts.join("   "))
}

fn as_json(summary: &Summary, seconds: f64, dry_run: bool) -> Value {
    let counts = &summary.counts;
    json!({
        "kind": summary.kind.as_str(),
        "reason": summary.reason,
        "dry_run": dry_run,
        "exit_code": summary.result.as_ref().err().map_or(0, Error::exit_code),
        "error": summary.result.as_ref().err().map(ToString::to_string),
        "runs_seen": counts.seen,
        "runs_new": counts.new,
        "runs_changed": counts.changed,
        "runs_unchanged": counts.unchanged,
        "runs_vanished": counts.vanished,
        "items_quarantined": counts.quarantined,
        "pages": counts.pages,
        "requests": counts.requests,
        "newest_first": summary.newest_first,
        "runs_suspected": summary.runs_suspected,
        "api_url": summary.api_url,
        "previous_api_url": summary.previous_api_url,
        "observations_ahead_seconds": summary.observations_ahead.num_seconds(),
        "missing": summary.missing,
        "held_log_bytes": summary.held_log_bytes,
        "lookback_advice": summary.lookback_advice.map(|advice| json!({
            "runs": advice.runs,
            "latest_days": advice.latest_days,
            "lookback_days": advice.lookback_days(),
        })),
        "noisy_fields": summary.noisy_fields.iter().map(|field| json!({
            "field": field.path,
            "changes": field.changes,
        })).collect::<Vec<_>>(),
        "new_drift": summary.new_drift.iter().map(|row| json!({
            "field": row.drift.field,
            "kind": row.drift.kind.as_str(),
            "observed": row.drift.observed,
            "example_run_id": row.example_run_id,
        })).collect::<Vec<_>>(),
        "drift_unrecorded": summary.drift_unrecorded,
        "seconds": (seconds * 1000.0).round() / 1000.0,
    })
}
