//! This is the test of what finance signs: a month that is closed, what becomes known of it later, and how the sums meet.

#[path = "support/office.rs"]
mod office;
#[allow(dead_code, reason = "each test uses what it needs")]
#[path = "support/workspace.rs"]
mod workspace;

use fastrand::Rng;
use office::{MONTH, Office, ZONE, nanos, questions_of_a_month, ran};
use runledger::digest::{Hashing, in_hexadecimal};
use runledger::sandbox::Kind;
use runledger::store::{Archive, Lock};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
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
    office.change(
        runs[3],
        json!({"status": "failed", "duration_seconds": 5, "credit_charge_status": "charged"}),
    );
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
    let gone =
        |rows: &[BTreeMap<String, String>]| rows.iter().filter(|row| !row["vanished_at"].is_empty()).count();
    assert_eq!(gone(&office.rows(&["export", "runs", "--period", MONTH])), 1);

    // It comes back as it was, goes, and comes back again.
    for _ in 0..2 {
        office.workspace.sandbox.model().insert(run, &document);
        office.sync();
        assert_eq!(gone(&office.rows(&["export", "runs"])), 0);
        assert_same(&before, &office.answers(&questions, &["--period", MONTH]), "when a run came back");
        assert_same(&whole, &office.answers(&questions, &["--as-of", &known_at]), "when a run came back");
        let restated = listed(&office, &[]);
        assert_eq!(
            (restated.last().unwrap()["field"].as_str(), restated.last().unwrap()["after"].as_str()),
            ("vanished_at", "")
        );
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
    assert_eq!(
        (&close["period"], &close["restates"], &close["objections"]),
        (&json!(MONTH), &Value::Null, &Value::Null)
    );
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
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1.db"), office.workspace.path())
        .unwrap();
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
    office
        .run(&["close", "2026-10"])
        .refused(6, &["its schema is older than this program", "`runledger sync` migrates it"]);
    migrated();
    let archive = Archive::open_for_reading(&office.workspace.path()).unwrap();
    assert_eq!(names(archive.connection()), known);
    let closed = |known_at: &str| {
        let scope = runledger::report::Scope { as_of: Some(at(known_at)), ..Default::default() };
        let ledger = runledger::report::Ledger::open(archive.connection(), scope).unwrap();
        names(ledger.connection())
    };
    // Since each pipeline was first seen it is known by the name that version 1 kept.
    let first: String = archive
        .connection()
        .query_row("SELECT max(first_seen_at) FROM pipelines", [], |row| row.get(0))
        .unwrap();
    assert!(closed(&first).iter().all(|name| known.contains(name)));
    assert!(closed(&first).iter().all(|(_, name)| name.is_some()));
}

// ---- what became known since

/// What `restatements` lists, without the ids of what is not asked about.
fn listed(office: &Office, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    office.rows(&[&["restatements"], arguments].concat())
}

#[test]
fn every_late_change_is_listed_with_what_it_was_and_when_it_was_seen() {
    let office = closed(120);
    assert_eq!(listed(&office, &[]), []);
    let runs = office.runs_of_the_month();
    office.change(runs[0], json!({"el_cost_usd": 7.5, "transformation_cost_usd": null}));
    office.sync();
    office.change(runs[0], json!({"el_cost_usd": 2.25}));
    office.change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null, "status": "failed"}));
    office.change(runs[1], json!({"credit_charge_status": "unheard of", "duration_seconds": 86_400}));
    office.change(runs[2], json!({"started_at": "2025-03-01T03:00:00.000000Z", "el_cost_usd": 1}));
    let new = office.add_like(runs[3], "2025-03-01T02:59:59.999999Z");
    office.change(new, json!({"el_cost_usd": 0.000000001, "transformation_cost_usd": 3}));
    office.workspace.sandbox.model().delete(runs[4]);
    let other = office.workspace.ids()[0];
    assert!(!runs.contains(&other));
    office.change(other, json!({"el_cost_usd": 100}));
    let before = [0, 1, 2].map(|id| office.rows(&["export", "costs", "--period", MONTH])[id].clone());
    let known_at = office.sync();

    let rows = listed(&office, &["--period", MONTH]);
    let changes = |id: uuid::Uuid| -> Vec<[String; 4]> {
        let of_run = rows.iter().filter(|row| row["run_id"] == id.to_string());
        of_run
            .map(|row| ["field", "before", "after", "difference_usd"].map(|name| row[name].clone()))
            .collect()
    };
    let cost = |row: usize, name: &str| before[row][name].clone();
    let less = |a: &str, b: &str| {
        let difference = nanos(a) - nanos(b);
        let (sign, abs) = (if difference < 0 { "-" } else { "" }, difference.abs());
        format!("{sign}{}.{:09}", abs / 1_000_000_000, abs % 1_000_000_000)
    };
    let [el, transformation] = ["el_cost_usd", "transformation_cost_usd"].map(|name| cost(0, name));
    let mut expected = vec![["el_cost_usd", &el, "7.500000000", &less("7.5", &el)].map(str::to_owned)];
    if !transformation.is_empty() {
        expected.push(
            ["transformation_cost_usd", &transformation, "", &less("", &transformation)].map(str::to_owned),
        );
    }
    expected.push(["el_cost_usd", "7.500000000", "2.250000000", "-5.250000000"].map(str::to_owned));
    assert_eq!(changes(runs[0]), expected);

    let of_one = changes(runs[1]);
    let names: BTreeSet<&str> = of_one.iter().map(|change| change[0].as_str()).collect();
    assert!(names.is_superset(&["credit_charge_status", "duration_seconds", "status"].into()), "{of_one:?}");
    assert!(of_one.contains(&[
        "status".to_owned(),
        "success".to_owned(),
        "failed".to_owned(),
        String::new()
    ]));
    assert!(of_one.iter().any(|change| change[0].ends_with("_cost_usd") && change[2].is_empty()));

    // Out of the month: its cost leaves, whatever it is now.
    let left = changes(runs[2]);
    let booked = left.iter().find(|change| change[0] == "booked_at").unwrap();
    assert_eq!((booked[1].as_str(), booked[2].as_str()), (before[2]["booked_at"].as_str(), ""));
    assert!(left.iter().all(|change| change[2].is_empty()), "{left:?}");
    let moved: i128 = left.iter().map(|change| nanos(&change[3])).sum();
    assert_eq!(moved, -nanos(&cost(2, "total_cost_usd")));

    // Into it: all of its cost comes.
    let came = changes(new);
    assert_eq!(came[0], ["el_cost_usd", "", "0.000000001", "0.000000001"].map(str::to_owned));
    assert_eq!(came[1], ["transformation_cost_usd", "", "3.000000000", "3.000000000"].map(str::to_owned));
    assert_eq!(came[2][..3], ["booked_at", "", "2025-03-01T02:59:59.999999Z"].map(str::to_owned));

    // A run that is gone costs what it cost; one of another month is none of this.
    let gone = changes(runs[4]);
    assert_eq!((gone.len(), gone[0][0].as_str(), gone[0][1].as_str()), (1, "vanished_at", ""));
    assert!(gone[0][2].starts_with("2025-03-05T15:00:00") && gone[0][3].is_empty(), "{gone:?}");
    assert_eq!(changes(other), [[""; 4]; 0]);

    let seen: BTreeSet<&str> = rows.iter().map(|row| row["seen_at"].as_str()).collect();
    assert!(seen.iter().all(|seen| *seen <= known_at.as_str()) && seen.len() > 1);
    assert!(rows.is_sorted_by_key(|row| row["seen_at"].clone()));
    for row in &rows {
        assert_eq!((row["period"].as_str(), row["close_id"].as_str()), (MONTH, "1"));
        let id = &row["run_id"];
        let name = office.table(&format!("SELECT pipeline_name FROM runs WHERE run_id = '{id}'"));
        assert_eq!(row["pipeline_name"], name[0].replace("NULL", ""));
    }
    // The same in JSON.
    let told: Value = serde_json::from_str(&office.says(&["restatements", "--format", "json"])).unwrap();
    assert_eq!(told.as_array().unwrap().len(), rows.len());
}

/// The total of the month as known now, asked without its close.
fn total_now(office: &Office, as_of: &[&str]) -> i128 {
    let open =
        ["report", "cost", "--by", "kind", "--from", "2025-02-01", "--until", "2025-03-01", "--zone", ZONE];
    office.sum(&[&open, as_of].concat(), "total_cost_usd")
}

#[test]
fn a_closed_total_and_its_restatements_make_the_total_of_now() {
    for seed in 0..4 {
        let mut rng = Rng::with_seed(seed);
        let office = closed(70);
        let of_month = ["report", "cost", "--by", "kind", "--period", MONTH];
        let closed_total = office.sum(&of_month, "total_cost_usd");
        assert_eq!(closed_total, total_now(&office, &[]));
        let mut said = Vec::new();
        for _ in 0..4 {
            office.upset(&mut rng);
            let known_at = office.sync();
            let now = total_now(&office, &[]);
            let moved = office.sum(&["restatements"], "difference_usd");
            assert_eq!(closed_total + moved, now, "seed {seed}");
            let totals = office.rows(&["restatements", "--totals"]);
            assert_eq!(totals.len(), 1);
            assert_eq!(nanos(&totals[0]["closed_total_cost_usd"]), closed_total);
            assert_eq!(nanos(&totals[0]["difference_usd"]), moved);
            assert_eq!(nanos(&totals[0]["total_cost_usd"]), now);
            let rows = listed(&office, &[]);
            let runs: BTreeSet<&str> = rows.iter().map(|row| row["run_id"].as_str()).collect();
            assert_eq!(totals[0]["runs_changed"], runs.len().to_string());
            assert_eq!(totals[0]["changes"], rows.len().to_string());
            said.push((
                known_at,
                now,
                office.says(&["restatements"]),
                office.says(&["restatements", "--totals"]),
            ));
        }
        for (known_at, now, list, totals) in said {
            let as_of = ["--as-of", known_at.as_str()];
            assert_eq!(total_now(&office, &as_of), now, "seed {seed}");
            assert_eq!(office.says(&[&["restatements"][..], &as_of].concat()), list, "seed {seed}");
            assert_eq!(
                office.says(&[&["restatements", "--totals"][..], &as_of].concat()),
                totals,
                "seed {seed}"
            );
        }
        assert_eq!(office.run(&["check"]).code, 0);
    }
}

#[test]
fn a_second_close_names_the_first_and_both_stay() {
    let office = closed(70);
    let first = office.table("SELECT * FROM period_closes");
    let known_at = office.known_at();
    let run = office.runs_of_the_month()[0];
    office.change(run, json!({"el_cost_usd": 7.5}));
    office.sync();
    // A month never reopens.
    office.run(&["close", MONTH]).refused(
        2,
        &["2025-02 was closed at ", "hint: a close stays", "`runledger close --restate 2025-02`"],
    );
    office.run(&["close", MONTH, "--force"]).refused(2, &["2025-02 was closed at "]);
    assert_eq!(office.table("SELECT * FROM period_closes"), first);

    let told = office.says(&["close", MONTH, "--restate"]);
    assert!(told.starts_with("2025-02 is closed: close 2, restates close 1\n"), "{told}");
    let closes = office.table("SELECT * FROM period_closes");
    assert_eq!((closes.len(), &closes[0]), (2, &first[0]));
    assert_eq!(listed(&office, &[]), []);
    assert_eq!(office.sum(&["report", "cost", "--period", MONTH], "total_cost_usd"), total_now(&office, &[]));

    // From now on the second counts; on the day before it, the first did.
    let between = office.known_at();
    office.change(run, json!({"el_cost_usd": 8.5}));
    office.sync();
    let rows = listed(&office, &[]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0]["close_id"].as_str(), rows[0]["difference_usd"].as_str()), ("2", "1.000000000"));
    assert_eq!(listed(&office, &["--as-of", &between]), []);
    assert_eq!(listed(&office, &["--as-of", &known_at]), []);
    let told: Value = serde_json::from_str(&office.says(&["close", "--json"])).unwrap();
    assert_eq!((&told[0]["restates"], &told[1]["restates"]), (&Value::Null, &json!(1)));
    let third = office.says(&["close", "--restate", MONTH]);
    assert!(third.starts_with("2025-02 is closed: close 3, restates close 2\n"), "{third}");
    assert_eq!(office.run(&["check"]).code, 0);
    office
        .run(&["close", "2025-01", "--restate"])
        .refused(2, &["2025-01 is not closed: there is nothing to restate"]);
}

#[test]
fn a_month_that_is_closed_again_keeps_its_zone_and_its_dates() {
    let office = Office::of(60);
    office.says(&["close", MONTH, "--zone", "Asia/Tokyo", "--date", "created", "--force"]);
    let bounds = "SELECT zone, date_basis, starts_at, ends_at FROM period_closes";
    let first = office.table(bounds);
    assert_eq!(first, ["Asia/Tokyo|created|2025-01-31T15:00:00.000000Z|2025-02-28T15:00:00.000000Z"]);
    office.set(SETTINGS);
    office.says(&["close", MONTH, "--restate", "--force"]);
    assert_eq!(office.table(bounds), [first[0].clone(), first[0].clone()]);
    office.says(&["close", MONTH, "--restate", "--force", "--zone", "UTC", "--date", "started"]);
    assert_eq!(
        office.table(bounds)[2],
        "UTC|started|2025-02-01T00:00:00.000000Z|2025-03-01T00:00:00.000000Z"
    );
}

#[test]
fn restatements_of_what_is_not_closed_are_refused() {
    let office = Office::of(40);
    assert_eq!(listed(&office, &[]), []);
    office
        .run(&["restatements", "--period", MONTH])
        .refused(2, &["--period 2025-02: it is not closed", "hint: "]);
    let before = office.known_at();
    office.sync();
    office.says(&["close", MONTH]);
    office
        .run(&["restatements", "--period", MONTH, "--as-of", &before])
        .refused(2, &["it is not closed with what was known at"]);
    office
        .run(&["restatements", "--as-of", "yesterday"])
        .refused(2, &["--as-of yesterday: neither an instant nor a day"]);
    office.run(&["restatements", "--as-of", "2024-01-01"]).refused(2, &["nothing was known yet at"]);
}

// ---- refusals

/// The archive's rows that a close could touch, and its file's own.
fn untouched(office: &Office) -> Vec<String> {
    let tables = ["period_closes", "run_snapshots", "pipeline_snapshots", "syncs", "vanishings"];
    let mut rows: Vec<String> = tables
        .iter()
        .flat_map(|table| office.table(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")))
        .collect();
    let mut files: Vec<String> = fs::read_dir(office.workspace.file(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm") && !name.ends_with(".lock"))
        .collect();
    files.sort_unstable();
    rows.extend(files);
    rows
}

#[test]
fn what_speaks_against_a_close_is_named_and_nothing_is_written() {
    let office = Office::of(60);
    let before = untouched(&office);
    let this_month = chrono::Utc::now().format("%Y-%m").to_string();
    for (arguments, words) in [
        (
            &["close", &this_month][..],
            &["is still running in UTC: it ends at", "hint: close it when it is over"][..],
        ),
        (&["close", "9998-12"], &["is still running"]),
        (&["close", "9999-12"], &["9999-12 is no month"]),
        (&["close", "2025-W06"], &["2025-W06 is no month: a month is closed whole, such as 2026-01"]),
        (&["close", "2025-02-03"], &["is no month"]),
        (&["close", "2025-2"], &["--period 2025-2: no month, week or day"]),
        (&["close", "February"], &["no month, week or day"]),
        (&["close", ""], &["no month, week or day"]),
        (&["close", MONTH, "--zone", "Brasilia"], &["--zone Brasilia: there is no such time zone"]),
        (
            &["close", MONTH, "--date", "paid"],
            &["--date paid: a run is booked by one of started, ended, created"],
        ),
        // The sync began in March in UTC, and there was no sync after March.
        (
            &["close", "2025-03"],
            &[
                "2025-03 is not ready to be closed: the last complete sync began at 2025-03-05T13:00:00",
                "before the month ended at 2025-04-01T00:00:00",
            ],
        ),
        (&["close", "--restate"], &["required"]),
        (&["close", "--force"], &["required"]),
    ] {
        office.run(arguments).refused(2, words);
        assert_eq!(untouched(&office), before, "{arguments:?}");
    }
}

#[test]
fn unsettled_runs_are_named_and_a_forced_close_records_them() {
    let office = Office::of(60);
    let runs = office.runs_of_the_month();
    let (running, unknown) = (runs[1], runs[7]);
    office.change(running, json!({"status": "running", "ended_at": null}));
    office.change(unknown, json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    office.sync();
    let before = untouched(&office);
    let refused = office.run(&["close", MONTH, "--zone", ZONE]);
    let objection = format!("2 runs are unsettled: {running} (running), {unknown} (");
    refused.refused(
        2,
        &[
            "2025-02 is not ready to be closed: ",
            &objection,
            "hint: sync again later, or close it with --force",
        ],
    );
    assert_eq!(untouched(&office), before);

    let told = office.says(&["close", MONTH, "--zone", ZONE, "--force"]);
    assert!(told.contains("\nforced       ") && told.contains(&objection), "{told}");
    let objections: Vec<String> =
        serde_json::from_str(&office.table("SELECT objections FROM period_closes")[0]).unwrap();
    assert_eq!(objections.len(), 1);
    assert!(objections[0].starts_with(&objection), "{objections:?}");

    // They settle, and the month is closed again without force.
    office.settle();
    office.sync();
    office.says(&["close", MONTH, "--restate"]);
    assert_eq!(office.table("SELECT count(objections) FROM period_closes"), ["1"]);
}

#[test]
fn of_many_unsettled_runs_the_first_are_named_and_all_are_counted() {
    let office = Office::of(60);
    let runs = office.runs_of_the_month();
    for run in &runs[..25] {
        office.change(*run, json!({"status": "queued"}));
    }
    office.sync();
    let refused = office.run(&["close", MONTH, "--zone", ZONE]);
    refused.refused(2, &["25 runs are unsettled: ", " and 5 more"]);
    assert_eq!(refused.err.matches("(queued)").count(), 20);
}

#[test]
fn neighbours_that_share_runs_or_lose_some_are_told() {
    let office = Office::of(60);
    office.settle();
    office.sync();
    office.says(&["close", MONTH, "--zone", ZONE]);
    for (arguments, words) in [
        (
            &["close", "2025-01", "--zone", "UTC"][..],
            "2025-02 was closed in America/Sao_Paulo: between the two runs would be lost",
        ),
        (
            &["close", "2025-01", "--zone", "America/Los_Angeles"],
            "2025-02 was closed in America/Sao_Paulo: the two would share runs",
        ),
        (
            &["close", "2025-01", "--zone", ZONE, "--date", "ended"],
            "2025-02 was closed with runs booked by started: a run may be in both, or in neither",
        ),
    ] {
        office.run(arguments).refused(2, &["2025-01 is not ready to be closed: ", words]);
        assert_eq!(office.table("SELECT count(*) FROM period_closes"), ["1"]);
    }
    office.says(&["close", "2025-01", "--zone", ZONE]);
    // What a neighbour was closed as before it was closed again speaks against nothing.
    office.says(&["close", "2024-11", "--zone", "UTC"]);
    office.says(&["close", "2024-11", "--zone", ZONE, "--restate"]);
    office.says(&["close", "2024-12", "--zone", ZONE]);
}

#[test]
fn a_close_needs_an_archive_that_is_there_and_free() {
    let office = Office::opening(office::OPENS, 20, 30);
    office.run(&["close", MONTH]).refused(6, &["there is no such file", "`runledger sync` makes it"]);
    assert_eq!(fs::read_dir(office.workspace.file("")).unwrap().count(), 0);

    // An archive of which nothing is known yet.
    let lock = Lock::acquire(&office.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    drop(Archive::open(&office.workspace.path(), &lock).unwrap());
    drop(lock);
    office.run(&["close", MONTH]).refused(2, &["nothing is archived yet: there is nothing to close"]);
    assert_eq!(office.says(&["close"]), "no month is closed\n");
    assert_eq!(office.says(&["close", "--json"]).split_whitespace().collect::<String>(), "[]");

    office.sync();
    let before = untouched(&office);
    let lock = Lock::acquire(&office.workspace.path(), at("2025-03-05T12:00:00Z")).unwrap();
    let holder = format!("process {} since 2025-03-05T12:00:00", std::process::id());
    office.run(&["close", MONTH, "--force"]).refused(11, &[&holder]);
    assert_eq!(untouched(&office), before);
    // Reading needs no lock.
    office.says(&["close"]);
    office.says(&["restatements"]);
    drop(lock);
    office.says(&["close", MONTH, "--force"]);
}

#[test]
fn a_closed_month_is_not_asked_otherwise_than_it_was_closed() {
    let office = closed(60);
    let before = office.says(&["report", "cost", "--period", MONTH]);
    let known_at = office.table("SELECT known_at FROM period_closes").remove(0);
    for contradiction in [["--zone", "UTC"], ["--date", "ended"], ["--as-of", "2025-03-05"]] {
        for question in
            [&["report", "cost"][..], &["report", "failures"], &["export", "costs"], &["export", "focus"]]
        {
            let refused = office.run(&[question, &["--period", MONTH], &contradiction].concat());
            refused.refused(
                2,
                &[
                    "2025-02 is closed: its runs are booked by started in America/Sao_Paulo",
                    contradiction[0],
                    "hint: --from and --until",
                ],
            );
        }
    }
    // What it was closed with may be said.
    let same =
        ["report", "cost", "--period", MONTH, "--zone", ZONE, "--date", "started", "--as-of", &known_at];
    assert_eq!(office.says(&same), before);
    // The environment is no contradiction: it is how other months are meant.
    let mut command = office.command(&["report", "cost", "--period", MONTH]);
    command.env("RUNLEDGER_ZONE", "Asia/Tokyo").env("RUNLEDGER_DATE", "created");
    assert_eq!(ran(command).out, before);
    // Neither a week nor a day in it is closed.
    office.says(&["report", "cost", "--period", "2025-W07", "--zone", "UTC"]);
    office.run(&["report", "cost", "--period", MONTH, "--from", "2025-02-01"]).refused(2, &["--from"]);
}

// ---- FOCUS

/// The charges of each month, by its name.
fn charges(office: &Office, months: &[&str]) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let of_month = |month: &&str| ((*month).to_owned(), office.rows(&["export", "focus", "--period", month]));
    months.iter().map(of_month).collect()
}

#[test]
fn what_became_known_of_a_closed_month_is_a_correction_in_the_month_it_was_seen_in() {
    let office = closed(80);
    let february = office.says(&["export", "focus", "--period", MONTH]);
    let runs = office.runs_of_the_month();
    let el = nanos(&office.rows(&["export", "costs", "--period", MONTH])[0]["el_cost_usd"]);
    office.change(runs[0], json!({"el_cost_usd": 7.5}));
    office.change(runs[1], json!({"status": "failed"}));
    office.sync();
    assert_eq!(office.says(&["export", "focus", "--period", MONTH]), february);
    let march = charges(&office, &["2025-03"]).remove("2025-03").unwrap();
    let corrections: Vec<_> = march.iter().filter(|row| row["ChargeClass"] == "Correction").collect();
    assert_eq!(corrections.len(), 1, "a change of the status alone costs nothing");
    let correction = corrections[0];
    assert_eq!(correction["x_RunId"], runs[0].to_string());
    assert_eq!(nanos(&correction["EffectiveCost"]), 7_500_000_000 - el);
    assert_eq!(correction["x_CorrectedPeriod"], MONTH);
    assert_eq!(correction["BillingPeriodStart"], "2025-03-01T03:00:00Z");
    assert!(correction["x_CorrectionSeenAt"].starts_with("2025-03-05T14:00:00"));
}

#[test]
fn the_effective_costs_of_all_months_are_the_ledger_of_now() {
    const MONTHS: [&str; 6] = ["2024-12", "2025-01", "2025-02", "2025-03", "2025-04", "2025-05"];
    for seed in 0..3 {
        let mut rng = Rng::with_seed(100 + seed);
        let office = Office::of(70);
        office.set(SETTINGS);
        let mut frozen: BTreeMap<&str, String> = BTreeMap::new();
        let assert_sums = |frozen: &BTreeMap<&str, String>, when: &str| {
            let charges = charges(&office, &MONTHS);
            let effective: i128 = charges.values().flatten().map(|row| nanos(&row["EffectiveCost"])).sum();
            let ledger = office.sum(&["report", "cost", "--by", "kind"], "total_cost_usd");
            assert_eq!(effective, ledger, "seed {seed}, {when}");
            for (month, before) in frozen {
                let now = office.says(&["export", "focus", "--period", month]);
                assert_eq!(now, *before, "seed {seed}, {when}: {month}");
            }
        };
        let close = |month: &'static str, arguments: &[&str], frozen: &mut BTreeMap<&str, String>| {
            office.says(&[&["close", month, "--force"], arguments].concat());
            frozen.insert(month, office.says(&["export", "focus", "--period", month]));
        };
        close("2025-02", &[], &mut frozen);
        assert_sums(&frozen, "closed");
        office.upset(&mut rng);
        office.sync();
        assert_sums(&frozen, "changed");
        office.workspace.wait(chrono::TimeDelta::days(30));
        office.upset(&mut rng);
        office.sync();
        close("2025-03", &[], &mut frozen);
        assert_sums(&frozen, "two are closed");
        for _ in 0..2 {
            office.upset(&mut rng);
            office.sync();
            assert_sums(&frozen, "both changed");
        }
        // The month that holds the corrections of the one before is closed again after it.
        close("2025-02", &["--restate"], &mut frozen);
        close("2025-03", &["--restate"], &mut frozen);
        assert_sums(&frozen, "restated");
        office.upset(&mut rng);
        office.sync();
        assert_sums(&frozen, "changed again");
    }
}

#[test]
fn a_month_whose_corrections_are_in_a_closed_one_is_not_closed_again_unawares() {
    let office = closed(70);
    office.change(office.runs_of_the_month()[0], json!({"el_cost_usd": 7.5}));
    office.sync();
    office.workspace.wait(chrono::TimeDelta::days(30));
    office.sync();
    office.says(&["close", "2025-03", "--force"]);
    let march = office.says(&["export", "focus", "--period", "2025-03"]);
    assert!(march.contains(",Correction,"));
    office.run(&["close", "--restate", MONTH]).refused(
        2,
        &["2025-03 was closed with corrections of 2025-02, which count twice until it is restated too"],
    );
    office.says(&["close", "--restate", MONTH, "--force"]);
    assert_eq!(office.says(&["export", "focus", "--period", "2025-03"]), march, "what is closed stays");
    office.says(&["close", "--restate", "2025-03", "--force"]);
    assert!(!office.says(&["export", "focus", "--period", "2025-03"]).contains(",Correction,"));
}

#[test]
fn a_run_that_no_instant_books_any_more_is_corrected_too() {
    let office = Office::of(60);
    office.says(&["close", MONTH, "--zone", ZONE, "--date", "ended"]);
    let rows = office.rows(&["export", "costs", "--period", MONTH]);
    let row = &rows[3];
    office.change(row["run_id"].parse().unwrap(), json!({"ended_at": null}));
    office.sync();
    let march = office.rows(&["export", "focus", "--period", "2025-03", "--zone", ZONE, "--date", "ended"]);
    let corrected: i128 = march
        .iter()
        .filter(|charge| charge["x_RunId"] == row["run_id"])
        .map(|charge| nanos(&charge["EffectiveCost"]))
        .sum();
    assert_eq!(corrected, -nanos(&row["total_cost_usd"]));
}
