//! The environment: the arguments, and every variable that runledger reads. No other module reads the environment.

#![expect(clippy::disallowed_methods, reason = "the one module that reads the environment")]

use super::{DEFAULT_FILE, Origin, Setting};
use crate::api::BaseUrl;
use crate::error::{Error, Result};
use crate::http::{ProxyKind, is_excluded_from_proxy, is_loopback, parse_proxy};
use crate::renamed::{NameKind, RENAMED};
use crate::run::Redaction;
pub(crate) use crate::secret::{API_KEY_VARIABLE, PING_URL_VARIABLE};
use crate::secret::{ApiKey, PingUrl};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use url::Url;

/// The base URL of the API.
pub(crate) const API_URL_VARIABLE: &str = "RUNLEDGER_API_URL";
/// Additional keys, separated by commas, whose values are never stored.
pub(crate) const REDACT_VARIABLE: &str = "RUNLEDGER_REDACT";
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
/// The language of spreadsheets and pages.
pub(crate) const LANGUAGE_VARIABLE: &str = "RUNLEDGER_LANGUAGE";

/// The variables that name the proxy for HTTPS. In each pair, the HTTP client takes the first that is set, and the
/// second pair only if the first one gives nothing.
const PROXY_VARIABLES: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];

/// The variables that list hosts without a proxy. The HTTP client takes the first that is set.
const NO_PROXY_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The file with the CA certificates to trust instead of the system's.
const CA_FILE_VARIABLE: &str = "SSL_CERT_FILE";

/// The file, and the folders, with the CA certificates to trust instead of the system's.
const CA_VARIABLES: [&str; 2] = [CA_FILE_VARIABLE, "SSL_CERT_DIR"];

const DEFAULT_API_URL: &str = "https://api.nekt.ai";

/// The archive that `RUNLEDGER_DB` names. `None`: unset or empty.
pub(super) fn archive() -> Option<PathBuf> {
    path_in(DB_VARIABLE)
}

/// The user's settings file: `runledger/runledger.toml` in `XDG_CONFIG_HOME`, else in `~/.config`. `None`: neither
/// variable is an absolute path. The XDG specification ignores relative ones.
pub(super) fn user_file() -> Option<PathBuf> {
    let absolute = |name| path_in(name).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(folder.join("runledger").join(DEFAULT_FILE))
}

/// The path in an environment variable. `None`: unset or empty.
fn path_in(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The arguments of this process, without its name.
pub(crate) fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os().skip(1)
}

/// Whether `TERM` is `dumb`: the terminal has no cursor movement.
pub(crate) fn terminal_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// The folder that the command runs in, without symlinks. `None`: it cannot be read.
pub(crate) fn current_folder() -> Option<PathBuf> {
    std::env::current_dir().and_then(|folder| folder.canonicalize()).ok()
}

/// The width that `COLUMNS` sets for tables. `None`: it is not set, or is no number of columns.
pub(crate) fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0)
}

/// The variables that name the locale of characters, the first that is set first.
const LOCALE_VARIABLES: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// Whether output for people can have characters beyond ASCII: `NO_UNICODE` is not set, and the locale is UTF-8 or not
/// set.
pub(crate) fn has_unicode() -> bool {
    is_unicode(|name| std::env::var_os(name))
}

fn is_unicode(value_of: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &str| value_of(name).filter(|value| !value.is_empty());
    let is_utf8 = |locale: OsString| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    };
    set("NO_UNICODE").is_none() && LOCALE_VARIABLES.into_iter().find_map(set).is_none_or(is_utf8)
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

/// Checks the proxy and the CA file before requests to `url`. The HTTP client reads both from the environment itself,
/// ignores an invalid proxy, and connects directly.
///
/// # Errors
/// [`Error::Usage`] when a value is unusable. A proxy is not quoted, because it may contain a password.
pub(crate) fn check_network_variables(url: &Url) -> Result<()> {
    if let Some((name, value)) = proxy(|name| std::env::var_os(name)) {
        check_proxy(name, value.to_str(), url)?;
    }
    match std::env::var_os(CA_FILE_VARIABLE) {
        Some(path) if url.scheme() == "https" => check_ca_file(Path::new(&path)),
        _ => Ok(()),
    }
}

/// The variable that names the proxy for requests to `url`. `None`: they use no proxy.
pub(crate) fn proxy_variable(url: &Url) -> Option<&'static str> {
    let excluded = NO_PROXY_VARIABLES.into_iter().find_map(std::env::var_os).unwrap_or_default();
    let is_excluded = || is_excluded_from_proxy(&excluded.to_string_lossy(), url);
    proxy(|name| std::env::var_os(name)).map(|(name, _)| name).filter(|_| !is_loopback(url) && !is_excluded())
}

/// The variables that name the CA certificates. Empty: those of the system are used.
pub(crate) fn ca_variables() -> Vec<&'static str> {
    CA_VARIABLES.into_iter().filter(|name| is_set(name)).collect()
}

/// Whether it is the address of Nekt's API, and not that of a sandbox or a mirror.
pub(crate) fn is_nekt_api(base_url: &BaseUrl) -> bool {
    base_url.to_string() == DEFAULT_API_URL
}

/// The variable that names the proxy for HTTPS, and its value. `None`: there is no proxy.
fn proxy(value_of: impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, OsString)> {
    PROXY_VARIABLES.into_iter().find_map(|names| {
        let first = names.into_iter().find_map(|name| Some((name, value_of(name)?)));
        first.filter(|(_, value)| !value.is_empty())
    })
}

fn check_proxy(name: &str, value: Option<&str>, url: &Url) -> Result<()> {
    let why = match value.map_or(Err("it is not a URL"), parse_proxy) {
        Ok(ProxyKind::Http) => return Ok(()),
        // A proxy is never used for this machine.
        Ok(ProxyKind::Socks) if is_loopback(url) => return Ok(()),
        Ok(ProxyKind::Socks) => "SOCKS proxies are not supported",
        Err(why) => why,
    };
    Err(Error::Usage {
        what: format!("invalid proxy in {name}: {why}"),
        hint: Some(format!(
            "set {name} to a URL like http://proxy.example:3128, or unset it if this network needs no proxy"
        )),
    })
}

fn check_ca_file(path: &Path) -> Result<()> {
    let refuse = |why: &str| Error::Usage {
        what: format!("cannot use {CA_FILE_VARIABLE}={}: {why}", path.display()),
        hint: Some("give a file with CA certificates in PEM format, or unset the variable".to_owned()),
    };
    let bytes = std::fs::read(path).map_err(|cause| refuse(&cause.to_string()))?;
    match String::from_utf8_lossy(&bytes).contains("-----BEGIN CERTIFICATE-----") {
        true => Ok(()),
        false => Err(refuse("it contains no PEM certificate")),
    }
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

    #[test]
    fn the_first_locale_that_is_set_decides_about_unicode() {
        let has_unicode = |set: &[(&str, &str)]| {
            is_unicode(|name| {
                set.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value))
            })
        };
        assert!(has_unicode(&[]));
        assert!(has_unicode(&[("LC_ALL", "pt_BR.UTF-8"), ("LANG", "C")]));
        assert!(has_unicode(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")]));
        assert!(has_unicode(&[("LANG", "en_US.UTF-8")]));
        assert!(!has_unicode(&[("LANG", "C")]));
        assert!(!has_unicode(&[("LC_CTYPE", "en_US.ISO-8859-1"), ("LANG", "en_US.UTF-8")]));
        assert!(!has_unicode(&[("LC_ALL", "POSIX"), ("LC_CTYPE", "C.UTF-8")]));
        assert!(!has_unicode(&[("NO_UNICODE", "1"), ("LANG", "en_US.UTF-8")]));
        assert!(has_unicode(&[("NO_UNICODE", "")]));
    }

    #[test]
    fn the_proxy_variable_is_the_one_that_the_http_client_uses() {
        let chosen = |set: &[(&str, &str)]| {
            let value_of = |name: &str| {
                set.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value))
            };
            proxy(value_of).map(|(name, _)| name)
        };
        assert_eq!(chosen(&[]), None);
        assert_eq!(
            chosen(&[("HTTPS_PROXY", "a"), ("https_proxy", "b"), ("ALL_PROXY", "c")]),
            Some("HTTPS_PROXY")
        );
        assert_eq!(chosen(&[("https_proxy", "b"), ("ALL_PROXY", "c")]), Some("https_proxy"));
        assert_eq!(
            chosen(&[("HTTPS_PROXY", ""), ("https_proxy", "b"), ("all_proxy", "d")]),
            Some("all_proxy")
        );
        assert_eq!(chosen(&[("HTTP_PROXY", "e")]), None);
    }

    #[test]
    fn an_unusable_proxy_is_refused_without_repeating_it() {
        let url = Url::parse("https://api.example").unwrap();
        for value in [Some("me:s3cret@proxy"), Some("socks5://me:s3cret@proxy"), Some("s3cret s3cret"), None]
        {
            let refused = check_proxy("HTTPS_PROXY", value, &url).unwrap_err();
            let text = refused.render();
            assert!(
                refused.exit_code() == 2 && text.contains("HTTPS_PROXY") && !text.contains("s3cret"),
                "{text}"
            );
        }
        assert!(check_proxy("HTTPS_PROXY", Some("http://me:s3cret@proxy.example:3128"), &url).is_ok());
        let local = Url::parse("http://127.0.0.1:8080").unwrap();
        assert!(check_proxy("ALL_PROXY", Some("socks5://proxy.example"), &local).is_ok());
        assert!(check_proxy("ALL_PROXY", Some("nonsense"), &local).is_err());
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refused = check_ca_file(&path).unwrap_err().render();
        assert!(refused.contains("SSL_CERT_FILE") && refused.contains("ca.pem"), "{refused}");
        std::fs::write(&path, b"0\x82\x03").unwrap();
        assert!(check_ca_file(&path).unwrap_err().to_string().contains("no PEM certificate"));
        std::fs::write(&path, "# CA\n-----BEGIN CERTIFICATE-----\n").unwrap();
        assert!(check_ca_file(&path).is_ok());
    }
}
