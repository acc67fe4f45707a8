//! Prefetches pages and details ahead of the writer: in order, with limited concurrency.

use super::decoded::{DecodedPage, Item};
use super::walk::PageRequest;
use super::{CancelToken, Options};
use crate::api::{Client, Page};
use crate::error::{Error, Result};
use crate::run::Redaction;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A running request and its key.
struct Pending<Key, Value> {
    key: Key,
    task: JoinHandle<Result<Value>>,
}

/// Running requests, in the order in which their results are needed. Dropping the queue aborts them.
struct Queue<Key, Value>(VecDeque<Pending<Key, Value>>);

impl<Key, Value> Queue<Key, Value> {
    fn clear(&mut self) {
        for pending in self.0.drain(..) {
            pending.task.abort();
        }
    }
}

impl<Key, Value> Drop for Queue<Key, Value> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The result of waiting for a response.
pub(super) enum Wait<T> {
    /// The response arrived.
    Ready(T),
    /// The deadline passed; the request is still running.
    TimedOut,
}

/// Sends requests for the thread that writes, which waits for one response at a time.
pub(super) struct Prefetcher<'a> {
    client: Arc<Client>,
    handle: &'a Handle,
    cancel: &'a CancelToken,
    redaction: Arc<Redaction>,
    concurrency: usize,
    pages: Queue<PageRequest, Option<DecodedPage>>,
    details: Queue<Uuid, Option<Item>>,
}

impl<'a> Prefetcher<'a> {
    pub(super) fn new(
        client: Arc<Client>,
        handle: &'a Handle,
        cancel: &'a CancelToken,
        options: &Options,
    ) -> Prefetcher<'a> {
        Prefetcher {
            client,
            handle,
            cancel,
            redaction: Arc::new(options.redaction.clone()),
            concurrency: options.concurrency,
            pages: Queue(VecDeque::new()),
            details: Queue(VecDeque::new()),
        }
    }

    pub(super) fn redaction(&self) -> Arc<Redaction> {
        Arc::clone(&self.redaction)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Requests a page and the pages after it, up to `ahead_to`, unless the requests are running already.
    /// `keep_ahead` says whether responses to earlier requests are still valid.
    pub(super) fn prepare_page(&mut self, request: PageRequest, ahead_to: u32, keep_ahead: bool) {
        if !keep_ahead || self.pages.0.front().is_none_or(|pending| pending.key != request) {
            self.pages.clear();
        }
        while self.pages.0.len() < self.concurrency {
            let next = self.pages.0.back().map_or(request.page, |pending| pending.key.page + 1);
            if next > ahead_to.max(request.page) {
                break;
            }
            let key = PageRequest { page: next, ..request };
            let (client, redaction) = (Arc::clone(&self.client), Arc::clone(&self.redaction));
            let task = self.handle.spawn(async move {
                let decode = |page: &Page<'_>| DecodedPage::decode(page, next, &redaction);
                client.run_page(next, request.page_size, request.attempts, decode).await
            });
            self.pages.0.push_back(Pending { key, task });
        }
    }

    /// Drops the prepared pages and aborts their requests.
    pub(super) fn clear_pages(&mut self) {
        self.pages.clear();
    }

    /// Waits for the prepared page. The inner `None`: the list ends before it.
    pub(super) fn page(&mut self, deadline: Option<Instant>) -> Result<Wait<Option<DecodedPage>>> {
        wait(self.handle, self.cancel, &mut self.pages, deadline)
    }

    /// Requests the first of these runs and removes them from `runs`. Runs prepared earlier come first.
    pub(super) fn prepare_details(&mut self, runs: &mut VecDeque<Uuid>) {
        while self.details.0.len() < self.concurrency {
            let Some(id) = runs.pop_front() else { break };
            let (client, redaction) = (Arc::clone(&self.client), Arc::clone(&self.redaction));
            let task = self.handle.spawn(async move {
                client.run(id, None, |raw| Item::decode_details(raw, id, &redaction)).await
            });
            self.details.0.push_back(Pending { key: id, task });
        }
    }

    /// The run whose details come next. `None`: no request is running.
    pub(super) fn next_details(&self) -> Option<Uuid> {
        self.details.0.front().map(|pending| pending.key)
    }

    /// Waits for the details that come next. The inner `None`: the API has no such run.
    pub(super) fn details(&mut self, deadline: Option<Instant>) -> Result<Wait<Option<Item>>> {
        wait(self.handle, self.cancel, &mut self.details, deadline)
    }

    /// Waits for any other request.
    pub(super) fn wait_for<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        self.handle.block_on(async {
            tokio::select! {
                biased;
                error = self.cancel.cancelled() => Err(error),
                response = request => response,
            }
        })
    }
}

/// Waits for the first response in the queue, the deadline, or cancellation.
fn wait<Key, Value>(
    handle: &Handle,
    cancel: &CancelToken,
    queue: &mut Queue<Key, Value>,
    deadline: Option<Instant>,
) -> Result<Wait<Value>> {
    let pending = queue.0.front_mut().expect("the caller prepared a request");
    let finished = handle.block_on(async {
        let at_deadline = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            error = cancel.cancelled() => Err(error),
            finished = &mut pending.task => Ok(Some(finished)),
            () = at_deadline => Ok(None),
        }
    })?;
    let Some(finished) = finished else { return Ok(Wait::TimedOut) };
    queue.0.pop_front();
    let value = finished.map_err(|error| Error::Internal(format!("a request task failed: {error}")))??;
    Ok(Wait::Ready(value))
}
