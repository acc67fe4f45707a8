//! This is what each command does, one file a command.

mod backup;
mod check;
mod connection;
mod coverage;
mod demo;
mod drift;
mod export;
mod fetch;
mod progress;
pub mod query;
mod report;
mod sandbox;
mod show;
mod span;
mod status;
mod sync;
mod verify;
mod verify_file;
mod writing;

use crate::cli::{Cli, Command};
use crate::error::Result;
use crate::export::Destination;
use crate::settings;

/// Does what the command line asks for.
///
/// # Errors
/// Whatever ends the command.
pub fn run(cli: &Cli) -> Result<()> {
    let path = settings::archive_path(cli.db.as_deref());
    let done = match &cli.command {
        Command::Sync(args) => sync::run(args, &path),
        Command::Fetch(args) => fetch::run(args, &path),
        Command::Status(args) => status::run(args, &path),
        Command::Show(args) => show::run(args, &path),
        Command::Report(args) => report::run(args, &path),
        Command::Export(args) => export::run(args, &path),
        Command::Query(args) => query::run(args, &path),
        Command::Check(args) => check::run(args, &path),
        Command::Backup(args) => backup::run(args, &path),
        Command::Verify(args) => verify::run(args, &path),
        // It needs no archive.
        Command::VerifyFile(args) => return verify_file::run(args),
        Command::Coverage(args) => coverage::run(args, &path),
        Command::Drift(args) => drift::run(args, &path),
        // Its archive has another name.
        Command::Demo(args) => return demo::run(args, cli.db.as_deref()),
        Command::Sandbox(args) => sandbox::run(args),
    };
    done.map_err(|error| error.in_archive(&path))
}

/// Prints a line to the standard output. Whoever reads it may stop early: that is no error.
fn say(line: &str) -> Result<()> {
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{line}")?))
}
