//! This is `runledger completions`: what a shell needs to complete commands, options and names.

use crate::commands::Cli;
use crate::commands::shared::output::built_without;
use crate::error::Result;
use crate::export::Destination;
use clap::Args;
use clap::ValueEnum;
use clap_complete::Shell as Known;
use clap_complete::generate;

/// `runledger completions`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger completions bash > ~/.local/share/bash-completion/completions/runledger
  runledger completions zsh > ~/.zfunc/_runledger    # with fpath+=~/.zfunc before compinit
  runledger completions fish > ~/.config/fish/completions/runledger.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The shells that complete what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash, from 4.4 on
    Bash,
    /// The Z shell
    Zsh,
    /// fish
    Fish,
}

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
