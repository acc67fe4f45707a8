//! This is the test of the credits report, against a ledger whose forecast is worked out by hand.

use crate::support::{golden, ledger};
use chrono::TimeDelta;
use chrono_tz::Tz;
use proptest::prelude::*;
use runledger::error::Result;
use runledger::export::json::Layout;
use runledger::export::{Dialect, csv, json, markdown, terminal};
use runledger::report::credits::{CreditsOptions, report};
use runledger::report::plan::Plan;
use runledger::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use runledger::report::{Cell, Ledger, Scope, Span, Table};
use runledger::run::{Instant, Usd};
use rusqlite::{Connection, params};

/// When the ledger was brought up to date last.
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

/// A ledger, and how many runs it has.
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

    /// A run that starts at that minute; `trigger` is `manual`, `event`, or an expression and perhaps its zone.
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

/// March 2026 in the middle of it.
fn written() -> ChargeSummary {
    let mut written = ChargeSummary::new(PIPELINES);
    // Half past two in Berlin, where the clock is put forward on 29 March: that night at three. One of five failed.
    let night = "30 2 * * *@Europe/Berlin";
    written.charged(
        "s-night",
        night,
        &["2026-03-12T01:30", "2026-03-13T01:30", "2026-03-14T01:30", "2026-03-16T01:30"],
    );
    written.run("s-night", "2026-03-15T01:30", night, "failed", "unsuccessful");
    // Without a zone; the last of seven is under way.
    let six = "0 */6 * * *@";
    for at in ["15T00:00", "15T06:00", "15T12:00", "15T18:00", "16T00:00", "16T06:00"] {
        written.charged("s-six", six, &[&format!("2026-03-{at}")]);
    }
    written.run("s-six", "2026-03-16T12:00", six, "running", "unsuccessful");
    // By hand, ten times in thirty days; and before, one that succeeded and of which neither charge nor cost came.
    for day in ["02-15", "02-20", "02-25", "02-28", "03-01", "03-02", "03-05", "03-07", "03-09", "03-11"] {
        written.charged("s-hand", "manual", &[&format!("2026-{day}T09:00")]);
    }
    written.run("s-hand", "2026-02-10T09:00", "manual", "success", "unsuccessful");
    // By events, six times, and once before.
    for day in ["02-13", "03-03", "03-04", "03-06", "03-08", "03-10", "03-12"] {
        written.charged("d-event", "event", &[&format!("2026-{day}T15:00")]);
    }
    // No expression that anybody can read.
    written.charged(
        "s-rate",
        "rate(1 day)@UTC",
        &["2026-03-13T00:00", "2026-03-14T00:00", "2026-03-15T00:00"],
    );
    // Every hour until somebody chose five in the morning of New York, which is 09:00 in UTC.
    for hour in ["00", "01", "02", "03"] {
        written.charged("t-moved", "0 * * * *@UTC", &[&format!("2026-03-14T{hour}:00")]);
    }
    written.charged("t-moved", "0 5 * * *@America/New_York", &["2026-03-15T09:00", "2026-03-16T09:00"]);
    written.charged("s-gone", "0 * * * *@UTC", &["2026-03-09T00:00", "2026-03-09T01:00"]);
    written.charged("s-off", "0 1 * * *@UTC", &["2026-03-09T01:00"]);
    // Of two pipelines at once, so of none.
    written.charged("?", "manual", &["2026-03-09T01:00"]);
    written
}

fn plan(credits: u64) -> Option<Plan> {
    Some(Plan { fee_usd: Usd::default(), credits })
}

fn asked(written: &ChargeSummary, scope: Scope, question: &CreditsOptions) -> Result<Table> {
    let ledger = Ledger::open(&written.0, scope).unwrap();
    report(&ledger, question, Instant::parse(NOW).unwrap())
}

fn by_month(credits: u64) -> Table {
    asked(&written(), Scope::default(), &CreditsOptions { plan: plan(credits), ..CreditsOptions::default() })
        .unwrap()
}

fn what_if(of: &[(&str, &str)]) -> CreditsOptions {
    let what_if = of.iter().map(|(pipeline, expression)| ((*pipeline).to_owned(), (*expression).to_owned()));
    CreditsOptions { what_if: what_if.collect(), by_pipeline: true, ..CreditsOptions::default() }
}

/// The rows as a machine reads them, each cell divided from the next by a bar.
fn lines(table: &Table) -> Vec<String> {
    let line = |row: &Vec<Cell>| -> Vec<String> {
        row.iter().map(|cell| cell.exact().unwrap_or_default()).collect()
    };
    table.rows.iter().map(|row| line(row).join("|")).collect()
}

/// Of one pipeline in March: its forecast and its schedule.
fn forecast(table: &Table, pipeline: &str) -> String {
    let of = |row: &&Vec<Cell>| row[0] == Cell::text("2026-03") && row[2] == Cell::text(pipeline);
    let row = table.rows.iter().find(of).expect(pipeline);
    format!("{} {}", row[8].exact().unwrap_or_default(), row[11].exact().unwrap_or_default())
}

#[test]
fn charged_free_undecided_and_forecast_are_those_worked_out_by_hand() {
    let table = by_month(200);
    assert_eq!(
        table.columns.join("|"),
        "month|runs|charged_runs|free_runs|undecided_runs|forecast_credits|expected_credits|plan_credits|\
         plan_used_rate|credits_run_out_on"
    );
    assert_eq!(
        lines(&table),
        [
            "2026-02|6|5|0|1||6|200|0.030000|",
            // 12 + 61 + 15 by schedules, and 20 / 30 for each of 15 days, 11 hours and a half.
            "2026-03|37|35|1|1|98|134|200|0.670000|",
        ]
    );
}

#[test]
fn each_pipeline_is_forecast_from_its_own_schedule_or_its_own_pace() {
    let table = asked(
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
            // Its new schedule 15 times; what the old one did is no pace.
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
fn the_pipelines_of_a_month_add_up_to_it() {
    let sum = |table: &Table, column: &str| -> u64 {
        let place = table.columns.iter().position(|name| name == column).unwrap();
        let march = table.rows.iter().filter(|row| row[0] == Cell::text("2026-03"));
        march.map(|row| row[place].exact().map_or(0, |count| count.parse::<u64>().unwrap())).sum()
    };
    let question = |by_pipeline| CreditsOptions { by_pipeline, ..CreditsOptions::default() };
    let [months, pipelines] =
        [false, true].map(|by| asked(&written(), Scope::default(), &question(by)).unwrap());
    for column in
        ["runs", "charged_runs", "free_runs", "undecided_runs", "forecast_credits", "expected_credits"]
    {
        assert_eq!(sum(&months, column), sum(&pipelines, column), "{column}");
    }
}

#[test]
fn the_credits_run_out_on_the_day_on_which_the_last_one_is_taken() {
    let on = |credits: u64| {
        let table = by_month(credits);
        table.rows.iter().map(|row| row[9].exact().unwrap_or_default()).collect::<Vec<_>>().join(" ")
    };
    // Five charged in February and one that may be; 35 and one in March; 134 expected.
    assert_eq!(on(1), "2026-02-10 2026-03-01");
    assert_eq!(on(6), "2026-02-28 2026-03-06");
    assert_eq!(on(7), " 2026-03-07");
    assert_eq!(on(36), " 2026-03-16");
    // Today one more; tomorrow four, one, 0.8 of one, and a little by pace.
    assert_eq!(on(37), " 2026-03-16");
    assert_eq!(on(44), " 2026-03-17");
    assert_eq!(on(45), " 2026-03-18");
    // Exactly the plan, and one more than that.
    assert_eq!(on(134), " 2026-03-31");
    assert_eq!(on(135), " ");
}

#[test]
fn without_a_plan_nothing_is_said_of_it() {
    let table = asked(&written(), Scope::default(), &CreditsOptions::default()).unwrap();
    assert_eq!(lines(&table), ["2026-02|6|5|0|1||6|||", "2026-03|37|35|1|1|98|134|||"]);
}

#[test]
fn a_plan_without_credits_has_no_share() {
    let table = by_month(0);
    assert_eq!(table.rows[1][8], Cell::Share(None));
    assert_eq!(table.rows[1][9], Cell::text("2026-03-01"));
}

#[test]
fn a_what_if_finds_its_pipeline_by_slug_id_or_name() {
    for name in ["seis-horas", "s-six", "Estoque"] {
        let table = asked(&written(), Scope::default(), &what_if(&[(name, "0 */2 * * *")])).unwrap();
        // Five more today, twelve on each of 15 days.
        assert_eq!(forecast(&table, "s-six"), "185 0 */2 * * * UTC", "{name}");
        assert_eq!(forecast(&table, "s-night"), "12 30 2 * * * Europe/Berlin");
    }
}

#[test]
fn a_what_if_keeps_zone_and_success_of_the_pipelines_own_schedule() {
    let table = asked(&written(), Scope::default(), &what_if(&[("noturno", "0 12,18 * * *")])).unwrap();
    // Noon in Berlin is over for today; eighteen is not: 31 times, four in five charged.
    assert_eq!(forecast(&table, "s-night"), "25 0 12,18 * * * Europe/Berlin");
}

#[test]
fn a_what_if_takes_the_place_of_an_expression_that_cannot_be_read() {
    let table = asked(&written(), Scope::default(), &what_if(&[("taxa", "0 0 * * *")])).unwrap();
    assert_eq!(forecast(&table, "s-rate"), "15 0 0 * * * UTC");
}

#[test]
fn a_what_if_comes_to_what_people_and_events_set_off() {
    let scope = Scope { zone: Tz::America__Sao_Paulo, ..Scope::default() };
    let table = asked(&written(), scope, &what_if(&[("s-hand", "0 8 * * *")])).unwrap();
    // Fifteen times by schedule, in the report's zone, and 5.2 by hand: the month is three hours longer.
    assert_eq!(forecast(&table, "s-hand"), "20 0 8 * * * America/Sao_Paulo");
}

#[test]
fn what_is_switched_off_gone_or_has_never_run_may_run_if_it_had_a_schedule() {
    for pipeline in ["s-off", "s-gone", "s-never"] {
        let table = asked(&written(), Scope::default(), &what_if(&[(pipeline, "0 12 * * 1")])).unwrap();
        // The Mondays of 23 and 30 March; of what ran before, its own part was charged.
        let runs = if pipeline == "s-never" { "2" } else { "0" };
        assert_eq!(forecast(&table, pipeline), format!("{runs} 0 12 * * 1 UTC"), "{pipeline}");
    }
}

#[test]
fn several_pipelines_can_be_asked_about_at_once() {
    let question = what_if(&[("s-six", "0 0 * * *"), ("s-night", "0 0 * * *")]);
    let table = asked(&written(), Scope::default(), &question).unwrap();
    assert_eq!(forecast(&table, "s-six"), "15 0 0 * * * UTC");
    assert_eq!(forecast(&table, "s-night"), "13 0 0 * * * Europe/Berlin");
}

#[test]
fn a_what_if_that_cannot_be_meant_is_named() {
    let refused =
        |question: &CreditsOptions| asked(&written(), Scope::default(), question).unwrap_err().to_string();
    for (question, words) in [
        (what_if(&[("nobody", "0 0 * * *")]), "--what-if nobody: no pipeline has that slug, id or name"),
        (
            what_if(&[("Vendas", "0 0 * * *")]),
            "--what-if Vendas: several pipelines are called so: the destination d-event, the source s-hand",
        ),
        (what_if(&[("s-six", "every hour")]), "--what-if s-six: every hour: "),
        (what_if(&[("s-six", "0 25 * * *")]), "--what-if s-six: 0 25 * * *: "),
        (
            what_if(&[("s-six", "0 0 * * *"), ("seis-horas", "0 1 * * *")]),
            "--what-if seis-horas: that pipeline has one expression already",
        ),
    ] {
        let told = refused(&question);
        assert!(told.starts_with(words), "{told}");
    }
    let over = Scope {
        span: Span { from: None, until: Instant::parse("2026-03-01T00:00:00Z") },
        ..Scope::default()
    };
    assert!(asked(&written(), over, &what_if(&[("s-six", "0 0 * * *")])).is_err());
}

#[test]
fn an_expression_that_never_comes_is_expected_never() {
    let table = asked(&written(), Scope::default(), &what_if(&[("s-six", "0 0 30 2 *")])).unwrap();
    assert_eq!(forecast(&table, "s-six"), "0 0 0 30 2 * UTC");
}

#[test]
fn months_and_days_are_those_of_the_zone() {
    let scope = Scope { zone: Tz::America__Sao_Paulo, ..Scope::default() };
    let table =
        asked(&written(), scope, &CreditsOptions { plan: plan(134), ..CreditsOptions::default() }).unwrap();
    // The month ends three hours later: s-night once more, at 00:30 of 1 April in UTC, and s-six once more at midnight.
    assert_eq!(lines(&table)[1], "2026-03|37|35|1|1|100|136|134|1.014925|2026-03-31");
}

#[test]
fn a_month_that_ends_with_the_clock_put_forward_has_one_hour_less() {
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
        asked(&written, scope, &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() }).unwrap();
    // From 13:00 in UTC on the 16th until 21:00 on the 29th; every hour is one.
    assert_eq!(forecast(&table, "s-1"), format!("{} 0 * * * * Europe/Berlin", 11 + 12 * 24 + 22));
    assert_eq!(forecast(&table, "s-2"), "13 0 3 * * * America/New_York");
}

#[test]
fn a_span_is_forecast_to_its_own_end() {
    let span =
        Span { from: Instant::parse("2026-03-16T00:00:00Z"), until: Instant::parse("2026-03-18T00:00:00Z") };
    let table = asked(&written(), Scope { span, ..Scope::default() }, &CreditsOptions::default()).unwrap();
    // 1 + 4 by s-six, 0.8, 1, and 20 / 30 for each of a day and 11 hours and a half: 7.79.
    assert_eq!(lines(&table), ["2026-03|5|4|0|1|8|13|||"]);
}

#[test]
fn what_is_over_is_not_forecast() {
    for (from, until) in [("2026-02-01", "2026-03-01"), ("2026-04-01", "2026-05-01")] {
        let day = |day: &str| Instant::parse(&format!("{day}T00:00:00Z"));
        let scope = Scope { span: Span { from: day(from), until: day(until) }, ..Scope::default() };
        let table =
            asked(&written(), scope, &CreditsOptions { plan: plan(5), ..CreditsOptions::default() }).unwrap();
        let expected: &[&str] =
            if from == "2026-02-01" { &["2026-02|6|5|0|1||6|5|1.200000|2026-02-25"] } else { &[] };
        assert_eq!(lines(&table), expected);
    }
}

#[test]
fn as_of_a_moment_the_forecast_is_the_one_made_then() {
    let written = written();
    let moment = Instant::parse("2026-03-10T00:00:00Z").unwrap();
    let scope = Scope { as_of: Some(moment), ..Scope::default() };
    let ledger = Ledger::open(&written.0, scope).unwrap();
    let table =
        report(&ledger, &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() }, moment).unwrap();
    let march: Vec<String> = lines(&table).into_iter().filter(|line| line.starts_with("2026-03")).collect();
    // s-gone is gone from that very moment on, s-off was off already; in thirty days 10 by hand, 5 by events and 1 of
    // none, for 22 days: 7.33, 3.67 and 0.73, in all 12.
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
fn a_schedule_that_went_before_one_that_cannot_be_read_is_no_schedule_any_more() {
    let mut written = ChargeSummary::new("");
    written.charged("s-1", "0 * * * *@UTC", &["2026-03-14T00:00", "2026-03-14T01:00"]);
    written.charged("s-1", "rate(1 day)@UTC", &["2026-03-15T00:00"]);
    let table =
        asked(&written, Scope::default(), &CreditsOptions { by_pipeline: true, ..CreditsOptions::default() })
            .unwrap();
    // Three in thirty days, for 15.48.
    assert_eq!(forecast(&table, "s-1"), "2 ");
}

#[test]
fn an_archive_in_which_nothing_ran_of_late_expects_nothing() {
    let mut written = ChargeSummary::new("");
    written.charged("s-1", "0 * * * *@UTC", &["2026-01-14T00:00"]);
    let table = asked(&written, Scope::default(), &CreditsOptions::default()).unwrap();
    assert_eq!(lines(&table), ["2026-01|1|1|0|0||1|||", "2026-03|0|0|0|0|0|0|||"]);
}

#[test]
fn the_credits_in_every_format_are_their_golden_files() {
    let question = |by_pipeline| CreditsOptions { plan: plan(120), by_pipeline, ..CreditsOptions::default() };
    for (name, by_pipeline) in [("credits", false), ("credits-by-pipeline", true)] {
        let table = asked(&written(), Scope::default(), &question(by_pipeline)).unwrap();
        let mut outputs: [Vec<u8>; 4] = Default::default();
        let [txt, csv_text, json_text, md] = &mut outputs;
        terminal::write_table(&table, USD_DECIMALS_FOR_PEOPLE, txt).unwrap();
        csv::write_table(&table, &Dialect::MACHINE, USD_DECIMALS, csv_text).unwrap();
        json::write_table(&table, Layout::Array, USD_DECIMALS, json_text).unwrap();
        markdown::write_table(&table, USD_DECIMALS_FOR_PEOPLE, md).unwrap();
        for (ending, bytes) in ["txt", "csv", "json", "md"].iter().zip(&outputs) {
            golden::assert_golden(&format!("{name}.{ending}"), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_runs_fall_the_pipelines_add_up_to_their_months(
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
            let table = asked(&written, Scope::default(), &CreditsOptions { by_pipeline, ..CreditsOptions::default() }).unwrap();
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
            // A month in which nothing happens has no pipelines.
            sums.retain(|_, sums| *sums != [0; 6]);
            sums
        };
        prop_assert_eq!(sums(false), sums(true));
    }
}
