//! The index of a dataset, `_runledger.json`: its layout, and the content of each file.

use super::writer::FileStats;
use crate::digest::{Hash, to_hex};
use crate::report::DateBasis;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the dataset layout: tables, columns, folders. A dataset of another version is
/// never updated.
pub(super) const VERSION: u32 = 1;

/// The name of the index file.
pub(super) const INDEX_FILE: &str = "_runledger.json";

/// The content of a data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// The number of rows.
    pub rows: u64,
    /// The SHA-256 of the rows, by which changes are detected.
    pub rows_sha256: String,
    /// The length in bytes.
    pub bytes: u64,
    /// The number of amounts that are NULL because DECIMAL(18, 9) cannot represent them.
    pub amounts_too_large: u64,
    /// The digest of the states in the file. `None`: the table has no states, or an earlier version wrote the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states_digest: Option<String>,
}

impl FileEntry {
    /// A file with this content, hash of rows, length and digest of states.
    pub(crate) fn new(stats: FileStats, hash: &Hash, bytes: u64, states_digest: Option<String>) -> FileEntry {
        let FileStats { rows, amounts_too_large } = stats;
        FileEntry { rows, rows_sha256: to_hex(hash), bytes, amounts_too_large, states_digest }
    }
}

/// The layout of a dataset. Data of different layouts is never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DatasetLayout {
    /// The version of the layout.
    pub(super) dataset_version: u32,
    /// The time zone of the months.
    pub(super) zone: String,
    /// The date that books a row into a month.
    pub(super) date_basis: String,
}

impl DatasetLayout {
    /// The current layout, with months in this zone by this date.
    pub(crate) fn new(zone: Tz, date_basis: DateBasis) -> DatasetLayout {
        let (zone, date_basis) = (zone.name().to_owned(), date_basis.as_str().to_owned());
        DatasetLayout { dataset_version: VERSION, zone, date_basis }
    }

    /// The zone and the date basis. `None`: this version does not know them.
    pub(super) fn booking(&self) -> Option<(Tz, DateBasis)> {
        Some((self.zone.parse().ok()?, DateBasis::named(&self.date_basis)?))
    }
}

/// The content of `_runledger.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatasetIndex {
    #[serde(flatten)]
    pub(super) layout: DatasetLayout,
    /// The workspaces. The position of each is the number in its file names, and never changes.
    pub(super) workspaces: Vec<String>,
    /// The as-of instant of all files; `None`: each file has the state at the time of its export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) as_of: Option<String>,
    /// The files of each table, by path below the folder of the table.
    pub(super) tables: BTreeMap<String, BTreeMap<String, FileEntry>>,
}

/// The field that the index of every version has.
#[derive(Deserialize)]
pub(super) struct IndexVersion {
    pub(super) dataset_version: u32,
}
