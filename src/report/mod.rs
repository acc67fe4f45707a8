//! This is a report: a question with a name, answered from the archive as a table of typed cells.

pub mod booked;
pub mod centre;
pub mod cost;
pub mod costed;
pub mod credits;
pub mod dataset;
pub mod dimension;
pub mod duration;
pub mod groups;
mod labels;
pub mod ledger;
pub mod overview;
pub mod period;
pub mod plan;
pub mod question;
pub mod reconcile;
pub mod restated;
pub mod rows;
mod schedule;
pub mod scope;
pub mod table;

pub use costed::{CostedRun, Part};
pub use dimension::Dimension;
pub use ledger::Ledger;
pub use period::Span;
pub use plan::Plan;
pub use scope::{DateBasis, Scope};
pub use table::{Cell, Table};
