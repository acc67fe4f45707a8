//! This is the test of what the compiler cannot keep: the order of the modules, one home a package, and pages that agree with the code.

use clap::CommandFactory;
use runledger::commands::Cli;
use runledger::error::Error;
use runledger::report::question::QUESTIONS;
use runledger::store::Archive;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder of the project, by their paths in it, without what tools made.
fn files_below(folder: &str) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            match name.as_str() {
                ".git" | "target" => {}
                _ if path.is_dir() => folders.push(path),
                _ => drop(found.insert(name, path)),
            }
        }
    }
    found
}

/// The code of each file of `src/`: without comments, and without its unit tests.
fn sources() -> BTreeMap<String, String> {
    let files = files_below("src").into_iter().filter(|(name, _)| name.ends_with(".rs"));
    let code = files.map(|(name, path)| (name, code(&fs::read_to_string(path).unwrap())));
    let sources: BTreeMap<String, String> = code.collect();
    assert!(sources.len() > 40, "the sources were found");
    sources
}

fn code(text: &str) -> String {
    let (code, tests) = text.split_once("#[cfg(test)]\n").unwrap_or((text, ""));
    if !tests.is_empty() {
        assert!(tests.starts_with("mod tests {"), "unit tests are a module of their own: {tests:.80}");
        assert_eq!(tests.matches("\n}\n").count(), 1, "nothing follows the unit tests");
    }
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

/// The names that follow `before` in a text.
fn names_after<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before)
        .skip(1)
        .map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap())
}

#[test]
fn a_module_uses_only_those_declared_above_it() {
    let sources = sources();
    let order: Vec<&str> = names_after(&sources["src/lib.rs"], "pub mod ").collect();
    assert!(order.len() > 10 && order.contains(&"sync"), "{order:?}");
    let place = |module: &str| order.iter().position(|other| *other == module);
    let mut uses = 0;
    for (name, code) in &sources {
        let parts: Vec<&str> = name.trim_end_matches(".rs").split('/').skip(1).collect();
        if parts == ["lib"] || parts == ["main"] {
            continue;
        }
        let own = place(parts[0]).unwrap_or_else(|| panic!("lib.rs declares no {}", parts[0]));
        for used in names_after(code, "crate::") {
            let Some(used_place) = place(used) else {
                panic!("{name}: crate::{used} is no module of lib.rs")
            };
            assert!(used_place <= own, "{name} uses {used}, which is declared below {}", parts[0]);
            uses += usize::from(used_place != own);
        }
        assert!(!code.contains("super::super::"), "{name} reaches further than its own module");
        let is_the_module = parts.len() == 1 || parts[1..] == ["mod"];
        assert!(!is_the_module || !code.contains("super::"), "{name} names other modules by super");
    }
    assert!(uses > 50, "the uses were found");
}

#[test]
fn a_package_has_one_home() {
    // The package as code names it, where it is at home, and why there, where that is no module of its own.
    let homes: &[(&str, &[&str])] = &[
        ("reqwest::", &["src/api/"]),
        ("httpdate::", &["src/api/"]),
        ("rustls::", &["src/api/"]),
        ("axum::", &["src/sandbox/"]),
        // The catalogue of errors holds SQLite's own, and `query` hands its statement to the reports.
        ("rusqlite::", &["src/store/", "src/report/", "src/error.rs", "src/commands/query.rs"]),
        ("refinery::", &["src/store"]),
        ("sha2::", &["src/digest.rs"]),
        ("rust_xlsxwriter::", &["src/export/xlsx.rs"]),
        ("parquet::", &["src/export/dataset/writer.rs"]),
        ("use csv::", &["src/export/csv.rs"]),
        ("comfy_table::", &["src/export/terminal.rs"]),
        ("terminal_size::", &["src/commands/screen.rs"]),
        ("askama::", &["src/export/page/"]),
        ("croner::", &["src/report/schedule.rs"]),
        ("glob::", &["src/report/centre.rs"]),
        ("toml::", &["src/settings.rs"]),
        ("tempfile::", &["src/replace.rs"]),
        ("indicatif::", &["src/commands/progress.rs"]),
        ("tracing_subscriber::", &["src/main.rs"]),
        // The pages are made from the definition, command by command.
        ("clap::", &["src/cli.rs", "src/main.rs", "src/commands/man.rs"]),
        ("clap_complete::", &["src/commands/completions.rs"]),
        ("clap_mangen::", &["src/commands/man.rs"]),
        ("strsim::", &["src/guess.rs"]),
        ("thiserror::", &["src/error.rs"]),
    ];
    let sources = sources();
    for (package, homes) in homes {
        let guests = |code: &str| {
            code.match_indices(package).any(|(at, _)| {
                !code[..at]
                    .ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':')
            })
        };
        let users: Vec<&str> =
            sources.iter().filter(|(_, code)| guests(code)).map(|(name, _)| name.as_str()).collect();
        let at_home = |name: &str| homes.iter().any(|home| name.starts_with(home));
        for name in &users {
            assert!(at_home(name), "{name} uses {package}");
        }
        for home in *homes {
            assert!(users.iter().any(|name| name.starts_with(home)), "{package} has left {home}");
        }
    }
}

#[test]
fn every_file_of_rust_says_what_it_is() {
    let rust = files_below("").into_iter().filter(|(name, _)| name.ends_with(".rs"));
    let mut count = 0;
    for (name, path) in rust {
        let text = fs::read_to_string(path).unwrap();
        let sentence = text.lines().next().unwrap_or_default();
        assert!(sentence.starts_with("//! This is ") && sentence.ends_with(['.', ':']), "{name}: {sentence}");
        count += 1;
    }
    assert!(count > 50);
}

#[test]
fn every_question_prepares_on_a_fresh_archive() {
    let archive = Archive::temporary().unwrap();
    for question in QUESTIONS {
        let statement = archive.connection().prepare(question.sql);
        let statement = statement.unwrap_or_else(|error| panic!("queries/{}.sql: {error}", question.name));
        assert!(statement.readonly() && statement.column_count() > 0, "{}", question.name);
    }
}

#[test]
fn every_question_is_asked_in_spark_sql_too_in_the_same_words() {
    let asked = files_below("queries/spark").into_iter().filter(|(name, _)| name.ends_with(".sql"));
    let asked: BTreeMap<String, PathBuf> = asked.collect();
    let names: BTreeSet<String> =
        QUESTIONS.iter().map(|question| format!("queries/spark/{}.sql", question.name)).collect();
    assert_eq!(asked.keys().cloned().collect::<BTreeSet<_>>(), names);
    for question in QUESTIONS {
        let text = fs::read_to_string(&asked[&format!("queries/spark/{}.sql", question.name)]).unwrap();
        assert_eq!(text.lines().next(), question.sql.lines().next(), "{}", question.name);
    }
}

/// The exit codes in a table or a list: numbers, several with commas, before the words that say what they mean.
fn codes<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<u8> {
    let leading = |line: &'a str| line.trim_start_matches(['|', ' ', '*', '-', '`']);
    let cells = lines.map(|line| {
        leading(line).split(|letter: char| letter == '|' || letter.is_alphabetic()).next().unwrap()
    });
    cells.flat_map(|cell| cell.split([',', ' ', '`', '·']).filter_map(|code| code.parse().ok())).collect()
}

#[test]
fn the_exit_codes_are_the_same_in_the_code_the_help_and_the_readme() {
    let io = || std::io::Error::other("");
    let text = String::new;
    let errors = [
        Error::Internal(text()),
        Error::usage(""),
        Error::Partial { what: text() },
        Error::KeyRefused { status: 401 },
        Error::ApiUnavailable { what: text(), cause: text() },
        Error::ResponseTooLarge { what: text(), limit_bytes: 1 },
        Error::Archive { path: PathBuf::new(), cause: text(), hint: None },
        Error::Sqlite(rusqlite::Error::InvalidQuery),
        Error::Output { what: text(), cause: io() },
        Error::Locked { holder: text() },
        Error::Workspaces { failed: vec![(text(), 6)], all: 2 },
        Error::Interrupted { name: "SIGINT", number: 2 },
        Error::Interrupted { name: "SIGTERM", number: 15 },
    ];
    let source = &sources()["src/error.rs"];
    let variants: BTreeSet<&str> =
        names_after(source.split_once("fn exit_code").unwrap().1.split_once("pub fn").unwrap().0, "Error::")
            .collect();
    let tried: BTreeSet<String> = errors
        .iter()
        .map(|error| {
            format!("{error:?}").split(|letter: char| !letter.is_alphanumeric()).next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        tried,
        variants.into_iter().map(str::to_owned).collect(),
        "an error that is tried here has been added or removed"
    );

    let expected: BTreeSet<u8> = errors.iter().map(Error::exit_code).chain([0]).collect();
    assert_eq!(expected, [0, 1, 2, 3, 4, 5, 6, 7, 11, 130, 143].into());

    let help = Cli::command().render_help().to_string();
    let in_help = help.split_once("Exit codes:\n").unwrap().1;
    assert_eq!(codes(in_help.lines()), expected, "the help says otherwise");

    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let after_heading = readme
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.to_lowercase().contains("exit code")));
    let section = after_heading.skip(1).take_while(|line| !line.starts_with('#'));
    assert_eq!(codes(section), expected, "the README says otherwise");
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    // Put together here, so that this file does not hold them.
    let foreign = [["/wo", "rk/"], ["/tmp", "/wt"], ["../sh", "ared"]].map(|parts| parts.concat());
    let files = files_below("");
    for name in ["README.md", "LICENSE", "src/lib.rs", "tests/it/tidy.rs"] {
        assert!(files.contains_key(name), "{name} was found");
    }
    // What is larger was archived here by somebody, and is no part of the project.
    for (name, path) in files.into_iter().filter(|(_, path)| path.metadata().unwrap().len() < 2_000_000) {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for part in &foreign {
            assert!(!text.contains(part), "{name} names {part}");
        }
    }
}

#[test]
fn the_license_is_the_one_that_the_manifest_names() {
    let license = fs::read_to_string(root().join("LICENSE")).unwrap();
    assert_eq!(env!("CARGO_PKG_LICENSE"), "Apache-2.0");
    let words: Vec<&str> = license.split_whitespace().take(6).collect();
    assert_eq!(words.join(" "), "Apache License Version 2.0, January 2004");
    assert!(license.contains("END OF TERMS AND CONDITIONS"));
}

#[test]
fn every_migration_has_its_own_number_and_creates_what_is_not_there() {
    let migrations = files_below("migrations").into_iter().filter(|(name, _)| name.ends_with(".sql"));
    let mut numbers = BTreeSet::new();
    for (name, path) in migrations {
        let number = name
            .strip_prefix("migrations/V")
            .and_then(|name| name.split_once("__"))
            .map(|(number, _)| number.to_owned());
        assert!(
            numbers.insert(number.unwrap_or_else(|| panic!("{name} has no number"))),
            "{name}: that number is taken"
        );
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("-- ") && !text.to_uppercase().contains("IF NOT EXISTS"), "{name}");
    }
    assert!(!numbers.is_empty());
}
