//! `--check`: the exit code of reports that find something.

use super::{budget, open, schedule};
use crate::error::{Error, Result};
use clap::ValueEnum;

/// What makes `--check` fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Check {
    /// What is found now.
    Actual,
    /// Budgets too that will be exceeded.
    Forecast,
}

/// Refuses `--check` for reports that find nothing.
///
/// # Errors
/// [`Error::Usage`] naming the reports that it applies to.
pub(super) fn validate(check: Option<Check>, name: &str) -> Result<()> {
    let applies_to = match check {
        None => return Ok(()),
        Some(Check::Actual) => &[budget::NAME, schedule::NAME, open::NAME][..],
        Some(Check::Forecast) => &[budget::NAME],
    };
    match (applies_to.contains(&name), check) {
        (true, _) => Ok(()),
        (false, Some(Check::Forecast)) => {
            Err(Error::usage(format!("--check=forecast only applies to the report budget, not to {name}")))
        }
        (false, _) => Err(Error::usage(format!(
            "--check only applies to the reports budget, schedule and open, not to {name}"
        ))),
    }
}

/// Fails if `--check` is given and something is found: what, and how many.
///
/// # Errors
/// [`Error::Partial`] with what is found.
pub(super) fn require_none(check: Option<Check>, found: &[(&str, usize)]) -> Result<()> {
    let found: Vec<String> = found
        .iter()
        .filter(|(_, count)| check.is_some() && *count > 0)
        .map(|(what, count)| format!("{what}: {count}"))
        .collect();
    if found.is_empty() { Ok(()) } else { Err(Error::Partial { what: found.join("; ") }) }
}
