//! The question before a close at a terminal. Scripts and pipes are never asked.

use super::text::total;
use crate::commands::shared::terminal::stderr_has_color;
use crate::error::{Error, Result};
use crate::export::terminal::{Role, Screen};
use crate::store::Frozen;
use std::io::{self, IsTerminal, Write};

/// Whether the question can be read and answered: standard input and output are a terminal.
pub(super) fn can_be_asked(screen: &Screen) -> bool {
    screen.is_terminal && io::stdin().is_terminal()
}

/// Asks whether to close the month with its total.
///
/// # Errors
/// [`Error::Usage`] without a yes; the end of input is none.
pub(super) fn require_yes(frozen: &Frozen) -> Result<()> {
    let mut answer = String::new();
    let total = Role::Bold.paint(&total(frozen), stderr_has_color());
    // If stderr is closed, give up silently: the answer decides.
    let _ = write!(io::stderr(), "\nClose {} with {total}? [y/N] ", frozen.period)
        .and_then(|()| io::stderr().flush());
    let read = io::stdin().read_line(&mut answer);
    if read.is_ok() && is_yes(&answer) {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!("{} is not closed: the answer was not yes", frozen.period),
        hint: Some("--yes closes without a question".to_owned()),
    })
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_closes() {
        assert!(["y\n", "Y\r\n", " yes \n", "YES"].into_iter().all(is_yes));
        assert!(["", "\n", "n\n", "no\n", "yy\n", "2026-10\n"].into_iter().all(|answer| !is_yes(answer)));
    }
}
