//! The migration of an archive or a backup to the newest schema, without a sync.

use super::archive_path::ArchivePath;
use super::migrations::{self, SchemaStatus};
use super::{Archive, Lock, unusable};
use crate::error::{Error, Result, is_busy};
use crate::run::Instant;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use std::path::{Path, PathBuf};

/// The effect of [`migrate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Migrated {
    /// The archive has the newest schema already.
    Nothing {
        /// Its version.
        version: i32,
    },
    /// The archive was migrated.
    From {
        /// The version before.
        before: i32,
        /// The newest version.
        version: i32,
        /// The verified copy of the archive as it was.
        copy: PathBuf,
    },
}

/// Migrates the archive to the newest schema, after a verified copy next to it. An archive that has it is only read,
/// also during a sync. The journal mode is the same afterwards, so that a backup remains one file.
///
/// # Errors
/// As [`Archive::open`]; [`Error::Archive`] also when the file does not exist;
/// [`Error::Locked`] when another process is writing to an older archive. The archive is unchanged then.
pub(crate) fn migrate(path: &Path, now: Instant) -> Result<Migrated> {
    let migrations = migrations::migrations();
    let version = migrations::newest(migrations);
    let resolved = &ArchivePath::resolve(path)?;
    let in_archive = |error: Error| error.in_archive(path);
    let archive = Archive::open_any_version(resolved, OpenFlags::SQLITE_OPEN_READ_ONLY, None)?;
    match migrations::schema_status(path, &archive.connection, migrations) {
        Ok(SchemaStatus::Current) => return Ok(Migrated::Nothing { version }),
        Ok(_) => {}
        Err(error) => return Err(in_archive(error)),
    }
    drop(archive);

    let lock = Lock::acquire(path, now)?;
    let resolved = lock.archive_at(path)?;
    let mut archive = Archive::open_any_version(resolved, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
    let mut migrate = || {
        archive.require_writable()?;
        // If the archive is refused, its log stays as it is.
        archive.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let before = match migrations::schema_status(path, &archive.connection, migrations)? {
            SchemaStatus::Older(before) => before,
            // Another process has migrated it meanwhile.
            SchemaStatus::Current => return Ok(Migrated::Nothing { version }),
            SchemaStatus::Blank => {
                let hint = "`runledger sync` creates them".to_owned();
                return Err(unusable(path, "it has no tables yet".to_owned(), Some(hint)));
            }
        };
        archive.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        let copy = archive.backup_before_migrating(before, lock.acquired_at())?;
        // In WAL mode, a kill leaves a log that is known to belong to the file. A rollback journal is not.
        let mode: String = archive.connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        archive.begin()?;
        archive.roll_back()?;
        archive.connection.pragma_update(None, "journal_mode", "wal")?;
        archive.tune()?;
        migrations::migrate(path, &mut archive.connection, migrations)?;
        match archive.connection.pragma_update(None, "journal_mode", mode) {
            // A reader of the file prevents it. The archive is migrated and complete in WAL mode, too.
            Err(error) if !is_busy(&error) => return Err(error.into()),
            _ => {}
        }
        Ok(Migrated::From { before, version, copy })
    };
    migrate().map_err(in_archive)
}
