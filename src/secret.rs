//! This is the API key: a secret has a type that cannot be printed.

use crate::error::{Error, Result};
use std::fmt;
use std::path::Path;

/// The key that opens the API.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes a key from `origin`, which errors name; white space around it is dropped.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is empty, or holds what no HTTP header can carry. The key itself is
    /// in no message.
    pub fn new(text: &str, origin: &str) -> Result<ApiKey> {
        let key = text.trim();
        if key.is_empty() {
            return Err(Error::usage(format!("the API key in {origin} is empty")));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::usage(format!(
                "the API key in {origin} has a space, a line break or another character that no key has"
            )));
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// Reads the key from a file.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file cannot be read, or what it holds is no key.
    pub fn from_file(path: &Path) -> Result<ApiKey> {
        let origin = format!("the file {}", path.display());
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::usage(format!("{origin} with the API key cannot be read: {cause}")))?;
        ApiKey::new(&text, &origin)
    }

    /// The key itself, for the request's header and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_in_what_is_printed() {
        let key = ApiKey::new(" k-123\n", "NEKT_API_KEY").unwrap();
        assert_eq!(key.expose(), "k-123");
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
        let refused = ApiKey::new("k 123", "NEKT_API_KEY").unwrap_err().to_string();
        assert!(refused.contains("NEKT_API_KEY") && !refused.contains("123"), "{refused}");
        assert!(ApiKey::new(" \n", "NEKT_API_KEY").is_err());
    }
}
