//! Connections that break, stall, trickle or exceed the size limit.

use super::ALL;
use crate::support::fault::{Fault, FaultPlan, Target};
use crate::support::fault_proxy::FaultProxy;
use crate::support::fault_scenario;
use crate::support::fault_scenario::{
    FaultScenario, RUNS, assert_invariants, error_text, exit_code, one_by_one,
};
use crate::support::workspace::{PAGE_SIZE, Workspace, manners, options};
use runledger::internal::api::{ClientConfig, Limits, RetryPolicy};
use runledger::internal::sync::Options;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Short limits, so that tests do not wait.
fn hurried() -> ClientConfig {
    let limits = Limits {
        idle: Duration::from_millis(100),
        total: Duration::from_millis(400),
        body_bytes: 1024 * 1024,
        ..Limits::default()
    };
    ClientConfig { limits, retry: RetryPolicy { attempts: 2, ..manners().retry }, ..ClientConfig::default() }
}

#[test]
fn a_refused_connection_is_reported() {
    let scenario = FaultScenario::of(FaultPlan::none());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = runledger::internal::api::BaseUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let key = runledger::internal::secret::ApiKey::new("k", "the test").unwrap();
    let client = runledger::internal::api::Client::new(address, &key, manners()).unwrap();
    let summary = scenario.sync_by(Arc::new(client), &one_by_one());
    assert_eq!((exit_code(&summary), scenario.run_count()), (5, RUNS[0]));
    assert!(error_text(&summary).contains("refused"), "{}", error_text(&summary));
    scenario.recovers();
}

#[test]
fn a_transfer_that_breaks_once_is_retried() {
    for fault in [Fault::Reset, Fault::ResetInBody, Fault::ShortBody, Fault::DamagedGzip] {
        let scenario = FaultScenario::of(FaultPlan::once(Target::Page(2), fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL));
        scenario.recovers();
    }
}

#[test]
fn gzip_in_two_members_and_a_byte_order_mark_are_read() {
    let with_mark = Fault::EditText(|text| format!("\u{feff}{text}").into_bytes());
    for fault in [Fault::TwoGzipMembers, with_mark] {
        let scenario = FaultScenario::of(FaultPlan::always(Target::Any, fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL), "{}", error_text(&summary));
        assert_eq!(summary.counts.requests as usize, scenario.proxy.request_heads().len());
        assert!(summary.counts.requests < 15, "nothing was retried: {} requests", summary.counts.requests);
        scenario.recovers();
    }
}

#[test]
fn a_transfer_that_always_breaks_keeps_the_pages_above_it() {
    for fault in [Fault::Reset, Fault::ResetInBody, Fault::ShortBody, Fault::DamagedGzip] {
        let scenario = FaultScenario::of(FaultPlan::none().and(Target::Runs, 3..=usize::MAX, fault));
        let summary = scenario.sync();
        assert_eq!((exit_code(&summary), summary.counts.seen), (5, 2 * u64::from(PAGE_SIZE)));
        scenario.recovers();
    }
}

#[test]
fn a_stalled_transfer_ends_at_the_idle_timeout() {
    for fault in [Fault::Stall, Fault::StallInBody] {
        let scenario = FaultScenario::of(FaultPlan::once(Target::Page(2), fault.clone()));
        let summary = scenario.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), scenario.run_count()), (0, ALL));
        scenario.recovers();
        let scenario = FaultScenario::of(FaultPlan::none().and(Target::Runs, 2..=usize::MAX, fault));
        let summary = scenario.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), summary.counts.seen), (5, u64::from(PAGE_SIZE)));
        assert!(error_text(&summary).contains("no response in time"), "{}", error_text(&summary));
        scenario.recovers();
    }
}

#[test]
fn a_slow_trickle_ends_at_the_total_timeout() {
    let trickle = Fault::Trickle(Duration::from_millis(20));
    let scenario = FaultScenario::of(FaultPlan::none().and(Target::Runs, 2..=usize::MAX, trickle));
    let summary = scenario.sync_with(hurried(), &one_by_one());
    assert_eq!((exit_code(&summary), summary.counts.seen), (5, u64::from(PAGE_SIZE)));
    assert!(error_text(&summary).contains("no response in time"), "{}", error_text(&summary));
    scenario.recovers();
}

#[test]
fn an_oversized_response_is_never_read_whole() {
    // Four gibibytes from 26 MB, and an endless response.
    for fault in [Fault::GzipBomb { bytes: 1 << 32 }, Fault::Flood] {
        let scenario = FaultScenario::of(FaultPlan::always(Target::Runs, fault));
        let summary = scenario.sync_with(hurried(), &one_by_one());
        assert_eq!((exit_code(&summary), scenario.run_count()), (5, RUNS[0]), "{}", error_text(&summary));
        assert!(error_text(&summary).contains("larger than 1048576 bytes"), "{}", error_text(&summary));
        // Pages of 20 and 16 runs, and two single runs elsewhere: each was requested once.
        let asked = scenario.proxy.request_heads().iter().filter(|head| head.contains("/runs/")).count();
        assert_eq!(asked, 4);
        // Bytes in the operating system's buffers count as read.
        let each = scenario.proxy.streamed_bytes() / asked as u64;
        assert!(each < 13_000_000, "{each} bytes");
        scenario.recovers();
    }
}

#[test]
fn an_oversized_page_is_read_in_smaller_pages() {
    let scenario = FaultScenario::of(FaultPlan::none());
    for id in scenario.workspace.ids().iter().skip(25).take(14) {
        scenario.workspace.sandbox.model().change(*id, |run| {
            run.insert("extra_config".to_owned(), json!({"text": "x".repeat(100_000)}));
        });
    }
    for concurrency in [1, 4] {
        let options = Options { concurrency, ..one_by_one() };
        let summary = scenario.sync_with(hurried(), &options);
        assert_eq!((exit_code(&summary), summary.counts.seen), (0, ALL as u64), "{}", error_text(&summary));
        assert!(scenario.workspace.archived() == scenario.workspace.truth());
        let page_size =
            scenario.workspace.number("SELECT page_size FROM syncs ORDER BY sync_id DESC LIMIT 1");
        assert_eq!(page_size, 16);
    }
    scenario.recovers();
}

#[test]
fn an_interrupted_first_sync_resumes_with_another_page_size() {
    for page_size in [1, 3, 7, 20, 50, 500] {
        let workspace = Workspace::of(100);
        let broken = FaultPlan::none().and(Target::Runs, 4..=usize::MAX, Fault::status(500));
        let proxy = workspace.runtime.block_on(FaultProxy::start(&workspace.sandbox, broken)).unwrap();
        let client = || fault_scenario::client(&workspace, &proxy, manners());
        let options = Options { concurrency: 1, ..options() };
        assert_eq!(exit_code(&workspace.sync_by(client(), &options)), 5);
        assert_eq!(workspace.archived().len(), 60);
        proxy.set_plan(FaultPlan::none());
        let summary = workspace.sync_by(client(), &Options { page_size, ..options });
        assert_eq!(
            (exit_code(&summary), summary.counts.new),
            (0, 40),
            "{page_size}: {}",
            error_text(&summary)
        );
        assert_eq!(workspace.archived(), workspace.truth());
        assert_invariants(&workspace.path());
    }
}
