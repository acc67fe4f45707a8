//! A workspace in the settings file: its name, its archive and the API key that reads it.

use super::env::variable;
use crate::error::{Error, Result};
use crate::secret::ApiKey;
use crate::symlinks::same_file;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A Nekt workspace, with its own archive and API key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// A unique name.
    pub name: String,
    /// The archive.
    pub archive: PathBuf,
    /// The file that contains the API key. `None`: `api_key_env` is set instead.
    pub api_key_file: Option<PathBuf>,
    /// The environment variable that contains the API key. `None`: `api_key_file` is set instead.
    pub api_key_env: Option<String>,
    /// The base URL of the API. `None`: the same as without workspaces.
    pub api_url: Option<String>,
}

impl Workspace {
    /// Checks the entry by itself and against the workspaces before it.
    pub(super) fn validate(&self, before: &[Workspace]) -> Result<()> {
        let Workspace { name, archive, .. } = self;
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::usage("a workspace needs a printable name"));
        }
        if self.api_key_file.is_some() == self.api_key_env.is_some() {
            return Err(Error::Usage {
                what: format!("the workspace {name} needs either api_key_file or api_key_env"),
                hint: Some("the key itself is not a setting, because others can read the file".to_owned()),
            });
        }
        if before.iter().any(|other| other.name == *name) {
            return Err(Error::usage(format!("two workspaces are named {name}")));
        }
        let names_a_file = |path: &Path| path.file_name().is_some() && !path.is_dir();
        if !names_a_file(archive) || self.api_key_file.as_deref().is_some_and(|file| !names_a_file(file)) {
            return Err(Error::usage(format!(
                "archive and api_key_file of the workspace {name} must be files"
            )));
        }
        // Two keys must never fill one archive: each sync would mark the other workspace's runs as vanished.
        match before.iter().find(|other| same_file(&other.archive, archive)) {
            Some(other) => Err(Error::usage(format!(
                "the workspaces {} and {name} share the archive {}: each needs its own",
                other.name,
                archive.display()
            ))),
            None => Ok(()),
        }
    }

    /// Resolves relative paths against the folder of the settings file.
    pub(super) fn in_folder(self, folder: &Path) -> Workspace {
        // An empty path stays empty, so that `validate` rejects it.
        let in_folder = |path: PathBuf| if path.as_os_str().is_empty() { path } else { folder.join(path) };
        Workspace { archive: in_folder(self.archive), api_key_file: self.api_key_file.map(in_folder), ..self }
    }

    /// The API key.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no key, or the key is invalid.
    pub fn api_key(&self) -> Result<ApiKey> {
        match (&self.api_key_file, &self.api_key_env) {
            (Some(file), _) => ApiKey::from_file(file),
            (None, Some(variable_name)) => {
                // Do not quote the setting: it may be the key itself, put there by mistake.
                let origin = format!("the variable that api_key_env of the workspace {} names", self.name);
                match variable(variable_name) {
                    Ok(Some(key)) => ApiKey::new(&key, &origin),
                    _ => Err(Error::usage(format!("{origin} contains no API key"))),
                }
            }
            (None, None) => Err(Error::usage(format!("the workspace {} has no API key", self.name))),
        }
    }
}
