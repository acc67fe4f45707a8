//! Interrupted syncs: the next one resumes.

use super::{complete, exit_code, full, interrupted_at, settled, tally};
use crate::support::workspace;
use crate::support::workspace::{PAGE_SIZE, Workspace, archived_in, options, run_of};
use chrono::TimeDelta;
use runledger::internal::sandbox::{Order, Outcome};
use runledger::internal::store::SyncKind;
use runledger::internal::sync::{CancelToken, Observer, Options, Phase, Progress};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn an_interrupted_first_sync_keeps_its_pages_and_resumes_below() {
    let workspace = Workspace::of(250);
    let one_by_one = Options { concurrency: 1, ..options() };
    let summary = interrupted_at(&workspace, 6, &one_by_one);
    assert_eq!((exit_code(&summary), summary.counts.new), (130, 100));
    assert_eq!(workspace.archived().len(), 100);
    assert_eq!(
        workspace.rows("SELECT kind, outcome, exit_code, pages, walk_page, walk_complete FROM syncs"),
        ["first|interrupted|130|5|5|0"]
    );

    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &one_by_one);
    assert_eq!((summary.kind, summary.counts.new), (SyncKind::First, 150));
    // The top for runs created meanwhile, the page before for the overlap, then the remaining pages.
    assert_eq!(workspace.requested_pages(), Vec::from_iter([1, 2].into_iter().chain(5..=13)));
    assert_eq!(workspace.archived(), workspace.truth());

    workspace.sandbox.forget_requests();
    assert_eq!(complete(&workspace, &one_by_one).kind, SyncKind::Incremental, "the first walk is complete");
    assert_eq!(workspace.requested_pages(), [1, 2]);
    let undisturbed = workspace.file("undisturbed.db");
    assert!(workspace.sync_into(&undisturbed, &one_by_one).result.is_ok());
    assert_eq!(workspace.archived(), archived_in(&undisturbed));
}

/// The counts of each progress report of a walk.
#[derive(Default)]
struct Recorder(Vec<(u64, Option<u64>)>);

impl Observer for Recorder {
    fn advanced(&mut self, progress: &Progress) {
        if progress.phase == Phase::Walk {
            self.0.push((progress.done, progress.total));
        }
    }
}

#[test]
fn the_progress_of_a_resumed_first_sync_goes_on_where_it_stopped() {
    let workspace = Workspace::of(250);
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 6, &one_by_one)), 130);
    let mut recorder = Recorder::default();
    assert!(workspace.sync_observed(&mut recorder, &one_by_one).result.is_ok());
    let done: Vec<u64> = recorder.0.iter().map(|(done, _)| *done).collect();
    assert_eq!(done.first(), Some(&100), "{done:?}");
    assert!(done.is_sorted(), "{done:?}");
    assert_eq!(recorder.0.last(), Some(&(250, Some(250))));
}

#[test]
fn prefetched_pages_do_not_affect_where_a_first_sync_resumes() {
    let workspace = Workspace::of(250);
    let summary = interrupted_at(&workspace, 9, &options());
    assert_eq!(exit_code(&summary), 130);
    let kept = u32::try_from(workspace.number("SELECT coalesce(walk_page, 0) FROM syncs")).unwrap();
    assert!((4..9).contains(&kept), "page 9 is requested no earlier than page 5 is awaited: {kept}");
    assert_eq!(workspace.archived().len() as u32, kept * PAGE_SIZE);
    workspace.sandbox.forget_requests();
    complete(&workspace, &options());
    // Late requests of the interrupted sync can still arrive: they are for pages further down.
    let asked = BTreeSet::from_iter(workspace.requested_pages());
    assert_eq!(asked, BTreeSet::from_iter((kept..=13).chain([1, 2])));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_first_sync_interrupted_twice_ends_undisturbed() {
    let workspace = Workspace::of(250);
    let one_by_one = Options { concurrency: 1, ..options() };
    for (page, asked) in [(4, vec![1, 2, 3, 4]), (9, vec![1, 2, 3, 4, 5, 6, 7, 8, 9])] {
        workspace.sandbox.forget_requests();
        assert_eq!(exit_code(&interrupted_at(&workspace, page, &one_by_one)), 130);
        assert_eq!(workspace.requested_pages(), asked);
    }
    workspace.sandbox.forget_requests();
    complete(&workspace, &one_by_one);
    assert_eq!(workspace.requested_pages(), Vec::from_iter([1, 2].into_iter().chain(8..=13)));
    assert_eq!(workspace.archived(), workspace.truth());
    assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 250);
    assert_eq!(
        workspace.rows("SELECT outcome, runs_new FROM syncs ORDER BY sync_id"),
        ["interrupted|60", "interrupted|100", "complete|90"]
    );
}

#[test]
fn a_stopped_first_sync_has_whole_pages_and_matching_progress() {
    for reading in 1.. {
        let workspace = Workspace::of(60);
        workspace.sandbox.model().omit_from_lists(if reading % 2 == 0 { &["trigger"] } else { &[] });
        let one_by_one = Options { concurrency: 1, ..options() };
        let stop = Arc::new(CancelToken::default());
        workspace.clock.stop_at(reading, Arc::clone(&stop));
        let summary = workspace.sync_until(&stop, &one_by_one);
        if summary.result.is_ok() {
            assert!(reading > 10, "the clock is read for each page");
            break;
        }
        assert_eq!(exit_code(&summary), 143);
        let [pages, page, runs] = ["pages", "coalesce(walk_page, 0)", "runs_new"]
            .map(|column| workspace.number(&format!("SELECT {column} FROM syncs")));
        assert_eq!((page, workspace.archived().len()), (pages, runs as usize), "reading {reading}");
        if reading % 2 == 1 {
            assert_eq!(runs, pages * i64::from(PAGE_SIZE), "reading {reading}");
        }
        complete(&workspace, &one_by_one);
        assert_eq!(workspace.archived(), workspace.truth(), "reading {reading}");
        assert_eq!(workspace.number("SELECT count(*) FROM run_snapshots"), 60);
    }
}

#[test]
fn a_repeatedly_interrupted_first_sync_completes() {
    for seed in 0..3 {
        let workspace = Workspace::of(150);
        let mut rng = fastrand::Rng::with_seed(seed);
        let one_by_one = Options { concurrency: 1, ..options() };
        let mut deleted = BTreeSet::new();
        for attempt in 1.. {
            assert!(attempt < 30, "each attempt gets further");
            let stop = Arc::new(CancelToken::default());
            // The runs requested by id at the end are requested anew each time.
            workspace.clock.stop_at(attempt + rng.u32(8..11), Arc::clone(&stop));
            let summary = workspace.sync_until(&stop, &one_by_one);
            if summary.result.is_ok() {
                assert!(attempt > 2, "it was interrupted");
                break;
            }
            assert_eq!(exit_code(&summary), 143);
            let mut model = workspace.sandbox.model();
            for _ in 0..rng.usize(..3) {
                model.add();
                let place = rng.usize(..model.count());
                let id = model.ids().nth(place).unwrap();
                model.delete(id);
                deleted.insert(id);
            }
        }
        complete(&workspace, &one_by_one);
        let mut archived = workspace.archived();
        archived.retain(|id, _| !deleted.contains(id));
        assert_eq!(archived, workspace.truth(), "seed {seed}");
    }
}

#[test]
fn attempts_without_a_page_keep_the_resume_point() {
    let workspace = Workspace::of(150);
    let one_by_one = Options { concurrency: 1, ..options() };
    interrupted_at(&workspace, 5, &one_by_one);
    assert_eq!(exit_code(&workspace.sync_with_key("another-key", &one_by_one)), 4);
    assert!(workspace.fetch(&[workspace.ids()[140]]).result.is_ok());
    workspace.sandbox.forget_requests();
    complete(&workspace, &one_by_one);
    assert_eq!(workspace.requested_pages(), Vec::from_iter([1, 2].into_iter().chain(4..=8)));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_interrupted_first_sync_of_an_unsorted_list_restarts() {
    let workspace = Workspace::of(150);
    workspace.sandbox.model().set_order(Order::Shuffled(11));
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 5, &one_by_one)), 130);
    workspace.sandbox.forget_requests();
    let summary = complete(&workspace, &one_by_one);
    assert_eq!((summary.kind, summary.newest_first), (SyncKind::First, Some(false)));
    assert_eq!(workspace.requested_pages()[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(workspace.archived(), workspace.truth());
}

/// Changes that a sync must find: new, changed, ended and deleted runs across the list.
fn live_on(workspace: &Workspace) {
    workspace.wait(TimeDelta::hours(1));
    let mut model = workspace.sandbox.model();
    let (settled, running) = (settled(&model), model.in_progress());
    model.delete(settled[5]);
    model.delete(settled[35]);
    for place in [1, 20, 30] {
        model.change(settled[place], |run| {
            run.insert("number".to_owned(), json!(4711));
        });
    }
    model.finish(running[0], Outcome::Success);
    model.delete(running[1]);
    model.add();
}

/// Every state of every run in order, and the vanished runs.
fn history(workspace: &Workspace) -> [Vec<String>; 2] {
    [
        "SELECT run_id, content_hash, superseded_at IS NULL FROM run_snapshots ORDER BY run_id, observed_at",
        "SELECT run_id FROM vanished_runs ORDER BY run_id",
    ]
    .map(|sql| workspace.rows(sql))
}

/// Asserts that the counts of each sync add up to the archive's rows.
fn assert_accounts_add_up(workspace: &Workspace) {
    let contents = workspace.archive().stats(workspace::at("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(contents.runs as i64, workspace.number("SELECT count(*) FROM runs"));
    assert_eq!(contents.snapshots as i64, workspace.number("SELECT count(*) FROM run_snapshots"));
}

#[test]
fn a_full_sync_stopped_at_any_point_completes_when_repeated() {
    let undisturbed = Workspace::of(60);
    complete(&undisturbed, &options());
    live_on(&undisturbed);
    assert_eq!(tally(&complete(&undisturbed, &full())), [1, 4, 53, 3]);
    let expected = history(&undisturbed);
    for reading in 1.. {
        let workspace = Workspace::of(60);
        complete(&workspace, &options());
        live_on(&workspace);
        let stop = Arc::new(CancelToken::default());
        workspace.clock.stop_at(reading, Arc::clone(&stop));
        let summary = workspace.sync_until(&stop, &full());
        assert_accounts_add_up(&workspace);
        if summary.result.is_ok() {
            assert!(reading > 15, "the clock is read for each page and each requested run");
            assert_eq!(history(&workspace), expected);
            break;
        }
        complete(&workspace, &full());
        assert_eq!(history(&workspace), expected, "reading {reading}");
        assert_accounts_add_up(&workspace);
    }
}

#[test]
fn commits_during_detail_requests_are_counted() {
    let workspace = Workspace::of(20);
    let id = workspace.ids()[10];
    workspace.sandbox.model().change(id, |run| drop(run.remove("trigger")));
    let (path, count) = (workspace.path(), Arc::new(std::sync::Mutex::new(None)));
    let seen = Arc::clone(&count);
    workspace.sandbox.on_request(move |call, _| {
        // The response is held back until the rows before it are committed, which takes a second. Meanwhile the
        // runtime needs another thread, which wakes the sync after that second.
        tokio::task::block_in_place(|| {
            while run_of(call).is_some() && seen.lock().unwrap().is_none() {
                let sql = "SELECT (SELECT count(*) FROM run_snapshots), (SELECT sum(runs_new) FROM syncs)";
                let row = workspace::rows_of(&path, sql).remove(0);
                if row != "0|0" {
                    *seen.lock().unwrap() = Some(row);
                }
                std::thread::yield_now();
            }
        });
        None
    });
    complete(&workspace, &options());
    assert_eq!(count.lock().unwrap().as_deref(), Some("19|19"), "a kill here would leave wrong counts");
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn a_resumed_first_sync_misses_no_change() {
    for seed in 0..6 {
        let workspace = Workspace::of(250);
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut deleted = BTreeSet::new();
        for page in [3, 8] {
            interrupted_at(&workspace, page, &options());
            workspace.wait(TimeDelta::hours(1));
            let mut model = workspace.sandbox.model();
            for _ in 0..rng.usize(..50) {
                model.add();
            }
            for _ in 0..rng.usize(..50) {
                let place = rng.usize(..model.count());
                let id = model.ids().nth(place).unwrap();
                model.delete(id);
                deleted.insert(id);
            }
        }
        complete(&workspace, &options());
        let mut archived = workspace.archived();
        archived.retain(|id, _| !deleted.contains(id));
        assert_eq!(archived, workspace.truth(), "seed {seed}");
    }
}

#[test]
fn a_requested_full_sync_does_not_resume_an_interrupted_one() {
    let workspace = Workspace::of(100);
    interrupted_at(&workspace, 3, &Options { concurrency: 1, ..options() });
    workspace.sandbox.forget_requests();
    complete(&workspace, &full());
    assert_eq!(workspace.requested_pages_sorted(), Vec::from_iter(1..=5));
    assert_eq!(workspace.archived(), workspace.truth());
}

#[test]
fn an_interrupted_incremental_sync_does_not_move_the_watermark() {
    let workspace = Workspace::of(100);
    complete(&workspace, &options());
    workspace.wait(TimeDelta::hours(1));
    for _ in 0..50 {
        workspace.sandbox.model().add();
    }
    let one_by_one = Options { concurrency: 1, ..options() };
    assert_eq!(exit_code(&interrupted_at(&workspace, 2, &one_by_one)), 130);
    assert_eq!(workspace.archived().len(), 120);
    workspace.sandbox.forget_requests();
    assert_eq!(tally(&complete(&workspace, &one_by_one))[0], 30);
    assert_eq!(workspace.archived(), workspace.truth());
}
