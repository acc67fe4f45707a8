//! Where the archive is: the order of `--db`, `RUNLEDGER_DB`, the current folder and the user's settings file.

use super::{command, run};
use crate::support::command::Ran;
use crate::support::workspace::Workspace;
use std::fs;
use std::path::Path;

/// A home with a settings file, and a folder to work in.
struct Home {
    workspace: Workspace,
}

impl Home {
    fn with(settings: &str) -> Home {
        let home = Home { workspace: Workspace::of(10) };
        for folder in ["here", "config/runledger", "data"] {
            fs::create_dir_all(home.workspace.file(folder)).unwrap();
        }
        fs::write(home.workspace.file("config/runledger/runledger.toml"), settings).unwrap();
        home
    }

    /// Runs the command in the folder `here`.
    fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = command(&self.workspace.file("here"), args);
        command
            .env("XDG_CONFIG_HOME", self.workspace.file("config"))
            .env("RUNLEDGER_API_URL", self.workspace.sandbox.url())
            .env("NEKT_API_KEY", self.workspace.sandbox.api_key())
            .envs(environment.iter().copied());
        run(command)
    }

    fn has(&self, file: &str) -> bool {
        self.workspace.file(file).exists()
    }

    /// The archive in force and its origin, as `config` shows them.
    fn archive(&self, args: &[&str], environment: &[(&str, &str)]) -> (String, String) {
        let settings = self.run(&[&["config", "--json"], args].concat(), environment).json();
        let archive = settings.as_array().unwrap().iter().find(|row| row["setting"] == "archive").unwrap();
        let text = |key: &str| archive[key].as_str().unwrap().to_owned();
        (text("value"), text("from"))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_archive_is_looked_up_in_the_documented_order() {
    let home = Home::with("archive = \"../../data/ledger.db\"\n");
    let file = shown(&home.workspace.file("config/runledger/runledger.toml"));
    let (value, origin) = home.archive(&[], &[]);
    assert!(value.ends_with("data/ledger.db") && origin == file, "{value} from {origin}");

    let created = home.run(&["sync"], &[]).out();
    assert!(home.has("data/ledger.db") && !home.has("here/runledger.db"), "{created}");
    assert!(created.lines().last().unwrap().starts_with("archive: /"), "{created}");
    assert_eq!(home.run(&["status", "--json"], &[]).json()["runs"], 10);

    let own = [("RUNLEDGER_DB", "own.db")];
    assert_eq!(home.archive(&[], &own), ("own.db".to_owned(), "RUNLEDGER_DB".to_owned()));
    assert_eq!(home.archive(&["--db", "a.db"], &own), ("a.db".to_owned(), "--db".to_owned()));
    // An archive in the current folder comes before the configured one.
    fs::copy(home.workspace.file("data/ledger.db"), home.workspace.file("here/runledger.db")).unwrap();
    assert_eq!(home.archive(&[], &[]), ("runledger.db".to_owned(), "default".to_owned()));
}

#[test]
fn without_a_users_file_the_archive_is_in_the_current_folder() {
    let home = Home::with("");
    assert_eq!(home.archive(&[], &[]).0, "runledger.db");
    fs::remove_dir_all(home.workspace.file("config")).unwrap();
    assert_eq!(home.archive(&[], &[]).0, "runledger.db");
    // The specification ignores relative paths.
    assert_eq!(home.archive(&[], &[("XDG_CONFIG_HOME", "config"), ("HOME", "")]).0, "runledger.db");
}

#[test]
fn home_stands_in_for_the_missing_xdg_config_home() {
    let home = Home::with("");
    let dot_config = home.workspace.file("home/.config/runledger");
    fs::create_dir_all(&dot_config).unwrap();
    fs::write(dot_config.join("runledger.toml"), "archive = \"/srv/a.db\"").unwrap();
    let folder = shown(&home.workspace.file("home"));
    assert_eq!(home.archive(&[], &[("XDG_CONFIG_HOME", ""), ("HOME", &folder)]).0, "/srv/a.db");
}

#[test]
fn the_users_file_also_has_the_settings_of_its_archive() {
    let home = Home::with("archive = \"../../data/ledger.db\"\nzone = \"Asia/Tokyo\"\n");
    let zone = |home: &Home, args: &[&str]| {
        let settings = home.run(&[&["config", "--json"], args].concat(), &[]).json();
        let row = settings.as_array().unwrap().iter().find(|row| row["setting"] == "zone").unwrap();
        row["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(zone(&home, &[]), "Asia/Tokyo");
    assert_eq!(zone(&home, &["--db", "other.db"]), "UTC", "another archive has settings of its own");
    fs::write(home.workspace.file("data/runledger.toml"), "zone = \"Europe/Berlin\"").unwrap();
    assert_eq!(zone(&home, &[]), "Europe/Berlin", "the file in the archive's folder comes first");
}

#[test]
fn a_sync_that_creates_another_archive_names_both() {
    let home = Home::with("archive = \"../../data/ledger.db\"\n");
    home.run(&["sync", "--quiet"], &[]).out();
    let other = home.run(&["sync", "--db", "new.db"], &[]);
    assert_eq!(other.code, 0, "{other:?}");
    for words in ["this creates the archive /", "/here/new.db", "data/ledger.db", "runledger.toml"] {
        assert!(other.err.contains(words), "{words} is not in {}", other.err);
    }
    assert_eq!(home.run(&["sync", "--db", "new.db"], &[]).err, "", "the archive exists now");
    assert_eq!(home.run(&["sync", "--db", "third.db", "--quiet"], &[]).err, "");
}

#[test]
fn an_archive_in_the_settings_of_an_archive_is_refused() {
    let home = Home::with("");
    fs::write(home.workspace.file("here/runledger.toml"), "archive = \"other.db\"").unwrap();
    home.run(&["status"], &[]).refused(6, &["there is no such file"]);
    home.run(&["config"], &[]).refused(2, &["`archive` only applies in the user's settings file", "--db"]);
}

#[test]
fn an_invalid_users_file_stops_only_the_commands_that_need_it() {
    let home = Home::with("archiv = \"a.db\"");
    home.run(&["status"], &[]).refused(2, &["unknown field `archiv`", "did you mean `archive`?"]);
    assert_eq!(home.run(&["completions", "bash"], &[]).code, 0);
    home.run(&["status", "--db", "a.db"], &[]).refused(6, &["there is no such file"]);
}
