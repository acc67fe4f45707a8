//! Which files a backup may replace: none that holds anything but an older state of the same archive.

use super::file_set::{FileSet, JOURNAL, LOG};
use super::header::{self, FileKind};
use super::{Archive, COMPANION_SUFFIXES};
use crate::error::{Error, Result};
use crate::paths::with_suffix;
use crate::symlinks::same_file;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, params_from_iter};
use std::fs;
use std::path::Path;

/// The number of columns in each line of [`RECORDS`].
const COLUMNS: usize = 4;

/// The rows by which states of an archive are compared: each is added once and keeps these columns.
const RECORDS: [(&str, &str, &str); 2] = [
    ("syncs", "syncs", "sync_id, kind, started_at, process_id"),
    ("closes", "period_closes", "close_id, period, closed_at, known_at"),
];

impl Archive {
    /// Verifies that a backup may be written to `destination`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it belongs to this archive or to a database in use, or has other content than an older
    /// state of this archive.
    pub(super) fn verify_backup_target(&self, destination: &Path) -> Result<()> {
        if fs::metadata(destination).is_ok_and(|there| !there.is_file()) {
            return Err(Error::usage(format!("{} is not a regular file", destination.display())));
        }
        reject_own_files(&self.path, destination, "choose another file for the backup")?;
        let files = FileSet::at(destination);
        // Even an empty log shows that another program has the file open, or that it was killed.
        if let Some(log) =
            [LOG, JOURNAL].map(|suffix| files.file(suffix)).into_iter().find(|log| log.exists())
        {
            return Err(Error::Usage {
                what: format!(
                    "{} has the log {}: SQLite would apply it to the backup",
                    destination.display(),
                    log.display()
                ),
                hint: Some("choose another file for the backup".to_owned()),
            });
        }
        self.verify_replaceable(destination)
    }

    /// Verifies that the file is missing, empty, or an older state of this archive.
    ///
    /// # Errors
    /// [`Error::Usage`] that says what the file has.
    pub(super) fn verify_replaceable(&self, destination: &Path) -> Result<()> {
        let refuse = |what: &str| {
            Err(Error::Usage {
                what: format!("cannot replace {}: {what}", destination.display()),
                hint: Some("choose another file for the backup, or move this one elsewhere".to_owned()),
            })
        };
        match header::identify(destination) {
            Ok(FileKind::Nothing) => return Ok(()),
            // The file system refuses to replace a folder.
            Err(_) if destination.is_dir() => return Ok(()),
            Err(_) => return refuse("it is not a backup of this archive"),
            Ok(FileKind::Archive) => {}
        }
        let Some(earlier) = header::open_immutable(destination) else {
            return refuse("it has a log, which SQLite would apply to the backup");
        };
        match self.records_missing_from(&earlier) {
            Ok(missing) if missing.is_empty() => Ok(()),
            Ok(missing) => refuse(&format!(
                "it has {}: it is newer than this archive, or a backup of another one",
                missing.join(" and ")
            )),
            Err(error) => refuse(&format!("it cannot be compared with this archive: {error}")),
        }
    }

    /// The records of another archive that this one does not have, such as `3 other syncs`.
    fn records_missing_from(&self, other: &Connection) -> rusqlite::Result<Vec<String>> {
        let mut missing = Vec::new();
        for (name, table, columns) in RECORDS {
            if !other.table_exists(None, table)? {
                continue;
            }
            let mut here = self.connection.prepare(&format!(
                "SELECT EXISTS (SELECT 1 FROM {table} WHERE ({columns}) = (?1, ?2, ?3, ?4))"
            ))?;
            let mut there = other.prepare(&format!("SELECT {columns} FROM {table}"))?;
            let mut rows = there.query([])?;
            let mut count = 0_u64;
            while let Some(row) = rows.next()? {
                let mut cells = Vec::with_capacity(COLUMNS);
                for column in 0..COLUMNS {
                    cells.push(ToSqlOutput::Borrowed(row.get_ref(column)?));
                }
                count += u64::from(!here.query_row(params_from_iter(&cells), |row| row.get::<_, bool>(0))?);
            }
            if count > 0 {
                missing.push(format!("{count} other {name}"));
            }
        }
        Ok(missing)
    }
}

/// Rejects a file that is the archive or one of its companion files, also through a link.
///
/// # Errors
/// [`Error::Usage`] with the hint.
pub(super) fn reject_own_files(archive: &Path, file: &Path, hint: &str) -> Result<()> {
    // SQLite keeps its companion files next to the target of a link.
    let target = FileSet::at(archive);
    let belongs = [archive, target.main()].into_iter().any(|archive| {
        std::iter::once("")
            .chain(COMPANION_SUFFIXES)
            .any(|suffix| same_file(&with_suffix(archive, suffix), file))
    });
    if !belongs {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!("{} belongs to the archive itself", file.display()),
        hint: Some(hint.to_owned()),
    })
}
