//! Links between the pages of docs/.

use super::{FIRST_PAGE, pages, root};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_page_is_in_the_contents_and_links_back() {
    let pages = pages();
    let contents =
        &pages.iter().find(|(name, _)| name == "README.md").expect("docs/README.md lists the pages").1;
    for (name, page) in &pages {
        if name == "README.md" || *name == FIRST_PAGE {
            continue;
        }
        assert!(contents.contains(&format!("]({name})")), "docs/README.md does not list {name}");
        assert!(page.contains("(README.md)"), "{name} does not link to the contents");
    }
}

#[test]
fn every_link_between_pages_resolves() {
    let mut links = BTreeSet::new();
    for (name, page) in pages() {
        let folder = if name == FIRST_PAGE { root().to_owned() } else { root().join("docs") };
        for target in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") || target.contains(' ') || path.is_empty() {
                continue;
            }
            let there = folder.join(path);
            assert!(there.exists(), "{name} links to {target}");
            if !heading.is_empty() {
                let text = fs::read_to_string(there).unwrap();
                let mut headings = text.lines().filter_map(|line| line.strip_prefix('#')).map(anchor);
                assert!(headings.any(|anchor| anchor == heading), "{name} links to {target}");
            }
            links.insert(target.to_owned());
        }
    }
    assert!(links.len() > 20, "{links:?}");
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}
