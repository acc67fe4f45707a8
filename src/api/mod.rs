//! This is the API as it can be asked: one origin, the key in a header, limits on everything, patience with failures.

mod base_url;
mod page;
mod retry;

pub use base_url::BaseUrl;
pub use page::Page;
pub use retry::{Failure, RetryPolicy, read_retry_after};

use crate::error::{Error, Result};
use crate::http::{client_builder, root_cause, tls_unavailable};
use crate::secret::ApiKey;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

/// The path of the run list.
const RUNS: &str = "/api/v1/runs/";

/// How the API is to be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientConfig {
    /// How patient to be with failures.
    pub patience: RetryPolicy,
    /// What one answer may cost.
    pub limits: Limits,
    /// At most so many requests begin in a second. `None`: as many as come.
    pub max_requests_per_second: Option<f64>,
}

/// What one answer may cost in time and space.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a connection may take to be made.
    pub connect: Duration,
    /// How long the API may send nothing.
    pub idle: Duration,
    /// How long an answer may take from the first to the last byte.
    pub total: Duration,
    /// How large an answer may be after decompression.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            body_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What passes the time between two attempts. Tests write down the time instead of spending it.
pub type Sleeper = Box<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A client of the API. It follows no redirect and no `next`: every address is its own.
pub struct Client {
    http: reqwest::Client,
    address: BaseUrl,
    manners: ClientConfig,
    pause: Sleeper,
    /// When the next request may begin.
    next_start: Mutex<Instant>,
    requests: AtomicU64,
}

impl Client {
    /// A client that sends `key` to `address` and to nothing else.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system has no certificates to check a server by.
    pub fn new(address: BaseUrl, key: &ApiKey, manners: ClientConfig) -> Result<Client> {
        let mut value = HeaderValue::from_str(key.expose())
            .map_err(|_| Error::usage("the API key fits no HTTP header"))?;
        value.set_sensitive(true);
        let http = client_builder(&address.join(""))
            .default_headers(HeaderMap::from_iter([(
                reqwest::header::HeaderName::from_static("x-api-key"),
                value,
            )]))
            .connect_timeout(manners.limits.connect)
            .read_timeout(manners.limits.idle)
            .timeout(manners.limits.total)
            .build()
            .map_err(|error| Error::Internal(tls_unavailable(&error)))?;
        Ok(Client {
            http,
            address,
            manners,
            pause: Box::new(|wait| Box::pin(tokio::time::sleep(wait))),
            next_start: Mutex::new(Instant::now()),
            requests: AtomicU64::new(0),
        })
    }

    /// The same client, which passes the time between two attempts in another way.
    pub fn pausing_with(self, pause: Sleeper) -> Client {
        Client { pause, ..self }
    }

    /// The address that is asked.
    pub fn address(&self) -> &BaseUrl {
        &self.address
    }

    /// How many requests were sent, repeated ones included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Asks for one page of the run list and gives what `read` makes of it. `None`: the list ends before.
    ///
    /// # Errors
    /// [`Error::KeyRefused`], [`Error::ApiUnavailable`], [`Error::ResponseTooLarge`].
    pub async fn run_page<T>(
        &self,
        page: u32,
        page_size: u32,
        read: impl Fn(&Page<'_>) -> T,
    ) -> Result<Option<T>> {
        let answer = self.list_page(RUNS, page, page_size, read).await?;
        match answer {
            Answer::Found(value) => Ok(Some(value)),
            Answer::NotFound if page > 1 => Ok(None),
            Answer::NotFound => Err(Error::ApiUnavailable {
                what: format!("{} has no run list at {RUNS}", self.address),
                cause: "HTTP 404".to_owned(),
            }),
        }
    }

    /// Asks for one page of a pipeline list such as `sources`. `None`: there is no such page.
    ///
    /// # Errors
    /// [`Error::KeyRefused`], [`Error::ApiUnavailable`], [`Error::ResponseTooLarge`].
    pub async fn pipeline_page<T>(
        &self,
        list: &str,
        page: u32,
        page_size: u32,
        read: impl Fn(&Page<'_>) -> T,
    ) -> Result<Option<T>> {
        let answer = self.list_page(&format!("/api/v1/{list}/"), page, page_size, read).await?;
        Ok(match answer {
            Answer::Found(value) => Some(value),
            Answer::NotFound => None,
        })
    }

    /// Asks for one run and gives what `read` makes of its JSON. `None`: the API has no such run.
    ///
    /// # Errors
    /// [`Error::KeyRefused`], [`Error::ApiUnavailable`], [`Error::ResponseTooLarge`].
    pub async fn run<T>(
        &self,
        id: Uuid,
        read: impl Fn(&serde_json::value::RawValue) -> T,
    ) -> Result<Option<T>> {
        let path = format!("{RUNS}{id}/");
        let answer = self
            .get(self.address.join(&path), &path, |body| {
                let item = serde_json::from_str(body).map_err(|error| format!("it is not JSON: {error}"))?;
                Ok(read(item))
            })
            .await?;
        Ok(match answer {
            Answer::Found(value) => Some(value),
            Answer::NotFound => None,
        })
    }

    async fn list_page<T>(
        &self,
        path: &str,
        page: u32,
        page_size: u32,
        read: impl Fn(&Page<'_>) -> T,
    ) -> Result<Answer<T>> {
        let mut url = self.address.join(path);
        url.query_pairs_mut()
            .append_pair("page", &page.to_string())
            .append_pair("page_size", &page_size.to_string());
        self.get(url, &format!("{path} page {page}"), |body| Ok(read(&Page::parse(body)?))).await
    }

    /// Asks until an answer can be used, or patience ends. `what` names the request in errors.
    async fn get<T>(
        &self,
        url: Url,
        what: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Answer<T>> {
        for attempt in 1.. {
            self.wait_for_turn().await;
            let failure = match self.try_once(url.clone()).await {
                Ok(body) => match read(&body) {
                    Ok(value) => return Ok(Answer::Found(value)),
                    Err(cause) => Failure::Unusable(cause),
                },
                Err(failure) => failure,
            };
            match failure {
                Failure::Status { status: 404, .. } => return Ok(Answer::NotFound),
                Failure::Status { status: status @ (401 | 403), .. } => {
                    return Err(Error::KeyRefused { status });
                }
                Failure::TooLarge { limit_bytes } => {
                    let what = format!("the answer of {} for {what}", self.address);
                    return Err(Error::ResponseTooLarge { what, limit_bytes });
                }
                _ => {}
            }
            let Some(wait) = self.manners.patience.wait_after(&failure, attempt, fastrand::f64()) else {
                return Err(Error::ApiUnavailable {
                    what: format!(
                        "{} did not answer {what} in {attempt} attempt{}",
                        self.address,
                        if attempt == 1 { "" } else { "s" }
                    ),
                    cause: failure.to_string(),
                });
            };
            tracing::warn!(%failure, attempt, wait_seconds = wait.as_secs_f64(), "{what} is asked again");
            (self.pause)(wait).await;
        }
        unreachable!("patience ends");
    }

    async fn try_once(&self, url: Url) -> Result<String, Failure> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let broken = |error: reqwest::Error| Failure::Broken(root_cause(&error));
        let mut response = self.http.get(url).send().await.map_err(broken)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Failure::Redirect { status: status.as_u16() });
        }
        if status != StatusCode::OK {
            let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = retry_after.and_then(|text| read_retry_after(text, SystemTime::now()));
            return Err(Failure::Status { status: status.as_u16(), retry_after });
        }
        let mut body = Vec::with_capacity(response.content_length().unwrap_or(0).min(1024 * 1024) as usize);
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > self.manners.limits.body_bytes {
                return Err(Failure::TooLarge { limit_bytes: self.manners.limits.body_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| Failure::Unusable("it is not UTF-8".to_owned()))
    }

    /// Waits until one more request may begin.
    async fn wait_for_turn(&self) {
        let Some(rate) = self.manners.max_requests_per_second else { return };
        let turn = {
            let mut next_start = self.next_start.lock().await;
            let turn = (*next_start).max(Instant::now());
            *next_start = turn + Duration::from_secs_f64(1.0 / rate);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

/// What the API says to a question that it understood.
enum Answer<T> {
    Found(T),
    NotFound,
}
