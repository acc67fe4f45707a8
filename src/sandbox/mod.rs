//! This is a small, faithful look-alike of the Nekt API on loopback, for the demo, the tests and whoever wants to try.
//!
//! It has no part in archiving and takes nothing from the modules that do, so a mistake made
//! there cannot hide behind the same mistake made here. Behind the server stands a [`Model`]: a
//! list of runs that may change between two requests, all of it grown from one seed. Before the
//! server a [`Gateway`] can stand, where whatever can go wrong on the way does.

mod expand;
mod fault;
mod gateway;
mod generator;
mod gzip;
mod model;
mod paging;
mod server;

pub use crate::store::PipelineKind as Kind;
pub use fault::{Answer, Fault, FaultPlan, Which};
pub use gateway::Gateway;
pub use generator::TOKEN_PREFIX;
pub use model::{Document, Model, Order, Outcome, Plan};
pub use server::{API_KEY, Call, Options, Sandbox};
