//! `runledger fx`: the exchange rates of the second currency.

mod import;

use crate::error::Result;
use crate::settings::Settings;
use clap::{Args, Subcommand};

/// The arguments of `runledger fx`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The table [fx] of the settings names the second currency, the policy and the CSV file of the rates.

Examples:
  runledger fx import PTAX.csv
  runledger fx import PTAX.csv --rates rates.csv")]
pub struct FxArgs {
    /// What to do
    #[command(subcommand)]
    command: FxCommand,
}

/// The commands about exchange rates.
#[derive(Debug, Clone, Subcommand)]
enum FxCommand {
    /// Import the Banco Central's rates into the file of rates
    Import(import::ImportArgs),
}

/// Runs the command.
///
/// # Errors
/// As [`import::run`].
pub(super) fn run(args: &FxArgs, settings: &Settings) -> Result<()> {
    match &args.command {
        FxCommand::Import(args) => import::run(args, settings),
    }
}
