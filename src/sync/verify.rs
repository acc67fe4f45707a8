//! Compares archived runs with the current API responses. Stores nothing.

use super::decoded::Item;
use super::prefetch::{Prefetcher, Wait};
use super::{MAX_CONSECUTIVE_FAILURES, Options, Phase, Progress, SyncContext};
use crate::error::{Error, Result};
use crate::snapshot::{Change, changes};
use crate::store::Archive;
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

/// How an archived run compares with the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The API returns the archived state.
    Same,
    /// The API returns another state. In each change, "before" is the archive and "after" is the API.
    Differs(Vec<Change>),
    /// The API has no such run.
    Gone,
    /// The API gave no usable response, for this reason.
    NoAnswer(String),
}

/// The head of the run list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListHead {
    /// Number of runs in the list. `None`: the API does not give it.
    pub count: Option<u64>,
    /// The first run of the list. `None`: the list is empty, or the first item cannot be decoded.
    pub first: Option<Uuid>,
}

/// Requests runs by id and compares each with its current state in the archive.
///
/// # Errors
/// SQLite errors, a refused key, repeated API failures, and cancellation. [`Error::Usage`] for a run that the archive
/// does not have.
pub(crate) fn verify(
    archive: &Archive,
    context: SyncContext<'_>,
    options: &Options,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Verdict)>> {
    let SyncContext { client, handle, cancel, observer, .. } = context;
    let mut prefetcher = Prefetcher::new(Arc::clone(&client), handle, cancel, options);
    let mut waiting: VecDeque<Uuid> = ids.iter().copied().collect();
    let mut verdicts = Vec::with_capacity(ids.len());
    let mut failures = 0;
    loop {
        prefetcher.prepare_details(&mut waiting);
        let Some(id) = prefetcher.next_details() else { return Ok(verdicts) };
        let verdict = match prefetcher.details(None) {
            Ok(Wait::TimedOut) => continue,
            Ok(Wait::Ready(Some(Item::Run(current, _)))) => {
                let history = archive.history(id).map_err(|error| cancel.explain(error))?;
                let Some(archived) = history.last() else {
                    return Err(Error::usage(format!("the archive has no run {id}")));
                };
                match changes(&archived.run, &current.run, &options.ignored_fields) {
                    changes if changes.is_empty() => Verdict::Same,
                    changes => Verdict::Differs(changes),
                }
            }
            Ok(Wait::Ready(Some(Item::DecodeError { reason, .. }))) => Verdict::NoAnswer(reason),
            Ok(Wait::Ready(None)) => Verdict::Gone,
            Err(error @ (Error::ApiUnavailable { .. } | Error::ApiMoved { .. })) => {
                failures += 1;
                if failures >= MAX_CONSECUTIVE_FAILURES {
                    return Err(error);
                }
                verdicts.push((id, Verdict::NoAnswer(error.on_one_line())));
                continue;
            }
            Err(error) => return Err(error),
        };
        failures = 0;
        verdicts.push((id, verdict));
        observer.advanced(&Progress {
            phase: Phase::Fetch,
            done: verdicts.len() as u64,
            total: Some(ids.len() as u64),
            requests: client.requests(),
        });
    }
}

/// Requests the count and the first run of the list, in one request.
///
/// # Errors
/// [`Error::KeyRefused`], [`Error::ApiUnavailable`], [`Error::ApiMoved`], and cancellation.
pub(crate) fn list_head(context: &SyncContext<'_>) -> Result<ListHead> {
    let options = Options::default();
    let prefetcher = Prefetcher::new(Arc::clone(&context.client), context.handle, context.cancel, &options);
    let request = prefetcher.client().run_page(1, 1, None, |page| ListHead {
        count: page.count,
        first: page.items.first().and_then(|raw| match Item::decode(raw, &options.redaction) {
            Item::Run(snapshot, _) => Some(snapshot.run.id),
            Item::DecodeError { .. } => None,
        }),
    });
    Ok(prefetcher.wait_for(request)?.unwrap_or(ListHead { count: None, first: None }))
}
