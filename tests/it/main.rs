//! The integration tests, one binary. Modules mirror `src/`; shared fixtures are in `support`.

#![allow(clippy::disallowed_methods, reason = "tests read variables and pass them on")]

mod alert;
mod api;
mod cli;
mod close;
mod crash_safety;
mod docs;
mod export;
mod language;
mod maintenance;
mod metrics;
mod notify;
mod packaging;
mod report;
mod run;
#[cfg(feature = "sandbox")]
mod sandbox;
mod secrecy;
mod settings;
mod statements;
mod store;
mod support;
mod sync;
mod tidy;
#[cfg(feature = "xlsx")]
mod workbook;
mod workspace;
