//! This is the test of what finance signs: a month that is closed, what becomes known of it later, and how the sums meet.

#[path = "support/office.rs"]
mod office;
#[allow(dead_code, reason = "each test uses what it needs")]
#[path = "support/workspace.rs"]
mod workspace;

use fastrand::Rng;
use office::{MONTH, Office, nanos, questions_of_a_month};
use runledger::digest::{Hashing, in_hexadecimal};
use runledger::sandbox::Kind;
use runledger::store::{Archive, Lock};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use workspace::at;

/// Rules of cost centres, so that they are frozen too.
const SETTINGS: &str = "
zone = \"America/Sao_Paulo\"
billed_by = { el = \"Nekt\" }

[[centre]]
centre = \"Loading\"
kind = \"source\"

[[centre]]
centre = \"By hand\"
trigger = \"manual\"
from = \"2025-02-14\"
";

/// An office that has closed the month.
fn closed(runs: usize) -> Office {
    let office = Office::of(runs);
    office.set(SETTINGS);
    office.says(&["close", MONTH]);
    office
}

/// Fails unless both are the same, naming what is not.
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

// ---- closing

#[test]
fn a_closed_month_gives_the_same_bytes_for_ever() {
    let office = closed(150);
    let (questions, scope) = (questions_of_a_month(), ["--period", MONTH]);
    let before = office.answers(&questions, &scope);
    let runs = office.runs_of_the_month();
    assert!(runs.len() > 50);

    // Late changes of every kind, and a run that is in the month and was not seen.
    office.change(runs[0], json!({"el_cost_usd": 7.5}));
    office.change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    office.change(runs[2], json!({"started_at": "2025-03-01T03:00:00.000000Z"}));
    office.change(runs[3], json!({"status": "failed", "duration_seconds": 5, "credit_charge_status": "charged"}));
    let outside = office.workspace.ids()[0];
    assert!(!runs.contains(&outside));
    office.change(outside, json!({"started_at": "2025-02-28T12:00:00.000000Z"}));
    office.workspace.sandbox.model().delete(runs[5]);
    office.add_like(runs[6], "2025-02-10T10:00:00.123456Z");
    office.sync();
    assert_same(&before, &office.answers(&questions, &scope), "after late changes");

    // Names: each pipeline is called otherwise, and half of them are gone.
    {
        let mut model = office.workspace.sandbox.model();
        for kind in Kind::ALL {
            let pipelines: Vec<_> = model.pipelines(kind).map(|(id, _)| id).collect();
            for (nth, pipeline) in pipelines.into_iter().enumerate() {
                model.rename_pipeline(pipeline, &format!("Renamed {nth}"));
                if nth % 2 == 1 {
                    model.delete_pipeline(pipeline);
                }
            }
        }
    }
    office.sync();
    assert_same(&before, &office.answers(&questions, &scope), "after pipelines were renamed");

    // Settings: another zone, another date, other rules.
    office.set("zone = \"Asia/Tokyo\"\ndate = \"ended\"\nbilled_by = { el = \"Nekt\" }\n[[centre]]\ncentre = \"All\"");
    assert_same(&before, &office.answers(&questions, &scope), "after the settings changed");

    // The schema: columns are added, indexes and the view made anew, as a later migration may.
    let path = office.workspace.path();
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
    assert_same(&before, &office.answers(&questions, &scope), "after the schema changed");
}

#[test]
fn a_run_that_vanished_and_came_back_changes_no_closed_month() {
    let office = Office::of(60);
    let run = office.runs_of_the_month()[4];
    let document = office.workspace.sandbox.model().document(run).unwrap();
    office.workspace.sandbox.model().delete(run);
    let known_at = office.sync();
    office.says(&["close", MONTH]);
    let questions = [vec!["export", "runs"], vec!["export", "costs"]];
    let before = office.answers(&questions, &["--period", MONTH]);
    let whole = office.answers(&questions, &[]);
    let gone = |rows: &[BTreeMap<String, String>]| {
        rows.iter().filter(|row| !row["vanished_at"].is_empty()).count()
    };
    assert_eq!(gone(&office.rows(&["export", "runs", "--period", MONTH])), 1);

    // It comes back as it was, goes, and comes back again.
    for _ in 0..2 {
        office.workspace.sandbox.model().insert(run, &document);
        office.sync();
        assert_eq!(gone(&office.rows(&["export", "runs"])), 0);
        assert_same(&before, &office.answers(&questions, &["--period", MONTH]), "when a run came back");
        assert_same(&whole, &office.answers(&questions, &["--as-of", &known_at]), "when a run came back");
        office.workspace.sandbox.model().delete(run);
        office.sync();
        assert_eq!(gone(&office.rows(&["export", "runs"])), 1);
        assert_same(&before, &office.answers(&questions, &["--period", MONTH]), "when a run went again");
    }
    assert_eq!(office.run(&["check"]).code, 0);
}

#[test]
fn what_a_close_prints_is_what_sha256sum_says_of_the_exported_rows() {
    let office = closed(80);
    let told = office.says(&["close", "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let close = &told.as_array().unwrap()[0];
    let rows = office.says(&["export", "costs", "--period", MONTH]);
    let mut hashing = Hashing::new(std::io::sink());
    hashing.write_all(rows.as_bytes()).unwrap();
    assert_eq!(close["rows_sha256"], in_hexadecimal(&hashing.finish().1));
    assert_eq!((&close["period"], &close["restates"], &close["objections"]), (&json!(MONTH), &Value::Null, &Value::Null));
    let scope = ["report", "cost", "--by", "kind", "--period", MONTH];
    assert_eq!(nanos(&close["total_cost_usd"].to_string()), office.sum(&scope, "total_cost_usd"));
    let runs = office.rows(&["export", "costs", "--period", MONTH]).len();
    assert_eq!(close["runs"], json!(runs));

    office.change(office.runs_of_the_month()[0], json!({"el_cost_usd": 3}));
    office.sync();
    assert_eq!(office.says(&["export", "costs", "--period", MONTH]), rows);
    let restated = office.says(&["close", MONTH, "--restate"]);
    let sha256 = restated.lines().find_map(|line| line.strip_prefix("sha256 ")).unwrap().trim();
    let mut hashing = Hashing::new(std::io::sink());
    hashing.write_all(office.says(&["export", "costs", "--period", MONTH]).as_bytes()).unwrap();
    assert_eq!(sha256, in_hexadecimal(&hashing.finish().1));
}

#[test]
fn an_archive_of_version_1_is_closed_with_the_names_it_had() {
    let office = Office::opening("2026-11-23T18:00:00Z", 0, 1);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.db"), office.workspace.path()).unwrap();
    let before = Connection::open(office.workspace.path()).unwrap();
    let sql = "SELECT DISTINCT r.pipeline_id, r.pipeline_name FROM runs AS r WHERE r.pipeline_id IS NOT NULL ORDER BY 1";
    let names = |connection: &Connection| -> Vec<(String, Option<String>)> {
        let mut statement = connection.prepare(sql).unwrap();
        let names = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        names.collect::<rusqlite::Result<_>>().unwrap()
    };
    let known = names(&before);
    drop(before);
    let migrated = || {
        let lock = Lock::acquire(&office.workspace.path(), at("2026-11-24T00:00:00Z")).unwrap();
        Archive::open(&office.workspace.path(), &lock).unwrap();
    };
    // A close does not migrate: it says who does.
    office.run(&["close", "2026-10"]).refused(6, &["its schema is older than this program", "`runledger sync` migrates it"]);
    migrated();
    let archive = Archive::open_for_reading(&office.workspace.path()).unwrap();
    assert_eq!(names(archive.connection()), known);
    let closed = |known_at: &str| {
        let scope = runledger::report::Scope { as_of: Some(at(known_at)), ..Default::default() };
        let ledger = runledger::report::Ledger::open(archive.connection(), scope).unwrap();
        names(ledger.connection())
    };
    // Since each pipeline was first seen it is known by the name that version 1 kept.
    let first: String =
        archive.connection().query_row("SELECT max(first_seen_at) FROM pipelines", [], |row| row.get(0)).unwrap();
    assert!(closed(&first).iter().all(|name| known.contains(name)));
    assert!(closed(&first).iter().all(|(_, name)| name.is_some()));
}
