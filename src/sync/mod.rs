//! This is the sync.

mod walk;
