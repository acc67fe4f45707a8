//! A bitset of the runs that a sync has seen, indexed by snapshot id.

/// A set of runs. A million runs take 125 kB, so memory use stays small for any archive.
#[derive(Debug, Default)]
pub(super) struct SeenSet {
    bits: Vec<u64>,
    count: u64,
}

impl SeenSet {
    /// Adds the run with this current snapshot. Returns whether it is new to the set.
    pub(super) fn insert(&mut self, snapshot_id: i64) -> bool {
        let (word, bit) = SeenSet::index(snapshot_id);
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    /// Adds the new snapshot of a changed run. Returns whether the run is new to the set.
    pub(super) fn replace(&mut self, before: i64, after: i64) -> bool {
        let is_new = !self.contains(before);
        self.insert(after);
        self.count -= u64::from(!is_new);
        is_new
    }

    /// Whether the run with this current snapshot was seen.
    pub(super) fn contains(&self, snapshot_id: i64) -> bool {
        let (word, bit) = SeenSet::index(snapshot_id);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Number of runs in the set.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The word and the bit of a snapshot. SQLite row ids start at 1.
    fn index(snapshot_id: i64) -> (usize, u64) {
        let index = usize::try_from(snapshot_id).unwrap_or(0);
        (index / 64, 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_counted_once_even_if_it_changes() {
        let mut seen = SeenSet::default();
        assert!(seen.insert(1) && seen.insert(64) && !seen.insert(64));
        assert!(!seen.replace(64, 200), "it was seen in its previous state");
        assert!(seen.replace(65, 201), "it was archived, and is first seen in its new state");
        assert_eq!(seen.count(), 3);
        assert!(seen.contains(200) && seen.contains(201) && !seen.contains(2));
    }
}
