//! The collapsed sections of the HTML report, and the months that the URL fragment names.

use super::{between, data, html, html_in, large};
use crate::support::ledger;
use runledger::internal::language::Language;
use runledger::internal::report::Scope;
use serde_json::json;

#[test]
fn collapsed_sections_have_a_summary() {
    let page = html(&large(2000, 20, 365), &Scope::default());
    for id in ["took", "waited", "success", "calendar", "unknown"] {
        let section =
            between(&page, &format!("<section class=\"folded\" aria-labelledby=\"h-{id}\">"), "</section>");
        let summary = between(section, "<summary>", "</summary>");
        assert!(summary.contains("<span class=\"unfiltered\">"), "{id}: {summary}");
        assert!(!section.contains("<details open"), "{id}");
    }
}

#[test]
fn an_archive_without_runs_has_no_summaries() {
    for language in [Language::English, Language::Portuguese] {
        let page = html_in(language, &ledger::empty(), &Scope::default());
        let body = page.split_once("<body>").unwrap().1.split_once("<script").unwrap().0;
        assert!(!body.contains("unfiltered"));
    }
}

#[test]
fn the_script_knows_the_number_of_the_first_month() {
    let page = data(&html(&large(2000, 20, 365), &Scope::default()));
    let (year, month) = page["months"][0].as_str().unwrap().split_once('-').unwrap();
    let number = year.parse::<i32>().unwrap() * 12 + month.parse::<i32>().unwrap() - 1;
    assert_eq!(page["month"], json!(number));
}
