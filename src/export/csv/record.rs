//! A writer of CSV records that quotes only fields that need it.
//!
//! It gives the bytes of the crate `csv`, whose writer searches the rest of a field for a quotation mark each time its
//! buffer is full: that is quadratic for a run with tens of megabytes of JSON.

use std::io::{self, Write};

/// The number of bytes that are collected before they are written.
const BUFFER_BYTES: usize = 16 * 1024;

/// A writer of records. Quotation marks in a field are doubled.
pub(super) struct RecordWriter<'o> {
    out: &'o mut dyn Write,
    separator: u8,
    line_end: &'static str,
    buffer: Vec<u8>,
    /// Whether the record has a field, and whether it has a byte.
    has_field: bool,
    has_bytes: bool,
    /// The number of records that have ended.
    records: u64,
}

impl<'o> RecordWriter<'o> {
    /// A writer of fields that `separator` separates, in records that end with `line_end`.
    pub(super) fn new(out: &'o mut dyn Write, separator: u8, line_end: &'static str) -> RecordWriter<'o> {
        RecordWriter {
            out,
            separator,
            line_end,
            buffer: Vec::new(),
            has_field: false,
            has_bytes: false,
            records: 0,
        }
    }

    /// Writes a whole record.
    pub(super) fn record<'f>(&mut self, fields: impl Iterator<Item = &'f str>) -> io::Result<()> {
        for field in fields {
            self.field(field.as_bytes())?;
        }
        self.end()
    }

    /// Writes the next field of the record.
    pub(super) fn field(&mut self, field: &[u8]) -> io::Result<()> {
        if self.has_field {
            self.buffer.push(self.separator);
        }
        self.has_bytes |= self.has_field || !field.is_empty();
        self.has_field = true;
        if !field.iter().any(|byte| matches!(byte, b'"' | b'\r' | b'\n') || *byte == self.separator) {
            return self.append(field);
        }
        self.buffer.push(b'"');
        for (nth, part) in field.split(|byte| *byte == b'"').enumerate() {
            if nth > 0 {
                self.buffer.extend_from_slice(b"\"\"");
            }
            self.append(part)?;
        }
        self.buffer.push(b'"');
        Ok(())
    }

    /// Ends the record. One that would be an empty line has a quoted empty field instead.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if !self.has_bytes {
            self.buffer.extend_from_slice(b"\"\"");
        }
        (self.has_field, self.has_bytes) = (false, false);
        self.records += 1;
        self.append(self.line_end.as_bytes())
    }

    /// The number of records so far, with the heading.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Writes what is left in the buffer.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.out.flush()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
            // A long field is not copied.
            if bytes.len() > BUFFER_BYTES {
                return self.out.write_all(bytes);
            }
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::csv::{Terminator, WriterBuilder};
    use proptest::prelude::*;

    fn written(records: &[Vec<String>], separator: u8, line_end: &'static str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = RecordWriter::new(&mut bytes, separator, line_end);
        for record in records {
            writer.record(record.iter().map(String::as_str)).unwrap();
        }
        writer.flush().unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_crate_csv(
            columns in 1..4_usize,
            fields in prop::collection::vec("[a\", ;\t\r\n=é]{0,6}", 0..24),
            long in 0..40_000_usize,
        ) {
            let mut fields = fields;
            fields.push(format!("{}\"{}", "x".repeat(long), ",".repeat(long / 2)));
            let records: Vec<Vec<String>> =
                fields.chunks(columns).filter(|record| record.len() == columns).map(<[String]>::to_vec).collect();
            for (separator, terminator, line_end) in
                [(b',', Terminator::Any(b'\n'), "\n"), (b';', Terminator::CRLF, "\r\n")]
            {
                let mut csv = WriterBuilder::new().delimiter(separator).terminator(terminator).from_writer(Vec::new());
                for record in &records {
                    csv.write_record(record).unwrap();
                }
                prop_assert_eq!(written(&records, separator, line_end), csv.into_inner().unwrap());
            }
        }
    }

    /// An output that counts the bytes and the calls.
    #[derive(Default)]
    struct Counter {
        bytes: usize,
        calls: usize,
    }

    impl Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.bytes += bytes.len();
            self.calls += 1;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_long_field_is_written_in_one_piece() {
        let mut out = Counter::default();
        let mut writer = RecordWriter::new(&mut out, b',', "\n");
        let field = format!("{},", "x".repeat(1_000_000));
        writer.field(field.as_bytes()).unwrap();
        writer.end().unwrap();
        writer.flush().unwrap();
        assert_eq!((out.bytes, out.calls), (1_000_004, 3));
    }
}
