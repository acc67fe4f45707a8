//! The command-line definition: help, examples, completions, man pages and suggestions.

use super::{command, run};
use crate::support::command::ran;
use crate::support::month_end::MonthEnd;
use clap::{Command, Parser};
use runledger::internal::commands::Cli;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(command(folder.path(), &["--help"])).out();
    let commands = [
        "sync",
        "fetch",
        "status",
        "runs",
        "show",
        "report",
        "export",
        "query",
        "schema",
        "statements",
        "close",
        "restatements",
        "reconcile",
        "fx",
        "check",
        "backup",
        "migrate",
        "salvage",
        "restore",
        "verify",
        "verify-file",
        "coverage",
        "probe",
        "drift",
        "config",
        "demo",
        "sandbox",
        "completions",
        "man",
    ];
    for name in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(name)), "{name}");
        let own = run(command(folder.path(), &[name, "--help"])).out();
        assert!(own.contains(&format!("Usage: runledger {name}")), "{own}");
        assert!(!own.contains("--api-key "), "{own}");
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "11", "129, 130, 143"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{code} "))), "{code}");
    }
    assert!(run(command(folder.path(), &["--version"])).out().starts_with("runledger "));
}

/// The lines of `-h` of a command, of one that selects runs, and of the one with alerts, lock and API.
const MOST_LINES: usize = 24;
const MOST_LINES_WITH_SCOPE: usize = 36;
const MOST_LINES_OF_SYNC: usize = 30;

#[test]
fn the_short_help_fits_on_one_screen() {
    let folder = tempfile::tempdir().unwrap();
    let short = run(command(folder.path(), &["-h"])).out();
    assert!(short.lines().count() <= 24, "{} lines:\n{short}", short.lines().count());
    assert!(short.lines().all(|line| line.chars().count() <= 80), "{short}");
    for words in ["Start", "Month end", "runledger demo", "--db FILE", "--help"] {
        assert!(short.contains(words), "{words} is not in {short}");
    }
    let definition = Cli::definition();
    for name in definition.get_subcommands().map(Command::get_name) {
        let printed = |flag| {
            let mut command = command(folder.path(), &[name, flag]);
            command.env("COLUMNS", "80");
            run(command).out()
        };
        let [short, long] = ["-h", "--help"].map(printed);
        let (lines, long) = (short.lines().count(), long.lines().count());
        // Options of reports and exports select the runs, the output and its format.
        let most = match name {
            _ if short.contains("\nScope:") => MOST_LINES_WITH_SCOPE,
            "sync" => MOST_LINES_OF_SYNC,
            _ => MOST_LINES,
        };
        assert!(lines <= most, "{name} -h has {lines} lines:\n{short}");
        assert!(short.lines().all(|line| line.chars().count() <= 80), "{short}");
        assert!(long >= lines, "{name} --help has {long} lines, and -h has {lines}");
    }
}

#[test]
fn runledger_alone_begins_where_the_user_is() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = run(command(folder.path(), &[])).out();
    assert!(nothing.contains("runledger demo") && nothing.contains("runledger sync"), "{nothing}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no file was created");
    run(command(folder.path(), &["--db", "none.db"])).refused(6, &["there is no such file"]);

    let demo = run(command(folder.path(), &["demo", "--runs", "200", "--db", "runledger.db"]));
    assert_eq!(demo.code, 0, "{demo:?}");
    let status = run(command(folder.path(), &["status"])).out();
    let alone = run(command(folder.path(), &[])).out();
    // The last sync is a moment older.
    let others = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("Last sync ")).map(str::to_owned).collect()
    };
    assert_eq!(others(&alone), others(&status));
    let next = alone.lines().last().unwrap();
    assert!(next.starts_with("Next: runledger report cost   "), "{next}");
    // Each suggestion works.
    for step in next.trim().trim_start_matches("Next: runledger ").split("   runledger ") {
        let words: Vec<&str> = step.split(' ').collect();
        assert_eq!(run(command(folder.path(), &words)).code, 0, "{step}");
    }
}

/// A command and all its subcommands, recursively.
pub(super) fn commands(command: &Command) -> Vec<&Command> {
    [command].into_iter().chain(command.get_subcommands().flat_map(commands)).collect()
}

/// The words of a command line as a shell reads them: quotes join words, `#` starts a comment.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(mark), _) if letter == mark => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                if !inside {
                    words.push(String::new());
                    inside = true;
                }
            }
            (None, ' ') => inside = false,
            (None, '#') if !inside => break,
            _ if inside => words.last_mut().unwrap().push(letter),
            _ => {
                words.push(letter.to_string());
                inside = true;
            }
        }
    }
    assert_eq!(quote, None, "{line}");
    words
}

/// The runledger commands in a line of examples: the words from the name up to the next shell operator.
pub(super) fn invocation(line: &str) -> Vec<String> {
    let words = words(line);
    let is_set = |word: &&String| {
        word.split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'))
    };
    let own = words.iter().skip_while(is_set);
    own.take_while(|word| !["|", "||", "&&", ">", "<"].contains(&word.as_str())).cloned().collect()
}

#[test]
fn the_examples_of_every_command_parse() {
    let definition = Cli::definition();
    let mut count = 0;
    for command in commands(&definition) {
        let name = command.get_bin_name().unwrap();
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{name} has no examples"));
        let mut own = 0;
        for line in examples.lines().take_while(|line| line.starts_with("  ")) {
            let words = invocation(line);
            assert_eq!(words[0], "runledger", "{name}: {line}");
            if !words.contains(&"--help".to_owned()) {
                Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{name}: {line}\n{error}"));
            }
            own += usize::from(words.join(" ").starts_with(name));
            // Variables before a command have no shorter form.
            let of_command = &line[line.find("runledger ").unwrap_or(0)..];
            assert!(of_command.chars().count() <= 78, "{name}: the line is too long: {line}");
            count += 1;
        }
        assert!(own > 0, "{name} has no example of its own");
    }
    assert!(count > 45, "{count} examples were tried");
}

#[test]
fn every_command_has_one_reproducible_man_page() {
    let month_end = MonthEnd::of(0);
    for folder in ["one", "other/below"] {
        month_end.output(&["man", "--output", folder]);
    }
    let files = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(month_end.workspace.file(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let definition = Cli::definition();
    let expected: BTreeSet<String> = commands(&definition)
        .iter()
        .map(|command| format!("{}.1", command.get_bin_name().unwrap().replace(' ', "-")))
        .collect();
    assert_eq!(files("one"), expected);
    for file in &expected {
        let page = |folder: &str| fs::read_to_string(month_end.workspace.file(folder).join(file)).unwrap();
        assert_eq!(page("one"), page("other/below"));
    }
    let page = fs::read_to_string(month_end.workspace.file("one/runledger-sync.1")).unwrap();
    assert_eq!(month_end.output(&["man", "sync"]), page);
    month_end
        .run(&["man", "snyc"])
        .refused(2, &["there is no command runledger snyc", "did you mean `sync`?"]);
    fs::write(month_end.workspace.file("taken"), "").unwrap();
    month_end.run(&["man", "--output", "taken"]).refused(7, &["taken was not written"]);
}

#[test]
fn completions_cover_every_command_and_report() {
    let month_end = MonthEnd::of(0);
    for shell in ["bash", "zsh", "fish"] {
        let script = month_end.output(&["completions", shell]);
        let definition = Cli::definition();
        for command in definition.get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        for name in ["costliest-runs", "excel-br", "credits", "cost-center", "ended", "ndjson"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
        assert_eq!(script, month_end.output(&["completions", shell]));
    }
    month_end.run(&["completions", "tcsh"]).refused(2, &["tcsh", "bash, zsh, fish"]);
}

#[test]
fn a_mistyped_name_gets_a_suggestion() {
    let month_end = MonthEnd::of(60);
    let meant = |arguments: &[&str], sentence: &str, name: &str| {
        let hint = format!("hint:  did you mean `{name}`?");
        month_end.run(arguments).refused(2, &[sentence, &hint]);
    };
    meant(&["report", "costs"], "there is no report costs", "cost");
    meant(&["report", "costliest"], "there is no report costliest", "costliest-runs");
    meant(&["report", "cost", "--by", "mnoth"], "--by mnoth: there is no such dimension", "month");
    meant(&["report", "cost", "--date-basis", "end"], "--date-basis end: not one of", "ended");
    meant(
        &["export", "runs", "--dialect", "exel-br"],
        "--dialect exel-br: must be one of machine, excel, excel-br",
        "excel-br",
    );
    meant(
        &["report", "cost", "--zone", "America/Sao_Paolo"],
        "--zone America/Sao_Paolo: there is no such time zone",
        "America/Sao_Paulo",
    );
    let answer = month_end.output(&[
        "query",
        "--format",
        "csv",
        "SELECT slug FROM pipelines WHERE slug IS NOT NULL LIMIT 1",
    ]);
    let slug = answer.lines().nth(1).unwrap();
    let mistyped = format!("{}x{}", &slug[..3], &slug[3..]);
    meant(
        &["report", "credits", "--what-if", &format!("{mistyped}=0 * * * *")],
        &format!("--what-if {mistyped}: no pipeline has that slug, id or name"),
        slug,
    );
    // An unknown report is rejected before anything is opened.
    let mut command = month_end.command(&["report", "costs"]);
    command.env("RUNLEDGER_DB", "none.db");
    ran(command).refused(2, &["there is no report costs"]);
    // Nothing is similar to nonsense.
    for arguments in [
        &["report", "xyzzy"][..],
        &["report", "cost", "--by", "🦀"],
        &["report", "cost", "--zone", "Mars/Olympus_Mons"],
        &["report", "credits", "--what-if", "no such pipeline=0 * * * *"],
    ] {
        let refused = month_end.run(arguments);
        refused.refused(2, &["hint:  "]);
        assert!(!refused.err.contains("did you mean"), "{refused:?}");
    }
}

#[test]
fn a_mistyped_settings_key_gets_a_suggestion() {
    let month_end = MonthEnd::of(0);
    for (settings, key) in [
        ("zoen = \"UTC\"", "zone"),
        ("[plan]\nfee_usd = \"10\"\ncredit = 5", "credits"),
        ("[billed_by]\netl = \"Nekt\"", "el"),
        ("[[cost_center]]\ncost_center = \"A\"\npipelines = \"x\"", "pipeline"),
    ] {
        month_end.set(settings);
        month_end.run(&["report", "cost"]).refused(2, &["unknown field", &format!("did you mean `{key}`?")]);
    }
    // An error about a value does not repeat the value.
    month_end.set("dialetc = \"sk-secret\"");
    let refused = month_end.run(&["report", "cost"]);
    refused.refused(2, &["did you mean `dialect`?"]);
    assert!(!refused.err.contains("sk-secret"), "{refused:?}");
    month_end.set("qwertyuiop = 1");
    let refused = month_end.run(&["report", "cost"]);
    refused.refused(2, &["unknown field `qwertyuiop`"]);
    assert!(!refused.err.contains("did you mean"), "{refused:?}");
}

#[test]
fn the_rust_example_syncs_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("runs.db");
    // `cargo test` has built the example already; a run of a single test has not.
    let mut example = std::process::Command::new(env!("CARGO"));
    example.args(["run", "--quiet", "--locked", "--example", "archive_and_ask", "--"]).arg(&archive);
    let output = example.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{err}");
    assert!(out.starts_with("First sync: 2000 runs seen, 2000 new\n"), "{out}");
    assert!(out.contains("| month | pipeline kind |") && out.contains("2000 runs cost "), "{out}");
    let printed = std::process::Command::new(assert_cmd::cargo::cargo_bin("runledger"))
        .args(["report", "cost", "--by", "kind", "--format", "json", "--db"])
        .arg(&archive)
        .env_remove("RUNLEDGER_CONFIG")
        .output()
        .unwrap();
    assert!(printed.status.success(), "the command reads what the library wrote: {printed:?}");
}
