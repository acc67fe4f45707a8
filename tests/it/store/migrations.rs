//! Archives of released versions: each opens, checks and reports.

use crate::maintenance::{broken, closed, json_of, run};
use crate::support::golden::assert_golden;
use crate::support::workspace::at;
use runledger::internal::store::{Archive, Lock};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// The number of runs in a fixture: fixtures stay in the repository forever.
const FIXTURE_RUNS: usize = 60;

pub(super) fn fixture(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}.db"))
}

/// A copy of the fixture of that version, changed by `sql` as that version could have done, then migrated.
fn migrated(folder: &tempfile::TempDir, version: u32, sql: &str) -> PathBuf {
    let path = folder.path().join(format!("v{version}.db"));
    fs::copy(fixture(version), &path).unwrap();
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    // A sync migrates it if migrations are pending.
    let lock = Lock::acquire(&path, at("2026-11-24T00:00:00Z")).unwrap();
    drop(Archive::open(&path, &lock).unwrap());
    assert_eq!(broken(&path), (0, Vec::new()));
    path
}

/// Compares the archive's output with the golden files of that version.
fn assert_reports(path: &Path, version: u32) {
    let mut printed = json_of(&run(path, &["status", "--json", "--settle", "36500d"]));
    for varies in ["archive", "file_bytes", "schema_version"] {
        printed.as_object_mut().unwrap().remove(varies);
    }
    assert_golden(&format!("v{version}-status.json"), format!("{printed:#}\n").as_bytes());
    let said = |arguments: &[&str]| run(path, arguments).out;
    assert_golden(&format!("v{version}-cost.csv"), said(&["report", "cost", "--format", "csv"]).as_bytes());
    assert_golden(&format!("v{version}-drift.json"), said(&["drift", "--json"]).as_bytes());
}

#[test]
fn a_version_1_archive_opens_checks_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    assert_reports(&migrated(&folder, 1, ""), 1);
}

#[test]
fn a_version_2_archive_opens_checks_and_reports_its_close() {
    assert_reports_with_a_close(2);
}

#[test]
fn a_version_3_archive_opens_checks_and_reports_its_close() {
    assert_reports_with_a_close(3);
}

#[test]
fn a_version_4_archive_opens_checks_and_reports_its_close() {
    assert_reports_with_a_close(4);
}

#[test]
fn a_version_5_archive_opens_checks_and_reports_its_close() {
    assert_reports_with_a_close(5);
}

#[test]
fn a_version_6_archive_opens_checks_and_reports_its_close() {
    assert_reports_with_a_close(6);
}

#[test]
fn a_version_7_archive_opens_checks_and_reports_its_close() {
    assert_reports_with_a_close(7);
}

#[test]
fn a_migrated_close_has_no_terms_until_it_is_restated() {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(&folder, 5, "");
    fs::write(folder.path().join("runledger.toml"), "[plan]\nfee_usd = 10\ncredits = 9\n").unwrap();
    let asked = ["report", "credits", "--period", "2026-10", "--format", "csv"];
    let before = run(&path, &asked);
    assert!(
        before.out.contains(",9,,") && before.err.contains("`runledger close --restate 2026-10`"),
        "{before:?}"
    );
    assert_eq!(run(&path, &["close", "--restate", "2026-10", "--force"]).code, 0);
    fs::write(folder.path().join("runledger.toml"), "[plan]\nfee_usd = 10\ncredits = 8\n").unwrap();
    let after = run(&path, &asked);
    assert!(after.out.contains(",9,,") && after.err.is_empty(), "{after:?}");
    assert_eq!(broken(&path), (0, Vec::new()));
}

fn assert_reports_with_a_close(version: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = migrated(&folder, version, "");
    assert_reports(&path, version);
    for (golden, arguments) in [
        ("closes.json", &["close", "--json"][..]),
        ("restatements.csv", &["restatements", "--format", "csv"]),
        (
            "closed-cost.csv",
            &["report", "cost", "--by", "pipeline", "--period", "2026-10", "--format", "csv"],
        ),
        ("closed-costs.csv", &["export", "costs", "--period", "2026-10"]),
    ] {
        assert_golden(&format!("v{version}-{golden}"), run(&path, arguments).out.as_bytes());
    }
}

#[test]
fn a_version_1_archive_keeps_its_pipelines_and_vanished_runs() {
    let folder = tempfile::tempdir().unwrap();
    let untouched = Connection::open(fixture(1)).unwrap();
    let texts = |archive: &Connection, sql: &str| -> Vec<String> {
        let mut statement = archive.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let pipelines = "SELECT json_array(kind, pipeline_id, slug, name, description, active, status, created_at, updated_at, \
                            first_seen_at, gone_at) FROM pipelines ORDER BY kind, pipeline_id";
    let ids = texts(&untouched, "SELECT pipeline_id FROM pipelines ORDER BY kind, pipeline_id");
    let first_seen = texts(&untouched, "SELECT first_seen_at FROM pipelines ORDER BY kind, pipeline_id");
    drop(untouched);
    // One vanished an hour later, and one had vanished at its first observation.
    let gone = format!(
        "UPDATE pipelines SET gone_at = '2026-11-23T17:00:00.000000Z' WHERE pipeline_id = '{}';
         UPDATE pipelines SET gone_at = first_seen_at WHERE pipeline_id = '{}';",
        ids[0], ids[1]
    );
    let before = Connection::open_in_memory().unwrap();
    before.execute_batch(&format!("ATTACH '{}' AS v1", fixture(1).display())).unwrap();
    before.execute_batch("CREATE TABLE pipelines AS SELECT * FROM v1.pipelines; CREATE TABLE vanished_runs AS SELECT * FROM v1.vanished_runs").unwrap();
    before.execute_batch(&gone.replace("UPDATE pipelines", "UPDATE main.pipelines")).unwrap();

    let path = migrated(&folder, 1, &gone);
    let after = Connection::open(&path).unwrap();
    assert_eq!(
        texts(&after, pipelines),
        texts(&before, &pipelines.replace("FROM pipelines", "FROM main.pipelines"))
    );
    let vanished = "SELECT json_array(run_id, vanished_at, sync_id) FROM vanished_runs ORDER BY run_id";
    assert_eq!(texts(&after, vanished), texts(&before, vanished));
    assert_eq!(texts(&after, vanished).len(), 1);
    let states = |id: &str| {
        texts(
            &after,
            &format!(
                "SELECT json_array(observed_at, superseded_at, gone_at) FROM pipeline_snapshots \
                 WHERE pipeline_id = '{id}' ORDER BY observed_at"
            ),
        )
    };
    assert_eq!(
        states(&ids[0]),
        [
            format!("[\"{}\",\"2026-11-23T17:00:00.000000Z\",null]", first_seen[0]),
            "[\"2026-11-23T17:00:00.000000Z\",null,\"2026-11-23T17:00:00.000000Z\"]".to_owned()
        ]
    );
    assert_eq!(states(&ids[1]), [format!("[\"{0}\",null,\"{0}\"]", first_seen[1])]);
    assert_eq!(states(&ids[2]), [format!("[\"{}\",null,null]", first_seen[2])]);
}

#[test]
fn the_closes_of_a_version_4_archive_are_kept_and_verify() {
    let folder = tempfile::tempdir().unwrap();
    // A close without objections, which SQLite 3.40 took for damage.
    let clean = "UPDATE period_closes SET objections = NULL";
    let rows = |path: &Path| -> Vec<Vec<rusqlite::types::Value>> {
        let archive = Connection::open(path).unwrap();
        let mut statement = archive.prepare("SELECT * FROM period_closes ORDER BY close_id").unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|index| row.get(index)).collect()).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let before = folder.path().join("before.db");
    fs::copy(fixture(4), &before).unwrap();
    Connection::open(&before).unwrap().execute_batch(clean).unwrap();
    let path = migrated(&folder, 4, clean);
    let (mut after, before) = (rows(&path), rows(&before));
    // Later migrations add columns.
    for (after, before) in after.iter_mut().zip(&before) {
        assert!(after.drain(before.len()..).all(|added| added == rusqlite::types::Value::Null));
    }
    assert_eq!(after, before);
    assert_eq!(after.len(), 2);
}

/// Writes the fixture of the newest version. `migrations/README.md` says when.
#[test]
#[ignore = "it writes tests/fixtures; only a new schema version needs it"]
fn write_the_fixture_of_the_newest_version() {
    let workspace = closed(FIXTURE_RUNS);
    let archive = workspace.archive();
    let version = archive.stats(at("2026-11-23T18:00:00Z")).unwrap().schema_version;
    let path = fixture(version);
    assert!(!path.exists(), "{} exists: a released fixture is never overwritten", path.display());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    archive.backup_to(&path, at("2026-11-24T00:00:00Z")).unwrap();
}
