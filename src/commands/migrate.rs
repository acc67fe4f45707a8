//! `runledger migrate`: migrates archives and backups to the newest schema, without the API.

use crate::commands::Cli;
use crate::commands::shared::archives::every_workspace;
use crate::commands::shared::output::{print_line, print_note};
use crate::error::{Error, Result};
use crate::settings;
use crate::store::{Migrated, migrate};
use crate::sync::{Clock, SystemClock};
use clap::Args;
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
        if let Err(error) = migrate_one(&path)
            && let Some(earlier) = failure.replace(error)
        {
            print_note(&earlier.render());
        }
    }
    failure.map_or(Ok(()), Err)
}

fn migrate_one(path: &Path) -> Result<()> {
    let name = path.display();
    print_line(&match migrate(path, SystemClock.now())? {
        Migrated::Nothing { version } => format!("{name}: nothing to do, its schema is version {version}"),
        Migrated::From { before, version, copy } => format!(
            "{name}: migrated from schema version {before} to {version}; a verified copy of it is in {}",
            copy.display()
        ),
    })
}
