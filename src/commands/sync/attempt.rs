//! One attempt to read the API into an archive: key, lock, progress, summary.

use super::Target;
use super::summary::{
    clock_note, log_note, lookback_note, noise_note, print_failure, print_summary, summary_text,
    with_workspace,
};
use crate::cli::{ApiArgs, LockArgs, VerbosityArgs};
use crate::commands::shared::lock_wait::LockWait;
use crate::commands::shared::output::{print_line, print_note};
use crate::commands::shared::progress::{NoProgress, observer};
use crate::commands::shared::runtime::{Runtime, client, sync_context};
use crate::error::{Error, Result};
use crate::settings;
use crate::store::{Archive, ArchivePath, Lock, SyncKind};
use crate::sync::{Observer, Options, Summary, SyncContext};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The outcome of an attempt.
pub(in crate::commands) struct Attempt {
    /// The summary and the error for people. The client has redacted the API key in every response.
    pub(super) text: String,
    /// The duration. `None`: it did not start.
    pub(super) seconds: Option<f64>,
    /// The number of requests. `None`: it did not start.
    pub(super) requests: Option<u64>,
    /// The result.
    pub(in crate::commands) result: Result<()>,
}

impl Attempt {
    /// An attempt that failed before the first request.
    pub(super) fn not_started(error: Error) -> Attempt {
        Attempt { text: error.render(), seconds: None, requests: None, result: Err(error) }
    }

    /// As [`Attempt::not_started`], after the JSON object that one of several workspaces prints.
    pub(super) fn rejected(target: &Target<'_>, verbosity: &VerbosityArgs, error: Error) -> Attempt {
        if let (Some(workspace), true) = (target.name(), verbosity.format.is_json())
            && let Err(output_error) = print_failure(workspace, &error)
        {
            return Attempt::not_started(output_error);
        }
        Attempt::not_started(error)
    }
}

/// Opens the archive, runs `act` on it and prints the summary.
pub(in crate::commands) fn attempt(
    api: &ApiArgs,
    lock: &LockArgs,
    verbosity: &VerbosityArgs,
    target: &Target<'_>,
    options: &Options,
    runtime: &Runtime,
    act: impl for<'a> FnOnce(&'a Archive, SyncContext<'a>, &'a Options) -> Result<Summary>,
) -> Attempt {
    let path = target.path;
    let read = || -> Result<(Summary, f64)> {
        let client = client(api, target.workspace)?;
        if !verbosity.quiet && !options.dry_run && !target.is_one_of_several {
            note_other_archive(path);
        }
        let wait = LockWait { runtime, limit: lock.lock_wait, is_quiet: verbosity.quiet };
        let (lock, archive) = open(path, options.dry_run, &wait)?;
        let began = Instant::now();
        let mut observer: Box<dyn Observer> = if verbosity.quiet { Box::new(NoProgress) } else { observer() };
        let context = sync_context(client, &runtime.runtime, &runtime.cancel, observer.as_mut());
        let summary = act(&archive, context, options)?;
        if let (Err(Error::KeyRefused { .. }), Some(lock)) = (&summary.result, &lock) {
            archive.close_and_discard_if_empty(lock)?;
        }
        Ok((summary, began.elapsed().as_secs_f64()))
    };
    let (summary, seconds) = match read() {
        Ok(read) => read,
        Err(error) => return Attempt::rejected(target, verbosity, error.in_archive(path)),
    };
    let mut text = summary_text(&summary, seconds, options.dry_run);
    let requests = summary.counts.requests;
    let printed = print_summary(target.name(), &summary, seconds, verbosity, options.dry_run)
        .and_then(|()| print_place(target, &summary, verbosity, options.dry_run));
    // With `--quiet`, only the first sync after a wrong clock reports it.
    if let Some(note) = clock_note(&summary).filter(|_| !verbosity.quiet || summary.clock_went_back) {
        print_note(&with_workspace(target.name(), note.clone()));
        text = format!("{text}\n{note}");
    }
    // The archive grows or lags behind until these are repaired, so `--quiet` does not silence them.
    let noise = noise_note(&summary, &options.ignored_fields, &target.settings_file);
    let lookback = lookback_note(&summary, options);
    for note in [noise, log_note(&summary), lookback].into_iter().flatten() {
        print_note(&with_workspace(target.name(), note.clone()));
        text = format!("{text}\n{note}");
    }
    // A signal that ends the sync can also close its standard output.
    let result = summary.result.and(printed).map_err(|error| error.in_archive(path));
    if let Err(error) = &result {
        text = format!("{text}\n{}", error.render());
    }
    Attempt { text, seconds: Some(seconds), requests: Some(requests), result }
}

/// Prints the full path of the archive after its first sync, so that users find the file.
fn print_place(
    target: &Target<'_>,
    summary: &Summary,
    verbosity: &VerbosityArgs,
    dry_run: bool,
) -> Result<()> {
    let has_stored = summary.result.is_ok() || summary.counts.new > 0;
    let is_shown = summary.kind == SyncKind::First && has_stored && !dry_run;
    if !is_shown || verbosity.quiet || verbosity.format.is_json() {
        return Ok(());
    }
    print_line(&with_workspace(target.name(), format!("archive: {}", full(target.path).display())))
}

/// Notes that the archive at `path` is about to be created although the user's settings name another one.
fn note_other_archive(path: &Path) {
    if path.exists() {
        return;
    }
    if let Some(other) = settings::other_configured(path) {
        print_note(&format!(
            "note: this creates the archive {}; the one in {} is {}",
            full(path).display(),
            other.origin,
            other.value.display()
        ));
    }
}

/// The path from the root, of a file that may not exist yet. Without a current folder, it stays as it is.
fn full(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    std::fs::canonicalize(path).unwrap_or_else(|_| absolute())
}

/// Opens the archive for writing. A dry run of a first sync must not leave a file behind.
fn open(path: &Path, dry_run: bool, wait: &LockWait<'_>) -> Result<(Option<Lock>, Archive)> {
    let path = ArchivePath::resolve(path)?;
    if dry_run && !path.exists() {
        return Ok((None, Archive::temporary()?));
    }
    let lock = wait.lock(&path)?;
    let archive = Archive::open_until(&path, &lock, &wait.runtime.cancel)?;
    Ok((Some(lock), archive))
}
