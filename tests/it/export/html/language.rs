//! The HTML report in each language.

use super::{data, html_in, large, scopes};
use crate::support::{golden, ledger};
use runledger::internal::language::Language;
use runledger::internal::report::Scope;

/// What people read on the page, one line for each text: without style, script and tags.
fn words(page: &str) -> String {
    let body = page.split_once("<body>").unwrap().1;
    let body = body.split_once("<script type=").unwrap().0;
    let body = body.split("<template").next().unwrap();
    let mut words = String::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        for label in tag.split("aria-label=\"").skip(1) {
            words.push_str(&format!("[{}]\n", label.split('"').next().unwrap()));
        }
        if !text.trim().is_empty() {
            words.push_str(text.trim());
            words.push('\n');
        }
    }
    words
}

#[test]
fn the_page_matches_its_golden_words_in_each_language() {
    let archive = ledger::findings();
    for language in [Language::English, Language::Portuguese] {
        let page = html_in(language, &archive, &Scope::default());
        assert!(page.contains(&format!("<html lang=\"{}\">", language.name())));
        golden::assert_golden(&format!("page.{}.txt", language.name()), words(&page).as_bytes());
    }
}

#[test]
fn every_view_of_the_page_is_complete_in_portuguese() {
    // In a test, a text that the catalogue lacks is a panic.
    for archive in [ledger::empty(), ledger::small(), ledger::findings(), large(900, 40, 800)] {
        for scope in scopes() {
            html_in(Language::Portuguese, &archive, &scope);
        }
    }
    html_in(Language::Portuguese, &ledger::change(), &Scope::default());
}

#[test]
fn the_prepared_texts_are_in_the_language_of_the_page() {
    let archive = ledger::small();
    let page = |language| data(&html_in(language, &archive, &Scope::default()));
    let (english, portuguese) = (page(Language::English), page(Language::Portuguese));
    assert_eq!(
        (&english["texts"][0][0], &portuguese["texts"][0][0]),
        (&"January 2026".into(), &"janeiro de 2026".into())
    );
    assert_eq!(portuguese["groups"][1]["n"], "Fonte");
}
