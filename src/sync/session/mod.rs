//! One sync under way: what it has seen, counted and stored so far.

mod details;
mod drift;
mod evidence;
mod gaps;
mod list;
mod pipelines;
mod transaction;
mod vanished;

use super::clock::{Observations, check_clock};
use super::field_changes::FieldChanges;
use super::lookback::LookbackAdvice;
use super::plan::Plan;
use super::prefetch::Prefetcher;
use super::seen_set::SeenSet;
use super::walk::Walk;
use super::{CancelToken, Observer, Options, Phase, Progress, Summary, SyncContext};
use crate::error::{Error, Result};
use crate::run::{Field, Instant};
use crate::snapshot::{ContentHash, Snapshot, hash};
use crate::store::{
    Archive, Detail, Freshness, InsertHint, Outcome, PipelineKind, SyncCounts, SyncKind, Upsert, WalkProgress,
};
use drift::DriftLog;
use evidence::WorkspaceCheck;
use pipelines::PipelineList;
use std::collections::HashSet;
use std::time::Instant as Moment;
use uuid::Uuid;
use vanished::Absences;

/// The most runs without a usable response that the summary lists by id.
const MAX_LISTED_IDS: usize = 10;

/// The state of one sync.
pub(super) struct Session<'a> {
    archive: &'a Archive,
    options: &'a Options,
    prefetcher: Prefetcher<'a>,
    cancel: &'a CancelToken,
    observer: &'a mut dyn Observer,
    observations: Observations<'a>,
    /// When the page or run that is being stored was observed.
    observed_at: Instant,
    sync_id: i64,
    /// The archive's freshness before this sync.
    freshness: Freshness,
    /// When the sync before requested unsettled runs. `None`: there was none.
    last_recheck_at: Option<Instant>,
    kind: SyncKind,
    reason: String,
    workspace: WorkspaceCheck,
    /// The pipeline lists that were read and are not stored yet.
    pipelines: Vec<(PipelineKind, PipelineList)>,
    absences: Absences,
    /// When the open transaction began. `None`: no transaction is open.
    transaction_began: Option<Moment>,
    seen: SeenSet,
    /// The seen runs for which the list omits a field that could settle them.
    seen_partially: SeenSet,
    counts: SyncCounts,
    field_changes: FieldChanges,
    walk_progress: WalkProgress,
    /// `counts` and `walk_progress` as of the last commit.
    committed: (SyncCounts, WalkProgress),
    drift: DriftLog,
    has_vanished_runs: bool,
    /// The progress to store while a walk reads something else than its rest. `None`: that of the walk.
    resume_point: Option<WalkProgress>,
    /// The runs that the interrupted walk has stored, which this sync resumes. `None`: it resumes none.
    stored_before: Option<u64>,
    /// Runs that the API returns neither in the list nor by id.
    unreadable: HashSet<Uuid>,
    /// The hashes of the items that this sync has put into quarantine.
    quarantined_items: HashSet<ContentHash>,
    missing: Vec<String>,
}

impl<'a> Session<'a> {
    /// Records the start of a sync in the archive and commits it, so that every sync leaves a record.
    pub(super) fn begin(
        archive: &'a Archive,
        context: SyncContext<'a>,
        options: &'a Options,
        kind: SyncKind,
        reason: &str,
    ) -> Result<Session<'a>> {
        let mut observations = Observations::after(archive.last_observed_at()?, context.clock);
        let now = observations.next();
        let clock = observations.clock_at();
        check_clock(clock)?;
        let freshness = archive.freshness(clock)?;
        let last_recheck_at = archive.last_recheck_at(clock)?;
        let api_url = context.client.base_url().to_string();
        let page_size = (kind != SyncKind::Fetch).then_some(options.page_size);
        let workspace = WorkspaceCheck::begin(archive, &api_url)?;
        archive.trust_rows()?;
        archive.begin()?;
        let sync_id = archive.begin_sync(kind, reason, &api_url, page_size, now)?;
        archive.save_clock_start(sync_id, clock)?;
        let mut session = Session {
            archive,
            options,
            prefetcher: Prefetcher::new(context.client, context.handle, context.cancel, options),
            cancel: context.cancel,
            observer: context.observer,
            observations,
            observed_at: now,
            sync_id,
            freshness,
            last_recheck_at,
            kind,
            reason: reason.to_owned(),
            workspace,
            pipelines: Vec::new(),
            absences: Absences::default(),
            transaction_began: Some(Moment::now()),
            seen: SeenSet::default(),
            seen_partially: SeenSet::default(),
            counts: SyncCounts::default(),
            field_changes: FieldChanges::default(),
            walk_progress: WalkProgress::default(),
            committed: (SyncCounts::default(), WalkProgress::default()),
            drift: DriftLog::of(archive)?,
            has_vanished_runs: archive.has_vanished_runs()?,
            resume_point: None,
            stored_before: None,
            unreadable: HashSet::new(),
            quarantined_items: HashSet::new(),
            missing: Vec::new(),
        };
        session.commit()?;
        Ok(session)
    }

    /// Reads what the plan asks for, then the runs that the walk cannot settle.
    pub(super) fn run(&mut self, plan: &Plan) -> Result<()> {
        self.read_pipeline_lists()?;
        if self.workspace.is_passed() {
            self.store_pipeline_lists()?;
        }
        let page_size = self.options.page_size;
        let from_top = match plan.boundary {
            Some(boundary) => Walk::until(boundary, page_size),
            None => Walk::whole(page_size),
        };
        let walk = match &plan.resumes {
            Some(first) => self.resume(from_top, first)?,
            None => {
                let walk = self.walk(from_top)?;
                if walk.is_complete() {
                    self.complete_walk(&walk, walk.progress().top)?;
                }
                walk
            }
        };
        self.request_open_runs(walk)
    }

    // ---- storing

    fn upsert(&mut self, snapshot: &Snapshot, detail: Detail) -> Result<Upsert> {
        let hint = if self.kind == SyncKind::First { InsertHint::New } else { InsertHint::Known };
        let ignored = &self.options.ignored_fields;
        let upsert =
            self.archive.upsert_run(snapshot, detail, hint, ignored, self.observed_at, self.sync_id)?;
        match &upsert {
            &Upsert::New { snapshot_id } => {
                self.seen.insert(snapshot_id);
                self.counts.new += 1;
            }
            &Upsert::Changed { before, snapshot_id, ref replaced } => {
                // The list omitted the changed field, so the run was counted as unchanged before.
                self.counts.unchanged -= u64::from(self.seen_partially.contains(before));
                self.seen.replace(before, snapshot_id);
                self.counts.changed += 1;
                self.field_changes.add(replaced);
            }
            &(Upsert::Unchanged { snapshot_id } | Upsert::UnchangedInPart { snapshot_id }) => {
                if self.seen.insert(snapshot_id) {
                    self.counts.unchanged += 1;
                    let settling = [Field::Status, Field::ElCostUsd, Field::TransformationCostUsd];
                    if matches!(upsert, Upsert::UnchangedInPart { .. })
                        && settling.into_iter().any(|field| snapshot.run.absent.contains(field))
                    {
                        self.seen_partially.insert(snapshot_id);
                    }
                }
            }
            Upsert::NeedsDetails => return Ok(upsert),
        }
        self.counts.seen = self.seen.count();
        if self.has_vanished_runs {
            self.absences.has_returned |= self.archive.mark_returned(snapshot.run.id, self.observed_at)?;
        }
        Ok(upsert)
    }

    fn quarantine(&mut self, text: &str, reason: &str) -> Result<()> {
        // A list of another order is read several times.
        if !self.quarantined_items.insert(hash(text.as_bytes())) {
            return Ok(());
        }
        self.counts.quarantined += 1;
        self.archive.quarantine(text, reason, self.observed_at, self.sync_id)
    }

    /// Runs and quarantined items that the walk has seen.
    fn seen_items(&self) -> u64 {
        self.seen.count() + self.counts.quarantined
    }

    /// How far the walk has come, counted from its start also when it was interrupted.
    fn walked_runs(&self) -> u64 {
        self.stored_before.map_or(self.seen.count(), |stored| stored + self.counts.new)
    }

    fn check_cancelled(&self) -> Result<()> {
        self.cancel.error().map_or(Ok(()), Err)
    }

    fn report_progress(&mut self, phase: Phase, done: u64, total: Option<u64>) {
        let requests = self.prefetcher.client().requests();
        self.observer.advanced(&Progress { phase, done, total, requests });
    }

    // ---- the end

    /// Records how the sync ended.
    pub(super) fn end(mut self, result: Result<()>) -> Result<Summary> {
        if self.counts.quarantined > 0 {
            self.missing.push(format!(
                "{} items could not be decoded as runs and are in quarantine",
                self.counts.quarantined
            ));
        }
        let result = match result {
            Ok(()) if self.missing.is_empty() => Ok(()),
            Ok(()) => Err(Error::Partial { what: self.missing.join("; ") }),
            Err(error) => Err(self.explain(error)),
        };
        let recorded = self.record_end(&result).map_err(|error| self.explain(error));
        let result = match (result, recorded) {
            // Nothing of what this sync did last is in the archive.
            (
                Ok(()) | Err(Error::Partial { .. } | Error::Interrupted { .. }),
                Err(lost @ Error::Archive { .. }),
            )
            | (Ok(()) | Err(Error::Partial { .. }), Err(lost)) => Err(lost),
            (result, _) => result,
        };
        let held_log_bytes = match &result {
            // The log of an unusable archive is left as it is.
            Err(Error::Archive { .. } | Error::Sqlite(_)) => None,
            // Everything is committed, so an error here is no failure of the sync.
            _ => self.archive.held_log_bytes().unwrap_or_default(),
        };
        let lookback_advice = match &result {
            Ok(()) | Err(Error::Partial { .. }) => {
                LookbackAdvice::after(self.kind, self.archive, self.options, self.observed_at)
                    .unwrap_or_default()
            }
            Err(_) => None,
        };
        let unsettled = match &result {
            Ok(()) | Err(Error::Partial { .. }) => {
                self.archive.unsettled_runs(self.observed_at.plus(-self.options.settle)).ok()
            }
            Err(_) => None,
        };
        Ok(Summary {
            kind: self.kind,
            reason: self.reason,
            counts: self.counts,
            newest_first: self.walk_progress.newest_first,
            missing: self.missing,
            drift_unrecorded: self.drift.unrecorded(),
            new_drift: self.drift.into_new(),
            noisy_fields: self.field_changes.noisy(self.counts.changed),
            api_url: self.prefetcher.client().base_url().to_string(),
            previous_api_url: self.workspace.into_previous_api_url(),
            runs_suspected: self.absences.suspected,
            observations_ahead: self.freshness.observations_ahead,
            clock_went_back: self.freshness.clock_went_back,
            held_log_bytes,
            lookback_advice,
            unsettled,
            result,
        })
    }

    /// The error to report. To SQLite, a file that was replaced looks damaged, and an ended wait looks busy.
    fn explain(&self, error: Error) -> Error {
        if !matches!(error, Error::Sqlite(_)) {
            return self.cancel.explain(error);
        }
        self.archive.keep_log_of_damaged(&error);
        self.archive.verify_in_place().err().unwrap_or_else(|| self.cancel.explain(error))
    }

    fn record_end(&mut self, result: &Result<()>) -> Result<()> {
        let outcome = match result {
            Ok(()) => Outcome::Complete,
            Err(Error::Partial { .. }) => Outcome::Partial,
            Err(Error::Interrupted { .. }) => Outcome::Interrupted,
            Err(_) => Outcome::Failed,
        };
        let exit_code = result.as_ref().err().map_or(0, Error::exit_code);
        let error = result.as_ref().err().map(ToString::to_string);
        if matches!(result, Err(Error::Sqlite(_))) && self.transaction_began.take().is_some() {
            // After an SQLite error the open transaction may hold half of a page.
            let _ = self.archive.roll_back();
            (self.counts, self.walk_progress) = self.committed;
        }
        self.save_progress()?;
        let now = self.observations.next();
        self.archive.end_sync(self.sync_id, outcome, exit_code, error.as_deref(), now)?;
        self.archive.save_clock_end(self.sync_id, self.observations.clock_at())?;
        if self.options.dry_run {
            return self.archive.roll_back();
        }
        self.commit()
    }
}
