//! The languages of output for people: readable headings, values, names of periods, numbers and dates.
//!
//! What programs read never changes with the language: JSON, NDJSON, Parquet, FOCUS and CSV in the dialect `machine`.
//! Terminal tables and Markdown are in English.

mod headings;
mod number;
mod page;
mod period;
pub mod phrases;
mod reports;
mod sentence;
mod sentence_catalogue;
mod values;

pub use phrases::Phrase;

use std::borrow::Cow;

/// A language of files for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English, with dates as `2026-10-31` and numbers as `1,234.56`.
    #[default]
    English,
    /// Portuguese of Brazil, with dates as `31/10/2026` and numbers as `1.234,56`.
    Portuguese,
}

impl Language {
    /// The names of all languages, which are tags of BCP 47.
    pub const NAMES: [&'static str; 2] = ["en", "pt-BR"];

    /// The language of that name. `None`: the name is unknown.
    pub fn named(name: &str) -> Option<Language> {
        match name {
            "en" => Some(Language::English),
            "pt-BR" => Some(Language::Portuguese),
            _ => None,
        }
    }

    /// The name of the language, as in the attribute `lang` of HTML.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Portuguese => "pt-BR",
        }
    }

    /// The heading of a column: `Total cost (USD)` for `total_cost_usd`. A column in another currency has the heading
    /// of its column in US dollars, with the other currency. Any other column has its own name as heading.
    ///
    /// Durations have no unit in their heading; [`Language::heading_with_unit`] adds it.
    pub fn heading(self, column: &str) -> Cow<'_, str> {
        if let Some(heading) = headings::of(column) {
            return Cow::Borrowed(heading.text(self));
        }
        let in_currency = || {
            let (amount, currency) = column.rsplit_once('_')?;
            let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_lowercase());
            let heading = headings::of(&format!("{amount}_usd")).filter(|_| is_currency)?;
            Some(Cow::Owned(heading.text(self).replace("USD", &currency.to_uppercase())))
        };
        in_currency().unwrap_or_else(|| Cow::Owned(column.to_owned()))
    }

    /// The heading of a column whose durations are numbers of seconds: `Median duration (s)` for `p50_seconds`.
    pub fn heading_with_unit(self, column: &str) -> Cow<'_, str> {
        let heading = self.heading(column);
        match column.ends_with("_seconds") && headings::of(column).is_some() {
            true => Cow::Owned(format!("{heading} (s)")),
            false => heading,
        }
    }

    /// A text of the column for people: `Sucesso` for the status `success`. A text that the catalogue does not have,
    /// such as the name of a pipeline or a new status, is unchanged.
    pub fn value<'t>(self, column: &str, text: &'t str) -> Cow<'t, str> {
        values::translated(self, column, text)
    }

    /// The text that [`Language::value`] translated, for a column with a fixed set of values. Any other text is
    /// unchanged.
    pub fn original_value<'t>(self, column: &str, text: &'t str) -> &'t str {
        values::original(self, column, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Language; 2] = [Language::English, Language::Portuguese];

    #[test]
    fn every_language_is_found_by_its_name() {
        assert_eq!(Language::NAMES.map(Language::named), BOTH.map(Some));
        assert_eq!(BOTH.map(Language::name), Language::NAMES);
        assert_eq!(Language::named("pt"), None);
    }

    #[test]
    fn a_column_has_a_heading_in_each_language() {
        let headings = |column: &'static str| BOTH.map(|language| language.heading(column).into_owned());
        assert_eq!(headings("total_cost_usd"), ["Total cost (USD)", "Custo total (USD)"]);
        assert_eq!(headings("total_cost_brl"), ["Total cost (BRL)", "Custo total (BRL)"]);
        assert_eq!(headings("my_column"), ["my_column", "my_column"], "a user's column keeps its name");
        assert_eq!(headings("my_brl"), ["my_brl", "my_brl"]);
    }

    #[test]
    fn a_number_of_seconds_has_its_unit_in_the_heading() {
        assert_eq!(Language::Portuguese.heading("p50_seconds"), "Duração mediana");
        assert_eq!(Language::Portuguese.heading_with_unit("p50_seconds"), "Duração mediana (s)");
        assert_eq!(Language::English.heading_with_unit("my_seconds"), "my_seconds");
    }

    #[test]
    fn a_translated_value_is_found_again() {
        for language in BOTH {
            for text in ["charged", "unsuccessful", "first_extraction", "a new word", ""] {
                let shown = language.value("credit_charge_status", text);
                assert_eq!(language.original_value("credit_charge_status", &shown), text, "{language:?}");
            }
        }
        assert_eq!(Language::Portuguese.value("status", "success"), "Sucesso");
        assert_eq!(Language::Portuguese.value("status", "a new word"), "a new word");
        assert_eq!(Language::Portuguese.value("pipeline_name", "success"), "success");
    }
}
