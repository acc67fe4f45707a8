//! Restatements: the changes to a closed month that became known after its close.

use super::{SETTINGS, closed, listed};
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn restatements_list_each_late_change_with_its_old_value_and_time() {
    let month_end = closed(120);
    assert_eq!(listed(&month_end, &[]), []);
    let runs = month_end.runs_of_the_month();
    month_end.change(runs[0], json!({"el_cost_usd": 7.5, "transformation_cost_usd": null}));
    month_end.sync();
    month_end.change(runs[0], json!({"el_cost_usd": 2.25}));
    month_end
        .change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null, "status": "failed"}));
    month_end.change(runs[1], json!({"credit_charge_status": "unheard of", "duration_seconds": 86_400}));
    month_end.change(runs[2], json!({"started_at": "2025-03-01T03:00:00.000000Z", "el_cost_usd": 1}));
    let new = month_end.add_like(runs[3], "2025-03-01T02:59:59.999999Z");
    month_end.change(new, json!({"el_cost_usd": 0.000000001, "transformation_cost_usd": 3}));
    month_end.workspace.sandbox.model().delete(runs[4]);
    let other = month_end.workspace.ids()[0];
    assert!(!runs.contains(&other));
    month_end.change(other, json!({"el_cost_usd": 100}));
    let before = [0, 1, 2].map(|id| month_end.rows(&["export", "costs", "--period", MONTH])[id].clone());
    let known_at = month_end.sync();

    let rows = listed(&month_end, &["--period", MONTH]);
    let changes = |id: uuid::Uuid| -> Vec<[String; 4]> {
        let of_run = rows.iter().filter(|row| row["run_id"] == id.to_string());
        of_run
            .map(|row| ["field", "before", "after", "difference_usd"].map(|name| row[name].clone()))
            .collect()
    };
    let cost = |row: usize, name: &str| before[row][name].clone();
    let less = |a: &str, b: &str| {
        let difference = nanos(a) - nanos(b);
        let (sign, abs) = (if difference < 0 { "-" } else { "" }, difference.abs());
        format!("{sign}{}.{:09}", abs / 1_000_000_000, abs % 1_000_000_000)
    };
    let [el, transformation] = ["el_cost_usd", "transformation_cost_usd"].map(|name| cost(0, name));
    let mut expected = vec![["el_cost_usd", &el, "7.500000000", &less("7.5", &el)].map(str::to_owned)];
    if !transformation.is_empty() {
        expected.push(
            ["transformation_cost_usd", &transformation, "", &less("", &transformation)].map(str::to_owned),
        );
    }
    expected.push(["el_cost_usd", "7.500000000", "2.250000000", "-5.250000000"].map(str::to_owned));
    assert_eq!(changes(runs[0]), expected);

    let of_one = changes(runs[1]);
    let names: BTreeSet<&str> = of_one.iter().map(|change| change[0].as_str()).collect();
    assert!(names.is_superset(&["credit_charge_status", "duration_seconds", "status"].into()), "{of_one:?}");
    assert!(of_one.contains(&[
        "status".to_owned(),
        "success".to_owned(),
        "failed".to_owned(),
        String::new()
    ]));
    assert!(of_one.iter().any(|change| change[0].ends_with("_cost_usd") && change[2].is_empty()));

    // A run that left the month: its closed cost is subtracted, whatever its cost is now.
    let left = changes(runs[2]);
    let booked = left.iter().find(|change| change[0] == "booked_at").unwrap();
    assert_eq!((booked[1].as_str(), booked[2].as_str()), (before[2]["booked_at"].as_str(), ""));
    assert!(left.iter().all(|change| change[2].is_empty()), "{left:?}");
    let moved: i128 = left.iter().map(|change| nanos(&change[3])).sum();
    assert_eq!(moved, -nanos(&cost(2, "total_cost_usd")));

    // A run that entered the month: its whole cost is added.
    let came = changes(new);
    assert_eq!(came[0], ["el_cost_usd", "", "0.000000001", "0.000000001"].map(str::to_owned));
    assert_eq!(came[1], ["transformation_cost_usd", "", "3.000000000", "3.000000000"].map(str::to_owned));
    assert_eq!(came[2][..3], ["booked_at", "", "2025-03-01T02:59:59.999999Z"].map(str::to_owned));

    // A vanished run is subtracted at its closed cost; a run of another month is not listed.
    let gone = changes(runs[4]);
    assert_eq!((gone.len(), gone[0][0].as_str(), gone[0][1].as_str()), (1, "vanished_at", ""));
    assert!(gone[0][2].starts_with("2025-03-05T15:00:00") && gone[0][3].is_empty(), "{gone:?}");
    assert_eq!(changes(other), [[""; 4]; 0]);

    let seen: BTreeSet<&str> = rows.iter().map(|row| row["seen_at"].as_str()).collect();
    assert!(seen.iter().all(|seen| *seen <= known_at.as_str()) && seen.len() > 1);
    assert!(rows.is_sorted_by_key(|row| row["seen_at"].clone()));
    for row in &rows {
        assert_eq!((row["period"].as_str(), row["close_id"].as_str()), (MONTH, "1"));
        let id = &row["run_id"];
        let name = month_end.table(&format!("SELECT pipeline_name FROM runs WHERE run_id = '{id}'"));
        assert_eq!(row["pipeline_name"], name[0].replace("NULL", ""));
    }
    // The same in JSON.
    let printed: Value =
        serde_json::from_str(&month_end.output(&["restatements", "--format", "json"])).unwrap();
    assert_eq!(printed["rows"].as_array().unwrap().len(), rows.len());
}

/// The total of the month as known now, without its close.
fn total_now(month_end: &MonthEnd, as_of: &[&str]) -> i128 {
    let open =
        ["report", "cost", "--by", "kind", "--from", "2025-02-01", "--until", "2025-03-01", "--zone", ZONE];
    month_end.sum(&[&open, as_of].concat(), "total_cost_usd")
}

#[test]
fn the_closed_total_plus_restatements_equals_the_current_total() {
    for seed in 0..4 {
        let mut rng = Rng::with_seed(seed);
        let month_end = closed(70);
        let of_month = ["report", "cost", "--by", "kind", "--period", MONTH];
        let closed_total = month_end.sum(&of_month, "total_cost_usd");
        assert_eq!(closed_total, total_now(&month_end, &[]));
        let mut said = Vec::new();
        for _ in 0..4 {
            month_end.upset(&mut rng);
            let known_at = month_end.sync();
            let now = total_now(&month_end, &[]);
            let moved = month_end.sum(&["restatements"], "difference_usd");
            assert_eq!(closed_total + moved, now, "seed {seed}");
            let totals = month_end.rows(&["restatements", "--totals"]);
            assert_eq!(totals.len(), 1);
            assert_eq!(nanos(&totals[0]["closed_total_cost_usd"]), closed_total);
            assert_eq!(nanos(&totals[0]["difference_usd"]), moved);
            assert_eq!(nanos(&totals[0]["total_cost_usd"]), now);
            let rows = listed(&month_end, &[]);
            let runs: BTreeSet<&str> = rows.iter().map(|row| row["run_id"].as_str()).collect();
            assert_eq!(totals[0]["runs_changed"], runs.len().to_string());
            assert_eq!(totals[0]["changes"], rows.len().to_string());
            said.push((
                known_at,
                now,
                month_end.output(&["restatements"]),
                month_end.output(&["restatements", "--totals"]),
            ));
        }
        for (known_at, now, list, totals) in said {
            let as_of = ["--as-of", known_at.as_str()];
            assert_eq!(total_now(&month_end, &as_of), now, "seed {seed}");
            assert_eq!(month_end.output(&[&["restatements"][..], &as_of].concat()), list, "seed {seed}");
            assert_eq!(
                month_end.output(&[&["restatements", "--totals"][..], &as_of].concat()),
                totals,
                "seed {seed}"
            );
        }
        assert_eq!(month_end.run(&["check"]).code, 0);
    }
}

#[test]
fn a_second_close_names_the_first_and_keeps_both() {
    let month_end = closed(70);
    let first = month_end.table("SELECT * FROM period_closes");
    let known_at = month_end.known_at();
    let run = month_end.runs_of_the_month()[0];
    month_end.change(run, json!({"el_cost_usd": 7.5}));
    month_end.sync();
    // A closed month never reopens.
    month_end.run(&["close", MONTH]).refused(
        2,
        &["2025-02 was closed at ", "hint:  a close is permanent", "`runledger close --restate 2025-02`"],
    );
    month_end.run(&["close", MONTH, "--force"]).refused(2, &["2025-02 was closed at "]);
    assert_eq!(month_end.table("SELECT * FROM period_closes"), first);

    let printed = month_end.output(&["close", MONTH, "--restate"]);
    assert!(printed.starts_with("2025-02 is closed: close 2, restates close 1"), "{printed}");
    let closes = month_end.table("SELECT * FROM period_closes");
    assert_eq!((closes.len(), &closes[0]), (2, &first[0]));
    assert_eq!(listed(&month_end, &[]), []);
    assert_eq!(
        month_end.sum(&["report", "cost", "--period", MONTH], "total_cost_usd"),
        total_now(&month_end, &[])
    );

    // The second close counts from now on; as of the day before it, the first one does.
    let between = month_end.known_at();
    month_end.change(run, json!({"el_cost_usd": 8.5}));
    month_end.sync();
    let rows = listed(&month_end, &[]);
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0]["close_id"].as_str(), rows[0]["difference_usd"].as_str()), ("2", "1.000000000"));
    assert_eq!(listed(&month_end, &["--as-of", &between]), []);
    assert_eq!(listed(&month_end, &["--as-of", &known_at]), []);
    let printed: Value = serde_json::from_str(&month_end.output(&["close", "--json"])).unwrap();
    assert_eq!((&printed[0]["restates"], &printed[1]["restates"]), (&Value::Null, &json!(1)));
    let third = month_end.output(&["close", "--restate", MONTH]);
    assert!(third.starts_with("2025-02 is closed: close 3, restates close 2"), "{third}");
    assert_eq!(month_end.run(&["check"]).code, 0);
    month_end
        .run(&["close", "2025-01", "--restate"])
        .refused(2, &["2025-01 is not closed: there is nothing to restate"]);
}

#[test]
fn a_month_closed_again_keeps_its_zone_and_date_basis() {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", "Asia/Tokyo", "--date-basis", "created", "--force"]);
    let bounds = "SELECT zone, date_basis, starts_at, ends_at FROM period_closes";
    let first = month_end.table(bounds);
    assert_eq!(first, ["Asia/Tokyo|created|2025-01-31T15:00:00.000000Z|2025-02-28T15:00:00.000000Z"]);
    month_end.set(SETTINGS);
    month_end.output(&["close", MONTH, "--restate", "--force"]);
    assert_eq!(month_end.table(bounds), [first[0].clone(), first[0].clone()]);
    month_end.output(&["close", MONTH, "--restate", "--force", "--zone", "UTC", "--date-basis", "started"]);
    assert_eq!(
        month_end.table(bounds)[2],
        "UTC|started|2025-02-01T00:00:00.000000Z|2025-03-01T00:00:00.000000Z"
    );
}

#[test]
fn restatements_of_an_open_month_are_rejected() {
    let month_end = MonthEnd::of(40);
    assert_eq!(listed(&month_end, &[]), []);
    month_end
        .run(&["restatements", "--period", MONTH])
        .refused(2, &["--period 2025-02: the month is not closed", "hint:  "]);
    let before = month_end.known_at();
    month_end.sync();
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end
        .run(&["restatements", "--period", MONTH, "--as-of", &before])
        .refused(2, &["the month is not closed as of"]);
    month_end
        .run(&["restatements", "--as-of", "yesterday"])
        .refused(2, &["--as-of yesterday: neither an instant nor a day"]);
    month_end.run(&["restatements", "--as-of", "2024-01-01"]).refused(2, &["nothing was known yet at"]);
}
