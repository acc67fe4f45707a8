//! The settings that changed between the two periods, by pipeline.

use super::Change;
use super::periods::{ComparedScopes, Side};
use crate::error::Result;
use crate::report::ledger::Ledger;
use crate::report::setting_words::{self, SettingWords};
use crate::report::settings_history::SettingsState;
use crate::run::Instant;
use rusqlite::named_params;
use std::collections::HashSet;

/// How many pipelines have a note of their own.
const NAMED_PIPELINES: usize = 5;

/// How many settings of a pipeline its note names.
const NAMED_SETTINGS: usize = 4;

const STATES: &str = "\
SELECT kind, pipeline_id, slug, name, observed_at, active, settings FROM pipeline_snapshots \
WHERE observed_at < :until ORDER BY kind, pipeline_id, observed_at";

const PIPELINES_OF_RUNS: &str = "\
SELECT DISTINCT pipeline_kind, pipeline_id FROM runs \
WHERE booked_at >= :from AND booked_at < :until AND pipeline_id IS NOT NULL";

/// The pipelines whose settings at the end of the later period differ from those at the beginning of the earlier one.
#[derive(Debug, Clone, Default)]
pub struct SettingChanges(Vec<ReconfiguredPipeline>);

/// A pipeline whose settings changed.
#[derive(Debug, Clone)]
struct ReconfiguredPipeline {
    kind: String,
    id: String,
    /// The name, else the slug, else the id, on one line.
    name: String,
    /// The day of the last change in the zone of the later period, `YYYY-MM-DD`.
    day: String,
    /// What changed, such as `retries 1 → 3`.
    changes: Vec<String>,
}

/// The states of one pipeline.
#[derive(Default)]
struct States {
    kind: String,
    id: String,
    slug: Option<String>,
    name: Option<String>,
    /// What was known when the earlier period began, or first since then.
    base: SettingsState,
    last: SettingsState,
    changed_at: Option<Instant>,
}

/// The side of the later period.
pub(crate) fn later_side(scopes: &ComparedScopes) -> Side {
    match scopes.against.span.from > scopes.period.span.from {
        true => Side::Against,
        false => Side::Period,
    }
}

impl SettingChanges {
    /// Reads the settings as known in the later period. The ledgers are in its scope, in the order of `scopes`. With a
    /// filter, only the pipelines of the selected runs are read.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn read(ledgers: &[Ledger<'_>], scopes: &[ComparedScopes]) -> Result<SettingChanges> {
        let mut found = Vec::new();
        for (ledger, scopes) in ledgers.iter().zip(scopes) {
            let later = later_side(scopes);
            let earlier = if later == Side::Period { Side::Against } else { Side::Period };
            let (from, until) = (scopes.scope(earlier).span.from, scopes.scope(later).span.until);
            if let (Some(from), Some(until)) = (from, until) {
                found.extend(in_ledger(ledger, from, until)?);
            }
        }
        Ok(SettingChanges(found))
    }
}

fn in_ledger(ledger: &Ledger<'_>, from: Instant, until: Instant) -> Result<Vec<ReconfiguredPipeline>> {
    let words = SettingWords::of(ledger)?;
    let of_runs = match ledger.scope().filter.is_empty() {
        true => None,
        false => Some(pipelines_of_runs(ledger, from, until)?),
    };
    let mut found = Vec::new();
    let mut finish = |states: States| {
        let is_selected = of_runs.as_ref().is_none_or(|of_runs| {
            let names = [Some(&states.id), states.slug.as_ref()].into_iter().flatten();
            names.map(|name| (states.kind.clone(), name.clone())).any(|key| of_runs.contains(&key))
        });
        if is_selected {
            found.extend(states.reconfigured(&words, ledger));
        }
    };
    let mut statement = ledger.connection().prepare(STATES)?;
    let mut rows = statement.query(named_params! {":until": until})?;
    let mut states = States::default();
    while let Some(row) = rows.next()? {
        let (kind, id): (String, String) = (row.get(0)?, row.get(1)?);
        if (&kind, &id) != (&states.kind, &states.id) {
            finish(std::mem::replace(&mut states, States { kind, id, ..States::default() }));
        }
        (states.slug, states.name) = (row.get(2)?, row.get(3)?);
        let settings: Option<String> = row.get(6)?;
        states.add(row.get(4)?, SettingsState::new(row.get(5)?, settings.as_deref()), from);
    }
    finish(states);
    Ok(found)
}

/// The kind and the id or slug of the pipelines of a ledger's runs.
fn pipelines_of_runs(
    ledger: &Ledger<'_>,
    from: Instant,
    until: Instant,
) -> Result<HashSet<(String, String)>> {
    let mut statement = ledger.connection().prepare(PIPELINES_OF_RUNS)?;
    let named = statement
        .query_map(named_params! {":from": from, ":until": until}, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(named.collect::<rusqlite::Result<_>>()?)
}

impl States {
    /// Adds the next state.
    fn add(&mut self, observed_at: Instant, state: SettingsState, from: Instant) {
        let state = state.after(self.last.clone());
        if observed_at < from {
            self.base = state.clone();
        } else {
            self.base = self.base.clone().after(state.clone());
            if !state.changes_since(&self.last).is_empty() {
                self.changed_at = Some(observed_at);
            }
        }
        self.last = state;
    }

    /// The pipeline. `None`: its settings are the same.
    fn reconfigured(self, words: &SettingWords, ledger: &Ledger<'_>) -> Option<ReconfiguredPipeline> {
        let mut changed = self.last.changes_since(&self.base);
        changed.sort_by_key(|setting| setting_words::place(&setting.name));
        let changed_at = self.changed_at.filter(|_| !changed.is_empty())?;
        let name = [self.name, self.slug].into_iter().flatten().find(|name| !name.trim().is_empty());
        let local = changed_at.to_utc().with_timezone(&ledger.scope().zone);
        let change = |setting| format!("{} {}", setting_words::label_within(setting), words.change(setting));
        Some(ReconfiguredPipeline {
            name: one_line(name.as_deref().unwrap_or(&self.id)),
            kind: self.kind,
            id: self.id,
            day: local.format("%Y-%m-%d").to_string(),
            changes: changed.iter().map(change).collect(),
        })
    }
}

impl ReconfiguredPipeline {
    fn note(&self) -> String {
        let ReconfiguredPipeline { name, day, changes, .. } = self;
        let mut named: Vec<String> =
            changes.iter().take(NAMED_SETTINGS).map(|change| one_line(change)).collect();
        let more = changes.len().saturating_sub(NAMED_SETTINGS);
        if more > 0 {
            named.push(format!("{more} more"));
        }
        format!("Settings of {name} changed on {day}: {}", named.join(", "))
    }
}

impl Change {
    /// The change with the settings that changed between its periods, for the notes.
    #[must_use]
    pub fn with_settings(self, settings: SettingChanges) -> Change {
        let mut change = self;
        // The pipelines with the largest difference come first, if the groups are pipelines.
        let place = |pipeline: &ReconfiguredPipeline| {
            let is_of = |labels: &[Option<String>]| match labels {
                [_, Some(id), Some(kind)] => *id == pipeline.id && *kind == pipeline.kind,
                _ => false,
            };
            change.groups.iter().position(|group| is_of(&group.labels)).unwrap_or(usize::MAX)
        };
        let mut pipelines = settings.0;
        pipelines
            .sort_by_cached_key(|pipeline| (place(pipeline), pipeline.name.clone(), pipeline.id.clone()));
        change.settings = SettingChanges(pipelines);
        change
    }

    /// One sentence for each pipeline whose settings changed, and one for the number of the others.
    pub(super) fn setting_notes(&self) -> Vec<String> {
        let pipelines = &self.settings.0;
        let mut notes: Vec<String> =
            pipelines.iter().take(NAMED_PIPELINES).map(ReconfiguredPipeline::note).collect();
        match pipelines.len().saturating_sub(NAMED_PIPELINES) {
            0 => {}
            1 => notes.push("Settings of 1 more pipeline changed".to_owned()),
            more => notes.push(format!("Settings of {more} more pipelines changed")),
        }
        notes
    }
}

/// A text with one space for line ends, tabs and several spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
