//! Allocation rules, which assign costs to cost centers.

use crate::support::month_end::{MONTH, MonthEnd, nanos};
use serde_json::Value;
use std::collections::BTreeMap;

/// The cost of each center in nano-dollars, and its number of runs.
fn by_cost_center(month_end: &MonthEnd, scope: &[&str]) -> BTreeMap<String, (i128, usize)> {
    let rows = month_end.rows(&[&["report", "cost", "--by", "cost-center"], scope].concat());
    rows.iter()
        .map(|row| {
            (row["cost_center"].clone(), (nanos(&row["total_cost_usd"]), row["runs"].parse().unwrap()))
        })
        .collect()
}

/// The same from the exported rows, with a separate implementation of the rule.
fn worked_out(
    month_end: &MonthEnd,
    center: impl Fn(&BTreeMap<String, String>) -> &'static str,
) -> BTreeMap<String, (i128, usize)> {
    let mut sums: BTreeMap<String, (i128, usize)> = BTreeMap::new();
    for row in month_end.rows(&["export", "costs"]) {
        let sum = sums.entry(center(&row).to_owned()).or_default();
        sum.0 += nanos(&row["total_cost_usd"]);
        sum.1 += 1;
    }
    sums
}

#[test]
fn the_last_matching_rule_decides() {
    let month_end = MonthEnd::of(120);
    assert_eq!(by_cost_center(&month_end, &[]).keys().collect::<Vec<_>>(), ["unallocated"]);
    // A slug of a pipeline that has runs, and the id in its runs.
    let pipeline = month_end.table(
        "SELECT slug FROM pipelines JOIN runs USING (pipeline_id) WHERE kind = 'source' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    );
    let slug = pipeline[0].as_str();
    let id = month_end.table(&format!("SELECT pipeline_id FROM pipelines WHERE slug = '{slug}'")).remove(0);
    let glob = format!("{}?*", &slug[..2]);
    let globbed: Vec<String> =
        month_end.table(&format!("SELECT pipeline_id FROM pipelines WHERE slug GLOB '{glob}'"));

    month_end.set("[[cost_center]]\ncost_center = \"All\"\n[[cost_center]]\ncost_center = \"Sources\"\nkind = \"source\"");
    let expected =
        worked_out(&month_end, |row| if row["pipeline_kind"] == "source" { "Sources" } else { "All" });
    assert_eq!(by_cost_center(&month_end, &[]), expected);
    // In the reverse order the wider rule is last and matches everything.
    month_end.set("[[cost_center]]\ncost_center = \"Sources\"\nkind = \"source\"\n[[cost_center]]\ncost_center = \"All\"");
    assert_eq!(by_cost_center(&month_end, &[]), worked_out(&month_end, |_| "All"));

    for pattern in [slug, &id] {
        month_end.set(&format!("[[cost_center]]\ncost_center = \"One\"\npipeline = \"{pattern}\""));
        let expected =
            worked_out(&month_end, |row| if row["pipeline_id"] == id { "One" } else { "unallocated" });
        assert_eq!(by_cost_center(&month_end, &[]), expected, "{pattern}");
    }
    month_end
        .set(&format!("[[cost_center]]\ncost_center = \"Some\"\npipeline = \"{glob}\"\ntrigger = \"cron\""));
    let expected = worked_out(&month_end, |row| {
        match globbed.contains(&row["pipeline_id"]) && row["trigger_type"] == "cron" {
            true => "Some",
            false => "unallocated",
        }
    });
    assert_eq!(by_cost_center(&month_end, &[]), expected);
    assert!(expected.contains_key("Some"));

    // From a day on, in the zone of the question.
    month_end
        .set("zone = \"America/Sao_Paulo\"\n[[cost_center]]\ncost_center = \"Later\"\nfrom = \"2025-02-20\"");
    let later = |row: &BTreeMap<String, String>| {
        if row["booked_at"].as_str() >= "2025-02-20T03:00:00.000000Z" { "Later" } else { "unallocated" }
    };
    assert_eq!(by_cost_center(&month_end, &[]), worked_out(&month_end, later));
    assert_eq!(by_cost_center(&month_end, &[]).len(), 2);
}

#[test]
fn cost_centers_sum_to_the_total_and_unmatched_runs_stay_apart() {
    let month_end = MonthEnd::of(120);
    month_end.set("[[cost_center]]\ncost_center = \"A\"\nkind = \"source\"\n[[cost_center]]\ncost_center = \"B\"\nkind = \"destination\"\ntrigger = \"event\"");
    let total: i128 = month_end.sum(&["report", "cost", "--by", "kind"], "total_cost_usd");
    let centers = by_cost_center(&month_end, &[]);
    assert!(centers.len() >= 2 && centers["unallocated"].0 > 0, "{centers:?}");
    assert_eq!(centers.values().map(|(cost, _)| cost).sum::<i128>(), total);
    assert_eq!(centers.values().map(|(_, runs)| runs).sum::<usize>(), 120);
    // The exported rows and the FOCUS tags agree.
    let mut exported: BTreeMap<String, (i128, usize)> = BTreeMap::new();
    for row in month_end.rows(&["export", "costs"]) {
        let sum = exported.entry(row["cost_center"].clone()).or_default();
        *sum = (sum.0 + nanos(&row["total_cost_usd"]), sum.1 + 1);
    }
    assert_eq!(exported, centers);
    let february = by_cost_center(&month_end, &["--period", MONTH]);
    let mut tagged: BTreeMap<String, i128> = BTreeMap::new();
    for row in month_end.rows(&["export", "focus", "--period", MONTH]) {
        let tags: Value =
            serde_json::from_str(if row["Tags"].is_empty() { "{}" } else { &row["Tags"] }).unwrap();
        let center = tags["cost_center"].as_str().unwrap_or("unallocated").to_owned();
        *tagged.entry(center).or_default() += nanos(&row["EffectiveCost"]);
    }
    let costs: BTreeMap<String, i128> =
        february.into_iter().map(|(center, (cost, _))| (center, cost)).collect();
    assert_eq!(tagged, costs);
}

#[test]
fn a_rule_added_later_changes_no_closed_month() {
    let month_end = MonthEnd::of(100);
    let rules = "[[cost_center]]\ncost_center = \"A\"\nkind = \"source\"\n";
    month_end.set(rules);
    month_end.output(&["close", MONTH, "--zone", "UTC"]);
    let before = by_cost_center(&month_end, &["--period", MONTH]);
    let rows = month_end.output(&["export", "costs", "--period", MONTH]);
    month_end.set(&format!("{rules}[[cost_center]]\ncost_center = \"B\"\n"));
    assert_eq!(by_cost_center(&month_end, &["--period", MONTH]), before);
    assert_eq!(month_end.output(&["export", "costs", "--period", MONTH]), rows);
    // Without its close, the month is allocated by the current rules; a second close adopts them.
    let open = ["--from", "2025-02-01", "--until", "2025-03-01"];
    assert_eq!(by_cost_center(&month_end, &open).keys().collect::<Vec<_>>(), ["B"]);
    month_end.output(&["close", MONTH, "--restate"]);
    assert_eq!(by_cost_center(&month_end, &["--period", MONTH]), by_cost_center(&month_end, &open));
    assert_eq!(month_end.run(&["check"]).code, 0);
}
