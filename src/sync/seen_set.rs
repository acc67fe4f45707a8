//! This is the set of runs that a sync has met: a bit for each snapshot of the archive.

/// A million runs take 125 kB, so memory does not grow with the archive in any way that matters.
#[derive(Debug, Default)]
pub(super) struct SeenSet {
    bits: Vec<u64>,
    count: u64,
}

impl SeenSet {
    /// Adds the run whose current snapshot this is; says whether it is new.
    pub(super) fn insert(&mut self, snapshot_id: i64) -> bool {
        let (word, bit) = SeenSet::place(snapshot_id);
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    /// Lets a changed run be known by its newest snapshot; says whether the run is new to the set.
    pub(super) fn replace(&mut self, before: i64, after: i64) -> bool {
        let is_new = !self.contains(before);
        self.insert(after);
        self.count -= u64::from(!is_new);
        is_new
    }

    /// Whether the run whose current snapshot this is was met.
    pub(super) fn contains(&self, snapshot_id: i64) -> bool {
        let (word, bit) = SeenSet::place(snapshot_id);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many runs were met.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// SQLite counts rows from 1.
    fn place(snapshot_id: i64) -> (usize, u64) {
        let index = usize::try_from(snapshot_id).unwrap_or(0);
        (index / 64, 1 << (index % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_counted_once_whatever_becomes_of_it() {
        let mut met = SeenSet::default();
        assert!(met.insert(1) && met.insert(64) && !met.insert(64));
        assert!(!met.replace(64, 200), "it was met in its former state");
        assert!(met.replace(65, 201), "it was in the archive, and is met in its new state");
        assert_eq!(met.count(), 3);
        assert!(met.contains(200) && met.contains(201) && !met.contains(2));
    }
}
