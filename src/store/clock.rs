//! The system clock of each sync, and how fresh the archive is by it.
//!
//! Observations only move forward. After one sync with a clock that was ahead, they stay ahead until the clock catches
//! up. So freshness uses the clock that each sync recorded, and a time in the future counts as wrong.

use super::Archive;
use crate::error::Result;
use crate::run::Instant;
use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension, params};

/// A time that is up to this far in the future can still be right, because clocks are adjusted.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The newest time that can be right at `now`.
pub(crate) fn trusted_until(now: Instant) -> Instant {
    now.plus(TOLERANCE)
}

/// When the last complete sync began, by the system clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastComplete {
    /// No sync is complete.
    Never,
    /// The last one that began in the past. Its outcome may be partial: an item that stays in quarantine must not make
    /// the archive look stale.
    At(Instant),
    /// Each complete sync began in the future, the last one at this time: the clock was wrong.
    InFuture(Instant),
}

impl LastComplete {
    /// The time, if it is in the past.
    pub(crate) fn at(self) -> Option<Instant> {
        match self {
            LastComplete::At(at) => Some(at),
            LastComplete::Never | LastComplete::InFuture(_) => None,
        }
    }
}

/// How fresh an archive is, by the system clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// When the last complete sync began.
    pub last_complete: LastComplete,
    /// How far the latest observation is ahead of the clock. Zero: it is not.
    pub observations_ahead: TimeDelta,
    /// Whether the clock of the last sync, complete or not, was ahead of now: it was wrong, or the clock is wrong now.
    pub clock_went_back: bool,
}

impl Archive {
    /// Records the system clock at the start of a sync.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn save_clock_start(&self, sync_id: i64, clock: Instant) -> Result<()> {
        let sql = "UPDATE syncs SET clock_started_at = ?2 WHERE sync_id = ?1";
        self.connection.execute(sql, params![sync_id, clock])?;
        Ok(())
    }

    /// Records the system clock at the end of a sync.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn save_clock_end(&self, sync_id: i64, clock: Instant) -> Result<()> {
        let sql = "UPDATE syncs SET clock_ended_at = ?2 WHERE sync_id = ?1";
        self.connection.execute(sql, params![sync_id, clock])?;
        Ok(())
    }

    /// How fresh the archive is at `now`.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn freshness(&self, now: Instant) -> Result<Freshness> {
        let trusted_until = trusted_until(now);
        // Syncs of older versions did not record the clock. No archive is fresher than its observations say.
        let last_complete = "SELECT min(coalesce(clock_started_at, started_at), started_at) AS began_at FROM syncs \
             WHERE walk_complete = 1 AND outcome IN ('complete', 'partial') \
             ORDER BY began_at <= ?1 DESC, sync_id DESC LIMIT 1";
        let last_complete =
            self.connection.query_row(last_complete, [trusted_until], |row| row.get::<_, Instant>(0));
        let last_clock = "SELECT coalesce(clock_ended_at, clock_started_at, last_observed_at) FROM syncs \
             ORDER BY sync_id DESC LIMIT 1";
        let last_clock = self.connection.query_row(last_clock, [], |row| row.get::<_, Instant>(0));
        let observed_at = self.last_observed_at()?.filter(|at| *at > trusted_until);
        Ok(Freshness {
            last_complete: match last_complete.optional()? {
                None => LastComplete::Never,
                Some(at) if at <= trusted_until => LastComplete::At(at),
                Some(at) => LastComplete::InFuture(at),
            },
            observations_ahead: observed_at.map_or(TimeDelta::zero(), |at| at.to_utc() - now.to_utc()),
            clock_went_back: last_clock.optional()?.is_some_and(|at| at > trusted_until),
        })
    }

    /// When the last walk of the whole list started, by the system clock: the last one that started in the past, else
    /// the last one. `None`: there was none.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn last_whole_walk_at(&self, now: Instant) -> Result<Option<Instant>> {
        // A resumed walk started with the sync that it resumes.
        let sql = "SELECT coalesce(began.clock_started_at, ended.walk_started_at) AS began_at \
             FROM syncs AS ended LEFT JOIN syncs AS began ON began.started_at = ended.walk_started_at \
             WHERE ended.walk_whole = 1 \
             ORDER BY began_at <= ?1 DESC, ended.sync_id DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [trusted_until(now)], |row| row.get(0)).optional()?.flatten())
    }

    /// When the last sync started that requested unsettled runs, by the system clock. It need not have read the list.
    /// `None`: there was none in the past.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn last_recheck_at(&self, now: Instant) -> Result<Option<Instant>> {
        let sql = "SELECT coalesce(clock_started_at, started_at) AS began_at FROM syncs \
             WHERE kind <> 'fetch' AND outcome IN ('complete', 'partial') AND began_at <= ?1 \
             ORDER BY sync_id DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [trusted_until(now)], |row| row.get(0)).optional()?)
    }

    /// The system clock at an observation, as [`ClockOffsets::clock_at`].
    ///
    /// # Errors
    /// Those of SQLite.
    fn clock_at(&self, observed_at: Instant) -> Result<Instant> {
        Ok(ClockOffsets::of(&self.connection)?.clock_at(observed_at))
    }

    /// The time by the system clock of the latest observation at or before `moment`; of all if it is `None`. Periods
    /// pass by that clock, which observations can be ahead of. `None`: there was no observation.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn clock_at_last_observation(&self, moment: Option<Instant>) -> Result<Option<Instant>> {
        self.last_observed_by(moment)?.map(|observed_at| self.clock_at(observed_at)).transpose()
    }

    /// The number of syncs that began by `moment` by the system clock, and later by their observations.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn syncs_observed_later(&self, moment: Instant) -> Result<u64> {
        let sql = "SELECT count(*) FROM syncs WHERE clock_started_at <= ?1 AND started_at > ?1";
        Ok(self.connection.query_row(sql, [moment], |row| row.get(0))?)
    }
}

/// How far observations were ahead of the system clock, since the syncs at which that changed.
#[derive(Debug, Default)]
pub(crate) struct ClockOffsets(Vec<(Instant, TimeDelta)>);

impl ClockOffsets {
    /// Reads the log of syncs.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn of(archive: &Connection) -> Result<ClockOffsets> {
        let sql =
            "SELECT started_at, coalesce(clock_started_at, started_at) FROM main.syncs ORDER BY sync_id";
        let mut statement = archive.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut offsets: Vec<(Instant, TimeDelta)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (began_at, clock): (Instant, Instant) = (row.get(0)?, row.get(1)?);
            let ahead =
                if began_at == clock { TimeDelta::zero() } else { began_at.to_utc() - clock.to_utc() };
            let before = offsets.last().map_or(TimeDelta::zero(), |(_, before)| *before);
            if ahead.max(TimeDelta::zero()) != before {
                offsets.push((began_at, ahead.max(TimeDelta::zero())));
            }
        }
        Ok(ClockOffsets(offsets))
    }

    /// The system clock at an observation. It equals the observation, unless observations were ahead of the clock when
    /// the sync began.
    pub(crate) fn clock_at(&self, observed_at: Instant) -> Instant {
        let began = self.0.partition_point(|(began_at, _)| *began_at <= observed_at);
        match began.checked_sub(1).map(|place| self.0[place].1) {
            Some(ahead) if !ahead.is_zero() => observed_at.plus(-ahead),
            _ => observed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    /// An archive with these syncs, each with its observation and its clock.
    fn archive(syncs: &[(&str, Option<&str>)]) -> Archive {
        let archive = Archive::temporary().unwrap();
        for (started_at, clock) in syncs {
            let started_at = at(started_at);
            archive
                .connection
                .execute(
                    "INSERT INTO syncs (kind, started_at, ended_at, outcome, exit_code, process_id, program_version, \
                                        api_url, last_observed_at, walk_started_at, walk_complete, walk_whole, \
                                        clock_started_at, clock_ended_at) \
                     VALUES ('full', ?1, ?1, 'complete', 0, 1, '0', 'http://h/', ?1, ?1, 1, 1, ?2, ?2)",
                    params![started_at, clock.map(at)],
                )
                .unwrap();
        }
        archive
    }

    #[test]
    fn a_time_in_the_future_does_not_count_as_fresh() {
        let now = at("2026-11-23T16:00:00Z");
        let last_complete = |syncs: &[(&str, Option<&str>)]| {
            let archive = archive(syncs);
            let freshness = archive.freshness(now).unwrap();
            let walk = archive.last_whole_walk_at(now).unwrap();
            (freshness.last_complete, freshness.clock_went_back, walk)
        };
        let (early, ahead) = ("2026-11-22T16:00:00Z", "2027-11-23T16:00:00Z");
        assert_eq!(last_complete(&[]), (LastComplete::Never, false, None));
        assert_eq!(
            last_complete(&[(ahead, Some(ahead))]),
            (LastComplete::InFuture(at(ahead)), true, Some(at(ahead)))
        );
        // The sync before that is the last one whose time can be right.
        for clock in [Some(ahead), None] {
            assert_eq!(
                last_complete(&[(early, None), (ahead, clock)]),
                (LastComplete::At(at(early)), true, Some(at(early)))
            );
        }
        // After the clock is repaired, observations are still ahead.
        let repaired = "2026-11-23T15:00:00Z";
        assert_eq!(
            last_complete(&[
                (early, Some(early)),
                (ahead, Some(ahead)),
                ("2027-11-23T16:00:01Z", Some(repaired))
            ]),
            (LastComplete::At(at(repaired)), false, Some(at(repaired)))
        );
        // A clock that is adjusted by a minute is not wrong.
        let adjusted = "2026-11-23T16:01:00Z";
        assert_eq!(
            last_complete(&[(adjusted, Some(adjusted))]),
            (LastComplete::At(at(adjusted)), false, Some(at(adjusted)))
        );
    }

    #[test]
    fn a_sync_that_did_not_read_the_whole_list_requested_unsettled_runs() {
        let archive = archive(&[("2026-11-22T16:00:00Z", None), ("2026-11-23T16:00:00Z", None)]);
        archive.connection.execute_batch("UPDATE syncs SET walk_complete = 0, outcome = 'partial'").unwrap();
        let last = |now| archive.last_recheck_at(at(now)).unwrap();
        assert_eq!(last("2026-11-24T00:00:00Z"), Some(at("2026-11-23T16:00:00Z")));
        assert_eq!(last("2026-11-23T00:00:00Z"), Some(at("2026-11-22T16:00:00Z")));
        assert_eq!(last("2026-11-01T00:00:00Z"), None);
        archive.connection.execute_batch("UPDATE syncs SET outcome = 'failed' WHERE sync_id = 2").unwrap();
        assert_eq!(last("2026-11-24T00:00:00Z"), Some(at("2026-11-22T16:00:00Z")));
    }

    #[test]
    fn observations_ahead_of_the_clock_are_measured() {
        let ahead = |now: &str| {
            let archive = archive(&[("2027-11-23T16:00:00Z", Some("2026-11-23T16:00:00Z"))]);
            archive.freshness(at(now)).unwrap().observations_ahead
        };
        assert_eq!(ahead("2026-11-23T16:00:00Z"), TimeDelta::days(365));
        assert_eq!(ahead("2027-11-23T15:56:00Z"), TimeDelta::zero(), "the clock was adjusted");
        assert_eq!(ahead("2028-01-01T00:00:00Z"), TimeDelta::zero());
    }

    #[test]
    fn an_observation_is_translated_to_the_clock_of_its_sync() {
        let archive = archive(&[
            ("2026-11-20T00:00:00Z", None),
            ("2026-11-21T00:00:00Z", Some("2026-11-21T00:00:00Z")),
            ("2027-11-22T00:00:00Z", Some("2027-11-22T00:00:00Z")),
            ("2027-11-22T01:00:00Z", Some("2026-11-23T00:00:00Z")),
        ]);
        for (observed_at, clock) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"),
            ("2026-11-21T12:00:00Z", "2026-11-21T12:00:00Z"),
            ("2027-11-22T00:30:00Z", "2027-11-22T00:30:00Z"),
            ("2027-11-22T01:00:02Z", "2026-11-23T00:00:02Z"),
        ] {
            assert_eq!(archive.clock_at(at(observed_at)).unwrap(), at(clock), "{observed_at}");
        }
        assert_eq!(archive.syncs_observed_later(at("2026-11-24T00:00:00Z")).unwrap(), 1);
        assert_eq!(archive.syncs_observed_later(at("2026-11-22T00:00:00Z")).unwrap(), 0);
    }
}
