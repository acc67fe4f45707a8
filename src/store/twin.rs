//! A second connection to an archive, so that two threads read the same state of it.

use super::Archive;
use super::archive_path::sqlite_path;
use crate::error::Result;
use rusqlite::{Connection, OpenFlags, Transaction};

/// A second connection to an archive, which reads the same state as the first.
pub(crate) type SecondConnection = Connection;

impl Archive {
    /// Begins to read the archive on its own connection and on a second one, for another thread. Both read the same
    /// state until they are dropped, and must be dropped before the archive.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn read_twice(&self) -> Result<(Transaction<'_>, SecondConnection)> {
        // SQLite alone opens the file again: a handle of our own would, when it is closed, end SQLite's locks.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let mut second = Connection::open_with_flags(sqlite_path(&self.path), flags)?;
        Archive::configure(&mut second, None)?;
        loop {
            let before = data_version(&second)?;
            let own = self.connection.unchecked_transaction()?;
            // A transaction begins to read with its first statement.
            data_version(&self.connection)?;
            second.execute_batch("BEGIN")?;
            // No transaction was committed between the two versions, and the state of `own` is from in between.
            if data_version(&second)? == before {
                return Ok((own, second));
            }
            second.execute_batch("ROLLBACK")?;
        }
    }
}

/// A number that changes when another connection has committed a transaction since it was last read.
fn data_version(connection: &Connection) -> Result<i64> {
    Ok(connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Instant;
    use crate::store::Lock;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    fn count(connection: &Connection) -> i64 {
        connection.query_row("SELECT count(*) FROM written", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn both_connections_read_one_state_while_another_process_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(Archive::open(&path, &Lock::acquire(&path, Instant::MIN).unwrap()).unwrap());
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA synchronous = off; CREATE TABLE written (value)").unwrap();
        let is_done = AtomicBool::new(false);
        let states = thread::scope(|threads| {
            let is_done = &is_done;
            threads.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    writer.execute_batch("INSERT INTO written VALUES (1)").unwrap();
                }
            });
            let mut states = Vec::new();
            for _ in 0..50 {
                let archive = Archive::open_for_reading(&path).unwrap();
                let (own, second) = archive.read_twice().unwrap();
                let first = count(&own);
                states.push((first, thread::spawn(move || count(&second)).join().unwrap(), count(&own)));
            }
            is_done.store(true, Ordering::Relaxed);
            states
        });
        for (own, second, own_later) in &states {
            assert_eq!((own, own), (second, own_later));
        }
        assert!(states.first() < states.last(), "the writer wrote: {states:?}");
    }
}
