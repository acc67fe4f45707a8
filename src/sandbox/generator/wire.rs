//! Runs as the API writes them.

use super::random::{one_in, random_tables, random_task};
use crate::sandbox::model::format_instant;
use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A run with the fields of the API contract, in the contract's order.
#[derive(Serialize)]
pub(super) struct WireRun<'a> {
    pub(super) id: Uuid,
    pub(super) number: u32,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) duration_seconds: Option<i64>,
    pub(super) status: &'static str,
    pub(super) trigger: Trigger<'a>,
    pub(super) full_sync: Option<bool>,
    pub(super) extra_config: Option<ExtraConfig>,
    pub(super) credit_charge_status: &'static str,
    #[serde(flatten)]
    pub(super) costs: Costs,
    pub(super) triggered_by: Option<u32>,
    pub(super) triggered_by_token: Option<Uuid>,
    pub(super) source: Option<Uuid>,
    pub(super) destination: Option<Uuid>,
    pub(super) transformation: Option<Uuid>,
}

// The fields of nested objects are sorted by name. A changed run passes through a sorted map and must
// look like the others.

#[derive(Serialize)]
pub(super) struct Trigger<'a> {
    pub(super) cron_expression: Option<&'a str>,
    pub(super) cron_timezone: Option<&'a str>,
    pub(super) event_rule: Option<&'a str>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Serialize)]
pub(super) struct ExtraConfig {
    pub(super) backfill_days: u32,
    pub(super) reason: &'static str,
}

/// The four cost fields of a run.
#[derive(Default, Serialize)]
pub(in crate::sandbox) struct Costs {
    pub(super) el_cost_usd: Option<f64>,
    pub(super) el_cost_metadata: Option<ElCostMetadata>,
    pub(super) transformation_cost_usd: Option<f64>,
    pub(super) transformation_cost_metadata: Option<TransformationCostMetadata>,
}

#[derive(Serialize)]
pub(super) struct ElCostMetadata {
    attempts: u32,
    bytes_read: u64,
    bytes_written: u64,
    compute: Compute,
    currency: &'static str,
    network: Network,
    price_version: &'static str,
    records: u64,
    streams: &'static [&'static str],
    task: String,
}

#[derive(Serialize)]
struct Compute {
    cpu_seconds: f64,
    memory_gb_seconds: f64,
    usd: f64,
}

#[derive(Serialize)]
struct Network {
    egress_bytes: u64,
    usd: f64,
}

#[derive(Serialize)]
pub(super) struct TransformationCostMetadata {
    bytes_scanned: u64,
    cluster: Cluster,
    currency: &'static str,
    engine: &'static str,
    price_version: &'static str,
    queries: u32,
    rows_written: u64,
    shuffle_bytes: u64,
    storage_usd: f64,
    tables_read: &'static [&'static str],
    task: String,
}

#[derive(Serialize)]
struct Cluster {
    node_hours: f64,
    nodes: u32,
    usd: f64,
}

/// An instant in the API's format.
#[derive(Clone, Copy)]
pub(super) struct Timestamp(pub(super) DateTime<Utc>);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_instant(self.0))
    }
}

impl Costs {
    pub(super) fn unknown(&self) -> bool {
        self.el_cost_usd.is_none() && self.transformation_cost_usd.is_none()
    }
}

impl ElCostMetadata {
    pub(super) fn new(rng: &mut Rng, usd: f64, seconds: f64) -> ElCostMetadata {
        let records = rng.u64(1..5000) * (1 + seconds as u64);
        let network = usd * rng.f64() * 0.2;
        ElCostMetadata {
            attempts: if one_in(rng, 12) { 2 } else { 1 },
            bytes_read: records * rng.u64(90..900),
            bytes_written: records * rng.u64(30..300),
            compute: Compute {
                cpu_seconds: seconds * (0.3 + rng.f64()),
                memory_gb_seconds: seconds * 4.0,
                usd: usd - network,
            },
            currency: "USD",
            network: Network { egress_bytes: records * rng.u64(1..40), usd: network },
            price_version: "2026-01",
            records,
            streams: random_tables(rng),
            task: random_task(rng, "extract-load"),
        }
    }
}

impl TransformationCostMetadata {
    pub(super) fn new(rng: &mut Rng, usd: f64, hours: f64) -> TransformationCostMetadata {
        let nodes = rng.u32(1..9);
        let storage = usd * rng.f64() * 0.1;
        let rows = rng.u64(..4_000_000);
        TransformationCostMetadata {
            bytes_scanned: rows * rng.u64(40..400),
            cluster: Cluster { node_hours: hours * f64::from(nodes), nodes, usd: usd - storage },
            currency: "USD",
            engine: "spark-3.5",
            price_version: "2026-01",
            queries: rng.u32(1..30),
            rows_written: rows,
            shuffle_bytes: rows * rng.u64(..80),
            storage_usd: storage,
            tables_read: random_tables(rng),
            task: random_task(rng, "transform"),
        }
    }
}
