//! This is an export: tables and streams of rows, written in a format, to a place.

pub mod closed;
pub mod csv;
pub mod dataset;
pub mod datasette;
pub mod dialect;
pub mod file;
pub mod focus;
mod harmless;
pub mod json;
pub mod manifest;
pub mod markdown;
pub mod page;
mod pictures;
pub mod prometheus;
pub mod readback;
pub mod tally;
pub mod terminal;
mod visible;
pub mod writing;
pub mod xlsx;

pub use dialect::Dialect;
pub use file::{Destination, WriteError, spare_archives};
pub use harmless::harmless;
pub use pictures::pictured;
pub use visible::visible;
pub use writing::{Beside, Format, Writing, write_documents, write_made, write_rows, write_table};

/// Appends the bytes in hexadecimal.
fn write_hex(bytes: &[u8], text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
