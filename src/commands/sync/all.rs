//! This is `runledger sync --all`: it brings the archive of every workspace up to date, one after the other.

use crate::commands::Cli;
use crate::commands::shared::archives::every_workspace;
use crate::commands::shared::notify;
use crate::commands::shared::runtime::Runtime;
use crate::commands::sync::SyncArgs;
use crate::commands::sync::{Target, sync_one};
use crate::error::render;
use crate::error::{Error, Result};
use crate::notify::SyncReport;
use crate::settings::Workspace;
use std::io::Write as _;

/// Syncs each workspace that the settings name. One that fails is told about at once, and does not stop the others.
///
/// # Errors
/// [`Error::Workspaces`] when any failed; [`Error::Interrupted`] when somebody asked to stop; [`Error::Usage`] when there are
/// none, or something is said of all that each says for itself.
pub fn run(args: &SyncArgs, cli: &Cli) -> Result<()> {
    let engine = Runtime::start()?;
    let watch = notify::start(args, &engine)?;
    // Whoever waits for it is told of settings that cannot be meant, too.
    let settings = refuse_what_each_says(args).and_then(|()| every_workspace(cli));
    let result = match settings {
        Ok(settings) => {
            let (accounts, result) = sync_each(args, settings.workspaces(), &engine);
            watch.finish(&accounts, result)
        }
        Err(error) => watch.finish(&[], Err(error)),
    };
    engine.shut_down();
    result
}

fn sync_each<'w>(
    args: &SyncArgs,
    workspaces: &'w [Workspace],
    engine: &Runtime,
) -> (Vec<SyncReport<'w>>, Result<()>) {
    let (mut accounts, mut failed) = (Vec::with_capacity(workspaces.len()), Vec::new());
    for (place, workspace) in workspaces.iter().enumerate() {
        let (account, result) = sync_one(args, &Target::of(workspace), engine);
        let exit_code = account.exit_code;
        accounts.push(account);
        match result {
            Ok(()) => {}
            Err(error @ Error::Interrupted { .. }) => {
                // Those that it did not come to stay in the metrics.
                let rest = workspaces[place + 1..].iter().map(Target::of);
                accounts.extend(rest.map(|target| target.untried(args, exit_code)));
                return (accounts, Err(error));
            }
            Err(error) => {
                tell(&workspace.name, &error);
                failed.push((workspace.name.clone(), exit_code));
            }
        }
    }
    let result =
        if failed.is_empty() { Ok(()) } else { Err(Error::Workspaces { failed, all: workspaces.len() }) };
    (accounts, result)
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
    let hint = match error {
        Error::KeyRefused { .. } => Some("check the key that the settings name for it".to_owned()),
        other => other.hint(),
    };
    let text = render(&format!("{workspace}: {error}"), hint.as_deref());
    let _ = writeln!(std::io::stderr(), "{text}");
}
