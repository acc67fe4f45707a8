//! This is SHA-256, which anyone can check with `sha256sum`: of bytes, and of what goes by on its way to a file.

use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// SHA-256 of something.
pub type Hash = [u8; 32];

/// SHA-256 of any bytes.
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash as `sha256sum` prints it.
pub fn in_hexadecimal(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash as a page's rules for its own scripts and styles spell it (RFC 4648, section 4).
pub fn in_base64(hash: &Hash) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = hash.chunks(3).flat_map(|chunk| {
        let bits =
            chunk.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        let known = chunk.len() + 1;
        (0..4).map(move |place| if place < known { DIGITS[bits >> (18 - 6 * place) & 63] } else { b'=' })
    });
    digits.map(char::from).collect()
}

/// A writer that counts and hashes what it hands on.
pub struct Hashing<W> {
    out: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> Hashing<W> {
    /// Counts and hashes from here on.
    pub fn new(out: W) -> Hashing<W> {
        Hashing { out, hasher: Sha256::new(), bytes: 0 }
    }

    /// How many bytes went by, and their SHA-256.
    pub fn finish(self) -> (u64, Hash) {
        (self.bytes, self.hasher.finalize().into())
    }
}

impl<W: Write> Write for Hashing<W> {
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
    fn what_goes_by_is_hashed_as_if_it_had_come_at_once() {
        let mut hashing = Hashing::new(Vec::new());
        for part in [&b"run"[..], b"", b"ledger"] {
            hashing.write_all(part).unwrap();
        }
        assert_eq!(hashing.finish(), (9, hash(b"runledger")));
    }

    #[test]
    fn a_hash_is_spelt_in_base64_as_openssl_spells_it() {
        let spelt = in_base64(&hash(b""));
        assert_eq!(spelt, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn a_hash_is_printed_as_sha256sum_prints_it() {
        let printed = in_hexadecimal(&hash(b""));
        assert_eq!(printed, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
