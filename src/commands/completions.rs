//! This is `runledger completions`: what a shell needs to complete commands, options and names.

use crate::cli::{Cli, CompletionsArgs, Shell};
use crate::error::Result;
use crate::export::Destination;
use clap_complete::Shell as Known;
use clap_complete::generate;

/// Prints the script of a shell.
///
/// # Errors
/// [`Error::Output`](crate::error::Error::Output) when the standard output refuses it.
pub fn run(args: &CompletionsArgs) -> Result<()> {
    let shell = match args.shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    // Made in memory: the generator panics where nobody reads.
    let mut script = Vec::new();
    generate(shell, &mut Cli::definition(), "runledger", &mut script);
    Destination::StandardOutput.write(|out| Ok(out.write_all(&script)?))
}
