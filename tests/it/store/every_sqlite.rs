//! Archives in the sqlite3 shell of Debian 12, which is SQLite 3.40, and in readers that cannot read bytes in views.

use crate::maintenance::{broken, closed};
use crate::support::month_end::{MONTH, MonthEnd};
use rusqlite::Connection;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the sqlite3 shell prints for a statement; bytes of a hash are not UTF-8.
fn shell(archive: &Path, statement: &str) -> String {
    let output = Command::new("sqlite3").arg("-bail").arg(archive).arg(statement).output().unwrap();
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn names(archive: &Connection, kind: &str) -> Vec<String> {
    let mut statement =
        archive.prepare("SELECT name FROM sqlite_schema WHERE type = ?1 ORDER BY name").unwrap();
    let names = statement.query_map([kind], |row| row.get(0)).unwrap();
    names.collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn an_archive_with_a_clean_close_survives_dump_and_reload() {
    let month_end = MonthEnd::of(40);
    month_end.output(&["close", MONTH, "--zone", "UTC"]);
    let path = month_end.workspace.path();
    assert_eq!(shell(&path, "SELECT count(*) FROM period_closes WHERE objections IS NULL"), "1\n");
    assert_eq!(shell(&path, "PRAGMA integrity_check"), "ok\n");
    let reloaded = month_end.workspace.file("reloaded.db");
    let mut dump = Command::new("sqlite3").arg(&path).arg(".dump").stdout(Stdio::piped()).spawn().unwrap();
    let sql = dump.stdout.take().unwrap();
    let reload = Command::new("sqlite3").arg("-bail").arg(&reloaded).stdin(sql).output().unwrap();
    assert!(dump.wait().unwrap().success());
    assert!(reload.status.success(), "{}", String::from_utf8_lossy(&reload.stderr));
    for table in names(&Connection::open(&path).unwrap(), "table") {
        let rows = format!("SELECT * FROM {table} ORDER BY 1, 2, 3");
        assert_eq!(shell(&reloaded, &rows), shell(&path, &rows), "{table}");
    }
}

#[test]
fn no_column_of_a_view_holds_bytes() {
    let workspace = closed(60);
    assert_eq!(broken(&workspace.path()), (0, Vec::new()));
    let archive = Connection::open(workspace.path()).unwrap();
    let views = names(&archive, "view");
    assert!(views.len() >= 3, "{views:?}");
    for view in views {
        let statement = archive.prepare(&format!("SELECT * FROM {view}")).unwrap();
        for column in statement.column_names() {
            let sql = format!("SELECT count(*) FROM {view} WHERE typeof(\"{column}\") = 'blob'");
            let blobs: i64 = archive.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(blobs, 0, "{view}.{column}");
        }
    }
    let hashes = "SELECT count(*) FROM runs AS r JOIN run_snapshots AS s USING (snapshot_id) \
                  WHERE r.content_hash <> lower(hex(s.content_hash)) OR length(r.content_hash) <> 64";
    assert_eq!(archive.query_row(hashes, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
