//! This is a run: one execution of a pipeline, as the API documents it and as the archive holds it.

pub mod instant;
pub mod money;

pub use instant::Instant;
pub use money::{Cost, Usd};
