//! Syncs that are killed or signaled at any point.

use super::{IN_PART, assert_whole, kill_after_commit, number, odd_machine, text};
use crate::support::invariants::contents;
use crate::support::machine::{Ended, Machine, SYNC, Victim};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::{fs, thread};

/// Kills a sync `spins` spins after its `request`-th request, and waits until it has ended. With request 0,
/// the spins count from its start.
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
                // Without a delay the kill precedes the response; otherwise the response is sent meanwhile.
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

/// Kills syncs into copies of the archive (or into none) at 200 points drawn from the seed. After every four
/// kills a sync completes, and its archive is compared with that of an undisturbed sync.
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
                // It ended before the kill.
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
    assert!(killed >= 100, "most kills hit a running process: {killed}");
}

#[test]
fn a_first_sync_killed_at_200_points_ends_undisturbed() {
    kill_200_times(&odd_machine(60), None, 31);
}

#[test]
fn an_incremental_sync_killed_at_200_points_ends_undisturbed() {
    let machine = odd_machine(60);
    let before = machine.file("before.db");
    machine.synced(&before, IN_PART);
    machine.let_an_hour_pass();
    kill_200_times(&machine, Some(&before), 32);
}

#[test]
fn a_first_sync_killed_after_a_commit_resumes_below_it() {
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
fn an_incremental_sync_killed_after_a_commit_completes_next_time() {
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

#[test]
fn a_signal_at_any_request_ends_a_sync_and_is_recorded() {
    let machine = odd_machine(30);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let requests = machine.sandbox.request_count();
    let expected = contents(&undisturbed);
    for request in 1..=requests {
        let (signal, code) = [("INT", 130), ("TERM", 143), ("HUP", 129)][request % 3];
        let archive = machine.file(&format!("{request}.db"));
        let ended = stopped_at(&machine, &archive, request, signal);
        let when = format!("SIG{signal} at request {request}: {ended:?}");
        assert_eq!(ended.code, Some(code), "{when}");
        assert!(
            ended.stderr.contains(&format!("interrupted by SIG{signal}; committed data is kept")),
            "{when}"
        );
        assert_whole(&machine, &archive, &when);
        let written =
            "SELECT outcome || ' ' || exit_code || ' ' || error || ' ' || (ended_at > started_at) FROM syncs";
        assert_eq!(
            text(&archive, written),
            format!("interrupted {code} interrupted by SIG{signal}; committed data is kept 1"),
            "{when}"
        );
        // Each received page is kept, although none was committed when the signal came.
        let pages = number(&archive, "SELECT pages FROM syncs");
        assert_eq!(pages, (request as i64 - 4).clamp(0, 3), "{when}");
        machine.synced(&archive, IN_PART);
        assert_eq!(contents(&archive), expected, "{when}");
    }
}

/// Sends a sync a signal at a request that gets no response until the sync has ended.
fn stopped_at(machine: &Machine, archive: &Path, request: usize, signal: &'static str) -> Ended {
    let victim = Victim::default();
    let (done, is_done) = mpsc::channel::<()>();
    machine.sandbox.forget_requests();
    machine.sandbox.on_request({
        let victim = victim.clone();
        move |call, _| {
            if call.number == request {
                victim.signal(signal);
                // An error means that the test itself has ended, so the response is not needed.
                let _ = is_done.recv();
            }
            None
        }
    });
    let ended = victim.start(&mut machine.command(archive, SYNC)).wait();
    done.send(()).unwrap();
    machine.sandbox.on_request(|_, _| None);
    ended
}

#[test]
fn a_sighup_that_is_ignored_at_start_ends_no_sync() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    let victim = Victim::default();
    machine.sandbox.on_request({
        let victim = victim.clone();
        move |_, _| {
            victim.signal("HUP");
            None
        }
    });
    // As `nohup` does.
    let mut command = machine.under_shell("trap '' HUP", &archive, SYNC);
    let ended = victim.start(&mut command).wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(machine.sandbox.request_count(), 6);
    assert_eq!(text(&archive, "SELECT outcome FROM syncs"), "complete");
}

#[test]
fn a_closed_terminal_ends_a_sync_with_the_code_of_sighup() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    let process = Arc::new(Mutex::new(None));
    machine.sandbox.on_request({
        let process = Arc::clone(&process);
        move |_, _| {
            if let Some(id) = process.lock().unwrap().take() {
                let id: u32 = id;
                let sent = Command::new("sh").args(["-c", &format!("kill -HUP {id}")]).status();
                assert!(sent.unwrap().success());
            }
            None
        }
    });
    // Neither output can be written any more.
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = machine.command(&archive, ["sync", "--page-size", "10", "--concurrency", "1"]);
    command.stdout(full()).stderr(full());
    let mut place = process.lock().unwrap();
    let mut child = command.spawn().unwrap();
    *place = Some(child.id());
    drop(place);
    assert_eq!(child.wait().unwrap().code(), Some(129));
    assert_eq!(text(&archive, "SELECT outcome || ' ' || exit_code FROM syncs"), "interrupted 129");
}
