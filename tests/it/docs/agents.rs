//! The pages for agents: the commands of `AGENTS.md` run, and both lists are complete.

use super::{FIRST_PAGE, pages, root};
use crate::support::command::ran;
use crate::support::month_end::MonthEnd;
use runledger::internal::error::EXIT_CODES;
use runledger::internal::report::question::reports;
use std::collections::BTreeSet;
use std::fs;

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The targets of the links in a text.
fn targets(text: &str) -> BTreeSet<String> {
    text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect()
}

#[test]
fn the_commands_of_agents_md_print_json() {
    let month_end = MonthEnd::of(60);
    let page = text("AGENTS.md");
    let mut count = 0;
    for line in page.lines().filter_map(|line| line.strip_prefix("$ runledger ")) {
        let mut shell = std::process::Command::new("sh");
        shell
            .env_clear()
            .current_dir(month_end.workspace.file(""))
            .env("RUNLEDGER_DB", month_end.workspace.path())
            .args(["-c", &format!("{} {line}", env!("CARGO_BIN_EXE_runledger"))]);
        let ran = ran(shell);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        assert!(serde_json::from_str::<serde_json::Value>(&ran.out).is_ok(), "{line}: {}", ran.out);
        count += 1;
    }
    assert!(count >= 6, "{count} commands ran");
}

#[test]
fn agents_md_names_every_report_and_resolves_its_links() {
    let page = text("AGENTS.md");
    for (report, _) in reports() {
        assert!(page.contains(&format!("`{report}`")), "AGENTS.md does not name {report}");
    }
    for target in targets(&page) {
        let path = target.split('#').next().unwrap();
        assert!(root().join(path).exists(), "AGENTS.md links to {target}");
    }
    // The table leaves out an internal error and the signals.
    for (code, _) in EXIT_CODES.iter().filter(|(code, _)| !["1"].contains(code) && code.len() <= 2) {
        let is_listed = page
            .lines()
            .filter(|line| line.starts_with("| "))
            .any(|line| line.split('|').nth(1).unwrap().split(',').any(|listed| listed.trim() == *code));
        assert!(is_listed, "AGENTS.md does not explain exit code {code}");
    }
}

#[test]
fn agents_md_says_of_every_command_whether_to_run_it() {
    let mut help = std::process::Command::new(env!("CARGO_BIN_EXE_runledger"));
    help.arg("--help");
    let help = ran(help).out;
    let (commands, _) = help.split_once("Global options:").unwrap();
    let is_name = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
    let names =
        commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(is_name));
    let begin = text("AGENTS.md");
    let (begin, _) = begin.split_once("## Rules").unwrap();
    let mut count = 0;
    for name in names {
        assert!(
            begin.contains(&format!("`{name}`")) || begin.contains(&format!("`{name} ")),
            "AGENTS.md: {name}"
        );
        count += 1;
    }
    assert!(count > 25, "{count} commands");
}

#[test]
fn llms_txt_lists_every_page() {
    let list = text("docs/llms.txt");
    assert!(list.starts_with("# runledger\n\n> "), "the format is that of llmstxt.org");
    let targets = targets(&list);
    for (name, _) in pages().iter().filter(|(name, _)| name != FIRST_PAGE) {
        // The page in Portuguese belongs to its English twin; the contents are this list.
        if !["README.md", "financeiro.md"].contains(&name.as_str()) {
            assert!(targets.contains(name), "docs/llms.txt does not list {name}");
        }
    }
    for target in targets {
        assert!(root().join("docs").join(&target).exists(), "docs/llms.txt links to {target}");
    }
}
