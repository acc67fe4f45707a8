//! What commands print with `--quiet`, and a sync when no API can be reached.

use super::{command_with, run, with};
use crate::support::command::Ran;
use crate::support::fault::{Fault, FaultPlan, Target};
use crate::support::fault_proxy::FaultProxy;
use crate::support::month_end::{MONTH, MonthEnd, ZONE};
use crate::support::network::closed_port;
use crate::support::workspace::Workspace;
use std::fs;

/// Syncs through a proxy that injects faults, one request at a time.
fn sync_under(workspace: &Workspace, plan: FaultPlan, flags: &[&str]) -> Ran {
    let proxy = workspace.runtime.block_on(FaultProxy::start(&workspace.sandbox, plan)).unwrap();
    let url = proxy.url();
    let sync = ["sync", "--concurrency", "1", "--api-url", &url];
    with(workspace, &[&sync, flags].concat())
}

#[test]
fn quiet_is_quiet_when_a_retry_succeeds() {
    let once = || FaultPlan::once(Target::Page(1), Fault::status(503));
    let loud = sync_under(&Workspace::of(30), once(), &[]);
    assert!(loud.code == 0 && loud.err.contains("retrying"), "{loud:?}");
    let quiet = sync_under(&Workspace::of(30), once(), &["--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (0, "", ""));
    let verbose = sync_under(&Workspace::of(30), once(), &["--quiet", "-v"]);
    assert!(verbose.err.contains("retrying"), "{verbose:?}");
}

#[test]
fn a_quiet_sync_that_fails_prints_its_retries_and_no_summary() {
    let plan =
        FaultPlan::once(Target::Any, Fault::status(503)).and(Target::Any, 2..=usize::MAX, Fault::status(401));
    let failed = sync_under(&Workspace::of(30), plan, &["--quiet"]);
    assert_eq!((failed.code, failed.out.as_str()), (4, ""), "{failed:?}");
    let (retry, error) = (failed.err.find("retrying"), failed.err.find("error: the API rejected the key"));
    assert!(retry.is_some() && retry < error, "the retries come before the error: {}", failed.err);
}

#[test]
fn an_unreachable_api_prints_one_error_and_no_summary() {
    let workspace = Workspace::of(0);
    let url = format!("http://127.0.0.1:{}", closed_port());
    for flags in [&[][..], &["--quiet"]] {
        let mut sync = command_with(&workspace, &[&["sync"], flags].concat());
        sync.env("RUNLEDGER_API_URL", &url);
        let failed = run(sync);
        assert_eq!((failed.code, failed.out.as_str()), (5, ""), "{failed:?}");
        assert_eq!(failed.err.matches("error: ").count(), 1, "{failed:?}");
        assert!(failed.err.starts_with(&format!("error: cannot connect to {url}\n")), "{failed:?}");
    }
}

#[test]
fn a_quiet_command_prints_nothing_when_all_is_well() {
    let month_end = MonthEnd::of(20);
    let rates = "31012025;220;A;USD;5,8295;5,8301;1,0000;1,0000\n";
    fs::write(month_end.workspace.file("PTAX.csv"), rates).unwrap();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end.output(&["export", "costs", "--period", MONTH, "--manifest", "--output", "rows.csv"]);
    for arguments in [
        &["check"][..],
        &["backup", "copy.db"],
        &["restore", "copy.db"],
        &["migrate"],
        &["fx", "import", "PTAX.csv", "--rates", "rates.csv"],
        &["verify-file", "rows.csv"],
        &["statements", "--check", "month"],
        &["demo", "--runs", "100", "--db", "demo.db"],
    ] {
        if arguments[0] == "statements" {
            let written = month_end.run(&["statements", "--period", MONTH, "--output", "month", "-q"]);
            assert_eq!((written.code, written.out.as_str()), (0, ""), "{written:?}");
            assert!(!written.err.contains("USD in total"), "{written:?}");
        }
        let quiet = month_end.run(&[arguments, &["-q"]].concat());
        assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (0, "", ""), "{arguments:?}");
        let loud = month_end.run(arguments);
        assert!(loud.code == 0 && !loud.out.is_empty(), "{arguments:?}: {loud:?}");
    }
}

#[test]
fn a_quiet_comparison_prints_what_differs() {
    let month_end = MonthEnd::of(20);
    month_end.output(&["export", "costs", "--manifest", "--output", "rows.csv"]);
    let file = month_end.workspace.file("rows.csv");
    let rows = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{rows}\n")).unwrap();
    let quiet = month_end.run(&["verify-file", "rows.csv", "--quiet"]);
    assert!(quiet.code == 3 && quiet.out.contains("DIFFERS  SHA-256"), "{quiet:?}");
    assert!(quiet.out.lines().all(|line| line.starts_with("DIFFERS")), "{quiet:?}");
    let workspace = Workspace::of(20);
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
    let same = with(&workspace, &["verify", "--quiet"]);
    assert_eq!((same.code, same.out.as_str(), same.err.as_str()), (0, "", ""));
}
