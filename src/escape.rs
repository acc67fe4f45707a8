//! Escaping of control characters, so that archived text cannot control the terminal.

use std::borrow::Cow;

/// Escapes control characters, line ends and bidirectional marks as `\u{…}` or `\n`.
pub(crate) fn escape_control(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_control(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal interprets the character instead of displaying it.
fn is_control(character: char) -> bool {
    char::is_control(character)
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escape_control("a\u{1b}[31mb\nc\u{202e}d\u{9b}"), "a\\u{1b}[31mb\\nc\\u{202e}d\\u{9b}");
    }

    #[test]
    fn text_in_any_script_is_unchanged() {
        let text = "Relatório 👩‍👩‍👧 «préço» 日本 = + - @";
        assert!(matches!(escape_control(text), Cow::Borrowed(same) if same == text));
    }
}
