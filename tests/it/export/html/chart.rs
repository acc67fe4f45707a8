//! Charts of the HTML report: what they draw, truncate and omit.

use super::{between, changed, data, html, large};
use runledger::internal::report::{Ledger, Scope, cost};
use serde_json::json;

#[test]
fn an_html_report_of_100_000_runs_is_under_one_megabyte() {
    for (pipelines, days) in [(5000, 365), (40, 1096), (700, 3000)] {
        let archive = large(100_000, pipelines, days);
        let page = html(&archive, &Scope::default());
        assert!(page.len() < 1_000_000, "{pipelines} pipelines in {days} days: {} bytes", page.len());
        assert!(page.contains("more pipelines, together"), "omitted pipelines are counted");
        let ledger = Ledger::open(&archive, Scope::default()).unwrap();
        let total = cost::total(&ledger).unwrap().total().unwrap();
        assert!(page.contains(&format!("<strong data-figure=\"total\"><data value=\"{total}\">")));
    }
}

#[test]
fn a_chart_draws_all_months_of_three_years() {
    let page = html(&large(5000, 20, 1096), &Scope::default());
    let chart = between(&page, "id=\"cost\">", "</div>");
    assert_eq!(chart.matches("<rect").count(), 36);
    assert!(page.contains("2023-06, sources:"));
}

#[test]
fn an_outlier_does_not_hide_other_runs() {
    let plain = changed("");
    let rects = plain.matches("<rect").count();
    for (years, note) in [
        ("2100", "Runs booked after 2026-06, included in the totals but not shown: 1."),
        ("9999", "Runs booked after 2026-05-31, included in the totals but not shown: 1."),
        ("1970", "Months before 2025-06 are included in the total but not shown."),
    ] {
        let page = changed(&format!(
            "UPDATE run_snapshots SET created_at = '{years}-01-01T00:00:00.000000Z', started_at = '{years}-01-01T00:00:00.250000Z' WHERE run_id = 'run-7'"
        ));
        assert!(page.contains(note), "{years}: {note}");
        assert!(
            page.matches("<rect").count().abs_diff(rects) < 30,
            "{years}: the number of bars is the same"
        );
        let data = data(&page);
        assert_eq!(data["months"].as_array().unwrap().len(), 13);
        assert_eq!(data["months"][data["focus"].as_u64().unwrap() as usize], json!("2026-06"));
        assert!(page.contains("<strong data-figure=\"total\">") && page.contains("for 2\u{202f}000 runs"));
    }
}

#[test]
fn the_report_states_omitted_runs_and_shows_the_first_month() {
    let nowhere = "UPDATE run_snapshots SET created_at = NULL, started_at = NULL";
    let later = "UPDATE run_snapshots SET created_at = '9999-12-01T00:00:00.000000Z', started_at = '9999-12-01T00:00:00.250000Z'";
    for statement in [nowhere, later] {
        let page = changed(statement);
        let data = data(&page);
        assert_eq!((&data["months"], &data["focus"]), (&json!(["2026-06"]), &json!(0)), "{statement}");
        for words in [
            "No known cost in the months shown.",
            "No runs on the days shown.",
            "for 2\u{202f}000 runs",
            "id=\"cost-table\"",
        ] {
            assert!(page.contains(words), "{statement}: {words}");
        }
    }
    assert!(changed(later).contains(
        "Runs booked after the last observation, included in the totals but not shown: 2\u{202f}000."
    ));
}

#[test]
fn months_without_known_costs_keep_their_table() {
    let page = changed("UPDATE run_snapshots SET el_cost_usd = NULL, el_cost_nanos = NULL");
    assert!(page.contains("No known cost in the months") && !page.contains("id=\"cost\""));
    let table = between(&page, "id=\"cost-table\"", "</table>");
    assert_eq!(table.matches("<tr>").count(), 1 + 13);
    assert!(page.contains("2\u{202f}000 of all 2\u{202f}000 runs have no known cost"));
}

#[test]
fn long_names_are_truncated_and_stay_filterable() {
    for (letter, length, pipelines) in [("n", 300_000, 1), ("<", 10_000, 20), ("\u{2028}", 10_000, 20)] {
        let archive = large(2000, 40, 365);
        archive
            .execute(
                "UPDATE pipeline_snapshots SET name = ?1 WHERE slug IN (SELECT slug FROM pipeline_snapshots LIMIT ?2)",
                rusqlite::params![letter.repeat(length), pipelines],
            )
            .unwrap();
        let page = html(&archive, &Scope::default());
        assert!(page.len() < 1_000_000, "{letter}: {}", page.len());
        let data = data(&page);
        let listed = data["pipelines"].as_array().unwrap();
        assert_eq!(listed.len(), 40, "{letter}");
        let cut = json!(letter.repeat(199) + "…");
        assert_eq!(listed.iter().filter(|pipeline| pipeline["n"] == cut).count(), pipelines, "{letter}");
    }
}

#[test]
fn an_invisible_name_is_replaced_by_the_id() {
    let page = changed("UPDATE pipeline_snapshots SET name = char(8203, 65279, 10240)");
    assert!(page.contains("class=\"name\">8a1c0f3e-55d2-4a6b-9c1e-0000000000"));
    assert!(!page.contains("class=\"name\">\u{200b}"));
}

#[test]
fn settled_figures_have_no_note_about_changes() {
    let words = ["have no known cost", "Their status, cost or credit may still change"];
    let tile = |page: &str| between(page, "data-figure=\"unsettled\"", "</div>").to_owned();
    let open =
        tile(&changed("UPDATE run_snapshots SET status = 'running' WHERE run_id IN ('run-1', 'run-2')"));
    assert!(words.iter().all(|words| open.contains(words)), "{open}");
    let settled =
        tile(&changed("DELETE FROM run_snapshots WHERE el_cost_nanos IS NULL AND started_at > '2026-04-20'"));
    assert!(settled.contains(words[0]) && !settled.contains(words[1]), "{settled}");
    assert!(!settled.contains(">0 of all"), "{settled}");
}

#[test]
fn a_large_amount_uses_a_smaller_font() {
    let page = changed(
        "UPDATE run_snapshots SET el_cost_nanos = 9000000010610000000 WHERE run_id = 'run-5'; UPDATE syncs SET last_observed_at = '2026-05-31T23:30:00.000000Z'",
    );
    assert!(between(&page, "data-figure=\"cost\"", "</div>").contains("class=\"big long\""));
    assert!(between(&changed(""), "data-figure=\"credits\"", "</div>").contains("class=\"big\""));
}
