//! This is the test of the faults of the machine: the binary is killed, starved of disk, run twice at once, and finishes.

#![cfg(unix)]

#[path = "support/invariants.rs"]
mod invariants;
#[path = "support/machine.rs"]
mod machine;

use invariants::{assert_sound, contents, copied};
use machine::{Ended, Machine, RUNLEDGER, SYNC, Victim, is_page};
use rusqlite::Connection;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
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

// ---- stopped

#[test]
fn a_signal_at_any_request_ends_a_sync_at_once_and_is_written_down() {
    let machine = odd_machine(30);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let requests = machine.sandbox.request_count();
    let expected = contents(&undisturbed);
    for request in 1..=requests {
        let (signal, code) = if request % 2 == 0 { ("INT", 130) } else { ("TERM", 143) };
        let archive = machine.file(&format!("{request}.db"));
        let ended = stopped_at(&machine, &archive, request, signal);
        let when = format!("SIG{signal} at request {request}: {ended:?}");
        assert_eq!(ended.code, Some(code), "{when}");
        assert!(
            ended.stderr.contains(&format!("interrupted by SIG{signal}; what was committed is kept")),
            "{when}"
        );
        assert_whole(&machine, &archive, &when);
        let written =
            "SELECT outcome || ' ' || exit_code || ' ' || error || ' ' || (ended_at > started_at) FROM syncs";
        assert_eq!(
            text(&archive, written),
            format!("interrupted {code} interrupted by SIG{signal}; what was committed is kept 1"),
            "{when}"
        );
        // Each page that was answered is kept, though none was committed yet when the signal came.
        let pages = number(&archive, "SELECT pages FROM syncs");
        assert_eq!(pages, (request as i64 - 4).clamp(0, 3), "{when}");
        machine.synced(&archive, IN_PART);
        assert_eq!(contents(&archive), expected, "{when}");
    }
}

/// Sends a sync a signal at a request that is not answered before the sync has ended.
fn stopped_at(machine: &Machine, archive: &Path, request: usize, signal: &'static str) -> Ended {
    let victim = Victim::default();
    let (done, is_done) = mpsc::channel::<()>();
    machine.sandbox.forget_requests();
    machine.sandbox.on_request({
        let victim = victim.clone();
        move |call, _| {
            if call.number == request {
                victim.signal(signal);
                // An error means that the test itself has gone: then nobody needs the answer.
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

// ---- without room

#[test]
fn a_sync_that_may_write_no_more_says_so_and_finishes_when_it_may() {
    let machine = odd_machine(60);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let expected = contents(&undisturbed);
    let mut refused = 0;
    // A page in the log is 33 blocks: each limit lets one more page through.
    for blocks in [0, 1, 8, 32, 63].into_iter().chain((64..=600).step_by(33)) {
        let archive = machine.file(&format!("{blocks}.db"));
        let ended: Ended = machine.limited(blocks, &archive, SYNC).output().unwrap().into();
        let when = format!("{blocks} blocks: {ended:?}");
        assert_whole(&machine, &archive, &when);
        if ended.code != Some(IN_PART) {
            ended.refused(6, &archive.display().to_string());
            assert!(ended.stderr.contains("limit on file sizes"), "{when}");
            refused += 1;
        }
        let ended = machine.run(&archive, SYNC);
        assert_eq!(ended.code, Some(IN_PART), "after {when}: {ended:?}");
        assert_whole(&machine, &archive, &when);
        assert_eq!(contents(&archive), expected, "{when}");
    }
    assert!(refused >= 10, "most of the limits are too small: {refused}");
}

#[test]
fn a_full_disk_leaves_the_archive_sound_and_the_next_sync_finishes() {
    let machine = odd_machine(60);
    let undisturbed = machine.file("undisturbed.db");
    machine.synced(&undisturbed, IN_PART);
    let Some(disk) = Disk::of_kib(machine.file("disk"), 1500) else { return };
    let archive = disk.0.join("a.db");
    // What else is on the disk, and shrinks.
    let ballast = disk.0.join("ballast");
    let mut refused = 0;
    for kib in [1500, 1496, 1480, 1450, 1420, 1400, 1350, 1300, 1250] {
        let _ = fs::write(&ballast, vec![1; kib * 1024]);
        let ended = machine.run(&archive, SYNC);
        assert_whole(&machine, &archive, &format!("{kib} KiB are taken"));
        if ended.code != Some(IN_PART) {
            ended.refused(6, "a.db");
            refused += 1;
        }
        fs::remove_file(&ballast).unwrap();
    }
    assert!(refused >= 5, "most of the time there is too little room: {refused}");
    machine.synced(&archive, IN_PART);
    assert_whole(&machine, &archive, "finished");
    assert_eq!(contents(&archive), contents(&undisturbed));

    // An export needs room for the new file beside the old one.
    let export = disk.0.join("runs.csv");
    fs::write(&export, "the old one").unwrap();
    let _ = fs::write(&ballast, vec![1; 1500 * 1024]);
    // A reader needs 32 KiB for the index of SQLite's log.
    let taken = fs::metadata(&ballast).unwrap().len();
    fs::OpenOptions::new().write(true).open(&ballast).unwrap().set_len(taken - 40 * 1024).unwrap();
    let ended = machine.run(&archive, ["export", "runs", "--output", export.to_str().unwrap()]);
    ended.refused(7, "runs.csv");
    assert_eq!(fs::read_to_string(&export).unwrap(), "the old one");
    assert_eq!(litter(&disk.0), [""; 0]);
}

/// A small disk of its own.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a word on standard error: this user may not make one.
    fn of_kib(place: PathBuf, kib: u32) -> Option<Disk> {
        fs::create_dir(&place).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(&place)
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Disk(place));
        }
        // Written past the test harness, which would keep it to itself.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: a full disk: only root can mount a small one").unwrap();
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whatever still has a file open there keeps it until it ends.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Half-written files that an export left behind.
fn litter(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".runledger-")).collect()
}

#[test]
fn an_export_that_may_write_no_more_leaves_the_old_file() {
    let machine = Machine::of(100);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for what in
        [&["export", "documents"][..], &["export", "snapshots"], &["query", "SELECT * FROM run_snapshots"]]
    {
        let output = machine.file("out");
        fs::write(&output, "the old one").unwrap();
        let arguments = [what, &["--output", "out"]].concat();
        // Enough for the index of SQLite's log, 32 KiB, which a reader makes.
        let ended: Ended = machine.limited(64, &archive, &*arguments).output().unwrap().into();
        ended.refused(7, "out was not written");
        assert_eq!(fs::read_to_string(&output).unwrap(), "the old one");
        assert_eq!(litter(machine.folder()), [""; 0]);
        machine.run(&archive, &*arguments).with(0);
        assert!(fs::metadata(&output).unwrap().len() > 40_000);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for (output, cause) in [("none/out", "No such file or directory"), (".", "directory")] {
        let ended = machine.run(&archive, ["export", "runs", "--output", output]);
        ended.refused(7, cause);
        assert!(ended.stderr.contains(&format!("{output} was not written")), "{ended:?}");
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended: Ended = machine.command(&archive, ["export", "runs"]).stdout(full).output().unwrap().into();
    ended.refused(7, "standard output was not written");
}

// ---- files that are no archive, or one that cannot be used

/// Fails unless every command refuses the file with 6, in these words, and leaves its bytes alone.
fn assert_refused(machine: &Machine, file: &Path, words: &str) {
    let bytes = || fs::read(file).ok();
    let before = bytes();
    for arguments in
        [&SYNC[..], &["status"], &["export", "runs"], &["report", "cost"], &["query", "SELECT 1"]]
    {
        let ended = machine.run(file, arguments);
        ended.refused(6, words);
        assert!(ended.stderr.contains(file.file_name().unwrap().to_str().unwrap()), "{ended:?}");
        assert_eq!(bytes(), before, "{arguments:?} changed it");
    }
}

#[test]
fn files_that_are_no_archive_are_refused_and_stay_as_they_are() {
    let machine = Machine::of(30);
    let notes = machine.file("notes.txt");
    fs::write(&notes, "Buy milk. ".repeat(5000)).unwrap();
    assert_refused(&machine, &notes, "it is no SQLite database");

    let foreign = machine.file("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    assert_refused(&machine, &foreign, "it is a SQLite database of another program");

    let folder = machine.file("folder.db");
    fs::create_dir(&folder).unwrap();
    assert_refused(&machine, &folder, "it is a directory");

    let nowhere = machine.file("none/a.db");
    machine.run(&nowhere, SYNC).refused(6, "No such file or directory");
    machine.run(&nowhere, ["status"]).refused(6, "there is no such file");
    assert!(!machine.file("none").exists());
}

#[test]
fn an_archive_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let future = "INSERT INTO refinery_schema_history SELECT 999, 'future', applied_on, checksum FROM refinery_schema_history WHERE version = 1";
    Connection::open(&archive).unwrap().execute_batch(future).unwrap();
    assert_refused(&machine, &archive, "its schema is version 999");
}

#[test]
fn an_archive_that_is_damaged_is_named_and_not_made_worse() {
    let machine = Machine::of(100);
    let sound = machine.file("sound.db");
    machine.synced(&sound, 0);
    let bytes = fs::read(&sound).unwrap();
    let root =
        number(&sound, "SELECT rootpage FROM sqlite_schema WHERE name = 'run_snapshots_of_run'") as usize;
    let damaged = |name: &str, from: usize, until: usize| {
        let file = machine.file(name);
        let mut bytes = bytes.clone();
        bytes[from..until].fill(0xA5);
        fs::write(&file, bytes).unwrap();
        file
    };
    let schema = damaged("schema.db", 100, PAGE_BYTES);
    assert_refused(&machine, &schema, "it is damaged (database disk image is malformed)");
    let beginning = damaged("beginning.db", 0, 16);
    assert_refused(&machine, &beginning, "it is no SQLite database, or its beginning is damaged");

    let truncated = machine.file("truncated.db");
    fs::write(&truncated, &bytes[..bytes.len() / PAGE_BYTES / 2 * PAGE_BYTES]).unwrap();
    assert_refused(&machine, &truncated, "it is damaged (database disk image is malformed)");

    // What lies deeper is noticed on the way: what was written by then is the account of the attempt.
    let middle = damaged("middle.db", (root - 1) * PAGE_BYTES, root * PAGE_BYTES);
    let before = fs::read(&middle).unwrap();
    for _ in 0..2 {
        let ended = machine.run(&middle, SYNC);
        ended.refused(6, "it is damaged (database disk image is malformed)");
        assert!(ended.stderr.contains("sqlite3 FILE .recover"), "{ended:?}");
    }
    assert_eq!(text(&middle, "SELECT group_concat(outcome) FROM syncs"), "complete,failed,failed");
    let after = fs::read(&middle).unwrap();
    assert_eq!(after.len(), before.len());
    let pages = |bytes: &[u8]| bytes.chunks(PAGE_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let changed =
        pages(&before).into_iter().zip(pages(&after)).filter(|(before, after)| before != after).count();
    assert!(changed <= 3, "the account of syncs and little else is written: {changed} pages");
    let ended = machine.run(&middle, ["export", "snapshots", "--output", "out"]).with(0);
    assert_eq!(ended.stderr, "", "what is sound can be read");
}

/// As the archive is made.
const PAGE_BYTES: usize = 16 * 1024;

#[test]
fn a_migration_history_that_cannot_be_read_is_an_error_and_no_panic() {
    let machine = Machine::of(30);
    let sound = machine.file("sound.db");
    machine.synced(&sound, 0);
    for (name, damage) in [
        (
            "text.db",
            "PRAGMA writable_schema = 1; UPDATE refinery_schema_history SET version = 'one' WHERE version = 1",
        ),
        ("negative.db", "UPDATE refinery_schema_history SET version = -1 WHERE version = 1"),
        ("renamed.db", "UPDATE refinery_schema_history SET version = 0, name = 'other' WHERE version = 1"),
        (
            "undated.db",
            "UPDATE refinery_schema_history SET version = 0, applied_on = 'yesterday' WHERE version = 1",
        ),
        ("unsummed.db", "UPDATE refinery_schema_history SET version = 0, checksum = 'x' WHERE version = 1"),
        ("huge.db", "UPDATE refinery_schema_history SET version = 4294967296 WHERE version = 1"),
        ("empty.db", "DELETE FROM refinery_schema_history"),
    ] {
        let file = machine.file(name);
        fs::copy(&sound, &file).unwrap();
        let _ = Connection::open(&file).unwrap().execute_batch(damage);
        let ended = machine.run(&file, SYNC);
        assert_eq!(ended.code, Some(6), "{name}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{name}: {ended:?}");
        assert_eq!(number(&file, "SELECT count(*) FROM runs"), 30, "{name}");
    }
}

#[test]
fn a_write_ahead_log_that_was_left_behind_counts() {
    let machine = odd_machine(60);
    let archive = machine.file("a.db");
    kill_after_commit(&machine, &archive, 3);
    let (_folder, copy) = copied(&archive);
    assert!(fs::metadata(format!("{}-wal", copy.display())).unwrap().len() > 0, "it is in the log");
    let kept = number(&archive, "SELECT count(*) FROM runs");
    let status = machine.run(&copy, ["status", "--json"]).with(0);
    assert!(status.stdout.contains(&format!("\"runs\":{kept},")), "{status:?}");
    machine.synced(&copy, IN_PART);
    machine.synced(&archive, IN_PART);
    assert_eq!(contents(&copy), contents(&archive));
}

// ---- without the right to write

#[test]
fn what_this_user_may_not_write_is_named_and_stays_as_it_is() {
    let machine = Machine::of(30);
    // Root may write anything, so the commands are run as nobody, from places that anybody reaches.
    let program = machine.file("runledger");
    fs::copy(RUNLEDGER, &program).unwrap();
    let home = machine.file("home");
    fs::create_dir(&home).unwrap();
    let archive = home.join("a.db");
    machine.synced(&archive, 0);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(machine.folder(), 0o755);
    let run = |arguments: &[&str]| -> Ended {
        let mut command = machine.command(&archive, arguments);
        let mut as_nobody = Command::new(&program);
        as_nobody.args(command.get_args()).current_dir("/");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => as_nobody.env(name, value),
                None => as_nobody.env_remove(name),
            };
        }
        command.stdin(Stdio::null());
        if is_root() {
            as_nobody.uid(NOBODY).gid(NOBODY);
        }
        as_nobody.output().unwrap().into()
    };
    let before = fs::read(&archive).unwrap();

    // The folder, and with it the lock, cannot be written.
    mode(&home, 0o555);
    fs::remove_file(home.join("a.db.lock")).unwrap();
    run(&SYNC).refused(6, "its lock");
    // A reader needs the log's index beside the file.
    run(&["status"]).refused(6, "this user may not write to it");
    // The file cannot be written.
    mode(&home, 0o777);
    mode(&archive, 0o444);
    run(&SYNC).refused(6, "it is read-only");
    run(&["status"]).with(0);
    // Nor read.
    mode(&archive, 0);
    run(&SYNC).refused(6, "it cannot be read");
    run(&["status"]).refused(6, "it cannot be read");
    mode(&archive, 0o644);
    assert_eq!(fs::read(&archive).unwrap(), before);

    // Nor a folder for an export.
    mode(&home, 0o555);
    let output = home.join("out");
    let ended = machine_output(&run, output.to_str().unwrap());
    ended.refused(7, "Permission denied");
    mode(&home, 0o777);
}

const NOBODY: u32 = 65534;

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn machine_output(run: &dyn Fn(&[&str]) -> Ended, output: &str) -> Ended {
    run(&["report", "--list", "--output", output])
}

// ---- at the same time

#[test]
fn a_second_sync_is_told_who_holds_the_lock_and_since_when() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    let victim = Victim::default();
    let (begun, is_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    machine.sandbox.on_request(move |call, _| {
        if call.number == 5 {
            begun.send(()).unwrap();
            let _ = may_go_on.recv();
        }
        None
    });
    let first = victim.start(&mut machine.command(&archive, SYNC));
    is_begun.recv().unwrap();
    let since = text(&archive, "SELECT substr(started_at, 1, 13) FROM syncs");
    for arguments in [&SYNC[..], &["fetch", "6f6b9a4e-58a3-4e6f-9d5c-2d6f3c0a9b11"]] {
        let second = machine.run(&archive, arguments);
        second.refused(
            11,
            &format!("another sync is using the archive: process {} since {since}", victim.id()),
        );
    }
    // Readers are not kept out.
    let status = machine.run(&archive, ["status"]).with(0);
    assert!(status.stdout.contains(&format!("under way in process {}", victim.id())), "{status:?}");
    go_on.send(()).unwrap();
    let first = first.wait();
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(number(&archive, "SELECT count(*) FROM syncs"), 1);
    machine.synced(&archive, 0);
}

#[test]
fn two_first_starts_at_once_migrate_once() {
    let machine = Machine::of(5);
    for round in 0..50 {
        let archive = machine.file(&format!("{round}.db"));
        let victims = [Victim::default(), Victim::default()];
        let running = victims.each_ref().map(|victim| victim.start(&mut machine.command(&archive, SYNC)));
        let ended = running.map(|running| running.wait());
        let codes = ended.each_ref().map(|ended| ended.code);
        let fits = |code: &Option<i32>| [Some(0), Some(11)].contains(code);
        assert!(codes.iter().all(fits) && codes.contains(&Some(0)), "round {round}: {ended:?}");
        assert_whole(&machine, &archive, &format!("round {round}"));
        let migrations =
            number(&archive, "SELECT count(*) - count(DISTINCT version) FROM refinery_schema_history");
        assert_eq!(migrations, 0, "round {round}");
        assert_eq!(number(&archive, "SELECT count(*) FROM runs"), 5, "round {round}");
    }
}

/// A program that reads the archive: it begins to read, tells a count, and at a word tells it again.
struct Reader {
    child: std::process::Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Reader {
    /// `None`: this machine does not have the program.
    fn of(program: &str, arguments: &[&str], archive: &Path) -> Option<Reader> {
        let mut command = Command::new(program);
        command.args(arguments).arg(archive).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Reader { child, lines })
    }

    /// What it counts now.
    fn count(&mut self) -> i64 {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "SELECT count(*) FROM runs;").unwrap();
        stdin.flush().unwrap();
        self.lines.next().unwrap().unwrap().parse().unwrap()
    }

    fn say(&mut self, sql: &str) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{sql};").unwrap();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

const PYTHON_SHELL: &str = "
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
for line in sys.stdin:
    for row in database.execute(line):
        print(row[0], flush=True)
";

#[test]
fn readers_neither_block_a_sync_nor_are_blocked() {
    let machine = Machine::of(60);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let before = number(&archive, "SELECT count(*) FROM runs");
    machine.let_an_hour_pass();

    let programs: [(&str, &[&str]); 2] = [("python3", &["-c", PYTHON_SHELL]), ("sqlite3", &["-batch"])];
    let readers = || -> Vec<Reader> {
        programs.iter().filter_map(|(program, arguments)| Reader::of(program, arguments, &archive)).collect()
    };
    // They begin to read before the sync does, and do not end.
    let mut early = readers();
    for reader in &mut early {
        reader.say("BEGIN");
        assert_eq!(reader.count(), before);
    }
    let ours = Connection::open(&archive).unwrap();
    ours.execute_batch("BEGIN").unwrap();
    let count = |ours: &Connection| -> i64 {
        ours.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(&ours), before);

    // Others come while the sync has stored a page and not committed it.
    let (begun, is_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let mut pages = 0;
    machine.sandbox.on_request(move |call, _| {
        pages += usize::from(is_page(call));
        if pages == 2 && is_page(call) {
            begun.send(()).unwrap();
            let _ = may_go_on.recv();
        }
        None
    });
    let sync = Victim::default().start(&mut machine.command(&archive, SYNC));
    is_begun.recv().unwrap();
    let mut amid = readers();
    for reader in &mut amid {
        // What is there depends on whether the second since the last commit is over; that it answers does not.
        assert!(reader.count() >= before);
    }
    machine.run(&archive, ["status"]).with(0);
    go_on.send(()).unwrap();
    let ended = sync.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let after = number(&archive, "SELECT count(*) FROM runs");
    assert_eq!(after, before + 12);
    assert_eq!(count(&ours), before, "a reader sees one state of the archive");
    for reader in &mut early {
        assert_eq!(reader.count(), before);
        reader.say("COMMIT");
        assert_eq!(reader.count(), after);
    }
    for reader in &mut amid {
        assert_eq!(reader.count(), after);
    }
    assert_whole(&machine, &archive, "read meanwhile");
}

#[test]
fn another_program_that_keeps_the_archive_busy_is_an_error_that_says_so() {
    // SQLite's own words for it; to wait for the half minute that the program does would be a test that sleeps.
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.db");
    let [one, other] = [(); 2].map(|()| Connection::open(&archive).unwrap());
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    one.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = runledger::error::Error::from(other.execute_batch("BEGIN IMMEDIATE").unwrap_err());
    let error = error.in_archive(&archive);
    assert!(error.to_string().contains("another program keeps it busy"), "{error}");
    assert_eq!(error.exit_code(), 6);
    assert!(error.hint().unwrap().contains("wait until the other program is done"));
}

// ---- nobody reads on

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let machine = Machine::of(200);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for command in [
        &["export", "runs"][..],
        &["export", "documents"],
        &["export", "snapshots", "--format", "json"],
        &["report", "cost", "--by", "day", "--format", "csv"],
        &["query", "SELECT * FROM run_snapshots"],
        &["status"],
        &["--help"],
        &["sync", "--json"],
    ] {
        let mut child =
            machine.command(&archive, command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        // `head -1`, and one that reads nothing.
        if command.len() > 1 && command[0] == "export" {
            lines.read_line(&mut first).unwrap();
        }
        drop(lines);
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn a_closed_standard_error_ends_no_sync() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    for verbosity in ["-v", "-vvv"] {
        let mut command = machine.command(&archive, SYNC);
        let mut child = command.arg(verbosity).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{verbosity}");
    }
    assert_eq!(number(&archive, "SELECT count(*) FROM syncs WHERE outcome = 'complete'"), 2);
}
