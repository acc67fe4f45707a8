//! This is the test of the exports: what is written parses back as what the archive holds, and is written whole.

mod destination;
mod focus;
mod formats;
mod html;
mod money;
mod parquet;
mod query;
mod rows;
