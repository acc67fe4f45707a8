//! A table with a title and notes that answers no question about runs.

use super::facts::{Moments, title};
use super::terminal::screen;
use crate::error::Result;
use crate::export::Destination;
use crate::export::terminal::{Screen, write_view};
use crate::report::Table;

/// What is around the table.
pub(crate) struct View<'a> {
    /// The name of the view, which decides the order of its columns.
    pub(crate) name: &'a str,
    /// What is shown.
    pub(crate) subject: &'a str,
    /// The zone, the moment and so on; `None` is left out.
    pub(crate) context: &'a [Option<String>],
    /// The lines below the table.
    pub(crate) notes: &'a [String],
}

impl View<'_> {
    /// Prints the table for people, with its instants as `moments` shows them.
    ///
    /// # Errors
    /// [`crate::error::Error::Output`] when standard output cannot be written.
    pub(crate) fn print(&self, table: &Table, moments: Moments) -> Result<()> {
        self.print_on(&screen(None, false, moments.zone), table, moments)
    }

    /// The same on a screen.
    ///
    /// # Errors
    /// As [`View::print`].
    pub(crate) fn print_on(&self, screen: &Screen, table: &Table, moments: Moments) -> Result<()> {
        let title = title(self.subject.to_owned(), self.context, screen);
        Destination::StandardOutput.write(|out| {
            for line in title {
                writeln!(out, "{line}")?;
            }
            writeln!(out)?;
            Ok(write_view(self.name, table, self.notes, moments.moment, screen, out)?)
        })
    }
}
