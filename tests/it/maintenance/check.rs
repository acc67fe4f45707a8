//! The command `check`: it finds and names every violation.

use super::{PAGE, broken, closed, eventful, run, tamper};
use crate::support::workspace::at;
use runledger::internal::store::Archive;
use std::fs;

#[test]
fn a_sound_archive_passes_every_check() {
    let workspace = eventful(60);
    let ran = run(&workspace.path(), &["check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let results = ran.out.lines().filter(|line| line.starts_with("ok "));
    let names: Vec<&str> = results.map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(
        names,
        [
            "file",
            "references",
            "schema",
            "history",
            "hashes",
            "derived",
            "json",
            "instants",
            "counts",
            "syncs",
            "vanished",
            "catalogue",
            "closes"
        ]
    );
    assert!(ran.out.ends_with("\n13 of 13 hold\n") && !ran.out.contains("broken"), "{}", ran.out);
    assert_eq!(broken(&workspace.path()), (0, Vec::new()));
}

#[test]
fn check_names_every_violation() {
    let workspace = eventful(60);
    let changed = "run_id IN (SELECT run_id FROM run_snapshots WHERE superseded_at IS NOT NULL)";
    let one = "snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots WHERE el_cost_usd > 0 AND superseded_at IS NULL)";
    let sound = workspace.file("sound.db");
    workspace.archive().backup_to(&sound, at("2026-11-24T00:00:00Z")).unwrap();
    for (sql, expected) in [
        ("UPDATE run_snapshots SET superseded_at = '2026-11-23T16:30:00.000000Z' WHERE superseded_at IS NOT NULL".to_owned(), "history"),
        ("UPDATE run_snapshots SET superseded_at = '2026-11-23T23:00:00.000000Z' WHERE superseded_at IS NOT NULL".to_owned(), "history"),
        (format!("UPDATE run_snapshots SET superseded_at = '2027-01-01T00:00:00.000000Z' WHERE superseded_at IS NULL AND {changed}"), "history"),
        ("UPDATE run_snapshots SET superseded_at = '2000-01-01T00:00:00.000000Z' WHERE superseded_at IS NOT NULL".to_owned(), "file history"),
        (format!("DROP INDEX run_snapshots_of_run; UPDATE run_snapshots SET superseded_at = NULL WHERE {changed}"), "schema history"),
        ("DROP INDEX run_snapshots_open".to_owned(), "schema"),
        ("DROP VIEW runs".to_owned(), "schema"),
        (format!("UPDATE run_snapshots SET content_hash = zeroblob(32) WHERE {one}"), "hashes"),
        (format!("UPDATE run_snapshots SET number = number + 1 WHERE {one}"), "hashes"),
        (format!("UPDATE run_snapshots SET absent = '[\"nonsense\"]' WHERE {one}"), "hashes"),
        ("UPDATE quarantine SET item = item || ' '".to_owned(), "hashes"),
        (format!("UPDATE run_snapshots SET trigger_type = 'webhook' WHERE {one}"), "derived"),
        (format!("UPDATE run_snapshots SET el_cost_nanos = el_cost_nanos + 1 WHERE {one}"), "derived"),
        (format!("UPDATE run_snapshots SET extra_config = '{{' WHERE {one}"), "file hashes json"),
        (format!("UPDATE run_snapshots SET created_at = '23.11.2026' WHERE {one}"), "hashes instants"),
        ("UPDATE pipeline_snapshots SET observed_at = '2026-11-23T16:00:00Z'".to_owned(), "instants"),
        ("UPDATE syncs SET runs_new = runs_new + 1 WHERE sync_id = 1".to_owned(), "counts"),
        ("UPDATE syncs SET runs_changed = 0 WHERE sync_id = 2".to_owned(), "counts"),
        ("DELETE FROM syncs WHERE sync_id = 1".to_owned(), "references"),
        ("UPDATE syncs SET ended_at = NULL WHERE sync_id = 1".to_owned(), "syncs"),
        ("UPDATE syncs SET exit_code = 0 WHERE sync_id = 3".to_owned(), "syncs"),
        ("UPDATE syncs SET runs_suspected = 1 WHERE sync_id = 3".to_owned(), "syncs"),
        ("UPDATE vanishings SET run_id = 'nobody'".to_owned(), "vanished"),
        ("DELETE FROM run_snapshots WHERE run_id IN (SELECT run_id FROM vanished_runs)".to_owned(), "counts vanished"),
        ("UPDATE pipeline_snapshots SET superseded_at = '2027-01-01T00:00:00.000000Z'".to_owned(), "catalogue"),
    ] {
        let path = workspace.file("broken.db");
        fs::copy(&sound, &path).unwrap();
        tamper(&path, &sql);
        let (code, names) = broken(&path);
        assert_eq!((code, names.join(" ").as_str()), (6, expected), "{sql}");
    }
}

#[test]
fn check_names_every_change_to_a_closed_month() {
    let workspace = closed(60);
    assert_eq!(broken(&workspace.path()), (0, Vec::new()));
    let sound = workspace.file("sound.db");
    workspace.archive().backup_to(&sound, at("2026-11-24T00:00:00Z")).unwrap();
    let frozen = |change: &str| format!("UPDATE period_closes SET {change} WHERE close_id = 1");
    // A run of the closed month that has not changed since.
    let then = "snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots \
                WHERE started_at < '2026-11-01' AND el_cost_usd > 0 AND superseded_at IS NOT NULL)";
    let still = "snapshot_id = (SELECT min(snapshot_id) FROM run_snapshots \
                 WHERE started_at < '2026-11-01' AND started_at > '2026-10-25' AND el_cost_usd > 0 AND superseded_at IS NULL)";
    for (sql, expected) in [
        (frozen("runs = runs + 1"), "closes"),
        (frozen("runs_cost_unknown = runs_cost_unknown + 1"), "closes"),
        (frozen("el_cost_nanos = el_cost_nanos + 1"), "closes"),
        (frozen("el_cost_nanos = NULL"), "closes"),
        (frozen("transformation_cost_nanos = transformation_cost_nanos - 1"), "closes"),
        (frozen("total_cost_nanos = -total_cost_nanos"), "closes"),
        (frozen("credits = credits - 1"), "closes"),
        (frozen("rows_sha256 = zeroblob(32)"), "closes"),
        (frozen("rows_sha256 = zeroblob(31)"), "file closes"),
        (frozen("names = '[]'"), "closes"),
        (frozen("row_layout = 1"), "closes"),
        (frozen("names = replace(names, '\"name\":\"', '\"name\":\"x')"), "closes"),
        (frozen("names = '['"), "file closes"),
        (frozen("allocation = '[{\"centre\":\"X\"}]'"), "closes"),
        (frozen("allocation = '[{\"center\":\"X\"}]'"), "closes"),
        (frozen("zone = 'Mars/Olympus'"), "closes"),
        (frozen("terms = replace(terms, '1490', '1590')"), "closes"),
        (frozen("terms = replace(terms, '\"layout\":1', '\"layout\":2')"), "closes"),
        (frozen("terms = '{'"), "file closes"),
        (frozen("terms = NULL"), "file"),
        (frozen("terms_sha256 = zeroblob(32)"), "closes"),
        (frozen("terms_sha256 = NULL"), "file closes"),
        (frozen("date_basis = 'ended'"), "closes"),
        (frozen("date_basis = 'paid'"), "file closes"),
        (frozen("starts_at = '2026-10-27T00:00:00.000000Z'"), "closes"),
        (frozen("ends_at = '2026-10-27T00:00:00.000000Z'"), "closes"),
        (frozen("known_at = '2026-11-23T20:30:00.000000Z'"), "closes"),
        (frozen("known_at = 'yesterday'"), "instants closes"),
        (
            "DROP INDEX period_closes_first; UPDATE period_closes SET restates = NULL WHERE close_id = 2"
                .to_owned(),
            "schema closes",
        ),
        ("UPDATE period_closes SET period = '2026-09' WHERE close_id = 1".to_owned(), "closes"),
        ("DELETE FROM period_closes WHERE close_id = 1".to_owned(), "references closes"),
        (
            format!("UPDATE run_snapshots SET el_cost_nanos = el_cost_nanos + 1 WHERE {then}"),
            "derived closes",
        ),
        (
            format!("UPDATE run_snapshots SET el_cost_nanos = el_cost_nanos + 1 WHERE {still}"),
            "derived closes",
        ),
        (format!("UPDATE run_snapshots SET content_hash = zeroblob(32) WHERE {still}"), "hashes closes"),
        (format!("UPDATE run_snapshots SET trigger_type = 'webhook' WHERE {still}"), "derived closes"),
        ("UPDATE pipeline_snapshots SET name = 'x' WHERE superseded_at IS NOT NULL".to_owned(), "closes"),
        (
            "UPDATE pipeline_snapshots SET slug = 'x', name = NULL WHERE superseded_at IS NULL".to_owned(),
            "closes",
        ),
        ("UPDATE vanishings SET vanished_at = 'yesterday'".to_owned(), "instants"),
    ] {
        let path = workspace.file("broken.db");
        fs::copy(&sound, &path).unwrap();
        tamper(&path, &sql);
        let (code, names) = broken(&path);
        assert_eq!((code, names.join(" ").as_str()), (6, expected), "{sql}");
    }
    let path = workspace.file("broken.db");
    fs::copy(&sound, &path).unwrap();
    tamper(&path, &frozen("credits = credits + 1, runs = 0"));
    let ran = run(&path, &["check"]);
    assert!(ran.out.contains("close 1 of 2026-10: runs, credits\n"), "{}", ran.out);
}

#[test]
fn a_broken_row_in_a_users_table_is_no_damage() {
    let workspace = eventful(60);
    tamper(
        &workspace.path(),
        "CREATE TABLE notes (sync_id INTEGER REFERENCES syncs (sync_id), score INTEGER CHECK (score > 0));
         CREATE TABLE \"my notes\" (id INTEGER PRIMARY KEY, run_id TEXT REFERENCES runs_of_mine (run_id)) STRICT;
         INSERT INTO notes VALUES (999, -1);
         INSERT INTO \"my notes\" VALUES (1, 'no run');",
    );
    assert_eq!(broken(&workspace.path()), (0, Vec::new()));
    let backup = workspace.file("backup.db");
    assert_eq!(run(&workspace.path(), &["backup", backup.to_str().unwrap()]).code, 0);
    assert_eq!(broken(&backup), (0, Vec::new()));
    // The same faults in tables of the archive are damage.
    tamper(&workspace.path(), "UPDATE syncs SET kind = 'other'; UPDATE vanishings SET sync_id = 999");
    assert_eq!(broken(&workspace.path()), (6, vec!["file".to_owned(), "references".to_owned()]));
}

#[test]
fn check_counts_all_violations_and_lists_some() {
    let workspace = eventful(60);
    tamper(&workspace.path(), "UPDATE run_snapshots SET trigger_type = 'x'");
    let ran = run(&workspace.path(), &["check"]);
    let snapshots = workspace.number("SELECT count(*) FROM run_snapshots");
    assert_eq!(ran.code, 6);
    let first = ran.out.lines().find(|line| line.starts_with("broken ") || line.starts_with("ok "));
    assert!(first.unwrap().starts_with("broken  derived "), "what is broken comes first: {}", ran.out);
    assert!(ran.out.contains("\n12 of 13 hold\n"), "{}", ran.out);
    assert!(ran.out.contains(&format!("\nderived: {snapshots} violations\n  ")), "{}", ran.out);
    assert!(ran.out.contains(&format!("and {} more", snapshots - 5)), "{}", ran.out);
    assert!(ran.err.contains(&format!("checks failed: derived ({snapshots})")), "{}", ran.err);
    let quiet = run(&workspace.path(), &["check", "--quiet"]);
    let examples = |out: &str| out.split_once("\nderived: ").unwrap().1.to_owned();
    assert_eq!((quiet.code, examples(&quiet.out)), (6, examples(&ran.out)));
    assert!(!quiet.out.contains("\nok ") && quiet.out.contains("\nbroken  derived "), "{}", quiet.out);
}

#[test]
fn check_finds_an_overwritten_page_anywhere() {
    let workspace = eventful(60);
    let sound = workspace.file("sound.db");
    workspace.archive().backup_to(&sound, at("2026-11-24T00:00:00Z")).unwrap();
    let bytes = fs::read(&sound).unwrap();
    let pages = bytes.len() as u64 / PAGE;
    assert!(pages >= 12);
    for page in 0..pages {
        let path = workspace.file("damaged.db");
        let mut damaged = bytes.clone();
        damaged[(page * PAGE) as usize..][..64].fill(0xff);
        fs::write(&path, damaged).unwrap();
        let checked = Archive::open_for_checking(&path).and_then(|archive| archive.check());
        match checked {
            Ok(checked) => assert!(checked.iter().any(|checked| checked.broken > 0), "page {page}"),
            Err(error) => assert_eq!(error.exit_code(), 6, "page {page}: {error}"),
        }
    }
}

#[test]
fn a_truncated_archive_is_unusable() {
    let workspace = eventful(60);
    let sound = workspace.file("sound.db");
    workspace.archive().backup_to(&sound, at("2026-11-24T00:00:00Z")).unwrap();
    let length = fs::metadata(&sound).unwrap().len();
    for length in [50, 100, PAGE, 3 * PAGE, length / 2, length - PAGE, length - 1] {
        let path = workspace.file("cut.db");
        fs::copy(&sound, &path).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
        let ran = run(&path, &["check"]);
        assert_eq!(ran.code, 6, "{length}: {}", ran.err);
        assert!(ran.err.starts_with("error: cannot use the archive "), "{length}: {}", ran.err);
        assert!(ran.err.contains("hint:  "), "{length}: {}", ran.err);
    }
}
