//! Cost and duration reports, against hand-computed figures and against SQL.

use super::{ALWAYS, MONTH, answer, exact};
use crate::support::ledger;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::report::period::Calendar;
use runledger::internal::report::question::{QUESTIONS, Question};
use runledger::internal::report::run_scan::{self, Columns, Pipelines, RunQuery};
use runledger::internal::report::{DateBasis, Dimension, Span, Table, cost, duration};
use runledger::internal::run::Instant;
use rusqlite::Connection;
use rusqlite::types::Value;

const DAY: Dimension = Dimension::Period(Calendar::Day);

fn span(from: &str, until: &str) -> Span {
    Span { from: Instant::parse(from), until: Instant::parse(until) }
}

/// The rows in machine format, cells joined by `|`.
fn lines(table: &Table) -> Vec<String> {
    exact(table).iter().map(|row| row.join("|")).collect()
}

#[test]
fn costs_by_month_match_hand_computed_values() {
    let table = cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &[MONTH]).unwrap();
    assert_eq!(
        table.columns.join("|"),
        "month|runs|runs_cost_unknown|el_cost_usd|transformation_cost_usd|total_cost_usd|credits|cost_per_run_usd"
    );
    assert_eq!(
        lines(&table),
        [
            // 0.1 + (0.2 + 0.05) + 0.123456789, by three.
            "2026-01|3|0|0.300000000|0.173456789|0.473456789|2|0.157818930",
            "2026-02|2|1|1.000000001||1.000000001|1|1.000000001",
            "2026-03|2|2||||1|",
            "2026-04|2|0|-0.249999999||-0.249999999|1|-0.125000000",
            "2026-05|2|0|2.030000000|0.000000000|2.030000000|1|1.015000000",
            "|1|0|0.500000000||0.500000000|0|0.500000000",
        ]
    );
}

#[test]
fn durations_by_month_match_hand_computed_values() {
    let table = duration::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &[MONTH]).unwrap();
    assert_eq!(
        lines(&table),
        [
            // 50, 100, 200: p95 is 0.9 of the way from 100 to 200. Waits: 1.9997, 10, 20.
            "2026-01|3|0|0.666667|350.000|116.667|100.000|190.000|198.000|200.000|10.667|10.000|19.000|20.000",
            "2026-02|2|1|1.000000|400.000|400.000|400.000|400.000|400.000|400.000|30.000|30.000|57.000|60.000",
            "2026-03|2|1|1.000000|10.000|10.000|10.000|10.000|10.000|10.000|0.500|0.500|0.500|0.500",
            "2026-04|2|0|0.500000|1.000|0.500|0.500|0.950|0.990|1.000|0.000|0.000|0.000|0.000",
            "2026-05|2|0|0.000000|100.000|50.000|50.000|68.000|69.600|70.000|20.000|20.000|29.000|30.000",
            "|1|1|0.000000||||||||||",
        ]
    );
}

#[test]
fn a_month_starts_and_ends_in_its_zone() {
    let table =
        cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::America__Sao_Paulo), &[MONTH]).unwrap();
    let runs: Vec<String> = exact(&table).iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    // run-04 is at 23:30 on 31 January there, run-09 and run-10 on 31 March, run-11 on 30 April.
    assert_eq!(runs, ["2026-01 4", "2026-02 1", "2026-03 4", "2026-04 1", "2026-05 1", " 1"]);
}

#[test]
fn a_span_includes_its_start_and_excludes_its_end() {
    let archive = ledger::small();
    let runs = |from: &str, until: &str| -> usize {
        let table = cost::report(&ledger::opened(&archive, &span(from, until), Tz::UTC), &[DAY]).unwrap();
        exact(&table).iter().map(|row| row[1].parse::<usize>().unwrap()).sum()
    };
    assert_eq!(runs("2026-01-05T10:00:00Z", "2026-01-31T23:30:00.999700Z"), 2);
    assert_eq!(runs("2026-01-05T10:00:00.000001Z", "2026-01-31T23:30:00.999701Z"), 2);
    assert_eq!(runs("2026-01-01T00:00:00Z", "open"), 11);
    assert_eq!(runs("open", "2026-02-01T00:00:00Z"), 3);
    assert_eq!(runs("open", "open"), 12);
}

#[test]
fn pipelines_with_the_same_name_are_separate_rows() {
    let table =
        cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &[Dimension::Pipeline]).unwrap();
    let pipelines: Vec<String> = exact(&table).iter().map(|row| row[..4].join("|")).collect();
    assert_eq!(
        pipelines,
        [
            "=1+2|\"a, b\"\n👩‍🚀 <ação>|d-1|destination|1",
            "Vendas|s-1|source|3",
            "Vendas|s-2|source|4",
            "Vendas|vendas|source|1",
            "|t-1|transformation|2",
            "|||1",
        ]
    );
}

#[test]
fn several_dimensions_give_one_row_per_existing_group() {
    let by = [Dimension::Kind, Dimension::Trigger, Dimension::Status];
    let table = cost::report(&ledger::opened(&ledger::small(), &ALWAYS, Tz::UTC), &by).unwrap();
    let groups: Vec<String> = exact(&table).iter().map(|row| row[..4].join("|")).collect();
    assert_eq!(table.columns[..3], ["pipeline_kind", "trigger_type", "status"]);
    assert_eq!(
        groups,
        [
            "destination|manual|success|1",
            "source|cron|failed|1",
            "source|cron|running|1",
            "source|cron|success|3",
            "source|manual|canceled|1",
            "source|manual|success|1",
            "source||failed|1",
            "transformation|cron|queued|1",
            "transformation|event|failed|1",
            "|manual|paused|1",
        ]
    );
}

#[test]
fn totals_cover_every_row() {
    let archive = ledger::small();
    for by in [vec![MONTH], vec![Dimension::Pipeline, DAY], vec![Dimension::Status]] {
        let split = duration::report(&ledger::opened(&archive, &ALWAYS, Tz::UTC), &by).unwrap();
        let totals: Vec<String> = split.totals.unwrap().iter().filter_map(|cell| cell.exact()).collect();
        // 0, 1, 10, 30, 50, 70, 100, 200, 400 seconds; nine runs ended, five of them succeeded.
        assert_eq!(totals[..7], ["12", "3", "0.555556", "861.000", "95.667", "50.000", "320.000"]);
    }
}

#[test]
fn an_empty_archive_has_no_rows_and_no_totals() {
    let archive = ledger::empty();
    for question in QUESTIONS {
        let table = answer(question.name, &archive);
        assert!(table.rows.is_empty() && table.totals.is_none(), "{}", question.name);
    }
}

/// Compares the scan with the SQL file of the same name, header and cells.
fn assert_pass_is_sql(name: &str, archive: &Connection, span: &Span) {
    let pass = match name {
        "cost" => cost::report(&ledger::opened(archive, span, Tz::UTC), &[MONTH]).unwrap(),
        _ => duration::report(&ledger::opened(archive, span, Tz::UTC), &[MONTH]).unwrap(),
    };
    let mut statement = archive.prepare(Question::named(name).unwrap().sql).unwrap();
    assert_eq!(pass.columns, statement.column_names().collect::<Vec<_>>(), "{name}");
    let width = statement.column_count();
    let bounds = [span.from.map(|at| at.to_string()), span.until.map(|at| at.to_string())];
    let rows = statement.query_map(bounds, |row| {
        (0..width)
            .map(|column| {
                Ok(match row.get(column)? {
                    Value::Null => String::new(),
                    Value::Integer(whole) => whole.to_string(),
                    Value::Text(text) => text,
                    value => panic!("{name} returns {value:?}, which other engines may print differently"),
                })
            })
            .collect::<rusqlite::Result<Vec<String>>>()
    });
    let sql: Vec<Vec<String>> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(exact(&pass), sql, "{name} {span:?}");
}

#[test]
fn the_scan_and_the_sql_file_agree_cell_by_cell() {
    let archive = ledger::small();
    for span in [ALWAYS, span("2026-01-31T00:00:00Z", "2026-04-01T00:00:00Z")] {
        assert_pass_is_sql("cost", &archive, &span);
        assert_pass_is_sql("duration", &archive, &span);
    }
}

/// A run's status, start after its creation in microseconds, duration and two costs.
type Generated = (usize, Option<i64>, Option<i64>, Option<i64>, Option<i64>);

proptest! {
    #[test]
    fn the_scan_and_the_sql_file_agree_on_any_runs(runs in prop::collection::vec((
        0..7_usize,
        prop::option::of(-2_000_000..90_000_000_000_i64),
        prop::option::of(-3..5000_i64),
        prop::option::of(-5_000_000_000..5_000_000_000_i64),
        prop::option::of(-3..3_i64),
    ), 1..60)) {
        let archive = ledger::empty();
        archive.pragma_update(None, "foreign_keys", false).unwrap();
        let statuses = ["success", "success", "success", "failed", "canceled", "running", "paused"];
        let created = Instant::parse("2026-01-27T23:59:59.999700Z").unwrap().to_utc();
        for (nth, (status, queued_micros, duration, el, transformation)) in (0..).zip::<Vec<Generated>>(runs) {
            let created = created + chrono::Duration::microseconds(nth * 7_200_000_333);
            let started = queued_micros.map(|micros| created + chrono::Duration::microseconds(micros));
            let text = |at| Instant::from_utc(at).unwrap().to_string();
            archive.execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, created_at,
                     started_at, duration_seconds, el_cost_usd, el_cost_nanos, transformation_cost_usd,
                     transformation_cost_nanos)
                 VALUES (?1, '', 1, zeroblob(32), ?2, ?3, ?4, ?5, ?6 / 1e9, ?6, ?7 / 1e9, ?7)",
                (nth, statuses[status], text(created), started.map(text), duration, el, transformation),
            ).unwrap();
        }
        assert_pass_is_sql("cost", &archive, &ALWAYS);
        assert_pass_is_sql("duration", &archive, &ALWAYS);
    }
}

#[test]
fn the_scan_reads_only_the_covering_index_and_sorts_nothing() {
    let archive = ledger::small();
    let month = span("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let every_basis = DateBasis::ALL.map(|date| [(ALWAYS, date), (month, date)]);
    let scans =
        every_basis.into_iter().flatten().map(|(span, date)| RunQuery::new(&span, date, Columns::ALL));
    let outcomes = [Pipelines::All, Pipelines::Sources, Pipelines::Others]
        .map(|pipelines| run_scan::outcomes_newest_first(DateBasis::Started, pipelines));
    for query in scans.chain(outcomes) {
        let mut statement = archive.prepare(&["EXPLAIN QUERY PLAN ", &query.sql].concat()).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>("detail").unwrap());
        }
        assert_eq!(plan.len(), 1, "{plan:?}");
        assert!(plan[0].contains("USING COVERING INDEX run_snapshots_for_reports"), "{plan:?}");
    }
}
