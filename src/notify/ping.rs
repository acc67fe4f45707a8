//! Pings in the protocol of healthchecks.io.
//!
//! The start is `POST U/start`. The end is `POST U` after a success, or `POST U/3` after exit code 3, with the summary
//! as body. The query parameter `rid` is the same in both, so that the service can match two concurrent syncs.

use super::endpoint::{Endpoint, parse_address, truncated};
use crate::error::Result;
use crate::secret::PingUrl;
use url::Url;

/// The limit of the summary in bytes.
const MAX_BODY_BYTES: usize = 10_000;

/// The pings of one sync.
pub(super) struct Ping {
    endpoint: Endpoint,
    url: Url,
}

impl Ping {
    /// Pings to the address. `None`, with a warning: it is a secret, and plain HTTP would show it to the network.
    /// Messages name the `origin` of the address, never the address itself.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is not an HTTP address.
    pub(super) fn new(url: &PingUrl, origin: &str) -> Result<Option<Ping>> {
        let example = "https://hc-ping.com/ and a code";
        let (mut url, is_safe) = parse_address(url.expose(), "ping URL", origin, example)?;
        if !is_safe {
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
        Ok(Some(Ping { endpoint: Endpoint::new(&url), url }))
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

    async fn send(&self, url: Url, body: &str) -> Result<(), String> {
        self.endpoint.post(&url, "text/plain; charset=utf-8", body).await
    }
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
}
