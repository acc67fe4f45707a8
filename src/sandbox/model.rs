//! This is the workspace behind the sandbox: its runs and pipelines, which may change between two requests.

use super::generator::Generator;
use crate::store::PipelineKind;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// The fields of one run or pipeline.
pub type Document = Map<String, Value>;

/// A run's fields in the order the API writes them; any other field comes after.
const RUN_FIELDS: [&str; 21] = [
    "id",
    "number",
    "created_at",
    "updated_at",
    "started_at",
    "ended_at",
    "duration_seconds",
    "status",
    "trigger",
    "full_sync",
    "extra_config",
    "credit_charge_status",
    "el_cost_usd",
    "el_cost_metadata",
    "transformation_cost_usd",
    "transformation_cost_metadata",
    "triggered_by",
    "triggered_by_token",
    "source",
    "destination",
    "transformation",
];

/// What to grow a workspace from. The same plan gives the same bytes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What every choice is drawn from.
    pub seed: u64,
    /// How many runs there are, those in progress among them.
    pub runs: usize,
    /// How far back the oldest run lies.
    pub span: TimeDelta,
    /// The moment the workspace is seen at. Nothing in it is later.
    pub now: DateTime<Utc>,
}

impl Plan {
    /// A year of a thousand runs, seen at `now`.
    pub fn ending_at(now: DateTime<Utc>) -> Plan {
        Plan { seed: 7, runs: 1000, span: TimeDelta::days(365), now }
    }
}

/// The order of the run list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As it is likely.
    NewestFirst,
    /// The other way round.
    OldestFirst,
    /// No order at all, but the same one at every request.
    Shuffled(u64),
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Success,
    /// Badly.
    Failed,
    /// By somebody's hand.
    Canceled,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    InProgress,
    /// It succeeded, and what it cost is not known yet.
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

/// A run as it is kept: rendered once, so that a page is a matter of copying.
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

/// A workspace of the platform. Its clock stands still until [`Model::advance`] moves it.
pub struct Model {
    workspace: Generator,
    rng: fastrand::Rng,
    now: DateTime<Utc>,
    /// A deleted run leaves its slot empty, so that the others stay where they are found.
    slots: Vec<Option<StoredItem>>,
    slot_of: HashMap<Uuid, u32>,
    order: Order,
    /// The slots in the order of the list.
    listed: Vec<u32>,
    left_out: Vec<String>,
    pipelines: Vec<Pipeline>,
}

impl Model {
    /// Grows the workspace that `plan` describes.
    pub fn new(plan: &Plan) -> Model {
        let mut rng = fastrand::Rng::with_seed(plan.seed);
        let mut workspace = Generator::new(&mut rng, plan);
        let pipelines = workspace.pipelines(&mut rng, plan);
        let runs = workspace.runs(&mut rng, plan);
        let mut model = Model {
            workspace,
            rng,
            now: plan.now,
            slot_of: HashMap::with_capacity(runs.len()),
            slots: Vec::with_capacity(runs.len()),
            order: Order::NewestFirst,
            listed: Vec::new(),
            left_out: Vec::new(),
            pipelines,
        };
        for kept in runs {
            model.slot_of.insert(kept.id, slot(model.slots.len()));
            model.slots.push(Some(kept));
        }
        model.set_order(Order::NewestFirst);
        model
    }

    /// The workspace's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: TimeDelta) {
        self.now += time;
    }

    /// How many runs there are.
    pub fn count(&self) -> usize {
        self.listed.len()
    }

    /// The runs' ids in the order of the list.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.listed().map(|kept| kept.id)
    }

    /// The truth: each run's JSON in the order of the list, whole even where list items are not.
    pub fn runs(&self) -> impl Iterator<Item = &str> {
        self.listed().map(|kept| &*kept.text)
    }

    /// One run's JSON; `None` if there is no such run (any more).
    pub fn run(&self, id: Uuid) -> Option<&str> {
        self.kept(id).map(|kept| &*kept.text)
    }

    /// One run's fields; `None` if there is no such run, or its text is not a JSON object.
    pub fn document(&self, id: Uuid) -> Option<Document> {
        serde_json::from_str(self.run(id)?).ok()
    }

    /// The runs that have not ended, in the order of the list.
    pub fn in_progress(&self) -> Vec<Uuid> {
        self.at(Stage::InProgress)
    }

    /// The runs that succeeded and whose costs are not known, in the order of the list.
    pub fn costs_unknown(&self) -> Vec<Uuid> {
        self.at(Stage::CostsUnknown)
    }

    /// A run is created at the top, of a pipeline chosen by the seed, and is running.
    pub fn add(&mut self) -> Uuid {
        let there: Vec<Uuid> = self.pipelines.iter().map(|pipeline| pipeline.id).collect();
        let pipeline = self.workspace.choose(&mut self.rng, &there);
        self.add_of(pipeline)
    }

    /// A run of one pipeline is created at the top, and is running.
    ///
    /// # Panics
    /// If the workspace never had such a pipeline.
    pub fn add_of(&mut self, pipeline: Uuid) -> Uuid {
        // The newest is the youngest, also when the clock stood still since the last one.
        let newest = self.slots.iter().flatten().map(|kept| kept.created_micros).max();
        let earliest =
            newest.map_or(DateTime::<Utc>::MIN_UTC, |micros| at(micros) + TimeDelta::microseconds(1));
        let queued = TimeDelta::microseconds(self.rng.i64(900_000..25_000_000));
        let created_at = (self.now - queued).max(earliest);
        self.now = self.now.max(created_at);
        let text = self.workspace.started(&mut self.rng, pipeline, created_at, self.now);
        let document: Document = serde_json::from_str(&text).expect("a rendered run is an object");
        let id = id_of(&document).expect("a rendered run has an id");
        self.insert(id, &document);
        id
    }

    /// Puts a run of the caller's own making where its `created_at` belongs (at the clock's time
    /// if it has none), in place of the run with this id if there is one.
    pub fn insert(&mut self, id: Uuid, document: &Document) {
        if self.slot_of.contains_key(&id) {
            self.delete(id);
        }
        let kept = StoredItem {
            id,
            created_micros: created_micros(document).unwrap_or(self.now.timestamp_micros()),
            stage: Stage::of(document),
            text: render_run(document).into(),
        };
        let new = slot(self.slots.len());
        self.slot_of.insert(id, new);
        self.slots.push(Some(kept));
        self.list(new);
    }

    /// A run in progress ends now. Its costs are not known yet, nor is a credit charged.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn finish(&mut self, id: Uuid, outcome: Outcome) {
        let now = self.now;
        self.change(id, |run| {
            let created_at = instant_in(run, "created_at").unwrap_or(now);
            let started_at = instant_in(run, "started_at").unwrap_or(created_at);
            let ended_at = now.max(started_at);
            run.insert("started_at".into(), json!(instant(started_at)));
            run.insert("ended_at".into(), json!(instant(ended_at)));
            run.insert("updated_at".into(), json!(instant(ended_at)));
            run.insert("duration_seconds".into(), json!((ended_at - started_at).num_seconds()));
            let status = match outcome {
                Outcome::Success => "success",
                Outcome::Failed => "failed",
                Outcome::Canceled => "canceled",
            };
            run.insert("status".into(), json!(status));
        });
    }

    /// A run's costs arrive, and its charge status: `charged` if it succeeded.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn settle(&mut self, id: Uuid) {
        let run = self.document(id).expect("a run of this sandbox");
        let pipeline = pipeline_of(&run);
        let seconds = run.get("duration_seconds").and_then(Value::as_f64).unwrap_or_default();
        let costs = self.workspace.costs(&mut self.rng, pipeline, seconds);
        let Value::Object(costs) = serde_json::to_value(costs).expect("costs are plain JSON") else {
            unreachable!("costs are a struct")
        };
        let now = self.now;
        self.change(id, |run| {
            run.extend(costs);
            if run.get("status").is_some_and(|status| status == "success") {
                run.insert("credit_charge_status".into(), json!("charged"));
            }
            run.insert("updated_at".into(), json!(instant(now)));
        });
    }

    /// Edits a run's fields in any way. `updated_at` stays unless the edit moves it: the API may
    /// change a cost without a trace.
    ///
    /// # Panics
    /// If there is no such run, or its text is not a JSON object.
    pub fn change(&mut self, id: Uuid, edit: impl FnOnce(&mut Document)) {
        let mut document = self.document(id).expect("a run of this sandbox");
        edit(&mut document);
        let place = self.slot_of[&id];
        self.unlist(place);
        let kept = self.slots[place as usize].as_mut().expect("a known id has a run");
        kept.created_micros = created_micros(&document).unwrap_or(kept.created_micros);
        kept.stage = Stage::of(&document);
        kept.text = render_run(&document).into();
        self.list(place);
    }

    /// Sets the very text that stands for a run, JSON or not.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn set_text(&mut self, id: Uuid, text: &str) {
        let place = self.slot_of[&id];
        let kept = self.slots[place as usize].as_mut().expect("a known id has a run");
        kept.text = text.into();
    }

    /// A run vanishes.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn delete(&mut self, id: Uuid) {
        let place = *self.slot_of.get(&id).expect("a run of this sandbox");
        self.unlist(place);
        self.slot_of.remove(&id);
        self.slots[place as usize] = None;
    }

    /// The order that the run list has from now on.
    pub fn set_order(&mut self, order: Order) {
        self.order = order;
        let slots = 0..slot(self.slots.len());
        let mut listed: Vec<u32> = slots.filter(|&place| self.slots[place as usize].is_some()).collect();
        listed.sort_unstable_by_key(|&place| self.key(place));
        self.listed = listed;
    }

    /// From now on list items lack these fields, while a run asked for by its id has them.
    pub fn leave_out_of_lists(&mut self, fields: &[&str]) {
        self.left_out = fields.iter().map(ToString::to_string).collect();
    }

    /// The pipelines of one kind: id and fields, in the order of their list.
    pub fn pipelines(&self, kind: PipelineKind) -> impl Iterator<Item = (Uuid, &Document)> {
        let of_kind = self.pipelines.iter().filter(move |pipeline| pipeline.kind == kind);
        of_kind.map(|pipeline| (pipeline.id, &pipeline.document))
    }

    /// Gives a pipeline another human name: its `description`.
    ///
    /// # Panics
    /// If there is no such pipeline.
    pub fn rename_pipeline(&mut self, id: Uuid, description: &str) {
        let now = self.now;
        let mut pipelines = self.pipelines.iter_mut();
        let pipeline = pipelines.find(|p| p.id == id).expect("a pipeline of this sandbox");
        pipeline.document.insert("description".into(), json!(description));
        pipeline.document.insert("updated_at".into(), json!(instant(now)));
    }

    /// A pipeline vanishes. Its runs stay.
    ///
    /// # Panics
    /// If there is no such pipeline.
    pub fn delete_pipeline(&mut self, id: Uuid) {
        let mut pipelines = self.pipelines.iter();
        let place = pipelines.position(|p| p.id == id).expect("a pipeline of this sandbox");
        self.pipelines.remove(place);
    }

    /// The runs at these places of the list, as they are kept.
    pub(super) fn listed_at(&self, places: std::ops::Range<usize>) -> impl Iterator<Item = &StoredItem> {
        self.listed[places].iter().map(|&place| self.in_slot(place))
    }

    /// The fields that list items lack.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// A pipeline's fields, whatever its kind.
    pub(super) fn pipeline(&self, id: Uuid) -> Option<&Document> {
        self.pipelines.iter().find(|pipeline| pipeline.id == id).map(|pipeline| &pipeline.document)
    }

    pub(super) fn workspace(&self) -> &Generator {
        &self.workspace
    }

    fn listed(&self) -> impl Iterator<Item = &StoredItem> {
        self.listed_at(0..self.listed.len())
    }

    fn at(&self, stage: Stage) -> Vec<Uuid> {
        self.listed().filter(|kept| kept.stage == stage).map(|kept| kept.id).collect()
    }

    fn kept(&self, id: Uuid) -> Option<&StoredItem> {
        self.slot_of.get(&id).map(|&place| self.in_slot(place))
    }

    fn in_slot(&self, place: u32) -> &StoredItem {
        self.slots[place as usize].as_ref().expect("a listed slot holds a run")
    }

    /// What the list is sorted by; the id makes it one order only.
    fn key(&self, place: u32) -> (i64, Uuid) {
        let kept = self.in_slot(place);
        let first = match self.order {
            Order::NewestFirst => -kept.created_micros,
            Order::OldestFirst => kept.created_micros,
            Order::Shuffled(seed) => {
                let (high, low) = kept.id.as_u64_pair();
                fastrand::Rng::with_seed(seed ^ high ^ low.rotate_left(32)).i64(..)
            }
        };
        (first, kept.id)
    }

    fn list(&mut self, place: u32) {
        let key = self.key(place);
        let at = self.listed.partition_point(|&other| self.key(other) < key);
        self.listed.insert(at, place);
    }

    fn unlist(&mut self, place: u32) {
        let key = self.key(place);
        let at = self.listed.partition_point(|&other| self.key(other) < key);
        self.listed.remove(at);
    }
}

/// An instant as the API writes it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A run as JSON, its fields in the API's own order.
pub(super) fn render_run(document: &Document) -> String {
    let first = RUN_FIELDS.iter().filter_map(|&name| document.get_key_value(name));
    let others = document.iter().filter(|(name, _)| !RUN_FIELDS.contains(&name.as_str()));
    let mut text = String::with_capacity(1500);
    for (name, value) in first.chain(others) {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        text.push_str(&value.to_string());
    }
    text.push_str(if text.is_empty() { "{}" } else { "}" });
    text
}

fn id_of(document: &Document) -> Option<Uuid> {
    Uuid::parse_str(document.get("id")?.as_str()?).ok()
}

/// The pipeline that a run belongs to.
fn pipeline_of(run: &Document) -> Option<Uuid> {
    let named = PipelineKind::ALL.iter().filter_map(|kind| run.get(kind.as_str())?.as_str());
    named.filter_map(|text| Uuid::parse_str(text).ok()).next()
}

fn instant_in(document: &Document, field: &str) -> Option<DateTime<Utc>> {
    let text = document.get(field)?.as_str()?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

fn created_micros(document: &Document) -> Option<i64> {
    Some(instant_in(document, "created_at")?.timestamp_micros())
}

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).expect("it came from an instant")
}

fn slot(number: usize) -> u32 {
    u32::try_from(number).expect("fewer runs than fit into memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(runs: usize) -> Plan {
        Plan { runs, ..Plan::ending_at("2026-11-23T16:00:00Z".parse().unwrap()) }
    }

    fn texts(model: &Model) -> Vec<&str> {
        model.runs().collect()
    }

    fn status(model: &Model, id: Uuid) -> Value {
        model.document(id).unwrap()["status"].clone()
    }

    #[test]
    fn the_same_plan_and_the_same_changes_give_the_same_bytes() {
        let grown = || {
            let mut model = Model::new(&plan(200));
            let new = model.add();
            model.advance(TimeDelta::minutes(3));
            model.finish(new, Outcome::Success);
            model.settle(new);
            model
        };
        assert_eq!(texts(&grown()), texts(&grown()));
        let other = Model::new(&Plan { seed: 8, ..plan(200) });
        assert_ne!(texts(&other), texts(&Model::new(&plan(200))));
    }

    #[test]
    fn a_new_run_is_at_the_top_even_if_the_clock_stands_still() {
        let mut model = Model::new(&plan(20));
        let first = model.add();
        let second = model.add();
        assert_eq!(model.ids().take(2).collect::<Vec<_>>(), [second, first]);
        assert_eq!(model.count(), 22);
        assert_eq!(status(&model, second), "running");
    }

    #[test]
    fn a_run_succeeds_before_its_costs_are_known() {
        let mut model = Model::new(&plan(0));
        let id = model.add();
        assert_eq!(model.in_progress(), [id]);

        model.advance(TimeDelta::seconds(90));
        model.finish(id, Outcome::Success);
        assert_eq!((model.in_progress(), model.costs_unknown()), (vec![], vec![id]));
        let finished = model.document(id).unwrap();
        assert_eq!(finished["status"], "success");
        assert_eq!(finished["duration_seconds"], 90);
        assert_eq!(finished["ended_at"], instant(model.now()));
        assert_eq!(finished["credit_charge_status"], "unsuccessful");

        model.settle(id);
        assert!(model.costs_unknown().is_empty());
        let settled = model.document(id).unwrap();
        assert_eq!(settled["credit_charge_status"], "charged");
        assert!(settled["el_cost_usd"].is_f64() || settled["transformation_cost_usd"].is_f64());
    }

    #[test]
    fn a_failed_run_is_never_charged() {
        let mut model = Model::new(&plan(0));
        let id = model.add();
        model.finish(id, Outcome::Failed);
        model.settle(id);
        assert_eq!(model.document(id).unwrap()["credit_charge_status"], "unsuccessful");
    }

    #[test]
    fn an_edit_that_changes_nothing_leaves_the_same_bytes() {
        let mut model = Model::new(&plan(300));
        let before: Vec<String> = model.runs().map(str::to_string).collect();
        for id in model.ids().collect::<Vec<_>>() {
            model.change(id, |_| {});
        }
        assert_eq!(texts(&model), before);
    }

    #[test]
    fn an_edit_may_write_what_the_contract_does_not_know() {
        let mut model = Model::new(&plan(3));
        let id = model.ids().next().unwrap();
        model.change(id, |run| {
            run.insert("status".into(), json!("hibernating"));
            run.insert("mood".into(), json!(["bom", 0.1]));
            run.remove("number");
        });
        let text = model.run(id).unwrap();
        assert!(text.ends_with(r#""mood":["bom",0.1]}"#), "{text}");
        assert!(!text.contains("number"), "{text}");
    }

    #[test]
    fn a_moved_creation_moves_the_run_in_the_list() {
        let mut model = Model::new(&plan(10));
        let newest = model.ids().next().unwrap();
        model.change(newest, |run| {
            run.insert("created_at".into(), json!("2001-01-01T00:00:00.000001Z"));
        });
        assert_eq!(model.ids().last(), Some(newest));
        assert_eq!(model.count(), 10);
    }

    #[test]
    fn a_deleted_run_is_gone_and_the_others_are_still_found() {
        let mut model = Model::new(&plan(10));
        let ids: Vec<Uuid> = model.ids().collect();
        model.delete(ids[4]);
        assert_eq!(model.run(ids[4]), None);
        assert_eq!(model.count(), 9);
        for id in ids.iter().filter(|&id| *id != ids[4]) {
            assert!(model.run(*id).unwrap().contains(&id.to_string()));
        }
    }

    #[test]
    fn the_order_of_the_list_can_be_any() {
        let mut model = Model::new(&plan(50));
        let newest_first: Vec<Uuid> = model.ids().collect();
        model.set_order(Order::OldestFirst);
        assert!(model.ids().eq(newest_first.iter().rev().copied()));

        model.set_order(Order::Shuffled(1));
        let shuffled: Vec<Uuid> = model.ids().collect();
        assert_ne!(shuffled, newest_first);
        let added = model.add();
        model.delete(added);
        assert!(model.ids().eq(shuffled));

        model.set_order(Order::NewestFirst);
        assert!(model.ids().eq(newest_first));
    }

    #[test]
    fn a_run_of_ones_own_making_takes_the_place_of_its_creation() {
        let mut model = Model::new(&plan(5));
        let id = Uuid::from_u128(1);
        let document = json!({ "id": id, "created_at": "2000-01-01T00:00:00Z", "extra": 1 });
        model.insert(id, document.as_object().unwrap());
        assert_eq!(model.ids().last(), Some(id));
        model.insert(id, json!({ "id": id }).as_object().unwrap());
        assert_eq!(model.ids().next(), Some(id));
        assert_eq!(model.count(), 6);
    }

    #[test]
    fn a_pipeline_changes_its_name_and_vanishes_while_its_runs_stay() {
        let mut model = Model::new(&plan(100));
        let (id, _) = model.pipelines(PipelineKind::Source).next().unwrap();
        model.rename_pipeline(id, "Outro nome");
        assert_eq!(model.pipelines(PipelineKind::Source).next().unwrap().1["description"], "Outro nome");
        model.delete_pipeline(id);
        assert!(model.pipelines(PipelineKind::Source).all(|(other, _)| other != id));
        assert_eq!(model.count(), 100);
    }
}
