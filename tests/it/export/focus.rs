//! The FOCUS export: totals, times, corrections and hostile names.

use crate::support::command::rows_of_csv;
use crate::support::workspace::at;
use crate::support::{golden, ledger};
use assert_cmd::Command;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::error::Error;
use runledger::internal::export::WriteError;
use runledger::internal::export::focus::{
    BillingPeriod, Books, ChargeSummary, Correction, CostAndUsage, Version, write_billing_period,
};
use runledger::internal::report::billing::{Account, BilledBy};
use runledger::internal::report::period::{Calendar, Period};
use runledger::internal::report::terms::MonthTerms;
use runledger::internal::report::{CostComponent, CostedRun, CreditPurchase, Plan, Span, run_cost};
use runledger::internal::run::Usd;
use runledger::internal::run::money::decimal_parts;
use runledger::internal::store::{Archive, Lock};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

const BOTH: [Version; 2] = [Version::V1_2, Version::V1_4];

fn month(inside: &str, zone: Tz) -> Period {
    Period::around(at(inside), Calendar::Month, zone)
}

fn books(period: &Period) -> Books {
    Books {
        period: BillingPeriod {
            label: period.label.clone(),
            start: period.start.unwrap(),
            end: period.end.unwrap(),
            closed_at: None,
        },
        zone: Tz::UTC,
        terms: MonthTerms {
            billed_by: BILLED_BY.clone(),
            account: Account {
                billing_id: Some("acme".to_owned()),
                billing_name: Some("Acme S.A.".to_owned()),
                sub_id: None,
                sub_name: None,
            },
            plan: Some(Plan { fee_usd: Usd::from_units(1_490_000_000_000), credits: 500 }),
            credit_purchases: Vec::new(),
            fx: None,
        },
    }
}

static BILLED_BY: LazyLock<BilledBy> = LazyLock::new(|| BilledBy {
    el: Some("Nekt".to_owned()),
    transformation: Some("Amazon Web Services".to_owned()),
});

/// The books without a plan.
fn without_plan(period: &Period) -> Books {
    let mut books = books(period);
    books.terms.plan = None;
    books
}

fn dataset(
    archive: &Connection,
    period: &Period,
    books: &Books,
    version: Version,
    corrections: &[Correction<'_>],
) -> (Vec<u8>, ChargeSummary) {
    let mut out = Vec::new();
    let mut charges = CostAndUsage::begin(books, version, &mut out).unwrap();
    let ledger = ledger::opened(archive, &Span { from: period.start, until: period.end }, Tz::UTC);
    run_cost::for_each(&ledger, |run| -> Result<(), WriteError> {
        let cost_center = run.pipeline_name.filter(|name| *name == "Vendas").map(|_| "Comercial \"BR\"");
        Ok(charges.run(&CostedRun { cost_center, ..run })?)
    })
    .map_err(|error| match error {
        WriteError::Io(error) => Error::usage(error.to_string()),
        WriteError::Source(error) => error,
    })
    .unwrap();
    for correction in corrections {
        charges.correction(correction).unwrap();
    }
    let written = charges.finish().unwrap();
    (out, written)
}

/// Parses a plain decimal into nano-dollars.
fn nanos(text: &str) -> i128 {
    assert!(text.chars().all(|letter| matches!(letter, '0'..='9' | '.' | '-')), "{text} has no exponent");
    assert!(!text.starts_with("-0.000000000"), "{text} is no negative zero");
    let (negative, digits, power) = decimal_parts(text).unwrap();
    let digits: i128 = if digits.is_empty() { 0 } else { digits.parse().unwrap() };
    let nanos = digits * 10_i128.pow(u32::try_from(power + 9).unwrap());
    if negative { -nanos } else { nanos }
}

fn sum(rows: &[BTreeMap<String, String>], column: &str) -> i128 {
    rows.iter().map(|row| nanos(&row[column])).sum()
}

/// A change to January's first run that became known after January was closed.
fn correction(period: &BillingPeriod) -> Correction<'_> {
    Correction {
        period,
        billed_by: &BILLED_BY,
        run: CostedRun {
            run_id: "run-01",
            booked_at: at("2026-01-05T10:00:00Z"),
            number: Some(1),
            pipeline_kind: Some("source"),
            pipeline_id: Some("s-1"),
            pipeline_name: Some("Vendas"),
            status: Some("success"),
            trigger_type: Some("cron"),
            created_at: Some(at("2026-01-05T09:59:50Z")),
            started_at: Some(at("2026-01-05T10:00:00Z")),
            ended_at: Some(at("2026-01-05T10:01:40Z")),
            duration_seconds: Some(100),
            credit_charge_status: Some("charged"),
            el_cost_nanos: Some(100_000_000),
            transformation_cost_nanos: None,
            cost_center: Some("Comercial \"BR\""),
        },
        component: CostComponent::El,
        difference: Usd::from_units(-20_000_000),
        seen_at: at("2026-02-14T08:30:00.75Z"),
    }
}

#[test]
fn focus_exports_match_their_golden_files() {
    let archive = ledger::small();
    let january = month("2026-01-15T12:00:00Z", Tz::America__Sao_Paulo);
    let february = month("2026-02-15T12:00:00Z", Tz::America__Sao_Paulo);
    let closed = BillingPeriod { closed_at: Some(at("2026-02-10T09:00:00.5Z")), ..books(&january).period };
    for (version, name) in [(Version::V1_2, "focus-1.2"), (Version::V1_4, "focus-1.4")] {
        let (bytes, written) = dataset(&archive, &january, &books(&january), version, &[]);
        golden::assert_golden(&format!("{name}.csv"), &bytes);
        assert_eq!((written.charges, written.runs_cost_unknown), (6, 0));
        let (bytes, written) =
            dataset(&archive, &february, &books(&february), version, &[correction(&closed)]);
        golden::assert_golden(&format!("{name}-correction.csv"), &bytes);
        assert_eq!((written.charges, written.runs_cost_unknown), (2, 1));
    }
    let mut bytes = Vec::new();
    write_billing_period(&Books { period: closed, ..books(&january) }, &mut bytes).unwrap();
    golden::assert_golden("focus-1.4-billing-period.csv", &bytes);
}

#[test]
fn focus_rows_sum_to_the_ledger() {
    let archive = ledger::small();
    for inside in ["2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15", "2026-05-15", "2026-06-15"] {
        let period = month(&format!("{inside}T00:00:00Z"), Tz::UTC);
        let books = books(&period);
        let of_ledger = |column: &str| -> i128 {
            let sql = format!(
                "SELECT coalesce(sum({column}), 0) FROM runs WHERE booked_at >= ?1 AND booked_at < ?2"
            );
            let bounds = [period.start.unwrap().to_string(), period.end.unwrap().to_string()];
            i128::from(archive.query_row(&sql, bounds, |row| row.get::<_, i64>(0)).unwrap())
        };
        let (el, transformation) = (of_ledger("el_cost_nanos"), of_ledger("transformation_cost_nanos"));
        let fee = books.terms.plan.unwrap().fee_usd.units();
        for version in BOTH {
            let (bytes, written) = dataset(&archive, &period, &books, version, &[]);
            let rows = rows_of_csv(&bytes);
            assert_eq!(sum(&rows, "EffectiveCost"), el + transformation, "{inside}");
            assert_eq!(sum(&rows, "BilledCost"), el + fee, "Nekt invoices the plan, not transformations");
            assert_eq!(sum(&rows, "ListCost"), el + transformation + fee);
            assert_eq!(sum(&rows, "ContractedCost"), el + transformation + fee);
            assert_eq!(written.effective.units(), el + transformation);
            assert_eq!(written.billed.units(), el + fee);
            assert_eq!(written.charges, rows.len() as u64);
        }
    }
}

#[test]
fn focus_charges_are_in_utc_seconds_within_their_billing_period() {
    let archive = ledger::small();
    for zone in [Tz::UTC, Tz::America__Sao_Paulo, Tz::Asia__Kathmandu] {
        for inside in ["2026-01-15T00:00:00Z", "2026-03-15T00:00:00Z", "2026-04-15T00:00:00Z"] {
            let period = month(inside, zone);
            for version in BOTH {
                for row in rows_of_csv(&dataset(&archive, &period, &books(&period), version, &[]).0) {
                    for (column, value) in &row {
                        if (column.ends_with("At") || column.contains("Period")) && !value.is_empty() {
                            let (day, time) = value.split_once('T').unwrap();
                            assert_eq!((day.len(), time.len()), (10, 9), "{column}: {value}");
                            assert!(at(value).as_str().starts_with(value.trim_end_matches('Z')));
                        }
                    }
                    assert_eq!(at(&row["BillingPeriodStart"]), period.start.unwrap());
                    assert_eq!(at(&row["BillingPeriodEnd"]), period.end.unwrap());
                    assert!(row["BillingPeriodStart"] <= row["ChargePeriodStart"]);
                    assert!(row["ChargePeriodStart"] < row["ChargePeriodEnd"]);
                    assert!(row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]);
                }
            }
        }
    }
}

#[test]
fn a_correction_is_billed_in_the_open_month_for_its_charge_period() {
    let archive = ledger::empty();
    let january = books(&month("2026-01-15T00:00:00Z", Tz::UTC)).period;
    let february = month("2026-02-15T00:00:00Z", Tz::UTC);
    let books = without_plan(&february);
    for version in BOTH {
        let rows = rows_of_csv(&dataset(&archive, &february, &books, version, &[correction(&january)]).0);
        let [row] = &rows[..] else { panic!("{rows:?}") };
        let shown = |column: &str| row[column].as_str();
        assert_eq!((shown("ChargeCategory"), shown("ChargeClass")), ("Usage", "Correction"));
        assert_eq!(shown("BillingPeriodStart"), "2026-02-01T00:00:00Z");
        assert_eq!(shown("BillingPeriodEnd"), "2026-03-01T00:00:00Z");
        assert_eq!(shown("ChargePeriodStart"), "2026-01-05T10:00:00Z");
        assert_eq!(shown("ChargePeriodEnd"), "2026-01-05T10:01:40Z");
        assert_eq!(
            (shown("x_CorrectedPeriod"), shown("x_CorrectionSeenAt")),
            ("2026-01", "2026-02-14T08:30:00Z")
        );
        for cost in ["BilledCost", "EffectiveCost", "ListCost", "ContractedCost"] {
            assert_eq!(shown(cost), "-0.020000000");
        }
        assert_eq!((shown("PricingQuantity"), shown("PricingUnit")), ("", ""));
    }
}

#[test]
fn purchased_credits_are_one_time_purchases_without_an_effective_cost() {
    let archive = ledger::empty();
    let january = month("2026-01-15T12:00:00Z", Tz::America__Sao_Paulo);
    let mut books = Books { zone: Tz::America__Sao_Paulo, ..without_plan(&january) };
    let price_usd = Usd::from_units(250_000_000_000);
    books.terms.credit_purchases =
        vec![CreditPurchase { date: "2026-01-31".parse().unwrap(), credits: 500, price_usd }];
    for version in BOTH {
        let (bytes, written) = dataset(&archive, &january, &books, version, &[]);
        assert_eq!((written.billed, written.effective), (price_usd, Usd::default()));
        let rows = rows_of_csv(&bytes);
        let [row] = &rows[..] else { panic!("{rows:?}") };
        for (column, value) in [
            ("ChargeCategory", "Purchase"),
            ("ChargeClass", ""),
            ("ChargeFrequency", "One-Time"),
            ("ChargeDescription", "500 credits bought on 2026-01-31"),
            ("ChargePeriodStart", "2026-01-31T03:00:00Z"),
            ("ChargePeriodEnd", "2026-02-01T03:00:00Z"),
            ("BilledCost", "250.000000000"),
            ("EffectiveCost", "0.000000000"),
            ("ListCost", "250.000000000"),
            ("InvoiceIssuerName", "Nekt"),
            ("PricingQuantity", "500.0"),
            ("PricingUnit", "Credits"),
            ("ServiceName", "Nekt credits"),
            ("ResourceId", ""),
            ("x_PlanCredits", ""),
        ] {
            assert_eq!(row[column], value, "{column}");
        }
    }
}

#[test]
fn a_month_without_runs_or_plan_has_only_a_header() {
    let archive = ledger::empty();
    let period = month("2026-01-15T00:00:00Z", Tz::UTC);
    let books = without_plan(&period);
    let (bytes, written) = dataset(&archive, &period, &books, Version::V1_2, &[]);
    assert_eq!((rows_of_csv(&bytes).len(), written), (0, ChargeSummary::default()));
    assert!(bytes.starts_with(b"BilledCost,BillingAccountId,"));
}

/// The exit code, standard output and standard error of the command.
fn ran(archive: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("runledger").unwrap();
    let output = command.arg("--db").arg(archive).args(["export", "focus"]).args(arguments).output().unwrap();
    let [out, printed] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), out, printed)
}

#[test]
fn export_focus_writes_a_month_and_reports_omitted_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runledger.db");
    drop(Archive::open(&path, &Lock::acquire(&path, at("2026-06-01T00:00:00Z")).unwrap()).unwrap());
    Connection::open(&path).unwrap().execute_batch(include_str!("../support/ledger.sql")).unwrap();

    let (code, out, printed) = ran(&path, &["--period", "2026-01", "--zone", "America/Sao_Paulo"]);
    assert_eq!((code, rows_of_csv(out.as_bytes()).len()), (0, 5));
    assert_eq!(printed, "BilledCost is zero for every run: the setting billed_by names no invoice issuer\n");
    assert_eq!(sum(&rows_of_csv(out.as_bytes()), "EffectiveCost"), 1_473_456_790);
    assert_eq!(sum(&rows_of_csv(out.as_bytes()), "BilledCost"), 0);

    let file = folder.path().join("march.csv");
    let arguments = ["--period", "2026-03", "--focus-version", "1.4", "--output", file.to_str().unwrap()];
    let (code, out, printed) = ran(&path, &arguments);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(printed.starts_with("omitted 2 runs without a known cost\n"), "{printed}");
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);

    let arguments = ["--period", "2026-03", "--focus-version", "1.4", "--focus-dataset", "billing-period"];
    let (code, out, _) = ran(&path, &arguments);
    assert_eq!(code, 0);
    assert!(out.ends_with(
        "\n2026-03-01T00:00:00Z,2026-04-01T00:00:00Z,2026-03-01T00:00:00Z,2026-03-01T00:00:00Z,Open,Nekt\n"
    ));
}

#[test]
fn a_focus_manifest_is_verified_offline_against_its_charges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runledger.db");
    drop(Archive::open(&path, &Lock::acquire(&path, at("2026-06-01T00:00:00Z")).unwrap()).unwrap());
    Connection::open(&path).unwrap().execute_batch(include_str!("../support/ledger.sql")).unwrap();
    let file = folder.path().join("january.csv");
    for more in [&[][..], &["--focus-version", "1.4", "--focus-dataset", "billing-period"]] {
        let output = ["--period", "2026-01", "--manifest", "--output", file.to_str().unwrap()];
        assert_eq!(ran(&path, &[&output, more].concat()).0, 0);
        let mut verify = Command::cargo_bin("runledger").unwrap();
        let printed = verify.arg("verify-file").arg(&file).assert().success();
        let printed = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
        assert_eq!(printed.contains("sum of EffectiveCost: 0.473456789"), more.is_empty(), "{printed}");
    }
    fs::write(&file, "x").unwrap();
    let mut verify = Command::cargo_bin("runledger").unwrap();
    assert_eq!(verify.arg("verify-file").arg(&file).output().unwrap().status.code(), Some(3));
}

#[test]
fn export_focus_explains_unsupported_requests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runledger.db");
    drop(Archive::open(&path, &Lock::acquire(&path, at("2026-06-01T00:00:00Z")).unwrap()).unwrap());
    for (arguments, says) in [
        (&[][..], "needs a month"),
        (&["--period", "2026-1"], "2026-01"),
        (&["--period", "2026-W05"], "needs a month"),
        (&["--from", "2026-01-02"], "needs a month"),
        (&["--period", "2026-01", "--from", "2026-01-02"], "--from"),
        (&["--period", "2026-01", "--format", "json"], "csv"),
        (&["--period", "2026-01", "--dialect", "excel"], "--dialect"),
        (&["--period", "2026-01", "--decimals", "2"], "--decimals"),
        (&["--period", "2026-01", "--focus-dataset", "billing-period"], "--focus-version 1.4"),
        (&["--period", "2026-01", "--focus-version", "1.3"], "1.4"),
    ] {
        let (code, out, printed) = ran(&path, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(printed.contains(says), "{arguments:?}: {printed}");
    }
}

proptest! {
    #[test]
    fn any_name_round_trips_through_its_row(
        name in "(?s).{0,30}", center in "\\PC{0,20}", id in "[a-z0-9,\"'=+@-]{1,12}", issuer in "\\PC*[a-z]"
    ) {
        let period = month("2026-01-15T00:00:00Z", Tz::UTC);
        let mut books = without_plan(&period);
        books.terms.billed_by = BilledBy { el: Some(issuer.clone()), transformation: None };
        let january = books.period.clone();
        let original = correction(&january);
        let run = CostedRun { pipeline_name: Some(&name), pipeline_id: Some(&id), cost_center: Some(&center), ..original.run };
        for version in BOTH {
            let mut bytes = Vec::new();
            let mut charges = CostAndUsage::begin(&books, version, &mut bytes).unwrap();
            charges.run(&run).unwrap();
            charges.finish().unwrap();
            let rows = rows_of_csv(&bytes);
            prop_assert_eq!(rows.len(), 1);
            prop_assert_eq!(&rows[0]["ResourceName"], &name);
            prop_assert_eq!(&rows[0]["ResourceId"], &format!("source/{id}"));
            let tags: BTreeMap<String, String> = serde_json::from_str(&rows[0]["Tags"]).unwrap();
            prop_assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("cost_center".to_owned(), center.clone())]);
            if !issuer.eq_ignore_ascii_case("nekt") {
                prop_assert_eq!(&rows[0]["InvoiceIssuerName"], &issuer);
                prop_assert_eq!(&rows[0]["BilledCost"], "0.000000000");
            }
        }
    }
}
