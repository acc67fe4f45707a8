//! Where the archive is: a flag, else a variable, else a file in the current folder, else the user's settings file.

use super::file::File;
use super::{DEFAULT_DB, Origin, Setting, env};
use crate::error::{Error, Result};
use crate::symlinks::same_file;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The archive: `--db`, else `RUNLEDGER_DB`, else `runledger.db` in the current folder if it exists, else the setting
/// `archive` in the user's settings file, else `runledger.db` in the current folder.
///
/// # Errors
/// [`Error::Usage`] when the user's settings file decides and is invalid.
pub(crate) fn archive(flag: Option<&Path>) -> Result<Setting<PathBuf>> {
    match (flag, env::archive()) {
        (Some(path), _) => Ok(Setting { value: path.to_owned(), origin: Origin::Flag("--db") }),
        (None, Some(path)) => Ok(Setting { value: path, origin: Origin::Environment(env::DB_VARIABLE) }),
        (None, None) if Path::new(DEFAULT_DB).exists() => Ok(default_setting()),
        (None, None) => Ok(configured()?.unwrap_or_else(default_setting)),
    }
}

/// `runledger.db` in the current folder, for commands that read no archive.
pub(crate) fn default_setting() -> Setting<PathBuf> {
    Setting { value: DEFAULT_DB.into(), origin: Origin::Default }
}

/// The archive of the user's settings file, if it exists and is another one than the file at `path`. A sync that is
/// about to create `path` names both. `None`: there is no other.
pub(crate) fn other_configured(path: &Path) -> Option<Setting<PathBuf>> {
    // The user has named an archive: an invalid file elsewhere must not stop the sync.
    configured().ok().flatten().filter(|other| other.value.exists() && !same_file(&other.value, path))
}

/// The user's settings file, if it names the archive at `path`. An invalid file names none.
pub(super) fn user_file_for(path: &Path) -> Option<PathBuf> {
    match configured().ok().flatten()? {
        Setting { value, origin: Origin::File(file) } if same_file(&value, path) => Some(file),
        _ => None,
    }
}

/// Rejects the setting `archive` in another file than the user's, where it would have no effect.
///
/// # Errors
/// [`Error::Usage`] with the place where it belongs.
pub(super) fn check_place(file: &File, path: &Path) -> Result<()> {
    let user_file = env::user_file();
    if file.archive.is_none() || user_file.as_deref().is_some_and(|user_file| same_file(user_file, path)) {
        return Ok(());
    }
    let place = user_file.unwrap_or_else(|| PathBuf::from("$XDG_CONFIG_HOME/runledger/runledger.toml"));
    Err(Error::Usage {
        what: format!(
            "invalid settings in {}: `archive` only applies in the user's settings file, {}",
            path.display(),
            place.display()
        ),
        hint: Some("move it there, or name the archive with --db or RUNLEDGER_DB".to_owned()),
    })
}

/// The archive that the user's settings file names. `None`: there is no such file, or it names none.
fn configured() -> Result<Option<Setting<PathBuf>>> {
    let Some(path) = env::user_file() else { return Ok(None) };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(Error::Usage {
                what: format!("cannot read the settings in {}: {error}", path.display()),
                hint: Some("name the archive with --db or RUNLEDGER_DB".to_owned()),
            });
        }
    };
    let archive = File::parse(&text, &path)?.archive;
    Ok(archive.map(|archive| Setting { value: archive, origin: Origin::File(path) }))
}
