//! The workspace behind the sandbox. A test or the demo can change its runs and pipelines between two requests.

mod changes;
mod document;

pub(super) use document::{format_instant, render_run};

use super::generator::{Generator, Incident};
use crate::store::PipelineKind;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::Range;
use uuid::Uuid;

/// The fields of one run or pipeline.
pub type Document = Map<String, Value>;

/// What to generate a workspace from. The same plan gives the same bytes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of all random choices.
    pub seed: u64,
    /// Number of runs, including those in progress.
    pub runs: usize,
    /// Number of pipelines, at least 40: a smaller number means 40.
    pub pipelines: usize,
    /// The age of the oldest run.
    pub span: TimeDelta,
    /// The current time of the workspace. Nothing in it is later.
    pub now: DateTime<Utc>,
    /// What goes wrong, each with another pipeline.
    pub incidents: Vec<Incident>,
}

impl Plan {
    /// A thousand runs of forty pipelines over a year, as of `now`, of a healthy workspace.
    pub fn ending_at(now: DateTime<Utc>) -> Plan {
        Plan { seed: 7, runs: 1000, pipelines: 40, span: TimeDelta::days(365), now, incidents: Vec::new() }
    }
}

/// The order of the run list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The likely order of the real API.
    NewestFirst,
    /// The reverse order.
    OldestFirst,
    /// A random order from this seed, the same at every request.
    Shuffled(u64),
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Status `success`.
    Success,
    /// Status `failed`.
    Failed,
    /// Status `canceled`.
    Canceled,
}

/// A run's stage of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    InProgress,
    /// The run succeeded, and its costs are not known yet.
    CostsUnknown,
    Settled,
}

impl Stage {
    fn of(run: &Document) -> Stage {
        let known = |field| run.get(field).is_some_and(|cost| !cost.is_null());
        match run.get("status").and_then(Value::as_str) {
            Some("pending_events" | "queued" | "running" | "cancelling") => Stage::InProgress,
            Some("success") if !known("el_cost_usd") && !known("transformation_cost_usd") => {
                Stage::CostsUnknown
            }
            _ => Stage::Settled,
        }
    }
}

/// A run, rendered once, so that serving a page only copies text.
pub(super) struct StoredItem {
    pub(super) id: Uuid,
    pub(super) created_micros: i64,
    pub(super) stage: Stage,
    pub(super) text: Box<str>,
}

pub(super) struct Pipeline {
    pub(super) kind: PipelineKind,
    pub(super) id: Uuid,
    pub(super) document: Document,
}

/// A workspace of the platform. Its clock only moves by [`Model::advance`].
pub struct Model {
    generator: Generator,
    rng: fastrand::Rng,
    now: DateTime<Utc>,
    /// A deleted run leaves an empty slot, so that the slot numbers of the others stay valid.
    slots: Vec<Option<StoredItem>>,
    slot_of: HashMap<Uuid, u32>,
    order: Order,
    /// The slots in the order of the list.
    listed: Vec<u32>,
    omitted_fields: Vec<String>,
    pipelines: Vec<Pipeline>,
}

impl Model {
    /// Generates the workspace of `plan`.
    pub fn new(plan: &Plan) -> Model {
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let mut generator = Generator::new(&mut rng, plan);
        let pipelines = generator.pipelines(&mut rng, plan);
        let runs = generator.runs(&mut rng, plan);
        let mut model = Model {
            generator,
            rng,
            now: plan.now,
            slot_of: HashMap::with_capacity(runs.len()),
            slots: Vec::with_capacity(runs.len()),
            order: Order::NewestFirst,
            listed: Vec::new(),
            omitted_fields: Vec::new(),
            pipelines,
        };
        for item in runs {
            model.slot_of.insert(item.id, slot_number(model.slots.len()));
            model.slots.push(Some(item));
        }
        model.set_order(Order::NewestFirst);
        model
    }

    /// The current time of the workspace.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Number of runs.
    pub fn count(&self) -> usize {
        self.listed.len()
    }

    /// The runs' ids in the order of the list.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.listed().map(|item| item.id)
    }

    /// Each run's complete JSON in the order of the list, even if list items omit fields.
    pub fn runs(&self) -> impl Iterator<Item = &str> {
        self.listed().map(|item| &*item.text)
    }

    /// One run's JSON. `None`: no such run, or it was deleted.
    pub fn run(&self, id: Uuid) -> Option<&str> {
        self.item(id).map(|item| &*item.text)
    }

    /// One run's fields. `None`: no such run, or its text is not a JSON object.
    pub fn document(&self, id: Uuid) -> Option<Document> {
        serde_json::from_str(self.run(id)?).ok()
    }

    /// The runs in progress, in the order of the list.
    pub fn in_progress(&self) -> Vec<Uuid> {
        self.in_stage(Stage::InProgress)
    }

    /// The successful runs with unknown costs, in the order of the list.
    pub fn costs_unknown(&self) -> Vec<Uuid> {
        self.in_stage(Stage::CostsUnknown)
    }

    /// The pipelines of one kind, id and fields, in the order of their list.
    pub fn pipelines(&self, kind: PipelineKind) -> impl Iterator<Item = (Uuid, &Document)> {
        let of_kind = self.pipelines.iter().filter(move |pipeline| pipeline.kind == kind);
        of_kind.map(|pipeline| (pipeline.id, &pipeline.document))
    }

    /// The incidents of the plan, each with its pipeline. One that suits no pipeline is missing.
    pub fn incidents(&self) -> Vec<(Incident, Uuid)> {
        self.generator.incidents()
    }

    /// A pipeline's slug. `None`: there is no such pipeline.
    pub fn pipeline_slug(&self, id: Uuid) -> Option<&str> {
        self.pipeline(id)?.get("slug")?.as_str()
    }

    /// The runs in this range of the list.
    pub(super) fn listed_in(&self, range: Range<usize>) -> impl Iterator<Item = &StoredItem> {
        self.listed[range].iter().map(|&slot| self.in_slot(slot))
    }

    /// The fields that list items omit.
    pub(super) fn omitted_fields(&self) -> &[String] {
        &self.omitted_fields
    }

    /// The fields of a pipeline of any kind.
    pub(super) fn pipeline(&self, id: Uuid) -> Option<&Document> {
        self.pipelines.iter().find(|pipeline| pipeline.id == id).map(|pipeline| &pipeline.document)
    }

    pub(super) fn generator(&self) -> &Generator {
        &self.generator
    }

    fn listed(&self) -> impl Iterator<Item = &StoredItem> {
        self.listed_in(0..self.listed.len())
    }

    fn in_stage(&self, stage: Stage) -> Vec<Uuid> {
        self.listed().filter(|item| item.stage == stage).map(|item| item.id).collect()
    }

    fn item(&self, id: Uuid) -> Option<&StoredItem> {
        self.slot_of.get(&id).map(|&slot| self.in_slot(slot))
    }

    fn in_slot(&self, slot: u32) -> &StoredItem {
        self.slots[slot as usize].as_ref().expect("a listed slot holds a run")
    }

    /// The sort key of the list. The id makes the order total.
    fn key(&self, slot: u32) -> (i64, Uuid) {
        let item = self.in_slot(slot);
        let first = match self.order {
            Order::NewestFirst => -item.created_micros,
            Order::OldestFirst => item.created_micros,
            Order::Shuffled(seed) => {
                let (high, low) = item.id.as_u64_pair();
                fastrand::Rng::with_seed(seed ^ high ^ low.rotate_left(32)).i64(..)
            }
        };
        (first, item.id)
    }

    fn list(&mut self, slot: u32) {
        let key = self.key(slot);
        let at = self.listed.partition_point(|&other| self.key(other) < key);
        self.listed.insert(at, slot);
    }

    fn unlist(&mut self, slot: u32) {
        let key = self.key(slot);
        let at = self.listed.partition_point(|&other| self.key(other) < key);
        self.listed.remove(at);
    }
}

fn slot_number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer runs than fit into memory")
}

#[cfg(test)]
mod tests;
