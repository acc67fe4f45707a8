//! Names that other people chose, prepared for the page: visible, on one line, and not too long.

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
    name.chars()
        .any(|character| !(character.is_whitespace() || character.is_control() || is_ignorable(character)))
}

/// Unicode's Default_Ignorable_Code_Point, as in the script of the page, and the empty Braille
/// pattern.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
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
