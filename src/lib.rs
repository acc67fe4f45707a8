//! This is the library behind the `runledger` command.

pub mod error;
pub mod run;
pub mod snapshot;
pub mod store;
