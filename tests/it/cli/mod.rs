//! This is the test of the built command: what it prints where, what it leaves behind, and how it ends.

mod api_key;
mod archive_file;
mod demo;
mod exit_codes;
mod export;
mod help;
mod query;
mod report;
mod status;
mod sync;

use crate::support::workspace::Workspace;
use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// How a command ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The standard output of a command that has to end well and say nothing on the standard error.
    fn out(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    fn json(self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }
}

/// The command in a folder, with nothing in its environment.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
    command.env_clear().current_dir(folder).args(args);
    command
}

fn run(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The command with the workspace's archive, API and key.
fn with(workspace: &Workspace, args: &[&str]) -> Ran {
    run(command_with(workspace, args))
}

fn command_with(workspace: &Workspace, args: &[&str]) -> Command {
    let mut command = command(&workspace.file(""), args);
    command
        .env("RUNLEDGER_DB", workspace.path())
        .env("RUNLEDGER_API_URL", workspace.sandbox.url())
        .env("NEKT_API_KEY", workspace.sandbox.api_key());
    command
}

/// A workspace whose archive is filled.
fn archived(runs: usize) -> Workspace {
    let workspace = Workspace::of(runs);
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
    workspace
}

/// The files of the workspace's folder.
fn files(workspace: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(workspace.file("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
