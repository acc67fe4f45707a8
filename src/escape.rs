//! This is text made harmless for a terminal: characters that steer it are shown instead of obeyed.

use std::borrow::Cow;

/// The text with control characters, line ends and marks that turn the direction of writing as `\u{…}` or `\n`.
pub fn escape_control(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal would obey the character rather than show it.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(escape_control("a\u{1b}[31mb\nc\u{202e}d\u{9b}"), "a\\u{1b}[31mb\\nc\\u{202e}d\\u{9b}");
    }

    #[test]
    fn words_in_any_script_stay_as_they_are() {
        let text = "Relatório 👩‍👩‍👧 «préço» 日本 = + - @";
        assert!(matches!(escape_control(text), Cow::Borrowed(shown) if shown == text));
    }
}
