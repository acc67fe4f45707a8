//! Reconciliation: for each usual cause, an invoice that only this cause explains.

use crate::support::{golden, ledger};
use assert_cmd::Command;
use chrono::TimeDelta;
use chrono_tz::Tz;
use runledger::internal::language::Language;
use runledger::internal::report::plan::{CreditPurchase, Plan};
use runledger::internal::report::reconcile::{ClosesGap, Invoice, Reconciliation, Zones, reconcile};
use runledger::internal::report::terms::{MonthTerms, ScopeTerms, Terms};
use runledger::internal::report::timeline::Timeline;
use runledger::internal::report::{DateBasis, Scope, Span};
use runledger::internal::run::money::nanos_of_number;
use runledger::internal::run::{Instant, Usd};
use runledger::internal::store::{Archive, Lock};
use rusqlite::{Connection, params};
use std::path::Path;

const SYNC: &str = "
INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at)
VALUES (1, 'first', '2026-01-01T00:00:00.000000Z', '2026-02-05T12:00:00.000000Z', 'complete', 1, '0.1.0',
        'http://127.0.0.1:1/', '2026-02-05T12:00:00.000000Z')";

/// The fields of a run.
#[derive(Clone, Copy)]
struct Run<'t> {
    /// The minute of its start, and of its creation and end where they differ.
    started: &'t str,
    created: &'t str,
    ended: &'t str,
    status: &'t str,
    charge: &'t str,
    el: &'t str,
    transformation: &'t str,
    zone: &'t str,
}

const RUN: Run<'static> = Run {
    started: "2026-01-10T12:00",
    created: "",
    ended: "",
    status: "success",
    charge: "charged",
    el: "",
    transformation: "",
    zone: "UTC",
};

fn minute(text: &str) -> Instant {
    Instant::parse(&format!("{text}:00Z")).unwrap()
}

fn nanos(text: &str) -> Option<i64> {
    nanos_of_number(text).map(|nanos| i64::try_from(nanos).unwrap())
}

/// Inserts a state of a run, observed at one instant and superseded at another.
fn write_seen(archive: &Connection, id: &str, run: Run<'_>, seen: Instant, until: Option<Instant>) {
    let at = |text: &str| minute(if text.is_empty() { run.started } else { text });
    let ended = if run.ended.is_empty() { at("").plus(TimeDelta::minutes(10)) } else { at(run.ended) };
    let trigger =
        format!("{{\"cron_expression\":\"0 * * * *\",\"cron_timezone\":\"{}\",\"type\":\"cron\"}}", run.zone);
    archive
        .execute(
            "INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, created_at, started_at, \
                                        ended_at, status, \"trigger\", trigger_type, credit_charge_status, \
                                        el_cost_nanos, el_cost_usd, \
             transformation_cost_nanos, transformation_cost_usd, source) \
             VALUES (?1, ?2, ?3, 1, zeroblob(32), ?4, ?5, ?6, ?7, ?8, 'cron', ?9, ?10, ?10 / 1e9, ?11, ?11 / 1e9, 's-1')",
            params![
                id, seen, until, at(run.created), at(run.started), ended, run.status, trigger, run.charge,
                nanos(run.el), nanos(run.transformation)
            ],
        )
        .unwrap();
}

fn write(archive: &Connection, id: &str, run: Run<'_>) {
    write_seen(archive, id, run, minute(run.started).plus(TimeDelta::hours(1)), None);
}

/// January 2026, in which every cause changes the total of 26.18 by a different amount.
fn january(archive: &Connection) {
    archive.execute_batch(SYNC).unwrap();
    let el = |started, el| Run { started, el, ..RUN };
    write(archive, "run-01", el("2026-01-10T12:00", "10"));
    // In Kathmandu it is February; in Tokyo it has been February for half a day.
    write(archive, "run-02", Run { zone: "Asia/Kathmandu", ..el("2026-01-31T23:30", "1.11") });
    write(archive, "run-15", el("2026-01-31T16:00", "0.03"));
    // In São Paulo it is still January, or December.
    write(archive, "run-03", el("2026-02-01T01:00", "2.22"));
    write(archive, "run-04", el("2026-01-01T01:00", "0.57"));
    write(archive, "run-14", Run { ended: "2026-02-01T03:30", ..el("2026-02-01T02:50", "0.07") });
    // Ended or created in another month.
    write(archive, "run-05", Run { ended: "2026-02-01T00:20", ..el("2026-01-31T23:50", "3.31") });
    write(archive, "run-06", Run { ended: "2026-01-01T00:10", ..el("2025-12-31T23:50", "0.17") });
    write(archive, "run-07", Run { created: "2025-12-31T23:59", ..el("2026-01-01T00:30", "0.29") });
    write(
        archive,
        "run-08",
        Run { status: "failed", charge: "unsuccessful", ..el("2026-01-11T12:00", "0.41") },
    );
    write(
        archive,
        "run-09",
        Run { status: "canceled", charge: "unsuccessful", ..el("2026-01-12T12:00", "0.13") },
    );
    write(archive, "run-10", Run { charge: "unsuccessful", ..el("2026-01-13T12:00", "0.77") });
    write(archive, "run-11", Run { transformation: "5.05", ..el("2026-01-14T12:00", "0.01") });
    write(archive, "run-12", el("2026-01-15T12:00", ""));
    // Known as 4 when the month ended, as 4.6 from the 3rd on, and as 4.5 since the 5th.
    let seen = [minute("2026-01-16T13:00"), minute("2026-02-03T10:00"), minute("2026-02-05T11:00")];
    let until = [Some(seen[1]), Some(seen[2]), None];
    for ((cost, seen), until) in ["4", "4.6", "4.5"].into_iter().zip(seen).zip(until) {
        write_seen(archive, "run-13", el("2026-01-16T12:00", cost), seen, until);
    }
}

/// A hundred runs of 0.028, each of two costs of 0.014.
fn hundred_small_ones(archive: &Connection) {
    archive.execute_batch(SYNC).unwrap();
    for nth in 0..100 {
        write(archive, &format!("run-{nth:03}"), Run { el: "0.014", transformation: "0.014", ..RUN });
    }
}

fn scope() -> Scope {
    let span =
        Span { from: Instant::parse("2026-01-01T00:00:00Z"), until: Instant::parse("2026-02-01T00:00:00Z") };
    Scope { span, period: Some("2026-01".to_owned()), ..Scope::default() }
}

fn tried(archive: &Connection, scope: &Scope, invoice: &str, zones: Zones) -> Reconciliation {
    let plan = Plan { fee_usd: Usd::from_units(100_000_000_000), credits: 500 };
    let terms = Terms { plan: Timeline::always(plan), ..Terms::default() };
    let scope = Scope { terms: ScopeTerms::Settings(terms), ..scope.clone() };
    reconcile(archive, &scope, Invoice::parse(invoice, Language::English).unwrap(), zones).unwrap()
}

#[test]
fn purchased_credits_are_a_cause() {
    let archive = ledger::empty();
    january(&archive);
    let purchase = |date: &str, dollars: i128| CreditPurchase {
        date: date.parse().unwrap(),
        credits: 100,
        price_usd: Usd::from_units(dollars * 1_000_000_000),
    };
    let terms = MonthTerms {
        plan: Some(Plan { fee_usd: Usd::from_units(100_000_000_000), credits: 500 }),
        credit_purchases: vec![purchase("2026-01-10", 30), purchase("2026-01-20", 20)],
        ..MonthTerms::default()
    };
    let scope = Scope { terms: ScopeTerms::Close(terms), ..scope() };
    for (invoice, cause) in [
        ("76.18", "with the purchased credits"),
        ("50.00", "the purchased credits alone"),
        ("176.18", "with the plan's fee and the purchased credits"),
        ("150.00", "the plan's fee and the purchased credits alone"),
    ] {
        let found =
            reconcile(&archive, &scope, Invoice::parse(invoice, Language::English).unwrap(), Zones::Known)
                .unwrap();
        assert_eq!(found.explanations(), [cause], "{invoice}");
    }
}

fn of_january(invoice: &str) -> Reconciliation {
    let archive = ledger::empty();
    january(&archive);
    tried(&archive, &scope(), invoice, Zones::Known)
}

fn of_small_ones(invoice: &str) -> Reconciliation {
    let archive = ledger::empty();
    hundred_small_ones(&archive);
    tried(&archive, &scope(), invoice, Zones::Known)
}

/// The amount by which the cause changes the ledger's total.
fn moved(found: &Reconciliation, cause: &str) -> String {
    let table = found.table();
    let place = found.attempts.iter().position(|attempt| attempt.cause == cause).expect(cause);
    table.rows[place][3].exact().unwrap_or_default()
}

fn note<'f>(found: &'f Reconciliation, cause: &str) -> &'f str {
    &found.attempts.iter().find(|attempt| attempt.cause == cause).expect(cause).note
}

#[test]
fn a_matching_invoice_needs_no_cause() {
    let found = of_january("26.18");
    assert_eq!(found.explanations(), ["as the ledger has it"]);
    assert_eq!(found.attempts.len(), 1);
    assert_eq!(found.attempts[0].note, "12 runs, 1 without a known cost");
    assert_eq!(found.gap(), Usd::default());
}

#[test]
fn only_the_right_cause_explains_each_invoice() {
    for (invoice, cause, difference) in [
        ("27.61", "months of America/Sao_Paulo", "1.430000000"),
        ("21.93", "months of Asia/Kathmandu", "-4.250000000"),
        ("23.04", "booked by ended", "-3.140000000"),
        ("25.89", "booked by created", "-0.290000000"),
        ("27.54", "months of America/Sao_Paulo, booked by ended", "1.360000000"),
        // The runs of the month's last hour were observed on the next day.
        ("25.68", "as known on 2026-02-01", "-0.500000000"),
        ("26.28", "as known on 2026-02-03", "0.100000000"),
        ("25.77", "failed runs left out", "-0.410000000"),
        ("26.05", "canceled runs left out", "-0.130000000"),
        ("25.64", "failed and canceled runs left out", "-0.540000000"),
        ("24.87", "charged runs alone", "-1.310000000"),
        ("21.13", "extraction and loading alone", "-5.050000000"),
        ("5.05", "transformation alone", "-21.130000000"),
        ("126.18", "with the plan's fee", "100.000000000"),
        ("100.00", "the plan's fee alone", "73.820000000"),
    ] {
        let found = of_january(invoice);
        assert_eq!(found.explanations(), [cause], "{invoice}");
        assert_eq!(moved(&found, cause), difference, "{cause}");
        assert_eq!(found.gap().to_string(), difference, "the gap equals the effect of: {cause}");
    }
}

#[test]
fn amounts_rounded_before_summing_are_detected() {
    for (invoice, cause, difference) in [
        ("3.00", "each run rounded to 2 decimals", "0.200000000"),
        ("2.00", "each cost rounded to 2 decimals", "-0.800000000"),
    ] {
        let found = of_small_ones(invoice);
        let one_of = found.explanations();
        assert!(one_of.contains(&cause), "{one_of:?}");
        assert_eq!(moved(&found, cause), difference);
    }
    assert_eq!(of_small_ones("2.80").explanations(), ["as the ledger has it"]);
    // Lines are rounded to cents, also in an invoice in whole dollars; to three decimals if it has three.
    let half = of_small_ones("3").explanations().len();
    assert_eq!(half, 1, "2.80 rounds to 3");
    let found = of_small_ones("10.000");
    assert!(found.explanations().is_empty());
    assert!(found.attempts.last().unwrap().note.ends_with("rounding 200 costs to 3 decimals can move"));
    assert!(
        of_small_ones("10")
            .attempts
            .last()
            .unwrap()
            .note
            .ends_with("rounding 200 costs to 2 decimals can move")
    );
}

#[test]
fn rounding_reports_its_reach_and_does_not_close_the_gap() {
    for (invoice, closes, words) in [
        (
            "3.70",
            ClosesGap::Could,
            "the gap is within 1.005000000 USD, the most that rounding 200 costs to 2 decimals can move",
        ),
        ("3.81", ClosesGap::No, "the gap is beyond 1.005000000 USD"),
    ] {
        let found = of_small_ones(invoice);
        assert!(found.explanations().is_empty());
        let last = found.attempts.last().unwrap();
        assert_eq!((last.cause.as_str(), last.closes), ("rounding of some other kind", closes));
        assert!(last.note.starts_with(words), "{}", last.note);
        assert_eq!(found.possible().len(), usize::from(closes == ClosesGap::Could));
    }
}

#[test]
fn unknown_costs_can_only_explain_a_higher_invoice() {
    let higher = of_january("30.00");
    assert_eq!(higher.possible(), ["costs that are not known"]);
    assert_eq!(
        note(&higher, "costs that are not known"),
        "1 run without a known cost: it would have to be 3.820000000 USD"
    );
    let lower = of_january("20.00");
    assert!(lower.possible().is_empty() && lower.explanations().is_empty());
    assert_eq!(note(&lower, "costs that are not known"), "the invoice is lower than what is known already");
}

#[test]
fn each_total_counts_its_runs_and_its_unknown_costs() {
    let found = of_january("1.00");
    assert_eq!(note(&found, "months of America/Sao_Paulo"), "12 runs, 1 without a known cost");
    assert_eq!(note(&found, "charged runs alone"), "9 runs, 1 without a known cost");
    assert_eq!(note(&found, "extraction and loading alone"), "11 runs have this part");
    assert_eq!(note(&found, "transformation alone"), "1 run has this part");
}

#[test]
fn causes_are_tried_most_common_first() {
    let causes: Vec<String> = of_january("1.00").attempts.into_iter().map(|attempt| attempt.cause).collect();
    assert_eq!(
        causes,
        [
            "as the ledger has it",
            "months of America/Sao_Paulo",
            "months of Asia/Kathmandu",
            "booked by ended",
            "booked by created",
            "months of America/Sao_Paulo, booked by ended",
            "costs that are not known",
            "as known on 2026-01-31",
            "failed runs left out",
            "canceled runs left out",
            "failed and canceled runs left out",
            "charged runs alone",
            "extraction and loading alone",
            "transformation alone",
            "with the plan's fee",
            "the plan's fee alone",
            "rounding of some other kind",
        ]
    );
}

#[test]
fn a_zone_given_as_an_argument_is_tried() {
    let archive = ledger::empty();
    january(&archive);
    assert!(tried(&archive, &scope(), "21.90", Zones::Known).explanations().is_empty());
    let found = tried(&archive, &scope(), "21.90", Zones::All);
    assert!(found.explanations().contains(&"months of Etc/GMT-14"), "{:?}", found.explanations());
}

#[test]
fn utc_months_are_tried_when_the_ledger_uses_another_zone() {
    let archive = ledger::empty();
    january(&archive);
    let zone = Tz::America__Sao_Paulo;
    let span =
        Span { from: Instant::parse("2026-01-01T03:00:00Z"), until: Instant::parse("2026-02-01T03:00:00Z") };
    let of_sao_paulo = Scope { zone, span, ..scope() };
    assert_eq!(tried(&archive, &of_sao_paulo, "26.18", Zones::Known).explanations(), ["months of UTC"]);
    let ended = Scope { date: DateBasis::Ended, ..scope() };
    assert_eq!(tried(&archive, &ended, "26.18", Zones::Known).explanations(), ["booked by started"]);
}

#[test]
fn later_changes_to_a_closed_month_are_a_cause() {
    let archive = ledger::empty();
    january(&archive);
    let closed = Scope { as_of: Instant::parse("2026-02-04T00:00:00Z"), close_id: Some(1), ..scope() };
    for (invoice, causes) in [
        ("26.28", ["as the ledger has it"].as_slice()),
        ("26.18", &["as known on 2026-02-05"]),
        ("25.68", &["as known on 2026-02-01"]),
        ("21.26", &["as known on 2026-01-31"]),
        ("25.87", &["failed runs left out"]),
        ("1.00", &[]),
    ] {
        assert_eq!(tried(&archive, &closed, invoice, Zones::Known).explanations(), causes, "{invoice}");
    }
}

#[test]
fn an_archive_younger_than_the_month_tries_no_earlier_day() {
    let archive = ledger::empty();
    january(&archive);
    archive.execute_batch("UPDATE syncs SET started_at = '2026-02-04T00:00:00.000000Z'").unwrap();
    let found = tried(&archive, &scope(), "25.68", Zones::Known);
    assert!(found.explanations().is_empty());
    assert!(!found.attempts.iter().any(|attempt| attempt.cause.starts_with("as known")));
}

#[test]
fn causes_rarely_close_a_gap_by_chance() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut invoices, mut by_chance) = (0, [0, 0]);
    for _ in 0..12 {
        let archive = ledger::empty();
        archive.execute_batch(SYNC).unwrap();
        let zones = ["UTC", "America/Sao_Paulo", "Europe/Lisbon"];
        for nth in 0..400 {
            // From a day before the month to a day after it.
            let start = minute("2025-12-31T00:00").plus(TimeDelta::minutes(random.i64(0..33 * 1440)));
            let ended = start.plus(TimeDelta::minutes(random.i64(1..120)));
            let failed = random.u8(..) < 20;
            let cost = |random: &mut fastrand::Rng| format!("{:.9}", random.f64().powi(6) * 1.5);
            let (el, transformation) = (cost(&mut random), cost(&mut random));
            let run = Run {
                started: &start.to_string()[..16],
                ended: &ended.to_string()[..16],
                status: if failed { "failed" } else { "success" },
                charge: if failed { "unsuccessful" } else { "charged" },
                el: &el,
                transformation: if random.bool() { &transformation } else { "" },
                zone: zones[random.usize(..zones.len())],
                ..RUN
            };
            write(&archive, &format!("run-{nth:03}"), run);
        }
        let total = tried(&archive, &scope(), "0.00", Zones::Known).attempts[0].total.unwrap();
        for _ in 0..25 {
            // Any amount within 1 % of the ledger's total, in cents.
            let parts = random.i128(99_000..101_000);
            let invoice = Usd::from_units(total.units() * parts / 100_000).to_fixed(2);
            invoices += 1;
            for (count, zones) in by_chance.iter_mut().zip([Zones::Known, Zones::All]) {
                *count += u32::from(!tried(&archive, &scope(), &invoice, zones).explanations().is_empty());
            }
        }
    }
    assert!(by_chance[0] * 50 <= invoices, "more than one in fifty: {by_chance:?} of {invoices}");
}

// ---- the command

fn archive_of(rows: fn(&Connection), folder: &Path) {
    let path = folder.join("ledger.db");
    let now = Instant::parse("2026-02-06T00:00:00Z").unwrap();
    let archive = Archive::open(&path, &Lock::acquire(&path, now).unwrap()).unwrap();
    rows(archive.connection());
    std::fs::write(folder.join("runledger.toml"), "[plan]\nfee_usd = \"100.00\"\ncredits = 500\n").unwrap();
}

fn runledger(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let ended = Command::cargo_bin("runledger")
        .unwrap()
        .args(["--db", "ledger.db"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

#[test]
fn reconcile_exits_0_and_prints_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    archive_of(january, folder.path());
    let of = |invoice| runledger(folder.path(), &["reconcile", "--period", "2026-01", "--invoice", invoice]);
    let (code, _, printed) = of("26.18");
    assert_eq!((code, printed.as_str()), (0, "the invoice matches: as the ledger has it\n"));
    let (code, _, printed) = of("27.61");
    assert_eq!((code, printed.as_str()), (0, "the invoice matches: months of America/Sao_Paulo\n"));
}

#[test]
fn reconcile_exits_3_when_no_cause_explains_the_gap() {
    let folder = tempfile::tempdir().unwrap();
    archive_of(january, folder.path());
    let of = |invoice| runledger(folder.path(), &["reconcile", "--period", "2026-01", "--invoice", invoice]);
    let (code, table, printed) = of("20.00");
    assert_eq!(code, 3);
    assert!(table.contains("months of America/Sao_Paulo"), "the table lists the attempts: {table}");
    let sentence =
        "no known cause explains the difference of -6.180000000 USD between the invoice and the ledger";
    assert!(printed.contains(sentence) && !printed.contains("possible causes"), "{printed}");
    let (code, _, printed) = of("30.00");
    assert_eq!(code, 3);
    assert!(printed.contains("(possible causes: costs that are not known)"), "{printed}");
}

#[test]
fn a_reconciliation_matches_its_golden_file_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    archive_of(january, folder.path());
    for (format, ending) in [("table", "txt"), ("csv", "csv"), ("json", "json"), ("markdown", "md")] {
        let arguments = ["reconcile", "--period", "2026-01", "--invoice", "25.77", "--format", format];
        let (code, answer, _) = runledger(folder.path(), &arguments);
        assert_eq!(code, 0);
        golden::assert_golden(&format!("reconcile.{ending}"), answer.as_bytes());
    }
}

#[test]
fn an_invalid_invoice_or_period_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    archive_of(january, folder.path());
    for (period, invoice, words) in [
        ("2026-01", "412,10", "--invoice 412,10: not an amount in US dollars"),
        ("January", "412.10", "--period January: not a month, week or day"),
    ] {
        let (code, _, printed) =
            runledger(folder.path(), &["reconcile", "--period", period, "--invoice", invoice]);
        assert_eq!(code, 2);
        assert!(printed.contains(words) && printed.contains("hint:  "), "{printed}");
    }
}

#[test]
fn an_as_of_forecast_starts_from_the_last_observation() {
    let folder = tempfile::tempdir().unwrap();
    archive_of(january, folder.path());
    let asked = ["report", "credits", "--format", "csv"];
    let (code, now, printed) = runledger(folder.path(), &asked);
    assert_eq!(code, 0, "{printed}");
    // Nothing was observed after 12:00 on the 5th, so a later day gives the same answer.
    for day in ["2026-02-05", "2026-06-30", "2026-02-05T12:00:00Z"] {
        let (_, then, _) = runledger(folder.path(), &[&asked[..], &["--as-of", day]].concat());
        assert_eq!(then, now, "{day}");
    }
    let (_, before, _) = runledger(folder.path(), &[&asked[..], &["--as-of", "2026-01-31"]].concat());
    assert_ne!(before, now);
}
