//! This is the library behind the `runledger` command.

pub mod error;
pub mod secret;

pub mod api;
pub mod run;
pub mod snapshot;
pub mod store;
pub mod sync;

pub mod sandbox;
