//! This is the test of the page: its figures are those of the reports, it lets nothing in, and its size has a bound.

#![cfg(feature = "page")]

#[path = "support/ledger.rs"]
mod ledger;
#[path = "support/office.rs"]
mod office;
#[allow(dead_code, reason = "each test uses what it needs")]
#[path = "support/workspace.rs"]
mod workspace;

use chrono_tz::Tz;
use office::{MONTH, Office};
use runledger::digest::{hash, in_base64};
use runledger::export::html;
use runledger::report::overview::calendar::{month_label, week_label};
use runledger::report::overview::{Overview, Pipeline, gather};
use runledger::report::period::Calendar;
use runledger::report::question::Question;
use runledger::report::{Cell, DateBasis, Dimension, Ledger, Scope, Span, cost, duration};
use runledger::run::{Fixed, Instant, Seconds, Usd};
use rusqlite::Connection;
use serde_json::{Value, json};

const MONTHS: Dimension = Dimension::Period(Calendar::Month);
const WEEKS: Dimension = Dimension::Period(Calendar::Week);

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn overview(archive: &Connection, scope: &Scope) -> Overview {
    let known_at: Option<Instant> =
        archive.query_row("SELECT max(last_observed_at) FROM syncs", [], |row| row.get(0)).unwrap();
    gather(archive, scope, None, known_at).unwrap()
}

fn html(archive: &Connection, scope: &Scope) -> String {
    page::html(&overview(archive, scope), "").unwrap()
}

/// Several views of the small ledger: zones, spans, bases, the past.
fn scopes() -> Vec<Scope> {
    let span = |from: &str, until: &str| Span { from: Instant::parse(from), until: Instant::parse(until) };
    let spans = [
        Span::default(),
        span("2026-01-31T00:00:00Z", ""),
        span("", "2026-04-01T00:00:00Z"),
        span("2026-01-05T10:30:00Z", "2026-05-01T12:00:00Z"),
        span("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
    ];
    let mut scopes = Vec::new();
    for span in spans {
        for (zone, date, as_of) in [
            (Tz::UTC, DateBasis::Started, None),
            (Tz::America__Sao_Paulo, DateBasis::Started, None),
            (Tz::UTC, DateBasis::Ended, None),
            (Tz::Asia__Kathmandu, DateBasis::Created, Some(at("2026-06-01T00:00:05Z"))),
        ] {
            scopes.push(Scope { span, zone, date, as_of, ..Scope::default() });
        }
    }
    scopes
}

fn texts(row: &[Cell]) -> Vec<String> {
    row.iter().map(|cell| cell.exact().unwrap_or_default()).collect()
}

fn usd(usd: Option<Usd>) -> String {
    usd.map_or_else(String::new, |usd| usd.to_string())
}

fn seconds(seconds: Option<Seconds>) -> String {
    seconds.map_or_else(String::new, |seconds| seconds.to_string())
}

#[test]
fn the_figures_are_those_of_the_reports() {
    for archive in [ledger::small(), ledger::findings()] {
        for scope in scopes() {
            let Ok(ledger) = Ledger::open(&archive, scope.clone()) else { continue };
            let by_month = cost::report(&ledger, &[MONTHS, Dimension::Pipeline]).unwrap();
            let by_week = duration::report(&ledger, &[WEEKS]).unwrap();
            let rates = duration::report(&ledger, &[MONTHS]).unwrap();
            let failures = Question::named("failures").unwrap().ask(&ledger, None).unwrap();
            drop(ledger);
            let overview = overview(&archive, &scope);

            let mut expected: Vec<Vec<String>> = by_month.rows.iter().map(|row| texts(&row[..10])).collect();
            let told = |label: &str, pipeline: &Pipeline, sums: &runledger::report::overview::Sums| {
                let text = |part: &Option<String>| part.clone().unwrap_or_default();
                let cost = &sums.cost;
                vec![
                    label.to_owned(),
                    text(&pipeline.name),
                    text(&pipeline.id),
                    text(&pipeline.kind),
                    cost.runs.to_string(),
                    cost.runs_cost_unknown.to_string(),
                    usd(cost.el()),
                    usd(cost.transformation()),
                    usd(cost.total()),
                    cost.credits.to_string(),
                ]
            };
            let mut found: Vec<Vec<String>> = Vec::new();
            for pipeline in &overview.pipelines {
                for (month, sums) in pipeline.months.iter() {
                    found.push(told(&month_label(*month), pipeline, sums));
                }
                if pipeline.unbooked.cost.runs > 0 {
                    found.push(told("", pipeline, &pipeline.unbooked));
                }
            }
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{scope:?}");

            let expected: Vec<Vec<String>> =
                by_week.rows.iter().map(|row| texts(row)).filter(|row| !row[0].is_empty()).collect();
            let found: Vec<[String; 5]> = overview
                .all
                .weeks
                .iter()
                .map(|(week, times)| {
                    [
                        week_label(*week),
                        seconds(times.took.p50),
                        seconds(times.took.p95),
                        seconds(times.waited.p50),
                        seconds(times.waited.p95),
                    ]
                })
                .collect();
            let columns = ["week", "p50_seconds", "p95_seconds", "queued_p50_seconds", "queued_p95_seconds"]
                .map(|name| by_week.columns.iter().position(|column| column == name).unwrap());
            let expected: Vec<[String; 5]> =
                expected.iter().map(|row| columns.map(|column| row[column].clone())).collect();
            assert_eq!(found, expected, "{scope:?}");

            let column = rates.columns.iter().position(|column| column == "success_rate").unwrap();
            let expected: Vec<String> = rates
                .rows
                .iter()
                .map(|row| texts(row))
                .filter(|row| !row[0].is_empty())
                .map(|row| row[column].clone())
                .collect();
            let rate = |sums: &runledger::report::overview::Sums| {
                sums.success_rate().map_or_else(String::new, |rate| rate.to_string())
            };
            let found: Vec<String> = overview.all.months.iter().map(|(_, sums)| rate(sums)).collect();
            assert_eq!(found, expected, "{scope:?}");

            let mut expected: Vec<Vec<String>> = failures.rows.iter().map(|row| texts(row)).collect();
            let failed = overview.pipelines.iter().filter(|pipeline| pipeline.total.failed > 0);
            let mut found: Vec<Vec<String>> = failed
                .map(|pipeline| {
                    let text = |part: &Option<String>| part.clone().unwrap_or_default();
                    let instant = |at: Option<Instant>| at.map_or_else(String::new, |at| at.to_string());
                    let (sums, failures) = (&pipeline.total, &pipeline.failures);
                    let rate = Fixed::<6>::ratio(sums.failed.into(), sums.ended().into()).unwrap();
                    vec![
                        text(&pipeline.name),
                        text(&pipeline.id),
                        text(&pipeline.kind),
                        sums.failed.to_string(),
                        sums.ended().to_string(),
                        rate.to_string(),
                        failures.in_a_row().to_string(),
                        instant(failures.last_failure_at()),
                        instant(failures.last_success_at()),
                    ]
                })
                .collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{scope:?}");
        }
    }
}

#[test]
fn what_is_out_of_the_ordinary_is_what_the_report_anomalies_names() {
    let archive = ledger::findings();
    let mut outliers = 0;
    for scope in scopes() {
        let Ok(ledger) = Ledger::open(&archive, scope.clone()) else { continue };
        let table = Question::named("anomalies").unwrap().ask(&ledger, None).unwrap();
        drop(ledger);
        let overview = overview(&archive, &scope);
        let found: Vec<Vec<String>> = overview
            .outliers
            .iter()
            .map(|outlier| {
                let mut row: Vec<String> =
                    outlier.label.iter().map(|part| part.clone().unwrap_or_default()).collect();
                row.push(outlier.run_id.clone());
                row.push(outlier.judged.booked_at.to_string());
                let band = |band: Option<runledger::report::overview::Band>, unit: fn(i128) -> String| {
                    let parts = |band: runledger::report::overview::Band| {
                        [band.value, band.median, band.low, band.high].map(unit)
                    };
                    band.map(parts).unwrap_or_default()
                };
                row.extend(band(outlier.judged.cost, |nanos| Usd::from_units(nanos).to_string()));
                row.extend(band(outlier.judged.duration, |millis| Seconds::from_units(millis).to_string()));
                row
            })
            .collect();
        let expected: Vec<Vec<String>> = table.rows.iter().map(|row| texts(&row[..13])).collect();
        assert_eq!(found, expected, "{scope:?}");
        outliers += found.len();
    }
    assert!(outliers > 0, "there was something to find");
}

#[test]
fn a_span_is_held_against_the_whole_month_before_it() {
    let archive = ledger::small();
    let span = Span { from: Some(at("2026-02-01T00:00:00Z")), until: Some(at("2026-03-01T00:00:00Z")) };
    let overview = overview(&archive, &Scope { span, ..Scope::default() });
    let focus = overview.focus.as_ref().unwrap();
    assert_eq!(
        (month_label(focus.month).as_str(), focus.is_running, focus.is_whole),
        ("2026-02", false, true)
    );
    assert_eq!((overview.all.total.cost.runs, overview.all.before.cost.runs), (2, 3));
    assert_eq!(usd(overview.all.before.cost.total()), "0.473456789");
    let page = page::html(&overview, "").unwrap();
    assert!(page.contains("2026-01: 0.4735 USD (+111.2\u{a0}%)"), "the month before is told");
}

#[test]
fn a_month_that_is_running_is_held_against_the_same_part_of_the_one_before() {
    let archive = ledger::small();
    let known_at = at("2026-02-05T10:30:00Z");
    let scope = Scope::default();
    let overview = gather(&archive, &scope, None, Some(known_at)).unwrap();
    assert!(overview.focus.as_ref().unwrap().is_running);
    // Of January run-01 is before the fifth at half past ten; run-02 and run-03 come later.
    let to_date = overview.all.before_to_date.unwrap();
    assert_eq!((to_date.cost.runs, usd(to_date.cost.total()).as_str()), (1, "0.100000000"));
    assert_eq!(overview.all.before.cost.runs, 3);
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[test]
fn the_browser_is_told_to_let_in_nothing_but_the_pages_own_style_and_script() {
    let page = html(&ledger::small(), &Scope::default());
    let rules = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'");
    let hashed = |text: &str| format!("'sha256-{}'", in_base64(&hash(text.as_bytes())));
    let style = between(&page, "<style>", "</style>");
    let script = page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    assert!(script.contains("\"use strict\"") && style.contains("prefers-color-scheme"));
    assert_eq!(
        rules,
        format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            hashed(style),
            hashed(script)
        )
    );
    // What the rules would refuse anyway is not there.
    let body = page.replace(style, "").replace(script, "");
    for part in [
        " style=",
        " onclick=",
        " onload=",
        "javascript:",
        "http://",
        "https://",
        " src=",
        "<link",
        "<img",
        "@import",
    ] {
        assert!(!body.contains(part), "the page has {part}");
    }
    assert!(!style.contains("url(") && !style.contains("@import"));
}

/// Names that would break a page that is careless.
const NAMES: [&str; 7] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'`&amp;<!--\u{2028}]]>",
    "مبيعات \u{202e}gnp.exe",
    "👩‍👩‍👧 ↩️",
    "a\0b\u{1b}[31mc\nd",
    "",
];

fn renamed(name: &str) -> Connection {
    let archive = ledger::small();
    archive.execute("UPDATE pipeline_snapshots SET name = ?1, slug = NULL", [name]).unwrap();
    archive.execute("UPDATE run_snapshots SET source = ?1 WHERE source = 's-2'", [name]).unwrap();
    archive
}

#[test]
fn no_name_leaves_its_place() {
    let plain = html(&renamed("plain"), &Scope::default());
    let tags = |page: &str| page.matches('<').count();
    for name in NAMES {
        let archive = renamed(name);
        let page = html(&archive, &Scope::default());
        for part in ["alert(1)</script>", "<img", "<!--\u{2028}"] {
            assert!(!page.contains(part), "{name:?}: {part}");
        }
        assert!(page.matches("</script>").count() == 2 && page.matches("<script").count() == 2, "{name:?}");
        // An id that is no catalogue's has no name of its own, so two tags fewer or more tell of the name.
        let differing = tags(&plain).abs_diff(tags(&page));
        assert!(differing <= 40, "{name:?} made {differing} tags");
        let data = data(&page);
        let told = data["pipelines"].as_array().unwrap();
        assert!(told.iter().any(|pipeline| pipeline["n"] == json!(name)), "{name:?} is in the data as it is");
    }
}

#[test]
fn the_same_archive_gives_the_same_bytes() {
    let (one, other) = (ledger::findings(), ledger::findings());
    for scope in scopes() {
        assert_eq!(html(&one, &scope), html(&other, &scope));
    }
}

#[test]
fn an_archive_without_a_run_says_so() {
    let page = html(&ledger::empty(), &Scope::default());
    for words in
        ["No run is booked in this span.", "No failures in this span.", "Nothing is known of any month yet."]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<rect") && !page.contains("NaN") && !page.contains("inf"));
}

/// An archive of so many runs of so many pipelines in so many days, all costs known but those of every hundredth run.
fn large(runs: u32, pipelines: u32, days: u32) -> Connection {
    let archive = ledger::empty();
    archive
        .execute_batch(&format!(
            "INSERT INTO syncs (sync_id, kind, started_at, ended_at, outcome, process_id, program_version, api_url, last_observed_at, walk_complete)
             VALUES (1, 'first', '2026-06-01T00:00:00.000000Z', '2026-06-01T00:01:00.000000Z', 'complete', 1, '0.1.0', 'http://127.0.0.1:1/', '2026-06-01T00:01:00.000000Z', 1);
             WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {pipelines})
             INSERT INTO pipeline_snapshots (kind, pipeline_id, slug, name, active, observed_at)
             SELECT 'source', printf('8a1c0f3e-55d2-4a6b-9c1e-%012d', n), 'slug-' || n, 'Relatório de vendas e devoluções da região nº ' || n, 1, '2026-06-01T00:00:00.000000Z' FROM n;
             WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {runs}),
             timed AS (SELECT n, strftime('%Y-%m-%dT%H:%M:%S', '2026-05-31T23:00:00', printf('-%d seconds', n * ({days} * 86400.0 / {runs}))) AS at FROM n)
             INSERT INTO run_snapshots (snapshot_id, run_id, observed_at, sync_id, content_hash, created_at, started_at, ended_at, duration_seconds, status, trigger_type, credit_charge_status, el_cost_usd, el_cost_nanos, source)
             SELECT n + 1, 'run-' || n, '2026-06-01T00:00:30.000000Z', 1, zeroblob(32), at || '.000000Z', at || '.250000Z', at || '.500000Z', n % 977, iif(n % 13 = 0, 'failed', 'success'), 'cron', 'charged',
                    iif(n % 100 = 0, NULL, (n * 7919 % 1000003) / 1e6), iif(n % 100 = 0, NULL, n * 7919 % 1000003 * 1000), printf('8a1c0f3e-55d2-4a6b-9c1e-%012d', n * 31 % {pipelines}) FROM timed;"
        ))
        .unwrap();
    archive
}

#[test]
fn a_page_of_a_hundred_thousand_runs_is_smaller_than_a_megabyte() {
    for (pipelines, days) in [(5000, 365), (40, 1096), (700, 3000)] {
        let archive = large(100_000, pipelines, days);
        let page = html(&archive, &Scope::default());
        assert!(page.len() < 1_000_000, "{pipelines} pipelines in {days} days: {} bytes", page.len());
        assert!(page.contains("more pipelines, together"), "what has no place is told");
        let ledger = Ledger::open(&archive, Scope::default()).unwrap();
        let total = cost::total(&ledger).unwrap().total().unwrap();
        assert!(page.contains(&format!("<strong data-figure=\"total\"><data value=\"{total}\">")));
    }
}

#[test]
fn three_years_of_months_are_all_drawn() {
    let page = html(&large(5000, 20, 1096), &Scope::default());
    let chart = between(&page, "id=\"cost\">", "</div>");
    assert_eq!(chart.matches("<rect").count(), 36);
    assert!(page.contains("2023-06, sources:"));
}

/// What the page's script reads.
fn data(page: &str) -> Value {
    let json = between(page, "<script type=\"application/json\" id=\"data\">", "</script>");
    serde_json::from_str(json).unwrap()
}

/// A year of runs until the last of May 2026, changed by a statement.
fn changed(statement: &str) -> String {
    let archive = large(2000, 20, 365);
    archive.execute_batch(statement).unwrap();
    html(&archive, &Scope::default())
}

#[test]
fn a_run_far_from_all_others_does_not_push_them_out() {
    let plain = changed("");
    let rects = plain.matches("<rect").count();
    for (years, note) in [
        ("2100", "Runs booked after 2026-06, in the totals and not drawn: 1."),
        ("9999", "Runs booked after 2026-05-31, in the totals and not drawn: 1."),
        ("1970", "Months before 2025-06 are in the total, and not drawn."),
    ] {
        let page = changed(&format!(
            "UPDATE run_snapshots SET created_at = '{years}-01-01T00:00:00.000000Z', started_at = '{years}-01-01T00:00:00.250000Z' WHERE run_id = 'run-7'"
        ));
        assert!(page.contains(note), "{years}: {note}");
        assert!(page.matches("<rect").count().abs_diff(rects) < 30, "{years}: as much is drawn");
        let data = data(&page);
        assert_eq!(data["months"].as_array().unwrap().len(), 13);
        assert_eq!(data["months"][data["focus"].as_u64().unwrap() as usize], json!("2026-06"));
        assert!(page.contains("<strong data-figure=\"total\">") && page.contains("for 2\u{202f}000 runs"));
    }
}

#[test]
fn what_is_not_drawn_is_told_and_the_month_that_comes_first_is_there() {
    let nowhere = "UPDATE run_snapshots SET created_at = NULL, started_at = NULL";
    let later = "UPDATE run_snapshots SET created_at = '9999-12-01T00:00:00.000000Z', started_at = '9999-12-01T00:00:00.250000Z'";
    for statement in [nowhere, later] {
        let page = changed(statement);
        let data = data(&page);
        assert_eq!((&data["months"], &data["focus"]), (&json!(["2026-06"]), &json!(0)), "{statement}");
        for words in [
            "No cost is known in the months that this page draws.",
            "No run is booked on a day that this page draws.",
            "for 2\u{202f}000 runs",
            "id=\"cost-table\"",
        ] {
            assert!(page.contains(words), "{statement}: {words}");
        }
    }
    assert!(
        changed(later)
            .contains("Runs booked after all that was known, in the totals and not drawn: 2\u{202f}000.")
    );
}

#[test]
fn months_without_a_known_cost_keep_their_table() {
    let page = changed("UPDATE run_snapshots SET el_cost_usd = NULL, el_cost_nanos = NULL");
    assert!(page.contains("No cost is known in the months") && !page.contains("id=\"cost\""));
    let table = between(&page, "id=\"cost-table\"", "</table>");
    assert_eq!(table.matches("<tr>").count(), 1 + 13);
    assert!(page.contains("2\u{202f}000 of all 2\u{202f}000 runs have no known cost"));
}

#[test]
fn long_names_are_cut_and_take_no_filter_away() {
    for (letter, length, pipelines) in [("n", 300_000, 1), ("<", 10_000, 20), ("\u{2028}", 10_000, 20)] {
        let archive = large(2000, 40, 365);
        archive
            .execute(
                "UPDATE pipeline_snapshots SET name = ?1 WHERE slug IN (SELECT slug FROM pipeline_snapshots LIMIT ?2)",
                rusqlite::params![letter.repeat(length), pipelines],
            )
            .unwrap();
        let page = html(&archive, &Scope::default());
        assert!(page.len() < 1_000_000, "{letter}: {}", page.len());
        let data = data(&page);
        let told = data["pipelines"].as_array().unwrap();
        assert_eq!(told.len(), 40, "{letter}");
        let cut = json!(letter.repeat(199) + "…");
        assert_eq!(told.iter().filter(|pipeline| pipeline["n"] == cut).count(), pipelines, "{letter}");
    }
}

#[test]
fn of_a_name_that_nobody_would_see_the_id_is_told() {
    let page = changed("UPDATE pipeline_snapshots SET name = char(8203, 65279, 10240)");
    assert!(page.contains("class=\"name\">8a1c0f3e-55d2-4a6b-9c1e-0000000000"));
    assert!(!page.contains("class=\"name\">\u{200b}"));
}

#[test]
fn what_may_still_change_is_not_said_of_what_is_settled() {
    let words = ["have no known cost", "Their status, cost or credit may still change"];
    let tile = |page: &str| between(page, "data-figure=\"unsettled\"", "</div>").to_owned();
    let open =
        tile(&changed("UPDATE run_snapshots SET status = 'running' WHERE run_id IN ('run-1', 'run-2')"));
    assert!(words.iter().all(|words| open.contains(words)), "{open}");
    let settled =
        tile(&changed("DELETE FROM run_snapshots WHERE el_cost_nanos IS NULL AND started_at > '2026-04-20'"));
    assert!(settled.contains(words[0]) && !settled.contains(words[1]), "{settled}");
    assert!(!settled.contains(">0 of all"), "{settled}");
}

#[test]
fn a_big_amount_is_told_in_smaller_letters() {
    let page = changed(
        "UPDATE run_snapshots SET el_cost_nanos = 9000000010610000000 WHERE run_id = 'run-5'; UPDATE syncs SET last_observed_at = '2026-05-31T23:30:00.000000Z'",
    );
    assert!(between(&page, "data-figure=\"cost\"", "</div>").contains("class=\"big long\""));
    assert!(between(&changed(""), "data-figure=\"credits\"", "</div>").contains("class=\"big\""));
}

// ---- the command

#[test]
fn the_page_of_a_closed_month_stays_what_it_was() {
    let office = Office::of(150);
    office.set("zone = \"America/Sao_Paulo\"\n[plan]\nfee_usd = \"1490.00\"\ncredits = 100\n");
    office.says(&["close", MONTH]);
    let asked = ["report", "html", "--period", MONTH];
    let before = office.says(&asked);
    assert!(before.contains("closed at ") && before.contains("America/Sao_Paulo"), "the scope is told");
    assert!(before.contains("1\u{202f}490.00 USD a month for 100 credits"), "the plan is told");
    let runs = office.runs_of_the_month();
    office.change(runs[0], json!({"el_cost_usd": 7.5}));
    office.change(runs[1], json!({"el_cost_usd": null, "transformation_cost_usd": null}));
    office.sync();
    assert!(office.says(&asked) == before, "the page of the closed month changed");
    let total = office.rows(&["report", "cost", "--period", MONTH])[0]["total_cost_usd"].clone();
    assert!(before.contains(&format!("<data value=\"{total}\">")), "{total} is on the page");
    let open = office.says(&["report", "html", "--from", "2025-02-01", "--until", "2025-03-01"]);
    assert!(!open.contains(&format!("<strong data-figure=\"total\"><data value=\"{total}\">")));
}

#[test]
fn a_page_is_written_in_one_step_and_nothing_is_said() {
    let office = Office::of(20);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    assert_eq!(office.says(&["report", "html", "--output", file.to_str().unwrap()]), "");
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>\n") && page.trim_end().ends_with("</html>"));
    assert_eq!(page, office.says(&["report", "html"]));
}

#[test]
fn every_command_of_the_page_about_the_page_works() {
    let office = Office::of(20);
    let folder = tempfile::tempdir().unwrap();
    let commands =
        include_str!("../docs/page.md").lines().filter_map(|line| line.strip_prefix("$ runledger "));
    let mut count = 0;
    for command in commands {
        let command = command.split("  #").next().unwrap().trim();
        let (arguments, file) = command.rsplit_once(' ').unwrap();
        let file = folder.path().join(file);
        let arguments: Vec<&str> = arguments.split(' ').chain(file.to_str()).collect();
        office.says(&arguments);
        assert!(file.exists(), "{command}");
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn what_only_tables_have_is_refused() {
    let office = Office::of(5);
    for flags in [
        &["--by", "week"][..],
        &["--limit", "3"],
        &["--format", "csv"],
        &["--decimals", "2"],
        &["--dialect", "excel"],
    ] {
        let refused = office.run(&[&["report", "html"], flags].concat());
        refused.refused(2, &[flags[0], "html is a page"]);
    }
}
