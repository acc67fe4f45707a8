//! The store.

mod every_sqlite;
mod migrations;
mod user_objects;
