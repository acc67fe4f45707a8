//! The figures of a statement that its check compares: runs, runs without a known cost, and costs.

use crate::report::change::ChangedGroup;
use crate::report::cost::CostTotals;
use crate::run::Usd;
use crate::run::money::nanos_of_number;
use serde::{Deserialize, Serialize};

/// The figures of one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// The runs.
    pub(super) runs: u64,
    /// The runs without a known cost among them.
    pub(super) runs_cost_unknown: u64,
    /// The known costs. `None`: none is known.
    pub(super) total_cost: Option<Usd>,
}

/// The figures of the month and of the month before, in the index. Amounts are exact decimals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexedFigures {
    total_cost_usd: Option<String>,
    against_total_cost_usd: Option<String>,
    change_usd: Option<String>,
    runs: u64,
    against_runs: u64,
    runs_cost_unknown: u64,
    against_runs_cost_unknown: u64,
}

impl Figures {
    /// Those of some runs.
    pub(super) fn of(costs: &CostTotals) -> Figures {
        Figures { runs: costs.runs, runs_cost_unknown: costs.runs_cost_unknown, total_cost: costs.total() }
    }

    /// Adds those of another statement or archive.
    pub(super) fn add(&mut self, other: Figures) {
        self.runs += other.runs;
        self.runs_cost_unknown += other.runs_cost_unknown;
        if let Some(cost) = other.total_cost {
            self.total_cost = Some(self.total_cost.unwrap_or_default() + cost);
        }
    }

    /// Each figure with its column, as text.
    pub(super) fn named(self) -> [(&'static str, String); 3] {
        [
            ("runs", self.runs.to_string()),
            ("runs_cost_unknown", self.runs_cost_unknown.to_string()),
            ("total_cost_usd", usd_text(self.total_cost)),
        ]
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Figures { runs, runs_cost_unknown, total_cost } = *self;
        write!(f, "{} USD, {runs} runs, {runs_cost_unknown} without a known cost", usd_text(total_cost))
    }
}

/// The amount with all decimals.
fn usd_text(usd: Option<Usd>) -> String {
    usd.map_or_else(|| "unknown".to_owned(), |usd| usd.to_string())
}

impl IndexedFigures {
    /// Those of the group in both months.
    pub(super) fn of(group: &ChangedGroup) -> IndexedFigures {
        let text = |usd: Option<Usd>| usd.map(|usd| usd.to_string());
        IndexedFigures {
            total_cost_usd: text(group.new.total()),
            against_total_cost_usd: text(group.old.total()),
            change_usd: text(group.effects.total()),
            runs: group.new.runs,
            against_runs: group.old.runs,
            runs_cost_unknown: group.new.runs_cost_unknown,
            against_runs_cost_unknown: group.old.runs_cost_unknown,
        }
    }

    /// Those of the month itself.
    pub(super) fn of_month(&self) -> Figures {
        Figures {
            runs: self.runs,
            runs_cost_unknown: self.runs_cost_unknown,
            total_cost: self.total_cost_usd.as_deref().and_then(usd),
        }
    }

    /// Those of the month before.
    pub(super) fn of_month_before(&self) -> Figures {
        Figures {
            runs: self.against_runs,
            runs_cost_unknown: self.against_runs_cost_unknown,
            total_cost: self.against_total_cost_usd.as_deref().and_then(usd),
        }
    }
}

/// The amount of an exact decimal. `None`: the text is none.
pub(super) fn usd(text: &str) -> Option<Usd> {
    nanos_of_number(text).map(Usd::from_units)
}
