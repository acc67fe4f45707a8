//! The store.

mod access;
mod archive_path;
mod migrations;
