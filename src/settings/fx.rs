//! The table `[fx]`: the second currency, the policy, and the file of the rates.

use crate::error::Result;
use crate::report::fx::{Currency, Fx, Policy, RateFile};
use chrono::NaiveDate;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The table `[fx]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FxTable {
    /// The second currency.
    pub(super) currency: Currency,
    /// Which rate applies.
    pub(super) policy: Policy,
    /// The CSV file of the rates.
    pub(super) rates: PathBuf,
}

impl FxTable {
    /// Resolves a relative path against the folder of the settings file.
    pub(super) fn in_folder(self, folder: &Path) -> FxTable {
        FxTable { rates: folder.join(self.rates), ..self }
    }

    /// Reads the rates. None of them may be dated after `today`.
    ///
    /// # Errors
    /// As [`RateFile::read`].
    pub(super) fn read(&self, today: NaiveDate) -> Result<Fx> {
        let rates = RateFile::read(&self.rates, today)?.rates_of(&self.currency);
        Ok(Fx::new(self.currency.clone(), self.policy, rates))
    }
}
