//! A page of the run list, decoded as far as the probe needs it.

use crate::api::Page;
use crate::run::decode::Decoded;
use crate::run::{Instant, Redaction, decode};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A page of the run list.
#[derive(Debug, Clone)]
pub(super) struct RunPage {
    /// The number of runs in the whole list. `None`: not sent, or not a whole number.
    pub count: Option<u64>,
    /// The link to the next page. `None`: it is null, missing, or not a text.
    pub next: Option<String>,
    /// The items, in the order of the list. `None`: the item is no run.
    pub items: Vec<Option<Decoded>>,
}

impl RunPage {
    /// Parses a page. `None`: the body is something else.
    pub(super) fn parse(body: &str, redaction: &Redaction) -> Option<RunPage> {
        #[derive(serde::Deserialize)]
        struct Links {
            next: Option<String>,
        }
        let page = Page::parse(body).ok()?;
        let items = page.items.iter().map(|item| decode(item, redaction).ok()).collect();
        let next = serde_json::from_str::<Links>(body).ok().and_then(|links| links.next);
        Some(RunPage { count: page.count, next, items })
    }

    pub(super) fn length(&self) -> usize {
        self.items.len()
    }

    /// Whether the page contains the whole list. `false`: it does not, or the list gives no count.
    pub(super) fn is_whole_list(&self) -> bool {
        self.count == Some(self.items.len() as u64)
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &Decoded> {
        self.items.iter().flatten()
    }

    pub(super) fn ids(&self) -> BTreeSet<Uuid> {
        self.runs().map(|run| run.run.id).collect()
    }

    /// When each run was created that has such a time.
    pub(super) fn created(&self) -> impl Iterator<Item = Instant> {
        self.runs().filter_map(|run| run.run.created_at)
    }

    /// The number of items that are no runs.
    pub(super) fn undecodable(&self) -> usize {
        self.items.iter().filter(|item| item.is_none()).count()
    }
}
