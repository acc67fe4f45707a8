//! A row as SQLite stores it: a header with the type of each value, then the values.

use rusqlite::types::Value;

/// The longest varint in bytes.
const LONGEST_VARINT: usize = 9;

/// The first serial type of blobs and texts: even numbers are blobs, odd ones are texts.
const FIRST_WITH_LENGTH: u64 = 12;

/// Reads a variable-length integer: seven bits a byte, the ninth byte whole. Returns it with its length in bytes.
/// `None`: the bytes end within it.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(LONGEST_VARINT).enumerate() {
        if place == LONGEST_VARINT - 1 {
            return Some((value << 8 | u64::from(*byte), LONGEST_VARINT));
        }
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((value, place + 1));
        }
    }
    None
}

/// The values of a record. `None`: the bytes are no record, because they do not fill it exactly or a text is not
/// UTF-8.
pub(super) fn decode(record: &[u8]) -> Option<Vec<Value>> {
    let (types, header_length) = serial_types(record)?;
    let mut body = record.get(header_length..)?;
    let mut values = Vec::with_capacity(types.len());
    for serial_type in types {
        let (own, rest) = body.split_at_checked(length_of(serial_type)?)?;
        values.push(value(serial_type, own)?);
        body = rest;
    }
    body.is_empty().then_some(values)
}

/// Whether a record of `length` bytes can begin with these bytes: its header is among them, and the lengths of its
/// values add up. It rejects nearly everything that is no record, without reading the values.
pub(super) fn can_begin(start: &[u8], length: usize) -> bool {
    let Some((types, header_length)) = serial_types(start) else { return false };
    let body = types.iter().try_fold(0_usize, |sum, serial_type| sum.checked_add(length_of(*serial_type)?));
    body.and_then(|body| body.checked_add(header_length)) == Some(length)
}

/// The types in the header of a record, and the header's length.
fn serial_types(record: &[u8]) -> Option<(Vec<u64>, usize)> {
    let (header_length, own_length) = varint(record)?;
    let header_length = usize::try_from(header_length).ok()?;
    let mut header = record.get(own_length..header_length)?;
    let mut types = Vec::new();
    while !header.is_empty() {
        let (serial_type, length) = varint(header)?;
        types.push(serial_type);
        header = &header[length..];
    }
    Some((types, header_length))
}

/// The length of a value in bytes. `None`: the type is reserved, or too long for any file.
fn length_of(serial_type: u64) -> Option<usize> {
    Some(match serial_type {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(serial_type).ok()?,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => usize::try_from((serial_type - FIRST_WITH_LENGTH) / 2).ok()?,
    })
}

fn value(serial_type: u64, bytes: &[u8]) -> Option<Value> {
    Some(match serial_type {
        0 => Value::Null,
        1..=6 => Value::Integer(integer(bytes)),
        7 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        _ if serial_type.is_multiple_of(2) => Value::Blob(bytes.to_vec()),
        _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
    })
}

/// A big-endian integer in two's complement.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |value, byte| value << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_gives_its_values() {
        let record = [6, 0, 1, 7, 15, 14, 0x80, 0x3F, 0xE0, 0, 0, 0, 0, 0, 0, b'x', 0xFF];
        let expected = [
            Value::Null,
            Value::Integer(-128),
            Value::Real(0.5),
            Value::Text("x".to_owned()),
            Value::Blob(vec![0xFF]),
        ];
        assert_eq!(decode(&record).unwrap(), expected);
        assert!(can_begin(&record[..6], record.len()));
        for length in 0..record.len() {
            assert_eq!(decode(&record[..length]), None);
        }
    }

    #[test]
    fn a_varint_has_up_to_nine_bytes() {
        assert_eq!(varint(&[0x81, 0x00, 0xFF]), Some((128, 2)));
        assert_eq!(varint(&[0xFF; 9]), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xFF; 8]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            length: usize,
        ) {
            decode(&bytes);
            can_begin(&bytes, length);
        }
    }
}
