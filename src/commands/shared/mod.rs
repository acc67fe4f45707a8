//! Code shared by several commands: output, progress, the async runtime, archives and scopes.

pub mod archives;
pub mod notify;
pub mod output;
pub mod progress;
pub mod runtime;
pub mod scope;
pub mod terminal;
