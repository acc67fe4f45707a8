//! FOCUS corrections of closed months.

use super::{SETTINGS, closed};
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use fastrand::Rng;
use serde_json::json;
use std::collections::BTreeMap;

/// The charges of each month, by month.
fn charges(month_end: &MonthEnd, months: &[&str]) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let of_month =
        |month: &&str| ((*month).to_owned(), month_end.rows(&["export", "focus", "--period", month]));
    months.iter().map(of_month).collect()
}

#[test]
fn a_late_change_is_a_correction_in_the_month_that_saw_it() {
    let month_end = closed(80);
    let february = month_end.output(&["export", "focus", "--period", MONTH]);
    let runs = month_end.runs_of_the_month();
    let el = nanos(&month_end.rows(&["export", "costs", "--period", MONTH])[0]["el_cost_usd"]);
    month_end.change(runs[0], json!({"el_cost_usd": 7.5}));
    month_end.change(runs[1], json!({"status": "failed"}));
    month_end.sync();
    assert_eq!(month_end.output(&["export", "focus", "--period", MONTH]), february);
    let march = charges(&month_end, &["2025-03"]).remove("2025-03").unwrap();
    let corrections: Vec<_> = march.iter().filter(|row| row["ChargeClass"] == "Correction").collect();
    assert_eq!(corrections.len(), 1, "a change of only the status has no cost");
    let correction = corrections[0];
    assert_eq!(correction["x_RunId"], runs[0].to_string());
    assert_eq!(nanos(&correction["EffectiveCost"]), 7_500_000_000 - el);
    assert_eq!(correction["x_CorrectedPeriod"], MONTH);
    assert_eq!(correction["BillingPeriodStart"], "2025-03-01T03:00:00Z");
    assert!(correction["x_CorrectionSeenAt"].starts_with("2025-03-05T14:00:00"));
}

#[test]
fn effective_costs_of_all_months_equal_the_current_ledger() {
    const MONTHS: [&str; 6] = ["2024-12", "2025-01", "2025-02", "2025-03", "2025-04", "2025-05"];
    for seed in 0..3 {
        let mut rng = Rng::with_seed(100 + seed);
        let month_end = MonthEnd::of(70);
        month_end.set(SETTINGS);
        let mut frozen: BTreeMap<&str, String> = BTreeMap::new();
        let assert_sums = |frozen: &BTreeMap<&str, String>, when: &str| {
            let charges = charges(&month_end, &MONTHS);
            let effective: i128 = charges.values().flatten().map(|row| nanos(&row["EffectiveCost"])).sum();
            let ledger = month_end.sum(&["report", "cost", "--by", "kind"], "total_cost_usd");
            assert_eq!(effective, ledger, "seed {seed}, {when}");
            for (month, before) in frozen {
                let now = month_end.output(&["export", "focus", "--period", month]);
                assert_eq!(now, *before, "seed {seed}, {when}: {month}");
            }
        };
        let close = |month: &'static str, arguments: &[&str], frozen: &mut BTreeMap<&str, String>| {
            month_end.output(&[&["close", month, "--force"], arguments].concat());
            frozen.insert(month, month_end.output(&["export", "focus", "--period", month]));
        };
        close("2025-02", &[], &mut frozen);
        assert_sums(&frozen, "closed");
        month_end.upset(&mut rng);
        month_end.sync();
        assert_sums(&frozen, "changed");
        month_end.workspace.wait(chrono::TimeDelta::days(30));
        month_end.upset(&mut rng);
        month_end.sync();
        close("2025-03", &[], &mut frozen);
        assert_sums(&frozen, "two are closed");
        for _ in 0..2 {
            month_end.upset(&mut rng);
            month_end.sync();
            assert_sums(&frozen, "both changed");
        }
        // The month that contains the corrections is closed again after the month that they correct.
        close("2025-02", &["--restate"], &mut frozen);
        close("2025-03", &["--restate"], &mut frozen);
        assert_sums(&frozen, "restated");
        month_end.upset(&mut rng);
        month_end.sync();
        assert_sums(&frozen, "changed again");
    }
}

#[test]
fn a_month_corrected_in_a_closed_month_is_not_closed_again_unforced() {
    let month_end = closed(70);
    month_end.change(month_end.runs_of_the_month()[0], json!({"el_cost_usd": 7.5}));
    month_end.sync();
    month_end.workspace.wait(chrono::TimeDelta::days(30));
    month_end.sync();
    month_end.output(&["close", "2025-03", "--force"]);
    let march = month_end.output(&["export", "focus", "--period", "2025-03"]);
    assert!(march.contains(",Correction,"));
    month_end.run(&["close", "--restate", MONTH]).refused(
        2,
        &["2025-03 was closed with corrections of 2025-02, which count twice until it is restated too"],
    );
    month_end.output(&["close", "--restate", MONTH, "--force"]);
    assert_eq!(
        month_end.output(&["export", "focus", "--period", "2025-03"]),
        march,
        "a closed month does not change"
    );
    month_end.output(&["close", "--restate", "2025-03", "--force"]);
    assert!(!month_end.output(&["export", "focus", "--period", "2025-03"]).contains(",Correction,"));
}

#[test]
fn a_run_that_lost_its_booking_instant_is_corrected() {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE, "--date-basis", "ended"]);
    let rows = month_end.rows(&["export", "costs", "--period", MONTH]);
    let row = &rows[3];
    month_end.change(row["run_id"].parse().unwrap(), json!({"ended_at": null}));
    month_end.sync();
    let march =
        month_end.rows(&["export", "focus", "--period", "2025-03", "--zone", ZONE, "--date-basis", "ended"]);
    let corrected: i128 = march
        .iter()
        .filter(|charge| charge["x_RunId"] == row["run_id"])
        .map(|charge| nanos(&charge["EffectiveCost"]))
        .sum();
    assert_eq!(corrected, -nanos(&row["total_cost_usd"]));
}
