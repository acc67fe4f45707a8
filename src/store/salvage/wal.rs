//! The committed pages of a write-ahead log, also of a damaged one.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

const HEADER_LENGTH: usize = 32;
const FRAME_HEADER_LENGTH: usize = 24;

/// The first bytes of a log. The lowest bit says that checksums read words big-endian.
const MAGIC: u32 = 0x377F_0682;

/// A write-ahead log.
#[derive(Debug)]
pub(super) struct Wal {
    file: File,
    page_size: usize,
    /// Where the newest committed state of each page is in the file.
    offsets: HashMap<u32, u64>,
    /// The number of pages of the database after the last commit.
    pub(super) page_count: u32,
    /// The frames before the last commit that have another checksum than their bytes.
    pub(super) damaged_frames: u64,
}

/// SQLite's checksum of a log: two sums over pairs of words.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Checksum([u32; 2]);

impl Checksum {
    fn stored_in(bytes: &[u8]) -> Checksum {
        Checksum([word(&bytes[..4]), word(&bytes[4..8])])
    }

    fn extended(self, bytes: &[u8], is_big_endian: bool) -> Checksum {
        let Checksum([mut first, mut second]) = self;
        let read = |bytes: &[u8]| if is_big_endian { word(bytes) } else { word(bytes).swap_bytes() };
        for pair in bytes.chunks_exact(8) {
            first = first.wrapping_add(read(&pair[..4])).wrapping_add(second);
            second = second.wrapping_add(read(&pair[4..])).wrapping_add(first);
        }
        Checksum([first, second])
    }
}

impl Wal {
    /// Reads which pages the log has. Each frame's checksum continues that of the frame before, so one damaged frame
    /// does not hide those after it. `None`: there is no committed page in it.
    pub(super) fn read(file: File) -> Option<Wal> {
        let mut header = [0; HEADER_LENGTH];
        file.read_exact_at(&mut header, 0).ok()?;
        let magic = word(&header);
        let page_size = word(&header[8..]) as usize;
        if magic & !1 != MAGIC || !is_page_size(page_size) {
            return None;
        }
        let is_big_endian = magic & 1 == 1;
        let salts = &header[16..24];
        let mut checksum = Checksum::stored_in(&header[24..]);
        let mut wal = Wal { file, page_size, offsets: HashMap::new(), page_count: 0, damaged_frames: 0 };
        // The frames since the last commit.
        let (mut pending, mut pending_damage) = (Vec::new(), 0);
        let mut frame = vec![0; FRAME_HEADER_LENGTH + page_size];
        let mut at = HEADER_LENGTH as u64;
        while wal.file.read_exact_at(&mut frame, at).is_ok() {
            let (number, commit) = (word(&frame), word(&frame[4..]));
            let stored = Checksum::stored_in(&frame[16..]);
            let computed = checksum
                .extended(&frame[..8], is_big_endian)
                .extended(&frame[FRAME_HEADER_LENGTH..], is_big_endian);
            // After a checkpoint, the log starts again, over frames with other salts.
            if &frame[8..16] == salts {
                checksum = stored;
                if computed == stored && number > 0 {
                    pending.push((number, at + FRAME_HEADER_LENGTH as u64));
                } else {
                    pending_damage += 1;
                }
                if computed == stored && commit > 0 {
                    wal.offsets.extend(pending.drain(..));
                    wal.page_count = commit;
                    wal.damaged_frames += std::mem::take(&mut pending_damage);
                }
            }
            at += frame.len() as u64;
        }
        (!wal.offsets.is_empty()).then_some(wal)
    }

    /// The page size in bytes.
    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// The committed state of a page. `None`: the log does not have it.
    pub(super) fn page(&self, number: u32) -> Option<Vec<u8>> {
        let mut page = vec![0; self.page_size];
        self.file.read_exact_at(&mut page, *self.offsets.get(&number)?).ok()?;
        Some(page)
    }
}

/// Whether SQLite can have pages of that many bytes.
pub(super) fn is_page_size(bytes: usize) -> bool {
    bytes.is_power_of_two() && (512..=65536).contains(&bytes)
}

/// The big-endian number at the start of at least four bytes.
pub(super) fn word(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::path::PathBuf;

    /// A database in WAL mode with three commits in its log, and the path of the log. The folder must outlive it.
    fn logged(folder: &tempfile::TempDir) -> (Connection, PathBuf) {
        let path = folder.path().join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = wal; CREATE TABLE t (x)")
            .unwrap();
        for x in 0..2 {
            connection.execute("INSERT INTO t VALUES (?1)", [x]).unwrap();
        }
        (connection, folder.path().join("a.db-wal"))
    }

    #[test]
    fn a_log_has_its_committed_pages() {
        let folder = tempfile::tempdir().unwrap();
        let (_connection, path) = logged(&folder);
        let wal = Wal::read(File::open(path).unwrap()).unwrap();
        assert_eq!((wal.page_size(), wal.page_count, wal.damaged_frames), (512, 2, 0));
        assert_eq!(wal.page(1).unwrap()[..6], *b"SQLite");
        assert_eq!(wal.page(2).unwrap()[3..5], [0, 2], "the table has two rows");
        assert_eq!(wal.page(3), None);
    }

    #[test]
    fn a_damaged_frame_hides_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (_connection, path) = logged(&folder);
        let mut bytes = std::fs::read(&path).unwrap();
        let frame = FRAME_HEADER_LENGTH + 512;
        let last = bytes.len() - frame;
        bytes[last - 1] ^= 1;
        let damaged = folder.path().join("damaged-wal");
        std::fs::write(&damaged, &bytes).unwrap();
        let wal = Wal::read(File::open(&damaged).unwrap()).unwrap();
        assert_eq!((wal.page_count, wal.damaged_frames), (2, 1));
        assert_eq!(wal.page(2).unwrap()[3..5], [0, 2]);
        // Without the end of its last commit, the state before counts.
        bytes[last - 1] ^= 1;
        std::fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
        let wal = Wal::read(File::open(&damaged).unwrap()).unwrap();
        assert_eq!(wal.page(2).unwrap()[3..5], [0, 1]);
        std::fs::write(&damaged, b"no log").unwrap();
        assert!(Wal::read(File::open(&damaged).unwrap()).is_none());
    }
}
