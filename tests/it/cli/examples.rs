//! The examples in the help of every command: each of them runs.

use super::help::{commands, invocation};
use crate::support::command::ran;
use crate::support::month_end::MonthEnd;
use crate::support::ping_server::PingServer;
use runledger::internal::commands::Cli;
use rusqlite::Connection;
use std::fs;

/// The start of the fixture: every month of the examples is over and settled.
const OPENS: &str = "2025-11-05T12:00:00Z";

/// Examples that run until they are stopped, with the place where they are tested.
const SERVERS: [&str; 1] = ["runledger sandbox --port 8080"];

/// Exit codes that an example may end with because of the made-up data.
fn accepted_codes(line: &str) -> &'static [i32] {
    match line {
        // The made-up invoice matches no ledger.
        _ if line.starts_with("runledger reconcile") => &[0, 3],
        // The fixture was synced long ago.
        _ if line.starts_with("runledger status --max-age") => &[3],
        _ if line.starts_with("runledger status --check") => &[2],
        _ => &[0],
    }
}

/// A folder with every file that the examples read.
fn prepared(name: &str, pings: &PingServer) -> MonthEnd {
    let month_end = MonthEnd::opening(OPENS, 300, 330);
    month_end.settle();
    month_end.sync();
    let write = |file: &str, text: &str| fs::write(month_end.workspace.file(file), text).unwrap();
    let copy =
        |file: &str| fs::copy(month_end.workspace.path(), month_end.workspace.file(file)).map(drop).unwrap();
    ["runs.db", "damaged.db", "backup-1.db", "backup-2.db", "acme.db"].into_iter().for_each(copy);
    fs::create_dir_all(month_end.workspace.file("backups")).unwrap();
    if name != "runledger backup" {
        ["runs-backup.db", "backups/runs.db"].into_iter().for_each(copy);
    }
    write("key.txt", month_end.workspace.sandbox.api_key());
    write("ping.txt", &pings.url("example"));
    write("webhook.txt", &pings.url("example"));
    write("question.sql", "SELECT count(*) AS runs FROM runs WHERE status = :status");
    write("PTAX.csv", "31012025;220;A;USD;5,8295;5,8301;1,0000;1,0000\n");
    let fx = match name.starts_with("runledger fx") {
        true => "[fx]\ncurrency = \"BRL\"\npolicy = \"invoice\"\nrates = \"rates.csv\"\n",
        false => "",
    };
    let workspace = "[[workspace]]\nname = \"acme\"\narchive = \"acme.db\"\napi_key_file = \"key.txt\"\n";
    month_end.set(&format!("zone = \"America/Sao_Paulo\"\n{fx}{workspace}"));
    fs::create_dir_all(month_end.workspace.file("etc/runledger")).unwrap();
    write("etc/runledger/runledger.toml", "zone = \"UTC\"\n");
    if name == "runledger alert" {
        let three = "INSERT INTO alerts (rule, subject, level, message, started_at)
            SELECT 'of another program', value, 'error', 'late', '2025-01-01T00:00:00.000000Z' FROM json_each('[1, 2, 3]')";
        let archive = Connection::open(month_end.workspace.path()).unwrap();
        archive.execute_batch(three).unwrap();
    }
    if name == "runledger restatements" {
        month_end.output(&["close", "2025-01"]);
    }
    month_end
}

/// The example with the names of the fixture: its year, folders, runs and pipelines.
fn adapted(line: &str, month_end: &MonthEnd) -> String {
    let runs = month_end.workspace.ids();
    let slug = &month_end
        .workspace
        .rows("SELECT slug FROM pipelines WHERE slug IS NOT NULL ORDER BY slug LIMIT 1")[0];
    let numbered = month_end.workspace.rows(
        "SELECT p.slug || '#' || r.number FROM runs AS r \
         JOIN pipelines AS p ON p.kind = r.pipeline_kind AND r.pipeline_id IN (p.pipeline_id, p.slug) \
         WHERE p.slug IS NOT NULL AND r.number IS NOT NULL ORDER BY r.run_id LIMIT 1",
    );
    line.replace("2026-", "2025-")
        // Before the first sync, nothing was known.
        .replace("--as-of 2025-02-01", "--as-of 2025-11-06")
        .replace("/var/backups", "backups")
        .replace("/etc/", "etc/")
        .replace("31a52a1f-3907-430d-87fb-995156708555", &runs[0].to_string())
        .replace("show 31a52a1f ", &format!("show {} ", &runs[0].to_string()[..8]))
        .replace("notas-fiscais#1231", &numbered[0])
        .replace("780070c5-2b82-417c-9546-e17b43c1387b", &runs[1].to_string())
        .replace("google-ads=", &format!("{slug}="))
}

#[test]
fn every_example_in_the_help_runs() {
    let pings = PingServer::new();
    let definition = Cli::definition();
    let (mut count, mut failed) = (0, Vec::new());
    for command in commands(&definition) {
        let name = command.get_bin_name().unwrap();
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.split("Examples:\n").nth(1).unwrap_or_default();
        let examples: Vec<&str> = examples.lines().take_while(|line| line.starts_with("  ")).collect();
        let month_end = prepared(name, &pings);
        for line in examples {
            let line = adapted(line.trim_start(), &month_end);
            if SERVERS.iter().any(|server| line.starts_with(server)) {
                continue;
            }
            // An example does not expect the output of the one before it.
            let _ = fs::remove_file(month_end.workspace.file("new.db"));
            let words = invocation(&line);
            let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            let mut example = month_end.command(&arguments);
            example
                .env("NEKT_API_KEY", month_end.workspace.sandbox.api_key())
                .env("RUNLEDGER_API_URL", month_end.workspace.sandbox.url());
            let ran = ran(example);
            if !accepted_codes(&words.join(" ")).contains(&ran.code) {
                failed.push(format!("{name}: {line}\n{ran:?}"));
            }
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(count > 60, "{count} examples ran");
}
