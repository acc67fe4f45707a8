//! This is `runledger completions`: what a shell needs to complete commands, options and names.

use super::built_without;
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
    if !cfg!(feature = "manual") {
        return Err(built_without("completions", "manual"));
    }
    let shell = match args.shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    // Made in memory: the generator panics where nobody reads.
    let mut script = Vec::new();
    generate(shell, &mut Cli::definition(), "runledger", &mut script);
    if args.shell == Shell::Fish {
        script.extend(words_for_fish().into_bytes());
    }
    Destination::StandardOutput.write(|out| Ok(out.write_all(&script)?))
}

/// The words that a command's own arguments can be: the generator leaves them out for fish.
fn words_for_fish() -> String {
    let mut lines = String::new();
    for command in Cli::definition().get_subcommands() {
        let words = command.get_positionals().flat_map(|argument| argument.get_possible_values());
        let words: Vec<String> = words.map(|word| word.get_name().to_owned()).collect();
        if !words.is_empty() {
            lines += &format!(
                "complete -c runledger -n \"__fish_runledger_using_subcommand {}\" -f -a \"{}\"\n",
                command.get_name(),
                words.join(" ")
            );
        }
    }
    lines
}
