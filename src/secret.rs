//! The API key and the ping URL, as types that cannot be printed.

use crate::error::{Error, Result};
use std::fmt;
use std::path::Path;

/// The API key.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key from `origin`, which error messages name. Surrounding white space is removed.
    ///
    /// # Errors
    /// [`Error::Usage`] when the key is empty or contains characters that an HTTP header cannot carry. No message
    /// contains the key.
    pub fn new(text: &str, origin: &str) -> Result<ApiKey> {
        let key = text.trim();
        if key.is_empty() {
            return Err(Error::usage(format!("the API key in {origin} is empty")));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::usage(format!(
                "the API key in {origin} contains a space, a line break or another invalid character"
            )));
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// Reads the key from a file.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file cannot be read or contains no valid key.
    pub fn from_file(path: &Path) -> Result<ApiKey> {
        let origin = format!("the file {}", path.display());
        let text = std::fs::read_to_string(path)
            .map_err(|cause| Error::usage(format!("cannot read the API key from {origin}: {cause}")))?;
        ApiKey::new(&text, &origin)
    }

    /// The key in clear, only for the request header.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Replaces the key in a text with `[redacted]`, in case a quoted response contains it.
    pub fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "[redacted]")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The URL of a monitoring service. It is a secret: with it, anyone can report success.
#[derive(Clone)]
pub struct PingUrl(String);

impl PingUrl {
    /// Reads the URL from a file.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file cannot be read.
    pub fn from_file(path: &Path) -> Result<PingUrl> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::usage(format!("cannot read the ping URL from the file {}: {cause}", path.display()))
        })?;
        Ok(PingUrl::from(text))
    }

    /// The URL in clear, only for the request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Removes surrounding white space. The URL is validated where it is used, so no message here can quote it.
impl From<String> for PingUrl {
    fn from(text: String) -> PingUrl {
        PingUrl(text.trim().to_owned())
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PingUrl(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let key = ApiKey::new(" k-123\n", "NEKT_API_KEY").unwrap();
        assert_eq!(key.expose(), "k-123");
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
        let refused = ApiKey::new("k 123", "NEKT_API_KEY").unwrap_err().to_string();
        assert!(refused.contains("NEKT_API_KEY") && !refused.contains("123"), "{refused}");
        assert!(ApiKey::new(" \n", "NEKT_API_KEY").is_err());
    }

    #[test]
    fn a_quoted_key_is_redacted() {
        let key = ApiKey::new("k-123", "NEKT_API_KEY").unwrap();
        assert_eq!(key.redact("k-123 is no key, nor is k-1234"), "[redacted] is no key, nor is [redacted]4");
    }

    #[test]
    fn a_ping_url_is_never_printed() {
        let url = PingUrl::from(" https://ping.example/s3cret\n".to_owned());
        assert_eq!(url.expose(), "https://ping.example/s3cret");
        assert_eq!(format!("{url:?}"), "PingUrl(hidden)");
    }
}
