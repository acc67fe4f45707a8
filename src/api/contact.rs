//! The first contact with the server. A connection that fails before it fails for a permanent reason, most likely.

use super::{BaseUrl, Client, Failure};
use crate::error::{Error, Result};
use crate::http::Diagnosis;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// The waits before the second and the third attempt to connect.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// No further attempt starts after this time. With the time limit of a connection, the diagnosis takes less than 10 s.
const LAST_START: Duration = Duration::from_millis(1600);

/// Whether the server has been reached, and why not.
#[derive(Debug, Default)]
pub(super) struct FirstContact {
    /// Whether the server has sent a response, with any status.
    is_made: AtomicBool,
    /// The last diagnosis, and when it was made. Locked while it is being made.
    diagnosis: Mutex<Option<(Instant, Diagnosis)>>,
}

impl FirstContact {
    pub(super) fn is_made(&self) -> bool {
        self.is_made.load(Ordering::Relaxed)
    }

    pub(super) fn made(&self) {
        self.is_made.store(true, Ordering::Relaxed);
    }
}

impl Client {
    /// Sends the request that failed to connect for the first time at `began` again, for a short time only. Requests
    /// that run at the same time share the result.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) async fn connect_again(
        &self,
        url: &Url,
        mut diagnosis: Diagnosis,
        began: Instant,
    ) -> Result<Result<String, Failure>> {
        let mut shared = self.contact.diagnosis.lock().await;
        if let Some((at, known)) = &*shared
            && *at >= began
        {
            return Err(unreachable(&self.base_url, known));
        }
        if self.contact.is_made() {
            // Another request has reached the server meanwhile.
            drop(shared);
            return Ok(self.try_once(url.clone()).await);
        }
        for wait in WAITS {
            if diagnosis.is_permanent || began.elapsed() + wait > LAST_START {
                break;
            }
            let wait = wait.min(self.config.retry.max_delay);
            tracing::info!(cause = %diagnosis.cause, wait_seconds = wait.as_secs_f64(), "connecting again");
            (self.sleeper)(wait).await;
            match self.try_once(url.clone()).await {
                Err(Failure::Connection(again)) => diagnosis = again,
                reached => return Ok(reached),
            }
        }
        let error = unreachable(&self.base_url, &diagnosis);
        *shared = Some((Instant::now(), diagnosis));
        Err(error)
    }
}

/// The error for a server without a connection.
pub(super) fn unreachable(base_url: &BaseUrl, diagnosis: &Diagnosis) -> Error {
    Error::Unreachable {
        what: format!("cannot connect to {base_url}"),
        cause: diagnosis.cause.clone(),
        hint: diagnosis.hint.clone(),
    }
}
