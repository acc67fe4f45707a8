//! The generated workspace of the sandbox.

mod schedule;
