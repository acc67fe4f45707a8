//! This is the rule that keeps credentials out of the archive: values under keys that name one are never stored.

use super::json_type::JsonType;

/// What stands in place of a credential, as JSON.
pub const REDACTED: &str = "\"[redacted]\"";

/// Whether a text is what stands in place of a credential.
pub fn is_redacted(text: &str) -> bool {
    REDACTED.trim_matches('"') == text
}

/// The last words of keys that name a credential.
const WORDS: [&str; 9] =
    ["token", "password", "passwd", "pwd", "passphrase", "secret", "authorization", "credential", "apikey"];

/// What stands before `key` in keys that name a credential.
const KEYS: [&str; 6] = ["api", "private", "access", "secret", "signing", "encryption"];

/// Which values are taken out before anything is hashed or stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    /// Further keys, as the words that they consist of.
    keys: Vec<Vec<String>>,
}

impl Redaction {
    /// Beside the keys that name a credential, these: each in any spelling (`taxId`, `tax_id`, `TAX-ID`).
    pub fn with_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Redaction {
        Redaction { keys: keys.into_iter().map(words).filter(|words| !words.is_empty()).collect() }
    }

    /// Whether a value of this kind is taken out under this key.
    ///
    /// Numbers, booleans and null are no credentials: `"tokens": 512` is a count. Under a key that
    /// somebody named on purpose everything is taken out but null, which says nothing.
    pub fn covers(&self, key: &str, kind: JsonType) -> bool {
        let may_be_credential = matches!(kind, JsonType::String | JsonType::Array | JsonType::Object);
        (may_be_credential && names_a_credential(key))
            || (!self.keys.is_empty() && kind != JsonType::Null && self.keys.contains(&words(key)))
    }
}

/// Whether a key says that its value is a credential.
fn names_a_credential(key: &str) -> bool {
    // Nearly every key is told apart by its end alone.
    let end = key.trim_end_matches(|letter: char| !letter.is_alphanumeric() || matches!(letter, 's' | 'S'));
    if !ends_with(end, "key") && !WORDS.iter().any(|word| ends_with(end, word)) {
        return false;
    }
    let words = words(key);
    let mut last = words.iter().rev().map(String::as_str);
    match last.next().map(|word| word.strip_suffix('s').unwrap_or(word)) {
        Some("key") => last.next().is_some_and(|word| KEYS.contains(&word)),
        Some(word) => WORDS.contains(&word),
        None => false,
    }
}

/// Whether the text ends with the word, which is in lower case.
fn ends_with(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.len() >= word.len() && text[text.len() - word.len()..].eq_ignore_ascii_case(word)
}

/// The words of a key in lower case: `refreshToken`, `refresh-token` and `REFRESH_TOKEN` are the same two.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in key.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            words.last_mut().expect("there is always a word").extend(letter.to_lowercase());
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_name_credentials_are_known_in_every_spelling() {
        for key in
            ["token", "api_key", "apiKey", "API-KEY", "refreshToken", "client_secret", "x-authorization"]
        {
            assert!(names_a_credential(key), "{key}");
        }
        for key in
            ["password", "aws_secret_access_key", "credentials", "privateKey", "db passwords", "TOKENS"]
        {
            assert!(names_a_credential(key), "{key}");
        }
    }

    #[test]
    fn keys_that_were_named_on_purpose_are_covered_in_every_spelling() {
        let redaction = Redaction::with_keys(["taxId", " customer-email ", "", "--"]);
        for key in ["tax_id", "TAX-ID", "taxId", "customer_email", "customerEmail"] {
            assert!(
                redaction.covers(key, JsonType::String) && redaction.covers(key, JsonType::Number),
                "{key}"
            );
            assert!(!redaction.covers(key, JsonType::Null), "{key}");
        }
        for key in ["tax", "id", "tax_ids", "", "--", "old_tax_id"] {
            assert!(!redaction.covers(key, JsonType::String), "{key}");
        }
        assert!(
            redaction.covers("api_key", JsonType::String) && !redaction.covers("api_key", JsonType::Number)
        );
        assert!(!Redaction::default().covers("tax_id", JsonType::String));
    }

    #[test]
    fn keys_that_only_sound_alike_are_left_alone() {
        for key in ["primary_key", "tokenizer", "secretary", "key", "keys", "", "passwordless", "monkey"] {
            assert!(!names_a_credential(key), "{key}");
        }
    }
}
