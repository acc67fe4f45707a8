//! Protection against conversion: texts that a spreadsheet would turn into a number, a date or a truth value get an
//! apostrophe in front, like formulas.
//!
//! CSV has no types. Excel and LibreOffice read `00123` as 123, `1/2` as a day, `1E5` as 100000 and `TRUE` as a truth
//! value, also in quotes. The formula `="00123"` would keep the text in Excel, and be a formula everywhere else.

use super::formula_guard::escape_formula;
use std::borrow::Cow;

/// Months in English and Portuguese, and their abbreviations. An office reads only those of its own language.
const MONTHS: [&str; 42] = [
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
    "fev",
    "abr",
    "mai",
    "ago",
    "set",
    "out",
    "dez",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "janeiro",
    "fevereiro",
    "março",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];

/// Truth values in English and Portuguese.
const TRUTH_VALUES: [&str; 4] = ["true", "false", "verdadeiro", "falso"];

/// The most hyphens or slashes in a date. An id of digits and hyphens has more.
const MAX_DATE_SEPARATORS: usize = 2;

/// The most bytes of a number: the longest double without an exponent.
const LONGEST_NUMBER: usize = 320;

/// Prefixes the text with an apostrophe if a spreadsheet could read it as a formula, a number, a date or a truth value;
/// otherwise returns it unchanged. What is a number depends on the country, so some texts get one needlessly.
pub fn escape_for_spreadsheet(text: &str) -> Cow<'_, str> {
    match escape_formula(text) {
        Cow::Borrowed(text) if is_converted(text) => Cow::Owned(format!("'{text}")),
        escaped => escaped,
    }
}

fn is_converted(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST_NUMBER {
        return false;
    }
    let lower = text.to_lowercase();
    TRUTH_VALUES.contains(&lower.as_str()) || is_number_or_date(&lower)
}

/// Whether the text has a digit, and nothing that numbers, amounts, dates and times do not have.
fn is_number_or_date(text: &str) -> bool {
    let few = |separator: char| text.matches(separator).count() <= MAX_DATE_SEPARATORS;
    let may_be = |letter: char| letter.is_ascii_digit() || letter.is_alphabetic() || is_mark(letter);
    let has_form = text.bytes().any(|byte| byte.is_ascii_digit()) && text.chars().all(may_be);
    if !has_form || !few('-') || !few('/') {
        return false;
    }
    let has_month = words(text).any(|(_, word)| MONTHS.contains(&word));
    words(text).all(|(before, word)| match word {
        "e" => before.ends_with(|letter: char| letter.is_ascii_digit()),
        "a" | "p" => before.ends_with(' '),
        "am" | "pm" => before.ends_with(|letter: char| letter == ' ' || letter.is_ascii_digit()),
        "r" | "us" | "usd" | "brl" | "eur" => true,
        // `1 de março`.
        "de" => has_month,
        word => MONTHS.contains(&word),
    })
}

/// The words of the text, each with the text before it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()).map(|word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        (&text[..start], word)
    })
}

/// Whether numbers, amounts, dates and times contain the character, apart from digits and words.
fn is_mark(letter: char) -> bool {
    matches!(letter, '.' | ',' | '/' | ':' | '-' | '+' | '%' | '(' | ')' | '\'' | '$' | '€' | '£')
        || letter.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_would_be_converted_gets_an_apostrophe() {
        for text in [
            "00123",
            "1",
            "1.5",
            "1,5",
            "1.234.567,89",
            "1E5",
            "1e-5",
            "12e+3",
            " 7 ",
            "\u{a0}7",
            "50%",
            "(5)",
            "$5",
            "R$ 5",
            "USD 5",
            "5 €",
            "1/2",
            "1 1/2",
            "3-4",
            "2026-01",
            "2026-01-31",
            "31/01/2026",
            "2026-01-31 10:30:00",
            "10:30",
            "10:30 PM",
            "10 a",
            "Mar 1",
            "SEP1",
            "1-dez-26",
            "1 de março de 2026",
            "Set/2026",
            "TRUE",
            "falso",
            "Verdadeiro",
        ] {
            assert_eq!(escape_for_spreadsheet(text), format!("'{text}"));
        }
    }

    #[test]
    fn any_other_text_is_unchanged() {
        for text in [
            "",
            " ",
            "Vendas",
            "NA",
            "null",
            "May",
            "e5",
            "a1",
            "1a",
            "1st",
            "v1.2",
            "Q1/2026",
            "2026-W05",
            "google-ads-2",
            "12345678-1234-1234-1234-123456789012",
            "s-1",
            "E",
            "1 e 2",
            "1/2/3/4",
            "de 5",
            "{\"a\":1}",
            "Pipeline 7",
            "½",
        ] {
            assert_eq!(escape_for_spreadsheet(text), text);
        }
    }

    #[test]
    fn a_formula_gets_one_apostrophe() {
        assert_eq!(escape_for_spreadsheet("-1"), "'-1");
        assert_eq!(escape_for_spreadsheet("=1"), "'=1");
    }
}
