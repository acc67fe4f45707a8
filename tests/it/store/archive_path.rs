//! The path of an archive through every command: names, links, devices, and the files next to it.

use crate::support::machine::{Ended, Machine, SYNC};
use crate::support::workspace::at;
use runledger::internal::store::Lock;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every command that opens an archive. Those that write come first.
fn commands(machine: &Machine) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let id = machine.sandbox.model().ids().next().unwrap().to_string();
    let words = |line: &str| line.split(' ').map(|word| word.replace("ID", &id)).collect();
    let writers = ["sync --quiet", "fetch ID", "close 2025-01 --force --zone UTC"];
    let readers = [
        "sync --dry-run",
        "status",
        "status --json",
        "show ID",
        "report cost",
        "report html --output page.html",
        "export runs",
        "export parquet --output dataset",
        "query SELECT(1)",
        "datasette-metadata",
        "close",
        "restatements",
        "reconcile --period 2025-01 --invoice 1",
        "check",
        "backup copy.db",
        "verify --sample 1",
        "coverage",
        "drift",
    ];
    (writers.map(words).to_vec(), readers.map(words).to_vec())
}

fn run(machine: &Machine, arguments: &[String], archive: &Path) -> Ended {
    machine.run(archive, arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The names of the files in the folder of the machine, sorted.
fn files(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(machine.folder()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_command_refuses_a_name_that_sqlite_does_not_take_for_a_path() {
    let machine = Machine::of(5);
    let other = machine.file("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let before = fs::read(&other).unwrap();
    let (writers, readers) = commands(&machine);
    let demo = vec!["demo".to_owned()];
    for name in [":memory:", "file:other.db", "file:other.db?nolock=1"] {
        for arguments in writers.iter().chain(&readers).chain([&demo]) {
            let ended = run(&machine, arguments, Path::new(name));
            ended.refused(2, name);
            assert_eq!(ended.stdout, "", "{arguments:?}");
        }
        let by_variable = machine.command(Path::new("none.db"), ["status"]);
        let mut command = Command::new(by_variable.get_program());
        command.args(by_variable.get_args().take_while(|argument| *argument != "--db"));
        command.env("RUNLEDGER_DB", name).current_dir(machine.folder());
        Ended::from(command.output().unwrap()).refused(2, name);
        let check = machine.run(Path::new(name), ["status", "--check"]).with(3);
        assert!(check.stdout.starts_with("RUNLEDGER UNKNOWN - "), "{check:?}");
    }
    assert_eq!(fs::read(&other).unwrap(), before);
    assert_eq!(files(&machine), ["other.db"]);
    assert!(machine.sandbox.requests().is_empty());
}

#[test]
fn a_name_with_a_folder_before_it_is_a_path() {
    let machine = Machine::of(5);
    fs::create_dir(machine.file("file:d")).unwrap();
    for name in ["./file:a.db", "./file:a.db?mode=ro", "./:memory:", "file:d/../file:d/b.db"] {
        let archive = Path::new(name);
        if name.starts_with("file:") {
            // Its name begins with `file:`, so the advice applies.
            machine.run(archive, SYNC).refused(2, "write ./file:d");
            continue;
        }
        machine.synced(archive, 0);
        assert!(machine.file(name).is_file(), "{name}");
        let status = machine.run(archive, ["status"]).with(0);
        assert!(status.stdout.contains("\nRuns         5 of "), "{status:?}");
        let copy = format!("file:d/{}.copy", &name[2..]);
        machine.run(archive, ["backup", &copy]).with(0);
        machine.run(&machine.file(&copy), ["check"]).with(0);
    }
}

#[test]
fn syncs_through_any_link_exclude_each_other() {
    let machine = Machine::of(5);
    fs::create_dir(machine.file("data")).unwrap();
    symlink("data/a.db", machine.file("link.db")).unwrap();
    symlink(machine.file("link.db"), machine.file("second.db")).unwrap();
    symlink("data", machine.file("linked")).unwrap();
    let names = ["data/a.db", "link.db", "second.db", "linked/a.db"].map(PathBuf::from);
    let (writers, _) = commands(&machine);
    for is_dangling in [true, false] {
        for held in &names {
            let lock =
                Lock::acquire(&machine.file(held.to_str().unwrap()), at("2026-11-23T16:00:00Z")).unwrap();
            for other in &names {
                for arguments in writers.iter().filter(|arguments| !is_dangling || arguments[0] != "close") {
                    run(&machine, arguments, other).refused(11, "another process is using the archive");
                }
            }
            drop(lock);
        }
        machine.synced(Path::new("second.db"), 0);
        assert!(fs::symlink_metadata(machine.file("link.db")).unwrap().is_symlink());
        let status = machine.run(Path::new("link.db"), ["status"]).with(0);
        assert!(status.stdout.contains("data/a.db"), "{status:?}");
    }
    assert_eq!(files(&machine), ["data", "link.db", "linked", "second.db"], "nothing is next to a link");
    assert!(machine.file("data/a.db.lock").is_file());
}

#[test]
fn writers_refuse_a_file_with_several_names_and_readers_warn() {
    let machine = Machine::of(5);
    let (archive, other) = (machine.file("a.db"), machine.file("other.db"));
    machine.synced(&archive, 0);
    fs::hard_link(&archive, &other).unwrap();
    let before = fs::read(&archive).unwrap();
    let (writers, readers) = commands(&machine);
    for arguments in writers.iter().chain([&readers[0]]) {
        run(&machine, arguments, &other).refused(6, "the file has 2 names (hard links)");
    }
    for arguments in &readers[1..] {
        let ended = run(&machine, arguments, &other);
        let warnings = ended.stderr.matches("the file has 2 names (hard links)").count();
        assert_eq!((ended.code != Some(6), warnings), (true, 1), "{arguments:?}: {ended:?}");
    }
    assert_eq!(fs::read(&archive).unwrap(), before);
    // The advice: a copy has one name.
    let refused = machine.run(&other, SYNC);
    let (_, advice) = refused.stderr.split_once("runledger backup --db ").unwrap();
    assert!(advice.starts_with(other.to_str().unwrap()), "{advice}");
    machine.run(&other, ["backup", "NEW"]).with(0);
    machine.synced(Path::new("NEW"), 0);
}

#[test]
fn a_pipe_or_a_device_is_an_error_and_no_hang() {
    let machine = Machine::of(5);
    let (pipe, socket) = (machine.file("pipe"), machine.file("socket"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    symlink("pipe", machine.file("link")).unwrap();
    let (writers, readers) = commands(&machine);
    for arguments in writers.iter().chain(&readers) {
        for (path, what) in [
            ("pipe", "a named pipe"),
            ("link", "a named pipe"),
            ("socket", "a socket"),
            ("/dev/zero", "a device"),
        ] {
            run(&machine, arguments, Path::new(path)).refused(6, what);
        }
    }
    assert_eq!(files(&machine), ["link", "pipe", "socket"]);
}

#[test]
fn no_writer_takes_another_file_for_its_lock() {
    let machine = Machine::of(5);
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    let (place, notes) = (machine.file("a.db.lock"), machine.file("notes.txt"));
    fs::write(&notes, "my notes").unwrap();
    let before = fs::read(&archive).unwrap();
    let (writers, _) = commands(&machine);
    let links: [&dyn Fn(); 4] = [
        &|| symlink(&notes, &place).unwrap(),
        &|| symlink(&archive, &place).unwrap(),
        &|| fs::hard_link(&notes, &place).unwrap(),
        &|| fs::write(&place, "my notes").unwrap(),
    ];
    for create in links {
        fs::remove_file(&place).unwrap();
        create();
        for arguments in &writers {
            run(&machine, arguments, &archive).refused(6, "its lock");
        }
        assert_eq!(fs::read_to_string(&notes).unwrap(), "my notes");
        assert_eq!(fs::read(&archive).unwrap(), before);
    }
    // The advice: it is in the way.
    fs::rename(&place, machine.file("elsewhere")).unwrap();
    machine.synced(&archive, 0);
}

#[test]
fn an_archive_named_like_a_lock_or_log_of_another_stays_as_it_is() {
    let machine = Machine::of(5);
    let named_like_a_lock = machine.file("x.lock");
    machine.synced(&named_like_a_lock, 0);
    let before = fs::read(&named_like_a_lock).unwrap();
    let (writers, _) = commands(&machine);
    for arguments in writers.iter().filter(|arguments| arguments[0] != "close") {
        run(&machine, arguments, &machine.file("x")).refused(6, "its lock");
    }
    assert_eq!(fs::read(&named_like_a_lock).unwrap(), before);
    assert!(!machine.file("x").exists());
    // The lock of an archive is empty after a release, and no archive is created in it.
    let archive = machine.file("a.db");
    machine.synced(&archive, 0);
    for suffix in [".lock", "-wal", "-shm", "-journal"] {
        let companion = machine.file(&format!("a.db{suffix}"));
        fs::write(&companion, "").unwrap();
        machine.run(&companion, SYNC).refused(6, "it belongs to the archive");
        assert_eq!(fs::read(&companion).unwrap(), b"");
    }
}
