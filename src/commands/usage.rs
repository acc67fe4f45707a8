//! Arguments that clap rejects, as errors of runledger: for output that is not clap's text.

use super::Cli;
use super::shared::terminal::ColorWhen;
use crate::error::Error;
use crate::renamed::{NameKind, renamed};
use crate::settings;
use clap::ValueEnum;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// The error for invalid arguments: a flag that was renamed, else the first paragraph of clap's text, with its tip.
pub fn usage_error(error: &clap::Error) -> Error {
    named_elsewhere(error).unwrap_or_else(|| {
        let text = error.to_string();
        let words = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
        let what = words.collect::<Vec<_>>().join(" ");
        let tip = text.lines().find_map(|line| line.trim_start().strip_prefix("tip: "));
        Error::Usage {
            what: what.strip_prefix("error: ").unwrap_or(&what).to_owned(),
            hint: tip.map(ToOwned::to_owned),
        }
    })
}

/// The error for a flag that was renamed. `None`: the arguments are invalid for another reason.
fn renamed_flag(error: &clap::Error) -> Option<Error> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(flag) => renamed(NameKind::Flag, flag).map(|renamed| renamed.error()),
        _ => None,
    }
}

/// The error for a flag that was renamed, or that other commands have: clap would suggest a flag that only looks like
/// it. `None`: the arguments are invalid for another reason.
pub fn named_elsewhere(error: &clap::Error) -> Option<Error> {
    renamed_flag(error).or_else(|| flag_of_others(error))
}

/// The error for a flag of other commands.
fn flag_of_others(error: &clap::Error) -> Option<Error> {
    const MAX_NAMED: usize = 3;
    let unknown = error.kind() == ErrorKind::UnknownArgument;
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg).filter(|_| unknown) else {
        return None;
    };
    let name = flag.strip_prefix("--")?;
    let definition = Cli::definition();
    let has_flag =
        |command: &&clap::Command| command.get_arguments().any(|argument| argument.get_long() == Some(name));
    let commands = definition.get_subcommands().filter(has_flag).map(clap::Command::get_name);
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
    fn a_usage_error_has_the_reason_and_the_tip_of_clap() {
        let rejected =
            |arguments: &[&str]| usage_error(&Cli::try_parse_from(arguments).expect_err("invalid arguments"));
        let mistyped = rejected(&["runledger", "status", "--jsno"]);
        assert_eq!(mistyped.to_string(), "unexpected argument '--jsno' found");
        assert!(mistyped.hint().unwrap().contains("'--json'"), "{mistyped:?}");
        let missing = rejected(&["runledger", "salvage", "a.db"]);
        assert!(missing.to_string().ends_with("were not provided: --output <NEW>"), "{missing}");
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
