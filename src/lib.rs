//! This is the library behind the `runledger` command.

pub mod api;
pub mod error;
pub mod run;
pub mod secret;
pub mod snapshot;
pub mod store;
pub mod sync;
