//! The store.

mod migrations;
