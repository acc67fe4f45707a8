//! What a command has done, as text or JSON, or nothing with `--quiet`.

use super::output::print_line;
use crate::cli::OutcomeArgs;
use crate::error::Result;
use crate::escape::escape_control;
use crate::export::verify::FileCheck;
use crate::run::Usd;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::path::Path;

/// Prints what the command has done. With `--quiet`, only as JSON.
///
/// # Errors
/// [`crate::error::Error::Output`] when standard output cannot be written.
pub(crate) fn print_outcome<J: Serialize>(
    args: OutcomeArgs,
    text: impl FnOnce() -> String,
    as_json: impl FnOnce() -> J,
) -> Result<()> {
    match (args.format.is_json(), args.quiet) {
        (true, _) => print_line(&serde_json::to_string(&as_json()).expect("an outcome is valid JSON")),
        (false, true) => Ok(()),
        (false, false) => print_line(&text()),
    }
}

/// An amount as a JSON number with every decimal. A double would lose digits.
pub(crate) fn exact(amount: Option<Usd>) -> Option<Box<RawValue>> {
    amount.map(|usd| RawValue::from_string(usd.to_string()).expect("an amount is a JSON number"))
}

/// Prints one line per check of the file or folder, and returns how many differ. With `--quiet`, the lines of those.
///
/// # Errors
/// [`crate::error::Error::Output`] when standard output cannot be written.
pub(crate) fn print_checks(path: &Path, checks: &[FileCheck], args: OutcomeArgs) -> Result<usize> {
    let differing = checks.iter().filter(|check| matches!(check, FileCheck::Differs(_))).count();
    if args.format.is_json() {
        print_line(&checks_as_json(path, checks, differing).to_string())?;
        return Ok(differing);
    }
    for check in checks {
        let (label, text) = match check {
            FileCheck::Differs(text) => ("DIFFERS", text),
            _ if args.quiet => continue,
            FileCheck::Matches(text) => ("ok     ", text),
            FileCheck::Skipped(text) => ("-      ", text),
        };
        print_line(&format!("{label}  {}", escape_control(text)))?;
    }
    Ok(differing)
}

fn checks_as_json(path: &Path, checks: &[FileCheck], differing: usize) -> Value {
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| {
            let (result, description) = match check {
                FileCheck::Matches(text) => ("matches", text),
                FileCheck::Differs(text) => ("differs", text),
                FileCheck::Skipped(text) => ("skipped", text),
            };
            json!({"result": result, "description": description})
        })
        .collect();
    json!({"path": path.to_string_lossy(), "matches": differing == 0, "checks": checks})
}
