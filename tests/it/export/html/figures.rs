//! Figures of the HTML report equal those of the reports.

use super::{at, overview, overview_at, scopes, seconds};
use crate::support::ledger;
use runledger::internal::export::html;
use runledger::internal::language::Language;
use runledger::internal::report::overview::calendar::{month_label, week_label};
use runledger::internal::report::overview::{Gathering, PipelineSummary, gather};
use runledger::internal::report::period::Calendar;
use runledger::internal::report::question::Question;
use runledger::internal::report::{Cell, Dimension, Ledger, Scope, Span, Table, cost, duration};
use runledger::internal::run::{Fixed, Instant, Seconds, Usd};

const MONTHS: Dimension = Dimension::Period(Calendar::Month);

const WEEKS: Dimension = Dimension::Period(Calendar::Week);

fn texts(row: &[Cell]) -> Vec<String> {
    row.iter().map(|cell| cell.exact().unwrap_or_default()).collect()
}

fn usd(usd: Option<Usd>) -> String {
    usd.map_or_else(String::new, |usd| usd.to_string())
}

#[test]
fn two_threads_gather_what_one_does() {
    let mut helped = 0;
    for archive in [ledger::small(), ledger::findings()] {
        for scope in scopes() {
            let known_at = Instant::parse("2026-06-01T00:00:00Z");
            let Ok(alone) = gather(&archive, &scope, known_at) else { continue };
            let gathering = Gathering::new(&archive, &scope, known_at).unwrap();
            // The parts that the second thread takes are older than those that the first is still to read.
            let older = gathering.help(&archive).unwrap();
            helped += usize::from(older.is_some());
            let newer = gathering.read(&archive).unwrap();
            let together = gathering.overview(&archive, newer, older).unwrap();
            let page =
                |overview| html::render(overview, &html::Labels::default(), Language::English).unwrap();
            assert!(page(&together) == page(&alone), "{scope:?}");
        }
    }
    assert!(helped >= 10, "{helped}");
}

#[test]
fn html_figures_equal_the_reports() {
    for archive in [ledger::small(), ledger::findings()] {
        for scope in scopes() {
            let Ok(ledger) = Ledger::open(&archive, scope.clone()) else { continue };
            let by_month = cost::report(&ledger, &[MONTHS, Dimension::Pipeline]).unwrap();
            let by_week = duration::report(&ledger, &[WEEKS]).unwrap();
            let by_week_and_kind = duration::report(&ledger, &[WEEKS, Dimension::Kind]).unwrap();
            let rates = duration::report(&ledger, &[MONTHS]).unwrap();
            let failures = Question::named("failures").unwrap().ask(&ledger, None).unwrap();
            drop(ledger);
            let overview = overview(&archive, &scope);

            let mut expected: Vec<Vec<String>> = by_month.rows.iter().map(|row| texts(&row[..10])).collect();
            let row_of = |label: &str,
                          pipeline: &PipelineSummary,
                          sums: &runledger::internal::report::overview::Sums| {
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
                    found.push(row_of(&month_label(*month), pipeline, sums));
                }
                if pipeline.unbooked.cost.runs > 0 {
                    found.push(row_of("", pipeline, &pipeline.unbooked));
                }
            }
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{scope:?}");

            let columns = ["week", "p50_seconds", "p95_seconds", "queued_p50_seconds", "queued_p95_seconds"];
            let of_report = |table: &Table, kind: Option<&str>| -> Vec<Vec<String>> {
                let place = |name| table.columns.iter().position(|column| column == name);
                let rows = table.rows.iter().map(|row| texts(row));
                let rows = rows.filter(|row| !row[place("week").unwrap()].is_empty());
                let rows =
                    rows.filter(|row| kind.is_none_or(|kind| row[place("pipeline_kind").unwrap()] == kind));
                rows.map(|row| columns.map(|name| row[place(name).unwrap()].clone()).to_vec()).collect()
            };
            let of_page = |summary: &PipelineSummary| -> Vec<Vec<String>> {
                let rows = summary.weeks.iter().map(|(week, times)| {
                    let (duration, queued) = (times.duration, times.queued);
                    let known = [duration.p50, duration.p95, queued.p50, queued.p95];
                    [vec![week_label(*week)], known.map(seconds).to_vec()].concat()
                });
                rows.collect()
            };
            assert_eq!(of_page(&overview.all), of_report(&by_week, None), "{scope:?}");
            for (summary, kind) in overview.kinds.iter().zip(["source", "destination", "transformation", ""])
            {
                assert_eq!(of_page(summary), of_report(&by_week_and_kind, Some(kind)), "{kind} {scope:?}");
            }

            let column = rates.columns.iter().position(|column| column == "success_rate").unwrap();
            let expected: Vec<String> = rates
                .rows
                .iter()
                .map(|row| texts(row))
                .filter(|row| !row[0].is_empty())
                .map(|row| row[column].clone())
                .collect();
            let rate = |sums: &runledger::internal::report::overview::Sums| {
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
                        failures.consecutive().to_string(),
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
fn html_anomalies_equal_the_anomalies_report() {
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
                row.push(outlier.scored.booked_at.to_string());
                let band = |band: Option<runledger::internal::report::overview::ControlBand>,
                            unit: fn(i128) -> String| {
                    let parts = |band: runledger::internal::report::overview::ControlBand| {
                        [band.value, band.median, band.low, band.high].map(unit)
                    };
                    band.map(parts).unwrap_or_default()
                };
                row.extend(band(outlier.scored.cost, |nanos| Usd::from_units(nanos).to_string()));
                row.extend(band(outlier.scored.duration, |millis| Seconds::from_units(millis).to_string()));
                row
            })
            .collect();
        let expected: Vec<Vec<String>> = table.rows.iter().map(|row| texts(&row[..13])).collect();
        assert_eq!(found, expected, "{scope:?}");
        outliers += found.len();
    }
    assert!(outliers > 0, "the ledger has outliers");
}

#[test]
fn a_span_is_compared_with_the_whole_month_before_it() {
    let archive = ledger::small();
    let span = Span { from: Some(at("2026-02-01T00:00:00Z")), until: Some(at("2026-03-01T00:00:00Z")) };
    let overview = overview(&archive, &Scope { span, ..Scope::default() });
    let focus = overview.headline_month.as_ref().unwrap();
    assert_eq!(
        (month_label(focus.month).as_str(), focus.is_running, focus.is_whole),
        ("2026-02", false, true)
    );
    assert_eq!((overview.all.total.cost.runs, overview.all.previous_month.cost.runs), (2, 3));
    assert_eq!(usd(overview.all.previous_month.cost.total()), "0.473456789");
    let page = html::render(&overview, &html::Labels::default(), Language::English).unwrap();
    let card = page.split_once("data-figure=\"cost\"").unwrap().1.split_once("</dl>").unwrap().0;
    for words in ["(111.2%)", "against January", "January, whole month", ">0.47<"] {
        assert!(card.contains(words), "{words}: {card}");
    }
}

#[test]
fn the_current_month_is_compared_with_the_same_part_of_the_last() {
    let archive = ledger::small();
    let known_at = at("2026-02-05T10:30:00Z");
    let scope = Scope::default();
    let overview = overview_at(&archive, &scope, Some(known_at));
    assert!(overview.headline_month.as_ref().unwrap().is_running);
    // In January, run-01 is before 10:30 on the 5th; run-02 and run-03 are later.
    let to_date = overview.all.previous_month_to_date.unwrap();
    assert_eq!((to_date.cost.runs, usd(to_date.cost.total()).as_str()), (1, "0.100000000"));
    assert_eq!(overview.all.previous_month.cost.runs, 3);
}
