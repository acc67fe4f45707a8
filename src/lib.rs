//! This is the library behind the `runledger` command: a ledger of every pipeline run of the Nekt data platform.
//!
//! Data flows one way, and a module uses only those above it:
//! [`api`] → [`run`] → [`snapshot`] → [`store`] → [`report`] → [`export`], carried by [`sync`] on the
//! way in and by [`commands`] from outside. [`sandbox`] is a look-alike of the API to try it all on.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod digest;
pub mod error;
pub mod guess;
pub mod replace;
pub mod secret;

pub mod api;
pub mod run;
pub mod snapshot;
pub mod store;

pub mod sync;

pub mod report;

pub mod export;

pub mod sandbox;

pub mod settings;

pub mod cli;

pub mod commands;
