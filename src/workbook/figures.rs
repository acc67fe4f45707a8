//! The figures of a month, all as of the same moment.

use crate::close::{Month, objections, totals};
use crate::digest::to_hex;
use crate::error::{Error, Result};
use crate::report::allocation::UNALLOCATED;
use crate::report::apportionment::in_cents;
use crate::report::change::{Change, ChangeRequest, ChangedGroup};
use crate::report::cost::CostTotals;
use crate::report::credits::{self, CreditsOptions};
use crate::report::group_by::{Group, groups_across};
use crate::report::outcomes::{Outcomes, outcomes};
use crate::report::period::{Calendar, Period};
use crate::report::question::Question;
use crate::report::ranking::Ranking;
use crate::report::restatements::{Restatement, latest_known_at, restatements};
use crate::report::scope::ScopeRequest;
use crate::report::{Dimension, Ledger, MonthTerms, Scope, ScopeTerms, Span, Table, fx};
use crate::run::{Instant, Usd};
use crate::store::{Archive, CloseTotals};
use crate::workspace::{Workspace, change};
use std::cmp::Reverse;
use std::collections::HashMap;

/// The months in the sheet of credits.
const CREDIT_MONTHS: i32 = 12;

/// What the pipelines are grouped by: a pipeline whose runs are in two cost centers has two rows.
const BY: [Dimension; 2] = [Dimension::Pipeline, Dimension::CostCenter];

/// The figures of a month.
pub(crate) struct MonthFigures {
    /// The scope of the month.
    pub(super) scope: Scope,
    /// Who the figures are about: the invoiced account, or the workspace.
    pub(super) account: String,
    /// The terms of the month.
    pub(super) terms: MonthTerms,
    /// Totals and the hash of the rows.
    pub(super) totals: CloseTotals,
    /// The cost of all runs.
    pub(super) cost: CostTotals,
    /// The comparison with the month before.
    pub(super) comparison: Comparison,
    /// The cost centers: the largest amount first, `unallocated` last.
    pub(super) centers: Vec<Center>,
    /// The cost centers in a second currency. `None`: there is none.
    pub(super) converted: Option<Converted>,
    /// The pipelines by cost center, the most expensive first.
    pub(super) pipelines: Vec<Pipeline>,
    /// Each day up to the last observation, with its label.
    pub(super) days: Vec<(String, CostTotals)>,
    /// The credits of the last months, as `report credits` gives them.
    pub(super) credits: Table,
    /// The labels of the months that were closed.
    pub(super) closed: Vec<String>,
    /// Changes of earlier closed months: month, then the largest first.
    pub(super) corrections: Vec<Correction>,
    /// Findings of the report `audit`.
    pub(super) findings: Table,
    /// What speaks against closing the month; for a closed month, what spoke against it.
    pub(super) objections: Vec<String>,
    /// Whether the month is over.
    pub(super) is_over: bool,
}

/// The comparison with the month before.
pub(super) enum Comparison {
    /// Both months.
    With(Box<Change>),
    /// Why there is none.
    None(String),
}

/// The cost of each center in a second currency.
pub(super) struct Converted {
    /// The end of the names of its columns: `brl`.
    pub(super) suffix: String,
    /// As `report cost --by cost-center` gives it.
    pub(super) table: Table,
}

/// A change of an earlier closed month.
pub(super) struct Correction {
    pub(super) period: String,
    pub(super) close_id: i64,
    /// By the rules of the close. `None`: the run was not in the archive then.
    pub(super) cost_center: Option<String>,
    pub(super) change: Restatement,
}

/// The costs of a cost center in this month and the one before.
pub(super) struct Center {
    pub(super) name: String,
    pub(super) now: CostTotals,
    pub(super) before: CostTotals,
    /// The amount in whole cents, so that all centers add up to the rounded total.
    pub(super) to_book: Option<Usd>,
}

/// The costs of a pipeline's runs in one cost center.
pub(super) struct Pipeline {
    /// Name, id, kind and cost center.
    pub(super) labels: Vec<Option<String>>,
    pub(super) cost: CostTotals,
    pub(super) outcomes: Outcomes,
}

impl Pipeline {
    fn id(&self) -> Option<&String> {
        self.labels.get(1).and_then(Option::as_ref)
    }
}

impl MonthFigures {
    /// Reads the figures. `request` names a month. Each connection has one ledger at a time, so none is open.
    ///
    /// # Errors
    /// [`Error::Usage`] when the request contradicts a closed month, or when the archive is empty. Those of SQLite.
    pub(crate) fn read(workspace: &Workspace, request: &ScopeRequest) -> Result<MonthFigures> {
        let archive = &workspace.archive;
        let scope = Scope::resolve(request, &workspace.defaults, archive)?;
        let label = scope.period.clone().unwrap_or_default();
        let Some(now) = archive.clock_at_last_observation(scope.as_of)? else {
            // The moment can be before the archive, which says when it began.
            drop(Ledger::open(archive.connection(), scope)?);
            return Err(Error::usage("the archive is empty: there is no month to export"));
        };
        let comparison = compare(workspace, &scope, request, Dimension::Pipeline)?;
        let by_center = compare(workspace, &scope, request, Dimension::CostCenter)?;
        let credits = recent_credits(workspace, &scope, now)?;
        let corrections = corrections(archive, &scope)?;
        let ledger = Ledger::open(archive.connection(), scope.clone())?.for_workspace(&workspace.name);
        let centers = match by_center {
            Comparison::With(change) => change.groups,
            Comparison::None(_) => {
                let groups =
                    groups_across::<CostTotals>(std::slice::from_ref(&ledger), &[Dimension::CostCenter])?;
                let alone = |group: Group<CostTotals>| ChangedGroup {
                    labels: group.labels,
                    new: group.aggregate,
                    ..ChangedGroup::default()
                };
                groups.groups.into_iter().map(alone).collect()
            }
        };
        let totals = totals(&ledger)?;
        let is_over = scope.span.until.is_none_or(|until| until <= now);
        let figures = MonthFigures {
            account: account(&scope, workspace),
            terms: scope.terms_of(&label),
            cost: crate::report::cost::total(&ledger)?,
            centers: in_cents_of(centers),
            pipelines: pipelines(&ledger)?,
            converted: converted(&ledger)?,
            days: days(&ledger, now)?,
            corrections,
            findings: Question::named("audit").map_or_else(
                || Err(Error::Internal("there is no report audit".to_owned())),
                |audit| audit.answer(&ledger, None),
            )?,
            objections: objections_to(archive, &ledger, now)?,
            closed: closed_months(archive, &scope)?,
            comparison,
            credits,
            totals,
            is_over,
            scope: scope.clone(),
        };
        Ok(figures)
    }

    /// The scope of the month.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The SHA-256 of the month's rows, in hexadecimal.
    pub(super) fn rows_sha256(&self) -> String {
        to_hex(&self.totals.rows_sha256)
    }

    /// The cost of the month before. `None`: not compared, or not known.
    pub(super) fn previous(&self) -> Option<Usd> {
        match &self.comparison {
            Comparison::With(change) => change.all.old.total(),
            Comparison::None(_) => None,
        }
    }

    /// The cost centers of a pipeline's runs in this month, by its id. Empty: it has no runs.
    pub(super) fn centers_of(&self, pipeline_id: Option<&String>) -> String {
        let of_pipeline = self.pipelines.iter().filter(|pipeline| pipeline.id() == pipeline_id);
        let mut names: Vec<&str> =
            of_pipeline.filter_map(|pipeline| pipeline.labels.last()?.as_deref()).collect();
        names.sort_unstable();
        names.join(", ")
    }

    /// The change from the month before. `None`: no cost is known in either.
    pub(super) fn change(&self) -> Option<Usd> {
        match &self.comparison {
            Comparison::With(change) => change.all.effects.total(),
            Comparison::None(_) => None,
        }
    }
}

/// The invoiced account, or the workspace.
fn account(scope: &Scope, workspace: &Workspace) -> String {
    let account = scope.terms_of(scope.period.as_deref().unwrap_or_default()).account;
    account.name().map_or_else(|| workspace.name.clone(), str::to_owned)
}

/// The comparison with the month before, in the scope of the month.
fn compare(
    workspace: &Workspace,
    scope: &Scope,
    request: &ScopeRequest,
    by: Dimension,
) -> Result<Comparison> {
    let request = match scope.close_id {
        Some(_) => request.clone(),
        // The same zone and date basis as every other sheet.
        None => ScopeRequest { zone: Some(scope.zone), date_basis: Some(scope.date), ..request.clone() },
    };
    let request = ChangeRequest { scope: request, by: vec![by], ..ChangeRequest::default() };
    match change(std::slice::from_ref(workspace), &request) {
        Ok(change) => Ok(Comparison::With(Box::new(change))),
        Err(Error::Usage { what, .. }) => Ok(Comparison::None(what)),
        Err(error) => Err(error),
    }
}

/// The cost centers with their amounts to book: the largest first, `unallocated` last.
fn in_cents_of(groups: Vec<ChangedGroup>) -> Vec<Center> {
    let center = |mut group: ChangedGroup| Center {
        name: group.labels.pop().flatten().unwrap_or_default(),
        now: group.new,
        before: group.old,
        to_book: None,
    };
    let mut centers: Vec<Center> = groups.into_iter().map(center).collect();
    centers.sort_by(|one, other| {
        let order = |center: &Center| (center.name == UNALLOCATED, Reverse(center.now.total()));
        order(one).cmp(&order(other)).then_with(|| one.name.cmp(&other.name))
    });
    let amounts: Vec<Option<Usd>> = centers.iter().map(|center| center.now.total()).collect();
    for (center, to_book) in centers.iter_mut().zip(in_cents(&amounts)) {
        center.to_book = to_book;
    }
    centers
}

fn converted(ledger: &Ledger<'_>) -> Result<Option<Converted>> {
    let ledgers = std::slice::from_ref(ledger);
    let Some(currency) = fx::shared_currency(ledgers)? else { return Ok(None) };
    let table = fx::ranked_across(ledgers, &[Dimension::CostCenter], &currency, &Ranking::default())?;
    Ok(Some(Converted { suffix: currency.suffix(), table }))
}

/// The pipelines by cost center with the outcomes of their runs, the most expensive first.
fn pipelines(ledger: &Ledger<'_>) -> Result<Vec<Pipeline>> {
    let costs = groups_across::<CostTotals>(std::slice::from_ref(ledger), &BY)?.groups;
    // Both group the same runs, so they have the same groups in the same order.
    let pairs = costs.into_iter().zip(outcomes(ledger, &BY)?.groups);
    let mut pipelines: Vec<Pipeline> = pairs
        .map(|(cost, outcomes)| Pipeline {
            labels: cost.labels,
            cost: cost.aggregate,
            outcomes: outcomes.aggregate,
        })
        .collect();
    pipelines.sort_by(|one, other| {
        let order = |pipeline: &Pipeline| Reverse(pipeline.cost.total());
        order(one).cmp(&order(other)).then_with(|| one.labels.cmp(&other.labels))
    });
    Ok(pipelines)
}

/// The cost of each day of the month that had begun at `now`, also of days without runs.
fn days(ledger: &Ledger<'_>, now: Instant) -> Result<Vec<(String, CostTotals)>> {
    let scope = ledger.scope();
    let groups =
        groups_across::<CostTotals>(std::slice::from_ref(ledger), &[Dimension::Period(Calendar::Day)])?;
    let mut known: HashMap<String, CostTotals> = groups
        .groups
        .into_iter()
        .filter_map(|mut group| Some((group.labels.pop()??, group.aggregate)))
        .collect();
    let (Some(from), Some(until)) = (scope.span.from, scope.span.until) else { return Ok(Vec::new()) };
    let mut days = Vec::new();
    let mut at = from;
    while at < until && (at <= now || !known.is_empty()) {
        let day = Period::around(at, Calendar::Day, scope.zone);
        days.push((day.label.clone(), known.remove(&day.label).unwrap_or_default()));
        match day.end {
            Some(end) => at = end,
            None => break,
        }
    }
    Ok(days)
}

/// The credits of the months up to this one, as known at the same moment. This month has its own terms, which a close
/// may have frozen; the months before have those of the settings.
fn recent_credits(workspace: &Workspace, scope: &Scope, now: Instant) -> Result<Table> {
    let mut first = scope.period.clone().unwrap_or_default();
    for _ in 1..CREDIT_MONTHS {
        match Period::label_before(&first) {
            Some(before) => first = before,
            None => break,
        }
    }
    let from = Period::named(&first, scope.zone).and_then(|period| period.start);
    let before = Scope {
        span: Span { from, until: scope.span.from },
        terms: ScopeTerms::Settings(workspace.defaults.terms.clone()),
        ..scope.clone()
    };
    let read = |scope: Scope| {
        let ledger = Ledger::open(workspace.archive.connection(), scope)?;
        credits::report(&ledger, &CreditsOptions::default(), now)
    };
    let mut months = read(before)?;
    months.rows.extend(read(scope.clone())?.rows);
    Ok(months)
}

/// The months that were closed at the moment of the scope.
fn closed_months(archive: &Archive, scope: &Scope) -> Result<Vec<String>> {
    let closes = latest_known_at(archive.closes()?, scope.as_of);
    Ok(closes.into_iter().map(|close| close.frozen.period).collect())
}

/// What became known of earlier closed months since the month before this one was closed; without such a close, since
/// each was closed.
fn corrections(archive: &Archive, scope: &Scope) -> Result<Vec<Correction>> {
    let label = scope.period.clone().unwrap_or_default();
    let closes = latest_known_at(archive.closes()?, scope.as_of);
    let before = Period::label_before(&label);
    let since = closes
        .iter()
        .find(|close| Some(&close.frozen.period) == before.as_ref())
        .map(|close| close.frozen.known_at);
    let mut corrections = Vec::new();
    for close in closes.into_iter().filter(|close| close.frozen.period < label) {
        let as_closed = Scope::of_close(&close)?;
        let mut changes = restatements(archive.connection(), &as_closed, scope.as_of)?;
        changes
            .retain(|change| change.difference.is_some() && since.is_none_or(|since| change.seen_at > since));
        if changes.is_empty() {
            continue;
        }
        let ledger = Ledger::open(archive.connection(), as_closed)?;
        for change in changes {
            corrections.push(Correction {
                period: close.frozen.period.clone(),
                close_id: close.close_id,
                cost_center: ledger.cost_center_of(&change.run_id)?,
                change,
            });
        }
    }
    corrections.sort_by_key(|Correction { period, change, .. }| {
        let size = change.difference.map_or(0, |usd| usd.units().unsigned_abs());
        (period.clone(), Reverse(size), change.seen_at, change.run_id.clone())
    });
    Ok(corrections)
}

/// The objections to closing the month now, or those that a close stored.
fn objections_to(archive: &Archive, ledger: &Ledger<'_>, now: Instant) -> Result<Vec<String>> {
    let scope = ledger.scope();
    let label = scope.period.as_deref().unwrap_or_default();
    if scope.close_id.is_some() {
        let stored = archive.close_of(label)?.and_then(|close| close.frozen.objections);
        return Ok(stored.and_then(|texts| serde_json::from_str(&texts).ok()).unwrap_or_default());
    }
    let (Some(starts_at), Some(ends_at)) = (scope.span.from, scope.span.until) else { return Ok(Vec::new()) };
    let objections = objections(archive, ledger, Month { label, starts_at, ends_at }, now)?;
    Ok(objections.iter().map(ToString::to_string).collect())
}
