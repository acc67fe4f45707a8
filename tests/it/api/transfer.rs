//! This is the test of connections that break, stall, trickle or swell.

use super::ALL;
use crate::support::fault_scenario;
use crate::support::fault_scenario::{FaultScenario, RUNS, assert_invariants, exit_code, one_by_one, told};
use crate::support::workspace::{PAGE_SIZE, Workspace, manners, options};
use runledger::api::{ClientConfig, Limits, RetryPolicy};
use runledger::sandbox::{Fault, FaultPlan, Gateway, Which};
use runledger::sync::Options;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Limits that a test need not wait for.
fn hurried() -> ClientConfig {
    let limits = Limits {
        idle: Duration::from_millis(100),
        total: Duration::from_millis(400),
        body_bytes: 1024 * 1024,
        ..Limits::default()
    };
    ClientConfig {
        limits,
        patience: RetryPolicy { attempts: 2, ..manners().patience },
        ..ClientConfig::default()
    }
}

#[test]
fn a_connection_that_is_refused_is_named() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = runledger::api::BaseUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let key = runledger::secret::ApiKey::new("k", "the test").unwrap();
    let nobody = runledger::api::Client::new(address, &key, manners()).unwrap();
    let summary = scenario.sync_by(Arc::new(nobody), &one_by_one());
    assert_eq!((exit_code(&summary), scenario.kept()), (5, RUNS[0]));
    assert!(told(&summary).contains("refused"), "{}", told(&summary));
    scenario.recovers();
}

#[test]
fn a_transfer_that_breaks_once_is_made_again() {
    for fault in [Fault::Reset, Fault::ResetInBody, Fault::ShortBody, Fault::DamagedGzip] {
        let scenario = FaultScenario::of(FaultPlan::once(Which::Page(2), fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL));
        scenario.recovers();
    }
}

#[test]
fn a_transfer_that_always_breaks_leaves_what_was_read_above_it() {
    for fault in [Fault::Reset, Fault::ResetInBody, Fault::ShortBody, Fault::DamagedGzip] {
        let scenario = FaultScenario::of(FaultPlan::always(Which::Page(3), fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, 2 * u64::from(PAGE_SIZE)));
        scenario.recovers();
    }
}

#[test]
fn a_silence_longer_than_the_idle_limit_is_broken_off() {
    for fault in [Fault::Stall, Fault::StallInBody] {
        let scenario = FaultScenario::of(FaultPlan::once(Which::Page(2), fault.clone()));
        let summary = scenario.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), scenario.kept()), (0, ALL));
        scenario.recovers();
        let scenario = FaultScenario::of(FaultPlan::always(Which::Page(2), fault));
        let summary = scenario.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)));
        assert!(told(&summary).contains("no answer in time"), "{}", told(&summary));
        scenario.recovers();
    }
}

#[test]
fn a_trickle_that_is_never_silent_ends_at_the_total_limit() {
    let scenario =
        FaultScenario::of(FaultPlan::always(Which::Page(2), Fault::Trickle(Duration::from_millis(20))));
    let summary = scenario.sync_with(hurried(), &one_by_one());
    assert_eq!((exit_code(&summary), summary.tally.seen), (5, u64::from(PAGE_SIZE)));
    assert!(told(&summary).contains("no answer in time"), "{}", told(&summary));
    scenario.recovers();
}

#[test]
fn what_swells_beyond_the_limit_is_never_swallowed_whole() {
    // Four gibibytes from 26 MB; and an answer without an end.
    for fault in [Fault::GzipBomb { bytes: 1 << 32 }, Fault::Flood] {
        let scenario = FaultScenario::of(FaultPlan::always(Which::Runs, fault));
        let summary = scenario.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), scenario.kept()), (5, RUNS[0]), "{}", told(&summary));
        assert!(told(&summary).contains("larger than 1048576 bytes"), "{}", told(&summary));
        // Pages of 20, 5 and 1: each was asked for once.
        let asked = scenario.gateway.heads().iter().filter(|head| head.contains("/runs/")).count();
        assert_eq!(asked, 3);
        // What the system's own buffers hold counts as taken in.
        let each = scenario.gateway.swallowed_bytes() / asked as u64;
        assert!(each < 13_000_000, "{each} bytes");
        scenario.recovers();
    }
}

#[test]
fn a_page_that_is_too_large_is_read_in_smaller_ones() {
    let scenario = FaultScenario::of(FaultPlan::none());
    for id in scenario.workspace.ids().iter().skip(25).take(14) {
        scenario.workspace.sandbox.model().change(*id, |run| {
            run.insert("extra_config".to_owned(), json!({"text": "x".repeat(100_000)}));
        });
    }
    for concurrency in [1, 4] {
        let options = Options { concurrency, ..one_by_one() };
        let summary = scenario.sync_with(hurried(), &options);
        assert_eq!((exit_code(&summary), summary.tally.seen), (0, ALL as u64), "{}", told(&summary));
        assert!(scenario.workspace.archived() == scenario.workspace.truth());
        let page_size =
            scenario.workspace.number("SELECT page_size FROM syncs ORDER BY sync_id DESC LIMIT 1");
        assert_eq!(page_size, i64::from(PAGE_SIZE / 4));
    }
    scenario.recovers();
}

#[test]
fn an_interrupted_first_sync_goes_on_with_pages_of_another_size() {
    for page_size in [1, 3, 7, 20, 50, 500] {
        let workspace = Workspace::of(100);
        let broken = FaultPlan::always(Which::Page(4), Fault::status(500));
        let gateway = workspace.runtime.block_on(Gateway::before(&workspace.sandbox, broken)).unwrap();
        let client = || fault_scenario::client(&workspace, &gateway, manners());
        let options = Options { concurrency: 1, ..options() };
        assert_eq!(exit_code(&workspace.sync_by(client(), &options)), 5);
        assert_eq!(workspace.archived().len(), 60);
        gateway.set_plan(FaultPlan::none());
        let summary = workspace.sync_by(client(), &Options { page_size, ..options });
        assert_eq!((exit_code(&summary), summary.tally.new), (0, 40), "{page_size}: {}", told(&summary));
        assert_eq!(workspace.archived(), workspace.truth());
        assert_invariants(&workspace.path());
    }
}
