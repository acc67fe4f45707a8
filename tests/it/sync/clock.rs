//! Syncs with a wrong system clock, and runs that are dated in the future.

use super::{complete, full, settled, tally};
use crate::support::workspace::{Workspace, at, options};
use chrono::TimeDelta;
use runledger::internal::error::{Error, Result};
use runledger::internal::run::Instant;
use runledger::internal::store::{Archive, Lock, SyncKind};
use runledger::internal::sync::{CancelToken, Clock, Observer, Options, Progress, SyncContext, sync};
use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

/// Sets the clock to a time this much later than it is, syncs, and sets it back.
fn sync_with_wrong_clock(workspace: &Workspace, ahead: TimeDelta, options: &Options) {
    let right = workspace.clock.now();
    workspace.clock.set(right.plus(ahead).as_str());
    complete(workspace, options);
    workspace.clock.set(right.as_str());
}

/// Changes the cost of a run without a trace in the newest part of the list.
fn change_cost(workspace: &Workspace, id: Uuid, usd: f64) {
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), json!(usd));
    });
}

#[test]
fn full_walks_continue_after_a_sync_with_a_clock_a_year_ahead() {
    for ahead in [TimeDelta::days(365), TimeDelta::days(-365)] {
        let workspace = Workspace::of(250);
        let oldest = *settled(&workspace.sandbox.model()).last().unwrap();
        complete(&workspace, &options());
        sync_with_wrong_clock(&workspace, ahead, &full());
        // Every silent change is found within the week that `--full-every` sets.
        for week in 1..=3 {
            change_cost(&workspace, oldest, f64::from(week));
            let mut found = 0;
            for _ in 0..8 {
                workspace.wait(TimeDelta::days(1));
                found += tally(&complete(&workspace, &options()))[1];
            }
            assert_eq!(found, 1, "{ahead}, week {week}");
            assert_eq!(workspace.archived(), workspace.truth(), "{ahead}, week {week}");
        }
    }
}

#[test]
fn a_first_sync_with_a_wrong_clock_is_followed_by_a_full_one() {
    let workspace = Workspace::of(60);
    sync_with_wrong_clock(&workspace, TimeDelta::days(365), &options());
    let summary = complete(&workspace, &options());
    assert_eq!(summary.kind, SyncKind::Full);
    assert!(summary.reason.ends_with(", in the future"), "{}", summary.reason);
    assert!(summary.clock_went_back && summary.observations_ahead > TimeDelta::days(364), "{summary:?}");
    let summary = complete(&workspace, &options());
    assert_eq!((summary.kind, summary.clock_went_back), (SyncKind::Incremental, false));
    assert!(summary.observations_ahead > TimeDelta::days(364), "the order of observations is kept");
    let clocks = "SELECT substr(clock_started_at, 1, 10), substr(clock_ended_at, 1, 10) FROM syncs";
    assert_eq!(
        workspace.rows(clocks),
        ["2027-11-23|2027-11-23", "2026-11-23|2026-11-23", "2026-11-23|2026-11-23"]
    );
}

#[test]
fn a_run_dated_9999_does_not_shorten_the_lookback() {
    let week = Options { lookback: TimeDelta::days(7), ..options() };
    for from_an_older_version in [false, true] {
        let workspace = Workspace::of(250);
        let ids = workspace.ids();
        workspace.sandbox.model().change(ids[0], |run| {
            run.insert("created_at".to_owned(), json!("9999-12-31T00:00:00.000000Z"));
        });
        complete(&workspace, &week);
        assert_eq!(workspace.rows("SELECT watermark FROM syncs"), [workspace.clock.now().as_str()]);
        if from_an_older_version {
            let sql = "UPDATE syncs SET watermark = walk_top";
            Connection::open(workspace.path()).unwrap().execute_batch(sql).unwrap();
            assert_eq!(workspace.rows("SELECT watermark FROM syncs"), ["9999-12-31T00:00:00.000000Z"]);
        }
        // Three days ago, and on the third page.
        let id = ids[45];
        assert!(workspace.truth()[&id]["created_at"].as_str().unwrap() > "2026-11-16");
        change_cost(&workspace, id, 0.125);
        let summary = complete(&workspace, &week);
        assert_eq!((summary.kind, tally(&summary)[1]), (SyncKind::Incremental, 1));
        let latest = "SELECT watermark FROM syncs ORDER BY sync_id DESC LIMIT 1";
        assert_eq!(workspace.rows(latest), [workspace.clock.now().as_str()]);
    }
}

#[test]
fn an_unsettled_run_stays_unsettled_after_a_wrong_clock() {
    let workspace = Workspace::of(250);
    let id = *settled(&workspace.sandbox.model()).last().unwrap();
    workspace.sandbox.model().change(id, |run| {
        run.insert("el_cost_usd".to_owned(), json!(null));
        run.insert("transformation_cost_usd".to_owned(), json!(null));
    });
    let settling = Options { settle: TimeDelta::days(60), ..options() };
    complete(&workspace, &settling);
    sync_with_wrong_clock(&workspace, TimeDelta::days(365), &settling);
    complete(&workspace, &settling);
    workspace.sandbox.forget_requests();
    complete(&workspace, &settling);
    assert!(workspace.requested_runs().contains(&id), "its cost can still arrive");
}

struct Silent;

impl Observer for Silent {
    fn advanced(&mut self, _: &Progress) {}
}

/// Syncs at that time of the clock.
fn sync_at(workspace: &Workspace, now: Instant) -> Result<()> {
    struct Fixed(Instant);
    impl Clock for Fixed {
        fn now(&self) -> Instant {
            self.0
        }
    }
    let lock = Lock::acquire(&workspace.path(), workspace.clock.now()).unwrap();
    let archive = Archive::open(&workspace.path(), &lock).unwrap();
    let context = SyncContext {
        client: workspace.client(),
        handle: workspace.runtime.handle(),
        clock: &Fixed(now),
        cancel: &CancelToken::default(),
        observer: &mut Silent,
    };
    sync(&archive, context, &options())?.result
}

#[test]
fn a_clock_outside_of_the_calendar_is_refused_before_anything_is_stored() {
    let workspace = Workspace::of(20);
    for clock in ["9999-12-31T23:59:59.999999Z", "9999-06-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
        let error = sync_at(&workspace, at(clock)).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        assert!(error.to_string().starts_with("the system clock is at "), "{error}");
        assert!(matches!(&error, Error::Usage { hint: Some(hint), .. } if hint.contains("set the clock")));
    }
    assert_eq!(workspace.number("SELECT count(*) FROM syncs"), 0);
    assert_eq!(workspace.sandbox.request_count(), 0);
    // A clock that was reset to 1970, or that is at the end, is only wrong.
    for clock in ["1970-01-01T00:00:00Z", "9998-12-31T23:59:59.999999Z", "2026-11-23T16:00:00Z"] {
        sync_at(&workspace, at(clock)).unwrap();
        assert_eq!(workspace.archived(), workspace.truth(), "{clock}");
    }
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots WHERE superseded_at <= observed_at"), 0);
}
