//! The folder of a dataset: locked, checked, and updated together with its index.

use super::index::{DatasetIndex, DatasetLayout, FileEntry, INDEX_FILE};
use super::inspect::inspect;
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::file_system::NO_FOLLOW;
use crate::report::rows::dataset::DatasetTable;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The name of the file that describes the columns.
pub(super) const SCHEMA_FILE: &str = "_schema.md";
/// The name of the lock file. The kernel releases the lock when the process ends, so the file can
/// stay.
const LOCK_FILE: &str = ".runledger.lock";
/// The prefix of the temporary files of atomic writes.
const TEMPORARY_PREFIX: &str = ".runledger-";

/// The partition of rows without a month. Not Hive's name for NULL, because pandas cannot read a dataset with it.
const NO_MONTH: &str = "unbooked";
/// The folder of such rows in datasets of earlier versions, which used Hive's name.
const OLD_NO_MONTH_FOLDER: &str = "month=__HIVE_DEFAULT_PARTITION__";

/// The folder of a dataset, locked for this process.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    index: DatasetIndex,
    lock: File,
}

/// The name of a workspace's file of a month, or of a table without months.
///
/// A month has one file per workspace, because a month in several files could not be replaced
/// atomically. Readers parallelize over row groups, so one file is no limit.
pub fn file_name(workspace: usize) -> String {
    format!("part-{workspace}.parquet")
}

/// The path of a workspace's file of a month, below the folder of the table. `month` is `None` for
/// rows without a month.
pub fn file_path(month: Option<&str>, workspace: usize) -> String {
    format!("month={}/{}", month.unwrap_or(NO_MONTH), file_name(workspace))
}

impl Folder {
    /// Opens the folder for a dataset with this layout and these tables of these workspaces, or
    /// creates it. A workspace that is not in the dataset yet is added.
    ///
    /// # Errors
    /// [`Error::Usage`] when the folder contains anything else; nothing is changed then.
    /// [`Error::Output`] when the folder cannot be written, or when another export is writing to
    /// it.
    pub(crate) fn open(
        path: &Path,
        layout: &DatasetLayout,
        tables: &[DatasetTable],
        workspaces: &[&str],
    ) -> Result<Folder> {
        let output_error = |cause| output_error(path, cause);
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(Error::Usage {
                    what: format!("--output {} is not a folder, but a dataset needs one", path.display()),
                    hint: Some("give another folder".to_owned()),
                });
            }
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(output_error(cause)),
            _ => {}
        }
        let inspect = || inspect(path, layout, tables, workspaces);
        inspect()?;
        fs::create_dir_all(path).map_err(output_error)?;
        let lock = lock(path)?;
        // Another export may have changed the folder before it was locked.
        let index = inspect()?;
        let is_new = index.is_none();
        let mut index = index.unwrap_or_else(|| DatasetIndex {
            layout: layout.clone(),
            workspaces: Vec::new(),
            as_of: None,
            tables: BTreeMap::new(),
        });
        let count = index.workspaces.len();
        for workspace in workspaces {
            if !index.workspaces.iter().any(|known| known == workspace) {
                index.workspaces.push((*workspace).to_owned());
            }
        }
        let has_grown = index.workspaces.len() > count;
        let mut folder = Folder { path: path.to_owned(), index, lock };
        folder.remove_temporary_files(tables)?;
        folder.rename_old_partitions(tables)?;
        for table in tables {
            folder.index.tables.entry(table.name().to_owned()).or_default();
        }
        if is_new || has_grown {
            // The index comes first: if the export is killed later, the folder is still recognized
            // as a dataset.
            folder.save_index()?;
        }
        Ok(folder)
    }

    /// The number in the file names of the workspace. `None`: it is not in the dataset.
    pub(crate) fn workspace_number(&self, workspace: &str) -> Option<usize> {
        self.index.workspaces.iter().position(|known| known == workspace)
    }

    /// The as-of instant of the dataset. `None`: it has the state at the time of each export.
    pub(crate) fn as_of(&self) -> Option<&str> {
        self.index.as_of.as_deref()
    }

    /// Records the as-of instant of all files.
    ///
    /// # Errors
    /// [`Error::Output`] when the index cannot be written.
    pub(crate) fn set_as_of(&mut self, as_of: Option<String>) -> Result<()> {
        self.index.as_of = as_of;
        self.save_index()
    }

    /// The content of the file at `file`; `None`: the file is missing, or its length is not that of
    /// the index.
    pub(crate) fn entry(&self, table: DatasetTable, file: &str) -> Option<&FileEntry> {
        let entry = self.index.tables.get(table.name())?.get(file)?;
        let metadata = fs::metadata(self.path_of(table, file)).ok()?;
        (metadata.is_file() && metadata.len() == entry.bytes).then_some(entry)
    }

    /// The full path of a file of the table.
    pub(crate) fn path_of(&self, table: DatasetTable, file: &str) -> PathBuf {
        self.path.join(table.name()).join(file)
    }

    /// Records the content of a written file.
    pub(crate) fn insert(&mut self, table: DatasetTable, file: String, entry: FileEntry) {
        self.index.tables.entry(table.name().to_owned()).or_default().insert(file, entry);
    }

    /// Records the digest of the states in a file that is current.
    pub(crate) fn set_states_digest(&mut self, table: DatasetTable, file: &str, digest: Option<String>) {
        let files = self.index.tables.get_mut(table.name());
        if let Some(entry) = files.and_then(|files| files.get_mut(file)) {
            entry.states_digest = digest;
        }
    }

    /// The files of a workspace in the table: those in the index, and those that an interrupted
    /// export wrote.
    ///
    /// # Errors
    /// [`Error::Output`] when the folder cannot be read.
    pub(crate) fn files_of(&self, table: DatasetTable, workspace: usize) -> Result<Vec<String>> {
        let name = file_name(workspace);
        let mut files: Vec<String> = self
            .index
            .tables
            .get(table.name())
            .into_iter()
            .flatten()
            .map(|(file, _)| file.clone())
            .filter(|file| Path::new(file).ends_with(&name))
            .collect();
        for month in entries(&self.path.join(table.name()))? {
            if month.path().join(&name).exists() {
                files.push(format!("{}/{name}", month.file_name().to_string_lossy()));
            }
        }
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }

    /// Removes a file, and the folder of its month if that is empty then.
    ///
    /// # Errors
    /// [`Error::Output`] when the file cannot be removed.
    pub(crate) fn remove(&mut self, table: DatasetTable, file: &str) -> Result<()> {
        let path = self.path_of(table, file);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(output_error(&path, cause)),
            _ => {}
        }
        // Fails if the month has files of other workspaces, which is intended.
        let _ = path.parent().map(fs::remove_dir);
        if let Some(files) = self.index.tables.get_mut(table.name()) {
            files.remove(file);
        }
        Ok(())
    }

    /// The number of rows in all files of a workspace in the table.
    pub(crate) fn rows(&self, table: DatasetTable, workspace: usize) -> u64 {
        let name = file_name(workspace);
        let files = self.index.tables.get(table.name()).into_iter().flatten();
        files
            .filter(|(file, _)| Path::new(file).ends_with(&name))
            .fold(0, |rows, (_, entry)| entry.rows.saturating_add(rows))
    }

    /// The number of amounts in all files that are NULL because they are too large.
    pub(crate) fn amounts_too_large(&self) -> u64 {
        self.index
            .tables
            .values()
            .flat_map(BTreeMap::values)
            .map(|entry| entry.amounts_too_large)
            .fold(0, u64::saturating_add)
    }

    /// Writes the index atomically.
    ///
    /// # Errors
    /// [`Error::Output`] when it cannot be written.
    pub(crate) fn save_index(&self) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(&self.index).expect("an index is JSON");
        json.push(b'\n');
        self.replace(INDEX_FILE, &json)
    }

    /// Writes the description of the columns atomically.
    ///
    /// # Errors
    /// [`Error::Output`] when it cannot be written.
    pub(crate) fn write_schema(&self, page: &str) -> Result<()> {
        self.replace(SCHEMA_FILE, page.as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if fs::read(&path).is_ok_and(|current| current == bytes) {
            return Ok(());
        }
        Destination::File(path).write(|out| Ok(out.write_all(bytes)?))
    }

    /// Renames the folders of rows without a month that an earlier version wrote. Data files stay as they are, so no
    /// run is in the dataset twice.
    fn rename_old_partitions(&mut self, tables: &[DatasetTable]) -> Result<()> {
        for table in tables {
            let folder = self.path.join(table.name());
            let (old, new) = (folder.join(OLD_NO_MONTH_FOLDER), folder.join(format!("month={NO_MONTH}")));
            match fs::rename(&old, &new) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed.map_err(|cause| output_error(&old, cause))?,
            }
            let files = self.index.tables.entry(table.name().to_owned()).or_default();
            let moved: Vec<String> =
                files.keys().filter(|file| file.starts_with(OLD_NO_MONTH_FOLDER)).cloned().collect();
            for file in moved {
                if let Some(entry) = files.remove(&file) {
                    files.insert(file.replacen(OLD_NO_MONTH_FOLDER, &format!("month={NO_MONTH}"), 1), entry);
                }
            }
        }
        Ok(())
    }

    /// Removes temporary files that killed exports left.
    fn remove_temporary_files(&self, tables: &[DatasetTable]) -> Result<()> {
        let mut folders = vec![self.path.clone()];
        for table in tables {
            let folder = self.path.join(table.name());
            folders.extend(entries(&folder)?.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()));
            folders.push(folder);
        }
        for folder in folders {
            for entry in entries(&folder)? {
                if entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX) {
                    fs::remove_file(entry.path()).map_err(|cause| output_error(&entry.path(), cause))?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

pub(super) fn output_error(path: &Path, cause: io::Error) -> Error {
    Error::Output { what: path.display().to_string(), cause }
}

/// The entries of the folder by name; none if it does not exist.
pub(super) fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let entries = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let mut entries = entries.map_err(|cause| output_error(folder, cause))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).custom_flags(NO_FOLLOW);
    let file = options.open(&path);
    let file = file.map_err(|cause| output_error(&path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let cause = io::Error::new(io::ErrorKind::ResourceBusy, "another export is writing to it");
            Err(output_error(folder, cause))
        }
        Err(TryLockError::Error(cause)) => Err(output_error(&path, cause)),
    }
}
