//! Runs out of order in a list that is newest first otherwise, such as a run that was imported later.

use crate::store::Cursor;
use uuid::Uuid;

/// A list with more runs out of order has another order.
pub(crate) const MAX_RUNS: usize = 5;

/// The runs out of order that a walk has seen. Their dates prove nothing.
#[derive(Debug, Default)]
pub(super) struct OutOfOrder {
    known: Vec<Uuid>,
    /// Those of the last page.
    new: Vec<Uuid>,
    /// The number of runs in order.
    in_order: usize,
    /// Those of the last page.
    new_in_order: usize,
}

impl OutOfOrder {
    /// Removes the known runs from the positions of a page. Returns whether there were any.
    pub(super) fn remove_known(&mut self, positions: &mut Vec<Cursor>) -> bool {
        let before = positions.len();
        positions.retain(|position| !self.known.contains(&position.run_id));
        positions.len() < before
    }

    /// Removes the other runs out of order from the positions of a page. Returns whether the page is newest first with
    /// few exceptions.
    pub(super) fn remove_new(&mut self, positions: &mut Vec<Cursor>) -> bool {
        if !positions.is_sorted_by(|newer, older| newer.created_at >= older.created_at) {
            self.remove_unsorted(positions);
        }
        self.new_in_order = positions.len();
        let exceptions = self.known.len() + self.new.len();
        // A short list in another order has few exceptions, too.
        self.new.is_empty() || (exceptions <= MAX_RUNS && exceptions * 2 <= self.in_order + self.new_in_order)
    }

    fn remove_unsorted(&mut self, positions: &mut Vec<Cursor>) {
        let mut in_order = longest_newest_first(positions).into_iter().peekable();
        let mut place = 0;
        positions.retain(|position| {
            let keeps = in_order.next_if_eq(&place).is_some();
            if !keeps {
                self.new.push(position.run_id);
            }
            place += 1;
            keeps
        });
    }

    /// Adds a run of the last page.
    pub(super) fn add(&mut self, run: Uuid) {
        self.new.push(run);
    }

    /// Whether the last page had new ones.
    pub(super) fn has_new(&self) -> bool {
        !self.new.is_empty()
    }

    /// Keeps those of the last page if it was accepted: only then is everything above them seen.
    pub(super) fn settle(&mut self, accepted: bool) {
        if accepted {
            self.known.append(&mut self.new);
            self.in_order += self.new_in_order;
        }
        self.new.clear();
    }
}

/// The places of the longest subsequence that is newest first (patience sorting).
fn longest_newest_first(positions: &[Cursor]) -> Vec<usize> {
    // The last place of the best subsequence of each length, and the place before each place.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(positions.len());
    for (place, position) in positions.iter().enumerate() {
        let length = ends.partition_point(|end| positions[*end].created_at >= position.created_at);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut places: Vec<usize> =
        std::iter::successors(ends.last().copied(), |place| before[*place]).collect();
    places.reverse();
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Instant;

    fn page(hours: &[u32]) -> Vec<Cursor> {
        let at = |hour: &u32| Instant::parse(&format!("2026-01-01T{hour:02}:00:00Z")).unwrap();
        hours
            .iter()
            .enumerate()
            .map(|(place, hour)| Cursor { created_at: at(hour), run_id: Uuid::from_u128(place as u128) })
            .collect()
    }

    fn remaining(out_of_order: &mut OutOfOrder, hours: &[u32]) -> Option<Vec<u32>> {
        let mut positions = page(hours);
        let removed = out_of_order.remove_new(&mut positions);
        out_of_order.settle(removed);
        removed.then(|| positions.iter().map(|position| hours[position.run_id.as_u128() as usize]).collect())
    }

    #[test]
    fn a_few_runs_out_of_order_are_removed() {
        let removed = |hours: &[u32]| remaining(&mut OutOfOrder::default(), hours);
        assert_eq!(removed(&[9, 8, 8, 7]), Some(vec![9, 8, 8, 7]));
        assert_eq!(removed(&[9, 2, 8, 7]), Some(vec![9, 8, 7]));
        assert_eq!(removed(&[9, 8, 20, 7]), Some(vec![9, 8, 7]));
        assert_eq!(removed(&[20, 1, 19, 2, 18, 17]), Some(vec![20, 19, 18, 17]));
        assert_eq!(removed(&[1, 2, 3, 4, 5, 6, 7]), None);
        assert_eq!(removed(&[1, 2]), None);
    }

    #[test]
    fn their_number_is_limited_in_a_whole_walk() {
        let mut out_of_order = OutOfOrder::default();
        for run in 0..MAX_RUNS {
            out_of_order.add(Uuid::from_u128(1000 + run as u128));
        }
        out_of_order.settle(true);
        assert_eq!(remaining(&mut out_of_order, &[9, 2, 8, 7]), None);
        assert_eq!(remaining(&mut out_of_order, &[9, 8, 7]), Some(vec![9, 8, 7]));
    }

    #[test]
    fn a_run_on_a_rejected_page_stays_unknown() {
        let mut out_of_order = OutOfOrder::default();
        let run = Uuid::from_u128(1);
        out_of_order.add(run);
        out_of_order.settle(false);
        assert!(!out_of_order.remove_known(&mut page(&[9, 8])));
        out_of_order.add(run);
        out_of_order.settle(true);
        assert!(out_of_order.remove_known(&mut page(&[9, 8])));
    }
}
