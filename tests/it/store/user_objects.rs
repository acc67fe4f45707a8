//! Tables, views, indexes and triggers that users added to an archive, and migrations.

use super::migrations::fixture;
use crate::maintenance::{broken, json_of, run};
use crate::support::command::{Ran, ran};
use crate::support::network::closed_port;
use rusqlite::Connection;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A copy of the fixture of a schema version, after the user's statements.
fn copy_with(folder: &tempfile::TempDir, version: u32, sql: &str) -> std::path::PathBuf {
    let path = folder.path().join(format!("v{version}.db"));
    fs::copy(fixture(version), &path).unwrap();
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

/// Runs a command that migrates the archive, with an API that refuses connections.
fn migrating(path: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
    command
        .args(arguments)
        .env("RUNLEDGER_DB", path)
        .env("RUNLEDGER_API_URL", format!("http://127.0.0.1:{}/", closed_port()))
        .env("NEKT_API_KEY", "key-of-a-test");
    ran(command)
}

#[test]
fn a_users_object_with_a_needed_name_is_named_before_the_backup() {
    let id = "00000000-0000-0000-0000-000000000001";
    for (version, sql, named) in [
        (3, "CREATE TABLE list_gaps (x); INSERT INTO list_gaps VALUES (7)", "table list_gaps"),
        (3, "CREATE VIEW List_Gaps AS SELECT 1", "view List_Gaps"),
        (1, "CREATE TABLE vanishings (x)", "table vanishings"),
        (1, "CREATE INDEX period_closes_first ON syncs (kind)", "index period_closes_first"),
    ] {
        for command in [&["sync"][..], &["fetch", id]] {
            let folder = tempfile::tempdir().unwrap();
            let path = copy_with(&folder, version, sql);
            let before = fs::read(&path).unwrap();
            let refused = migrating(&path, command);
            let lines: Vec<&str> = refused.err.lines().collect();
            assert_eq!((refused.code, lines.len()), (6, 3), "{refused:?}");
            let cause =
                format!("  cause: the {named} was added to it, and its next schema version needs that name");
            assert_eq!(lines[1], cause);
            assert!(fs::read(&path).unwrap() == before, "the archive was changed");
            let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(names.into_iter().all(|name| !name.to_str().unwrap().ends_with(".bak")));

            // The advice, followed in the sqlite3 shell.
            let advice = lines[2].split('`').nth(1).unwrap();
            let output = Command::new("sqlite3").arg(&path).arg(advice).output().unwrap();
            assert!(output.status.success(), "{advice}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(migrating(&path, command).code, 5);
            assert_eq!(broken(&path), (0, Vec::new()));
        }
    }
}

#[test]
fn objects_that_users_added_survive_a_migration() {
    let added = "
        CREATE TABLE mine (close_id INTEGER REFERENCES period_closes (close_id), note TEXT);
        INSERT INTO mine VALUES (1, 'booked');
        CREATE INDEX mine_of_closes ON period_closes (zone);
        CREATE TRIGGER mine_on_close AFTER INSERT ON period_closes BEGIN INSERT INTO mine VALUES (new.close_id, 'new'); END;
        CREATE TRIGGER mine_on_runs INSTEAD OF INSERT ON runs BEGIN INSERT INTO mine (note) VALUES ('run'); END;
        CREATE VIEW mine_of_runs AS SELECT status, count(*) AS runs FROM runs GROUP BY status;
        CREATE VIEW mine_of_closes_view AS SELECT period FROM period_closes;
        CREATE VIEW mine_broken AS SELECT x FROM nowhere;";
    let mine =
        "SELECT type || ' ' || name || ': ' || sql FROM sqlite_schema WHERE name LIKE 'mine%' ORDER BY 1";
    for version in [2, 3, 4, 5] {
        let folder = tempfile::tempdir().unwrap();
        let path = copy_with(&folder, version, added);
        let texts = |sql: &str| -> Vec<String> {
            let archive = Connection::open(&path).unwrap();
            let mut statement = archive.prepare(sql).unwrap();
            let texts = statement.query_map([], |row| row.get(0)).unwrap();
            texts.collect::<rusqlite::Result<_>>().unwrap()
        };
        let before = (texts(mine), texts("SELECT period FROM mine_of_closes_view"));
        assert_eq!(migrating(&path, &["sync"]).code, 5);
        assert_eq!(
            (texts(mine), texts("SELECT period FROM mine_of_closes_view")),
            before,
            "version {version}"
        );
        assert_eq!(texts("SELECT note FROM mine"), ["booked"]);
        assert!(!texts("SELECT status FROM mine_of_runs").is_empty());
        assert_eq!(broken(&path), (0, Vec::new()));
        assert_eq!(json_of(&run(&path, &["status", "--json"]))["schema_version"], 7);
    }
}
