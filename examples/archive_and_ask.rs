//! This is runledger as a library: an archive is made of the sandbox's runs, and asked what they cost.
//!
//! ```sh
//! cargo run --example archive_and_ask            # into a file that is gone afterwards
//! cargo run --example archive_and_ask -- my.db   # into my.db
//! ```

use chrono::{DateTime, TimeZone, Utc};
use runledger::api::{BaseUrl, Client, ClientConfig};
use runledger::error::{Error, Result};
use runledger::export::{Destination, Format, WriteOptions, write_table};
use runledger::report::period::Calendar;
use runledger::report::{Dimension, Ledger, Scope, cost};
use runledger::run::Instant;
use runledger::sandbox::{Model, Options as SandboxOptions, Plan, Sandbox};
use runledger::secret::ApiKey;
use runledger::store::{Archive, Lock};
use runledger::sync::{CancelToken, Clock, Observer, Options, Progress, SyncContext, sync};
use std::path::Path;
use std::sync::Arc;

/// The time that the example is told: the same each time it is run. A program of yours reads `Utc::now()` here.
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

/// Who is told how far a sync is: nobody.
struct Nobody;

impl Observer for Nobody {
    fn advanced(&mut self, _: &Progress) {}
}

fn main() -> Result<()> {
    let unforeseen = |cause: std::io::Error| Error::Internal(cause.to_string());
    let folder = tempfile::tempdir().map_err(unforeseen)?;
    let path = match std::env::args_os().nth(1) {
        Some(path) => path.into(),
        None => folder.path().join("runs.db"),
    };

    // The API: here a look-alike on this machine with a year of made-up runs.
    let runtime = tokio::runtime::Runtime::new().map_err(unforeseen)?;
    let plan = Plan { runs: 2_000, ..Plan::ending_at(NewYear::utc()) };
    let options = SandboxOptions { log: false, ..SandboxOptions::default() };
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), options)).map_err(unforeseen)?;
    let key = ApiKey::new(sandbox.api_key(), "the sandbox")?;
    let client = Client::new(BaseUrl::parse(&sandbox.url())?, &key, ClientConfig::default())?;

    archive_all(&path, client, &runtime)?;
    ask(&path)
}

/// Brings the archive up to date: the whole list the first time, what is new after that.
fn archive_all(path: &Path, client: Client, runtime: &tokio::runtime::Runtime) -> Result<()> {
    // One program at a time may write to an archive; any number may read it meanwhile.
    let lock = Lock::acquire(path, NewYear.now())?;
    let archive = Archive::open(path, &lock)?;
    let means = SyncContext {
        client: Arc::new(client),
        handle: runtime.handle(),
        clock: &NewYear,
        stop: &CancelToken::default(),
        observer: &mut Nobody,
    };
    let summary = sync(&archive, means, &Options::default())?;
    say(&format!("{:?} sync: {} runs seen, {} new\n", summary.kind, summary.tally.seen, summary.tally.new))?;
    summary.result
}

/// What did the runs cost by month and kind of pipeline, and what all together?
fn ask(path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let zone = chrono_tz::Tz::America__Sao_Paulo;
    let ledger = Ledger::open(archive.connection(), Scope { zone, ..Scope::default() })?;

    let table = cost::report(&ledger, &[Dimension::Period(Calendar::Month), Dimension::Kind])?;
    write_table(&table, &WriteOptions::plain(Format::Markdown), &Destination::StandardOutput)?;

    // Money is whole nano-dollars, so the sum does not depend on the order, and is the table's to the last digit.
    let total = cost::total(&ledger)?;
    match total.total() {
        Some(usd) => say(&format!("\n{} runs cost {usd} USD", total.runs))?,
        None => say(&format!("\nit is not known what any of {} runs cost", total.runs))?,
    }
    say(&format!("of {} the cost is not known", total.runs_cost_unknown))
}

/// Prints a line. Whoever reads it may stop early: that is no error.
fn say(line: &str) -> Result<()> {
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{line}")?))
}
