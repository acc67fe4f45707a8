//! Trees and records in the pages of a damaged file.

use super::page::{BtreePage, PageKind, Payload, page_number};
use super::pages::Pages;
use super::record;
use rusqlite::types::Value;

/// A pass over the pages, which remembers those that something uses.
#[derive(Debug)]
pub(super) struct Scan<'p> {
    pub(super) pages: &'p Pages,
    used: Vec<bool>,
}

/// The pages of a table or an index, as far as they can be reached from its root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The readable pages, in the order of their keys.
    pub(super) pages: Vec<u32>,
    /// The pages that the tree has and that are no pages of such a tree.
    pub(super) unreadable: Vec<u32>,
}

/// A row as it is stored: the rowid of a table that has rowids, and the values in the order of storage. `None`: the
/// record is damaged.
pub(super) type StoredRow = (Option<i64>, Option<Vec<Value>>);

impl<'p> Scan<'p> {
    /// A scan in which no page is used yet.
    pub(super) fn of(pages: &'p Pages) -> Scan<'p> {
        let mut scan = Scan { pages, used: vec![false; pages.count as usize + 1] };
        scan.use_page(pages.lock_page());
        scan
    }

    /// Walks a tree from its root. A page is in one tree only, and once.
    pub(super) fn tree(&mut self, root: u32) -> Tree {
        let mut tree = Tree::default();
        let mut is_of_table = None;
        let mut next = vec![root];
        while let Some(number) = next.pop() {
            let page = self.pages.page(number).filter(|_| !self.is_used(number));
            let parsed = page.as_ref().and_then(|page| BtreePage::parse(number, page, self.pages.usable));
            let fits = |parsed: &BtreePage<'_>| {
                *is_of_table.get_or_insert(parsed.kind.is_of_table()) == parsed.kind.is_of_table()
            };
            match parsed.filter(fits) {
                Some(parsed) => {
                    self.use_page(number);
                    tree.pages.push(number);
                    next.extend(parsed.children().rev());
                }
                None => tree.unreadable.push(number),
            }
        }
        tree
    }

    /// The rows on a page, and the number of cells that cannot be read. `None`: it is no page of a tree.
    pub(super) fn rows(&mut self, number: u32) -> Option<(PageKind, Vec<StoredRow>, usize)> {
        let page = self.pages.page(number)?;
        let parsed = BtreePage::parse(number, &page, self.pages.usable)?;
        let payloads = parsed.cells.iter().filter_map(|cell| Some((cell.rowid, cell.payload?)));
        let rows = payloads.map(|(rowid, payload)| (rowid, self.values(&payload))).collect();
        Some((parsed.kind, rows, parsed.damaged_cells))
    }

    /// The values of a record, whose overflow pages count as used. `None`: it is damaged.
    pub(super) fn values(&mut self, payload: &Payload<'_>) -> Option<Vec<Value>> {
        let usable = self.pages.usable;
        if payload.length > self.pages.count as usize * usable {
            return None;
        }
        let mut bytes = payload.local.to_vec();
        let mut overflow = payload.overflow;
        let mut chain = Vec::new();
        while bytes.len() < payload.length {
            let number = overflow.filter(|number| !chain.contains(number))?;
            let page = self.pages.page(number)?;
            let missing = payload.length - bytes.len();
            bytes.extend_from_slice(&page[4..usable.min(4 + missing)]);
            overflow = page_number(&page);
            chain.push(number);
        }
        let values = record::decode(&bytes);
        if values.is_some() {
            chain.into_iter().for_each(|number| self.use_page(number));
        }
        values
    }

    pub(super) fn is_used(&self, number: u32) -> bool {
        self.used.get(number as usize).copied().unwrap_or(true)
    }

    pub(super) fn use_page(&mut self, number: u32) {
        if let Some(used) = self.used.get_mut(number as usize) {
            *used = true;
        }
    }

    /// Takes a page from the tree that seemed to have it.
    pub(super) fn release(&mut self, number: u32) {
        if let Some(used) = self.used.get_mut(number as usize) {
            *used = false;
        }
    }

    /// The pages that nothing uses.
    pub(super) fn unused(&self) -> Vec<u32> {
        (1..=self.pages.count).filter(|number| !self.is_used(*number)).collect()
    }
}
