//! Questions answered in one pass over the index of the reports: each answer is that of the SQL file, cell by cell.

use super::exact;
use crate::support::ledger;
use crate::support::workspace::at;
use proptest::prelude::*;
use runledger::internal::report::question::Question;
use runledger::internal::report::{DateBasis, Ledger, Scope, Span};
use rusqlite::{Connection, named_params};

/// The questions with such a pass.
const QUESTIONS: [&str; 3] = ["failures", "waste", "anomalies"];

fn assert_answers_are_those_of_sql(archive: &Connection, scope: Scope) {
    let ledger = Ledger::open(archive, scope).unwrap();
    for name in QUESTIONS {
        let question = Question::named(name).unwrap();
        let limits = if name != "failures" { &[None, Some(2), Some(1000)][..] } else { &[None] };
        for limit in limits {
            let (pass, sql) =
                (question.answer(&ledger, *limit).unwrap(), question.ask(&ledger, *limit).unwrap());
            assert_eq!(pass.columns, sql.columns);
            assert_eq!(exact(&pass), exact(&sql), "{name} with {limit:?} and {:?}", ledger.scope());
            // The cells have the same measure, too.
            assert_eq!(pass, sql, "{name}");
        }
    }
}

#[test]
fn one_pass_answers_as_the_sql_files_do() {
    let spans = [
        Span::default(),
        Span { from: Some(at("2026-02-01T00:00:00Z")), until: None },
        Span { from: Some(at("2026-01-01T00:00:00Z")), until: Some(at("2026-05-20T00:00:00Z")) },
        Span { from: None, until: Some(at("2026-03-01T00:00:00Z")) },
    ];
    assert_answers_are_those_of_sql(&ledger::empty(), Scope::default());
    for archive in [ledger::findings(), ledger::monitoring(), ledger::change()] {
        for span in spans {
            for date in DateBasis::ALL {
                let scope = Scope { span, date, ..Scope::default() };
                assert_answers_are_those_of_sql(&archive, scope.clone());
                let as_of = Some(at("2026-12-01T00:00:00Z"));
                assert_answers_are_those_of_sql(&archive, Scope { as_of, ..scope });
            }
        }
    }
}

/// A run: pipeline, status, minute of its start, length in seconds, cost, whether it synced in full, and number.
type Generated = (usize, usize, Option<i64>, Option<i64>, Option<i64>, Option<bool>, i64);

/// An archive with these runs. Many of them are booked at the same moment.
fn generated(runs: Vec<Generated>) -> Connection {
    let archive = ledger::empty();
    archive.pragma_update(None, "foreign_keys", false).unwrap();
    let statuses = ["success", "success", "success", "success", "failed", "canceled", "running"];
    let created = at("2026-03-01T12:00:00.000700Z").to_utc();
    let text = |minute: i64, seconds: i64| {
        let instant = created + chrono::Duration::seconds(minute * 60 + seconds);
        instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    };
    for (nth, (pipeline, status, minute, seconds, nanos, full_sync, number)) in runs.into_iter().enumerate() {
        let ended = minute.zip(seconds).map(|(minute, seconds)| text(minute, seconds));
        archive
            .execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, created_at, started_at,
                     ended_at, duration_seconds, el_cost_usd, el_cost_nanos, full_sync, number,
                     credit_charge_status, source, destination)
                 VALUES (:id, '', 1, zeroblob(32), :status, :created, :started, :ended, :seconds, :nanos / 1e9, :nanos,
                     :full_sync, :number, :charge, :source, :destination)",
                named_params! {
                    ":id": format!("{:03}", nth * 37 % 1000), ":status": statuses[status],
                    ":created": text(minute.unwrap_or(nth as i64), 0), ":started": minute.map(|minute| text(minute, 0)),
                    ":ended": ended, ":seconds": seconds, ":nanos": nanos, ":full_sync": full_sync, ":number": number,
                    ":charge": (number % 2 == 0).then_some("charged"),
                    ":source": ["a", "b"].get(pipeline), ":destination": ["", "", "a", "c"].get(pipeline).filter(|id| !id.is_empty()),
                },
            )
            .unwrap();
    }
    archive
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_pass_answers_as_the_sql_files_do_on_any_runs(runs in prop::collection::vec((
        0..5_usize,
        0..7_usize,
        prop::option::weighted(0.9, 0..90_i64),
        prop::option::weighted(0.8, 0..9_000_i64),
        prop::option::weighted(0.8, prop_oneof![Just(0), -20_000_000..9_000_000_000_i64]),
        prop::option::weighted(0.9, prop::bool::weighted(0.2)),
        1..60_i64,
    ), 1..150), from in prop::option::of(0..90_i64), until in prop::option::of(0..90_i64)) {
        let archive = generated(runs);
        let bound = |minute: i64| at(&format!("2026-03-01T{:02}:{:02}:00Z", 12 + minute / 60, minute % 60));
        let span = Span { from: from.map(bound), until: until.map(bound) };
        assert_answers_are_those_of_sql(&archive, Scope { span, ..Scope::default() });
    }
}
