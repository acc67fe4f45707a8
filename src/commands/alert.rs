//! `runledger alert`: evaluates the alert rules, and reports each alert when it starts, escalates and ends.

use crate::alert::{self, Inputs, Purpose, Readings};
use crate::cli::{JsonArgs, LockArgs, time_span};
use crate::commands::Cli;
use crate::commands::shared::archives::{ConfiguredArchive, each_configured};
use crate::commands::shared::facts::Moments;
use crate::commands::shared::lock_wait::LockWait;
use crate::commands::shared::output::{print_line, print_note, print_plain_table};
use crate::commands::shared::runtime::Runtime;
use crate::commands::shared::scope::scope_of_all_runs;
use crate::commands::shared::view::View;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::notify::{Webhook, describe};
use crate::report::budget::Budget;
use crate::report::{Cell, Table};
use crate::secret::WebhookUrl;
use crate::settings::Settings;
use crate::store::{Alert, AlertEvent, Archive, ArchivePath, Evaluation, Lock};
use crate::sync::{Clock, SystemClock};
use crate::wording::counted;
use chrono::TimeDelta;
use clap::Args;
use serde_json::json;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

/// The exit code of `--exit-code` when an alert started or escalated.
const NEW_ALERTS: u8 = 3;

/// The arguments of `runledger alert`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Each alert is reported when it starts, when it escalates and when it ends, and not
in between. Run it after each sync, or use `sync --alert`. The table [alert] in the
settings changes the rules.

Examples:
  runledger alert
  runledger alert --list
  runledger alert --acknowledge 3
  runledger alert --webhook-file webhook.txt --test
  runledger alert --webhook-file webhook.txt --repeat-after 24h
  runledger alert --exit-code --json")]
pub struct AlertArgs {
    /// Evaluate every workspace in the settings
    #[arg(long)]
    pub all: bool,

    /// List the open alerts, without evaluating the rules
    #[arg(long)]
    pub list: bool,

    /// Acknowledge an open alert: it is not repeated
    #[arg(long, value_name = "NUMBER", conflicts_with = "list")]
    pub acknowledge: Vec<i64>,

    /// Send a test message to the webhook
    #[arg(long, requires = "webhook_file", conflicts_with_all = ["list", "acknowledge", "exit_code"])]
    pub test: bool,

    /// Exit with 3 if an alert started or escalated
    #[arg(long, conflicts_with_all = ["list", "acknowledge"])]
    pub exit_code: bool,

    /// When and where to report alerts.
    #[command(flatten)]
    pub reporting: ReportingArgs,

    /// How to take the archive's lock.
    #[command(flatten)]
    pub lock: LockArgs,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// When and where to report alerts.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Alerts")]
pub struct ReportingArgs {
    /// Report an open alert again after this time [default: never]
    ///
    /// One that is acknowledged is not reported again.
    #[arg(long, value_name = "SPAN", value_parser = time_span)]
    pub repeat_after: Option<TimeDelta>,

    /// Post alerts to the URL in this file
    ///
    /// They are JSON with a `text`, which Slack and Mattermost display.
    #[arg(long, value_name = "FILE")]
    pub webhook_file: Option<PathBuf>,
}

/// An archive to evaluate, with its settings.
pub(super) struct Target {
    /// The name of its workspace in output. `None`: it is the only archive.
    pub(super) name: Option<String>,
    /// The archive.
    pub(super) path: PathBuf,
    /// Its settings.
    pub(super) settings: Settings,
}

/// Evaluates the rules in each archive. An error does not stop the others. Returns the exit code.
///
/// # Errors
/// That of the last archive that failed. The errors of others were printed.
pub(super) fn run(args: &AlertArgs, cli: &Cli) -> Result<u8> {
    let runtime = Runtime::start()?;
    let webhook = webhook(&args.reporting)?;
    if let Some(webhook) = webhook.as_ref().filter(|_| args.test) {
        return test(webhook, &runtime).map(|()| 0);
    }
    let targets = targets(args, cli)?;
    let reporting = Reporting {
        repeat_after: args.reporting.repeat_after,
        webhook: webhook.as_ref(),
        lock_wait: args.lock.lock_wait,
        is_json: args.format.is_json(),
        purpose: Purpose::Rules,
    };
    let (mut new, mut failure) = (0, None::<Error>);
    for (path, target) in targets {
        let done = target.and_then(|target| match (args.list, args.acknowledge.as_slice()) {
            (true, _) => list(&target, args.format).map(|()| 0),
            (false, []) => evaluate(&target, &reporting, &runtime).map(|outcome| outcome.new),
            (false, numbers) => acknowledge(&target, numbers, &args.lock, &runtime).map(|()| 0),
        });
        match done {
            Ok(started) => new += started,
            Err(error) => {
                if let Some(earlier) = failure.replace(error.in_archive(&path)) {
                    print_note(&earlier.render());
                }
            }
        }
    }
    runtime.shut_down();
    match failure {
        Some(error) => Err(error),
        None if args.exit_code && new > 0 => Ok(NEW_ALERTS),
        None => Ok(0),
    }
}

fn test(webhook: &Webhook, runtime: &Runtime) -> Result<()> {
    runtime.runtime.block_on(webhook.send_test()).map_err(|cause| Error::Usage {
        what: format!("the webhook did not accept the test message: {cause}"),
        hint: Some("check the URL in the file of --webhook-file".to_owned()),
    })?;
    print_line("The webhook accepted the test message.")
}

fn targets(args: &AlertArgs, cli: &Cli) -> Result<Vec<(PathBuf, Result<Target>)>> {
    let configured = each_configured(cli, args.all)?;
    let has_names = args.all || configured.len() > 1;
    let target = |ConfiguredArchive { path, settings, name }| {
        let name = name.unwrap_or_else(|| path.display().to_string());
        Target { name: has_names.then_some(name), path, settings }
    };
    Ok(configured.into_iter().map(|(path, configured)| (path, configured.map(target))).collect())
}

/// The webhook of the arguments.
///
/// # Errors
/// [`Error::Usage`] when its file or its address is invalid.
pub(super) fn webhook(args: &ReportingArgs) -> Result<Option<Webhook>> {
    let Some(file) = &args.webhook_file else { return Ok(None) };
    Webhook::new(&WebhookUrl::from_file(file)?, &format!("the file {}", file.display())).map(Some)
}

/// How alerts are reported.
pub(super) struct Reporting<'a> {
    /// After which time an open alert is reported again. `None`: never.
    pub(super) repeat_after: Option<TimeDelta>,
    /// `None`: alerts are only printed.
    pub(super) webhook: Option<&'a Webhook>,
    /// How long to wait for the archive's lock.
    pub(super) lock_wait: TimeDelta,
    /// Whether to print JSON.
    pub(super) is_json: bool,
    /// What the archive is read for.
    pub(super) purpose: Purpose,
}

/// The result of an evaluation.
pub(super) struct Outcome {
    /// The number of alerts that started or escalated.
    pub(super) new: usize,
    /// What the rules looked at.
    pub(super) readings: Readings,
}

/// Evaluates the rules in one archive.
///
/// # Errors
/// [`Error::Locked`] when another process keeps the lock; those of SQLite; [`Error::Output`] when standard output
/// cannot be written.
pub(super) fn evaluate(target: &Target, reporting: &Reporting<'_>, runtime: &Runtime) -> Result<Outcome> {
    let Evaluated { new, undelivered, readings, .. } = {
        let wait = LockWait { runtime, limit: reporting.lock_wait, is_quiet: false };
        let (_lock, archive) = open(&target.path, &wait)?;
        let evaluated = record(&archive, target, reporting)?;
        print_events(&archive, target, &evaluated, reporting.is_json)?;
        // A process that is killed before this prints the events once more, and loses none.
        let ids: Vec<String> = evaluated.printed.iter().map(|event| event.event_id.clone()).collect();
        archive.mark_events_printed(&ids, SystemClock.now())?;
        evaluated
    };
    // The lock is free while the webhook answers.
    if let Some(webhook) = reporting.webhook.filter(|_| !undelivered.is_empty()) {
        deliver(target, webhook, &undelivered, reporting, runtime)?;
    }
    Ok(Outcome { new, readings })
}

/// What an evaluation found, and what of it is to be reported.
struct Evaluated {
    /// The alerts that started or escalated.
    new: usize,
    /// The events to print.
    printed: Vec<AlertEvent>,
    /// The events to send.
    undelivered: Vec<AlertEvent>,
    readings: Readings,
}

/// Reads what the rules and the metrics need from one archive.
///
/// # Errors
/// [`Error::Usage`] when the settings are invalid. Those of SQLite.
pub(super) fn read(target: &Target, archive: &Archive) -> Result<Readings> {
    Readings::read(&inputs_of(target, archive)?, Purpose::Metrics)
}

fn inputs_of<'a>(target: &Target, archive: &'a Archive) -> Result<Inputs<'a>> {
    let Target { settings, path, .. } = target;
    let workspace = settings.workspace_at(path).map(|workspace| workspace.name.as_str());
    inputs(archive, settings, settings.budgets(workspace)?, None)
}

/// An archive as `--as-of` gives it, with the budgets of its workspace, and what the settings say about it.
///
/// # Errors
/// [`Error::Usage`] when the settings are invalid. Those of SQLite.
pub(super) fn inputs<'a>(
    archive: &'a Archive,
    settings: &Settings,
    budgets: Vec<Budget>,
    as_of: Option<&str>,
) -> Result<Inputs<'a>> {
    Ok(Inputs {
        archive,
        scope: scope_of_all_runs(as_of, settings, archive)?,
        date_basis: settings.date_basis()?.map(|setting| setting.value).unwrap_or_default(),
        budgets,
        options: settings.alert(),
        now: SystemClock.now(),
    })
}

/// Evaluates the rules, and stores what is new.
fn record(archive: &Archive, target: &Target, reporting: &Reporting<'_>) -> Result<Evaluated> {
    let inputs = inputs_of(target, archive)?;
    let readings = Readings::read(&inputs, reporting.purpose)?;
    let found = alert::evaluate(&inputs, &readings)?;
    let (findings, rules) = (found.findings.as_slice(), found.rules.as_slice());
    let (repeat_after, for_webhook) = (reporting.repeat_after, reporting.webhook.is_some());
    let at = inputs.now;
    let new = archive.record_evaluation(&Evaluation { findings, rules, at, repeat_after, for_webhook })?;
    let pending = archive.pending_alert_events()?;
    Ok(Evaluated {
        new,
        printed: pending.iter().filter(|event| event.is_unprinted).cloned().collect(),
        undelivered: pending.into_iter().filter(|event| event.is_undelivered).collect(),
        readings,
    })
}

fn print_events(archive: &Archive, target: &Target, evaluated: &Evaluated, is_json: bool) -> Result<()> {
    let open = archive.open_alerts()?.len();
    if is_json {
        let events: Vec<_> = evaluated.printed.iter().map(describe).collect();
        let mut answer = json!({ "new": evaluated.new, "open": open, "events": events });
        if let Some(name) = &target.name {
            answer["workspace"] = json!(name);
        }
        return print_line(&answer.to_string());
    }
    for event in &evaluated.printed {
        print_line(&with_name(target, &line(event)))?;
    }
    // Cron sends mail for any output, so there is none when nothing is new.
    if evaluated.printed.is_empty() && stdout().is_terminal() {
        let open = match open {
            0 => "no alert is open".to_owned(),
            1 => "1 is open: runledger alert --list".to_owned(),
            open => format!("{open} are open: runledger alert --list"),
        };
        print_line(&with_name(target, &format!("Nothing new; {open}")))?;
    }
    Ok(())
}

fn with_name(target: &Target, line: &str) -> String {
    match &target.name {
        Some(name) => format!("{name}: {line}"),
        None => line.to_owned(),
    }
}

/// An event in one line: `error: Pedidos da loja: overdue since 27 Nov 08:30 (alert 3)`.
fn line(event: &AlertEvent) -> String {
    format!("{}: {} (alert {})", event.label(), escape_control(&event.message), event.alert_id)
}

/// Sends the events, and records those that were accepted. A failure is a warning, because the next evaluation sends
/// them again.
fn deliver(
    target: &Target,
    webhook: &Webhook,
    events: &[AlertEvent],
    reporting: &Reporting<'_>,
    runtime: &Runtime,
) -> Result<()> {
    let name = target.name.clone().unwrap_or_else(|| {
        target.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    });
    let (accepted, failure) = runtime.runtime.block_on(webhook.send(&name, events));
    if let Some(cause) = failure {
        let left = counted((events.len() - accepted.len()) as u64, "alert");
        tracing::warn!("the webhook did not accept {left}, which the next evaluation sends again: {cause}");
    }
    if accepted.is_empty() {
        return Ok(());
    }
    let wait = LockWait { runtime, limit: reporting.lock_wait.max(TimeDelta::seconds(10)), is_quiet: true };
    let (_lock, archive) = open(&target.path, &wait)?;
    archive.mark_events_delivered(&accepted, SystemClock.now())
}

/// Opens an archive for writing, which must exist: alerts create none.
fn open(path: &Path, wait: &LockWait<'_>) -> Result<(Lock, Archive)> {
    drop(Archive::open_for_reading(path)?);
    let path = ArchivePath::resolve(path)?;
    let lock = wait.lock(&path)?;
    let archive = Archive::open_until(&path, &lock, &wait.runtime.cancel)?;
    Ok((lock, archive))
}

fn acknowledge(target: &Target, numbers: &[i64], lock: &LockArgs, runtime: &Runtime) -> Result<()> {
    let wait = LockWait { runtime, limit: lock.lock_wait, is_quiet: false };
    let (_lock, archive) = open(&target.path, &wait)?;
    for number in numbers {
        if !archive.acknowledge_alert(*number, SystemClock.now())? {
            return Err(Error::Usage {
                what: format!("--acknowledge {number}: no open alert has this number"),
                hint: Some("`runledger alert --list` lists the open alerts".to_owned()),
            });
        }
    }
    Ok(())
}

fn list(target: &Target, format: JsonArgs) -> Result<()> {
    let archive = Archive::open_for_reading(&target.path)?;
    let alerts = archive.open_alerts()?;
    if format.is_json() {
        return print_plain_table(&as_table(&alerts), true);
    }
    let moments = Moments::of(&archive, Ok(target.settings.clone()))?;
    let notes = match alerts.len() {
        0 => vec!["No alert is open.".to_owned()],
        _ => vec!["Do not repeat one: runledger alert --acknowledge NUMBER".to_owned()],
    };
    let subject = match &target.name {
        Some(name) => format!("Open alerts: {name}"),
        None => "Open alerts".to_owned(),
    };
    let context = moments.context();
    let mut table = as_table(&alerts);
    // The message names it in words.
    table.retain_columns(|column| column != "subject");
    for column in &mut table.columns {
        match column.as_str() {
            "rule" => *column = "alert_rule".to_owned(),
            "started_at" => *column = "since_at".to_owned(),
            _ => {}
        }
    }
    View { name: "alert", subject: &subject, context: &context, notes: &notes }.print(&table, moments)
}

fn as_table(alerts: &[Alert]) -> Table {
    let columns = ["alert_id", "level", "rule", "subject", "started_at", "acknowledged_at", "message"];
    let rows = alerts.iter().map(|alert| {
        vec![
            Cell::Count(Some(alert.alert_id)),
            Cell::text(alert.level.as_str()),
            Cell::text(alert.rule.clone()),
            Cell::text(alert.subject.clone()),
            Cell::text(alert.started_at.as_str()),
            Cell::Text(alert.acknowledged_at.map(|at| at.to_string())),
            Cell::text(alert.message.clone()),
        ]
    });
    Table { columns: columns.map(str::to_owned).to_vec(), rows: rows.collect(), totals: None }
}
