//! This is what each command does, one file a command.

mod backup;
mod check;
mod close;
mod completions;
mod config;
mod coverage;
mod datasette_metadata;
mod demo;
mod drift;
mod export;
mod fetch;
mod man;
pub mod query;
mod reconcile;
mod report;
mod restatements;
mod sandbox;
mod shared;
mod show;
pub mod status;
mod sync;
mod verify;
mod verify_file;

use crate::error::EXIT_CODES;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;
use clap::ValueHint;
use std::path::PathBuf;

use crate::commands::export::Exported;
use crate::error::{Error, Result};
use crate::settings::{self, Settings};
use std::path::Path;

/// A ledger of every Nekt pipeline run: what it cost, how long it took, and what was known of it when
#[derive(Debug, Clone, Parser)]
#[command(name = "runledger", version, max_term_width = 100, after_help = examples_and_exit_codes())]
pub struct Cli {
    /// The archive: one SQLite file; reports can be given several [env: RUNLEDGER_DB] [default: runledger.db]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub db: Vec<PathBuf>,

    /// The settings [env: RUNLEDGER_CONFIG] [default: runledger.toml beside the archive]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,

    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Everywhere")]
    pub verbose: u8,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The definition that help, completions and man pages are made from, with every command's whole name.
    pub fn definition() -> clap::Command {
        /// With a hint that a path is a file a shell completes names with spaces too.
        fn files(command: clap::Command) -> clap::Command {
            let is_path = |argument: &clap::Arg| argument.get_value_hint() == ValueHint::AnyPath;
            command
                .mut_args(|argument| {
                    if is_path(&argument) { argument.value_hint(ValueHint::FilePath) } else { argument }
                })
                .mut_subcommands(files)
        }
        let mut definition = files(Cli::command()).bin_name("runledger").disable_help_subcommand(true);
        definition.build();
        definition
    }
}

/// Whether this process was asked for `status --check`, also where the rest of its arguments is not understood.
pub fn asks_for_a_check() -> bool {
    let matches = Cli::command().ignore_errors(true).try_get_matches();
    let status = matches.as_ref().ok().and_then(|matches| matches.subcommand_matches("status"));
    status.is_some_and(|status| matches!(status.try_get_one("check"), Ok(Some(true))))
}

fn examples_and_exit_codes() -> String {
    let lines = EXIT_CODES.map(|(code, meaning)| format!("\n  {code:<8}  {meaning}"));
    let examples = "
  runledger demo                  # a year of made-up runs, with no account
  NEKT_API_KEY=… runledger sync
  runledger report cost --by pipeline
  runledger report --help";
    format!(
        "Examples:{examples}\n\n`status --check` has Nagios's own exit codes. Of all others:\n\nExit codes:{}",
        lines.concat()
    )
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Bring the archive up to date with the API
    Sync(sync::SyncArgs),
    /// Archive runs by their ids
    Fetch(fetch::FetchArgs),
    /// Tell what the archive holds and how fresh it is
    Status(status::StatusArgs),
    /// Show one run and what became known of it when
    Show(show::ShowArgs),
    /// Answer a question that has a name
    Report(report::ReportArgs),
    /// Write the archive's rows for other programs
    Export(export::ExportArgs),
    /// Run one SQL statement that reads
    Query(query::QueryArgs),
    /// Write what Datasette shows beside the rows: words, units, and every question
    DatasetteMetadata(datasette_metadata::DatasetteArgs),
    /// Close a month: its answers stay what finance has booked; without one, list the closed ones
    Close(close::CloseArgs),
    /// List what became known of closed months after their close
    Restatements(restatements::RestatementsArgs),
    /// Compare an invoice with the ledger, and find what closes the gap
    Reconcile(reconcile::ReconcileArgs),
    /// Check that everything that must be true of the archive is true
    Check(check::CheckArgs),
    /// Copy the archive, also while a sync is running
    Backup(backup::BackupArgs),
    /// Ask the API again for random settled runs and compare
    Verify(verify::VerifyArgs),
    /// Hold a written file against its manifest, without the archive
    VerifyFile(verify_file::VerifyFileArgs),
    /// Tell what can be missing from the archive
    Coverage(coverage::CoverageArgs),
    /// Tell what the API's contract does not know, and when each was first seen
    Drift(drift::DriftArgs),
    /// Print the settings in force, and where each comes from
    Config(config::ConfigArgs),
    /// Archive a year of made-up runs and show what can be asked
    Demo(demo::DemoArgs),
    /// Serve a look-alike of the API on this machine
    Sandbox(sandbox::SandboxArgs),
    /// Print what a shell needs to complete commands, options and names
    Completions(completions::CompletionsArgs),
    /// Print a command's man page, or write the man page of every command
    Man(man::ManArgs),
}

/// Does what the command line asks for, and gives the exit code of a command that came to its end: 0, but for one that
/// speaks another program's language.
///
/// # Errors
/// Whatever ends the command.
pub fn run(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::Status(args) if args.nagios.check => match one_archive(cli) {
            Ok(archive) => status::nagios::run(&args.nagios, args.settle, &settings::archive(archive).value),
            Err(error) => status::nagios::refuse(&error),
        },
        _ => carry_out(cli).map(|()| 0),
    }
}

fn carry_out(cli: &Cli) -> Result<()> {
    let archive = settings::archive(one_archive(cli)?);
    let path = archive.value.clone();
    let settings = || Settings::load(cli.config.as_deref(), &path);
    let done = match &cli.command {
        Command::Sync(args) if args.all => sync::all::run(args, cli),
        // Whoever waits for it is told of settings that cannot be meant, too.
        Command::Sync(args) => sync::run(args, &path, settings()),
        Command::Fetch(args) => fetch::run(args, &path, &settings()?),
        Command::Status(args) => status::run(args, &path),
        Command::Show(args) => show::run(args, &path),
        Command::Report(args) => report::run(args, cli),
        Command::Export(args) => export::run(args, cli, &path, &settings()?),
        Command::Query(args) => query::run(args, &path, &settings()?),
        Command::DatasetteMetadata(args) => datasette_metadata::run(args, &cli.db),
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
