//! This is the test of the faults of the machine: the binary is killed, starved of disk, run twice at once, and finishes.

#![cfg(unix)]

#[path = "support/invariants.rs"]
mod invariants;
#[path = "support/machine.rs"]
mod machine;

use invariants::{assert_sound, contents, copied};
use machine::{Ended, Machine, SYNC, Victim, is_page};
use rusqlite::Connection;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

/// What an archive is worth: whether the program's own check, where there is one, and ours pass.
fn assert_whole(machine: &Machine, archive: &Path, when: &str) {
    assert_sound(archive, when);
    if has_check(machine) && archive.exists() {
        let (_folder, copy) = copied(archive);
        // A first sync that was killed at once has not come as far as a schema.
        if is_begun(&copy) {
            let ended = machine.run(&copy, ["check"]);
            assert_eq!(ended.code, Some(0), "{when}: {ended:?}");
        }
    }
}

fn has_check(machine: &Machine) -> bool {
    static HAS_CHECK: OnceLock<bool> = OnceLock::new();
    *HAS_CHECK.get_or_init(|| {
        let help = machine.run(Path::new("none.db"), ["--help"]).with(0);
        help.stdout.lines().any(|line| line.starts_with("  check "))
    })
}

fn is_begun(archive: &Path) -> bool {
    let archive = Connection::open(archive).unwrap();
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'syncs')";
    archive.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn number(archive: &Path, sql: &str) -> i64 {
    let archive = Connection::open(archive).unwrap();
    archive.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn text(archive: &Path, sql: &str) -> String {
    let archive = Connection::open(archive).unwrap();
    archive.query_row(sql, [], |row| row.get(0)).unwrap()
}

// ---- killed

/// A machine whose API has what the contract promises, and some that it does not.
fn odd_machine(runs: usize) -> Machine {
    let machine = Machine::of(runs);
    let mut model = machine.sandbox.model();
    let ids: Vec<_> = model.ids().collect();
    model.change(ids[runs / 2], |run| {
        run.insert("status".to_owned(), json!("pondering"));
        run.insert("unheard_of".to_owned(), json!([1, 2]));
    });
    model.set_text(ids[runs / 3], r#"{"id":17}"#);
    drop(model);
    machine
}

/// How an odd machine's syncs end: one item cannot be kept as a run.
const IN_PART: i32 = 3;

/// Kills a sync as it asks for the `request`-th time, so long after, and waits until it is gone. With
/// the request 0 that is so long after its start.
fn kill_at(machine: &Machine, archive: &Path, request: usize, spins: u32) -> Ended {
    let spin = move || (0..spins).for_each(|_| std::hint::spin_loop());
    let victim = Victim::default();
    machine.sandbox.forget_requests();
    machine.sandbox.on_request({
        let victim = victim.clone();
        move |call, _| {
            if call.number == request {
                let victim = victim.clone();
                let strike = move || {
                    spin();
                    victim.kill();
                };
                // At once means before the answer; otherwise the answer goes its way meanwhile.
                match spins {
                    0 => strike(),
                    _ => drop(thread::spawn(strike)),
                }
            }
            None
        }
    });
    let running = victim.start(&mut machine.command(archive, SYNC));
    if request == 0 {
        spin();
        victim.kill();
    }
    let ended = running.wait();
    machine.sandbox.on_request(|_, _| None);
    ended
}

/// Kills syncs into copies of the archive (or into none) at 200 points drawn from the seed, four
/// times each before one may finish, and compares with one that was never disturbed.
fn kill_200_times(machine: &Machine, before: Option<&Path>, seed: u64) {
    let begin = |name: &str| {
        let archive = machine.file(name);
        if let Some(before) = before {
            fs::copy(before, &archive).unwrap();
        }
        archive
    };
    machine.sandbox.forget_requests();
    let undisturbed = begin("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let requests = machine.sandbox.request_count();
    let expected = contents(&undisturbed);

    let mut random = fastrand::Rng::with_seed(seed);
    let mut killed = 0;
    for round in 0..50 {
        let archive = begin(&format!("{round}.db"));
        for _ in 0..4 {
            let request = random.usize(0..=requests);
            // A few microseconds as often as a few milliseconds.
            let most = 1 << random.u32(0..19);
            let spins = if random.bool() { random.u32(0..most) } else { 0 };
            let ended = kill_at(machine, &archive, request, spins);
            let when = format!("seed {seed}, round {round}, request {request}, {spins} spins: {ended:?}");
            match ended.code {
                None => killed += 1,
                // It was done before the blow fell.
                code => assert_eq!(code, Some(IN_PART), "{when}"),
            }
            assert_whole(machine, &archive, &when);
        }
        machine.synced(&archive, IN_PART);
        let when = format!("seed {seed}, round {round}");
        assert_whole(machine, &archive, &when);
        assert_eq!(contents(&archive), expected, "{when}");
        fs::remove_file(&archive).unwrap();
    }
    assert!(killed >= 100, "most blows fall while it lives: {killed}");
}

#[test]
fn a_first_sync_killed_at_200_points_ends_as_if_nothing_had_happened() {
    kill_200_times(&odd_machine(60), None, 31);
}

#[test]
fn an_incremental_sync_killed_at_200_points_ends_as_if_nothing_had_happened() {
    let machine = odd_machine(60);
    let before = machine.file("before.db");
    machine.synced(&before, IN_PART);
    machine.let_an_hour_pass();
    kill_200_times(&machine, Some(&before), 32);
}

/// Lets a sync come as far as its `page`-th page, waits until it has committed those before, and kills it.
fn kill_after_commit(machine: &Machine, archive: &Path, page: usize) {
    let victim = Victim::default();
    machine.sandbox.on_request({
        let (victim, archive) = (victim.clone(), archive.to_owned());
        let mut pages = 0;
        move |call, _| {
            pages += usize::from(is_page(call));
            if pages == page && is_page(call) {
                let kept = "SELECT pages FROM syncs ORDER BY sync_id DESC LIMIT 1";
                while number(&archive, kept) < page as i64 - 1 {
                    thread::yield_now();
                }
                victim.kill();
            }
            None
        }
    });
    let ended = victim.start(&mut machine.command(archive, SYNC)).wait();
    assert_eq!(ended.code, None, "{ended:?}");
    machine.sandbox.on_request(|_, _| None);
}

#[test]
fn a_first_sync_killed_after_it_committed_goes_on_below_what_it_has() {
    let machine = odd_machine(60);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let archive = machine.file("a.db");
    for page in [3, 2] {
        kill_after_commit(&machine, &archive, page);
        assert_whole(&machine, &archive, &format!("killed at page {page}"));
    }
    let kept = number(&archive, "SELECT count(*) FROM runs");
    assert!(kept >= 19, "two pages were committed, one run on them is in quarantine: {kept}");
    machine.synced(&archive, IN_PART);
    assert_whole(&machine, &archive, "finished");
    assert_eq!(contents(&archive), contents(&undisturbed));
}

#[test]
fn an_incremental_sync_killed_after_it_committed_finishes_the_next_time() {
    let machine = odd_machine(60);
    let [undisturbed, archive] = ["undisturbed.db", "a.db"].map(|name| machine.file(name));
    machine.synced(&undisturbed, IN_PART);
    fs::copy(&undisturbed, &archive).unwrap();
    machine.let_an_hour_pass();
    machine.synced(&undisturbed, IN_PART);
    kill_after_commit(&machine, &archive, 2);
    assert_whole(&machine, &archive, "killed");
    machine.synced(&archive, IN_PART);
    assert_whole(&machine, &archive, "finished");
    assert_eq!(contents(&archive), contents(&undisturbed));
}
