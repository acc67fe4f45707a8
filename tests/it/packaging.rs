//! The files of contrib/: runledger accepts every command in them.

use clap::Parser;
use runledger::internal::commands::{Cli, Command};
use std::fs;
use std::path::Path;

/// The text of a file in contrib/.
fn packaged(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(name)).unwrap()
}

/// Splits a command line into words, up to a redirection. Quotes join words.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote, mut open) = (vec![String::new()], None, false);
    for letter in line.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => (quote, open) = (Some(letter), true),
            (letter, Some(mark)) if letter == mark => quote = None,
            (' ', None) if open || !words.last().unwrap().is_empty() => {
                words.push(String::new());
                open = false;
            }
            (' ', None) => {}
            (letter, _) => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words.into_iter().take_while(|word| !word.starts_with('>')).collect()
}

/// Every command in the files, with its file.
fn commands() -> Vec<(&'static str, Vec<String>)> {
    let mut commands = Vec::new();
    for line in packaged("cron/runledger.cron")
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
    {
        let words = words(line);
        let (when, rest) = words.split_at(5);
        assert!(
            when.iter()
                .all(|field| field.chars().all(|letter| letter.is_ascii_digit() || "*/,-".contains(letter)))
        );
        assert_eq!(rest[0], "runledger", "cron.d names the user");
        let bare = line.replace("\\%", "");
        assert!(!bare.contains('%'), "cron ends a line at a bare %: {line}");
        commands.push(("the crontab", rest[1..].to_vec()));
    }
    for name in ["systemd/runledger-sync.service", "systemd/watched.conf"] {
        let unit = packaged(name);
        let starts = unit.lines().filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/"));
        commands.extend(starts.map(|line| (name, words(line))));
    }
    let container = packaged("docker/Containerfile");
    let list = |instruction: &str| -> Vec<String> {
        let line = container.lines().find_map(|line| line.strip_prefix(instruction)).unwrap();
        serde_json::from_str(line).unwrap()
    };
    commands.push(("the Containerfile", [list("ENTRYPOINT "), list("CMD ")].concat()));
    let workflow = packaged("github-actions/runledger.yml");
    let limit = "timeout --signal=TERM 100m ";
    let lines = workflow.lines().map(str::trim).map(|line| line.strip_prefix(limit).unwrap_or(line));
    let steps = lines.filter(|line| line.starts_with("runledger "));
    commands.extend(steps.map(|line| ("the workflow", words(line))));
    commands
}

#[test]
fn every_command_in_contrib_parses() {
    let commands = commands();
    assert!(commands.len() >= 10, "{commands:?}");
    for (place, words) in &commands {
        assert_eq!(words[0], "runledger", "{place}: {words:?}");
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{place}: {words:?}: {error}");
        }
    }
    for place in [
        "the crontab",
        "systemd/runledger-sync.service",
        "systemd/watched.conf",
        "the Containerfile",
        "the workflow",
    ] {
        let syncs = commands.iter().filter(|(of, words)| {
            *of == place && matches!(Cli::parse_from(words).command, Some(Command::Sync(_)))
        });
        assert_eq!(syncs.count(), 1, "{place} syncs");
    }
}

#[test]
fn no_command_in_contrib_takes_a_secret_as_an_argument() {
    for (place, words) in commands() {
        if let Some(Command::Sync(sync)) = Cli::parse_from(&words).command {
            assert!(sync.notifications.ping_url.is_none(), "{place}");
        }
    }
    for name in ["docker/Containerfile", "github-actions/runledger.yml"] {
        let keys = packaged(name).lines().filter(|line| line.contains("NEKT_API_KEY")).count();
        assert_eq!(keys, usize::from(name != "docker/Containerfile"), "{name}");
    }
}

#[test]
fn every_scheduler_in_contrib_runs_the_same_sync() {
    let start = |name: &str| {
        let unit = packaged(name);
        unit.lines().rfind(|line| line.starts_with("ExecStart=")).unwrap().to_owned()
    };
    let (plain, watched) = (start("systemd/runledger-sync.service"), start("systemd/watched.conf"));
    assert!(watched.starts_with(&format!("{plain} --ping-url-file ")), "{watched}");
}
