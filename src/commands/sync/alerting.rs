//! The alerts after a sync.

use super::SyncArgs;
use crate::commands::alert::{self, Reporting, Target};
use crate::commands::shared::output::print_note;
use crate::commands::shared::runtime::Runtime;
use crate::error::{Error, Result};
use crate::notify::Webhook;
use crate::settings::Settings;
use std::path::Path;

/// Evaluates the alert rules after each sync of a command.
pub(super) struct Alerting<'a> {
    args: &'a SyncArgs,
    webhook: Option<Webhook>,
}

impl<'a> Alerting<'a> {
    /// `None`: the command evaluates no rules.
    ///
    /// # Errors
    /// [`Error::Usage`] when the webhook is invalid, or an option for alerts is given without `--alert`.
    pub(super) fn of(args: &'a SyncArgs) -> Result<Option<Alerting<'a>>> {
        let webhook = alert::webhook(&args.reporting)?;
        if args.alert {
            return Ok(Some(Alerting { args, webhook }));
        }
        match args.reporting.webhook_file.is_some() || args.reporting.repeat_after.is_some() {
            true => Err(Error::Usage {
                what: "--webhook-file and --repeat-after report alerts, and --alert is not given".to_owned(),
                hint: Some("add --alert".to_owned()),
            }),
            false => Ok(None),
        }
    }

    /// Evaluates the rules in one archive. A failure is printed and does not change the result of the sync.
    pub(super) fn evaluate(&self, name: Option<&str>, path: &Path, settings: Settings, runtime: &Runtime) {
        // A signal ends the command, and the archive of a first sync that failed may not exist.
        if runtime.cancel.error().is_some() || !path.exists() {
            return;
        }
        let target = Target { name: name.map(str::to_owned), path: path.to_owned(), settings };
        let reporting = Reporting {
            repeat_after: self.args.reporting.repeat_after,
            webhook: self.webhook.as_ref(),
            lock_wait: self.args.lock.lock_wait,
            is_json: self.args.verbosity.format.is_json(),
        };
        if let Err(error) = alert::evaluate(&target, &reporting, runtime) {
            print_note(&format!("warning: no alerts: {}", error.in_archive(path).on_one_line()));
        }
    }
}
