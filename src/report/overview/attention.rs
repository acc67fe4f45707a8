//! What the monitoring reports find in an archive now, by the rules of the alerts.

use crate::report::budget::BudgetState;
use crate::report::open::OpenRun;
use crate::report::recovery::FailingPipeline;
use crate::run::Instant;

/// What needs attention now.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    /// The pipelines whose latest due run has not come. `None`: it is not known, or not asked.
    pub overdue: Option<Vec<OverduePipeline>>,
    /// The runs that have not ended and take far longer than usual. `None`: not asked.
    pub open: Option<Vec<OpenRun>>,
    /// The pipelines that fail again and again, or are about to be disabled for it. `None`: not asked.
    pub failing: Option<Vec<FailingPipelineNow>>,
    /// The budgets with a threshold that is spent or expected. `None`: there are no budgets.
    pub budgets: Option<Vec<BudgetState>>,
}

/// A pipeline whose latest due run has not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OverduePipeline {
    /// The name. `None`: not in the catalog.
    pub name: Option<String>,
    /// The id or slug in the runs.
    pub id: String,
    /// `source`, `destination` or `transformation`.
    pub kind: String,
    /// When the run was due.
    pub since: Instant,
}

/// A pipeline whose latest runs failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailingPipelineNow {
    /// The pipeline.
    pub pipeline: FailingPipeline,
    /// The failures since the last success.
    pub failures: u64,
    /// The first of them.
    pub since: Instant,
    /// The failures that remain until the pipeline is disabled. `None`: there is no limit.
    pub left: Option<u64>,
}
