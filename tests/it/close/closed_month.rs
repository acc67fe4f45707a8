//! A closed month answers with the same bytes, whatever becomes known later.

use super::{closed, listed};
use crate::support::month_end::{MONTH, MonthEnd, nanos, questions_of_a_month};
use crate::support::workspace::at;
use runledger::internal::digest::{HashingWriter, to_hex};
use runledger::internal::sandbox::PipelineKind;
use runledger::internal::store::{Archive, Lock};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Asserts that both are equal and names what differs.
fn assert_same(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>, when: &str) {
    assert!(before.keys().eq(after.keys()));
    for (question, answer) in before {
        if *answer != after[question] {
            let [before, after] = [answer, &after[question]].map(|bytes| String::from_utf8_lossy(bytes));
            let differing = before.lines().zip(after.lines()).find(|(before, after)| before != after);
            panic!("{question} changed {when}: {differing:?}");
        }
    }
}

#[test]
fn a_closed_month_always_gives_the_same_bytes() {
    let month_end = closed(150);
    let (questions, scope) = (questions_of_a_month(), ["--period", MONTH]);
    let before = month_end.answers(&questions, &scope);
    let runs = month_end.runs_of_the_month();
    assert!(runs.len() > 50);

    // Late changes of every kind, and a run of the month that no sync had seen.
    month_end.change(runs[0], json!({"el_cost_usd": 7.5}));
    month_end.change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    month_end.change(runs[2], json!({"started_at": "2025-03-01T03:00:00.000000Z"}));
    month_end.change(
        runs[3],
        json!({"status": "failed", "duration_seconds": 5, "credit_charge_status": "charged"}),
    );
    let outside = month_end.workspace.ids()[0];
    assert!(!runs.contains(&outside));
    month_end.change(outside, json!({"started_at": "2025-02-28T12:00:00.000000Z"}));
    month_end.workspace.sandbox.model().delete(runs[5]);
    month_end.add_like(runs[6], "2025-02-10T10:00:00.123456Z");
    month_end.sync();
    assert_same(&before, &month_end.answers(&questions, &scope), "after late changes");

    // Names: every pipeline is renamed, and half of them are deleted.
    {
        let mut model = month_end.workspace.sandbox.model();
        for kind in PipelineKind::ALL {
            let pipelines: Vec<_> = model.pipelines(kind).map(|(id, _)| id).collect();
            for (nth, pipeline) in pipelines.into_iter().enumerate() {
                model.rename_pipeline(pipeline, &format!("Renamed {nth}"));
                if nth % 2 == 1 {
                    model.delete_pipeline(pipeline);
                }
            }
        }
    }
    month_end.sync();
    assert_same(&before, &month_end.answers(&questions, &scope), "after pipelines were renamed");

    // Settings: another zone, another date basis, other rules.
    month_end.set("zone = \"Asia/Tokyo\"\ndate_basis = \"ended\"\nbilled_by = { el = \"Nekt\" }\n[[cost_center]]\ncost_center = \"All\"");
    assert_same(&before, &month_end.answers(&questions, &scope), "after the settings changed");

    // The schema: columns are added, indexes and the view are recreated, as a later migration may do.
    let path = month_end.workspace.path();
    let connection = Connection::open(&path).unwrap();
    let view: String = connection
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'runs'", [], |row| row.get(0))
        .unwrap();
    let view = view.replace("SELECT run_id,\n", "SELECT run_id, later,\n");
    assert!(view.contains("later"));
    connection
        .execute_batch(&format!(
            "ALTER TABLE run_snapshots ADD COLUMN later TEXT DEFAULT 'x';
             ALTER TABLE pipeline_snapshots ADD COLUMN later TEXT;
             ALTER TABLE vanishings ADD COLUMN later TEXT;
             DROP INDEX run_snapshots_for_reports; DROP INDEX run_snapshots_superseded;
             DROP VIEW runs; {view}"
        ))
        .unwrap();
    drop(connection);
    assert_same(&before, &month_end.answers(&questions, &scope), "after the schema changed");
}

#[test]
fn a_run_that_vanished_and_returned_changes_no_closed_month() {
    let month_end = MonthEnd::of(60);
    let run = month_end.runs_of_the_month()[4];
    let document = month_end.workspace.sandbox.model().document(run).unwrap();
    month_end.workspace.sandbox.model().delete(run);
    let known_at = month_end.sync();
    month_end.output(&["close", MONTH, "--zone", "UTC"]);
    let questions = [vec!["export", "runs"], vec!["export", "costs"]];
    let before = month_end.answers(&questions, &["--period", MONTH]);
    let whole = month_end.answers(&questions, &[]);
    let gone =
        |rows: &[BTreeMap<String, String>]| rows.iter().filter(|row| !row["vanished_at"].is_empty()).count();
    assert_eq!(gone(&month_end.rows(&["export", "runs", "--period", MONTH])), 1);

    // It returns unchanged, vanishes, and returns again.
    for _ in 0..2 {
        month_end.workspace.sandbox.model().insert(run, &document);
        month_end.sync();
        assert_eq!(gone(&month_end.rows(&["export", "runs"])), 0);
        assert_same(&before, &month_end.answers(&questions, &["--period", MONTH]), "when a run came back");
        assert_same(&whole, &month_end.answers(&questions, &["--as-of", &known_at]), "when a run came back");
        let restated = listed(&month_end, &[]);
        assert_eq!(
            (restated.last().unwrap()["field"].as_str(), restated.last().unwrap()["after"].as_str()),
            ("vanished_at", "")
        );
        month_end.workspace.sandbox.model().delete(run);
        month_end.sync();
        assert_eq!(gone(&month_end.rows(&["export", "runs"])), 1);
        assert_same(&before, &month_end.answers(&questions, &["--period", MONTH]), "when a run went again");
    }
    assert_eq!(month_end.run(&["check"]).code, 0);
}

#[test]
fn a_close_prints_the_sha256_of_the_exported_rows() {
    let month_end = closed(80);
    let printed = month_end.output(&["close", "--json"]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let close = &printed.as_array().unwrap()[0];
    let rows = month_end.output(&["export", "costs", "--period", MONTH]);
    let mut hashing = HashingWriter::new(std::io::sink());
    hashing.write_all(rows.as_bytes()).unwrap();
    assert_eq!(close["rows_sha256"], to_hex(&hashing.finish().1));
    assert_eq!(
        (&close["period"], &close["restates"], &close["objections"]),
        (&json!(MONTH), &Value::Null, &Value::Null)
    );
    let scope = ["report", "cost", "--by", "kind", "--period", MONTH];
    assert_eq!(nanos(&close["total_cost_usd"].to_string()), month_end.sum(&scope, "total_cost_usd"));
    let runs = month_end.rows(&["export", "costs", "--period", MONTH]).len();
    assert_eq!(close["runs"], json!(runs));

    month_end.change(month_end.runs_of_the_month()[0], json!({"el_cost_usd": 3}));
    month_end.sync();
    assert_eq!(month_end.output(&["export", "costs", "--period", MONTH]), rows);
    let restated = month_end.output(&["close", MONTH, "--restate"]);
    let sha256 = restated.lines().find_map(|line| line.strip_prefix("SHA-256 ")).unwrap().trim();
    let mut hashing = HashingWriter::new(std::io::sink());
    hashing.write_all(month_end.output(&["export", "costs", "--period", MONTH]).as_bytes()).unwrap();
    assert_eq!(sha256, to_hex(&hashing.finish().1));
}

#[test]
fn a_version_1_archive_closes_with_the_pipeline_names_it_had() {
    let month_end = MonthEnd::opening("2026-11-23T18:00:00Z", 0, 1);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.db"), month_end.workspace.path())
        .unwrap();
    let before = Connection::open(month_end.workspace.path()).unwrap();
    let sql = "SELECT DISTINCT r.pipeline_id, r.pipeline_name FROM runs AS r WHERE r.pipeline_id IS NOT NULL ORDER BY 1";
    let names = |connection: &Connection| -> Vec<(String, Option<String>)> {
        let mut statement = connection.prepare(sql).unwrap();
        let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    };
    let known = names(&before);
    drop(before);
    let migrated = || {
        let lock = Lock::acquire(&month_end.workspace.path(), at("2026-11-24T00:00:00Z")).unwrap();
        Archive::open(&month_end.workspace.path(), &lock).unwrap();
    };
    // A close does not migrate the archive; it names the command that does.
    month_end
        .run(&["close", "2026-10"])
        .refused(6, &["its schema is older than this program", "`runledger migrate --db "]);
    migrated();
    let archive = Archive::open_for_reading(&month_end.workspace.path()).unwrap();
    assert_eq!(names(archive.connection()), known);
    let closed = |known_at: &str| {
        let scope = runledger::internal::report::Scope { as_of: Some(at(known_at)), ..Default::default() };
        let ledger = runledger::internal::report::Ledger::open(archive.connection(), scope).unwrap();
        names(ledger.connection())
    };
    // Since its first observation, each pipeline has the name that version 1 stored.
    let first: String = archive
        .connection()
        .query_row("SELECT max(first_seen_at) FROM pipelines", [], |row| row.get(0))
        .unwrap();
    assert!(closed(&first).iter().all(|name| known.contains(name)));
    assert!(closed(&first).iter().all(|(_, name)| name.is_some()));
}
