//! The command line: its definition, and the dispatch to one file per command.

mod alert;
mod backup;
mod check;
mod close;
mod completions;
mod config;
mod coverage;
mod datasette_metadata;
#[cfg(feature = "sandbox")]
mod demo;
mod drift;
mod export;
mod fetch;
mod fx;
mod help;
mod man;
mod migrate;
mod probe;
pub mod query;
mod reconcile;
mod report;
mod restatements;
mod restore;
mod runs;
mod salvage;
#[cfg(feature = "sandbox")]
mod sandbox;
mod schema;
mod shared;
mod show;
mod start;
mod statements;
pub mod status;
mod sync;
mod usage;
mod verify;
mod verify_file;
#[cfg(not(feature = "sandbox"))]
mod without_sandbox;

use crate::commands::export::Exported;
use crate::commands::shared::signals::end_on_signals;
use crate::error::{Error, Result};
use crate::settings::{self, Settings};
use crate::sync::{Clock, SystemClock, check_clock};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
pub use shared::progress::beside_bar;
pub(crate) use shared::terminal::ColorWhen;
pub use shared::terminal::paint_message;
use std::path::{Path, PathBuf};
pub use usage::{apply_color, json_is_requested, usage_error};
#[cfg(not(feature = "sandbox"))]
use without_sandbox::{demo, sandbox};

/// A local ledger of every Nekt pipeline run: cost, duration and history
#[derive(Debug, Clone, Parser)]
#[command(
    name = "runledger",
    version,
    max_term_width = 100,
    override_usage = "runledger <COMMAND> [OPTIONS]",
    help_template = help::TEMPLATE
)]
pub struct Cli {
    /// The archive, an SQLite file; some commands accept several [env: RUNLEDGER_DB] [default: runledger.db if it
    /// exists, else the setting archive in ~/.config/runledger/runledger.toml, else runledger.db]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options", hide_short_help = true)]
    pub db: Vec<PathBuf>,

    /// The settings file [env: RUNLEDGER_CONFIG] [default: runledger.toml in the archive's folder]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options", hide_short_help = true)]
    pub config: Option<PathBuf>,

    /// Log more to standard error; repeat for more detail
    #[arg(
        short,
        long,
        global = true,
        action = clap::ArgAction::Count,
        help_heading = "Global options",
        hide_short_help = true
    )]
    pub verbose: u8,

    /// When to use colors: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Global options",
        hide_short_help = true
    )]
    pub color: ColorWhen,

    /// The command to run. `None`: the status of the archive, or how to begin.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Parses the arguments of this process.
    ///
    /// # Errors
    /// A request for help or the version, or invalid arguments.
    pub fn from_process() -> std::result::Result<Cli, clap::Error> {
        let mut matches = Cli::command().try_get_matches().or_else(|error| match error.kind() {
            // Building the texts would slow down every command.
            ErrorKind::DisplayHelp => Cli::with_help().try_get_matches(),
            _ => Err(error),
        })?;
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut Cli::command()))
    }

    /// The definition with the texts of `-h` and `--help`.
    fn with_help() -> clap::Command {
        let command = Cli::command().mut_subcommands(help::with_short_help);
        let long = help::long(&command);
        command.after_help(help::short()).after_long_help(long)
    }

    /// The definition for help, completions and man pages, with the full name of each command.
    pub fn definition() -> clap::Command {
        /// Marks paths as files: without this hint, shells do not complete names with spaces.
        fn with_file_hints(command: clap::Command) -> clap::Command {
            let is_path = |argument: &clap::Arg| argument.get_value_hint() == ValueHint::AnyPath;
            command
                .mut_args(|argument| {
                    if is_path(&argument) { argument.value_hint(ValueHint::FilePath) } else { argument }
                })
                .mut_subcommands(with_file_hints)
        }
        let mut definition =
            with_file_hints(Cli::with_help()).bin_name("runledger").disable_help_subcommand(true);
        definition.build();
        definition
    }
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Sync the archive with the API
    Sync(sync::SyncArgs),
    /// Fetch runs by id into the archive
    Fetch(fetch::FetchArgs),
    /// Show what the archive contains and how fresh it is
    Status(status::StatusArgs),
    /// List runs, the newest or the most important first
    Runs(runs::RunsArgs),
    /// Show one run with its history, or one pipeline
    Show(show::ShowArgs),
    /// Report what needs attention, when it starts, escalates and ends
    Alert(alert::AlertArgs),
    /// Run a named report
    Report(report::ReportArgs),
    /// Export runs to CSV, JSON, Parquet or FOCUS
    Export(export::ExportArgs),
    /// Run one read-only SQL statement
    Query(query::QueryArgs),
    /// List the tables that a query can read, or the columns of one
    Schema(schema::SchemaArgs),
    /// Write metadata for Datasette: descriptions, units and queries
    DatasetteMetadata(datasette_metadata::DatasetteArgs),
    /// Write a statement for each cost center, or check that statements add up
    Statements(statements::StatementsArgs),
    /// Close a month so that its numbers stay fixed, or list the closed months
    Close(close::CloseArgs),
    /// List changes to closed months since their close
    Restatements(restatements::RestatementsArgs),
    /// Compare an invoice with the ledger and explain the difference
    Reconcile(reconcile::ReconcileArgs),
    /// Import the exchange rates of a second currency
    Fx(fx::FxArgs),
    /// Check the integrity of the archive
    Check(check::CheckArgs),
    /// Back up the archive, even during a sync
    Backup(backup::BackupArgs),
    /// Replace the archive by a backup, and keep its files under another name
    Restore(restore::RestoreArgs),
    /// Migrate archives and backups to the newest schema, without the API
    Migrate(migrate::MigrateArgs),
    /// Recover what can be read of a damaged archive
    Salvage(salvage::SalvageArgs),
    /// Verify random settled runs against the API
    Verify(verify::VerifyArgs),
    /// Verify an exported file against its manifest
    VerifyFile(verify_file::VerifyFileArgs),
    /// Report gaps in the archive
    Coverage(coverage::CoverageArgs),
    /// Report how the API behaves and what that means for a sync; stores nothing
    Probe(probe::ProbeArgs),
    /// List undocumented API fields, values and types
    Drift(drift::DriftArgs),
    /// Print the effective settings and their origins
    Config(config::ConfigArgs),
    /// Fill a demo archive with generated runs, and show what to do with it
    Demo(demo::DemoArgs),
    /// Serve a mock API on this machine
    Sandbox(sandbox::SandboxArgs),
    /// Print a shell completion script
    Completions(completions::CompletionsArgs),
    /// Print a man page, or write all man pages to a folder
    Man(man::ManArgs),
}

impl Command {
    /// Whether the command sends requests whose retries `--quiet` holds back, and it is given.
    pub fn is_quiet(&self) -> bool {
        match self {
            Command::Sync(args) => args.verbosity.quiet,
            Command::Fetch(args) => args.verbosity.quiet,
            Command::Verify(args) => args.outcome.quiet,
            _ => false,
        }
    }

    /// Whether the command has an archive of its own or its settings. The others work with an invalid settings file.
    fn reads_settings(&self) -> bool {
        !matches!(
            self,
            Command::VerifyFile(_)
                | Command::Salvage(_)
                | Command::Demo(_)
                | Command::Sandbox(_)
                | Command::Completions(_)
                | Command::Man(_)
        )
    }

    /// Whether the command handles signals itself: it ends its requests, and reports what it has done.
    fn is_cancelled_by_signals(&self) -> bool {
        matches!(
            self,
            Command::Sync(_)
                | Command::Alert(_)
                | Command::Fetch(_)
                | Command::Verify(_)
                | Command::Coverage(_)
                | Command::Probe(_)
                | Command::Demo(_)
                | Command::Sandbox(_)
        )
    }
}

/// Runs the command and returns its exit code: 0, or the state of `status --check`.
///
/// # Errors
/// Any error that ends the command.
pub fn run(cli: &Cli) -> Result<u8> {
    cli.color.apply();
    match &cli.command {
        Some(Command::Status(args)) if args.nagios.check => {
            match check_the_clock(cli).and_then(|()| settings::archive(one_archive(cli)?)) {
                Ok(archive) => status::nagios::run(&args.nagios, args.settle, &archive.value),
                Err(error) => status::nagios::print_error(&error),
            }
        }
        Some(Command::Alert(args)) => check_the_clock(cli).and_then(|()| alert::run(args, cli)),
        Some(command) => dispatch(cli, command).map(|()| 0),
        None => start::run(cli).map(|()| 0),
    }
}

fn dispatch(cli: &Cli, command: &Command) -> Result<()> {
    check_the_clock(cli)?;
    if !command.is_cancelled_by_signals() {
        end_on_signals()?;
    }
    let db = one_archive(cli)?;
    let archive = match command.reads_settings() {
        true => settings::archive(db)?,
        false => settings::default_setting(),
    };
    let path = archive.value.clone();
    let settings = || Settings::load(cli.config.as_deref(), &path);
    let result = match command {
        Command::Sync(args) if args.all => sync::all::run(args, cli),
        // A notification reports invalid settings too, so `sync` handles that error itself.
        Command::Sync(args) => sync::run(args, &path, settings()),
        Command::Fetch(args) => fetch::run(args, &path, &settings()?),
        Command::Status(args) => status::run(args, &archive, settings()),
        // `run` handles it: its exit code says what it found.
        Command::Alert(args) => alert::run(args, cli).map(drop),
        Command::Runs(args) => runs::run(args, cli),
        Command::Show(args) => show::run(args, &path, &settings()?),
        Command::Report(args) => report::run(args, cli),
        Command::Export(args) => export::run(args, cli, &path, &settings()?),
        Command::Query(args) => query::run(args, &path, &settings()?),
        Command::Schema(args) => schema::run(args, &path),
        Command::DatasetteMetadata(args) => datasette_metadata::run(args, &cli.db),
        Command::Check(args) => check::run(args, &path),
        Command::Backup(args) => backup::run(args, &path),
        Command::Restore(args) => restore::run(args, &path),
        Command::Verify(args) => verify::run(args, &path, &settings()?),
        Command::Coverage(args) => coverage::run(args, &path, &settings()?),
        Command::Drift(args) => drift::run(args, &path, settings()),
        Command::Statements(args) => statements::run(args, cli),
        Command::Close(args) => close::run(args, &path, &settings()?),
        Command::Restatements(args) => restatements::run(args, &path, &settings()?),
        Command::Reconcile(args) => reconcile::run(args, &path, &settings()?),
        Command::Config(args) => config::run(args, archive, &settings()?),
        // The remaining commands do not read the archive at `path`, so their errors must not name it.
        Command::VerifyFile(args) => return verify_file::run(args),
        Command::Fx(args) => return fx::run(args, &settings()?),
        Command::Probe(args) => return probe::run(args, &path, &settings()?),
        Command::Salvage(args) => return salvage::run(args),
        Command::Migrate(args) => return migrate::run(args, cli),
        Command::Demo(args) => return demo::run(args, db, cli.verbose),
        Command::Sandbox(args) => return sandbox::run(args),
        Command::Completions(args) => return completions::run(args),
        Command::Man(args) => return man::run(args),
    };
    result.map_err(|error| error.in_archive(&path))
}

/// Checks the system clock for the commands that depend on it, in their libraries too.
fn check_the_clock(cli: &Cli) -> Result<()> {
    match &cli.command {
        Some(Command::Completions(_) | Command::Man(_)) => Ok(()),
        _ => check_clock(SystemClock.now()),
    }
}

/// The archive given by `--db`. `None`: the flag is absent.
///
/// # Errors
/// [`Error::Usage`] when the flag is repeated for a command that reads one archive.
fn one_archive(cli: &Cli) -> Result<Option<&Path>> {
    match (cli.db.as_slice(), &cli.command) {
        ([], _) => Ok(None),
        // These commands open several archives themselves.
        ([one], _)
        | (
            [one, ..],
            Some(
                Command::Report(_)
                | Command::Alert(_)
                | Command::Runs(_)
                | Command::Statements(_)
                | Command::DatasetteMetadata(_)
                | Command::Migrate(_),
            ),
        ) => Ok(Some(one)),
        ([one, ..], Some(Command::Export(args))) if args.what == Exported::Parquet => Ok(Some(one)),
        ([one, other, ..], _) => Err(Error::Usage {
            what: format!(
                "--db is given as {} and {}, but this command reads one archive",
                one.display(),
                other.display()
            ),
            hint: Some(
                "`runledger report`, `runs`, `statements` and `export parquet` read several archives"
                    .to_owned(),
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renamed::RENAMED;

    #[test]
    fn no_command_has_a_renamed_flag() {
        let old: Vec<_> = RENAMED.iter().map(|renamed| renamed.old.trim_start_matches('-')).collect();
        for command in Cli::definition().get_subcommands() {
            let mut flags = command.get_arguments().filter_map(clap::Arg::get_long);
            assert!(flags.all(|flag| !old.contains(&flag)), "{}", command.get_name());
        }
    }
}
