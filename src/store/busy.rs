//! The wait for a lock of another program. A signal ends it at once.

use crate::cancel::CancelToken;
use rusqlite::Connection;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a statement waits.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a statement waits that began after a signal: long enough for the short transactions of other programs, so
/// that the end of a sync is still recorded.
const LIMIT_WHEN_CANCELED: Duration = Duration::from_millis(250);

/// The interval between attempts.
const POLL: Duration = Duration::from_millis(10);

/// Makes statements of the connection wait for locks of other programs, until the token is cancelled.
pub(super) fn wait_for_locks(
    connection: &mut Connection,
    cancel: Option<Arc<CancelToken>>,
) -> rusqlite::Result<()> {
    let is_cancelled = move || cancel.as_ref().is_some_and(|cancel| cancel.error().is_some());
    let (mut began, mut began_cancelled) = (Instant::now(), false);
    connection.busy_handler(Some(move |attempts_before: i32| {
        if attempts_before == 0 {
            (began, began_cancelled) = (Instant::now(), is_cancelled());
        }
        let limit = if began_cancelled { LIMIT_WHEN_CANCELED } else { LIMIT };
        if began.elapsed() >= limit || (is_cancelled() && !began_cancelled) {
            return false;
        }
        sleep(POLL);
        true
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a write waits for another connection, and whether SQLite reports the lock.
    fn waited(cancel: &Arc<CancelToken>) -> (Duration, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let holder = Connection::open(&path).unwrap();
        holder.execute_batch("PRAGMA journal_mode = wal; BEGIN IMMEDIATE").unwrap();
        let mut waiting = Connection::open(&path).unwrap();
        wait_for_locks(&mut waiting, Some(Arc::clone(cancel))).unwrap();
        let began = Instant::now();
        let error = waiting.execute_batch("BEGIN IMMEDIATE").unwrap_err();
        (began.elapsed(), crate::error::is_busy(&error))
    }

    #[test]
    fn a_cancellation_ends_the_wait_for_a_lock_at_once() {
        let cancel = Arc::new(CancelToken::default());
        let signal = Arc::clone(&cancel);
        let sender = std::thread::spawn(move || {
            sleep(Duration::from_millis(300));
            signal.cancel(15);
        });
        let (waited_for, is_busy) = waited(&cancel);
        sender.join().unwrap();
        assert!(is_busy && waited_for < LIMIT / 4, "{waited_for:?}");
    }

    #[test]
    fn a_wait_that_begins_after_a_cancellation_is_short() {
        let cancel = Arc::new(CancelToken::default());
        cancel.cancel(1);
        let (waited_for, is_busy) = waited(&cancel);
        assert!(is_busy && waited_for >= LIMIT_WHEN_CANCELED && waited_for < LIMIT / 4, "{waited_for:?}");
    }
}
