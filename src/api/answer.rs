//! Any answer of the server, for a probe: with its status, and without a second attempt.

use super::body::{self, Body};
use super::{Client, Failure, explanation};
use crate::error::Result;
use chrono::{DateTime, Utc};
use reqwest::header::DATE;
use std::time::Duration;
use tokio::time::Instant;

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The HTTP status. 0: the transfer failed.
    pub status: u16,
    /// The body, without the API key. Empty: the transfer failed, or the body is too large.
    pub body: String,
    /// The server's explanation. `None`: it gave none.
    pub detail: Option<String>,
    /// The time until the body was complete.
    pub took: Duration,
    /// The server's time. `None`: it sent none.
    pub server_time: Option<DateTime<Utc>>,
    /// The names of headers about a rate limit, in lower case.
    pub rate_limit_headers: Vec<String>,
}

impl Client {
    /// Sends one request. Later attempts follow only if no connection could be made.
    ///
    /// # Errors
    /// [`crate::error::Error::Unreachable`].
    pub(crate) async fn ask(&self, path: &str, query: &[(String, String)]) -> Result<Answer> {
        self.wait_for_rate_limit().await;
        let mut url = self.base_url.join(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let began = Instant::now();
        let response = match self.send(&url).await {
            Err(Failure::Connection(diagnosis)) if !self.contact.is_made() => {
                // The diagnosis takes care of further attempts. If one succeeds, the request is sent once more.
                let _ = self.connect_again(&url, diagnosis, began).await?;
                self.send(&url).await
            }
            response => response,
        };
        let response = match response {
            Ok(response) => response,
            Err(Failure::Connection(diagnosis)) => {
                return Err(super::contact::unreachable(&self.base_url, &diagnosis));
            }
            Err(failure) => return Ok(Answer::failed(&failure, began.elapsed())),
        };
        let status = response.status().as_u16();
        let headers = response.headers();
        let server_time = headers
            .get(DATE)
            .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
            .map(DateTime::<Utc>::from);
        let is_about_limits = |name: &&str| name.contains("ratelimit") || *name == "retry-after";
        let rate_limit_headers =
            headers.keys().map(|name| name.as_str()).filter(is_about_limits).map(str::to_owned).collect();
        let body = match body::read(response, self.config.limits.body_bytes).await {
            Ok(Body { bytes, is_truncated: false }) => {
                self.text(String::from_utf8_lossy(&bytes).into_owned())
            }
            Ok(_) => String::new(),
            Err(failure) => return Ok(Answer::failed(&failure, began.elapsed())),
        };
        Ok(Answer {
            status,
            detail: (status != 200).then(|| explanation::explanation(&body)).flatten(),
            body,
            took: began.elapsed(),
            server_time,
            rate_limit_headers,
        })
    }
}

impl Answer {
    fn failed(failure: &Failure, took: Duration) -> Answer {
        Answer {
            status: 0,
            body: String::new(),
            detail: Some(failure.to_string()),
            took,
            server_time: None,
            rate_limit_headers: Vec::new(),
        }
    }
}
