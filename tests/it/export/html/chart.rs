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
        let data = data(&page);
        let has_folds = |of: &&serde_json::Value| of["folds"]["took"].is_array();
        let listed = data["pipelines"].as_array().unwrap();
        let folded = listed.iter().filter(has_folds).count();
        assert!(folded >= 30, "{pipelines} pipelines: {folded} have folded charts");
        assert!(page.contains("more pipelines, together"), "omitted pipelines are counted");
        let content = page.split_once("<main").unwrap().1;
        let is_noted = content.contains("The filter lists");
        assert_eq!(is_noted, listed.len() < pipelines as usize, "the note is inside a landmark");
        let ledger = Ledger::open(&archive, Scope::default()).unwrap();
        let total = cost::total(&ledger).unwrap().total().unwrap();
        let shown = between(&page, "<strong data-figure=\"total\">", "</strong>");
        assert!(shown.contains(&format!("value=\"{total}\">")), "{shown}");
    }
}

#[test]
fn the_chart_has_thirteen_months_and_the_table_all() {
    let page = html(&large(5000, 20, 1096), &Scope::default());
    let chart = between(&page, "data-chart=\"month\"", "</div>");
    assert_eq!(chart.matches("data-month=").count(), 13);
    assert!(chart.contains("data-month=\"2026-05\"") && chart.contains("<title>June 2025\n"));
    let table = between(&page, "id=\"cost-table\"", "</table>");
    assert!(table.contains("2023-06") && table.matches("<tr>").count() > 36);
}

#[test]
fn a_bar_has_its_whole_stack_in_one_tooltip() {
    let page = html(&large(2000, 20, 365), &Scope::default());
    let bar = between(&page, "data-month=\"2026-04\"", "</title>");
    for words in ["April 2026\n", "Source: ", " · 100.0%", "Total USD: ", " runs · ", " credits"] {
        assert!(bar.contains(words), "{words}: {bar}");
    }
}

#[test]
fn every_chart_is_prepared_for_kinds_and_pipelines() {
    let page = html(&large(2000, 20, 365), &Scope::default());
    assert!(page.contains("<template id=\"chart-g1\">") && page.contains("<template id=\"chart-p0\">"));
    assert!(page.contains("<template id=\"days-2026-04\">"));
    let script = page.rsplit_once("<script>").unwrap().1;
    for drawing in ["BigInt", "toFixed", "toLocaleString", "Math."] {
        assert!(!script.replace("Math.max(0, left)", "").contains(drawing), "the script draws: {drawing}");
    }
}

#[test]
fn every_selection_has_its_own_figures_in_the_folded_charts() {
    let page = html(&large(2000, 20, 365), &Scope::default());
    let data = data(&page);
    let marks = |id: &str| {
        between(&page, &format!("class=\"chart{id}\""), "<g class=\"labels\">").matches("<rect").count()
    };
    let [groups, pipelines] = ["groups", "pipelines"].map(|name| data[name].as_array().unwrap());
    assert!(groups[0]["folds"].is_null(), "the page itself has the charts of all runs");
    assert_eq!((groups.len(), pipelines.len()), (2, 20));
    for of in groups[1..].iter().chain(pipelines) {
        for (id, digits) in [("took", 2), ("waited", 2), ("success", 2)] {
            let [summary, ticks, tops] = [0, 1, 2].map(|at| &of["folds"][id][at]);
            assert_eq!(
                tops.as_str().unwrap().len(),
                digits * marks(&format!(" columns\" id=\"{id}")),
                "{id}"
            );
            assert!(summary.is_string() && ticks.as_array().is_some_and(|ticks| ticks.len() > 1), "{id}");
        }
        let [summary, legend, shades] = [0, 1, 2].map(|at| &of["folds"]["calendar"][at]);
        assert!(summary.as_str().unwrap().starts_with("Busiest day: "));
        assert_eq!(legend.as_array().unwrap().len(), 5);
        assert_eq!(shades.as_str().unwrap().len(), marks("\" id=\"calendar"));
    }
    // The only kind has the figures of all runs.
    let summary = groups[1]["folds"]["took"][0].as_str().unwrap();
    assert!(page.contains(&format!("<span>{summary}</span>")), "{summary}");
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
        assert!(page.contains("<strong data-figure=\"total\">") && page.contains("for 2,000 runs"));
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
        for words in ["No runs on the days shown.", "for 2,000 runs", "id=\"cost-table\""] {
            assert!(page.contains(words), "{statement}: {words}");
        }
    }
    assert!(
        changed(later)
            .contains("Runs booked after the last observation, included in the totals but not shown: 2,000.")
    );
}

#[test]
fn months_without_known_costs_keep_their_table() {
    let page = changed("UPDATE run_snapshots SET el_cost_usd = NULL, el_cost_nanos = NULL");
    let chart = between(&page, "data-chart=\"month\"", "</div>");
    assert!(!chart.contains("class=\"source\"") && chart.contains(">–</text>"));
    let table = between(&page, "id=\"cost-table\"", "</table>");
    assert_eq!(table.matches("<tr>").count(), 1 + 13);
    assert!(page.contains("2,000 without a known cost"));
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
        // An invisible name is replaced by the id.
        let cut = letter.repeat(199) + "…";
        let pipelines = if letter == "\u{2028}" { 0 } else { pipelines };
        assert_eq!(
            listed.iter().filter(|pipeline| pipeline["n"] == json!(cut)).count(),
            pipelines,
            "{letter}"
        );
    }
}

#[test]
fn an_invisible_name_is_replaced_by_the_id() {
    let page = changed("UPDATE pipeline_snapshots SET name = char(8203, 65279, 10240)");
    assert!(page.contains("class=\"name\">8a1c0f3e-55d2-4a6b-9c1e-0000000000"));
    assert!(!page.contains("class=\"name\">\u{200b}"));
}

#[test]
fn unknown_costs_have_a_badge_and_a_row_that_needs_attention() {
    let page = changed("UPDATE syncs SET last_observed_at = '2026-05-31T23:30:00.000000Z'");
    assert!(between(&page, "data-slot=\"unknown\"", "</a>").ends_with("costs unknown"));
    assert!(between(&page, "id=\"attention\"", "</section>").contains("runs without a cost"));
    let known = changed("UPDATE run_snapshots SET el_cost_nanos = 1, el_cost_usd = 1e-9");
    assert!(between(&known, "data-slot=\"unknown\"", ">").ends_with("hidden"));
    assert!(between(&known, "id=\"attention\"", "</section>").contains("Every cost is known."));
}

#[test]
fn a_figure_is_rounded_and_has_its_exact_value_on_hover() {
    let page = changed(
        "UPDATE run_snapshots SET el_cost_nanos = 9000000010610000001 WHERE run_id = 'run-5'; UPDATE syncs SET last_observed_at = '2026-05-31T23:30:00.000000Z'",
    );
    let card = between(&page, "data-figure=\"cost\"", "</p>");
    let exact = between(card, "title=\"", "\"");
    assert!(exact.starts_with("9000000") && exact.len() == "9000000018.610000001".len(), "{exact}");
    let shown = between(card, "data-slot=\"cost\">", "</data>");
    assert!(shown.starts_with("9,000,000,0") && shown.len() == "9,000,000,018.61".len(), "{shown}");
}
