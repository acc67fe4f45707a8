//! Arguments that clap rejects, as errors of runledger: what is wrong, why, and what to do.

use super::Cli;
use super::shared::terminal::ColorWhen;
use crate::error::Error;
use crate::renamed::{NameKind, renamed};
use crate::settings;
use crate::suggest::did_you_mean;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueEnum};
use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

/// The error for invalid arguments. clap supplies the facts, never the text.
pub fn usage_error(error: &clap::Error) -> Error {
    named_elsewhere(error)
        .or_else(|| explained(error))
        .unwrap_or_else(|| Error::usage(first_paragraph(error)))
}

/// The error for a flag that was renamed. `None`: the arguments are invalid for another reason.
fn renamed_flag(error: &clap::Error) -> Option<Error> {
    let flag = text(error, ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument)?;
    renamed(NameKind::Flag, &flag).map(|renamed| renamed.error())
}

/// The error for a flag that was renamed, or that other commands have: clap would suggest a flag that only looks like
/// it. `None`: the arguments are invalid for another reason.
fn named_elsewhere(error: &clap::Error) -> Option<Error> {
    renamed_flag(error).or_else(|| flag_of_others(error))
}

/// The error for a flag of other commands.
fn flag_of_others(error: &clap::Error) -> Option<Error> {
    const MAX_NAMED: usize = 3;
    let flag = text(error, ContextKind::InvalidArg).filter(|_| error.kind() == ErrorKind::UnknownArgument)?;
    let name = flag.strip_prefix("--")?;
    let definition = Cli::definition();
    let has_flag =
        |command: &&Command| command.get_arguments().any(|argument| argument.get_long() == Some(name));
    let commands = definition.get_subcommands().filter(has_flag).map(Command::get_name);
    let mut commands: Vec<&str> = commands.collect();
    if commands.is_empty() {
        return None;
    }
    let others = commands.len().saturating_sub(MAX_NAMED);
    commands.truncate(MAX_NAMED);
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    Some(Error::Usage {
        what: format!("this command has no {flag}"),
        hint: Some(format!(
            "{flag} is an option of {}{more}; -h lists those of a command",
            commands.join(", ")
        )),
    })
}

/// The error in words of its own. `None`: it is of a kind that no argument of runledger causes.
fn explained(error: &clap::Error) -> Option<Error> {
    let invalid = || text(error, ContextKind::InvalidArg);
    let usage = usage(error);
    let (what, hint) = match error.kind() {
        ErrorKind::MissingRequiredArgument => {
            let missing = texts(error, ContextKind::InvalidArg);
            let named: Vec<String> =
                missing.iter().map(|argument| described(argument, usage.as_deref())).collect();
            let command = usage.as_deref().map_or("runledger", command_name);
            (format!("`{command}` needs {}", named.join(" and ")), usage.map(|usage| format!("`{usage}`")))
        }
        ErrorKind::ArgumentConflict => {
            let (one, others) = (invalid()?, texts(error, ContextKind::PriorArg));
            if others.iter().all(|other| *other == one) {
                (format!("{} is given several times", bare(&one)), "give it once".to_owned().into())
            } else {
                let all = || std::iter::once(&one).chain(&others);
                let names: Vec<&str> = all().map(|argument| bare(argument)).collect();
                let choices: Vec<String> =
                    all().map(|argument| described(argument, usage.as_deref())).collect();
                let what = format!("{} cannot be combined", names.join(" and "));
                (what, Some(format!("give one of them: {}", choices.join(", or "))))
            }
        }
        ErrorKind::UnknownArgument => {
            let unknown = invalid()?;
            let similar =
                text(error, ContextKind::SuggestedArg).map(|similar| format!("did you mean `{similar}`?"));
            match unknown.starts_with('-') {
                true => {
                    let command = usage.as_deref().map_or("runledger", command_name);
                    let list = || format!("`{command} -h` lists the options");
                    (format!("this command has no {unknown}"), Some(similar.unwrap_or_else(list)))
                }
                false => (
                    format!("unexpected argument {unknown}"),
                    usage.map(|usage| format!("`{usage}`; a text with spaces needs quotes")),
                ),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let unknown = text(error, ContextKind::InvalidSubcommand)?;
            let definition = Cli::definition();
            let names = definition.get_subcommands().map(Command::get_name);
            let similar = did_you_mean(&unknown, names);
            let list = || "`runledger -h` lists the commands".to_owned();
            (format!("there is no command {unknown}"), Some(similar.unwrap_or_else(list)))
        }
        ErrorKind::InvalidValue => {
            let (argument, value) = (invalid()?, text(error, ContextKind::InvalidValue)?);
            let valid = texts(error, ContextKind::ValidValue);
            let list = || (!valid.is_empty()).then(|| format!("it can be {}", valid.join(", ")));
            let name = bare(&argument);
            match value.as_str() {
                "" => (format!("{name} needs a value"), list().or_else(|| Some(format!("`{argument}`")))),
                value => {
                    let similar = did_you_mean(value, valid.iter().map(String::as_str));
                    let hint =
                        similar.into_iter().chain(list()).reduce(|similar, list| format!("{similar} {list}"));
                    (format!("{name} {value}: there is no such value"), hint)
                }
            }
        }
        ErrorKind::TooManyValues => {
            let argument = invalid()?;
            (format!("{} takes no value", bare(&argument)), Some(format!("`{argument}`")))
        }
        ErrorKind::ValueValidation => {
            let (argument, value) = (invalid()?, text(error, ContextKind::InvalidValue)?);
            (format!("{} {value}: {}", bare(&argument), reason(error)), None)
        }
        _ => return None,
    };
    Some(Error::Usage { what, hint })
}

/// Why a parser rejected a value. Those of the standard library and of clap's ranges are put into words.
fn reason(error: &clap::Error) -> String {
    let Some(source) = error.source() else { return "the value is invalid".to_owned() };
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "the number is too large".to_owned(),
            _ => "not a whole number".to_owned(),
        };
    }
    let text = source.to_string();
    let bounds = text.split_once(" is not in ").and_then(|(_, range)| range.split_once(".."));
    match bounds {
        Some((least, most)) => match most.trim_start_matches('=') {
            most if most.is_empty() || most == u32::MAX.to_string() => format!("the least is {least}"),
            most => format!("the least is {least}, the most is {most}"),
        },
        None => text,
    }
}

/// The argument with its description: `--last (…)`. `usage` names the command that has it.
fn described(argument: &str, usage: Option<&str>) -> String {
    let name = bare(argument);
    match usage.and_then(|usage| description(name, usage)) {
        Some(description) => format!("{name} ({description})"),
        None => name.to_owned(),
    }
}

/// The first line of an argument's help.
fn description(name: &str, usage: &str) -> Option<String> {
    let definition = Cli::definition();
    let mut command = &definition;
    for word in usage.split(' ').skip(1) {
        match command.find_subcommand(word) {
            Some(found) => command = found,
            None => break,
        }
    }
    let is_named = |argument: &&Arg| match name.strip_prefix("--") {
        Some(long) => argument.get_long() == Some(long),
        None => {
            argument.get_value_names().is_some_and(|names| names.iter().any(|value| value.as_str() == name))
        }
    };
    let help = command.get_arguments().find(is_named)?.get_help()?.to_string();
    let end = [" [", "; "].into_iter().filter_map(|end| help.find(end)).min();
    let sentence = &help[..end.unwrap_or(help.len())];
    let mut letters = sentence.chars();
    let first = letters.next()?;
    // A name such as UTC keeps its capitals.
    let is_word = letters.clone().next().is_some_and(|second| second.is_lowercase() || second == ' ');
    Some(if is_word { first.to_lowercase().chain(letters).collect() } else { sentence.to_owned() })
}

/// The name of an argument as clap writes it: `--last` of `--last <SPAN>`, and `FILE` of `<FILE>...`.
fn bare(argument: &str) -> &str {
    let name = argument.split([' ', '=']).next().unwrap_or(argument);
    if name.starts_with('-') { name } else { name.trim_matches(['<', '>', '[', ']', '.']) }
}

/// How the command is called: `runledger fx import <FILE>`. `None`: clap does not say.
fn usage(error: &clap::Error) -> Option<String> {
    let ContextValue::StyledStr(usage) = error.get(ContextKind::Usage)? else { return None };
    let usage = usage.to_string();
    let words: Vec<&str> = usage.strip_prefix("Usage: ").unwrap_or(&usage).split_whitespace().collect();
    Some(words.join(" "))
}

/// The command of a usage: `runledger fx import`.
fn command_name(usage: &str) -> &str {
    let end = [" <", " [", " -"].into_iter().filter_map(|argument| usage.find(argument)).min();
    &usage[..end.unwrap_or(usage.len())]
}

/// One value of the context. `None`: it has none, or several.
fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The values of the context.
fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The first paragraph of clap's text.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let words = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let what = words.collect::<Vec<_>>().join(" ");
    what.strip_prefix("error: ").unwrap_or(&what).to_owned()
}

/// Whether the arguments of this process ask for JSON, even if others are invalid. Errors are then JSON, too.
pub fn json_is_requested() -> bool {
    ask_for_json(settings::arguments())
}

fn ask_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut arguments = arguments.take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--json"
            || argument == "--format=json"
            || argument == "--format" && arguments.next().is_some_and(|format| format == "json")
        {
            return true;
        }
    }
    false
}

/// Uses colors as the arguments ask, even if others are invalid.
pub fn apply_color() {
    color_of(settings::arguments()).unwrap_or_default().apply();
}

/// When the arguments ask for colors. `None`: they do not, or not for a known word.
fn color_of(arguments: impl Iterator<Item = OsString>) -> Option<ColorWhen> {
    let mut arguments = arguments.take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        let when = match argument.to_str().and_then(|argument| argument.strip_prefix("--color")) {
            Some("") => arguments.next()?.into_string().ok()?,
            Some(rest) => rest.strip_prefix('=')?.to_owned(),
            None => continue,
        };
        return ColorWhen::from_str(&when, false).ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renamed::RENAMED;
    use clap::Parser;

    #[test]
    fn a_renamed_flag_is_an_error_with_the_new_name() {
        for renamed in RENAMED.iter().filter(|renamed| renamed.kind == NameKind::Flag) {
            for arguments in
                [vec![renamed.old.to_owned(), "3".to_owned()], vec![format!("{}=3", renamed.old)]]
            {
                let command = ["runledger", "export", "parquet"].map(str::to_owned);
                let error = Cli::try_parse_from(command.into_iter().chain(arguments)).unwrap_err();
                let error = usage_error(&error);
                assert_eq!((error.exit_code(), error.to_string()), (2, renamed.error().to_string()));
            }
        }
        let error = Cli::try_parse_from(["runledger", "sync", "--nonsense"]).unwrap_err();
        assert!(named_elsewhere(&error).is_none());
    }

    #[test]
    fn a_flag_of_other_commands_is_no_mistyped_one() {
        let error = Cli::try_parse_from(["runledger", "restatements", "--from", "2026-10"]).unwrap_err();
        let error = usage_error(&error);
        assert_eq!(error.to_string(), "this command has no --from");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("--from is an option of ") && hint.contains("report"), "{hint}");
    }

    #[test]
    fn a_usage_error_has_the_reason_and_the_next_step() {
        for (arguments, what, hint) in [
            ("status --jsno", "this command has no --jsno", "did you mean `--json`?"),
            (
                "status --nonsense",
                "this command has no --nonsense",
                "`runledger status -h` lists the options",
            ),
            ("schema runs syncs", "unexpected argument syncs", "`runledger schema [OPTIONS] [TABLE]`"),
            ("frobnicate", "there is no command frobnicate", "`runledger -h` lists the commands"),
            ("reprot", "there is no command reprot", "did you mean `report`?"),
            ("report cost --format tabel", "--format tabel: there is no such value", "did you mean `table`?"),
            (
                "report cost --color red",
                "--color red: there is no such value",
                "it can be auto, always, never",
            ),
            ("report cost --limit", "--limit needs a value", "`--limit <N>`"),
            ("export", "`runledger export` needs WHAT (", "`runledger export <WHAT>`"),
            (
                "salvage a.db",
                "`runledger salvage` needs --output (",
                "`runledger salvage --output <NEW> <DAMAGED>`",
            ),
            ("salvage", "needs --output (the new archive) and DAMAGED (the damaged archive", ""),
            ("sync --full=3", "--full takes no value", "`--full`"),
            (
                "report cost --last 30d --period 2026-10",
                "--last and --period cannot be combined",
                "give one of them: ",
            ),
            ("close --dry-run", "`runledger close` needs MONTH (", "`runledger close --dry-run <MONTH>`"),
            ("close 2026-10 --wide", "MONTH and --wide cannot be combined", ""),
            ("report --period 2026-10 --period 2026-11", "--period is given several times", "give it once"),
        ] {
            let words = std::iter::once("runledger").chain(arguments.split(' '));
            let error = usage_error(&Cli::try_parse_from(words).expect_err("invalid arguments"));
            assert!(error.to_string().contains(what), "{arguments}: {error}");
            assert!(error.hint().unwrap().contains(hint), "{arguments}: {error:?}");
        }
    }

    #[test]
    fn a_rejected_value_has_the_reason_in_words() {
        for (arguments, expected) in [
            ("runs --limit x", "--limit x: not a whole number"),
            (
                "runs --limit 99999999999999999999999",
                "--limit 99999999999999999999999: the number is too large",
            ),
            ("report cost --decimals 20", "--decimals 20: the least is 0, the most is 9"),
            ("demo --runs 5", "--runs 5: the least is 100"),
            ("status --max-age 3", "--max-age 3: a span of time looks like 7d, 26h, 30m or 90s"),
            ("verify --sample 0", "--sample 0: must be at least 1"),
            ("verify --sample x", "--sample x: not a whole number"),
        ] {
            let words = std::iter::once("runledger").chain(arguments.split(' '));
            let error = usage_error(&Cli::try_parse_from(words).expect_err("invalid arguments"));
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn colors_are_requested_beside_invalid_arguments() {
        let asked = |text: &str| color_of(text.split(' ').map(OsString::from));
        assert_eq!(asked("status --wrong --color never"), Some(ColorWhen::Never));
        assert_eq!(asked("--color=always status --wrong"), Some(ColorWhen::Always));
        for text in ["status", "status --color", "status --color=red", "query -- --color never"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn json_is_requested_by_either_flag_before_the_end_of_flags() {
        let asked = |text: &str| ask_for_json(text.split(' ').map(OsString::from));
        for text in ["status --json", "report cost --format json", "report --format=json --unknown"] {
            assert!(asked(text), "{text}");
        }
        for text in ["status", "report --format csv json", "query -- --json", "report --output a.json"] {
            assert!(!asked(text), "{text}");
        }
    }
}
