//! The generated workspace of the sandbox: pipelines, users, tokens and runs, all from one seed.
//!
//! The generator uses only integers, sums and products. A platform's math library could round other
//! functions differently, and the same seed must give the same bytes everywhere.
//!
//! [`workload`] decides how often each pipeline runs, and [`draft`] when: at the firings of its cron expression, after
//! the successful runs of its parents, or when a user or a token starts it.

mod cron;
mod document;
mod draft;
mod fixtures;
mod incident;
mod profile;
mod random;
mod wire;
mod workload;

use super::model::{Document, Pipeline, Plan, Stage, StoredItem};
use crate::store::PipelineKind;
use chrono::{DateTime, TimeDelta, Utc};
use document::pipeline_document;
use draft::{Cause, Draft, Fate, drafts, instant};
use fastrand::Rng;
use fixtures::{TOKENS, USERS};
use profile::{Profile, RunState, TriggerPattern};
use random::{object, one_in, random_uuid};
use serde_json::json;
use uuid::Uuid;
use wire::{Costs, ExtraConfig, Timestamp, Trigger, WireRun};

pub use incident::Incident;

/// The prefix of every token's secret. It must never reach an archive.
pub const TOKEN_PREFIX: &str = "sandbox-token-secret-";

/// The prefix of the secrets in the code and the connector settings of pipelines. It must never reach an archive.
pub const SETTINGS_PREFIX: &str = "sandbox-settings-secret-";

/// The statuses of the newest runs, which are still in progress, newest first.
const IN_PROGRESS_STATUSES: [&str; 6] =
    ["queued", "pending_events", "running", "running", "cancelling", "running"];

/// The runs before them may still lack their costs.
const RUNS_AWAITING_COSTS: usize = 40;

/// Of the runs older than this, a few never get a cost.
const COST_DEADLINE: TimeDelta = TimeDelta::days(35);

struct Token {
    id: Uuid,
    name: &'static str,
    secret: String,
}

/// The data behind pipelines and runs. It survives their deletion from the model.
pub(super) struct Generator {
    profiles: Vec<Profile>,
    tokens: Vec<Token>,
}

impl Generator {
    pub(super) fn new(rng: &mut Rng, plan: &Plan) -> Generator {
        let fixed = fixtures::pipelines();
        let count = fixed.clone().count();
        let mut profiles: Vec<Profile> = fixed
            .cycle()
            .take(plan.pipelines.max(count))
            .enumerate()
            .map(|(number, (kind, name))| Profile::new(rng, kind, name, number / count + 1))
            .collect();
        workload::distribute(rng, &mut profiles, plan);
        incident::assign(&mut profiles, plan);
        let tokens = TOKENS.map(|name| Token {
            id: random_uuid(rng),
            name,
            secret: format!("{TOKEN_PREFIX}{:016x}-{}", rng.u64(..), plan.seed),
        });
        Generator { profiles, tokens: tokens.into() }
    }

    /// The pipelines as their lists return them.
    pub(super) fn pipelines(&self, rng: &mut Rng, plan: &Plan) -> Vec<Pipeline> {
        let build = |profile: &Profile| Pipeline {
            kind: profile.kind,
            id: profile.id,
            document: pipeline_document(rng, profile, &self.profiles, plan),
        };
        self.profiles.iter().map(build).collect()
    }

    /// The runs of the plan, oldest first.
    pub(super) fn runs(&mut self, rng: &mut Rng, plan: &Plan) -> Vec<StoredItem> {
        let drafts = drafts(rng, &self.profiles, plan, self.tokens.len());
        let in_progress = in_progress_count(plan.runs);
        let mut text = Vec::with_capacity(2000);
        let mut runs = Vec::with_capacity(plan.runs);
        for (number, draft) in drafts.iter().enumerate() {
            let age = plan.runs - 1 - number;
            let created_at = instant(draft.created);
            let profile = &self.profiles[draft.pipeline];
            let state = match draft.fate {
                Fate::InProgress(status) => Profile::unfinished(rng, status, created_at, plan.now),
                Fate::Ends(ending) => {
                    let is_recent = age.saturating_sub(in_progress) < RUNS_AWAITING_COSTS.min(plan.runs / 10);
                    profile.finished(rng, ending, is_recent, created_at, plan.now)
                }
            };
            let stage = match state.ended_at {
                None => Stage::InProgress,
                Some(_) if state.status == "success" && state.costs.unknown() => Stage::CostsUnknown,
                Some(_) => Stage::Settled,
            };
            let id = random_uuid(rng);
            let run = self.run(rng, id, draft, state);
            text.clear();
            serde_json::to_writer(&mut text, &run).expect("a run is plain JSON");
            let text = str::from_utf8(&text).expect("JSON is UTF-8").into();
            runs.push(StoredItem { id, created_micros: draft.created, stage, text });
            self.profiles[draft.pipeline].runs += 1;
        }
        runs
    }

    /// The incidents of the plan, each with its pipeline.
    pub(super) fn incidents(&self) -> Vec<(Incident, Uuid)> {
        self.profiles.iter().filter_map(|profile| Some((profile.incident?, profile.id))).collect()
    }

    /// One of these pipelines, the busy ones more often. Any pipeline of the workspace if `among` is empty.
    pub(super) fn choose(&self, rng: &mut Rng, among: &[Uuid]) -> Uuid {
        let mut indices = self.weighted_indices(|profile| among.contains(&profile.id));
        if indices.is_empty() {
            indices = self.weighted_indices(|_| true);
        }
        self.profiles[indices[rng.usize(..indices.len())]].id
    }

    /// A run of this pipeline that has just started, as JSON.
    pub(super) fn started(
        &mut self,
        rng: &mut Rng,
        pipeline: Uuid,
        created_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> String {
        let index = self.index_of(pipeline).expect("a pipeline of this workspace");
        let id = random_uuid(rng);
        let state = RunState {
            status: "running",
            started_at: Some(now),
            ended_at: None,
            updated_at: now,
            costs: Costs::default(),
            charged: false,
        };
        let draft = Draft {
            created: created_at.timestamp_micros(),
            pipeline: index,
            // No firing is due at just this time.
            cause: draft::by_hand(rng, self.tokens.len()),
            fate: Fate::InProgress(state.status),
            is_full_sync: false,
        };
        let run = self.run(rng, id, &draft, state);
        let text = serde_json::to_string(&run).expect("a run is plain JSON");
        self.profiles[index].runs += 1;
        text
    }

    /// The costs of a run of this pipeline with this duration.
    pub(super) fn costs(&self, rng: &mut Rng, pipeline: Option<Uuid>, seconds: f64) -> Costs {
        let index = pipeline.and_then(|id| self.index_of(id)).unwrap_or_default();
        self.profiles[index].costs(rng, seconds)
    }

    /// The user with this id.
    pub(super) fn user(&self, id: u64) -> Option<Document> {
        let user = USERS.iter().find(|user| u64::from(user.0) == id)?;
        let &(id, email, first_name, last_name) = user;
        let name = format!("{first_name} {last_name}");
        object(json!({
            "id": id, "email": email, "name": name, "first_name": first_name,
            "last_name": last_name, "is_active": true,
        }))
    }

    /// The token with this id. Like the API, it matches the secret.
    pub(super) fn token(&self, id: Uuid) -> Option<Document> {
        let token = self.tokens.iter().find(|token| token.id == id)?;
        object(json!({ "id": token.id, "name": token.name, "token": token.secret }))
    }

    /// A connector version and its connector.
    pub(super) fn connector_version(&self, id: Uuid) -> Option<Document> {
        let profile = self.profiles.iter().find(|profile| profile.connector_version == id)?;
        let version = format!("{}.{}.0", profile.weight % 3, profile.failures_per_mille % 10);
        object(json!({ "id": id, "version": version, "connector": profile.connector }))
    }

    /// A connector by slug.
    pub(super) fn connector(&self, slug: &str) -> Option<Document> {
        let profile = self.profiles.iter().find(|profile| profile.connector == slug)?;
        object(json!({ "slug": slug, "kind": profile.kind.as_str(), "name": slug.replace('-', " ") }))
    }

    fn index_of(&self, pipeline: Uuid) -> Option<usize> {
        self.profiles.iter().position(|profile| profile.id == pipeline)
    }

    /// The indices of the matching profiles, each repeated as often as its weight.
    fn weighted_indices(&self, matches: impl Fn(&Profile) -> bool) -> Vec<usize> {
        let profiles = self.profiles.iter().enumerate().filter(|(_, profile)| matches(profile));
        profiles.flat_map(|(index, profile)| std::iter::repeat_n(index, profile.weight as usize)).collect()
    }

    fn run<'a>(&'a self, rng: &mut Rng, id: Uuid, draft: &Draft, state: RunState) -> WireRun<'a> {
        let profile = &self.profiles[draft.pipeline];
        let of_kind = |kind| (profile.kind == kind).then_some(profile.id);
        let whole_seconds = |(from, to): (DateTime<Utc>, DateTime<Utc>)| (to - from).num_seconds();
        WireRun {
            id,
            number: profile.runs + 1,
            created_at: Timestamp(instant(draft.created)),
            updated_at: Timestamp(state.updated_at),
            started_at: state.started_at.map(Timestamp),
            ended_at: state.ended_at.map(Timestamp),
            duration_seconds: state.started_at.zip(state.ended_at).map(whole_seconds),
            status: state.status,
            trigger: trigger(profile, draft.cause),
            full_sync: match profile.kind {
                PipelineKind::Transformation => None,
                _ if profile.full_sync_cron().is_some() => Some(draft.is_full_sync),
                _ => Some(rng.u32(..100) < 12),
            },
            extra_config: one_in(rng, 25).then(|| ExtraConfig {
                backfill_days: rng.u32(1..90),
                reason: ["correção", "carga inicial", "pedido do financeiro, urgente"][rng.usize(..3)],
            }),
            credit_charge_status: if state.charged { "charged" } else { "unsuccessful" },
            costs: state.costs,
            triggered_by: match draft.cause {
                Cause::User(place) => Some(USERS[place].0),
                _ => None,
            },
            triggered_by_token: match draft.cause {
                Cause::Token(place) => Some(self.tokens[place].id),
                _ => None,
            },
            source: of_kind(PipelineKind::Source),
            destination: of_kind(PipelineKind::Destination),
            transformation: of_kind(PipelineKind::Transformation),
        }
    }
}

/// The trigger of a run that has this cause.
fn trigger(profile: &Profile, cause: Cause) -> Trigger<'_> {
    let none = Trigger { cron_expression: None, cron_timezone: None, event_rule: None, kind: "manual" };
    match (cause, &profile.trigger_pattern) {
        (Cause::Cron, TriggerPattern::Cron(cron)) => Trigger {
            cron_expression: Some(&cron.expression),
            cron_timezone: Some(cron.zone.name()),
            kind: "cron",
            ..none
        },
        (Cause::Event, TriggerPattern::Event { rule, .. }) => {
            Trigger { event_rule: Some(rule), kind: "event", ..none }
        }
        _ => none,
    }
}

/// Number of runs in progress in a workspace of this many runs.
fn in_progress_count(runs: usize) -> usize {
    IN_PROGRESS_STATUSES.len().min(runs / 10)
}

#[cfg(test)]
mod tests;
