//! The collapsed sections of the HTML report, and the months that the URL fragment names.

use super::{between, data, html, html_in, large};
use crate::support::ledger;
use crate::support::workspace::at;
use chrono_tz::Tz;
use runledger::internal::export::html::{Labels, render};
use runledger::internal::language::Language;
use runledger::internal::report::overview::gather;
use runledger::internal::report::{Scope, Span};
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
fn a_running_month_has_a_badge_in_the_zone_of_the_page() {
    let archive = ledger::small();
    let page = |zone| {
        let scope = Scope { zone, ..Scope::default() };
        let overview = gather(&archive, &scope, Some(at("2026-02-05T02:30:00Z"))).unwrap();
        render(&overview, &Labels::default(), Language::English).unwrap()
    };
    assert!(page(Tz::UTC).contains("Running, day 5 of 28"));
    assert!(page(Tz::America__Sao_Paulo).contains("Running, day 4 of 28"));
    let over = Span { from: Some(at("2026-01-01T00:00:00Z")), until: Some(at("2026-02-01T00:00:00Z")) };
    assert!(!html(&archive, &Scope { span: over, ..Scope::default() }).contains("class=\"badge\""));
}

#[test]
fn the_script_knows_the_number_of_the_first_month() {
    let page = data(&html(&large(2000, 20, 365), &Scope::default()));
    let (year, month) = page["months"][0].as_str().unwrap().split_once('-').unwrap();
    let number = year.parse::<i32>().unwrap() * 12 + month.parse::<i32>().unwrap() - 1;
    assert_eq!(page["month"], json!(number));
}
