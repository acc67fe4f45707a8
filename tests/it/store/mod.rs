//! The store.

mod access;
mod archive_path;
mod every_sqlite;
mod migrations;
mod user_objects;
