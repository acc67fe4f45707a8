//! The change report, against hand-computed figures, against SQL, and against the costs of both periods.

use super::exact;
use crate::support::command::rows_of_csv;
use crate::support::month_end::{MONTH, MonthEnd, ZONE, nanos};
use crate::support::workspace::at;
use crate::support::{golden, ledger};
use chrono::TimeDelta;
use proptest::prelude::*;
use runledger::internal::report::change::{Change, ComparedScopes, PeriodCosts, SettingChanges};
use runledger::internal::report::period::Period;
use runledger::internal::report::question::Question;
use runledger::internal::report::{Cell, Dimension, Ledger, Scope, Span};
use runledger::internal::run::Instant;
use rusqlite::types::Value;
use rusqlite::{Connection, named_params};
use serde_json::json;

/// The change from September to October 2026, in UTC.
pub(super) fn october(archive: &Connection, by: &[Dimension]) -> Change {
    compared(
        archive,
        by,
        ("2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"),
        ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
    )
}

fn compared(archive: &Connection, by: &[Dimension], against: (&str, &str), period: (&str, &str)) -> Change {
    let scope = |(from, until): (&str, &str)| Scope {
        span: Span { from: Some(at(from)), until: Some(at(until)) },
        period: Some(from[..7].to_owned()),
        ..Scope::default()
    };
    let read = |scope: Scope| PeriodCosts::read(&[Ledger::open(archive, scope).unwrap()], by).unwrap();
    let (against, period) = (scope(against), scope(period));
    let (old, new) = (read(against.clone()), read(period.clone()));
    let scopes = ComparedScopes { period, against, cut: None, not_begun: None };
    Change::between(vec![scopes], by.to_vec(), old, new)
}

#[test]
fn the_parts_of_each_pipeline_match_hand_computed_values() {
    let table = october(&ledger::change(), &[Dimension::Pipeline]).table(None);
    assert_eq!(
        table.columns.join("|"),
        "pipeline_name|pipeline_id|pipeline_kind|change_usd|volume_usd|price_usd|new_usd|gone_usd|unknown_usd|\
         against_total_cost_usd|total_cost_usd|against_runs|runs|against_runs_cost_unknown|runs_cost_unknown"
    );
    let rows: Vec<String> =
        exact(&table).iter().map(|row| [&row[1..2], &row[3..]].concat().join("|")).collect();
    assert_eq!(
        rows,
        [
            "p-1|3.000000000|1.500000000|1.500000000||||3.000000000|6.000000000|2|3|0|0",
            "p-4|0.750000000|||0.750000000||||0.750000000|0|2|0|1",
            "p-3|-0.500000000|0.000000000|-0.500000000||||5.000000000|4.500000000|1|1|0|0",
            "p-5|-0.400000000||||-0.400000000||0.400000000||1|0|0|0",
            "p-7|-0.300000000|||||-0.300000000|0.300000000||1|1|0|1",
            "p-9|-0.250000000|-0.250000000|0.000000000||||-0.250000000|-0.500000000|1|2|0|0",
            "p-6|0.200000000|||||0.200000000||0.200000000|1|1|1|0",
            "|0.100000000|0.100000000|0.000000000||||0.100000000|0.200000000|1|2|0|0",
            // Half of three nano-dollars is two, the even one.
            "p-2|0.000000000|0.000000002|-0.000000002||||0.000000003|0.000000003|2|3|0|0",
            "p-8|||||||||1|1|1|1",
        ]
    );
    let totals: Vec<String> =
        table.totals.unwrap().iter().skip(3).map(|cell| cell.exact().unwrap_or_default()).collect();
    assert_eq!(
        totals.join("|"),
        "2.600000000|1.350000002|0.999999998|0.750000000|-0.400000000|-0.100000000|8.550000003|11.150000003|11|16|2|3"
    );
}

#[test]
fn one_sentence_says_how_much_and_why() {
    let change = october(&ledger::change(), &[Dimension::Pipeline]);
    assert_eq!(
        change.summary(),
        "October cost 2.60 USD more than September: 44 % more runs with a known cost, 10 % lower cost per run, \
         1 new pipeline, 1 pipeline gone, 3 pipelines unknown"
    );
    assert_eq!(
        change.notes(),
        [
            "Without a known cost, and in no sum: 2 runs of 2026-09, 3 runs of 2026-10",
            "Unknown: runs, but no known cost, in one of both periods, so the difference is not split",
        ]
    );
    let by_kind = october(&ledger::change(), &[Dimension::Kind]);
    assert_eq!(
        by_kind.summary(),
        "October cost 2.60 USD more than September: 44 % more runs with a known cost, 10 % lower cost per run, \
         1 new kind"
    );
}

#[test]
fn the_sentence_fits_periods_without_runs_or_known_costs() {
    let archive = ledger::small();
    let month = |month: u32| {
        let start = |month: u32| format!("2026-{month:02}-01T00:00:00Z");
        (start(month), start(month + 1))
    };
    let summary = |against: u32, period: u32| {
        let (against, period) = (month(against), month(period));
        let (against, period) =
            ((against.0.as_str(), against.1.as_str()), (period.0.as_str(), period.1.as_str()));
        compared(&archive, &[Dimension::Kind], against, period).summary()
    };
    assert_eq!(summary(2, 3), "March has no run with a known cost; February cost 1.00 USD");
    assert_eq!(summary(3, 2), "February cost 1.00 USD; March has no run with a known cost");
    assert_eq!(summary(5, 6), "June has no runs; May cost 2.03 USD");
    assert_eq!(summary(6, 7), "July and June have no runs");
    assert_eq!(summary(3, 7), "July and March have no run with a known cost");
    // A month of refunds has no percentage.
    assert_eq!(
        summary(4, 5),
        "May cost 2.28 USD more than April: as many runs, 1.0150 instead of -0.1250 USD per run"
    );
}

#[test]
fn the_rows_beyond_a_limit_are_one_row_with_their_sums() {
    let change = october(&ledger::change(), &[Dimension::Pipeline]);
    let all = change.table(None);
    let few = change.table(Some(4));
    assert_eq!((few.rows.len(), &few.rows[..4], &few.totals), (5, &all.rows[..4], &all.totals));
    let rest: Vec<String> = few.rows[4].iter().map(|cell| cell.exact().unwrap_or_default()).collect();
    assert_eq!(
        rest.join("|"),
        "6 more|||-0.250000000|-0.149999998|-0.000000002|||-0.100000000|0.150000003|-0.099999997|7|10|2|2"
    );
    assert_eq!(change.table(Some(10)), all);
    assert_eq!(change.table(Some(0)).rows.len(), 1);
}

#[test]
fn people_get_only_the_parts_that_occur() {
    let columns = |by| october(&ledger::change(), &[by]).table_for_people(None).columns.join("|");
    assert_eq!(
        columns(Dimension::Pipeline),
        "pipeline_name|pipeline_id|pipeline_kind|change_usd|volume_usd|price_usd|new_usd|gone_usd|unknown_usd|\
         against_total_cost_usd|total_cost_usd|against_runs|runs"
    );
    // A single kind is new, none is gone or unknown.
    let table = october(&ledger::change(), &[Dimension::Kind]).table_for_people(None);
    assert_eq!(
        table.columns.join("|"),
        "pipeline_kind|change_usd|volume_usd|price_usd|new_usd|against_total_cost_usd|total_cost_usd|against_runs|runs"
    );
    assert!(table.rows.iter().chain(&table.totals).all(|row| row.len() == table.columns.len()));
}

/// The rows of `queries/change.sql`. `None`: a parameter is not set.
fn rows_in_sql(archive: &Connection, bounds: [Option<&str>; 4]) -> Vec<Vec<String>> {
    let mut statement = archive.prepare(Question::named("change").unwrap().sql).unwrap();
    let width = statement.column_count();
    let [from, until, against_from, against_until] = bounds;
    let parameters = named_params! {
        ":from": from, ":until": until, ":against_from": against_from, ":against_until": against_until
    };
    let rows = statement.query_map(parameters, |row| {
        let cell = |column| {
            Ok(match row.get(column)? {
                Value::Null => String::new(),
                Value::Integer(whole) => whole.to_string(),
                Value::Text(text) => text,
                value => panic!("the query returns {value:?}, which other engines may print differently"),
            })
        };
        (0..width).map(cell).collect::<rusqlite::Result<Vec<String>>>()
    });
    rows.unwrap().map(Result::unwrap).collect()
}

const SEPTEMBER: &str = "2026-09-01T00:00:00.000000Z";
const OCTOBER: &str = "2026-10-01T00:00:00.000000Z";
const NOVEMBER: &str = "2026-11-01T00:00:00.000000Z";

#[test]
fn the_change_report_and_its_sql_file_agree_cell_by_cell() {
    let archive = ledger::change();
    let expected = exact(&october(&archive, &[Dimension::Pipeline]).table(None));
    for bounds in
        [[Some(OCTOBER), Some(NOVEMBER), Some(SEPTEMBER), Some(OCTOBER)], [Some(OCTOBER), None, None, None]]
    {
        assert_eq!(rows_in_sql(&archive, bounds), expected);
    }
    // November has lasted a day and 30 seconds.
    let running = compared(
        &archive,
        &[Dimension::Pipeline],
        (OCTOBER, "2026-10-02T00:00:30Z"),
        (NOVEMBER, "2026-12-01T00:00:00Z"),
    );
    assert_eq!(rows_in_sql(&archive, [None; 4]), exact(&running.table(None)));
    let names: Vec<String> = archive
        .prepare(Question::named("change").unwrap().sql)
        .unwrap()
        .column_names()
        .map(str::to_owned)
        .collect();
    assert_eq!(names, running.table(None).columns);
}

/// A run's pipeline, the hours after the start of September at which it started, and two costs.
type Generated = (usize, i64, Option<i64>, Option<i64>);

proptest! {
    #[test]
    fn the_change_report_and_its_sql_file_agree_on_any_runs(runs in prop::collection::vec((
        0..5_usize,
        0..1464_i64,
        prop::option::of(-5_000_000_000..5_000_000_000_i64),
        prop::option::of(-3..3_i64),
    ), 1..60)) {
        let archive = ledger::empty();
        archive.pragma_update(None, "foreign_keys", false).unwrap();
        for (nth, (pipeline, hours, el, transformation)) in (0..).zip::<Vec<Generated>>(runs) {
            let started_at = at(SEPTEMBER).to_utc() + TimeDelta::hours(hours);
            let pipeline = ["p-1", "p-2", "p-3", "p-4"].get(pipeline);
            archive.execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, started_at, el_cost_usd,
                     el_cost_nanos, transformation_cost_usd, transformation_cost_nanos, source)
                 VALUES (?1, '', 1, zeroblob(32), 'success', ?2, ?3 / 1e9, ?3, ?4 / 1e9, ?4, ?5)",
                (nth, Instant::from_utc(started_at).unwrap().to_string(), el, transformation, pipeline),
            ).unwrap();
        }
        let change = october(&archive, &[Dimension::Pipeline]);
        let bounds = [Some(OCTOBER), Some(NOVEMBER), Some(SEPTEMBER), Some(OCTOBER)];
        prop_assert_eq!(exact(&change.table(None)), rows_in_sql(&archive, bounds));
    }
}

// ---- the command

/// The sum of a column of `report change`, and the difference of the known costs of both periods.
fn assert_adds_up(month_end: &MonthEnd, period: &str, against: &str, by: &str, more: &[&str]) {
    let asked = [&["report", "change", "--period", period, "--against", against, "--by", by], more].concat();
    let rows = month_end.rows(&asked);
    let sum = |column: &str| -> i128 { rows.iter().map(|row| nanos(&row[column])).sum() };
    let cost = |period: &str| {
        month_end
            .sum(&[&["report", "cost", "--by", "kind", "--period", period], more].concat(), "total_cost_usd")
    };
    let (old, new) = (cost(against), cost(period));
    assert_eq!((sum("against_total_cost_usd"), sum("total_cost_usd")), (old, new), "{asked:?}");
    assert_eq!(sum("change_usd"), new - old, "{asked:?}");
    let parts = ["volume_usd", "price_usd", "new_usd", "gone_usd", "unknown_usd"].map(sum);
    assert_eq!(parts.iter().sum::<i128>(), new - old, "{asked:?}");
    for row in &rows {
        let parts =
            ["volume_usd", "price_usd", "new_usd", "gone_usd", "unknown_usd"].map(|part| nanos(&row[part]));
        assert_eq!(parts.iter().sum::<i128>(), nanos(&row["change_usd"]), "{row:?}");
    }
}

#[test]
fn a_change_adds_up_to_the_difference_of_two_cost_reports() {
    let month_end = MonthEnd::of(200);
    month_end.set("[[cost_center]]\ncost_center = \"Loading\"\nkind = \"source\"\n");
    let runs = month_end.runs_of_the_month();
    for run in runs.iter().step_by(7) {
        month_end.change(*run, json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    }
    month_end.sync();
    for by in ["pipeline", "kind", "cost-center", "workspace", "status,trigger"] {
        assert_adds_up(&month_end, "2025-02", "2025-01", by, &[]);
        assert_adds_up(&month_end, "2025-W08", "2025-W07", by, &[]);
    }
    for (period, against, zone) in [
        ("2025-02-20", "2025-02-10", "UTC"),
        ("2025-02", "2025-01", ZONE),
        ("2025-W08", "2025-W09", "Asia/Kathmandu"),
        ("2025-02-26", "2025-02-27", "Europe/Berlin"),
    ] {
        assert_adds_up(&month_end, period, against, "pipeline", &["--zone", zone]);
        assert_adds_up(&month_end, period, against, "pipeline", &["--zone", zone, "--date-basis", "ended"]);
    }
}

#[test]
fn previous_and_year_name_the_period_to_compare_with() {
    let month_end = MonthEnd::of(80);
    let asked = |arguments: &[&str]| {
        month_end.output(&[&["report", "change", "--format", "csv"], arguments].concat())
    };
    for (period, against, label) in [
        ("2025-02", "previous", "2025-01"),
        ("2025-02", "year", "2024-02"),
        ("2025-W08", "previous", "2025-W07"),
        ("2025-02-20", "previous", "2025-02-19"),
    ] {
        let named = asked(&["--period", period, "--against", against]);
        assert_eq!(named, asked(&["--period", period, "--against", label]), "{period} {against}");
    }
    assert_eq!(asked(&["--period", "2025-02"]), asked(&["--period", "2025-02", "--against", "previous"]));
    // Without a period, the month of the last observation.
    assert_eq!(asked(&[]), asked(&["--period", "2025-03"]));
}

/// The known costs of the runs that started in a span, in nano-dollars.
fn cost_between(month_end: &MonthEnd, from: Instant, until: Instant) -> i128 {
    let sql = format!(
        "SELECT coalesce(sum(total_cost_nanos), 0) FROM runs WHERE booked_at >= '{from}' AND booked_at < '{until}'"
    );
    month_end.workspace.rows(&sql)[0].parse().unwrap()
}

#[test]
fn a_running_month_is_compared_up_to_the_same_elapsed_time() {
    let month_end = MonthEnd::of(250);
    let known_at = at(&month_end.known_at());
    for (zone, period, against) in [
        ("UTC", "2025-03", "2025-02"),
        (ZONE, "2025-03", "2025-02"),
        ("Asia/Tokyo", "2025-W10", "2025-W09"),
        // The period asked about is cut if the other one is running.
        ("UTC", "2025-02", "2025-03"),
    ] {
        let zone_of = zone.parse().unwrap();
        let named = |label: &str| Period::named(label, zone_of).unwrap();
        let is_running = |period: &Period| known_at < period.end.unwrap();
        let (asked, other) = (named(period), named(against));
        let running = if is_running(&asked) { &asked } else { &other };
        let elapsed = known_at.to_utc() - running.start.unwrap().to_utc();
        let cost = |period: &Period| {
            let start = period.start.unwrap();
            let cut = Instant::from_utc(start.to_utc() + elapsed).unwrap();
            let end = period.end.unwrap();
            cost_between(&month_end, start, if is_running(period) { end } else { end.min(cut) })
        };
        let rows =
            month_end.rows(&["report", "change", "--period", period, "--against", against, "--zone", zone]);
        let sum = |column: &str| -> i128 { rows.iter().map(|row| nanos(&row[column])).sum() };
        assert_eq!(sum("total_cost_usd"), cost(&asked), "{period} in {zone}");
        assert_eq!(sum("against_total_cost_usd"), cost(&other), "{against} in {zone}");
        assert_eq!(sum("change_usd"), cost(&asked) - cost(&other));
        assert_ne!(cost_between(&month_end, other.start.unwrap(), other.end.unwrap()), 0);
    }
}

#[test]
fn a_short_month_is_compared_whole_with_a_longer_running_one() {
    let month_end = MonthEnd::opening("2025-03-31T12:00:00Z", 200, 58);
    month_end.sync();
    // March has lasted 30 days, and February has 28. In New York, the clock went forward on 9 March.
    for zone in ["UTC", "America/New_York"] {
        let february =
            month_end.sum(&["report", "cost", "--period", "2025-02", "--zone", zone], "total_cost_usd");
        let change = ["report", "change", "--period", "2025-03", "--zone", zone];
        assert_eq!(month_end.sum(&change, "against_total_cost_usd"), february);
        assert_ne!(february, 0);
    }
}

#[test]
fn a_closed_month_is_compared_as_it_was_closed() {
    let month_end = MonthEnd::of(150);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    let booked = month_end.sum(&["report", "cost", "--period", MONTH], "total_cost_usd");
    let as_closed = month_end.output(&["report", "change", "--period", MONTH, "--format", "csv"]);
    let runs = month_end.runs_of_the_month();
    month_end.change(runs[0], json!({"el_cost_usd": 99.5}));
    let outside = month_end.workspace.ids()[0];
    assert!(!runs.contains(&outside));
    month_end.change(outside, json!({"el_cost_usd": 12.5}));
    month_end.sync();

    // March is open, and is booked like the closed month.
    let change = ["report", "change", "--period", "2025-03"];
    let march = month_end.sum(&["report", "cost", "--period", "2025-03", "--zone", ZONE], "total_cost_usd");
    assert_eq!(month_end.sum(&change, "total_cost_usd"), march);
    // The closed month against the month before, which was over at the close, stays the same.
    assert_eq!(month_end.output(&["report", "change", "--period", MONTH, "--format", "csv"]), as_closed);
    assert_eq!(
        month_end.sum(&["report", "change", "--period", MONTH, "--against", "2025-01"], "total_cost_usd"),
        booked
    );
    // A whole month against the closed one.
    let back = ["report", "change", "--period", "2025-01", "--against", MONTH];
    assert_eq!(month_end.sum(&back, "against_total_cost_usd"), booked);
}

#[test]
fn a_flag_that_contradicts_the_closed_month_asked_about_is_refused() {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end.sync();
    let known_at = month_end.known_at();
    let change = ["report", "change", "--period", MONTH];
    for flag in [["--zone", "Asia/Tokyo"], ["--date-basis", "ended"], ["--as-of", &known_at]] {
        let refused = month_end.run(&[&change[..], &flag].concat());
        let contradiction = format!("{} contradicts that", flag[0]);
        refused.refused(2, &["2025-02 is closed", &contradiction, &format!("leave out {}", flag[0])]);
        // The advice.
        month_end.output(&change);
    }
}

#[test]
fn a_flag_for_the_open_period_leaves_the_closed_one_as_it_is() {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    month_end.sync();
    let booked = month_end.sum(&["report", "cost", "--period", MONTH], "total_cost_usd");
    let january = ["report", "change", "--period", "2025-01", "--against", MONTH, "--format", "csv"];
    for flag in [["--zone", "Asia/Tokyo"], ["--date-basis", "ended"]] {
        let warned = month_end.run(&[&january[..], &flag].concat());
        assert_eq!(warned.code, 0, "{warned:?}");
        assert!(warned.err.contains("does not add up with 2025-02"), "{warned:?}");
        let against: i128 =
            rows_of_csv(&warned.out).iter().map(|row| nanos(&row["against_total_cost_usd"])).sum();
        assert_eq!(against, booked);
        // The advice.
        let advised = [&january[..], &["--zone", ZONE, "--date-basis", "started"]].concat();
        assert!(!month_end.run(&advised).err.contains("WARN"));
    }
    // A week in the closed month is as known now.
    let week = month_end.output(&["report", "change", "--period", "2025-W08"]);
    assert!(week.contains("2025-W08 is as known now, not as 2025-02 was closed"), "{week}");
    assert!(
        !month_end.output(&["report", "change", "--period", "2025-03"]).contains("but shown as known now")
    );
    // The moment is for the open month.
    month_end.output(&["report", "change", "--period", "2025-03", "--as-of", &month_end.known_at()]);
}

#[test]
fn a_renamed_pipeline_is_one_group_with_its_new_name() {
    let month_end = MonthEnd::of(150);
    month_end.output(&["close", MONTH, "--zone", "UTC"]);
    let sql = "SELECT pipeline_id FROM runs GROUP BY pipeline_id
               HAVING min(booked_at) < '2025-02-05' AND max(booked_at) >= '2025-03' ORDER BY count(*) DESC LIMIT 1";
    let id: uuid::Uuid = month_end.workspace.rows(sql)[0].parse().unwrap();
    month_end.workspace.sandbox.model().rename_pipeline(id, "Renamed");
    month_end.sync();
    let rows = month_end.rows(&["report", "change", "--period", "2025-03"]);
    let of_pipeline: Vec<_> = rows.iter().filter(|row| row["pipeline_id"] == id.to_string()).collect();
    assert_eq!(of_pipeline.len(), 1);
    assert_eq!(of_pipeline[0]["pipeline_name"], "Renamed");
    assert!(of_pipeline[0]["against_runs"] != "0" && of_pipeline[0]["runs"] != "0", "{of_pipeline:?}");
}

#[test]
fn an_as_of_change_is_the_one_that_was_printed_then() {
    let month_end = MonthEnd::of(100);
    let change = ["report", "change", "--format", "csv"];
    let (known_at, said) = (month_end.known_at(), month_end.output(&change));
    for run in month_end.workspace.ids().iter().take(20) {
        month_end.change(*run, json!({"el_cost_usd": 3.5}));
    }
    month_end.workspace.wait(TimeDelta::days(9));
    month_end.sync();
    assert_ne!(month_end.output(&change), said);
    assert_eq!(month_end.output(&[&change[..], &["--as-of", &known_at]].concat()), said);
}

#[test]
fn people_get_ten_rows_and_programs_all() {
    let month_end = MonthEnd::of(250);
    let asked =
        |more: &[&str]| month_end.output(&[&["report", "change", "--period", "2025-02"], more].concat());
    let all = month_end.rows(&["report", "change", "--period", "2025-02"]).len();
    assert!(all > 11, "{all} pipelines");
    let more = format!("{} more", all - 10);
    assert!(asked(&[]).contains(&more) && asked(&["--format", "markdown"]).contains(&more));
    let json: serde_json::Value = serde_json::from_str(&asked(&["--format", "json"])).unwrap();
    let rows = json.get("rows").unwrap_or(&json).as_array().unwrap().len();
    assert_eq!(rows, all);
    let few = month_end.rows(&["report", "change", "--period", "2025-02", "--limit", "3"]);
    assert_eq!((few.len(), few[3]["pipeline_name"].as_str()), (4, format!("{} more", all - 3).as_str()));
}

#[test]
fn the_sentence_is_on_top_in_every_format() {
    let month_end = MonthEnd::of(60);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    for (format, ending) in [("table", "txt"), ("markdown", "md"), ("json", "json"), ("csv", "csv")] {
        let answer = month_end.run(&["report", "change", "--limit", "3", "--format", format]).out;
        golden::assert_golden(&format!("change-answer.{ending}"), answer.as_bytes());
    }
    let json: serde_json::Value =
        serde_json::from_str(&month_end.output(&["report", "change", "--format", "json"])).unwrap();
    let summary = json["scope"]["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("March so far cost ") && summary.contains(" February up to the same point: ")
    );
    assert_eq!(json["scope"]["against"]["period"], MONTH);
    month_end.output(&["report", "change", "--format", "csv", "--output", "change.csv", "--manifest"]);
    month_end.output(&["verify-file", "change.csv"]);
    let manifest = std::fs::read_to_string(month_end.workspace.file("change.manifest.json")).unwrap();
    assert!(manifest.contains(summary), "{manifest}");
    #[cfg(feature = "xlsx")]
    {
        month_end.output(&["report", "change", "--format", "xlsx", "--output", "change.xlsx"]);
        let bytes = std::fs::read(month_end.workspace.file("change.xlsx")).unwrap();
        let texts = crate::support::zip::inflated(&bytes, "xl/sharedStrings.xml");
        for words in [summary, "Change by pipeline · March 2025 against February 2025", "2025-02 is closed"]
        {
            assert!(texts.contains(words), "{words}: {texts}");
        }
    }
}

#[test]
fn a_period_that_has_not_begun_is_refused() {
    let month_end = MonthEnd::of(20);
    for (period, against) in [("2025-04", "previous"), ("2025-02", "2025-05"), ("2999-01-01", "previous")] {
        month_end
            .run(&["report", "change", "--period", period, "--against", against])
            .refused(2, &["had not begun at the last observation", "name an earlier period"]);
    }
}

#[test]
fn a_change_is_of_typed_cells() {
    let table = october(&ledger::change(), &[Dimension::Workspace]).table(None);
    assert!(matches!(table.rows[0][1..], [Cell::Usd(_), .., Cell::Count(_)]));
}

/// Adds a state of a pipeline's settings to the archive of the change, which ends the one before.
fn add_settings(archive: &Connection, id: &str, day: &str, settings: &str) {
    let sql =
        "UPDATE pipeline_snapshots SET superseded_at = ?2 WHERE pipeline_id = ?1 AND superseded_at IS NULL";
    archive.execute(sql, [id, day]).unwrap();
    let sql = "INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at, settings) \
               SELECT kind, pipeline_id, slug, name, active, ?2, ?3 FROM pipeline_snapshots \
               WHERE pipeline_id = ?1 ORDER BY observed_at DESC LIMIT 1";
    archive.execute(sql, [id, day, settings]).unwrap();
}

/// The notes on settings of October compared with September, in the scope of October as changed by `edit`.
fn notes_on_settings(archive: &Connection, edit: impl Fn(&mut Scope)) -> Vec<String> {
    let change = october(archive, &[Dimension::Pipeline]);
    let mut scopes = change.scopes.clone();
    edit(&mut scopes[0].period);
    let ledger = Ledger::open(archive, scopes[0].period.clone()).unwrap();
    let settings = SettingChanges::read(&[ledger], &scopes).unwrap();
    let mut notes = change.with_settings(settings).notes();
    notes.retain(|note| note.starts_with("Settings of "));
    notes
}

#[test]
fn notes_name_the_settings_that_changed_between_the_periods() {
    let archive = ledger::change();
    archive.execute("UPDATE pipeline_snapshots SET observed_at = '2026-08-01T00:00:00.000000Z'", []).unwrap();
    let day = |day: &str| format!("2026-{day}T12:00:00.000000Z");
    // The first known settings are no change, nor is what was back at the end, nor what changed later.
    for (id, at, settings) in [
        ("p-2", "09-05", r#"{"settings_number_of_retries":1}"#),
        ("p-1", "08-05", r#"{"settings_number_of_retries":1,"spark_driver_memory":"4g"}"#),
        ("p-1", "09-20", r#"{"settings_number_of_retries":1,"spark_driver_memory":"8g"}"#),
        ("p-1", "10-12", r#"{"settings_number_of_retries":3,"spark_driver_memory":"8g"}"#),
        ("p-1", "11-01", r#"{"settings_number_of_retries":5,"spark_driver_memory":"8g"}"#),
        ("p-4", "09-05", r#"{"draft":true}"#),
        ("p-4", "10-05", r#"{"draft":false}"#),
        ("p-4", "10-06", r#"{"draft":true}"#),
    ] {
        add_settings(&archive, id, &day(at), settings);
    }
    assert_eq!(
        notes_on_settings(&archive, |_| ()),
        ["Settings of Vendas changed on 2026-10-12: retries 1 → 3, driver memory 4g → 8g"]
    );
    archive.execute("UPDATE syncs SET started_at = '2026-08-01T00:00:00.000000Z'", []).unwrap();
    // What was known by then.
    assert_eq!(
        notes_on_settings(&archive, |scope| scope.as_of = Some(at("2026-10-01T00:00:00Z"))),
        ["Settings of Vendas changed on 2026-09-20: driver memory 4g → 8g"]
    );
}

#[test]
fn notes_name_at_most_five_pipelines() {
    let archive = ledger::change();
    archive.execute("UPDATE pipeline_snapshots SET observed_at = '2026-08-01T00:00:00.000000Z'", []).unwrap();
    for place in 1..=7 {
        let id = format!("p-{place}");
        add_settings(&archive, &id, "2026-08-02T00:00:00.000000Z", r#"{"draft":false}"#);
        add_settings(&archive, &id, "2026-10-02T00:00:00.000000Z", r#"{"draft":true}"#);
    }
    let notes = notes_on_settings(&archive, |_| ());
    // The largest difference of costs comes first.
    assert_eq!(notes[0], "Settings of Vendas changed on 2026-10-02: draft no → yes");
    assert_eq!((notes.len(), notes[5].as_str()), (6, "Settings of 2 more pipelines changed"));
    let only_sources = notes_on_settings(&archive, |scope| scope.filter.pipeline = vec!["vendas".to_owned()]);
    assert_eq!(only_sources.len(), 1, "{only_sources:?}");
}
