//! Escaping of text for terminals, where archived text must not take control, and for commands to copy.

use std::borrow::Cow;
use std::path::Path;

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

/// A file's path as one word of a shell command, quoted if it needs to be.
pub(crate) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "/._-".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
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
    fn a_path_is_one_word_of_a_command() {
        let word = |path: &str| shell_word(Path::new(path));
        assert_eq!(word("/var/lib/runledger/año_1.db"), "/var/lib/runledger/año_1.db");
        assert_eq!(word("My runs/a.db"), "'My runs/a.db'");
        assert_eq!(word("it's $HOME.db"), r"'it'\''s $HOME.db'");
    }

    #[test]
    fn text_in_any_script_is_unchanged() {
        let text = "Relatório 👩‍👩‍👧 «préço» 日本 = + - @";
        assert!(matches!(escape_control(text), Cow::Borrowed(same) if same == text));
    }
}
