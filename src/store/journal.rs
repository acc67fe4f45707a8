//! A rollback journal that SQLite would roll back. It holds earlier pages of the file that it was written for.
//!
//! An archive has a journal for two moments: when it is created, and when a restored backup is switched to WAL mode. A
//! journal of these moments restores what the file has anyway. Any other one can be of another file.

use super::header::Header;
use super::main_file::MainFile;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// The first bytes of a journal that is to be rolled back.
const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The largest journal of an archive: one page, with what is around it.
const MOST_BYTES: u64 = 256 * 1024;

/// The parts of the first page that a switch to WAL mode changes: the journal mode, the change counter and its copy,
/// and the version of SQLite.
const CHANGED_BY_SWITCH: [Range<usize>; 3] = [18..20, 24..28, 92..100];

/// Whether the journal can be of this main file, and leaves it whole when it is rolled back.
pub(super) fn is_own(journal: &Path, main: &MainFile, header: &Header) -> bool {
    let Ok(length) = fs::metadata(journal).map(|file| file.len()) else { return true };
    if length > MOST_BYTES {
        return starts_with_zero(journal);
    }
    let Ok(journal) = fs::read(journal) else { return false };
    let Ok(main_bytes) = main.metadata().map(|file| file.len()) else { return false };
    let page_size = header.page_size() as usize;
    let mut page = vec![0; page_size];
    match main.read_at(&mut page, 0) {
        Ok(read) => page.truncate(read),
        Err(_) => return false,
    }
    restores(&journal, &page, main_bytes, page_size)
}

/// Whether SQLite ignores the journal, which another program has ended without deleting it.
fn starts_with_zero(journal: &Path) -> bool {
    let mut first = [0];
    fs::File::open(journal).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut first)).is_ok()
        && first == [0]
}

/// Whether a rollback leaves a file of `main_bytes` bytes with this first page as it is, apart from its journal mode.
fn restores(journal: &[u8], first_page: &[u8], main_bytes: u64, page_size: usize) -> bool {
    // SQLite ignores a journal without data, or whose end was marked with a zero.
    if journal.first().is_none_or(|first| *first == 0) {
        return true;
    }
    let number = |at: usize| {
        journal.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes) as usize)
    };
    let (Some(pages_before), Some(sector), Some(journal_page_size)) = (number(16), number(20), number(24))
    else {
        return false;
    };
    if !journal.starts_with(&MAGIC) || journal_page_size != page_size || page_size == 0 {
        return false;
    }
    if pages_before == 0 {
        // The archive is being created: it has its first page at most.
        return main_bytes <= page_size as u64 && journal.len() <= sector;
    }
    if main_bytes != pages_before as u64 * page_size as u64 {
        return false;
    }
    let record = 4 + page_size + 4;
    if journal.len() < sector + record {
        return true;
    }
    let before = &journal[sector + 4..sector + 4 + page_size];
    let is_changed = |at: &usize| !CHANGED_BY_SWITCH.iter().any(|part| part.contains(at));
    journal.len() == sector + record
        && number(sector) == Some(1)
        && first_page.len() == page_size
        && (0..page_size).filter(is_changed).all(|at| before[at] == first_page[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::path::PathBuf;

    /// A database in rollback mode, and the path of its journal.
    fn database(folder: &Path, name: &str, rows: u32) -> (Connection, PathBuf, PathBuf) {
        let path = folder.join(name);
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA page_size = 4096; CREATE TABLE t (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 \
                 FROM n WHERE i < {rows}) INSERT INTO t SELECT randomblob(1000) FROM n"
            ))
            .unwrap();
        let journal = crate::paths::with_suffix(&path, "-journal");
        (connection, path, journal)
    }

    fn is_own_of(journal: &Path, path: &Path) -> bool {
        let main = MainFile::open(path).unwrap();
        let header = main.header().unwrap();
        is_own(journal, &main, &header)
    }

    #[test]
    fn a_journal_that_restores_what_is_there_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, path, journal) = database(folder.path(), "a.db", 20);
        // The same page as in a switch to WAL mode.
        connection.execute_batch("PRAGMA synchronous = off; BEGIN; PRAGMA user_version = 7").unwrap();
        assert!(fs::metadata(&journal).unwrap().len() > 4096 && is_own_of(&journal, &path));
        // SQLite marks the page's record as complete before it writes the page.
        let mut main = fs::read(&path).unwrap();
        main[18..20].fill(2);
        main[24..28].fill(9);
        let switched = folder.path().join("switched.db");
        fs::write(&switched, &main).unwrap();
        assert!(is_own_of(&journal, &switched));
        main[60] = 1;
        fs::write(&switched, &main).unwrap();
        assert!(!is_own_of(&journal, &switched));
        connection.execute_batch("COMMIT").unwrap();
        fs::write(&journal, [0; 600]).unwrap();
        assert!(is_own_of(&journal, &path), "SQLite ignores it");
    }

    #[test]
    fn a_journal_of_another_file_or_of_many_pages_is_not_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, path, journal) = database(folder.path(), "a.db", 20);
        let (_other, other, _) = database(folder.path(), "b.db", 200);
        connection.execute_batch("PRAGMA cache_size = 1; BEGIN; UPDATE t SET x = randomblob(1000)").unwrap();
        assert!(!is_own_of(&journal, &path) && !is_own_of(&journal, &other));
        fs::write(&journal, "something else, and long enough for a header").unwrap();
        assert!(!is_own_of(&journal, &path));
    }

    #[test]
    fn the_journal_of_a_new_file_is_not_accepted_for_a_file_with_data() {
        let folder = tempfile::tempdir().unwrap();
        let (_connection, path, journal) = database(folder.path(), "a.db", 20);
        let mut bytes = vec![0; 512];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[20..24].copy_from_slice(&512_u32.to_be_bytes());
        bytes[24..28].copy_from_slice(&4096_u32.to_be_bytes());
        fs::write(&journal, bytes).unwrap();
        assert!(!is_own_of(&journal, &path), "a rollback would empty the file");
        let new = folder.path().join("new.db");
        fs::write(&new, &fs::read(&path).unwrap()[..4096]).unwrap();
        assert!(is_own_of(&journal, &new));
    }
}
