//! The gaps of the archive, as far as it shows them without the API.

use super::{Archive, PipelineKind};
use crate::error::Result;
use crate::run::Instant;
use crate::run::json::{Entries, JsonText};
use chrono::NaiveDate;
use rusqlite::{OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};

/// Why a run number is not in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapReason {
    /// It is below the first archived number of its pipeline: older than every run that the API listed.
    BelowFirst,
    /// The first complete walk of the run list saw a later run of the pipeline and not this one. It was deleted before
    /// the archive began.
    BeforeArchive,
    /// An item with this number is in quarantine.
    Quarantined,
    /// None of these: the run existed only between two syncs, or was missed.
    Unexplained,
}

impl GapReason {
    /// Every reason.
    pub const ALL: [GapReason; 4] =
        [GapReason::BelowFirst, GapReason::BeforeArchive, GapReason::Quarantined, GapReason::Unexplained];

    /// Its word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            GapReason::BelowFirst => "below_first",
            GapReason::BeforeArchive => "before_archive",
            GapReason::Quarantined => "quarantined",
            GapReason::Unexplained => "unexplained",
        }
    }
}

/// A range of run numbers of one pipeline that the archive has never seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// `source`, `destination` or `transformation`.
    pub pipeline_kind: String,
    /// The id of the pipeline.
    pub pipeline_id: String,
    /// The first missing number.
    pub first: i64,
    /// The last missing number.
    pub last: i64,
    /// Why they are missing.
    pub reason: GapReason,
}

impl Gap {
    /// The count of missing numbers.
    pub fn size(&self) -> u64 {
        self.last.abs_diff(self.first).saturating_add(1)
    }
}

/// What the archive shows about its completeness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The pipelines that have numbered runs.
    pub numbered_pipelines: u64,
    /// The missing numbers, by pipeline and number.
    pub gaps: Vec<Gap>,
    /// The archived runs that the API should still list.
    pub present_runs: u64,
    /// The archived runs that the API no longer has.
    pub vanished_runs: u64,
    /// The present runs that are missing from the run list, without evidence that they are deleted.
    pub suspected_runs: u64,
    /// The distinct items in quarantine.
    pub quarantined_items: u64,
    /// The number of runs that the API fails to return, in the list and by id.
    pub unreadable_runs: u64,
    /// When the first complete walk of the run list ended. `None`: there was none.
    pub first_whole_walk_at: Option<Instant>,
    /// When the first sync began, by the system clock. `None`: there was none.
    pub archived_since: Option<Instant>,
    /// The days (`2026-11-23`, UTC) on which a complete sync began or ended, by the system clock.
    pub synced_days: BTreeSet<String>,
}

impl Coverage {
    /// The count of numbers missing for that reason.
    pub fn missing_numbers(&self, reason: GapReason) -> u64 {
        let gaps = self.gaps.iter().filter(|gap| gap.reason == reason);
        gaps.fold(0, |sum: u64, gap| sum.saturating_add(gap.size()))
    }

    /// The days (UTC) from the first sync until yesterday without a complete sync, as ranges of first and last day.
    pub fn days_without_sync(&self, now: Instant) -> Vec<(NaiveDate, NaiveDate)> {
        let mut ranges: Vec<(NaiveDate, NaiveDate)> = Vec::new();
        let Some(since) = self.archived_since else { return ranges };
        let (since, today) = (since.to_utc().date_naive(), now.to_utc().date_naive());
        for day in since.iter_days().take_while(|day| *day < today) {
            if self.synced_days.contains(&day.to_string()) {
                continue;
            }
            match ranges.last_mut() {
                Some((_, last)) if last.succ_opt() == Some(day) => *last = day,
                _ => ranges.push((day, day)),
            }
        }
        ranges
    }
}

/// Each number in any snapshot of a run, by pipeline, and when it was first observed. A run names its pipeline by id or
/// by slug. Both are one pipeline.
const NUMBERS: &str = "\
    WITH named AS ( \
        SELECT CASE WHEN source IS NOT NULL THEN 'source' \
                    WHEN destination IS NOT NULL THEN 'destination' \
                    ELSE 'transformation' END AS kind, \
               coalesce(source, destination, transformation) AS named_by, \
               number, observed_at \
        FROM run_snapshots NOT INDEXED \
        WHERE number IS NOT NULL \
          AND (source IS NOT NULL) + (destination IS NOT NULL) + (transformation IS NOT NULL) = 1 \
    ) \
    SELECT kind, \
           coalesce( \
               (SELECT p.pipeline_id FROM pipelines AS p WHERE p.kind = named.kind AND p.pipeline_id = named_by), \
               (SELECT p.pipeline_id FROM pipelines AS p WHERE p.slug = named_by AND +p.kind = named.kind \
                ORDER BY p.gone_at, p.pipeline_id LIMIT 1), \
               named_by) AS pipeline_id, \
           number, \
           min(observed_at) \
    FROM named \
    GROUP BY 1, 2, 3 \
    ORDER BY 1, 2, 3";

/// The quarantined numbers of each pipeline, by kind and id.
type Quarantined = BTreeMap<(String, String), BTreeSet<i64>>;

impl Archive {
    /// The gaps that the archive shows without the API.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn coverage(&self) -> Result<Coverage> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, u64>(0));
        let instant = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, Option<Instant>>(0));
        let vanished_runs = count("SELECT count(*) FROM vanished_runs")?;
        let first_whole_walk_at = instant("SELECT min(last_observed_at) FROM syncs WHERE walk_whole = 1")?;
        let mut days = self.connection.prepare(
            "SELECT substr(coalesce(clock_started_at, started_at), 1, 10), \
                    substr(coalesce(clock_ended_at, ended_at), 1, 10) FROM syncs \
             WHERE outcome = 'complete' AND kind <> 'fetch'",
        )?;
        let days = days.query_map([], |row| Ok([row.get(0)?, row.get(1)?]))?;
        let days: Vec<[String; 2]> = days.collect::<rusqlite::Result<_>>()?;
        let (numbered_pipelines, gaps) = self.gaps(first_whole_walk_at)?;
        Ok(Coverage {
            numbered_pipelines,
            gaps,
            present_runs: count("SELECT coalesce(sum(runs_new), 0) FROM syncs")?
                .saturating_sub(vanished_runs),
            vanished_runs,
            suspected_runs: self.suspected_runs()?,
            quarantined_items: count("SELECT count(*) FROM quarantine")?,
            unreadable_runs: self.unreadable_runs()?,
            first_whole_walk_at,
            archived_since: instant("SELECT min(coalesce(clock_started_at, started_at)) FROM syncs")?,
            synced_days: days.into_iter().flatten().collect(),
        })
    }

    fn gaps(&self, first_whole_walk_at: Option<Instant>) -> Result<(u64, Vec<Gap>)> {
        let quarantined = self.quarantined_numbers()?;
        let mut statement = self.connection.prepare(NUMBERS)?;
        let mut rows = statement.query([])?;
        let mut gaps = Vec::new();
        let mut pipelines = 0;
        let mut before: Option<(String, String, i64)> = None;
        while let Some(row) = rows.next()? {
            let (kind, id, number, seen_at): (String, String, i64, Instant) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            let previous = before.as_ref().filter(|before| before.0 == kind && before.1 == id);
            pipelines += u64::from(previous.is_none());
            let pipeline = (kind, id);
            let (first, reason) = match previous {
                None => (1, GapReason::BelowFirst),
                Some((.., previous)) => (
                    previous.saturating_add(1),
                    match first_whole_walk_at {
                        Some(at) if seen_at > at => GapReason::Unexplained,
                        _ => GapReason::BeforeArchive,
                    },
                ),
            };
            if first < number {
                let known = quarantined.get(&pipeline);
                for (first, last, reason) in split(first, number - 1, reason, known) {
                    let (pipeline_kind, pipeline_id) = pipeline.clone();
                    gaps.push(Gap { pipeline_kind, pipeline_id, first, last, reason });
                }
            }
            before = Some((pipeline.0, pipeline.1, number));
        }
        Ok((pipelines, gaps))
    }

    fn quarantined_numbers(&self) -> Result<Quarantined> {
        let mut statement = self.connection.prepare("SELECT item FROM quarantine")?;
        let mut rows = statement.query([])?;
        let mut numbers = Quarantined::new();
        while let Some(row) = rows.next()? {
            let item: String = row.get(0)?;
            let Some(entries) = Entries::parse(&item) else { continue };
            let Some(number) = entries.get("number").and_then(|number| number.get().parse().ok()) else {
                continue;
            };
            for kind in PipelineKind::ALL {
                let Some(named_by) = entries.get(kind.as_str()).and_then(JsonText::text) else { continue };
                let id = self.pipeline_id(kind, &named_by)?.unwrap_or_else(|| named_by.into_owned());
                numbers.entry((kind.as_str().to_owned(), id)).or_default().insert(number);
            }
        }
        Ok(numbers)
    }

    fn pipeline_id(&self, kind: PipelineKind, id_or_slug: &str) -> Result<Option<String>> {
        let sql = "SELECT pipeline_id FROM pipelines WHERE kind = ?1 AND ?2 IN (pipeline_id, slug) \
                   ORDER BY pipeline_id = ?2 DESC LIMIT 1";
        Ok(self.connection.query_row(sql, params![kind.as_str(), id_or_slug], |row| row.get(0)).optional()?)
    }
}

/// Splits the missing numbers `first` to `last` into those in quarantine and the others, which have `reason`.
fn split(
    first: i64,
    last: i64,
    reason: GapReason,
    quarantined: Option<&BTreeSet<i64>>,
) -> Vec<(i64, i64, GapReason)> {
    let mut parts = Vec::new();
    let mut from = first;
    for &number in quarantined.into_iter().flat_map(|numbers| numbers.range(first..=last)) {
        if from < number {
            parts.push((from, number - 1, reason));
        }
        parts.push((number, number, GapReason::Quarantined));
        if number == last {
            return parts;
        }
        from = number + 1;
    }
    parts.push((from, last, reason));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_split_at_quarantined_items() {
        let quarantined = BTreeSet::from([1, 5, 7, 9, 12]);
        assert_eq!(
            split(5, 9, GapReason::Unexplained, Some(&quarantined)),
            [
                (5, 5, GapReason::Quarantined),
                (6, 6, GapReason::Unexplained),
                (7, 7, GapReason::Quarantined),
                (8, 8, GapReason::Unexplained),
                (9, 9, GapReason::Quarantined)
            ]
        );
        assert_eq!(split(2, 4, GapReason::BelowFirst, Some(&quarantined)), [(2, 4, GapReason::BelowFirst)]);
        assert_eq!(
            split(i64::MIN, i64::MAX, GapReason::BelowFirst, None),
            [(i64::MIN, i64::MAX, GapReason::BelowFirst)]
        );
    }

    #[test]
    fn days_without_a_sync_are_ranges_until_yesterday() {
        let at = |text| Instant::parse(text).unwrap();
        let coverage = Coverage {
            numbered_pipelines: 0,
            gaps: Vec::new(),
            present_runs: 0,
            vanished_runs: 0,
            suspected_runs: 0,
            quarantined_items: 0,
            unreadable_runs: 0,
            first_whole_walk_at: None,
            archived_since: Some(at("2026-11-20T10:00:00Z")),
            synced_days: ["2026-11-20", "2026-11-23"].map(str::to_owned).into(),
        };
        let days = |now| -> Vec<(String, String)> {
            let ranges = coverage.days_without_sync(at(now)).into_iter();
            ranges.map(|(first, last)| (first.to_string(), last.to_string())).collect()
        };
        let range = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(days("2026-11-22T10:00:00Z"), [range("2026-11-21", "2026-11-21")]);
        assert_eq!(
            days("2026-11-26T00:00:00Z"),
            [range("2026-11-21", "2026-11-22"), range("2026-11-24", "2026-11-25")]
        );
        assert!(days("2026-11-21T00:00:00Z").is_empty());
    }
}
