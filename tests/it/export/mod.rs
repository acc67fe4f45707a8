//! Exports: files parse back to the archive's rows and are written atomically.

mod destination;
mod focus;
mod formats;
mod html;
mod money;
mod parquet;
mod query;
mod rows;
mod spreadsheet;
mod title;
mod two_levels;
#[cfg(feature = "xlsx")]
mod xlsx;
