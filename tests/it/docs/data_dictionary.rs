//! The data dictionary in docs/: it matches the archive's.

use super::root;
use runledger::internal::store::Archive;
use std::fmt::Write;
use std::fs;

#[test]
fn the_data_model_page_matches_the_data_dictionary() {
    let path = root().join("docs/data-model.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- the dictionary").unwrap();
    let (mark, rest) = rest.split_once("-->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of the dictionary -->").unwrap();
    let mut dictionary = String::new();
    for table in Archive::temporary().unwrap().data_dictionary().unwrap() {
        write!(dictionary, "\n### {}\n\n{}\n\n| column | |\n|---|---|\n", table.name, table.description)
            .unwrap();
        for column in table.columns {
            writeln!(dictionary, "| `{}` | {} |", column.name, column.description).unwrap();
        }
    }
    let expected =
        format!("{before}<!-- the dictionary{mark}-->\n{dictionary}\n<!-- end of the dictionary -->{after}");
    if std::env::var_os("RUNLEDGER_BLESS").is_some() {
        fs::write(path, expected).unwrap();
    } else {
        assert!(
            page == expected,
            "docs/data-model.md has other words than src/store/dictionary.rs: bless it"
        );
    }
}
