//! The built binary: output, files and exit codes of each command.

mod api_key;
mod archive_file;
mod archive_lookup;
mod demo;
mod examples;
mod exit_codes;
mod export;
mod fx;
mod growth;
mod help;
mod metadata;
mod output_format;
mod probe;
mod query;
mod quiet;
mod renamed;
mod report;
mod runs;
mod schedule;
mod schema;
mod show;
mod status;
mod sync;

use crate::support::command::Ran;
use crate::support::workspace::Workspace;
use assert_cmd::Command;
use std::fs;
use std::path::Path;

/// The command in a folder, with an empty environment.
fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runledger"));
    command.env_clear().current_dir(folder).args(args);
    command
}

fn run(mut command: Command) -> Ran {
    command.output().unwrap().into()
}

/// Runs the command with the workspace's archive, API and key.
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

/// A workspace with a synced archive.
fn archived(runs: usize) -> Workspace {
    let workspace = Workspace::of(runs);
    assert_eq!(with(&workspace, &["sync", "--quiet"]).out(), "");
    workspace
}

/// The names of the files in the workspace's folder, sorted.
fn files(workspace: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(workspace.file("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
