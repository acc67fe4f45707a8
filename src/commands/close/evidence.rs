//! What a preview of a close says beside what it freezes: where the zone comes from, and whether costs still change.

use crate::commands::shared::facts::from_here;
use crate::error::Result;
use crate::report::question::Question;
use crate::report::scope::ScopeRequest;
use crate::report::{Cell, Ledger, Scope};
use crate::run::Instant;
use crate::settings::{Origin, Settings};
use crate::store::Archive;
use chrono::TimeDelta;

/// How long costs have kept changing, by which a month is not yet safe to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LateChanges {
    /// The longest time in days from the booking of a run to a change of its cost.
    pub(super) days: i64,
    /// That many days after the end of the month.
    pub(super) safe_from: Instant,
}

/// Where the zone of the month comes from: `--zone`, `runledger.toml`, `close of 2026-08`.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the settings have an invalid zone. Those of SQLite.
pub(super) fn origin_of_zone(
    booking: &ScopeRequest,
    restates: Option<i64>,
    settings: &Settings,
    archive: &Archive,
) -> Result<String> {
    if booking.zone.is_some() {
        return Ok(Origin::Flag("--zone").to_string());
    }
    if let Some(close_id) = restates {
        return Ok(format!("close {close_id}"));
    }
    Ok(match settings.zone()?.map(|zone| zone.origin) {
        Some(Origin::File(path)) => from_here(&path),
        Some(origin) => origin.to_string(),
        None => {
            let latest = archive.closes_by_age()?.into_iter().next();
            latest.map_or(Origin::Default, |close| Origin::LatestClose(close.period)).to_string()
        }
    })
}

/// Whether costs have changed so long after a run that those of a month that ended can still change. `None`: they have
/// not.
///
/// # Errors
/// Those of SQLite.
pub(super) fn late_changes(archive: &Archive, ends_at: Instant, now: Instant) -> Result<Option<LateChanges>> {
    let Some(question) = Question::named("settling") else { return Ok(None) };
    let ledger = Ledger::open(archive.connection(), Scope::default())?;
    let table = question.answer(&ledger, None)?;
    let Some(column) = table.columns.iter().position(|column| column == "safe_after_days") else {
        return Ok(None);
    };
    // The last row is about all kinds.
    let Some(Cell::Count(Some(days))) = table.rows.last().map(|row| row[column].clone()) else {
        return Ok(None);
    };
    let safe_from = ends_at.plus(TimeDelta::days(days));
    Ok((now < safe_from).then_some(LateChanges { days, safe_from }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_unsafe_as_long_as_costs_have_changed_before() {
        let archive = Archive::temporary().unwrap();
        let at = |text: &str| Instant::parse(text).unwrap();
        let (end, now) = (at("2026-02-01T00:00:00Z"), at("2026-02-04T00:00:00Z"));
        assert_eq!(late_changes(&archive, end, now).unwrap(), None);
        // The cost of a run of 5 January changed 20.5 days later.
        let state = |seen: &str, superseded: &str, nanos: u32| {
            format!(
                "INSERT INTO run_snapshots (run_id, observed_at, superseded_at, sync_id, content_hash, created_at, started_at,
                                            ended_at, status, el_cost_usd, el_cost_nanos, source)
                 VALUES ('run-1', '{seen}', {superseded}, 1, randomblob(32), '2026-01-05T00:00:00.000000Z',
                         '2026-01-05T00:00:00.000000Z', '2026-01-05T00:05:00.000000Z', 'success', 1.0, {nanos}, 's-1');"
            )
        };
        let changed = "2026-01-25T12:00:00.000000Z";
        let states = [
            state("2026-01-05T01:00:00.000000Z", &format!("'{changed}'"), 1_000_000_000),
            state(changed, "NULL", 2_000_000_000),
        ];
        let sync = "INSERT INTO syncs (sync_id, kind, started_at, outcome, process_id, program_version, api_url,
                                       last_observed_at)
                    VALUES (1, 'first', '2026-01-05T01:00:00.000000Z', 'complete', 1, '0.1.0', 'http://127.0.0.1:1/',
                            '2026-01-25T12:00:00.000000Z');";
        archive.connection().execute_batch(&[sync, &states.concat()].concat()).unwrap();
        let late = LateChanges { days: 21, safe_from: at("2026-02-22T00:00:00Z") };
        assert_eq!(late_changes(&archive, end, now).unwrap(), Some(late));
        assert_eq!(late_changes(&archive, end, late.safe_from).unwrap(), None);
    }
}
