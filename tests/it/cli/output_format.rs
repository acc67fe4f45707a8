//! The format that `--output`, `--format` and `--json` select, for every command that has them.

use super::{archived, command_with, files, with};
use serde_json::Value;
use std::fs;

#[test]
fn the_extension_of_the_output_selects_the_format() {
    let workspace = archived(60);
    let start = |name: &str| fs::read(workspace.file(name)).unwrap();
    for (args, name, first) in [
        (&["report", "cost"][..], "cost.CSV", "month,"),
        (&["report", "cost"], "cost.json", "{"),
        (&["report", "cost"], "cost.Md", "**"),
        (&["report", "cost"], "cost.xlsx", "PK"),
        (&["report", "html"], "page.HTML", "<!"),
        (&["query", "SELECT 1 AS one"], "q.csv", "one\n1\n"),
        (&["query", "SELECT 1 AS one"], "q.ndjson", "{\"one\":1}\n"),
        (&["export", "runs"], "runs.ndjson", "{"),
        (&["export", "runs"], "runs.json", "["),
        (&["export", "costs"], "costs.xlsx", "PK"),
    ] {
        let ran = with(&workspace, &[args, &["--output", name]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{args:?} {name}: {ran:?}");
        let text = String::from_utf8_lossy(&start(name)).into_owned();
        let begins = text.to_lowercase().trim_start().starts_with(&first.to_lowercase());
        assert!(begins, "{args:?} {name}: {}", text.chars().take(40).collect::<String>());
    }
}

#[test]
fn other_names_keep_the_default_format() {
    let workspace = archived(5);
    for name in ["answer", "answer.txt", "csv"] {
        assert_eq!(with(&workspace, &["query", "SELECT 1 AS one", "--output", name]).code, 0);
        assert!(fs::read_to_string(workspace.file(name)).unwrap().contains('─'), "{name}");
        assert_eq!(with(&workspace, &["export", "runs", "--output", name]).code, 0);
        assert!(fs::read_to_string(workspace.file(name)).unwrap().starts_with("run_id,"), "{name}");
    }
}

#[test]
fn an_extension_that_contradicts_the_format_or_command_is_exit_2() {
    let workspace = archived(5);
    let before = files(&workspace);
    for (arguments, hint) in [
        (&["report", "cost", "--format", "csv", "--output", "a.xlsx"][..], "name the file a.csv"),
        (&["report", "cost", "--json", "--output", "a.csv"], "name the file a.json"),
        (&["report", "cost", "--format", "table", "--output", "a.md"], "name the file a.txt"),
        (&["report", "cost", "--output", "a.parquet"], "`runledger export parquet --output FOLDER`"),
        (&["report", "cost", "--output", "a.html"], "`runledger report html --output a.html`"),
        (&["report", "html", "--output", "a.csv"], "name the file a.html"),
        (&["report", "--output", "a.ndjson"], ".csv, .json, .md, .xlsx"),
        (&["query", "SELECT 1", "--output", "a.xlsx"], ".csv, .json, .ndjson"),
        (&["export", "runs", "--format", "ndjson", "--output", "a.json"], "name the file a.ndjson"),
        (&["export", "runs", "--output", "a.PARQUET"], "`runledger export parquet --output FOLDER`"),
        (&["export", "documents", "--output", "a.csv"], "name the file a.ndjson"),
        (&["export", "focus", "--period", "2025-01", "--output", "a.json"], "name the file a.csv"),
        (&["export", "parquet", "--output", "a.csv"], "name a folder, such as a"),
        (&["restatements", "--output", "a.ndjson"], ".csv, .json, .md, .xlsx"),
        (&["datasette-metadata", "--output", "a.md"], "name the file a.json"),
    ] {
        with(&workspace, arguments).refused(2, &[hint]);
    }
    assert_eq!(files(&workspace), before, "no file was written");
}

#[test]
fn json_is_short_for_format_json_in_every_command() {
    let workspace = archived(60);
    let id = workspace.ids()[0].to_string();
    for args in [
        &["status"][..],
        &["show", &id],
        &["report"],
        &["report", "cost"],
        &["export", "runs"],
        &["query", "SELECT 1 AS one"],
        &["schema"],
        &["close"],
        &["restatements"],
        &["check"],
        &["coverage", "--offline"],
        &["drift"],
        &["config"],
    ] {
        let short = with(&workspace, &[args, &["--json"]].concat()).out();
        let long = with(&workspace, &[args, &["--format", "json"]].concat()).out();
        assert!(serde_json::from_str::<Value>(&short).is_ok(), "{args:?}: {short}");
        assert_eq!(short, long, "{args:?}");
        let both = command_with(&workspace, &[args, &["--json", "--format", "json"]].concat());
        super::run(both).refused(2, &["cannot be combined"]);
    }
}
