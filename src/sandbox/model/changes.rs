//! Changes to the workspace: time passes, runs start, end, change and vanish, costs arrive, pipelines are renamed.

use super::document::{created_micros, format_instant, id_of, instant_in, pipeline_of, render_run};
use super::{Document, Model, Order, Outcome, Stage, StoredItem, slot_number};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

impl Model {
    /// Moves the workspace's clock forward.
    pub fn advance(&mut self, time: TimeDelta) {
        self.now += time;
    }

    /// Creates a run of a random pipeline at the top. It is running.
    pub fn add(&mut self) -> Uuid {
        let existing: Vec<Uuid> = self.pipelines.iter().map(|pipeline| pipeline.id).collect();
        let pipeline = self.generator.choose(&mut self.rng, &existing);
        self.add_to(pipeline)
    }

    /// Creates a run of a pipeline at the top. It is running.
    ///
    /// # Panics
    /// If the workspace never had this pipeline.
    pub fn add_to(&mut self, pipeline: Uuid) -> Uuid {
        // A new run must be the newest, even if the clock has not moved since the previous one.
        let newest = self.slots.iter().flatten().map(|item| item.created_micros).max();
        let earliest =
            newest.map_or(DateTime::<Utc>::MIN_UTC, |micros| at(micros) + TimeDelta::microseconds(1));
        let queued = TimeDelta::microseconds(self.rng.i64(900_000..25_000_000));
        let created_at = (self.now - queued).max(earliest);
        self.now = self.now.max(created_at);
        let text = self.generator.started(&mut self.rng, pipeline, created_at, self.now);
        let document: Document = serde_json::from_str(&text).expect("a rendered run is an object");
        let id = id_of(&document).expect("a rendered run has an id");
        self.insert(id, &document);
        id
    }

    /// Inserts a custom run at the position of its `created_at`, or of the current time if it has none. Replaces the
    /// run with this id, if any.
    pub fn insert(&mut self, id: Uuid, document: &Document) {
        if self.slot_of.contains_key(&id) {
            self.delete(id);
        }
        let item = StoredItem {
            id,
            created_micros: created_micros(document).unwrap_or(self.now.timestamp_micros()),
            stage: Stage::of(document),
            text: render_run(document).into(),
        };
        let slot = slot_number(self.slots.len());
        self.slot_of.insert(id, slot);
        self.slots.push(Some(item));
        self.list(slot);
    }

    /// Ends a run now. Its costs are not known yet, and no credit is charged.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn finish(&mut self, id: Uuid, outcome: Outcome) {
        let now = self.now;
        self.change(id, |run| {
            let created_at = instant_in(run, "created_at").unwrap_or(now);
            let started_at = instant_in(run, "started_at").unwrap_or(created_at);
            let ended_at = now.max(started_at);
            run.insert("started_at".into(), json!(format_instant(started_at)));
            run.insert("ended_at".into(), json!(format_instant(ended_at)));
            run.insert("updated_at".into(), json!(format_instant(ended_at)));
            run.insert("duration_seconds".into(), json!((ended_at - started_at).num_seconds()));
            let status = match outcome {
                Outcome::Success => "success",
                Outcome::Failed => "failed",
                Outcome::Canceled => "canceled",
            };
            run.insert("status".into(), json!(status));
        });
    }

    /// Sets a run's costs, and its charge status to `charged` if it succeeded.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn settle(&mut self, id: Uuid) {
        let run = self.document(id).expect("a run of this sandbox");
        let pipeline = pipeline_of(&run);
        let seconds = run.get("duration_seconds").and_then(Value::as_f64).unwrap_or_default();
        let costs = self.generator.costs(&mut self.rng, pipeline, seconds);
        let Value::Object(costs) = serde_json::to_value(costs).expect("costs are plain JSON") else {
            unreachable!("costs are a struct")
        };
        let now = self.now;
        self.change(id, |run| {
            run.extend(costs);
            if run.get("status").is_some_and(|status| status == "success") {
                run.insert("credit_charge_status".into(), json!("charged"));
            }
            run.insert("updated_at".into(), json!(format_instant(now)));
        });
    }

    /// Edits a run's fields. `updated_at` stays unless `edit` changes it: the API may change a cost without a trace.
    ///
    /// # Panics
    /// If there is no such run, or its text is not a JSON object.
    pub fn change(&mut self, id: Uuid, edit: impl FnOnce(&mut Document)) {
        let mut document = self.document(id).expect("a run of this sandbox");
        edit(&mut document);
        let slot = self.slot_of[&id];
        self.unlist(slot);
        let item = self.slots[slot as usize].as_mut().expect("a known id has a run");
        item.created_micros = created_micros(&document).unwrap_or(item.created_micros);
        item.stage = Stage::of(&document);
        item.text = render_run(&document).into();
        self.list(slot);
    }

    /// Sets a run's text, which need not be JSON.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn set_text(&mut self, id: Uuid, text: &str) {
        let slot = self.slot_of[&id];
        let item = self.slots[slot as usize].as_mut().expect("a known id has a run");
        item.text = text.into();
    }

    /// Deletes a run.
    ///
    /// # Panics
    /// If there is no such run.
    pub fn delete(&mut self, id: Uuid) {
        let slot = *self.slot_of.get(&id).expect("a run of this sandbox");
        self.unlist(slot);
        self.slot_of.remove(&id);
        self.slots[slot as usize] = None;
    }

    /// Sets the order of the run list.
    pub fn set_order(&mut self, order: Order) {
        self.order = order;
        let slots = 0..slot_number(self.slots.len());
        let mut listed: Vec<u32> = slots.filter(|&slot| self.slots[slot as usize].is_some()).collect();
        listed.sort_unstable_by_key(|&slot| self.key(slot));
        self.listed = listed;
    }

    /// Omits these fields from list items. A run requested by id still has them.
    pub fn omit_from_lists(&mut self, fields: &[&str]) {
        self.omitted_fields = fields.iter().map(ToString::to_string).collect();
    }

    /// Changes a pipeline's name for people, its `description`.
    ///
    /// # Panics
    /// If there is no such pipeline.
    pub fn rename_pipeline(&mut self, id: Uuid, description: &str) {
        self.change_pipeline(id, |pipeline| drop(pipeline.insert("description".into(), json!(description))));
    }

    /// Edits a pipeline's fields, such as its settings, and sets `updated_at`.
    ///
    /// # Panics
    /// If there is no such pipeline.
    pub fn change_pipeline(&mut self, id: Uuid, edit: impl FnOnce(&mut Document)) {
        let now = self.now;
        let mut pipelines = self.pipelines.iter_mut();
        let pipeline = pipelines.find(|p| p.id == id).expect("a pipeline of this sandbox");
        edit(&mut pipeline.document);
        pipeline.document.insert("updated_at".into(), json!(format_instant(now)));
    }

    /// Deletes a pipeline. Its runs stay.
    ///
    /// # Panics
    /// If there is no such pipeline.
    pub fn delete_pipeline(&mut self, id: Uuid) {
        let mut pipelines = self.pipelines.iter();
        let index = pipelines.position(|p| p.id == id).expect("a pipeline of this sandbox");
        self.pipelines.remove(index);
    }
}

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).expect("the value came from an instant")
}
