//! `runledger sync --all`: syncs every workspace in the settings, one after the other.

use super::after_sync::AfterSync;
use super::{Attempt, SyncArgs, Target, report, sync_one};
use crate::cli::first_given;
use crate::commands::Cli;
use crate::commands::shared::archives::every_workspace;
use crate::commands::shared::notify;
use crate::commands::shared::output::print_note;
use crate::commands::shared::runtime::Runtime;
use crate::error::{Error, Result, render};
use crate::notify::SyncReport;
use crate::settings::{Settings, Workspace};
use crate::sync::{Clock, SystemClock};

/// Syncs each workspace in the settings. An error is printed at once and does not stop the others.
///
/// # Errors
/// [`Error::Workspaces`] when any failed; [`Error::Interrupted`] after a signal; [`Error::Usage`] when the settings
/// name no workspace, or a flag that applies to one workspace is given.
pub(crate) fn run(args: &SyncArgs, cli: &Cli) -> Result<()> {
    let runtime = Runtime::start()?;
    let after_sync = AfterSync::of(args)?;
    let notifier = notify::start(args, &runtime)?;
    // A notification reports invalid settings too.
    let settings = reject_unsupported_flags(args).and_then(|()| every_workspace(cli));
    let result = match settings {
        Ok(settings) => {
            let (reports, result) = sync_each(args, &settings, &after_sync, &runtime);
            notifier.finish(&reports, result)
        }
        Err(error) => notifier.finish(&[], Err(error)),
    };
    runtime.shut_down();
    result
}

fn sync_each<'w>(
    args: &SyncArgs,
    shared: &'w Settings,
    after_sync: &AfterSync<'_>,
    runtime: &Runtime,
) -> (Vec<SyncReport<'w>>, Result<()>) {
    let workspaces = shared.workspaces();
    let (mut reports, mut failed) = (Vec::with_capacity(workspaces.len()), Vec::new());
    for (place, workspace) in workspaces.iter().enumerate() {
        let (report, result) = match settings_of(workspace, shared) {
            Ok(settings) => {
                let (report, result) = sync_one(args, &Target::of(workspace, &settings), runtime);
                let watched = after_sync.run(Some(&workspace.name), &workspace.archive, settings, runtime);
                (SyncReport { watched, ..report }, result)
            }
            Err(error) => {
                let target = Target::of(workspace, shared);
                let attempt = Attempt::rejected(&target, &args.verbosity, error);
                report(args, &target, SystemClock.now(), attempt)
            }
        };
        let exit_code = report.exit_code;
        reports.push(report);
        match result {
            Ok(()) => {}
            Err(error @ Error::Interrupted { .. }) => {
                // The metrics also list the workspaces that were not reached.
                reports.extend(workspaces[place + 1..].iter().map(|workspace| {
                    let watched = settings_of(workspace, shared).ok().and_then(|settings| {
                        after_sync.run(Some(&workspace.name), &workspace.archive, settings, runtime)
                    });
                    SyncReport { watched, ..Target::of(workspace, shared).not_tried(args, exit_code) }
                }));
                return (reports, Err(error));
            }
            Err(error) => {
                print_error(&workspace.name, &error);
                failed.push((workspace.name.clone(), exit_code));
            }
        }
    }
    let result =
        if failed.is_empty() { Ok(()) } else { Err(Error::Workspaces { failed, all: workspaces.len() }) };
    (reports, result)
}

/// The workspace's own settings, which override those that the workspaces share.
fn settings_of(workspace: &Workspace, shared: &Settings) -> Result<Settings> {
    Ok(Settings::next_to(&workspace.archive)?.over(shared))
}

/// Rejects flags that apply to one workspace.
fn reject_unsupported_flags(args: &SyncArgs) -> Result<()> {
    let refused = |flag: &str, hint: &str| Error::Usage {
        what: format!("{flag} applies to one workspace, but --all syncs every workspace"),
        hint: Some(hint.to_owned()),
    };
    let settings =
        [("--api-url", args.api.api_url.is_some()), ("--api-key-file", args.api.api_key_file.is_some())];
    if let Some(flag) = first_given(&settings) {
        return Err(refused(flag, "set it in the settings, in each [[workspace]]"));
    }
    let confirmations =
        [("--accept-workspace", args.accept_workspace), ("--confirm-vanished", args.confirm_vanished)];
    match first_given(&confirmations) {
        Some(flag) => Err(refused(flag, "sync that workspace alone: name its archive with --db")),
        None => Ok(()),
    }
}

fn print_error(workspace: &str, error: &Error) {
    let hint = match error {
        Error::KeyRefused { .. } => {
            Some("check the key that the settings name for this workspace".to_owned())
        }
        other => other.hint(),
    };
    print_note(&render(&format!("{workspace}: {error}"), hint.as_deref()));
}
