//! `--as-of`: every answer about an earlier instant is the answer that was given then.

use crate::support::month_end;
use crate::support::month_end::{MONTH, MonthEnd, questions};
use crate::support::workspace::at;
use chrono::TimeDelta;
use fastrand::Rng;
use runledger::internal::report::{Ledger, Scope};
use runledger::internal::run::Instant;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Every question for programs, and the credits reports.
fn all_questions() -> Vec<Vec<&'static str>> {
    let mut all = questions();
    all.push(vec!["report", "credits", "--by", "month,pipeline", "--format", "csv"]);
    all.push(vec!["report", "schedule", "--format", "csv"]);
    all.push(vec!["report", "schedule", "--pipeline", "*", "--last", "30d", "--format", "csv"]);
    all.push(vec!["export", "focus", "--period", MONTH]);
    if cfg!(feature = "page") {
        all.push(vec!["report", "html"]);
    }
    all.push(vec!["report", "cost", "--date-basis", "ended", "--by", "month,status", "--format", "csv"]);
    all.push(vec!["report", "slowest-runs", "--date-basis", "created", "--period", MONTH, "--format", "csv"]);
    all
}

/// Asserts that each answer equals the earlier one.
fn assert_answers(said: &BTreeMap<String, Vec<u8>>, now: &BTreeMap<String, Vec<u8>>, when: &str) {
    assert!(said.keys().eq(now.keys()));
    for (question, answer) in said {
        let [said, now] = [answer, &now[question]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let differing = said.lines().zip(now.lines()).find(|(said, now)| said != now);
        assert!(
            said == now,
            "{question}, {when}: {differing:?}, {} and {} lines",
            said.lines().count(),
            now.lines().count()
        );
    }
}

fn unsettled(month_end: &MonthEnd, moment: Instant) -> Vec<String> {
    let archive = month_end.workspace.archive();
    let ledger =
        Ledger::open(archive.connection(), Scope { as_of: Some(moment), ..Scope::default() }).unwrap();
    ledger.unsettled().unwrap()
}

#[test]
fn every_as_of_answer_equals_the_answer_given_at_that_time() {
    for seed in 0..3 {
        let mut rng = Rng::with_seed(seed);
        let month_end = MonthEnd::opening(month_end::OPENS, 60, 30);
        let questions = all_questions();
        let mut said = Vec::new();
        for nth in 0..4 {
            if nth == 2 {
                month_end.settle();
            }
            let known_at = month_end.sync();
            let moment = at(&known_at);
            said.push((known_at, month_end.answers(&questions, &[]), unsettled(&month_end, moment)));
            month_end.upset(&mut rng);
            month_end.workspace.wait(TimeDelta::days(rng.i64(1..20)));
        }
        assert!(said[0].2 != said[2].2, "runs settled in between");
        for (nth, (known_at, answers, open)) in said.iter().enumerate() {
            let when = format!("seed {seed}, sync {nth}");
            assert_answers(answers, &month_end.answers(&questions, &["--as-of", known_at]), &when);
            assert_eq!(unsettled(&month_end, at(known_at)), *open, "{when}");
        }
    }
}

#[test]
fn as_of_between_two_observations_uses_the_earlier_one() {
    let mut rng = Rng::with_seed(5);
    let month_end = MonthEnd::opening(month_end::OPENS, 60, 30);
    for _ in 0..6 {
        month_end.sync();
        month_end.upset(&mut rng);
    }
    month_end.sync();
    let archive = month_end.workspace.archive();
    let texts = |connection: &Connection, sql: &str, moment: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let parameters = if sql.contains("?1") { vec![moment] } else { vec![] };
        let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    // Every instant of an observation, and the instants next to it.
    let observed = texts(
        archive.connection(),
        "SELECT observed_at FROM run_snapshots UNION SELECT observed_at FROM pipeline_snapshots \
         UNION SELECT vanished_at FROM vanishings ORDER BY 1",
        "",
    );
    assert!(observed.len() > 20);
    for instant in observed
        .iter()
        .flat_map(|text| [-1, 0, 1].map(|micros| at(text).plus(TimeDelta::microseconds(micros))))
    {
        let expected = [
            "SELECT run_id || lower(hex(content_hash)) FROM run_snapshots \
             WHERE observed_at <= ?1 AND (superseded_at IS NULL OR superseded_at > ?1) ORDER BY 1",
            "SELECT kind || pipeline_id || coalesce(name, '') || (gone_at IS NULL) FROM pipeline_snapshots \
             WHERE observed_at <= ?1 AND (superseded_at IS NULL OR superseded_at > ?1) ORDER BY 1",
            "SELECT run_id FROM vanishings \
             WHERE vanished_at <= ?1 AND (returned_at IS NULL OR returned_at > ?1) ORDER BY 1",
        ]
        .map(|sql| texts(archive.connection(), sql, instant.as_str()));
        let scope = Scope { as_of: Some(instant), ..Scope::default() };
        let ledger = Ledger::open(archive.connection(), scope).unwrap();
        let known = [
            "SELECT run_id || content_hash FROM runs ORDER BY 1",
            "SELECT kind || pipeline_id || coalesce(name, '') || (gone_at IS NULL) FROM pipelines ORDER BY 1",
            "SELECT run_id FROM runs WHERE vanished_at IS NOT NULL ORDER BY 1",
        ]
        .map(|sql| texts(ledger.connection(), sql, ""));
        assert_eq!(known, expected, "{instant}");
    }
}

#[test]
fn an_as_of_day_means_its_end_in_the_zone() {
    let month_end = MonthEnd::opening("2025-03-05T12:00:00Z", 40, 30);
    let mut said = Vec::new();
    // Two hours before midnight UTC, and an hour after it.
    for now in ["2025-03-06T22:00:00Z", "2025-03-07T01:00:00Z", "2025-03-07T03:30:00Z"] {
        month_end.workspace.clock.set(now);
        month_end.workspace.sandbox.model().add();
        assert!(month_end.sync_now().result.is_ok());
        said.push(month_end.output(&["report", "cost", "--by", "kind", "--format", "csv"]));
    }
    assert!(said[0] != said[1] && said[1] != said[2]);
    for (day, zone, nth) in [
        ("2025-03-06", "UTC", 0),
        ("2025-03-07", "UTC", 2),
        // The day ends at 03:00 UTC.
        ("2025-03-06", "America/Sao_Paulo", 1),
        // The day starts at 15:00 UTC of the day before.
        ("2025-03-06", "Asia/Tokyo", 2),
        ("2025-03-07", "Asia/Kathmandu", 2),
    ] {
        let nth = if (day, zone) == ("2025-03-06", "Asia/Tokyo") { None } else { Some(nth) };
        let asked = month_end
            .run(&["report", "cost", "--by", "kind", "--format", "csv", "--as-of", day, "--zone", zone]);
        match nth {
            Some(nth) => assert_eq!(asked.out, said[nth], "{day} in {zone}"),
            // The archive began at 07:00 of the next day.
            None => asked.refused(2, &["nothing was known yet at 2025-03-06T14:59:59.999999Z"]),
        }
    }
    let instant =
        ["report", "cost", "--by", "kind", "--format", "csv", "--as-of", "2025-03-06T22:30:00-03:00"];
    assert_eq!(month_end.output(&instant), said[1]);
}

#[test]
fn as_of_rejects_past_the_archive_and_answers_the_future_with_now() {
    let mut rng = Rng::with_seed(9);
    let month_end = MonthEnd::opening(month_end::OPENS, 50, 30);
    month_end.sync();
    month_end.upset(&mut rng);
    month_end.sync();
    for question in questions() {
        let refused = month_end.run(&[&question[..], &["--as-of", "2025-03-05T12:59:59Z"]].concat());
        refused.refused(
            2,
            &[
                "nothing was known yet at 2025-03-05T12:59:59.000000Z",
                "hint:  this archive began at 2025-03-05T13:00:00",
            ],
        );
    }
    let now = month_end.answers(&questions(), &[]);
    assert_answers(&now, &month_end.answers(&questions(), &["--as-of", "2999-12-31"]), "in the future");
    for wrong in [
        "",
        "tomorrow",
        "2025-3-5",
        "2025-02-30",
        "2025-03-05T12:00:00",
        "2025-03-05 12:00:00Z\n",
        "1741176000",
    ] {
        let refused = month_end.run(&["report", "cost", "--as-of", wrong]);
        refused.refused(2, &["neither an instant nor a day", "hint:  "]);
    }
}

#[test]
fn a_reused_slug_resolves_to_the_live_pipeline() {
    let month_end = MonthEnd::opening(month_end::OPENS, 40, 30);
    month_end.sync();
    let connection = Connection::open(month_end.workspace.path()).unwrap();
    // One of the two vanishes before the other appears; its id sorts after or before the other's.
    for (slug, gone, came) in [("crm", "a", "z"), ("erp", "z", "a")] {
        connection
            .execute_batch(&format!(
                "INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, superseded_at, slug, name, gone_at) VALUES
                     ('source', '{gone}-{slug}', '2025-03-05T13:00:00.000001Z', '2025-03-05T14:00:00.000000Z', '{slug}', 'Old', NULL),
                     ('source', '{gone}-{slug}', '2025-03-05T14:00:00.000000Z', NULL, '{slug}', 'Old', '2025-03-05T14:00:00.000000Z'),
                     ('source', '{came}-{slug}', '2025-03-05T15:00:00.000000Z', NULL, '{slug}', 'New', NULL);
                 UPDATE run_snapshots SET source = '{slug}', destination = NULL, transformation = NULL
                 WHERE snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots WHERE source NOT IN ('crm', 'erp'));"
            ))
            .unwrap();
    }
    for (moment, name) in [
        ("2025-03-05T13:30:00Z", "Old"),
        ("2025-03-05T14:30:00Z", "Old"),
        ("2025-03-05T15:30:00Z", "New"),
        ("2999-01-01", "New"),
    ] {
        for scope in [&["--as-of", moment][..], &[]] {
            if scope.is_empty() && name == "Old" {
                continue;
            }
            for question in [&["export", "costs"][..], &["report", "cost", "--by", "pipeline"]] {
                let rows = month_end.rows(&[question, scope].concat());
                for slug in ["crm", "erp"] {
                    let row = rows.iter().find(|row| row["pipeline_id"] == slug).unwrap();
                    assert_eq!(row["pipeline_name"], name, "{question:?} {scope:?}");
                }
            }
        }
    }
}
