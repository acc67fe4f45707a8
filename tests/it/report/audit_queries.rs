//! The audit, waste, anomalies and settling questions, against findings computed by hand.

use crate::support::ledger;
use chrono_tz::Tz;
use runledger::internal::report::Span;
use runledger::internal::report::question::Question;
use runledger::internal::run::Instant;

const ALWAYS: Span = Span { from: None, until: None };

/// The given columns of the question's answer, cells joined by `|`.
fn lines_in(name: &str, columns: &[&str], span: &Span, limit: Option<u32>) -> Vec<String> {
    let table = Question::named(name)
        .unwrap()
        .ask(&ledger::opened(&ledger::findings(), span, Tz::UTC), limit)
        .unwrap();
    let places: Vec<usize> = columns
        .iter()
        .map(|name| table.columns.iter().position(|column| column == name).expect(name))
        .collect();
    let line = |row: &Vec<_>| {
        let cells: Vec<String> = places
            .iter()
            .map(|&place| runledger::internal::report::Cell::exact(&row[place]).unwrap_or_default())
            .collect();
        cells.join("|")
    };
    table.rows.iter().map(line).collect()
}

fn lines(name: &str, columns: &[&str]) -> Vec<String> {
    lines_in(name, columns, &ALWAYS, None)
}

fn span(from: &str, until: &str) -> Span {
    Span { from: Instant::parse(from), until: Instant::parse(until) }
}

#[test]
fn the_audit_finds_exactly_the_violations_of_charging_rules() {
    assert_eq!(
        lines("audit", &["finding", "run_id", "why"]),
        [
            "failed but charged|audit-02|a credit is charged for a run that failed: failed runs cost none",
            "charged twice|audit-03|number 2 of its pipeline was charged before: for run audit-02",
            "charged twice|audit-22|charged when seen at 2026-01-22T10:02:00.000000Z, not charged at \
             2026-01-23T00:00:00.000000Z, charged again at 2026-01-24T00:00:00.000000Z",
            "negative cost|audit-15|no run costs less than nothing: el_cost_usd is -0.250000000",
            "negative cost|audit-16|no run costs less than nothing: el_cost_usd is -0.000000001, \
             transformation_cost_usd is -2.000000000",
            "cost without duration|audit-17|0.030000000 USD for a run that is over and has no duration",
            "successful but not charged|audit-09|no credit is charged for a run that succeeded: successful runs cost one",
            "successful but not charged|audit-12|no credit is charged for a run that succeeded: successful runs cost one",
        ]
    );
}

#[test]
fn a_finding_contains_what_support_needs() {
    let columns = [
        "pipeline_name",
        "pipeline_id",
        "pipeline_kind",
        "number",
        "status",
        "credit_charge_status",
        "booked_at",
        "total_cost_usd",
        "duration_seconds",
    ];
    let found = lines("audit", &columns);
    assert_eq!(found[0], "Pedidos|a-1|source|2|failed|charged|2026-01-02T10:00:00.000000Z|0.200000000|60");
    // Its cost is unknown.
    assert_eq!(found[7], "Pedidos|a-1|source|12|success|unsuccessful|2026-04-19T12:00:00.000000Z||60");
}

#[test]
fn an_audit_of_a_month_reads_the_runs_before_it() {
    let found = lines_in(
        "audit",
        &["finding", "run_id"],
        &span("2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"),
        None,
    );
    assert_eq!(found, ["charged twice|audit-03"]);
}

#[test]
fn waste_is_failed_canceled_overlapping_and_costly_full_syncs() {
    let columns =
        ["waste", "pipeline_id", "runs", "runs_cost_unknown", "total_cost_usd", "costliest_run_id", "why"];
    assert_eq!(
        lines("waste", &columns),
        [
            "failed|n-5|1|0|9.000000000|n-5-run-12|1 of 12 runs failed",
            "dear full sync|w-1|2|0|1.750000000|waste-08|2 of 14 runs synced in full for 5 times the usual \
             cost or more: the median of 5 others is 0.150000000 USD",
            "failed|w-1|2|1|1.000000000|waste-08|2 of 14 runs failed",
            "dear full sync|w-3|1|0|0.500000003|waste-27|1 of 8 runs synced in full for 5 times the usual \
             cost or more: the median of 6 others is 0.100000000 USD",
            "failed||1|0|0.400000000|waste-28|1 of 2 runs failed",
            "failed|a-1|3|1|0.300000000|audit-02|3 of 21 runs failed",
            "overlapping|w-1|2|0|0.120000000|waste-13|2 of 14 runs started before an earlier one had ended",
            "canceled|a-1|3|0|0.030000000|audit-17|3 of 21 runs ended canceled",
            "canceled|w-2|1|1|||1 of 5 runs ended canceled",
        ]
    );
}

#[test]
fn waste_in_a_span_compares_its_runs_with_the_whole_history() {
    let day = span("2026-02-08T00:00:00Z", "2026-02-09T00:00:00Z");
    let columns = ["waste", "runs", "total_cost_usd", "why"];
    assert_eq!(
        lines_in("waste", &columns, &day, None),
        [
            "dear full sync|1|1.000000000|1 of 1 runs synced in full for 5 times the usual cost or more: \
             the median of 5 others is 0.150000000 USD",
            "failed|1|1.000000000|1 of 1 runs failed",
        ]
    );
    // The run that it overlaps is booked before the span.
    let minute = span("2026-02-11T11:00:00Z", "2026-02-11T11:01:00Z");
    assert_eq!(lines_in("waste", &["waste", "costliest_run_id"], &minute, None), ["overlapping|waste-13"]);
    assert_eq!(lines_in("waste", &["pipeline_id"], &ALWAYS, Some(2)), ["n-5", "w-1"]);
}

#[test]
fn anomalies_are_latest_runs_outside_their_pipelines_band() {
    assert_eq!(
        lines("anomalies", &["run_id", "why"]),
        [
            // 30 runs before it, the last 25 of them cheap.
            "n-10-run-90|cost 1 USD against a median of 0.1 (band 0.08 to 0.12) of 30 runs before",
            // All equal, so 0.02 to both sides; 0.2 away. The next run has no cost yet and lasted 4 widths longer.
            "n-9-run-11|cost 0.3 USD against a median of 0.1 (band 0.08 to 0.12) of 10 runs before",
            "n-6-run-11|cost 0 USD against a median of 1 (band 0.8 to 1.2) of 10 runs before; duration 10 s \
             against a median of 601.5 (band 481.2 to 721.8) of 10 runs before",
            "n-9-run-12|duration 300 s against a median of 60 (band 0 to 120) of 11 runs before",
            "n-1-run-12|cost 0.16 USD against a median of 0.1 (band 0.05 to 0.15) of 11 runs before",
            "n-3-run-11|duration 721 s against a median of 600 (band 480 to 720) of 10 runs before",
        ]
    );
}

#[test]
fn an_idle_pipeline_is_judged_when_its_span_is_requested() {
    let april = span("2026-04-18T00:00:00Z", "2026-05-01T00:00:00Z");
    let found = lines_in("anomalies", &["run_id", "cost_usd", "cost_high_usd"], &april, None);
    // By then n-10 had just become cheap, which is an anomaly too.
    assert_eq!(found, ["n-7-run-11|9.000000000|0.120000000", "n-10-run-70|0.100000000|1.200000000"]);
}

#[test]
fn anomalies_are_few_and_sorted_strongest_first() {
    assert_eq!(lines_in("anomalies", &["pipeline_id"], &ALWAYS, Some(2)), ["n-10", "n-9"]);
}

#[test]
fn settling_reports_how_long_costs_kept_changing() {
    let columns = ["pipeline_kind", "runs_changed", "changes", "p50_seconds", "p95_seconds", "max_seconds"];
    assert_eq!(
        lines("settling", &columns),
        [
            "destination|1|1|30.000|30.000|30.000",
            // 0.5, 3600, 172800 and 864000 seconds: p95 is 0.85 of the way from the third to the fourth.
            "source|3|4|88200.000|760320.000|864000.000",
            "transformation|1|1|1728000.000|1728000.000|1728000.000",
            "|0|0|||",
            // With 30 and 1728000: p95 is 0.75 of the way from 864000 to 1728000.
            "all kinds|5|6|88200.000|1512000.000|1728000.000",
        ]
    );
}

#[test]
fn settling_reports_the_safe_close_date_and_the_needed_lookback() {
    let far_enough = "sync finds such changes with its default --lookback of 7d";
    assert_eq!(
        lines("settling", &["pipeline_kind", "safe_after_days", "safe_close_on", "lookback"]),
        [
            // The newest run is booked in May.
            format!("destination|1|2026-06-02|{far_enough}"),
            // Ten days after the end of the month, and half an hour more after the start.
            "source|11|2026-06-12|looking 7 days back is too short: 1 of 4 changes came later, up to 11 days \
             after the run was created, and only a full sync finds them; sync --lookback 11d would"
                .to_owned(),
            format!("transformation|21|2026-06-22|{far_enough}"),
            "|||no cost was seen to change yet".to_owned(),
            "all kinds|21|2026-06-22|looking 7 days back is too short: 1 of 6 changes came later, up to 11 days \
             after the run was created, and only a full sync finds them; sync --lookback 11d would"
                .to_owned(),
        ]
    );
}

#[test]
fn the_audit_of_the_demo_has_one_finding_of_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| -> String {
        let mut command = assert_cmd::Command::cargo_bin("runledger").unwrap();
        let ended =
            command.args(["--db", "demo.db"]).args(arguments).current_dir(folder.path()).assert().code(0);
        String::from_utf8(ended.get_output().stdout.clone()).unwrap()
    };
    ask(&["demo", "--runs", "1000"]);
    let found: serde_json::Value =
        serde_json::from_str(&ask(&["report", "audit", "--format", "json"])).unwrap();
    let found = found["rows"].as_array().unwrap();
    let kinds: Vec<&str> = found.iter().filter_map(|row| row["finding"].as_str()).collect();
    assert_eq!(
        kinds,
        [
            "failed but charged",
            "charged twice",
            "negative cost",
            "cost without duration",
            "successful but not charged"
        ]
    );
}

#[test]
fn a_first_extraction_is_no_finding_after_the_api_replaced_its_status() {
    let archive = ledger::findings();
    let audited = || {
        let ledger = ledger::opened(&archive, &ALWAYS, Tz::UTC);
        let table = Question::named("audit").unwrap().ask(&ledger, None).unwrap();
        table.rows.iter().map(|row| row[1].exact().unwrap()).filter(|run_id| run_id == "audit-09").count()
    };
    assert_eq!(audited(), 1, "it succeeded and was not charged");
    // Before that, the run had the withdrawn status.
    let before = archive
        .execute(
            "INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, status, \
                                        credit_charge_status, source) \
             SELECT run_id, '2026-01-09T10:02:00.000000Z', observed_at, sync_id, zeroblob(32), status, \
                    'first_extraction', source \
             FROM run_snapshots WHERE run_id = 'audit-09' AND superseded_at IS NULL",
            [],
        )
        .unwrap();
    assert_eq!((before, audited()), (1, 0));
}
