//! The terms of a month: its plan, the credits bought in addition, who invoices its charges to which account, and the
//! exchange rates of a second currency.
//!
//! They come from the settings until the month is closed, and from its close afterwards.

use super::billing::{Account, BilledBy};
use super::fx::Fx;
use super::plan::{CreditPurchase, Plan};
use super::timeline::Timeline;
use crate::store::FrozenTerms;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The terms of every month. Those in force on the first day of a month apply to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The monthly plans.
    pub plan: Timeline<Plan>,
    /// The invoice issuers.
    pub billed_by: Timeline<BilledBy>,
    /// The accounts.
    pub account: Account,
    /// The purchased credits, in any order.
    pub credit_purchases: Vec<CreditPurchase>,
    /// The second currency. `None`: the settings name none.
    pub fx: Option<Fx>,
}

/// The terms of one month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthTerms {
    /// The plan. `None`: the settings name none.
    pub plan: Option<Plan>,
    /// The credits bought in the month, by date.
    pub credit_purchases: Vec<CreditPurchase>,
    /// The invoice issuers.
    pub billed_by: BilledBy,
    /// The accounts.
    pub account: Account,
    /// The second currency, with the rates of the month. `None`: the settings name none, or the month was closed
    /// before they did. Terms without it have the layout of earlier versions, so that closes keep their spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fx: Option<Fx>,
}

/// The terms of the months of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScopeTerms {
    /// Those of the settings: no close answers, or one that froze no terms.
    Settings(Terms),
    /// Those that the close of the scope's month froze.
    Close(MonthTerms),
}

impl Default for ScopeTerms {
    /// Neither a plan nor issuers or accounts.
    fn default() -> ScopeTerms {
        ScopeTerms::Settings(Terms::default())
    }
}

impl ScopeTerms {
    /// The terms of a month of the scope, by its label: `2026-01`.
    pub fn of_month(&self, month: &str) -> MonthTerms {
        match self {
            ScopeTerms::Settings(terms) => terms.of_month(month),
            ScopeTerms::Close(terms) => terms.clone(),
        }
    }

    /// Takes the rates that the closes of months froze, in answers about more than one of them.
    pub(crate) fn adopt_closed_rates(&mut self, closed: impl IntoIterator<Item = (String, Fx)>) {
        if let ScopeTerms::Settings(Terms { fx: Some(fx), .. }) = self {
            closed.into_iter().for_each(|(month, frozen)| fx.adopt_closed(&month, frozen));
        }
    }

    /// The second currency. `None`: there is none.
    pub(crate) fn fx(&self) -> Option<&Fx> {
        match self {
            ScopeTerms::Settings(terms) => terms.fx.as_ref(),
            ScopeTerms::Close(terms) => terms.fx.as_ref(),
        }
    }
}

impl Terms {
    /// The terms of a month, by its label: `2026-01`.
    pub fn of_month(&self, month: &str) -> MonthTerms {
        let first_day: Option<NaiveDate> = format!("{month}-01").parse().ok();
        let mut credit_purchases = self.credit_purchases.clone();
        credit_purchases.retain(|purchase| purchase.date.format("%Y-%m").to_string() == month);
        // Purchases of one day stay in the order of the settings.
        credit_purchases.sort_by_key(|purchase| purchase.date);
        MonthTerms {
            plan: self.plan.on(first_day).copied(),
            credit_purchases,
            billed_by: self.billed_by.on(first_day).cloned().unwrap_or_default(),
            account: self.account.clone(),
            fx: self.fx.as_ref().map(|fx| fx.of_month(month)),
        }
    }
}

impl MonthTerms {
    /// The credits bought in the month. `None`: none were.
    pub fn purchased_credits(&self) -> Option<u64> {
        self.credit_purchases.iter().map(|purchase| purchase.credits).reduce(u64::saturating_add)
    }

    /// The credits of the plan and those bought in the month. `None`: there is no plan.
    pub fn available_credits(&self) -> Option<u64> {
        let purchased = self.purchased_credits().unwrap_or_default();
        self.plan.map(|plan| plan.credits.saturating_add(purchased))
    }

    /// The terms as a close stores them.
    pub fn freeze(&self) -> FrozenTerms {
        #[derive(Serialize)]
        struct WithLayout<'t> {
            layout: u32,
            #[serde(flatten)]
            terms: &'t MonthTerms,
        }
        let layout = match self.fx {
            Some(_) => FrozenTerms::LAYOUT_WITH_RATES,
            None => FrozenTerms::LAYOUT_WITHOUT_RATES,
        };
        let frozen = WithLayout { layout, terms: self };
        FrozenTerms::new(serde_json::to_string(&frozen).expect("terms serialize to JSON"))
    }

    /// Reads the terms of a close. `None`: their text is not the one that [`MonthTerms::freeze`] writes.
    pub fn frozen(frozen: &FrozenTerms) -> Option<MonthTerms> {
        let mut json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&frozen.json).ok()?;
        json.remove("layout")?;
        let terms: MonthTerms = serde_json::from_value(json.into()).ok()?;
        // A missing key or another spelling would be read as well.
        (terms.freeze().json == frozen.json).then_some(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Usd;

    fn plan(credits: u64) -> Plan {
        Plan { fee_usd: Usd::from_units(1_490_000_000_000), credits }
    }

    fn purchase(date: &str, credits: u64) -> CreditPurchase {
        CreditPurchase { date: date.parse().unwrap(), credits, price_usd: Usd::from_units(1) }
    }

    fn terms() -> Terms {
        let mut plans = Timeline::always(plan(1000));
        assert!(plans.insert(Some("2026-10-15".parse().unwrap()), plan(1200)));
        let purchases = ["2026-10-31", "2026-11-01", "2026-10-01"].map(|date| purchase(date, 10));
        Terms { plan: plans, credit_purchases: purchases.to_vec(), ..Terms::default() }
    }

    #[test]
    fn a_month_has_the_plan_of_its_first_day() {
        let credits = |month: &str| terms().of_month(month).plan.map(|plan| plan.credits);
        assert_eq!(credits("2025-01"), Some(1000));
        assert_eq!(credits("2026-10"), Some(1000), "the plan changed in the middle of this month");
        assert_eq!(credits("2026-11"), Some(1200));
    }

    #[test]
    fn purchased_credits_count_in_the_month_of_their_date() {
        let october = terms().of_month("2026-10");
        let dates: Vec<String> =
            october.credit_purchases.iter().map(|purchase| purchase.date.to_string()).collect();
        assert_eq!(dates, ["2026-10-01", "2026-10-31"]);
        assert_eq!((october.purchased_credits(), october.available_credits()), (Some(20), Some(1020)));
        let december = terms().of_month("2026-12");
        assert_eq!((december.purchased_credits(), december.available_credits()), (None, Some(1200)));
        assert_eq!(MonthTerms { plan: None, ..october }.available_credits(), None);
    }

    #[test]
    fn frozen_terms_have_one_spelling() {
        let terms = terms().of_month("2026-11");
        let frozen = terms.freeze();
        assert_eq!(
            frozen.json,
            "{\"layout\":1,\"plan\":{\"fee_usd\":\"1490.000000000\",\"credits\":1200},\
             \"credit_purchases\":[{\"date\":\"2026-11-01\",\"credits\":10,\"price_usd\":\"0.000000001\"}],\
             \"billed_by\":{\"el\":null,\"transformation\":null},\
             \"account\":{\"billing_id\":null,\"billing_name\":null,\"sub_id\":null,\"sub_name\":null}}"
        );
        assert_eq!(MonthTerms::frozen(&frozen), Some(terms));
        for (from, to) in [
            ("\"1490.000000000\"", "1490"),
            (",", ", "),
            ("\"el\":null,", ""),
            ("\"el\":null,", "\"el\":null,\"storage\":null,"),
            ("\"layout\":1,", ""),
        ] {
            let other = FrozenTerms::new(frozen.json.replacen(from, to, 1));
            assert_eq!(MonthTerms::frozen(&other), None, "{}", other.json);
        }
    }
}
