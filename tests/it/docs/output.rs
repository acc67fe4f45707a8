//! The demo's output in the pages, below the comment `<!-- the demo's output -->`.
//!
//! It depends on the day. `RUNLEDGER_BLESS=1 cargo test the_output_of_the_demo` runs each page up to its last such
//! block and replaces the output. A line `…` stands for lines that the page leaves out. The archives stay in
//! `target/tmp/docs-output`, for the amounts in the text and the arguments.

use super::{FIRST_PAGE, pages, root};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The line above a block with the demo's output, and that of the project's README.
const MARKS: [&str; 2] = ["<!-- the demo's output -->", "<!-- not run: the demo's output -->"];

/// The exchange rates that the pages import.
const PTAX: &str = "31082026;220;A;USD;5,4315;5,4321;1,0000;1,0000\n\
                    30092026;220;A;USD;5,3200;5,3206;1,0000;1,0000\n\
                    30102026;220;A;USD;5,4315;5,4321;1,0000;1,0000\n\
                    27112026;220;A;USD;5,4115;5,4121;1,0000;1,0000\n";

/// A command of a page, with the output that the page shows.
struct Step<'p> {
    /// The lines of the command, from `$ `.
    command: Vec<&'p str>,
    shown: Vec<&'p str>,
    is_marked: bool,
}

/// A part of a page: text that stays, or a command.
enum Part<'p> {
    Text(&'p str),
    Step(Step<'p>),
}

fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut in_block, mut runs, mut is_marked, mut above) = (false, false, false, "");
    let mut goes_on = false;
    for line in page.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            in_block = !in_block;
            is_marked = in_block && MARKS.contains(&above);
            runs = in_block && (is_marked || language == "console" && !above.starts_with("<!-- not run: "));
            parts.push(Part::Text(line));
            goes_on = false;
        } else if runs && line.starts_with("$ ") {
            parts.push(Part::Step(Step { command: vec![line], shown: Vec::new(), is_marked }));
            goes_on = line.ends_with('\\');
        } else if let (true, Some(Part::Step(step))) = (runs, parts.last_mut()) {
            let lines = if goes_on { &mut step.command } else { &mut step.shown };
            lines.push(line);
            goes_on = goes_on && line.ends_with('\\');
        } else {
            parts.push(Part::Text(line));
        }
        if !line.trim().is_empty() {
            above = line.trim();
        }
    }
    parts
}

/// The output as the page shows it.
fn elided(shown: &[&str], output: &str) -> Vec<String> {
    // A byte order mark is not visible.
    let output: Vec<String> =
        output.trim_start_matches('\u{feff}').lines().map(|line| line.trim_end().to_owned()).collect();
    let Some(place) = shown.iter().position(|line| line.trim() == "…") else { return output };
    let last = shown.len() - place - 1;
    if output.len() <= place + last {
        return output;
    }
    let left_out = [shown[place].to_owned()];
    [&output[..place], &left_out, &output[output.len() - last..]].concat()
}

/// The outputs of the commands, run in order by one shell.
fn outputs(steps: &[&Step], folder: &Path) -> Vec<String> {
    let mut script = String::new();
    for (number, step) in steps.iter().enumerate() {
        let command = step.command.join("\n");
        let command = command.strip_prefix("$ ").unwrap();
        let command = command.split_once("  #").map_or(command, |(command, _)| command);
        writeln!(script, "{{ {command}\n}} >transcript/{number} 2>&1").unwrap();
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_runledger"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    fs::create_dir(folder.join("transcript")).unwrap();
    let mut shell = Command::new("bash");
    shell.env_clear().env("PATH", path).args(["-c", &script]).current_dir(folder);
    assert!(shell.status().is_ok());
    (0..steps.len())
        .map(|number| fs::read_to_string(folder.join(format!("transcript/{number}"))).unwrap_or_default())
        .collect()
}

fn blessed(name: &str, page: &str) -> String {
    let folder = &Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs-output").join(name);
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    let demo = Command::new(env!("CARGO_BIN_EXE_runledger")).arg("demo").current_dir(folder).output();
    assert!(demo.unwrap().status.success());
    fs::copy(folder.join("runledger-demo.db"), folder.join("runledger.db")).unwrap();
    fs::write(folder.join("PTAX.csv"), PTAX).unwrap();
    if page.contains("<!-- run by tests/it/docs/readme.rs") {
        let settings = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        fs::write(folder.join("runledger.toml"), settings).unwrap();
    }
    let parts = parts(page);
    let steps: Vec<&Step> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Step(step) => Some(step),
            Part::Text(_) => None,
        })
        .collect();
    let count = steps.iter().rposition(|step| step.is_marked).map_or(0, |last| last + 1);
    let mut outputs = outputs(&steps[..count], folder).into_iter();
    let mut text = String::new();
    for part in &parts {
        match part {
            Part::Text(line) => writeln!(text, "{line}").unwrap(),
            Part::Step(step) => {
                let output = outputs.next().unwrap_or_default();
                let shown = if step.is_marked && !step.shown.is_empty() {
                    elided(&step.shown, &output)
                } else {
                    step.shown.iter().map(|line| (*line).to_owned()).collect()
                };
                for line in step.command.iter().map(|line| (*line).to_owned()).chain(shown) {
                    writeln!(text, "{line}").unwrap();
                }
            }
        }
    }
    text
}

#[test]
fn the_output_of_the_demo_is_in_marked_blocks() {
    let only = std::env::var("RUNLEDGER_PAGE").ok();
    let mut count = 0;
    for (name, page) in pages() {
        let unchanged: String = parts(&page)
            .iter()
            .flat_map(|part| match part {
                Part::Text(line) => vec![*line],
                Part::Step(step) => [&step.command[..], &step.shown].concat(),
            })
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(unchanged == page, "{name} is not read completely");
        let marked = parts(&page);
        let marked = marked
            .iter()
            .filter(|part| matches!(part, Part::Step(step) if step.is_marked && !step.shown.is_empty()));
        let marked = marked.count();
        count += marked;
        let is_meant = only.as_ref().is_none_or(|only| *only == name);
        if marked > 0 && is_meant && std::env::var_os("RUNLEDGER_BLESS").is_some() {
            let path =
                if name == FIRST_PAGE { root().join("README.md") } else { root().join("docs").join(&name) };
            fs::write(path, blessed(&name, &page)).unwrap();
        }
    }
    assert!(count > 20, "only {count} outputs are marked");
}

#[test]
fn an_elided_output_keeps_its_begin_and_its_end() {
    let output = "1\n2\n3\n4\n5 \n";
    assert_eq!(elided(&["a"], output), ["1", "2", "3", "4", "5"]);
    assert_eq!(elided(&["a", "b", "…"], output), ["1", "2", "…"]);
    assert_eq!(elided(&["a", " …", "c"], output), ["1", " …", "5"]);
    assert_eq!(elided(&["a", "…", "c", "d", "e", "f"], output), ["1", "2", "3", "4", "5"]);
}
