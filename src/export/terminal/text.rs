//! The width of text on a terminal, and text that fits a width.

use crate::escape::replace_control;
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The mark of a text that was cut, and in ASCII.
const CUT: [&str; 2] = ["…", "..."];

/// The characters of tables and titles that an ASCII terminal gets otherwise.
const IN_ASCII: [(char, &str); 9] = [
    ('…', CUT[1]),
    ('◆', "*"),
    ('–', "-"),
    ('─', "-"),
    ('−', "-"),
    ('·', "-"),
    ('→', "->"),
    ('\u{2068}', ""),
    ('\u{2069}', ""),
];

/// First strong isolate and its end: text between them turns around nothing outside.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');

/// The columns that a terminal needs for the text.
pub(crate) fn display_width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// The text for terminals without Unicode: marks, dashes and rules in ASCII. Letters of names stay.
pub(crate) fn in_ascii(text: &str) -> Cow<'_, str> {
    let replaced = |character: char| IN_ASCII.iter().find(|(mark, _)| *mark == character);
    if text.is_ascii() || !text.chars().any(|character| replaced(character).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        match replaced(character) {
            Some((_, other)) => ascii.push_str(other),
            None => ascii.push(character),
        }
    }
    Cow::Owned(ascii)
}

/// The text if it is at most `width` columns wide, else its beginning and an ellipsis. It is cut between grapheme
/// clusters: an emoji or an accented letter stays whole.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    cut_with(CUT[0], text, width)
}

/// The same with an ellipsis in ASCII.
pub(crate) fn cut_in_ascii(text: &str, width: usize) -> Cow<'_, str> {
    cut_with(CUT[1], text, width)
}

fn cut_with<'t>(mark: &str, text: &'t str, width: usize) -> Cow<'t, str> {
    // No cluster has fewer columns than zero, so a text with few bytes needs no count.
    if text.len() <= width || display_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let Some(room) = width.checked_sub(display_width(mark)) else {
        return Cow::Owned(".".repeat(width));
    };
    let (mut end, mut used) = (0, 0);
    for cluster in text.graphemes(true) {
        used += cluster.width();
        if used > room {
            break;
        }
        end += cluster.len();
    }
    Cow::Owned(format!("{}{mark}", text[..end].trim_end()))
}

/// A name on one line: line ends, tabs and several spaces become one space; other characters that control a terminal
/// or hide in it become `�`.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    replace_control(&words.join(" ")).into_owned()
}

/// The text between isolates, if a part of it is written from right to left.
pub(crate) fn isolated(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.chars().any(is_right_to_left) {
        true => Cow::Owned(format!("{}{text}{}", ISOLATE.0, ISOLATE.1)),
        false => text,
    }
}

/// Whether the character is of a block of Unicode that is written from right to left.
fn is_right_to_left(character: char) -> bool {
    matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// Joins the words with spaces, with a line break where a line would be wider than `width`. A wider word is not broken.
pub(crate) fn wrap<'w>(words: impl Iterator<Item = &'w str>, width: usize) -> String {
    let (mut text, mut used) = (String::new(), 0);
    for (index, word) in words.enumerate() {
        let length = display_width(word);
        if index > 0 && used > 0 && used + 1 + length > width {
            text.push('\n');
            used = 0;
        } else if index > 0 {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        used += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_cut_between_clusters() {
        assert_eq!(cut("Vendas", 6), "Vendas");
        assert_eq!(cut("Vendas do mês", 8), "Vendas…");
        assert_eq!(cut("ação", 3), "aç…");
        assert_eq!(cut("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 3), "👨‍👩‍👧‍👦…");
        assert_eq!(cut("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 2), "…");
    }

    #[test]
    fn marks_have_a_form_in_ascii() {
        assert_eq!(in_ascii("2026-11 …  2026-09 ◆  −1.00  –"), "2026-11 ...  2026-09 *  -1.00  -");
        assert_eq!(in_ascii("São Paulo"), "São Paulo");
        assert_eq!([cut_in_ascii("Vendas do mês", 9), cut_in_ascii("Vendas", 2)], ["Vendas...", ".."]);
    }

    #[test]
    fn a_name_has_one_line_and_controls_nothing() {
        assert_eq!(one_line("Notas\nfiscais \t emitidas"), "Notas fiscais emitidas");
        assert_eq!(one_line("\u{1b}[31mred\u{1b}[0m\u{202e}x"), "�[31mred�[0m�x");
        assert_eq!(isolated(Cow::Borrowed("فواتير")), "\u{2068}فواتير\u{2069}");
        assert_eq!(isolated(Cow::Borrowed("Família 👨‍👩‍👧‍👦")), "Família 👨‍👩‍👧‍👦");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits_and_is_the_beginning_of_the_text(text in "\\PC{0,40}|[a-z👩‍🚀é\u{301} ]{0,40}", width in 1_usize..30) {
            for (short, mark) in [(cut(&text, width), CUT[0]), (cut_in_ascii(&text, width), CUT[1])] {
                prop_assert!(display_width(&short) <= width, "{short:?}");
                if let Some(beginning) = short.strip_suffix(mark) {
                    prop_assert!(text == short.as_ref() || text.starts_with(beginning));
                }
            }
        }
    }
}
