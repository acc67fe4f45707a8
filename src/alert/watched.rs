//! What the rules find now, for the HTML report: figures in place of messages.

use super::pipelines::{failing_now, is_near_limit, is_repeated, open_too_long, recent_punctuality};
use super::{AlertOptions, Facts, Rule, budgets};
use crate::error::Result;
use crate::report::Scope;
use crate::report::budget::Budget;
use crate::report::overview::{FailingPipelineNow, OverduePipeline, Watched};
use crate::report::schedule::punctuality::PipelinePunctuality;
use crate::run::Instant;
use crate::store::Archive;

/// What the rules about pipelines and budgets find, if they are on. The scope has every run, as known now; `moment` is
/// the latest observation.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn watched(
    archive: &Archive,
    scope: &Scope,
    budgets: &[Budget],
    options: &AlertOptions,
    moment: Instant,
) -> Result<Watched> {
    let facts = Facts { archive, scope, budgets, options, now: moment, moment };
    let is_on = |rule: Rule| !options.off.contains(&rule);
    let mut watched = Watched::default();
    if is_on(Rule::Overdue) {
        let found = recent_punctuality(&facts)?;
        watched.overdue = found.map(|(_, found)| found.overdue().filter_map(overdue).collect());
    }
    if is_on(Rule::Open) {
        watched.open = Some(open_too_long(&facts)?);
    }
    if is_on(Rule::Failing) || is_on(Rule::Disabling) {
        let found = failing_now(&facts)?.into_iter().filter_map(|failing| {
            let left =
                failing.left.filter(|left| is_on(Rule::Disabling) && is_near_limit(failing.failures, *left));
            let is_found = left.is_some() || is_on(Rule::Failing) && is_repeated(&facts, &failing);
            is_found.then_some(FailingPipelineNow { left, ..failing })
        });
        watched.failing = Some(found.collect());
    }
    if is_on(Rule::Budget) && !facts.budgets.is_empty() {
        let mut states = budgets::this_month(&facts)?;
        states.retain(|state| state.reached.or(state.forecast_reached).is_some());
        watched.budgets = Some(states);
    }
    Ok(watched)
}

fn overdue(pipeline: &PipelinePunctuality) -> Option<OverduePipeline> {
    Some(OverduePipeline {
        name: pipeline.name.clone(),
        id: pipeline.pipeline_id.clone(),
        kind: pipeline.kind.clone(),
        since: Instant::from_utc(pipeline.overdue_since?)?,
    })
}
