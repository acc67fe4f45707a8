//! The first line of a CSV file, and its values: the names for programs, or words for people in a language.

use crate::language::{Language, phrases};
use std::borrow::Cow;

/// The headings of a CSV file, with the values that go with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Headings {
    /// The names of the columns, and the values as stored.
    #[default]
    Machine,
    /// Headings and values for people.
    In(Language),
}

impl Headings {
    /// The names of all headings.
    pub const NAMES: [&'static str; 3] = ["machine", "en", "pt-BR"];

    /// The headings of that name. `None`: the name is unknown.
    pub fn named(name: &str) -> Option<Headings> {
        match name {
            "machine" => Some(Headings::Machine),
            language => Language::named(language).map(Headings::In),
        }
    }

    /// The name of the headings.
    pub fn name(self) -> &'static str {
        match self {
            Headings::Machine => "machine",
            Headings::In(language) => language.name(),
        }
    }

    /// The heading of the column. A CSV file has durations in seconds, so their headings have the unit.
    pub(crate) fn heading(self, column: &str) -> Cow<'_, str> {
        match self {
            Headings::Machine => Cow::Borrowed(column),
            Headings::In(language) => language.heading_with_unit(column),
        }
    }

    /// The headings of the columns, in order. Empty: they are the names of the columns.
    pub(crate) fn all(self, columns: &[String]) -> Vec<String> {
        match self {
            Headings::Machine => Vec::new(),
            Headings::In(_) => columns.iter().map(|column| self.heading(column).into_owned()).collect(),
        }
    }

    /// A text of the column.
    pub(crate) fn value<'t>(self, column: &str, text: &'t str) -> Cow<'t, str> {
        match self {
            Headings::Machine => Cow::Borrowed(text),
            Headings::In(language) => language.value(column, text),
        }
    }

    /// The stored text that a file has as `text`.
    pub(crate) fn original_value<'t>(self, column: &str, text: &'t str) -> &'t str {
        match self {
            Headings::Machine => text,
            Headings::In(language) => language.original_value(column, text),
        }
    }

    /// The label of the totals. `None`: that of the table.
    pub(crate) fn total(self) -> Option<&'static str> {
        match self {
            Headings::Machine => None,
            Headings::In(language) => Some(phrases::TOTAL.text(language)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_headings_are_found_by_their_name() {
        assert_eq!(Headings::NAMES.map(|name| Headings::named(name).unwrap().name()), Headings::NAMES);
        assert_eq!(Headings::named("klingon"), None);
    }
}
