//! Cost-center rules that match nothing, as every command that uses the rules reports them.

use crate::support::month_end::{MONTH, MonthEnd};

fn rule(conditions: &str) -> String {
    format!("[[cost_center]]\ncost_center = \"Team\"\n{conditions}\n")
}

/// The commands that use the rules, each with a scope.
fn commands() -> Vec<Vec<&'static str>> {
    vec![
        vec!["config"],
        vec!["config", "--json"],
        vec!["report", "cost", "--by", "cost-center"],
        vec!["report", "cost", "--by", "cost-center", "--format", "json"],
        vec!["report", "duration", "--by", "month,cost-center", "--format", "csv"],
        vec!["report", "cost", "--by", "cost-center", "--as-of", "2025-03-06"],
        vec!["export", "costs"],
        vec!["export", "focus", "--period", "2025-01"],
        vec!["close", MONTH],
        // The rules that the close has frozen.
        vec!["report", "cost", "--by", "cost-center", "--period", MONTH],
    ]
}

/// The warnings about rules on the standard error of a command that must succeed.
fn warnings(month_end: &MonthEnd, arguments: &[&str]) -> Vec<String> {
    let ran = month_end.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
    ran.err.lines().filter(|line| line.starts_with("warning: cost center rule")).map(str::to_owned).collect()
}

/// A pipeline of the sandbox: its name and its slug.
const NAMED: (&str, &str) = ("Histórico de preços", "historico-precos");

#[test]
fn every_command_names_a_rule_that_matches_nothing() {
    let month_end = MonthEnd::of(60);
    let (name, slug) = NAMED;
    let set = |pipeline: &str, trigger: &str| {
        let rules = rule(&format!("pipeline = \"{pipeline}\"")) + &rule(&format!("trigger = \"{trigger}\""));
        month_end.set(&format!("zone = \"UTC\"\n{rules}"));
    };
    set(name, "crn");
    let expected = [
        format!(
            "warning: cost center rule 1 (Team: pipeline {name}) matches nothing: no pipeline has a slug or id like \
             `{name}`, which matches a name; rules match slugs: write `{slug}`"
        ),
        "warning: cost center rule 2 (Team: trigger crn) matches nothing: the triggers are manual, cron, event; did \
         you mean `cron`?"
            .to_owned(),
    ];
    for arguments in commands() {
        assert_eq!(warnings(&month_end, &arguments), expected, "{arguments:?}");
    }
    let closed = month_end.run(commands().last().unwrap()).err;
    assert!(
        closed.contains(&format!("`runledger close --restate {MONTH}` adopts those of the settings")),
        "{closed}"
    );
    // The suggestions end the warnings, and match runs.
    set(slug, "cron");
    for arguments in
        commands().iter().filter(|arguments| arguments[0] != "close" && !arguments.contains(&MONTH))
    {
        assert!(warnings(&month_end, arguments).is_empty(), "{arguments:?}");
    }
    // Finance adopts the corrected rules with a second close.
    assert!(warnings(&month_end, &["close", MONTH, "--restate"]).is_empty());
    assert!(warnings(&month_end, commands().last().unwrap()).is_empty());
    let centers = month_end.rows(&["report", "cost", "--by", "cost-center", "--period", MONTH]);
    assert!(centers.iter().any(|row| row["cost_center"] == "Team"), "{centers:?}");
}

#[test]
fn a_trigger_that_the_archive_has_is_possible() {
    let month_end = MonthEnd::of(20);
    let id = month_end.runs_of_the_month()[0];
    month_end.change(id, serde_json::json!({"trigger": {"type": "webhook"}}));
    month_end.sync();
    month_end.set(&rule("trigger = \"webhook\""));
    for arguments in [&["config"][..], &["report", "cost", "--by", "cost-center"]] {
        assert!(warnings(&month_end, arguments).is_empty(), "{arguments:?}");
    }
}

#[test]
fn config_checks_rules_without_a_readable_archive() {
    let month_end = MonthEnd::of(20);
    month_end.set(&(rule("pipeline = \"zzz\"\ntrigger = \"crn\"") + &rule("pipeline = \"zzz\"")));
    let damaged = month_end.workspace.file("damaged.db");
    std::fs::write(&damaged, "no archive").unwrap();
    for archive in ["missing.db", damaged.to_str().unwrap()] {
        let warnings = warnings(&month_end, &["config", "--db", archive]);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("did you mean `cron`?"), "{warnings:?}");
    }
}

#[test]
fn a_rule_for_another_workspace_of_the_settings_is_no_warning() {
    let (one, other) = (MonthEnd::of(20), MonthEnd::elsewhere(20, 7));
    // A pipeline that only the other one has.
    let id = "only-there";
    let edited = rusqlite::Connection::open(other.workspace.path()).unwrap();
    let renamed = edited.execute(
        "UPDATE pipeline_snapshots SET slug = ?1 WHERE slug = ?2 AND superseded_at IS NULL",
        [id, NAMED.1],
    );
    assert_eq!(renamed.unwrap(), 1);
    let workspaces = |path: &str| {
        format!("[[workspace]]\nname = \"other\"\narchive = \"{path}\"\napi_key_file = \"key\"\n")
    };
    let report = ["report", "cost", "--by", "cost-center"];
    one.set(&rule(&format!("pipeline = \"{id}\"")));
    assert_eq!(warnings(&one, &report).len(), 1);
    for path in [other.workspace.path().to_str().unwrap(), "missing.db"] {
        one.set(&(rule(&format!("pipeline = \"{id}\"")) + &workspaces(path)));
        for arguments in [&["config"][..], &report, &["export", "costs"]] {
            assert!(warnings(&one, arguments).is_empty(), "{arguments:?} {path}");
        }
    }
}
