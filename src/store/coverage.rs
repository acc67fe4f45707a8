//! This is the account of what can be missing from the archive, as far as it can tell by itself.

use super::{Archive, PipelineKind};
use crate::error::Result;
use crate::run::Instant;
use crate::run::json::{Entries, text_of};
use rusqlite::{OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};

/// Why a run number that should be there is not in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is below the first archived number of its pipeline: older than anything that the API showed.
    BelowFirst,
    /// A later run of the pipeline was met by the first whole walk of the list, and this one was not: it
    /// was deleted before the archive began.
    BeforeArchive,
    /// An item with this number is in quarantine.
    Quarantined,
    /// None of these: it came and went between two syncs, or was missed.
    Unexplained,
}

impl Why {
    /// All of them.
    pub const ALL: [Why; 4] = [Why::BelowFirst, Why::BeforeArchive, Why::Quarantined, Why::Unexplained];

    /// The reason's word in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::BelowFirst => "below_first",
            Why::BeforeArchive => "before_archive",
            Why::Quarantined => "quarantined",
            Why::Unexplained => "unexplained",
        }
    }
}

/// Run numbers of one pipeline, next to each other, that the archive never saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What the pipeline does.
    pub pipeline_kind: String,
    /// The pipeline.
    pub pipeline_id: String,
    /// The first number that is missing.
    pub first: i64,
    /// The last one.
    pub last: i64,
    /// Why.
    pub why: Why,
}

impl Gap {
    /// How many numbers are missing.
    pub fn size(&self) -> u64 {
        self.last.abs_diff(self.first).saturating_add(1)
    }
}

/// What can be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// How many pipelines have runs with numbers.
    pub numbered_pipelines: u64,
    /// The numbers that are missing, by pipeline and number.
    pub gaps: Vec<Gap>,
    /// How many runs of the archive the API should still list.
    pub present_runs: u64,
    /// How many runs the API no longer has.
    pub vanished_runs: u64,
    /// How many distinct items are in quarantine.
    pub quarantined_items: u64,
    /// When the list was first read whole. `None`: it never was.
    pub first_whole_walk_at: Option<Instant>,
    /// When the first sync began. `None`: there was none.
    pub archived_since: Option<Instant>,
    /// The days (`2026-11-23`, UTC) in which a complete sync began or ended.
    pub synced_days: BTreeSet<String>,
}

/// Each number that any state of a run showed, by pipeline, and when it was first seen. A run names its
/// pipeline by id or by slug; both are one pipeline.
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

/// Quarantined numbers of each pipeline.
type Quarantined = BTreeMap<(String, String), BTreeSet<i64>>;

impl Archive {
    /// What can be missing, as far as the archive can tell by itself.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn coverage(&self) -> Result<Coverage> {
        let count = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, u64>(0));
        let instant = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, Option<Instant>>(0));
        let vanished_runs = count("SELECT count(*) FROM vanished_runs")?;
        let first_whole_walk_at = instant("SELECT min(last_observed_at) FROM syncs WHERE walk_whole = 1")?;
        let mut days = self.connection.prepare(
            "SELECT substr(started_at, 1, 10), substr(ended_at, 1, 10) FROM syncs \
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
            quarantined_items: count("SELECT count(*) FROM quarantine")?,
            first_whole_walk_at,
            archived_since: instant("SELECT min(started_at) FROM syncs")?,
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
            let (first, why) = match previous {
                None => (1, Why::BelowFirst),
                Some((.., previous)) => (
                    previous.saturating_add(1),
                    match first_whole_walk_at {
                        Some(at) if seen_at > at => Why::Unexplained,
                        _ => Why::BeforeArchive,
                    },
                ),
            };
            if first < number {
                let known = quarantined.get(&pipeline);
                for (first, last, why) in split(first, number - 1, why, known) {
                    let (pipeline_kind, pipeline_id) = pipeline.clone();
                    gaps.push(Gap { pipeline_kind, pipeline_id, first, last, why });
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
                let Some(named_by) = entries.get(kind.as_str()).and_then(text_of) else { continue };
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

/// The missing numbers `first` to `last`, those in quarantine told from the others.
fn split(first: i64, last: i64, why: Why, quarantined: Option<&BTreeSet<i64>>) -> Vec<(i64, i64, Why)> {
    let mut parts = Vec::new();
    let mut from = first;
    for &number in quarantined.into_iter().flat_map(|numbers| numbers.range(first..=last)) {
        if from < number {
            parts.push((from, number - 1, why));
        }
        parts.push((number, number, Why::Quarantined));
        if number == last {
            return parts;
        }
        from = number + 1;
    }
    parts.push((from, last, why));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_split_where_an_item_is_in_quarantine() {
        let quarantined = BTreeSet::from([1, 5, 7, 9, 12]);
        assert_eq!(
            split(5, 9, Why::Unexplained, Some(&quarantined)),
            [
                (5, 5, Why::Quarantined),
                (6, 6, Why::Unexplained),
                (7, 7, Why::Quarantined),
                (8, 8, Why::Unexplained),
                (9, 9, Why::Quarantined)
            ]
        );
        assert_eq!(split(2, 4, Why::BelowFirst, Some(&quarantined)), [(2, 4, Why::BelowFirst)]);
        assert_eq!(split(i64::MIN, i64::MAX, Why::BelowFirst, None), [(i64::MIN, i64::MAX, Why::BelowFirst)]);
    }
}
