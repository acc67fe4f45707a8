//! The collapsed sections of the HTML report, and the months that the URL fragment names.

use super::{between, data, html, html_in, large, overview, overview_at};
use crate::support::ledger;
use crate::support::workspace::at;
use chrono_tz::Tz;
use runledger::internal::export::html::{Labels, render};
use runledger::internal::language::Language;
use runledger::internal::report::allocation::{Allocation, Rule};
use runledger::internal::report::{Dimension, Ledger, Scope, Span, cost};

#[test]
fn collapsed_sections_have_a_summary() {
    let page = html(&large(2000, 20, 365), &Scope::default());
    for id in ["took", "waited", "success", "load", "calendar", "unknown", "tables"] {
        let summary = between(&page, &format!("<h2 id=\"h-{id}\">"), "</summary>");
        assert!(summary.contains("<span>"), "{id}: {summary}");
    }
    assert!(!page.contains("<details open"));
}

#[test]
fn an_archive_without_runs_has_no_summaries() {
    for language in [Language::English, Language::Portuguese] {
        let page = html_in(language, &ledger::empty(), &Scope::default());
        let body = page.split_once("<body>").unwrap().1.split_once("<script").unwrap().0;
        assert!(!body.contains("<details"));
    }
}

#[test]
fn a_running_month_has_a_badge_in_the_zone_of_the_page() {
    let archive = ledger::small();
    let page = |zone| {
        let scope = Scope { zone, ..Scope::default() };
        let overview = overview_at(&archive, &scope, Some(at("2026-02-05T02:30:00Z")));
        render(&overview, &Labels::default(), Language::English).unwrap()
    };
    assert!(page(Tz::UTC).contains("Running, day 5 of 28"));
    assert!(page(Tz::America__Sao_Paulo).contains("Running, day 4 of 28"));
    let over = Span { from: Some(at("2026-01-01T00:00:00Z")), until: Some(at("2026-02-01T00:00:00Z")) };
    assert!(!html(&archive, &Scope { span: over, ..Scope::default() }).contains("Running, day"));
}

#[test]
fn the_filter_has_months_kinds_and_pipelines_with_their_keys() {
    let page = html(&large(2000, 20, 365), &Scope::default());
    for option in ["<option value=\"2025-07\">Jul 2025</option>", "<option value=\"source\">Source</option>"]
    {
        assert!(page.contains(option), "{option}");
    }
    let data = data(&page);
    let keys: Vec<&str> =
        data["pipelines"].as_array().unwrap().iter().map(|of| of["k"].as_str().unwrap()).collect();
    assert!(keys.iter().all(|key| key.starts_with("source:8a1c0f3e-")) && keys.len() == 20);
}

#[test]
fn cost_centers_can_be_selected_if_there_are_rules() {
    let archive = large(2000, 20, 365);
    let rule = |cost_center: &str, pipeline: &str| Rule {
        cost_center: cost_center.to_owned(),
        pipeline: Some(pipeline.to_owned()),
        ..Rule::default()
    };
    let allocation = Allocation(vec![rule("Sales & <more>", "slug-1"), rule("finance", "slug-1?")]);
    let scope = Scope { allocation, ..Scope::default() };
    let page = html(&archive, &scope);
    assert!(page.contains("<option value=\"finance\">finance</option>"));
    assert!(page.contains("<option value=\"Sales &#38; &#60;more&#62;\">"), "the name is escaped");
    let ledger = Ledger::open(&archive, scope.clone()).unwrap();
    let rows = cost::report(&ledger, &[Dimension::CostCenter]).unwrap().rows;
    drop(ledger);
    let centers = overview(&archive, &scope).cost_centers;
    let found: Vec<(String, String)> = centers
        .iter()
        .map(|(name, of)| {
            (name.clone(), of.total.cost.total().map_or_else(String::new, |usd| usd.to_string()))
        })
        .collect();
    let mut expected: Vec<(String, String)> = rows
        .iter()
        .map(|row| (row[0].exact().unwrap_or_default(), row[5].exact().unwrap_or_default()))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    assert!(html(&archive, &Scope::default()).contains("hidden>Cost center"), "there are no rules");
}

#[test]
fn a_month_on_its_first_day_is_not_compared_yet() {
    let archive = ledger::small();
    let page = |known_at| {
        let overview = overview_at(&archive, &Scope::default(), Some(at(known_at)));
        render(&overview, &Labels::default(), Language::English).unwrap()
    };
    let first = page("2026-02-01T10:00:00Z");
    assert!(first.contains("Compared with January from 2 Feb on") && first.contains("from 4 Feb on"));
    assert!(page("2026-02-05T10:00:00Z").contains("against January at this point"));
    assert!(!first.contains("class=\"ghost\""), "there is no forecast yet");
    let compared = |known_at| {
        let (scope, known_at) = (Scope::default(), Some(at(known_at)));
        let month = overview_at(&archive, &scope, known_at).headline_month.unwrap();
        month.compared_period(&scope, known_at).unwrap()
    };
    assert_eq!(compared("2026-02-01T10:00:00Z"), "2026-01", "the last complete month is compared");
    assert_eq!(compared("2026-02-02T10:00:00Z"), "2026-02");
}

#[test]
fn a_page_of_one_month_begins_with_its_days() {
    let archive = large(2000, 20, 365);
    let april = Span { from: Some(at("2026-04-01T00:00:00Z")), until: Some(at("2026-05-01T00:00:00Z")) };
    let page = html(&archive, &Scope { span: april, ..Scope::default() });
    assert!(page.contains("id=\"v-day\" checked") && !page.contains("id=\"v-month\" checked"));
    // 30 whole days, and every cost of the month is in one of them.
    let ledger = Ledger::open(&archive, Scope { span: april, ..Scope::default() }).unwrap();
    let mean = cost::total(&ledger).unwrap().total().unwrap().per(30).unwrap().to_fixed(2);
    assert!(page.contains(&format!("Mean of the whole days: {mean} USD.")), "{mean}");
    let page = html(&archive, &Scope::default());
    assert!(page.contains("id=\"v-month\" checked") && !page.contains("id=\"v-day\" checked"));
}
