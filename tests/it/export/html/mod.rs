//! The HTML report: correct figures, no outside content, a bounded size.

#![cfg(feature = "page")]

mod chart;
mod command;
mod escaping;
mod figures;
mod language;
mod sections;

use crate::support::ledger;
use crate::support::workspace::at;
use chrono_tz::Tz;
use runledger::internal::export::html;
use runledger::internal::language::Language;
use runledger::internal::report::overview::{CreditsForecast, Overview, gather};
use runledger::internal::report::{DateBasis, Scope, Span};
use runledger::internal::run::{Instant, Seconds};
use rusqlite::Connection;
use serde_json::Value;

fn overview(archive: &Connection, scope: &Scope) -> Overview {
    let known_at: Option<Instant> =
        archive.query_row("SELECT max(last_observed_at) FROM syncs", [], |row| row.get(0)).unwrap();
    overview_at(archive, scope, known_at)
}

fn overview_at(archive: &Connection, scope: &Scope, known_at: Option<Instant>) -> Overview {
    let mut overview = gather(archive, scope, known_at).unwrap();
    overview.forecast = CreditsForecast::read(archive, scope, known_at).unwrap();
    overview
}

fn html(archive: &Connection, scope: &Scope) -> String {
    html_in(Language::English, archive, scope)
}

fn html_in(language: Language, archive: &Connection, scope: &Scope) -> String {
    html::render(&overview(archive, scope), &html::Labels::default(), language).unwrap()
}

/// Views of the small ledger: zones, spans, date bases, the past.
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

fn seconds(seconds: Option<Seconds>) -> String {
    seconds.map_or_else(String::new, |seconds| seconds.to_string())
}

/// The text between two markers.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

/// An archive of `runs` runs, spread over pipelines and days. Every hundredth run has no known cost.
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

/// The JSON that the page's script reads.
fn data(page: &str) -> Value {
    let json = between(page, "<script type=\"application/json\" id=\"data\">", "</script>");
    serde_json::from_str(json).unwrap()
}

/// A year of runs until 31 May 2026, changed by a statement.
fn changed(statement: &str) -> String {
    let archive = large(2000, 20, 365);
    archive.execute_batch(statement).unwrap();
    html(&archive, &Scope::default())
}
