//! This is `runledger demo`: the whole journey on made-up runs, with no account and nothing to set up.

use super::sync::line;
use crate::api::{BaseUrl, Client, ClientConfig};
use crate::cli::PeriodArgs;
use crate::commands::close::CloseArgs;
use crate::commands::shared::output::say;
use crate::commands::shared::progress::observer;
use crate::commands::shared::runtime::{means, runtime, stop_on_signals};
use crate::error::{Error, Result};
use crate::export::{Destination, Format, WriteOptions, write_table};
use crate::report::period::{Calendar, Period};
use crate::report::{Dimension, Ledger, Scope, Table, cost, duration, restatements};
use crate::sandbox::{Document, Model, Options as SandboxOptions, Outcome, Plan, Sandbox};
use crate::secret::ApiKey;
use crate::settings::Settings;
use crate::store::{Archive, Lock};
use crate::sync::SystemClock;
use crate::sync::{Clock, Options, Summary, sync};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// `runledger demo`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger demo
  runledger demo --runs 500 --seed 3 --db try.db")]
pub struct DemoArgs {
    /// How many runs to make up
    #[arg(long, default_value_t = 12_000, value_name = "N", value_parser = clap::value_parser!(u32).range(100..))]
    pub runs: u32,

    /// What to make them up from: the same seed makes the same runs
    #[arg(long, default_value_t = 7, value_name = "N")]
    pub seed: u64,
}

/// Where the demo archives unless `--db` says otherwise.
const DEFAULT_ARCHIVE: &str = "runledger-demo.db";

/// Where the month that the demo closes begins and ends.
const ZONE: Tz = Tz::America__Sao_Paulo;

/// Of how many runs of the closed month the costs change between the two syncs.
const CORRECTED_RUNS: usize = 5;

/// Among how many runs some become odd.
const ODD_RUNS_AMONG: usize = 100;

/// What a run says of its pipeline.
const PIPELINE_FIELDS: [&str; 3] = ["source", "destination", "transformation"];

/// Archives a year of made-up runs, lets some of them change, archives again, and shows what can be asked.
///
/// # Errors
/// [`Error::Usage`] when the file to archive into holds anything but an earlier demo.
pub fn run(args: &DemoArgs, db: Option<&Path>) -> Result<()> {
    let path = db.map_or_else(|| PathBuf::from(DEFAULT_ARCHIVE), Path::to_owned);
    make_room(&path)?;
    let runtime = runtime()?;
    // The hour that goes by between the two syncs ends now.
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
        .map_err(|cause| Error::Internal(format!("the sandbox cannot be served on this machine: {cause}")))?;
    let archive = Archive::open(&path, &Lock::acquire(&path, SystemClock.now())?)?;

    say(&format!("A look-alike of the API at {} has a year of made-up runs: {}.", sandbox.url(), args.runs))?;
    say("\n$ runledger sync")?;
    attempt(&runtime, &sandbox, &archive, &Options::default())?;

    // The archive may be written to by one command at a time.
    drop(archive);
    let month = settled_month(Utc::now());
    say(&format!("\n$ runledger close {} --zone {ZONE}", month.label))?;
    let booking = PeriodArgs { zone: Some(ZONE.to_string()), ..PeriodArgs::default() };
    let close = CloseArgs { period: Some(month.label.clone()), booking, ..CloseArgs::default() };
    super::close::run(&close, &path, &Settings::default())?;

    let example = live_on(&sandbox, &month);
    say(&format!(
        "\nAn hour later: runs have ended, costs have arrived, costs of {} were corrected, new runs began.",
        month.label
    ))?;
    // What changed that long ago is found by a walk of the whole list, which is due every seven days.
    say("\n$ runledger sync --full")?;
    let archive = Archive::open(&path, &Lock::acquire(&path, SystemClock.now())?)?;
    attempt(&runtime, &sandbox, &archive, &Options { full: true, ..Options::default() })?;

    let ledger = Ledger::open(archive.connection(), Scope::default())?;
    say("\n$ runledger report cost")?;
    print(&cost::report(&ledger, &[Dimension::Period(Calendar::Month)])?)?;
    say("\n$ runledger report duration --by kind")?;
    print(&duration::report(&ledger, &[Dimension::Kind])?)?;
    drop(ledger);
    say(&format!(
        "\n{} stays what it was closed with; what became known since:\n\n$ runledger restatements",
        month.label
    ))?;
    print(&restatements::listed(archive.connection(), &restatements::latest(archive.closes()?), None)?)?;
    drop(archive);
    say(&format!("\n$ runledger show {example}"))?;
    super::show::run(&super::show::ShowArgs { id: example, json: false }, &path)?;

    say(&format!(
        "\nAll of it is in {path}: one SQLite file. Try:\n  \
           runledger --db {path} status\n  \
           runledger --db {path} report cost --by pipeline --zone America/Sao_Paulo\n  \
           runledger --db {path} report cost --period {month}\n  \
           runledger --db {path} report failures\n  \
           runledger --db {path} export runs --output runs.csv\n  \
           runledger --db {path} query 'SELECT status, count(*) AS runs FROM runs GROUP BY status'\n  \
           sqlite3 {path} < queries/cost.sql",
        path = path.display(),
        month = month.label
    ))
}

/// The latest month of which no run can be unsettled any more: it was over before the settling time of thirty days began.
fn settled_month(now: DateTime<Utc>) -> Period {
    let month = |at: DateTime<Utc>| {
        let at = crate::run::Instant::from_utc(at).expect("the clock is within the calendar");
        Period::around(at, Calendar::Month, ZONE)
    };
    let unsettled = month(now - TimeDelta::days(31));
    let before =
        unsettled.start.expect("the clock is within the calendar").to_utc() - TimeDelta::microseconds(1);
    month(before)
}

/// Sees to it that there is no file; one is removed only if an earlier demo made it.
fn make_room(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let not_ours = |_| Error::Usage {
        what: format!("{} is there already, and no earlier demo made it", path.display()),
        hint: Some("name another file with --db".to_owned()),
    };
    let archive = Archive::open_for_reading(path).map_err(not_ours)?;
    let elsewhere: bool = archive
        .connection()
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM syncs WHERE api_url NOT LIKE 'http://127.0.0.1:%')",
            [],
            |row| row.get(0),
        )
        .map_err(Error::from)
        .map_err(not_ours)?;
    if elsewhere {
        return Err(not_ours(Error::usage("")));
    }
    drop(archive);
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match std::fs::remove_file(&file) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Output { what: path.display().to_string(), cause });
            }
            _ => {}
        }
    }
    Ok(())
}

/// One sync over real HTTP.
fn attempt(runtime: &Runtime, sandbox: &Sandbox, archive: &Archive, options: &Options) -> Result<()> {
    let address = BaseUrl::parse(&sandbox.url())?;
    let key = ApiKey::new(sandbox.api_key(), "the sandbox")?;
    let client = Arc::new(Client::new(address, &key, ClientConfig::default())?);
    let stop = stop_on_signals(runtime)?;
    let mut observer = observer();
    let means = means(client, runtime, &stop, observer.as_mut());
    let began = Instant::now();
    let summary: Summary = sync(archive, means, options)?;
    drop(observer);
    say(&line(&summary, began.elapsed().as_secs_f64(), false))?;
    summary.result
}

/// Lets an hour go by in the sandbox, in which costs of the closed month change; gives a run whose history tells of it.
fn live_on(sandbox: &Sandbox, closed: &Period) -> Uuid {
    let mut model = sandbox.model();
    let (waiting, in_progress) = (model.costs_unknown(), model.in_progress());
    model.advance(TimeDelta::minutes(20));
    for (place, id) in in_progress.iter().enumerate() {
        model.finish(*id, if place == 1 { Outcome::Failed } else { Outcome::Success });
    }
    model.advance(TimeDelta::minutes(40));
    // What a year ago was given up stays so: it would look as if costs took a year to arrive.
    let lately = |id: &&Uuid| {
        let run = model.document(**id).unwrap_or_default();
        let created_at = run.get("created_at").and_then(|at| at.as_str()).map(str::to_owned);
        closed.start.zip(created_at).is_some_and(|(start, at)| start.as_str() <= at.as_str())
    };
    let arriving: Vec<Uuid> = waiting.iter().filter(lately).chain(in_progress.first()).copied().collect();
    for id in arriving {
        model.settle(id);
    }
    let in_closed = |id: &Uuid| {
        let run = model.document(*id).unwrap_or_default();
        run.get("started_at").and_then(|at| at.as_str()).is_some_and(|at| closed.contains(at))
            && run.get("el_cost_usd").is_some_and(|cost| cost.is_number())
    };
    let old: Vec<Uuid> = model.ids().filter(in_closed).step_by(3).take(CORRECTED_RUNS).collect();
    for id in old {
        model.change(id, |run| {
            run.insert("el_cost_usd".to_owned(), json!(0.123_456_789_012_3));
        });
    }
    make_odd(&mut model);
    for _ in 0..3 {
        model.add();
    }
    in_progress.first().copied().unwrap_or_else(|| model.ids().next().expect("a demo has runs"))
}

/// Gives `report audit` one run for each thing that it looks for, where there are runs enough: a failure that is
/// charged, a success that is not, a negative cost, a cost without a duration, and a number that is charged twice.
fn make_odd(model: &mut Model) {
    // A few days old, and near enough for a sync to look at.
    let newer = model.count() / 100 + 3;
    let ended = |model: &Model, status: &str| -> Vec<(Uuid, Document)> {
        let runs = model.ids().skip(newer).take(ODD_RUNS_AMONG);
        let runs = runs.filter_map(|id| Some((id, model.document(id)?)));
        runs.filter(|(_, run)| run["status"] == status && run["el_cost_usd"].is_f64()).collect()
    };
    let failed =
        ended(model, "failed").into_iter().map(|(id, _)| (id, "credit_charge_status", json!("charged")));
    let mut odd: Vec<(Uuid, &str, Value)> = failed.take(1).collect();
    let succeeded = ended(model, "success");
    let oddities = [
        ("credit_charge_status", json!("unsuccessful")),
        ("el_cost_usd", json!(-0.0312)),
        ("duration_seconds", Value::Null),
    ];
    odd.extend(succeeded.iter().zip(oddities).map(|((id, _), (field, value))| (*id, field, value)));
    // Each of a kind of its own, so that nobody asks what one has to do with the other.
    let others = succeeded.get(odd.len()..).unwrap_or_default();
    let twice = others.iter().enumerate().find_map(|(place, (id, run))| {
        let same =
            |(_, other): &&(Uuid, Document)| PIPELINE_FIELDS.iter().all(|field| run[*field] == other[*field]);
        Some((*id, "number", others[place + 1..].iter().find(same)?.1["number"].clone()))
    });
    for (id, field, value) in odd.into_iter().chain(twice) {
        model.change(id, |run| drop(run.insert(field.to_owned(), value)));
    }
}

fn print(table: &Table) -> Result<()> {
    write_table(table, &WriteOptions::plain(Format::Terminal), &Destination::StandardOutput)
}
