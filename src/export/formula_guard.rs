//! Protection against formula injection: texts that a spreadsheet would run as a formula get an
//! apostrophe in front.

use std::borrow::Cow;

/// Prefixes the text with an apostrophe if a spreadsheet could read it as a formula; otherwise
/// returns it unchanged.
///
/// A text is a possible formula if it starts with a tab or a line end, or with `=`, `+`, `-`, `@`
/// or their full-width forms. Characters that some spreadsheets drop before these are skipped:
/// spaces, control characters, quotation marks and zero-width characters.
///
/// The protection only works for a file that is opened in its own dialect: with another separator
/// the cells are others.
pub(super) fn escape_formula(text: &str) -> Cow<'_, str> {
    let is_trigger = |character: char| matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let is_dropped = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '"' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let is_formula =
        text.starts_with(['\t', '\r', '\n']) || text.trim_start_matches(is_dropped).starts_with(is_trigger);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_possible_formula_gets_an_apostrophe() {
        for text in [
            "=1+2",
            "+1",
            "-1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "  =1+2",
            "\u{a0}=1",
            "\u{feff}=1",
            "\"=1",
            "\u{0}=1",
            "＝1",
            " ＠x",
            "-",
        ] {
            assert_eq!(escape_formula(text), format!("'{text}"));
        }
    }

    #[test]
    fn any_other_text_is_unchanged() {
        for text in ["", "a=b", "2026-01", "{\"a\":-1}", "'=1", "a\";=1+2;\"b", "1-2", "👩‍🚀 <ação>"]
        {
            assert_eq!(escape_formula(text), text);
        }
    }
}
