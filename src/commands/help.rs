//! The help of `runledger` itself: `-h` fits on one screen, `--help` has every command, option and exit code.

use crate::error::EXIT_CODES;
use clap::Command;

/// The layout of the help. The groups of commands, which clap has no notion of, are part of the text after the help.
pub(super) const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}";

/// The commands in groups, in the order in which users need them.
const GROUPS: [(&str, &[&str]); 7] = [
    ("Start", &["demo", "sync", "status"]),
    ("Ask", &["report", "runs", "show", "query", "schema"]),
    ("Watch", &["alert"]),
    ("Month end", &["close", "restatements", "reconcile", "statements", "fx"]),
    ("Hand over", &["export", "verify-file", "datasette-metadata"]),
    ("Look after", &["check", "backup", "restore", "migrate", "salvage", "verify", "coverage", "drift"]),
    ("Set up", &["config", "probe", "fetch", "sandbox", "completions", "man"]),
];

const EXAMPLES: &str = "\
Examples:
  runledger demo                         # made-up runs, no account needed
  NEKT_API_KEY=… runledger sync          # read your runs
  runledger report cost --by pipeline    # what is most expensive
  runledger runs --status failed --last 24h    # what failed last night
  runledger close 2026-10 --dry-run --zone America/Sao_Paulo   # month end";

/// The options of every command, which `-h` leaves out.
const OPTIONS: &str = "\
Global options:
      --db FILE      The archive, an SQLite file; some commands accept several
                     [env: RUNLEDGER_DB] [default: runledger.db if it exists,
                     else the setting archive in
                     ~/.config/runledger/runledger.toml, else runledger.db]
      --config FILE  The settings file [env: RUNLEDGER_CONFIG]
                     [default: runledger.toml in the archive's folder]
  -v, --verbose      Log more to standard error; repeat for more detail
      --color WHEN   When to use colors: auto, always or never
  -h, --help         Print help: -h on one screen, --help in full
  -V, --version      Print version";

/// The most examples of a command in `-h`. `--help` has all of them.
const SHORT_EXAMPLES: usize = 3;

/// What the examples of a command begin with.
const EXAMPLES_OF_COMMAND: &str = "Examples:\n";

/// The command with the first examples in `-h`, and everything in `--help`, like each of its subcommands.
pub(super) fn with_short_help(command: Command) -> Command {
    let text = command.get_after_long_help().or(command.get_after_help());
    let command = match text.map(|text| filled(&text.to_string())) {
        Some(long) => command.after_help(shortened(&long)).after_long_help(long),
        None => command,
    };
    command.mut_subcommands(with_short_help)
}

/// The first examples of a text.
fn shortened(text: &str) -> String {
    let examples = text.split_once(EXAMPLES_OF_COMMAND).map_or("", |(_, examples)| examples);
    let examples = examples.lines().take_while(|line| line.starts_with("  ")).take(SHORT_EXAMPLES);
    examples.fold(EXAMPLES_OF_COMMAND.to_owned(), |text, example| text + example + "\n").trim_end().to_owned()
}

/// The text with each paragraph on one line, which is then broken at the width of the terminal. Examples keep theirs.
fn filled(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with("  ") && !line.ends_with(':');
        match lines.last_mut() {
            Some(last) if is_prose(last) && is_prose(line) => last.push_str(&format!(" {line}")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// The text of `-h`: at most 24 lines with the lines above it.
pub(super) fn short() -> String {
    let groups = GROUPS.map(|(group, commands)| wrapped(group, commands));
    format!(
        "{}\n\n{EXAMPLES}\n\n--db FILE  --config FILE  --color WHEN  -v   with every command\nMore: runledger COMMAND -h   \
         runledger --help",
        groups.concat().trim_end()
    )
}

/// The text of `--help`, with the summaries of the commands of `definition`.
pub(super) fn long(definition: &Command) -> String {
    let about = |name: &&str| {
        let about = definition.find_subcommand(name).and_then(Command::get_about);
        format!("  {name:<18}  {}\n", about.map(ToString::to_string).unwrap_or_default())
    };
    let groups = GROUPS.map(|(group, names)| {
        let lines: Vec<String> = names.iter().map(about).collect();
        format!("{group}:\n{}\n", lines.concat())
    });
    format!("{}{OPTIONS}\n\n{}", groups.concat(), examples_and_exit_codes())
}

/// The end of `--help`, and the text of the man page, which lists commands and options itself.
pub(super) fn examples_and_exit_codes() -> String {
    let codes = EXIT_CODES.map(|(code, meaning)| format!("\n  {code:<13}  {meaning}"));
    format!(
        "{EXAMPLES}\n\n`status --check` uses the exit codes of Nagios; all other commands use these.\n\n\
         Exit codes:{}",
        codes.concat()
    )
}

/// The commands of a group, two spaces apart, on lines of at most 80 columns.
fn wrapped(group: &str, commands: &[&str]) -> String {
    let mut lines = vec![format!("{group:<10}")];
    for command in commands {
        match lines.last_mut() {
            Some(line) if line.len() + 2 + command.len() <= 80 => line.push_str(&format!("  {command}")),
            _ => lines.push(format!("{:<10}  {command}", "")),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Cli;

    #[test]
    fn the_short_help_of_a_command_has_three_of_its_examples() {
        let text = "A sentence\nof two lines.\n\nExamples:\n  a\n  b\n  c\n  d";
        assert_eq!(filled(text), "A sentence of two lines.\n\nExamples:\n  a\n  b\n  c\n  d");
        assert_eq!(shortened(text), "Examples:\n  a\n  b\n  c");
    }

    #[test]
    fn every_command_is_in_one_group() {
        let definition = Cli::definition();
        let mut defined: Vec<&str> = definition.get_subcommands().map(Command::get_name).collect();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        defined.sort_unstable();
        grouped.sort_unstable();
        assert_eq!(grouped, defined);
    }

    #[test]
    fn the_long_help_has_every_global_option() {
        let definition = Cli::definition();
        let text = long(&definition);
        for argument in definition.get_arguments() {
            let flag = format!("--{}", argument.get_long().unwrap());
            assert!(text.contains(&flag), "{flag}");
        }
    }
}
