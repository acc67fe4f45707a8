//! `runledger show`: shows one run, its pipeline and its history.

mod text;

use crate::cli::JsonArgs;
use crate::commands::shared::output::print_line;
use crate::commands::shared::scope::scope_of_all_runs;
use crate::commands::shared::terminal::screen;
use crate::error::Result;
use crate::export::Destination;
use crate::ignored_fields::IgnoredFields;
use crate::run::{Run, Usd};
use crate::settings::Settings;
use crate::snapshot::{Change, changes};
use crate::store::{Archive, HistoryEntry, PipelineKind, RunReference};
use clap::Args;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::path::Path;

/// The arguments of `runledger show`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger show 31a52a1f                # the beginning of an id is enough
  runledger show notas-fiscais#1231      # a run by the number in its pipeline
  runledger show 31a52a1f-3907-430d-87fb-995156708555 --json")]
pub struct ShowArgs {
    /// Run id or its beginning, or PIPELINE#NUMBER with the slug, id or name of the pipeline
    #[arg(value_name = "RUN")]
    pub run: String,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Prints the run and its history.
///
/// # Errors
/// [`crate::error::Error::Usage`] when the archive has no such run, or several.
pub(super) fn run(args: &ShowArgs, path: &Path, settings: &Settings) -> Result<()> {
    let reference = RunReference::parse(&args.run)?;
    let archive = Archive::open_for_reading(path)?;
    // One read transaction, so that the run and its history are of one state.
    let _reading = archive.connection().unchecked_transaction()?;
    let id = archive.find_run(&reference)?;
    let history = archive.history(id)?;
    let Some(current) = history.last() else {
        return Err(crate::error::Error::Internal(format!("the run {id} has no state")));
    };
    let pipeline = Pipeline::of(&archive, &current.run)?;
    let vanished_at = archive.vanished_at(id)?;
    let web_url = settings.run_url().and_then(|pattern| {
        let kind = pipeline.as_ref().map(|pipeline| pipeline.kind.as_str());
        pattern.of_run(&current.run, kind.zip(pipeline.as_ref().map(|pipeline| pipeline.id.as_str())))
    });
    if args.format.is_json() {
        let output = JsonOutput {
            run: raw(current.run.document()),
            pipeline: pipeline.as_ref(),
            vanished_at: vanished_at.map(|at| at.to_string()),
            total_cost_usd: total_cost(&current.run).map(|total| raw(total.to_string())),
            web_url,
            history: steps(&history).map(|(entry, changes)| Step::of(entry, changes)).collect(),
        };
        return print_line(&serde_json::to_string(&output).expect("the output is valid JSON"));
    }
    let scope = scope_of_all_runs(None, settings, &archive)?;
    let view = text::View {
        run: &current.run,
        pipeline: pipeline.as_ref(),
        history: &history,
        vanished_at,
        web_url,
        zone: scope.zone,
        known_at: archive.last_observed_at()?,
        screen: screen(None, false, scope.zone),
    };
    // The text is escaped part by part, because it can have colors.
    let text = view.text();
    Destination::StandardOutput.write(|out| Ok(writeln!(out, "{}", text.trim_end())?))
}

/// The sum of the known costs. `None`: none is known.
fn total_cost(run: &Run) -> Option<Usd> {
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
    /// The page of the run in the web app. `None`: the settings have no pattern, or the run lacks what it needs.
    web_url: Option<String>,
    history: Vec<Step<'a>>,
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

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("the archive contains valid JSON")
}

/// The pipeline of a run.
#[derive(Serialize)]
struct Pipeline {
    #[serde(serialize_with = "as_word")]
    kind: PipelineKind,
    /// The id or the slug, as in the run.
    id: String,
    name: Option<String>,
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
fn steps(history: &[HistoryEntry]) -> impl Iterator<Item = (&HistoryEntry, Vec<Change>)> {
    history.iter().enumerate().map(|(place, entry)| {
        let before = place.checked_sub(1).map(|before| &history[before].run);
        (entry, before.map_or_else(Vec::new, |before| changes(before, &entry.run, &IgnoredFields::default())))
    })
}

fn as_word<S: Serializer>(kind: &PipelineKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}
