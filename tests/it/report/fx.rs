//! The second currency: amounts are converted exactly and rounded once, and a row without a rate has none.

use super::{ALWAYS, MONTH};
use crate::support::ledger;
use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::report::fx::{Currency, Fx, Policy, RateFile};
use runledger::internal::report::period::Calendar;
use runledger::internal::report::terms::{ScopeTerms, Terms};
use runledger::internal::report::{Cell, Dimension, Ledger, Scope, Table, cost};
use runledger::internal::run::Instant;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;

const ZONE: Tz = Tz::America__Sao_Paulo;
const DAY: Dimension = Dimension::Period(Calendar::Day);
const POLICIES: [Policy; 3] = [Policy::Invoice, Policy::Day, Policy::Average];

/// The columns that a second currency adds.
const COLUMNS: [&str; 5] = ["total_cost_brl", "fx_rate", "fx_date", "fx_source", "runs_fx_unknown"];

/// Reais with the rates of a CSV file: the date and the rate in billionths.
fn reais(policy: Policy, rates: &BTreeMap<NaiveDate, i128>) -> Fx {
    let mut text = "date,currency,rate,source\n".to_owned();
    for (date, units) in rates {
        let (whole, decimals) = (units / 1_000_000_000, units % 1_000_000_000);
        text += &format!("{date},BRL,{whole}.{decimals:09},PTAX venda\n");
    }
    let currency = Currency::try_from("BRL".to_owned()).unwrap();
    let file = RateFile::parse(&text, Path::new("rates.csv"), "2026-12-31".parse().unwrap()).unwrap();
    Fx::new(currency.clone(), policy, file.rates_of(&currency))
}

fn scope(fx: Option<Fx>) -> Scope {
    let terms = ScopeTerms::Settings(Terms { fx, ..Terms::default() });
    Scope { span: ALWAYS, zone: ZONE, terms, ..Scope::default() }
}

fn reported(archive: &Connection, fx: Option<Fx>, by: &[Dimension]) -> Table {
    cost::report(&Ledger::open(archive, scope(fx)).unwrap(), by).unwrap()
}

/// The cells of a row by column, for programs.
fn cells(table: &Table, row: &[Cell]) -> BTreeMap<String, String> {
    let texts = row.iter().map(|cell| cell.exact().unwrap_or_default());
    table.columns.iter().cloned().zip(texts).collect()
}

/// A run: the hours after 20 January at which it started, its cost, its pipeline.
type Generated = (i64, Option<i64>, u8);

fn archive_of(runs: &[Generated]) -> Connection {
    let archive = ledger::empty();
    archive.pragma_update(None, "foreign_keys", false).unwrap();
    let first = Instant::parse("2026-01-20T00:30:00Z").unwrap();
    for (nth, (hours, nanos, pipeline)) in (0..).zip(runs) {
        let sql = "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, status, created_at, source, \
                       el_cost_usd, el_cost_nanos) \
                   VALUES (?1, '', 1, zeroblob(32), 'success', ?2, ?3, ?4 / 1e9, ?4)";
        let at = first.plus(TimeDelta::hours(*hours));
        archive.execute(sql, params![format!("run-{nth:03}"), at, format!("s-{pipeline}"), nanos]).unwrap();
    }
    archive
}

/// The day in [`ZONE`] on which the run started.
fn day_of(hours: i64) -> NaiveDate {
    let at =
        "2026-01-20T00:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap() + TimeDelta::hours(hours);
    at.with_timezone(&ZONE).date_naive()
}

/// The rate of a day as a sum of rates and their number, from the definition of the policy.
fn rate_on(policy: Policy, rates: &BTreeMap<NaiveDate, i128>, day: NaiveDate) -> Option<(i128, i128)> {
    let month = |date: &NaiveDate| date.format("%Y-%m").to_string();
    let of_month: Vec<i128> =
        rates.iter().filter(|(date, _)| month(date) == month(&day)).map(|(_, units)| *units).collect();
    match policy {
        Policy::Invoice => of_month.last().map(|units| (*units, 1)),
        Policy::Average => {
            (!of_month.is_empty()).then(|| (of_month.iter().sum(), of_month.len().try_into().unwrap()))
        }
        Policy::Day => (0..=7).find_map(|age| rates.get(&(day - Days::new(age)))).map(|units| (*units, 1)),
    }
}

/// `dividend / divisor`, halves to even.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    let (floor, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    floor + i128::from(rest * 2 > divisor || (rest * 2 == divisor && floor.rem_euclid(2) == 1))
}

fn text_of(billionths: i128, decimals: u32) -> String {
    let unit = 10_i128.pow(decimals);
    let sign = if billionths < 0 { "-" } else { "" };
    let magnitude = billionths.abs();
    format!("{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = decimals as usize)
}

/// The expected total of runs with nine and with two decimals, and the number of runs without a rate.
fn expected(
    runs: &[&Generated],
    policy: Policy,
    rates: &BTreeMap<NaiveDate, i128>,
) -> (Option<[String; 2]>, u64) {
    let (mut numerator, mut denominator, mut known, mut without_rate) = (0_i128, 1_i128, 0_u64, 0_u64);
    for (hours, nanos, _) in runs {
        let Some(nanos) = nanos else { continue };
        known += 1;
        match rate_on(policy, rates, day_of(*hours)) {
            Some((sum, count)) => {
                // One fraction after the other, reduced by nothing but equal denominators.
                match denominator % count {
                    0 => numerator += i128::from(*nanos) * sum * (denominator / count),
                    _ => {
                        numerator = numerator * count + i128::from(*nanos) * sum * denominator;
                        denominator *= count;
                    }
                }
            }
            None => without_rate += 1,
        }
    }
    let billion = 1_000_000_000;
    let amounts = (known > 0 && without_rate == 0).then(|| {
        [(9, billion), (2, billion * 10_000_000)]
            .map(|(decimals, unit)| text_of(rounded(numerator, denominator * unit), decimals))
    });
    (amounts, without_rate)
}

fn a_run() -> impl Strategy<Value = Generated> {
    let cost = prop_oneof![
        1 => Just(None),
        1 => prop::sample::select(vec![0, 1, -1, 500, 5_000_000, 15_000_000]).prop_map(Some),
        4 => (-5_000_000_000..5_000_000_000_i64).prop_map(Some),
    ];
    (0..550_i64, cost, 0..3_u8)
}

fn rates() -> impl Strategy<Value = BTreeMap<NaiveDate, i128>> {
    let first: NaiveDate = "2026-01-12".parse().unwrap();
    let rate = prop_oneof![Just(1_000_000_000_i128), Just(5_432_100_000), 1..10_000_000_000_i128];
    prop::collection::btree_map((0..32_u64).prop_map(move |days| first + Days::new(days)), rate, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_total_is_converted_exactly_and_rounded_once(
        runs in prop::collection::vec(a_run(), 1..40),
        rates in rates(),
    ) {
        let archive = archive_of(&runs);
        for policy in POLICIES {
            for by in [vec![Dimension::Pipeline], vec![MONTH], vec![DAY, Dimension::Pipeline], vec![Dimension::Kind]] {
                let table = reported(&archive, Some(reais(policy, &rates)), &by);
                for row in table.rows.iter().chain(&table.totals) {
                    let is_total = table.totals.as_ref() == Some(row);
                    let shown = cells(&table, row);
                    let is_in = |run: &&Generated| {
                        let (hours, _, pipeline) = run;
                        let day = day_of(*hours).to_string();
                        let is = |column: &str, value: &str| {
                            shown.get(column).is_none_or(|shown| is_total || shown == value)
                        };
                        is("pipeline_id", &format!("s-{pipeline}")) && is("day", &day) && is("month", &day[..7])
                    };
                    let of_row: Vec<&Generated> = runs.iter().filter(is_in).collect();
                    let (amounts, without_rate) = expected(&of_row, policy, &rates);
                    let known = amounts.as_ref().map_or("", |[exact, _]| exact);
                    let context = format!("{policy:?} {by:?} {shown:?}");
                    // A zero has no sign.
                    let known = if known.trim_matches(['-', '0', '.']).is_empty() { known.trim_start_matches('-') } else { known };
                    prop_assert_eq!(&shown["total_cost_brl"], known, "{}", context);
                    prop_assert_eq!(&shown["runs_fx_unknown"], &without_rate.to_string(), "{}", context);
                    let place = table.columns.iter().position(|column| column == "total_cost_brl").unwrap();
                    let cents = row[place].exact_to(2).unwrap_or_default();
                    let known = amounts.as_ref().map_or("", |[_, cents]| cents);
                    let known = if known.trim_matches(['-', '0', '.']).is_empty() { known.trim_start_matches('-') } else { known };
                    prop_assert_eq!(cents, known, "{}", context);
                }
            }
        }
    }

    #[test]
    fn a_second_currency_changes_no_other_column(
        runs in prop::collection::vec(a_run(), 0..30),
        rates in rates(),
    ) {
        let archive = archive_of(&runs);
        for by in [vec![Dimension::Pipeline], vec![MONTH], vec![DAY, Dimension::Kind], vec![]] {
            let plain = reported(&archive, None, &by);
            for policy in POLICIES {
                let table = reported(&archive, Some(reais(policy, &rates)), &by);
                let width = plain.columns.len();
                prop_assert_eq!(&table.columns[..width], &plain.columns[..]);
                prop_assert_eq!(&table.columns[width..], COLUMNS);
                let first = |rows: &[Vec<Cell>]| rows.iter().map(|row| row[..width].to_vec()).collect::<Vec<_>>();
                prop_assert_eq!(first(&table.rows), &plain.rows[..]);
                prop_assert_eq!(table.totals.map(|row| row[..width].to_vec()), plain.totals.clone());
            }
        }
    }
}

/// Runs of 1 USD on Friday 23, Saturday 24 and Friday 30 January, and on 2 and 12 February.
fn five_days() -> Connection {
    archive_of(&["2026-01-23", "2026-01-24", "2026-01-30", "2026-02-02", "2026-02-12"].map(|day| {
        let (day, first): (NaiveDate, NaiveDate) = (day.parse().unwrap(), "2026-01-20".parse().unwrap());
        ((day - first).num_hours() + 12, Some(1_000_000_000), 0)
    }))
}

fn five_rates() -> BTreeMap<NaiveDate, i128> {
    let rates = [("2026-01-23", 5_100_000_000), ("2026-01-30", 5_300_000_000), ("2026-02-03", 5_400_000_000)];
    rates.map(|(date, units)| (date.parse().unwrap(), units)).into()
}

fn converted(policy: Policy, by: &[Dimension]) -> Vec<[String; 5]> {
    let table = reported(&five_days(), Some(reais(policy, &five_rates())), by);
    let rows = table.rows.iter().map(|row| {
        let shown = cells(&table, row);
        COLUMNS.map(|column| shown[column].clone())
    });
    rows.collect()
}

#[test]
fn a_row_shows_its_rate_with_date_and_source() {
    let source = "PTAX venda";
    assert_eq!(
        converted(Policy::Invoice, &[MONTH]),
        [
            ["15.900000000", "5.300000000", "2026-01-30", source, "0"],
            ["10.800000000", "5.400000000", "2026-02-03", source, "0"],
        ]
    );
    assert_eq!(
        converted(Policy::Average, &[MONTH]),
        [
            ["15.600000000", "5.200000000", "2026-01", source, "0"],
            ["10.800000000", "5.400000000", "2026-02", source, "0"],
        ]
    );
    assert_eq!(
        converted(Policy::Day, &[DAY]),
        [
            ["5.100000000", "5.100000000", "2026-01-23", source, "0"],
            ["5.100000000", "5.100000000", "2026-01-23", source, "0"],
            ["5.300000000", "5.300000000", "2026-01-30", source, "0"],
            ["5.300000000", "5.300000000", "2026-01-30", source, "0"],
            ["", "", "", "", "1"],
        ]
    );
    // A row with several rates has their first and last date; one with a missing rate has no amount.
    assert_eq!(
        converted(Policy::Day, &[MONTH]),
        [["15.500000000", "", "2026-01-23/2026-01-30", source, "0"], ["", "", "", "", "1"]]
    );
    assert_eq!(
        converted(Policy::Invoice, &[Dimension::Kind]),
        [["26.700000000", "", "2026-01-30/2026-02-03", source, "0"]]
    );
}

#[test]
fn a_missing_rate_leaves_the_amount_blank_and_is_counted() {
    let archive = five_days();
    let rates = BTreeMap::from([("2026-01-30".parse().unwrap(), 5_300_000_000)]);
    for policy in POLICIES {
        let table = reported(&archive, Some(reais(policy, &rates)), &[MONTH]);
        let february = cells(&table, &table.rows[1]);
        assert_eq!(
            COLUMNS.map(|column| february[column].as_str()),
            ["", "", "", "", "1"].map(|text| match text {
                "1" if policy == Policy::Day => "1",
                "1" => "2",
                text => text,
            })
        );
        // A total without one of its parts would be too low.
        let totals = cells(&table, table.totals.as_ref().unwrap());
        assert_eq!(totals["total_cost_brl"], "");
        assert_ne!(totals["runs_fx_unknown"], "0");
        assert_eq!(totals["total_cost_usd"], "5.000000000");
    }
}

#[test]
fn a_row_without_a_known_cost_needs_no_rate() {
    let archive = archive_of(&[(12, None, 0)]);
    for policy in POLICIES {
        let table = reported(&archive, Some(reais(policy, &BTreeMap::new())), &[MONTH]);
        let shown = cells(&table, &table.rows[0]);
        assert_eq!(COLUMNS.map(|column| shown[column].as_str()), ["", "", "", "", "0"]);
    }
}
