//! This is `runledger sync --all`: it brings the archive of every workspace up to date, one after the other.

use super::archives::every_workspace;
use super::connection::Engine;
use super::sync::{Target, sync_one};
use super::watch::Watch;
use crate::cli::{Cli, SyncArgs};
use crate::error::{Error, Result};
use crate::export::visible;
use std::io::Write as _;

/// Syncs each workspace that the settings name. One that fails is told about at once, and does not stop the others.
///
/// # Errors
/// [`Error::Workspaces`] when any failed; [`Error::Interrupted`] when somebody asked to stop; [`Error::Usage`] when there are
/// none, or something is said of all that each says for itself.
pub fn run(args: &SyncArgs, cli: &Cli) -> Result<()> {
    refuse_what_each_says(args)?;
    let settings = every_workspace(cli)?;
    let workspaces = settings.workspaces();
    let engine = Engine::start()?;
    let watch = Watch::of(args, &engine)?;
    let (mut accounts, mut failed, mut interrupted) = (Vec::new(), Vec::new(), None);
    for workspace in workspaces {
        let (account, result) = sync_one(args, &Target::of(workspace), &engine);
        let exit_code = account.exit_code;
        accounts.push(account);
        match result {
            Ok(()) => {}
            Err(error @ Error::Interrupted { .. }) => {
                interrupted = Some(error);
                break;
            }
            Err(error) => {
                tell(&workspace.name, &error);
                failed.push((workspace.name.clone(), exit_code));
            }
        }
    }
    let result = match interrupted {
        Some(error) => Err(error),
        None if failed.is_empty() => Ok(()),
        None => Err(Error::Workspaces { failed, all: workspaces.len() }),
    };
    let result = watch.end(&accounts, result);
    engine.shut_down();
    result
}

/// Refuses arguments that cannot be meant of every workspace.
fn refuse_what_each_says(args: &SyncArgs) -> Result<()> {
    let said =
        [("--api-url", args.api.api_url.is_some()), ("--api-key-file", args.api.api_key_file.is_some())];
    match said.iter().find(|(_, said)| *said) {
        Some((flag, _)) => Err(Error::Usage {
            what: format!("{flag} is said of one workspace, and --all means every one"),
            hint: Some("say it in the settings, at each [[workspace]]".to_owned()),
        }),
        None => Ok(()),
    }
}

/// Says what failed, and what to do about it; nobody may be listening.
fn tell(workspace: &str, error: &Error) {
    let mut stderr = std::io::stderr().lock();
    let text = format!("error: {workspace}: {error}");
    for line in text.lines() {
        let _ = writeln!(stderr, "{}", visible(line));
    }
    let hint = match error {
        Error::KeyRefused { .. } => Some("check the key that the settings name for it".to_owned()),
        other => other.hint(),
    };
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}
