//! The pages of docs/: every command, statement and script runs as written, or its page says why not.
//!
//! One shell runs a page in order, in its own folder. There, `runledger.db` and `runledger-demo.db` are a demo archive,
//! unless the page says `<!-- in an empty folder -->`, and the API in the environment is a sandbox. Such comments are
//!
//! - `<!-- not run: reason -->` above a block: the block is skipped;
//! - `<!-- run by tests/it/docs/NAME.rs: reason -->`, anywhere on a page: that test runs the page in its own way;
//! - `<!-- same as: runledger report … -->` above a statement: it returns the same CSV as that command.
//!
//! Blocks that need other programs run where these are installed. With `RUNLEDGER_BOOK=whole`, as in interop/, all of
//! them must be installed, and the pages' Python runs too.

// Use --nocapture to print the skipped blocks.
#![allow(clippy::print_stdout)]

use super::{FIRST_PAGE, pages, root};
use chrono::Utc;
use runledger::internal::sandbox::{Model, Options, Plan, Sandbox};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Programs that prepare the reader's machine. Here it is already prepared.
const PREPARING: [&str; 6] = ["cargo", "pip", "python3 -m venv", "apt-get", "npm", "sudo"];

/// Programs that every shell has, and the binary under test.
const EVERYWHERE: [&str; 30] = [
    "runledger",
    "export",
    "cd",
    "mkdir",
    "cat",
    "head",
    "tail",
    "sort",
    "cut",
    "wc",
    "ls",
    "rm",
    "cp",
    "mv",
    "grep",
    "sed",
    "awk",
    "tr",
    "echo",
    "printf",
    "test",
    "diff",
    "cmp",
    "seq",
    "sleep",
    "kill",
    "wait",
    "true",
    "sha256sum",
    "cal",
];

/// The languages of blocks with commands. A new language needs a runner here, or marks.
const SHOWN_ALONE: [&str; 12] = [
    "",
    "text",
    "toml",
    "json",
    "yaml",
    "ini",
    "csv",
    "mermaid",
    "dockerfile",
    "systemd",
    "xml",
    "powerquery",
];

/// A fenced block of a page.
#[derive(Debug)]
struct Block {
    /// The line of its opening fence, from 1.
    line: usize,
    language: String,
    /// The HTML comment right above it.
    mark: Option<String>,
    text: String,
}

impl Block {
    fn not_run(&self) -> bool {
        self.mark.as_deref().is_some_and(|mark| mark.starts_with("not run: "))
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut above) = (false, "");
    for (line, number) in page.lines().zip(1..) {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open) {
            (Some(language), false) => {
                let mark = above.strip_prefix("<!-- ").and_then(|mark| mark.strip_suffix(" -->"));
                blocks.push(Block {
                    line: number,
                    language: language.trim().to_owned(),
                    mark: mark.map(str::to_owned),
                    text: String::new(),
                });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
        if !line.trim().is_empty() {
            above = line.trim();
        }
    }
    assert!(!open, "an unclosed block");
    blocks
}

/// Whether another test, which must name the page, runs it.
fn run_elsewhere(name: &str, page: &str) -> bool {
    let Some((_, mark)) = page.split_once("<!-- run by tests/") else { return false };
    let test = mark.split_once(':').expect("a reason follows the test's name").0;
    let text = fs::read_to_string(root().join("tests").join(test)).unwrap();
    assert!(text.contains(&format!("docs/{name}")), "tests/{test} does not name docs/{name}");
    true
}

/// Whether everything must run, including blocks that need programs some machines lack.
fn whole() -> bool {
    std::env::var("RUNLEDGER_BOOK").is_ok_and(|how| how == "whole")
}

/// The programs that a command starts, and whether all of them only prepare the reader's machine.
fn programs(command: &str) -> (Vec<String>, bool) {
    let preparing = PREPARING.iter().any(|program| command.starts_with(program));
    let mut parts = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('|' | ';' | '&' | '(' | ')' | '`', None) => parts.push(String::new()),
            (letter, None) => parts.last_mut().unwrap().push(letter),
            _ => {}
        }
    }
    let first = |part: &String| {
        let mut words = part.split_whitespace();
        let sets = |word: &&str| {
            word.split_once('=')
                .is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
        };
        words
            .find(|word| {
                !sets(word)
                    && !word.starts_with(['>', '<', '$'])
                    && !word.chars().all(|c| c.is_ascii_digit() || c == '>')
            })
            .map(str::to_owned)
    };
    (parts.iter().filter_map(first).collect(), preparing)
}

fn is_installed(program: &str) -> bool {
    EVERYWHERE.contains(&program)
        || std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .any(|folder| folder.join(program).is_file())
}

/// The commands of a `console` block, each with its continuation lines and the exit code in its comment.
fn commands(block: &Block) -> Vec<(String, i32)> {
    let mut commands: Vec<(String, i32)> = Vec::new();
    let mut goes_on = false;
    for line in block.text.lines() {
        if goes_on {
            let (before, _) = commands.last_mut().unwrap();
            write!(before, "\n{line}").unwrap();
        } else if let Some(text) = line.strip_prefix("$ ") {
            let (command, comment) = text.split_once("  #").unwrap_or((text, ""));
            let code = comment.trim().strip_prefix("exits with ").map_or(0, |code| code.parse().unwrap());
            commands.push((command.trim_end().to_owned(), code));
        } else {
            continue;
        }
        goes_on = line.ends_with('\\');
    }
    commands
}

/// The demo archive, built once, complete in its file.
fn demo() -> &'static [u8] {
    static DEMO: OnceLock<Vec<u8>> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("runledger.db");
        let copy = folder.path().join("copy.db");
        for arguments in [["demo", "--runs", "3000"].as_slice(), &["backup", copy.to_str().unwrap()]] {
            let done =
                Command::new(env!("CARGO_BIN_EXE_runledger")).args(arguments).arg("--db").arg(&made).output();
            assert!(done.unwrap().status.success());
        }
        fs::read(copy).unwrap()
    })
}

/// Names that a program could take for a missing value, a number, a date, a truth value, a formula or a separator.
const HOSTILE_NAMES: [&str; 16] = [
    "NA",
    "null",
    "None",
    "nan",
    "N/A",
    "",
    "00123",
    "1/2",
    "1E5",
    "TRUE",
    "=1+2",
    "a,b;c\t\"d\"",
    "two\r\nlines",
    "O'Brien",
    "-inf",
    "Ação 👩‍🚀",
];

/// The demo archive with hostile names of pipelines, runs without a booking, and runs of two pipelines.
fn hostile() -> &'static [u8] {
    static HOSTILE: OnceLock<Vec<u8>> = OnceLock::new();
    HOSTILE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runledger.db");
        fs::write(&path, demo()).unwrap();
        let archive = rusqlite::Connection::open(&path).unwrap();
        let mut renamed = 0;
        for (place, name) in HOSTILE_NAMES.iter().enumerate() {
            let sql = "UPDATE pipeline_snapshots SET name = ?1
                       FROM (SELECT kind AS k, pipeline_id AS id,
                                    row_number() OVER (ORDER BY kind, pipeline_id) AS place FROM pipelines)
                       WHERE kind = k AND pipeline_id = id AND superseded_at IS NULL AND place % ?2 = ?3";
            renamed += archive.execute(sql, rusqlite::params![name, HOSTILE_NAMES.len(), place]).unwrap();
        }
        assert!(renamed > HOSTILE_NAMES.len(), "{renamed}");
        archive
            .execute_batch(
                "UPDATE run_snapshots SET started_at = NULL, created_at = NULL
                 WHERE superseded_at IS NULL AND snapshot_id % 97 = 0;
                 UPDATE run_snapshots SET destination = 'other', source = coalesce(source, 'other')
                 WHERE superseded_at IS NULL AND snapshot_id % 101 = 0;",
            )
            .unwrap();
        drop(archive);
        fs::read(path).unwrap()
    })
}

/// The statement after the page's tool has replaced its placeholders.
fn filled_in(sql: &str) -> String {
    // Metabase's optional parts are removed.
    let mut text = String::new();
    let mut rest = sql;
    while let Some((before, part)) = rest.split_once("[[") {
        text.push_str(before);
        rest = part.split_once("]]").expect("an optional part is closed").1;
    }
    text.push_str(rest);
    // Grafana's are the dashboard's first and last instant in milliseconds.
    text.replace("$__from", "0").replace("$__to", "4102444800000")
}

/// Runs one page on an archive. Returns how many commands, statements and scripts ran, and which did not.
fn run(name: &str, page: &str, archive: &[u8], api: &Sandbox) -> (usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    if !page.contains("<!-- in an empty folder -->") {
        // Also under the demo's own name.
        for file in ["runledger.db", "runledger-demo.db"] {
            fs::write(place.join(file), archive).unwrap();
        }
    }
    fs::create_dir(place.join("transcript")).unwrap();
    // Queries and installed files are in the project's folder, as for the reader.
    for shared in ["queries", "contrib", "packaging", "docs"] {
        std::os::unix::fs::symlink(root().join(shared), place.join(shared)).unwrap();
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut script = String::from("trap 'kill $(jobs -p) 2>transcript/none' EXIT\n");
    let mut steps: Vec<(String, i32)> = Vec::new();
    let mut left_out = Vec::new();
    let mut add = |script: &mut String, what: String, command: &str, code: i32| {
        let number = steps.len();
        writeln!(
            script,
            "{{ {command}\n}} >transcript/{number}.out 2>transcript/{number}.err; echo $? >transcript/{number}.code"
        )
        .unwrap();
        steps.push((what, code));
    };
    for block in blocks(page).iter().filter(|block| !block.not_run()) {
        let at = format!("docs/{name}:{}", block.line);
        match block.language.as_str() {
            "console" => {
                for (command, code) in commands(block) {
                    let (programs, preparing) = programs(&command);
                    let missing: Vec<&String> =
                        programs.iter().filter(|program| !is_installed(program)).collect();
                    if preparing {
                        continue;
                    }
                    if !missing.is_empty() {
                        assert!(!whole(), "{at}: {missing:?} is not installed: {command}");
                        left_out.push(format!("{at}: {command} (needs {missing:?})"));
                        continue;
                    }
                    add(&mut script, format!("{at}: {command}"), &command.replace("8080", &port), code);
                }
            }
            "sql" => {
                let file = format!("transcript/{}.sql", block.line);
                fs::write(place.join(&file), filled_in(&block.text)).unwrap();
                let query = format!("runledger --db runledger.db query --file {file} --format csv");
                let same = block.mark.as_deref().and_then(|mark| mark.strip_prefix("same as: "));
                let command = match same {
                    None => query,
                    Some(other) => {
                        let (ours, theirs) = (format!("{file}.ours"), format!("{file}.theirs"));
                        format!("{query} >{ours} && {other} --format csv >{theirs} && diff {ours} {theirs}")
                    }
                };
                add(&mut script, format!("{at}: its SQL"), &command, 0);
            }
            "python" if whole() => {
                let file = format!("transcript/{}.py", block.line);
                fs::write(place.join(&file), block.text.replace("8080", &port)).unwrap();
                add(&mut script, format!("{at}: its Python"), &format!("python3 {file}"), 0);
            }
            "python" => left_out.push(format!("{at}: its Python")),
            _ => {}
        }
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_runledger"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    for variable in [
        "RUNLEDGER_DB",
        "RUNLEDGER_CONFIG",
        "RUNLEDGER_ZONE",
        "RUNLEDGER_DATE_BASIS",
        "RUNLEDGER_DIALECT",
        "RUNLEDGER_LANGUAGE",
    ] {
        shell.env_remove(variable);
    }
    let shell = shell.args(["-c", &script]).current_dir(place).env("PATH", path);
    let shell = shell.env("NEKT_API_KEY", api.api_key()).env("RUNLEDGER_API_URL", api.url());
    shell.status().unwrap();
    for (number, (what, code)) in steps.iter().enumerate() {
        let transcript = |ending: &str| {
            fs::read_to_string(place.join(format!("transcript/{number}.{ending}"))).unwrap_or_default()
        };
        let (out, err) = (transcript("out"), transcript("err"));
        assert_eq!(transcript("code").trim(), code.to_string(), "{what}\n{out:.3000}\n{err}");
    }
    (steps.len(), left_out)
}

#[test]
fn every_command_statement_and_script_of_the_docs_runs() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = Plan { runs: 300, ..Plan::ending_at(Utc::now()) };
    let api = runtime.block_on(Sandbox::start(Model::new(&plan), Options::default())).unwrap();
    let only = std::env::var("RUNLEDGER_PAGE").ok();
    let mut ran = 0;
    for (name, page) in pages() {
        if name == FIRST_PAGE
            || run_elsewhere(&name, &page)
            || only.as_ref().is_some_and(|only| *only != name)
        {
            continue;
        }
        let (count, left_out) = run(&name, &page, demo(), &api);
        println!("{name}: {count} ran");
        left_out.iter().for_each(|what| println!("  not run: {what}"));
        ran += count;
    }
    assert!(only.is_some() || ran > 60, "only {ran} commands and statements ran");
}

/// A recipe that drops or misreads a name, or a run without a month, has another sum than the ledger.
#[test]
fn every_recipe_of_the_docs_reads_hostile_names() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plan = Plan { runs: 30, ..Plan::ending_at(Utc::now()) };
    let api = runtime.block_on(Sandbox::start(Model::new(&plan), Options::default())).unwrap();
    let only = std::env::var("RUNLEDGER_PAGE").ok();
    let mut ran = 0;
    for (name, page) in pages() {
        let is_script = |block: &Block| matches!(&*block.language, "sql" | "python");
        let has_recipe =
            blocks(&page).iter().any(is_script) || ["excel.md", "datasette.md"].contains(&&*name);
        // `runledger demo` replaces the archive, but not one that was edited.
        let replaces = page.contains("$ runledger demo");
        let is_left_out = only.as_ref().is_some_and(|only| *only != name);
        if name == FIRST_PAGE || is_left_out || !has_recipe || replaces || run_elsewhere(&name, &page) {
            continue;
        }
        let (count, _) = run(&name, &page, hostile(), &api);
        println!("{name}: {count} ran on hostile names");
        ran += count;
    }
    assert!(only.is_some() || ran > 20, "only {ran} commands and statements ran");
}

#[test]
fn every_command_block_runs_or_says_why_not() {
    let mut reasons = Vec::new();
    for (name, page) in pages() {
        for block in blocks(&page) {
            let at = format!("{name}:{}", block.line);
            let language = block.language.as_str();
            if block.not_run() {
                reasons.push(format!("{at}: {}", block.mark.unwrap()));
            } else if SHOWN_ALONE.contains(&language) {
                let first = block.text.lines().next().unwrap_or_default();
                let commands =
                    PREPARING.iter().chain(&["runledger", "$", "curl", "sqlite3", "datasette", "duckdb"]);
                for program in commands {
                    assert!(
                        !first.starts_with(&format!("{program} ")),
                        "{at}: `{first}` is a command: use a console block, or put `<!-- not run: why -->` above it"
                    );
                }
            } else {
                assert!(
                    ["console", "sql", "python"].contains(&language),
                    "{at}: nothing runs {language}: put `<!-- not run: why -->` above it"
                );
                assert!(
                    language != "console" || !commands(&block).is_empty(),
                    "{at}: a command starts with `$ `"
                );
            }
        }
    }
    println!("{}", reasons.join("\n"));
    // Each is an exception that no test runs.
    assert!(reasons.len() <= 30, "{} blocks are not run: {reasons:#?}", reasons.len());
}

#[test]
fn every_dashboard_panel_returns_rows() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("runledger.db");
    fs::write(&archive, demo()).unwrap();
    let archive = rusqlite::Connection::open(archive).unwrap();
    let dashboard = fs::read_to_string(root().join("contrib/grafana/runledger.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert_eq!(panels.len(), 11);
    for panel in panels {
        let (title, target) = (&panel["title"], &panel["targets"][0]);
        let sql = target["queryText"].as_str().unwrap();
        assert_eq!(target["rawQueryText"], sql, "{title}");
        let mut statement =
            archive.prepare(&filled_in(sql)).unwrap_or_else(|error| panic!("{title}: {error}"));
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        let (mut count, mut cost, mut seconds) = (0, 0.0, BTreeSet::new());
        while let Some(row) = rows.next().unwrap() {
            count += 1;
            match (&*columns[0], target["queryType"].as_str().unwrap()) {
                ("time", "time series") => drop(seconds.insert(row.get::<_, i64>(0).unwrap())),
                ("total_cost_usd", "table") => cost = row.get::<_, f64>(0).unwrap(),
                (_, kind) => assert_eq!(kind, "table", "{title}"),
            }
        }
        assert!(count > 0, "{title} has no rows");
        if columns[0] == "time" {
            // The days of a year, in seconds.
            assert!(seconds.iter().all(|second| second % 86_400 == 0) && seconds.len() > 200, "{title}");
        }
        if title == "Cost" {
            let nanos: i64 =
                archive.query_row("SELECT sum(total_cost_nanos) FROM runs", [], |row| row.get(0)).unwrap();
            assert!((cost - nanos as f64 / 1e9).abs() < 1e-6);
        }
    }
}
