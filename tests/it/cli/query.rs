//! The command `query`.

use super::{archived, with};
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_query_that_fails_at_run_time_blames_its_sql() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("a.db");
    let db = db.to_str().unwrap();
    let runledger = || assert_cmd::Command::cargo_bin("runledger").unwrap();
    runledger().args(["demo", "--runs", "100", "--db", db]).assert().success();
    for format in ["table", "csv", "json", "ndjson"] {
        let sql = "SELECT sum(9223372036854775807) FROM runs";
        let failed = runledger().args(["--db", db, "query", sql, "--format", format]).assert().code(2);
        let said = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
        assert!(said.contains("the SQL failed: integer overflow"), "{format}: {said}");
    }
}

#[test]
fn the_query_command_prints_every_format() {
    let workspace = archived(60);
    let sql = "SELECT :text AS text, :whole + 1 AS whole, count(*) AS runs FROM runs";
    let query = |format: &str| {
        with(
            &workspace,
            &["query", sql, "--param", "text=a, \"b\"", "--param", "whole=41", "--format", format],
        )
        .out()
    };
    assert_eq!(query("csv"), "text,whole,runs\n\"a, \"\"b\"\"\",42,60\n");
    let row = json!({"text": "a, \"b\"", "whole": 42, "runs": 60});
    assert_eq!(serde_json::from_str::<Value>(&query("json")).unwrap(), json!([row]));
    assert_eq!(serde_json::from_str::<Value>(query("ndjson").trim_end()).unwrap(), row);
    let table = query("table");
    assert!(table.contains("whole") && table.contains("42"), "{table}");

    fs::write(workspace.file("q.sql"), "SELECT run_id FROM runs ORDER BY run_id LIMIT 1").unwrap();
    let answer =
        with(&workspace, &["query", "--file", "q.sql", "--format", "csv", "--output", "out.csv"]).out();
    assert_eq!(answer, "");
    let smallest = workspace.truth().into_keys().next().unwrap();
    assert_eq!(fs::read_to_string(workspace.file("out.csv")).unwrap(), format!("run_id\n{smallest}\n"));
}

#[test]
fn a_writing_query_is_rejected() {
    let workspace = archived(60);
    let before = fs::read(workspace.path()).unwrap();
    for sql in [
        "DELETE FROM run_snapshots",
        "UPDATE syncs SET outcome = 'complete'",
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = delete",
        "SELECT 1; DELETE FROM run_snapshots",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "CREATE TEMP TABLE t (x)",
        "BEGIN",
        "",
        "SELECT * FROM nowhere",
        "SELECT :missing",
    ] {
        let refused = with(&workspace, &["query", sql]);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{sql}: {refused:?}");
    }
    assert_eq!(fs::read(workspace.path()).unwrap(), before);
    assert!(!workspace.file("other.db").exists() && !workspace.file("copy.db").exists());
}

#[test]
fn every_file_of_queries_answers_as_of_a_moment() {
    let workspace = archived(200);
    let values = [
        "from=2000-01-01",
        "until=9000-01-01",
        "against_from=2000-01-01",
        "against_until=2026-01-01",
        "as_of=9000-01-01",
        "limit=5",
        "factor=2",
    ];
    let mut files = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/queries")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let sql = fs::read_to_string(&file).unwrap();
        let code: String = sql.lines().filter_map(|line| line.split("--").next()).collect();
        let mut arguments =
            vec!["query", "--as-of", "9000-01-01", "--format", "csv", "--file", file.to_str().unwrap()];
        for value in values {
            let (name, _) = value.split_once('=').unwrap();
            if code.contains(&format!(":{name}")) {
                arguments.extend(["--param", value]);
            }
        }
        let answer = with(&workspace, &arguments).out();
        assert!(answer.contains(','), "{}: {answer}", file.display());
        files += 1;
    }
    assert!(files > 10, "{files} files");
}
