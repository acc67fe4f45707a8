//! The command `salvage`, and what it recovers of archives that are damaged at any place.

use super::{PAGE, broken, closed, command, eventful, json_of, run, tamper};
use crate::support::command::Ran;
use crate::support::invariants::contents;
use crate::support::workspace::{Workspace, at, options, rows_of};
use runledger::internal::salvage::{Salvage, salvage};
use runledger::internal::store::Lock;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rows of each table, as texts.
type Rows = BTreeMap<String, BTreeSet<String>>;

fn rows(path: &Path) -> Rows {
    let archive = Connection::open(path).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
               AND name <> 'refinery_schema_history'";
    let mut tables = archive.prepare(sql).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows_of = |table: &String| {
        let mut statement = archive.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..width).map(|column| row.get::<_, Value>(column));
            Ok(format!("{:?}", cells.collect::<rusqlite::Result<Vec<_>>>()?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    tables.iter().map(|table| (table.clone(), rows_of(table))).collect()
}

/// The snapshots: run, observation and hash.
fn snapshots(path: &Path) -> BTreeSet<String> {
    rows_of(path, "SELECT run_id, observed_at, content_hash FROM run_snapshots").into_iter().collect()
}

/// A compact copy of the workspace's archive, with pages of that size.
fn copy_of(workspace: &Workspace, name: &str, page_size: u64) -> PathBuf {
    let path = workspace.file(name);
    workspace.archive().backup_to(&path, at("2026-11-24T00:00:00Z")).unwrap();
    let copy = Connection::open(&path).unwrap();
    copy.execute_batch(&format!("PRAGMA page_size = {page_size}; VACUUM")).unwrap();
    path
}

/// Salvages the file in this process.
fn salvaged(damaged: &Path) -> (PathBuf, Salvage) {
    let new = damaged.with_extension("new.db");
    let _ = fs::remove_file(&new);
    let salvage = salvage(damaged, &new, at("2026-11-24T00:00:00Z"));
    let salvage = salvage.unwrap_or_else(|error| panic!("{}: {error}", damaged.display()));
    (new, salvage)
}

/// Runs `runledger salvage`.
fn run_salvage(damaged: &Path, new: &Path) -> Ran {
    run(damaged, &["salvage", damaged.to_str().unwrap(), "--output", new.to_str().unwrap()])
}

/// The table or index that each page belongs to, and the most snapshots that are lost with it.
fn pages_of(path: &Path) -> BTreeMap<u64, (String, u64)> {
    let archive = Connection::open(path).unwrap();
    let mut statement = archive.prepare("SELECT pageno, name, pagetype, ncell FROM dbstat").unwrap();
    let pages = statement.query_map([], |row| {
        let (name, kind, cells): (String, String, u64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let lost = match (name.as_str(), kind.as_str()) {
            ("run_snapshots", "leaf") => cells,
            ("run_snapshots", "overflow") => 1,
            _ => 0,
        };
        Ok((row.get(0)?, (name, lost)))
    });
    pages.unwrap().map(Result::unwrap).collect()
}

/// Damages each of these pages in turn, and compares what is salvaged with the sound archive.
fn assert_recovered(
    sound: &Path,
    page_size: u64,
    numbers: impl Iterator<Item = u64>,
    damage: impl Fn(&mut [u8], u64),
) {
    let bytes = fs::read(sound).unwrap();
    let (known, before, pages) = (snapshots(sound), rows(sound), pages_of(sound));
    let damaged = sound.with_extension("damaged.db");
    for number in numbers {
        let mut bytes = bytes.clone();
        damage(&mut bytes[((number - 1) * page_size) as usize..][..page_size as usize], number);
        fs::write(&damaged, bytes).unwrap();
        let (new, salvage) = salvaged(&damaged);
        let (owner, most_lost) = &pages[&number];
        let place = format!("page {number}, of {owner}");
        let found = snapshots(&new);
        assert!(found.is_subset(&known), "{place}: a snapshot was invented");
        let lost = (known.len() - found.len()) as u64;
        assert!(
            lost <= *most_lost,
            "{place}: {lost} snapshots are lost, and {most_lost} were on it: {salvage:?}"
        );
        let failed: Vec<&str> = salvage.failed.iter().map(|failed| failed.name).collect();
        assert!(failed.is_empty() || failed == ["closes"], "{place}: {failed:?}");
        if salvage.is_whole() {
            assert!(rows(&new) == before, "{place}: a loss is not reported");
        }
        // The pages of indexes have nothing to lose. Without a page of the schema, some pages are of unknown content.
        let can_lose = before.contains_key(owner.as_str()) || owner == "sqlite_schema";
        assert!(can_lose || salvage.is_whole(), "{place}: {salvage:?}");
    }
}

#[test]
fn a_sound_archive_is_salvaged_unchanged() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    fs::set_permissions(&sound, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::read(&sound).unwrap();
    let new = workspace.file("new.db");
    let ran = run_salvage(&sound, &new);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.ends_with("new.db: nothing is lost, and it passes the check\n"), "{}", ran.out);
    assert_eq!(rows(&new), rows(&sound));
    assert_eq!(broken(&new), (0, Vec::new()));
    assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read(&sound).unwrap() == before);
    // The next sync continues with it.
    let summary = workspace.sync_into(&new, &options());
    assert_eq!((summary.counts.new, summary.counts.changed), (0, 0));
}

#[test]
fn every_snapshot_off_a_damaged_page_is_recovered() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    let pages = fs::metadata(&sound).unwrap().len() / PAGE;
    assert_recovered(&sound, PAGE, 1..=pages, |page, _| page.fill(0));
}

#[test]
fn damaged_pages_inside_of_trees_hide_no_other_page() {
    let workspace = closed(40);
    let sound = copy_of(&workspace, "sound.db", 1024);
    let pages = fs::metadata(&sound).unwrap().len() / 1024;
    // Each interior page, and some of the others.
    let is_interior = |number: &u64| {
        let bytes = fs::read(&sound).unwrap();
        [2, 5].contains(&bytes[((number - 1) * 1024) as usize])
    };
    let numbers = (2..=pages).filter(|number| is_interior(number) || number % 11 == 0);
    let mut random = fastrand::Rng::with_seed(12);
    let garbage: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(1024).collect();
    assert_recovered(&sound, 1024, numbers, |page, _| page.copy_from_slice(&garbage));
}

#[test]
fn a_damaged_start_of_a_page_hides_no_snapshot_on_it() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    let bytes = fs::read(&sound).unwrap();
    let damaged = workspace.file("damaged.db");
    let of_snapshots = pages_of(&sound).into_iter().filter(|(_, (_, lost))| *lost > 1);
    for (number, _) in of_snapshots {
        let mut bytes = bytes.clone();
        bytes[((number - 1) * PAGE) as usize..][..16].fill(0xFF);
        fs::write(&damaged, bytes).unwrap();
        let (new, salvage) = salvaged(&damaged);
        assert!(salvage.is_whole(), "{salvage:?}");
        assert_eq!(rows(&new), rows(&sound));
    }
}

#[test]
fn lost_rows_are_named_and_a_full_sync_reads_them_again() {
    let workspace = eventful(60);
    let damaged = copy_of(&workspace, "damaged.db", PAGE);
    let known = snapshots(&damaged);
    let pages = pages_of(&damaged);
    let (number, _) = pages.iter().rfind(|(_, (_, lost))| *lost > 1).unwrap();
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[((number - 1) * PAGE) as usize..][..PAGE as usize].fill(0xA5);
    fs::write(&damaged, &bytes).unwrap();

    // The error of a command that meets the damage names the way out.
    let ran = run(&damaged, &["export", "snapshots"]);
    assert_eq!(ran.code, 6, "{}", ran.err);
    assert!(ran.err.contains("`runledger salvage FILE --output NEW`"), "{}", ran.err);
    let new = workspace.file("new.db");
    let arguments = ["salvage", damaged.to_str().unwrap(), "--output", new.to_str().unwrap(), "--json"];
    let ran = run(&damaged, &arguments);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(fs::read(&damaged).unwrap() == bytes, "the damaged file is only read");
    let printed = json_of(&ran);
    let of_snapshots =
        printed["tables"].as_array().unwrap().iter().find(|table| table["table"] == "run_snapshots").unwrap();
    let lost = known.difference(&snapshots(&new)).count();
    assert!(lost > 0);
    assert_eq!((&printed["complete"], &of_snapshots["lost"]), (&false.into(), &lost.into()), "{printed}");
    let examples: Vec<&str> = of_snapshots["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|example| example.as_str().unwrap())
        .collect();
    for lost in known.difference(&snapshots(&new)).take(examples.len()) {
        let run_id = lost.split('|').next().unwrap();
        assert!(examples.iter().any(|example| example.contains(run_id)), "{run_id} is not in {examples:?}");
    }
    assert_eq!(broken(&new), (0, Vec::new()));

    // The advice: `runledger sync --full`.
    assert!(ran.err.contains(&format!("`runledger sync --full --db {}`", new.display())), "{}", ran.err);
    let full = runledger::internal::sync::Options { full: true, ..options() };
    workspace.sync_into(&new, &full);
    assert_eq!(broken(&new), (0, Vec::new()));
    let runs = |path: &Path| rows_of(path, "SELECT run_id FROM runs ORDER BY 1");
    assert_eq!(runs(&new), runs(&workspace.path()));
}

#[test]
fn a_changed_snapshot_is_reported_and_left_out() {
    let workspace = eventful(60);
    let damaged = copy_of(&workspace, "damaged.db", PAGE);
    let known = snapshots(&damaged);
    let one = "snapshot_id = (SELECT max(snapshot_id) FROM run_snapshots WHERE el_cost_usd > 0)";
    let changed = rows_of(&damaged, &format!("SELECT run_id FROM run_snapshots WHERE {one}"));
    tamper(&damaged, &format!("UPDATE run_snapshots SET number = number + 1 WHERE {one}"));
    let ran = run_salvage(&damaged, &workspace.file("new.db"));
    assert_eq!(ran.code, 3, "{ran:?}");
    let reason = format!("a snapshot of run {} has another hash than its document", changed[0]);
    assert!(ran.out.contains(&reason), "{}", ran.out);
    let found = snapshots(&workspace.file("new.db"));
    assert!(found.is_subset(&known) && found.len() == known.len() - 1);
    assert_eq!(broken(&workspace.file("new.db")), (0, Vec::new()));
}

#[test]
fn columns_that_follow_from_a_document_are_derived_again() {
    let workspace = eventful(60);
    let damaged = copy_of(&workspace, "damaged.db", PAGE);
    let before = rows(&damaged);
    tamper(
        &damaged,
        "UPDATE run_snapshots SET trigger_type = 'x', el_cost_nanos = el_cost_nanos + 1 WHERE el_cost_usd > 0",
    );
    let (new, salvage) = salvaged(&damaged);
    assert!(salvage.is_whole(), "{salvage:?}");
    assert_eq!(rows(&new), before);
}

#[test]
fn ends_of_states_and_the_history_are_found_again() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    let before = rows(&sound);
    let damaged = workspace.file("damaged.db");
    for (sql, is_whole) in [
        (
            "UPDATE run_snapshots SET superseded_at = 'never ' || snapshot_id WHERE superseded_at IS NOT NULL",
            false,
        ),
        ("UPDATE run_snapshots SET superseded_at = observed_at WHERE superseded_at IS NOT NULL", false),
        ("DELETE FROM refinery_schema_history WHERE version >= 3", true),
        ("DROP TABLE refinery_schema_history", true),
        ("DROP INDEX run_snapshots_open; DROP VIEW runs", true),
    ] {
        fs::copy(&sound, &damaged).unwrap();
        tamper(&damaged, sql);
        let (new, salvage) = salvaged(&damaged);
        assert_eq!(salvage.is_whole(), is_whole, "{sql}: {salvage:?}");
        assert_eq!(rows(&new), before, "{sql}");
        assert_eq!(broken(&new), (0, Vec::new()), "{sql}");
    }
    // A number that is damaged, or that of another snapshot.
    fs::copy(&sound, &damaged).unwrap();
    let sql = "UPDATE run_snapshots SET snapshot_id = 1 << 50 WHERE snapshot_id = 3";
    tamper(&damaged, sql);
    let (new, _) = salvaged(&damaged);
    assert_eq!(snapshots(&new), snapshots(&sound));
    assert_eq!(broken(&new), (0, Vec::new()));
}

#[test]
fn lost_rows_leave_a_consistent_archive() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    for (sql, lost, kept) in [
        // Snapshots, states of pipelines and absences of syncs that are lost.
        ("DELETE FROM syncs WHERE sync_id IN (1, 3)", "syncs", "SELECT count(*) FROM run_snapshots"),
        // A state between two others, and a current state.
        (
            "DELETE FROM run_snapshots WHERE snapshot_id IN (SELECT max(snapshot_id) FROM run_snapshots GROUP BY run_id HAVING count(*) > 1)",
            "run_snapshots",
            "SELECT count(*) FROM syncs",
        ),
        (
            "DELETE FROM run_snapshots WHERE run_id IN (SELECT run_id FROM vanishings)",
            "run_snapshots",
            "SELECT count(*) FROM pipeline_snapshots",
        ),
        ("DELETE FROM period_closes WHERE close_id = 1", "", "SELECT count(*) FROM run_snapshots"),
        ("UPDATE syncs SET exit_code = 0 WHERE outcome = 'partial'", "syncs", "SELECT count(*) FROM drift"),
    ] {
        let damaged = workspace.file("damaged.db");
        fs::copy(&sound, &damaged).unwrap();
        tamper(&damaged, sql);
        let (new, salvage) = salvaged(&damaged);
        assert!(!salvage.is_whole(), "{sql}");
        let table = salvage.recovery.tables.iter().find(|table| table.table == lost);
        assert!(table.is_none_or(|table| table.lost > 0), "{sql}: {salvage:?}");
        let (_, failed) = broken(&new);
        assert!(failed.is_empty() || failed == ["closes"], "{sql}: {failed:?}");
        assert_eq!(rows_of(&new, kept), rows_of(&sound, kept), "{sql}");
    }
}

#[test]
fn truncated_archives_give_the_rows_before_the_cut() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    let (known, length) = (snapshots(&sound), fs::metadata(&sound).unwrap().len());
    let mut recovered = Vec::new();
    for cut in [length - 1, length - PAGE / 2, length - PAGE, length - 2 * PAGE, length * 2 / 3] {
        let damaged = workspace.file("damaged.db");
        fs::copy(&sound, &damaged).unwrap();
        fs::OpenOptions::new().write(true).open(&damaged).unwrap().set_len(cut).unwrap();
        let (new, salvage) = salvaged(&damaged);
        let found = snapshots(&new);
        assert!(found.is_subset(&known), "{cut}");
        assert!(found == known || !salvage.is_whole(), "{cut}: {salvage:?}");
        recovered.push(found.len());
    }
    assert!(recovered[0] > 0 && recovered.is_sorted_by(|one, next| one >= next), "{recovered:?}");
    for cut in [0, 50, 100, PAGE] {
        let damaged = workspace.file("damaged.db");
        fs::copy(&sound, &damaged).unwrap();
        fs::OpenOptions::new().write(true).open(&damaged).unwrap().set_len(cut).unwrap();
        let none = workspace.file("none.db");
        let ran = run_salvage(&damaged, &none);
        assert_eq!(ran.code, 6, "{cut}: {ran:?}");
        assert!(ran.err.contains("hint:  ") && !none.exists(), "{cut}: {}", ran.err);
    }
}

#[test]
fn the_log_of_a_damaged_archive_is_salvaged_too() {
    let workspace = eventful(60);
    let (path, log) = (workspace.path(), workspace.file("runledger.db-wal"));
    let writer = Connection::open(&path).unwrap();
    writer.execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE syncs SET reason = 'in the log'").unwrap();
    let (damaged, damaged_log) = (workspace.file("damaged.db"), workspace.file("damaged.db-wal"));
    fs::copy(&path, &damaged).unwrap();
    fs::copy(&log, &damaged_log).unwrap();
    let (new, salvage) = salvaged(&damaged);
    assert!(salvage.is_whole(), "{salvage:?}");
    assert_eq!(rows(&new), rows(&path));

    // A log that a backup found at its place is not its own.
    let backup = workspace.file("backup.db");
    workspace.archive().backup_to(&backup, at("2026-11-24T00:00:00Z")).unwrap();
    let before = rows(&backup);
    fs::copy(&log, workspace.file("backup.db-wal")).unwrap();
    let new = workspace.file("new.db");
    let ran = run_salvage(&backup, &new);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("backup.db-wal belongs to another file and was not read"), "{}", ran.err);
    assert_eq!(rows(&new), before);
}

#[test]
fn copies_made_by_sqlite3_are_salvaged() {
    let workspace = closed(60);
    let sound = copy_of(&workspace, "sound.db", PAGE);
    let shell =
        |database: &Path, arguments: &[&str]| Command::new("sqlite3").arg(database).args(arguments).output();
    // Where sqlite3 is not installed, there is nothing to try.
    let Ok(dump) = shell(&sound, &[".dump"]) else { return };
    let reloaded = workspace.file("reloaded.db");
    Connection::open(&reloaded).unwrap().execute_batch(std::str::from_utf8(&dump.stdout).unwrap()).unwrap();
    let clone = workspace.file("clone.db");
    shell(&sound, &[&format!(".clone {}", clone.display())]).unwrap();
    for copy in [reloaded, clone] {
        // Every other command refuses it, and names the way.
        let refused = run(&copy, &["status"]);
        assert_eq!(refused.code, 6, "{refused:?}");
        assert!(
            refused.err.contains("`runledger salvage FILE --output NEW` makes an archive of it"),
            "{}",
            refused.err
        );
        let (new, salvage) = salvaged(&copy);
        assert!(salvage.is_whole(), "{}: {salvage:?}", copy.display());
        assert_eq!(rows(&new), rows(&sound), "{}", copy.display());
    }
}

/// The archives of each landed version of the schema.
pub(super) fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut fixtures: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "db")).collect();
    fixtures.sort_unstable();
    assert!(fixtures.len() >= 3, "{fixtures:?}");
    fixtures
}

#[test]
fn archives_of_every_landed_schema_are_salvaged() {
    let folder = tempfile::tempdir().unwrap();
    for fixture in fixtures() {
        let damaged = folder.path().join(fixture.file_name().unwrap());
        fs::copy(&fixture, &damaged).unwrap();
        let migrated = folder.path().join("migrated.db");
        fs::copy(&fixture, &migrated).unwrap();
        let ran = run(&migrated, &["migrate"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        // Without the schema, without the migration history, and whole.
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'refinery_schema_history'";
        let history: u64 = Connection::open(&fixture).unwrap().query_row(root, [], |row| row.get(0)).unwrap();
        for page in [None, Some(1), Some(history)] {
            let mut bytes = fs::read(&fixture).unwrap();
            if let Some(page) = page {
                bytes[((page - 1) * PAGE) as usize..][..PAGE as usize].fill(0);
            }
            fs::write(&damaged, bytes).unwrap();
            let (new, salvage) = salvaged(&damaged);
            assert!(salvage.is_whole(), "{}, page {page:?}: {salvage:?}", fixture.display());
            assert_eq!(rows(&new), rows(&migrated), "{}, page {page:?}", fixture.display());
            assert_eq!(contents(&new), contents(&migrated));
        }
        fs::remove_file(&migrated).unwrap();
    }
}

#[test]
fn an_existing_output_is_refused_and_unchanged() {
    let workspace = eventful(20);
    let new = workspace.file("new.db");
    for taken in ["new.db", "new.db-wal", "new.db-journal", "new.db.lock"] {
        let taken = workspace.file(taken);
        fs::write(&taken, "mine").unwrap();
        let ran = run_salvage(&workspace.path(), &new);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.err.contains(&format!("{} exists", taken.display())), "{}", ran.err);
        assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
        fs::remove_file(&taken).unwrap();
    }
    std::os::unix::fs::symlink("nowhere.db", &new).unwrap();
    assert_eq!(run_salvage(&workspace.path(), &new).code, 2);
    assert!(!workspace.file("nowhere.db").exists());
    let nowhere = workspace.file("none/new.db");
    assert_eq!(run_salvage(&workspace.path(), &nowhere).code, 7);
}

#[test]
fn what_is_no_archive_is_not_salvaged() {
    let workspace = eventful(20);
    let notes = workspace.file("notes.txt");
    fs::write(&notes, "Buy milk. ".repeat(5000)).unwrap();
    let foreign = workspace.file("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    let newer = copy_of(&workspace, "newer.db", PAGE);
    tamper(&newer, "UPDATE refinery_schema_history SET version = 999 WHERE version = 1");
    let none = workspace.file("none.db");
    for (file, why) in [
        (notes.as_path(), "no table and no row of an archive"),
        (&foreign, "no table and no row of an archive"),
        (&newer, "its schema is version 999"),
        (Path::new("/dev/null"), "it is not a regular file"),
        (none.parent().unwrap(), "it is not a regular file"),
        (&none, "No such file"),
    ] {
        let ran = run_salvage(file, &workspace.file("new.db"));
        assert_eq!(ran.code, 6, "{}: {ran:?}", file.display());
        assert!(ran.err.contains(why) && ran.err.contains("hint:  "), "{}", ran.err);
        assert!(!workspace.file("new.db").exists());
    }
}

#[test]
fn an_archive_in_use_is_not_salvaged_and_other_tables_are_named() {
    let workspace = eventful(20);
    tamper(&workspace.path(), "CREATE TABLE budgets (x); INSERT INTO budgets VALUES (1)");
    let new = workspace.file("new.db");
    let lock = Lock::acquire(&workspace.path(), at("2026-11-24T00:00:00Z")).unwrap();
    assert_eq!(run_salvage(&workspace.path(), &new).code, 11);
    drop(lock);
    let ran = run_salvage(&workspace.path(), &new);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("the table budgets is not of an archive and was not copied"), "{}", ran.err);
    let mut ran = command(&new, &["salvage", "runledger.db"]);
    assert_eq!(ran.output().unwrap().status.code(), Some(2), "--output is required");
}
