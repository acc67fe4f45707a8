//! This is what the tests share: workspaces, machines, ledgers written by hand, and comparisons.

pub mod document;
pub mod fault_scenario;
pub mod golden;
pub mod invariants;
pub mod ledger;
pub mod machine;
pub mod month_end;
pub mod own_process;
pub mod ping_server;
pub mod workspace;
