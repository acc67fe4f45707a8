//! The columns of the Cost and Usage dataset: the versions of FOCUS that have each, and its value for a charge.

use super::Version;
use super::charge::{Books, Charge, ChargeSource};
use crate::report::CostComponent;
use crate::report::billing::NEKT;
use crate::run::Instant;
use std::fmt::{self, Write};

/// One column.
pub(super) struct Column {
    /// Its name, the column id of FOCUS.
    pub name: &'static str,
    /// The versions that have it.
    versions: &'static [Version],
    /// Appends its value for a charge to a text. Nothing appended is null.
    pub value: fn(&Charge<'_>, &Books, &mut String) -> fmt::Result,
}

/// The columns of a version: those of FOCUS sorted by name, then our own.
pub(super) fn of(version: Version) -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter().filter(move |column| column.versions.contains(&version))
}

const BOTH: &[Version] = &[Version::V1_2, Version::V1_4];
const ONLY_1_2: &[Version] = &[Version::V1_2];
const ONLY_1_4: &[Version] = &[Version::V1_4];

const fn column(
    name: &'static str,
    versions: &'static [Version],
    value: fn(&Charge<'_>, &Books, &mut String) -> fmt::Result,
) -> Column {
    Column { name, versions, value }
}

/// All columns, in file order.
const COLUMNS: &[Column] = &[
    column("BilledCost", BOTH, |charge, _, text| write!(text, "{}", charge.billed)),
    column("BillingAccountId", BOTH, |_, books, text| text.write_str(books.terms.account.billing_id())),
    column("BillingAccountName", BOTH, |_, books, text| {
        put(text, books.terms.account.billing_name.as_deref())
    }),
    column("BillingCurrency", BOTH, |_, _, text| text.write_str("USD")),
    column("BillingPeriodEnd", BOTH, |_, books, text| write!(text, "{}", Second(books.period.end))),
    column("BillingPeriodStart", BOTH, |_, books, text| write!(text, "{}", Second(books.period.start))),
    column("ChargeCategory", BOTH, |charge, _, text| {
        text.write_str(if charge.run().is_none() { "Purchase" } else { "Usage" })
    }),
    column("ChargeClass", BOTH, |charge, _, text| {
        put(text, matches!(charge.source, ChargeSource::Correction(_)).then_some("Correction"))
    }),
    column("ChargeDescription", BOTH, describe),
    column("ChargeFrequency", BOTH, |charge, _, text| {
        text.write_str(match charge.source {
            ChargeSource::Plan(_) => "Recurring",
            ChargeSource::Credits(_) => "One-Time",
            ChargeSource::Run(..) | ChargeSource::Correction(_) => "Usage-Based",
        })
    }),
    column("ChargePeriodEnd", BOTH, |charge, _, text| write!(text, "{}", Second(charge.end))),
    column("ChargePeriodStart", BOTH, |charge, _, text| write!(text, "{}", Second(charge.start))),
    // Negotiated prices are unknown. FOCUS then requires the list cost.
    column("ContractedCost", BOTH, |charge, _, text| write!(text, "{}", charge.list)),
    column("EffectiveCost", BOTH, |charge, _, text| write!(text, "{}", charge.effective)),
    // An issuer other than Nekt invoices the machines that the run uses.
    column("HostProviderName", ONLY_1_4, |charge, _, text| text.write_str(charge.issuer)),
    // The ledger contains no invoices.
    column("InvoiceId", BOTH, |_, _, _| Ok(())),
    column("InvoiceIssuerName", BOTH, |charge, _, text| text.write_str(charge.issuer)),
    column("ListCost", BOTH, |charge, _, text| write!(text, "{}", charge.list)),
    column("PricingQuantity", BOTH, |charge, _, text| match charge.source {
        ChargeSource::Credits(purchase) => write!(text, "{}.0", purchase.credits),
        _ => put(text, pricing_unit(charge).map(|_| "1.0")),
    }),
    column("PricingUnit", BOTH, |charge, _, text| put(text, pricing_unit(charge))),
    column("ProviderName", ONLY_1_2, |_, _, text| text.write_str(NEKT)),
    column("PublisherName", ONLY_1_2, |_, _, text| text.write_str(NEKT)),
    // Ids are unique within a pipeline kind only.
    column("ResourceId", BOTH, |charge, _, text| match pipeline(charge) {
        Some((kind, id)) => write!(text, "{kind}/{id}"),
        None => Ok(()),
    }),
    column("ResourceName", BOTH, |charge, _, text| {
        put(text, pipeline(charge).and(charge.run().and_then(|run| run.pipeline_name)))
    }),
    column("ResourceType", BOTH, |charge, _, text| match pipeline(charge) {
        Some((kind, _)) => title(kind, text),
        None => Ok(()),
    }),
    column("ServiceCategory", BOTH, |_, _, text| text.write_str("Analytics")),
    column("ServiceName", BOTH, |charge, _, text| {
        text.write_str(match (charge.component(), charge.source) {
            (Some(CostComponent::El), _) => "Nekt extraction and loading",
            (Some(CostComponent::Transformation), _) => "Nekt transformation",
            (None, ChargeSource::Credits(_)) => "Nekt credits",
            (None, _) => "Nekt plan",
        })
    }),
    column("ServiceProviderName", ONLY_1_4, |_, _, text| text.write_str(NEKT)),
    column("ServiceSubcategory", BOTH, |charge, _, text| {
        text.write_str(if charge.run().is_none() { "Analytics Platforms" } else { "Data Processing" })
    }),
    column("SubAccountId", BOTH, |_, books, text| put(text, books.terms.account.sub_id.as_deref())),
    column("SubAccountName", BOTH, |_, books, text| put(text, books.terms.account.sub_name())),
    column("Tags", BOTH, |charge, _, text| match charge.run().and_then(|run| run.cost_center) {
        Some(cost_center) => write!(text, "{}", serde_json::json!({ "cost_center": cost_center })),
        None => Ok(()),
    }),
    column("x_CorrectedPeriod", BOTH, |charge, _, text| match charge.source {
        ChargeSource::Correction(correction) => text.write_str(&correction.period.label),
        _ => Ok(()),
    }),
    column("x_CorrectionSeenAt", BOTH, |charge, _, text| match charge.source {
        ChargeSource::Correction(correction) => write!(text, "{}", Second(correction.seen_at)),
        _ => Ok(()),
    }),
    column("x_CostPart", BOTH, |charge, _, text| {
        put(
            text,
            charge.component().map(|part| match part {
                CostComponent::El => "el",
                CostComponent::Transformation => "transformation",
            }),
        )
    }),
    column("x_CreditChargeStatus", BOTH, |charge, _, text| {
        put(text, charge.run().and_then(|run| run.credit_charge_status))
    }),
    column("x_PipelineId", BOTH, |charge, _, text| put(text, charge.run().and_then(|run| run.pipeline_id))),
    column("x_PipelineKind", BOTH, |charge, _, text| {
        put(text, charge.run().and_then(|run| run.pipeline_kind))
    }),
    column("x_PlanCredits", BOTH, |charge, _, text| match charge.source {
        ChargeSource::Plan(plan) => write!(text, "{}", plan.credits),
        _ => Ok(()),
    }),
    column("x_RunBookedAt", BOTH, |charge, _, text| put_second(text, charge.run().map(|run| run.booked_at))),
    column("x_RunCreatedAt", BOTH, |charge, _, text| {
        put_second(text, charge.run().and_then(|run| run.created_at))
    }),
    column("x_RunDurationSeconds", BOTH, |charge, _, text| {
        put(text, charge.run().and_then(|run| run.duration_seconds))
    }),
    column("x_RunEndedAt", BOTH, |charge, _, text| {
        put_second(text, charge.run().and_then(|run| run.ended_at))
    }),
    column("x_RunId", BOTH, |charge, _, text| put(text, charge.run().map(|run| run.run_id))),
    column("x_RunNumber", BOTH, |charge, _, text| put(text, charge.run().and_then(|run| run.number))),
    column("x_RunStartedAt", BOTH, |charge, _, text| {
        put_second(text, charge.run().and_then(|run| run.started_at))
    }),
    column("x_RunStatus", BOTH, |charge, _, text| put(text, charge.run().and_then(|run| run.status))),
    column("x_RunTriggerType", BOTH, |charge, _, text| {
        put(text, charge.run().and_then(|run| run.trigger_type))
    }),
];

/// An instant in the form of FOCUS, rounded down to the second: `YYYY-MM-DDTHH:MM:SSZ`.
pub(super) struct Second(pub Instant);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_str()[..19])?;
        f.write_str("Z")
    }
}

fn put(text: &mut String, value: Option<impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(text, "{value}"))
}

fn put_second(text: &mut String, instant: Option<Instant>) -> fmt::Result {
    put(text, instant.map(Second))
}

/// The kind and id of the run's pipeline. `None`: it has none, or several.
fn pipeline<'c>(charge: &Charge<'c>) -> Option<(&'c str, &'c str)> {
    let run = charge.run()?;
    run.pipeline_kind.zip(run.pipeline_id)
}

/// The priced unit. `None`: a correction changes the price and not the quantity.
fn pricing_unit(charge: &Charge<'_>) -> Option<&'static str> {
    match charge.source {
        ChargeSource::Run(..) => Some("Runs"),
        ChargeSource::Plan(_) => Some("Months"),
        ChargeSource::Credits(_) => Some("Credits"),
        ChargeSource::Correction(_) => None,
    }
}

/// Appends the word with a capital letter: `source` becomes `Source`.
fn title(word: &str, text: &mut String) -> fmt::Result {
    let start = text.len();
    text.write_str(word)?;
    if let Some(first) = text.get_mut(start..=start) {
        first.make_ascii_uppercase();
    }
    Ok(())
}

fn describe(charge: &Charge<'_>, books: &Books, text: &mut String) -> fmt::Result {
    if let ChargeSource::Correction(correction) = charge.source {
        write!(text, "Correction of {}: ", correction.period.label)?;
    }
    let work = match charge.source {
        ChargeSource::Plan(plan) => {
            return write!(text, "Plan of {} with {} credits", books.period.label, plan.credits);
        }
        ChargeSource::Credits(purchase) => {
            return write!(text, "{} credits bought on {}", purchase.credits, purchase.date);
        }
        _ if charge.component() == Some(CostComponent::El) => "extraction and loading",
        _ => "transformation",
    };
    match charge.source {
        ChargeSource::Run(..) => title(work, text)?,
        _ => text.write_str(work)?,
    }
    match charge.run().map(|run| (run.number, run.run_id)) {
        Some((Some(number), _)) => write!(text, " of run {number}"),
        Some((None, id)) => write!(text, " of run {id}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_sorted_and_ours_come_last() {
        for version in [Version::V1_2, Version::V1_4] {
            let names: Vec<&str> = of(version).map(|column| column.name).collect();
            let ours = names.iter().position(|name| name.starts_with("x_")).unwrap();
            assert!(names[..ours].is_sorted() && names[ours..].is_sorted(), "{names:?}");
            for name in &names {
                let id = name.strip_prefix("x_").unwrap_or(name);
                assert!(id.len() <= 50 && id.starts_with(|letter: char| letter.is_ascii_uppercase()));
                assert!(id.chars().all(|letter| letter.is_ascii_alphanumeric()), "{name} is Pascal case");
            }
            assert!(names[ours..].iter().all(|name| name.starts_with("x_")));
        }
    }

    #[test]
    fn each_version_has_its_own_provider_columns() {
        let names = |version| of(version).map(|column| column.name).collect::<Vec<_>>();
        let (old, new) = (names(Version::V1_2), names(Version::V1_4));
        let only = |these: &[&'static str], those: &[&str]| -> Vec<&str> {
            these.iter().copied().filter(|name| !those.contains(name)).collect()
        };
        assert_eq!(only(&old, &new), ["ProviderName", "PublisherName"]);
        assert_eq!(only(&new, &old), ["HostProviderName", "ServiceProviderName"]);
    }
}
