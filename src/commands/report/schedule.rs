//! `runledger report schedule`: which runs came when they were due, and which did not come.

use crate::cli::TableFormat;
use crate::commands::report::{ReportArgs, check};
use crate::commands::shared::archives::{combined_provenance, open_ledgers};
use crate::commands::shared::numbers::grouped_count;
use crate::commands::shared::output::print_table;
use crate::commands::shared::scope::print_default_booking;
use crate::error::{Error, Result};
use crate::export::manifest::Provenance;
use crate::export::terminal::{duration, local_minute};
use crate::report::filter::RunFilter;
use crate::report::last::Last;
use crate::report::schedule::punctuality::{PipelinePunctuality, Punctuality, Standing};
use crate::report::schedule::table;
use crate::report::scope::ScopeRequest;
use crate::report::{Ledger, Table};
use crate::run::{Instant, Seconds};
use crate::settings::Settings;
use crate::workspace::{Workspace, append_answers, ledgers, read_transactions};
use chrono::TimeDelta;

/// The name of the report.
pub(super) const NAME: &str = "schedule";

/// The newest part of the archive that the report is about without another period.
const DEFAULT_LAST: &str = "7d";

/// Refuses the arguments that do not apply.
///
/// # Errors
/// [`Error::Usage`] naming the first one.
pub(super) fn check(args: &ReportArgs) -> Result<()> {
    if !args.by.is_empty() {
        return Err(Error::Usage {
            what: format!("--by does not apply to the report {NAME}, which has a row for each pipeline"),
            hint: Some("--pipeline lists each due run of the pipelines that match".to_owned()),
        });
    }
    Ok(())
}

/// Runs the report.
///
/// # Errors
/// As [`open_ledgers`] and [`print_table`]; [`Error::Partial`] when `--check` is given and runs are overdue or missing.
pub(super) fn run(
    args: &ReportArgs,
    asked: &ScopeRequest,
    workspaces: &[Workspace],
    settings: &Settings,
) -> Result<()> {
    let has_span = asked.period.is_some() || asked.from.is_some() || asked.until.is_some();
    let last = match asked.last {
        None if !has_span => Some(Last::parse(DEFAULT_LAST)?),
        given => given,
    };
    let asked = ScopeRequest { last, ..asked.clone() };
    // One read transaction per archive, so that the report and its manifest show the same state.
    let _reading = read_transactions(workspaces)?;
    if !asked.filter.is_empty() {
        // This refuses a filter that matches nothing.
        drop(ledgers(workspaces, &asked)?);
    }
    // The events of a pipeline need the runs of its parents.
    let everything = ScopeRequest { filter: RunFilter::default(), ..asked.clone() };
    let ledgers = open_ledgers(workspaces, &everything)?;
    if args.table.format() == TableFormat::Csv {
        print_default_booking(ledgers[0].scope());
    }
    let mut answers = Vec::with_capacity(ledgers.len());
    for ledger in &ledgers {
        let answer = Punctuality::of(ledger, &asked.filter, args.grace);
        answers.push(answer.map_err(|error| ledger.with_archive_path(error))?);
    }
    let lists_due_runs = !asked.filter.pipeline.is_empty();
    let mut table = append_answers(&ledgers, |index, ledger| match &answers[index] {
        Some(answer) if lists_due_runs => table::due_runs(answer, ledger.connection()),
        Some(answer) => Ok(table::pipelines(answer)),
        None => Ok(Table { columns: Vec::new(), rows: Vec::new(), totals: None }),
    })?;
    let pipelines = table.rows.len();
    let ranking = args.ranking_of_list();
    match (lists_due_runs, args.table.format()) {
        (false, TableFormat::Table) => {
            table::rank_for_people(&mut table, &ranking, args.all_rows)?;
            table::label_totals(&mut table, &grouped_count(pipelines as u64, "pipeline"));
        }
        _ => ranking.apply(&mut table, &[])?,
    }
    let hidden = pipelines.saturating_sub(table.rows.len());
    let mut provenance = combined_provenance(&format!("report {NAME}"), workspaces, &ledgers)?;
    provenance.date_basis = None;
    provenance.filter = (!asked.filter.is_empty()).then(|| asked.filter.clone());
    provenance.notes.extend(notes(&ledgers, &answers));
    if lists_due_runs && hidden > 0 && args.limit.is_none() {
        provenance.notes.push(format!("{hidden} earlier ones: --all-rows shows all"));
    }
    let provenance = Provenance { limit: args.limit, ..provenance };
    print_table(&table, &args.table, settings, ledgers[0].scope().zone, provenance)?;
    let pipelines = || answers.iter().flatten().flat_map(|answer| &answer.pipelines);
    let count = |standing: Standing| pipelines().filter(|pipeline| pipeline.standing() == standing).count();
    let (overdue, missing) = (count(Standing::Overdue), count(Standing::Missing));
    check::require_none(
        args.check,
        &[("overdue pipelines", overdue), ("pipelines with missing runs", missing)],
    )
}

/// What people have to know about the answer: what can be missing, then what the words mean.
fn notes(ledgers: &[Ledger<'_>], answers: &[Option<Punctuality>]) -> Vec<String> {
    let mut notes = Vec::new();
    let pipelines = || answers.iter().flatten().flat_map(|answer| &answer.pipelines);
    for (ledger, answer) in ledgers.iter().zip(answers) {
        let Some(answer) = answer.as_ref().filter(|answer| answer.completeness.runs_may_be_absent) else {
            continue;
        };
        let of = match ledgers {
            [_] => String::new(),
            _ => format!(" of {}", ledger.workspace()),
        };
        let until = Instant::from_utc(answer.completeness.until).unwrap_or(Instant::MAX);
        let until = local_minute(until, ledger.scope().zone, ledger.scope().as_of);
        notes.push(format!(
            "Runs may be absent from the archive{of}: the last sync was not complete. Judged as of {until}"
        ));
    }
    let count = |of: fn(&Punctuality) -> u64| answers.iter().flatten().map(of).sum::<u64>();
    for (count, what) in [
        (count(|answer| answer.unscheduled), "without a schedule"),
        (count(|answer| answer.parents_unknown), "with events of unknown parents"),
        (count(|answer| answer.unreadable), "with an unreadable schedule"),
    ] {
        if count > 0 {
            notes.push(format!("Left out: {} {what}", grouped_count(count, "pipeline")));
        }
    }
    match count(|answer| answer.newly_unreadable) {
        0 => {}
        count => {
            let pipelines = grouped_count(count, "pipeline");
            notes.push(format!("Not known when next due: {pipelines} with an unreadable new schedule"));
        }
    }
    if let Some(grace) = span_of(pipelines().filter(|one| one.created_late() > 0)) {
        notes.push(format!("Late: created more than {grace} after its time"));
    }
    if let Some(grace) = span_of(pipelines().filter(|one| one.started_late() > 0)) {
        notes.push(format!("Late: started more than {grace} after its creation"));
    }
    if let Some(grace) = span_of(pipelines().filter(|one| one.overdue_since.is_some())) {
        notes.push(format!("Overdue: due more than {grace} ago, and no run since"));
    }
    if pipelines().any(|one| !one.failed_parents.is_empty()) {
        notes.push("Blocked: a parent failed, and the pipeline did not run".to_owned());
    }
    notes
}

/// The grace periods of the pipelines: `15 min`, or `10 min to 2 h 00 min`. `None`: there are no pipelines.
fn span_of<'p>(pipelines: impl Iterator<Item = &'p PipelinePunctuality>) -> Option<String> {
    let mut graces: Vec<TimeDelta> = pipelines.map(|pipeline| pipeline.grace).collect();
    graces.sort();
    let text = |grace: &TimeDelta| duration(Seconds::from_units(grace.num_milliseconds().into()));
    let (least, most) = (graces.first()?, graces.last()?);
    Some(if least == most { text(least) } else { format!("{} to {}", text(least), text(most)) })
}
