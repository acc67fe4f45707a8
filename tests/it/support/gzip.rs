//! This is gzip made by hand: a file that says what it is told to, and one that swells.

/// The header of a gzip file without a name or a time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// How many bytes one turn of [`Bomb::turn`] unpacks to.
pub(super) const TURN_BYTES: u64 = 8 * LONGEST_MATCH;

/// The most bytes that one step of DEFLATE can repeat.
const LONGEST_MATCH: u64 = 258;

/// The bytes as gzip, without compression.
pub(super) fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut packed = HEADER.to_vec();
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    if blocks.peek().is_none() {
        packed.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("a chunk is no longer than asked");
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    packed.extend(crc32(bytes).to_le_bytes());
    packed.extend((bytes.len() as u32).to_le_bytes());
    packed
}

/// Spaces without an end: a literal one, and then the same again and again.
pub(super) struct Bomb {
    /// What comes first.
    pub(super) start: Vec<u8>,
    /// What follows, as often as wanted.
    pub(super) turn: Vec<u8>,
}

impl Bomb {
    pub(super) fn new() -> Bomb {
        let mut bits = Bits::default();
        // Not the last block; fixed codes; a literal space, whose code is 0x30 + 0x20.
        bits.push(0b0, 1);
        bits.push(0b01, 2);
        bits.push_code(0x30 + 0x20, 8);
        // Eight matches are a whole number of bytes: from where the start leaves off, the same bytes again.
        let repeat = |bits: &mut Bits| {
            for _ in 0..8 {
                // Length 258, distance 1.
                bits.push_code(0b1100_0101, 8);
                bits.push_code(0, 5);
            }
        };
        let whole = bits.bytes.len();
        repeat(&mut bits);
        repeat(&mut bits);
        let start = [HEADER.as_slice(), &bits.bytes[..whole + 13]].concat();
        let turn = bits.bytes[whole + 13..whole + 26].to_vec();
        Bomb { start, turn }
    }
}

/// Bits as DEFLATE packs them: from the lowest of each byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits not yet a byte, and how many.
    rest: (u32, u32),
}

impl Bits {
    /// A number, its lowest bit first.
    fn push(&mut self, number: u32, width: u32) {
        self.rest.0 |= number << self.rest.1;
        self.rest.1 += width;
        while self.rest.1 >= 8 {
            self.bytes.push(self.rest.0.to_le_bytes()[0]);
            self.rest = (self.rest.0 >> 8, self.rest.1 - 8);
        }
    }

    /// A Huffman code, its highest bit first.
    fn push_code(&mut self, code: u32, width: u32) {
        self.push(code.reverse_bits() >> (32 - width), width);
    }
}

/// The checksum at the end of a gzip file.
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
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn what_swells_is_small_itself() {
        let bomb = Bomb::new();
        assert_eq!((bomb.turn.len(), TURN_BYTES), (13, 2064));
        assert_eq!(bomb.start.len(), HEADER.len() + 14);
    }
}
