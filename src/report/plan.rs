//! The monthly plan: its fee and its credits.

use crate::run::money::decimal_parts;
use crate::run::{Cost, Usd};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The fixed price of a month and the credits that it includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The monthly fee, never negative. It is read exactly from a text (`"1490.00"`) or a number (`1490.5`) and written
    /// as a text with nine decimals.
    #[serde(deserialize_with = "fee", serialize_with = "as_text")]
    pub fee_usd: Usd,
    /// The included credits per month. A charged run uses one.
    pub credits: u64,
}

fn fee<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
    deserializer.deserialize_any(Fee)
}

fn as_text<S: serde::Serializer>(fee: &Usd, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(fee)
}

/// Reads a fee. A number with a decimal point arrives as a double. Its shortest text is the one in the file, up to 15
/// digits.
struct Fee;

impl Visitor<'_> for Fee {
    type Value = Usd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a non-negative amount of US dollars with at most nine decimals")
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
}
