//! The questions in `queries/` take time that is linear in the size of the archive.
//!
//! SQLite counts the steps of a statement, so the tests need no clock: four times the rows may take at most six times
//! the steps. A nested loop would take sixteen times. A question that finds little may take a hundred steps per row.

use crate::support::ledger;
use crate::support::workspace::at;
use runledger::internal::report::question::{QUESTIONS, Question};
use runledger::internal::report::{Ledger, Scope};
use rusqlite::{Connection, StatementStatus};

const ROWS: u32 = 150;
const MOST_GROWTH: f64 = 6.0;
const STEPS_PER_ROW: u32 = 100;

const SYNC: &str = "
    INSERT INTO syncs (sync_id, kind, started_at, outcome, process_id, program_version, api_url, last_observed_at)
    VALUES (1, 'first', '2026-01-01T00:00:00.000000Z', 'complete', 1, '0.1.0', 'http://127.0.0.1:1/',
            '2026-01-01T00:00:01.000000Z');";

/// Pipelines with a failed run each, by id and by slug, and as many without runs.
const MANY_PIPELINES: &str = "
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
    INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, slug, name)
    SELECT 'source', p || i, '2026-01-01T00:00:00.000000Z', 'slug-' || p || i, 'Pipeline ' || p || i
    FROM n, (SELECT 'busy-' AS p UNION ALL SELECT 'idle-');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
    INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at,
                               duration_seconds, status, credit_charge_status, el_cost_usd, el_cost_nanos, source)
    SELECT 'run-' || i, '2026-01-01T00:00:01.000000Z', 1, zeroblob(32), i, '2025-12-01T00:00:00.000000Z',
           '2025-12-01T00:00:00.000000Z', '2025-12-01T00:01:00.000000Z', 60, 'failed', 'charged', 0.25, 250000000,
           iif(i % 2, 'busy-', 'slug-busy-') || i
    FROM n;";

/// One run with a state for each hour, whose status and cost change in each.
const MANY_STATES: &str = "
    INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, name)
    VALUES ('source', 's-1', '2026-01-01T00:00:00.000000Z', 'Pipeline');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
    INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, number, created_at, started_at,
                               ended_at, duration_seconds, status, credit_charge_status, el_cost_usd, el_cost_nanos, source)
    SELECT 'run-1', strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-01-01', i || ' hours'),
           iif(i < ROWS, strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-01-01', (i + 1) || ' hours'), NULL),
           1, zeroblob(32), 1, '2025-12-01T00:00:00.000000Z', '2025-12-01T00:00:00.000000Z',
           '2025-12-01T00:01:00.000000Z', 60, iif(i % 2, 'success', 'running'), iif(i % 2, 'charged', 'unsuccessful'),
           i / 1e9, i, 's-1'
    FROM n;";

/// Runs of one pipeline with the same number, which overlap.
const MANY_RUNS: &str = "
    INSERT INTO pipeline_snapshots (kind, pipeline_id, observed_at, name)
    VALUES ('source', 's-1', '2026-01-01T00:00:00.000000Z', 'Pipeline');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
    INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, number, created_at, started_at, ended_at,
                               duration_seconds, status, full_sync, credit_charge_status, el_cost_usd, el_cost_nanos, source)
    SELECT 'run-' || i, '2026-01-01T00:00:01.000000Z', 1, zeroblob(32), 1, '2025-12-01T00:00:00.000000Z',
           strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2025-12-01', i || ' minutes'), '2025-12-31T00:00:00.000000Z', 60 + i,
           iif(i % 3, 'success', 'failed'), i % 5 = 0, 'charged', i / 1e9, i, 's-1'
    FROM n;";

fn archive(rows: &str, number: u32) -> Connection {
    let archive = ledger::empty();
    archive.execute_batch(&[SYNC, rows].concat().replace("ROWS", &number.to_string())).unwrap();
    archive
}

/// The steps that SQLite takes to answer the question.
fn steps(question: &Question, archive: &Connection, as_of: Option<&str>) -> f64 {
    let scope = Scope { as_of: as_of.map(at), ..Scope::default() };
    let ledger = Ledger::open(archive, scope).unwrap();
    let mut statement = ledger.connection().prepare(question.sql).unwrap();
    let mut rows = statement.raw_query();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    f64::from(statement.get_status(StatementStatus::VmStep))
}

/// Whether the steps for four times the rows are linear.
fn is_linear(few: f64, many: f64) -> bool {
    many < MOST_GROWTH * few.max(f64::from(STEPS_PER_ROW * ROWS))
}

#[test]
fn every_question_is_linear_in_pipelines_states_and_runs() {
    for (name, rows, moments) in [
        ("many pipelines", MANY_PIPELINES, &[None, Some("2026-01-02T00:00:00Z")][..]),
        (
            "many states of a run",
            MANY_STATES,
            &[None, Some("2026-01-02T00:00:00Z"), Some("2026-01-07T00:00:00Z")],
        ),
        ("many runs of a pipeline", MANY_RUNS, &[None, Some("2026-01-02T00:00:00Z")]),
    ] {
        let (small, large) = (archive(rows, ROWS), archive(rows, 4 * ROWS));
        for moment in moments {
            for question in QUESTIONS {
                let [few, many] = [&small, &large].map(|archive| steps(&question, archive, *moment));
                assert!(
                    is_linear(few, many),
                    "{} with {name}, as of {moment:?}: {few} and {many} steps",
                    question.name
                );
            }
        }
    }
}

#[test]
fn a_run_is_found_in_its_history_without_reading_it() {
    let [few, many] = [ROWS, 4 * ROWS].map(|number| {
        let archive = archive(MANY_STATES, number);
        let sql = "SELECT count(r.status) FROM run_snapshots AS s JOIN runs AS r ON r.run_id = s.run_id";
        steps(&Question { name: "joined", sql }, &archive, None)
    });
    assert!(is_linear(few, many), "{few} and {many} steps");
}
