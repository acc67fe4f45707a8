//! The settings of alerts: the table `[alert]`.

use super::Rule;
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
    /// A run is unusual if it cost or took at least this many times the median of the pipeline's runs before it.
    pub(crate) unusual_factor: f64,
    /// A smaller excess over the median is no unusual cost.
    pub(crate) unusual_usd: f64,
    /// A smaller excess over the median is no unusual duration.
    #[serde(deserialize_with = "span")]
    pub(crate) unusual_duration: TimeDelta,
}

impl Default for AlertOptions {
    fn default() -> AlertOptions {
        AlertOptions {
            off: Vec::new(),
            stale_after: TimeDelta::hours(26),
            unusual_factor: 5.0,
            unusual_usd: 1.0,
            unusual_duration: TimeDelta::minutes(30),
        }
    }
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeDelta, D::Error> {
    let text = String::deserialize(deserializer)?;
    crate::time_span::parse(&text).map_err(serde::de::Error::custom)
}
