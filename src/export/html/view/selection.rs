//! What the filter can select besides a month: a kind, a cost center or a pipeline.

use super::ViewBuilder;
use super::pipelines::name_of;
use crate::report::overview::{KINDS, PipelineSummary};

/// A selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection<'o> {
    /// Every run.
    All,
    /// The kind with this index in [`KINDS`].
    Kind(usize),
    /// The cost center with this name.
    CostCenter(&'o str),
    /// The pipeline with this index in the overview.
    Pipeline(usize),
}

impl Selection<'_> {
    /// The select element of the filter. Empty: all runs.
    pub(super) fn filter(&self) -> &'static str {
        match self {
            Selection::All => "",
            Selection::Kind(_) => "kind",
            Selection::CostCenter(_) => "center",
            Selection::Pipeline(_) => "pipeline",
        }
    }

    /// Whether the selection includes a pipeline other than by its cost center.
    pub(super) fn includes(&self, pipeline: &PipelineSummary) -> bool {
        match self {
            Selection::Kind(kind) => pipeline.kind.as_deref() == KINDS[*kind],
            _ => true,
        }
    }
}

/// A selection with its figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selected<'o> {
    pub(super) selection: Selection<'o>,
    pub(super) summary: &'o PipelineSummary,
}

/// The value of a pipeline in the filter: `source:ID`.
pub(super) fn pipeline_key(kind: Option<&str>, id: Option<&str>) -> String {
    format!("{}:{}", kind.unwrap_or_default(), id.unwrap_or_default())
}

impl<'o> ViewBuilder<'o> {
    /// All runs, then each kind and cost center that has runs.
    pub(super) fn groups(&self) -> Vec<Selected<'o>> {
        let overview = self.overview;
        let mut groups = vec![Selected { selection: Selection::All, summary: &overview.all }];
        let kinds = overview.kinds.iter().enumerate().filter(|(_, summary)| summary.total.cost.runs > 0);
        groups.extend(kinds.map(|(kind, summary)| Selected { selection: Selection::Kind(kind), summary }));
        groups.extend(
            overview
                .cost_centers
                .iter()
                .map(|(name, summary)| Selected { selection: Selection::CostCenter(name), summary }),
        );
        groups
    }

    pub(super) fn pipeline(&self, index: usize) -> Selected<'o> {
        Selected { selection: Selection::Pipeline(index), summary: &self.overview.pipelines[index] }
    }

    /// The value of the selection in the URL fragment: `source:ID` for a pipeline.
    pub(super) fn selection_key(&self, selected: &Selected<'_>) -> String {
        match selected.selection {
            Selection::All => String::new(),
            Selection::Kind(kind) => KINDS[kind].unwrap_or("none").to_owned(),
            Selection::CostCenter(name) => name.to_owned(),
            Selection::Pipeline(_) => {
                pipeline_key(selected.summary.kind.as_deref(), selected.summary.id.as_deref())
            }
        }
    }

    /// The name of the selection in the filter.
    pub(super) fn selection_name(&self, selected: &Selected<'_>) -> String {
        match selected.selection {
            Selection::All => self.text("All"),
            Selection::Kind(kind) => self.text(super::KIND_LABELS[kind].1),
            Selection::CostCenter(name) => crate::export::html::label::single_line(name),
            Selection::Pipeline(_) => name_of(selected.summary, self.language()).name,
        }
    }
}
