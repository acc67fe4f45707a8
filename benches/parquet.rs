//! This is the generator of a large dataset: made-up runs straight into Parquet, by the library's own rows and writer.
//!
//! `cargo bench --bench lake -- 10000000 target/lake` writes so many runs, booked in 24 months of 2024 and 2025, into the tables
//! of a dataset, and prints what they cost by month as `runledger report cost --format csv` would: from its own sums, so that a
//! reader of the files can be held to them. What a run looks like is taken from the sandbox's; when it ran, what it cost and its
//! ids are drawn from a seed. The content hashes are drawn too: there are no documents that they could be of.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program that tells what it made")]

#[allow(dead_code, reason = "the other benchmark needs the rest")]
mod ledger;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use fastrand::Rng;
use runledger::export::dataset::folder::{part_of, place_of};
use runledger::export::dataset::{schema, writer};
use runledger::report::dataset::{self, Stretch, Table};
use runledger::report::rows::Value;
use runledger::report::{Ledger, Scope};
use runledger::run::{Instant, Usd};
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time;

/// How many of the sandbox's runs the others are like.
const LIKE: usize = 20_000;

/// The months: from the first of this year on.
const MONTHS: usize = 24;
const FIRST_YEAR: i32 = 2024;

/// Of so many runs one has an earlier state.
const CHANGED: u64 = 20;

/// A value that is nobody's.
#[derive(Clone)]
enum Own {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Own {
    fn of(value: Value<'_>) -> Own {
        let text = |text: &[u8]| String::from_utf8(text.to_vec()).expect("the sandbox writes UTF-8");
        match value {
            Value::Null => Own::Null,
            Value::Integer(whole) => Own::Integer(whole),
            Value::Real(real) => Own::Real(real),
            Value::Usd(usd) => Own::Integer(i64::try_from(usd.units()).expect("one cost")),
            Value::Text(bytes) | Value::Json(bytes) => Own::Text(text(bytes)),
            Value::Blob(bytes) => Own::Blob(bytes.to_vec()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Own::Null => Value::Null,
            Own::Integer(whole) => Value::Integer(*whole),
            Own::Real(real) => Value::Real(*real),
            Own::Text(text) => Value::Text(text.as_bytes()),
            Own::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// A run that others are like: its columns, and how its instants lie to the one that books it, in microseconds.
struct Like {
    columns: HashMap<&'static str, Own>,
    created: i64,
    started: Option<i64>,
    ended: Option<i64>,
}

/// What the runs of a month cost, in nano-dollars.
#[derive(Default)]
struct Totals {
    runs: u64,
    unknown: u64,
    el: Option<i128>,
    transformation: Option<i128>,
    total: Option<i128>,
    credits: u64,
}

fn main() {
    // `cargo bench` adds an option of its own.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runs: usize =
        arguments.first().map_or(10_000, |runs| runs.parse().expect("how many runs, such as 10000000"));
    let folder = arguments.get(1).map_or_else(|| PathBuf::from("target/lake"), PathBuf::from);
    let began = time::Instant::now();
    let likes = likes(&folder);
    let months: Vec<Mutex<Totals>> = (0..MONTHS).map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let month = next.fetch_add(1, Ordering::Relaxed);
                    let Some(totals) = months.get(month) else { break };
                    // The first months have the runs that do not divide.
                    let runs = runs / MONTHS + usize::from(month < runs % MONTHS);
                    *totals.lock().expect("nobody panicked") = write(&folder, month, runs, &likes);
                }
            });
        }
    });
    print(&months.iter().map(|totals| totals.lock().expect("nobody panicked")).collect::<Vec<_>>());
    eprintln!("{runs} runs in {:.1} s", began.elapsed().as_secs_f64());
}

/// The sandbox's runs as the dataset has them; the catalogue is written on the way.
fn likes(folder: &Path) -> Vec<Like> {
    let temporary = tempfile::tempdir().expect("a place for a small archive");
    let rows = ledger::rows(LIKE);
    let path = temporary.path().join("like.db");
    let (archive, sync_id) = ledger::new_archive(&path);
    ledger::insert_bare(archive, sync_id, &rows);
    let archive = rusqlite::Connection::open(&path).expect("it was written");
    archive
        .execute_batch(
            "INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at)
             SELECT DISTINCT pipeline_kind, pipeline_id, substr(pipeline_id, 1, 8), 'Pipeline ' || substr(pipeline_id, 1, 8), 1,
                    '2024-01-01T00:00:00.000000Z'
             FROM runs WHERE pipeline_id IS NOT NULL",
        )
        .expect("a catalogue can be made up");
    let ledger = Ledger::open(&archive, Scope::default()).expect("it is an archive");
    let mut likes = Vec::new();
    let columns = schema::columns(Table::Runs);
    let all = Stretch::Booked(None, None);
    let mut selection = dataset::rows(&ledger, Table::Runs, all, "generated").expect("they can be read");
    selection
        .for_each(|row| -> runledger::error::Result<()> {
            let columns: HashMap<&'static str, Own> =
                columns.iter().map(|column| column.name).zip(row.values().map(Own::of)).collect();
            let at = |name: &str| match &columns[name] {
                Own::Text(text) => Some(Instant::parse(text)?.to_utc().timestamp_micros()),
                _ => None,
            };
            let booked = at("booked_at").expect("the sandbox's runs are booked");
            let lies = |name: &str| at(name).map(|at| at - booked);
            let (created, started, ended) = (lies("created_at"), lies("started_at"), lies("ended_at"));
            likes.push(Like { columns, created: created.unwrap_or_default(), started, ended });
            Ok(())
        })
        .expect("they can be read");
    let mut file = begin(folder, Table::Pipelines, &part_of(0));
    let mut selection =
        dataset::rows(&ledger, Table::Pipelines, Stretch::All, "generated").expect("it can be read");
    selection
        .for_each(|row| -> runledger::error::Result<()> {
            file.add(row.values()).expect("it can be written");
            Ok(())
        })
        .expect("it can be read");
    file.finish().expect("it can be written");
    likes
}

fn begin(folder: &Path, table: Table, place: &str) -> writer::File<File> {
    let path = folder.join(table.name()).join(place);
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
    let out = File::create(path).expect("a file can be made");
    writer::File::begin(out, table, schema::columns(table)).expect("a file can be begun")
}

/// Writes a month's runs and their states, in the order of booking.
fn write(folder: &Path, month: usize, runs: usize, likes: &[Like]) -> Totals {
    let mut random = Rng::with_seed(month as u64);
    let first = NaiveDate::from_ymd_opt(FIRST_YEAR + (month / 12) as i32, (month % 12) as u32 + 1, 1)
        .expect("a month");
    let days = (first + Days::new(31)).with_day(1).expect("the next month") - first;
    let start: DateTime<Utc> = first.and_time(NaiveTime::MIN).and_utc();
    let step = days.num_microseconds().expect("a month is short") / runs.max(1) as i64;
    let place = place_of(Some(&first.format("%Y-%m").to_string()), 0);
    let mut current = begin(folder, Table::Runs, &place);
    let mut states = begin(folder, Table::RunSnapshots, &place);
    let mut totals = Totals::default();
    let mut changes: HashMap<&'static str, Own> = HashMap::new();
    for nth in 0..runs {
        let like = &likes[random.usize(..likes.len())];
        let booked = start + TimeDelta::microseconds(nth as i64 * step + random.i64(0..step.max(1)));
        let at = |lies: i64| {
            let at = Instant::from_utc(booked + TimeDelta::microseconds(lies)).expect("it is in this age");
            Own::Text(at.to_string())
        };
        let snapshot = month as i64 * 1_000_000_000 + nth as i64 * 2;
        let seen = like.ended.or(like.started).unwrap_or_default() + 3_600_000_000;
        let cost = |name: &str, random: &mut Rng| match like.columns[name] {
            Own::Integer(nanos) => Some(nanos + random.i64(0..1000)),
            _ => None,
        };
        let el = cost("el_cost_usd_exact", &mut random);
        let transformation = cost("transformation_cost_usd_exact", &mut random);
        let total =
            (el.is_some() || transformation.is_some()).then(|| el.unwrap_or(0) + transformation.unwrap_or(0));
        let double = |nanos: Option<i64>| nanos.map_or(Own::Null, |nanos| Own::Real(nanos as f64 / 1e9));
        let exact = |nanos: Option<i64>| nanos.map_or(Own::Null, Own::Integer);
        let id = uuid::Builder::from_random_bytes(random.u128(..).to_le_bytes()).into_uuid();
        let hash: Vec<u8> =
            [random.u128(..), random.u128(..)].iter().flat_map(|half| half.to_le_bytes()).collect();
        changes.extend([
            ("run_id", Own::Text(id.hyphenated().to_string())),
            ("number", Own::Integer(snapshot)),
            ("created_at", at(like.created)),
            ("updated_at", at(seen - 3_600_000_000)),
            ("started_at", like.started.map_or(Own::Null, at)),
            ("ended_at", like.ended.map_or(Own::Null, at)),
            ("booked_at", at(0)),
            ("el_cost_usd", double(el)),
            ("transformation_cost_usd", double(transformation)),
            ("total_cost_usd", double(total)),
            ("el_cost_usd_exact", exact(el)),
            ("transformation_cost_usd_exact", exact(transformation)),
            ("total_cost_usd_exact", exact(total)),
            ("content_hash", Own::Blob(hash)),
            ("snapshot_id", Own::Integer(snapshot + 1)),
            ("observed_at", at(seen)),
            ("superseded_at", Own::Null),
        ]);
        add(&mut current, Table::Runs, like, &changes);
        let is_changed = like.started.is_some() && like.ended.is_some() && random.u64(..CHANGED) == 0;
        if is_changed {
            let mut before = changes.clone();
            before.extend([
                ("snapshot_id", Own::Integer(snapshot)),
                ("observed_at", at(60_000_000)),
                ("superseded_at", at(seen.max(120_000_000))),
            ]);
            // Half of them were seen running, the others before their costs had come.
            if random.bool() {
                before.extend([
                    ("ended_at", Own::Null),
                    ("duration_seconds", Own::Null),
                    ("status", Own::Text("running".to_owned())),
                ]);
            } else {
                before.insert("observed_at", at(like.ended.unwrap_or_default()));
            }
            for cost in ["el_cost_usd", "transformation_cost_usd"] {
                before.insert(cost, Own::Null);
            }
            for cost in ["el_cost_usd_exact", "transformation_cost_usd_exact"] {
                before.insert(cost, Own::Null);
            }
            add(&mut states, Table::RunSnapshots, like, &before);
        }
        add(&mut states, Table::RunSnapshots, like, &changes);

        totals.runs += 1;
        totals.unknown += u64::from(total.is_none());
        for (sum, nanos) in
            [(&mut totals.el, el), (&mut totals.transformation, transformation), (&mut totals.total, total)]
        {
            if let Some(nanos) = nanos {
                *sum = Some(sum.unwrap_or_default() + i128::from(nanos));
            }
        }
        totals.credits +=
            u64::from(matches!(&like.columns["credit_charge_status"], Own::Text(word) if word == "charged"));
    }
    current.finish().expect("it can be written");
    states.finish().expect("it can be written");
    totals
}

fn add(file: &mut writer::File<File>, table: Table, like: &Like, changes: &HashMap<&'static str, Own>) {
    let values = schema::columns(table)
        .iter()
        .map(|column| changes.get(column.name).unwrap_or_else(|| &like.columns[column.name]).value());
    file.add(values).expect("it can be written");
}

fn print(months: &[impl std::ops::Deref<Target = Totals>]) {
    println!("month,runs,runs_cost_unknown,el_cost_usd,transformation_cost_usd,total_cost_usd,credits");
    for (month, totals) in months.iter().enumerate() {
        let usd =
            |nanos: Option<i128>| nanos.map_or_else(String::new, |nanos| Usd::from_units(nanos).to_string());
        let Totals { runs, unknown, el, transformation, total, credits } = &**totals;
        let sums = [el, transformation, total].map(|nanos| usd(*nanos)).join(",");
        let year = FIRST_YEAR as usize + month / 12;
        println!("{year}-{:02},{runs},{unknown},{sums},{credits}", month % 12 + 1);
    }
}
