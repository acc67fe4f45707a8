//! A minimal gzip encoder: uncompressed blocks, and a decompression bomb.

/// A gzip header without file name and time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// The size of [`Bomb::repeat`] after decompression.
pub const REPEAT_BYTES: u64 = 8 * LONGEST_MATCH;

/// The longest match in DEFLATE, in bytes.
const LONGEST_MATCH: u64 = 258;

/// Wraps the bytes in gzip without compression.
pub fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = HEADER.to_vec();
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    if blocks.peek().is_none() {
        gzip.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("chunks fit into 16 bits");
        gzip.push(u8::from(blocks.peek().is_none()));
        gzip.extend(length.to_le_bytes());
        gzip.extend((!length).to_le_bytes());
        gzip.extend(block);
    }
    gzip.extend(crc32(bytes).to_le_bytes());
    gzip.extend((bytes.len() as u32).to_le_bytes());
    gzip
}

/// Endless spaces: one literal space, then matches that repeat it.
pub struct Bomb {
    /// The header and the first space.
    pub start: Vec<u8>,
    /// To be sent after `start`, any number of times.
    pub repeat: Vec<u8>,
}

impl Bomb {
    pub fn new() -> Bomb {
        let mut bits = Bits::default();
        // Not the last block; fixed Huffman codes; a literal space, whose code is 0x30 + 0x20.
        bits.push(0b0, 1);
        bits.push(0b01, 2);
        bits.push_code(0x30 + 0x20, 8);
        // Eight matches take a whole number of bytes, so the same bytes repeat after `start`.
        let push_matches = |bits: &mut Bits| {
            for _ in 0..8 {
                // Length 258, distance 1.
                bits.push_code(0b1100_0101, 8);
                bits.push_code(0, 5);
            }
        };
        let whole = bits.bytes.len();
        push_matches(&mut bits);
        push_matches(&mut bits);
        let start = [HEADER.as_slice(), &bits.bytes[..whole + 13]].concat();
        let repeat = bits.bytes[whole + 13..whole + 26].to_vec();
        Bomb { start, repeat }
    }
}

/// A bit writer in DEFLATE's order: from the lowest bit of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// The bits of the incomplete last byte, and their number.
    rest: (u32, u32),
}

impl Bits {
    /// Appends a number, lowest bit first.
    fn push(&mut self, number: u32, width: u32) {
        self.rest.0 |= number << self.rest.1;
        self.rest.1 += width;
        while self.rest.1 >= 8 {
            self.bytes.push(self.rest.0.to_le_bytes()[0]);
            self.rest = (self.rest.0 >> 8, self.rest.1 - 8);
        }
    }

    /// Appends a Huffman code, highest bit first.
    fn push_code(&mut self, code: u32, width: u32) {
        self.push(code.reverse_bits() >> (32 - width), width);
    }
}

/// The CRC-32 at the end of a gzip file.
fn crc32(bytes: &[u8]) -> u32 {
    let mut checksum = u32::MAX;
    for byte in bytes {
        checksum ^= u32::from(*byte);
        for _ in 0..8 {
            let low = checksum & 1;
            checksum = (checksum >> 1) ^ (0xedb8_8320 * low);
        }
    }
    !checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_matches_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_bomb_is_small() {
        let bomb = Bomb::new();
        assert_eq!((bomb.repeat.len(), REPEAT_BYTES), (13, 2064));
        assert_eq!(bomb.start.len(), HEADER.len() + 14);
    }
}
