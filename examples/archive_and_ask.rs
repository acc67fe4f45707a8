//! runledger as a library: syncs an archive with the mock API, asks what the runs cost, and closes a month.
//!
//! ```sh
//! cargo run --example archive_and_ask            # into a temporary file
//! cargo run --example archive_and_ask -- my.db   # into my.db
//! ```

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use runledger::{
    ApiKey, Archive, BaseUrl, Calendar, CancelToken, Client, ClientConfig, Clock, CloseRequest, Destination,
    Dimension, Error, Format, Instant, Ledger, Lock, Model, Observer, Progress, Result, Sandbox,
    SandboxOptions, SandboxPlan, Scope, ScopeDefaults, SyncContext, SyncOptions, WriteOptions, close_month,
    cost_report, cost_total, sync, write_table,
};
use std::path::Path;
use std::sync::Arc;

/// The zone of months.
const ZONE: Tz = Tz::America__Sao_Paulo;

/// The month to close. All its runs have settled at [`NewYear`].
const MONTH: &str = "2025-10";

/// A fixed clock, so that each run of the example gives the same output. A real program uses `SystemClock`.
struct NewYear;

impl NewYear {
    fn utc() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }
}

impl Clock for NewYear {
    fn now(&self) -> Instant {
        Instant::from_utc(NewYear::utc()).expect("the year has four digits")
    }
}

/// Ignores the progress of a sync.
struct NoProgress;

impl Observer for NoProgress {
    fn advanced(&mut self, _: &Progress) {}
}

fn main() -> Result<()> {
    let internal = |cause: std::io::Error| Error::Internal(cause.to_string());
    let folder = tempfile::tempdir().map_err(internal)?;
    let path = match std::env::args_os().nth(1) {
        Some(path) => path.into(),
        None => folder.path().join("runs.db"),
    };

    // The mock API, on this machine, with a year of generated runs.
    let runtime = tokio::runtime::Runtime::new().map_err(internal)?;
    let plan = SandboxPlan { runs: 2_000, ..SandboxPlan::ending_at(NewYear::utc()) };
    let options = SandboxOptions { log: false, ..SandboxOptions::default() };
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), options)).map_err(internal)?;
    let key = ApiKey::new(sandbox.api_key(), "the sandbox")?;
    let client = Client::new(BaseUrl::parse(&sandbox.url())?, &key, ClientConfig::default())?;

    // One process at a time may write to an archive. Any number may read it meanwhile.
    let lock = Lock::acquire(&path, NewYear.now())?;
    let archive = Archive::open(&path, &lock)?;
    sync_archive(&archive, client, &runtime)?;
    close(&archive)?;
    drop(archive);
    ask(&path)
}

/// Syncs the archive with the API: the whole run list the first time, its changes after that.
fn sync_archive(archive: &Archive, client: Client, runtime: &tokio::runtime::Runtime) -> Result<()> {
    let context = SyncContext {
        client: Arc::new(client),
        handle: runtime.handle(),
        clock: &NewYear,
        cancel: &CancelToken::default(),
        observer: &mut NoProgress,
    };
    let summary = sync(archive, context, &SyncOptions::default())?;
    say(&format!(
        "{:?} sync: {} runs seen, {} new\n",
        summary.kind, summary.counts.seen, summary.counts.new
    ))?;
    summary.result
}

/// Closes a month, so that later changes do not change its answers. An objection is an error, for example an unsettled
/// run.
fn close(archive: &Archive) -> Result<()> {
    if archive.close_of(MONTH)?.is_some() {
        return say(&format!("{MONTH} is closed already\n"));
    }
    let request = CloseRequest { month: MONTH.to_owned(), zone: Some(ZONE), ..CloseRequest::default() };
    let close = close_month(archive, &request, &ScopeDefaults::default(), NewYear.now())?;
    say(&format!(
        "{MONTH} is closed with {} runs, as known at {}\n",
        close.frozen.totals.runs, close.frozen.known_at
    ))
}

/// Prints the cost by month and kind of pipeline, and the total.
fn ask(path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let ledger = Ledger::open(archive.connection(), Scope { zone: ZONE, ..Scope::default() })?;

    let table = cost_report(&ledger, &[Dimension::Period(Calendar::Month), Dimension::Kind])?;
    write_table(&table, &WriteOptions::plain(Format::Markdown), &Destination::StandardOutput)?;

    // Money is whole nano-dollars, so this total equals the sum of the table to the last digit.
    let total = cost_total(&ledger)?;
    match total.total() {
        Some(usd) => say(&format!("\n{} runs cost {usd} USD", total.runs))?,
        None => say(&format!("\n{} runs, none with a known cost", total.runs))?,
    }
    say(&format!("{} of them have no known cost", total.runs_cost_unknown))
}

/// Prints a line. A closed standard output is not an error.
fn say(line: &str) -> Result<()> {
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{line}")?))
}
