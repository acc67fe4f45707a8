//! One pipeline: its months, its last runs, and what stands out.

use super::ShowArgs;
use super::pipeline_text::View;
use super::run::{as_word, raw};
use crate::commands::shared::output::{print_line, print_view};
use crate::commands::shared::scope::defaults;
use crate::commands::shared::terminal::screen;
use crate::error::Result;
use crate::export::json::{self, Layout};
use crate::report::month_states::MonthStates;
use crate::report::pipeline_profile::{Figures, PipelineProfile};
use crate::report::scope::ScopeRequest;
use crate::report::settings_history::{ChangedSetting, ComparedRuns};
use crate::report::table::USD_DECIMALS;
use crate::report::{Ledger, Scope, Table};
use crate::run::{Instant, Usd};
use crate::settings::Settings;
use crate::store::{Archive, KnownPipeline, PipelineKind};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A number with all its digits. `None`: it is not known.
type Number = Option<Box<RawValue>>;

/// Prints the pipeline.
///
/// # Errors
/// Those of SQLite; [`crate::error::Error::Usage`] when a setting is invalid.
pub(super) fn show(
    archive: &Archive,
    pipeline: &KnownPipeline,
    args: &ShowArgs,
    settings: &Settings,
) -> Result<()> {
    let request = ScopeRequest::default();
    let scope = Scope::resolve(&request, &defaults(&request, settings)?, archive)?;
    let states = MonthStates::of(&[(&scope, archive)])?;
    let ledger = Ledger::open(archive.connection(), scope)?;
    let mut profile = PipelineProfile::of(&ledger, pipeline)?;
    if args.format.is_json() {
        let output = JsonOutput::of(&ledger, pipeline, &mut profile);
        return print_line(&serde_json::to_string(&output).expect("the output is valid JSON"));
    }
    let view = View {
        pipeline,
        profile: &mut profile,
        states: &states,
        zone: ledger.scope().zone,
        date: ledger.scope().date,
        moment: archive.clock_at_last_observation(None)?,
        known_at: archive.last_observed_by(None)?,
        runs_of_that_name: archive.count_runs_beginning_with(&args.subject)?,
        subject: &args.subject,
        screen: screen(None, false, ledger.scope().zone),
    };
    print_view(&view.text()?)
}

/// The output of `--json`. Numbers stay raw JSON, because a double would lose digits.
#[derive(Serialize)]
struct JsonOutput<'a> {
    pipeline: Identity<'a>,
    schedule: Option<Schedule<'a>>,
    cost_center: Option<&'a str>,
    zone: &'static str,
    date_basis: &'static str,
    rank: Option<u64>,
    pipelines: Option<u64>,
    failures_in_a_row: u64,
    total: JsonFigures,
    months: Vec<Month<'a>>,
    last_runs: Vec<Box<RawValue>>,
    settings: Vec<Setting<'a>>,
    setting_changes: Vec<SettingsChange<'a>>,
}

/// The pipeline in the catalog.
#[derive(Serialize)]
struct Identity<'a> {
    #[serde(serialize_with = "as_word")]
    kind: PipelineKind,
    id: &'a str,
    slug: Option<&'a str>,
    name: Option<&'a str>,
    active: Option<bool>,
    created_at: Option<String>,
    first_seen_at: Option<String>,
    gone_at: Option<String>,
}

/// A setting in force.
#[derive(Serialize)]
struct Setting<'a> {
    name: &'a str,
    value: &'a Value,
    first_seen_at: String,
    changed_at: Option<String>,
}

/// The settings that changed at one time, and the successful runs around it.
#[derive(Serialize)]
struct SettingsChange<'a> {
    changed_at: String,
    settings: Vec<JsonChangedSetting<'a>>,
    runs_before: JsonComparedRuns,
    runs_after: JsonComparedRuns,
}

/// A setting that changed.
#[derive(Serialize)]
struct JsonChangedSetting<'a> {
    name: &'a str,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

/// The successful runs on one side of a change.
#[derive(Serialize)]
struct JsonComparedRuns {
    runs: u64,
    cost_per_run_usd: Number,
    p50_seconds: Number,
}

/// The schedule in the settings, else that of the last scheduled run.
#[derive(Serialize)]
struct Schedule<'a> {
    cron_expression: &'a str,
    cron_timezone: Option<&'a str>,
}

/// The figures of a month.
#[derive(Serialize)]
struct Month<'a> {
    month: &'a str,
    #[serde(flatten)]
    figures: JsonFigures,
}

/// The figures of some runs, with the names that reports have for them.
#[derive(Serialize)]
struct JsonFigures {
    runs: u64,
    runs_cost_unknown: u64,
    final_runs: u64,
    failed_runs: u64,
    failure_rate: Number,
    total_cost_usd: Number,
    failed_cost_usd: Number,
    cost_per_run_usd: Number,
    credits: u64,
    p50_seconds: Number,
    p95_seconds: Number,
}

impl<'a> JsonOutput<'a> {
    fn of(
        ledger: &Ledger<'_>,
        pipeline: &'a KnownPipeline,
        profile: &'a mut PipelineProfile,
    ) -> JsonOutput<'a> {
        let text = |at: Option<Instant>| at.map(|at| at.to_string());
        JsonOutput {
            pipeline: Identity {
                kind: pipeline.kind,
                id: &pipeline.id,
                slug: pipeline.slug.as_deref(),
                name: pipeline.name.as_deref(),
                active: pipeline.active,
                created_at: text(pipeline.created_at),
                first_seen_at: text(pipeline.first_seen_at),
                gone_at: text(pipeline.gone_at),
            },
            schedule: profile.schedule.as_ref().map(|schedule| Schedule {
                cron_expression: &schedule.expression,
                cron_timezone: schedule.zone.as_deref(),
            }),
            cost_center: profile.cost_center.as_deref(),
            zone: ledger.scope().zone.name(),
            date_basis: ledger.scope().date.as_str(),
            rank: profile.rank.map(|(rank, _)| rank),
            pipelines: profile.rank.map(|(_, pipelines)| pipelines),
            failures_in_a_row: profile.failures_in_a_row,
            last_runs: rows(&profile.last_runs),
            settings: profile
                .settings
                .current
                .iter()
                .map(|setting| Setting {
                    name: &setting.name,
                    value: &setting.value,
                    first_seen_at: setting.first_seen_at.to_string(),
                    changed_at: text(setting.changed_at),
                })
                .collect(),
            setting_changes: profile
                .settings
                .changes
                .iter()
                .map(|change| SettingsChange {
                    changed_at: change.at.to_string(),
                    settings: change.settings.iter().map(JsonChangedSetting::of).collect(),
                    runs_before: JsonComparedRuns::of(&change.before),
                    runs_after: JsonComparedRuns::of(&change.after),
                })
                .collect(),
            total: JsonFigures::of(&mut profile.total),
            months: profile
                .months
                .iter_mut()
                .map(|(month, figures)| Month { month, figures: JsonFigures::of(figures) })
                .collect(),
        }
    }
}

impl<'a> JsonChangedSetting<'a> {
    fn of(changed: &'a ChangedSetting) -> JsonChangedSetting<'a> {
        JsonChangedSetting { name: &changed.name, before: changed.old.as_ref(), after: changed.new.as_ref() }
    }
}

impl JsonComparedRuns {
    fn of(runs: &ComparedRuns) -> JsonComparedRuns {
        JsonComparedRuns {
            runs: runs.runs,
            cost_per_run_usd: runs.mean_cost.map(|cost| raw(cost.to_string())),
            p50_seconds: runs.median_duration.map(|seconds| raw(seconds.to_string())),
        }
    }
}

impl JsonFigures {
    fn of(figures: &mut Figures) -> JsonFigures {
        let usd = |usd: Option<Usd>| usd.map(|usd| raw(usd.to_string()));
        let [p50_seconds, p95_seconds] =
            [50, 95].map(|percent| figures.duration(percent).map(|seconds| raw(seconds.to_string())));
        JsonFigures {
            runs: figures.cost.runs,
            runs_cost_unknown: figures.cost.runs_cost_unknown,
            final_runs: figures.final_runs,
            failed_runs: figures.failed_runs(),
            failure_rate: figures.failure_rate().map(|rate| raw(rate.to_string())),
            total_cost_usd: usd(figures.cost.total()),
            failed_cost_usd: usd(figures.failed_cost()),
            cost_per_run_usd: usd(figures.cost_per_run()),
            credits: figures.cost.credits,
            p50_seconds,
            p95_seconds,
        }
    }
}

/// The rows of a table as JSON, as the list of runs has them.
fn rows(table: &Table) -> Vec<Box<RawValue>> {
    let mut lines = Vec::new();
    json::write_table(table, Layout::Lines, USD_DECIMALS, &mut lines).expect("memory accepts every byte");
    String::from_utf8_lossy(&lines).lines().map(|row| raw(row.to_owned())).collect()
}
