//! Archived runs that the API no longer shows: which of them are deleted, and which only seem to be.
//!
//! A run counts as vanished when the API answers 404 for its id. A revoked role or a broken API does that too, but for
//! many runs at once. So more than twenty missing runs are marked only if upstream retention explains them, or if
//! the user confirms that they are deleted. Otherwise they are suspected to be missing, which every sync reports.

use super::Session;
use super::details::Details;
use crate::error::Result;
use crate::escape::shell_word;
use crate::run::Instant;
use crate::store::{UnseenRun, WorkspaceEvidence};
use crate::sync::Phase;
use crate::sync::decoded::Item;
use crate::sync::walk::Walk;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Up to this many archived runs, or pipelines of a kind, may be missing at once without an explanation.
pub(super) const MAX_UNEXPLAINED: usize = 20;

/// How many missing runs are requested to confirm that upstream retention deleted all of them.
const RETENTION_PROBES: usize = 20;

/// How many vanished runs are requested to see whether they are back.
const RETURN_PROBES: usize = 5;

/// What a sync has seen of the archived runs that may be missing.
#[derive(Debug, Default)]
pub(super) struct Absences {
    /// Whether the run list has shown any item.
    has_listed: bool,
    /// When the oldest listed run was created. `None`: no listed run has a creation instant.
    oldest_listed_at: Option<Instant>,
    /// Whether a run that had vanished was seen again.
    pub(super) has_returned: bool,
    /// Runs that answered 404 and are not marked as vanished yet.
    gone: BTreeSet<Uuid>,
    /// The archived runs that the whole list lacked without being marked. `None`: it was not read to its end.
    pub(super) suspected: Option<u64>,
}

impl Session<'_> {
    /// Examines a page of the run list before it is stored. Ends the sync if nothing shows that the API serves the
    /// archive's workspace.
    pub(super) fn examine_page(&mut self, items: &[Item]) -> Result<()> {
        self.absences.has_listed |= !items.is_empty();
        let created = items.iter().filter_map(|item| match item {
            Item::Run(snapshot, _) => snapshot.run.created_at,
            Item::DecodeError { .. } => None,
        });
        self.absences.oldest_listed_at = created.chain(self.absences.oldest_listed_at).min();
        self.require_evidence(items, WorkspaceEvidence::ListedRun)
    }

    /// Requests by id what the walk left open: unsettled runs, and runs that may be deleted or back.
    pub(super) fn request_open_runs(&mut self, mut walk: Walk) -> Result<()> {
        self.save_progress()?;
        if !walk.saw_everything() && self.missing_runs_are_back(&walk)? {
            walk = self.read_whole_list("runs that were missing are back, so the whole list was read")?;
        }
        let mut unlisted = self.unlisted_runs(&walk)?;
        if self.may_be_deleted(unlisted.len()) {
            walk = self.fetch_unsettled_runs(walk)?;
            if !walk.saw_everything() && self.has_unexplained_runs() {
                walk = self.read_whole_list("many unsettled runs are gone, so the whole list was read")?;
            }
            unlisted = self.unlisted_runs(&walk)?;
        } else {
            self.fetch_listed_unsettled_runs()?;
        }
        self.resolve_missing_runs(&walk, &unlisted)
    }

    /// Marks the missing runs as vanished, or reports that nothing shows whether they are.
    fn resolve_missing_runs(&mut self, walk: &Walk, unlisted: &[UnseenRun]) -> Result<()> {
        if !walk.saw_everything() {
            // Nothing new is known about runs that an earlier sync missed.
            let suspected = self.archive.suspected_runs()?;
            self.report_suspected_runs(suspected, "when it was last read to its end");
            return self.mark_gone_runs();
        }
        if self.may_be_deleted(unlisted.len()) {
            let ids = unlisted.iter().map(|run| run.run_id);
            let ids = ids.filter(|id| !self.absences.gone.contains(id)).collect();
            self.fetch_runs(ids, Phase::Vanished)?;
            self.absences.suspected = Some(0);
        } else if self.is_retention(unlisted)? {
            self.absences.gone.clear();
            self.begin_observation()?;
            for run in unlisted {
                self.mark_vanished(run.run_id)?;
            }
            self.absences.suspected = Some(0);
        } else {
            self.absences.gone.clear();
            self.absences.suspected = Some(unlisted.len() as u64);
            self.report_suspected_runs(unlisted.len() as u64, "although it was read to its end");
        }
        self.ensure_transaction()?;
        self.archive.save_suspected_runs(self.sync_id, self.absences.suspected.unwrap_or(0))?;
        self.mark_gone_runs()
    }

    /// The archived runs that the walk did not see. Empty if the walk did not see everything.
    fn unlisted_runs(&mut self, walk: &Walk) -> Result<Vec<UnseenRun>> {
        if !walk.saw_everything() {
            return Ok(Vec::new());
        }
        self.save_progress()?;
        if self.archive.present_runs()? <= self.seen.count() {
            return Ok(Vec::new());
        }
        let mut unseen = self.archive.unseen_runs(|snapshot_id| self.seen.contains(snapshot_id))?;
        // The list has these, but the API fails to return them.
        unseen.retain(|run| !self.unreadable.contains(&run.run_id));
        Ok(unseen)
    }

    /// Whether it is plausible that this many missing runs are deleted: requests by id then decide about each.
    fn may_be_deleted(&self, missing: usize) -> bool {
        missing == 0
            || self.options.confirm_vanished
            || (missing <= MAX_UNEXPLAINED && self.absences.has_listed)
    }

    /// Whether upstream retention explains the missing runs: all are older than the list, and a sample answers 404.
    fn is_retention(&mut self, unlisted: &[UnseenRun]) -> Result<bool> {
        let Some(oldest_listed_at) = self.absences.oldest_listed_at else { return Ok(false) };
        if !unlisted.iter().all(|run| run.created_at.is_some_and(|at| at < oldest_listed_at)) {
            return Ok(false);
        }
        let mut by_age = unlisted.to_vec();
        by_age.sort_unstable_by_key(|run| (run.created_at, run.run_id));
        let probes: Vec<Uuid> =
            spread(by_age.len(), RETENTION_PROBES).map(|place| by_age[place].run_id).collect();
        let asked = probes.len();
        self.absences.gone.clear();
        self.fetch_runs(probes, Phase::Vanished)?;
        Ok(self.absences.gone.len() == asked)
    }

    // ---- runs that come back

    /// Whether the API lists missing runs again, so that a walk of the whole list finds them. If few runs have
    /// vanished, requests and stores those that are back instead.
    fn missing_runs_are_back(&mut self, walk: &Walk) -> Result<bool> {
        let suspected = self.archive.suspected_runs()?;
        if (suspected == 0 && !self.has_vanished_runs) || !walk.is_complete() {
            return Ok(false);
        }
        let expected = self.archive.expected_list_count()?.saturating_sub(suspected);
        let lists_more = walk.least_count().map(|count| count > expected);
        if suspected > 0 && lists_more != Some(false) {
            return Ok(true);
        }
        if !self.absences.has_returned && lists_more != Some(true) {
            return Ok(false);
        }
        let vanished = self.archive.vanished_runs()?;
        if vanished.len() <= MAX_UNEXPLAINED {
            self.fetch_vanished_runs(vanished)?;
            return Ok(false);
        }
        if !self.absences.has_returned {
            // The count of the list is a hint, and some APIs only estimate it.
            let probes = spread(vanished.len(), RETURN_PROBES).map(|place| vanished[place]);
            self.fetch_vanished_runs(probes.collect())?;
        }
        Ok(self.absences.has_returned)
    }

    /// Requests runs that are marked as vanished, and stores those that the API has again.
    fn fetch_vanished_runs(&mut self, ids: Vec<Uuid>) -> Result<()> {
        self.fetch_details(ids.into(), |session, id, details| match details {
            Details::Found(item) => session.store_details(*item),
            Details::Gone => Ok(()),
            Details::Failed(cause) => {
                session.add_missing_run(id, &cause);
                Ok(())
            }
        })
    }

    /// Walks the whole list after a walk of its newest part.
    fn read_whole_list(&mut self, reason: &str) -> Result<Walk> {
        let walk = self.walk(Walk::whole(self.options.page_size))?;
        if walk.is_complete() {
            reason.clone_into(&mut self.reason);
            self.record_walk(&walk, walk.progress().top)?;
        }
        Ok(walk)
    }

    // ---- runs that answer 404

    /// Notes that the API has no such run. A run that this sync has seen is not deleted, whatever its id answers.
    pub(super) fn note_gone_run(&mut self, id: Uuid) -> Result<()> {
        if self.was_seen(id)? {
            return Ok(());
        }
        if self.options.confirm_vanished {
            // Each mark is kept if the sync is interrupted: there may be thousands.
            return self.mark_vanished(id);
        }
        self.absences.gone.insert(id);
        Ok(())
    }

    /// Whether more runs answered 404 than can be deleted without an explanation.
    pub(super) fn has_unexplained_runs(&self) -> bool {
        self.absences.gone.len() > MAX_UNEXPLAINED
    }

    /// Marks the runs that answered 404 as vanished, unless they are too many, or runs are suspected to be missing.
    pub(super) fn mark_gone_runs(&mut self) -> Result<()> {
        let gone = std::mem::take(&mut self.absences.gone);
        if gone.is_empty() || self.archive.suspected_runs()? > 0 {
            return Ok(());
        }
        let mut unseen = Vec::with_capacity(gone.len());
        for id in gone {
            // A later page can have listed it.
            if !self.was_seen(id)? {
                unseen.push(id);
            }
        }
        if unseen.len() > MAX_UNEXPLAINED {
            self.missing.push(format!(
                "the API does not have {} archived runs, and nothing shows that they are deleted: none was marked as vanished{}",
                unseen.len(),
                self.how_to_confirm()
            ));
            return Ok(());
        }
        self.begin_observation()?;
        unseen.into_iter().try_for_each(|id| self.mark_vanished(id))
    }

    fn was_seen(&self, id: Uuid) -> Result<bool> {
        Ok(self.archive.current_snapshot(id)?.is_some_and(|snapshot_id| self.seen.contains(snapshot_id)))
    }

    fn mark_vanished(&mut self, id: Uuid) -> Result<()> {
        if self.archive.mark_vanished(id, self.observed_at, self.sync_id)? {
            self.counts.vanished += 1;
            self.has_vanished_runs = true;
        }
        Ok(())
    }

    fn report_suspected_runs(&mut self, runs: u64, when: &str) {
        if runs == 0 {
            return;
        }
        let (runs, were) = match runs {
            1 => ("1 archived run".to_owned(), "it is"),
            _ => (format!("{runs} archived runs"), "they are"),
        };
        self.missing.push(format!(
            "the run list lacked {runs} {when}, and nothing shows that {were} deleted: none was marked as vanished{}",
            self.how_to_confirm()
        ));
    }

    pub(super) fn how_to_confirm(&self) -> String {
        format!(
            " (if they are deleted, run `runledger sync --confirm-vanished --db {}`)",
            shell_word(self.archive.path())
        )
    }
}

/// Up to `most` places of `count`, evenly spread from the first to the last.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let picked = count.min(most);
    (0..picked).map(move |index| if picked == 1 { 0 } else { index * (count - 1) / (picked - 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_from_the_first_to_the_last() {
        let places = |count, most| spread(count, most).collect::<Vec<usize>>();
        assert_eq!(places(0, 5), [0_usize; 0]);
        assert_eq!(places(1, 5), [0]);
        assert_eq!(places(3, 5), [0, 1, 2]);
        assert_eq!(places(9, 5), [0, 2, 4, 6, 8]);
        assert_eq!(places(100, 1), [0]);
        assert_eq!(places(21, 20).last(), Some(&20));
    }
}
