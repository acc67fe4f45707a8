//! The bisection of a page that fails: smaller pages of the same region, down to the single records that fail.
//!
//! The page sizes are powers of two, so that the halves of a block are pages of the list too. A block that fails is
//! split, and a record that fails alone is skipped. In between, a *control* request asks for a record elsewhere. If two
//! of them fail as well, the API is down, and there is nothing to bisect. If two neighboring records fail, a search
//! looks for the next record that is readable; if there is none, the API refuses everything below a position.

use std::ops::Range;

/// After this many failures in a row, a control request shows whether the API is down.
const MAX_FAILURES: u32 = 2;

/// The maximum number of steps in the search for a readable record. They double, so the search reaches any position.
const MAX_SEARCH_STEPS: u32 = 40;

/// A page of the list whose size is a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The position of its first record, from 0. It is a multiple of `length`.
    pub(super) start: u64,
    /// The number of records.
    pub(super) length: u32,
}

impl Block {
    fn record(position: u64) -> Block {
        Block { start: position, length: 1 }
    }

    /// The first position after the block.
    pub(super) fn end(self) -> u64 {
        self.start + u64::from(self.length)
    }

    /// The number of the page, from 1, in pages of this length.
    pub(super) fn page(self) -> u32 {
        u32::try_from(self.start / u64::from(self.length)).map_or(u32::MAX, |page| page.saturating_add(1))
    }

    fn contains(self, position: u64) -> bool {
        (self.start..self.end()).contains(&position)
    }

    fn halves(self) -> [Block; 2] {
        let length = self.length / 2;
        [Block { start: self.start, length }, Block { start: self.start + u64::from(length), length }]
    }
}

/// Records that are expected to fail, from an earlier walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expected {
    /// The position of the first one.
    pub(super) position: u64,
    /// Whether everything below fails, too.
    pub(super) to_end: bool,
}

/// What to request next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// A block to read.
    Read(Block),
    /// A single record, to learn whether it is readable.
    Probe(Block),
}

/// What a bisection has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// The bisection goes on.
    Continues,
    /// Every record of the region was read or skipped.
    Done,
    /// The API is down.
    Outage,
    /// No record from this position on is readable, although records above it are.
    RefusedFrom(u64),
}

/// Why a single record is requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To read the region.
    Reading,
    /// To learn whether the API is down.
    Control {
        /// Whether another control request failed: its record could be unreadable.
        is_second: bool,
    },
    /// To find the next readable record below two that fail.
    Search {
        /// The lowest position that is known to fail.
        failing: u64,
        /// The highest position that is known to be readable. `None`: none was found.
        readable: Option<u64>,
        steps: u32,
    },
    /// To learn whether the API is down after a search without a result.
    LastControl {
        /// As in [`Purpose::Control`].
        is_second: bool,
    },
}

/// A bisection under way.
#[derive(Debug)]
pub(super) struct Bisection {
    /// The records of the page that failed.
    region: Range<u64>,
    /// The length of a full page.
    page_length: u64,
    /// The number of records in the list. `None`: unknown.
    list_length: Option<u64>,
    expected: Vec<Expected>,
    /// The blocks to read. The last one is next.
    pending: Vec<Block>,
    purpose: Purpose,
    /// Failures since the last response.
    failures: u32,
    /// The records skipped since the last block that was read.
    skipped: Option<Range<u64>>,
    /// The length of the largest block read; 0 before the first one.
    largest_read: u32,
    /// Whether the API has returned a page of this list.
    has_page: bool,
}

impl Bisection {
    /// The bisection of the region of a page that failed. `skipped` are the records that were skipped directly above.
    pub(super) fn of_failed_page(
        region: Range<u64>,
        list_length: Option<u64>,
        skipped: Option<Range<u64>>,
    ) -> Bisection {
        let mut bisection = Bisection::new(region, list_length, skipped, Vec::new());
        bisection.failures = 1;
        if bisection.page_length == 1 {
            // The page is a single record already.
            bisection.pending.clear();
            bisection.skip(bisection.region.start);
            if bisection.purpose == Purpose::Reading {
                bisection.purpose = Purpose::Control { is_second: false };
            }
        }
        bisection
    }

    /// A region in which some records are expected to fail. They are requested once, and no page that contains them is.
    /// `skipped` are the records that were skipped directly above.
    pub(super) fn around(
        region: Range<u64>,
        list_length: Option<u64>,
        skipped: Option<Range<u64>>,
        expected: Vec<Expected>,
    ) -> Bisection {
        let mut bisection = Bisection::new(region, list_length, skipped, expected);
        bisection.split_expected();
        bisection
    }

    fn new(
        region: Range<u64>,
        list_length: Option<u64>,
        skipped: Option<Range<u64>>,
        expected: Vec<Expected>,
    ) -> Bisection {
        let page_length = (region.end - region.start).max(1);
        let mut bisection = Bisection {
            region: region.clone(),
            page_length,
            list_length,
            expected,
            pending: Vec::new(),
            purpose: Purpose::Reading,
            failures: 0,
            skipped,
            largest_read: 0,
            has_page: region.start > 0,
        };
        bisection.pending = bisection.cover(region);
        bisection
    }

    /// The blocks over these records, in reverse order. Blocks at the edges may reach beyond them.
    fn cover(&self, records: Range<u64>) -> Vec<Block> {
        let length = largest_block(self.page_length);
        let first = records.start / u64::from(length);
        let last = records.end.div_ceil(u64::from(length));
        (first..last).rev().map(|number| Block { start: number * u64::from(length), length }).collect()
    }

    /// The request to send.
    pub(super) fn request(&self) -> Request {
        match self.purpose {
            Purpose::Reading => {
                Request::Read(*self.pending.last().expect("a bisection that continues has a block"))
            }
            Purpose::Control { is_second } | Purpose::LastControl { is_second } => {
                // The top of the list, or the records below the region if the region is the top.
                let first = if self.region.start > 1 { 0 } else { self.region.end };
                Request::Probe(Block::record(first + u64::from(is_second)))
            }
            Purpose::Search { failing, readable, steps } => {
                let position = match readable {
                    Some(readable) => failing + (readable - failing) / 2,
                    None => {
                        let position = failing.saturating_add(1 << steps.min(MAX_SEARCH_STEPS));
                        self.list_length.map_or(position, |length| position.min(length.saturating_sub(1)))
                    }
                };
                Request::Probe(Block::record(position))
            }
        }
    }

    /// Whether the next request is expected to fail.
    pub(super) fn expects_failure(&self) -> bool {
        matches!(self.request(), Request::Read(Block { start, length: 1 }) if self.expected_at(start).is_some())
    }

    /// Handles the page that answers the last request.
    pub(super) fn answered(&mut self) -> Finding {
        self.has_page = true;
        self.responded()
    }

    /// Handles the response that the list ends above the last request.
    pub(super) fn ended_above(&mut self) -> Finding {
        self.responded()
    }

    fn responded(&mut self) -> Finding {
        self.failures = 0;
        match self.purpose {
            Purpose::Reading => {
                let block = self.pending.pop().expect("a block was requested");
                self.largest_read = self.largest_read.max(block.length);
                self.split_expected();
            }
            Purpose::Control { .. } => self.purpose = Purpose::Reading,
            Purpose::LastControl { .. } => {
                let refused = self.skipped.as_ref().map_or(self.region.start, |skipped| skipped.start);
                return if self.has_page { Finding::RefusedFrom(refused) } else { Finding::Outage };
            }
            Purpose::Search { failing, steps, .. } => {
                let Request::Probe(record) = self.request() else { unreachable!("a search sends probes") };
                self.search(failing, Some(record.start), steps + 1);
            }
        }
        self.finding()
    }

    /// Handles the failure of the last request.
    pub(super) fn failed(&mut self) -> Finding {
        self.failures += 1;
        match self.purpose {
            Purpose::Control { is_second: true } | Purpose::LastControl { is_second: true } => {
                return Finding::Outage;
            }
            Purpose::Control { .. } => self.purpose = Purpose::Control { is_second: true },
            Purpose::LastControl { .. } => self.purpose = Purpose::LastControl { is_second: true },
            Purpose::Search { readable, steps, .. } => {
                let Request::Probe(record) = self.request() else { unreachable!("a search sends probes") };
                self.search(record.start, readable, steps + 1);
            }
            Purpose::Reading => {
                let block = self.pending.pop().expect("a block was requested");
                if block.length == 1 {
                    self.skip(block.start);
                } else {
                    self.pending.extend(block.halves().into_iter().rev());
                }
                self.split_expected();
                if self.failures >= MAX_FAILURES && self.purpose == Purpose::Reading {
                    self.purpose = Purpose::Control { is_second: false };
                }
            }
        }
        self.finding()
    }

    /// Skips a record that fails alone. Two in a row start a search.
    fn skip(&mut self, position: u64) {
        let expected = self.expected_at(position);
        match &mut self.skipped {
            Some(skipped) if skipped.end == position => {
                skipped.end = position + 1;
                if expected.is_none() {
                    self.search(position, None, 0);
                }
            }
            skipped => *skipped = Some(position..position + 1),
        }
        if expected.is_some_and(|expected| expected.to_end) {
            self.purpose = Purpose::LastControl { is_second: false };
        }
    }

    fn expected_at(&self, position: u64) -> Option<Expected> {
        self.expected.iter().copied().find(|expected| expected.position == position)
    }

    /// Goes on searching for the first readable record, or ends the search.
    fn search(&mut self, failing: u64, readable: Option<u64>, steps: u32) {
        self.purpose = Purpose::Search { failing, readable, steps };
        match readable {
            Some(readable) if readable <= failing + 1 => self.resume_at(readable),
            Some(_) => {}
            None if steps > MAX_SEARCH_STEPS || self.is_last(failing) => {
                self.purpose = Purpose::LastControl { is_second: false };
            }
            None => {}
        }
    }

    /// Goes on reading at a record, down to the end of its page.
    fn resume_at(&mut self, position: u64) {
        if let Some(skipped) = &mut self.skipped {
            skipped.end = position;
        }
        self.region.end = self.region.end.max((position / self.page_length + 1) * self.page_length);
        self.pending = self.cover(position..self.region.end);
        self.purpose = Purpose::Reading;
        // A block that begins above the record contains records that fail.
        while let Some(block) = self.pending.last().copied().filter(|block| block.start < position) {
            self.pending.pop();
            if block.end() > position {
                self.pending.extend(block.halves().into_iter().rev());
            }
        }
    }

    fn is_last(&self, position: u64) -> bool {
        self.list_length.is_some_and(|length| position + 1 >= length)
    }

    /// Splits the next block of the region while it contains a record that is expected to fail.
    fn split_expected(&mut self) {
        self.drop_outside();
        while let Some(block) = self.pending.last().copied()
            && block.length > 1
            && self.expected.iter().any(|expected| block.contains(expected.position))
        {
            self.pending.pop();
            self.pending.extend(block.halves().into_iter().rev());
            self.drop_outside();
        }
    }

    /// Drops blocks outside the region, which splitting produces at its edges.
    fn drop_outside(&mut self) {
        let region = self.region.clone();
        self.pending.retain(|block| block.end() > region.start && block.start < region.end);
    }

    /// Whether anything is left to request.
    pub(super) fn finding(&self) -> Finding {
        match self.purpose {
            Purpose::Reading if self.pending.is_empty() && self.has_page => Finding::Done,
            // Not a single record was returned.
            Purpose::Reading if self.pending.is_empty() => Finding::Outage,
            _ => Finding::Continues,
        }
    }

    /// The region of the page that failed.
    pub(super) fn region(&self) -> &Range<u64> {
        &self.region
    }

    /// The records skipped since the last block that was read.
    pub(super) fn skipped(&self) -> Option<&Range<u64>> {
        self.skipped.as_ref()
    }

    /// Takes the records skipped since the last block that was read.
    pub(super) fn take_skipped(&mut self) -> Option<Range<u64>> {
        self.skipped.take()
    }

    /// Whether the API has returned a page of this list.
    pub(super) fn has_page(&self) -> bool {
        self.has_page
    }

    /// The length of the largest block that the API returned. 0: none.
    pub(super) fn largest_read(&self) -> u32 {
        self.largest_read
    }

    /// Whether a record was expected to fail, so that the page itself was not requested.
    pub(super) fn is_expected(&self) -> bool {
        !self.expected.is_empty()
    }
}

/// The length of the first blocks of a page: the largest power of two below the page's length, at least 1.
fn largest_block(page_length: u64) -> u32 {
    let below = u32::try_from(page_length.saturating_sub(1)).unwrap_or(u32::MAX).max(1);
    1 << below.ilog2()
}

#[cfg(test)]
mod tests;
