//! This is what each command does, one file a command.

pub mod export;
pub mod query;
pub mod report;
mod span;
