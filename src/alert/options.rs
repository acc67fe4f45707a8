//! The settings of alerts: the table `[alert]`.

use super::Rule;
use crate::report::latest_runs::UnusualLimits;
use crate::report::open::Factor;
use crate::report::plan::amount;
use crate::run::Usd;
use chrono::TimeDelta;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// When rules find something. Every key is optional.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertOptions {
    /// The rules that are not evaluated.
    pub(crate) off: Vec<Rule>,
    /// The archive is stale if its last complete sync is older than this; after twice the time, that is an error.
    #[serde(deserialize_with = "stale_after")]
    pub(crate) stale_after: TimeDelta,
    /// A pipeline is failing from this number of failures in a row on; from twice the number on, that is an error.
    #[serde(deserialize_with = "failures")]
    pub(crate) failures_in_a_row: u64,
    /// A run that has not ended is too long beyond this many times the 95th percentile of its pipeline.
    #[serde(deserialize_with = "factor")]
    pub(crate) open_factor: Factor,
    /// A younger run is never too long: the next sync may see its end.
    #[serde(deserialize_with = "span")]
    pub(crate) open_least: TimeDelta,
    /// A run is unusual if it cost or took at least this many times the median of the pipeline's runs before it.
    #[serde(deserialize_with = "unusual_factor")]
    pub(crate) unusual_factor: f64,
    /// A smaller excess over the median is no unusual cost.
    #[serde(deserialize_with = "amount")]
    pub(crate) unusual_usd: Usd,
    /// A smaller excess over the median is no unusual duration.
    #[serde(deserialize_with = "span")]
    pub(crate) unusual_duration: TimeDelta,
}

impl AlertOptions {
    /// Whether a rule is evaluated.
    pub(crate) fn is_on(&self, rule: Rule) -> bool {
        !self.off.contains(&rule)
    }

    /// When the latest run of a pipeline is unusual.
    pub(crate) fn unusual_limits(&self) -> UnusualLimits {
        UnusualLimits {
            factor: self.unusual_factor,
            excess: self.unusual_usd,
            excess_duration: self.unusual_duration,
        }
    }
}

impl Default for AlertOptions {
    fn default() -> AlertOptions {
        AlertOptions {
            off: Vec::new(),
            stale_after: TimeDelta::hours(26),
            failures_in_a_row: 3,
            open_factor: Factor::default(),
            open_least: TimeDelta::minutes(30),
            unusual_factor: 5.0,
            unusual_usd: Usd::from_units(1_000_000_000),
            unusual_duration: TimeDelta::minutes(30),
        }
    }
}

/// The keys that differ from the defaults, as in the settings: `off = open, missing; stale_after = 30h`.
impl fmt::Display for AlertOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off: Vec<&str> = self.off.iter().map(|rule| rule.as_str()).collect();
        let values = |options: &AlertOptions| {
            [
                ("stale_after", span_text(options.stale_after)),
                ("failures_in_a_row", options.failures_in_a_row.to_string()),
                ("open_factor", options.open_factor.to_string()),
                ("open_least", span_text(options.open_least)),
                ("unusual_factor", options.unusual_factor.to_string()),
                ("unusual_usd", options.unusual_usd.to_fixed(2)),
                ("unusual_duration", span_text(options.unusual_duration)),
            ]
        };
        let own = values(self).into_iter().zip(values(&AlertOptions::default()));
        let off = (!off.is_empty()).then(|| format!("off = {}", off.join(", ")));
        let differing = own.filter(|(own, default)| own != default);
        let keys = off.into_iter().chain(differing.map(|((key, value), _)| format!("{key} = {value}")));
        match keys.collect::<Vec<_>>().as_slice() {
            [] => write!(f, "as by default"),
            keys => write!(f, "{}", keys.join("; ")),
        }
    }
}

/// The span in the largest unit of the settings that it is a whole number of: `26h`, `90m`.
fn span_text(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let unit = units.into_iter().find(|(unit, _)| seconds % unit == 0 && seconds >= 2 * unit);
    let (unit, letter) = unit.unwrap_or((1, "s"));
    format!("{}{letter}", seconds / unit)
}

fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Factor, D::Error> {
    let number = f64::deserialize(deserializer)?;
    Factor::new(number).ok_or_else(|| D::Error::custom("a factor is a number from 1 to 1000"))
}

/// As [`factor`]: with less than 1, a usual run would be unusual.
fn unusual_factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    factor(deserializer).map(Factor::as_f64)
}

fn failures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match i64::deserialize(deserializer)? {
        failures @ 1..=1000 => Ok(failures.unsigned_abs()),
        failures => {
            Err(D::Error::custom(format!("{failures}: a number of failures in a row is from 1 to 1000")))
        }
    }
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    deserializer.deserialize_str(SpanVisitor)
}

/// As [`span`]: with no time at all, every archive would be stale.
fn stale_after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    match span(deserializer)? {
        span if span < TimeDelta::minutes(1) => Err(D::Error::custom("must be at least 1m")),
        span => Ok(span),
    }
}

/// Reads a span of time, and shows what one looks like in place of a number.
struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = TimeDelta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a span of time such as \"26h\" or \"30m\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TimeDelta, E> {
        crate::time_span::parse(text).map_err(|cause| E::custom(format!("{text}: {cause}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_everything_or_nothing_exceeds_is_an_error() {
        let error = |toml: &str| toml::from_str::<AlertOptions>(toml).unwrap_err().message().to_owned();
        for failures in ["0", "-1", "1001"] {
            let error = error(&format!("failures_in_a_row = {failures}"));
            assert_eq!(error, format!("{failures}: a number of failures in a row is from 1 to 1000"));
        }
        for factor in ["0", "-5", "0.9", "1001", "nan", "inf"] {
            for key in ["unusual_factor", "open_factor"] {
                let error = error(&format!("{key} = {factor}"));
                assert_eq!(error, "a factor is a number from 1 to 1000", "{key} = {factor}");
            }
        }
        for span in ["0s", "0d", "59s"] {
            assert_eq!(error(&format!("stale_after = '{span}'")), "must be at least 1m");
        }
        let least = "failures_in_a_row = 1\nunusual_factor = 1\nstale_after = '1m'\nopen_least = '0s'";
        let least = toml::from_str::<AlertOptions>(least).unwrap();
        assert_eq!((least.failures_in_a_row, least.unusual_factor), (1, 1.0));
        assert_eq!((least.stale_after, least.open_least), (TimeDelta::minutes(1), TimeDelta::zero()));
    }

    #[test]
    fn an_error_shows_what_a_value_looks_like() {
        let error = |toml: &str| toml::from_str::<AlertOptions>(toml).unwrap_err().message().to_owned();
        for key in ["stale_after", "open_least", "unusual_duration"] {
            assert_eq!(
                error(&format!("{key} = 26")),
                "invalid type: integer `26`, expected a span of time such as \"26h\" or \"30m\""
            );
            assert_eq!(
                error(&format!("{key} = '-1h'")),
                "-1h: a span of time looks like 7d, 26h, 30m or 90s"
            );
            assert_eq!(error(&format!("{key} = '99999999d'")), "99999999d: must be at most 100 years");
        }
        for usd in ["-1", "'-0.01'", "nan", "inf", "1e300", "'1,50'"] {
            let error = error(&format!("unusual_usd = {usd}"));
            assert!(error.contains("expected an amount from 0 to 9,000,000,000"), "{usd}: {error}");
        }
        let [number, text] = ["0.10", "'0.10'"].map(|usd| format!("unusual_usd = {usd}"));
        let [number, text] = [number, text].map(|toml| toml::from_str::<AlertOptions>(&toml).unwrap());
        assert_eq!((number.unusual_usd, number), (Usd::from_units(100_000_000), text));
    }

    #[test]
    fn the_text_has_what_differs_from_the_defaults() {
        let of = |toml: &str| toml::from_str::<AlertOptions>(toml).unwrap().to_string();
        assert_eq!(of("stale_after = '26h'"), "as by default");
        assert_eq!(
            of("off = ['open', 'missing']\nstale_after = '48h'\nunusual_usd = 2.5\nopen_least = '90m'"),
            "off = open, missing; stale_after = 2d; open_least = 90m; unusual_usd = 2.50"
        );
    }
}
