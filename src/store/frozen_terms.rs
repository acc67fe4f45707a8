//! The terms that a close froze, as the archive stores them.

use super::unusable;
use crate::digest::{Hash, hash};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// The terms of a closed month as JSON, with the hash of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenTerms {
    /// The JSON object. Its key `layout` says which other keys it has.
    pub json: String,
    /// The SHA-256 of `json`.
    pub sha256: Hash,
}

/// The key that every layout has.
#[derive(Deserialize)]
struct Layout {
    layout: u32,
}

impl FrozenTerms {
    /// The layout of terms without a second currency.
    pub(crate) const LAYOUT_WITHOUT_RATES: u32 = 1;

    /// The layout of terms with the exchange rates of a second currency, in the key `fx`.
    pub(crate) const LAYOUT_WITH_RATES: u32 = 2;

    /// The newest layout that this version reads.
    const LAYOUT: u32 = FrozenTerms::LAYOUT_WITH_RATES;

    /// Terms with the hash of their text.
    pub(crate) fn new(json: String) -> FrozenTerms {
        let sha256 = hash(json.as_bytes());
        FrozenTerms { json, sha256 }
    }

    /// Whether the hash is that of the text.
    pub(crate) fn is_intact(&self) -> bool {
        hash(self.json.as_bytes()) == self.sha256
    }

    /// Refuses terms that a newer version wrote: reading only the keys that this version knows would be a guess.
    ///
    /// # Errors
    /// [`Error::Archive`] naming the month.
    pub(super) fn require_known_layout(&self, path: &Path, period: &str) -> Result<(), Error> {
        match serde_json::from_str::<Layout>(&self.json) {
            Ok(Layout { layout }) if layout > FrozenTerms::LAYOUT => Err(unusable(
                path,
                format!(
                    "the close of {period} has terms of layout {layout}, and this program knows layouts up to {}",
                    FrozenTerms::LAYOUT
                ),
                Some("use the version of runledger that closed the month, or a newer one".to_owned()),
            )),
            // Damage is reported where the terms are read.
            _ => Ok(()),
        }
    }
}
