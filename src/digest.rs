//! SHA-256 of bytes and of streams, and hashes as text. `sha256sum` prints the same.

use ring::digest::{Context, Digest, SHA256};
use std::io::{self, Write};

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// SHA-256 of the bytes.
pub fn hash(bytes: &[u8]) -> Hash {
    as_hash(ring::digest::digest(&SHA256, bytes))
}

fn as_hash(digest: Digest) -> Hash {
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Bytes as lowercase hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    append_hex(bytes, &mut text);
    String::from_utf8(text).expect("hexadecimal digits are ASCII")
}

/// Appends bytes as lowercase hexadecimal digits.
pub(crate) fn append_hex(bytes: &[u8], text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let start = text.len();
    text.resize(start + 2 * bytes.len(), 0);
    for (pair, byte) in text[start..].chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// The hash in Base64 (RFC 4648, section 4), as a Content-Security-Policy lists it.
pub fn to_base64(hash: &Hash) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = hash.chunks(3).flat_map(|chunk| {
        let bits =
            chunk.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        let known = chunk.len() + 1;
        (0..4).map(move |place| if place < known { DIGITS[bits >> (18 - 6 * place) & 63] } else { b'=' })
    });
    digits.map(char::from).collect()
}

/// A writer that counts and hashes the bytes it passes on.
pub struct HashingWriter<W> {
    out: W,
    hasher: Context,
    bytes: u64,
}

impl<W> HashingWriter<W> {
    /// Wraps a writer.
    pub fn new(out: W) -> HashingWriter<W> {
        HashingWriter { out, hasher: Context::new(&SHA256), bytes: 0 }
    }

    /// The number of bytes written, and their SHA-256.
    pub fn finish(self) -> (u64, Hash) {
        (self.bytes, as_hash(self.hasher.finish()))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_the_hash_of_its_bytes() {
        let mut hashing = HashingWriter::new(Vec::new());
        for part in [&b"run"[..], b"", b"ledger"] {
            hashing.write_all(part).unwrap();
        }
        assert_eq!(hashing.finish(), (9, hash(b"runledger")));
    }

    #[test]
    fn base64_is_that_of_openssl() {
        assert_eq!(to_base64(&hash(b"")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn hexadecimal_is_that_of_sha256sum() {
        let text = to_hex(&hash(b""));
        assert_eq!(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
