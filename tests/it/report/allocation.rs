//! This is the test of the rules that allocate costs to cost centres.

use crate::support::month_end::{MONTH, MonthEnd, nanos};
use serde_json::Value;
use std::collections::BTreeMap;

/// What each centre costs, in nano-dollars, and how many runs it has.
fn by_centre(month_end: &MonthEnd, scope: &[&str]) -> BTreeMap<String, (i128, usize)> {
    let rows = month_end.rows(&[&["report", "cost", "--by", "centre"], scope].concat());
    rows.iter()
        .map(|row| (row["centre"].clone(), (nanos(&row["total_cost_usd"]), row["runs"].parse().unwrap())))
        .collect()
}

/// The same from the exported rows, each of which a rule of our own is asked about.
fn worked_out(
    month_end: &MonthEnd,
    centre: impl Fn(&BTreeMap<String, String>) -> &'static str,
) -> BTreeMap<String, (i128, usize)> {
    let mut sums: BTreeMap<String, (i128, usize)> = BTreeMap::new();
    for row in month_end.rows(&["export", "costs"]) {
        let sum = sums.entry(centre(&row).to_owned()).or_default();
        sum.0 += nanos(&row["total_cost_usd"]);
        sum.1 += 1;
    }
    sums
}

#[test]
fn the_last_rule_that_a_run_meets_decides() {
    let month_end = MonthEnd::of(120);
    assert_eq!(by_centre(&month_end, &[]).keys().collect::<Vec<_>>(), ["unallocated"]);
    // A slug of a pipeline that has runs, and the id that its runs name.
    let pipeline = month_end.table(
        "SELECT slug FROM pipelines JOIN runs USING (pipeline_id) WHERE kind = 'source' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    );
    let slug = pipeline[0].as_str();
    let id = month_end.table(&format!("SELECT pipeline_id FROM pipelines WHERE slug = '{slug}'")).remove(0);
    let glob = format!("{}?*", &slug[..2]);
    let globbed: Vec<String> =
        month_end.table(&format!("SELECT pipeline_id FROM pipelines WHERE slug GLOB '{glob}'"));

    month_end.set("[[centre]]\ncentre = \"All\"\n[[centre]]\ncentre = \"Sources\"\nkind = \"source\"");
    let expected =
        worked_out(&month_end, |row| if row["pipeline_kind"] == "source" { "Sources" } else { "All" });
    assert_eq!(by_centre(&month_end, &[]), expected);
    // The other way round the wider rule comes last, and takes all.
    month_end.set("[[centre]]\ncentre = \"Sources\"\nkind = \"source\"\n[[centre]]\ncentre = \"All\"");
    assert_eq!(by_centre(&month_end, &[]), worked_out(&month_end, |_| "All"));

    for pattern in [slug, &id] {
        month_end.set(&format!("[[centre]]\ncentre = \"One\"\npipeline = \"{pattern}\""));
        let expected =
            worked_out(&month_end, |row| if row["pipeline_id"] == id { "One" } else { "unallocated" });
        assert_eq!(by_centre(&month_end, &[]), expected, "{pattern}");
    }
    month_end.set(&format!("[[centre]]\ncentre = \"Some\"\npipeline = \"{glob}\"\ntrigger = \"cron\""));
    let expected = worked_out(&month_end, |row| {
        match globbed.contains(&row["pipeline_id"]) && row["trigger_type"] == "cron" {
            true => "Some",
            false => "unallocated",
        }
    });
    assert_eq!(by_centre(&month_end, &[]), expected);
    assert!(expected.contains_key("Some"));

    // From a day on, in the zone of the question.
    month_end.set("zone = \"America/Sao_Paulo\"\n[[centre]]\ncentre = \"Later\"\nfrom = \"2025-02-20\"");
    let later = |row: &BTreeMap<String, String>| {
        if row["booked_at"].as_str() >= "2025-02-20T03:00:00.000000Z" { "Later" } else { "unallocated" }
    };
    assert_eq!(by_centre(&month_end, &[]), worked_out(&month_end, later));
    assert_eq!(by_centre(&month_end, &[]).len(), 2);
}

#[test]
fn the_centres_share_the_total_and_what_no_rule_meets_is_not_spread() {
    let month_end = MonthEnd::of(120);
    month_end.set("[[centre]]\ncentre = \"A\"\nkind = \"source\"\n[[centre]]\ncentre = \"B\"\nkind = \"destination\"\ntrigger = \"event\"");
    let total: i128 = month_end.sum(&["report", "cost", "--by", "kind"], "total_cost_usd");
    let centres = by_centre(&month_end, &[]);
    assert!(centres.len() >= 2 && centres["unallocated"].0 > 0, "{centres:?}");
    assert_eq!(centres.values().map(|(cost, _)| cost).sum::<i128>(), total);
    assert_eq!(centres.values().map(|(_, runs)| runs).sum::<usize>(), 120);
    // The exported rows, and FOCUS's tags, say the same.
    let mut exported: BTreeMap<String, (i128, usize)> = BTreeMap::new();
    for row in month_end.rows(&["export", "costs"]) {
        let sum = exported.entry(row["centre"].clone()).or_default();
        *sum = (sum.0 + nanos(&row["total_cost_usd"]), sum.1 + 1);
    }
    assert_eq!(exported, centres);
    let february = by_centre(&month_end, &["--period", MONTH]);
    let mut tagged: BTreeMap<String, i128> = BTreeMap::new();
    for row in month_end.rows(&["export", "focus", "--period", MONTH]) {
        let tags: Value =
            serde_json::from_str(if row["Tags"].is_empty() { "{}" } else { &row["Tags"] }).unwrap();
        let centre = tags["cost_centre"].as_str().unwrap_or("unallocated").to_owned();
        *tagged.entry(centre).or_default() += nanos(&row["EffectiveCost"]);
    }
    let costs: BTreeMap<String, i128> =
        february.into_iter().map(|(centre, (cost, _))| (centre, cost)).collect();
    assert_eq!(tagged, costs);
}

#[test]
fn a_rule_that_is_added_later_changes_no_closed_month() {
    let month_end = MonthEnd::of(100);
    let rules = "[[centre]]\ncentre = \"A\"\nkind = \"source\"\n";
    month_end.set(rules);
    month_end.says(&["close", MONTH]);
    let before = by_centre(&month_end, &["--period", MONTH]);
    let rows = month_end.says(&["export", "costs", "--period", MONTH]);
    month_end.set(&format!("{rules}[[centre]]\ncentre = \"B\"\n"));
    assert_eq!(by_centre(&month_end, &["--period", MONTH]), before);
    assert_eq!(month_end.says(&["export", "costs", "--period", MONTH]), rows);
    // Asked without its close, the month is allocated as the rules are now; a second close takes them in.
    let open = ["--from", "2025-02-01", "--until", "2025-03-01"];
    assert_eq!(by_centre(&month_end, &open).keys().collect::<Vec<_>>(), ["B"]);
    month_end.says(&["close", MONTH, "--restate"]);
    assert_eq!(by_centre(&month_end, &["--period", MONTH]), by_centre(&month_end, &open));
    assert_eq!(month_end.run(&["check"]).code, 0);
}
