//! This is the sync: it reads what the API shows and keeps it, a page at a time, so that it can be stopped anywhere.
//!
//! One thread, the caller's, decides and writes; requests and decoding run ahead of it on the
//! runtime. What to read next is decided by the walk in `walk`, when to give up by
//! [`crate::api::RetryPolicy`]; nothing here guesses.

mod cancel;
mod clock;
mod decoded;
mod plan;
mod prefetch;
mod seen_set;
mod verify;
mod walk;

pub use cancel::CancelToken;
pub use clock::{Clock, SystemClock};
pub use verify::{Listed, Verdict, listed, verify};

use crate::api::Client;
use crate::error::{Error, Result};
use crate::run::{Drift, Field, Instant, Redaction};
use crate::snapshot::Snapshot;
use crate::store::{
    Archive, Candidate, Detail, DriftRow, InsertHint, Outcome, Pipeline, PipelineKind, SyncCounts, SyncKind,
    Upsert, WalkProgress,
};
use chrono::TimeDelta;
use clock::Observations;
use decoded::{DecodedPage, DecodedPipelinePage, Item};
use plan::{Past, Plan};
use prefetch::{Prefetcher, Wait};
use seen_set::SeenSet;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use uuid::Uuid;
use walk::{PageOutcome, Step, Walk};

/// Pages that come within this time share a transaction. Commits by time and not by pages make a
/// first load almost twice as fast, and a kill costs no more than this much work.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// After how many runs in a row that could not be asked for by id the API counts as unavailable.
const MOST_FAILURES_IN_A_ROW: u32 = 3;

/// How many pipelines are asked for at once.
const PIPELINE_PAGE_SIZE: u32 = 100;

/// By how much fewer runs are asked for at once when a page is too large.
const SHRINK_PAGES_BY: u32 = 4;

/// More pages of one pipeline list than anyone has.
const MOST_PIPELINE_PAGES: u32 = 1000;

/// How many ids of what could not be asked for are named.
const MOST_NAMED: usize = 10;

/// What a sync is asked to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Read the whole list, whatever is known.
    pub full: bool,
    /// Read the whole list when the last time is longer ago than this.
    pub full_every: TimeDelta,
    /// How far below the watermark an incremental sync looks for changes.
    pub lookback: TimeDelta,
    /// How long after its end a run without a known cost may still get one.
    pub settle: TimeDelta,
    /// How many runs to ask for at once. The API may cut it.
    pub page_size: u32,
    /// How many requests may be under way at once; at least 1.
    pub concurrency: usize,
    /// What is taken out of the API's JSON before it is hashed and stored.
    pub redaction: Redaction,
    /// Store nothing.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            full: false,
            full_every: TimeDelta::days(7),
            lookback: TimeDelta::days(7),
            settle: TimeDelta::days(30),
            page_size: 500,
            concurrency: 4,
            redaction: Redaction::default(),
            dry_run: false,
        }
    }
}

/// What a sync works with.
pub struct SyncContext<'a> {
    /// The API.
    pub client: Arc<Client>,
    /// Where requests run. The sync itself must not be called from within it.
    pub handle: &'a Handle,
    /// Where the time comes from.
    pub clock: &'a dyn Clock,
    /// How it is stopped from outside.
    pub stop: &'a CancelToken,
    /// Who is told how far it is.
    pub observer: &'a mut dyn Observer,
}

/// Somebody who watches a sync.
pub trait Observer {
    /// It has come this far.
    fn advanced(&mut self, progress: &Progress);
}

/// How far a sync is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Runs dealt with in this phase.
    pub done: u64,
    /// How many there are, as far as anyone says. `None`: nobody does.
    pub total: Option<u64>,
    /// Requests sent so far.
    pub requests: u64,
}

/// What a sync is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Walking the run list.
    Walk,
    /// Asking for unsettled runs by id.
    Unsettled,
    /// Asking by id for runs that the list did not show.
    Vanished,
    /// Asking for the runs that the user named.
    Fetch,
}

/// What a sync brought, also when it failed.
#[derive(Debug)]
pub struct Summary {
    /// What it set out to read.
    pub kind: SyncKind,
    /// Why it read what it read.
    pub reason: String,
    /// What came.
    pub tally: SyncCounts,
    /// Whether the list was seen to be newest first. `None`: no page was read.
    pub newest_first: Option<bool>,
    /// What could not be read, a sentence each.
    pub missing: Vec<String>,
    /// What the contract does not know and was seen for the first time.
    pub new_drift: Vec<DriftRow>,
    /// How it ended: an [`Error::Partial`] when anything is missing.
    pub result: Result<()>,
}

/// Reads the API into the archive.
///
/// # Errors
/// Those of SQLite before the attempt could be written down. What ends the attempt itself is in
/// the summary.
pub fn sync<'a>(archive: &'a Archive, means: SyncContext<'a>, options: &'a Options) -> Result<Summary> {
    let past = Past {
        watermark: archive.watermark()?,
        last_whole_walk_at: archive.last_whole_walk_at()?,
        interrupted: archive.interrupted_first_walk()?,
    };
    let plan = Plan::of(&past, options, means.clock.now());
    let mut session = Session::begin(archive, means, options, plan.kind, &plan.reason)?;
    let result = session.carry_out(&plan);
    session.end(result)
}

/// Archives single runs by their ids.
///
/// # Errors
/// As [`sync`].
pub fn fetch<'a>(
    archive: &'a Archive,
    means: SyncContext<'a>,
    options: &'a Options,
    ids: &[Uuid],
) -> Result<Summary> {
    let mut session = Session::begin(archive, means, options, SyncKind::Fetch, "runs named by the user")?;
    let result = session.fetch(ids);
    session.end(result)
}

/// What the API said of a run that was asked for by id.
enum Details {
    Found(Box<Item>),
    Gone,
    /// It said nothing that can be used, for the reason given.
    Failed(String),
}

/// One attempt under way.
struct Session<'a> {
    archive: &'a Archive,
    options: &'a Options,
    fetcher: Prefetcher<'a>,
    stop: &'a CancelToken,
    observer: &'a mut dyn Observer,
    observations: Observations<'a>,
    /// When the page or the run that is being stored was seen.
    at: Instant,
    sync_id: i64,
    kind: SyncKind,
    reason: String,
    /// When the open transaction began. `None`: none is open.
    collecting_since: Option<std::time::Instant>,
    met: SeenSet,
    /// Of these, the ones of which the list hides what would settle them.
    seen_partially: SeenSet,
    tally: SyncCounts,
    walk_progress: WalkProgress,
    /// What the archive has for certain: both as they were at the last commit.
    committed: (SyncCounts, WalkProgress),
    known_drift: HashSet<Drift>,
    new_drift: Vec<DriftRow>,
    has_vanished_runs: bool,
    missing: Vec<String>,
}

impl<'a> Session<'a> {
    fn begin(
        archive: &'a Archive,
        means: SyncContext<'a>,
        options: &'a Options,
        kind: SyncKind,
        reason: &str,
    ) -> Result<Session<'a>> {
        let mut observations = Observations::after(archive.last_observed_at()?, means.clock);
        let now = observations.next();
        let api_url = means.client.base_url().to_string();
        let page_size = (kind != SyncKind::Fetch).then_some(options.page_size);
        archive.begin()?;
        let sync_id = archive.begin_sync(kind, reason, &api_url, page_size, now)?;
        let mut session = Session {
            archive,
            options,
            fetcher: Prefetcher::new(means.client, means.handle, means.stop, options),
            stop: means.stop,
            observer: means.observer,
            observations,
            at: now,
            sync_id,
            kind,
            reason: reason.to_owned(),
            collecting_since: Some(std::time::Instant::now()),
            met: SeenSet::default(),
            seen_partially: SeenSet::default(),
            tally: SyncCounts::default(),
            walk_progress: WalkProgress::default(),
            committed: (SyncCounts::default(), WalkProgress::default()),
            known_drift: archive.drift()?.into_iter().map(|row| row.drift).collect(),
            new_drift: Vec::new(),
            has_vanished_runs: archive.has_vanished_runs()?,
            missing: Vec::new(),
        };
        // From here on the attempt is on record, however it ends.
        session.commit()?;
        Ok(session)
    }

    fn carry_out(&mut self, plan: &Plan) -> Result<()> {
        self.refresh_pipelines()?;
        if let Some(first) = &plan.resumes {
            self.archive.resume_walk(self.sync_id, first)?;
            self.walk(Walk::resume(&first.in_pages_of(self.fetcher.page_size())))?;
        }
        let walk = self.walk(plan.boundary.map_or_else(Walk::whole, Walk::until))?;
        self.ask_for_unsettled_runs()?;
        if walk.met_everything() {
            self.ask_for_runs_not_met()?;
        }
        Ok(())
    }

    // ---- the walk of the list

    fn walk(&mut self, mut walk: Walk) -> Result<Walk> {
        'walk: while let Step::Read { page, ahead_to, keep_ahead } = walk.next() {
            self.check_cancelled()?;
            self.fetcher.prepare_page(page, ahead_to, keep_ahead);
            let arrival = loop {
                match self.fetcher.page(self.commit_deadline()) {
                    Ok(Wait::Ready(arrival)) => break arrival,
                    Ok(Wait::TimedOut) => self.commit()?,
                    Err(Error::ResponseTooLarge { .. }) if self.fetcher.page_size() > 1 => {
                        self.turn_to_smaller_pages(&mut walk)?;
                        continue 'walk;
                    }
                    Err(error) => return Err(error),
                }
            };
            let effect = match arrival {
                Some(DecodedPage { outline, items }) => {
                    walk.page_came(outline);
                    if let Step::Read { page, ahead_to, keep_ahead: true } = walk.next()
                        && ahead_to > page
                    {
                        // The next pages are on their way while this one is written.
                        self.fetcher.prepare_page(page, ahead_to, true);
                    }
                    let effect = self.keep_page(items)?;
                    self.tally.pages += 1;
                    effect
                }
                None => {
                    walk.page_is_missing();
                    PageOutcome {
                        newly_met: 0,
                        unchanged: false,
                        met: self.met.count() + self.tally.quarantined,
                    }
                }
            };
            walk.page_kept(effect);
            self.walk_progress = walk.progress();
            self.tell(Phase::Walk, self.met.count(), walk.count());
            self.commit_if_due()?;
        }
        if let Some(doubt) = walk.incomplete_reason() {
            self.missing.push(format!("the run list: {doubt}"));
        }
        if walk.is_complete() {
            let top = walk.progress().top;
            if self.kind == SyncKind::Incremental {
                self.reason = match (walk.progress().newest_first, walk.reached_end()) {
                    (Some(false), _) => "the list is not newest first: all of it was read".to_owned(),
                    (_, true) => "the list ends before it was safe to stop".to_owned(),
                    (_, false) => std::mem::take(&mut self.reason),
                };
            }
            self.archive.complete_walk(self.sync_id, walk.reached_end(), top, &self.reason)?;
        }
        Ok(walk)
    }

    /// A page that is too large to be read is no reason to read nothing: fewer runs make a smaller one.
    fn turn_to_smaller_pages(&mut self, walk: &mut Walk) -> Result<()> {
        let before = self.fetcher.page_size();
        let page_size = (before / SHRINK_PAGES_BY).max(1);
        tracing::warn!(page_size, "the page is too large: fewer runs are asked for at once");
        walk.turn_to_pages_of(page_size, before);
        self.fetcher.set_page_size(page_size);
        self.collect()?;
        self.archive.save_page_size(self.sync_id, page_size)
    }

    /// Stores a page whole.
    fn keep_page(&mut self, items: Vec<Item>) -> Result<PageOutcome> {
        self.begin_observation()?;
        let before = self.met.count() + self.tally.quarantined;
        let mut unchanged = true;
        let mut incomplete = VecDeque::new();
        for item in items {
            match item {
                Item::Run(snapshot, drift) => {
                    self.record_drift(&drift, snapshot.run.id)?;
                    match self.keep(&snapshot, Detail::List)? {
                        Upsert::Unchanged { .. } | Upsert::UnchangedInPart { .. } => {}
                        Upsert::New { .. } | Upsert::Changed { .. } => unchanged = false,
                        Upsert::NeedsDetails => {
                            unchanged = false;
                            incomplete.push_back(*snapshot);
                        }
                    }
                }
                Item::DecodeError { text, reason } => {
                    unchanged = false;
                    self.quarantine(&text, &reason)?;
                }
            }
        }
        // Asking by id heeds a stop: a page that is whole already must get as far as its progress.
        if !incomplete.is_empty() {
            self.complete(incomplete)?;
        }
        let met = self.met.count() + self.tally.quarantined;
        Ok(PageOutcome { newly_met: met - before, unchanged, met })
    }

    /// Asks by id for runs of which the list shows too little.
    fn complete(&mut self, mut views: VecDeque<Snapshot>) -> Result<()> {
        let ids = views.iter().map(|snapshot| snapshot.run.id).collect();
        self.ask_by_id(ids, |session, id, details| {
            let view = views.pop_front().expect("the answers come in the order of the questions");
            match details {
                Details::Found(item) => session.keep_details(*item),
                // What the list showed is better than nothing.
                Details::Gone => session.keep(&view, Detail::Details).map(drop),
                Details::Failed(cause) => {
                    session.name_missing(id, &cause);
                    session.keep(&view, Detail::Details).map(drop)
                }
            }
        })
    }

    // ---- runs asked for by id

    fn ask_for_unsettled_runs(&mut self) -> Result<()> {
        let settled_before = self.observations.next().plus(-self.options.settle);
        let candidates = self.archive.unsettled(settled_before)?;
        self.ask_for(
            candidates.into_iter().filter(|run| !self.has_met_whole(run.snapshot_id)).collect(),
            Phase::Unsettled,
        )
    }

    /// Whether the walk saw all that can settle a run.
    fn has_met_whole(&self, snapshot_id: i64) -> bool {
        self.met.contains(snapshot_id) && !self.seen_partially.contains(snapshot_id)
    }

    fn ask_for_runs_not_met(&mut self) -> Result<()> {
        self.save_progress()?;
        if self.archive.present_runs()? <= self.met.count() {
            return Ok(());
        }
        let candidates = self.archive.unseen_runs(|snapshot_id| self.met.contains(snapshot_id))?;
        self.ask_for(candidates, Phase::Vanished)
    }

    fn ask_for(&mut self, candidates: Vec<Candidate>, phase: Phase) -> Result<()> {
        let total = candidates.len() as u64;
        let mut done = 0;
        let ids = candidates.iter().map(|candidate| candidate.run_id).collect();
        self.ask_by_id(ids, |session, id, details| {
            match details {
                Details::Found(item) => session.keep_details(*item)?,
                Details::Gone => session.mark_vanished(id)?,
                Details::Failed(cause) => session.name_missing(id, &cause),
            }
            done += 1;
            session.tell(phase, done, Some(total));
            Ok(())
        })
    }

    fn fetch(&mut self, ids: &[Uuid]) -> Result<()> {
        self.ask_by_id(ids.iter().copied().collect(), |session, id, details| {
            match details {
                Details::Found(item) => session.keep_details(*item)?,
                Details::Gone => {
                    session.missing.push(format!("run {id}: the API has no such run"));
                    if !session.archive.history(id)?.is_empty() {
                        session.mark_vanished(id)?;
                    }
                }
                Details::Failed(cause) => session.name_missing(id, &cause),
            }
            session.tell(Phase::Fetch, session.met.count(), None);
            Ok(())
        })
    }

    /// Asks for runs by id, some at once, and hands over the answers in order.
    fn ask_by_id(
        &mut self,
        mut ids: VecDeque<Uuid>,
        mut answered: impl FnMut(&mut Session<'a>, Uuid, Details) -> Result<()>,
    ) -> Result<()> {
        let mut failures = 0;
        loop {
            self.check_cancelled()?;
            self.fetcher.prepare_details(&mut ids);
            let Some(id) = self.fetcher.next_details() else { return Ok(()) };
            let details = match self.fetcher.details(self.commit_deadline()) {
                Ok(Wait::TimedOut) => {
                    self.commit()?;
                    continue;
                }
                Ok(Wait::Ready(Some(item))) => Details::Found(Box::new(item)),
                Ok(Wait::Ready(None)) => Details::Gone,
                Err(error @ Error::ApiUnavailable { .. }) => {
                    failures += 1;
                    if failures >= MOST_FAILURES_IN_A_ROW {
                        return Err(error);
                    }
                    Details::Failed(error.on_one_line())
                }
                // That is no sign of an API that fails.
                Err(error @ Error::ResponseTooLarge { .. }) => Details::Failed(error.on_one_line()),
                Err(error) => return Err(error),
            };
            if !matches!(details, Details::Failed(_)) {
                failures = 0;
            }
            self.begin_observation()?;
            answered(self, id, details)?;
            self.commit_if_due()?;
        }
    }

    fn keep_details(&mut self, item: Item) -> Result<()> {
        match item {
            Item::Run(snapshot, drift) => {
                self.record_drift(&drift, snapshot.run.id)?;
                self.keep(&snapshot, Detail::Details).map(drop)
            }
            Item::DecodeError { text, reason } => self.quarantine(&text, &reason),
        }
    }

    fn mark_vanished(&mut self, id: Uuid) -> Result<()> {
        if self.archive.mark_vanished(id, self.at, self.sync_id)? {
            self.tally.vanished += 1;
            self.has_vanished_runs = true;
        }
        Ok(())
    }

    fn name_missing(&mut self, id: Uuid, cause: &str) {
        if self.missing.len() < MOST_NAMED {
            self.missing.push(format!("run {id}: {}", cause));
        }
    }

    // ---- the pipelines' names

    fn refresh_pipelines(&mut self) -> Result<()> {
        for (kind, list) in PipelineKind::ALL.into_iter().zip(["sources", "destinations", "transformations"])
        {
            match self.read_pipelines(list) {
                Ok(Ok(pipelines)) => {
                    self.begin_observation()?;
                    for pipeline in &pipelines {
                        self.archive.upsert_pipeline(kind, pipeline, self.at)?;
                    }
                    let ids: Vec<String> = pipelines.into_iter().map(|pipeline| pipeline.id).collect();
                    self.archive.mark_gone_pipelines(kind, &ids, self.at)?;
                }
                Ok(Err(cause)) => self.missing.push(format!("the names of {list}: {cause}")),
                // A key that may read runs but no pipelines is refused here and not there.
                Err(
                    error @ (Error::KeyRefused { status: 403 }
                    | Error::ApiUnavailable { .. }
                    | Error::ResponseTooLarge { .. }),
                ) => {
                    let cause = error.on_one_line();
                    self.missing.push(format!("the names of {list}: {cause}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The pipelines of one list; inside, why the list is not whole.
    fn read_pipelines(&mut self, list: &str) -> Result<Result<Vec<Pipeline>, String>> {
        let mut pipelines: Vec<Pipeline> = Vec::new();
        let mut unreadable = 0;
        let mut ids = HashSet::new();
        for page in 1..=MOST_PIPELINE_PAGES {
            let asked = self.fetcher.client().pipeline_page(
                list,
                page,
                PIPELINE_PAGE_SIZE,
                DecodedPipelinePage::read,
            );
            let arrival = match self.fetcher.wait_for(asked)? {
                Some(arrival) => arrival,
                None if page == 1 => return Ok(Err("the API has no such list".to_owned())),
                None => break,
            };
            unreadable += arrival.unreadable;
            let known = pipelines.len();
            pipelines
                .extend(arrival.pipelines.into_iter().filter(|pipeline| ids.insert(pipeline.id.clone())));
            // A list that says it goes on, and brings nothing new, goes round in circles.
            if !arrival.has_next || pipelines.len() == known {
                break;
            }
        }
        Ok(match unreadable {
            0 => Ok(pipelines),
            _ => Err(format!("{unreadable} of them have no id")),
        })
    }

    // ---- what is stored

    fn keep(&mut self, snapshot: &Snapshot, view: Detail) -> Result<Upsert> {
        let likely = if self.kind == SyncKind::First { InsertHint::New } else { InsertHint::Known };
        let kept = self.archive.upsert_run(snapshot, view, likely, self.at, self.sync_id)?;
        match kept {
            Upsert::New { snapshot_id } => {
                self.met.insert(snapshot_id);
                self.tally.new += 1;
            }
            Upsert::Changed { before, snapshot_id } => {
                // The list had shown it unchanged, and hid the change.
                self.tally.unchanged -= u64::from(self.seen_partially.contains(before));
                self.met.replace(before, snapshot_id);
                self.tally.changed += 1;
            }
            Upsert::Unchanged { snapshot_id } | Upsert::UnchangedInPart { snapshot_id } => {
                if self.met.insert(snapshot_id) {
                    self.tally.unchanged += 1;
                    let settles = [Field::Status, Field::ElCostUsd, Field::TransformationCostUsd];
                    if matches!(kept, Upsert::UnchangedInPart { .. })
                        && settles.into_iter().any(|field| snapshot.run.absent.contains(field))
                    {
                        self.seen_partially.insert(snapshot_id);
                    }
                }
            }
            Upsert::NeedsDetails => return Ok(kept),
        }
        self.tally.seen = self.met.count();
        if self.has_vanished_runs {
            self.archive.mark_returned(snapshot.run.id, self.at)?;
        }
        Ok(kept)
    }

    fn quarantine(&mut self, text: &str, reason: &str) -> Result<()> {
        self.tally.quarantined += 1;
        self.archive.quarantine(text, reason, self.at, self.sync_id)
    }

    fn record_drift(&mut self, drift: &[Drift], example: Uuid) -> Result<()> {
        for drift in drift {
            if self.known_drift.contains(drift) {
                continue;
            }
            self.archive.record_drift(drift, example, self.at, self.sync_id)?;
            self.known_drift.insert(drift.clone());
            let example_run_id = example.to_string();
            self.new_drift.push(DriftRow { drift: drift.clone(), first_seen_at: self.at, example_run_id });
        }
        Ok(())
    }

    fn save_progress(&mut self) -> Result<()> {
        self.collect()?;
        let now = self.observations.next();
        self.tally.requests = self.fetcher.client().requests();
        self.archive.save_progress(self.sync_id, &self.walk_progress, &self.tally, now)
    }

    // ---- transactions

    /// Sees to it that a transaction is open.
    fn collect(&mut self) -> Result<()> {
        if self.collecting_since.is_none() {
            self.archive.begin()?;
            self.collecting_since = Some(std::time::Instant::now());
        }
        Ok(())
    }

    /// Sees to it that what is stored next has its own instant, and a transaction.
    fn begin_observation(&mut self) -> Result<()> {
        self.at = self.observations.next();
        self.collect()
    }

    fn commit_deadline(&self) -> Option<std::time::Instant> {
        self.collecting_since.map(|since| since + COMMIT_EVERY)
    }

    fn commit_if_due(&mut self) -> Result<()> {
        match self.commit_deadline() {
            Some(deadline) if deadline <= std::time::Instant::now() => self.commit(),
            _ => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<()> {
        if self.options.dry_run {
            // One transaction holds all of it, until it is rolled back. The waiting goes on.
            self.collecting_since = self.collecting_since.map(|_| std::time::Instant::now());
            return Ok(());
        }
        if self.collecting_since.is_some() {
            // Whatever is committed is committed with its account, also in the middle of a page.
            self.save_progress()?;
            self.archive.commit()?;
            self.collecting_since = None;
            self.committed = (self.tally, self.walk_progress);
        }
        Ok(())
    }

    // ---- the end

    fn check_cancelled(&self) -> Result<()> {
        self.stop.error().map_or(Ok(()), Err)
    }

    fn tell(&mut self, phase: Phase, done: u64, total: Option<u64>) {
        let requests = self.fetcher.client().requests();
        self.observer.advanced(&Progress { phase, done, total, requests });
    }

    /// Writes down how the attempt ended.
    fn end(mut self, result: Result<()>) -> Result<Summary> {
        if self.tally.quarantined > 0 {
            self.missing.push(format!(
                "{} items could not be kept as runs and are in quarantine",
                self.tally.quarantined
            ));
        }
        let result = match result {
            Ok(()) if self.missing.is_empty() => Ok(()),
            Ok(()) => Err(Error::Partial { what: self.missing.join("; ") }),
            Err(error) => Err(error),
        };
        let written = self.write_end(&result);
        let result = result.and(written);
        Ok(Summary {
            kind: self.kind,
            reason: self.reason,
            tally: self.tally,
            newest_first: self.walk_progress.newest_first,
            missing: self.missing,
            new_drift: self.new_drift,
            result,
        })
    }

    fn write_end(&mut self, result: &Result<()>) -> Result<()> {
        let outcome = match result {
            Ok(()) => Outcome::Complete,
            Err(Error::Partial { .. }) => Outcome::Partial,
            Err(Error::Interrupted { .. }) => Outcome::Interrupted,
            Err(_) => Outcome::Failed,
        };
        let exit_code = result.as_ref().err().map_or(0, Error::exit_code);
        let error = result.as_ref().err().map(ToString::to_string);
        if matches!(result, Err(Error::Sqlite(_))) && self.collecting_since.take().is_some() {
            // What SQLite could not take in is not to be committed half.
            let _ = self.archive.roll_back();
            (self.tally, self.walk_progress) = self.committed;
        }
        self.save_progress()?;
        let now = self.observations.next();
        self.archive.end_sync(self.sync_id, outcome, exit_code, error.as_deref(), now)?;
        if self.options.dry_run {
            return self.archive.roll_back();
        }
        self.commit()
    }
}
