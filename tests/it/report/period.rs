//! Periods: each run is in exactly one month, week and day, in any zone and by any date basis.

use crate::support::month_end::{MonthEnd, nanos};
use crate::support::workspace::at;
use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::report::period::{Calendar, Period};
use runledger::internal::report::{DateBasis, Ledger, Scope, Span, cost};
use runledger::internal::run::Instant;
use serde_json::json;
use std::collections::BTreeSet;

const CALENDARS: [Calendar; 3] = [Calendar::Month, Calendar::Week, Calendar::Day];

proptest! {
    #[test]
    fn every_instant_is_in_one_period_of_each_unit(
        seconds in -2_000_000_000_i64..4_000_000_000, micros in 0..1_000_000_i64, zone in 0..chrono_tz::TZ_VARIANTS.len(),
    ) {
        let zone = chrono_tz::TZ_VARIANTS[zone];
        let instant = at("1970-01-01T00:00:00Z").plus(TimeDelta::seconds(seconds) + TimeDelta::microseconds(micros));
        for calendar in CALENDARS {
            let period = Period::around(instant, calendar, zone);
            prop_assert!(period.contains(instant.as_str()));
            prop_assert_eq!(Period::named(&period.label, zone), Some(period.clone()));
            // The neighbors meet at its ends: no instant is between them or in two of them.
            let (start, end) = (period.start.unwrap(), period.end.unwrap());
            let before = Period::around(start.plus(TimeDelta::microseconds(-1)), calendar, zone);
            let after = Period::around(end, calendar, zone);
            prop_assert_eq!((before.end, after.start), (Some(start), Some(end)));
            prop_assert!(before.label < period.label && period.label < after.label);
        }
    }
}

/// The names of the days, weeks and months between two days, whether or not they exist in the zone.
fn names(first: &str, last: &str) -> [BTreeSet<String>; 3] {
    let [first, last]: [NaiveDate; 2] = [first, last].map(|day| day.parse().unwrap());
    let days = first.iter_days().take_while(|day| *day <= last);
    let names = |form: &str| days.clone().map(|day| day.format(form).to_string()).collect();
    ["%Y-%m", "%G-W%V", "%Y-%m-%d"].map(names)
}

#[test]
fn days_weeks_and_months_sum_to_the_total_in_any_zone_and_basis() {
    for (zone, now, days) in [
        // The day that starts after midnight and has 23 hours, and the one of 25 hours.
        (Tz::America__Sao_Paulo, "2018-11-20T12:00:00Z", "2018-11-03 2018-11-04 2018-11-05"),
        (Tz::America__Sao_Paulo, "2018-03-05T12:00:00Z", "2018-02-17 2018-02-18"),
        (Tz::Asia__Kathmandu, "2025-03-05T12:00:00Z", "2025-02-28 2025-03-01"),
        // Daylight saving of half an hour.
        (Tz::Australia__Lord_Howe, "2025-04-20T12:00:00Z", "2025-04-05 2025-04-06 2025-04-07"),
        // 30 December did not exist.
        (Tz::Pacific__Apia, "2012-01-10T12:00:00Z", "2011-12-29 2011-12-30 2011-12-31 2012-01-01"),
        (Tz::America__St_Johns, "2010-11-20T12:00:00Z", "2010-11-06 2010-11-07 2010-11-08"),
    ] {
        let month_end = MonthEnd::opening(now, 120, 40);
        // Runs at the edges of the unusual days.
        let ids = month_end.workspace.ids();
        let edges = days.split(' ').filter_map(|day| Period::named(day, zone)).flat_map(|day| {
            let edges = [day.start.unwrap(), day.end.unwrap()];
            edges
                .into_iter()
                .flat_map(|edge| [-1, 0, 1].map(|micros| edge.plus(TimeDelta::microseconds(micros))))
        });
        let edges: Vec<Instant> = edges.collect();
        for (nth, edge) in edges.iter().enumerate() {
            month_end.change(ids[nth], json!({"started_at": edge.as_str(), "el_cost_usd": 0.000000001}));
            month_end.change(ids[nth + edges.len()], json!({"ended_at": edge.as_str(), "started_at": null}));
        }
        month_end.sync();
        let archive = month_end.workspace.archive();
        let last = at(now).to_utc().date_naive();
        let first = last.checked_sub_days(Days::new(120)).unwrap();
        let last = last.checked_add_days(Days::new(60)).unwrap();
        for date in DateBasis::ALL {
            let total = |span: Span| {
                let scope = Scope { span, zone, date, ..Scope::default() };
                let tally = cost::total(&Ledger::open(archive.connection(), scope).unwrap()).unwrap();
                (
                    tally.runs,
                    tally.runs_cost_unknown,
                    tally.total().unwrap_or_default().units(),
                    tally.credits,
                )
            };
            let booked = match date {
                DateBasis::Started => "coalesce(started_at, created_at)",
                DateBasis::Ended => "ended_at",
                DateBasis::Created => "created_at",
            };
            let row: (u64, u64, i64, u64) = archive
                .connection()
                .query_row(
                    &format!(
                        "SELECT count(*), coalesce(sum(total_cost_nanos IS NULL), 0), coalesce(sum(total_cost_nanos), 0), \
                                coalesce(sum(credit_charge_status = 'charged'), 0) FROM runs WHERE {booked} IS NOT NULL"
                    ),
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
                )
                .unwrap();
            let expected = (row.0, row.1, i128::from(row.2), row.3);
            for names in names(&first.to_string(), &last.to_string()) {
                let mut sum = (0, 0, 0, 0);
                for period in names.iter().map(|name| Period::named(name, zone).unwrap()) {
                    let of_one = total(Span { from: period.start, until: period.end });
                    sum = (sum.0 + of_one.0, sum.1 + of_one.1, sum.2 + of_one.2, sum.3 + of_one.3);
                }
                assert_eq!(sum, expected, "{zone}, {date:?}, {:?}", names.first());
            }
        }
    }
}

#[test]
fn a_named_period_equals_its_row_in_the_split_report() {
    let month_end = MonthEnd::opening("2018-11-20T12:00:00Z", 150, 40);
    month_end.sync();
    let zone = ["--zone", "America/Sao_Paulo"];
    for date in ["started", "ended", "created"] {
        let scope = [&zone[..], &["--date-basis", date]].concat();
        for by in ["month", "week", "day"] {
            let split = month_end.rows(&[&["report", "cost", "--by", by], &scope[..]].concat());
            // A run without a booking instant has no name and no period.
            for row in split.iter().filter(|row| !row[by].is_empty()).take(12) {
                let named = [&["report", "cost", "--by", by, "--period", &row[by]], &scope[..]].concat();
                assert_eq!(month_end.rows(&named), std::slice::from_ref(row), "{date}");
                let exported =
                    month_end.rows(&[&["export", "costs", "--period", &row[by]], &scope[..]].concat());
                assert_eq!(exported.len().to_string(), row["runs"]);
                let sum: i128 = exported.iter().map(|run| nanos(&run["total_cost_usd"])).sum();
                assert_eq!(sum, nanos(&row["total_cost_usd"]));
                let runs = month_end.rows(&[&["export", "runs", "--period", &row[by]], &scope[..]].concat());
                assert_eq!(runs.len().to_string(), row["runs"], "runs by {date}");
                let own =
                    month_end.output(&[&["export", "documents", "--period", &row[by]], &scope[..]].concat());
                assert_eq!(own.lines().count().to_string(), row["runs"], "documents by {date}");
            }
        }
    }
}

#[test]
fn every_answer_books_a_run_by_the_same_instant() {
    let month_end = MonthEnd::of(40);
    let id = month_end.runs_of_the_month()[0];
    month_end.change(
        id,
        json!({"created_at": "2024-08-31T23:00:00.000000Z", "started_at": "2024-09-30T23:00:00.000000Z", "ended_at": "2024-10-31T23:00:00.000000Z"}),
    );
    month_end.sync();
    for (date, utc, lisbon_summer) in [
        ("created", "2024-08", "2024-09"),
        ("started", "2024-09", "2024-10"),
        ("ended", "2024-10", "2024-10"),
    ] {
        for (zone, month) in [("UTC", utc), ("Europe/Lisbon", lisbon_summer)] {
            let scope = ["--date-basis", date, "--zone", zone];
            for month_asked in ["2024-08", "2024-09", "2024-10", "2024-11"] {
                let expected = usize::from(month_asked == month);
                for question in [
                    &["export", "runs"][..],
                    &["export", "snapshots"],
                    &["export", "costs"],
                    &["report", "costliest-runs"],
                    &["report", "slowest-runs"],
                ] {
                    let rows = month_end.rows(&[question, &scope, &["--period", month_asked]].concat());
                    assert_eq!(rows.len(), expected, "{question:?} {scope:?} {month_asked}");
                }
                let focus =
                    month_end.rows(&[&["export", "focus"][..], &scope, &["--period", month_asked]].concat());
                assert_eq!(!focus.is_empty(), expected == 1, "{scope:?} {month_asked}");
                let cost =
                    month_end.rows(&[&["report", "cost"][..], &scope, &["--period", month_asked]].concat());
                assert_eq!(cost.len(), expected, "{scope:?} {month_asked}");
            }
        }
    }
    // Booked by its end, a run is in no month until it ends.
    month_end.change(id, json!({"ended_at": null}));
    month_end.sync();
    let rows = month_end.rows(&["report", "cost", "--date-basis", "ended"]);
    assert_eq!(rows.last().unwrap()["month"], "");
}

#[test]
fn unknown_zones_dates_and_periods_are_usage_errors() {
    let month_end = MonthEnd::of(20);
    for (arguments, words) in [
        (["--zone", "Brasilia"], "--zone Brasilia: there is no such time zone"),
        (["--date-basis", "paid"], "--date-basis paid: not one of started, ended, created"),
        (["--period", "2025-13"], "--period 2025-13: not a month, week or day"),
        (["--period", "2025-W54"], "--period 2025-W54: not a month, week or day"),
        (["--period", "2025-02-29"], "--period 2025-02-29: not a month, week or day"),
        (["--period", "2025"], "--period 2025: not a month, week or day"),
        (["--from", "2025-2-1"], "--from 2025-2-1: not a day of the form YYYY-MM-DD"),
    ] {
        for question in [&["report", "cost"][..], &["report", "failures"], &["export", "runs"]] {
            month_end.run(&[question, &arguments].concat()).refused(2, &[words]);
        }
    }
}

#[test]
fn a_day_or_zone_in_another_spelling_gets_a_hint() {
    let month_end = MonthEnd::of(20);
    for (arguments, hint) in [
        (["--from", "2025-02"], "`--period 2025-02` is the whole month"),
        (["--until", "01/03/2025"], "write 2025-03-01 for 1 March, or 2025-01-03 for 3 January"),
        (["--from", "yesterday"], "a day looks like 2026-01-31"),
        (["--period", "02/2025"], "did you mean 2025-02?"),
        (["--zone", "-03:00"], "give a name such as America/Sao_Paulo; Etc/GMT+3 always has this offset"),
        (["--zone", "Brazil/Sao_Paulo"], "did you mean `America/Sao_Paulo`?"),
    ] {
        for question in [&["report", "cost"][..], &["report", "failures"], &["export", "runs"]] {
            month_end.run(&[question, &arguments].concat()).refused(2, &["\n  hint:  ", hint]);
        }
    }
}
