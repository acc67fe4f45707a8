//! This is the test that the README's commands work as they stand there.

use assert_cmd::Command;
use runledger::sandbox::{Model, Options, Plan, Sandbox};

/// The commands of the README's `console` blocks, comments cut off.
fn commands() -> Vec<String> {
    let readme = include_str!("../README.md");
    let blocks = readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ "));
    lines.map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn every_runledger_command_of_the_readme_succeeds_in_its_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = Plan { runs: 300, ..Plan::ending_at(chrono::Utc::now()) };
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), Options::default())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for command in commands() {
        // What prepares the machine is for the reader; the binary under test is there already.
        let Some(arguments) = command.strip_prefix("runledger ") else { continue };
        let arguments: Vec<&str> = match arguments.split_once(" '") {
            Some((before, quoted)) => before.split(' ').chain([quoted.trim_end_matches('\'')]).collect(),
            None => arguments.split(' ').collect(),
        };
        Command::cargo_bin("runledger")
            .unwrap()
            .args(arguments)
            .current_dir(folder.path())
            .env("NEKT_API_KEY", sandbox.api_key())
            .env("RUNLEDGER_API_URL", sandbox.url())
            .env_remove("RUNLEDGER_DB")
            .assert()
            .success();
        count += 1;
    }
    assert!(count >= 8, "the README shows {count} commands");
    for file in ["durations.csv", "runs.csv", "runs.ndjson"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
}

#[test]
fn the_first_commands_of_the_readme_are_the_set_up() {
    let readme = include_str!("../README.md");
    let first = readme.split("```\n").nth(1).unwrap();
    assert_eq!(first, "cargo run --release -- demo\ncargo test\n");
}
