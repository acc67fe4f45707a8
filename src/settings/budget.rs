//! The tables `[[budget]]`.

use crate::report::budget::{Budget, BudgetRuns, Limit};
use crate::report::fx::Currency;
use crate::report::plan::amount;
use crate::run::Usd;
use chrono::NaiveDate;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The parts of a budget that need attention, in percent, unless the settings give others.
const THRESHOLDS: [u32; 2] = [80, 100];
const FORECAST_THRESHOLDS: [u32; 1] = [100];

/// The largest threshold.
const MAX_THRESHOLD: u32 = 1000;

/// A table `budget`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetTable {
    name: String,
    cost_center: Option<String>,
    pipeline: Option<String>,
    workspace: Option<String>,
    #[serde(default, deserialize_with = "some_amount")]
    amount_usd: Option<Usd>,
    #[serde(default, deserialize_with = "credits")]
    credits: Option<u64>,
    #[serde(default, deserialize_with = "some_amount")]
    amount: Option<Usd>,
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "month")]
    from: Option<String>,
    #[serde(default, deserialize_with = "month")]
    until: Option<String>,
    #[serde(default, deserialize_with = "thresholds")]
    thresholds: Option<Vec<u32>>,
    #[serde(default, deserialize_with = "thresholds")]
    forecast_thresholds: Option<Vec<u32>>,
}

impl BudgetTable {
    /// The budget, or what is wrong with it.
    fn budget(self) -> Result<Budget, String> {
        let name = self.name;
        let wrong = |cause: &str| format!("budget {name}: {cause}");
        let runs = match (self.cost_center, self.pipeline) {
            (None, None) => BudgetRuns::All,
            (Some(center), None) => BudgetRuns::CostCenter(center),
            (None, Some(pattern)) => BudgetRuns::Pipelines(pattern),
            (Some(_), Some(_)) => return Err(wrong("give `cost_center` or `pipeline`, not both")),
        };
        let limit = match (self.amount_usd, self.credits, self.amount, self.currency) {
            (Some(usd), None, None, None) => Limit::Usd(usd),
            (None, Some(credits), None, None) => Limit::Credits(credits),
            (None, None, Some(amount), Some(currency)) => Limit::Currency(currency, amount),
            (None, None, Some(_), None) => {
                return Err(wrong("`amount` needs `currency`; US dollars are `amount_usd`"));
            }
            (None, None, None, Some(_)) => return Err(wrong("`currency` needs `amount`")),
            (None, None, None, None) => {
                return Err(wrong("give `amount_usd`, `credits`, or `amount` with `currency`"));
            }
            _ => return Err(wrong("give one of `amount_usd`, `credits`, and `amount` with `currency`")),
        };
        Ok(Budget {
            name,
            runs,
            limit,
            from: self.from,
            until: self.until,
            thresholds: self.thresholds.unwrap_or_else(|| THRESHOLDS.to_vec()),
            forecast_thresholds: self.forecast_thresholds.unwrap_or_else(|| FORECAST_THRESHOLDS.to_vec()),
            workspace: self.workspace,
        })
    }
}

/// Reads the budgets.
///
/// # Errors
/// That of the format when a table is invalid by itself.
pub(super) fn budgets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Budget>, D::Error> {
    let tables = Vec::<BudgetTable>::deserialize(deserializer)?;
    tables.into_iter().map(|table| table.budget().map_err(D::Error::custom)).collect()
}

fn some_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Usd>, D::Error> {
    amount(deserializer).map(Some)
}

fn credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let credits = i64::deserialize(deserializer)?;
    let credits =
        u64::try_from(credits).map_err(|_| D::Error::custom(format!("{credits}: credits are 1 or more")))?;
    Ok(Some(credits))
}

/// Reads a month of the form `2026-01`.
fn month<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_month = text.len() == 7 && format!("{text}-01").parse::<NaiveDate>().is_ok();
    match is_month {
        true => Ok(Some(text)),
        false => Err(D::Error::custom(format!("{text}: not a month of the form YYYY-MM"))),
    }
}

/// Reads percentages, in any order.
fn thresholds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u32>>, D::Error> {
    let percent = |given: i64| match u32::try_from(given) {
        Ok(percent @ 1..=MAX_THRESHOLD) => Ok(percent),
        _ => Err(D::Error::custom(format!("{given}: a threshold is a percentage from 1 to {MAX_THRESHOLD}"))),
    };
    let given = Vec::<i64>::deserialize(deserializer)?;
    let mut thresholds = given.into_iter().map(percent).collect::<Result<Vec<u32>, D::Error>>()?;
    thresholds.sort_unstable();
    thresholds.dedup();
    Ok(Some(thresholds))
}
