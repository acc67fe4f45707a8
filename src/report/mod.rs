//! Reports: named questions, answered from the archive as tables of typed cells.

pub(crate) mod allocation;
pub(crate) mod allocation_check;
pub mod cost;
pub(crate) mod coverage;
pub(crate) mod credits;
pub(crate) mod dimension;
pub mod duration;
pub(crate) mod group_by;
mod interner;
pub(crate) mod ledger;
pub(crate) mod overview;
pub(crate) mod period;
pub(crate) mod plan;
pub(crate) mod question;
pub(crate) mod reconcile;
pub(crate) mod restatements;
pub mod rows;
pub mod run_cost;
pub mod run_scan;
mod schedule;
pub(crate) mod scope;
pub(crate) mod table;
mod user_views;

pub use dimension::Dimension;
pub use ledger::Ledger;
pub use period::Span;
pub use plan::Plan;
pub use run_cost::{CostComponent, CostedRun};
pub use scope::{DateBasis, Scope};
pub use table::{Cell, Table};
