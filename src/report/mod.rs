//! This is a report: a question with a name, answered from the archive as a table of typed cells.

pub mod booked;
pub mod cost;
pub mod costed;
pub mod dimension;
pub mod duration;
pub mod groups;
mod labels;
pub mod period;
pub mod plan;
pub mod question;
pub mod rows;
pub mod table;

pub use costed::{CostedRun, Part};
pub use dimension::Dimension;
pub use period::Span;
pub use plan::Plan;
pub use table::{Cell, Table};
