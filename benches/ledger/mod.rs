//! Shared by the benchmarks: the sandbox's runs as rows in memory, and the fastest plain insert loop.

use chrono::{DateTime, Utc};
use runledger::internal::run::{ChargeStatus, Instant, Redaction, Status, decode};
use runledger::internal::sandbox::{Model, Plan};
use runledger::internal::snapshot::Snapshot;
use runledger::internal::store::{Archive, Lock, SyncKind};
use rusqlite::params;
use rusqlite::types::Null;
use std::path::Path;
use std::time::{Duration, Instant as Moment};

/// The commit interval of a sync.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// One row, ready to bind: every derived value is computed in advance.
pub struct Row {
    pub snapshot: Snapshot,
    run_id: String,
    trigger_type: Option<String>,
}

impl Row {
    fn of(snapshot: Snapshot) -> Row {
        assert!(snapshot.run.absent.is_empty(), "the sandbox sends every field");
        Row {
            run_id: snapshot.run.id.hyphenated().to_string(),
            trigger_type: snapshot.run.trigger_type().map(|word| word.to_string()),
            snapshot,
        }
    }
}

/// A workspace that is the same on every call.
pub fn model(runs: usize) -> Model {
    let now = DateTime::<Utc>::from_timestamp(1_767_225_600, 0).expect("a valid timestamp");
    Model::new(&Plan { runs, ..Plan::ending_at(now) })
}

/// The snapshot of a run in the API's JSON.
pub fn snapshot(text: &str) -> Snapshot {
    let raw = serde_json::from_str(text).expect("the sandbox sends JSON");
    Snapshot::of(decode(raw, &Redaction::default()).expect("the sandbox sends runs").run)
}

/// This number of runs in list order, decoded and ready to insert.
pub fn rows(runs: usize) -> Vec<Row> {
    model(runs).runs().map(|text| Row::of(snapshot(text))).collect()
}

/// An arbitrary instant of observation.
pub fn observed_at() -> Instant {
    Instant::parse("2026-01-01T00:00:00Z").expect("a valid instant")
}

/// A new archive with a sync in progress, and the id of the sync.
pub fn new_archive(path: &Path) -> (Archive, i64) {
    let lock = Lock::acquire(path, observed_at()).expect("no other process has the lock");
    let archive = Archive::open(path, &lock).expect("a new archive");
    let sync =
        archive.begin_sync(SyncKind::First, "a benchmark", "http://127.0.0.1", Some(500), observed_at());
    (archive, sync.expect("a new sync"))
}

/// Inserts the rows into the archive's tables without any lookup, then closes the archive, as a sync does.
pub fn raw_insert(archive: Archive, sync_id: i64, rows: &[Row]) -> Duration {
    let began = Moment::now();
    let observed_at = observed_at();
    {
        let connection = archive.connection();
        let mut insert = connection
            .prepare(
                "INSERT INTO run_snapshots (run_id, number, created_at, updated_at, started_at, ended_at, \
                     duration_seconds, status, \"trigger\", full_sync, extra_config, credit_charge_status, \
                     el_cost_usd, el_cost_nanos, el_cost_metadata, transformation_cost_usd, \
                     transformation_cost_nanos, transformation_cost_metadata, triggered_by, triggered_by_token, \
                     source, destination, transformation, absent, unmapped, trigger_type, content_hash, \
                     observed_at, sync_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, \
                     ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)",
            )
            .expect("the archive has these columns");
        let mut committed_at = Moment::now();
        archive.begin().expect("no other process writes");
        for (nth, row) in rows.iter().enumerate() {
            let run = &row.snapshot.run;
            insert
                .execute(params![
                    row.run_id,
                    run.number,
                    run.created_at,
                    run.updated_at,
                    run.started_at,
                    run.ended_at,
                    run.duration_seconds,
                    run.status.as_ref().map(Status::as_str),
                    run.trigger,
                    run.full_sync,
                    run.extra_config,
                    run.credit_charge_status.as_ref().map(ChargeStatus::as_str),
                    run.el_cost_usd.map(|cost| cost.usd),
                    run.el_cost_usd.map(|cost| cost.nanos),
                    run.el_cost_metadata,
                    run.transformation_cost_usd.map(|cost| cost.usd),
                    run.transformation_cost_usd.map(|cost| cost.nanos),
                    run.transformation_cost_metadata,
                    run.triggered_by,
                    run.triggered_by_token,
                    run.source,
                    run.destination,
                    run.transformation,
                    Null,
                    run.unmapped,
                    row.trigger_type,
                    row.snapshot.content_hash,
                    observed_at,
                    sync_id,
                ])
                .expect("each run is new");
            if nth % 500 == 499 && committed_at.elapsed() >= COMMIT_EVERY {
                archive.commit().expect("there is room");
                archive.begin().expect("no other process writes");
                committed_at = Moment::now();
            }
        }
        archive.commit().expect("there is room");
    }
    drop(archive);
    began.elapsed()
}
