//! The monthly plan, and credits that were bought in addition to it.

use crate::run::money::decimal_parts;
use crate::run::{Cost, Usd};
use chrono::NaiveDate;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The fixed price of a month and the credits that it includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The monthly fee, never negative. It is read exactly from a text (`"1490.00"`) or a number (`1490.5`) and written
    /// as a text with nine decimals.
    #[serde(deserialize_with = "amount", serialize_with = "as_text")]
    pub fee_usd: Usd,
    /// The included credits per month. A charged run uses one.
    pub credits: u64,
}

/// Credits that were bought in addition to the plan. They count in the month of their date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CreditPurchase {
    /// The day of the purchase, in the zone of the month: `2026-01-31`.
    #[serde(deserialize_with = "day", serialize_with = "as_text")]
    pub date: NaiveDate,
    /// The number of credits.
    pub credits: u64,
    /// What Nekt invoiced for all of them, never negative; read and written as a plan's fee.
    #[serde(deserialize_with = "amount", serialize_with = "as_text")]
    pub price_usd: Usd,
}

/// Reads an amount of US dollars exactly, from a text or a number.
///
/// # Errors
/// That of the format when it is negative or too large, or has more than nine decimals.
pub(crate) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
    deserializer.deserialize_any(Amount)
}

/// Reads a day of the form `2026-01-31`.
///
/// # Errors
/// That of the format when the text is not such a day.
pub(crate) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    // chrono reads 2026-1-1 too. One spelling is enough.
    NaiveDate::parse_from_str(&text, "%Y-%m-%d")
        .ok()
        .filter(|day| day.to_string() == text)
        .ok_or_else(|| de::Error::custom(format!("{text}: not a day of the form YYYY-MM-DD")))
}

fn as_text<S: serde::Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads an amount. A number with a decimal point arrives as a double. Its shortest text is the one in the file, up to
/// 15 digits.
struct Amount;

impl Visitor<'_> for Amount {
    type Value = Usd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount from 0 to 9,000,000,000 with at most nine decimals")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Usd, E> {
        exactly(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Usd, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Usd, E> {
        self.visit_str(&whole.to_string())
    }

    fn visit_f64<E: de::Error>(self, real: f64) -> Result<Usd, E> {
        self.visit_str(&real.to_string())
    }
}

/// The amount of the text. `None`: it is not an amount, is negative, or has more than nine decimals.
fn exactly(text: &str) -> Option<Usd> {
    let (negative, _, power) = decimal_parts(text)?;
    let whole_nanos = power >= -9;
    let nanos = Cost::from_number(text)?.nanos;
    (!negative && whole_nanos).then(|| Usd::from_units(i128::from(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(fee: &str) -> Result<Plan, String> {
        let json = format!("{{\"fee_usd\": {fee}, \"credits\": 500}}");
        serde_json::from_str(&json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_fee_is_read_exactly_from_text_or_number() {
        for (fee, nanos) in [
            ("\"1490.00\"", 1_490_000_000_000),
            ("1490", 1_490_000_000_000),
            ("0.1", 100_000_000),
            ("1490.123456789", 1_490_123_456_789),
            ("\"0.000000001\"", 1),
            ("0", 0),
        ] {
            assert_eq!(plan(fee).unwrap(), Plan { fee_usd: Usd::from_units(nanos), credits: 500 }, "{fee}");
        }
    }

    #[test]
    fn an_inexact_or_negative_fee_is_refused() {
        for fee in ["\"R$ 10\"", "\"1,5\"", "\"\"", "-1", "\"-0.01\"", "\"0.0000000001\"", "true", "1e300"] {
            let refused = plan(fee).unwrap_err();
            assert!(refused.contains("at most nine decimals"), "{fee}: {refused}");
        }
        assert!(serde_json::from_str::<Plan>("{\"fee_usd\": 1, \"credits\": 5, \"currency\": 1}").is_err());
    }

    #[test]
    fn a_plan_survives_a_round_trip_through_json() {
        let written = serde_json::to_string(&plan("412.1").unwrap()).unwrap();
        assert_eq!(written, "{\"fee_usd\":\"412.100000000\",\"credits\":500}");
        assert_eq!(serde_json::from_str::<Plan>(&written).unwrap(), plan("412.1").unwrap());
    }

    #[test]
    fn a_purchase_needs_a_day_a_count_and_an_exact_price() {
        let purchase =
            |json: &str| serde_json::from_str::<CreditPurchase>(json).map_err(|error| error.to_string());
        let written = "{\"date\":\"2026-10-15\",\"credits\":500,\"price_usd\":\"250.000000000\"}";
        let read = purchase("{\"date\": \"2026-10-15\", \"credits\": 500, \"price_usd\": 250}").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        assert_eq!(purchase(written).unwrap(), read);
        for (json, words) in [
            (written.replace("2026-10-15", "2026-10-5"), "2026-10-5: not a day of the form YYYY-MM-DD"),
            (written.replace("500", "-1"), "invalid value"),
            (written.replace("\"250.000000000\"", "\"-250\""), "at most nine decimals"),
            (written.replace("\"credits\":500,", ""), "missing field `credits`"),
        ] {
            let refused = purchase(&json).unwrap_err();
            assert!(refused.contains(words), "{json}: {refused}");
        }
    }
}
