//! The width of the terminal.

use crate::cli::{TableArgs, TableFormat};
use crate::settings;
use terminal_size::{Width, terminal_size_of};

/// The columns of the terminal that displays the table. `None`: the output is no table, goes to a file or a pipe, or
/// the terminal is dumb.
pub(crate) fn width(args: &TableArgs) -> Option<usize> {
    if args.format() != TableFormat::Table || args.output.output.is_some() || settings::terminal_is_dumb() {
        return None;
    }
    let (Width(columns), _) = terminal_size_of(std::io::stdout())?;
    Some(usize::from(columns))
}
