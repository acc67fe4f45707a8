//! This is `runledger verify`: random settled runs, asked for again and compared with the archive.

use super::connection::{SystemClock, client, runtime, stop_on_signals};
use super::progress::observer;
use super::say;
use crate::cli::VerifyArgs;
use crate::error::{Error, Result};
use crate::export::visible;
use crate::store::Archive;
use crate::sync::{Clock, Means, Verdict, verify};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// Compares and tells; nothing is stored.
///
/// # Errors
/// [`Error::Partial`] when a run differs, is gone, or could not be compared.
pub fn run(args: &VerifyArgs, path: &Path) -> Result<()> {
    let archive = Archive::open_for_reading(path)?;
    let client = client(&args.api)?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    let settled_before = SystemClock.now().plus(-args.settle);
    let ids = archive.settled_sample(settled_before, args.sample, seed)?;
    let runtime = runtime()?;
    let stop = stop_on_signals(&runtime)?;
    let mut observer = observer();
    let means = Means {
        client,
        handle: runtime.handle(),
        clock: &SystemClock,
        stop: &stop,
        observer: observer.as_mut(),
    };
    let verdicts = verify(&archive, means, args.api.concurrency, &ids)?;
    drop(observer);
    runtime.shutdown_background();
    let count = |of: fn(&Verdict) -> bool| verdicts.iter().filter(|(_, verdict)| of(verdict)).count();
    let same = count(|verdict| *verdict == Verdict::Same);
    let differ = count(|verdict| matches!(verdict, Verdict::Differs(_)));
    let gone = count(|verdict| *verdict == Verdict::Gone);
    let no_answer = count(|verdict| matches!(verdict, Verdict::NoAnswer(_)));
    if args.json {
        say(&as_json(seed, &verdicts)?.to_string())?;
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
        Verdict::NoAnswer(cause) => say(&format!("run {id}: {}", visible(cause))),
        Verdict::Differs(changes) => {
            say(&format!("run {id}"))?;
            let side = |json: &Option<String>| {
                json.as_deref().map_or("(absent)".to_owned(), |json| visible(json).into_owned())
            };
            for change in changes {
                say(&format!("  {}", visible(&change.field)))?;
                say(&format!("    archived  {}", side(&change.before)))?;
                say(&format!("    API now   {}", side(&change.after)))?;
            }
            Ok(())
        }
    }
}

fn as_json(seed: u64, verdicts: &[(Uuid, Verdict)]) -> Result<Value> {
    let raw = |json: &Option<String>| -> Value {
        let value = json.as_deref().and_then(|json| serde_json::from_str::<&RawValue>(json).ok());
        value.map_or(Value::Null, |value| json!(value))
    };
    let runs = verdicts.iter().filter(|(_, verdict)| *verdict != Verdict::Same).map(|(id, verdict)| {
        let mut run = json!({ "run_id": id });
        match verdict {
            Verdict::Same => {}
            Verdict::Gone => run["verdict"] = json!("gone"),
            Verdict::NoAnswer(cause) => {
                run["verdict"] = json!("no answer");
                run["cause"] = json!(cause);
            }
            Verdict::Differs(changes) => {
                run["verdict"] = json!("differs");
                let difference = |change: &crate::snapshot::Change| {
                    json!({ "field": change.field, "archived": raw(&change.before), "api": raw(&change.after) })
                };
                run["differences"] = changes.iter().map(difference).collect();
            }
        }
        run
    });
    let runs: Vec<Value> = runs.collect();
    Ok(json!({ "seed": seed, "compared": verdicts.len(), "same": verdicts.len() - runs.len(), "runs": runs }))
}
