//! `runledger migrate`: migrates archives and backups to the newest schema, without the API.

use crate::cli::OutcomeArgs;
use crate::commands::Cli;
use crate::commands::shared::archives::every_workspace;
use crate::commands::shared::outcome::print_outcome;
use crate::commands::shared::output::{print_line, print_note};
use crate::error::{Error, Result};
use crate::settings;
use crate::store::{Migrated, migrate};
use crate::sync::{Clock, SystemClock};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The arguments of `runledger migrate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A sync migrates its archive itself. This command needs neither the API nor a key, so it also serves
backups. Before the migration, it writes a verified copy next to the file.

Examples:
  runledger migrate
  runledger migrate --db backup-1.db --db backup-2.db
  runledger migrate --all             # every workspace in runledger.toml")]
pub struct MigrateArgs {
    /// Migrate the archive of every workspace in the settings
    #[arg(long)]
    pub all: bool,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// Migrates each archive given by `--db` or `--all`. An error does not stop the others.
///
/// # Errors
/// That of the last archive that cannot be migrated. The errors of others were printed.
pub(super) fn run(args: &MigrateArgs, cli: &Cli) -> Result<()> {
    let paths: Vec<PathBuf> = match (args.all, cli.db.as_slice()) {
        (true, _) => {
            every_workspace(cli)?.workspaces().iter().map(|workspace| workspace.archive.clone()).collect()
        }
        (false, []) => vec![settings::archive(None)?.value],
        (false, named) => named.to_vec(),
    };
    let mut failure: Option<Error> = None;
    for path in paths {
        if let Err(error) = migrate_one(&path, args.outcome) {
            if args.outcome.format.is_json() {
                print_line(&as_json(&path, Err(&error)).to_string())?;
            }
            if let Some(earlier) = failure.replace(error) {
                print_note(&earlier.render());
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

fn migrate_one(path: &Path, outcome: OutcomeArgs) -> Result<()> {
    let migrated = migrate(path, SystemClock.now())?;
    print_outcome(outcome, || text(path, &migrated), || as_json(path, Ok(&migrated)))
}

fn text(path: &Path, migrated: &Migrated) -> String {
    let name = path.display();
    match migrated {
        Migrated::Nothing { version } => format!("{name}: nothing to do, its schema is version {version}"),
        Migrated::From { before, version, copy } => format!(
            "{name}: migrated from schema version {before} to {version}; a verified copy of it is in {}",
            copy.display()
        ),
    }
}

/// One archive as JSON: its schema versions, or why it cannot be migrated.
fn as_json(path: &Path, result: std::result::Result<&Migrated, &Error>) -> Value {
    let (before, version, copy) = match result {
        Ok(Migrated::Nothing { version }) => (Some(version), Some(version), None),
        Ok(Migrated::From { before, version, copy }) => (Some(before), Some(version), Some(copy)),
        Err(_) => (None, None, None),
    };
    let error = result.err();
    json!({
        "archive": path.to_string_lossy(),
        "schema_version": version,
        "previous_schema_version": before,
        "copy": copy.map(|copy| copy.to_string_lossy()),
        "exit_code": error.map_or(0, Error::exit_code),
        "error": error.map(ToString::to_string),
    })
}
