//! Views that users added to an archive, under `--as-of` and in other scopes.

use crate::support::command::rows_of_csv;
use crate::support::month_end::MonthEnd;
use runledger::internal::report::{DateBasis, Ledger, Scope};
use rusqlite::Connection;
use serde_json::json;

/// Views over the run list, in all the ways in which a view can name it.
const VIEWS: [(&str, &str); 6] = [
    ("plain", "CREATE VIEW plain AS SELECT sum(el_cost_nanos) AS nanos FROM runs"),
    ("qualified", "CREATE VIEW qualified AS SELECT sum(main.runs.el_cost_nanos) AS nanos FROM main.runs"),
    (
        "quoted",
        "CREATE VIEW IF NOT EXISTS main.\"quoted\" (nanos) AS SELECT sum(el_cost_nanos) FROM \"MAIN\" . [Runs]",
    ),
    ("over_a_view", "CREATE VIEW over_a_view AS SELECT nanos FROM main.plain /* main.runs */"),
    (
        "history",
        "CREATE VIEW history AS SELECT sum(el_cost_nanos) AS nanos FROM run_snapshots WHERE superseded_at IS NULL",
    ),
    (
        "with_a_table",
        "CREATE TABLE mine (x); INSERT INTO mine VALUES (1); CREATE VIEW with_a_table AS \
         SELECT sum(el_cost_nanos) AS nanos FROM mine, (SELECT * FROM runs)",
    ),
];

#[test]
fn a_users_view_answers_as_of_the_moment() {
    let month_end = MonthEnd::of(40);
    let then = month_end.known_at();
    let id = month_end.runs_of_the_month()[0];
    month_end.change(id, json!({ "el_cost_usd": 1234.5 }));
    month_end.sync();
    let user = Connection::open(month_end.workspace.path()).unwrap();
    for (_, sql) in VIEWS {
        user.execute_batch(sql).unwrap();
    }
    // A broken view is no obstacle.
    user.execute_batch("CREATE VIEW broken AS SELECT x FROM nowhere").unwrap();
    drop(user);
    let nanos = |from: &str, as_of: &[&str]| {
        let sql = format!("SELECT CAST(nanos AS TEXT) AS nanos FROM {from}");
        let printed = month_end.output(&[&["query", &sql, "--format", "csv"], as_of].concat());
        rows_of_csv(&printed)[0]["nanos"].clone()
    };
    let of_runs = "(SELECT sum(el_cost_nanos) AS nanos FROM runs)";
    let (before, now) = (nanos(of_runs, &["--as-of", &then]), nanos(of_runs, &[]));
    assert_ne!(before, now);
    for (view, _) in VIEWS {
        assert_eq!(
            (nanos(view, &["--as-of", &then]), nanos(view, &[])),
            (before.clone(), now.clone()),
            "{view}"
        );
    }
    // Every report works beside these views.
    month_end.output(&["report", "cost", "--as-of", &then]);
}

#[test]
fn a_users_view_follows_the_date_basis_and_ends_with_the_ledger() {
    let month_end = MonthEnd::of(40);
    let user = Connection::open(month_end.workspace.path()).unwrap();
    user.execute_batch("CREATE VIEW bounds AS SELECT min(booked_at) AS first FROM runs").unwrap();
    let archive = month_end.workspace.archive();
    let first = |connection: &Connection, sql: &str| -> String {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    for (date, column) in [(DateBasis::Ended, "ended_at"), (DateBasis::Created, "created_at")] {
        let ledger = Ledger::open(archive.connection(), Scope { date, ..Scope::default() }).unwrap();
        let expected = first(ledger.connection(), &format!("SELECT min({column}) FROM main.runs"));
        assert_eq!(first(ledger.connection(), "SELECT first FROM bounds"), expected);
    }
    let left: i64 = archive
        .connection()
        .query_row("SELECT count(*) FROM temp.sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}
