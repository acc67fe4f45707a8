//! Escaping of characters that control a terminal or hide in it, so that archived text shows what it is, and of paths
//! in commands to copy.

use std::borrow::Cow;
use std::path::Path;

/// Escapes control characters, line ends, bidirectional controls and characters without a width as `\u{…}` or `\n`.
/// Joiners and variation selectors stay where a script or an emoji needs them.
pub(crate) fn escape_control(text: &str) -> Cow<'_, str> {
    escape(text, |character, escaped| escaped.extend(character.escape_default()))
}

/// Escapes the same characters in a JSON text, or in lines of text, except for line ends and tabs. JSON keeps its
/// meaning: it contains such characters only in strings.
pub(crate) fn escape_json(text: &str) -> Cow<'_, str> {
    escape(text, |character, escaped| match character {
        '\n' | '\t' => escaped.push(character),
        _ => {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            escaped.extend(units.map(|unit| format!("\\u{unit:04x}")));
        }
    })
}

/// Replaces the same characters by `�`.
pub(crate) fn replace_control(text: &str) -> Cow<'_, str> {
    escape(text, |_, replaced| replaced.push('\u{fffd}'))
}

fn escape(text: &str, push: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let mut escaped = String::new();
    // The start of the text that is not copied yet.
    let mut rest = 0;
    let mut before = None;
    for (at, character) in text.char_indices() {
        let length = character.len_utf8();
        if is_hidden(before, character, || text[at + length..].chars().next()) {
            escaped.push_str(&text[rest..at]);
            push(character, &mut escaped);
            rest = at + length;
        }
        before = Some(character);
    }
    if rest == 0 {
        return Cow::Borrowed(text);
    }
    escaped.push_str(&text[rest..]);
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

/// Whether a terminal interprets the character or shows nothing, instead of displaying it.
fn is_hidden(before: Option<char>, character: char, after: impl Fn() -> Option<char>) -> bool {
    match character {
        ' '..='~' => false,
        // Emoji, Arabic and Indic scripts join or separate letters with them.
        '\u{200c}' | '\u{200d}' => !(uses_joiners(before) && uses_joiners(after())),
        // Variation selectors change the character before them.
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            before.is_none_or(|before| before.is_whitespace() || before.is_control() || is_ignorable(before))
        }
        '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' => true,
        _ => character.is_control() || is_ignorable(character),
    }
}

/// Whether the character is of a script that uses joiners, or an emoji. Latin, Greek and Cyrillic use none.
fn uses_joiners(character: Option<char>) -> bool {
    matches!(character, Some('\u{590}'..='\u{1dff}' | '\u{2190}'..))
}

/// Unicode's Default_Ignorable_Code_Point: characters without a glyph, such as zero-width spaces, joiners,
/// bidirectional controls and the byte order mark.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
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
    fn bidirectional_and_zero_width_characters_are_escaped() {
        let characters = "\u{ad}\u{34f}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{202a}\u{202e}\u{2060}\u{2064}\u{2066}\u{2069}\u{feff}\u{fff9}\u{e0041}";
        for character in characters.chars() {
            let escaped = format!("ad{}min", character.escape_default());
            assert_eq!(escape_control(&format!("ad{character}min")), escaped);
        }
        assert_eq!(escape_control("ad\u{200d}min\u{200c}"), "ad\\u{200d}min\\u{200c}");
        assert_eq!(escape_control("é\u{200d}é а\u{200c}а"), "é\\u{200d}é а\\u{200c}а");
        assert_eq!(escape_control("\u{fe0f}👩\u{200d}\u{200d}👧"), "\\u{fe0f}👩\\u{200d}\\u{200d}👧");
    }

    #[test]
    fn escaped_json_keeps_its_meaning() {
        let json = serde_json::json!({"a\u{202e}": "\u{9b}\u{feff}\n\u{e0041}é👩‍👩‍👧", "b": [1, "\u{7f}"]});
        let text = json.to_string();
        let escaped = escape_json(&text);
        assert!(
            escaped.contains("a\\u202e") && escaped.contains("\\u009b\\ufeff\\n\\udb40\\udc41é👩‍👩‍👧"),
            "{escaped}"
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), json);
        assert_eq!(escape_json("a\tb\nc"), "a\tb\nc");
    }

    #[test]
    fn text_in_any_script_is_unchanged() {
        for text in [
            "Relatório 👩‍👩‍👧 «préço» 日本 = + - @",
            // Persian, Sinhala, a flag and a heart with joiners; a keycap with a variation selector.
            "می\u{200c}خواهم ක්\u{200d}ර 🏳\u{fe0f}\u{200d}🌈 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}",
        ] {
            assert!(matches!(escape_control(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
