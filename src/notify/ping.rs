//! Pings in the protocol of healthchecks.io.
//!
//! The start is `POST U/start`. The end is `POST U` after a success, or `POST U/3` after exit code 3, with the summary
//! as body. The query parameter `rid` is the same in both, so that the service can match two concurrent syncs.

use crate::error::{Error, Result};
use crate::http::{client_builder, is_loopback, root_cause, tls_unavailable};
use crate::secret::PingUrl;
use reqwest::header::CONTENT_TYPE;
use std::time::Duration;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use url::Url;

/// The time limit of one attempt, from the DNS lookup to the last byte.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(4);

/// The wait between the two attempts.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The limit of the summary in bytes.
const MAX_BODY_BYTES: usize = 10_000;

/// The pings of one sync.
pub(super) struct Ping {
    /// The client, or why it could not be built. A sync must not fail because of its ping.
    http: Result<reqwest::Client, String>,
    url: Url,
}

impl Ping {
    /// Pings to the address. `None`, with a warning: it is a secret, and plain HTTP would show it to the network.
    /// Messages name the `origin` of the address, never the address itself.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not an HTTP address.
    pub(super) fn new(url: &PingUrl, origin: &str) -> Result<Option<Ping>> {
        let refuse = |why: &str| Error::Usage {
            what: format!("invalid ping URL in {origin}: {why}"),
            hint: Some("a ping URL looks like https://hc-ping.com/ and a code".to_owned()),
        };
        let mut url = Url::parse(url.expose()).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse("the scheme must be https or http"));
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            tracing::warn!(
                "no ping is sent: over plain http, others on the network can read the ping URL in {origin}. \
                 Change it to https"
            );
            return Ok(None);
        }
        if !url.query_pairs().any(|(name, _)| name == "rid") {
            let run = uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid();
            url.query_pairs_mut().append_pair("rid", &run.to_string());
        }
        let http = client_builder(&url).connect_timeout(ATTEMPT_LIMIT).timeout(ATTEMPT_LIMIT).build();
        Ok(Some(Ping { http: http.map_err(|error| tls_unavailable(&error).cause), url }))
    }

    /// Reports the start of the sync.
    ///
    /// # Errors
    /// The cause, without the address.
    pub(super) async fn start(&self) -> Result<(), String> {
        self.send(self.below("start"), "").await
    }

    /// Reports the end of the sync.
    ///
    /// # Errors
    /// As [`Ping::start`].
    pub(super) async fn end(&self, exit_code: u8, summary: &str) -> Result<(), String> {
        let url = match exit_code {
            0 => self.url.clone(),
            code => self.below(&code.to_string()),
        };
        self.send(url, truncated(summary, MAX_BODY_BYTES)).await
    }

    /// The address with one more path segment. Its query stays.
    fn below(&self, part: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{part}", self.url.path().trim_end_matches('/')));
        url
    }

    /// Sends the request, and retries a temporary failure once.
    async fn send(&self, url: Url, body: &str) -> Result<(), String> {
        match self.try_once(url.clone(), body).await {
            Err(Failure::Temporary(_)) => {
                tokio::time::sleep(RETRY_AFTER).await;
                self.try_once(url, body).await.map_err(Failure::cause)
            }
            other => other.map_err(Failure::cause),
        }
    }

    async fn try_once(&self, url: Url, body: &str) -> Result<(), Failure> {
        let http = self.http.as_ref().map_err(|cause| Failure::Permanent(cause.clone()))?;
        let request = http.post(url).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(body.to_owned());
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
fn truncated(text: &str, max_bytes: usize) -> &str {
    let fits = (0..=max_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..fits.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn ping(url: &str) -> Result<Ping> {
        let ping = Ping::new(&PingUrl::from(url.to_owned()), "--ping-url")?;
        Ok(ping.expect("the address is not sent in clear"))
    }

    #[test]
    fn a_suffix_extends_the_path_and_keeps_the_query() {
        let rid = "rid=00000000-0000-4000-8000-000000000000";
        for (url, start, failure) in [
            ("https://h/code", "/code/start?", "/code/5?"),
            ("https://h/code/", "/code/start?", "/code/5?"),
            ("https://h/key/name?create=1", "/key/name/start?create=1&", "/key/name/5?create=1&"),
        ] {
            let url = if url.contains('?') { format!("{url}&{rid}") } else { format!("{url}?{rid}") };
            let ping = ping(&url).unwrap();
            assert_eq!(ping.below("start").as_str(), format!("https://h{start}{rid}"));
            assert_eq!(ping.below("5").as_str(), format!("https://h{failure}{rid}"));
            assert_eq!(ping.url.as_str(), url);
        }
    }

    #[test]
    fn each_sync_has_its_own_rid() {
        let named =
            |ping: &Ping| Uuid::parse_str(ping.url.query().unwrap().strip_prefix("rid=").unwrap()).unwrap();
        let (one, other) = (ping("https://h/code").unwrap(), ping("https://h/code").unwrap());
        assert_eq!(named(&one).get_version_num(), 4);
        assert_ne!(named(&one), named(&other));
    }

    #[test]
    fn an_invalid_address_is_refused_without_repeating_it() {
        for text in ["s3cret", "ftp://h/s3cret", "https:///s3cret:x", "https://h:s3cret/", ""] {
            let refused = ping(text).err().unwrap();
            assert_eq!(refused.exit_code(), 2, "{text}");
            assert!(
                refused.to_string().contains("--ping-url") && !refused.to_string().contains("s3cret"),
                "{refused}"
            );
        }
    }

    #[test]
    fn plain_http_to_another_machine_sends_no_ping() {
        let is_sent = |url: &str| Ping::new(&PingUrl::from(url.to_owned()), "--ping-url").unwrap().is_some();
        for url in ["http://ping.example/s3cret", "http://10.0.0.7/s3cret", "http://localhost.example/s3cret"]
        {
            assert!(!is_sent(url), "{url}");
        }
        for url in ["https://ping.example/s3cret", "http://127.0.0.1:1/s3cret", "http://[::1]/s3cret"] {
            assert!(is_sent(url), "{url}");
        }
    }

    #[test]
    fn a_long_summary_is_cut_between_characters() {
        assert_eq!(truncated("aé", 2), "a");
        assert_eq!(truncated("aé", 3), "aé");
        assert_eq!(truncated("", 3), "");
    }
}
