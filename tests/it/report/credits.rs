//! The credits report, against a ledger whose forecast is computed by hand.

use crate::support::{golden, ledger};
use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::internal::error::Result;
use runledger::internal::export::json::Layout;
use runledger::internal::export::{Dialect, csv, json, markdown};
use runledger::internal::report::credits::{CreditsOptions, report};
use runledger::internal::report::plan::{CreditPurchase, Plan};
use runledger::internal::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use runledger::internal::report::terms::{ScopeTerms, Terms};
use runledger::internal::report::timeline::Timeline;
use runledger::internal::report::{Cell, Ledger, Scope, Span, Table};
use runledger::internal::run::{Instant, Usd};
use rusqlite::{Connection, params};

/// The time of the ledger's last sync.
const NOW: &str = "2026-03-16T12:30:00Z";

const PIPELINES: &str = "
INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, gone_at, observed_at) VALUES
    ('source', 's-night', 'noturno', 'Pedidos', 1, NULL, '2026-01-01T00:00:00.000000Z'),
    ('source', 's-six', 'seis-horas', 'Estoque', 1, NULL, '2026-01-01T00:00:00.000000Z'),
    ('source', 's-hand', 'manual', 'Vendas', 1, NULL, '2026-01-01T00:00:00.000000Z'),
    ('destination', 'd-event', 'evento', 'Vendas', 1, NULL, '2026-01-01T00:00:00.000000Z'),
    ('source', 's-rate', 'taxa', NULL, 1, NULL, '2026-01-01T00:00:00.000000Z'),
    ('transformation', 't-moved', 'mudou', 'Modelo', NULL, NULL, '2026-01-01T00:00:00.000000Z'),
    -- One that was deleted, one that was switched off, and one that never ran.
    ('source', 's-gone', 'foi-se', 'Antigo', 1, '2026-03-10T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z'),
    ('source', 's-off', 'parado', 'Parado', 0, NULL, '2026-01-01T00:00:00.000000Z'),
    ('source', 's-never', 'novo', 'Novo', 1, NULL, '2026-01-01T00:00:00.000000Z');
";

/// A ledger under construction, and its number of runs.
struct ChargeSummary(Connection, u32);

impl ChargeSummary {
    fn new(pipelines: &str) -> ChargeSummary {
        let archive = ledger::empty();
        archive
            .execute_batch(
                "INSERT INTO syncs (sync_id, kind, started_at, process_id, program_version, api_url, last_observed_at) \
                 VALUES (1, 'first', '2026-01-01T00:00:00.000000Z', 1, '0.1.0', 'http://127.0.0.1:1/', \
                         '2026-03-16T12:30:00.000000Z')",
            )
            .unwrap();
        archive.execute_batch(pipelines).unwrap();
        ChargeSummary(archive, 0)
    }

    /// Adds a run that starts at that minute. `trigger` is `manual`, `event`, or a cron expression with
    /// an optional zone, as `0 5 * * *@UTC`.
    fn run(&mut self, pipeline: &str, at: &str, trigger: &str, status: &str, charge: &str) {
        self.1 += 1;
        let (kind, id) = match pipeline.chars().next() {
            Some('s') => (["source"].as_slice(), pipeline),
            Some('d') => (["destination"].as_slice(), pipeline),
            Some('t') => (["transformation"].as_slice(), pipeline),
            _ => (["source", "destination"].as_slice(), "two"),
        };
        let (word, json) = match trigger.split_once('@') {
            None => (trigger, format!("{{\"type\":\"{trigger}\"}}")),
            Some((expression, zone)) => {
                let zone = if zone.is_empty() { "null".to_owned() } else { format!("\"{zone}\"") };
                let cron = format!(
                    "{{\"cron_expression\":\"{expression}\",\"cron_timezone\":{zone},\"type\":\"cron\"}}"
                );
                ("cron", cron)
            }
        };
        let started = Instant::parse(&format!("{at}:00Z")).unwrap();
        let ended = (status != "running").then(|| started.plus(TimeDelta::minutes(10)));
        let sql = format!(
            "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, started_at, ended_at, \
                                        status, \"trigger\", trigger_type, credit_charge_status, {}) \
             VALUES (?1, ?2, 1, zeroblob(32), ?3, ?3, ?4, ?5, ?6, ?7, ?8, {})",
            kind.join(", "),
            vec!["?9"; kind.len()].join(", "),
        );
        let seen = started.plus(TimeDelta::minutes(1));
        let charge = Some(charge).filter(|charge| !charge.is_empty());
        let run = format!("run-{:03}", self.1);
        self.0.execute(&sql, params![run, seen, started, ended, status, json, word, charge, id]).unwrap();
    }

    fn charged(&mut self, pipeline: &str, trigger: &str, times: &[&str]) {
        for at in times {
            self.run(pipeline, at, trigger, "success", "charged");
        }
    }
}

/// The middle of March 2026.
fn written() -> ChargeSummary {
    let mut written = ChargeSummary::new(PIPELINES);
    // 02:30 in Berlin, where daylight saving starts on 29 March: that night at 03:00. One of five failed.
    let night = "30 2 * * *@Europe/Berlin";
    written.charged(
        "s-night",
        night,
        &["2026-03-12T01:30", "2026-03-13T01:30", "2026-03-14T01:30", "2026-03-16T01:30"],
    );
    written.run("s-night", "2026-03-15T01:30", night, "failed", "unsuccessful");
    // Without a zone; the last of seven is running.
    let six = "0 */6 * * *@";
    for at in ["15T00:00", "15T06:00", "15T12:00", "15T18:00", "16T00:00", "16T06:00"] {
        written.charged("s-six", six, &[&format!("2026-03-{at}")]);
    }
    written.run("s-six", "2026-03-16T12:00", six, "running", "unsuccessful");
    // Manual, ten times in thirty days; before that, one success without a charge status or a cost.
    for day in ["02-15", "02-20", "02-25", "02-28", "03-01", "03-02", "03-05", "03-07", "03-09", "03-11"] {
        written.charged("s-hand", "manual", &[&format!("2026-{day}T09:00")]);
    }
    written.run("s-hand", "2026-02-10T09:00", "manual", "success", "unsuccessful");
    // By events, six times, and once before.
    for day in ["02-13", "03-03", "03-04", "03-06", "03-08", "03-10", "03-12"] {
        written.charged("d-event", "event", &[&format!("2026-{day}T15:00")]);
    }
    // An invalid cron expression.
    written.charged(
        "s-rate",
        "rate(1 day)@UTC",
        &["2026-03-13T00:00", "2026-03-14T00:00", "2026-03-15T00:00"],
    );
    // Every hour until the schedule became 05:00 in New York, which is 09:00 in UTC.
    for hour in ["00", "01", "02", "03"] {
        written.charged("t-moved", "0 * * * *@UTC", &[&format!("2026-03-14T{hour}:00")]);
    }
    written.charged("t-moved", "0 5 * * *@America/New_York", &["2026-03-15T09:00", "2026-03-16T09:00"]);
    written.charged("s-gone", "0 * * * *@UTC", &["2026-03-09T00:00", "2026-03-09T01:00"]);
    written.charged("s-off", "0 1 * * *@UTC", &["2026-03-09T01:00"]);
    // A run of two pipelines counts for neither.
    written.charged("?", "manual", &["2026-03-09T01:00"]);
    written
}

/// Terms with one plan at all times.
fn plan(credits: u64) -> Terms {
    let plan = Timeline::always(Plan { fee_usd: Usd::default(), credits });
    Terms { plan, ..Terms::default() }
}

fn with_terms(terms: Terms) -> Scope {
    Scope { terms: ScopeTerms::Settings(terms), ..Scope::default() }
}

fn report_for(written: &ChargeSummary, scope: Scope, question: &CreditsOptions) -> Result<Table> {
    let ledger = Ledger::open(&written.0, scope).unwrap();
    report(&ledger, question, Instant::parse(NOW).unwrap())
}

fn by_month(credits: u64) -> Table {
    report_for(&written(), with_terms(plan(credits)), &CreditsOptions::default()).unwrap()
}

fn what_if(of: &[(&str, &str)]) -> CreditsOptions {
    let what_if = of.iter().map(|(pipeline, expression)| ((*pipeline).to_owned(), (*expression).to_owned()));
    CreditsOptions { what_if: what_if.collect(), by_pipeline: true, ..CreditsOptions::default() }
}

/// The rows in machine format, cells joined by `|`.
fn lines(table: &Table) -> Vec<String> {
    let line = |row: &Vec<Cell>| -> Vec<String> {
        row.iter().map(|cell| cell.exact().unwrap_or_default()).collect()
    };
    table.rows.iter().map(|row| line(row).join("|")).collect()
}

/// The forecast and the schedule of one pipeline in March.
fn forecast(table: &Table, pipeline: &str) -> String {
    let of = |row: &&Vec<Cell>| row[0] == Cell::text("2026-03") && row[2] == Cell::text(pipeline);
    let row = table.rows.iter().find(of).expect(pipeline);
    format!("{} {}", row[8].exact().unwrap_or_default(), row[11].exact().unwrap_or_default())
}

#[test]
fn credit_counts_and_forecast_match_hand_computed_values() {
    let table = by_month(200);
    assert_eq!(
        table.columns.join("|"),
        "month|runs|charged_runs|free_runs|undecided_runs|forecast_credits|expected_credits|plan_credits|\
         purchased_credits|plan_used_rate|credits_run_out_on"
    );
    assert_eq!(
        lines(&table),
        [
            "2026-02|6|5|0|1||6|200||0.030000|",
            // 12 + 61 + 15 by schedules, and 20 / 30 for each of 15 days and 11.5 hours.
            "2026-03|37|35|1|1|98|134|200||0.670000|",
        ]
    );
}

#[test]
fn each_pipeline_is_forecast_from_its_schedule_or_its_pace() {
    let table = report_for(
        &written(),
        Scope::default(),
        &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() },
    )
    .unwrap();
    assert_eq!(
        lines(&table),
        [
            "2026-02|Vendas|s-hand|source|5|4|0|1||5||",
            "2026-02|Vendas|d-event|destination|1|1|0|0||1||",
            // Four times a day for 15 days, and once more today.
            "2026-03|Estoque|s-six|source|7|6|0|1|61|68||0 */6 * * * UTC",
            // Its new schedule 15 times; runs of the old schedule do not count as pace.
            "2026-03|Modelo|t-moved|transformation|6|6|0|0|15|21||0 5 * * * America/New_York",
            // 15 nights, of which four in five are charged.
            "2026-03|Pedidos|s-night|source|5|4|1|0|12|16||30 2 * * * Europe/Berlin",
            // 5.159718
            "2026-03|Vendas|s-hand|source|6|6|0|0|5|11||",
            // 3.095831
            "2026-03|Vendas|d-event|destination|6|6|0|0|3|9||",
            // 1.547916: the largest remainder gets what the others leave of 98.319437.
            "2026-03||s-rate|source|3|3|0|0|2|5||",
            "2026-03|Antigo|s-gone|source|2|2|0|0|0|2||",
            // 0.515972
            "2026-03||||1|1|0|0|0|1||",
            "2026-03|Parado|s-off|source|1|1|0|0|0|1||",
        ]
    );
    let totals: Vec<String> = table.totals.unwrap().iter().filter_map(Cell::exact).collect();
    assert_eq!(totals, ["43", "40", "1", "2", "98", "140"]);
}

#[test]
fn the_pipelines_of_a_month_sum_to_the_month() {
    let sum = |table: &Table, column: &str| -> u64 {
        let place = table.columns.iter().position(|name| name == column).unwrap();
        let march = table.rows.iter().filter(|row| row[0] == Cell::text("2026-03"));
        march.map(|row| row[place].exact().map_or(0, |count| count.parse::<u64>().unwrap())).sum()
    };
    let question = |by_pipeline| CreditsOptions { by_pipeline, ..CreditsOptions::default() };
    let [months, pipelines] =
        [false, true].map(|by| report_for(&written(), Scope::default(), &question(by)).unwrap());
    for column in
        ["runs", "charged_runs", "free_runs", "undecided_runs", "forecast_credits", "expected_credits"]
    {
        assert_eq!(sum(&months, column), sum(&pipelines, column), "{column}");
    }
}

#[test]
fn credits_run_out_on_the_day_that_uses_the_last_one() {
    let on = |credits: u64| {
        let table = by_month(credits);
        table.rows.iter().map(|row| row[10].exact().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    };
    // February: five charged and one undecided; March: 35 and one; 134 expected.
    assert_eq!(on(1), "2026-02-10 2026-03-01");
    assert_eq!(on(6), "2026-02-28 2026-03-06");
    assert_eq!(on(7), " 2026-03-07");
    assert_eq!(on(36), " 2026-03-16");
    // Today one more; tomorrow four, one, 0.8 of one, and a little by pace.
    assert_eq!(on(37), " 2026-03-16");
    assert_eq!(on(44), " 2026-03-17");
    assert_eq!(on(45), " 2026-03-18");
    // Exactly the plan, and one more than the plan.
    assert_eq!(on(134), " 2026-03-31");
    assert_eq!(on(135), " ");
}

#[test]
fn a_report_without_a_plan_has_no_plan_columns() {
    let table = report_for(&written(), Scope::default(), &CreditsOptions::default()).unwrap();
    assert_eq!(lines(&table), ["2026-02|6|5|0|1||6||||", "2026-03|37|35|1|1|98|134||||"]);
}

#[test]
fn purchased_credits_extend_the_plan_in_the_month_of_their_date() {
    let purchase = |date: &str, credits| CreditPurchase {
        date: date.parse().unwrap(),
        credits,
        price_usd: Usd::default(),
    };
    let purchases = vec![purchase("2026-03-31", 4), purchase("2026-02-01", 1), purchase("2026-03-01", 3)];
    let scope = with_terms(Terms { credit_purchases: purchases.clone(), ..plan(38) });
    let table = report_for(&written(), scope, &CreditsOptions::default()).unwrap();
    // The rate is that of the plan alone; 45 credits are used up a day later than 44.
    assert_eq!(
        lines(&table),
        ["2026-02|6|5|0|1||6|38|1|0.157895|", "2026-03|37|35|1|1|98|134|38|7|3.526316|2026-03-18"]
    );
    let without_plan = with_terms(Terms { credit_purchases: purchases, ..Terms::default() });
    let table = report_for(&written(), without_plan, &CreditsOptions::default()).unwrap();
    assert_eq!(lines(&table), ["2026-02|6|5|0|1||6||1||", "2026-03|37|35|1|1|98|134||7||"]);
}

#[test]
fn each_month_has_the_plan_of_its_first_day() {
    let mut plans = Timeline::always(Plan { fee_usd: Usd::default(), credits: 5 });
    assert!(
        plans.insert(Some("2026-03-01".parse().unwrap()), Plan { fee_usd: Usd::default(), credits: 134 })
    );
    let scope = with_terms(Terms { plan: plans, ..Terms::default() });
    let table = report_for(&written(), scope, &CreditsOptions::default()).unwrap();
    assert_eq!(
        lines(&table),
        ["2026-02|6|5|0|1||6|5||1.200000|2026-02-25", "2026-03|37|35|1|1|98|134|134||1.000000|2026-03-31"]
    );
}

#[test]
fn a_plan_without_credits_has_no_share() {
    let table = by_month(0);
    assert_eq!(table.rows[1][9], Cell::Share(None));
    assert_eq!(table.rows[1][10], Cell::text("2026-03-01"));
}

#[test]
fn a_what_if_finds_its_pipeline_by_slug_id_or_name() {
    for name in ["seis-horas", "s-six", "Estoque"] {
        let table = report_for(&written(), Scope::default(), &what_if(&[(name, "0 */2 * * *")])).unwrap();
        // Five more today, twelve on each of 15 days.
        assert_eq!(forecast(&table, "s-six"), "185 0 */2 * * * UTC", "{name}");
        assert_eq!(forecast(&table, "s-night"), "12 30 2 * * * Europe/Berlin");
    }
}

#[test]
fn a_what_if_keeps_the_zone_and_success_rate_of_the_schedule() {
    let table = report_for(&written(), Scope::default(), &what_if(&[("noturno", "0 12,18 * * *")])).unwrap();
    // 12:00 in Berlin is over for today, 18:00 is not: 31 times, four in five charged.
    assert_eq!(forecast(&table, "s-night"), "25 0 12,18 * * * Europe/Berlin");
}

#[test]
fn a_what_if_replaces_an_unreadable_cron_expression() {
    let table = report_for(&written(), Scope::default(), &what_if(&[("taxa", "0 0 * * *")])).unwrap();
    assert_eq!(forecast(&table, "s-rate"), "15 0 0 * * * UTC");
}

#[test]
fn a_what_if_adds_to_manual_and_event_runs() {
    let scope = Scope { zone: Tz::America__Sao_Paulo, ..Scope::default() };
    let table = report_for(&written(), scope, &what_if(&[("s-hand", "0 8 * * *")])).unwrap();
    // Fifteen times by schedule, in the report's zone, and 5.2 manual: the month is three hours longer.
    assert_eq!(forecast(&table, "s-hand"), "20 0 8 * * * America/Sao_Paulo");
}

#[test]
fn a_what_if_schedules_inactive_vanished_and_unused_pipelines() {
    for pipeline in ["s-off", "s-gone", "s-never"] {
        let table = report_for(&written(), Scope::default(), &what_if(&[(pipeline, "0 12 * * 1")])).unwrap();
        // The Mondays of 23 and 30 March; the success rate comes from the runs before.
        let runs = if pipeline == "s-never" { "2" } else { "0" };
        assert_eq!(forecast(&table, pipeline), format!("{runs} 0 12 * * 1 UTC"), "{pipeline}");
    }
}

#[test]
fn a_what_if_accepts_several_pipelines() {
    let question = what_if(&[("s-six", "0 0 * * *"), ("s-night", "0 0 * * *")]);
    let table = report_for(&written(), Scope::default(), &question).unwrap();
    assert_eq!(forecast(&table, "s-six"), "15 0 0 * * * UTC");
    assert_eq!(forecast(&table, "s-night"), "13 0 0 * * * Europe/Berlin");
}

#[test]
fn an_invalid_what_if_is_a_usage_error() {
    let refused = |question: &CreditsOptions| {
        report_for(&written(), Scope::default(), question).unwrap_err().to_string()
    };
    for (question, words) in [
        (what_if(&[("nobody", "0 0 * * *")]), "--what-if nobody: no pipeline has that slug, id or name"),
        (
            what_if(&[("Vendas", "0 0 * * *")]),
            "--what-if Vendas: several pipelines match: the destination d-event, the source s-hand",
        ),
        (what_if(&[("s-six", "every hour")]), "--what-if s-six: every hour: "),
        (what_if(&[("s-six", "0 25 * * *")]), "--what-if s-six: 0 25 * * *: "),
        (
            what_if(&[("s-six", "0 0 * * *"), ("seis-horas", "0 1 * * *")]),
            "--what-if seis-horas: that pipeline already has an expression",
        ),
    ] {
        let message = refused(&question);
        assert!(message.starts_with(words), "{message}");
    }
    let over = Scope {
        span: Span { from: None, until: Instant::parse("2026-03-01T00:00:00Z") },
        ..Scope::default()
    };
    assert!(report_for(&written(), over, &what_if(&[("s-six", "0 0 * * *")])).is_err());
}

#[test]
fn a_cron_expression_without_matches_forecasts_zero_runs() {
    let table = report_for(&written(), Scope::default(), &what_if(&[("s-six", "0 0 30 2 *")])).unwrap();
    assert_eq!(forecast(&table, "s-six"), "0 0 0 30 2 * UTC");
}

#[test]
fn months_and_days_follow_the_zone() {
    let scope = Scope { zone: Tz::America__Sao_Paulo, ..with_terms(plan(134)) };
    let table = report_for(&written(), scope, &CreditsOptions::default()).unwrap();
    // The month ends three hours later: s-night once more, at 00:30 on 1 April in UTC, and s-six once more at 00:00.
    assert_eq!(lines(&table)[1], "2026-03|37|35|1|1|100|136|134||1.014925|2026-03-31");
}

#[test]
fn a_month_that_ends_with_a_dst_change_is_one_hour_shorter() {
    let mut written = ChargeSummary::new("");
    written.charged("s-1", "0 * * * *@Europe/Berlin", &["2026-03-16T12:00"]);
    written.charged("s-2", "0 3 * * *@America/New_York", &["2026-03-16T07:00"]);
    let span = |from: &str, until: &str| Span { from: Instant::parse(from), until: Instant::parse(until) };
    // 29 March in Berlin.
    let scope = Scope {
        span: span("2026-03-16T00:00:00Z", "2026-03-29T22:00:00Z"),
        zone: Tz::Europe__Berlin,
        ..Scope::default()
    };
    let table =
        report_for(&written, scope, &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() })
            .unwrap();
    // From 13:00 UTC on the 16th until 21:00 on the 29th, once an hour.
    assert_eq!(forecast(&table, "s-1"), format!("{} 0 * * * * Europe/Berlin", 11 + 12 * 24 + 22));
    assert_eq!(forecast(&table, "s-2"), "13 0 3 * * * America/New_York");
}

#[test]
fn a_span_is_forecast_to_its_end() {
    let span =
        Span { from: Instant::parse("2026-03-16T00:00:00Z"), until: Instant::parse("2026-03-18T00:00:00Z") };
    let table =
        report_for(&written(), Scope { span, ..Scope::default() }, &CreditsOptions::default()).unwrap();
    // 1 + 4 by s-six, 0.8, 1, and 20 / 30 for each of a day and 11.5 hours: 7.79.
    assert_eq!(lines(&table), ["2026-03|5|4|0|1|8|13||||"]);
}

#[test]
fn a_past_month_has_no_forecast() {
    for (from, until) in [("2026-02-01", "2026-03-01"), ("2026-04-01", "2026-05-01")] {
        let day = |day: &str| Instant::parse(&format!("{day}T00:00:00Z"));
        let scope = Scope { span: Span { from: day(from), until: day(until) }, ..with_terms(plan(5)) };
        let table = report_for(&written(), scope, &CreditsOptions::default()).unwrap();
        let expected: &[&str] =
            if from == "2026-02-01" { &["2026-02|6|5|0|1||6|5||1.200000|2026-02-25"] } else { &[] };
        assert_eq!(lines(&table), expected);
    }
}

#[test]
fn an_as_of_forecast_is_the_one_made_then() {
    let written = written();
    let moment = Instant::parse("2026-03-10T00:00:00Z").unwrap();
    let scope = Scope { as_of: Some(moment), ..Scope::default() };
    let ledger = Ledger::open(&written.0, scope).unwrap();
    let table =
        report(&ledger, &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() }, moment).unwrap();
    let march: Vec<String> = lines(&table).into_iter().filter(|line| line.starts_with("2026-03")).collect();
    // s-gone vanishes at that instant, s-off was inactive before; in thirty days 10 manual, 5 by events and 1 of
    // neither, for 22 days: 7.33, 3.67 and 0.73, together 12.
    assert_eq!(
        march,
        [
            "2026-03|Vendas|s-hand|source|5|5|0|0|7|12||",
            "2026-03|Vendas|d-event|destination|4|4|0|0|4|8||",
            "2026-03||||1|1|0|0|1|2||",
            "2026-03|Antigo|s-gone|source|2|2|0|0|0|2||",
            "2026-03|Parado|s-off|source|1|1|0|0|0|1||",
        ]
    );
}

#[test]
fn an_unreadable_schedule_replaces_the_one_before_it() {
    let mut written = ChargeSummary::new("");
    written.charged("s-1", "0 * * * *@UTC", &["2026-03-14T00:00", "2026-03-14T01:00"]);
    written.charged("s-1", "rate(1 day)@UTC", &["2026-03-15T00:00"]);
    let table = report_for(
        &written,
        Scope::default(),
        &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() },
    )
    .unwrap();
    // Three in thirty days, for 15.48 days.
    assert_eq!(forecast(&table, "s-1"), "2 ");
}

#[test]
fn an_archive_without_recent_runs_forecasts_nothing() {
    let mut written = ChargeSummary::new("");
    written.charged("s-1", "0 * * * *@UTC", &["2026-01-14T00:00"]);
    let table = report_for(&written, Scope::default(), &CreditsOptions::default()).unwrap();
    assert_eq!(lines(&table), ["2026-01|1|1|0|0||1||||", "2026-03|0|0|0|0|0|0||||"]);
}

#[test]
fn the_credits_report_matches_its_golden_files() {
    let question = |by_pipeline| CreditsOptions { by_pipeline, ..CreditsOptions::default() };
    for (name, by_pipeline) in [("credits", false), ("credits-by-pipeline", true)] {
        let table = report_for(&written(), with_terms(plan(120)), &question(by_pipeline)).unwrap();
        let mut outputs: [Vec<u8>; 3] = Default::default();
        let [csv_text, json_text, md] = &mut outputs;
        golden::assert_screens(name, &table, "report credits");
        csv::write_table(&table, &Dialect::MACHINE, USD_DECIMALS, csv_text).unwrap();
        json::write_table(&table, Layout::Array, USD_DECIMALS, json_text).unwrap();
        markdown::write_table(&table, USD_DECIMALS_FOR_PEOPLE, md).unwrap();
        for (ending, bytes) in ["csv", "json", "md"].iter().zip(&outputs) {
            golden::assert_golden(&format!("{name}.{ending}"), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pipelines_sum_to_their_months(
        runs in prop::collection::vec((0..6_u8, 0..45_u32, 0..24_u32, 0..4_u8, 0..3_u8), 1..60),
    ) {
        let mut written = ChargeSummary::new("");
        let first = Instant::parse("2026-01-31T00:05:00Z").unwrap();
        for (pipeline, day, hour, trigger, end) in runs {
            let at = first.plus(TimeDelta::days(day.into()) + TimeDelta::hours(hour.into()));
            let trigger = ["manual", "event", "0 */5 * * *@Asia/Kathmandu", "5 3 * * 1-5@"][usize::from(trigger)];
            let (status, charge) = [("success", "charged"), ("failed", "unsuccessful"), ("running", "")][usize::from(end)];
            written.run(&format!("s-{pipeline}"), &at.to_string()[..16], trigger, status, charge);
        }
        let sums = |by_pipeline| {
            let table = report_for(&written, Scope::default(), &CreditsOptions { by_pipeline, ..CreditsOptions::default() }).unwrap();
            let first = if by_pipeline { 4 } else { 1 };
            let mut sums = std::collections::BTreeMap::<String, [u64; 6]>::new();
            for row in &table.rows {
                let of_month = sums.entry(row[0].exact().unwrap()).or_default();
                for (sum, cell) in of_month.iter_mut().zip(&row[first..]) {
                    *sum += cell.exact().map_or(0, |count| count.parse().unwrap());
                }
            }
            for [runs, charged, free, undecided, forecast, expected] in sums.values() {
                assert_eq!(charged + free + undecided, *runs);
                assert_eq!(charged + undecided + forecast, *expected);
            }
            // A month without runs has no pipelines.
            sums.retain(|_, sums| *sums != [0; 6]);
            sums
        };
        prop_assert_eq!(sums(false), sums(true));
    }
}
