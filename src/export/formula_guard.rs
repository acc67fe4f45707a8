//! This is text made harmless for a spreadsheet: what it would take for a formula gets an apostrophe before it.

use std::borrow::Cow;

/// The text with an apostrophe before it when a spreadsheet could read it as a formula: when it begins with `=`,
/// `+`, `-`, `@` or their full-width forms, behind whatever some program drops on its way (spaces, quotation
/// marks, marks without a width), or with a tab or a line end. Any other text stays as it is.
///
/// It holds for a file that is opened in its own dialect: with another separator no cell is where it was.
pub fn escape_formula(text: &str) -> Cow<'_, str> {
    let calls = |character: char| matches!(character, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let dropped = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '"' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let begins = text.starts_with(['\t', '\r', '\n']) || text.trim_start_matches(dropped).starts_with(calls);
    if begins { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe() {
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
    fn any_other_text_stays_as_it_is() {
        for text in ["", "a=b", "2026-01", "{\"a\":-1}", "'=1", "a\";=1+2;\"b", "1-2", "👩‍🚀 <ação>"]
        {
            assert_eq!(escape_formula(text), text);
        }
    }
}
