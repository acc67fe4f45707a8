//! The API key and the URLs of monitoring services, as types that cannot be printed.

mod echo;
mod spelling;

pub(crate) use echo::EchoFilter;

use crate::error::{Error, Result};
use crate::escape::shell_word;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The environment variable of the API key.
pub(crate) const API_KEY_VARIABLE: &str = "NEKT_API_KEY";
/// The environment variable of the ping URL.
pub(crate) const PING_URL_VARIABLE: &str = "RUNLEDGER_PING_URL";

/// The most bytes to read from a file with a secret: `/dev/zero` has no end.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The bits of a mode with which every user of the machine can read or change a file.
const OTHERS_BITS: u32 = 0o006;

/// The API key.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key from `origin`, which error messages name. White space and quotes around it are removed, and
    /// `NEKT_API_KEY=` or a byte order mark in front.
    ///
    /// # Errors
    /// [`Error::Usage`] when the key is empty or contains characters that an HTTP header cannot carry. No message
    /// contains the key.
    pub fn new(text: &str, origin: &str) -> Result<ApiKey> {
        let refuse = |why: &str| Error::Usage {
            what: format!("the API key in {origin} {why}"),
            hint: Some("give the key alone, on one line".to_owned()),
        };
        match spelling::value(text, API_KEY_VARIABLE) {
            "" => Err(refuse("is empty")),
            lines if lines.lines().count() > 1 => Err(refuse("has several lines")),
            key if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(ApiKey(key.to_owned())),
            _ => Err(refuse("contains a space or another invalid character")),
        }
    }

    /// Reads the key from a file.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file cannot be read or contains no valid key.
    pub fn from_file(path: &Path) -> Result<ApiKey> {
        let origin = format!("the file {}", path.display());
        ApiKey::new(&read_file(path, "the API key")?, &origin)
    }

    /// The key in clear, only for the request header.
    pub fn expose(&self) -> &str {
        &self.0
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
        Ok(PingUrl::from(read_file(path, "the ping URL")?))
    }

    /// The URL in clear, only for the request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Removes what [`ApiKey::new`] removes. The URL is validated where it is used, so no message here can quote it.
impl From<String> for PingUrl {
    fn from(text: String) -> PingUrl {
        PingUrl(spelling::value(&text, PING_URL_VARIABLE).to_owned())
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PingUrl(hidden)")
    }
}

/// The URL of a webhook. It is a secret: with it, anyone can post messages.
#[derive(Clone)]
pub(crate) struct WebhookUrl(String);

impl WebhookUrl {
    /// Reads the URL from a file. White space and quotes around it are removed.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file cannot be read.
    pub(crate) fn from_file(path: &Path) -> Result<WebhookUrl> {
        let text = read_file(path, "the webhook URL")?;
        Ok(WebhookUrl(spelling::value(&text, "WEBHOOK_URL").to_owned()))
    }

    /// The URL in clear, only for the request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(hidden)")
    }
}

/// Reads a file that contains `what`. Warns when every user of the machine can read or change it.
///
/// # Errors
/// [`Error::Usage`] when it cannot be read, is too large or is not text.
fn read_file(path: &Path, what: &str) -> Result<String> {
    let refuse =
        |cause: &str| Error::usage(format!("cannot read {what} from the file {}: {cause}", path.display()));
    let read = || -> io::Result<(u32, Vec<u8>)> {
        let file = File::open(path)?;
        let (metadata, mut bytes) = (file.metadata()?, Vec::new());
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Ok((if metadata.is_file() { metadata.mode() } else { 0 }, bytes))
    };
    let (mode, bytes) = read().map_err(|cause| refuse(&cause.to_string()))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(refuse(&format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    if mode & OTHERS_BITS != 0 {
        tracing::warn!(
            "every user of this machine has access to {what} in the file {}: run `chmod o= {}`",
            path.display(),
            shell_word(path)
        );
    }
    spelling::decode(&bytes).ok_or_else(|| refuse("it is not UTF-8 text"))
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
    fn a_key_file_may_have_a_byte_order_mark_quotes_or_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let utf16: Vec<u8> = "\u{feff}k-123\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [b"\xef\xbb\xbfk-123\r\n", b"NEKT_API_KEY='k-123'\n".as_slice(), b"\"k-123\"", &utf16] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(ApiKey::from_file(&path).unwrap().expose(), "k-123", "{bytes:?}");
        }
        for (bytes, why) in [
            (b"NEKT_API_KEY=k-123\nOTHER=x\n".as_slice(), "several lines"),
            (b"NEKT_API_KEY=''", "is empty"),
            (b"k-123\xff", "not UTF-8"),
            (b"API KEY: k-123", "invalid character"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let refused = ApiKey::from_file(&path).unwrap_err().to_string();
            assert!(refused.contains(why) && !refused.contains("123"), "{refused}");
        }
    }

    #[test]
    fn a_ping_url_is_never_printed() {
        let url = PingUrl::from(" https://ping.example/s3cret\n".to_owned());
        assert_eq!(url.expose(), "https://ping.example/s3cret");
        assert_eq!(format!("{url:?}"), "PingUrl(hidden)");
    }
}
