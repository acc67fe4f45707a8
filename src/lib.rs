//! This is the library behind the `runledger` command: a ledger of every pipeline run of the Nekt data platform.
//!
//! Data flows one way, and a module uses only those above it:
//! [`api`] → [`run`] → [`snapshot`] → [`store`] → [`report`] → [`export`], carried by [`sync`] on the
//! way in and by [`commands`] from outside. [`sandbox`] is a look-alike of the API to try it all on.
//!
//! # From Rust
//!
//! An archive is opened with the lock of its one writer, filled by [`sync::sync`], and asked through a
//! [`report::Ledger`]: the runs in one [`report::Scope`], which says what books them, in which zone, as known when. An
//! answer is a [`report::Table`] of typed cells, which [`export::write_table`] prints in any format.
//!
//! ```
//! use runledger::report::{Dimension, Ledger, Scope, cost};
//! use runledger::run::Instant;
//! use runledger::store::{Archive, Lock};
//!
//! # fn main() -> runledger::error::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("runs.db");
//! let now = Instant::parse("2026-01-01T00:00:00Z").expect("it is an instant");
//! let archive = Archive::open(&path, &Lock::acquire(&path, now)?)?;
//! // … runledger::sync::sync(&archive, …) …
//!
//! let ledger = Ledger::open(archive.connection(), Scope::default())?;
//! let table = cost::report(&ledger, &[Dimension::Pipeline])?;
//! assert!(table.columns.iter().any(|column| column == "total_cost_usd"));
//! // Of nothing the cost is not zero, but not known.
//! assert_eq!(cost::total(&ledger)?.total(), None);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/archive_and_ask.rs` goes the whole way, against the sandbox: `cargo run --example archive_and_ask`.
//!
//! Money is [`run::Usd`], whole nano-dollars; unknown is `None`, never zero; an error is a sentence with its cause, a hint
//! and an exit code ([`error::Error`]). Everything blocks but [`api`] and [`sandbox`], which run on a tokio runtime of yours;
//! [`sync::sync`] takes its handle and must not be called from within it. What is public here may change with any minor
//! version before 1.0; the archive's schema, the names of reports and the exported columns follow the CHANGELOG.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod atomic_file;
pub mod digest;
pub mod error;
pub mod escape;
pub mod renamed;
pub mod secret;
pub mod suggest;

pub mod http;

pub mod api;
pub mod run;
pub mod snapshot;
pub mod store;

pub mod sync;

pub mod report;

pub mod export;

pub mod close;

pub mod workspace;

pub mod notify;

#[cfg(feature = "sandbox")]
pub mod sandbox;

pub mod settings;

pub mod cli;

pub mod commands;
