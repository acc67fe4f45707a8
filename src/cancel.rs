//! Cancels a sync from outside. A sync notices it at the next page, or while it waits for one or for a lock.

use crate::error::Error;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::Notify;

/// A cancellation token. Any thread can trigger it.
#[derive(Debug, Default)]
pub struct CancelToken {
    /// The signal's number; 0 before the token is cancelled.
    signal: AtomicU8,
    notify: Notify,
}

impl CancelToken {
    /// Cancels like the signal with this number: 1 is SIGHUP, 2 is SIGINT, 15 is SIGTERM.
    pub fn cancel(&self, signal: u8) {
        self.signal.store(signal, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// The error for a cancelled operation. `None`: not cancelled.
    pub fn error(&self) -> Option<Error> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(Error::Interrupted { name: "SIGHUP", number: 1 }),
            2 => Some(Error::Interrupted { name: "SIGINT", number: 2 }),
            number => Some(Error::Interrupted { name: "SIGTERM", number }),
        }
    }

    /// The error to report: a wait for a lock of another program that the cancellation ended is the cancellation.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match self.error() {
            Some(cancelled) if error.is_busy() => cancelled,
            _ => error,
        }
    }

    /// Waits until the token is cancelled.
    pub async fn cancelled(&self) -> Error {
        let mut notified = std::pin::pin!(self.notify.notified());
        loop {
            // Enabled before the check, so that a cancellation in between is not missed.
            notified.as_mut().enable();
            if let Some(error) = self.error() {
                return error;
            }
            notified.as_mut().await;
            notified.set(self.notify.notified());
        }
    }
}
