//! Code shared by several commands: output, progress, the async runtime, signals, archives and scopes.

pub(super) mod allocation;
pub(super) mod archives;
pub(super) mod facts;
pub(super) mod lock_wait;
pub(super) mod month_marks;
pub(super) mod notify;
pub(super) mod numbers;
pub(super) mod outcome;
pub(super) mod output;
pub(super) mod progress;
pub(super) mod runtime;
pub(super) mod scope;
pub(super) mod signals;
pub(super) mod span;
pub(super) mod terminal;
pub(super) mod view;
