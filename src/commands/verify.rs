//! `runledger verify`: compares random settled runs with the API.

use crate::cli::{ApiArgs, OutcomeArgs, at_least_one, time_span};
use crate::commands::shared::output::print_line;
use crate::commands::shared::progress::{NoProgress, observer};
use crate::commands::shared::runtime::{Runtime, client, sync_context};
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::settings::{self, Settings};
use crate::snapshot::Change;
use crate::store::Archive;
use crate::sync::SystemClock;
use crate::sync::{Clock, Observer, Options, Verdict, verify};
use chrono::TimeDelta;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::Path;
use uuid::Uuid;

/// The arguments of `runledger verify`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger verify
  runledger verify --sample 20 --max-requests-per-second 2")]
pub struct VerifyArgs {
    /// Number of runs to compare
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one)]
    pub sample: usize,

    /// Seed of the random sample; a verification prints its seed [default: random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How long after its end a run without a known cost counts as settled
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// What to print.
    #[command(flatten)]
    pub outcome: OutcomeArgs,

    /// How to reach the API.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Compares and prints the differences. Stores nothing.
///
/// # Errors
/// [`Error::Partial`] when a run differs, is missing from the API, or could not be compared.
pub(super) fn run(args: &VerifyArgs, path: &Path, settings: &Settings) -> Result<()> {
    let mut archive = Archive::open_for_reading(path)?;
    let client = client(&args.api, settings.workspace_at(path))?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let settled_before = SystemClock.now().plus(-args.settle);
    let ids = archive.settled_sample(settled_before, args.sample, seed)?;
    let options = Options {
        concurrency: args.api.concurrency,
        redaction: settings::redaction()?,
        ignored_fields: settings.ignored_fields(),
        ..Options::default()
    };
    let runtime = Runtime::start()?;
    archive.cancel_waits_with(&runtime.cancel)?;
    let mut observer: Box<dyn Observer> = if args.outcome.quiet { Box::new(NoProgress) } else { observer() };
    let context = sync_context(client, &runtime.runtime, &runtime.cancel, observer.as_mut());
    let verdicts = verify(&archive, context, &options, &ids)?;
    drop(observer);
    runtime.shut_down();
    let count = |of: fn(&Verdict) -> bool| verdicts.iter().filter(|(_, verdict)| of(verdict)).count();
    let same = count(|verdict| *verdict == Verdict::Same);
    let differ = count(|verdict| matches!(verdict, Verdict::Differs(_)));
    let gone = count(|verdict| *verdict == Verdict::Gone);
    let no_answer = count(|verdict| matches!(verdict, Verdict::NoAnswer(_)));
    if args.outcome.format.is_json() {
        let report = JsonReport::of(seed, &verdicts);
        print_line(&serde_json::to_string(&report).expect("a report is valid JSON"))?;
    } else {
        for (id, verdict) in &verdicts {
            print_verdict(*id, verdict)?;
        }
        if !args.outcome.quiet {
            print_line(&format!(
                "{} settled runs compared (seed {seed}): {same} match, {differ} differ, {gone} are missing from the \
                 API, {no_answer} could not be compared",
                verdicts.len()
            ))?;
        }
    }
    if same == verdicts.len() {
        return Ok(());
    }
    Err(Error::Partial {
        what: format!(
            "{} sampled runs: {differ} differ from the API, {gone} are missing from the API, \
             {no_answer} could not be compared",
            verdicts.len()
        ),
    })
}

fn print_verdict(id: Uuid, verdict: &Verdict) -> Result<()> {
    match verdict {
        Verdict::Same => Ok(()),
        Verdict::Gone => print_line(&format!("run {id}: missing from the API")),
        Verdict::NoAnswer(cause) => print_line(&format!("run {id}: {}", escape_control(cause))),
        Verdict::Differs(changes) => {
            print_line(&format!("run {id}"))?;
            let side = |json: &Option<String>| {
                json.as_deref().map_or("(absent)".to_owned(), |json| escape_control(json).into_owned())
            };
            for change in changes {
                print_line(&format!("  {}", escape_control(&change.field)))?;
                print_line(&format!("    archived  {}", side(&change.before)))?;
                print_line(&format!("    API now   {}", side(&change.after)))?;
            }
            Ok(())
        }
    }
}

/// The output of `--json`. Values stay raw JSON, because a double would lose digits.
#[derive(Serialize)]
struct JsonReport<'a> {
    seed: u64,
    compared: usize,
    same: usize,
    runs: Vec<JsonRun<'a>>,
}

/// A run that does not match.
#[derive(Serialize)]
struct JsonRun<'a> {
    run_id: Uuid,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference<'a>>,
}

/// A field that differs. `None`: absent on that side.
#[derive(Serialize)]
struct Difference<'a> {
    field: &'a str,
    archived: Option<&'a RawValue>,
    api: Option<&'a RawValue>,
}

impl<'a> JsonReport<'a> {
    fn of(seed: u64, verdicts: &'a [(Uuid, Verdict)]) -> JsonReport<'a> {
        let runs: Vec<_> = verdicts.iter().filter_map(|(id, verdict)| JsonRun::of(*id, verdict)).collect();
        JsonReport { seed, compared: verdicts.len(), same: verdicts.len() - runs.len(), runs }
    }
}

impl<'a> JsonRun<'a> {
    /// `None`: the run matches.
    fn of(run_id: Uuid, verdict: &'a Verdict) -> Option<JsonRun<'a>> {
        let (verdict, cause, differences) = match verdict {
            Verdict::Same => return None,
            Verdict::Gone => ("gone", None, Vec::new()),
            Verdict::NoAnswer(cause) => ("no_answer", Some(cause.as_str()), Vec::new()),
            Verdict::Differs(changes) => ("differs", None, changes.iter().map(Difference::of).collect()),
        };
        Some(JsonRun { run_id, verdict, cause, differences })
    }
}

impl<'a> Difference<'a> {
    fn of(change: &'a Change) -> Difference<'a> {
        let raw = |json: &'a Option<String>| {
            let json = json.as_deref()?;
            Some(serde_json::from_str(json).expect("the values of a document are valid JSON"))
        };
        Difference { field: &change.field, archived: raw(&change.before), api: raw(&change.after) }
    }
}
