//! Checks of an existing folder: an export only writes to a dataset with the same layout, tables
//! and workspaces.

use super::folder::{SCHEMA_FILE, entries, file_name, output_error};
use super::index::{DatasetIndex, DatasetLayout, INDEX_FILE, IndexVersion, VERSION};
use crate::error::{Error, Result};
use crate::report::rows::dataset::DatasetTable;
use std::fs;
use std::io;
use std::path::Path;

/// Reads the index of the dataset in the folder. `None`: the folder is empty or does not exist.
///
/// # Errors
/// [`Error::Usage`] when the folder contains anything other than a matching dataset,
/// [`Error::Output`] when it cannot be read.
pub(super) fn inspect(
    folder: &Path,
    layout: &DatasetLayout,
    tables: &[DatasetTable],
    workspaces: &[&str],
) -> Result<Option<DatasetIndex>> {
    let Some(index) = read_index(folder)? else { return Ok(None) };
    let differences = [
        ("months in the time zone", &index.layout.zone, &layout.zone, "leave out --zone"),
        ("runs booked by the date", &index.layout.date_basis, &layout.date_basis, "leave out --date-basis"),
    ];
    for (what, existing, requested, hint) in differences {
        if existing != requested {
            let what = format!("{} has {what} {existing}, not {requested}", folder.display());
            return Err(mismatch(what, &format!("{hint}, or give another folder")));
        }
    }
    let is_requested = |name: &str| tables.iter().any(|table| table.name() == name);
    if let Some(table) = index.tables.keys().find(|table| !is_requested(table)) {
        let what = format!("{} also has the table {table}, which would become stale", folder.display());
        return Err(mismatch(what, "add --snapshots, or give another folder"));
    }
    if let Some(workspace) = index.workspaces.iter().find(|known| !workspaces.contains(&known.as_str())) {
        let what = format!(
            "{} also has the workspace {workspace}, which is not part of this export and would become stale",
            folder.display()
        );
        return Err(mismatch(
            what,
            "export all its workspaces together, name the archive with --workspace, or give another folder",
        ));
    }
    if let Some(foreign) = find_foreign(folder, &is_requested, index.workspaces.len())? {
        let what = format!("{} contains {foreign}, which runledger did not write", folder.display());
        return Err(mismatch(what, "move it elsewhere: readers would take it for a part of the dataset"));
    }
    Ok(Some(index))
}

/// The layout of the dataset in the folder. `None`: the folder is empty or does not exist.
///
/// # Errors
/// As [`inspect`].
pub(super) fn layout(folder: &Path) -> Result<Option<DatasetLayout>> {
    Ok(read_index(folder)?.map(|index| index.layout))
}

/// Reads and validates the index file. `None`: the folder is empty or does not exist.
fn read_index(folder: &Path) -> Result<Option<DatasetIndex>> {
    const REPLACE: &str = "give another folder, or remove this one to write the dataset again";
    let path = folder.join(INDEX_FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return match entries(folder)?.iter().find(|entry| !is_hidden(entry)) {
                None => Ok(None),
                Some(entry) => Err(mismatch(
                    format!(
                        "{} is not a dataset of runledger: it contains {}",
                        folder.display(),
                        entry.file_name().display()
                    ),
                    "give a folder that is empty or does not exist",
                )),
            };
        }
        Err(cause) => return Err(output_error(&path, cause)),
    };
    let version = serde_json::from_slice::<IndexVersion>(&text).map(|index| index.dataset_version);
    if let Ok(version) = version
        && version != VERSION
    {
        let what = format!(
            "{} is a dataset of layout version {version}, but this runledger writes version {VERSION}",
            folder.display()
        );
        return Err(mismatch(what, REPLACE));
    }
    let index: DatasetIndex = serde_json::from_slice(&text)
        .map_err(|cause| mismatch(format!("{} is invalid: {cause}", path.display()), REPLACE))?;
    let mut files =
        index.tables.iter().flat_map(|(table, files)| files.keys().map(move |file| (table, file)));
    match files.find(|(_, file)| !is_data_file(file, index.workspaces.len())) {
        None => Ok(Some(index)),
        Some((table, file)) => Err(mismatch(
            format!("{} lists {table}/{file}, which is not a file of a dataset", path.display()),
            REPLACE,
        )),
    }
}

fn mismatch(what: String, hint: &str) -> Error {
    Error::Usage { what, hint: Some(hint.to_owned()) }
}

/// Whether the path is that of a data file of one of the workspaces. Nothing else is ever written
/// or removed, so an edited index cannot delete other files.
fn is_data_file(path: &str, workspaces: usize) -> bool {
    let is_part = |name: &str| (0..workspaces).any(|workspace| file_name(workspace) == name);
    match path.split_once('/') {
        None => is_part(path),
        Some((month, part)) => month.starts_with("month=") && is_part(part),
    }
}

/// The first file or folder that does not belong to a dataset with the requested tables.
fn find_foreign(
    folder: &Path,
    is_requested: &impl Fn(&str) -> bool,
    workspaces: usize,
) -> Result<Option<String>> {
    let is_part = |name: &str| (0..workspaces).any(|workspace| file_name(workspace) == name);
    for entry in entries(folder)?.iter().filter(|entry| !is_hidden(entry)) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == INDEX_FILE || name == SCHEMA_FILE {
            continue;
        }
        if !is_requested(&name) {
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
                let foreign = entries(&inner.path())?
                    .into_iter()
                    .find(|file| !is_hidden(file) && !is_part(&file.file_name().to_string_lossy()));
                if let Some(file) = foreign {
                    return Ok(Some(format!("{name}/{inner_name}/{}", file.file_name().display())));
                }
            }
        }
    }
    Ok(None)
}

/// Whether readers of datasets ignore the entry, such as a `.DS_Store` of the operating system.
fn is_hidden(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}
