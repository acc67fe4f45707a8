//! Pages that fail: their bisection, and the records that the walk skips.

use super::{MAX_GAPS, Order, PageOutcome, Walk, page_at};
use crate::store::{Cursor, ListGap};
use crate::sync::bisection::{Bisection, Expected, Finding};
use std::ops::Range;

impl Walk {
    /// The walk with the gaps that earlier walks found, so that they cost few requests.
    pub(in crate::sync) fn with_known_gaps(mut self, known_gaps: Vec<ListGap>) -> Walk {
        // Runs created since then have moved the gap to another place.
        let near_top = |gap: &ListGap| gap.position <= u64::from(self.page_size) * 2;
        self.needs_count = self.cursor.is_none() && known_gaps.iter().any(near_top);
        self.known_gaps = known_gaps;
        self
    }

    /// The positions on a page, from 0. The page's length is known only after the first page.
    pub(super) fn region(&self, page: u32) -> Range<u64> {
        let length = if self.page_length > 0 { self.page_length as u64 } else { u64::from(self.page_size) };
        let start = u64::from(page - 1) * length;
        start..start + length
    }

    /// The positions where gaps of earlier walks, or of this one, are expected now.
    pub(super) fn expected_gaps(&self) -> impl Iterator<Item = Expected> {
        let count = self.count();
        self.known_gaps.iter().filter_map(move |gap| expected_now(gap, count))
    }

    /// Starts a bisection if the next page contains a known gap.
    pub(super) fn bisect_around_known_gaps(&mut self) {
        if self.needs_count || self.bisection.is_some() || self.known_gaps.is_empty() {
            return;
        }
        let region = self.region(self.page);
        let expected: Vec<Expected> =
            self.expected_gaps().filter(|expected| region.contains(&expected.position)).collect();
        if !expected.is_empty() {
            let skipped = self.skipped.take();
            self.start_bisection(Bisection::around(region, self.count(), skipped, expected));
        }
    }

    pub(super) fn start_bisection(&mut self, bisection: Bisection) {
        self.keep_ahead = false;
        self.region_is_old = true;
        self.region_has_gap = bisection.skipped().is_some();
        self.bisection = Some(bisection);
    }

    /// Handles a page that gave no usable response, for this reason. `seen` is as in [`PageOutcome`].
    pub(in crate::sync) fn page_failed(&mut self, cause: &str, seen: u64) {
        cause.clone_into(&mut self.last_cause);
        self.at_end = false;
        if std::mem::take(&mut self.needs_count) {
            // The newest run fails. Its page is bisected without a prediction.
            return;
        }
        let finding = match &mut self.bisection {
            Some(bisection) => bisection.failed(),
            None => {
                let skipped = self.skipped.take();
                let bisection = Bisection::of_failed_page(self.region(self.page), self.count(), skipped);
                let finding = bisection.finding();
                self.start_bisection(bisection);
                finding
            }
        };
        self.follow(finding);
        if self.at_end && !self.ended {
            self.end_pass(PageOutcome { newly_seen: 0, unchanged: false, seen });
        }
    }

    /// Handles the response to a request whose content does not matter.
    pub(super) fn probe_answered(&mut self, answer: fn(&mut Bisection) -> Finding) {
        if std::mem::take(&mut self.needs_count) {
            return;
        }
        if let Some(bisection) = &mut self.bisection {
            let finding = answer(bisection);
            self.follow(finding);
        }
    }

    /// Does what follows from a finding of the bisection.
    pub(super) fn follow(&mut self, finding: Finding) {
        match finding {
            Finding::Continues => {}
            Finding::Outage => self.is_down = true,
            Finding::Done => self.leave_region(),
            Finding::RefusedFrom(position) => {
                self.bisection = None;
                let end = self.count().map_or(position + 1, |count| count.max(position + 1));
                self.add_gap(position..end, self.cursor, None);
                self.end_incomplete("the API refuses the rest of the list".to_owned());
            }
        }
    }

    /// Goes on below a region that was bisected.
    pub(super) fn leave_region(&mut self) {
        let Some(mut bisection) = self.bisection.take() else { return };
        let end = bisection.region().end;
        if self.page_length == 0 {
            self.page_length = self.page_size as usize;
        }
        self.skipped = bisection.take_skipped();
        self.region_has_gap |= self.skipped.is_some();
        self.keep_ahead = false;
        let page_size = bisection.largest_read();
        if page_size == 0 || bisection.is_expected() || self.region_has_gap {
            self.page = page_at(end, self.region(1).end);
        } else {
            // No record fails, so the page was too large.
            self.change_page_size(page_size, end);
        }
        let count = self.count();
        if let Some(skipped) = self.skipped.take_if(|skipped| count.is_some_and(|count| count <= skipped.end))
        {
            self.at_end = true;
            self.add_gap(skipped, self.cursor, None);
        }
    }

    /// Continues with another page size at a position.
    pub(super) fn change_page_size(&mut self, page_size: u32, position: u64) {
        self.page_size = page_size;
        self.page_length = page_size as usize;
        self.page = match self.order {
            Order::NewestFirst { .. } => {
                let must_overlap = self.cursor.is_some();
                self.order = Order::NewestFirst { base_count: None, must_overlap };
                // The page that contains the last item above.
                page_at(position.saturating_sub(1), u64::from(page_size))
            }
            Order::Other { .. } => page_at(position, u64::from(page_size)),
        };
    }

    pub(super) fn add_gap(&mut self, records: Range<u64>, newer: Option<Cursor>, older: Option<Cursor>) {
        self.region_has_gap = true;
        let gap = ListGap {
            newer,
            older,
            records: records.end - records.start,
            position: records.start + 1,
            list_count: self.count(),
            run_id: None,
            fetched_at: None,
            cause: self.last_cause.clone(),
        };
        self.known_gaps.push(gap.clone());
        // A walk that stepped back can meet the same gap again.
        self.gaps.retain(|known| known.newer != gap.newer);
        self.gaps.push(gap);
        if self.gaps.len() > MAX_GAPS {
            self.end_incomplete(format!("more than {MAX_GAPS} parts of the list could not be read"));
        }
    }

    /// The records that the walk skipped.
    pub(in crate::sync) fn gaps(&self) -> &[ListGap] {
        &self.gaps
    }

    pub(super) fn skipped_records(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.records).sum()
    }
}

/// Where a gap is in the list that now has `count` runs. Runs are created only at the top, so a record moves down; a
/// position below which the API refuses everything stays. `None`: the gap is no longer in the list.
fn expected_now(gap: &ListGap, count: Option<u64>) -> Option<Expected> {
    let to_end = gap.older.is_none() && gap.records > 1;
    let position = match (count, gap.list_count) {
        (Some(now), Some(then)) if !to_end => (gap.position + now).checked_sub(then + 1)?,
        _ => gap.position - 1,
    };
    Some(Expected { position, to_end })
}
