//! Fields, values and types outside the contract.
//!
//! A new field's name comes from the API, so it could be a person's name or an id that is used as a key. It is printed
//! only if at least half of the runs have it and it looks like the name of a field. Unknown values are only counted.

use super::{Agreement, Finding};
use crate::probe::run_page::RunPage;
use crate::run::decode::Decoded;
use crate::run::{DriftKind, Field};
use crate::wording::counted;
use std::collections::BTreeMap;

/// The most deviations that are listed.
const MAX_LISTED: usize = 8;

/// The longest name of a new field that is printed.
const LONGEST_NAME: usize = 32;

/// Deviations of the listed runs, and the documented fields that a run by its id lacks too.
pub(super) fn fields(pages: &[&RunPage], details: Option<&Decoded>) -> Finding {
    let listed: Vec<&Decoded> = pages.iter().flat_map(|page| page.runs()).collect();
    let deviations = deviations(&listed, details);
    let runs = listed.len() as u64;
    let (result, observed) = match deviations.len() {
        0 if runs == 0 => (Agreement::Unknown, "no run to see it".to_owned()),
        0 => (Agreement::Ok, format!("none in {}", counted(runs, "run"))),
        count => {
            let more = match count.saturating_sub(MAX_LISTED) {
                0 => String::new(),
                more => format!("; {more} more"),
            };
            let shown: Vec<&str> = deviations.iter().take(MAX_LISTED).map(String::as_str).collect();
            (Agreement::Differs, format!("in {}: {}{more}", counted(runs, "run"), shown.join("; ")))
        }
    };
    Finding {
        name: "fields, values and types outside the contract".to_owned(),
        result,
        observed,
        expected: "none",
        for_sync: match result {
            Agreement::Differs => "sync keeps them; `runledger drift` then lists each with its text",
            _ => "sync understands each field",
        }
        .to_owned(),
    }
}

fn deviations(listed: &[&Decoded], details: Option<&Decoded>) -> Vec<String> {
    let mut new_fields: BTreeMap<&str, usize> = BTreeMap::new();
    let mut values: BTreeMap<&str, usize> = BTreeMap::new();
    let mut types: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for drift in listed.iter().flat_map(|run| &run.drift) {
        match drift.kind {
            DriftKind::Field => *new_fields.entry(&drift.field).or_default() += 1,
            DriftKind::Value => *values.entry(documented(&drift.field)).or_default() += 1,
            // Both are from this program: the field is documented, and the text names a type or a reason.
            DriftKind::Type => *types.entry((documented(&drift.field), &drift.observed)).or_default() += 1,
        }
    }
    let is_printed =
        |name: &str, runs: usize| runs >= 2 && runs * 2 >= listed.len() && looks_like_a_field(name);
    let hidden = new_fields.iter().filter(|(name, runs)| !is_printed(name, **runs)).count();
    new_fields.retain(|name, runs| is_printed(name, *runs));
    let in_runs = |runs: usize| format!("({})", counted(runs as u64, "run"));
    let missing = details.or(listed.first().copied()).map(|run| run.run.absent);
    let missing = Field::ALL.iter().filter(|field| missing.is_some_and(|absent| absent.contains(**field)));
    missing
        .map(|field| format!("no {}", field.name()))
        .chain(values.iter().map(|(field, runs)| format!("unknown {field} {}", in_runs(*runs))))
        .chain(
            types.iter().map(|((field, observed), runs)| format!("{field}: {observed} {}", in_runs(*runs))),
        )
        .chain(new_fields.iter().map(|(name, runs)| format!("new field {name} {}", in_runs(*runs))))
        .chain(
            (hidden > 0)
                .then(|| format!("{} with a name that is not shown", counted(hidden as u64, "new field"))),
        )
        .collect()
}

/// The name of a documented field, or of a part of `trigger`.
fn documented(field: &str) -> &'static str {
    const TRIGGER: [&str; 4] =
        ["trigger.type", "trigger.cron_expression", "trigger.cron_timezone", "trigger.event_rule"];
    match Field::named(field) {
        Some(field) => field.name(),
        None => TRIGGER.into_iter().find(|name| *name == field).unwrap_or("another field"),
    }
}

/// Whether a name consists of words in lower case, without digits.
fn looks_like_a_field(name: &str) -> bool {
    let name = name.strip_prefix("trigger.").unwrap_or(name);
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    name.len() <= LONGEST_NAME && name.split('_').all(is_word)
}
