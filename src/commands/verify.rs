//! This is `runledger verify`: random settled runs, asked for again and compared with the archive.

use crate::cli::{ApiArgs, at_least_one, time_span};
use crate::commands::shared::output::say;
use crate::commands::shared::progress::observer;
use crate::commands::shared::runtime::{client, means, runtime, stop_on_signals};
use crate::error::{Error, Result};
use crate::escape::escape_control;
use crate::settings::{self, Settings};
use crate::snapshot::Change;
use crate::store::Archive;
use crate::sync::SystemClock;
use crate::sync::{Clock, Options, Verdict, verify};
use chrono::TimeDelta;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::path::Path;
use uuid::Uuid;

/// `runledger verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger verify
  runledger verify --sample 20 --max-requests-per-second 2")]
pub struct VerifyArgs {
    /// How many runs to compare
    #[arg(long, value_name = "N", default_value = "100", value_parser = at_least_one)]
    pub sample: usize,

    /// Draw the same runs as the comparison that named this seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// How long after its end a run without a known cost counts as settled
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = time_span)]
    pub settle: TimeDelta,

    /// How the API is asked.
    #[command(flatten)]
    pub api: ApiArgs,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Compares and tells; nothing is stored.
///
/// # Errors
/// [`Error::Partial`] when a run differs, is gone, or could not be compared.
pub fn run(args: &VerifyArgs, path: &Path, settings: &Settings) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let (_, client) = client(&args.api, settings.workspace_at(path))?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let settled_before = SystemClock.now().plus(-args.settle);
    let ids = archive.settled_sample(settled_before, args.sample, seed)?;
    let options = Options {
        concurrency: args.api.concurrency,
        redaction: settings::redaction()?,
        ..Options::default()
    };
    let runtime = runtime()?;
    let stop = stop_on_signals(&runtime)?;
    let mut observer = observer();
    let means = means(client, &runtime, &stop, observer.as_mut());
    let verdicts = verify(&archive, means, &options, &ids)?;
    drop(observer);
    runtime.shutdown_background();
    let count = |of: fn(&Verdict) -> bool| verdicts.iter().filter(|(_, verdict)| of(verdict)).count();
    let same = count(|verdict| *verdict == Verdict::Same);
    let differ = count(|verdict| matches!(verdict, Verdict::Differs(_)));
    let gone = count(|verdict| *verdict == Verdict::Gone);
    let no_answer = count(|verdict| matches!(verdict, Verdict::NoAnswer(_)));
    if args.json {
        let told = Told::of(seed, &verdicts);
        say(&serde_json::to_string(&told).expect("what is told is JSON"))?;
    } else {
        for (id, verdict) in &verdicts {
            tell(*id, verdict)?;
        }
        say(&format!(
            "{} settled runs compared (seed {seed}): {same} are the same, {differ} differ, {gone} are gone, {no_answer} gave no answer",
            verdicts.len()
        ))?;
    }
    if same == verdicts.len() {
        return Ok(());
    }
    Err(Error::Partial {
        what: format!(
            "of {} sampled runs {differ} differ from the API, {gone} are gone, {no_answer} gave no answer",
            verdicts.len()
        ),
    })
}

fn tell(id: Uuid, verdict: &Verdict) -> Result<()> {
    match verdict {
        Verdict::Same => Ok(()),
        Verdict::Gone => say(&format!("run {id}: the API has no such run")),
        Verdict::NoAnswer(cause) => say(&format!("run {id}: {}", escape_control(cause))),
        Verdict::Differs(changes) => {
            say(&format!("run {id}"))?;
            let side = |json: &Option<String>| {
                json.as_deref().map_or("(absent)".to_owned(), |json| escape_control(json).into_owned())
            };
            for change in changes {
                say(&format!("  {}", escape_control(&change.field)))?;
                say(&format!("    archived  {}", side(&change.before)))?;
                say(&format!("    API now   {}", side(&change.after)))?;
            }
            Ok(())
        }
    }
}

/// What `--json` prints. Each value stays as it is: no double could hold all that it may have.
#[derive(Serialize)]
struct Told<'a> {
    seed: u64,
    compared: usize,
    same: usize,
    runs: Vec<ToldRun<'a>>,
}

/// A run that is not the same.
#[derive(Serialize)]
struct ToldRun<'a> {
    run_id: Uuid,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<Difference<'a>>,
}

/// A field that differs. `None`: it is absent there.
#[derive(Serialize)]
struct Difference<'a> {
    field: &'a str,
    archived: Option<&'a RawValue>,
    api: Option<&'a RawValue>,
}

impl<'a> Told<'a> {
    fn of(seed: u64, verdicts: &'a [(Uuid, Verdict)]) -> Told<'a> {
        let runs: Vec<_> = verdicts.iter().filter_map(|(id, verdict)| ToldRun::of(*id, verdict)).collect();
        Told { seed, compared: verdicts.len(), same: verdicts.len() - runs.len(), runs }
    }
}

impl<'a> ToldRun<'a> {
    /// `None`: it is the same.
    fn of(run_id: Uuid, verdict: &'a Verdict) -> Option<ToldRun<'a>> {
        let (verdict, cause, differences) = match verdict {
            Verdict::Same => return None,
            Verdict::Gone => ("gone", None, Vec::new()),
            Verdict::NoAnswer(cause) => ("no_answer", Some(cause.as_str()), Vec::new()),
            Verdict::Differs(changes) => ("differs", None, changes.iter().map(Difference::of).collect()),
        };
        Some(ToldRun { run_id, verdict, cause, differences })
    }
}

impl<'a> Difference<'a> {
    fn of(change: &'a Change) -> Difference<'a> {
        let raw = |json: &'a Option<String>| {
            let json = json.as_deref()?;
            Some(serde_json::from_str(json).expect("a document's values are JSON"))
        };
        Difference { field: &change.field, archived: raw(&change.before), api: raw(&change.after) }
    }
}
