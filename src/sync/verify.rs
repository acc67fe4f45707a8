//! This is the look from outside: what the API says now, compared with the archive, and nothing is stored.

use super::decoded::Item;
use super::prefetch::{Prefetcher, Wait};
use super::{MOST_FAILURES_IN_A_ROW, Observer, Options, Phase, Progress, SyncContext};
use crate::error::{Error, Result};
use crate::snapshot::{Change, changes};
use crate::store::Archive;
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

/// How a run compares with what the API says of it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It says the same.
    Same,
    /// It says something else: before is the archive's, after the API's.
    Differs(Vec<Change>),
    /// It has no such run.
    Gone,
    /// It gave no answer that can be compared, for the reason given.
    NoAnswer(String),
}

/// What the run list says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// How many runs there are. `None`: the API does not say.
    pub count: Option<u64>,
    /// The run that the list begins with. `None`: there is none, or it cannot be read.
    pub first: Option<Uuid>,
}

/// Asks for runs by id and compares each with its current state in the archive.
///
/// # Errors
/// Those of SQLite; what ends all asking: a refused key, an API that fails again and again, a signal.
pub fn verify(
    archive: &Archive,
    means: SyncContext<'_>,
    options: &Options,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Verdict)>> {
    let SyncContext { client, handle, stop, observer, .. } = means;
    let mut fetcher = Prefetcher::new(Arc::clone(&client), handle, stop, options);
    let mut waiting: VecDeque<Uuid> = ids.iter().copied().collect();
    let mut verdicts = Vec::with_capacity(ids.len());
    let mut failures = 0;
    loop {
        fetcher.prepare_details(&mut waiting);
        let Some(id) = fetcher.next_details() else { return Ok(verdicts) };
        let verdict = match fetcher.details(None) {
            Ok(Wait::TimedOut) => continue,
            Ok(Wait::Ready(Some(Item::Run(seen, _)))) => {
                let history = archive.history(id)?;
                let Some(kept) = history.last() else {
                    return Err(Error::usage(format!("the archive has no run {id}")));
                };
                match changes(&kept.run, &seen.run) {
                    changes if changes.is_empty() => Verdict::Same,
                    changes => Verdict::Differs(changes),
                }
            }
            Ok(Wait::Ready(Some(Item::DecodeError { reason, .. }))) => Verdict::NoAnswer(reason),
            Ok(Wait::Ready(None)) => Verdict::Gone,
            Err(error @ Error::ApiUnavailable { .. }) => {
                failures += 1;
                if failures >= MOST_FAILURES_IN_A_ROW {
                    return Err(error);
                }
                verdicts.push((id, Verdict::NoAnswer(error.on_one_line())));
                continue;
            }
            Err(error) => return Err(error),
        };
        failures = 0;
        verdicts.push((id, verdict));
        tell(observer, verdicts.len(), ids.len(), client.requests());
    }
}

fn tell(observer: &mut dyn Observer, done: usize, total: usize, requests: u64) {
    let progress = Progress { phase: Phase::Fetch, done: done as u64, total: Some(total as u64), requests };
    observer.advanced(&progress);
}

/// Asks the list for its count and its first run, in one request.
///
/// # Errors
/// [`Error::KeyRefused`], [`Error::ApiUnavailable`], or a signal.
pub fn listed(means: &SyncContext<'_>) -> Result<Listed> {
    let options = Options::default();
    let fetcher = Prefetcher::new(Arc::clone(&means.client), means.handle, means.stop, &options);
    let asked = fetcher.client().run_page(1, 1, |page| Listed {
        count: page.count,
        first: page.items.first().and_then(|raw| match Item::read(raw, &options.redaction) {
            Item::Run(snapshot, _) => Some(snapshot.run.id),
            Item::DecodeError { .. } => None,
        }),
    });
    Ok(fetcher.wait_for(asked)?.unwrap_or(Listed { count: None, first: None }))
}
