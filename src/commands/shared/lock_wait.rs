//! Waiting for the lock of an archive.

use super::output::print_note;
use super::runtime::Runtime;
use crate::error::{Error, Result};
use crate::store::Lock;
use crate::sync::{Clock, SystemClock};
use chrono::TimeDelta;
use std::path::Path;
use std::time::{Duration, Instant};

/// The interval between attempts to take a lock that another process holds.
const LOCK_POLL: Duration = Duration::from_millis(200);

/// How long to wait for a lock that another process holds.
pub(crate) struct LockWait<'a> {
    /// A signal ends the wait.
    pub(crate) runtime: &'a Runtime,
    /// The longest wait.
    pub(crate) limit: TimeDelta,
    /// Whether the wait is not announced.
    pub(crate) is_quiet: bool,
}

impl LockWait<'_> {
    /// Takes the lock as soon as it is free.
    ///
    /// # Errors
    /// [`Error::Locked`] after the longest wait; [`Error::Interrupted`] when a signal ended it.
    pub(crate) fn lock(&self, path: &Path) -> Result<Lock> {
        let deadline = Instant::now() + self.limit.to_std().unwrap_or_default();
        let mut is_announced = self.is_quiet;
        loop {
            let holder = match Lock::acquire(path, SystemClock.now()) {
                Err(Error::Locked { holder }) if Instant::now() < deadline => holder,
                other => return other,
            };
            if !is_announced {
                print_note(&format!("waiting for another process: {holder}"));
                is_announced = true;
            }
            self.runtime.runtime.block_on(async {
                let delay = LOCK_POLL.min(deadline.saturating_duration_since(Instant::now()));
                tokio::select! {
                    biased;
                    error = self.runtime.cancel.cancelled() => Err(error),
                    () = tokio::time::sleep(delay) => Ok(()),
                }
            })?;
        }
    }
}
