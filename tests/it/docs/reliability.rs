//! `docs/reliability.md` names existing tests.

use std::path::Path;

/// The Rust code of a folder, recursively.
fn code(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&code(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    text
}

#[test]
fn every_row_of_the_fault_table_names_an_existing_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let code = code(&root.join("tests")) + &code(&root.join("src"));
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    let mut named = 0;
    for row in rows.iter().filter(|row| !row.starts_with("| fault ")) {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        for name in cell.split(", ") {
            let name = name.trim_matches('`');
            assert!(name.contains('_'), "this row names no test: {row}");
            assert!(
                code.contains(&format!("fn {name}()")) || code.contains(&format!("fn {name}(\n")),
                "there is no test {name}"
            );
        }
        named += 1;
    }
    assert!(named >= 35, "the table has {named} rows");
}
