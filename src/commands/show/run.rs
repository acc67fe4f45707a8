//! One run: its pipeline, its costs and times beside the usual ones, and its history.

use super::ShowArgs;
use super::booking::Booking;
use super::run_text::View;
use crate::commands::shared::output::print_line;
use crate::commands::shared::scope::scope_of_all_runs;
use crate::commands::shared::terminal::screen;
use crate::error::Result;
use crate::export::Destination;
use crate::ignored_fields::IgnoredFields;
use crate::report::usual::Usual;
use crate::run::{Run, Seconds, Usd};
use crate::settings::Settings;
use crate::snapshot::{Change, changes};
use crate::store::{Archive, HistoryEntry, PipelineKind};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Prints the run and its history.
///
/// # Errors
/// Those of SQLite.
pub(super) fn show(archive: &Archive, id: Uuid, settings: &Settings, args: &ShowArgs) -> Result<()> {
    let history = archive.history(id)?;
    let Some(current) = history.last() else {
        return Err(crate::error::Error::Internal(format!("the run {id} has no state")));
    };
    let pipeline = Pipeline::of(archive, &current.run)?;
    let vanished_at = archive.vanished_at(id)?;
    let web_url = settings.run_url().and_then(|pattern| {
        let kind = pipeline.as_ref().map(|pipeline| pipeline.kind.as_str());
        pattern.of_run(&current.run, kind.zip(pipeline.as_ref().map(|pipeline| pipeline.id.as_str())))
    });
    let usual = match pipeline.as_ref().zip(current.run.started_at.or(current.run.created_at)) {
        Some((Pipeline { kind, id, .. }, at)) => {
            Usual::before(archive.connection(), &archive.pipeline_of_run(*kind, id)?, at)?
        }
        None => Usual::default(),
    };
    if args.format.is_json() {
        let output = JsonOutput {
            run: raw(current.run.document()),
            pipeline: pipeline.as_ref(),
            vanished_at: vanished_at.map(|at| at.to_string()),
            total_cost_usd: total_cost(&current.run).map(|total| raw(total.to_string())),
            usual: UsualValues::of(usual),
            web_url,
            history: steps(&history).map(|(entry, changes)| Step::of(entry, changes)).collect(),
        };
        return print_line(&serde_json::to_string(&output).expect("the output is valid JSON"));
    }
    let scope = scope_of_all_runs(None, settings, archive)?;
    let view = View {
        run: &current.run,
        pipeline: pipeline.as_ref(),
        usual,
        history: &history,
        bookings: Booking::all(&archive.closes()?, &history),
        vanished_at,
        web_url,
        is_raw: args.raw,
        zone: scope.zone,
        known_at: archive.last_observed_by(None)?,
        screen: screen(None, false, scope.zone),
    };
    // The text is escaped part by part, because it can have colors.
    let text = view.text();
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{}", text.trim_end())?))
}

/// The sum of the known costs. `None`: none is known.
pub(super) fn total_cost(run: &Run) -> Option<Usd> {
    let costs = [run.el_cost_usd.as_ref(), run.transformation_cost_usd.as_ref()];
    costs
        .into_iter()
        .flatten()
        .map(|cost| Usd::from_units(cost.nanos.into()))
        .reduce(|one, other| one + other)
}

/// The output of `--json`. The run's document stays raw JSON, because a double would lose digits and a string could not
/// represent lone surrogates.
#[derive(Serialize)]
struct JsonOutput<'a> {
    run: Box<RawValue>,
    pipeline: Option<&'a Pipeline>,
    vanished_at: Option<String>,
    /// The sum of the known costs, with nine decimals.
    total_cost_usd: Option<Box<RawValue>>,
    usual: UsualValues,
    /// The page of the run in the web app. `None`: the settings have no pattern, or the run lacks what it needs.
    web_url: Option<String>,
    history: Vec<Step<'a>>,
}

/// The medians of the successful runs of the pipeline before this one. `None`: no value is known.
#[derive(Serialize)]
struct UsualValues {
    runs: u64,
    el_cost_usd: Option<Box<RawValue>>,
    transformation_cost_usd: Option<Box<RawValue>>,
    total_cost_usd: Option<Box<RawValue>>,
    queued_seconds: Option<Box<RawValue>>,
    duration_seconds: Option<Box<RawValue>>,
}

impl UsualValues {
    fn of(usual: Usual) -> UsualValues {
        let usd = |usd: Option<Usd>| usd.map(|usd| raw(usd.to_string()));
        let seconds = |seconds: Option<Seconds>| seconds.map(|seconds| raw(seconds.to_string()));
        UsualValues {
            runs: usual.runs,
            el_cost_usd: usd(usual.el_cost),
            transformation_cost_usd: usd(usual.transformation_cost),
            total_cost_usd: usd(usual.total_cost),
            queued_seconds: seconds(usual.waited),
            duration_seconds: seconds(usual.ran),
        }
    }
}

/// One state of the run, and its changes from the state before.
#[derive(Serialize)]
struct Step<'a> {
    observed_at: &'a str,
    superseded_at: Option<String>,
    sync_id: i64,
    changes: Vec<StepChange>,
}

#[derive(Serialize)]
struct StepChange {
    field: String,
    /// `None`: the field was absent.
    before: Option<Box<RawValue>>,
    /// `None`: the field is absent.
    after: Option<Box<RawValue>>,
}

impl Step<'_> {
    fn of(entry: &HistoryEntry, changes: Vec<Change>) -> Step<'_> {
        let change = |change: Change| StepChange {
            field: change.field,
            before: change.before.map(raw),
            after: change.after.map(raw),
        };
        Step {
            observed_at: entry.observed_at.as_str(),
            superseded_at: entry.superseded_at.map(|at| at.to_string()),
            sync_id: entry.sync_id,
            changes: changes.into_iter().map(change).collect(),
        }
    }
}

pub(super) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("the archive contains valid JSON")
}

/// The pipeline of a run.
#[derive(Serialize)]
pub(super) struct Pipeline {
    #[serde(serialize_with = "as_word")]
    pub(super) kind: PipelineKind,
    /// The id or the slug, as in the run.
    pub(super) id: String,
    pub(super) name: Option<String>,
}

impl Pipeline {
    /// `None`: the run has no pipeline, or more than one.
    fn of(archive: &Archive, run: &Run) -> Result<Option<Pipeline>> {
        let named = [&run.source, &run.destination, &run.transformation];
        let mut named =
            PipelineKind::ALL.into_iter().zip(named).filter_map(|(kind, id)| Some((kind, id.as_ref()?)));
        let (Some((kind, id)), None) = (named.next(), named.next()) else { return Ok(None) };
        Ok(Some(Pipeline { kind, id: id.clone(), name: archive.pipeline_name(kind, id)? }))
    }
}

/// Each state with its changes from the state before. The first has none.
pub(super) fn steps(history: &[HistoryEntry]) -> impl Iterator<Item = (&HistoryEntry, Vec<Change>)> {
    history.iter().enumerate().map(|(place, entry)| {
        let before = place.checked_sub(1).map(|before| &history[before].run);
        (entry, before.map_or_else(Vec::new, |before| changes(before, &entry.run, &IgnoredFields::default())))
    })
}

pub(super) fn as_word<S: Serializer>(kind: &PipelineKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}
