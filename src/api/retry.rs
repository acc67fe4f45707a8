//! This is the patience with a failing API: how long to wait before another attempt, or to give up.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Why one request brought nothing that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The API answered with a status that is no success.
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the API asks to wait. `None`: it does not say, or not in a way that can be read.
        retry_after: Option<Duration>,
    },
    /// The connection, or the transfer of the answer, broke.
    Broken(String),
    /// The answer came, but is not what the contract promises.
    Unusable(String),
    /// The answer is larger than any can be.
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The API answered with a redirect, which is never followed: the key goes to one origin only.
    Redirect {
        /// The HTTP status.
        status: u16,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Status { status, .. } => write!(f, "HTTP {status}"),
            Failure::Broken(cause) => f.write_str(cause),
            Failure::Unusable(cause) => write!(f, "the answer cannot be used: {cause}"),
            Failure::TooLarge { limit_bytes } => {
                write!(f, "the answer is larger than {limit_bytes} bytes")
            }
            Failure::Redirect { status } => {
                write!(
                    f,
                    "HTTP {status}, a redirect, which is not followed: the key goes to one address only"
                )
            }
        }
    }
}

impl Failure {
    /// Whether the same request may fare better later.
    fn is_transient(&self) -> bool {
        match self {
            Failure::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Failure::Broken(_) | Failure::Unusable(_) => true,
            Failure::TooLarge { .. } | Failure::Redirect { .. } => false,
        }
    }
}

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often to try, the first time included.
    pub attempts: u32,
    /// The longest first wait; it doubles from attempt to attempt.
    pub first_wait: Duration,
    /// The longest wait of all.
    pub longest_wait: Duration,
    /// The longest wait that the API can ask for.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy {
            attempts: 6,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// How long to wait after the failure of attempt number `attempt` (from 1). `None`: give up.
    ///
    /// `chance`, from 0 to 1, spreads the waits of many clients evenly ("full jitter"). What the API
    /// asks for is honoured, up to the limit.
    pub fn wait_after(&self, failure: &Failure, attempt: u32, chance: f64) -> Option<Duration> {
        if attempt >= self.attempts || !failure.is_transient() {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(attempt - 1));
        let jitter = doubled.min(self.longest_wait).mul_f64(chance.clamp(0.0, 1.0));
        match failure {
            Failure::Status { retry_after: Some(asked), .. } => {
                Some((*asked).min(self.longest_retry_after).max(jitter))
            }
            _ => Some(jitter),
        }
    }
}

/// Reads `Retry-After`: seconds, or an HTTP date seen from `now`. `None`: it is neither.
pub fn read_retry_after(text: &str, now: SystemTime) -> Option<Duration> {
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
        Failure::Status { status, retry_after: None }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        let patience = RetryPolicy::default();
        for failure in [408, 425, 429, 500, 502, 503, 504].map(status) {
            assert!(patience.wait_after(&failure, 1, 0.5).is_some(), "{failure}");
        }
        for failure in [400, 401, 403, 404, 410].map(status) {
            assert_eq!(patience.wait_after(&failure, 1, 0.5), None, "{failure}");
        }
        assert!(patience.wait_after(&Failure::Broken("reset".into()), 1, 0.5).is_some());
        assert_eq!(patience.wait_after(&Failure::Redirect { status: 302 }, 1, 0.5), None);
    }

    #[test]
    fn waits_double_up_to_a_limit_and_end() {
        let patience = RetryPolicy::default();
        let waits: Vec<_> = (1..=6).map(|attempt| patience.wait_after(&status(503), attempt, 1.0)).collect();
        assert_eq!(
            waits,
            [Some(SECOND), Some(SECOND * 2), Some(SECOND * 4), Some(SECOND * 8), Some(SECOND * 16), None]
        );
        let long = RetryPolicy { attempts: 100, ..patience };
        assert_eq!(long.wait_after(&status(503), 40, 1.0), Some(SECOND * 30));
        assert_eq!(long.wait_after(&status(503), 40, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn what_the_api_asks_for_is_honoured_up_to_a_limit() {
        let patience = RetryPolicy::default();
        let asked = |seconds| Failure::Status { status: 429, retry_after: Some(SECOND * seconds) };
        assert_eq!(patience.wait_after(&asked(7), 1, 0.5), Some(SECOND * 7));
        assert_eq!(patience.wait_after(&asked(1_000_000), 1, 0.5), Some(SECOND * 300));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = httpdate::parse_http_date("Mon, 23 Nov 2026 16:00:00 GMT").unwrap();
        assert_eq!(read_retry_after(" 12 ", now), Some(SECOND * 12));
        assert_eq!(read_retry_after("Mon, 23 Nov 2026 16:01:00 GMT", now), Some(SECOND * 60));
        assert_eq!(read_retry_after("Mon, 23 Nov 2020 16:01:00 GMT", now), Some(Duration::ZERO));
        for garbage in ["soon", "-3", "1.5", ""] {
            assert_eq!(read_retry_after(garbage, now), None, "{garbage}");
        }
    }
}
