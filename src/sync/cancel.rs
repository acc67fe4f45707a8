//! This is the way to stop a sync from outside: a signal is noticed at the next page, or while waiting for one.

use crate::error::Error;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::Notify;

/// A request to stop, which can be made from any thread.
#[derive(Debug, Default)]
pub struct CancelToken {
    /// The signal's number; 0: none came.
    signal: AtomicU8,
    notify: Notify,
}

impl CancelToken {
    /// Asks to stop, as the signal of that number does: 2 is SIGINT, 15 is SIGTERM.
    pub fn request(&self, signal: u8) {
        self.signal.store(signal, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// The error that a request to stop ends in. `None`: nobody asked.
    pub fn error(&self) -> Option<Error> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            2 => Some(Error::Interrupted { name: "SIGINT", number: 2 }),
            number => Some(Error::Interrupted { name: "SIGTERM", number }),
        }
    }

    /// Waits until somebody asks to stop.
    pub async fn requested(&self) -> Error {
        let mut notified = std::pin::pin!(self.notify.notified());
        loop {
            // Enabled before the look, so that a request in between is not missed.
            notified.as_mut().enable();
            if let Some(error) = self.error() {
                return error;
            }
            notified.as_mut().await;
            notified.set(self.notify.notified());
        }
    }
}
