//! The settings file: its keys, how it is read, and what makes it invalid.

use super::budget::budgets;
use super::dated::{BilledByTable, PlanTable, timeline};
use super::fx::FxTable;
use super::run_url::RunUrl;
use super::workspace::Workspace;
use super::{Origin, Setting, parse_date_basis, parse_dialect, parse_language, parse_zone};
use crate::alert::AlertOptions;
use crate::error::{Error, Result};
use crate::ignored_fields::IgnoredFields;
use crate::renamed::{NameKind, renamed};
use crate::report::allocation::Allocation;
use crate::report::billing::{Account, BilledBy};
use crate::report::budget::Budget;
use crate::report::components::MonetaryNames;
use crate::report::timeline::Timeline;
use crate::report::{CreditPurchase, Plan, Terms};
use crate::store::check_archive_name;
use crate::suggest::did_you_mean;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The keys of a settings file. An unknown key is an error.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The default archive, only in the user's settings file.
    pub(super) archive: Option<PathBuf>,
    pub(super) zone: Option<String>,
    pub(super) date_basis: Option<String>,
    pub(super) dialect: Option<String>,
    pub(super) language: Option<String>,
    pub(super) run_url: Option<RunUrl>,
    #[serde(default, deserialize_with = "timeline::<_, BilledByTable>")]
    pub(super) billed_by: Timeline<BilledBy>,
    #[serde(default)]
    pub(super) account: Account,
    #[serde(default, deserialize_with = "timeline::<_, PlanTable>")]
    pub(super) plan: Timeline<Plan>,
    #[serde(default)]
    pub(super) credit_purchase: Vec<CreditPurchase>,
    pub(super) fx: Option<FxTable>,
    #[serde(default)]
    pub(super) cost_center: Allocation,
    #[serde(default, deserialize_with = "budgets")]
    pub(super) budget: Vec<Budget>,
    #[serde(default)]
    pub(super) components: ComponentsSettings,
    pub(super) alert: Option<AlertOptions>,
    #[serde(default)]
    pub(super) sync: SyncSettings,
    #[serde(default)]
    pub(super) workspace: Vec<Workspace>,
}

/// The table `[components]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentsSettings {
    pub(super) names_ending_in: Option<MonetaryNames>,
}

/// The table `[sync]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncSettings {
    pub(super) ignore_changes_in: Option<IgnoredFields>,
}

impl File {
    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// [`Error::Usage`] with the line, where it is known.
    pub(super) fn parse(text: &str, path: &Path) -> Result<File> {
        let invalid = |what: String, hint: Option<String>| Error::Usage {
            what: format!("invalid settings in {}: {what}", path.display()),
            hint,
        };
        let general_hint = || {
            "`runledger config` lists the settings, and docs/README.md the pages that explain them".to_owned()
        };
        // The message gives the line instead of quoting it: the line may contain a key, put there by mistake.
        let line = |error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
        };
        let mut file: File = toml::from_str(text).map_err(|error| {
            let why = error.message().trim_end();
            match unknown_key(why).and_then(|key| renamed(NameKind::Setting, key)) {
                Some(renamed) => invalid(format!("line {}: {}", line(&error), renamed.error()), None),
                None => invalid(
                    format!("line {}: {why}", line(&error)),
                    similar_key(why).or_else(|| Some(general_hint())),
                ),
            }
        })?;
        reject_renamed_in_rules(text).map_err(|error| invalid(error.to_string(), None))?;
        for workspace in &file.workspace {
            // An empty name gets its own error below.
            if !workspace.archive.as_os_str().is_empty() {
                check_archive_name(&workspace.archive)
                    .map_err(|error| invalid(error.to_string(), error.hint()))?;
            }
        }
        if let Some(archive) = &file.archive {
            check_archive_name(archive).map_err(|error| invalid(error.to_string(), error.hint()))?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        file.archive = file.archive.map(|archive| folder.join(archive));
        file.fx = file.fx.map(|fx| fx.in_folder(folder));
        file.workspace = file.workspace.into_iter().map(|workspace| workspace.in_folder(folder)).collect();
        file.validate()
            .map_err(|error| invalid(error.to_string(), error.hint().or_else(|| Some(general_hint()))))?;
        Ok(file)
    }

    /// Checks every value, even one that the command does not need or that the environment overrides.
    fn validate(&self) -> Result<()> {
        let setting = |value: &Option<String>| {
            let value = value.clone()?;
            Some(Setting { value, origin: Origin::File(PathBuf::new()) })
        };
        setting(&self.zone).map(parse_zone).transpose()?;
        setting(&self.date_basis).map(parse_date_basis).transpose()?;
        setting(&self.dialect).map(parse_dialect).transpose()?;
        setting(&self.language).map(parse_language).transpose()?;
        for (place, workspace) in self.workspace.iter().enumerate() {
            workspace.validate(&self.workspace[..place])?;
        }
        self.cost_center.validate()?;
        Budget::validate_all(&self.budget)
    }

    /// Checks that the settings have what the budgets name. Several workspaces can share them, so the
    /// check follows when all settings are read.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the first budget that names something unknown.
    pub(super) fn validate_names_of_budgets(&self) -> Result<()> {
        let workspaces: Vec<&str> = self.workspace.iter().map(|workspace| workspace.name.as_str()).collect();
        let currency = self.fx.as_ref().map(|fx| &fx.currency);
        let mut budgets = self.budget.iter();
        budgets.try_for_each(|budget| budget.validate_names(&self.cost_center, currency, &workspaces))
    }

    /// The terms of every month, without the second currency, whose rates are in a file of their own.
    pub(super) fn terms(&self) -> Terms {
        Terms {
            plan: self.plan.clone(),
            billed_by: self.billed_by.clone(),
            account: self.account.clone(),
            credit_purchases: self.credit_purchase.clone(),
            fx: None,
        }
    }

    /// These settings, completed by those that several workspaces share.
    pub(super) fn over(self, base: File) -> File {
        File {
            archive: self.archive.or(base.archive),
            zone: self.zone.or(base.zone),
            date_basis: self.date_basis.or(base.date_basis),
            dialect: self.dialect.or(base.dialect),
            language: self.language.or(base.language),
            run_url: self.run_url.or(base.run_url),
            billed_by: self.billed_by.over(&base.billed_by, |own, base| BilledBy {
                el: own.el.clone().or_else(|| base.el.clone()),
                transformation: own.transformation.clone().or_else(|| base.transformation.clone()),
            }),
            account: Account {
                billing_id: self.account.billing_id.or(base.account.billing_id),
                billing_name: self.account.billing_name.or(base.account.billing_name),
                sub_id: self.account.sub_id.or(base.account.sub_id),
                sub_name: self.account.sub_name.or(base.account.sub_name),
            },
            plan: self.plan.over(&base.plan, |own, _| *own),
            credit_purchase: match self.credit_purchase.is_empty() {
                true => base.credit_purchase,
                false => self.credit_purchase,
            },
            fx: self.fx.or(base.fx),
            cost_center: if self.cost_center.0.is_empty() { base.cost_center } else { self.cost_center },
            budget: if self.budget.is_empty() { base.budget } else { self.budget },
            components: ComponentsSettings {
                names_ending_in: self.components.names_ending_in.or(base.components.names_ending_in),
            },
            alert: self.alert.or(base.alert),
            sync: SyncSettings {
                ignore_changes_in: self.sync.ignore_changes_in.or(base.sync.ignore_changes_in),
            },
            workspace: base.workspace,
        }
    }
}

/// Rejects renamed keys in the allocation rules, which accept the old ones where they were frozen with a month.
fn reject_renamed_in_rules(text: &str) -> Result<()> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let rules = table.get("cost_center").and_then(toml::Value::as_array);
    let rules = rules.into_iter().flatten().filter_map(toml::Value::as_table);
    match rules.flat_map(toml::Table::keys).find_map(|key| renamed(NameKind::Setting, key)) {
        Some(renamed) => Err(renamed.error()),
        None => Ok(()),
    }
}

/// The key in serde's message "unknown field `zoen`, expected one of `zone`, `date_basis`". `None`: another message.
fn unknown_key(why: &str) -> Option<&str> {
    why.strip_prefix("unknown field ")?.split('`').nth(1)
}

/// A suggestion for an unknown key. `None`: another message, or no key is similar.
fn similar_key(why: &str) -> Option<String> {
    let known = why.split('`').skip(3).step_by(2);
    did_you_mean(unknown_key(why)?, known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::renamed::RENAMED;

    #[test]
    fn a_renamed_setting_is_an_error_with_the_new_name() {
        for renamed in RENAMED.iter().filter(|renamed| renamed.kind == NameKind::Setting) {
            for text in [format!("zone = \"UTC\"\n{} = \"x\"", renamed.old), format!("\n[[{}]]", renamed.old)]
            {
                let error = File::parse(&text, Path::new("runledger.toml")).unwrap_err();
                let line = format!("invalid settings in runledger.toml: line 2: {}", renamed.error());
                assert_eq!((error.exit_code(), error.to_string()), (2, line));
            }
        }
    }

    #[test]
    fn a_mistyped_key_gets_a_suggestion() {
        let error = File::parse("zoen = \"UTC\"", Path::new("runledger.toml")).unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `zone`?");
    }
}
