//! Names that other people chose, prepared for the page: visible, on one line, and not too long.

use crate::escape::is_ignorable;

/// The maximum length of a name in characters.
const MAX_CHARS: usize = 200;

/// Truncates a long name.
pub(super) fn truncate(name: &str) -> String {
    match name.char_indices().nth(MAX_CHARS) {
        None => name.to_owned(),
        Some(_) => name.chars().take(MAX_CHARS - 1).chain(['…']).collect(),
    }
}

/// Puts the name on one line, and truncates it.
pub(super) fn single_line(name: &str) -> String {
    truncate(name).chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Whether the name has a visible character.
pub(super) fn is_visible(name: &str) -> bool {
    // The empty Braille pattern is ignorable only for the eye. The script of the page has the same list.
    let is_blank = |character: char| {
        character.is_whitespace()
            || character.is_control()
            || character == '\u{2800}'
            || is_ignorable(character)
    };
    !name.chars().all(is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_truncated_between_characters() {
        assert_eq!(truncate(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(truncate(&"é".repeat(201)), "é".repeat(199) + "…");
    }

    #[test]
    fn names_of_ignorable_characters_are_invisible() {
        for invisible in ["", " \n", "\u{200b}\u{200d}\u{feff}", "\u{2800}\u{3164}", "\u{202e}\0\u{e0020}"] {
            assert!(!is_visible(invisible), "{invisible:?}");
        }
        for visible in ["a", "\u{200b}.", "👩‍👩‍👧", "\u{301}"] {
            assert!(is_visible(visible), "{visible:?}");
        }
    }
}
