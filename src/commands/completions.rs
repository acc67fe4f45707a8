//! `runledger completions`: prints a shell completion script.

use crate::commands::Cli;
use crate::commands::shared::output::built_without;
use crate::error::Result;
use crate::export::Destination;
use clap::{Args, ValueEnum};
use clap_complete::Shell as Known;
use clap_complete::generate;

/// The arguments of `runledger completions`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger completions bash > runledger.bash         # and source it
  runledger completions zsh > ~/.zfunc/_runledger    # ~/.zfunc is in fpath
  runledger completions fish > ~/.config/fish/completions/runledger.fish")]
pub struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The supported shells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash 4.4 or later
    Bash,
    /// Z shell
    Zsh,
    /// fish shell
    Fish,
}

/// Prints the completion script for a shell.
///
/// # Errors
/// [`Error::Output`](crate::error::Error::Output) when standard output cannot be written.
pub(super) fn run(args: &CompletionsArgs) -> Result<()> {
    if !cfg!(feature = "manual") {
        return Err(built_without("completions", "manual"));
    }
    let shell = match args.shell {
        Shell::Bash => Known::Bash,
        Shell::Zsh => Known::Zsh,
        Shell::Fish => Known::Fish,
    };
    // Generated in memory, because clap_complete panics on a closed pipe.
    let mut script = Vec::new();
    generate(shell, &mut Cli::definition(), "runledger", &mut script);
    if args.shell == Shell::Fish {
        script.extend(fish_positional_values().into_bytes());
    }
    Destination::StandardOutput.write(|out| Ok(out.write_all(&script)?))
}

/// The possible values of positional arguments, which clap_complete omits for fish.
fn fish_positional_values() -> String {
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
