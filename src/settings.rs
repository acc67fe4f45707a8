//! This is the settings: what the command line leaves open comes from the environment, else from a default.

use crate::api::Address;
use crate::error::{Error, Result};
use crate::run::Redaction;
use crate::secret::ApiKey;
use std::path::{Path, PathBuf};

/// Holds the API key.
pub const API_KEY_VARIABLE: &str = "NEKT_API_KEY";
/// Holds the API's address.
pub const API_URL_VARIABLE: &str = "RUNLEDGER_API_URL";
/// Holds further keys, separated by commas, whose values are never stored.
pub const REDACT_VARIABLE: &str = "RUNLEDGER_REDACT";
/// Holds the archive's path.
pub const DB_VARIABLE: &str = "RUNLEDGER_DB";

const DEFAULT_API_URL: &str = "https://api.nekt.ai";
const DEFAULT_DB: &str = "runledger.db";

/// The archive: `--db`, else `RUNLEDGER_DB`, else `runledger.db`.
pub fn archive_path(flag: Option<&Path>) -> PathBuf {
    match flag {
        Some(path) => path.to_owned(),
        None => std::env::var_os(DB_VARIABLE)
            .filter(|path| !path.is_empty())
            .map_or_else(|| PathBuf::from(DEFAULT_DB), PathBuf::from),
    }
}

/// The API's address: `--api-url`, else `RUNLEDGER_API_URL`, else Nekt's.
///
/// # Errors
/// [`Error::Usage`] when it is no address that can be used.
pub fn api_address(flag: Option<&str>) -> Result<Address> {
    match (flag, variable(API_URL_VARIABLE)?) {
        (Some(flag), _) => Address::parse(flag),
        (None, Some(variable)) => Address::parse(&variable),
        (None, None) => Address::parse(DEFAULT_API_URL),
    }
}

/// The API key: the file given by `--api-key-file`, else `NEKT_API_KEY`. It is never an argument:
/// everybody on a machine can read those.
///
/// # Errors
/// [`Error::Usage`] when there is none, or what there is is no key.
pub fn api_key(file: Option<&Path>) -> Result<ApiKey> {
    if let Some(file) = file {
        return ApiKey::from_file(file);
    }
    match variable(API_KEY_VARIABLE)? {
        Some(key) => ApiKey::new(&key, API_KEY_VARIABLE),
        None => Err(Error::Usage {
            what: "there is no API key".to_owned(),
            hint: Some(format!("put it into {API_KEY_VARIABLE}, or into a file for --api-key-file")),
        }),
    }
}

/// Whether the environment has an API key.
///
/// # Errors
/// [`Error::Usage`] when what it has is not UTF-8.
pub fn has_api_key() -> Result<bool> {
    Ok(variable(API_KEY_VARIABLE)?.is_some())
}

/// What is taken out before anything is stored: credentials, and what `RUNLEDGER_REDACT` names.
///
/// # Errors
/// [`Error::Usage`] when the variable is no text.
pub fn redaction() -> Result<Redaction> {
    let keys = variable(REDACT_VARIABLE)?.unwrap_or_default();
    Ok(Redaction::with_keys(keys.split(',')))
}

/// An environment variable. `None`: it is not set, or empty.
fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::usage(format!("{name} is not UTF-8"))),
    }
}
