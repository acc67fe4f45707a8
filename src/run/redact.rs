//! Redaction of credentials: values under keys that name a credential are never stored.

use super::json_type::JsonType;

/// The replacement of a credential, as JSON.
pub(crate) const REDACTED: &str = "\"[redacted]\"";

/// Whether a text is the replacement of a credential.
pub(crate) fn is_redacted(text: &str) -> bool {
    REDACTED.trim_matches('"') == text
}

/// The last word of a key that names a credential.
const WORDS: [&str; 9] =
    ["token", "password", "passwd", "pwd", "passphrase", "secret", "authorization", "credential", "apikey"];

/// The word before `key` in a key that names a credential.
const KEYS: [&str; 6] = ["api", "private", "access", "secret", "signing", "encryption"];

/// The headers that carry a credential of the Nekt API, as lowercase words without separators.
const HEADERS: [&str; 4] = ["xapikey", "xjupytertoken", "xreporttoken", "xpipelineruntoken"];

/// The values that are redacted before anything is hashed or stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    /// Additional keys, split into words.
    keys: Vec<Vec<String>>,
}

impl Redaction {
    /// Redacts these keys, too, in any spelling: `taxId`, `tax_id`, `TAX-ID`.
    pub fn with_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Redaction {
        Redaction { keys: keys.into_iter().map(words).filter(|words| !words.is_empty()).collect() }
    }

    /// Whether a value of this type is redacted under this key.
    ///
    /// Numbers, booleans and null are not credentials: `"tokens": 512` is a count. Under an additional key everything
    /// except null is redacted.
    pub fn covers(&self, key: &str, kind: JsonType) -> bool {
        let may_be_credential = matches!(kind, JsonType::String | JsonType::Array | JsonType::Object);
        (may_be_credential && names_a_credential(key))
            || (!self.keys.is_empty() && kind != JsonType::Null && self.keys.contains(&words(key)))
    }
}

/// Whether a key names a credential.
fn names_a_credential(key: &str) -> bool {
    // The end of the key rules out almost every key.
    let end = key.trim_end_matches(|letter: char| !letter.is_alphanumeric() || matches!(letter, 's' | 'S'));
    if !ends_with(end, "key") && !WORDS.iter().any(|word| ends_with(end, word)) {
        return false;
    }
    let words = words(key);
    if HEADERS.contains(&words.concat().as_str()) {
        return true;
    }
    let mut last = words.iter().rev().map(String::as_str);
    match last.next().map(|word| word.strip_suffix('s').unwrap_or(word)) {
        Some("key") => last.next().is_some_and(|word| KEYS.contains(&word)),
        Some(word) => WORDS.contains(&word),
        None => false,
    }
}

/// Whether the text ends with the lowercase word, in any case.
fn ends_with(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    text.len() >= word.len() && text[text.len() - word.len()..].eq_ignore_ascii_case(word)
}

/// Splits a key into lowercase words: `refreshToken`, `refresh-token` and `REFRESH_TOKEN` give the same two.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in key.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if letter.is_alphanumeric() {
            words.last_mut().expect("the list starts with a word").extend(letter.to_lowercase());
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
    fn keys_of_credentials_are_known_in_every_spelling() {
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
    fn headers_of_the_api_are_redacted_in_every_spelling() {
        for header in ["x-api-key", "X-Jupyter-Token", "X-Report-Token", "X-Pipeline-Run-Token"] {
            let joined = header.replace('-', "");
            for key in
                [header, &header.to_uppercase(), &header.replace('-', "_"), &joined, &joined.to_lowercase()]
            {
                assert!(Redaction::default().covers(key, JsonType::String), "{key}");
            }
        }
    }

    #[test]
    fn additional_keys_are_redacted_in_every_spelling() {
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
    fn keys_that_resemble_credentials_are_kept() {
        for key in ["primary_key", "tokenizer", "secretary", "key", "keys", "", "passwordless", "monkey"] {
            assert!(!names_a_credential(key), "{key}");
        }
    }
}
