//! What the rules find now, for the HTML report: figures in place of messages.

use super::pipelines::is_disabled_soon;
use super::{Inputs, Purpose, Readings, Rule};
use crate::error::Result;
use crate::report::budget::BudgetState;
use crate::report::overview::{Attention, FailingPipelineNow, OverduePipeline};
use crate::report::schedule::punctuality::PipelinePunctuality;
use crate::run::Instant;

/// What the rules about pipelines and budgets find, if they are on.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn attention(mut inputs: Inputs<'_>) -> Result<Attention> {
    // The page has these figures for every run.
    inputs.options.off.extend([Rule::UnusualCost, Rule::UnusualDuration]);
    let readings = Readings::read(&inputs, Purpose::Rules)?;
    let options = &inputs.options;
    let mut attention = Attention::default();
    if options.is_on(Rule::Overdue) {
        let found = readings.punctuality.as_ref();
        attention.overdue = found.map(|found| found.overdue().filter_map(overdue).collect());
    }
    if options.is_on(Rule::Open) {
        let too_long = readings.open.iter().filter(|run| options.is_open_too_long(run));
        attention.open = Some(too_long.cloned().collect());
    }
    if options.is_on(Rule::Failing) || options.is_on(Rule::Disabling) {
        let found = readings.failing().filter_map(|(pipeline, chain)| {
            let left = readings.recovery.failures_left(chain);
            let left = left.filter(|left| options.is_on(Rule::Disabling) && is_disabled_soon(chain, *left));
            let is_found = left.is_some() || options.is_on(Rule::Failing) && options.fails_too_often(chain);
            is_found.then(|| FailingPipelineNow {
                pipeline: pipeline.clone(),
                failures: chain.failed_runs,
                since: chain.first_failure_at,
                left,
            })
        });
        attention.failing = Some(found.collect());
    }
    if options.is_on(Rule::Budget) && !inputs.budgets.is_empty() {
        let is_found = |state: &BudgetState| state.reached.or(state.forecast_reached).is_some();
        attention.budgets = Some(readings.budgets.into_iter().filter(is_found).collect());
    }
    Ok(attention)
}

fn overdue(pipeline: &PipelinePunctuality) -> Option<OverduePipeline> {
    Some(OverduePipeline {
        name: pipeline.name.clone(),
        id: pipeline.pipeline_id.clone(),
        kind: pipeline.kind.clone(),
        since: Instant::from_utc(pipeline.overdue_since?)?,
    })
}
