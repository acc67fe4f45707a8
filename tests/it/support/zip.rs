//! Parts of ZIP archives, such as spreadsheets.

use std::io::Read;

/// A part of a ZIP archive as text, found by its local header.
pub fn inflated(zip: &[u8], name: &str) -> String {
    let header = b"PK\x03\x04";
    let starts = (0..zip.len() - 30).filter(|at| zip[*at..].starts_with(header));
    for at in starts {
        let number =
            |offset: usize| usize::from(u16::from_le_bytes([zip[at + offset], zip[at + offset + 1]]));
        let (name_length, extra) = (number(26), number(28));
        if zip[at + 30..].starts_with(name.as_bytes()) && name_length == name.len() {
            let body = &zip[at + 30 + name_length + extra..];
            let mut text = String::new();
            flate2::read::DeflateDecoder::new(body).read_to_string(&mut text).unwrap();
            return text;
        }
    }
    panic!("{name} is not in the archive");
}
