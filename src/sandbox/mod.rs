//! A mock of the Nekt API on 127.0.0.1, for the demo, the tests and for trying things out.
//!
//! The server ([`Sandbox`]) serves a [`Model`]: a workspace generated from a seed, which can change
//! between two requests. The mock shares no code with the modules that archive runs, so that a
//! mistake there cannot hide behind the same mistake here.

mod expand;
mod generator;
mod model;
mod paging;
mod server;

pub use crate::store::PipelineKind;
pub use generator::{Incident, SETTINGS_PREFIX, TOKEN_PREFIX};
pub use model::{Document, Model, Order, Outcome, Plan};
pub use server::{Call, Options, Sandbox};
