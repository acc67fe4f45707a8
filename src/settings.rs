//! This is the settings: what the command line leaves open comes from the environment, else from a file, else from a default.

use crate::api::BaseUrl;
use crate::atomic_file::same_file;
use crate::error::{Error, Result};
use crate::export::Dialect;
use crate::export::focus::{Account, BilledBy};
use crate::report::DateBasis;
use crate::report::allocation::Allocation;
use crate::report::plan::Plan;
use crate::run::Redaction;
use crate::secret::{ApiKey, PingUrl};
use crate::suggest::did_you_mean;
use chrono_tz::Tz;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Holds the API key.
pub const API_KEY_VARIABLE: &str = "NEKT_API_KEY";
/// Holds the API's address.
pub const API_URL_VARIABLE: &str = "RUNLEDGER_API_URL";
/// Holds further keys, separated by commas, whose values are never stored.
pub const REDACT_VARIABLE: &str = "RUNLEDGER_REDACT";
/// Holds the address that is told of each sync.
pub const PING_URL_VARIABLE: &str = "RUNLEDGER_PING_URL";
/// Holds the archive's path.
pub const DB_VARIABLE: &str = "RUNLEDGER_DB";

/// Holds the path of the file of settings.
pub const CONFIG_VARIABLE: &str = "RUNLEDGER_CONFIG";
/// Holds the time zone of months, weeks and days.
pub const ZONE_VARIABLE: &str = "RUNLEDGER_ZONE";
/// Holds which instant books a run.
pub const DATE_VARIABLE: &str = "RUNLEDGER_DATE";

/// Holds the dialect of CSV.
pub const DIALECT_VARIABLE: &str = "RUNLEDGER_DIALECT";

/// The file of settings, beside the archive: they belong to it.
const DEFAULT_FILE: &str = "runledger.toml";

const DEFAULT_API_URL: &str = "https://api.nekt.ai";
const DEFAULT_DB: &str = "runledger.db";

/// The archive where nothing names another: in the folder where the command is started.
pub fn default_archive() -> &'static Path {
    Path::new(DEFAULT_DB)
}

/// The archive: `--db`, else `RUNLEDGER_DB`, else `runledger.db`.
#[expect(clippy::disallowed_methods, reason = "the settings are the one reader of the environment")]
pub fn archive(flag: Option<&Path>) -> Setting<PathBuf> {
    match (flag, std::env::var_os(DB_VARIABLE).filter(|path| !path.is_empty())) {
        (Some(path), _) => Setting { value: path.to_owned(), origin: Origin::Flag("--db") },
        (None, Some(path)) => Setting { value: path.into(), origin: Origin::Environment(DB_VARIABLE) },
        (None, None) => Setting { value: DEFAULT_DB.into(), origin: Origin::Default },
    }
}

/// Whether the terminal says that it can do no more than write one line below the other.
#[expect(clippy::disallowed_methods, reason = "the settings are the one reader of the environment")]
pub fn terminal_is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// The API's address: `--api-url`, else `RUNLEDGER_API_URL`, else Nekt's.
///
/// # Errors
/// [`Error::Usage`] when it is no address that can be used.
pub fn api_address(flag: Option<&str>) -> Result<BaseUrl> {
    match (flag, variable(API_URL_VARIABLE)?) {
        (Some(flag), _) => BaseUrl::parse(flag),
        (None, Some(variable)) => BaseUrl::parse(&variable),
        (None, None) => BaseUrl::parse(DEFAULT_API_URL),
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

/// The address that is told of each sync: `--ping-url`, else the file given by `--ping-url-file`, else
/// `RUNLEDGER_PING_URL`. `None`: nobody is told. It is no setting of the file of settings: that is no place for secrets.
///
/// # Errors
/// [`Error::Usage`] when the file cannot be read.
pub fn ping_url(flag: Option<&PingUrl>, file: Option<&Path>) -> Result<Option<Setting<PingUrl>>> {
    let said = |value, origin| Ok(Some(Setting { value, origin }));
    match (flag, file) {
        (Some(url), _) => said(url.clone(), Origin::Flag("--ping-url")),
        (None, Some(file)) => said(PingUrl::from_file(file)?, Origin::File(file.to_owned())),
        (None, None) => match variable(PING_URL_VARIABLE)? {
            Some(url) => said(PingUrl::from(url), Origin::Environment(PING_URL_VARIABLE)),
            None => Ok(None),
        },
    }
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
#[expect(clippy::disallowed_methods, reason = "the settings are the one reader of the environment")]
fn variable(name: &str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::usage(format!("{name} is not UTF-8"))),
    }
}

/// Where a setting in force comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An argument, by its name.
    Flag(&'static str),
    /// An environment variable, by its name.
    Environment(&'static str),
    /// The file of settings.
    File(PathBuf),
    /// Nothing says otherwise.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag(name) | Origin::Environment(name) => f.write_str(name),
            Origin::File(path) => path.display().fmt(f),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// What it says.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting { value: change(self.value), origin: self.origin }
    }
}

/// What a file of settings can say. A key that is not here is refused.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    zone: Option<String>,
    date: Option<String>,
    dialect: Option<String>,
    #[serde(default)]
    billed_by: BilledBy,
    #[serde(default)]
    account: Account,
    plan: Option<Plan>,
    #[serde(default)]
    centre: Allocation,
    #[serde(default)]
    workspace: Vec<Workspace>,
}

/// A workspace of Nekt: an archive of its own, and the key that reads it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    /// What people call it; each its own.
    pub name: String,
    /// Its archive.
    pub archive: PathBuf,
    /// The file with its API key. `None`: `api_key_env` names where it is.
    pub api_key_file: Option<PathBuf>,
    /// The environment variable with its API key. `None`: `api_key_file` says where it is.
    pub api_key_env: Option<String>,
    /// The API's address. `None`: that of everything else.
    pub api_url: Option<String>,
}

impl File {
    /// Finds what is wrong, though no command may have asked for it yet, and the environment may say otherwise.
    fn validate(&self) -> Result<()> {
        let said = |value: &Option<String>| {
            let value = value.clone()?;
            Some(Setting { value, origin: Origin::File(PathBuf::new()) })
        };
        said(&self.zone).map(zone_of).transpose()?;
        said(&self.date).map(date_of).transpose()?;
        said(&self.dialect).map(dialect_of).transpose()?;
        for (place, workspace) in self.workspace.iter().enumerate() {
            workspace.validate(&self.workspace[..place])?;
        }
        self.centre.validate()
    }
}

impl Workspace {
    /// Finds what cannot be meant, also beside the workspaces before it.
    fn validate(&self, before: &[Workspace]) -> Result<()> {
        let Workspace { name, archive, .. } = self;
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(Error::usage("a workspace needs a name of its own that can be printed"));
        }
        if self.api_key_file.is_some() == self.api_key_env.is_some() {
            return Err(Error::Usage {
                what: format!("the workspace {name} needs either api_key_file or api_key_env"),
                hint: Some(
                    "the key itself is never a setting: anyone who sees the file would see it".to_owned(),
                ),
            });
        }
        if before.iter().any(|other| other.name == *name) {
            return Err(Error::usage(format!("two workspaces are called {name}")));
        }
        let names_a_file = |path: &Path| path.file_name().is_some() && !path.is_dir();
        if !names_a_file(archive) || self.api_key_file.as_deref().is_some_and(|file| !names_a_file(file)) {
            return Err(Error::usage(format!(
                "the workspace {name} needs files for archive and api_key_file"
            )));
        }
        // However they are spelt, two keys must never feed one archive: each would find the other's runs gone.
        match before.iter().find(|other| same_file(&other.archive, archive)) {
            Some(other) => Err(Error::usage(format!(
                "the workspaces {} and {name} have one archive, {}: each needs its own",
                other.name,
                archive.display()
            ))),
            None => Ok(()),
        }
    }

    /// The paths as seen from the folder of the file that says them.
    fn in_folder(self, folder: &Path) -> Workspace {
        // What names nothing is not to name the folder.
        let in_folder = |path: PathBuf| if path.as_os_str().is_empty() { path } else { folder.join(path) };
        Workspace { archive: in_folder(self.archive), api_key_file: self.api_key_file.map(in_folder), ..self }
    }

    /// The key.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none, or what there is is no key.
    pub fn api_key(&self) -> Result<ApiKey> {
        match (&self.api_key_file, &self.api_key_env) {
            (Some(file), _) => ApiKey::from_file(file),
            (None, Some(variable_name)) => {
                // What stands in the settings is not quoted: it may be the key itself, put there by mistake.
                let origin = format!("the variable that api_key_env of the workspace {} names", self.name);
                match variable(variable_name) {
                    Ok(Some(key)) => ApiKey::new(&key, &origin),
                    _ => Err(Error::usage(format!("{origin} holds no API key"))),
                }
            }
            (None, None) => Err(Error::usage(format!("the workspace {} has no API key", self.name))),
        }
    }
}

/// The settings of an archive: the environment and the file of settings, if there is one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    path: Option<PathBuf>,
    file: File,
}

impl Settings {
    /// Reads the file: the one given by `--config`, else by `RUNLEDGER_CONFIG`, else `runledger.toml` beside the
    /// archive, which need not be there.
    ///
    /// # Errors
    /// [`Error::Usage`] when a file that was named is not there, or says what cannot be.
    pub fn load(flag: Option<&Path>, archive: &Path) -> Result<Settings> {
        let named = match flag {
            Some(path) => Some(path.to_owned()),
            None => variable(CONFIG_VARIABLE)?.map(PathBuf::from),
        };
        let path = named.clone().unwrap_or_else(|| archive.with_file_name(DEFAULT_FILE));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
                return Ok(Settings::default());
            }
            Err(error) => {
                return Err(Error::usage(format!(
                    "the settings in {} cannot be read: {error}",
                    path.display()
                )));
            }
        };
        let in_file = |what: String, guess: Option<String>| Error::Usage {
            what: format!("the settings in {} cannot be meant: {what}", path.display()),
            hint: guess.or_else(|| {
                Some(
                    "`runledger config` prints the settings in force; docs/month-end-close.md describes each"
                        .to_owned(),
                )
            }),
        };
        // The line is named and not quoted: a key that was put there by mistake would be printed.
        let line = |error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
        };
        let mut file: File = toml::from_str(&text).map_err(|error| {
            let why = error.message().trim_end();
            in_file(format!("line {}: {why}", line(&error)), known_key(why))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        file.workspace = file.workspace.into_iter().map(|workspace| workspace.in_folder(folder)).collect();
        file.validate().map_err(|error| in_file(error.to_string(), error.hint()))?;
        Ok(Settings { path: Some(path), file })
    }

    /// These settings, and what they leave open from those that several workspaces share.
    #[must_use]
    pub fn over(self, shared: &Settings) -> Settings {
        let (own, base) = (self.file, shared.file.clone());
        let file = File {
            zone: own.zone.or(base.zone),
            date: own.date.or(base.date),
            dialect: own.dialect.or(base.dialect),
            billed_by: BilledBy {
                el: own.billed_by.el.or(base.billed_by.el),
                transformation: own.billed_by.transformation.or(base.billed_by.transformation),
            },
            account: Account {
                billing_id: own.account.billing_id.or(base.account.billing_id),
                billing_name: own.account.billing_name.or(base.account.billing_name),
                sub_id: own.account.sub_id.or(base.account.sub_id),
                sub_name: own.account.sub_name.or(base.account.sub_name),
            },
            plan: own.plan.or(base.plan),
            centre: if own.centre.0.is_empty() { base.centre } else { own.centre },
            workspace: base.workspace,
        };
        Settings { path: self.path.or_else(|| shared.path.clone()), file }
    }

    /// The settings in the file beside the archive, whatever else is named. Without such a file they say nothing.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn beside(archive: &Path) -> Result<Settings> {
        let path = archive.with_file_name(DEFAULT_FILE);
        if path.exists() { Settings::load(Some(&path), archive) } else { Ok(Settings::default()) }
    }

    /// The file; `None`: there is none.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The zone that months, weeks and days are meant in.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is none that IANA knows.
    pub fn zone(&self, flag: Option<&str>) -> Result<Setting<Tz>> {
        zone_of(self.choose(("--zone", flag), ZONE_VARIABLE, &self.file.zone, "UTC")?)
    }

    /// Which instant books a run.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is none of those.
    pub fn date(&self, flag: Option<&str>) -> Result<Setting<DateBasis>> {
        let default = DateBasis::default().as_str();
        date_of(self.choose(("--date", flag), DATE_VARIABLE, &self.file.date, default)?)
    }

    /// The dialect that CSV is written in.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is none of that name.
    pub fn dialect(&self, flag: Option<&str>) -> Result<Setting<Dialect>> {
        let default = Dialect::MACHINE.name();
        dialect_of(self.choose(("--dialect", flag), DIALECT_VARIABLE, &self.file.dialect, default)?)
    }

    /// Who invoices which part of a run's cost.
    pub fn billed_by(&self) -> BilledBy {
        self.file.billed_by.clone()
    }

    /// The names of the accounts.
    pub fn account(&self) -> Account {
        self.file.account.clone()
    }

    /// The monthly plan. `None`: nobody has said.
    pub fn plan(&self) -> Option<Plan> {
        self.file.plan
    }

    /// The rules of the cost centres.
    pub fn allocation(&self) -> &Allocation {
        &self.file.centre
    }

    /// The workspaces, in the order of the file.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.file.workspace
    }

    /// The workspace whose archive is that file. `None`: the settings name none.
    pub fn workspace_at(&self, archive: &Path) -> Option<&Workspace> {
        let is_it = |workspace: &&Workspace| same_file(&workspace.archive, archive);
        self.file.workspace.iter().find(is_it)
    }

    /// Every setting in force by its name, with its value in words; `None`: it says nothing. Of a secret only
    /// whether there is one.
    ///
    /// # Errors
    /// [`Error::Usage`] when a variable cannot be meant.
    pub fn in_force(&self, archive: Setting<PathBuf>) -> Result<Vec<(String, Setting<Option<String>>)>> {
        let file = || self.path.clone().map_or(Origin::Default, Origin::File);
        let environment = |name: &'static str| -> Result<Setting<Option<String>>> {
            let value = variable(name)?;
            let origin = if value.is_some() { Origin::Environment(name) } else { Origin::Default };
            Ok(Setting { value, origin })
        };
        let secret = |name: &'static str| -> Result<Setting<Option<String>>> {
            Ok(environment(name)?.map(|value| value.map(|_| "(given)".to_owned())))
        };
        let mut url = environment(API_URL_VARIABLE)?;
        // One that cannot be used is not printed: it may hold a password.
        url.value = Some(api_address(None)?.to_string());
        let mut settings = vec![
            ("archive", archive.map(|path| Some(path.display().to_string()))),
            ("api_url", url),
            ("api_key", secret(API_KEY_VARIABLE)?),
            ("redact", environment(REDACT_VARIABLE)?),
            ("ping_url", secret(PING_URL_VARIABLE)?),
            ("zone", self.zone(None)?.map(|zone| Some(zone.to_string()))),
            ("date", self.date(None)?.map(|date| Some(date.as_str().to_owned()))),
            ("dialect", self.dialect(None)?.map(|dialect| Some(dialect.name().to_owned()))),
        ];
        let said = |value: Option<String>| Setting {
            origin: if value.is_some() { file() } else { Origin::Default },
            value,
        };
        let File { billed_by, account, plan, .. } = self.file.clone();
        settings.extend([
            ("billed_by.el", said(billed_by.el)),
            ("billed_by.transformation", said(billed_by.transformation)),
            ("account.billing_id", said(account.billing_id)),
            ("account.billing_name", said(account.billing_name)),
            ("account.sub_id", said(account.sub_id)),
            ("account.sub_name", said(account.sub_name)),
            ("plan.fee_usd", said(plan.map(|plan| plan.fee_usd.to_string()))),
            ("plan.credits", said(plan.map(|plan| plan.credits.to_string()))),
        ]);
        if self.file.centre.0.is_empty() {
            settings.push(("centre", Setting { value: None, origin: Origin::Default }));
        }
        let rules = self
            .file
            .centre
            .0
            .iter()
            .map(|rule| ("centre", Setting { value: Some(rule.to_string()), origin: file() }));
        let workspaces = self.file.workspace.iter().map(|workspace| {
            let key = match &workspace.api_key_file {
                Some(file) => format!("the file {}", file.display()),
                None => "the environment".to_owned(),
            };
            let api =
                workspace.api_url.as_ref().map_or_else(String::new, |_| ", an API of its own".to_owned());
            let value = format!("{} in {}, key from {key}{api}", workspace.name, workspace.archive.display());
            ("workspace", Setting { value: Some(value), origin: file() })
        });
        Ok(settings
            .into_iter()
            .chain(rules)
            .chain(workspaces)
            .map(|(name, setting)| (name.to_owned(), setting))
            .collect())
    }

    /// The flag, else the variable, else the file, else the default.
    fn choose(
        &self,
        (name, flag): (&'static str, Option<&str>),
        environment: &'static str,
        file: &Option<String>,
        default: &str,
    ) -> Result<Setting<String>> {
        let said = |value: &str, origin| Ok(Setting { value: value.to_owned(), origin });
        if let Some(value) = flag {
            return said(value, Origin::Flag(name));
        }
        if let Some(value) = variable(environment)? {
            return said(&value, Origin::Environment(environment));
        }
        match (file, &self.path) {
            (Some(value), Some(path)) => said(value, Origin::File(path.clone())),
            _ => said(default, Origin::Default),
        }
    }
}

/// Which key an unknown one means, out of serde's sentence: "unknown field `zoen`, expected one of `zone`, `date`".
/// `None`: it says something else, or no key is near.
fn known_key(why: &str) -> Option<String> {
    let mut quoted = why.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    did_you_mean(quoted.next()?, quoted)
}

fn zone_of(Setting { value, origin }: Setting<String>) -> Result<Setting<Tz>> {
    let zone = value.parse().map_err(|_| Error::Usage {
        what: format!("{} {value}: there is no such time zone", said_by(&origin, "zone")),
        hint: did_you_mean(&value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
            .or_else(|| Some("give an IANA name such as UTC or America/Sao_Paulo".to_owned())),
    })?;
    Ok(Setting { value: zone, origin })
}

fn date_of(Setting { value, origin }: Setting<String>) -> Result<Setting<DateBasis>> {
    let basis = DateBasis::named(&value).ok_or_else(|| {
        let words = DateBasis::ALL.map(DateBasis::as_str);
        Error::Usage {
            what: format!(
                "{} {value}: a run is booked by one of {}",
                said_by(&origin, "date"),
                words.join(", ")
            ),
            hint: did_you_mean(&value, words),
        }
    })?;
    Ok(Setting { value: basis, origin })
}

fn dialect_of(Setting { value, origin }: Setting<String>) -> Result<Setting<Dialect>> {
    let dialect = Dialect::named(&value).ok_or_else(|| Error::Usage {
        what: format!("{} {value}: there is no such dialect of CSV", said_by(&origin, "dialect")),
        hint: did_you_mean(&value, Dialect::NAMES)
            .or_else(|| Some(format!("there are {}", Dialect::NAMES.join(", ")))),
    })?;
    Ok(Setting { value: dialect, origin })
}

/// Who says it: the flag or the variable, or the key in the file.
fn said_by<'o>(origin: &'o Origin, key: &'o str) -> &'o str {
    match origin {
        Origin::Flag(name) | Origin::Environment(name) => name,
        Origin::File(_) | Origin::Default => key,
    }
}
