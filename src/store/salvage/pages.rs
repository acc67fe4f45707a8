//! The pages of a damaged file, with the committed pages of its write-ahead log over them.

use super::page::{BtreePage, page_number};
use super::wal::{Wal, is_page_size, word};
use crate::error::Result;
use crate::paths::with_suffix;
use crate::store::file_set::{JOURNAL, LOG};
use crate::store::header::Header;
use crate::store::{PAGE_SIZE_BYTES, unusable};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The offset of the number of bytes at the end of each page that SQLite does not use.
const RESERVED_OFFSET: usize = 20;

/// The offset of the number of the first page in the list of free pages.
const FREE_PAGES_OFFSET: usize = 32;

/// The offset of the bytes that SQLite locks: at one gibibyte.
const FIRST_LOCKED_BYTE: usize = 1 << 30;

/// The fewest bytes of a page that SQLite uses.
const LEAST_USABLE: usize = 480;

/// The most pages that are read to find the page size of a file without a header.
const SAMPLE_PAGES: u32 = 4000;

/// The pages of a file that may be damaged anywhere. It is only read.
#[derive(Debug)]
pub(super) struct Pages {
    file: File,
    file_length: u64,
    wal: Option<Wal>,
    page_size: usize,
    /// The bytes of a page that SQLite uses.
    pub(super) usable: usize,
    /// The number of pages. The last one can be in the file in part.
    pub(super) count: u32,
    /// Whether page 1 has the header of a SQLite file.
    pub(super) has_header: bool,
    /// What was left aside, in words.
    pub(super) notes: Vec<String>,
}

impl Pages {
    /// Opens the file and finds its page size.
    ///
    /// # Errors
    /// [`crate::error::Error::Archive`] when it cannot be read, or neither it nor its log has a page.
    pub(super) fn open(path: &Path) -> Result<Pages> {
        let refused = |cause: String, hint: &str| unusable(path, cause, Some(hint.to_owned()));
        let hint = "name a damaged archive";
        let kind =
            fs::metadata(path).map_err(|error| refused(format!("it cannot be read: {error}"), hint))?;
        if !kind.is_file() {
            return Err(refused("it is not a regular file".to_owned(), hint));
        }
        let file = File::open(path).map_err(|error| {
            refused(format!("it cannot be read: {error}"), "make the file readable for this user")
        })?;
        let mut pages = Pages {
            file,
            file_length: kind.len(),
            wal: None,
            page_size: 0,
            usable: 0,
            count: 0,
            has_header: false,
            notes: Vec::new(),
        };
        pages.find_layout(path);
        if pages.count == 0 {
            return Err(refused("it is empty".to_owned(), "restore a backup with `runledger restore`"));
        }
        Ok(pages)
    }

    fn find_layout(&mut self, path: &Path) {
        let mut header = [0; Header::LENGTH];
        let length = self.read_at(&mut header, 0);
        let header = Header::new(header, length);
        let stated = stated_page_size(&header);
        self.wal = self.log_of(path, &header, stated);
        self.page_size = match (stated, &self.wal) {
            (_, Some(wal)) => wal.page_size(),
            (Some(stated), None) => stated,
            (None, None) => self.likely_page_size(),
        };
        let in_file = self.file_length.div_ceil(self.page_size as u64);
        self.count = u32::try_from(in_file).unwrap_or(u32::MAX);
        if let Some(wal) = &self.wal {
            // The last commit says how many pages the database has, unless it is lost.
            self.count =
                if wal.damaged_frames == 0 { wal.page_count } else { self.count.max(wal.page_count) };
        }
        // The newest header can be in the log.
        let first = self.page(1).unwrap_or_default();
        let header = first.first_chunk().map(|header| Header::new(*header, Header::LENGTH));
        self.has_header = header.is_some_and(|header| stated_page_size(&header).is_some());
        let reserved = if self.has_header { usize::from(first[RESERVED_OFFSET]) } else { 0 };
        self.usable = self.page_size.saturating_sub(reserved).max(LEAST_USABLE);
    }

    /// The log next to the file, if it belongs to it.
    fn log_of(&mut self, path: &Path, header: &Header, stated: Option<usize>) -> Option<Wal> {
        let is_there = |file: &Path| fs::metadata(file).is_ok_and(|file| file.len() > 0);
        let journal = with_suffix(path, JOURNAL);
        if is_there(&journal) {
            self.notes.push(format!("{} was not read", journal.display()));
        }
        let path = with_suffix(path, LOG);
        let wal = is_there(&path).then(|| Wal::read(File::open(&path).ok()?)).flatten();
        // A copy in rollback mode has no log: this one is left from the file that was here before.
        let is_foreign =
            |wal: &Wal| stated.is_some_and(|stated| stated != wal.page_size() || !header.is_in_wal_mode());
        match wal {
            Some(wal) if is_foreign(&wal) => {
                self.notes.push(format!("{} belongs to another file and was not read", path.display()));
                None
            }
            Some(wal) => {
                if wal.damaged_frames > 0 {
                    self.notes.push(format!("{} has {} damaged pages", path.display(), wal.damaged_frames));
                }
                Some(wal)
            }
            None => {
                if is_there(&path) {
                    self.notes.push(format!("{} has nothing that was committed", path.display()));
                }
                None
            }
        }
    }

    /// The page size with which most of the file is pages of b-trees; that of an archive if none stands out.
    fn likely_page_size(&self) -> usize {
        let covered = |page_size: &usize| {
            let in_file = self.file_length.div_ceil(*page_size as u64);
            let numbers = 2..=u32::try_from(in_file).unwrap_or(u32::MAX).min(SAMPLE_PAGES);
            let mut page = vec![0; *page_size];
            let is_btree = |number: &u32| {
                self.read_at(&mut page, u64::from(number - 1) * *page_size as u64);
                let parsed = BtreePage::parse(*number, &page, *page_size);
                // SQLite fills a page from its end. Of a larger page size, the first half alone seems to be a page.
                parsed.is_some_and(|parsed| parsed.damaged_cells == 0 && parsed.content_end > page_size / 2)
            };
            numbers.filter(is_btree).count() * page_size
        };
        let sizes = (9..=16).map(|power| 1_usize << power).filter(|size| *size != PAGE_SIZE_BYTES as usize);
        // `max_by_key` returns the last of equal ones.
        sizes.chain([PAGE_SIZE_BYTES as usize]).max_by_key(covered).expect("there are sizes")
    }

    /// A page, with zeros for bytes beyond the end of the file. `None`: there is no such page, or the disk fails.
    pub(super) fn page(&self, number: u32) -> Option<Vec<u8>> {
        if number == 0 || number > self.count {
            return None;
        }
        if let Some(page) = self.wal.as_ref().and_then(|wal| wal.page(number)) {
            return Some(page);
        }
        let mut page = vec![0; self.page_size];
        (self.read_at(&mut page, u64::from(number - 1) * self.page_size as u64) > 0).then_some(page)
    }

    /// The pages that the file's list of free pages has. A list that was damaged ends where it is.
    pub(super) fn free_pages(&self) -> Vec<u32> {
        let mut free = Vec::new();
        let first = self.page(1).filter(|_| self.has_header);
        let mut trunk = first.and_then(|first| page_number(&first[FREE_PAGES_OFFSET..]));
        while let Some(number) = trunk.filter(|_| free.len() <= self.count as usize) {
            let Some(page) = self.page(number) else { break };
            free.push(number);
            let leaves = word(&page[4..]) as usize;
            let listed = page[8..self.usable].chunks_exact(4).take(leaves).map(word);
            free.extend(listed.filter(|leaf| (2..=self.count).contains(leaf)));
            trunk = page_number(&page);
        }
        free.truncate(self.count as usize);
        free
    }

    /// The page with the bytes that SQLite locks, which it never uses. Smaller files have none.
    pub(super) fn lock_page(&self) -> u32 {
        u32::try_from(FIRST_LOCKED_BYTE / self.page_size).map_or(u32::MAX, |page| page + 1)
    }

    /// The number of frames of the log that are damaged.
    pub(super) fn damaged_frames(&self) -> u64 {
        self.wal.as_ref().map_or(0, |wal| wal.damaged_frames)
    }

    /// Reads from the file and returns the number of bytes. A failing disk counts as the end.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> usize {
        let mut read = 0;
        while read < bytes.len() {
            match self.file.read_at(&mut bytes[read..], at + read as u64) {
                Ok(0) | Err(_) => break,
                Ok(more) => read += more,
            }
        }
        bytes[read..].fill(0);
        read
    }
}

/// The page size in the header of a SQLite file. `None`: it is no such header.
fn stated_page_size(header: &Header) -> Option<usize> {
    let stated = header.application_id().map(|_| header.page_size() as usize);
    stated.filter(|stated| is_page_size(*stated))
}
