//! The table of columns in docs/focus.md: it says which columns a FOCUS file has, and which have values.

use super::root;
use crate::support::command::rows_of_csv;
use crate::support::month_end::{MONTH, MonthEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What the page says of each column in FOCUS 1.2 and 1.4.
fn documented() -> BTreeMap<String, [String; 2]> {
    let page = fs::read_to_string(root().join("docs/focus.md")).unwrap();
    let (_, section) = page.split_once("\n## Every column\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        assert!(!cells[4].is_empty(), "{line}");
        Some((name.to_owned(), [cells[2].to_owned(), cells[3].to_owned()]))
    });
    let rows: Vec<_> = rows.collect();
    assert!(rows.is_sorted_by(|one, other| one.0 < other.0), "the columns are sorted");
    rows.into_iter().collect()
}

/// The columns of FOCUS in the files of a version, and those of them with a value in a row.
fn written(version: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let month_end = MonthEnd::of(60);
    month_end.set(
        "[billed_by]\nel = \"Nekt\"\ntransformation = \"Amazon Web Services\"\n\
         [account]\nbilling_id = \"acme\"\nbilling_name = \"Acme\"\nsub_id = \"data\"\n\
         [plan]\nfee_usd = \"10\"\ncredits = 5\n[[cost_center]]\ncost_center = \"All\"",
    );
    let own = month_end.output(&["export", "focus", "--period", MONTH, "--focus-version", version]);
    let golden = format!("tests/golden/focus-{version}-correction.csv");
    let golden = fs::read_to_string(root().join(golden)).unwrap();
    let (mut columns, mut filled) = (BTreeSet::new(), BTreeSet::new());
    for text in [own, golden] {
        let header = text.lines().next().unwrap().split(',');
        columns.extend(header.filter(|name| !name.starts_with("x_")).map(str::to_owned));
        for row in rows_of_csv(&text) {
            filled.extend(row.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name));
        }
    }
    (columns, filled)
}

#[test]
fn the_focus_page_says_which_columns_a_file_has() {
    let documented = documented();
    for (index, version) in ["1.2", "1.4"].into_iter().enumerate() {
        let (columns, filled) = written(version);
        for (name, states) in &documented {
            let expected = match (columns.contains(name), filled.contains(name)) {
                (true, true) => &["filled"][..],
                (true, false) => &["blank"],
                (false, _) => &["omitted", "–"],
            };
            assert!(expected.contains(&states[index].as_str()), "{name} in {version}: {expected:?}");
        }
        let undocumented: Vec<_> = columns.iter().filter(|name| !documented.contains_key(*name)).collect();
        assert!(undocumented.is_empty(), "{undocumented:?}");
    }
}
