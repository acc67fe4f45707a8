//! What the commands share: archives, scopes, output, progress, and the runtime of requests.

pub mod archives;
pub mod notify;
pub mod output;
pub mod progress;
pub mod runtime;
pub mod scope;
pub mod terminal;
