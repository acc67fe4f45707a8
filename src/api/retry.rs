//! Retry with exponential backoff, full jitter and `Retry-After`.

use super::explanation::HTML;
use crate::escape::escape_control;
use crate::excerpt::excerpt;
use crate::http::Diagnosis;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Why a request gave no usable response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The status is not 200.
    Status {
        /// The HTTP status.
        status: u16,
        /// The delay from `Retry-After`, zero if it is invalid. `None`: there is none.
        retry_after: Option<Duration>,
        /// The server's explanation, on one line. `None`: it gave none.
        detail: Option<String>,
    },
    /// No connection could be made.
    Connection(Diagnosis),
    /// The transfer failed.
    Transport(String),
    /// The response is complete but not as the contract promises.
    InvalidResponse(String),
    /// The response exceeds the size limit.
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// A redirect. It is never followed, because the key goes to one origin only.
    Redirect {
        /// The HTTP status.
        status: u16,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Status { status, detail: Some(detail), .. } => write!(f, "HTTP {status}: {detail}"),
            Failure::Status { status, detail: None, .. } => write!(f, "HTTP {status}"),
            Failure::Connection(diagnosis) => f.write_str(&diagnosis.cause),
            Failure::Transport(cause) => f.write_str(cause),
            Failure::InvalidResponse(cause) => {
                // The parser quotes the value, of any length, before it says what it expected.
                write!(f, "the response is not usable: {}", escape_control(&excerpt(cause, 120, 120)))
            }
            Failure::TooLarge { limit_bytes } => {
                write!(f, "the response is larger than {limit_bytes} bytes")
            }
            Failure::Redirect { status } => {
                write!(
                    f,
                    "HTTP {status}: redirects are not followed, because the key goes to one origin only"
                )
            }
        }
    }
}

impl Failure {
    /// Whether the answer is HTML: a proxy or firewall answered in place of the API.
    pub(crate) fn is_html(&self) -> bool {
        matches!(self, Failure::Status { detail: Some(text), .. } | Failure::InvalidResponse(text) if text == HTML)
    }

    /// Whether it is a rate limit: 429, or 403 with `Retry-After`.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(
            self,
            Failure::Status { status: 429, .. } | Failure::Status { status: 403, retry_after: Some(_), .. }
        )
    }

    /// Whether the API rejects the key.
    pub(crate) fn refuses_key(&self) -> bool {
        matches!(self, Failure::Status { status: 401 | 403, .. }) && !self.is_rate_limit() && !self.is_html()
    }

    /// Whether the same request may succeed later.
    fn is_transient(&self) -> bool {
        match self {
            Failure::Status { .. } if self.is_rate_limit() => true,
            Failure::Status { status, .. } => matches!(status, 408 | 425 | 500..=599),
            Failure::Connection(_) | Failure::Transport(_) | Failure::InvalidResponse(_) => true,
            Failure::TooLarge { .. } | Failure::Redirect { .. } => false,
        }
    }
}

/// When a failed request is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of attempts, including the first.
    pub attempts: u32,
    /// The maximum delay after the first attempt. It doubles with each attempt.
    pub base_delay: Duration,
    /// The maximum delay.
    pub max_delay: Duration,
    /// The maximum delay that `Retry-After` can ask for.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            attempts: 6,
            base_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// The policy with fewer attempts. `None`: as many as before.
    pub(crate) fn with_attempts(self, attempts: Option<u32>) -> RetryPolicy {
        RetryPolicy {
            attempts: attempts.map_or(self.attempts, |attempts| attempts.min(self.attempts)),
            ..self
        }
    }

    /// The delay after attempt number `attempt` (from 1) failed. `None`: give up.
    ///
    /// `random`, from 0 to 1, spreads the requests of many clients ("full jitter"). `Retry-After` is honored up to its
    /// limit.
    pub fn delay_after(&self, failure: &Failure, attempt: u32, random: f64) -> Option<Duration> {
        if attempt >= self.attempts || !failure.is_transient() {
            return None;
        }
        let doubled = self.base_delay.saturating_mul(2_u32.saturating_pow(attempt - 1));
        let jitter = doubled.min(self.max_delay).mul_f64(random.clamp(0.0, 1.0));
        match failure {
            Failure::Status { retry_after: Some(requested), .. } => {
                Some((*requested).min(self.max_retry_after).max(jitter))
            }
            _ => Some(jitter),
        }
    }
}

/// Parses `Retry-After`: seconds, or an HTTP date relative to `now`. `None`: it is neither.
pub(crate) fn parse_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn status(status: u16) -> Failure {
        Failure::Status { status, retry_after: None, detail: None }
    }

    #[test]
    fn only_transient_failures_are_retried() {
        let policy = RetryPolicy::default();
        for failure in [408, 425, 429, 500, 502, 503, 504].map(status) {
            assert!(policy.delay_after(&failure, 1, 0.5).is_some(), "{failure}");
        }
        for failure in [400, 401, 403, 404, 410].map(status) {
            assert_eq!(policy.delay_after(&failure, 1, 0.5), None, "{failure}");
        }
        assert!(policy.delay_after(&Failure::Transport("reset".into()), 1, 0.5).is_some());
        assert_eq!(policy.delay_after(&Failure::Redirect { status: 302 }, 1, 0.5), None);
        // With Retry-After, 403 is a rate limit.
        let limited = Failure::Status { status: 403, retry_after: Some(SECOND), detail: None };
        assert_eq!(policy.delay_after(&limited, 1, 0.0), Some(SECOND));
    }

    #[test]
    fn a_failure_quotes_no_long_text() {
        let cause = format!("invalid type: string \"{}\", expected an array", "\u{9b}".repeat(1_000_000));
        let text = Failure::InvalidResponse(cause).to_string();
        assert!(text.ends_with("\", expected an array") && text.len() < 2000, "{text}");
    }

    #[test]
    fn delays_double_up_to_a_limit_and_end() {
        let policy = RetryPolicy::default();
        let delays: Vec<_> = (1..=6).map(|attempt| policy.delay_after(&status(503), attempt, 1.0)).collect();
        assert_eq!(
            delays,
            [Some(SECOND), Some(SECOND * 2), Some(SECOND * 4), Some(SECOND * 8), Some(SECOND * 16), None]
        );
        let long = RetryPolicy { attempts: 100, ..policy };
        assert_eq!(long.delay_after(&status(503), 40, 1.0), Some(SECOND * 30));
        assert_eq!(long.delay_after(&status(503), 40, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn retry_after_is_honored_up_to_a_limit() {
        let policy = RetryPolicy::default();
        let asked =
            |seconds| Failure::Status { status: 429, retry_after: Some(SECOND * seconds), detail: None };
        assert_eq!(policy.delay_after(&asked(7), 1, 0.5), Some(SECOND * 7));
        assert_eq!(policy.delay_after(&asked(1_000_000), 1, 0.5), Some(SECOND * 300));
    }

    #[test]
    fn retry_after_is_parsed_in_both_forms() {
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 16:00:00 GMT").unwrap();
        assert_eq!(parse_retry_after(" 12 ", now), Some(SECOND * 12));
        assert_eq!(parse_retry_after("Mon, 23 Nov 2026 16:01:00 GMT", now), Some(SECOND * 60));
        assert_eq!(parse_retry_after("Mon, 23 Nov 2020 16:01:00 GMT", now), Some(Duration::ZERO));
        for garbage in ["soon", "-3", "1.5", ""] {
            assert_eq!(parse_retry_after(garbage, now), None, "{garbage}");
        }
    }
}
