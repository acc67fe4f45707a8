//! The API client: one origin, the key in a header, limits on time and size, retries with backoff.

mod answer;
mod base_url;
mod body;
mod contact;
mod explanation;
mod page;
mod retry;

pub(crate) use answer::Answer;
pub use base_url::BaseUrl;
pub use page::Page;
pub use retry::RetryPolicy;
pub(crate) use retry::{Failure, parse_retry_after};

use crate::error::{Error, Result};
use crate::http::{Diagnosis, client_builder, root_cause, tls_unavailable};
use crate::secret::{ApiKey, EchoFilter};
use crate::wording::counted;
use body::Body;
use contact::{FirstContact, unreachable};
use explanation::{explanation, is_html};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

/// The path of the run list.
pub(crate) const RUNS: &str = "/api/v1/runs/";

/// The target of log messages about retries, which `--quiet` holds back until the command fails.
pub const RETRIES: &str = "runledger::retries";

/// The time limit for reading the body of an error, which only explains it.
const EXPLANATION_LIMIT: Duration = Duration::from_secs(5);

/// The settings of a [`Client`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientConfig {
    /// When failed requests are retried.
    pub retry: RetryPolicy,
    /// The limits of one request.
    pub limits: Limits,
    /// The maximum number of requests started per second. `None`: no limit.
    pub max_requests_per_second: Option<f64>,
}

/// The limits of one request in time and space.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time to establish a connection, with the DNS lookup and the proxy.
    pub connect: Duration,
    /// The time without any data received.
    pub idle: Duration,
    /// The time of the whole request, from connecting to the last byte of the response.
    pub total: Duration,
    /// The size of a response after decompression.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            // The diagnosis of a failed connection must end within ten seconds, retries included.
            connect: Duration::from_secs(8),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            body_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Waits between two attempts. Tests record the time instead of waiting.
pub(crate) type Sleeper = Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A client of the API. It builds every URL itself: it follows neither redirects nor `next` links.
pub struct Client {
    http: reqwest::Client,
    base_url: BaseUrl,
    config: ClientConfig,
    sleeper: Sleeper,
    /// Every response passes it first.
    echo_filter: EchoFilter,
    contact: FirstContact,
    /// When the next request may start.
    next_start: Mutex<Instant>,
    requests: AtomicU64,
}

impl Client {
    /// A client that sends `key` to `base_url` only.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the system has no certificates to verify a server with; [`Error::Usage`] when the
    /// key does not fit into an HTTP header.
    pub fn new(base_url: BaseUrl, key: &ApiKey, config: ClientConfig) -> Result<Client> {
        let mut value = HeaderValue::from_str(key.expose())
            .map_err(|_| Error::usage("the API key has characters that an HTTP header cannot hold"))?;
        value.set_sensitive(true);
        let http = client_builder(&base_url.join(""))
            .default_headers(HeaderMap::from_iter([
                (HeaderName::from_static("x-api-key"), value),
                (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
            ]))
            .connect_timeout(config.limits.connect)
            .read_timeout(config.limits.idle)
            .timeout(config.limits.total)
            .build()
            .map_err(|error| unreachable(&base_url, &tls_unavailable(&error)))?;
        Ok(Client {
            http,
            base_url,
            config,
            sleeper: Box::new(|wait| Box::pin(tokio::time::sleep(wait))),
            echo_filter: EchoFilter::new(key),
            contact: FirstContact::default(),
            next_start: Mutex::new(Instant::now()),
            requests: AtomicU64::new(0),
        })
    }

    /// The client with another way to wait between two attempts.
    pub fn with_sleeper(self, sleeper: Sleeper) -> Client {
        Client { sleeper, ..self }
    }

    /// The base URL of the API.
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// The number of requests sent, including retries.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Fetches a page of the run list and returns what `read` makes of it. `None`: the list ends before this page.
    /// `attempts` limits the retries further than the policy. `None`: it does not.
    ///
    /// # Errors
    /// [`Error::KeyRefused`], [`Error::Unreachable`], [`Error::ApiUnavailable`], [`Error::ResponseTooLarge`].
    pub async fn run_page<T>(
        &self,
        page: u32,
        page_size: u32,
        attempts: Option<u32>,
        read: impl Fn(&Page<'_>) -> T,
    ) -> Result<Option<T>> {
        let response = self.list_page(RUNS, page, page_size, attempts, read).await?;
        match response {
            Found::Value(value) => Ok(Some(value)),
            Found::Nothing if page > 1 => Ok(None),
            Found::Nothing => Err(Error::ApiMoved {
                what: format!("{} has no run list at {RUNS}", self.base_url),
                cause: "HTTP 404".to_owned(),
            }),
        }
    }

    /// Fetches a page of a pipeline list such as `sources`. `None`: there is no such page.
    ///
    /// # Errors
    /// [`Error::KeyRefused`], [`Error::Unreachable`], [`Error::ApiUnavailable`], [`Error::ResponseTooLarge`].
    pub async fn pipeline_page<T>(
        &self,
        list: &str,
        page: u32,
        page_size: u32,
        attempts: Option<u32>,
        read: impl Fn(&Page<'_>) -> T,
    ) -> Result<Option<T>> {
        let response = self.list_page(&format!("/api/v1/{list}/"), page, page_size, attempts, read).await?;
        Ok(match response {
            Found::Value(value) => Some(value),
            Found::Nothing => None,
        })
    }

    /// Fetches a run and returns what `read` makes of its JSON. `None`: the API has no such run. `attempts` is as in
    /// [`Client::run_page`].
    ///
    /// # Errors
    /// [`Error::KeyRefused`], [`Error::Unreachable`], [`Error::ApiUnavailable`], [`Error::ResponseTooLarge`].
    pub async fn run<T>(
        &self,
        id: Uuid,
        attempts: Option<u32>,
        read: impl Fn(&serde_json::value::RawValue) -> T,
    ) -> Result<Option<T>> {
        let path = format!("{RUNS}{id}/");
        let response = self
            .get(self.base_url.join(&path), &path, attempts, |body| {
                let item = serde_json::from_str(body).map_err(|error| format!("it is not JSON: {error}"))?;
                Ok(read(item))
            })
            .await?;
        Ok(match response {
            Found::Value(value) => Some(value),
            Found::Nothing => None,
        })
    }

    async fn list_page<T>(
        &self,
        path: &str,
        page: u32,
        page_size: u32,
        attempts: Option<u32>,
        read: impl Fn(&Page<'_>) -> T,
    ) -> Result<Found<T>> {
        let mut url = self.base_url.join(path);
        url.query_pairs_mut()
            .append_pair("page", &page.to_string())
            .append_pair("page_size", &page_size.to_string());
        self.get(url, &format!("{path} page {page}"), attempts, |body| Ok(read(&Page::parse(body)?))).await
    }

    /// Sends the request until a response is usable or the retry policy gives up. `what` names the request in errors.
    async fn get<T>(
        &self,
        url: Url,
        what: &str,
        attempts: Option<u32>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Found<T>> {
        let retry = self.config.retry.with_attempts(attempts);
        let began = Instant::now();
        for attempt in 1.. {
            self.wait_for_rate_limit().await;
            let body = match self.try_once(url.clone()).await {
                Err(Failure::Connection(diagnosis)) if !self.contact.is_made() => {
                    self.connect_again(&url, diagnosis, began).await?
                }
                body => body,
            };
            let failure = match body.and_then(|body| read(&body).map_err(Failure::InvalidResponse)) {
                Ok(value) => return Ok(Found::Value(value)),
                Err(failure) => failure,
            };
            match failure {
                Failure::Status { status: 404, .. } if !failure.is_html() => return Ok(Found::Nothing),
                Failure::Status { status, ref detail, .. } if failure.refuses_key() => {
                    return Err(Error::KeyRefused { status, detail: detail.clone() });
                }
                Failure::TooLarge { limit_bytes } => {
                    let what = format!("the response of {} for {what}", self.base_url);
                    return Err(Error::ResponseTooLarge { what, limit_bytes });
                }
                Failure::Redirect { .. } => {
                    let what = format!("{} redirects {what}", self.base_url);
                    return Err(Error::ApiMoved { what, cause: failure.to_string() });
                }
                _ => {}
            }
            let Some(wait) = retry.delay_after(&failure, attempt, fastrand::f64()) else {
                return Err(Error::ApiUnavailable {
                    what: format!(
                        "{} gave no usable response for {what} in {}",
                        self.base_url,
                        counted(attempt.into(), "attempt")
                    ),
                    cause: failure.to_string(),
                });
            };
            tracing::warn!(target: RETRIES, %failure, attempt, wait_seconds = wait.as_secs_f64(), "retrying {what}");
            (self.sleeper)(wait).await;
        }
        unreachable!("a retry policy ends");
    }

    /// Sends one request.
    async fn send(&self, url: &Url) -> Result<Response, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = self.http.get(url.clone()).send().await.map_err(|error| {
            match Diagnosis::of(&error, url, self.config.limits.connect) {
                Some(diagnosis) => Failure::Connection(diagnosis),
                None => Failure::Transport(root_cause(&error)),
            }
        })?;
        self.contact.made();
        Ok(response)
    }

    /// Sends one request and returns the body, without the API key.
    async fn try_once(&self, url: Url) -> Result<String, Failure> {
        let response = self.send(&url).await?;
        self.read(response).await
    }

    /// Returns the body of a response, without the API key.
    async fn read(&self, response: Response) -> Result<String, Failure> {
        let status = response.status();
        if status.is_redirection() {
            return Err(Failure::Redirect { status: status.as_u16() });
        }
        if status != StatusCode::OK {
            return Err(self.status_failure(response).await);
        }
        let limit_bytes = self.config.limits.body_bytes;
        let Body { bytes, is_truncated } = body::read(response, limit_bytes).await?;
        if is_truncated {
            return Err(Failure::TooLarge { limit_bytes });
        }
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::InvalidResponse("it is not UTF-8".to_owned()))?;
        let text = self.text(text);
        if is_html(&text) {
            return Err(Failure::InvalidResponse(explanation::HTML.to_owned()));
        }
        Ok(text)
    }

    async fn status_failure(&self, response: Response) -> Failure {
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).map(|value| {
            let wait = value.to_str().ok().and_then(|text| parse_retry_after(text, SystemTime::now()));
            wait.unwrap_or_default()
        });
        let body = body::read(response, explanation::MAX_BYTES);
        let detail = match tokio::time::timeout(EXPLANATION_LIMIT, body).await {
            Ok(Ok(Body { bytes, .. })) => {
                explanation(&self.text(String::from_utf8_lossy(&bytes).into_owned()))
            }
            _ => None,
        };
        Failure::Status { status, retry_after, detail }
    }

    /// The text of a body, without a byte order mark and without the API key.
    fn text(&self, mut body: String) -> String {
        if body.starts_with('\u{feff}') {
            body.drain(..'\u{feff}'.len_utf8());
        }
        self.echo_filter.redact(body)
    }

    /// Waits until the rate limit allows another request.
    async fn wait_for_rate_limit(&self) {
        let Some(rate) = self.config.max_requests_per_second else { return };
        let start = {
            let mut next_start = self.next_start.lock().await;
            let start = (*next_start).max(Instant::now());
            *next_start = start + Duration::from_secs_f64(1.0 / rate);
            start
        };
        tokio::time::sleep_until(start).await;
    }
}

/// A response that needs no retry.
enum Found<T> {
    Value(T),
    /// The server answered 404.
    Nothing,
}
