//! This is the ping: a service that waits for syncs is told when one begins and how it ended.
//!
//! It speaks as healthchecks.io and those like it listen: `POST U/start`, then `POST U` for a success or
//! `POST U/3` for a sync that ended with exit code 3, with the summary as body. `rid` in the query is the
//! same in both, so that two syncs at once are told apart.

use super::{http_to, no_secure_connection, root_cause};
use crate::error::{Error, Result};
use crate::secret::PingUrl;
use reqwest::header::CONTENT_TYPE;
use std::time::Duration;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use url::Url;

/// How long one attempt may take, from the name's look-up to the last byte.
const ATTEMPT: Duration = Duration::from_secs(4);

/// How long to wait between the two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// How much of a summary is sent.
const MOST_BODY_BYTES: usize = 10_000;

/// Somebody who waits for pings.
pub struct Ping {
    /// Why there is no client, where there is none: a sync must not fail for its ping.
    http: Result<reqwest::Client, String>,
    url: Url,
}

impl Ping {
    /// A ping to the address that `origin` names; errors name the latter.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is no address. The address itself is in no message.
    pub fn new(url: &PingUrl, origin: &str) -> Result<Ping> {
        let refuse = |why: &str| Error::Usage {
            what: format!("the address of the ping in {origin} cannot be used: {why}"),
            hint: Some("an address looks like https://hc-ping.com/ and a code".to_owned()),
        };
        let mut url = Url::parse(url.expose()).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(refuse("it is neither https nor http"));
        }
        if !url.query_pairs().any(|(name, _)| name == "rid") {
            let run = uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid();
            url.query_pairs_mut().append_pair("rid", &run.to_string());
        }
        let http = http_to(&url).connect_timeout(ATTEMPT).timeout(ATTEMPT).build();
        Ok(Ping { http: http.map_err(|error| no_secure_connection(&error)), url })
    }

    /// Says that a sync begins.
    ///
    /// # Errors
    /// Why that did not arrive, in words without the address.
    pub async fn start(&self) -> Result<(), String> {
        self.send(self.below("start"), "").await
    }

    /// Says that it ended with this exit code, and what came of it.
    ///
    /// # Errors
    /// As [`Ping::start`].
    pub async fn end(&self, exit_code: u8, summary: &str) -> Result<(), String> {
        let url = match exit_code {
            0 => self.url.clone(),
            code => self.below(&code.to_string()),
        };
        self.send(url, beginning(summary, MOST_BODY_BYTES)).await
    }

    /// The address with one more part at the end of its path; its query stays.
    fn below(&self, part: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{part}", self.url.path().trim_end_matches('/')));
        url
    }

    /// Sends it, and once more where that may help.
    async fn send(&self, url: Url, body: &str) -> Result<(), String> {
        match self.try_once(url.clone(), body).await {
            Err(Refusal::ForNow(_)) => {
                tokio::time::sleep(PAUSE).await;
                self.try_once(url, body).await.map_err(Refusal::in_words)
            }
            other => other.map_err(Refusal::in_words),
        }
    }

    async fn try_once(&self, url: Url, body: &str) -> Result<(), Refusal> {
        let http = self.http.as_ref().map_err(|cause| Refusal::ForGood(cause.clone()))?;
        let request = http.post(url).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(body.to_owned());
        // At the highest verbosity the libraries below would name the host.
        let response = request.send().with_subscriber(NoSubscriber::default());
        let response = response.await.map_err(|error| Refusal::ForNow(root_cause(&error)))?;
        let status = response.status();
        // What it says beyond that is nobody's business.
        match status.as_u16() {
            200..=299 => Ok(()),
            300..=399 => {
                Err(Refusal::ForGood(format!("HTTP {}, and no redirect is followed", status.as_u16())))
            }
            429 | 500.. => Err(Refusal::ForNow(format!("HTTP {}", status.as_u16()))),
            code => Err(Refusal::ForGood(format!("HTTP {code}"))),
        }
    }
}

/// Why a ping did not arrive.
enum Refusal {
    /// Another attempt may arrive.
    ForNow(String),
    /// No other attempt would.
    ForGood(String),
}

impl Refusal {
    fn in_words(self) -> String {
        match self {
            Refusal::ForNow(cause) | Refusal::ForGood(cause) => cause,
        }
    }
}

/// As much of a text's beginning as fits, in whole characters.
fn beginning(text: &str, most_bytes: usize) -> &str {
    let fits = (0..=most_bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..fits.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn ping(url: &str) -> Result<Ping> {
        Ping::new(&PingUrl::from(url.to_owned()), "--ping-url")
    }

    #[test]
    fn what_follows_the_address_goes_into_its_path_and_its_query_stays() {
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
    fn a_sync_says_which_one_it_is() {
        let named =
            |ping: &Ping| Uuid::parse_str(ping.url.query().unwrap().strip_prefix("rid=").unwrap()).unwrap();
        let (one, other) = (ping("https://h/code").unwrap(), ping("https://h/code").unwrap());
        assert_eq!(named(&one).get_version_num(), 4);
        assert_ne!(named(&one), named(&other));
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_being_repeated() {
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
    fn a_long_summary_is_cut_between_two_characters() {
        assert_eq!(beginning("aé", 2), "a");
        assert_eq!(beginning("aé", 3), "aé");
        assert_eq!(beginning("", 3), "");
    }
}
