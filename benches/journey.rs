//! Microbenchmarks of each stage that a run passes: decode, hash, store, report, export.
//!
//! `cargo bench --bench journey` takes about a minute. `benches/end_to_end.py` measures larger archives.

mod ledger;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ledger::{Row, model, new_archive, observed_at, raw_insert, rows, snapshot};
use runledger::internal::api::Page;
use runledger::internal::export::column_totals::ColumnTotals;
use runledger::internal::export::{Dialect, csv};
use runledger::internal::ignored_fields::IgnoredFields;
use runledger::internal::report::period::Calendar;
use runledger::internal::report::rows::RowStream;
use runledger::internal::report::table::USD_DECIMALS;
use runledger::internal::report::{Dimension, Ledger, Scope, cost, duration, rows as stored};
use runledger::internal::run::{Redaction, Run, decode};
use runledger::internal::snapshot::hash;
use runledger::internal::store::{Archive, Detail, InsertHint};
use std::hint::black_box;
use std::io::sink;
use std::time::Duration;
use tempfile::TempDir;

/// Runs on a page of the run list.
const PAGE: usize = 500;

/// Runs that one iteration stores.
const STORED: usize = 5_000;

/// Runs that reports and exports read.
const REPORTED: usize = 20_000;

/// A page in the API's JSON.
fn page() -> String {
    let model = model(PAGE);
    let runs: Vec<&str> = model.runs().collect();
    format!(r#"{{"count":{PAGE},"next":null,"previous":null,"results":[{}]}}"#, runs.join(","))
}

fn decoding(c: &mut Criterion) {
    let body = page();
    let page = Page::parse(&body).expect("a page");
    let runs: Vec<Run> =
        page.items.iter().map(|item| decode(item, &Redaction::default()).expect("a run").run).collect();
    let documents: Vec<String> = runs.iter().map(Run::document).collect();
    let mut group = c.benchmark_group("a page of 500 runs");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("split into items", |b| {
        b.iter(|| Page::parse(black_box(&body)).unwrap().items.len())
    });
    group.bench_function("decode", |b| {
        b.iter(|| {
            page.items
                .iter()
                .map(|item| decode(item, &Redaction::default()).unwrap())
                .for_each(|run| drop(black_box(run)))
        });
    });
    group.bench_function("write the documents", |b| {
        b.iter(|| runs.iter().map(Run::document).for_each(|document| drop(black_box(document))));
    });
    group.bench_function("hash the documents", |b| {
        b.iter(|| documents.iter().map(|it| hash(it.as_bytes())).for_each(|hash| _ = black_box(hash)));
    });
    group.bench_function("all stages", |b| {
        b.iter(|| {
            let page = Page::parse(black_box(&body)).unwrap();
            page.items.iter().map(|item| snapshot(item.get())).for_each(|it| drop(black_box(it)));
        });
    });
    group.finish();
}

/// A new archive in a temporary folder, which is deleted on drop.
fn archive_in_folder() -> (TempDir, Archive, i64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (archive, sync_id) = new_archive(&folder.path().join("a.db"));
    (folder, archive, sync_id)
}

fn store_all(archive: &Archive, sync_id: i64, rows: &[Row], hint: InsertHint) {
    archive.begin().unwrap();
    for row in rows {
        archive
            .upsert_run(&row.snapshot, Detail::List, hint, &IgnoredFields::default(), observed_at(), sync_id)
            .unwrap();
    }
    archive.commit().unwrap();
}

fn storing(c: &mut Criterion) {
    let rows = rows(STORED);
    let mut group = c.benchmark_group("5,000 runs");
    group.throughput(Throughput::Elements(STORED as u64)).sample_size(20);
    group.bench_function("raw insert", |b| {
        b.iter_batched(
            archive_in_folder,
            |(folder, archive, sync_id)| {
                raw_insert(archive, sync_id, &rows);
                folder
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("store, all new", |b| {
        b.iter_batched(
            archive_in_folder,
            |(folder, archive, sync_id)| {
                store_all(&archive, sync_id, &rows, InsertHint::New);
                drop(archive);
                folder
            },
            BatchSize::PerIteration,
        );
    });
    let (_folder, archive, sync_id) = archive_in_folder();
    store_all(&archive, sync_id, &rows, InsertHint::New);
    group.bench_function("store, all unchanged", |b| {
        b.iter(|| store_all(&archive, sync_id, &rows, InsertHint::Known))
    });
    group.finish();
}

fn reporting(c: &mut Criterion) {
    let (_folder, archive, sync_id) = archive_in_folder();
    store_all(&archive, sync_id, &rows(REPORTED), InsertHint::New);
    let ledger = Ledger::open(archive.connection(), Scope::default()).unwrap();
    let by = [Dimension::Period(Calendar::Month)];
    let mut group = c.benchmark_group("20,000 runs");
    group.throughput(Throughput::Elements(REPORTED as u64)).sample_size(20);
    group.bench_function("report cost", |b| b.iter(|| cost::report(&ledger, &by).unwrap()));
    group.bench_function("report duration", |b| b.iter(|| duration::report(&ledger, &by).unwrap()));
    let write = |mut rows: RowStream<'_>| {
        csv::write_rows(&mut rows, &Dialect::MACHINE, USD_DECIMALS, &mut ColumnTotals::default(), &mut sink())
    };
    group.bench_function("export runs as CSV", |b| {
        b.iter(|| write(stored::runs(&ledger).unwrap()));
    });
    group.bench_function("export snapshots as CSV", |b| {
        b.iter(|| write(stored::snapshots(&ledger).unwrap()));
    });
    group.finish();
}

criterion_group! {
    name = journey;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = decoding, storing, reporting
}
criterion_main!(journey);
