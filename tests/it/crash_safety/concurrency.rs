//! Several programs that use one archive at the same time.

use super::{assert_whole, number, text};
use crate::support::invariants::assert_sound;
use crate::support::machine::{Machine, Running, SYNC, Victim, is_page};
use rusqlite::Connection;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn a_second_sync_names_the_lock_holder_and_its_start() {
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
            &format!("another process is using the archive: process {} since {since}", victim.id()),
        );
    }
    // Readers still have access.
    let status = machine.run(&archive, ["status"]).with(0);
    assert!(status.stdout.contains(&format!("running in process {}", victim.id())), "{status:?}");
    go_on.send(()).unwrap();
    let first = first.wait();
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(number(&archive, "SELECT count(*) FROM syncs"), 1);
    machine.synced(&archive, 0);
}

#[test]
fn two_concurrent_first_starts_migrate_once() {
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

/// A program that reads the archive: it starts a transaction, prints a count, and prints it again on request.
struct Reader {
    child: std::process::Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Reader {
    /// `None`: the program is not installed.
    fn of(program: &str, arguments: &[&str], archive: &Path) -> Option<Reader> {
        let mut command = Command::new(program);
        command.args(arguments).arg(archive).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Reader { child, lines })
    }

    /// Its current count.
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
    // They start reading before the sync does, and do not stop.
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

    // More readers start while the sync has stored a page and not committed it.
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
        // The count depends on whether the second since the last commit is over; the exit code does not.
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
fn a_write_lock_of_another_program_is_reported() {
    // SQLite's own error; waiting the full half minute would make a slow test.
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.db");
    let [one, other] = [(); 2].map(|()| Connection::open(&archive).unwrap());
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    one.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = runledger::internal::error::Error::from(other.execute_batch("BEGIN IMMEDIATE").unwrap_err());
    let error = error.in_archive(&archive);
    assert!(error.to_string().contains("another program has locked the file"), "{error}");
    assert_eq!(error.exit_code(), 6);
    assert!(error.hint().unwrap().contains("wait until the other program has finished"));
}

/// A sync that another connection, which holds the write lock, keeps waiting.
fn waiting(machine: &Machine, archive: &Path, arguments: &[&str]) -> (Victim, Running) {
    let victim = Victim::default();
    let running = victim.start(&mut machine.command(archive, arguments));
    // It has the lock of the archive, so the write lock is next.
    let lock = archive.with_extension("db.lock");
    while !fs::read_to_string(&lock).is_ok_and(|holder| holder.contains(&format!("process {}", victim.id())))
    {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(300));
    (victim, running)
}

#[test]
fn a_signal_ends_the_wait_for_a_write_lock_at_once() {
    let machine = Machine::of(10);
    let synced = machine.file("a.db");
    machine.synced(&synced, 0);
    // The migration of an older archive waits, too.
    let older = machine.file("v2.db");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v2.db");
    fs::copy(fixture, &older).unwrap();
    let id = machine.sandbox.model().ids().next().unwrap().to_string();
    for (archive, arguments) in [(&synced, &SYNC[..]), (&synced, &["fetch", &id]), (&older, &SYNC)] {
        for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
            let holder = Connection::open(archive).unwrap();
            holder.execute_batch("BEGIN IMMEDIATE").unwrap();
            let (victim, running) = waiting(&machine, archive, arguments);
            let began = Instant::now();
            victim.signal(signal);
            let ended = running.wait();
            let when = format!("{arguments:?}, {signal}, {:?}: {ended:?}", began.elapsed());
            // A busy machine needs longer than a second, and the wait would last half a minute.
            assert!(began.elapsed() < Duration::from_secs(5), "{when}");
            assert_eq!(ended.code, Some(code), "{when}");
            assert!(ended.stderr.contains(&format!("interrupted by SIG{signal}")), "{when}");
            holder.execute_batch("ROLLBACK").unwrap();
            drop(holder);
            assert_sound(archive, &when);
        }
    }
    machine.synced(&synced, 0);
}

#[test]
fn a_sync_continues_when_another_program_releases_the_write_lock() {
    let machine = Machine::of(10);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let holder = Connection::open(&archive).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (_victim, running) = waiting(&machine, &archive, &SYNC);
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(running.wait().code, Some(0));
    assert_eq!(number(&archive, "SELECT count(*) FROM syncs WHERE outcome = 'complete'"), 2);
}
