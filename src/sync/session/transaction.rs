//! Transactions of a sync: each commit carries the sync's progress, so that a killed sync can resume.

use super::{Moment, Session};
use crate::error::Result;
use std::time::Duration;

/// Pages that arrive within this time share a transaction. Committing by time instead of by page
/// makes a first sync almost twice as fast, and a kill loses at most this much work.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Opens a transaction unless one is open.
    pub(super) fn ensure_transaction(&mut self) -> Result<()> {
        if self.transaction_began.is_none() {
            self.archive.begin()?;
            self.transaction_began = Some(Moment::now());
        }
        Ok(())
    }

    /// Gives what is stored next its own instant and an open transaction.
    pub(super) fn begin_observation(&mut self) -> Result<()> {
        self.observed_at = self.observations.next();
        self.ensure_transaction()
    }

    /// When the open transaction is due. `None`: no transaction is open.
    pub(super) fn commit_deadline(&self) -> Option<Moment> {
        self.transaction_began.map(|began| began + COMMIT_INTERVAL)
    }

    pub(super) fn commit_if_due(&mut self) -> Result<()> {
        match self.commit_deadline() {
            Some(deadline) if deadline <= Moment::now() => self.commit(),
            _ => Ok(()),
        }
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        if self.options.dry_run {
            // A dry run has one transaction, which is rolled back at the end. Only its deadline moves.
            self.transaction_began = self.transaction_began.map(|_| Moment::now());
            return Ok(());
        }
        if self.transaction_began.is_some() {
            // Counts and progress must match the rows, even in the middle of a page.
            self.save_progress()?;
            self.archive.commit()?;
            self.transaction_began = None;
            self.committed = (self.counts, self.walk_progress);
        }
        Ok(())
    }

    pub(super) fn save_progress(&mut self) -> Result<()> {
        self.ensure_transaction()?;
        let now = self.observations.next();
        self.counts.requests = self.prefetcher.client().requests();
        self.archive.save_progress(self.sync_id, &self.walk_progress, &self.counts, now)
    }
}
