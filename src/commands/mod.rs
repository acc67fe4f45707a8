//! This is what each command does, one file a command.

mod archives;
mod backup;
mod check;
mod close;
mod completions;
mod config;
mod connection;
mod coverage;
mod dataset;
mod datasette;
mod demo;
mod drift;
mod export;
mod fetch;
mod focus;
mod man;
pub mod nagios;
mod page;
mod progress;
pub mod query;
mod reconcile;
mod report;
mod restatements;
mod sandbox;
mod scope;
mod screen;
mod show;
mod status;
mod sync;
mod sync_all;
mod verify;
mod verify_file;
mod watch;
mod writing;

use crate::cli::{Cli, Command, Exported};
use crate::error::{Error, Result};
use crate::export::{Destination, visible};
use crate::settings::{self, Settings};
use std::path::Path;

/// Does what the command line asks for, and gives the exit code of a command that came to its end: 0, but for one that
/// speaks another program's language.
///
/// # Errors
/// Whatever ends the command.
pub fn run(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::Status(args) if args.nagios.check => match one_archive(cli) {
            Ok(archive) => nagios::run(&args.nagios, args.settle, &settings::archive(archive).value),
            Err(error) => nagios::refuse(&error),
        },
        _ => carry_out(cli).map(|()| 0),
    }
}

fn carry_out(cli: &Cli) -> Result<()> {
    let archive = settings::archive(one_archive(cli)?);
    let path = archive.value.clone();
    let settings = || Settings::load(cli.config.as_deref(), &path);
    let done = match &cli.command {
        Command::Sync(args) if args.all => sync_all::run(args, cli),
        // Whoever waits for it is told of settings that cannot be meant, too.
        Command::Sync(args) => sync::run(args, &path, settings()),
        Command::Fetch(args) => fetch::run(args, &path, &settings()?),
        Command::Status(args) => status::run(args, &path),
        Command::Show(args) => show::run(args, &path),
        Command::Report(args) => report::run(args, cli),
        Command::Export(args) => export::run(args, cli, &path, &settings()?),
        Command::Query(args) => query::run(args, &path, &settings()?),
        Command::DatasetteMetadata(args) => datasette::run(args, &cli.db),
        Command::Check(args) => check::run(args, &path),
        Command::Backup(args) => backup::run(args, &path),
        Command::Verify(args) => verify::run(args, &path, &settings()?),
        // It needs no archive.
        Command::VerifyFile(args) => return verify_file::run(args),
        Command::Coverage(args) => coverage::run(args, &path, &settings()?),
        Command::Drift(args) => drift::run(args, &path),
        Command::Close(args) => close::run(args, &path, &settings()?),
        Command::Restatements(args) => restatements::run(args, &path, &settings()?),
        Command::Reconcile(args) => reconcile::run(args, &path, &settings()?),
        Command::Config(args) => config::run(args, archive, &settings()?),
        // Its archive has another name.
        Command::Demo(args) => return demo::run(args, one_archive(cli)?),
        Command::Sandbox(args) => sandbox::run(args),
        // They tell of the program alone.
        Command::Completions(args) => return completions::run(args),
        Command::Man(args) => return man::run(args),
    };
    done.map_err(|error| error.in_archive(&path))
}

/// The archive that `--db` names. `None`: it is not given.
///
/// # Errors
/// [`Error::Usage`] when several are named to a command that asks one.
fn one_archive(cli: &Cli) -> Result<Option<&Path>> {
    match (cli.db.as_slice(), &cli.command) {
        ([], _) => Ok(None),
        // Those that ask several open them themselves.
        ([one], _) | ([one, ..], Command::Report(_) | Command::DatasetteMetadata(_)) => Ok(Some(one)),
        ([one, ..], Command::Export(args)) if args.what == Exported::Parquet => Ok(Some(one)),
        ([one, other, ..], _) => Err(Error::Usage {
            what: format!(
                "--db names {} and {}, and this command asks one archive",
                one.display(),
                other.display()
            ),
            hint: Some("`runledger report` and `runledger export parquet` can ask several".to_owned()),
        }),
    }
}

/// What went wrong and what to do about it, in lines for people. Most of it is the program's own words, but some may be quoted.
pub fn in_words(text: &str, hint: Option<&str>) -> String {
    let lines: Vec<_> = text.lines().map(visible).collect();
    let hint = hint.map_or_else(String::new, |hint| format!("\nhint: {}", visible(hint)));
    format!("error: {}{hint}", lines.join("\n"))
}

/// What to say where the program was built without one of its features. Asked with `cfg!`, so that what needs the feature is
/// left out of the binary.
fn built_without(what: &str, feature: &str) -> Error {
    Error::Usage {
        what: format!("this runledger was built without {what}"),
        hint: Some(format!("build it with `cargo install --path . --features {feature}`")),
    }
}

/// Prints a line to the standard output. Whoever reads it may stop early: that is no error.
fn say(line: &str) -> Result<()> {
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{line}")?))
}
