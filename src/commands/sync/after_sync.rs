//! What follows a sync: the alerts, and what the metrics say about pipelines and budgets.

use super::SyncArgs;
use crate::alert::{Purpose, Readings};
use crate::commands::alert::{self, Reporting, Target};
use crate::commands::shared::output::print_note;
use crate::commands::shared::runtime::Runtime;
use crate::error::{Error, Result};
use crate::notify::{Watched, Webhook};
use crate::settings::Settings;
use crate::store::Archive;
use std::path::Path;

/// Evaluates the alert rules after each sync of a command, and reads what the metrics need.
pub(super) struct AfterSync<'a> {
    args: &'a SyncArgs,
    webhook: Option<Webhook>,
}

impl<'a> AfterSync<'a> {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// [`Error::Usage`] when the webhook is invalid, or an option for alerts is given without `--alert`.
    pub(super) fn of(args: &'a SyncArgs) -> Result<AfterSync<'a>> {
        let webhook = alert::webhook(&args.reporting)?;
        match args.reporting.webhook_file.is_some() || args.reporting.repeat_after.is_some() {
            true if !args.alert => Err(Error::Usage {
                what: "--webhook-file and --repeat-after report alerts, and --alert is not given".to_owned(),
                hint: Some("add --alert".to_owned()),
            }),
            _ => Ok(AfterSync { args, webhook }),
        }
    }

    /// Evaluates the rules in one archive, and returns what the metrics say about it. A failure is printed and does not
    /// change the result of the sync. After a signal, the rules are left to the next sync. The metrics are not: a
    /// series that pauses would end its Prometheus alerts.
    pub(super) fn run(
        &self,
        name: Option<&str>,
        path: &Path,
        settings: Settings,
        runtime: &Runtime,
    ) -> Option<Watched> {
        // A first sync that fails can leave no archive.
        if !path.exists() {
            return None;
        }
        let target = Target { name: name.map(str::to_owned), path: path.to_owned(), settings };
        let has_alerts = self.args.alert && runtime.cancel.error().is_none();
        let evaluated = if has_alerts { self.evaluate(&target, runtime) } else { None };
        let has_metrics = self.args.notifications.metrics_file.is_some() && !self.args.dry_run;
        let readings = evaluated.or_else(|| if has_metrics { read(&target, runtime) } else { None })?;
        Watched::of(&readings, &target.settings.alert())
    }

    /// Evaluates the rules. `None`: that failed.
    fn evaluate(&self, target: &Target, runtime: &Runtime) -> Option<Readings> {
        let reporting = Reporting {
            repeat_after: self.args.reporting.repeat_after,
            webhook: self.webhook.as_ref(),
            lock_wait: self.args.lock.lock_wait,
            is_json: self.args.verbosity.format.is_json(),
            purpose: match self.args.notifications.metrics_file {
                Some(_) => Purpose::Metrics,
                None => Purpose::Rules,
            },
        };
        match alert::evaluate(target, &reporting, runtime) {
            Ok(outcome) => Some(outcome.readings),
            Err(error) => {
                print_note(&format!("warning: no alerts: {}", error.in_archive(&target.path).on_one_line()));
                None
            }
        }
    }
}

/// Reads what the metrics need. `None`: the archive is unreadable, which the error of the sync says, or its settings
/// are invalid.
fn read(target: &Target, runtime: &Runtime) -> Option<Readings> {
    let archive = Archive::open_for_reading_until(&target.path, &runtime.cancel).ok()?;
    match alert::read(target, &archive) {
        Ok(readings) => Some(readings),
        Err(error) => {
            let error = error.in_archive(&target.path).on_one_line();
            print_note(&format!("warning: the metrics lack pipelines and budgets: {error}"));
            None
        }
    }
}
