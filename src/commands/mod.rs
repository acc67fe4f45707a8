//! This is what each command does, one file a command.

mod backup;
mod check;
mod close;
mod config;
mod connection;
mod coverage;
mod demo;
mod drift;
mod export;
mod fetch;
mod focus;
pub mod nagios;
mod progress;
pub mod query;
mod reconcile;
mod report;
mod restatements;
mod sandbox;
mod scope;
mod show;
mod status;
mod sync;
mod verify;
mod verify_file;
mod watch;
mod writing;

use crate::cli::{Cli, Command};
use crate::error::Result;
use crate::export::Destination;
use crate::settings::{self, Settings};

/// Does what the command line asks for, and gives the exit code of a command that came to its end: 0, but for one that
/// speaks another program's language.
///
/// # Errors
/// Whatever ends the command.
pub fn run(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::Status(args) if args.nagios.check => {
            nagios::run(&args.nagios, args.settle, &settings::archive(cli.db.as_deref()).value)
        }
        _ => carry_out(cli).map(|()| 0),
    }
}

fn carry_out(cli: &Cli) -> Result<()> {
    let archive = settings::archive(cli.db.as_deref());
    let path = archive.value.clone();
    let settings = || Settings::load(cli.config.as_deref(), &path);
    let done = match &cli.command {
        Command::Sync(args) => sync::run(args, &path),
        Command::Fetch(args) => fetch::run(args, &path),
        Command::Status(args) => status::run(args, &path),
        Command::Show(args) => show::run(args, &path),
        Command::Report(args) => report::run(args, &path, &settings()?),
        Command::Export(args) => export::run(args, &path, &settings()?),
        Command::Query(args) => query::run(args, &path, &settings()?),
        Command::Check(args) => check::run(args, &path),
        Command::Backup(args) => backup::run(args, &path),
        Command::Verify(args) => verify::run(args, &path),
        // It needs no archive.
        Command::VerifyFile(args) => return verify_file::run(args),
        Command::Coverage(args) => coverage::run(args, &path),
        Command::Drift(args) => drift::run(args, &path),
        Command::Close(args) => close::run(args, &path, &settings()?),
        Command::Restatements(args) => restatements::run(args, &path, &settings()?),
        Command::Reconcile(args) => reconcile::run(args, &path, &settings()?),
        Command::Config(args) => config::run(args, archive, &settings()?),
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
