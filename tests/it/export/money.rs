//! Exact money: for any costs, rows and totals agree to the last digit in every format.

use crate::support::command::rows_of_csv;
use crate::support::ledger;
use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::export::column_totals::ColumnTotals;
use runledger::internal::export::json::Layout;
use runledger::internal::export::terminal::{self, Screen};
use runledger::internal::export::{Dialect, csv, json, markdown};
use runledger::internal::report::period::Calendar;
use runledger::internal::report::question::Question;
use runledger::internal::report::rows::{self, RowStream};
use runledger::internal::report::table::USD_DECIMALS;
use runledger::internal::report::{Cell, Dimension, Span, Table, cost};
use runledger::internal::run::{Instant, Usd};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

const ALWAYS: Span = Span { from: None, until: None };
const COSTS: [&str; 3] = ["el_cost_usd", "transformation_cost_usd", "total_cost_usd"];

/// Costs: unknown, zero, one nano-dollar, small and large amounts of either sign.
fn a_cost() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        2 => Just(None),
        1 => prop::sample::select(vec![0, 1, -1, 500, -500, 999_999_999, 1_000_000_000]).prop_map(Some),
        4 => (-5_000_000_000..5_000_000_000_i64).prop_map(Some),
        1 => (-4_000_000_000_000_000_000..4_000_000_000_000_000_000_i64).prop_map(Some),
    ]
}

/// A run's two costs, its pipeline, and whether it was charged.
type Generated = (Option<i64>, Option<i64>, u8, bool);

fn runs() -> impl Strategy<Value = Vec<Generated>> {
    prop::collection::vec((a_cost(), a_cost(), 0..4_u8, any::<bool>()), 1..50)
}

/// An archive of these runs, eleven hours apart.
fn archive_of(runs: &[Generated]) -> Connection {
    let archive = ledger::empty();
    archive.pragma_update(None, "foreign_keys", false).unwrap();
    let first = Instant::parse("2026-01-20T00:30:00Z").unwrap();
    for (nth, (el, transformation, pipeline, charged)) in (0..).zip(runs) {
        archive
            .execute(
                "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, created_at, source, \
                     credit_charge_status, el_cost_usd, el_cost_nanos, transformation_cost_usd, transformation_cost_nanos) \
                 VALUES (?1, '', 1, zeroblob(32), 'success', ?2, ?3, ?4, ?5 / 1e9, ?5, ?6 / 1e9, ?6)",
                params![
                    format!("run-{nth:03}"),
                    first.plus(TimeDelta::hours(11 * nth)),
                    format!("s-{pipeline}"),
                    if *charged { "charged" } else { "unsuccessful" },
                    el,
                    transformation
                ],
            )
            .unwrap();
    }
    archive
}

/// Parses a plain decimal with nine decimals into nano-dollars, digit by digit.
fn nanos(text: &str) -> i128 {
    let (whole, decimals) = text.split_once('.').expect(text);
    assert!(decimals.len() == 9 && !text.contains(['e', 'E', '+', ' ']), "{text}");
    let nanos: i128 = format!("{whole}{decimals}").parse().expect(text);
    assert!(nanos != 0 || !text.starts_with('-'), "{text}");
    nanos
}

fn exported(selection: &mut RowStream<'_>) -> Vec<BTreeMap<String, String>> {
    let mut out = Vec::new();
    csv::write_rows(selection, &Dialect::MACHINE, USD_DECIMALS, &mut ColumnTotals::default(), &mut out)
        .unwrap();
    rows_of_csv(&out)
}

fn reported(table: &Table) -> Vec<BTreeMap<String, String>> {
    let mut out = Vec::new();
    csv::write_table(table, &Dialect::MACHINE, USD_DECIMALS, &mut out).unwrap();
    rows_of_csv(&out)
}

/// The sum of the known values in that column. `None`: no value is known.
fn sum<'r>(rows: impl IntoIterator<Item = &'r BTreeMap<String, String>>, column: &str) -> Option<i128> {
    rows.into_iter()
        .map(|row| &row[column])
        .filter(|text| !text.is_empty())
        .map(|text| nanos(text))
        .reduce(|a, b| a + b)
}

fn unknown<'r>(rows: impl IntoIterator<Item = &'r BTreeMap<String, String>>) -> u64 {
    rows.into_iter()
        .filter(|row| row["el_cost_usd"].is_empty() && row["transformation_cost_usd"].is_empty())
        .count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_total_is_the_decimal_sum_of_exported_rows(runs in runs()) {
        let archive = archive_of(&runs);
        for zone in [Tz::UTC, Tz::America__Sao_Paulo, Tz::Asia__Kathmandu, Tz::Pacific__Kiritimati] {
            let ledger = ledger::opened(&archive, &ALWAYS, zone);
            for rows in [exported(&mut rows::runs(&ledger).unwrap()), exported(&mut rows::costs(&ledger).unwrap())] {
                for by in [
                    vec![Dimension::Period(Calendar::Month)],
                    vec![Dimension::Period(Calendar::Day), Dimension::Pipeline],
                    vec![Dimension::Kind],
                ] {
                    let table = cost::report(&ledger, &by).unwrap();
                    let report = reported(&table);
                    for column in COSTS {
                        prop_assert_eq!(sum(&report, column), sum(&rows, column), "{} {:?} {}", column, by, zone);
                        if let Some(totals) = &table.totals {
                            let place = table.columns.iter().position(|name| name == column).unwrap();
                            prop_assert_eq!(
                                totals[place].exact().map(|text| nanos(&text)), sum(&rows, column), "{}", column
                            );
                        }
                    }
                    let counted: u64 = report.iter().map(|row| row["runs_cost_unknown"].parse::<u64>().unwrap()).sum();
                    prop_assert_eq!(counted, unknown(&rows));
                    prop_assert_eq!(table.unknown_costs(), Some(counted as i64));
                }
            }
        }
    }

    #[test]
    fn each_group_is_the_decimal_sum_of_its_rows_and_of_its_sql(runs in runs()) {
        let archive = archive_of(&runs);
        let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
        let rows = exported(&mut rows::runs(&ledger).unwrap());
        let report = reported(&cost::report(&ledger, &[Dimension::Period(Calendar::Month)]).unwrap());
        for month in &report {
            let of_month: Vec<_> = rows.iter().filter(|row| row["booked_at"].starts_with(&month["month"])).collect();
            for column in COSTS {
                let in_report = Some(&month[column]).filter(|text| !text.is_empty()).map(|text| nanos(text));
                prop_assert_eq!(in_report, sum(of_month.iter().copied(), column));
            }
            prop_assert_eq!(month["runs_cost_unknown"].parse::<u64>().unwrap(), unknown(of_month.iter().copied()));
        }
        // SQL sums within 64 bits.
        let largest: i128 = runs.iter().flat_map(|run| [run.0, run.1]).flatten().map(|nanos| i128::from(nanos).abs()).sum();
        if largest < i128::from(i64::MAX) {
            let sql = Question::named("cost").unwrap().ask(&ledger, None).unwrap();
            prop_assert_eq!(reported(&sql), report);
        }
    }

    #[test]
    fn the_two_costs_of_a_row_sum_to_its_total_in_every_state(runs in runs()) {
        let archive = archive_of(&runs);
        let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
        let rows = exported(&mut rows::runs(&ledger).unwrap());
        let snapshots = exported(&mut rows::snapshots(&ledger).unwrap());
        for column in &COSTS[..2] {
            prop_assert_eq!(sum(&rows, column), sum(&snapshots, column));
            let doubled = column.replace("_usd", "_nanos");
            for row in &rows {
                prop_assert_eq!(
                    Some(&row[*column]).filter(|text| !text.is_empty()).map(|text| nanos(text)),
                    row[&doubled].parse::<i128>().ok()
                );
            }
        }
        for row in &rows {
            let parts = [&row[COSTS[0]], &row[COSTS[1]]].into_iter().filter(|text| !text.is_empty());
            let total = parts.map(|text| nanos(text)).reduce(|one, two| one + two);
            prop_assert_eq!(Some(&row[COSTS[2]]).filter(|text| !text.is_empty()).map(|text| nanos(text)), total);
        }
    }
}

/// Rounds a decimal half to even, digit by digit.
fn rounded(nanos: i128, decimals: u32) -> String {
    let digits = format!("{:010}", nanos.unsigned_abs());
    let (kept, rest) = digits.split_at(digits.len() - (9 - decimals as usize));
    let half = format!("{:0<width$}", "5", width = rest.len());
    let odd = kept.ends_with(['1', '3', '5', '7', '9']);
    let up = !rest.is_empty() && (rest > half.as_str() || (rest == half && odd));
    let units = kept.parse::<u128>().unwrap() + u128::from(up);
    let text = format!("{units:0>width$}", width = decimals as usize + 1);
    let (whole, fraction) = text.split_at(text.len() - decimals as usize);
    let sign = if nanos < 0 && units > 0 { "-" } else { "" };
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The amounts as each format prints them, with a decimal point.
fn written(amounts: &[i128], decimals: u32) -> Vec<(&'static str, Vec<String>)> {
    let table = Table {
        columns: vec!["cost_usd".to_owned()],
        rows: amounts.iter().map(|nanos| vec![Cell::Usd(Some(Usd::from_units(*nanos)))]).collect(),
        totals: None,
    };
    let mut formats: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let mut add = |name, write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        formats.push((name, out));
    };
    add("table", &|out| terminal::write_answer(&table, None, Some(decimals), &Screen::FILE, out).unwrap());
    add("markdown", &|out| markdown::write_table(&table, decimals, out).unwrap());
    add("json", &|out| json::write_table(&table, Layout::Array, decimals, out).unwrap());
    add("ndjson", &|out| json::write_table(&table, Layout::Lines, decimals, out).unwrap());
    for name in Dialect::NAMES {
        add(name, &|out| csv::write_table(&table, &Dialect::named(name).unwrap(), decimals, out).unwrap());
    }
    let amounts = |(name, bytes): (&'static str, Vec<u8>)| {
        let text = String::from_utf8(bytes).unwrap();
        let cells = text.lines().filter_map(|line| {
            let cell =
                line.trim_start_matches("{\"cost_usd\":").trim_matches(['[', ']', '{', '}', '|', ' ', '"']);
            let cell = cell.trim_end_matches(',').trim_end_matches('}');
            let cell = match name {
                "table" => cell.replace(',', "").replace('−', "-"),
                _ => cell.replace(',', "."),
            };
            cell.contains(|letter: char| letter.is_ascii_digit()).then_some(cell)
        });
        (name, cells.collect())
    };
    formats.into_iter().map(amounts).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_format_rounds_once_and_has_no_exponent_or_negative_zero(
        amounts in prop::collection::vec(
            prop_oneof![
                any::<i64>().prop_map(i128::from),
                (-20_000_000_000..20_000_000_000_i128),
                // Halves at every place, plus or minus one nano-dollar.
                (0..9_u32, -99_i128..99, -1_i128..2).prop_map(|(place, units, more)| (units * 10 + 5) * 10_i128.pow(place) + more),
                (-i128::from(u64::MAX) * 1_000_000..i128::from(u64::MAX) * 1_000_000),
            ],
            1..12,
        ),
    ) {
        for decimals in 0..=9 {
            let expected: Vec<String> = amounts.iter().map(|nanos| rounded(*nanos, decimals)).collect();
            for (format, cells) in written(&amounts, decimals) {
                prop_assert_eq!(&cells, &expected, "{} with {} decimals", format, decimals);
            }
        }
    }
}

#[test]
fn costs_that_overflow_sql_keep_their_size() {
    let archive = archive_of(&[(Some(i64::MAX), Some(i64::MAX), 0, true)]);
    let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
    let rows = exported(&mut rows::runs(&ledger).unwrap());
    assert_eq!(rows[0]["total_cost_usd"], "18446744073.709551616");
    // Rust's sums stay exact.
    let total = cost::total(&ledger).unwrap().total().unwrap();
    assert_eq!(total.to_string(), "18446744073.709551614");
}
