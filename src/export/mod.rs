//! Exports: tables and row streams, written in a format to a destination.

pub mod column_totals;
pub mod csv;
pub mod datasette;
pub mod destination;
pub mod dialect;
pub mod focus;
mod formula_guard;
pub mod html;
pub mod json;
pub mod manifest;
pub mod markdown;
pub mod parquet;
mod sparkline;
pub mod terminal;
pub mod verify;
pub mod write;
pub mod xlsx;

pub use destination::{Destination, WriteError, reject_archive};
pub use dialect::Dialect;
pub use formula_guard::escape_formula;
pub use sparkline::with_charts;
pub use write::{Format, Sidecar, WriteOptions, write_documents, write_rows, write_table, write_with};
