//! `runledger demo`: syncs, closes and reports on generated runs, without an account or any setup.

mod changes;

use crate::api::{BaseUrl, Client, ClientConfig};
use crate::cli::JsonArgs;
use crate::close::{CloseRequest, close_month};
use crate::commands::close;
use crate::commands::shared::output::{print_line, provenance};
use crate::commands::shared::progress::observer;
use crate::commands::shared::runtime::{runtime, sync_context};
use crate::commands::shared::signals::cancel_on_signals;
use crate::commands::shared::terminal::screen;
use crate::commands::show::{self, ShowArgs};
use crate::commands::sync::summary_text;
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::report::month_states::MonthStates;
use crate::report::period::{Calendar, Period};
use crate::report::scope::{ScopeDefaults, ScopeRequest};
use crate::report::table::USD_DECIMALS_FOR_PEOPLE;
use crate::report::{Dimension, Ledger, Scope, Table, cost, duration, restatements};
use crate::run;
use crate::sandbox::{Model, Options as SandboxOptions, Plan, Sandbox};
use crate::secret::ApiKey;
use crate::store::{Archive, ArchivePath, Lock};
use crate::sync::{Clock, Options, Summary, SystemClock, sync};
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
  runledger demo --runs 500 --seed 3 --db try.db")]
pub struct DemoArgs {
    /// Number of runs to generate
    #[arg(long, default_value_t = 12_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..))]
    pub runs: u32,

    /// Seed of the generator; the same seed generates the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
}

/// The archive unless `--db` is given. `RUNLEDGER_DB` does not apply: the demo must not touch a real archive.
const DEFAULT_ARCHIVE: &str = "runledger-demo.db";

/// The time zone of the month that the demo closes.
const ZONE: Tz = Tz::America__Sao_Paulo;

/// Syncs a year of generated runs, closes a month, changes some runs, syncs again and prints sample reports.
///
/// # Errors
/// [`Error::Usage`] when the archive exists and is not from an earlier demo.
pub(super) fn run(args: &DemoArgs, db: Option<&Path>) -> Result<()> {
    let path = ArchivePath::resolve(db.unwrap_or(Path::new(DEFAULT_ARCHIVE)))?;
    // The lock of another program's file would be in its folder.
    drop(earlier_demo(&path)?);
    let lock = Lock::acquire(&path, SystemClock.now())?;
    if let Some(earlier) = earlier_demo(&path)? {
        earlier.close_and_remove(&lock)?;
    }
    let runtime = runtime()?;
    // The simulated hour between the two syncs ends now.
    let plan = Plan {
        seed: args.seed,
        runs: args.runs as usize,
        ..Plan::ending_at(Utc::now() - TimeDelta::hours(1))
    };
    let sandbox = runtime
        .block_on(Sandbox::start(
            Model::new(&plan),
            SandboxOptions { log: false, ..SandboxOptions::default() },
        ))
        .map_err(|cause| Error::Internal(format!("cannot start the mock API: {cause}")))?;
    let archive = Archive::open(&path, &lock)?;
    archive.mark_as_demo()?;

    print_line(&format!("A mock API at {} has {} generated runs from one year.", sandbox.url(), args.runs))?;
    print_line("\n$ runledger sync")?;
    sync_once(&runtime, &sandbox, &archive, &Options::default())?;

    let month = settled_month(Utc::now());
    print_line(&format!("\n$ runledger close {} --zone {ZONE}", month.label))?;
    let request = CloseRequest { month: month.label.clone(), zone: Some(ZONE), ..CloseRequest::default() };
    let closed = close_month(&archive, &request, &ScopeDefaults::default(), SystemClock.now())?;
    print_line(&close::of_close(&closed))?;

    let example = changes::simulate_hour(&mut sandbox.model(), &month);
    print_line(&format!(
        "\nAn hour later: runs have ended, costs have arrived, and new runs have started.\n\
         Some costs of {} were corrected.",
        month.label
    ))?;
    // Only a walk of the whole list, due every seven days, finds changes that old.
    print_line("\n$ runledger sync --full")?;
    sync_once(&runtime, &sandbox, &archive, &Options { full: true, ..Options::default() })?;

    let scope = Scope::resolve(&ScopeRequest::default(), &ScopeDefaults::default(), &archive)?;
    let ledger = Ledger::open(archive.connection(), scope.clone())?;
    print_line("\n$ runledger report cost")?;
    let by_month = cost::report(&ledger, &[Dimension::Period(Calendar::Month)])?;
    print_report("report cost", "month", by_month, &scope, &archive)?;
    print_line("\n$ runledger report duration --by kind")?;
    print_report(
        "report duration",
        "kind",
        duration::report(&ledger, &[Dimension::Kind])?,
        &scope,
        &archive,
    )?;
    drop(ledger);
    print_line(&format!(
        "\n{} keeps the numbers it was closed with. Changes since the close:\n\n$ runledger restatements",
        month.label
    ))?;
    let closes = restatements::latest(archive.closes()?);
    let restated = restatements::listed(archive.connection(), &closes, None)?;
    let provenance = provenance("restatements".to_owned(), &scope, &archive)?;
    print_answer(&restated, Provenance { date_basis: None, notes: Vec::new(), ..provenance })?;
    drop(archive);
    drop(lock);
    print_line(&format!("\n$ runledger show {example}"))?;
    show::run(&ShowArgs { id: example, format: JsonArgs::default() }, &path)?;

    print_line(&format!(
        "\nThe archive is {path}, an SQLite file. Try:\n  \
           runledger --db {path} status\n  \
           runledger --db {path} report cost --by pipeline\n  \
           runledger --db {path} report cost --period {month}\n  \
           runledger --db {path} report failures\n  \
           runledger --db {path} export runs --output runs.csv\n  \
           runledger --db {path} query 'SELECT status, count(*) AS runs FROM runs GROUP BY status'\n  \
           sqlite3 {path} < queries/cost.sql",
        path = path.display(),
        month = month.label
    ))
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

/// Runs one sync over HTTP and prints its summary.
fn sync_once(runtime: &Runtime, sandbox: &Sandbox, archive: &Archive, options: &Options) -> Result<()> {
    let url = BaseUrl::parse(&sandbox.url())?;
    let key = ApiKey::new(sandbox.api_key(), "the sandbox")?;
    let client = Arc::new(Client::new(url, &key, ClientConfig::default())?);
    let cancel = cancel_on_signals(runtime)?;
    let mut observer = observer();
    let context = sync_context(client, runtime, &cancel, observer.as_mut());
    let began = Instant::now();
    let summary: Summary = sync(archive, context, options)?;
    drop(observer);
    print_line(&summary_text(&summary, began.elapsed().as_secs_f64(), false))?;
    summary.result
}

/// Prints the answer of a report, grouped by one dimension, as `runledger report` does.
fn print_report(question: &str, by: &str, mut table: Table, scope: &Scope, archive: &Archive) -> Result<()> {
    let mut provenance = provenance(question.to_owned(), scope, archive)?;
    provenance.by.push(by.to_owned());
    let months = MonthStates::of(&[(scope, archive)])?;
    provenance.notes.splice(..0, months.label_table(&mut table, USD_DECIMALS_FOR_PEOPLE));
    print_answer(&table, provenance)
}

fn print_answer(table: &Table, provenance: Provenance) -> Result<()> {
    let options = WriteOptions {
        provenance: Some(provenance),
        ..WriteOptions::plain(Format::Terminal(screen(None, false, ZONE)))
    };
    write_table(table, &options, &Destination::StandardOutput)
}
