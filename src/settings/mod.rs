//! The settings: a flag, else an environment variable, else the settings file, else a default.

mod archive;
mod budget;
mod dated;
mod env;
mod file;
mod fx;
mod run_url;
mod workspace;

pub(crate) use archive::{archive, default_setting, other_configured};
pub(crate) use env::{
    API_KEY_VARIABLE, API_URL_VARIABLE, CONFIG_VARIABLE, DATE_BASIS_VARIABLE, DIALECT_VARIABLE,
    LANGUAGE_VARIABLE, PING_URL_VARIABLE, REDACT_VARIABLE, ZONE_VARIABLE, api_address, api_key, arguments,
    ca_variables, check_network_variables, columns, current_folder, has_api_key, has_unicode, is_nekt_api,
    ping_url, proxy_variable, redaction, terminal_is_dumb,
};
pub(crate) use run_url::RunUrl;
pub(crate) use workspace::Workspace;

use crate::alert::AlertOptions;
use crate::error::{Error, Result};
use crate::export::Dialect;
use crate::ignored_fields::IgnoredFields;
use crate::language::Language;
use crate::report::allocation::Allocation;
use crate::report::budget::Budget;
use crate::report::components::MonetaryNames;
use crate::report::latest_close::LatestClose;
use crate::report::scope;
use crate::report::{DateBasis, Terms};
use crate::run::Instant;
use crate::suggest::did_you_mean;
use crate::symlinks::same_file;
use chrono::NaiveDate;
use chrono_tz::Tz;
use env::variable;
use file::File;
use fx::FxTable;
use std::path::{Path, PathBuf};

/// The settings file, in the folder of the archive that it applies to.
const DEFAULT_FILE: &str = "runledger.toml";

const DEFAULT_DB: &str = "runledger.db";

/// The default archive, in the current folder.
pub(crate) fn default_archive() -> &'static Path {
    Path::new(DEFAULT_DB)
}

/// The settings file of the archive at `path`: the user's if it names that archive and no file is in its folder, else
/// the one in its folder, which need not exist.
fn default_file(path: &Path) -> PathBuf {
    let beside = path.with_file_name(DEFAULT_FILE);
    if beside.exists() {
        return beside;
    }
    archive::user_file_for(path).unwrap_or(beside)
}

/// The origin of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag, by its name.
    Flag(&'static str),
    /// An environment variable, by its name.
    Environment(&'static str),
    /// The settings file.
    File(PathBuf),
    /// The close of this month, which was made last.
    LatestClose(String),
    /// The default.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag(name) | Origin::Environment(name) => f.write_str(name),
            Origin::File(path) => path.display().fmt(f),
            Origin::LatestClose(period) => write!(f, "close of {period}"),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting { value: change(self.value), origin: self.origin }
    }
}

/// The settings of an archive: the environment and the settings file, if there is one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    path: Option<PathBuf>,
    file: File,
}

impl Settings {
    /// Reads the file given by `--config`, else by `RUNLEDGER_CONFIG`, else `runledger.toml` in the archive's folder,
    /// else the user's settings file if it names the archive. Without a flag or variable, there may be none.
    ///
    /// # Errors
    /// [`Error::Usage`] when a named file is missing, when the file is invalid, or when the environment uses the old
    /// name of a variable.
    pub fn load(flag: Option<&Path>, archive: &Path) -> Result<Settings> {
        env::reject_renamed(env::is_set)?;
        let named = match flag {
            Some(path) => Some(path.to_owned()),
            None => variable(CONFIG_VARIABLE)?.map(PathBuf::from),
        };
        let path = match &named {
            Some(path) => path.clone(),
            None => default_file(archive),
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
                return Ok(Settings::default());
            }
            Err(error) => {
                return Err(Error::usage(format!("cannot read the settings in {}: {error}", path.display())));
            }
        };
        let file = File::parse(&text, &path)?;
        archive::check_place(&file, &path)?;
        Ok(Settings { path: Some(path), file })
    }

    /// These settings, completed by those that several workspaces share.
    #[must_use]
    pub fn over(self, shared: &Settings) -> Settings {
        let path = self.path.or_else(|| shared.path.clone());
        Settings { path, file: self.file.over(shared.file.clone()) }
    }

    /// The settings file in the archive's folder, ignoring `--config` and `RUNLEDGER_CONFIG`. Empty settings when there
    /// is no such file.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn next_to(archive: &Path) -> Result<Settings> {
        let path = archive.with_file_name(DEFAULT_FILE);
        if path.exists() { Settings::load(Some(&path), archive) } else { Ok(Settings::default()) }
    }

    /// The settings file; `None`: there is none.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The settings file, or the place where one for that archive belongs.
    pub fn path_for(&self, archive: &Path) -> PathBuf {
        self.path.clone().unwrap_or_else(|| archive.with_file_name(DEFAULT_FILE))
    }

    /// The fields that change detection ignores.
    pub fn ignored_fields(&self) -> IgnoredFields {
        self.file.sync.ignore_changes_in.clone().unwrap_or_default()
    }

    /// The time zone of months, weeks and days. `None`: not set, so that the latest close decides.
    ///
    /// # Errors
    /// [`Error::Usage`] when IANA has no such zone.
    pub fn zone(&self) -> Result<Option<Setting<Tz>>> {
        self.configured(ZONE_VARIABLE, &self.file.zone)?.map(parse_zone).transpose()
    }

    /// The instant that assigns a run to a period. `None`: not set, so that the latest close decides.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no such date basis.
    pub fn date_basis(&self) -> Result<Option<Setting<DateBasis>>> {
        self.configured(DATE_BASIS_VARIABLE, &self.file.date_basis)?.map(parse_date_basis).transpose()
    }

    /// The CSV dialect.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no such dialect.
    pub fn dialect(&self, flag: Option<&str>) -> Result<Setting<Dialect>> {
        let default = Dialect::MACHINE.name();
        parse_dialect(match flag {
            Some(name) => Setting { value: name.to_owned(), origin: Origin::Flag("--dialect") },
            None => self
                .configured(DIALECT_VARIABLE, &self.file.dialect)?
                .unwrap_or_else(|| Setting { value: default.to_owned(), origin: Origin::Default }),
        })
    }

    /// The language of spreadsheets, pages and amounts that people type. The default is that of the CSV dialect, which
    /// `dialect` names if a flag does.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no such language or dialect.
    pub fn language(&self, flag: Option<&str>, dialect: Option<&str>) -> Result<Setting<Language>> {
        let configured = match flag {
            Some(name) => Some(Setting { value: name.to_owned(), origin: Origin::Flag("--language") }),
            None => self.configured(LANGUAGE_VARIABLE, &self.file.language)?,
        };
        match configured {
            Some(configured) => parse_language(configured),
            None => {
                let value = self.dialect(dialect)?.value.language();
                Ok(Setting { value, origin: Origin::Default })
            }
        }
    }

    /// The plan, the purchased credits, the invoice issuers, the accounts, and the second currency with its rates.
    ///
    /// # Errors
    /// [`Error::Usage`] when the file of the rates cannot be read, or when one of them is invalid: also one that is
    /// dated after the day of `now` in the zone of the settings.
    pub fn terms(&self, now: Instant) -> Result<Terms> {
        let Some(fx) = &self.file.fx else { return Ok(self.file.terms()) };
        let fx = fx.read(self.today(now)?)?;
        Ok(Terms { fx: Some(fx), ..self.file.terms() })
    }

    /// The day of `now` in the zone of the settings, else in UTC.
    ///
    /// # Errors
    /// As [`Settings::zone`].
    pub(crate) fn today(&self, now: Instant) -> Result<NaiveDate> {
        let zone = self.zone()?.map_or(Tz::UTC, |zone| zone.value);
        Ok(now.to_utc().with_timezone(&zone).date_naive())
    }

    /// The file with the rates of the second currency. `None`: the settings have no `[fx]`.
    pub(crate) fn rates_file(&self) -> Option<&Path> {
        self.file.fx.as_ref().map(|fx| fx.rates.as_path())
    }

    /// The address of a run in the web app. `None`: not set.
    pub(crate) fn run_url(&self) -> Option<&RunUrl> {
        self.file.run_url.as_ref()
    }

    /// The allocation rules of the cost centers.
    pub fn allocation(&self) -> &Allocation {
        &self.file.cost_center
    }

    /// The budgets of the workspace with that name, or of one without a name.
    ///
    /// # Errors
    /// [`Error::Usage`] when a budget names a cost center, a currency or a workspace that the settings do not have.
    pub(crate) fn budgets(&self, workspace: Option<&str>) -> Result<Vec<Budget>> {
        let file = self.path.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        self.file.validate_names_of_budgets().map_err(|error| Error::Usage {
            what: format!("invalid settings in {}: {error}", file.display()),
            hint: error.hint(),
        })?;
        let applies = |budget: &&Budget| budget.workspace.as_deref().is_none_or(|own| workspace == Some(own));
        Ok(self.file.budget.iter().filter(applies).cloned().collect())
    }

    /// The names of amounts in the metadata.
    pub fn monetary_names(&self) -> MonetaryNames {
        self.file.components.names_ending_in.clone().unwrap_or_default()
    }

    /// When the rules of alerts find something.
    pub(crate) fn alert(&self) -> AlertOptions {
        self.file.alert.clone().unwrap_or_default()
    }

    /// The workspaces, in the order of the file.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.file.workspace
    }

    /// The workspace with that archive. `None`: the settings have none.
    pub fn workspace_at(&self, archive: &Path) -> Option<&Workspace> {
        self.file.workspace.iter().find(|workspace| same_file(&workspace.archive, archive))
    }

    /// Every setting by its name, with its value as text; `None`: not set. Secrets are listed as `(set)`. `latest` is
    /// the close made last in the archive.
    ///
    /// # Errors
    /// [`Error::Usage`] when an environment variable is invalid.
    pub(crate) fn in_force(
        &self,
        archive: Setting<PathBuf>,
        latest: Option<&LatestClose>,
    ) -> Result<Vec<(String, Setting<Option<String>>)>> {
        let text = |value: &str, origin| Setting { value: Some(value.to_owned()), origin };
        let or_default = |of_close: Option<&str>, default: &str| match (of_close, latest) {
            (Some(value), Some(close)) => text(value, Origin::LatestClose(close.period.clone())),
            _ => text(default, Origin::Default),
        };
        let zone = match self.zone()? {
            Some(Setting { value, origin }) => text(value.name(), origin),
            None => or_default(latest.map(|close| close.zone.name()), "UTC"),
        };
        let date_basis = match self.date_basis()? {
            Some(Setting { value, origin }) => text(value.as_str(), origin),
            None => or_default(latest.map(|close| close.date.as_str()), DateBasis::default().as_str()),
        };
        let file = || self.path.clone().map_or(Origin::Default, Origin::File);
        let environment = |name: &'static str| -> Result<Setting<Option<String>>> {
            let value = variable(name)?;
            let origin = if value.is_some() { Origin::Environment(name) } else { Origin::Default };
            Ok(Setting { value, origin })
        };
        let secret = |name: &'static str| -> Result<Setting<Option<String>>> {
            Ok(environment(name)?.map(|value| value.map(|_| "(set)".to_owned())))
        };
        let mut url = environment(API_URL_VARIABLE)?;
        // An invalid URL is an error instead of a row: it may contain a password.
        url.value = Some(api_address(None)?.to_string());
        let mut settings = vec![
            ("archive", archive.map(|path| Some(path.display().to_string()))),
            ("api_url", url),
            ("api_key", secret(API_KEY_VARIABLE)?),
            ("redact", environment(REDACT_VARIABLE)?),
            ("ping_url", secret(PING_URL_VARIABLE)?),
            ("zone", zone),
            ("date_basis", date_basis),
            ("dialect", self.dialect(None)?.map(|dialect| Some(dialect.name().to_owned()))),
            ("language", self.language(None, None)?.map(|language| Some(language.name().to_owned()))),
        ];
        let from_file = |value: Option<String>| Setting {
            origin: if value.is_some() { file() } else { Origin::Default },
            value,
        };
        let File { billed_by, account, plan, credit_purchase, components, fx, run_url, sync, .. } =
            self.file.clone();
        settings.push(("run_url", from_file(run_url.map(|pattern| pattern.as_str().to_owned()))));
        let always = billed_by.on(None).cloned().unwrap_or_default();
        settings.extend([
            ("billed_by.el", from_file(always.el)),
            ("billed_by.transformation", from_file(always.transformation)),
        ]);
        let issuer = |name: &Option<String>| name.clone().unwrap_or_else(|| "not set".to_owned());
        settings.extend(billed_by.iter().filter_map(|(from, names)| {
            let (el, transformation) = (issuer(&names.el), issuer(&names.transformation));
            let value = format!("el {el}, transformation {transformation}, from {}", from?);
            Some(("billed_by", from_file(Some(value))))
        }));
        settings.extend([
            ("account.billing_id", from_file(account.billing_id)),
            ("account.billing_name", from_file(account.billing_name)),
            ("account.sub_id", from_file(account.sub_id)),
            ("account.sub_name", from_file(account.sub_name)),
            ("plan.fee_usd", from_file(plan.on(None).map(|plan| plan.fee_usd.to_string()))),
            ("plan.credits", from_file(plan.on(None).map(|plan| plan.credits.to_string()))),
        ]);
        settings.extend(plan.iter().filter_map(|(from, plan)| {
            let value = format!("{} USD a month for {} credits, from {}", plan.fee_usd, plan.credits, from?);
            Some(("plan", from_file(Some(value))))
        }));
        settings.extend(credit_purchase.iter().map(|purchase| {
            let value =
                format!("{} credits for {} USD on {}", purchase.credits, purchase.price_usd, purchase.date);
            ("credit_purchase", from_file(Some(value)))
        }));
        let of_fx = |value: &dyn Fn(&FxTable) -> String| from_file(fx.as_ref().map(value));
        settings.extend([
            ("fx.currency", of_fx(&|fx| fx.currency.to_string())),
            ("fx.policy", of_fx(&|fx| fx.policy.as_str().to_owned())),
            ("fx.rates", of_fx(&|fx| fx.rates.display().to_string())),
        ]);
        let names = components.names_ending_in.map(|names| names.endings().join(", "));
        settings.push(("components.names_ending_in", from_file(names)));
        let ignored = sync.ignore_changes_in.map(|fields| fields.paths().join(", "));
        settings.push(("sync.ignore_changes_in", from_file(ignored)));
        let rules = &self.file.cost_center.0;
        if rules.is_empty() {
            settings.push(("cost_center", from_file(None)));
        }
        settings.extend(rules.iter().map(|rule| ("cost_center", from_file(Some(rule.to_string())))));
        let budgets = &self.file.budget;
        if budgets.is_empty() {
            settings.push(("budget", from_file(None)));
        }
        settings.extend(budgets.iter().map(|budget| ("budget", from_file(Some(budget.to_string())))));
        let alert = self.file.alert.as_ref().map(ToString::to_string);
        settings.push(("alert", from_file(alert)));
        let workspaces = self.file.workspace.iter().map(|workspace| {
            let key = match &workspace.api_key_file {
                Some(file) => format!("the file {}", file.display()),
                None => "the environment".to_owned(),
            };
            let api = if workspace.api_url.is_some() { ", with its own API URL" } else { "" };
            let value = format!("{} in {}, key from {key}{api}", workspace.name, workspace.archive.display());
            ("workspace", from_file(Some(value)))
        });
        settings.extend(workspaces);
        Ok(settings.into_iter().map(|(name, setting)| (name.to_owned(), setting)).collect())
    }

    /// The environment variable, else the file. `None`: neither is set.
    fn configured(
        &self,
        environment: &'static str,
        file: &Option<String>,
    ) -> Result<Option<Setting<String>>> {
        if let Some(value) = variable(environment)? {
            return Ok(Some(Setting { value, origin: Origin::Environment(environment) }));
        }
        Ok(file
            .clone()
            .zip(self.path.clone())
            .map(|(value, path)| Setting { value, origin: Origin::File(path) }))
    }
}

fn parse_zone(Setting { value, origin }: Setting<String>) -> Result<Setting<Tz>> {
    Ok(Setting { value: scope::parse_zone(&value, name_of(&origin, "zone"))?, origin })
}

fn parse_date_basis(Setting { value, origin }: Setting<String>) -> Result<Setting<DateBasis>> {
    Ok(Setting { value: DateBasis::parse(&value, name_of(&origin, "date_basis"))?, origin })
}

fn parse_dialect(Setting { value, origin }: Setting<String>) -> Result<Setting<Dialect>> {
    let names = Dialect::NAMES;
    let dialect = Dialect::named(&value).ok_or_else(|| Error::Usage {
        what: format!("{} {value}: must be one of {}", name_of(&origin, "dialect"), names.join(", ")),
        hint: did_you_mean(&value, names),
    })?;
    Ok(Setting { value: dialect, origin })
}

fn parse_language(Setting { value, origin }: Setting<String>) -> Result<Setting<Language>> {
    let names = Language::NAMES;
    let language = Language::named(&value).ok_or_else(|| Error::Usage {
        what: format!("{} {value}: must be one of {}", name_of(&origin, "language"), names.join(", ")),
        hint: did_you_mean(&value, names),
    })?;
    Ok(Setting { value: language, origin })
}

/// The name of the flag or variable, or else the key in the file.
fn name_of<'o>(origin: &'o Origin, key: &'o str) -> &'o str {
    match origin {
        Origin::Flag(name) | Origin::Environment(name) => name,
        Origin::File(_) | Origin::LatestClose(_) | Origin::Default => key,
    }
}
