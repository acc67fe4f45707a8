//! Gaps in the run list: their runs are requested by id where the archive knows them, and named where it does not.

use super::Session;
use crate::error::{Error, Result};
use crate::run::Redaction;
use crate::store::{Candidate, ListGap};
use crate::sync::decoded::Item;
use crate::sync::walk::Walk;
use std::sync::Arc;

/// How often to request a run by id that the list fails to return.
const ATTEMPTS: u32 = 2;

impl Session<'_> {
    /// Stores the gaps of a walk, and reports the runs that the API returns neither in the list nor by id.
    pub(super) fn handle_gaps(&mut self, walk: &Walk) -> Result<()> {
        for gap in walk.gaps() {
            let mut gap = gap.clone();
            for run in self.runs_in(&gap)? {
                gap.run_id = Some(run.run_id);
                if self.fetch_unlisted_run(run)? {
                    gap.fetched_at = Some(self.observed_at);
                } else {
                    self.unreadable.insert(run.run_id);
                }
            }
            if gap.is_missing() {
                self.missing.push(gap.to_string());
            }
            self.ensure_transaction()?;
            self.archive.save_gap(&gap, self.observed_at, self.sync_id)?;
        }
        let oldest = if walk.reached_end() { None } else { walk.progress().cursor.map(|run| run.created_at) };
        if walk.reached_end() || oldest.is_some() {
            self.ensure_transaction()?;
            self.archive.resolve_gaps(walk.starts_below(), oldest, self.observed_at, self.sync_id)?;
        }
        Ok(())
    }

    /// The archived runs that are in a gap. Empty: the archive does not know them.
    fn runs_in(&self, gap: &ListGap) -> Result<Vec<Candidate>> {
        let [newest, oldest] = [gap.newer, gap.older].map(|run| run.map(|run| run.created_at));
        // The neighbors are among them.
        let limit = gap.records + 3;
        let mut runs = self.archive.runs_between(newest, oldest, limit)?;
        if runs.len() as u64 == limit {
            // Runs with the same instant, or deleted ones: it could be any of them.
            return Ok(Vec::new());
        }
        runs.retain(|run| !self.seen.contains(run.snapshot_id));
        if runs.len() as u64 > gap.records {
            runs.clear();
        }
        Ok(runs)
    }

    /// Requests and stores a run that the list fails to return. Returns whether the API returned it.
    fn fetch_unlisted_run(&mut self, run: Candidate) -> Result<bool> {
        let redaction: Arc<Redaction> = self.prefetcher.redaction();
        let id = run.run_id;
        let request =
            self.prefetcher.client().run(id, Some(ATTEMPTS), |raw| Item::decode_details(raw, id, &redaction));
        match self.prefetcher.wait_for(request) {
            Ok(Some(item)) => {
                self.begin_observation()?;
                self.store_details(item)?;
                Ok(true)
            }
            Ok(None) | Err(Error::ApiUnavailable { .. } | Error::ResponseTooLarge { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
