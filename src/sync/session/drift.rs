//! The drift that a sync records: bounded, so that an API without a contract cannot flood the archive.

use super::Session;
use crate::error::Result;
use crate::run::{Drift, DriftKind, Instant};
use crate::store::{Archive, DriftRow};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The most deviations of one kind that are recorded from one document: one run cannot fill the list.
const MAX_PER_DOCUMENT: usize = 100;

/// The most deviations of one kind that the archive records: unknown fields cannot hide an unknown status.
const MAX_PER_KIND: usize = 1000;

impl Session<'_> {
    pub(super) fn record_drift(&mut self, drift: &[Drift], example: Uuid) -> Result<()> {
        self.drift.record(self.archive, drift, example, self.observed_at, self.sync_id)
    }
}

/// The recorded deviations from the contract.
pub(super) struct DriftLog {
    known: HashSet<Drift>,
    /// The number of known deviations of each kind.
    counts: HashMap<DriftKind, usize>,
    new: Vec<DriftRow>,
    unrecorded: u64,
}

impl DriftLog {
    /// The deviations that an archive lists.
    pub(super) fn of(archive: &Archive) -> Result<DriftLog> {
        let known: HashSet<Drift> = archive.drift()?.into_iter().map(|row| row.drift).collect();
        let mut counts = HashMap::new();
        for drift in &known {
            *counts.entry(drift.kind).or_default() += 1;
        }
        Ok(DriftLog { known, counts, new: Vec::new(), unrecorded: 0 })
    }

    /// Records the new deviations of a document, up to the limits. The run keeps all of them.
    fn record(
        &mut self,
        archive: &Archive,
        drift: &[Drift],
        example: Uuid,
        at: Instant,
        sync_id: i64,
    ) -> Result<()> {
        let mut of_document: HashMap<DriftKind, usize> = HashMap::new();
        let mut unrecorded = 0;
        for drift in drift {
            // Known ones count, too: otherwise each sync would record another hundred of the same run.
            let of_document = of_document.entry(drift.kind).or_default();
            *of_document += 1;
            if self.known.contains(drift) {
                continue;
            }
            let of_archive = self.counts.entry(drift.kind).or_default();
            if *of_document > MAX_PER_DOCUMENT || *of_archive >= MAX_PER_KIND {
                unrecorded += 1;
                continue;
            }
            *of_archive += 1;
            archive.record_drift(drift, example, at, sync_id)?;
            self.known.insert(drift.clone());
            self.new.push(DriftRow {
                drift: drift.clone(),
                first_seen_at: at,
                example_run_id: example.to_string(),
            });
        }
        self.unrecorded = self.unrecorded.max(unrecorded);
        Ok(())
    }

    /// The deviations recorded by this sync.
    pub(super) fn into_new(self) -> Vec<DriftRow> {
        self.new
    }

    /// The most deviations of one document that the archive does not list. Zero: it lists all.
    pub(super) fn unrecorded(&self) -> u64 {
        self.unrecorded
    }
}
