//! Invariants of every archive at any time, whatever happened to the process that wrote it.

use runledger::internal::snapshot::Snapshot;
use runledger::internal::store::{run_columns, run_from_row};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Queries that return the rows violating an invariant.
const INVARIANTS: [(&str, &str); 9] = [
    (
        "a run has one current snapshot",
        "SELECT run_id FROM run_snapshots GROUP BY run_id HAVING sum(superseded_at IS NULL) <> 1",
    ),
    (
        "a run's snapshots follow each other without a gap or an overlap",
        "SELECT run_id FROM (
             SELECT run_id, superseded_at, lead(observed_at) OVER history AS next_at FROM run_snapshots
             WINDOW history AS (PARTITION BY run_id ORDER BY observed_at)
         ) WHERE superseded_at IS NOT next_at",
    ),
    (
        "a snapshot differs from the one before",
        "SELECT run_id FROM (
             SELECT run_id, content_hash, lead(content_hash) OVER history AS next_hash FROM run_snapshots
             WINDOW history AS (PARTITION BY run_id ORDER BY observed_at)
         ) WHERE content_hash = next_hash",
    ),
    (
        "a sync counts the snapshots that it added",
        "SELECT sync_id FROM syncs
         WHERE runs_new + runs_changed <> (SELECT count(*) FROM run_snapshots AS s WHERE s.sync_id = syncs.sync_id)",
    ),
    (
        "a run is new once",
        "SELECT 1 WHERE (SELECT coalesce(sum(runs_new), 0) FROM syncs) <> (SELECT count(DISTINCT run_id) FROM run_snapshots)",
    ),
    (
        "a sync that ended says how",
        "SELECT sync_id FROM syncs
         WHERE (outcome = 'running') <> (ended_at IS NULL) OR (ended_at IS NULL) <> (exit_code IS NULL)",
    ),
    (
        "a sync observes after all before it",
        "SELECT later.sync_id FROM syncs AS later JOIN syncs AS earlier ON earlier.sync_id < later.sync_id
         WHERE later.started_at <= earlier.last_observed_at",
    ),
    (
        "a sync knows the last instant that it gave",
        "SELECT sync_id FROM run_snapshots JOIN syncs USING (sync_id)
         WHERE observed_at < syncs.started_at OR observed_at > last_observed_at
         UNION ALL
         SELECT 0 FROM pipelines WHERE first_seen_at > (SELECT max(last_observed_at) FROM syncs)",
    ),
    (
        "a watermark comes with a complete walk",
        "SELECT sync_id FROM syncs WHERE (walk_complete = 0 AND watermark IS NOT NULL) OR (walk_whole = 1 AND walk_complete = 0)",
    ),
];

/// Copies the archive with its log: opening the original would change what a killed process left.
pub fn copied(path: &Path) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(path, &copy).unwrap();
    // A process that is killed leaves a log, or a journal in rollback mode.
    for suffix in ["-wal", "-journal"] {
        let log = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if log(path).exists() {
            fs::copy(log(path), log(&copy)).unwrap();
        }
    }
    (folder, copy)
}

/// Asserts that the file is a sound archive. A file that was only just created is one.
pub fn assert_sound(path: &Path, when: &str) {
    if !path.exists() {
        return;
    }
    let (_folder, copy) = copied(path);
    let archive = Connection::open(copy).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = archive.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
        rows.map(|row| format!("{:?}", row.unwrap())).collect()
    };
    assert_eq!(texts("PRAGMA integrity_check"), [r#"Text("ok")"#], "{when}");
    assert_eq!(texts("PRAGMA foreign_key_check"), [""; 0], "{when}");
    if texts("SELECT 1 FROM sqlite_schema WHERE name = 'run_snapshots'").is_empty() {
        return;
    }
    for (invariant, broken) in INVARIANTS {
        assert_eq!(texts(broken), [""; 0], "{invariant}: {when}");
    }
    let sql = format!("SELECT {}, content_hash FROM run_snapshots", run_columns());
    let mut statement = archive.prepare(&sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let stored: Vec<u8> = row.get("content_hash").unwrap();
        let run = run_from_row(row, 0).unwrap();
        let id = run.id;
        assert_eq!(Snapshot::of(run).content_hash.to_vec(), stored, "the hash of run {id}: {when}");
    }
}

/// The contents of an archive, one line per row, without observation times and row numbers.
pub fn contents(path: &Path) -> Vec<String> {
    let archive = Connection::open(path).unwrap();
    let mut lines = Vec::new();
    for (table, aside, order) in [
        (
            "run_snapshots",
            &["snapshot_id", "observed_at", "superseded_at", "sync_id"][..],
            "run_id, observed_at",
        ),
        ("pipelines", &["first_seen_at", "gone_at"], "kind, pipeline_id"),
        ("vanished_runs", &["vanished_at", "sync_id"], "run_id"),
        ("quarantine", &["first_seen_at", "last_seen_at", "sync_id"], "item_hash"),
        ("drift", &["first_seen_at", "sync_id"], "field, kind, observed"),
    ] {
        let instants: Vec<String> = aside
            .iter()
            .filter(|column| ["superseded_at", "gone_at"].contains(column))
            .map(|column| format!("{column} IS NULL"))
            .collect();
        let columns: String = archive
            .prepare("SELECT group_concat('\"' || name || '\"', ', ') FROM pragma_table_info(?1) WHERE name NOT IN (SELECT value FROM json_each(?2))")
            .unwrap()
            .query_row([table, &serde_json::to_string(aside).unwrap()], |row| row.get(0))
            .unwrap();
        let columns = instants.into_iter().chain([columns]).collect::<Vec<_>>().join(", ");
        lines.extend(rows(&archive, table, &format!("SELECT {columns} FROM {table} ORDER BY {order}")));
    }
    lines.extend(rows(&archive, "syncs", "SELECT max(watermark), max(walk_whole) FROM syncs"));
    lines
}

fn rows(archive: &Connection, table: &str, sql: &str) -> Vec<String> {
    let mut statement = archive.prepare(sql).unwrap();
    let width = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells: rusqlite::Result<Vec<rusqlite::types::Value>> =
            (0..width).map(|column| row.get(column)).collect();
        Ok(format!("{table}: {:?}", cells?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}
