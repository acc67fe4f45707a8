//! Redaction of the API key in responses: an API or a proxy may echo it.

use super::ApiKey;
use memchr::memmem::Finder;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// A shorter key can occur in a response by chance: redacting it would destroy data.
const MIN_KEY_BYTES: usize = 12;

/// The replacement of the key.
const REPLACEMENT: &str = "[redacted]";

/// Removes the API key from responses before anything else reads them.
pub(crate) struct EchoFilter {
    key: Vec<u8>,
    finder: Finder<'static>,
    /// Find whatever may encode a character of the key. Other escape sequences are too frequent to look at.
    encoding_finders: Vec<Finder<'static>>,
    /// Why the key is not redacted. `None`: it is.
    exemption: Option<&'static str>,
    has_warned: AtomicBool,
}

impl EchoFilter {
    pub(crate) fn new(key: &ApiKey) -> EchoFilter {
        let key = key.expose().as_bytes().to_vec();
        let is_part_of_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let exemption = if key.len() < MIN_KEY_BYTES {
            Some("it has fewer than 12 characters")
        } else if key.iter().all(is_part_of_number) {
            // Redacting a JSON number would make the JSON invalid.
            Some("it looks like a number")
        } else {
            None
        };
        let finder = Finder::new(&key).into_owned();
        let escapes = [(b'"', "\\\""), (b'\\', "\\\\"), (b'/', "\\/")];
        let escapes = escapes.into_iter().filter(|(byte, _)| key.contains(byte)).map(|(_, escape)| escape);
        let encoding_finders = ["%", "\\u00"].into_iter().chain(escapes).map(Finder::new).collect();
        EchoFilter { key, finder, encoding_finders, exemption, has_warned: AtomicBool::new(false) }
    }

    /// Replaces the key with `[redacted]`: raw, JSON-escaped, percent-encoded, or partly so. A JSON text stays valid.
    ///
    /// A key that is too short is kept, and reported once in the log.
    pub(crate) fn redact(&self, text: String) -> String {
        if let Some(reason) = self.exemption {
            if self.finder.find(text.as_bytes()).is_some() && !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::warn!("a response contains the API key, which is not redacted, because {reason}");
            }
            return text;
        }
        let echoes = self.find(text.as_bytes());
        if echoes.is_empty() {
            return text;
        }
        let mut redacted = String::with_capacity(text.len());
        let mut end = 0;
        for echo in echoes {
            redacted.push_str(&text[end..echo.start]);
            redacted.push_str(REPLACEMENT);
            end = echo.end;
        }
        redacted.push_str(&text[end..]);
        redacted
    }

    /// Where the key is, in order and without overlaps.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut echoes: Vec<Range<usize>> =
            self.finder.find_iter(text).filter_map(|start| self.raw_echo(text, start)).collect();
        for finder in &self.encoding_finders {
            echoes.extend(finder.find_iter(text).filter_map(|at| self.encoded_echo(text, at)));
        }
        if echoes.len() > 1 {
            echoes.sort_unstable_by_key(|echo| echo.start);
            let mut end = 0;
            echoes.retain(|echo| {
                let is_apart = echo.start >= end;
                end = end.max(echo.end);
                is_apart
            });
        }
        echoes
    }

    /// A raw key at `start`. `None`: its first byte ends an escape sequence, and stands for another character.
    fn raw_echo(&self, text: &[u8], start: usize) -> Option<Range<usize>> {
        let end = start + self.key.len();
        match (ends_escape(text, start), self.key[0]) {
            (false, _) => Some(start..end),
            (true, b'"' | b'\\' | b'/') => Some(start - 1..end),
            (true, _) => None,
        }
    }

    /// The key of which the first encoded character is at `at`. `None`: another character is encoded there, or another
    /// text surrounds it.
    fn encoded_echo(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        if text[at] == b'\\' && ends_escape(text, at) {
            return None;
        }
        let (first, _) = decode(text, at)?;
        let places = self.key.iter().enumerate().filter(|(_, byte)| **byte == first);
        places.map(|(place, _)| place).find_map(|place| {
            let start = at.checked_sub(place)?;
            if text[start..at] != self.key[..place] || (place > 0 && ends_escape(text, start)) {
                return None;
            }
            let mut end = at;
            for expected in &self.key[place..] {
                end += match decode(text, end) {
                    Some((character, length)) if character == *expected => length,
                    _ if text.get(end) == Some(expected) => 1,
                    _ => return None,
                };
            }
            Some(start..end)
        })
    }
}

/// The key stays hidden.
impl fmt::Debug for EchoFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EchoFilter(hidden)")
    }
}

/// Whether the byte at `at` is the second one of a JSON escape sequence.
fn ends_escape(text: &[u8], at: usize) -> bool {
    text[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The ASCII character that is encoded at `at`, and the length of its encoding. `None`: nothing is encoded there.
fn decode(text: &[u8], at: usize) -> Option<(u8, usize)> {
    match (text.get(at)?, text.get(at + 1)?) {
        (b'%', _) => Some((hexadecimal(text.get(at + 1..at + 3)?)?, 3)),
        (b'\\', b'u') => {
            let digits = text.get(at + 2..at + 6)?;
            if &digits[..2] != b"00" {
                return None;
            }
            Some((hexadecimal(&digits[2..])?, 6))
        }
        (b'\\', character @ (b'"' | b'\\' | b'/')) => Some((*character, 2)),
        _ => None,
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "Marked+Key/7c1f\"9e\\=x";

    fn redact(text: &str) -> String {
        EchoFilter::new(&ApiKey::new(KEY, "the test").unwrap()).redact(text.to_owned())
    }

    fn percent(key: &str, keep: &str) -> String {
        let encode = |byte: u8| {
            if keep.contains(char::from(byte)) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        key.bytes().map(encode).collect()
    }

    #[test]
    fn a_key_is_redacted_in_every_encoding() {
        let escaped = serde_json::to_string(KEY).unwrap();
        let escaped = escaped.trim_start_matches('"').strip_suffix('"').unwrap().to_owned();
        let unicode: String = KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        let letters = "Markedy7c1f9ex";
        for echo in [
            KEY.to_owned(),
            escaped.clone(),
            escaped.replace('/', "\\/"),
            escaped.replace('+', "\\u002B").replace('=', "\\u003d"),
            unicode,
            percent(KEY, letters),
            percent(KEY, letters).to_lowercase().replace("marked", "Marked").replace("key", "Key"),
            percent(KEY, &format!("{letters}/")),
            percent(KEY, ""),
        ] {
            assert_eq!(redact(&echo), "[redacted]", "{echo}");
            assert_eq!(redact(&format!("é\\n{echo}%{echo}é")), "é\\n[redacted]%[redacted]é", "{echo}");
        }
    }

    #[test]
    fn redacted_json_stays_valid() {
        let documents = [
            serde_json::json!({"a": KEY, KEY: [format!("\\{KEY}"), format!("{KEY}\\")], "b": format!("\n{KEY}")}),
            serde_json::json!([format!("\\\\\"{KEY}\"{KEY}"), "%", "\\", "%4", "\\u00"]),
        ];
        for document in documents {
            let redacted = redact(&document.to_string());
            let parsed: serde_json::Value = serde_json::from_str(&redacted).unwrap();
            let expected = document.to_string().replace(KEY, "[redacted]");
            assert!(!parsed.to_string().contains("Marked"), "{redacted} {expected}");
        }
        // In the first text, the `n` belongs to a line feed.
        let filter = EchoFilter::new(&ApiKey::new("nekt-0123456789", "the test").unwrap());
        for kept in [r#""\nekt-0123456789""#, r#""\\\nekt-0123456789""#] {
            assert_eq!(filter.redact(kept.to_owned()), kept);
        }
        assert_eq!(filter.redact(r#""\\nekt-0123456789""#.to_owned()), r#""\\[redacted]""#);
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in
            ["", "Marked+Key/7c1f", "%", "%4", "\\", "\\u", "\\u00", "%4D%61rked", "Marked%2BKey%2F7c1f%22"]
        {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn a_short_or_numeric_key_is_kept() {
        for key in ["k-123456789", "123456789012", "1e10", "-12345.678901"] {
            let filter = EchoFilter::new(&ApiKey::new(key, "the test").unwrap());
            assert_eq!(filter.redact(format!("[{key}]")), format!("[{key}]"));
        }
    }

    /// A JSON string with this content. `choose` decides how each ASCII character is written.
    fn json_string(text: &str, mut choose: impl FnMut() -> u8) -> String {
        let mut json = "\"".to_owned();
        for character in text.chars() {
            match (choose() % 3, character) {
                (0, character) if character.is_ascii() => {
                    json.push_str(&format!("\\u{:04x}", u32::from(character)));
                }
                (1, '/') => json.push_str("\\/"),
                (1, character) if character.is_ascii_graphic() && !"\"\\".contains(character) => {
                    json.push_str(&format!("%{:02x}", u32::from(character)));
                }
                _ => {
                    let quoted = serde_json::to_string(&character.to_string()).unwrap();
                    json.push_str(&quoted[1..quoted.len() - 1]);
                }
            }
        }
        json + "\""
    }

    proptest! {
        #[test]
        fn no_echo_remains_in_any_json(
            key in "[a-z!-~]{1,2}[!-~]{12,20}",
            pieces in proptest::collection::vec(("[\\PC\n\"\\\\%u/0]{0,6}", any::<bool>()), 0..6),
            choices in proptest::collection::vec(any::<u8>(), 1..50),
        ) {
            let filter = EchoFilter::new(&ApiKey::new(&key, "the test").unwrap());
            prop_assume!(filter.exemption.is_none() && ApiKey::new(&key, "the test").unwrap().expose() == key);
            let text: String = pieces
                .iter()
                .map(|(piece, is_followed)| format!("{piece}{}", if *is_followed { key.as_str() } else { "" }))
                .collect();
            let mut choices = choices.iter().cycle();
            let json = format!("[{},7]", json_string(&text, || *choices.next().unwrap()));
            let redacted = filter.redact(json.clone());
            let parsed: serde_json::Value = serde_json::from_str(&redacted).unwrap_or_else(|error| panic!("{json} {redacted} {error}"));
            let decoded = parsed[0].as_str().unwrap();
            prop_assert!(!decoded.contains(&key), "{json} {redacted}");
            prop_assert!(!filter.redact(redacted.clone()).contains(&key), "{json} {redacted}");
        }
    }
}
