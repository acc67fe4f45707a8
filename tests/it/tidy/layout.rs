//! Module order, homes of packages, places of commands, lengths of files and of test names.

use super::{files_below, names_after, root, sources};
use clap::Command;
use runledger::internal::commands::Cli;
use std::fs;

/// The module that a line of `lib.rs` declares. `None`: another line.
fn declared_module(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    line.strip_prefix("mod ")?.strip_suffix(';')
}

#[test]
fn a_module_uses_only_those_declared_above_it() {
    let sources = sources();
    let order: Vec<&str> = sources["src/lib.rs"].lines().filter_map(declared_module).collect();
    assert!(order.len() > 10 && order.contains(&"sync"), "{order:?}");
    let place = |module: &str| order.iter().position(|other| *other == module);
    let mut uses = 0;
    for (name, code) in &sources {
        let parts: Vec<&str> = name.trim_end_matches(".rs").split('/').skip(1).collect();
        if parts == ["lib"] || parts == ["main"] {
            continue;
        }
        let own = place(parts[0]).unwrap_or_else(|| panic!("lib.rs does not declare {}", parts[0]));
        for used in names_after(code, "crate::") {
            let Some(used_place) = place(used) else {
                panic!("{name}: crate::{used} is not a module of lib.rs")
            };
            assert!(used_place <= own, "{name} uses {used}, which is declared below {}", parts[0]);
            uses += usize::from(used_place != own);
        }
        assert!(!code.contains("super::super::"), "{name} reaches beyond its parent module");
        let is_the_module = parts.len() == 1 || parts[1..] == ["mod"];
        assert!(!is_the_module || !code.contains("super::"), "{name} names other modules by super");
    }
    assert!(uses > 50, "only {uses} uses were found");
}

#[test]
fn a_package_has_one_home() {
    // The package as code names it, and the files that may use it.
    let homes: &[(&str, &[&str])] = &[
        // One builder of clients; the API and the pings send requests.
        ("reqwest::", &["src/http/", "src/api/", "src/notify/endpoint.rs"]),
        ("httpdate::", &["src/api/"]),
        ("rustls::", &["src/http/"]),
        ("flate2::", &["src/api/body.rs"]),
        ("memchr::", &["src/secret/echo.rs"]),
        ("itoa::", &["src/export/csv.rs"]),
        ("axum::", &["src/sandbox/"]),
        // Errors wrap SQLite's, and `query` passes its statement to the reports.
        ("rusqlite::", &["src/store/", "src/report/", "src/error.rs", "src/commands/query.rs"]),
        ("refinery::", &["src/store/"]),
        ("ring::digest", &["src/digest.rs"]),
        ("rust_xlsxwriter::", &["src/export/xlsx/"]),
        ("zip::", &["src/export/xlsx/package.rs"]),
        ("rustix::", &["src/file_system.rs"]),
        ("use parquet::", &["src/export/parquet/writer.rs"]),
        ("use csv::", &["src/export/csv.rs"]),
        ("unicode_width::", &["src/export/terminal/text.rs"]),
        ("unicode_segmentation::", &["src/export/terminal/text.rs"]),
        ("terminal_size::", &["src/commands/shared/terminal.rs"]),
        ("anstream::", &["src/commands/shared/terminal.rs"]),
        ("askama::", &["src/export/html/"]),
        ("croner::", &["src/report/schedule.rs"]),
        ("glob::", &["src/report/allocation.rs"]),
        ("toml::", &["src/settings/"]),
        ("std::env::", &["src/settings/env.rs"]),
        ("tempfile::", &["src/atomic_file.rs", "src/temporary_file.rs"]),
        ("indicatif::", &["src/commands/shared/progress.rs"]),
        ("tracing_subscriber::", &["src/main.rs"]),
        ("clap::", &["src/cli/", "src/commands/", "src/main.rs"]),
        ("clap_complete::", &["src/commands/completions.rs"]),
        ("clap_mangen::", &["src/commands/man.rs"]),
        ("strsim::", &["src/suggest.rs"]),
        ("thiserror::", &["src/error.rs"]),
    ];
    let sources = sources();
    for (package, homes) in homes {
        let uses_it = |code: &str| {
            code.match_indices(package).any(|(at, _)| {
                !code[..at]
                    .ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':')
            })
        };
        let users: Vec<&str> =
            sources.iter().filter(|(_, code)| uses_it(code)).map(|(name, _)| name.as_str()).collect();
        let is_home = |name: &str| homes.iter().any(|home| name.starts_with(home));
        for name in &users {
            assert!(is_home(name), "{name} uses {package}");
        }
        for home in *homes {
            assert!(users.iter().any(|name| name.starts_with(home)), "{home} no longer uses {package}");
        }
    }
}

#[test]
fn every_rust_file_opens_with_a_module_doc() {
    let mut count = 0;
    for (name, path) in files_below("").into_iter().filter(|(name, _)| name.ends_with(".rs")) {
        let text = fs::read_to_string(path).unwrap();
        let doc: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        let doc = doc.join(" ");
        assert!(!doc.starts_with("This is ") && doc.ends_with(['.', ':']), "{name}: {doc}");
        count += 1;
    }
    assert!(count > 50, "only {count} files were found");
}

#[test]
fn no_source_file_exceeds_500_lines() {
    // The walk and the match over all fields read best in one piece.
    let exempt = ["src/sync/walk/", "src/run/decode.rs"];
    for (name, path) in files_below("src").into_iter().filter(|(name, _)| name.ends_with(".rs")) {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        assert!(lines <= 500 || exempt.iter().any(|file| name.starts_with(file)), "{name}: {lines} lines");
    }
}

/// The paths of all subcommands below a command, such as `report html`.
fn subcommand_paths(command: &Command) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for subcommand in command.get_subcommands() {
        let name = subcommand.get_name().to_owned();
        paths.push(vec![name.clone()]);
        for below in subcommand_paths(subcommand) {
            paths.push([vec![name.clone()], below].concat());
        }
    }
    paths
}

#[test]
fn every_command_has_a_file_at_its_path() {
    let paths = subcommand_paths(&Cli::definition());
    assert!(paths.len() > 15, "{paths:?}");
    for path in paths {
        let place = path.join("/").replace('-', "_");
        let files = [format!("src/commands/{place}.rs"), format!("src/commands/{place}/mod.rs")];
        assert!(files.iter().any(|file| root().join(file).is_file()), "there is no {}", files.join(" or "));
    }
}

#[test]
fn test_names_have_at_most_70_characters() {
    let mut count = 0;
    let files = ["src", "tests"].into_iter().flat_map(files_below);
    for (name, path) in files.filter(|(name, _)| name.ends_with(".rs")) {
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines().map(str::trim_start);
        while let Some(line) = lines.next() {
            if line != "#[test]" && !line.starts_with("#[tokio::test") {
                continue;
            }
            let function = lines.find(|line| line.starts_with("fn ") || line.starts_with("async fn "));
            let test = names_after(function.unwrap(), "fn ").next().unwrap();
            assert!(test.len() <= 70, "{name}: {test} has {} characters", test.len());
            count += 1;
        }
    }
    assert!(count > 300, "only {count} tests were found");
}
