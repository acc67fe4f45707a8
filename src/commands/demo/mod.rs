//! `runledger demo`: syncs, closes and reports on generated runs, without an account or any setup.

mod changes;
mod outcome;

use self::changes::LastHour;
use crate::api::{BaseUrl, Client, ClientConfig};
use crate::cli::{JsonArgs, OutcomeArgs};
use crate::close::{CloseRequest, close_month};
use crate::commands::close;
use crate::commands::shared::output::print_line;
use crate::commands::shared::progress::{NoProgress, observer};
use crate::commands::shared::runtime::{runtime, sync_context};
use crate::commands::shared::signals::cancel_on_signals;
use crate::commands::shared::terminal::screen;
use crate::commands::show::{self, ShowArgs};
use crate::commands::sync::summary_text;
use crate::error::{Error, Result};
use crate::export::terminal::Screen;
use crate::report::period::{Calendar, Period};
use crate::report::scope::ScopeDefaults;
use crate::run;
use crate::sandbox::{Incident, Model, Options as SandboxOptions, Plan, Sandbox};
use crate::secret::ApiKey;
use crate::settings::Settings;
use crate::store::{Archive, ArchivePath, Lock};
use crate::sync::{Clock, Observer, Options, Summary, SystemClock, sync};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;

/// The arguments of `runledger demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger demo
  runledger demo --runs 500 --seed 3 --db try.db
  runledger demo --verbose                # each step that led to the archive")]
pub struct DemoArgs {
    /// Number of runs to generate
    #[arg(long, default_value_t = 12_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..))]
    pub runs: u32,

    /// Seed of the generator; the same seed generates the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,
}

/// The archive unless `--db` is given. `RUNLEDGER_DB` does not apply: the demo must not touch a real archive.
const DEFAULT_ARCHIVE: &str = "runledger-demo.db";

/// The time zone of the month that the demo closes.
const ZONE: Tz = Tz::America__Sao_Paulo;

/// Syncs a year of generated runs, closes a month, changes some runs, syncs again, and prints what the runs cost and
/// what to do next. A `verbosity` above 0 also prints each step.
///
/// # Errors
/// [`Error::Usage`] when the archive exists and is not from an earlier demo.
pub(super) fn run(args: &DemoArgs, db: Option<&Path>, verbosity: u8) -> Result<()> {
    let path = ArchivePath::resolve(db.unwrap_or(Path::new(DEFAULT_ARCHIVE)))?;
    // The lock of another program's file would be in its folder.
    drop(earlier_demo(&path)?);
    let lock = Lock::acquire(&path, SystemClock.now())?;
    if let Some(earlier) = earlier_demo(&path)? {
        earlier.close_and_remove(&lock)?;
    }
    let runtime = runtime()?;
    let plan = Plan {
        seed: args.seed,
        runs: args.runs as usize,
        incidents: Incident::ALL.to_vec(),
        ..Plan::ending_at(Utc::now())
    };
    let mut model = Model::new(&plan);
    // The simulated hour between the two syncs ends now.
    let last_hour = LastHour::take_back(&mut model);
    let first_count = model.count();
    let sandbox = runtime
        .block_on(Sandbox::start(model, SandboxOptions { log: false, ..SandboxOptions::default() }))
        .map_err(|cause| Error::Internal(format!("cannot start the mock API: {cause}")))?;
    let archive = Archive::open(&path, &lock)?;
    archive.mark_as_demo()?;

    let steps = Steps { is_verbose: verbosity > 0 && !args.outcome.quiet && !args.outcome.format.is_json() };
    steps
        .print(&format!("A mock API at {} has {first_count} generated runs from one year.", sandbox.url()))?;
    steps.print("\n$ runledger sync")?;
    steps.print(&sync_once(args.outcome, &runtime, &sandbox, &archive, &Options::default())?)?;

    let month = settled_month(Utc::now());
    steps.print(&format!("\n$ runledger close {} --zone {ZONE}", month.label))?;
    let request = CloseRequest { month: month.label.clone(), zone: Some(ZONE), ..CloseRequest::default() };
    let closed = close_month(&archive, &request, &ScopeDefaults::default(), SystemClock.now())?;
    // The steps have no colors.
    let screen = Screen { color: false, ..screen(None, false, None) };
    steps.print(&close::of_close(&closed, &screen))?;

    let example = last_hour.pass(&mut sandbox.model(), &month);
    steps.print(&format!(
        "\nAn hour later: runs have ended, costs have arrived, and new runs have started.\n\
         Some costs of {} were corrected, and two pipelines have other settings.",
        month.label
    ))?;
    // Only a walk of the whole list, due every seven days, finds changes that old.
    steps.print("\n$ runledger sync --full")?;
    let full = Options { full: true, ..Options::default() };
    steps.print(&sync_once(args.outcome, &runtime, &sandbox, &archive, &full)?)?;
    drop(lock);
    steps.print(&format!("\n$ runledger show {example}"))?;
    if steps.is_verbose {
        let args = ShowArgs { subject: example.to_string(), raw: false, format: JsonArgs::default() };
        show::run(&args, &path, &Settings::default())?;
        print_line("")?;
    }
    outcome::print(&archive, &month, ZONE, args.outcome)
}

/// The steps of the demo, which only the flag `--verbose` prints.
struct Steps {
    is_verbose: bool,
}

impl Steps {
    fn print(&self, text: &str) -> Result<()> {
        if self.is_verbose { print_line(text) } else { Ok(()) }
    }
}

/// The latest month without unsettled runs: it ended before the settling time of 30 days.
fn settled_month(now: DateTime<Utc>) -> Period {
    let month = |at: DateTime<Utc>| {
        let at = run::Instant::from_utc(at).expect("the clock is within the calendar");
        Period::around(at, Calendar::Month, ZONE)
    };
    let unsettled = month(now - TimeDelta::days(31));
    let before =
        unsettled.start.expect("the clock is within the calendar").to_utc() - TimeDelta::microseconds(1);
    month(before)
}

/// The archive of an earlier demo. `None`: there is no file.
///
/// # Errors
/// [`Error::Usage`] when there is any other file.
fn earlier_demo(path: &Path) -> Result<Option<Archive>> {
    if !path.exists() {
        return Ok(None);
    }
    let archive = Archive::open_for_reading(path).and_then(|archive| Ok((archive.is_demo()?, archive)));
    match archive {
        Ok((true, archive)) => Ok(Some(archive)),
        Ok((false, _)) | Err(_) => Err(Error::Usage {
            what: format!("{} already exists and has data that is not from a demo", path.display()),
            hint: Some("choose another file with --db".to_owned()),
        }),
    }
}

/// Runs one sync over HTTP and returns its summary.
fn sync_once(
    outcome: OutcomeArgs,
    runtime: &Runtime,
    sandbox: &Sandbox,
    archive: &Archive,
    options: &Options,
) -> Result<String> {
    let url = BaseUrl::parse(&sandbox.url())?;
    let key = ApiKey::new(sandbox.api_key(), "the sandbox")?;
    let client = Arc::new(Client::new(url, &key, ClientConfig::default())?);
    let cancel = cancel_on_signals(runtime)?;
    let mut observer: Box<dyn Observer> = if outcome.quiet { Box::new(NoProgress) } else { observer() };
    let context = sync_context(client, runtime, &cancel, observer.as_mut());
    let began = Instant::now();
    let summary: Summary = sync(archive, context, options)?;
    drop(observer);
    let text = summary_text(&summary, began.elapsed().as_secs_f64(), false);
    summary.result.map(|()| text)
}
