//! Generates a large dataset: runs written directly to Parquet with the library's schema and writer.
//!
//! `cargo bench --bench parquet -- 10000000 target/generated` writes 10,000,000 runs, booked in the 24 months of 2024
//! and 2025, and prints their cost by month in the format of `runledger report cost --format csv`. The generator
//! computes these sums itself, so a reader of the files can be checked against them.
//!
//! Each run copies a run of the sandbox. Its instants, costs and ids are random with a fixed seed, and so are the
//! content hashes, as the runs have no documents.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "prints the sums")]

#[allow(dead_code, reason = "other benchmarks use the rest")]
mod ledger;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use fastrand::Rng;
use runledger::internal::export::parquet::folder::{file_name, file_path};
use runledger::internal::export::parquet::{schema, writer};
use runledger::internal::report::rows::Value;
use runledger::internal::report::rows::dataset::{self, DatasetTable, RowRange};
use runledger::internal::report::{Ledger, Scope};
use runledger::internal::run::{Instant, Usd};
use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time;

/// The number of templates: runs of the sandbox that the generated runs copy.
const TEMPLATES: usize = 20_000;

/// The number of months, from January of [`FIRST_YEAR`] on.
const MONTHS: usize = 24;
const FIRST_YEAR: i32 = 2024;

/// One of this number of runs has an earlier snapshot.
const CHANGED: u64 = 20;

/// An owned [`Value`].
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
        let text = |text: &[u8]| String::from_utf8(text.to_vec()).expect("the sandbox sends UTF-8");
        match value {
            Value::Null => Own::Null,
            Value::Integer(whole) => Own::Integer(whole),
            Value::Real(real) => Own::Real(real),
            Value::Usd(usd) => Own::Integer(i64::try_from(usd.units()).expect("a single cost fits 64 bits")),
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

/// A run to copy: its columns, and its instants in microseconds relative to `booked_at`.
struct Template {
    columns: HashMap<&'static str, Own>,
    created: i64,
    started: Option<i64>,
    ended: Option<i64>,
}

/// The sums of a month, in nano-dollars.
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
    // `cargo bench` adds the option `--bench`.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let runs: usize =
        arguments.first().map_or(10_000, |runs| runs.parse().expect("a number of runs, such as 10000000"));
    let folder = arguments.get(1).map_or_else(|| PathBuf::from("target/generated"), PathBuf::from);
    let began = time::Instant::now();
    let templates = templates(&folder);
    let months: Vec<Mutex<Totals>> = (0..MONTHS).map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let month = next.fetch_add(1, Ordering::Relaxed);
                    let Some(totals) = months.get(month) else { break };
                    // The first months take the remainder.
                    let runs = runs / MONTHS + usize::from(month < runs % MONTHS);
                    *totals.lock().expect("no thread panicked") = write(&folder, month, runs, &templates);
                }
            });
        }
    });
    print(&months.iter().map(|totals| totals.lock().expect("no thread panicked")).collect::<Vec<_>>());
    eprintln!("{runs} runs in {:.1} s", began.elapsed().as_secs_f64());
}

/// Reads the templates, with the columns of the dataset, and writes the table of pipelines.
fn templates(folder: &Path) -> Vec<Template> {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let rows = ledger::rows(TEMPLATES);
    let path = temporary.path().join("templates.db");
    let (archive, sync_id) = ledger::new_archive(&path);
    ledger::raw_insert(archive, sync_id, &rows);
    let archive = rusqlite::Connection::open(&path).expect("the archive exists");
    archive
        .execute_batch(
            "INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at)
             SELECT DISTINCT pipeline_kind, pipeline_id, substr(pipeline_id, 1, 8), 'Pipeline ' || substr(pipeline_id, 1, 8), 1,
                    '2024-01-01T00:00:00.000000Z'
             FROM runs WHERE pipeline_id IS NOT NULL",
        )
        .expect("invented pipelines");
    let ledger = Ledger::open(&archive, Scope::default()).expect("an archive");
    let mut templates = Vec::new();
    let columns = schema::columns(DatasetTable::Runs);
    let all = RowRange::Booked(None, None);
    let mut selection = dataset::rows(&ledger, DatasetTable::Runs, all, "generated").expect("readable rows");
    selection
        .for_each(|row| -> runledger::internal::error::Result<()> {
            let columns: HashMap<&'static str, Own> =
                columns.iter().map(|column| column.name.as_str()).zip(row.values().map(Own::of)).collect();
            let at = |name: &str| match &columns[name] {
                Own::Text(text) => Some(Instant::parse(text)?.to_utc().timestamp_micros()),
                _ => None,
            };
            let booked = at("booked_at").expect("the sandbox's runs have instants");
            let offset = |name: &str| at(name).map(|at| at - booked);
            let (created, started, ended) = (offset("created_at"), offset("started_at"), offset("ended_at"));
            templates.push(Template { columns, created: created.unwrap_or_default(), started, ended });
            Ok(())
        })
        .expect("readable rows");
    let mut file = begin(folder, DatasetTable::Pipelines, &file_name(0));
    let mut selection =
        dataset::rows(&ledger, DatasetTable::Pipelines, RowRange::All, "generated").expect("readable rows");
    selection
        .for_each(|row| -> runledger::internal::error::Result<()> {
            file.add(row.values()).expect("a writable file");
            Ok(())
        })
        .expect("readable rows");
    file.finish().expect("a writable file");
    templates
}

fn begin(folder: &Path, table: DatasetTable, part: &str) -> writer::FileWriter<File> {
    let path = folder.join(table.name()).join(part);
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a new folder");
    let out = File::create(path).expect("a new file");
    writer::FileWriter::new(out, table, schema::columns(table)).expect("a writable file")
}

/// Writes a month's runs and snapshots, ordered by `booked_at`.
fn write(folder: &Path, month: usize, runs: usize, templates: &[Template]) -> Totals {
    let mut random = Rng::with_seed(month as u64);
    let first = NaiveDate::from_ymd_opt(FIRST_YEAR + (month / 12) as i32, (month % 12) as u32 + 1, 1)
        .expect("a month");
    let days = (first + Days::new(31)).with_day(1).expect("the next month") - first;
    let start: DateTime<Utc> = first.and_time(NaiveTime::MIN).and_utc();
    let step = days.num_microseconds().expect("a month fits 64 bits of microseconds") / runs.max(1) as i64;
    let part = file_path(Some(&first.format("%Y-%m").to_string()), 0);
    let mut current = begin(folder, DatasetTable::Runs, &part);
    let mut states = begin(folder, DatasetTable::RunSnapshots, &part);
    let mut totals = Totals::default();
    let mut changes: HashMap<&'static str, Own> = HashMap::new();
    for nth in 0..runs {
        let template = &templates[random.usize(..templates.len())];
        let booked = start + TimeDelta::microseconds(nth as i64 * step + random.i64(0..step.max(1)));
        let at = |offset: i64| {
            let at =
                Instant::from_utc(booked + TimeDelta::microseconds(offset)).expect("a year of four digits");
            Own::Text(at.to_string())
        };
        let snapshot = month as i64 * 1_000_000_000 + nth as i64 * 2;
        let seen = template.ended.or(template.started).unwrap_or_default() + 3_600_000_000;
        let cost = |name: &str, random: &mut Rng| match template.columns[name] {
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
            ("created_at", at(template.created)),
            ("updated_at", at(seen - 3_600_000_000)),
            ("started_at", template.started.map_or(Own::Null, at)),
            ("ended_at", template.ended.map_or(Own::Null, at)),
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
        add(&mut current, DatasetTable::Runs, template, &changes);
        let is_changed = template.started.is_some() && template.ended.is_some() && random.u64(..CHANGED) == 0;
        if is_changed {
            let mut before = changes.clone();
            before.extend([
                ("snapshot_id", Own::Integer(snapshot)),
                ("observed_at", at(60_000_000)),
                ("superseded_at", at(seen.max(120_000_000))),
            ]);
            // Half of them show the run in progress, the others show it ended without costs.
            if random.bool() {
                before.extend([
                    ("ended_at", Own::Null),
                    ("duration_seconds", Own::Null),
                    ("status", Own::Text("running".to_owned())),
                ]);
            } else {
                before.insert("observed_at", at(template.ended.unwrap_or_default()));
            }
            for cost in ["el_cost_usd", "transformation_cost_usd"] {
                before.insert(cost, Own::Null);
            }
            for cost in ["el_cost_usd_exact", "transformation_cost_usd_exact"] {
                before.insert(cost, Own::Null);
            }
            add(&mut states, DatasetTable::RunSnapshots, template, &before);
        }
        add(&mut states, DatasetTable::RunSnapshots, template, &changes);

        totals.runs += 1;
        totals.unknown += u64::from(total.is_none());
        for (sum, nanos) in
            [(&mut totals.el, el), (&mut totals.transformation, transformation), (&mut totals.total, total)]
        {
            if let Some(nanos) = nanos {
                *sum = Some(sum.unwrap_or_default() + i128::from(nanos));
            }
        }
        totals.credits += u64::from(
            matches!(&template.columns["credit_charge_status"], Own::Text(word) if word == "charged"),
        );
    }
    current.finish().expect("a writable file");
    states.finish().expect("a writable file");
    totals
}

fn add(
    file: &mut writer::FileWriter<File>,
    table: DatasetTable,
    template: &Template,
    changes: &HashMap<&'static str, Own>,
) {
    let values = schema::columns(table).iter().map(|column| {
        changes.get(column.name.as_str()).unwrap_or_else(|| &template.columns[column.name.as_str()]).value()
    });
    file.add(values).expect("a writable file");
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
