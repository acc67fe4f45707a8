//! This is the terminal that an answer is read on, if it is read on one.

use crate::cli::{TableArgs, TableFormat};
use crate::settings;
use terminal_size::{Width, terminal_size_of};

/// How many letters a line of the terminal holds. `None`: the answer goes to a file, a pipe or a program, or to a
/// terminal that says that it draws nothing.
pub fn width(args: &TableArgs) -> Option<usize> {
    if args.format != TableFormat::Table || args.output.output.is_some() || settings::terminal_is_dumb() {
        return None;
    }
    let (Width(letters), _) = terminal_size_of(std::io::stdout())?;
    Some(usize::from(letters))
}
