//! The files of a database, which belong together: the main file, the write-ahead log with its index, and the journal.
//!
//! SQLite applies a log or journal that it finds next to a main file, whatever file it was written for. So a set whose
//! files cannot belong together is refused before SQLite opens it, and files are replaced as a whole set.

use super::journal;
use super::main_file::MainFile;
use super::unusable;
use crate::atomic_file::{AccessLike, write_with_access};
use crate::error::Result;
use crate::file_system::{sync_file, sync_folder};
use crate::paths::{folder_of, with_suffix};
use crate::run::Instant;
use crate::symlinks;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The suffix of the write-ahead log.
pub(crate) const LOG: &str = "-wal";

/// The suffix of the index of the write-ahead log, which SQLite can rebuild.
pub(crate) const LOG_INDEX: &str = "-shm";

/// The suffix of the rollback journal.
pub(crate) const JOURNAL: &str = "-journal";

/// The suffixes of the files that SQLite keeps next to the main file.
const SUFFIXES: [&str; 3] = [LOG, LOG_INDEX, JOURNAL];

/// What a set that was moved aside is called: `runledger.db.replaced-20261123T101500Z`.
const REPLACED: &str = ".replaced-";

/// The suffix of an empty file that exists while files are being moved aside, and after a kill.
const UNFINISHED: &str = ".unfinished";

/// The first bytes of a write-ahead log, without the lowest bit, which is the byte order of its checksums.
const LOG_MAGIC: u32 = 0x377f_0682;

/// The files of the database at a path. They need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSet {
    main: PathBuf,
}

/// Why the files of a set cannot belong together.
enum Mismatch {
    /// There is a log, and its main file is missing or empty. A restore that was interrupted moved it there, or `None`.
    NoMainFile(Option<PathBuf>),
    /// There is no file, because a restore was interrupted that moved it there.
    MovedAside(PathBuf),
    /// The main file has no log, and there is one.
    LogOfAnotherFile,
    /// The pages of the log have another size, in bytes.
    PageSize { main: u32, log: u32 },
    /// Rolling back the journal would put other pages into the main file.
    JournalOfAnotherFile,
}

impl FileSet {
    /// The files of the database at `path`. They are next to the target of a symbolic link, as SQLite has them.
    pub(crate) fn at(path: &Path) -> FileSet {
        FileSet { main: symlinks::resolve(path).unwrap_or_else(|_| path.to_owned()) }
    }

    /// The path of the main file.
    pub(crate) fn main(&self) -> &Path {
        &self.main
    }

    /// The path of one of the other files, such as that with the suffix [`LOG`].
    pub(crate) fn file(&self, suffix: &str) -> PathBuf {
        with_suffix(&self.main, suffix)
    }

    /// The files that exist, the main file first.
    pub(crate) fn existing(&self) -> Vec<PathBuf> {
        let all = std::iter::once("").chain(SUFFIXES).map(|suffix| self.file(suffix));
        all.filter(|file| fs::symlink_metadata(file).is_ok()).collect()
    }

    /// Verifies, without SQLite, that the files of the archive at `named` can belong together. A log of another file
    /// with the same page size next to a file in WAL mode cannot be recognized.
    ///
    /// # Errors
    /// [`crate::error::Error::Archive`] that names the file that does not belong. Nothing was changed.
    pub(crate) fn verify(&self, named: &Path) -> Result<()> {
        // Another process can be creating the archive. What it does is complete when the files are read again.
        if self.mismatch().is_none() {
            return Ok(());
        }
        let Some(mismatch) = self.mismatch() else { return Ok(()) };
        let (log, journal) = (self.file(LOG), self.file(JOURNAL));
        let (log, journal) = (log.display(), journal.display());
        let (cause, hint) = match mismatch {
            Mismatch::NoMainFile(None) => (
                format!("the file is missing or empty, but its write-ahead log {log} has data"),
                format!(
                    "put the file back next to its log, or restore a backup with `runledger restore BACKUP`; to begin a \
                     new archive, move {log} elsewhere"
                ),
            ),
            Mismatch::NoMainFile(Some(moved)) | Mismatch::MovedAside(moved) => (
                format!("a restore was interrupted after it had moved the file to {}", moved.display()),
                format!(
                    "run `runledger restore BACKUP` again; to go back, rename {moved} to {main}, and {moved}-wal to \
                     {main}-wal if it exists",
                    moved = moved.display(),
                    main = self.main.display()
                ),
            ),
            Mismatch::LogOfAnotherFile => (
                format!(
                    "it is a file without a write-ahead log, such as a copy made by `runledger backup`, but {log} has \
                     data of another file"
                ),
                RESTORE_HINT.to_owned(),
            ),
            Mismatch::PageSize { main, log: other } => (
                format!(
                    "its pages have {main} bytes, but those in {log} have {other}: that is the log of another file"
                ),
                RESTORE_HINT.to_owned(),
            ),
            Mismatch::JournalOfAnotherFile => (
                format!(
                    "{journal} has pages that differ from those of this file: another program is writing, or was"
                ),
                RESTORE_HINT.to_owned(),
            ),
        };
        Err(unusable(named, cause, Some(hint)))
    }

    /// Why the files cannot belong together. `None`: they can.
    fn mismatch(&self) -> Option<Mismatch> {
        // The logs are read first: a sync writes the header of WAL mode before its first log.
        let (log_bytes, journal_bytes) = (length(&self.file(LOG)), length(&self.file(JOURNAL)));
        let log_page_size = log_page_size(&self.file(LOG));
        let main = match MainFile::open(&self.main) {
            Ok(main) => main,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let moved =
                    self.unfinished().filter(|moved| !moved.is_without_main()).map(|moved| moved.main);
                return match (log_bytes, moved) {
                    (0, moved) => moved.map(Mismatch::MovedAside),
                    (_, moved) => Some(Mismatch::NoMainFile(moved)),
                };
            }
            Err(_) => return None,
        };
        let header = main.header().ok()?;
        if header.is_empty() {
            return (log_bytes > 0).then_some(Mismatch::NoMainFile(None));
        }
        if log_bytes > 0 && !header.is_in_wal_mode() {
            return Some(Mismatch::LogOfAnotherFile);
        }
        match log_page_size {
            Some(log) if log != header.page_size() => {
                return Some(Mismatch::PageSize { main: header.page_size(), log });
            }
            _ => {}
        }
        let is_own = journal_bytes == 0 || journal::is_own(&self.file(JOURNAL), &main, &header);
        (!is_own).then_some(Mismatch::JournalOfAnotherFile)
    }

    /// Where a replacement that was interrupted has moved the main file, and was moving the others. `None`: there is no
    /// such file.
    fn unfinished(&self) -> Option<FileSet> {
        let mut start = self.main.file_name()?.to_owned();
        start.push(REPLACED);
        let names = fs::read_dir(folder_of(&self.main)).ok()?.flatten().map(|entry| entry.file_name());
        names
            .filter(|name| name.as_bytes().starts_with(start.as_bytes()))
            .filter_map(|name| {
                Some(OsStr::from_bytes(name.as_bytes().strip_suffix(UNFINISHED.as_bytes())?).to_owned())
            })
            .max()
            .map(|name| FileSet { main: self.main.with_file_name(name) })
    }

    /// A set of files that do not exist yet, named after this one and the time.
    pub(crate) fn new_aside(&self, now: Instant) -> FileSet {
        let stamp = now.to_utc().format("%Y%m%dT%H%M%SZ");
        let numbered = |number: u32| match number {
            1 => format!("{REPLACED}{stamp}"),
            _ => format!("{REPLACED}{stamp}-{number}"),
        };
        (1..)
            .map(|number| FileSet { main: self.file(&numbered(number)) })
            .find(|set| set.existing().is_empty())
            .expect("some number is free")
    }

    /// Replaces the set by one main file. `fill` writes a temporary file next to it, and verifies it; then the files of
    /// the set are moved aside, and the temporary file takes the place of the main file. Returns where the files are
    /// that were there before; `None`: there were none. After an error, the set is as it was.
    ///
    /// A kill in between can leave no main file, which every command reports. The next replacement then continues.
    ///
    /// # Errors
    /// Those of the file system, and those of `fill`.
    pub(crate) fn replace<E: From<io::Error>>(
        &self,
        now: Instant,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Option<FileSet>, E> {
        let mut aside = None;
        let moved = self.unfinished().filter(|_| self.is_without_main()).map(|moved| moved.main);
        let access = AccessLike::Archive(moved.as_ref().unwrap_or(&self.main));
        let written = write_with_access(&self.main, access, |file| {
            fill(file.path())?;
            sync_file(file.as_file())?;
            aside = self.begin_move(now)?;
            if let Some(aside) = &aside {
                // The main file is first: without it, no program applies the logs to anything.
                rename_all(std::iter::once("").chain(SUFFIXES), self, aside)?;
            }
            Ok(())
        });
        let Some(aside) = aside else { return written.map(|()| None) };
        if written.is_err() && fs::symlink_metadata(&self.main).is_err() {
            rename_all(SUFFIXES.into_iter().chain(std::iter::once("")), &aside, self)?;
        }
        let _ = fs::remove_file(aside.file(UNFINISHED));
        written.map(|()| Some(aside))
    }

    /// Chooses where to move the files, and marks the move as unfinished. `None`: there are no files.
    fn begin_move(&self, now: Instant) -> io::Result<Option<FileSet>> {
        if let Some(unfinished) = self.unfinished() {
            if self.is_without_main() && !unfinished.is_without_main() {
                return Ok(Some(unfinished));
            }
            // It was interrupted before its first step or after its last one.
            fs::remove_file(unfinished.file(UNFINISHED))?;
        }
        if self.existing().is_empty() {
            return Ok(None);
        }
        let aside = self.new_aside(now);
        File::create(aside.file(UNFINISHED))?;
        Ok(Some(aside))
    }

    fn is_without_main(&self) -> bool {
        fs::symlink_metadata(&self.main).is_err()
    }
}

/// The hint for files that do not belong together. `restore` moves them aside, so nothing is lost.
const RESTORE_HINT: &str = "nothing was changed: restore a backup with `runledger restore BACKUP`, which keeps these files \
     under another name";

/// Renames the files with these suffixes that exist, and syncs the folder.
fn rename_all<'a>(suffixes: impl Iterator<Item = &'a str>, from: &FileSet, to: &FileSet) -> io::Result<()> {
    for suffix in suffixes {
        match fs::rename(from.file(suffix), to.file(suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync_folder(folder_of(&from.main))
}

/// The length of a file in bytes. Zero: there is none.
fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// The page size in the header of a write-ahead log. `None`: there is no log, or SQLite would ignore it.
fn log_page_size(log: &Path) -> Option<u32> {
    let mut header = [0; 12];
    File::open(log).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    let number = |at: usize| header[at..].first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    number(0).filter(|magic| magic & !1 == LOG_MAGIC)?;
    number(8)
}
