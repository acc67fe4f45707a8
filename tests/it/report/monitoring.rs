//! Runs that have not ended, and failure chains: compared with hand-computed figures and with SQL.

use super::{ALWAYS, exact};
use crate::support::ledger;
use crate::support::workspace::at;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::report::open::{self, Factor, OpenRuns, OpenState};
use runledger::internal::report::question::Question;
use runledger::internal::report::recovery;
use runledger::internal::report::{DateBasis, Ledger, Scope, Span, Table};
use runledger::internal::run::Instant;
use rusqlite::types::Value;
use rusqlite::{Connection, named_params};

const CREATED: &str = "2026-01-27T23:59:59.999700Z";

/// The rows of a question's SQL file over the ledger.
fn sql(ledger: &Ledger<'_>, name: &str, factor: Factor) -> (Vec<String>, Vec<Vec<String>>) {
    let mut statement = ledger.connection().prepare(Question::named(name).unwrap().sql).unwrap();
    let columns = statement.column_names().map(str::to_owned).collect::<Vec<_>>();
    let scope = ledger.scope();
    for (parameter, value) in [
        (":from", scope.span.from.map(|at| at.to_string())),
        (":until", scope.span.until.map(|at| at.to_string())),
        (":as_of", scope.as_of.map(|at| at.to_string())),
        (":factor", Some(factor.as_f64().to_string())),
    ] {
        if let Some(index) = statement.parameter_index(parameter).unwrap() {
            statement.raw_bind_parameter(index, value).unwrap();
        }
    }
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |index| match row.get::<_, Value>(index).unwrap() {
            Value::Null => String::new(),
            Value::Integer(whole) => whole.to_string(),
            Value::Text(text) => text,
            value => panic!("{name} returns {value:?}, which other engines may print differently"),
        };
        found.push((0..columns.len()).map(cell).collect());
    }
    (columns, found)
}

fn assert_open_is_sql(archive: &Connection, scope: Scope, factor: &str) {
    let factor = Factor::parse(factor).unwrap();
    let ledger = Ledger::open(archive, scope).unwrap();
    let pass = open::report(std::slice::from_ref(&ledger), factor).unwrap().table;
    let (columns, rows) = sql(&ledger, "open", factor);
    assert_eq!(pass.columns, columns);
    assert_eq!(exact(&pass), rows, "{:?}", ledger.scope());
}

/// Two columns of each row.
fn pairs(table: &Table, columns: [&str; 2]) -> Vec<String> {
    let places = columns.map(|name| table.columns.iter().position(|column| column == name).unwrap());
    exact(table).iter().map(|row| places.map(|place| row[place].clone()).join(" ")).collect()
}

#[test]
fn a_run_that_has_not_ended_is_compared_with_its_pipeline() {
    let archive = ledger::monitoring();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    let open = open::open_runs(&ledger, Factor::default()).unwrap();
    assert_eq!(open.moment, Some(at("2026-06-01T12:00:00.500Z")));
    let of = |id: &str| open.runs.iter().find(|run| run.run_id == id).unwrap();
    let figures = |id: &str| {
        let usual = of(id).usual.as_ref().unwrap();
        format!("{} {} {} {}", usual.p50, usual.p95, usual.p99, usual.runs)
    };
    // 63 s to 100 s. A run that has not started is compared with the times from creation.
    assert_eq!(figures("open-1"), "81.500 98.150 99.630 38");
    assert_eq!(figures("open-2"), "141.500 158.150 159.630 38");
    assert_eq!(figures("open-6"), "600.000 600.000 600.000 5");
    assert_eq!(of("open-4").usual, None);
    let table = open::report(&[ledger], Factor::default()).unwrap().table;
    assert_eq!(
        pairs(&table, ["run_id", "state"]),
        [
            "open-3 too long",
            "open-1 too long",
            "open-6 too long",
            "open-5 ok",
            "open-2 queued",
            "open-8 ok",
            "open-9 ok",
            "open-4 unknown",
            "open-7 unknown",
            "open-A queued",
        ]
    );
    assert_eq!(
        pairs(&table, ["age_seconds", "p95_factor"])[..5],
        [
            "7200.000 73.357106000",
            "900.000 9.169638000",
            "1800.000 3.000000000",
            "1200.000 2.000000000",
            "180.000 1.138160000",
        ]
    );
}

#[test]
fn a_factor_decides_what_is_too_long() {
    let archive = ledger::monitoring();
    let too_long = |factor: &str| {
        let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
        let open = open::open_runs(&ledger, Factor::parse(factor).unwrap()).unwrap();
        open.runs.iter().filter(|run| run.state == OpenState::TooLong).count()
    };
    assert_eq!(["1.999", "2", "2.999", "3", "10", "100"].map(too_long), [4, 3, 3, 2, 1, 0]);
}

#[test]
fn the_age_is_that_of_the_moment() {
    let archive = ledger::monitoring();
    let as_of = |moment: &str| {
        let scope = Scope { as_of: Some(at(moment)), ..Scope::default() };
        let ledger = Ledger::open(&archive, scope).unwrap();
        open::open_runs(&ledger, Factor::default()).unwrap()
    };
    let age = |open: &OpenRuns, id: &str| open.runs.iter().find(|run| run.run_id == id).unwrap().age_seconds;
    // The second sync is not complete, so nothing is known about the time after the first one.
    let later = as_of("2026-06-01T14:00:00Z");
    assert_eq!(later.moment, Some(at("2026-06-01T12:00:00.500Z")));
    assert_eq!([age(&later, "open-1"), age(&later, "open-9")], [Some(900), Some(0)]);
    // While the first sync is running, the moment is that of its latest observation. The vanished run was not missed
    // yet.
    let earlier = as_of("2026-06-01T11:59:10Z");
    assert_eq!(age(&earlier, "open-1"), Some(850));
    assert!(earlier.runs.iter().any(|run| run.run_id == "over-2"));
    let archive = ledger::empty();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    let none = open::open_runs(&ledger, Factor::default()).unwrap();
    assert_eq!((none.moment, none.runs.len()), (None, 0));
}

#[test]
fn open_runs_and_the_sql_file_agree_cell_by_cell() {
    for archive in [ledger::monitoring(), ledger::small(), ledger::findings()] {
        let span = Span { from: Some(at("2026-06-01T11:30:00Z")), until: Some(at("2026-06-01T12:00:00Z")) };
        for span in [ALWAYS, span] {
            for as_of in [None, Some(at("2026-06-01T11:59:10Z")), Some(at("2026-08-01T00:00:00Z"))] {
                assert_open_is_sql(&archive, Scope { span, as_of, ..Scope::default() }, "2.5");
            }
        }
    }
}

/// A run's pipeline, status, start after its creation and duration, both in microseconds.
type Generated = (usize, usize, Option<i64>, Option<i64>);

/// An archive with these runs, created every 13 days.
fn generated(runs: Vec<Generated>) -> Connection {
    let archive = ledger::empty();
    archive.pragma_update(None, "foreign_keys", false).unwrap();
    let statuses = ["success", "success", "success", "failed", "canceled", "running", "paused"];
    let created = Instant::parse(CREATED).unwrap().to_utc();
    let text = |at| Instant::from_utc(at).unwrap().to_string();
    for (nth, (pipeline, status, queued, duration)) in (0..).zip(runs) {
        let created = created + chrono::Duration::microseconds(nth * 13 * 86_400_000_333);
        let started = queued.map(|micros| created + chrono::Duration::microseconds(micros));
        let ended = started.zip(duration).map(|(at, micros)| at + chrono::Duration::microseconds(micros));
        let ended = ended.filter(|_| status != 5).map(text);
        archive
            .execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, created_at, started_at,
                     ended_at, duration_seconds, el_cost_usd, el_cost_nanos, source, transformation)
                 VALUES (:id, '', 1, zeroblob(32), :status, :created, :started, :ended, :duration, :cost / 1e9, :cost,
                         :source, :transformation)",
                named_params! {
                    ":id": format!("{nth:03}"), ":status": statuses[status], ":created": text(created),
                    ":started": started.map(text), ":ended": ended,
                    ":duration": duration.map(|micros| micros / 1_000_000),
                    ":cost": duration.filter(|micros| micros % 3 > 0),
                    ":source": (pipeline == 0).then_some("a"),
                    ":transformation": (pipeline == 1).then_some("a"),
                },
            )
            .unwrap();
    }
    let last = "INSERT INTO syncs (sync_id, kind, started_at, process_id, program_version, api_url, last_observed_at)
                VALUES (1, 'first', ?1, 1, '0.1.0', 'http://h/', ?1)";
    let end = created + chrono::Duration::days(600);
    archive.execute(last, [text(end)]).unwrap();
    archive
}

proptest! {
    #[test]
    fn open_runs_and_the_sql_file_agree_on_any_runs(runs in prop::collection::vec((
        0..3_usize,
        0..7_usize,
        prop::option::weighted(0.8, -2_000_000..90_000_000_000_i64),
        prop::option::weighted(0.8, -3_000_000..5_000_000_000_i64),
    ), 1..60)) {
        assert_open_is_sql(&generated(runs), Scope::default(), "2");
    }
}

fn assert_recovery_is_sql(archive: &Connection, scope: Scope) {
    let ledger = Ledger::open(archive, scope).unwrap();
    let mut pass = recovery::report(std::slice::from_ref(&ledger)).unwrap().table;
    recovery::name_runs(&mut pass, std::slice::from_ref(&ledger)).unwrap();
    let (columns, rows) = sql(&ledger, "recovery", Factor::default());
    assert_eq!(pass.columns, columns);
    assert_eq!(exact(&pass), rows, "{:?}", ledger.scope());
}

#[test]
fn chains_are_whole_and_those_that_still_fail_come_first() {
    let archive = ledger::monitoring();
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    let mut table = recovery::report(std::slice::from_ref(&ledger)).unwrap().table;
    recovery::name_runs(&mut table, &[ledger]).unwrap();
    let places = ["run_id", "state", "failed_runs", "lost_seconds", "lost_usd", "failures_left"]
        .map(|name| table.columns.iter().position(|column| column == name).unwrap());
    let rows: Vec<String> =
        exact(&table).iter().map(|row| places.map(|place| row[place].clone()).join(" ")).collect();
    assert_eq!(
        rows,
        [
            "none-1 broken 1 1051200.000  ",
            "fail-3 broken 3 216000.000 0.300000000 2",
            "slug-4 broken 4 97200.000 0.000000004 0",
            "long-3 broken 3 87000.000 0.030000000 ",
            "pair-2 recovered 2 7800.000 0.020000000 ",
            "once-1 recovered 1 4200.000 0.010000000 ",
            "flak-2 flaky 1 4200.000 -0.020000000 ",
            "flak-1 flaky 1 4200.000 0.010000000 ",
            "flak-3 flaky 1 3600.000 0.010000000 ",
            "same-1 recovered 1 600.000 0.030000000 ",
        ]
    );
}

#[test]
fn the_summary_adds_up_the_chains_of_a_pipeline() {
    let archive = ledger::monitoring();
    let opened = || [ledger::opened(&archive, &ALWAYS, Tz::UTC)];
    let table = recovery::report_by_pipeline(&opened()).unwrap().table;
    let rows: Vec<String> = exact(&table).iter().map(|row| row[1..].join(" ")).collect();
    assert_eq!(
        rows,
        [
            "p-3 transformation broken 2 2 1 1 1051800.000 0.030000000 1  ",
            "p-1 source broken 1 3 3 3 216000.000 0.300000000 1 5 2",
            "estoque source broken 1 4 4 4 97200.000 0.000000004 0 3 0",
            "p-4 destination broken 6 9 3 0 111000.000 0.060000000 0  ",
        ]
    );
    let ledger = opened();
    let found = recovery::recovery(&ledger[0]).unwrap();
    let active: Vec<_> =
        found.chains.iter().take(3).map(|chain| found.pipeline_of(chain).is_active).collect();
    assert_eq!(active, [Some(false), Some(true), Some(true)]);
}

#[test]
fn a_span_has_the_chains_that_had_not_ended_in_it() {
    let archive = ledger::monitoring();
    let last = |from: Option<&str>, until: Option<&str>| -> Vec<String> {
        let span = Span { from: from.map(at), until: until.map(at) };
        let ledger = ledger::opened(&archive, &span, Tz::UTC);
        let mut table = recovery::report(std::slice::from_ref(&ledger)).unwrap().table;
        recovery::name_runs(&mut table, &[ledger]).unwrap();
        pairs(&table, ["run_id", "failed_runs"])
    };
    // The long chain began before, and ended inside.
    assert_eq!(last(Some("2026-04-02T00:00:00Z"), Some("2026-05-01T00:00:00Z")), ["long-3 3"]);
    assert_eq!(last(None, Some("2026-01-01T00:00:00Z")), ["same-1 1"]);
    assert_eq!(last(Some("2026-06-01T11:00:00Z"), None), ["none-1 1", "fail-3 3", "slug-4 4"]);
}

#[test]
fn recovery_and_the_sql_file_agree_cell_by_cell() {
    for archive in [ledger::monitoring(), ledger::small(), ledger::findings()] {
        let span = Span { from: Some(at("2026-03-10T08:30:00Z")), until: Some(at("2026-05-20T08:00:00Z")) };
        for span in [ALWAYS, span] {
            for as_of in [None, Some(at("2026-06-01T11:59:10Z")), Some(at("2026-12-01T00:00:00Z"))] {
                for date in [DateBasis::Started, DateBasis::Created, DateBasis::Ended] {
                    assert_recovery_is_sql(&archive, Scope { span, as_of, date, ..Scope::default() });
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn recovery_and_the_sql_file_agree_on_any_runs(runs in prop::collection::vec((
        0..3_usize,
        prop::sample::select(vec![0_usize, 0, 3, 3, 4, 5]),
        // Some runs start at the same instant as others.
        prop::option::weighted(0.9, (0..3_i64).prop_map(|later| later * 13 * 86_400_000_333)),
        prop::option::weighted(0.8, -3_000_000..5_000_000_000_i64),
    ), 1..60)) {
        let archive = generated(runs.clone());
        assert_recovery_is_sql(&archive, Scope::default());
        assert_failing_is_recovery(&archive);
        assert_two_threads_find_the_same(&archive, generated(runs));
    }
}

/// The chains, each with its pipeline, whose position can differ.
fn chains(found: &recovery::Recovery) -> Vec<(recovery::FailingPipeline, recovery::FailureChain)> {
    let chain = |chain: &recovery::FailureChain| recovery::FailureChain { pipeline: 0, ..chain.clone() };
    found.chains.iter().map(|of| (found.pipeline_of(of).clone(), chain(of))).collect()
}

fn assert_two_threads_find_the_same(archive: &Connection, copy: Connection) {
    let ledger = Ledger::open(archive, Scope::default()).unwrap();
    let in_one = recovery::recovery(&ledger).unwrap();
    ledger.give_second_connection(copy);
    let in_two = recovery::recovery(&ledger).unwrap();
    assert_eq!(chains(&in_two), chains(&in_one));
    let outcomes = |found: recovery::Recovery| {
        let mut outcomes = found.outcomes;
        outcomes.sort_by(|one, other| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)));
        outcomes
    };
    assert_eq!(outcomes(in_two), outcomes(in_one));
}

/// The chains that have not recovered are the same if the scan ends early.
fn assert_failing_is_recovery(archive: &Connection) {
    let ledger = Ledger::open(archive, Scope::default()).unwrap();
    let all = recovery::recovery(&ledger).unwrap();
    for since in
        ["2026-01-01T00:00:00Z", "2026-02-20T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"]
    {
        let mut wanted = all.clone();
        wanted.chains.retain(|chain| chain.is_failing() && chain.last_failure_at >= at(since));
        assert_eq!(chains(&recovery::failing(&ledger, at(since)).unwrap()), chains(&wanted), "{since}");
    }
}
