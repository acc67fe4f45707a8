//! A secret address that is sent POST requests.

use crate::error::{Error, Result};
use crate::http::{client_builder, is_loopback, root_cause, tls_unavailable};
use reqwest::header::CONTENT_TYPE;
use std::time::Duration;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use url::{ParseError, Url};

/// The time limit of one attempt, from the DNS lookup to the last byte.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(4);

/// The wait between the two attempts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Reads an address, and whether it is safe to send: over plain HTTP, others on the network could read it.
///
/// # Errors
/// [`Error::Usage`] when it is not one HTTP address. It names the `origin`, never the address itself.
pub(super) fn parse_address(address: &str, what: &str, origin: &str, example: &str) -> Result<(Url, bool)> {
    let refuse = |why: &str| Error::Usage {
        what: format!("invalid {what} in {origin}: {why}"),
        hint: Some(format!("give the URL alone, on one line; it looks like {example}")),
    };
    // The parser drops line breaks, and would join two addresses to another one.
    match address {
        "" => return Err(refuse("it is empty")),
        lines if lines.lines().count() > 1 => return Err(refuse("it has several lines")),
        line if line.contains(|letter: char| letter.is_whitespace() || letter.is_control()) => {
            return Err(refuse("it contains a space or another invalid character"));
        }
        _ => {}
    }
    let url = Url::parse(address).map_err(|error| match error {
        ParseError::RelativeUrlWithoutBase => refuse("it does not begin with https://"),
        other => refuse(&other.to_string()),
    })?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(refuse("the scheme must be https or http"));
    }
    let is_safe = url.scheme() == "https" || is_loopback(&url);
    Ok((url, is_safe))
}

/// A client for one address.
pub(super) struct Endpoint {
    /// The client, or why it could not be built. A command must not fail because of its notifications.
    http: Result<reqwest::Client, String>,
}

impl Endpoint {
    /// A client for addresses on the host of this one.
    pub(super) fn new(url: &Url) -> Endpoint {
        let http = client_builder(url).connect_timeout(ATTEMPT_LIMIT).timeout(ATTEMPT_LIMIT).build();
        Endpoint { http: http.map_err(|error| tls_unavailable(&error).cause) }
    }

    /// Sends the body, and retries a temporary failure once.
    ///
    /// # Errors
    /// The cause, without the address.
    pub(super) async fn post(&self, url: &Url, content_type: &'static str, body: &str) -> Result<(), String> {
        match self.try_once(url, content_type, body).await {
            Err(Failure::Temporary(_)) => {
                tokio::time::sleep(RETRY_AFTER).await;
                self.try_once(url, content_type, body).await.map_err(Failure::cause)
            }
            other => other.map_err(Failure::cause),
        }
    }

    async fn try_once(&self, url: &Url, content_type: &'static str, body: &str) -> Result<(), Failure> {
        let http = self.http.as_ref().map_err(|cause| Failure::Permanent(cause.clone()))?;
        let request = http.post(url.clone()).header(CONTENT_TYPE, content_type).body(body.to_owned());
        // With -vvv, the libraries below would log the host.
        let response = request.send().with_subscriber(NoSubscriber::default());
        let response = response.await.map_err(|error| Failure::Temporary(root_cause(&error)))?;
        let status = response.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => {
                Err(Failure::Permanent(format!("HTTP {}, and redirects are not followed", status.as_u16())))
            }
            429 | 500.. => Err(Failure::Temporary(format!("HTTP {}", status.as_u16()))),
            code => Err(Failure::Permanent(format!("HTTP {code}"))),
        }
    }
}

/// Why an attempt failed.
enum Failure {
    /// A retry can succeed.
    Temporary(String),
    /// A retry would fail too.
    Permanent(String),
}

impl Failure {
    fn cause(self) -> String {
        match self {
            Failure::Temporary(cause) | Failure::Permanent(cause) => cause,
        }
    }
}

/// The longest beginning of the text within the limit, in whole characters.
pub(super) fn truncated(text: &str, max_bytes: usize) -> &str {
    let fits = (0..=max_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..fits.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_address_is_named_with_its_fault_and_not_repeated() {
        for (address, why) in [
            ("", "it is empty"),
            ("https://h/s3cret\nhttps://h/s3cret", "it has several lines"),
            ("# Slack\r\nhttps://h/s3cret", "it has several lines"),
            ("https://h/s3cret x", "it contains a space or another invalid character"),
            ("https://h/s3cret\tx", "it contains a space or another invalid character"),
            ("h/s3cret", "it does not begin with https://"),
            ("ftp://h/s3cret", "the scheme must be https or http"),
            ("https://", "empty host"),
        ] {
            let error = parse_address(address, "ping URL", "ping.txt", "https://h/ and a code").unwrap_err();
            assert_eq!(error.to_string(), format!("invalid ping URL in ping.txt: {why}"), "{address:?}");
            let hint = "give the URL alone, on one line; it looks like https://h/ and a code";
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(truncated("aé", 2), "a");
        assert_eq!(truncated("aé", 3), "aé");
        assert_eq!(truncated("", 3), "");
    }
}
