//! The advice to look back further: only from costs that changed too late, and only after a sync that found them.

use super::complete;
use crate::support::command::{Ran, ran};
use crate::support::workspace::{Workspace, options};
use chrono::TimeDelta;
use runledger::internal::sandbox::Outcome;
use runledger::internal::sync::Options;
use serde_json::json;
use std::process::Command;
use uuid::Uuid;

fn full() -> Options {
    Options { full: true, ..options() }
}

/// A workspace of settled runs in thirty days, synced once.
fn settled() -> Workspace {
    let workspace = Workspace::of(60);
    {
        let mut model = workspace.sandbox.model();
        for id in model.in_progress() {
            model.finish(id, Outcome::Success);
        }
        let ids: Vec<Uuid> = model.ids().collect();
        for id in ids {
            model.change(id, |run| drop(run.insert("el_cost_usd".to_owned(), json!(0.5))));
        }
    }
    complete(&workspace, &full());
    workspace
}

/// Corrects the cost of the oldest runs.
fn correct(workspace: &Workspace, runs: usize, cost: f64) {
    let mut ids = workspace.ids();
    ids.sort_by_key(|id| workspace.sandbox.model().document(*id).unwrap()["created_at"].to_string());
    for id in &ids[..runs] {
        workspace.sandbox.model().change(*id, |run| drop(run.insert("el_cost_usd".to_owned(), json!(cost))));
    }
}

/// The runs, the days and the recommended lookback.
fn advice(workspace: &Workspace, options: &Options) -> Option<(u64, i64, Option<i64>)> {
    let advice = complete(workspace, options).lookback_advice?;
    Some((advice.runs, advice.latest_days, advice.lookback_days()))
}

#[test]
fn costs_that_change_late_recommend_a_longer_lookback() {
    let workspace = settled();
    workspace.wait(TimeDelta::days(10));
    correct(&workspace, 6, 0.75);
    let (runs, days, lookback) = advice(&workspace, &full()).expect("six runs changed late");
    assert_eq!((runs, lookback), (6, Some(days)));
    assert!((35..=41).contains(&days), "{days}");
    // The evidence stays, and each recommended value ends the advice.
    assert!(advice(&workspace, &full()).is_some());
    assert_eq!(advice(&workspace, &Options { lookback: TimeDelta::days(days), ..full() }), None);
    assert_eq!(advice(&workspace, &Options { full_every: TimeDelta::days(1), ..full() }), None);
    assert!(advice(&workspace, &Options { lookback: TimeDelta::days(12), ..full() }).is_some());
    // An incremental sync brings no evidence and looks for none.
    assert_eq!(advice(&workspace, &options()), None);
}

#[test]
fn a_healthy_archive_gets_no_advice_on_its_lookback() {
    let workspace = settled();
    assert_eq!(advice(&workspace, &full()), None);
    // A few late corrections are no evidence.
    workspace.wait(TimeDelta::days(10));
    correct(&workspace, 4, 0.75);
    assert_eq!(advice(&workspace, &full()), None);
    // Nor are changes of other fields, or costs within the lookback.
    let ids = workspace.ids();
    for id in &ids {
        workspace.sandbox.model().change(*id, |run| drop(run.insert("number".to_owned(), json!(7))));
    }
    assert_eq!(advice(&workspace, &full()), None);
    correct(&workspace, 60, 0.9);
    assert_eq!(advice(&workspace, &Options { lookback: TimeDelta::days(100), ..full() }), None);
}

#[test]
fn a_cost_that_a_sync_requests_by_id_is_not_late() {
    let workspace = Workspace::of(60);
    let cost = |value: serde_json::Value| {
        let mut model = workspace.sandbox.model();
        let newest: Vec<Uuid> = model.ids().take(8).collect();
        for id in newest {
            model.change(id, |run| {
                run.insert("status".to_owned(), json!("success"));
                run.insert("ended_at".to_owned(), json!("2026-11-23T15:00:00.000000Z"));
                run.insert("transformation_cost_usd".to_owned(), json!(null));
                run.insert("el_cost_usd".to_owned(), value.clone());
            });
        }
    };
    cost(json!(null));
    complete(&workspace, &full());
    workspace.wait(TimeDelta::days(3));
    cost(json!(0.5));
    let none = Options { lookback: TimeDelta::zero(), ..full() };
    assert_eq!(advice(&workspace, &none), None);
    // Without a settling time, only the whole list has them.
    let late = advice(&workspace, &Options { settle: TimeDelta::zero(), ..none });
    assert_eq!(late.map(|(runs, ..)| runs), Some(8));
}

#[test]
fn old_evidence_ends_the_advice() {
    let workspace = settled();
    workspace.wait(TimeDelta::days(10));
    correct(&workspace, 6, 0.75);
    assert!(advice(&workspace, &full()).is_some());
    workspace.wait(TimeDelta::days(91));
    assert_eq!(advice(&workspace, &full()), None);
}

/// A sync of the command, at the current time.
fn sync(workspace: &Workspace, more: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
    command
        .env_clear()
        .current_dir(workspace.file(""))
        .env("NEKT_API_KEY", workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .args(["sync", "--full", "--quiet", "--db"])
        .arg(workspace.path())
        .args(more);
    ran(command)
}

#[test]
fn sync_prints_values_that_end_the_warning() {
    let workspace = settled();
    correct(&workspace, 20, 0.75);
    let ran = sync(&workspace, &["--lookback", "0d"]);
    assert!(
        ran.code == 0 && ran.err.starts_with("warning: the costs of 20 runs changed more than 0 s after"),
        "{ran:?}"
    );
    let words: Vec<&str> = ran.err.split('`').skip(1).step_by(2).collect();
    assert_eq!(words.last(), Some(&"--full-every 1d"), "{ran:?}");
    for advised in words {
        let ran = sync(&workspace, &advised.split(' ').collect::<Vec<_>>());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{advised}");
    }
    let printed = sync(&workspace, &["--lookback", "0d", "--json"]);
    let printed: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(printed["lookback_advice"]["runs"], 20);
}
