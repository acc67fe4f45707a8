//! The commands of the README and of some pages in docs/ work as written.

use crate::support::ping_server::PingServer;
use assert_cmd::Command;
use chrono::{Datelike, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use runledger::internal::error::EXIT_CODES;
use runledger::internal::sandbox::{Model, Options, Plan, Sandbox};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const README: &str = include_str!("../../../README.md");
const CRON: &str = include_str!("../../../docs/scheduling.md");
const FINANCE: &str = include_str!("../../../docs/month-end-close.md");
const FINANCEIRO: &str = include_str!("../../../docs/financeiro.md");

/// The bodies of a page's blocks in that language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    page.split(&format!("```{language}\n")).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The commands of a page's `console` blocks, each with the exit code in its comment.
fn commands(page: &str) -> Vec<(String, i32)> {
    let lines = blocks(page, "console").into_iter().flat_map(str::lines);
    let commands = lines.filter_map(|line| line.strip_prefix("$ ")).map(|line| {
        let (command, comment) = line.split_once("  #").unwrap_or((line, ""));
        let code = comment.trim().strip_prefix("exits with ").map_or(0, |code| code.parse().unwrap());
        (command.trim().to_owned(), code)
    });
    commands.collect()
}

/// The arguments of a command line, in which single quotes join words.
fn arguments(command: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let mut quoted = false;
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => arguments.push(String::new()),
            letter => arguments.last_mut().unwrap().push(letter),
        }
    }
    arguments
}

/// Runs the page's runledger commands in order; returns their number.
fn run_all(page: &str, folder: &Path, variables: &[(&str, String)]) -> usize {
    let mut count = 0;
    for (command, code) in commands(page) {
        // Commands that prepare the machine are for the reader; the binary under test is already there. Commands
        // after a pipe are skipped.
        let ours = command.split(" | ").next().unwrap();
        let ours = ours.strip_prefix("sudo -u runledger ").unwrap_or(ours);
        let Some(ours) = ours.strip_prefix("runledger ") else { continue };
        let mut process = Command::cargo_bin("runledger").unwrap();
        process.args(arguments(ours)).current_dir(folder);
        for name in ["NEKT_API_KEY", "RUNLEDGER_API_URL", "RUNLEDGER_DB", "RUNLEDGER_CONFIG"] {
            process.env_remove(name);
        }
        let output = process.envs(variables.iter().cloned()).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command}: {printed}");
        count += 1;
    }
    count
}

#[test]
#[cfg_attr(not(feature = "xlsx"), ignore = "it writes a spreadsheet")]
fn every_command_of_the_readme_succeeds_in_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = Plan { runs: 300, ..Plan::ending_at(Utc::now()) };
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), Options::default())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let api =
        [("NEKT_API_KEY", sandbox.api_key().to_owned()), ("RUNLEDGER_API_URL", sandbox.url().to_string())];
    let count = run_all(README, folder.path(), &api);
    assert!(count >= 8, "the README shows {count} commands");
    for file in ["durations.csv", "runs.csv", "runs.ndjson"] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
}

/// Runs a page about the month's end in a folder, and checks the files that it writes. `reconciliation` is the heading
/// of its part about the invoice.
fn run_month_end(page: &str, reconciliation: &str, files: &[&str]) -> TempDir {
    // The page was written in November 2026; on a later day the demo closes another month.
    let today = Utc::now().with_timezone(&Tz::America__Sao_Paulo).date_naive();
    let month = |day: NaiveDate| day.format("%Y-%m").to_string();
    let settling = today - TimeDelta::days(31);
    let page = page
        .replace("2026-11-28", &today.to_string())
        .replace("2026-11", "RUNNING")
        // Early in a month, the previous month has unsettled runs.
        .replace("close 2026-10", "close 2026-10 --force")
        .replace("2026-10", "SETTLING")
        .replace("2026-09", &month(settling.with_day(1).unwrap() - Months::new(1)))
        .replace("SETTLING", &month(settling))
        .replace("RUNNING", &month(today));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("runledger.toml"), blocks(&page, "toml")[0]).unwrap();
    let day = |day: NaiveDate| day.format("%d%m%Y");
    let last_of = |months: u32| today.with_day(1).unwrap() - Months::new(months) - TimeDelta::days(1);
    let rates = [last_of(2), last_of(1), last_of(0), today]
        .map(|date| format!("{};220;A;USD;5,4315;5,4321;1,0000;1,0000\n", day(date)));
    fs::write(folder.path().join("PTAX.csv"), rates.concat()).unwrap();
    let archive = [("RUNLEDGER_DB", "runledger-demo.db".to_owned())];
    // The cause depends on the day; that the command answers does not.
    let (before, invoice) = page.split_once(reconciliation).unwrap();
    assert!(run_all(before, folder.path(), &archive) > 20);
    for (command, _) in commands(invoice) {
        let Some(command) = command.strip_prefix("runledger ") else { continue };
        let mut process = Command::cargo_bin("runledger").unwrap();
        process.args(arguments(command)).current_dir(folder.path());
        let output = process.envs(archive.iter().cloned()).output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{command}: {output:?}");
    }
    for file in files {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    folder
}

#[test]
#[cfg_attr(not(feature = "xlsx"), ignore = "it writes a spreadsheet")]
fn every_command_of_the_month_end_page_works() {
    let files =
        ["outubro.csv", "outubro.manifest.json", "outubro.xlsx", "october.xlsx", "focus.csv", "november.csv"];
    let folder = run_month_end(FINANCE, "## Reconcile an invoice", &files);
    let corrections = fs::read_to_string(folder.path().join("november.csv")).unwrap();
    assert!(corrections.contains(",Correction,"), "the closed month has corrections");
}

#[test]
#[cfg_attr(not(all(feature = "xlsx", feature = "page")), ignore = "it writes a spreadsheet and a page")]
fn every_command_of_the_portuguese_month_end_page_works() {
    let files =
        ["fechamento.xlsx", "demonstrativos", "rateio.csv", "rateio.xlsx", "outubro.html", "conciliacao.csv"];
    let folder = run_month_end(FINANCEIRO, "## Conciliação com a fatura", &files);
    let text = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    assert!(text("rateio.csv").contains("Centro de custo;Execuções;"), "{}", text("rateio.csv"));
    assert!(text("outubro.html").contains("<html lang=\"pt-BR\">"));
    assert!(text("campos.csv").contains("total_cost_usd"));
}

#[test]
fn every_command_of_the_scheduling_page_works() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = Plan { runs: 300, ..Plan::ending_at(Utc::now()) };
    let sandbox = runtime.block_on(Sandbox::start(Model::new(&plan), Options::default())).unwrap();
    let ping_server = PingServer::new();
    let folder = tempfile::tempdir().unwrap();
    for place in ["var/lib/runledger", "var/lib/prometheus/node-exporter", "etc/runledger", "srv/reports"] {
        fs::create_dir_all(folder.path().join(place)).unwrap();
    }
    fs::write(folder.path().join("etc/runledger/api-key"), sandbox.api_key()).unwrap();
    fs::write(folder.path().join("etc/runledger/ping-url"), ping_server.url("code")).unwrap();
    let webhook = PingServer::new();
    for file in ["webhook.txt", "etc/runledger/webhook"] {
        fs::write(folder.path().join(file), webhook.url("code")).unwrap();
    }
    // A temporary folder takes the place of the page's machine.
    let root = folder.path().to_str().unwrap();
    let page = ["/var/", "/etc/", "/srv/"]
        .iter()
        .fold(CRON.to_owned(), |page, top| page.replace(&format!(" {top}"), &format!(" {root}{top}")));
    assert!(run_all(&page, folder.path(), &[("RUNLEDGER_API_URL", sandbox.url().to_string())]) >= 9);
    assert_eq!(ping_server.pings().len(), 2);
    assert!(webhook.pings()[0].body.contains("alerts arrive here"));
    assert!(folder.path().join("var/lib/prometheus/node-exporter/runledger.prom").exists());
}

#[test]
fn a_newcomer_gets_from_nothing_to_messages_in_slack() {
    let (_, section) = CRON.split_once("\n### A message in Slack\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let (folder, webhook) = (tempfile::tempdir().unwrap(), PingServer::new());
    let binary = Path::new(env!("CARGO_BIN_EXE_runledger")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    // What is pasted into the first command.
    let pasted = folder.path().join("pasted");
    fs::write(&pasted, format!("{}\n", webhook.url("code"))).unwrap();
    let mut printed = String::new();
    // The commands with root's rights are about the machine of the whole page.
    for (command, code) in commands(section).into_iter().filter(|(command, _)| !command.starts_with("sudo "))
    {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &command]).current_dir(folder.path()).stdin(fs::File::open(&pasted).unwrap());
        shell.env_clear().env("PATH", &path).env("HOME", folder.path());
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{command}: {output:?}");
        assert!(output.stderr.is_empty(), "{command}: {output:?}");
        printed.push_str(&String::from_utf8(output.stdout).unwrap());
    }
    let bodies: Vec<serde_json::Value> =
        webhook.pings().iter().map(|ping| serde_json::from_str(&ping.body).unwrap()).collect();
    let texts: Vec<&str> = bodies.iter().map(|body| body["text"].as_str().unwrap()).collect();
    assert_eq!((texts.len(), texts[0]), (2, "*runledger*\ntest: alerts arrive here"));
    assert!(texts[1].starts_with("*runledger* runledger-demo\n"), "{texts:?}");
    for words in [": overdue since ", " has been running for ", " failures in a row since ", " more failure"]
    {
        assert!(
            section.contains(words) && printed.contains(words) && texts[1].contains(words),
            "{words}: {texts:?}"
        );
    }
}

#[test]
fn the_scheduling_page_covers_every_exit_code() {
    let (_, table) = CRON.split_once("| code | meaning | what to do |\n|---|---|---|\n").unwrap();
    let explained = table.lines().take_while(|line| line.starts_with("| ")).map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        (cells[1], cells[2])
    });
    for ((code, meaning), (of_page, words)) in EXIT_CODES.iter().skip(1).zip(explained.clone()) {
        assert_eq!(*code, of_page);
        assert!(meaning.starts_with(words), "{code}: {words}");
    }
    assert_eq!(explained.count(), EXIT_CODES.len() - 1);
}

#[test]
fn the_readme_starts_with_the_setup() {
    let first = README.split("```\n").nth(1).unwrap();
    assert_eq!(first, "cargo run --release -- demo\ncargo test\n");
}
