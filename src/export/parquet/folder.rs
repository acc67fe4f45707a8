//! This is the folder of a dataset: what its files hold, as `_runledger.json` says, and whether it is ours to write to.

use super::writer::FileStats;
use crate::digest::{Hash, to_hex};
use crate::error::{Error, Result};
use crate::export::Destination;
use crate::report::DateBasis;
use crate::report::rows::dataset::DatasetTable;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The version of the dataset's form: tables, columns, folders. A dataset of another one is never added to.
const VERSION: u32 = 1;

/// What says what the files hold.
const STATE: &str = "_runledger.json";
/// What says what the columns mean.
const SCHEMA: &str = "_schema.md";
/// What is locked while a dataset is written. The kernel lets go of it when the process ends, so the file may stay.
const LOCK: &str = ".runledger.lock";
/// How the names of files begin that `replace` has not finished.
const UNFINISHED: &str = ".runledger-";

/// How Hive names the month of rows that have none.
const NO_MONTH: &str = "__HIVE_DEFAULT_PARTITION__";

/// What a file of the dataset holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// How many rows.
    pub rows: u64,
    /// SHA-256 of the rows, by which it is known whether they changed.
    pub rows_sha256: String,
    /// How long the file is.
    pub bytes: u64,
    /// How many amounts are NULL because DECIMAL(18, 9) cannot hold them.
    pub amounts_too_large: u64,
}

impl Part {
    /// A file of so many bytes that holds that, with that hash of its rows.
    pub fn new(held: FileStats, hash: &Hash, bytes: u64) -> Part {
        let FileStats { rows, amounts_too_large } = held;
        Part { rows, rows_sha256: to_hex(hash), bytes, amounts_too_large }
    }
}

/// What a dataset is: two that differ in any of it are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// The version of its form.
    dataset_version: u32,
    /// The zone of its months.
    zone: String,
    /// What books a row into a month.
    date_basis: String,
}

impl Kind {
    /// A dataset in months of that zone by that date.
    pub fn new(zone: Tz, date: DateBasis) -> Kind {
        let (zone, date_basis) = (zone.name().to_owned(), date.as_str().to_owned());
        Kind { dataset_version: VERSION, zone, date_basis }
    }
}

/// What `_runledger.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    #[serde(flatten)]
    kind: Kind,
    /// The workspaces in it. The place of each here is the number of its files, for ever.
    workspaces: Vec<String>,
    /// As known when; `None`: as known when each file was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    /// Each file's place in the folder of its table, table by table.
    tables: BTreeMap<String, BTreeMap<String, Part>>,
}

/// The part of any state that tells whether the rest can be understood.
#[derive(Deserialize)]
struct StateVersion {
    dataset_version: u32,
}

/// A dataset's folder, locked for this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    state: State,
    lock: File,
}

/// A workspace's only file of a month, or of a table without months. Parquet files are read in parallel by their groups of
/// rows: a second one would only mean that a month is not replaced in one step.
pub fn part_of(workspace: usize) -> String {
    format!("part-{workspace}.parquet")
}

/// Where a workspace's file of a month stands in its table's folder.
pub fn place_of(month: Option<&str>, workspace: usize) -> String {
    format!("month={}/{}", month.unwrap_or(NO_MONTH), part_of(workspace))
}

impl Folder {
    /// Takes the folder for a dataset of that kind with these tables of these workspaces, making it where there is none. A
    /// workspace that was not in it before comes to those that were.
    ///
    /// # Errors
    /// [`Error::Usage`] when it holds anything else, named; nothing is touched then. [`Error::Output`] when the place refuses,
    /// or another export is writing to it.
    pub fn open(path: &Path, kind: &Kind, tables: &[DatasetTable], workspaces: &[&str]) -> Result<Folder> {
        let refused = |cause| refused(path, cause);
        match fs::metadata(path) {
            Ok(there) if !there.is_dir() => {
                return Err(Error::Usage {
                    what: format!("--output {}: a dataset is a folder, and this is none", path.display()),
                    hint: Some("name another place".to_owned()),
                });
            }
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(refused(cause)),
            _ => {}
        }
        let look = || look(path, kind, tables, workspaces);
        look()?;
        fs::create_dir_all(path).map_err(refused)?;
        let lock = lock(path)?;
        // Whoever wrote to it meanwhile may have made it another one.
        let state = look()?;
        let is_new = state.is_none();
        let mut state = state.unwrap_or_else(|| State {
            kind: kind.clone(),
            workspaces: Vec::new(),
            as_of: None,
            tables: BTreeMap::new(),
        });
        let before = state.workspaces.len();
        for workspace in workspaces {
            if !state.workspaces.iter().any(|known| known == workspace) {
                state.workspaces.push((*workspace).to_owned());
            }
        }
        let has_grown = state.workspaces.len() > before;
        let mut folder = Folder { path: path.to_owned(), state, lock };
        folder.sweep(tables)?;
        for table in tables {
            folder.state.tables.entry(table.name().to_owned()).or_default();
        }
        if is_new || has_grown {
            // From now on, whatever happens, the folder is known as a dataset.
            folder.keep()?;
        }
        Ok(folder)
    }

    /// The number of a workspace's files. `None`: it is not in the dataset.
    pub fn number(&self, workspace: &str) -> Option<usize> {
        self.state.workspaces.iter().position(|known| known == workspace)
    }

    /// The moment as of which all of it was written. `None`: it has what was known when it was written.
    pub fn as_of(&self) -> Option<&str> {
        self.state.as_of.as_deref()
    }

    /// Writes down that all of it is as known then.
    ///
    /// # Errors
    /// [`Error::Output`] when the place refuses.
    pub fn put_as_of(&mut self, as_of: Option<String>) -> Result<()> {
        self.state.as_of = as_of;
        self.keep()
    }

    /// What the file at that place holds; `None`: there is none, or another than was written.
    pub fn part(&self, table: DatasetTable, place: &str) -> Option<&Part> {
        let part = self.state.tables.get(table.name())?.get(place)?;
        let there = fs::metadata(self.path.join(table.name()).join(place)).ok()?;
        (there.is_file() && there.len() == part.bytes).then_some(part)
    }

    /// Where a file stands.
    pub fn path_of(&self, table: DatasetTable, place: &str) -> PathBuf {
        self.path.join(table.name()).join(place)
    }

    /// Takes in what was written to a place.
    pub fn put(&mut self, table: DatasetTable, place: String, part: Part) {
        self.state.tables.entry(table.name().to_owned()).or_default().insert(place, part);
    }

    /// The places of a workspace's files of a table, whether or not they were ever finished.
    ///
    /// # Errors
    /// [`Error::Output`] when the folder cannot be read.
    pub fn places(&self, table: DatasetTable, workspace: usize) -> Result<Vec<String>> {
        let part = part_of(workspace);
        let mut places: Vec<String> = self
            .state
            .tables
            .get(table.name())
            .into_iter()
            .flatten()
            .map(|(place, _)| place.clone())
            .filter(|place| Path::new(place).ends_with(&part))
            .collect();
        for entry in entries(&self.path.join(table.name()))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().join(&part).exists() {
                places.push(format!("{name}/{part}"));
            }
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// Removes the file at a place, and its month's folder.
    ///
    /// # Errors
    /// [`Error::Output`] when the place refuses.
    pub fn remove(&mut self, table: DatasetTable, place: &str) -> Result<()> {
        let path = self.path_of(table, place);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(refused(&path, cause)),
            _ => {}
        }
        // A folder that somebody else needs stays.
        let _ = path.parent().map(fs::remove_dir);
        if let Some(parts) = self.state.tables.get_mut(table.name()) {
            parts.remove(place);
        }
        Ok(())
    }

    /// How many rows a workspace's files of a table hold.
    pub fn rows(&self, table: DatasetTable, workspace: usize) -> u64 {
        let part = part_of(workspace);
        let parts = self.state.tables.get(table.name()).into_iter().flatten();
        parts
            .filter(|(place, _)| Path::new(place).ends_with(&part))
            .fold(0, |rows, (_, part)| part.rows.saturating_add(rows))
    }

    /// How many amounts of all files are NULL because they are too large.
    pub fn amounts_too_large(&self) -> u64 {
        self.state
            .tables
            .values()
            .flat_map(BTreeMap::values)
            .map(|part| part.amounts_too_large)
            .fold(0, u64::saturating_add)
    }

    /// Writes down what the files hold, in one step.
    ///
    /// # Errors
    /// [`Error::Output`] when the place refuses.
    pub fn keep(&self) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(&self.state).expect("a state is JSON");
        json.push(b'\n');
        self.replace(STATE, &json)
    }

    /// Writes what the columns mean.
    ///
    /// # Errors
    /// [`Error::Output`] when the place refuses.
    pub fn explain(&self, page: &str) -> Result<()> {
        self.replace(SCHEMA, page.as_bytes())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        Destination::File(path).write(|out| Ok(out.write_all(bytes)?))
    }

    /// Removes what an export left behind that was killed.
    fn sweep(&self, tables: &[DatasetTable]) -> Result<()> {
        let mut folders = vec![self.path.clone()];
        for table in tables {
            let folder = self.path.join(table.name());
            folders.extend(entries(&folder)?.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()));
            folders.push(folder);
        }
        for folder in folders {
            for entry in entries(&folder)? {
                if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                    fs::remove_file(entry.path()).map_err(|cause| refused(&entry.path(), cause))?;
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

fn refused(path: &Path, cause: io::Error) -> Error {
    Error::Output { what: path.display().to_string(), cause }
}

/// What lies in a folder, by name; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let listed = match fs::read_dir(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let mut entries = listed.map_err(|cause| refused(folder, cause))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|cause| refused(&path, cause))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let cause = io::Error::new(io::ErrorKind::ResourceBusy, "another export is writing to it");
            Err(refused(folder, cause))
        }
        Err(TryLockError::Error(cause)) => Err(refused(&path, cause)),
    }
}

/// What the dataset there says of itself; `None`: nothing is there yet. Whatever is not of a dataset of that kind is named.
fn look(folder: &Path, kind: &Kind, tables: &[DatasetTable], workspaces: &[&str]) -> Result<Option<State>> {
    let unfit = |what: String, hint: &str| Err(Error::Usage { what, hint: Some(hint.to_owned()) });
    let path = folder.join(STATE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return match entries(folder)?.iter().find(|entry| !is_hidden(entry)) {
                None => Ok(None),
                Some(entry) => unfit(
                    format!(
                        "{} is no dataset of runledger: it holds {}",
                        folder.display(),
                        entry.file_name().display()
                    ),
                    "name a folder that is empty or not there yet",
                ),
            };
        }
        Err(cause) => return Err(refused(&path, cause)),
    };
    let another = "name another folder, or remove this one to have it written anew";
    let version = serde_json::from_slice::<StateVersion>(&text).map(|state| state.dataset_version);
    if let Ok(version) = version
        && version != VERSION
    {
        let what = format!(
            "{} is a dataset of form {version}; this runledger writes form {VERSION}",
            folder.display()
        );
        return unfit(what, another);
    }
    let state: State = match serde_json::from_slice(&text) {
        Ok(state) => state,
        Err(cause) => return unfit(format!("{} cannot be understood: {cause}", path.display()), another),
    };
    let strange =
        state.tables.iter().flat_map(|(table, parts)| parts.keys().map(move |place| (table, place)));
    if let Some((table, place)) =
        strange.into_iter().find(|(_, place)| !is_place(place, state.workspaces.len()))
    {
        return unfit(format!("{} names no file of a dataset: {table}/{place}", path.display()), another);
    }
    let differences = [
        ("months of", &state.kind.zone, &kind.zone, "ask with its --zone"),
        ("runs booked by", &state.kind.date_basis, &kind.date_basis, "ask with its --date"),
    ];
    for (what, there, asked, hint) in differences {
        if there != asked {
            let what = format!("{} has {what} {there}, and not {asked}", folder.display());
            return unfit(what, &format!("{hint}, or name another folder"));
        }
    }
    let known = |name: &str| tables.iter().any(|table| table.name() == name);
    if let Some(table) = state.tables.keys().find(|table| !known(table)) {
        let what = format!("{} has the table {table} too, which would go stale", folder.display());
        return unfit(what, "add --snapshots, or name another folder");
    }
    if let Some(workspace) = state.workspaces.iter().find(|there| !workspaces.contains(&there.as_str())) {
        let what = format!(
            "{} has the workspace {workspace} too, which is not exported here and would go stale",
            folder.display()
        );
        return unfit(
            what,
            "export all of them together, call the archive so with --workspace, or name another folder",
        );
    }
    if let Some(foreign) = foreign(folder, &known, state.workspaces.len())? {
        let what = format!("{} holds what runledger did not write: {foreign}", folder.display());
        return unfit(what, "take it out: a reader would take it for part of the dataset");
    }
    Ok(Some(state))
}

/// Whether a file of one of so many workspaces stands there. Nothing else is ever written or removed.
fn is_place(place: &str, workspaces: usize) -> bool {
    let is_part = |name: &str| (0..workspaces).any(|workspace| part_of(workspace) == name);
    match place.split_once('/') {
        None => is_part(place),
        Some((month, part)) => month.starts_with("month=") && is_part(part),
    }
}

/// The first thing that is not of a dataset with the tables that are known.
fn foreign(folder: &Path, known: &impl Fn(&str) -> bool, workspaces: usize) -> Result<Option<String>> {
    let is_part = |name: &str| (0..workspaces).any(|workspace| part_of(workspace) == name);
    for entry in entries(folder)?.iter().filter(|entry| !is_hidden(entry)) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == STATE || name == SCHEMA {
            continue;
        }
        if !known(&name) {
            return Ok(Some(name));
        }
        for inner in entries(&entry.path())?.iter().filter(|inner| !is_hidden(inner)) {
            let inner_name = inner.file_name().to_string_lossy().into_owned();
            let inner_is_month = inner_name.starts_with("month=") && inner.path().is_dir();
            let has_months = name != DatasetTable::Pipelines.name();
            if inner_is_month != has_months || (!has_months && !is_part(&inner_name)) {
                return Ok(Some(format!("{name}/{inner_name}")));
            }
            if has_months {
                let strange = entries(&inner.path())?
                    .into_iter()
                    .find(|part| !is_hidden(part) && !is_part(&part.file_name().to_string_lossy()));
                if let Some(part) = strange {
                    return Ok(Some(format!("{name}/{inner_name}/{}", part.file_name().display())));
                }
            }
        }
    }
    Ok(None)
}

/// Whether no reader of datasets looks at it, and nobody means it: what systems leave behind.
fn is_hidden(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}
