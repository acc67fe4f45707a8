//! The settings of a pipeline over time: when each was first seen, when it changed, and the runs around each change.

use super::cost::CostTotals;
use super::duration::Distribution;
use super::run_scan::IndexedRun;
use crate::error::Result;
use crate::pipeline_settings::PipelineSettings;
use crate::run::{Instant, Seconds, Usd};
use crate::store::KnownPipeline;
use rusqlite::{Connection, named_params};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The name of the setting that says whether the pipeline is active. The API's document has the same name for it.
pub(crate) const ACTIVE: &str = "active";

/// The most runs before and after a change that are compared.
const COMPARED_RUNS: usize = 30;

const STATES: &str = "\
SELECT observed_at, active, settings FROM pipeline_snapshots \
WHERE kind = :kind AND pipeline_id = :id ORDER BY observed_at";

/// The settings in one state of the catalog. What is not known there is that of the state before.
#[derive(Debug, Clone, Default)]
pub(super) struct SettingsState {
    active: Option<bool>,
    settings: Option<PipelineSettings>,
}

/// A setting whose value changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedSetting {
    /// The name, as the API has it.
    pub(crate) name: String,
    /// The value before. `None`: it was not set.
    pub(crate) old: Option<Value>,
    /// The value after. `None`: it is not set any more.
    pub(crate) new: Option<Value>,
}

/// A setting that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The name, as the API has it.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Value,
    /// When a sync first found the setting, with this value or another one.
    pub(crate) first_seen_at: Instant,
    /// When a sync last found another value than before. `None`: it never did.
    pub(crate) changed_at: Option<Instant>,
}

/// The settings that changed at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingsChange {
    /// When a sync found the change.
    pub(crate) at: Instant,
    /// The settings, by name; at least one.
    pub(crate) settings: Vec<ChangedSetting>,
    /// The last successful runs since the change before.
    pub(crate) before: ComparedRuns,
    /// The first successful runs until the next change.
    pub(crate) after: ComparedRuns,
}

/// The successful runs on one side of a change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ComparedRuns {
    /// Their number.
    pub(crate) runs: u64,
    /// The mean of the known costs. `None`: none is known.
    pub(crate) mean_cost: Option<Usd>,
    /// The median of the known durations. `None`: none is known.
    pub(crate) median_duration: Option<Seconds>,
}

/// The settings of a pipeline and their changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingsHistory {
    /// The settings of the last state, by name, without [`ACTIVE`]. Empty: none is known.
    pub(crate) current: Vec<Setting>,
    /// The changes, oldest first.
    pub(crate) changes: Vec<SettingsChange>,
}

/// A successful run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SuccessfulRun {
    /// When it started, else was created.
    at: String,
    el_cost_nanos: Option<i64>,
    transformation_cost_nanos: Option<i64>,
    duration_seconds: Option<i64>,
}

impl SettingsState {
    /// The state in the columns of the catalog.
    pub(super) fn new(active: Option<bool>, settings: Option<&str>) -> SettingsState {
        SettingsState { active, settings: settings.and_then(PipelineSettings::of_stored) }
    }

    /// This state after another one, which has what is not known in this one.
    pub(super) fn after(self, before: SettingsState) -> SettingsState {
        SettingsState { active: self.active.or(before.active), settings: self.settings.or(before.settings) }
    }

    /// What differs from a state before, by name. What is known in one state only has not changed.
    pub(super) fn changes_since(&self, before: &SettingsState) -> Vec<ChangedSetting> {
        let mut changes = Vec::new();
        if let (Some(old), Some(new)) = (before.active, self.active)
            && old != new
        {
            let (old, new) = (Some(Value::Bool(old)), Some(Value::Bool(new)));
            changes.push(ChangedSetting { name: ACTIVE.to_owned(), old, new });
        }
        if let (Some(old), Some(new)) = (&before.settings, &self.settings) {
            let (old, new) = (old.values(), new.values());
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let (old, new) = (old.get(name), new.get(name));
                if old != new {
                    let (old, new) = (old.cloned(), new.cloned());
                    changes.push(ChangedSetting { name: name.clone(), old, new });
                }
            }
        }
        changes
    }
}

impl SuccessfulRun {
    /// The run, if it was successful.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn of(run: &IndexedRun<'_>) -> Result<Option<SuccessfulRun>> {
        let at = run.started_at()?.or(run.created_at()?);
        let Some(at) = at.filter(|_| matches!(run.status(), Ok(Some("success")))) else { return Ok(None) };
        Ok(Some(SuccessfulRun {
            at: at.to_owned(),
            el_cost_nanos: run.el_cost_nanos()?,
            transformation_cost_nanos: run.transformation_cost_nanos()?,
            duration_seconds: run.duration_seconds()?,
        }))
    }
}

impl ComparedRuns {
    fn of<'r>(runs: impl Iterator<Item = &'r SuccessfulRun>) -> ComparedRuns {
        let (mut costs, mut durations) = (CostTotals::default(), Vec::new());
        for run in runs {
            costs.add_run(run.el_cost_nanos, run.transformation_cost_nanos, false);
            durations.extend(run.duration_seconds);
        }
        ComparedRuns {
            runs: costs.runs,
            mean_cost: costs.total().and_then(|total| total.per(costs.runs_cost_known())),
            median_duration: Distribution::of(&mut durations, 1).percentile(50),
        }
    }
}

impl SettingsHistory {
    /// The history of a pipeline in the catalog, without runs.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn of(archive: &Connection, pipeline: &KnownPipeline) -> Result<SettingsHistory> {
        let mut statement = archive.prepare(STATES)?;
        let mut rows =
            statement.query(named_params! {":kind": pipeline.kind.as_str(), ":id": pipeline.id})?;
        let mut first_seen = BTreeMap::new();
        let mut changes: Vec<SettingsChange> = Vec::new();
        let mut before = SettingsState::default();
        while let Some(row) = rows.next()? {
            let at: Instant = row.get(0)?;
            let settings: Option<String> = row.get(2)?;
            let state = SettingsState::new(row.get(1)?, settings.as_deref()).after(before.clone());
            for name in state.settings.iter().flat_map(|settings| settings.values().keys()) {
                first_seen.entry(name.clone()).or_insert(at);
            }
            let settings = state.changes_since(&before);
            if !settings.is_empty() {
                let none = ComparedRuns::default();
                changes.push(SettingsChange { at, settings, before: none, after: none });
            }
            before = state;
        }
        let changed_at = |name: &str| {
            let has_changed = |change: &&SettingsChange| change.settings.iter().any(|one| one.name == name);
            changes.iter().rfind(has_changed).map(|change| change.at)
        };
        let values = before.settings.iter().flat_map(|settings| settings.values());
        let current = values.map(|(name, value)| Setting {
            name: name.clone(),
            value: value.clone(),
            first_seen_at: first_seen[name],
            changed_at: changed_at(name).filter(|at| *at > first_seen[name]),
        });
        Ok(SettingsHistory { current: current.collect(), changes })
    }

    /// Compares the successful runs around each change. `newest_first` has all of the pipeline.
    pub(super) fn compare(&mut self, newest_first: &[SuccessfulRun]) {
        let instants: Vec<String> = self.changes.iter().map(|change| change.at.to_string()).collect();
        for (place, change) in self.changes.iter_mut().enumerate() {
            // The place of the first run that started before an instant.
            let since = |at: &String| newest_first.partition_point(|run| run.at >= *at);
            let middle = since(&instants[place]);
            let oldest = place.checked_sub(1).map_or(newest_first.len(), |before| since(&instants[before]));
            let newest = instants.get(place + 1).map_or(0, since);
            change.before = ComparedRuns::of(newest_first[middle..oldest].iter().take(COMPARED_RUNS));
            change.after = ComparedRuns::of(newest_first[newest..middle].iter().rev().take(COMPARED_RUNS));
        }
    }

    /// The value of a setting in force. `None`: it is not set, or not known.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.current.iter().find(|setting| setting.name == name).map(|setting| &setting.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PipelineKind;

    fn history(rows: &str) -> SettingsHistory {
        let archive = Connection::open_in_memory().unwrap();
        let table = "CREATE TABLE pipeline_snapshots (kind, pipeline_id, observed_at, active, settings)";
        archive.execute_batch(&format!("{table}; INSERT INTO pipeline_snapshots VALUES {rows}")).unwrap();
        SettingsHistory::of(&archive, &KnownPipeline::of_runs(PipelineKind::Source, "p")).unwrap()
    }

    fn run(at: &str, cost: Option<i64>, seconds: i64) -> SuccessfulRun {
        SuccessfulRun {
            at: format!("2026-01-{at}:00:00.000000Z"),
            el_cost_nanos: cost,
            transformation_cost_nanos: None,
            duration_seconds: Some(seconds),
        }
    }

    const ROWS: &str = r#"
        ('source', 'p', '2026-01-01T00:00:00.000000Z', 1, NULL),
        ('source', 'q', '2026-01-01T00:00:00.000000Z', 0, '{"draft":true}'),
        ('source', 'p', '2026-01-02T00:00:00.000000Z', 1, '{"settings_number_of_retries":1}'),
        ('source', 'p', '2026-01-04T00:00:00.000000Z', 0, '{"draft":false,"settings_number_of_retries":3}'),
        ('source', 'p', '2026-01-06T00:00:00.000000Z', NULL, NULL),
        ('source', 'p', '2026-01-08T00:00:00.000000Z', 0, '{"draft":false,"settings_number_of_retries":2}')"#;

    #[test]
    fn the_first_known_settings_are_no_change() {
        let history = history(ROWS);
        let changes: Vec<String> = history
            .changes
            .iter()
            .flat_map(|change| change.settings.iter().map(move |setting| (change.at.to_string(), setting)))
            .map(|(at, ChangedSetting { name, old, new })| {
                let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
                format!("{} {name} {} {}", &at[..10], text(old), text(new))
            })
            .collect();
        assert_eq!(
            changes,
            [
                "2026-01-04 active true false",
                "2026-01-04 draft - false",
                "2026-01-04 settings_number_of_retries 1 3",
                "2026-01-08 settings_number_of_retries 3 2",
            ]
        );
        let current: Vec<(String, String, Option<String>)> = history
            .current
            .iter()
            .map(|one| {
                let day = |at: Instant| at.to_string()[..10].to_owned();
                (one.name.clone(), day(one.first_seen_at), one.changed_at.map(day))
            })
            .collect();
        let expected =
            [("draft", "2026-01-04", None), ("settings_number_of_retries", "2026-01-02", Some("2026-01-08"))]
                .map(|(name, seen, changed)| (name.to_owned(), seen.to_owned(), changed.map(str::to_owned)));
        assert_eq!(current, expected);
    }

    #[test]
    fn runs_between_two_changes_are_compared() {
        let mut history = history(ROWS);
        let mut runs = vec![run("09T01", Some(9), 90), run("05T01", None, 30), run("04T00", Some(8), 20)];
        runs.extend((0..40).map(|place| run("03T01", Some(place), 10)));
        history.compare(&runs);
        let figures: Vec<_> = history
            .changes
            .iter()
            .map(|change| {
                [change.before, change.after].map(|side| {
                    (side.runs, side.mean_cost.map(Usd::units), side.median_duration.map(Seconds::units))
                })
            })
            .collect();
        // Of the 40 runs before the first change, the last 30 cost 0 to 29: 14.5 on average, half to even.
        assert_eq!(
            figures,
            [
                [(30, Some(14), Some(10_000)), (2, Some(8), Some(25_000))],
                [(2, Some(8), Some(25_000)), (1, Some(9), Some(90_000))],
            ]
        );
        history.compare(&[]);
        assert_eq!(history.changes[0].before, ComparedRuns::default());
    }
}
