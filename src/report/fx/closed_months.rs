//! The exchange rates of closed months, in answers about several months.

use crate::error::Result;
use crate::report::scope::Scope;
use crate::report::terms::MonthTerms;
use crate::store::Archive;

impl Scope {
    /// The same scope, in which closed months have the exchange rates that their closes froze.
    ///
    /// # Errors
    /// As [`Archive::closes`].
    pub(crate) fn with_closed_rates(self, archive: &Archive) -> Result<Scope> {
        let mut scope = self;
        if scope.fx().is_none() {
            return Ok(scope);
        }
        let mut rates = Vec::new();
        // A later close of a month comes after the one that it restates.
        for close in archive.closes()? {
            let is_known = scope.as_of.is_none_or(|as_of| close.frozen.closed_at <= as_of);
            let terms = close.frozen.terms.as_ref().filter(|_| is_known).and_then(MonthTerms::frozen);
            rates.extend(terms.and_then(|terms| Some((close.frozen.period, terms.fx?))));
        }
        scope.terms.adopt_closed_rates(rates);
        Ok(scope)
    }
}
