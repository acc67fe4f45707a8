//! Who invoices a charge, and to which account.

use super::run_cost::CostComponent;
use serde::{Deserialize, Deserializer, Serialize};

/// The provider of the runs.
pub(crate) const NEKT: &str = "Nekt";

/// The invoice issuer of each cost component: `Nekt` in any case, or another name as on the invoice
/// (`Amazon Web Services`). `None`: unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BilledBy {
    /// The issuer for extraction and loading.
    #[serde(default, deserialize_with = "not_blank")]
    pub el: Option<String>,
    /// The issuer for transformation.
    #[serde(default, deserialize_with = "not_blank")]
    pub transformation: Option<String>,
}

/// The accounts of the charges. `None`: unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The id of the invoiced account.
    #[serde(default, deserialize_with = "not_blank")]
    pub billing_id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "not_blank")]
    pub billing_name: Option<String>,
    /// The id of the sub account of the runs.
    #[serde(default, deserialize_with = "not_blank")]
    pub sub_id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "not_blank")]
    pub sub_name: Option<String>,
}

impl Account {
    /// The name of the invoiced account, else its id. `None`: it has neither.
    pub(crate) fn name(&self) -> Option<&str> {
        self.billing_name.as_deref().or(self.billing_id.as_deref())
    }
}

/// The invoice issuer of one cost component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer<'s> {
    /// Nekt, by the settings.
    Nekt,
    /// Another company, by the settings.
    Other(&'s str),
    /// The settings name none, so nothing counts as billed.
    Unknown,
}

impl<'s> Issuer<'s> {
    /// The name for `InvoiceIssuerName`, which must not be empty. An unknown issuer has the provider's name.
    pub fn name(self) -> &'s str {
        match self {
            Issuer::Nekt | Issuer::Unknown => NEKT,
            Issuer::Other(name) => name,
        }
    }
}

impl BilledBy {
    /// The issuer for the cost component.
    pub fn issuer(&self, component: CostComponent) -> Issuer<'_> {
        let name = match component {
            CostComponent::El => &self.el,
            CostComponent::Transformation => &self.transformation,
        };
        match name.as_deref() {
            None => Issuer::Unknown,
            Some(name) if name.eq_ignore_ascii_case(NEKT) => Issuer::Nekt,
            Some(name) => Issuer::Other(name),
        }
    }
}

impl Account {
    /// The id of the invoiced account, which must not be empty. An archive has one account, so without a setting `nekt`
    /// distinguishes it from those of other providers.
    pub fn billing_id(&self) -> &str {
        self.billing_id.as_deref().unwrap_or("nekt")
    }

    /// The name of the sub account, else its id. `None`: it has no id.
    pub fn sub_name(&self) -> Option<&str> {
        self.sub_id.as_deref().map(|id| self.sub_name.as_deref().unwrap_or(id))
    }
}

/// A text that is not blank.
///
/// # Errors
/// A custom one when it is blank.
pub(crate) fn not_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    match text {
        Some(text) if text.trim().is_empty() => {
            Err(serde::de::Error::custom("the value is blank: remove the key"))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_nekt_is_recognized_in_any_case() {
        let billed_by: BilledBy = serde_json::from_str("{\"el\": \"NEKT\"}").unwrap();
        assert_eq!(billed_by.issuer(CostComponent::El), Issuer::Nekt);
        assert_eq!(billed_by.issuer(CostComponent::Transformation), Issuer::Unknown);
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
