//! `runledger` without a command: the status of the archive and the next steps, or how to begin.

use super::{Cli, dispatch, one_archive};
use crate::commands::shared::output::print_line;
use crate::error::{Error, Result};
use crate::settings::{self, Origin};
use clap::Parser;

/// Prints the status of the archive. Where there is no archive and the user has named none, prints the help, which
/// begins with `demo` and `sync`.
///
/// # Errors
/// As `runledger status`.
pub(super) fn run(cli: &Cli) -> Result<()> {
    let archive = settings::archive(one_archive(cli)?)?;
    let is_named = matches!(archive.origin, Origin::Flag(_) | Origin::Environment(_));
    if !is_named && !archive.value.exists() {
        return print_line(Cli::with_help().render_help().to_string().trim_end());
    }
    let status =
        Cli::try_parse_from(["runledger", "status"]).map_err(|error| Error::Internal(error.to_string()))?;
    let Some(command) = &status.command else {
        return Err(Error::Internal("status is no command".to_owned()));
    };
    dispatch(cli, command)
}
