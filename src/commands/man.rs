//! `runledger man`: man pages, generated from the definition of the command line.

use crate::commands::shared::output::built_without;
use crate::commands::{Cli, help};
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::suggest::did_you_mean;
use clap::builder::Resettable;
use clap::{Args, Command, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::path::PathBuf;

/// The arguments of `runledger man`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger man sync | man -l -
  runledger man --output ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Command, such as sync [default: runledger itself]
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    pub command: Vec<String>,

    /// Write the man page of every command to this folder; create it if missing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

/// The name of the page of runledger itself.
const ROOT: &str = "runledger";

/// A man page of section 1.
struct Page {
    /// `runledger-sync`
    name: String,
    /// The page, in roff.
    text: String,
}

/// Prints the page of one command, or writes the pages of all commands.
///
/// # Errors
/// [`Error::Usage`] when there is no such command, [`Error::Output`] when a page cannot be written.
pub(super) fn run(args: &ManArgs) -> Result<()> {
    if !cfg!(feature = "manual") {
        return Err(built_without("man pages", "manual"));
    }
    let definition = Cli::definition();
    match &args.output {
        Some(folder) => {
            fs::create_dir_all(folder)
                .map_err(|cause| Error::Output { what: folder.display().to_string(), cause })?;
            pages(&definition).iter().try_for_each(|page| {
                let file = folder.join(format!("{}.1", page.name));
                Destination::File(file).write(|out| Ok(out.write_all(page.text.as_bytes())?))
            })
        }
        None => {
            let page = page(find(&definition, &args.command)?);
            Destination::StandardOutput.write(|out| Ok(out.write_all(page.text.as_bytes())?))
        }
    }
}

/// The command at a path such as `report html`.
fn find<'d>(definition: &'d Command, names: &[String]) -> Result<&'d Command> {
    names.iter().try_fold(definition, |command, name| {
        command.find_subcommand(name).ok_or_else(|| Error::Usage {
            what: format!("there is no command {} {name}", whole_name(command, " ")),
            hint: did_you_mean(name, command.get_subcommands().map(Command::get_name))
                .or_else(|| Some("`runledger --help` lists the commands".to_owned())),
        })
    })
}

/// The pages of a command and of its subcommands.
fn pages(command: &Command) -> Vec<Page> {
    let below = command.get_subcommands().flat_map(pages);
    [page(command)].into_iter().chain(below).collect()
}

/// The full name of a command, such as `runledger-sync`, with a separator between its parts.
fn whole_name(command: &Command, separator: &str) -> String {
    command.get_bin_name().unwrap_or(command.get_name()).replace(' ', separator)
}

fn page(command: &Command) -> Page {
    let name = whole_name(command, "-");
    let help = match name.as_str() {
        ROOT => help::examples_and_exit_codes(),
        _ => command
            .get_after_long_help()
            .or(command.get_after_help())
            .map(ToString::to_string)
            .unwrap_or_default(),
    };
    let (prose, sections) = split_sections(&help);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let description = format!("{about}.\n\n{prose}");
    let program = concat!("runledger ", env!("CARGO_PKG_VERSION"));
    // The text after the help becomes sections of the page; the footer has the version.
    let command = command
        .clone()
        .long_about(description.trim_end().to_owned())
        .after_help(Resettable::Reset)
        .after_long_help(Resettable::Reset)
        .version(Resettable::Reset)
        .subcommand_help_heading("COMMANDS")
        // A page has every option.
        .mut_args(|argument| argument.hide_short_help(false));
    let mut text = Vec::new();
    Man::new(command).render(&mut text).expect("writing to memory succeeds");
    // No date, so that a version always generates the same pages.
    let title = format!(".TH {name} 1 \"\" \"{program}\" \"The runledger manual\"");
    // clap_mangen's title omits an empty date, which shifts the fields after it.
    let lines = String::from_utf8_lossy(&text);
    let lines = lines.lines().map(|line| if line.starts_with(".TH ") { &title } else { line });
    let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let mut roff = Roff::new();
    for (heading, lines) in sections {
        roff.control("SH", [heading.to_uppercase().as_str()]);
        // No filling: keep lines and columns.
        roff.control("nf", []);
        for line in lines {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    if name != ROOT {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([roman("runledger(1)")]);
    }
    text.push_str(&roff.render());
    // clap_mangen writes two line breaks separator an option's help and its values; make them a blank line.
    let text = text.replace("\n.br\n\n.br\n", "\n.sp\n");
    Page { name, text }
}

/// Splits the text after the help into prose and sections: indented lines below a heading such as `Examples:`.
fn split_sections(help: &str) -> (String, Vec<(&str, Vec<&str>)>) {
    let mut prose = String::new();
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in help.lines() {
        match (line.strip_suffix(':'), line.strip_prefix("  "), sections.last_mut()) {
            (Some(heading), None, _) => sections.push((heading, Vec::new())),
            (_, Some(indented), Some((_, lines))) => lines.push(indented),
            (_, _, None) => prose += &format!("{line}\n"),
            // Skip blank lines between sections.
            (_, _, Some(_)) => {}
        }
    }
    (prose, sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_all_its_options_and_examples() {
        fn commands(command: &Command) -> Vec<&Command> {
            [command].into_iter().chain(command.get_subcommands().flat_map(commands)).collect()
        }
        let definition = Cli::definition();
        let pages = pages(&definition);
        let commands = commands(&definition);
        assert!(commands.len() > 20);
        assert_eq!(pages.len(), commands.len());
        for (page, command) in pages.iter().zip(commands) {
            assert_eq!(page.name, command.get_bin_name().unwrap().replace(' ', "-"));
            let plain = page.text.replace("\\-", "-");
            assert!(plain.contains(&format!(".TH {} 1 \"\" ", page.name)), "no date: {plain:.200}");
            let flags = command.get_arguments().filter_map(clap::Arg::get_long);
            for flag in flags {
                assert!(plain.contains(&format!("--{flag}")), "{}: --{flag}", page.name);
            }
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"] {
                assert!(plain.contains(&format!(".SH {section}\n")), "{}: {section}", page.name);
            }
        }
    }

    #[test]
    fn the_text_after_the_help_has_prose_and_sections() {
        let help = "It stays.\nUnchanged.\n\nExamples:\n  a b\n    c\n\nExit codes:\n  0  done";
        let (prose, sections) = split_sections(help);
        assert_eq!(prose, "It stays.\nUnchanged.\n\n");
        assert_eq!(sections, [("Examples", vec!["a b", "  c"]), ("Exit codes", vec!["0  done"])]);
        assert_eq!(split_sections(""), (String::new(), vec![]));
    }

    #[test]
    fn an_unknown_command_is_an_error_with_a_suggestion() {
        let definition = Cli::definition();
        let asked = |names: &[&str]| {
            find(&definition, &names.iter().map(ToString::to_string).collect::<Vec<_>>()).cloned()
        };
        assert_eq!(asked(&["sync"]).unwrap().get_bin_name(), Some("runledger sync"));
        assert_eq!(asked(&[]).unwrap().get_name(), "runledger");
        let error = asked(&["snyc"]).unwrap_err();
        assert_eq!(error.to_string(), "there is no command runledger snyc");
        assert_eq!(error.hint().unwrap(), "did you mean `sync`?");
    }
}
