//! This is an export: tables and streams of rows, written in a format, to a place.

pub mod closed;
pub mod csv;
pub mod file;
pub mod focus;
pub mod json;
pub mod markdown;
pub mod terminal;
mod visible;

pub use file::{Destination, WriteError};
pub use visible::visible;

/// Appends the bytes in hexadecimal.
fn write_hex(bytes: &[u8], text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
