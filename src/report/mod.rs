//! Reports: named questions, answered from the archive as tables of typed cells.

pub mod allocation;
pub mod cost;
pub mod coverage;
pub mod credits;
pub mod dimension;
pub mod duration;
pub mod group_by;
mod interner;
pub mod ledger;
pub mod overview;
pub mod period;
pub mod plan;
pub mod question;
pub mod reconcile;
pub mod restatements;
pub mod rows;
pub mod run_cost;
pub mod run_scan;
mod schedule;
pub mod scope;
pub mod table;

pub use dimension::Dimension;
pub use ledger::Ledger;
pub use period::Span;
pub use plan::Plan;
pub use run_cost::{CostComponent, CostedRun};
pub use scope::{DateBasis, Scope};
pub use table::{Cell, Table};
