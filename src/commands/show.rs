//! `runledger show`: shows one run, its pipeline and its history.

use crate::cli::JsonArgs;
use crate::commands::shared::output::print_line;
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::export::terminal::UNKNOWN;
use crate::ignored_fields::IgnoredFields;
use crate::run::json::Entries;
use crate::run::{Field, Run};
use crate::snapshot::{Change, changes};
use crate::store::{Archive, HistoryEntry, PipelineKind};
use clap::Args;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt::Write as _;
use std::path::Path;
use uuid::Uuid;

/// The arguments of `runledger show`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger show 31a52a1f-3907-430d-87fb-995156708555
  runledger show 31a52a1f-3907-430d-87fb-995156708555 --json")]
pub struct ShowArgs {
    /// Run id (UUID)
    pub id: Uuid,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,
}

/// Prints the run and its history.
///
/// # Errors
/// [`Error::Usage`] when the archive has no such run.
pub(super) fn run(args: &ShowArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let history = archive.history(args.id)?;
    let Some(current) = history.last() else {
        return Err(Error::Usage {
            what: format!("the archive has no run {}", args.id),
            hint: Some(format!("`runledger fetch {}` fetches it from the API", args.id)),
        });
    };
    let pipeline = Pipeline::of(&archive, &current.run)?;
    let vanished_at = archive.vanished_at(args.id)?;
    if args.format.is_json() {
        let output = JsonOutput {
            run: raw(current.run.document()),
            pipeline: pipeline.as_ref(),
            vanished_at: vanished_at.map(|at| at.to_string()),
            history: steps(&history).map(|(entry, changes)| Step::of(entry, changes)).collect(),
        };
        return print_line(&serde_json::to_string(&output).expect("the output is valid JSON"));
    }
    let mut text = String::new();
    write_run(&current.run, pipeline.as_ref(), &mut text);
    if let Some(at) = vanished_at {
        let _ = writeln!(text, "\nThe API no longer has this run (noticed {at}).");
    }
    write_history(&history, &mut text);
    print_line(text.trim_end())
}

/// The output of `--json`. The run's document stays raw JSON, because a double would lose digits and a string could not
/// represent lone surrogates.
#[derive(Serialize)]
struct JsonOutput<'a> {
    run: Box<RawValue>,
    pipeline: Option<&'a Pipeline>,
    vanished_at: Option<String>,
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

fn write_run(run: &Run, pipeline: Option<&Pipeline>, text: &mut String) {
    let width = Field::ALL.iter().map(|field| field.name().len()).max().unwrap_or(0);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{:width$}  {}", escape_control(name), escape_control(value));
    };
    let document = run.document();
    let entries = Entries::parse(&document).expect("a run's document is an object");
    for entry in &entries.0 {
        line(&entry.key, &readable(entry.value));
    }
    if let Some(pipeline) = pipeline {
        line(
            "pipeline",
            &format!("{} ({})", pipeline.name.as_deref().unwrap_or("unnamed"), pipeline.kind.as_str()),
        );
    }
}

fn write_history(history: &[HistoryEntry], text: &mut String) {
    let _ = writeln!(text, "\nHistory");
    for (entry, changes) in steps(history) {
        let first = if changes.is_empty() { ": first seen" } else { "" };
        let _ = writeln!(text, "  {}  sync {}{first}", entry.observed_at, entry.sync_id);
        for change in changes {
            let side = |json: &Option<String>| match json.as_deref() {
                Some(json) => escape_control(&shortened(&readable_text(json))).into_owned(),
                None => "(absent)".to_owned(),
            };
            let _ = writeln!(
                text,
                "    {}: {} → {}",
                escape_control(&change.field),
                side(&change.before),
                side(&change.after)
            );
        }
    }
}

/// A JSON value for people: strings without quotes, null as a dash.
fn readable(value: &RawValue) -> String {
    match serde_json::from_str::<Value>(value.get()) {
        Ok(Value::String(text)) => text,
        Ok(Value::Null) => UNKNOWN.to_owned(),
        _ => value.get().to_owned(),
    }
}

fn readable_text(json: &str) -> String {
    serde_json::from_str::<&RawValue>(json).map_or_else(|_| json.to_owned(), readable)
}

/// The first 60 characters of a value.
fn shortened(text: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

fn as_word<S: Serializer>(kind: &PipelineKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}
