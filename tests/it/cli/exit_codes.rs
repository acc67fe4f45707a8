//! Exit codes: the binary produces each one, and one table explains them.

#![cfg(unix)]

use crate::support::machine;
use crate::support::machine::{Ended, Machine, RUNLEDGER, SYNC, Victim};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use runledger::internal::error::EXIT_CODES;
use runledger::internal::run::Instant;
use runledger::internal::store::Lock;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

/// The codes that the table explains.
fn explained() -> Vec<i32> {
    EXIT_CODES.iter().flat_map(|(codes, _)| codes.split(", ")).map(|code| code.parse().unwrap()).collect()
}

#[test]
fn every_exit_code_is_produced_and_explained() {
    let machine = Machine::of(30);
    let archive = machine.file("a.db");
    let answer = |status: StatusCode| {
        machine.sandbox.on_request(move |call, _| machine::is_page(call).then(|| status.into_response()));
    };
    let mut produced: BTreeMap<i32, Ended> = BTreeMap::new();
    let mut produce = |code: i32, ended: Ended| {
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert_eq!(ended.stderr.starts_with("error: "), code != 0, "{ended:?}");
        produced.insert(code, ended);
    };

    produce(0, machine.run(&archive, SYNC));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    produce(1, machine.run(&archive, ["sandbox", "--runs", "1", "--port", &port]));

    produce(2, machine.run(&archive, ["report", "cost", "--until", "yesterday"]));
    produce(2, machine.run(&archive, ["export", "everything"]));
    produce(2, machine.run(&archive, ["close", "9998-12"]));
    produce(2, machine.run(&archive, ["restatements", "--period", "2025-01"]));
    produce(2, machine.run(&archive, ["config", "--config", "none.toml"]));
    // No usual cause explains an invoice of a million for a month without runs.
    produce(3, machine.run(&archive, ["reconcile", "--period", "2020-01", "--invoice", "1000000"]));

    let id = machine.sandbox.model().ids().next().unwrap();
    let document = machine.sandbox.model().document(id).unwrap();
    machine.sandbox.model().set_text(id, "17");
    produce(3, machine.run(&archive, SYNC));
    machine.sandbox.model().insert(id, &document);

    let mut wrong_key = machine.command(&archive, SYNC);
    produce(4, wrong_key.env("NEKT_API_KEY", "wrong").output().unwrap().into());

    // Of the errors that make the API unavailable, this one is not retried.
    answer(StatusCode::IM_A_TEAPOT);
    produce(5, machine.run(&archive, SYNC));
    machine.sandbox.on_request(|_, _| None);

    let notes = machine.file("notes.txt");
    fs::write(&notes, "Buy milk. ".repeat(100)).unwrap();
    produce(6, machine.run(&notes, SYNC));

    produce(6, machine.run(&machine.file("none.db"), ["close", "2025-01"]));

    produce(7, machine.run(&archive, ["export", "runs", "--output", "none/runs.csv"]));
    produce(7, machine.run(&archive, ["restatements", "--output", "none/restatements.csv"]));

    let lock = Lock::acquire(&archive, Instant::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
    produce(11, machine.run(&archive, SYNC));
    produce(11, machine.run(&archive, ["close", "2025-01", "--force"]));
    drop(lock);

    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let victim = Victim::default();
        let (done, is_done) = mpsc::channel::<()>();
        machine.sandbox.on_request({
            let victim = victim.clone();
            let mut first = true;
            move |_, _| {
                if std::mem::take(&mut first) {
                    victim.signal(signal);
                    // It responds only after the command has ended.
                    let _ = is_done.recv();
                }
                None
            }
        });
        let ended = victim.start(&mut machine.command(&archive, SYNC)).wait();
        done.send(()).unwrap();
        produce(code, ended);
    }

    assert_eq!(produced.into_keys().collect::<Vec<_>>(), explained());
}

#[test]
fn help_and_readme_explain_the_same_exit_codes() {
    let help = Command::new(RUNLEDGER).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, of_help) = help.split_once("Exit codes:\n").expect("the help lists the exit codes");
    let of_help: Vec<Vec<&str>> =
        of_help.lines().map(|line| line.trim().splitn(2, "  ").map(str::trim).collect()).collect();

    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("## Exit codes\n").expect("the README lists the exit codes");
    let rows = section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with('|')).skip(2);
    let of_readme: Vec<Vec<&str>> =
        rows.map(|row| row.trim_matches('|').splitn(2, '|').map(str::trim).collect()).collect();

    let table: Vec<Vec<&str>> = EXIT_CODES.iter().map(|(codes, meaning)| vec![*codes, *meaning]).collect();
    assert_eq!(of_help, table);
    assert_eq!(of_readme, table);
}
