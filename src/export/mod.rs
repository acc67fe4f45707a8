//! Exports: tables and row streams, written in a format to a destination.

pub(crate) mod column_totals;
mod conversion_guard;
pub mod csv;
pub(crate) mod datasette;
pub(crate) mod destination;
pub(crate) mod dialect;
pub(crate) mod focus;
mod formula_guard;
mod headings;
pub mod html;
pub mod json;
pub(crate) mod manifest;
pub mod markdown;
pub(crate) mod parquet;
mod sparkline;
pub(crate) mod subject;
pub mod terminal;
pub(crate) mod title;
pub(crate) mod verify;
mod write;
#[cfg_attr(
    not(feature = "xlsx"),
    allow(dead_code, reason = "only the feature gives spreadsheets their form")
)]
pub(crate) mod xlsx;

pub use conversion_guard::escape_for_spreadsheet;
pub(crate) use destination::reject_archive;
pub use destination::{Destination, WriteError};
pub use dialect::Dialect;
pub use headings::Headings;
pub(crate) use sparkline::add_trends;
pub(crate) use write::write_with;
pub use write::{Format, Sidecar, WriteOptions, write_documents, write_rows, write_table};
