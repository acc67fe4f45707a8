//! Random values. The order of the calls determines the workspace, so it must not change.

use super::fixtures::TABLES;
use crate::sandbox::model::Document;
use chrono::TimeDelta;
use fastrand::Rng;
use uuid::Uuid;

pub(super) fn random_tables(rng: &mut Rng) -> &'static [&'static str] {
    let first = rng.usize(..TABLES.len());
    &TABLES[first..rng.usize(first + 1..=TABLES.len())]
}

pub(super) fn random_task(rng: &mut Rng, cluster: &str) -> String {
    format!("arn:aws:ecs:us-east-1:123456789012:task/{cluster}/{:032x}", rng.u128(..))
}

pub(super) fn random_part(rng: &mut Rng, of: TimeDelta) -> TimeDelta {
    part_of(of, rng.f64())
}

/// A part between 0 and 1 of a span of time.
pub(super) fn part_of(span: TimeDelta, part: f64) -> TimeDelta {
    micros(span.num_microseconds().unwrap_or_default() as f64 * part)
}

pub(super) fn micros(count: f64) -> TimeDelta {
    TimeDelta::microseconds(count as i64)
}

pub(super) fn one_in(rng: &mut Rng, many: u32) -> bool {
    rng.u32(..many) == 0
}

pub(super) fn random_uuid(rng: &mut Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

pub(super) fn object(value: serde_json::Value) -> Option<Document> {
    match value {
        serde_json::Value::Object(document) => Some(document),
        _ => None,
    }
}
