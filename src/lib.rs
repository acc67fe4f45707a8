//! This is the library behind the `runledger` command.
pub mod sandbox;
