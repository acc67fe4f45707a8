//! Budgets, against a ledger whose forecast is computed by hand, and against the reports of costs and credits.

use crate::support::month_end::{MONTH, MonthEnd, ZONE};
use crate::support::{golden, ledger};
use chrono_tz::Tz;
use runledger::internal::export::json::Layout;
use runledger::internal::export::manifest::Provenance;
use runledger::internal::export::terminal::{self, Screen};
use runledger::internal::export::{Dialect, csv, json, markdown};
use runledger::internal::report::allocation::{Allocation, Rule};
use runledger::internal::report::budget::{
    Budget, BudgetRuns, BudgetState, Limit, State, budgets, for_people, report,
};
use runledger::internal::report::fx::{Currency, Fx, Policy, RateFile};
use runledger::internal::report::period::Period;
use runledger::internal::report::table::{USD_DECIMALS, USD_DECIMALS_FOR_PEOPLE};
use runledger::internal::report::terms::{ScopeTerms, Terms};
use runledger::internal::report::{Ledger, Scope};
use runledger::internal::run::{Instant, Usd};
use rusqlite::{Connection, params};
use std::fmt::Write as _;
use std::path::Path;

/// The last observation.
const NOW: &str = "2026-03-16T12:30:00Z";

/// The seconds from it to the end of March, and those of thirty days.
const REST: i128 = 1_337_399;
const WINDOW: i128 = 2_592_000;

const DOLLAR: i128 = 1_000_000_000;

/// A ledger under construction, and its number of runs.
struct Written(Connection, u32);

impl Written {
    fn new() -> Written {
        let archive = ledger::empty();
        archive
            .execute_batch(
                "INSERT INTO syncs (sync_id, kind, started_at, process_id, program_version, api_url, last_observed_at) \
                 VALUES (1, 'first', '2026-01-01T00:00:00.000000Z', 1, '0.1.0', 'http://127.0.0.1:1/', \
                         '2026-03-16T12:30:00.000000Z');
                 INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, gone_at, observed_at) VALUES
                    ('source', 's-night', 'noturno', 'Pedidos', 1, NULL, '2026-01-01T00:00:00.000000Z'),
                    ('source', 's-off', 'parado', 'Parado', 0, NULL, '2026-01-01T00:00:00.000000Z')",
            )
            .unwrap();
        Written(archive, 0)
    }

    /// Adds a run that starts at that minute. The first letter of the pipeline is that of its kind.
    fn run(&mut self, pipeline: &str, at: &str, trigger: &str, status: &str, nanos: Option<i128>) {
        self.1 += 1;
        let kind = match pipeline.as_bytes()[0] {
            b's' => "source",
            b'd' => "destination",
            _ => "transformation",
        };
        let (word, json) = match trigger.split_once('@') {
            None => (trigger, format!("{{\"type\":\"{trigger}\"}}")),
            Some((expression, zone)) => (
                "cron",
                format!(
                    "{{\"cron_expression\":\"{expression}\",\"cron_timezone\":\"{zone}\",\"type\":\"cron\"}}"
                ),
            ),
        };
        let started = Instant::parse(&format!("{at}:00Z")).unwrap();
        let charge = if status == "success" { "charged" } else { "unsuccessful" };
        let nanos = nanos.map(|nanos| i64::try_from(nanos).unwrap());
        let sql = format!(
            "INSERT INTO run_snapshots (run_id, observed_at, sync_id, content_hash, created_at, started_at, ended_at, \
                                        status, \"trigger\", trigger_type, credit_charge_status, el_cost_usd, \
                                        el_cost_nanos, {kind}) \
             VALUES (?1, ?2, 1, zeroblob(32), ?2, ?2, ?2, ?3, ?4, ?5, ?6, ?7 / 1e9, ?7, ?8)"
        );
        let run = format!("run-{:03}", self.1);
        let parameters = params![run, started, status, json, word, charge, nanos, pipeline];
        self.0.execute(&sql, parameters).unwrap();
    }
}

/// One dollar each night from February on; by hand, three runs of half a dollar; by events, two of two dollars and one
/// whose cost is pending; a failed run without a cost; and a pipeline that was switched off.
fn written() -> Written {
    let mut written = Written::new();
    for day in 1..=28 {
        written.run("s-night", &format!("2026-02-{day:02}T05:00"), "0 5 * * *@UTC", "success", Some(DOLLAR));
    }
    for day in 1..=16 {
        written.run("s-night", &format!("2026-03-{day:02}T05:00"), "0 5 * * *@UTC", "success", Some(DOLLAR));
    }
    for at in ["2026-02-20T09:00", "2026-03-03T09:00", "2026-03-10T09:00"] {
        written.run("d-hand", at, "manual", "success", Some(DOLLAR / 2));
    }
    written.run("t-event", "2026-02-25T15:00", "event", "success", Some(2 * DOLLAR));
    written.run("t-event", "2026-03-01T15:00", "event", "success", Some(2 * DOLLAR));
    written.run("t-event", "2026-03-16T12:00", "event", "success", None);
    written.run("t-event", "2026-03-15T12:00", "event", "failed", None);
    written.run("s-off", "2026-03-02T01:00", "0 * * * *@UTC", "success", Some(3 * DOLLAR));
    written
}

fn usd(nanos: i128) -> Limit {
    Limit::Usd(Usd::from_units(nanos))
}

fn budget(name: &str, runs: BudgetRuns, limit: Limit) -> Budget {
    Budget {
        name: name.to_owned(),
        runs,
        limit,
        from: None,
        until: None,
        thresholds: vec![80, 100],
        forecast_thresholds: vec![100],
        workspace: None,
    }
}

fn center(name: &str) -> BudgetRuns {
    BudgetRuns::CostCenter(name.to_owned())
}

/// Transformations are those of Data.
fn scope() -> Scope {
    let data =
        Rule { cost_center: "Data".to_owned(), kind: Some("transformation".to_owned()), ..Rule::default() };
    Scope { allocation: Allocation(vec![data]), ..Scope::default() }
}

fn states(written: &Written, scope: Scope, month: &str, asked: &[Budget]) -> Vec<BudgetState> {
    let month = Period::named(month, scope.zone).unwrap();
    let ledger = Ledger::open(&written.0, scope).unwrap();
    budgets(&ledger, asked, &month, Instant::parse(NOW).unwrap()).unwrap()
}

fn march(asked: Budget) -> BudgetState {
    states(&written(), scope(), "2026-03", &[asked]).remove(0)
}

/// `amount` as nine decimals.
fn text(nanos: i128) -> String {
    Usd::from_units(nanos).to_string()
}

fn spent(state: &BudgetState) -> Option<String> {
    state.spent.map(|amount| amount.to_fixed(9))
}

fn expected(state: &BudgetState) -> Option<String> {
    state.forecast.map(|forecast| forecast.expected.to_fixed(9))
}

#[test]
fn a_schedule_is_forecast_by_its_firings_and_cost_per_run() {
    let night = march(budget("night", BudgetRuns::Pipelines("not*".to_owned()), usd(20 * DOLLAR)));
    // 16 nights are over, and 15 are left.
    assert_eq!(spent(&night), Some(text(16 * DOLLAR)));
    assert_eq!(expected(&night), Some(text(31 * DOLLAR)));
    assert_eq!((night.state, night.over_on.as_deref()), (State::WillBeOver, Some("2026-03-21")));
    assert_eq!((night.reached, night.forecast_reached), (Some(80), Some(100)));
    // Each night cost the same.
    let (low, high) = night.forecast.unwrap().range.unwrap();
    assert_eq!([low, high].map(|amount| amount.to_fixed(2)), ["31.00", "31.00"]);
    assert_eq!(night.per_day.unwrap().to_fixed(2), "1.00");
}

#[test]
fn other_runs_continue_at_their_pace_and_pending_costs_are_expected() {
    let data = march(budget("Data", center("Data"), usd(3 * DOLLAR)));
    // One run in March has a known cost, and one can still get one. In 30 days there were two and one.
    assert_eq!(spent(&data), Some(text(2 * DOLLAR)));
    assert_eq!((data.runs, data.runs_unknown), (3, 2));
    let rest = (6 * DOLLAR * REST * 2 / WINDOW + 1) / 2;
    assert_eq!(expected(&data), Some(text(4 * DOLLAR + rest)));
    // The pending cost alone exceeds it today.
    assert_eq!((data.state, data.over_on.as_deref()), (State::WillBeOver, Some("2026-03-16")));

    let by_hand = march(budget("hand", BudgetRuns::Pipelines("d-hand".to_owned()), usd(DOLLAR)));
    let rest = (3 * DOLLAR / 2 * REST * 2 / WINDOW + 1) / 2;
    assert_eq!(expected(&by_hand), Some(text(DOLLAR + rest)));
    assert_eq!(by_hand.state, State::WillBeOver, "exactly the limit is spent");
    assert_eq!((by_hand.reached, by_hand.used()), (Some(100), "1.000000".to_owned()));
}

trait Used {
    fn used(&self) -> String;
}

impl Used for BudgetState {
    /// The share of the limit in the table.
    fn used(&self) -> String {
        let table = report(std::slice::from_ref(self));
        let column = table.columns.iter().position(|column| column == "used_rate").unwrap();
        table.rows[0][column].exact().unwrap()
    }
}

#[test]
fn an_inactive_pipeline_is_spent_but_not_forecast() {
    let off = march(budget("off", BudgetRuns::Pipelines("parado".to_owned()), usd(2 * DOLLAR)));
    assert_eq!((spent(&off), expected(&off)), (Some(text(3 * DOLLAR)), Some(text(3 * DOLLAR))));
    assert_eq!((off.state, off.over_on.as_deref()), (State::Over, Some("2026-03-02")));
}

#[test]
fn credits_are_charged_runs_forecast_as_in_the_credits_report() {
    let all = march(budget("all", BudgetRuns::All, Limit::Credits(22)));
    // 16 nights, two by hand, two by events, one of the pipeline that is off.
    assert_eq!(spent(&all), Some("21.000000000".to_owned()));
    let ledger = written();
    let ledger = Ledger::open(&ledger.0, scope()).unwrap();
    let credits = runledger::internal::report::credits::report(
        &ledger,
        &runledger::internal::report::credits::CreditsOptions::default(),
        Instant::parse(NOW).unwrap(),
    )
    .unwrap();
    let column = credits.columns.iter().position(|column| column == "expected_credits").unwrap();
    assert_eq!(credits.rows[1][column].exact().unwrap(), all.forecast.unwrap().expected.to_fixed(0));
    assert_eq!((all.state, all.over_on.as_deref()), (State::WillBeOver, Some("2026-03-17")));
}

#[test]
fn an_unknown_cost_is_counted_and_never_zero() {
    let mut written = Written::new();
    written.run("s-new", "2026-02-20T01:00", "manual", "success", None);
    written.run("s-new", "2026-03-02T01:00", "manual", "success", None);
    let of = |month: &str, asked: Budget| states(&written, scope(), month, &[asked]).remove(0);
    let all = || budget("all", BudgetRuns::All, usd(DOLLAR));
    let running = of("2026-03", all());
    assert_eq!((running.state, running.spent, running.forecast), (State::Unknown, None, None));
    assert_eq!((running.runs, running.runs_unknown, running.pipelines_cost_unknown), (1, 1, 1));
    let past = of("2026-02", all());
    assert_eq!((past.state, past.spent, past.runs_unknown), (State::Unknown, None, 1));
    // A scope without runs cost nothing, but before its first run the archive knows nothing.
    let none = of("2026-03", budget("none", BudgetRuns::Pipelines("x".to_owned()), usd(DOLLAR)));
    assert_eq!((none.state, spent(&none)), (State::Ok, Some(text(0))));
    assert_eq!(of("2026-01", all()).state, State::Unknown);
}

#[test]
fn a_past_month_has_no_forecast() {
    let asked =
        [budget("all", BudgetRuns::All, usd(30 * DOLLAR)), budget("Data", center("Data"), usd(2 * DOLLAR))];
    let states = states(&written(), scope(), "2026-02", &asked);
    assert_eq!([spent(&states[0]), spent(&states[1])], [Some(text(61 * DOLLAR / 2)), Some(text(2 * DOLLAR))]);
    assert!(states.iter().all(|state| state.forecast.is_none() && state.per_day.is_none()));
    assert_eq!((states[0].state, states[0].over_on.as_deref()), (State::Over, Some("2026-02-28")));
    assert_eq!((states[1].state, states[1].over_on.as_deref()), (State::Ok, None));
}

#[test]
fn the_cost_center_of_a_day_is_that_of_the_rules_then() {
    // From 20 March on, the nights are those of Data.
    let mut scope = scope();
    scope.allocation.0.push(Rule {
        cost_center: "Data".to_owned(),
        pipeline: Some("noturno".to_owned()),
        from: Some("2026-03-20".to_owned()),
        ..Rule::default()
    });
    let asked =
        [budget("Data", center("Data"), usd(DOLLAR)), budget("rest", center("unallocated"), usd(DOLLAR))];
    let with = states(&written(), scope, "2026-03", &asked);
    let without = states(&written(), self::scope(), "2026-03", &asked);
    let moved = |name: &str| {
        let of = |states: &[BudgetState]| {
            let state = states.iter().find(|state| state.budget.name == name).unwrap();
            state.forecast.unwrap().expected.to_fixed(9).replace('.', "").parse::<i128>().unwrap()
        };
        of(&with) - of(&without)
    };
    assert_eq!([moved("Data"), moved("rest")], [12 * DOLLAR, -12 * DOLLAR]);
}

/// Reais at these rates.
fn reais(policy: Policy, rates: &str) -> Scope {
    let currency = Currency::try_from("BRL".to_owned()).unwrap();
    let text = format!("date,currency,rate,source\n{rates}");
    let file = RateFile::parse(&text, Path::new("rates.csv"), "2026-12-31".parse().unwrap()).unwrap();
    let fx = Fx::new(currency.clone(), policy, file.rates_of(&currency));
    Scope { terms: ScopeTerms::Settings(Terms { fx: Some(fx), ..Terms::default() }), ..scope() }
}

#[test]
fn a_budget_in_the_second_currency_has_the_rates_of_its_days() {
    let currency = Currency::try_from("BRL".to_owned()).unwrap();
    let limit = Limit::Currency(currency, Usd::from_units(100 * DOLLAR));
    let night = budget("night", BudgetRuns::Pipelines("noturno".to_owned()), limit);
    let of = |policy: Policy, rates: &str| {
        states(&written(), reais(policy, rates), "2026-03", std::slice::from_ref(&night)).remove(0)
    };
    // Four reais for the first ten nights, five for the others and for those to come.
    let daily = of(Policy::Day, "2026-02-27,BRL,4,x\n2026-03-06,BRL,4,x\n2026-03-11,BRL,5,x\n");
    assert_eq!((spent(&daily), expected(&daily)), (Some(text(70 * DOLLAR)), Some(text(145 * DOLLAR))));
    assert_eq!((daily.state, daily.over_on.as_deref()), (State::WillBeOver, Some("2026-03-23")));
    let missing = of(Policy::Day, "2026-03-06,BRL,4,x\n2026-03-11,BRL,5,x\n");
    assert_eq!((missing.state, missing.spent, missing.forecast), (State::Unknown, None, None));
    assert_eq!(missing.runs_fx_unknown, 5);
}

#[test]
fn a_month_has_the_budgets_in_force_the_furthest_over_first() {
    let dated = |name: &str, limit: i128, from: Option<&str>, until: Option<&str>| Budget {
        from: from.map(str::to_owned),
        until: until.map(str::to_owned),
        ..budget(name, BudgetRuns::All, usd(limit * DOLLAR))
    };
    let asked = [
        dated("all", 100, None, None),
        dated("all", 10, Some("2026-03"), None),
        dated("small", 5, None, None),
        dated("old", 1, None, Some("2026-03")),
        dated("later", 1, Some("2026-04"), None),
    ];
    let found = |month: &str| -> Vec<(String, String)> {
        let states = states(&written(), scope(), month, &asked);
        states.iter().map(|state| (state.budget.name.clone(), state.limit.to_fixed(0))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, limit)| ((*name).to_owned(), (*limit).to_owned())).collect()
    };
    assert_eq!(found("2026-02"), pairs(&[("old", "1"), ("small", "5"), ("all", "100")]));
    assert_eq!(found("2026-03"), pairs(&[("small", "5"), ("all", "10")]));
}

fn sample(mixed: bool) -> Vec<BudgetState> {
    let mut asked = vec![
        budget("Data", center("Data"), usd(5 * DOLLAR)),
        budget("Dados não alocados", center("unallocated"), usd(18 * DOLLAR)),
    ];
    if mixed {
        asked.push(budget("Créditos", BudgetRuns::All, Limit::Credits(100)));
        asked.push(budget("Noturno", BudgetRuns::Pipelines("not*".to_owned()), usd(40 * DOLLAR)));
    }
    states(&written(), scope(), "2026-03", &asked)
}

#[test]
fn every_format_matches_its_golden_file() {
    let table = report(&sample(true));
    let mut out = Vec::new();
    csv::write_table(&table, &Dialect::MACHINE, USD_DECIMALS, &mut out).unwrap();
    golden::assert_golden("budget.csv", &out);
    let mut out = Vec::new();
    json::write_table(&table, Layout::Array, USD_DECIMALS, &mut out).unwrap();
    golden::assert_golden("budget.json", &out);
    let mut out = Vec::new();
    let mut brief = table.clone();
    assert_eq!(for_people(&mut brief, &sample(true)), None);
    markdown::write_table(&brief, USD_DECIMALS_FOR_PEOPLE, &mut out).unwrap();
    golden::assert_golden("budget.md", &out);
    for dialect in ["excel", "excel-br"] {
        let mut out = Vec::new();
        csv::write_table(&table, &Dialect::named(dialect).unwrap(), USD_DECIMALS, &mut out).unwrap();
        golden::assert_golden(&format!("budget.{dialect}.csv"), &out);
    }
}

#[test]
fn budgets_fit_terminals_of_every_width() {
    let mut screens = String::new();
    for (states, mixed) in [(sample(false), false), (sample(true), true), (Vec::new(), true)] {
        let mut table = report(&states);
        let unit = for_people(&mut table, &states);
        assert_eq!(unit.is_none(), mixed);
        let provenance = Provenance {
            question: "report budget".to_owned(),
            zone: "UTC".to_owned(),
            period: Some("2026-03".to_owned()),
            date_basis: Some("started".to_owned()),
            close_state: Some("running".to_owned()),
            known_at: Some(NOW.to_owned()),
            notes: unit.into_iter().collect(),
            ..Provenance::default()
        };
        for width in [40, 60, 80, 120] {
            let screen = Screen { width, zone: Some(Tz::UTC), ..Screen::FILE };
            let mut out = Vec::new();
            terminal::write_answer(&table, Some(&provenance), None, &screen, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            let is_within = out.lines().all(|line| line.chars().count() <= width);
            assert!(is_within || states.is_empty(), "{width}: {out}");
            writeln!(screens, "{width} columns:\n\n{out}\n").unwrap();
        }
    }
    golden::assert_golden("budget.txt", screens.trim_end().as_bytes());
}

/// The settings of a month-end fixture: budgets of every kind.
const SETTINGS: &str = "zone = \"America/Sao_Paulo\"\n\
    [[cost_center]]\ncost_center = \"Data\"\nkind = \"transformation\"\n\
    [[cost_center]]\ncost_center = \"Sources\"\nkind = \"source\"\n\
    [[budget]]\nname = \"all\"\namount_usd = \"0.5\"\n\
    [[budget]]\nname = \"Data\"\ncost_center = \"Data\"\namount_usd = 1000\n\
    [[budget]]\nname = \"rest\"\ncost_center = \"unallocated\"\namount_usd = 1000\n\
    [[budget]]\nname = \"Sources\"\ncost_center = \"Sources\"\namount_usd = 1000\n\
    [[budget]]\nname = \"credits\"\ncredits = 1000\n";

#[test]
fn what_is_spent_is_what_the_cost_report_adds_up() {
    let month_end = MonthEnd::of(150);
    month_end.set(SETTINGS);
    for (period, more) in [
        (MONTH, &[][..]),
        ("2025-03", &["--date-basis", "ended"]),
        ("2025-03", &["--zone", "Asia/Tokyo", "--date-basis", "created"]),
        ("2025-02", &["--as-of", "2025-03-05T13:30:00Z"]),
    ] {
        let ask = |report: &[&str]| month_end.rows(&[report, &["--period", period], more].concat());
        let found = ask(&["report", "budget"]);
        let of = |name: &str| found.iter().find(|row| row["budget_name"] == name).unwrap().clone();
        let costs = ask(&["report", "cost", "--by", "cost-center"]);
        for row in &costs {
            let name = if row["cost_center"] == "unallocated" { "rest" } else { row["cost_center"].as_str() };
            assert_eq!(of(name)["spent_amount"], row["total_cost_usd"], "{period} {more:?} {name}");
            assert_eq!(of(name)["runs"], row["runs"]);
            assert_eq!(of(name)["runs_unknown"], row["runs_cost_unknown"]);
        }
        let all = ask(&["report", "cost"]).remove(0);
        assert_eq!(of("all")["spent_amount"], all["total_cost_usd"]);
        assert_eq!(of("credits")["spent_amount"], all["credits"]);
    }
}

#[test]
fn a_closed_month_has_the_figures_that_it_was_closed_with() {
    let month_end = MonthEnd::of(150);
    month_end.set(SETTINGS);
    month_end.output(&["close", MONTH, "--zone", ZONE]);
    let ask = ["report", "budget", "--period", MONTH, "--format", "csv"];
    let closed = month_end.output(&ask);
    let run = month_end.runs_of_the_month()[0];
    month_end.change(run, serde_json::json!({"el_cost_usd": 99.5}));
    month_end.sync();
    assert_eq!(month_end.output(&ask), closed);
    // A cost center that the close did not know has no figures.
    month_end.set(&SETTINGS.replace("Sources", "Fontes"));
    let table = month_end.output(&["report", "budget", "--period", MONTH]);
    assert!(table.contains("2025-02 was closed without the cost center Fontes"), "{table}");
    let rows = month_end.rows(&["report", "budget", "--period", MONTH]);
    let fontes = rows.iter().find(|row| row["budget_name"] == "Fontes").unwrap();
    assert_eq!((fontes["state"].as_str(), fontes["spent_amount"].as_str()), ("unknown", ""));
    let title = table.lines().take(2).collect::<Vec<_>>().join(" ");
    assert!(title.contains("by start · closed "), "{title}");
}

#[test]
fn check_ends_with_3_if_a_budget_is_exceeded() {
    let month_end = MonthEnd::of(150);
    month_end.set(SETTINGS);
    let code = |arguments: &[&str]| month_end.run(&[&["report", "budget"], arguments].concat());
    assert_eq!(code(&[]).code, 0);
    let failed = code(&["--check"]);
    assert_eq!(failed.code, 3, "{failed:?}");
    assert!(failed.err.contains("budgets exceeded: all"), "{failed:?}");
    assert!(failed.out.contains("over"), "the table is printed too: {failed:?}");
    // One that will be exceeded fails on request.
    let spent = month_end.rows(&["report", "budget"]);
    let sources = spent.iter().find(|row| row["budget_name"] == "Sources").unwrap();
    let only = |amount: &str| {
        month_end.set(&format!("zone = \"{ZONE}\"\n[[budget]]\nname = \"x\"\namount_usd = \"{amount}\"\n"));
    };
    let total: f64 =
        spent.iter().find(|row| row["budget_name"] == "all").unwrap()["spent_amount"].parse().unwrap();
    assert!(sources["forecast_amount"].parse::<f64>().unwrap() > 0.0);
    only(&format!("{:.2}", total * 1.5));
    assert_eq!([code(&["--check"]).code, code(&["--check=forecast"]).code], [0, 3]);
    only("100000");
    assert_eq!([code(&["--check"]).code, code(&["--check=forecast"]).code], [0, 0]);
    month_end.run(&["report", "cost", "--check"]).refused(2, &["--check only applies to the reports budget"]);
}

#[test]
fn a_pattern_that_no_run_matches_is_noted() {
    let month_end = MonthEnd::of(60);
    let noted = |pattern: &str| {
        month_end.set(&format!("[[budget]]\nname = \"x\"\namount_usd = 9\npipeline = \"{pattern}\"\n"));
        month_end.run(&["report", "budget"]).out.contains(&format!("x: no run of a pipeline {pattern}"))
    };
    assert_eq!([noted("nope*"), noted("*")], [true, false]);
}

#[test]
fn a_budget_refuses_what_is_not_a_whole_month() {
    let month_end = MonthEnd::of(60);
    month_end.set(SETTINGS);
    for (arguments, words) in [
        (&["--last", "30d"][..], "--last does not apply to the report budget"),
        (&["--from", "2025-02-01"], "--from does not apply"),
        (&["--until", "2025-02-01"], "--until does not apply"),
        (&["--period", "2025-W07"], "--period 2025-W07 does not apply"),
        (&["--period", "2025-02-07"], "--period 2025-02-07 does not apply"),
        (&["--period", "2025-04"], "2025-04 had not begun"),
        (&["--by", "pipeline"], "--by does not apply"),
        (&["--status", "failed"], "--status does not apply"),
        (&["--what-if", "a=b"], "--what-if only applies"),
    ] {
        month_end.run(&[&["report", "budget"], arguments].concat()).refused(2, &[words]);
    }
}

#[test]
fn each_workspace_has_its_own_budgets() {
    let (one, other) = (MonthEnd::of(60), MonthEnd::elsewhere(60, 9));
    let budget = |name: &str, more: &str| format!("[[budget]]\nname = \"{name}\"\namount_usd = 5\n{more}");
    one.set(&budget("one", ""));
    other.set(&budget("other", ""));
    let path = other.workspace.path();
    let db =
        ["--db", one.workspace.path().to_str().unwrap(), "--db", path.to_str().unwrap()].map(str::to_owned);
    let db: Vec<&str> = db.iter().map(String::as_str).collect();
    let names = |rows: &[std::collections::BTreeMap<String, String>]| -> Vec<String> {
        rows.iter().map(|row| row["budget_name"].clone()).collect()
    };
    let ask = [&["report", "budget"], &db[..]].concat();
    assert_eq!(names(&one.rows(&ask)), ["one", "other"]);
    // Shared settings can name the workspace of a budget.
    std::fs::remove_file(other.workspace.file("runledger.toml")).unwrap();
    one.set(
        &[
            budget("first", "workspace = \"A\"\n"),
            budget("both", ""),
            format!(
                "[[workspace]]\nname = \"A\"\narchive = \"{}\"\napi_key_env = \"A\"\n",
                one.workspace.path().display()
            ),
            format!("[[workspace]]\nname = \"B\"\narchive = \"{}\"\napi_key_env = \"B\"\n", path.display()),
        ]
        .concat(),
    );
    let all = one.rows(&["report", "budget", "--all"]);
    assert_eq!(names(&all).len(), 3, "{all:?}");
    assert_eq!(all[2]["workspace"], "B");
    assert_eq!(all[2]["budget_name"], "both");
}

#[test]
fn a_run_that_begins_at_the_last_observation_counts_once() {
    let mut written = Written::new();
    for day in 10..=16 {
        written.run(
            "s-night",
            &format!("2026-03-{day:02}T12:30"),
            "30 12 * * *@UTC",
            "success",
            Some(DOLLAR),
        );
    }
    let all = states(&written, scope(), "2026-03", &[budget("all", BudgetRuns::All, usd(DOLLAR))]).remove(0);
    assert_eq!((spent(&all), expected(&all)), (Some(text(7 * DOLLAR)), Some(text(22 * DOLLAR))));
}
