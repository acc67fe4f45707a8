//! This is what the ledger cannot know of its charges: who invoices them, and what the accounts are called.

use crate::report::CostComponent;
use serde::{Deserialize, Deserializer, Serialize};

/// The provider whose runs these are.
pub const NEKT: &str = "Nekt";

/// Who invoices each cost of a run: [`NEKT`] in any spelling of its letters, or another name as the invoice has it
/// (`Amazon Web Services`). `None`: nobody has said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BilledBy {
    /// Who invoices extracting and loading.
    #[serde(default, deserialize_with = "not_blank")]
    pub el: Option<String>,
    /// Who invoices transforming.
    #[serde(default, deserialize_with = "not_blank")]
    pub transformation: Option<String>,
}

/// The accounts that the charges go to. `None`: nobody has said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The id of the account that is invoiced.
    #[serde(default, deserialize_with = "not_blank")]
    pub billing_id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "not_blank")]
    pub billing_name: Option<String>,
    /// The id of the account below it that the runs belong to.
    #[serde(default, deserialize_with = "not_blank")]
    pub sub_id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "not_blank")]
    pub sub_name: Option<String>,
}

/// Who invoices one cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer<'s> {
    /// Nekt, as was said.
    Nekt,
    /// Another, as was said.
    Other(&'s str),
    /// Nobody has said, so nothing counts as billed.
    Unsaid,
}

impl<'s> Issuer<'s> {
    /// The name for `InvoiceIssuerName`, which may not be empty: where nobody has said, it is the provider's.
    pub fn name(self) -> &'s str {
        match self {
            Issuer::Nekt | Issuer::Unsaid => NEKT,
            Issuer::Other(name) => name,
        }
    }
}

impl BilledBy {
    /// Who invoices that part of each run.
    pub fn issuer(&self, part: CostComponent) -> Issuer<'_> {
        let name = match part {
            CostComponent::El => &self.el,
            CostComponent::Transformation => &self.transformation,
        };
        match name.as_deref() {
            None => Issuer::Unsaid,
            Some(name) if name.eq_ignore_ascii_case(NEKT) => Issuer::Nekt,
            Some(name) => Issuer::Other(name),
        }
    }
}

impl Account {
    /// The id of the account that is invoiced, which may not be empty. An archive holds one account: where
    /// nobody has said what it is called, `nekt` tells it from those of other providers.
    pub fn billing_id(&self) -> &str {
        self.billing_id.as_deref().unwrap_or("nekt")
    }

    /// The sub account's name. It has one exactly when it has an id: where nobody has said, its id.
    pub fn sub_name(&self) -> Option<&str> {
        self.sub_id.as_deref().map(|id| self.sub_name.as_deref().unwrap_or(id))
    }
}

fn not_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    match text {
        Some(text) if text.trim().is_empty() => Err(serde::de::Error::custom("it is blank: leave it out")),
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_nekt_means_nekt_in_any_case() {
        let billed_by: BilledBy = serde_json::from_str("{\"el\": \"NEKT\"}").unwrap();
        assert_eq!(billed_by.issuer(CostComponent::El), Issuer::Nekt);
        assert_eq!(billed_by.issuer(CostComponent::Transformation), Issuer::Unsaid);
        let billed_by: BilledBy = serde_json::from_str("{\"el\": \"Nekt Cloud\"}").unwrap();
        assert_eq!(billed_by.issuer(CostComponent::El), Issuer::Other("Nekt Cloud"));
    }

    #[test]
    fn a_blank_name_and_an_unknown_key_are_refused() {
        assert!(serde_json::from_str::<BilledBy>("{\"el\": \" \"}").is_err());
        assert!(serde_json::from_str::<BilledBy>("{\"etl\": \"Nekt\"}").is_err());
        assert!(serde_json::from_str::<Account>("{\"billing_id\": \"\"}").is_err());
        assert!(serde_json::from_str::<Account>("{\"id\": \"1\"}").is_err());
    }

    #[test]
    fn a_sub_account_has_a_name_exactly_when_it_has_an_id() {
        let account = |json: &str| serde_json::from_str::<Account>(json).unwrap();
        assert_eq!(account("{\"sub_id\": \"7\"}").sub_name(), Some("7"));
        assert_eq!(account("{\"sub_id\": \"7\", \"sub_name\": \"Data\"}").sub_name(), Some("Data"));
        assert_eq!(account("{\"sub_name\": \"Data\"}").sub_name(), None);
    }
}
