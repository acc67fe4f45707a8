//! `runledger coverage`: reports gaps in the archive.

use crate::cli::{ApiArgs, JsonArgs};
use crate::commands::shared::facts::{Facts, Moments, title};
use crate::commands::shared::numbers::{grouped, grouped_count};
use crate::commands::shared::output::{print_line, print_view};
use crate::commands::shared::progress::NoProgress;
use crate::commands::shared::runtime::{Runtime, client, sync_context};
use crate::commands::shared::terminal::screen;
use crate::error::{Error, Result};
use crate::export::terminal::{Role, Screen, wrap};
use crate::report::coverage::{ApiCount, CoverageReport};
use crate::settings::{self, Settings, Workspace};
use crate::store::{Archive, Gap, GapReason, PipelineKind};
use crate::sync::{Clock, ListHead, SystemClock, list_head};
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// `runledger coverage`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  runledger coverage
  runledger coverage --offline --json")]
pub struct CoverageArgs {
    /// Do not ask the API for its run count
    #[arg(long)]
    pub offline: bool,

    /// Text or JSON.
    #[command(flatten)]
    pub format: JsonArgs,

    /// How to reach the API.
    #[command(flatten)]
    pub api: ApiArgs,
}

/// How many gaps per reason the text lists.
const MAX_GAPS_LISTED: usize = 20;

/// Reports the gaps.
///
/// # Errors
/// [`Error::Partial`] when a gap is unexplained.
pub(super) fn run(args: &CoverageArgs, path: &Path, settings: &Settings) -> Result<()> {
    let mut archive = Archive::open_for_reading(path)?;
    let mut report = CoverageReport::new(&archive, SystemClock.now())?;
    if let Some((listed, runtime)) = ask_api(args, settings.workspace_at(path))? {
        archive.cancel_waits_with(&runtime.cancel)?;
        report.compare(&archive, listed).map_err(|error| runtime.cancel.explain(error))?;
        runtime.shut_down();
    }
    let unexplained = report.unexplained();
    if args.format.is_json() {
        print_line(&as_json(&report, &unexplained).to_string())?;
    } else {
        let moments = Moments::of(&archive, Ok(settings.clone()))?;
        print_view(&as_text(
            &archive,
            &report,
            &unexplained,
            args.offline,
            moments,
            &screen(None, false, moments.zone),
        )?)?;
    }
    if unexplained.is_empty() {
        return Ok(());
    }
    Err(Error::Partial { what: unexplained.join("; ") })
}

/// What the API says of its run list, and the runtime, which handles signals from then on. `None`: it is not asked.
fn ask_api(args: &CoverageArgs, workspace: Option<&Workspace>) -> Result<Option<(ListHead, Runtime)>> {
    if args.offline {
        return Ok(None);
    }
    if args.api.api_key_file.is_none() && workspace.is_none() && !settings::has_api_key()? {
        // The text has it in place.
        if args.format.is_json() {
            tracing::warn!("there is no API key: the API is not asked for its run count, as with --offline");
        }
        return Ok(None);
    }
    let client = client(&args.api, workspace)?;
    let runtime = Runtime::start()?;
    let mut observer = NoProgress;
    let listed = list_head(&sync_context(client, &runtime.runtime, &runtime.cancel, &mut observer))?;
    Ok(Some((listed, runtime)))
}

/// What can be missing, one line each, and the verdict.
fn as_text(
    archive: &Archive,
    report: &CoverageReport,
    unexplained: &[String],
    is_offline: bool,
    moments: Moments,
    screen: &Screen,
) -> Result<String> {
    let mut lines = title("Coverage: what can be missing".to_owned(), &moments.context(), screen);
    lines.push(String::new());
    lines.extend(facts(archive, report, is_offline, moments)?.lines(screen));
    lines.push(String::new());
    // The error on standard error names what is unexplained.
    let (role, verdict) = match unexplained {
        [] => (Role::Plain, "Nothing unexplained is missing, as far as the archive shows.".to_owned()),
        several => (
            Role::Warning,
            format!("{} without an explanation.", grouped_count(several.len() as u64, "finding")),
        ),
    };
    for line in wrap(verdict.split(' '), screen.table_width()).lines() {
        lines.push(role.paint(line, screen.color));
    }
    Ok(lines.join("\n"))
}

fn facts(archive: &Archive, report: &CoverageReport, is_offline: bool, moments: Moments) -> Result<Facts> {
    let CoverageReport { coverage, api_count, never_ran, days_without_sync } = report;
    let mut facts = Facts::default();
    let mut runs = format!(
        "{} here, {} vanished, {} in quarantine",
        grouped(coverage.present_runs),
        grouped(coverage.vanished_runs),
        grouped(coverage.quarantined_items)
    );
    if coverage.unreadable_runs > 0 {
        runs.push_str(&format!(", {} that the API fails to return", grouped(coverage.unreadable_runs)));
    }
    facts.add("Runs", runs);
    match api_count {
        ApiCount::NotAsked if !is_offline => facts.add("API", "not asked: no API key (as with --offline)"),
        answer => facts.add("API", answer.to_string()),
    }
    match coverage.first_whole_walk_at {
        Some(at) => facts.add("List", format!("first read to its end {}", moments.local(at))),
        None => facts.add_as(Role::Warning, "List", "never read to its end"),
    }
    if coverage.suspected_runs > 0 {
        let advice = "missing from the list when it was last read, and not known to be deleted";
        facts.add_as(Role::Warning, "Suspected", format!("{} {advice}", grouped(coverage.suspected_runs)));
    }
    let never_ran = grouped(never_ran.rows.len() as u64);
    let numbered = grouped(coverage.numbered_pipelines);
    facts.add("Pipelines", format!("{numbered} with numbered runs, {never_ran} that never ran"));
    match days_without_sync.as_slice() {
        [] => facts.add_as(Role::Dim, "Days", "none without a complete sync"),
        days => {
            let ranges: Vec<String> = days.iter().map(|(first, last)| range(first, last)).collect();
            facts.add("Days", format!("without a complete sync: {}", ranges.join(", ")));
        }
    }
    for (index, reason) in GapReason::ALL.into_iter().enumerate() {
        let (description, role) = match reason {
            GapReason::BelowFirst => ("below the first one here of their pipeline", Role::Plain),
            GapReason::BeforeArchive => ("not in the list when it was first read to its end", Role::Plain),
            GapReason::Quarantined => ("in quarantine", Role::Warning),
            GapReason::Unexplained => {
                ("missing without explanation: gone between two syncs, or missed", Role::Warning)
            }
        };
        let missing = coverage.missing_numbers(reason);
        let role = if missing == 0 { Role::Dim } else { role };
        let label = if index == 0 { "Run numbers" } else { "" };
        facts.add_as(role, label, format!("{} {description}", grouped(missing)));
        let gaps: Vec<&Gap> = coverage.gaps.iter().filter(|gap| gap.reason == reason).collect();
        for gap in gaps.iter().take(MAX_GAPS_LISTED) {
            facts.add_as(role, "", format!("- {}", gap_as_text(archive, gap)?));
        }
        if gaps.len() > MAX_GAPS_LISTED {
            facts.add_as(role, "", format!("- and {} more (--json)", gaps.len() - MAX_GAPS_LISTED));
        }
    }
    Ok(facts)
}

/// A gap with the name of its pipeline: `source Sales (s-1): 3 to 5`.
fn gap_as_text(archive: &Archive, gap: &Gap) -> Result<String> {
    let Gap { pipeline_kind, pipeline_id, first, last, .. } = gap;
    let kind = PipelineKind::ALL.into_iter().find(|kind| kind.as_str() == pipeline_kind);
    let name = match kind {
        Some(kind) => archive.pipeline_name(kind, pipeline_id)?,
        None => None,
    };
    let pipeline = name.map_or_else(|| pipeline_id.clone(), |name| format!("{name} ({pipeline_id})"));
    Ok(format!("{pipeline_kind} {pipeline}: {}", range(first, last)))
}

fn range<T: PartialEq + std::fmt::Display>(first: &T, last: &T) -> String {
    if first == last { first.to_string() } else { format!("{first} to {last}") }
}

fn as_json(report: &CoverageReport, unexplained: &[String]) -> Value {
    let CoverageReport { coverage, api_count, never_ran, days_without_sync } = report;
    let column = |name: &str| never_ran.columns.iter().position(|column| column == name);
    let gap = |gap: &Gap| {
        json!({
            "pipeline_kind": gap.pipeline_kind,
            "pipeline_id": gap.pipeline_id,
            "first": gap.first,
            "last": gap.last,
            "why": gap.reason.as_str(),
        })
    };
    let never_ran: Vec<Value> = never_ran
        .rows
        .iter()
        .map(|row| {
            let cell = |name| column(name).and_then(|column: usize| row[column].exact());
            json!({
                "pipeline_kind": cell("pipeline_kind"),
                "pipeline_id": cell("pipeline_id"),
                "pipeline_name": cell("pipeline_name"),
            })
        })
        .collect();
    json!({
        "unexplained": unexplained,
        "runs": coverage.present_runs,
        "runs_vanished": coverage.vanished_runs,
        "runs_suspected": coverage.suspected_runs,
        "items_quarantined": coverage.quarantined_items,
        "runs_unreadable": coverage.unreadable_runs,
        "api_count": api_count.count(),
        "api": api_count.to_string(),
        "first_whole_walk_at": coverage.first_whole_walk_at.map(|at| at.to_string()),
        "archived_since": coverage.archived_since.map(|at| at.to_string()),
        "gaps": coverage.gaps.iter().map(gap).collect::<Vec<_>>(),
        "pipelines_that_never_ran": never_ran,
        "days_without_complete_sync": days_without_sync.iter().map(|(first, last)| json!({
            "first": first.to_string(),
            "last": last.to_string(),
        })).collect::<Vec<_>>(),
    })
}
