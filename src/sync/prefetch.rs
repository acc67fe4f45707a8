//! This is the fetching of pages and details ahead of the writer, in order, so many requests at once and no more.

use super::Options;
use super::cancel::CancelToken;
use super::decoded::{DecodedPage, Item};
use crate::api::Client;
use crate::error::{Error, Result};
use crate::run::Redaction;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A task under way, and what it was asked for.
struct Ahead<Key, Value> {
    key: Key,
    task: JoinHandle<Result<Value>>,
}

/// Tasks under way, in the order in which their results are wanted. What is dropped is cancelled.
struct Queue<Key, Value>(VecDeque<Ahead<Key, Value>>);

impl<Key, Value> Queue<Key, Value> {
    fn clear(&mut self) {
        for ahead in self.0.drain(..) {
            ahead.task.abort();
        }
    }
}

impl<Key, Value> Drop for Queue<Key, Value> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What became of waiting.
pub(super) enum Wait<T> {
    /// It came.
    Ready(T),
    /// It did not come before the deadline; it is still under way.
    TimedOut,
}

/// The means to ask the API from the thread that writes.
pub(super) struct Prefetcher<'a> {
    client: Arc<Client>,
    handle: &'a Handle,
    stop: &'a CancelToken,
    redaction: Arc<Redaction>,
    concurrency: usize,
    page_size: u32,
    pages: Queue<u32, Option<DecodedPage>>,
    details: Queue<Uuid, Option<Item>>,
}

impl<'a> Prefetcher<'a> {
    pub(super) fn new(
        client: Arc<Client>,
        handle: &'a Handle,
        stop: &'a CancelToken,
        options: &Options,
    ) -> Prefetcher<'a> {
        Prefetcher {
            client,
            handle,
            stop,
            redaction: Arc::new(options.redaction.clone()),
            concurrency: options.concurrency,
            page_size: options.page_size,
            pages: Queue(VecDeque::new()),
            details: Queue(VecDeque::new()),
        }
    }

    /// The page size that is asked for.
    pub(super) fn page_size(&self) -> u32 {
        self.page_size
    }

    /// Asks for pages of another size from now on.
    pub(super) fn set_page_size(&mut self, page_size: u32) {
        self.pages.clear();
        self.page_size = page_size;
    }

    /// The client.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sees to it that a page and those after it are under way, up to `ahead_to`.
    pub(super) fn prepare_page(&mut self, page: u32, ahead_to: u32, keep_ahead: bool) {
        if !keep_ahead || self.pages.0.front().is_none_or(|ahead| ahead.key != page) {
            self.pages.clear();
        }
        while self.pages.0.len() < self.concurrency {
            let next = self.pages.0.back().map_or(page, |ahead| ahead.key + 1);
            if next > ahead_to.max(page) {
                break;
            }
            let (client, redaction) = (Arc::clone(&self.client), Arc::clone(&self.redaction));
            let page_size = self.page_size;
            let task = self.handle.spawn(async move {
                client.run_page(next, page_size, |page| DecodedPage::read(page, next, &redaction)).await
            });
            self.pages.0.push_back(Ahead { key: next, task });
        }
    }

    /// Waits for the page that was prepared. `None` inside: the list ends before it.
    pub(super) fn page(&mut self, deadline: Option<Instant>) -> Result<Wait<Option<DecodedPage>>> {
        wait(self.handle, self.stop, &mut self.pages, deadline)
    }

    /// Sees to it that the first of these runs are under way; those prepared before come first.
    pub(super) fn prepare_details(&mut self, runs: &mut VecDeque<Uuid>) {
        while self.details.0.len() < self.concurrency {
            let Some(id) = runs.pop_front() else { break };
            let (client, redaction) = (Arc::clone(&self.client), Arc::clone(&self.redaction));
            let task = self
                .handle
                .spawn(async move { client.run(id, |raw| Item::read_details(raw, id, &redaction)).await });
            self.details.0.push_back(Ahead { key: id, task });
        }
    }

    /// The run whose details come next. `None`: none are under way.
    pub(super) fn next_details(&self) -> Option<Uuid> {
        self.details.0.front().map(|ahead| ahead.key)
    }

    /// Waits for the details that come next. `None` inside: the API has no such run.
    pub(super) fn details(&mut self, deadline: Option<Instant>) -> Result<Wait<Option<Item>>> {
        wait(self.handle, self.stop, &mut self.details, deadline)
    }

    /// Waits for anything else.
    pub(super) fn wait_for<T>(&self, answer: impl Future<Output = Result<T>>) -> Result<T> {
        self.handle.block_on(async {
            tokio::select! {
                biased;
                error = self.stop.requested() => Err(error),
                answer = answer => answer,
            }
        })
    }
}

/// Waits for the first in the queue, for the deadline, or for a signal.
fn wait<Key, Value>(
    handle: &Handle,
    stop: &CancelToken,
    queue: &mut Queue<Key, Value>,
    deadline: Option<Instant>,
) -> Result<Wait<Value>> {
    let ahead = queue.0.front_mut().expect("what is waited for was prepared");
    let came = handle.block_on(async {
        let at_deadline = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            error = stop.requested() => Err(error),
            came = &mut ahead.task => Ok(Some(came)),
            () = at_deadline => Ok(None),
        }
    })?;
    let Some(came) = came else { return Ok(Wait::TimedOut) };
    queue.0.pop_front();
    let value = came.map_err(|error| Error::Internal(format!("a request ended unforeseen: {error}")))??;
    Ok(Wait::Ready(value))
}
