//! This is the test of everything that can go wrong between the API and the archive.
//!
//! What could be read is kept, and a healthy sync ends as if nothing had happened. The table in
//! `docs/reliability.md` names these tests.

mod item;
mod page;
mod retry;
mod transfer;

use crate::support::fault_scenario::RUNS;
use serde_json::Value;

/// What becomes of a page's JSON.
type Alteration = fn(&mut Value);

/// How many runs there are when something goes wrong.
const ALL: usize = RUNS[0] + RUNS[1];
