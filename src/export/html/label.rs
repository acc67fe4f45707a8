//! This is what the page makes of a name that others chose: whether anybody would see it, and as much as there is room for.

/// The most characters of a name.
const MOST: usize = 200;

/// The name, cut where it is very long.
pub fn cut(name: &str) -> String {
    match name.char_indices().nth(MOST) {
        None => name.to_owned(),
        Some(_) => name.chars().take(MOST - 1).chain(['…']).collect(),
    }
}

/// The name on one line, cut where it is very long.
pub fn on_a_line(name: &str) -> String {
    cut(name).chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Whether there is anything to see.
pub fn is_visible(name: &str) -> bool {
    name.chars().any(|letter| !(letter.is_whitespace() || letter.is_control() || is_ignorable(letter)))
}

/// Unicode's Default_Ignorable_Code_Point, as the page's script asks for it, and the empty pattern of Braille.
fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
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
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(cut(&"é".repeat(201)), "é".repeat(199) + "…");
    }

    #[test]
    fn a_name_that_nobody_would_see_is_none() {
        for unseen in ["", " \n", "\u{200b}\u{200d}\u{feff}", "\u{2800}\u{3164}", "\u{202e}\0\u{e0020}"] {
            assert!(!is_visible(unseen), "{unseen:?}");
        }
        for seen in ["a", "\u{200b}.", "👩‍👩‍👧", "\u{301}"] {
            assert!(is_visible(seen), "{seen:?}");
        }
    }
}
