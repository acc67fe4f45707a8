//! The library behind the `runledger` command: a ledger of every pipeline run of the Nekt data platform.
//!
//! Data flows in one direction: the API client reads pages, [`sync`] stores each state of a run in an
//! [`Archive`], and a [`Ledger`] answers from it as a [`Table`], which [`write_table`] prints in any format.
//! The names below are the whole public interface.
//!
//! - **Sync**: [`Client`] reads the API at a [`BaseUrl`] with an [`ApiKey`]. [`sync`] needs the [`Lock`] of the
//!   archive and a [`SyncContext`]: the client, a clock, a [`CancelToken`] and an [`Observer`].
//! - **Report**: a [`Scope`] selects the runs: a [`Span`] in a time zone, the [`DateBasis`] that books a run,
//!   and the moment of knowledge. [`Ledger::open`] applies it.
//! - **Close**: [`close_month`] freezes a month; [`restatements`] lists what changed later.
//! - **Export**: [`WriteOptions`] set the [`Format`], the [`Dialect`] and the [`Sidecar`]; a [`Destination`]
//!   receives the bytes atomically.
//!
//! ```
//! use runledger::{Archive, Dimension, Instant, Ledger, Lock, Scope, cost_report, cost_total};
//!
//! # fn main() -> runledger::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("runs.db");
//! let now = Instant::parse("2026-01-01T00:00:00Z").expect("a valid instant");
//! let archive = Archive::open(&path, &Lock::acquire(&path, now)?)?;
//! // runledger::sync(&archive, context, &options)? fills the archive.
//!
//! let ledger = Ledger::open(archive.connection(), Scope::default())?;
//! let table = cost_report(&ledger, &[Dimension::Pipeline])?;
//! assert!(table.columns.iter().any(|column| column == "total_cost_usd"));
//! // The cost of no runs is unknown, not zero.
//! assert_eq!(cost_total(&ledger)?.total(), None);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/archive_and_ask.rs` syncs, closes a month and reports, against the mock API:
//! `cargo run --example archive_and_ask`.
//!
//! Money is [`Usd`], whole nano-dollars. An unknown value is `None`, never zero. An [`Error`] has a sentence, a
//! cause, a hint and an exit code. Everything blocks except [`Client`] and the sandbox, which run on your tokio
//! runtime; [`sync`] takes its handle and must not be called from within it. Before version 1.0, any minor version
//! may change this interface; the CHANGELOG lists changes of the archive's schema, report names and exported
//! columns.

// Without these features, a few public items have no path to the outside.
#![cfg_attr(all(feature = "sandbox", feature = "xlsx"), warn(unreachable_pub))]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod escape;
mod excerpt;
mod paths;
mod wording;

mod file_system;
mod symlinks;
mod temporary_file;

mod access;
mod atomic_file;
mod digest;
mod error;
mod renamed;
mod secret;
mod suggest;

mod language;

mod cancel;

mod http;

mod api;
mod run;

mod ignored_fields;
mod pipeline_settings;

mod snapshot;
mod store;

mod sync;

mod probe;

mod report;

mod export;

mod close;

mod salvage;

mod workspace;

mod statements;

mod workbook;

mod notify;

#[cfg(feature = "sandbox")]
mod sandbox;

mod settings;

mod cli;

mod commands;

#[doc(hidden)]
pub mod internal;

pub use api::{BaseUrl, Client, ClientConfig, RetryPolicy};
pub use close::{ClosePreview, CloseRequest, Objection, close_month, preview_close};
pub use error::{Error, Result};
pub use export::verify::{FileCheck, compare as verify_file};
pub use export::{
    Destination, Dialect, Format, Headings, Sidecar, WriteOptions, write_documents, write_rows, write_table,
};
pub use language::Language;
pub use report::cost::{CostTotals, report as cost_report, total as cost_total};
pub use report::duration::report as duration_report;
pub use report::filter::RunFilter;
pub use report::fx::{Amount, Conversion, Currency, Fx, Policy, Rate, RateFile, Rates};
pub use report::last::Last;
pub use report::period::{Calendar, Period};
pub use report::restatements::{Restatement, restatements};
pub use report::rows::{
    RowStream, costs as cost_rows, documents as document_rows, runs as run_rows, snapshots as snapshot_rows,
};
pub use report::scope::{ScopeDefaults, ScopeRequest};
pub use report::{Cell, DateBasis, Dimension, Ledger, MetadataPath, Scope, Span, Table};
pub use run::{ChargeStatus, Instant, Run, Seconds, Status, Usd};
#[cfg(feature = "sandbox")]
pub use sandbox::{Model, Options as SandboxOptions, Plan as SandboxPlan, Sandbox};
pub use secret::ApiKey;
pub use store::{Archive, Close, CloseTotals, Frozen, Lock, SyncKind};
pub use sync::{
    CancelToken, Clock, Observer, Options as SyncOptions, Progress, Summary as SyncSummary, SyncContext,
    SystemClock, fetch, sync,
};
pub use workspace::{Workspace, open as open_workspaces};
