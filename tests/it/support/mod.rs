//! Fixtures that several test modules share: workspaces, machines, hand-written ledgers, comparisons.

pub mod command;
pub mod document;
pub mod fault;
pub mod fault_proxy;
pub mod fault_scenario;
pub mod golden;
mod gzip;
pub mod invariants;
pub mod ledger;
pub mod machine;
pub mod month_end;
pub mod network;
pub mod own_process;
pub mod ping_server;
pub mod scheduled;
#[cfg(feature = "xlsx")]
pub mod sheet;
pub mod workspace;
#[cfg(feature = "xlsx")]
pub mod zip;
