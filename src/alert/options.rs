//! The settings of alerts: the table `[alert]`.

use super::Rule;
use crate::report::latest_runs::UnusualLimits;
use crate::report::open::Factor;
use crate::run::Usd;
use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};

/// When rules find something. Every key is optional.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertOptions {
    /// The rules that are not evaluated.
    pub(crate) off: Vec<Rule>,
    /// The archive is stale if its last complete sync is older than this; after twice the time, that is an error.
    #[serde(deserialize_with = "span")]
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
    #[serde(deserialize_with = "usd")]
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
impl std::fmt::Display for AlertOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    Factor::new(number).ok_or_else(|| serde::de::Error::custom("a factor is a number from 1 to 1000"))
}

/// As [`factor`]: with less than 1, a usual run would be unusual.
fn unusual_factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    factor(deserializer).map(Factor::as_f64)
}

fn failures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match i64::deserialize(deserializer)? {
        failures @ 1.. => Ok(failures.unsigned_abs()),
        failures => Err(serde::de::Error::custom(format!("{failures}: a number of failures is 1 or more"))),
    }
}

fn usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Usd, D::Error> {
    let usd = f64::deserialize(deserializer)?;
    match (0.0..1e9).contains(&usd) {
        true => Ok(Usd::from_units((usd * 1e9).round() as i128)),
        false => Err(serde::de::Error::custom("an amount in US dollars is from 0 to 1,000,000,000")),
    }
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::time_span::parse(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_every_run_exceeds_is_an_error() {
        let error = |toml: &str| toml::from_str::<AlertOptions>(toml).unwrap_err().message().to_owned();
        assert_eq!(error("failures_in_a_row = 0"), "0: a number of failures is 1 or more");
        assert_eq!(error("failures_in_a_row = -1"), "-1: a number of failures is 1 or more");
        for factor in ["0", "-5", "0.9", "nan"] {
            let error = error(&format!("unusual_factor = {factor}"));
            assert_eq!(error, "a factor is a number from 1 to 1000", "{factor}");
        }
        let least = toml::from_str::<AlertOptions>("failures_in_a_row = 1\nunusual_factor = 1").unwrap();
        assert_eq!((least.failures_in_a_row, least.unusual_factor), (1, 1.0));
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
