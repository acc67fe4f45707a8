//! Maintenance commands: check, backup, verify, coverage, drift, and waiting for the lock.

mod backup;
mod check;
mod coverage;
mod drift;
mod lock;
mod migrate;
mod restore;
mod salvage;
mod screens;
mod verify;

use crate::support::command::Ran;
use crate::support::workspace::{Workspace, at, options};
use assert_cmd::Command;
use chrono::TimeDelta;
use runledger::internal::close::totals;
use runledger::internal::report::period::Period;
use runledger::internal::report::plan::Plan;
use runledger::internal::report::terms::MonthTerms;
use runledger::internal::report::{Ledger, Scope, Span};
use runledger::internal::run::Usd;
use runledger::internal::store::{Archive, Frozen, Lock};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// The page size of an archive in bytes.
const PAGE: u64 = 16 * 1024;

fn command(db: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("runledger").unwrap();
    command.arg("--db").arg(db).args(arguments);
    command.env_remove("NEKT_API_KEY").env_remove("RUNLEDGER_API_URL").env_remove("RUNLEDGER_DB");
    command
}

fn ran(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

pub(crate) fn run(db: &Path, arguments: &[&str]) -> Ran {
    ran(command(db, arguments))
}

/// Runs a command against the workspace's API.
fn run_online(workspace: &Workspace, arguments: &[&str]) -> Ran {
    let mut command = command(&workspace.path(), arguments);
    command
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url());
    ran(command)
}

pub(crate) fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

/// A workspace with everything an archive can contain: changed, vanished and quarantined runs, drift, a killed sync.
fn eventful(runs: usize) -> Workspace {
    let workspace = Workspace::of(runs);
    workspace.sync(&options());
    workspace.wait(TimeDelta::hours(1));
    let ids = workspace.ids();
    {
        let mut model = workspace.sandbox.model();
        model.change(ids[2], |run| {
            run.insert("status".to_owned(), json!("paused"));
            run.insert("colour".to_owned(), json!("green"));
        });
        model.change(ids[3], |run| {
            run.insert("el_cost_usd".to_owned(), json!(0.25));
        });
        let number = model.document(ids[5]).unwrap()["number"].clone();
        model.set_text(ids[5], &json!({ "id": 7, "number": number }).to_string());
        model.delete(ids[7]);
    }
    workspace.sync(&runledger::internal::sync::Options { full: true, ..options() });
    workspace.wait(TimeDelta::hours(1));
    let lock = Lock::acquire(&workspace.path(), at("2026-11-23T18:00:00Z")).unwrap();
    let archive = Archive::open(&workspace.path(), &lock).unwrap();
    archive
        .begin_sync(
            runledger::internal::store::SyncKind::Incremental,
            "it is killed",
            "http://127.0.0.1:1/",
            None,
            at("2026-11-23T18:00:00Z"),
        )
        .unwrap();
    workspace
}

/// An eventful workspace whose October was closed, changed, closed again, and changed once more. In between, one
/// pipeline was renamed and another deleted.
pub(crate) fn closed(runs: usize) -> Workspace {
    let workspace = eventful(runs);
    let full = runledger::internal::sync::Options { full: true, ..options() };
    close(&workspace, "2026-11-23T18:00:00.000001Z");
    let october: Vec<Uuid> = workspace
        .rows("SELECT run_id FROM runs WHERE booked_at < '2026-11-01' ORDER BY booked_at, run_id")
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    let cost = |id: Uuid, usd: f64| {
        workspace.sandbox.model().change(id, |run| {
            run.insert("el_cost_usd".to_owned(), json!(usd));
        });
    };
    let named: Vec<Uuid> = workspace
        .rows("SELECT DISTINCT pipeline_id FROM runs WHERE booked_at < '2026-11-01' ORDER BY 1")
        .iter()
        .map(|id| id.parse().unwrap())
        .collect();
    workspace.wait(TimeDelta::hours(1));
    cost(october[0], 1.25);
    workspace.sandbox.model().change(october[1], |run| {
        run.insert("started_at".to_owned(), json!("2026-11-01T03:00:00.000000Z"));
    });
    workspace.sandbox.model().rename_pipeline(named[0], "Vendas, renomeado");
    workspace.sandbox.model().delete_pipeline(named[1]);
    workspace.sync(&full);
    close(&workspace, "2026-11-23T19:30:00Z");
    workspace.wait(TimeDelta::hours(1));
    cost(october[0], 1.5);
    workspace.sandbox.model().rename_pipeline(named[0], "Vendas, de novo");
    workspace.sync(&full);
    workspace
}

/// The terms that the closes freeze.
fn terms() -> MonthTerms {
    let fee_usd = Usd::from_units(1_490_000_000_000);
    MonthTerms { plan: Some(Plan { fee_usd, credits: 1200 }), ..MonthTerms::default() }
}

/// Closes October as `runledger close --force` does, at an instant that is the same in each test.
fn close(workspace: &Workspace, closed_at: &str) {
    let lock = Lock::acquire(&workspace.path(), at(closed_at)).unwrap();
    let archive = Archive::open(&workspace.path(), &lock).unwrap();
    let known_at = archive.last_observed_at().unwrap().unwrap();
    let zone = chrono_tz::Tz::America__Sao_Paulo;
    let october = Period::named("2026-10", zone).unwrap();
    let rules =
        r#"[{"centre":"Fontes","kind":"source"},{"centre":"À mão","trigger":"manual","from":"2026-10-28"}]"#;
    let scope = Scope {
        span: Span { from: october.start, until: october.end },
        zone,
        as_of: Some(known_at),
        allocation: serde_json::from_str(rules).unwrap(),
        ..Scope::default()
    };
    let ledger = Ledger::open(archive.connection(), scope).unwrap();
    let totals = totals(&ledger).unwrap();
    drop(ledger);
    archive
        .insert_close(&Frozen {
            period: october.label,
            restates: archive.close_of("2026-10").unwrap().map(|before| before.close_id),
            closed_at: at(closed_at),
            known_at,
            zone: zone.to_string(),
            starts_at: october.start.unwrap(),
            ends_at: october.end.unwrap(),
            date_basis: "started".to_owned(),
            allocation: rules.to_owned(),
            objections: Some(json!(["it is a test"]).to_string()),
            totals,
            row_layout: runledger::internal::store::RowLayout::default(),
            terms: Some(terms().freeze()),
            closed_by: Some("Ana".to_owned()),
            note: None,
        })
        .unwrap();
}

/// Edits an archive by hand, without CHECK constraints and foreign keys.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(sql).unwrap();
    assert!(connection.total_changes() > 0 || sql.contains("DROP"), "the statement changed nothing: {sql}");
}

/// The names of the failed checks.
pub(crate) fn broken(path: &Path) -> (i32, Vec<String>) {
    let ran = run(path, &["check", "--json"]);
    let printed = json_of(&ran);
    let checks = printed["checks"].as_array().unwrap();
    let broken: Vec<String> = checks
        .iter()
        .filter(|check| check["broken"] != 0)
        .inspect(|check| assert!(!check["examples"].as_array().unwrap().is_empty(), "{check}"))
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(printed["sound"], json!(broken.is_empty()));
    for name in &broken {
        assert!(ran.err.contains(name.as_str()), "{}", ran.err);
    }
    (ran.code, broken)
}
