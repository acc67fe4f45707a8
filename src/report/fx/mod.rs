//! The second currency: amounts in US dollars, converted with the rates of a file.
//!
//! A policy chooses the rate of each run. Sums are converted exactly and rounded once. A run without a rate leaves the
//! amount of its row unknown, and is counted. The rates of a month are frozen when it is closed.

mod amount;
mod closed_months;
mod costs;
mod ptax;
mod rates;

pub use amount::Amount;
pub(crate) use amount::ExactSum;
pub(crate) use costs::{
    Conversions, ConvertedCost, RATE_COLUMNS, leave_out_columns_for_programs, note_of_runs, notes,
    ranked_across, runs_without_rate, shared_currency, two_levels_across,
};
pub(crate) use ptax::{Imported, OnConflict, import};
pub use rates::{Rate, RateFile, Rates};

use crate::run::Fixed;
use chrono::{Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Rates are below this number, so that no conversion overflows. One US dollar costs less in every currency.
pub(crate) const MAX_RATE: u32 = 10_000_000;

/// How many days before a day its rate may be, by the policy [`Policy::Day`]: banks close for weekends and holidays.
const MAX_AGE: Days = Days::new(7);

/// The code of a currency by ISO 4217, other than that of the US dollar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(String);

impl Currency {
    /// The Brazilian real.
    pub(crate) fn brl() -> Currency {
        Currency("BRL".to_owned())
    }

    /// The end of the names of columns with amounts in the currency: `brl`.
    pub(crate) fn suffix(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl TryFrom<String> for Currency {
    type Error = String;

    fn try_from(code: String) -> Result<Currency, String> {
        match code.as_str() {
            "USD" => Err("the currency is USD, in which every amount is already".to_owned()),
            code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Ok(Currency(code.to_owned()))
            }
            code => Err(format!("the currency {code:?} is not a code of three capital letters, such as BRL")),
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which rate a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The last rate of the month in which the run is booked: one rate per month, as on an invoice.
    Invoice,
    /// The last rate on or before the day on which the run is booked, at most seven days back.
    Day,
    /// The mean of the rates of the month in which the run is booked.
    Average,
}

impl Policy {
    /// Its word in the settings.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Policy::Invoice => "invoice",
            Policy::Day => "day",
            Policy::Average => "average",
        }
    }

    /// What the rate of a run is, in words.
    fn description(self) -> &'static str {
        match self {
            Policy::Invoice => "the last rate of the month",
            Policy::Day => "the last rate on or before the day, at most seven days back",
            Policy::Average => "the mean of the month's rates",
        }
    }
}

/// A second currency, and the rates from which a policy chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fx {
    /// The currency.
    pub currency: Currency,
    /// Which rate applies.
    pub policy: Policy,
    /// The rates.
    pub rates: Rates,
    /// The policies and rates that the closes of months froze, by month. They apply in place of those above.
    #[serde(skip)]
    closed: BTreeMap<String, Fx>,
}

/// The rate of some runs: a mean of rates, mostly of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversion {
    /// The day of the rate. For a mean, its month.
    pub date: String,
    /// Where the rate comes from. Several sources of a mean are separated by commas.
    pub source: String,
    /// The sum of the rates.
    sum: Fixed<9>,
    /// The number of the rates.
    rates: u32,
}

impl Conversion {
    /// The rate, rounded to nine decimals.
    pub fn rate(&self) -> Fixed<9> {
        self.sum.per(self.rates.into()).unwrap_or_default()
    }
}

impl Fx {
    /// A second currency without closed months.
    pub fn new(currency: Currency, policy: Policy, rates: Rates) -> Fx {
        Fx { currency, policy, rates, closed: BTreeMap::new() }
    }

    /// Takes the policy and the rates that the close of a month froze. Those of another currency do not apply.
    pub(crate) fn adopt_closed(&mut self, month: &str, frozen: Fx) {
        if frozen.currency == self.currency {
            self.closed.insert(month.to_owned(), frozen);
        }
    }

    /// Whether the days of a month can have different rates.
    pub(crate) fn is_by_day(&self) -> bool {
        self.policy == Policy::Day || self.closed.values().any(Fx::is_by_day)
    }

    /// The conversion of the runs of a day, by its label `2026-01-31`, or of a month: `2026-01`. By the policy
    /// [`Policy::Day`], a month has the rate of its last day. `None`: there is no rate.
    pub(crate) fn conversion(&self, label: &str) -> Option<Conversion> {
        if let Some(closed) = self.closed.get(label.get(..7)?) {
            return closed.conversion(label);
        }
        let month = days_of_month(label.get(..7)?)?;
        let rates = &self.rates.0;
        let single = |(date, rate): (&NaiveDate, &Rate)| Conversion {
            sum: rate.per_usd,
            rates: 1,
            date: date.to_string(),
            source: rate.source.clone(),
        };
        match self.policy {
            Policy::Invoice => rates.range(month).next_back().map(single),
            Policy::Day => {
                let day = match label.len() {
                    7 => month.end.pred_opt()?,
                    _ => label.parse().ok()?,
                };
                rates.range(day.checked_sub_days(MAX_AGE)?..=day).next_back().map(single)
            }
            Policy::Average => {
                let mut sources: Vec<&str> = Vec::new();
                let (mut sum, mut count) = (Fixed::default(), 0);
                for (_, rate) in rates.range(month) {
                    (sum, count) = (sum + rate.per_usd, count + 1);
                    if !sources.contains(&rate.source.as_str()) {
                        sources.push(&rate.source);
                    }
                }
                let (date, source) = (label[..7].to_owned(), sources.join(", "));
                (count > 0).then_some(Conversion { sum, rates: count, date, source })
            }
        }
    }

    /// The currency, and what the rate of a run is, in words.
    pub(crate) fn description(&self) -> String {
        format!("{}: {}", self.currency, self.policy.description())
    }

    /// The policy, and only those rates that a month needs, by its label: `2026-01`.
    pub(crate) fn of_month(&self, label: &str) -> Fx {
        if let Some(closed) = self.closed.get(label) {
            return closed.clone();
        }
        let rates = &self.rates.0;
        let needed = days_of_month(label).map(|days| match self.policy {
            Policy::Invoice => rates.range(days).next_back().into_iter().collect(),
            Policy::Day => {
                let from = days.start.checked_sub_days(MAX_AGE).unwrap_or(days.start);
                rates.range(from..days.end).collect()
            }
            Policy::Average => rates.range(days).collect::<Vec<_>>(),
        });
        let needed = needed.unwrap_or_default().into_iter();
        let rates = Rates(needed.map(|(date, rate)| (*date, rate.clone())).collect());
        Fx::new(self.currency.clone(), self.policy, rates)
    }
}

/// The currency, the policy and the number of rates with their days: `BRL by day, 22 rates from 2026-10-01 to
/// 2026-10-30`.
impl fmt::Display for Fx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fx { currency, policy, rates, .. } = self;
        write!(f, "{currency} by {}, ", policy.as_str())?;
        let days = || rates.0.keys();
        match (days().next(), days().next_back()) {
            (Some(first), Some(last)) if first != last => {
                write!(f, "{} rates from {first} to {last}", rates.0.len())
            }
            (Some(only), _) => write!(f, "1 rate of {only}"),
            _ => f.write_str("no rates"),
        }
    }
}

/// The days of a month, by its label. `None`: it is no label of a month.
fn days_of_month(label: &str) -> Option<Range<NaiveDate>> {
    let first: NaiveDate = format!("{label}-01").parse().ok()?;
    Some(first..first.checked_add_months(Months::new(1))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fx(policy: Policy, rates: &[(&str, i128)]) -> Fx {
        let rates = rates.iter().map(|(date, units)| {
            let rate = Rate { per_usd: Fixed::from_units(*units), source: "PTAX venda".to_owned() };
            (date.parse().unwrap(), rate)
        });
        Fx::new(Currency::brl(), policy, Rates(rates.collect()))
    }

    const RATES: [(&str, i128); 4] = [
        ("2026-09-25", 5_100_000_000),
        ("2026-10-02", 5_200_000_000),
        ("2026-10-30", 5_300_000_001),
        ("2026-11-10", 5_400_000_000),
    ];

    fn found(fx: &Fx, label: &str) -> Option<(String, String)> {
        fx.conversion(label).map(|conversion| (conversion.rate().to_string(), conversion.date))
    }

    fn expected(rate: &str, date: &str) -> Option<(String, String)> {
        Some((rate.to_owned(), date.to_owned()))
    }

    #[test]
    fn by_invoice_a_month_has_its_last_rate() {
        let fx = fx(Policy::Invoice, &RATES);
        assert_eq!(found(&fx, "2026-10"), expected("5.300000001", "2026-10-30"));
        assert_eq!(found(&fx, "2026-10-01"), expected("5.300000001", "2026-10-30"));
        assert_eq!(found(&fx, "2026-08"), None);
    }

    #[test]
    fn by_day_a_rate_is_at_most_seven_days_old() {
        let fx = fx(Policy::Day, &RATES);
        assert_eq!(found(&fx, "2026-10-02"), expected("5.200000000", "2026-10-02"));
        assert_eq!(found(&fx, "2026-10-01"), expected("5.100000000", "2026-09-25"));
        assert_eq!(found(&fx, "2026-10-09"), expected("5.200000000", "2026-10-02"));
        assert_eq!(found(&fx, "2026-10-10"), None);
        assert_eq!(found(&fx, "2026-09-24"), None);
        assert_eq!(found(&fx, "2026-10"), expected("5.300000001", "2026-10-30"));
    }

    #[test]
    fn by_average_a_month_has_the_mean_of_its_rates() {
        let fx = fx(Policy::Average, &RATES);
        // 5.2500000005, half to even.
        assert_eq!(found(&fx, "2026-10-15"), expected("5.250000000", "2026-10"));
        let mean = fx.conversion("2026-10").unwrap();
        assert_eq!((mean.sum.units(), mean.rates), (10_500_000_001, 2));
        assert_eq!(found(&fx, "2026-12"), None);
    }

    #[test]
    fn the_rates_of_a_month_give_the_conversions_of_all() {
        for policy in [Policy::Invoice, Policy::Day, Policy::Average] {
            let all = fx(policy, &RATES);
            let month = all.of_month("2026-10");
            for day in 1..=31 {
                let label = format!("2026-10-{day:02}");
                assert_eq!(month.conversion(&label), all.conversion(&label), "{policy:?} {label}");
            }
            assert!(month.rates.0.len() < RATES.len(), "{policy:?}");
            let text = serde_json::to_string(&month).unwrap();
            assert_eq!(serde_json::from_str::<Fx>(&text).unwrap(), month);
        }
        assert!(fx(Policy::Day, &RATES).of_month("2026-W10").rates.0.is_empty());
    }

    #[test]
    fn a_closed_month_keeps_its_policy_and_its_rates() {
        let mut fx = fx(Policy::Invoice, &RATES);
        fx.adopt_closed("2026-10", self::fx(Policy::Day, &[("2026-10-05", 1_000_000_000)]));
        assert_eq!(found(&fx, "2026-10-06"), expected("1.000000000", "2026-10-05"));
        assert_eq!(found(&fx, "2026-10-04"), None);
        assert_eq!(found(&fx, "2026-11-01"), expected("5.400000000", "2026-11-10"));
        assert!(fx.is_by_day());
        assert_eq!(fx.of_month("2026-10").policy, Policy::Day);
        let euro = Fx { currency: Currency::try_from("EUR".to_owned()).unwrap(), ..fx.clone() };
        fx.adopt_closed("2026-11", euro);
        assert_eq!(found(&fx, "2026-11-01"), expected("5.400000000", "2026-11-10"));
    }
}
