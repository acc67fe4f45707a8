//! This is what must not get out, the API key and the address of a ping: a secret has a type that cannot be printed.

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

    /// The text without the key, should somebody have quoted it.
    pub fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, "[redacted]")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// Where a service waits for pings. Whoever knows it can say that all is well.
#[derive(Clone)]
pub struct PingUrl(String);

impl PingUrl {
    /// Reads the address from a file.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file cannot be read.
    pub fn from_file(path: &Path) -> Result<PingUrl> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::usage(format!(
                "the file {} with the address of the ping cannot be read: {cause}",
                path.display()
            ))
        })?;
        Ok(PingUrl::from(text))
    }

    /// The address itself, for the request and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// White space around it is dropped. Whether it is an address at all is seen where it is used: until
/// then nothing has to speak of it.
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
    fn a_key_is_never_in_what_is_printed() {
        let key = ApiKey::new(" k-123\n", "NEKT_API_KEY").unwrap();
        assert_eq!(key.expose(), "k-123");
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
        let refused = ApiKey::new("k 123", "NEKT_API_KEY").unwrap_err().to_string();
        assert!(refused.contains("NEKT_API_KEY") && !refused.contains("123"), "{refused}");
        assert!(ApiKey::new(" \n", "NEKT_API_KEY").is_err());
    }

    #[test]
    fn a_key_that_somebody_quotes_is_taken_out() {
        let key = ApiKey::new("k-123", "NEKT_API_KEY").unwrap();
        assert_eq!(
            key.hidden_in("k-123 is no key, nor is k-1234"),
            "[redacted] is no key, nor is [redacted]4"
        );
    }

    #[test]
    fn the_address_of_a_ping_is_never_in_what_is_printed() {
        let url = PingUrl::from(" https://ping.example/s3cret\n".to_owned());
        assert_eq!(url.expose(), "https://ping.example/s3cret");
        assert_eq!(format!("{url:?}"), "PingUrl(hidden)");
    }
}
