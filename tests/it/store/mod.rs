//! This is the test of the store.

mod migrations;
