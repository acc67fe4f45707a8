//! The environment: every variable that runledger reads. No other module reads the environment.

#![expect(clippy::disallowed_methods, reason = "the one module that reads the environment")]

use super::{DEFAULT_DB, Origin, Setting};
use crate::api::BaseUrl;
use crate::error::{Error, Result};
use crate::renamed::{NameKind, RENAMED};
use crate::run::Redaction;
use crate::secret::{ApiKey, PingUrl};
use std::path::{Path, PathBuf};

/// The API key.
pub(crate) const API_KEY_VARIABLE: &str = "NEKT_API_KEY";
/// The base URL of the API.
pub(crate) const API_URL_VARIABLE: &str = "RUNLEDGER_API_URL";
/// Additional keys, separated by commas, whose values are never stored.
pub(crate) const REDACT_VARIABLE: &str = "RUNLEDGER_REDACT";
/// The URL to ping when a sync starts and ends.
pub(crate) const PING_URL_VARIABLE: &str = "RUNLEDGER_PING_URL";
/// The path of the archive.
pub(crate) const DB_VARIABLE: &str = "RUNLEDGER_DB";
/// The path of the settings file.
pub(crate) const CONFIG_VARIABLE: &str = "RUNLEDGER_CONFIG";
/// The time zone of months, weeks and days.
pub(crate) const ZONE_VARIABLE: &str = "RUNLEDGER_ZONE";
/// The instant that assigns a run to a period.
pub(crate) const DATE_BASIS_VARIABLE: &str = "RUNLEDGER_DATE_BASIS";
/// The CSV dialect.
pub(crate) const DIALECT_VARIABLE: &str = "RUNLEDGER_DIALECT";

const DEFAULT_API_URL: &str = "https://api.nekt.ai";

/// The archive: `--db`, else `RUNLEDGER_DB`, else `runledger.db`.
pub(crate) fn archive(flag: Option<&Path>) -> Setting<PathBuf> {
    match (flag, std::env::var_os(DB_VARIABLE).filter(|path| !path.is_empty())) {
        (Some(path), _) => Setting { value: path.to_owned(), origin: Origin::Flag("--db") },
        (None, Some(path)) => Setting { value: path.into(), origin: Origin::Environment(DB_VARIABLE) },
        (None, None) => Setting { value: DEFAULT_DB.into(), origin: Origin::Default },
    }
}

/// Whether `TERM` is `dumb`: the terminal has no cursor movement.
pub(crate) fn terminal_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// The base URL of the API: `--api-url`, else `RUNLEDGER_API_URL`, else Nekt's.
///
/// # Errors
/// [`Error::Usage`] when the URL is invalid.
pub(crate) fn api_address(flag: Option<&str>) -> Result<BaseUrl> {
    match (flag, variable(API_URL_VARIABLE)?) {
        (Some(flag), _) => BaseUrl::parse(flag),
        (None, Some(variable)) => BaseUrl::parse(&variable),
        (None, None) => BaseUrl::parse(DEFAULT_API_URL),
    }
}

/// The API key: the file given by `--api-key-file`, else `NEKT_API_KEY`. No flag takes the key itself, because every
/// user of a machine can read the arguments of its processes.
///
/// # Errors
/// [`Error::Usage`] when there is no key, or the key is invalid.
pub(crate) fn api_key(file: Option<&Path>) -> Result<ApiKey> {
    if let Some(file) = file {
        return ApiKey::from_file(file);
    }
    match variable(API_KEY_VARIABLE)? {
        Some(key) => ApiKey::new(&key, API_KEY_VARIABLE),
        None => Err(Error::Usage {
            what: "there is no API key".to_owned(),
            hint: Some(format!("set {API_KEY_VARIABLE}, or give a file with --api-key-file")),
        }),
    }
}

/// Whether the environment contains an API key.
///
/// # Errors
/// [`Error::Usage`] when the variable is not UTF-8.
pub(crate) fn has_api_key() -> Result<bool> {
    Ok(variable(API_KEY_VARIABLE)?.is_some())
}

/// The URL to ping: `--ping-url`, else the file given by `--ping-url-file`, else `RUNLEDGER_PING_URL`. `None`: send no
/// pings. The settings file has no such key, because it is no place for secrets.
///
/// # Errors
/// [`Error::Usage`] when the file cannot be read.
pub(crate) fn ping_url(flag: Option<&PingUrl>, file: Option<&Path>) -> Result<Option<Setting<PingUrl>>> {
    let found = |value, origin| Ok(Some(Setting { value, origin }));
    match (flag, file) {
        (Some(url), _) => found(url.clone(), Origin::Flag("--ping-url")),
        (None, Some(file)) => found(PingUrl::from_file(file)?, Origin::File(file.to_owned())),
        (None, None) => match variable(PING_URL_VARIABLE)? {
            Some(url) => found(PingUrl::from(url), Origin::Environment(PING_URL_VARIABLE)),
            None => Ok(None),
        },
    }
}

/// The keys whose values are removed before anything is stored: credentials, and those in `RUNLEDGER_REDACT`.
///
/// # Errors
/// [`Error::Usage`] when the variable is not UTF-8.
pub(crate) fn redaction() -> Result<Redaction> {
    let keys = variable(REDACT_VARIABLE)?.unwrap_or_default();
    Ok(Redaction::with_keys(keys.split(',')))
}

/// The value of an environment variable. `None`: unset or empty.
///
/// # Errors
/// [`Error::Usage`] when it is not UTF-8.
pub(super) fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::usage(format!("{name} is not UTF-8"))),
    }
}

/// Rejects variables that were renamed.
///
/// # Errors
/// [`Error::Usage`] with the new name.
pub(super) fn reject_renamed(is_set: impl Fn(&str) -> bool) -> Result<()> {
    let variables = RENAMED.iter().filter(|renamed| renamed.kind == NameKind::Variable);
    match variables.into_iter().find(|renamed| is_set(renamed.old)) {
        Some(renamed) => Err(renamed.error()),
        None => Ok(()),
    }
}

/// Whether an environment variable is set and not empty.
pub(super) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_variable_is_an_error_with_the_new_name() {
        let variables = RENAMED.iter().filter(|renamed| renamed.kind == NameKind::Variable);
        for renamed in variables {
            let error = reject_renamed(|name| name == renamed.old).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(renamed.new), "{error}");
        }
        assert!(reject_renamed(|_| false).is_ok());
    }
}
