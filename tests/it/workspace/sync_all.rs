//! `sync --all`: every workspace in the settings.

use crate::support::command::{Ran, ran};
use crate::support::month_end::MonthEnd;
use crate::support::{month_end, workspace};
use serde_json::{Value, json};
use std::fs;

/// Three workspaces: one with a replaceable key, one whose archive's folder is missing, and one that works.
fn three(acme: &MonthEnd, globex: &MonthEnd, globex_key: &str) -> String {
    let of = |name: &str, folder: &str, url: &str| {
        format!(
            "[[workspace]]\nname = \"{name}\"\narchive = \"{folder}/{name}.db\"\napi_key_file = \"{name}.key\"\n\
             api_url = \"{url}\"\n"
        )
    };
    let folder = |name: &str| acme.workspace.file(name);
    fs::create_dir(folder("archives")).unwrap();
    fs::write(folder("acme.key"), acme.workspace.sandbox.api_key()).unwrap();
    fs::write(folder("globex.key"), globex_key).unwrap();
    fs::write(folder("initech.key"), "a-key").unwrap();
    [
        of("globex", "archives", &globex.workspace.sandbox.url()),
        of("initech", "nowhere", &acme.workspace.sandbox.url()),
        of("acme", "archives", &acme.workspace.sandbox.url()),
    ]
    .concat()
}

fn acme_and_globex() -> (MonthEnd, MonthEnd) {
    (MonthEnd::opening(month_end::OPENS, 40, 30), MonthEnd::elsewhere(30, 11))
}

fn sync_all(month_end: &MonthEnd, arguments: &[&str]) -> Ran {
    let mut command = month_end.command(&[&["sync", "--all"], arguments].concat());
    command.env_remove("RUNLEDGER_DB");
    ran(command)
}

#[test]
fn a_failing_workspace_does_not_stop_the_others() {
    let (acme, globex) = acme_and_globex();
    acme.set(&three(&acme, &globex, "wrong-key"));
    // The settings file is beside the default archive.
    let ran = sync_all(&acme, &[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("globex: Synced 0 runs: nothing new   (first, incomplete, "));
    assert!(lines[1].starts_with("acme: Synced 40 runs: 40 new   (first, "), "{}", ran.out);
    for words in [
        "error: globex: the API rejected the key",
        "hint:  check the key that the settings name for this workspace",
        "error: initech: ",
        "hint:  the folder must exist",
        "2 of 3 workspaces failed to sync: globex (exit code 4), initech (exit code 6)",
    ] {
        assert!(ran.err.contains(words), "{words:?} is not in {}", ran.err);
    }
    assert!(!ran.err.contains("wrong-key"));
    let rows = workspace::rows_of(&acme.workspace.file("archives/acme.db"), "SELECT count(*) FROM runs");
    assert_eq!(rows, ["40"]);
}

#[test]
fn sync_all_prints_one_json_object_per_workspace() {
    let (acme, globex) = acme_and_globex();
    acme.set(&three(&acme, &globex, globex.workspace.sandbox.api_key()));
    let ran = sync_all(&acme, &["--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let printed: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |index: usize, field: &str| printed[index][field].clone();
    let named = [of(0, "workspace"), of(1, "workspace"), of(2, "workspace")];
    assert_eq!(named, [json!("globex"), json!("initech"), json!("acme")]);
    // A workspace that could not start has an object too.
    assert_eq!([of(0, "runs_new"), of(1, "exit_code"), of(2, "runs_new")], [json!(30), json!(6), json!(40)]);
    // Without failures, nothing is printed.
    let ran = sync_all(&acme, &["--quiet"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{ran:?}");
}

#[test]
fn workspaces_that_fail_alike_exit_with_their_common_code() {
    let (acme, globex) = acme_and_globex();
    let settings = three(&acme, &globex, "wrong-key");
    let only_globex: String = settings.lines().take(5).map(|line| format!("{line}\n")).collect();
    acme.set(&only_globex);
    let ran = sync_all(&acme, &[]);
    assert_eq!(ran.code, 4, "{ran:?}");
    acme.set(&only_globex.replace("globex.key", "none.key"));
    let ran = sync_all(&acme, &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("none.key"), "{}", ran.err);
}

#[test]
fn metrics_list_each_workspace_and_one_ping_covers_all() {
    let (acme, globex) = acme_and_globex();
    acme.set(&three(&acme, &globex, globex.workspace.sandbox.api_key()));
    let ran = sync_all(&acme, &["--metrics-file", "runledger.prom"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let page = fs::read_to_string(acme.workspace.file("runledger.prom")).unwrap();
    for (workspace, code) in [("globex", 0), ("initech", 6), ("acme", 0)] {
        let line = format!("runledger_last_attempt_exit_code{{workspace=\"{workspace}\"}} {code}");
        assert!(page.lines().any(|there| there == line), "{line} is not in {page}");
    }
    let of_pipelines = "runledger_pipeline_longest_open_run_seconds{workspace=\"acme\",pipeline_kind=";
    assert!(page.contains(of_pipelines), "{page}");
}

#[test]
fn per_workspace_flags_are_rejected_with_all() {
    let (acme, globex) = acme_and_globex();
    let none = sync_all(&acme, &[]);
    none.refused(2, &["there is no runledger.toml", "[[workspace]]"]);
    acme.set(&three(&acme, &globex, "any"));
    for (arguments, words) in [
        (["--db", "acme.db"], "cannot be combined with --db"),
        (["--api-key-file", "acme.key"], "--api-key-file"),
        (["--api-url", "http://127.0.0.1:1"], "--api-url"),
    ] {
        sync_all(&acme, &arguments).refused(2, &[words]);
    }
    for confirmation in ["--accept-workspace", "--confirm-vanished"] {
        let hint = "hint:  sync that workspace alone: name its archive with --db";
        sync_all(&acme, &[confirmation]).refused(2, &[confirmation, "applies to one workspace", hint]);
        // The advice, in the folder of the settings.
        let archive = ["sync", "--db", "archives/acme.db", "--config", "runledger.toml", confirmation];
        assert_eq!(acme.run(&archive).code, 0);
    }
}

#[test]
fn an_invalid_workspace_list_is_rejected_by_name() {
    let month_end = MonthEnd::of(30);
    let of = |name: &str, archive: &str, key: &str| {
        format!("[[workspace]]\nname = \"{name}\"\narchive = \"{archive}\"\n{key}\n")
    };
    let key = "api_key_env = \"A\"";
    for (settings, words) in [
        (of("a", "a.db", key) + &of("a", "b.db", key), "two workspaces are named a"),
        (of("a", "a.db", key) + &of("b", "a.db", key), "the workspaces a and b share the archive "),
        (of("", "a.db", key), "needs a printable name"),
        (of("a", "a.db", ""), "the workspace a needs either api_key_file or api_key_env"),
        (of("a", "a.db", "api_key_env = \"A\"\napi_key_file = \"b\""), "needs either"),
        (of("a", "a.db", "api_key = \"sk-secret\""), "unknown field `api_key`"),
    ] {
        month_end.set(&settings);
        let ran = month_end.run(&["report", "cost"]);
        ran.refused(2, &[words, "runledger.toml"]);
        assert!(!ran.err.contains("sk-secret"), "{}", ran.err);
    }
    for name in [":memory:", "file:a.db"] {
        month_end.set(&of("a", name, key));
        month_end.run(&["report", "cost"]).refused(2, &["an archive cannot be named", "runledger.toml"]);
    }
    // A key in place of its variable's name is not printed.
    month_end.set(&of("a", "a.db", "api_key_env = \"sk-secret\""));
    let ran = sync_all(&month_end, &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(!ran.err.contains("sk-secret") && ran.err.contains("api_key_env"), "{}", ran.err);
}

#[test]
fn two_workspaces_never_share_an_archive() {
    let month_end = MonthEnd::of(30);
    let of = |name: &str, archive: &str| {
        format!("[[workspace]]\nname = \"{name}\"\narchive = \"{archive}\"\napi_key_env = \"A\"\n")
    };
    fs::create_dir(month_end.workspace.file("x")).unwrap();
    std::os::unix::fs::symlink(month_end.workspace.path(), month_end.workspace.file("link.db")).unwrap();
    // Neither link leads to a file yet.
    std::os::unix::fs::symlink("later.db", month_end.workspace.file("dangling.db")).unwrap();
    std::os::unix::fs::symlink("dangling.db", month_end.workspace.file("second.db")).unwrap();
    for (one, other) in [
        ("a.db", "./a.db"),
        ("a.db", "x/../a.db"),
        ("runledger.db", "link.db"),
        ("later.db", "dangling.db"),
        ("dangling.db", "second.db"),
    ] {
        month_end.set(&(of("a", one) + &of("b", other)));
        month_end.run(&["report", "cost"]).refused(2, &["the workspaces a and b share the archive"]);
    }
    for nowhere in ["", ".", "x"] {
        month_end.set(&of("a", nowhere));
        month_end
            .run(&["report", "cost"])
            .refused(2, &["archive and api_key_file of the workspace a must be files"]);
    }
}

#[test]
fn the_key_of_a_workspace_overrides_the_environment() {
    let (acme, globex) = acme_and_globex();
    acme.set(&three(&acme, &globex, globex.workspace.sandbox.api_key()));
    let mut command = acme.command(&["sync", "--db", "archives/acme.db", "--config", "runledger.toml"]);
    command
        .env("NEKT_API_KEY", globex.workspace.sandbox.api_key())
        .env("RUNLEDGER_API_URL", globex.workspace.sandbox.url());
    let ran = ran(command);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("Synced 40 runs: 40 new   (first, "), "{ran:?}");
}

#[test]
fn each_workspace_is_synced_with_the_settings_beside_its_archive() {
    let (acme, globex) = acme_and_globex();
    acme.set(&three(&acme, &globex, globex.workspace.sandbox.api_key()));
    let beside = acme.workspace.file("archives/runledger.toml");
    fs::write(&beside, "[sync]\nignore_changes_in = [\"status\"]").unwrap();
    let ran = sync_all(&acme, &["--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let printed: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<_> = printed.iter().map(|line| (&line["workspace"], &line["exit_code"])).collect();
    let expected =
        [("globex", 2), ("initech", 6), ("acme", 2)].map(|(name, code)| (json!(name), json!(code)));
    assert_eq!(codes, expected.each_ref().map(|(name, code)| (name, code)));

    fs::write(&beside, "[sync]\nignore_changes_in = [\"extra_config\"]").unwrap();
    assert!(sync_all(&acme, &["--quiet"]).err.contains("1 of 3 workspaces"));
    let ids = acme.workspace.ids();
    for id in ids {
        acme.workspace.sandbox.model().change(id, |run| {
            run.insert("extra_config".to_owned(), json!({"signature": 1}));
        });
    }
    let ran = sync_all(&acme, &["--full"]);
    assert!(ran.out.contains("acme: Synced 40 runs: nothing new   (full, "), "{}", ran.out);
}
