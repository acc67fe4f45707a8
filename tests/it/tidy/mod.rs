//! Rules that the compiler cannot check: layout, wording, and agreement of code, docs and files.

mod layout;
mod prose;

use runledger::internal::commands::Cli;
use runledger::internal::error::Error;
use runledger::internal::report::question::QUESTIONS;
use runledger::internal::store::Archive;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder of the project by their paths in it, without build output.
fn files_below(folder: &str) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if [".git", "target", "node_modules"].iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.insert(name, path);
            }
        }
    }
    found
}

/// The code of each file of `src/`, without comments and unit tests.
fn sources() -> BTreeMap<String, String> {
    let is_code =
        |name: &str| name.ends_with(".rs") && !name.ends_with("/tests.rs") && !name.contains("/tests/");
    let files = files_below("src").into_iter().filter(|(name, _)| is_code(name));
    let code = files.map(|(name, path)| (name, code(&fs::read_to_string(path).unwrap())));
    let sources: BTreeMap<String, String> = code.collect();
    assert!(sources.len() > 40, "only {} sources were found", sources.len());
    sources
}

/// The code of a text before its module of unit tests, without comments.
fn code(text: &str) -> String {
    let (code, tests) = text.split_once("#[cfg(test)]\nmod tests {\n").unwrap_or((text, ""));
    assert!(tests.matches("\n}\n").count() <= 1, "nothing follows the unit tests: {tests:.80}");
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
fn every_question_prepares_on_a_fresh_archive() {
    let archive = Archive::temporary().unwrap();
    for question in QUESTIONS {
        let statement = archive.connection().prepare(question.sql);
        let statement = statement.unwrap_or_else(|error| panic!("queries/{}.sql: {error}", question.name));
        assert!(statement.readonly() && statement.column_count() > 0, "{}", question.name);
    }
}

/// The questions in the table of `queries/README.md`, and whether each has a twin in Spark SQL.
fn listed_questions() -> BTreeMap<String, bool> {
    let page = fs::read_to_string(root().join("queries/README.md")).unwrap();
    let mut rows = page
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>())
        .skip_while(|cells| cells.get(1) != Some(&"question"));
    let heading = rows.next().expect("queries/README.md has a table of questions");
    let spark = heading.iter().position(|cell| *cell == "Spark SQL").expect("the table has that column");
    let questions =
        rows.take_while(|cells| cells.len() == heading.len()).filter(|cells| cells[1].starts_with('`'));
    questions.map(|cells| (cells[1].trim_matches('`').to_owned(), cells[spark] == "yes")).collect()
}

#[test]
fn queries_readme_lists_every_question() {
    let listed: Vec<String> = listed_questions().into_keys().collect();
    let mut names: Vec<&str> = QUESTIONS.iter().map(|question| question.name).collect();
    names.sort_unstable();
    assert_eq!(listed, names);
}

#[test]
fn every_spark_question_has_a_twin_with_the_same_first_line() {
    let twins = files_below("queries/spark").into_iter().filter(|(name, _)| name.ends_with(".sql"));
    let twins: BTreeMap<String, PathBuf> = twins.collect();
    let listed = listed_questions().into_iter().filter(|(_, has_twin)| *has_twin);
    let expected: Vec<String> = listed.map(|(name, _)| format!("queries/spark/{name}.sql")).collect();
    assert!(expected.len() > 5, "{expected:?}");
    assert_eq!(twins.keys().cloned().collect::<BTreeSet<_>>(), expected.into_iter().collect());
    for question in QUESTIONS {
        let Some(path) = twins.get(&format!("queries/spark/{}.sql", question.name)) else { continue };
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().next(), question.sql.lines().next(), "{}", question.name);
    }
}

/// The exit codes in a table or a list: numbers, separated by commas, in front of their meaning.
fn codes<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<u8> {
    let leading = |line: &'a str| line.trim_start_matches(['|', ' ', '*', '-', '`']);
    let cells = lines.map(|line| {
        leading(line).split(|letter: char| letter == '|' || letter.is_alphabetic()).next().unwrap()
    });
    cells.flat_map(|cell| cell.split([',', ' ', '`', '·']).filter_map(|code| code.parse().ok())).collect()
}

#[test]
fn code_help_and_readme_list_the_same_exit_codes() {
    let io = || std::io::Error::other("");
    let text = String::new;
    let errors = [
        Error::Internal(text()),
        Error::usage(""),
        Error::Partial { what: text() },
        Error::KeyRefused { status: 401, detail: None },
        Error::Unreachable { what: text(), cause: text(), hint: text() },
        Error::ApiUnavailable { what: text(), cause: text() },
        Error::ApiMoved { what: text(), cause: text() },
        Error::ResponseTooLarge { what: text(), limit_bytes: 1 },
        Error::Archive { path: PathBuf::new(), cause: text(), hint: None },
        Error::Sqlite(rusqlite::Error::InvalidQuery),
        Error::Output { what: text(), cause: io() },
        Error::Locked { holder: text() },
        Error::Workspaces { failed: vec![(text(), 6)], all: 2 },
        Error::Interrupted { name: "SIGHUP", number: 1 },
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
        "this list of errors is not that of Error::exit_code"
    );

    let expected: BTreeSet<u8> = errors.iter().map(Error::exit_code).chain([0]).collect();
    assert_eq!(expected, [0, 1, 2, 3, 4, 5, 6, 7, 11, 129, 130, 143].into());

    let help = Cli::definition().render_long_help().to_string();
    let in_help = help.split_once("Exit codes:\n").unwrap().1;
    assert_eq!(codes(in_help.lines()), expected, "the help lists other codes");

    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let after_heading = readme
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.to_lowercase().contains("exit code")));
    let section = after_heading.skip(1).take_while(|line| !line.starts_with('#'));
    assert_eq!(codes(section), expected, "the README lists other codes");
}

#[test]
fn no_file_names_the_development_machine() {
    // Concatenated, so that this file does not contain them.
    let foreign = [["/wo", "rk/"], ["/tmp", "/wt"], ["../sh", "ared"]].map(|parts| parts.concat());
    let files = files_below("");
    for name in ["README.md", "LICENSE", "src/lib.rs", "tests/it/tidy/mod.rs"] {
        assert!(files.contains_key(name), "{name} was not found");
    }
    // Larger files are archives of a developer, not part of the project.
    for (name, path) in files.into_iter().filter(|(_, path)| path.metadata().unwrap().len() < 2_000_000) {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for part in &foreign {
            assert!(!text.contains(part), "{name} names {part}");
        }
    }
}

#[test]
fn the_license_file_matches_the_manifest() {
    let license = fs::read_to_string(root().join("LICENSE")).unwrap();
    assert_eq!(env!("CARGO_PKG_LICENSE"), "Apache-2.0");
    let words: Vec<&str> = license.split_whitespace().take(6).collect();
    assert_eq!(words.join(" "), "Apache License Version 2.0, January 2004");
    assert!(license.contains("END OF TERMS AND CONDITIONS"));
}

#[test]
fn migration_numbers_are_unique_and_creation_is_unconditional() {
    let migrations = files_below("migrations").into_iter().filter(|(name, _)| name.ends_with(".sql"));
    let mut numbers = BTreeSet::new();
    for (name, path) in migrations {
        let number = name
            .strip_prefix("migrations/V")
            .and_then(|name| name.split_once("__"))
            .map(|(number, _)| number.to_owned());
        assert!(
            numbers.insert(number.unwrap_or_else(|| panic!("{name} has no number"))),
            "{name}: another migration has that number"
        );
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("-- ") && !text.to_uppercase().contains("IF NOT EXISTS"), "{name}");
    }
    assert!(!numbers.is_empty());
}
