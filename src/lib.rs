//! This is the library behind the `runledger` command.

pub mod cli;
pub mod commands;
pub mod error;
pub mod export;
pub mod report;
pub mod run;
