//! The documentation: every command, statement and script in it runs as written.

mod agents;
mod data_dictionary;
mod focus;
mod json;
mod links;
mod output;
mod pages;
mod readme;
mod reliability;

use std::fs;
use std::path::{Path, PathBuf};

/// The project's README, which `docs/readme.rs` runs.
const FIRST_PAGE: &str = "README.md of the project";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages by name, and the project's README.
fn pages() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    let named = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
    };
    let readme = (FIRST_PAGE.to_owned(), fs::read_to_string(root().join("README.md")).unwrap());
    paths.into_iter().map(named).chain([readme]).collect()
}
