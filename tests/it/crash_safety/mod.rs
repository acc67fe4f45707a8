//! Faults of the machine: the binary is killed, runs out of disk or runs twice, and completes later.

#![cfg(unix)]

mod closed_output;
mod concurrency;
mod damage;
mod disappearance;
mod disk_full;
mod file_set;
mod kill;
mod kill_copies;
mod kill_salvage;
mod leftovers;
mod permissions;

use crate::support::invariants::{assert_sound, copied};
use crate::support::machine::{Machine, SYNC, Victim, is_page};
use rusqlite::Connection;
use serde_json::json;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

/// Asserts that an archive passes the program's own check, if it has one, and the invariants.
fn assert_whole(machine: &Machine, archive: &Path, when: &str) {
    assert_sound(archive, when);
    if has_check(machine) && archive.exists() {
        let (_folder, copy) = copied(archive);
        // A first sync that was killed at once has no schema yet.
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

/// A machine whose API returns valid runs and some malformed items.
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

/// The exit code of a sync with malformed items: one item cannot be kept as a run.
const IN_PART: i32 = 3;

/// Runs a sync up to its `page`-th page, waits until the pages before are committed, and kills it.
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
