//! Tables of the settings that apply from a day on: `[plan]` at all times, or several `[[plan]]`, each with `from`.

use crate::report::billing::{BilledBy, not_blank};
use crate::report::plan::{Plan, amount, day};
use crate::report::timeline::Timeline;
use crate::run::Usd;
use chrono::NaiveDate;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A table with the day from which it applies.
pub(super) trait Dated {
    /// The rest of the table.
    type Value;

    /// The day and the rest. `None`: it applies from the beginning.
    fn split(self) -> (Option<NaiveDate>, Self::Value);
}

/// A table `plan`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanTable {
    #[serde(default, deserialize_with = "some_day")]
    from: Option<NaiveDate>,
    #[serde(deserialize_with = "amount")]
    fee_usd: Usd,
    credits: u64,
}

impl Dated for PlanTable {
    type Value = Plan;

    fn split(self) -> (Option<NaiveDate>, Plan) {
        (self.from, Plan { fee_usd: self.fee_usd, credits: self.credits })
    }
}

/// A table `billed_by`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BilledByTable {
    #[serde(default, deserialize_with = "some_day")]
    from: Option<NaiveDate>,
    #[serde(default, deserialize_with = "not_blank")]
    el: Option<String>,
    #[serde(default, deserialize_with = "not_blank")]
    transformation: Option<String>,
}

impl Dated for BilledByTable {
    type Value = BilledBy;

    fn split(self) -> (Option<NaiveDate>, BilledBy) {
        (self.from, BilledBy { el: self.el, transformation: self.transformation })
    }
}

fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    day(deserializer).map(Some)
}

/// Reads one table, or an array of tables that apply from different days.
///
/// # Errors
/// That of the format when a table is invalid, or when two apply from the same day.
pub(super) fn timeline<'de, D, T>(deserializer: D) -> Result<Timeline<T::Value>, D::Error>
where
    D: Deserializer<'de>,
    T: Dated + Deserialize<'de>,
{
    let tables: Vec<T> = deserializer.deserialize_any(Tables(PhantomData))?;
    let mut timeline = Timeline::default();
    for (from, value) in tables.into_iter().map(T::split) {
        if !timeline.insert(from, value) {
            let days = match from {
                Some(day) => format!("two of them apply from {day}"),
                None => "two of them have no `from`: only the first of several needs none".to_owned(),
            };
            return Err(D::Error::custom(days));
        }
    }
    Ok(timeline)
}

struct Tables<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Tables<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table or an array of tables")
    }

    fn visit_map<M: MapAccess<'de>>(self, table: M) -> Result<Vec<T>, M::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(|table| vec![table])
    }

    fn visit_seq<S: SeqAccess<'de>>(self, tables: S) -> Result<Vec<T>, S::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(tables))
    }
}
