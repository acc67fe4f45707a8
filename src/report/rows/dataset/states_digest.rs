//! The digest of a set of states, which shows that a month has lost or gained one.

use crate::digest::{hash, to_hex};

/// The digest of a set of states, whatever their order. The number of states alone would not detect two runs that
/// swapped months.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatesDigest(u128);

/// What identifies a state in a dataset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StateKey<'s> {
    /// The id of the snapshot, unique in an archive.
    pub snapshot_id: i64,
    /// When the run was created, which distinguishes snapshots of two archives with the same id; `None`: not known.
    pub created_at: Option<&'s [u8]>,
    /// When the next state superseded this one; `None`: it is the current one.
    pub superseded_at: Option<&'s [u8]>,
}

impl StatesDigest {
    /// Adds a state.
    pub(crate) fn add(&mut self, state: StateKey<'_>) {
        // One block of SHA-256 for a current state.
        let mut bytes = [0; 96];
        let mut length = 0;
        let mut append = |part: &[u8]| {
            let end = (length + part.len()).min(bytes.len());
            bytes[length..end].copy_from_slice(&part[..end - length]);
            length = end;
        };
        append(&state.snapshot_id.to_le_bytes());
        for instant in [state.created_at, state.superseded_at] {
            append(&[u8::from(instant.is_some())]);
            append(instant.unwrap_or_default());
        }
        let hash = hash(&bytes[..length]);
        let half: [u8; 16] = hash[..16].try_into().expect("a hash has more than 16 bytes");
        // A sum does not depend on the order in which an index returns the states.
        self.0 = self.0.wrapping_add(u128::from_be_bytes(half));
    }

    /// The digest as hexadecimal digits.
    pub(crate) fn hex(self) -> String {
        to_hex(&self.0.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: Option<&[u8]> = Some(b"2026-01-01T00:00:00.000000Z");

    fn key(snapshot_id: i64) -> StateKey<'static> {
        StateKey { snapshot_id, created_at: CREATED, superseded_at: None }
    }

    fn digest(states: &[StateKey<'_>]) -> String {
        let mut digest = StatesDigest::default();
        states.iter().for_each(|state| digest.add(*state));
        digest.hex()
    }

    #[test]
    fn the_order_of_the_states_does_not_matter() {
        assert_eq!(digest(&[key(1), key(2), key(3)]), digest(&[key(3), key(1), key(2)]));
        assert_eq!(digest(&[]), "0".repeat(32));
    }

    #[test]
    fn every_part_of_a_state_matters() {
        let later = Some(&b"2026-02-01T00:00:00.000000Z"[..]);
        let states = [
            vec![key(1)],
            vec![key(2)],
            vec![key(1), key(1)],
            vec![StateKey { created_at: None, ..key(1) }],
            vec![StateKey { created_at: later, ..key(1) }],
            vec![StateKey { superseded_at: later, ..key(1) }],
            vec![StateKey { created_at: None, superseded_at: CREATED, ..key(1) }],
        ];
        let digests: std::collections::BTreeSet<String> =
            states.iter().map(|states| digest(states)).collect();
        assert_eq!(digests.len(), states.len());
    }
}
