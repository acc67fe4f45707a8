//! One answer of the server as it is, for a probe: without a second attempt, and with its headers.

use super::{Client, Failure};
use crate::error::Result;
use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap};
use std::time::Duration;
use tokio::time::Instant;

/// The headers about a rate limit that servers send, in lower case.
const RATE_LIMIT_HEADERS: [&str; 12] = [
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
];

/// An answer of the server.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The body, without the API key.
    pub body: std::result::Result<String, Failure>,
    /// The time until the body was complete.
    pub took: Duration,
    /// The server's time, from the header `Date`. `None`: it sent none.
    pub server_time: Option<DateTime<Utc>>,
    /// The headers about a rate limit, each with its value if that is a whole number.
    pub rate_limit_headers: Vec<(&'static str, Option<u32>)>,
}

impl Client {
    /// Sends one request. Further attempts follow only if the first connection cannot be made.
    ///
    /// # Errors
    /// [`crate::error::Error::Unreachable`] when the first connection cannot be made. Later failures are answers.
    pub(crate) async fn ask(&self, path: &str, query: &[(&str, String)]) -> Result<Answer> {
        self.wait_for_rate_limit().await;
        let mut url = self.base_url.join(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut began = Instant::now();
        let response = match self.send(&url).await {
            Err(Failure::Connection(diagnosis)) if !self.contact.is_made() => {
                // It discards the response that it gets, so the request is sent again.
                let _ = self.connect_again(&url, diagnosis, began).await?;
                began = Instant::now();
                self.send(&url).await
            }
            response => response,
        };
        let (server_time, rate_limit_headers) = match &response {
            Ok(response) => (server_time(response.headers()), rate_limit_headers(response.headers())),
            Err(_) => (None, Vec::new()),
        };
        let body = match response {
            Ok(response) => self.read(response).await,
            Err(failure) => Err(failure),
        };
        Ok(Answer { body, took: began.elapsed(), server_time, rate_limit_headers })
    }
}

fn server_time(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok().map(DateTime::from)
}

fn rate_limit_headers(headers: &HeaderMap) -> Vec<(&'static str, Option<u32>)> {
    let value =
        |name| headers.get(name).map(|value| (name, value.to_str().ok().and_then(|text| text.parse().ok())));
    RATE_LIMIT_HEADERS.into_iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn only_known_rate_limit_headers_and_numbers_are_read() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("100"));
        headers.insert("ratelimit-policy", HeaderValue::from_static("100;w=60;name=acme"));
        headers.insert("x-ratelimit-acme", HeaderValue::from_static("7"));
        assert_eq!(
            rate_limit_headers(&headers),
            [("ratelimit-policy", None), ("x-ratelimit-limit", Some(100))]
        );
    }

    #[test]
    fn the_server_time_is_an_http_date() {
        let mut headers = HeaderMap::new();
        assert_eq!(server_time(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Mon, 23 Nov 2026 16:00:00 GMT"));
        assert_eq!(
            server_time(&headers).map(|at| at.to_rfc3339()).as_deref(),
            Some("2026-11-23T16:00:00+00:00")
        );
        headers.insert(DATE, HeaderValue::from_static("today"));
        assert_eq!(server_time(&headers), None);
    }
}
