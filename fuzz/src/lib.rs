//! The decoder, the snapshot and the page reader of runledger, compiled alone.
//!
//! The targets call nothing else, and instrumented SQLite, HTTP and command line take minutes to compile.

#![allow(dead_code, unused_imports, reason = "runledger uses the rest")]

#[path = "../../src/digest.rs"]
mod digest;
#[path = "../../src/excerpt.rs"]
mod excerpt;
#[path = "../../src/ignored_fields.rs"]
mod ignored_fields;
#[path = "../../src/api/page.rs"]
mod page;
#[path = "../../src/run/mod.rs"]
pub mod run;
#[path = "../../src/snapshot.rs"]
pub mod snapshot;

pub use page::Page;
