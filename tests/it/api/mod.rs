//! Faults between the API and the archive.
//!
//! What could be read is kept, and the next healthy sync ends as if undisturbed. The table in
//! `docs/reliability.md` names these tests.

mod connect;
mod item;
mod page;
mod retry;
mod transfer;

use crate::support::fault_scenario::RUNS;
use serde_json::Value;

/// A change to a page's JSON.
type Alteration = fn(&mut Value);

/// The number of runs when the fault occurs.
const ALL: usize = RUNS[0] + RUNS[1];
