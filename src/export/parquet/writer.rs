//! The writer of a Parquet file: takes rows, writes typed columns, in row groups that fit into
//! memory.

use super::schema::Column;
use crate::error::{Error, Result};
use crate::export::WriteError;
use crate::report::rows::Value;
use crate::report::rows::dataset::DatasetTable;
use std::io::Write;

/// The content of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileStats {
    /// The number of rows.
    pub rows: u64,
    /// The number of amounts that are NULL because DECIMAL(18, 9) cannot represent them.
    pub amounts_too_large: u64,
}

/// Checks that this binary supports Parquet.
///
/// # Errors
/// [`Error::Usage`] when it was built without the feature `parquet`.
pub fn require_feature() -> Result<()> {
    if cfg!(feature = "parquet") {
        return Ok(());
    }
    Err(Error::Usage {
        what: "this runledger was built without Parquet".to_owned(),
        hint: Some(
            "build it with `cargo install --path . --features parquet`, or use `runledger export runs`"
                .to_owned(),
        ),
    })
}

/// A Parquet file that rows are written to.
#[cfg(not(feature = "parquet"))]
pub struct FileWriter<W>(std::marker::PhantomData<W>);

#[cfg(not(feature = "parquet"))]
impl<W: Write + Send> FileWriter<W> {
    /// Reports that the feature is missing.
    pub fn new(
        _out: W,
        _table: DatasetTable,
        _columns: &'static [Column],
    ) -> Result<FileWriter<W>, WriteError> {
        require_feature()?;
        Ok(FileWriter(std::marker::PhantomData))
    }

    /// Reports that the feature is missing.
    pub fn add<'v>(&mut self, _values: impl Iterator<Item = Value<'v>>) -> Result<(), WriteError> {
        Ok(require_feature()?)
    }

    /// Reports that the feature is missing.
    pub fn finish(self) -> Result<FileStats, WriteError> {
        require_feature()?;
        Ok(FileStats::default())
    }
}

#[cfg(feature = "parquet")]
pub use file_writer::FileWriter;

#[cfg(feature = "parquet")]
mod file_writer {
    use super::{Column, DatasetTable, FileStats, Value, Write, WriteError};
    use crate::error::Error;
    use crate::export::parquet::schema::{Type, sorted_by};
    use chrono::NaiveDate;
    use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
    use parquet::column::writer::ColumnWriterImpl;
    use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
    use parquet::errors::ParquetError;
    use parquet::file::metadata::SortingColumn;
    use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::types::{ColumnPath, Type as Node, TypePtr};
    use std::io;
    use std::sync::Arc;

    /// The maximum rows of a row group, and its maximum bytes of texts. A group is kept in memory
    /// until it is complete, and is the unit of parallel reading.
    const GROUP_ROWS: usize = 120_000;
    const GROUP_BYTES: usize = 64 << 20;

    /// The number of rows in a batch for a column writer.
    const BATCH_ROWS: usize = 4096;

    /// The maximum of DECIMAL(18, 9), in nano-dollars.
    const MAX_NANOS: i128 = 999_999_999_999_999_999;

    /// The compression level: files are a quarter smaller than at the fastest level, and writing is
    /// not slower than reading.
    const ZSTD_LEVEL: i32 = 3;

    /// The columns with a distinct value in each row, for which dictionary encoding only costs
    /// time.
    const DISTINCT: [&str; 4] = ["run_id", "content_hash", "snapshot_id", "booked_at"];

    /// A Parquet file that rows are written to.
    pub struct FileWriter<W: Write + Send> {
        writer: SerializedFileWriter<W>,
        columns: &'static [Column],
        group: Vec<ColumnBuffer>,
        group_rows: usize,
        group_bytes: usize,
        stats: FileStats,
    }

    /// One column of the current row group: the values that are not NULL, and for each row 1 for a
    /// value or 0 for NULL.
    struct ColumnBuffer {
        values: Values,
        levels: Vec<i16>,
    }

    enum Values {
        /// The concatenated texts, and the end of each.
        Texts(Vec<u8>, Vec<usize>),
        Wholes(Vec<i64>),
        Doubles(Vec<f64>),
        Flags(Vec<bool>),
    }

    impl<W: Write + Send> FileWriter<W> {
        /// Starts a file of the table with these columns.
        ///
        /// # Errors
        /// An I/O error of `out`.
        pub fn new(
            out: W,
            table: DatasetTable,
            columns: &'static [Column],
        ) -> Result<FileWriter<W>, WriteError> {
            let writer = SerializedFileWriter::new(out, schema(table, columns)?, properties(table, columns))
                .map_err(write_error)?;
            let group = columns.iter().map(ColumnBuffer::new).collect();
            Ok(FileWriter {
                writer,
                columns,
                group,
                group_rows: 0,
                group_bytes: 0,
                stats: FileStats::default(),
            })
        }

        /// Writes a row: one value per column, in order.
        ///
        /// # Errors
        /// An I/O error; [`Error::Internal`] for a value that does not have the type of its column.
        pub fn add<'v>(&mut self, values: impl Iterator<Item = Value<'v>>) -> Result<(), WriteError> {
            for ((column, buffer), value) in self.columns.iter().zip(&mut self.group).zip(values) {
                let pushed = buffer.push(column, value).ok_or_else(|| {
                    let what = format!(
                        "the column {} of the archive has an invalid value; `runledger check` finds its row",
                        column.name
                    );
                    Error::Internal(what)
                })?;
                match pushed {
                    Pushed::Bytes(bytes) => self.group_bytes += bytes,
                    Pushed::TooLarge => self.stats.amounts_too_large += 1,
                }
            }
            self.group_rows += 1;
            self.stats.rows += 1;
            if self.group_rows >= GROUP_ROWS || self.group_bytes >= GROUP_BYTES {
                self.write_group()?;
            }
            Ok(())
        }

        /// Writes the last row group and the footer.
        ///
        /// # Errors
        /// An I/O error.
        pub fn finish(mut self) -> Result<FileStats, WriteError> {
            if self.group_rows > 0 {
                self.write_group()?;
            }
            self.writer.close().map_err(write_error)?;
            Ok(self.stats)
        }

        fn write_group(&mut self) -> Result<(), WriteError> {
            let mut group = self.writer.next_row_group().map_err(write_error)?;
            for (column, buffer) in self.columns.iter().zip(&mut self.group) {
                let ColumnBuffer { values, levels } = std::mem::replace(buffer, ColumnBuffer::new(column));
                let levels = if column.required { None } else { Some(levels) };
                let levels = levels.as_deref();
                let result = match values {
                    Values::Wholes(values) => write::<Int64Type, _>(&mut group, &values, levels),
                    Values::Doubles(values) => write::<DoubleType, _>(&mut group, &values, levels),
                    Values::Flags(values) => write::<BoolType, _>(&mut group, &values, levels),
                    Values::Texts(bytes, ends) => {
                        let all = ByteArray::from(bytes);
                        let mut start = 0;
                        let texts: Vec<ByteArray> = ends
                            .into_iter()
                            .map(|end| {
                                let text = all.slice(start, end - start);
                                start = end;
                                text
                            })
                            .collect();
                        write::<ByteArrayType, _>(&mut group, &texts, levels)
                    }
                };
                result.map_err(write_error)?;
            }
            group.close().map_err(write_error)?;
            (self.group_rows, self.group_bytes) = (0, 0);
            Ok(())
        }
    }

    /// Writes a column of a row group. `levels` has 1 for each row with a value and 0 for NULL;
    /// `None`: every row has a value.
    fn write<T: DataType, W: Write + Send>(
        group: &mut SerializedRowGroupWriter<'_, W>,
        values: &[T::T],
        levels: Option<&[i16]>,
    ) -> Result<(), ParquetError> {
        let mut column =
            group.next_column()?.ok_or_else(|| ParquetError::General("no column is left".to_owned()))?;
        let writer: &mut ColumnWriterImpl<'_, T> = column.typed::<T>();
        match levels {
            None => {
                for values in values.chunks(BATCH_ROWS) {
                    writer.write_batch(values, None, None)?;
                }
            }
            Some(levels) => {
                let mut rest = values;
                for levels in levels.chunks(BATCH_ROWS) {
                    let known = levels.iter().filter(|level| **level == 1).count();
                    let (values, later) = rest.split_at(known);
                    writer.write_batch(values, Some(levels), None)?;
                    rest = later;
                }
            }
        }
        column.close()
    }

    /// The result of adding a value.
    enum Pushed {
        /// The value was added, with this many bytes of text.
        Bytes(usize),
        /// The value is an amount that its type cannot represent. NULL was added.
        TooLarge,
    }

    impl ColumnBuffer {
        fn new(column: &Column) -> ColumnBuffer {
            let values = match column.is {
                Type::Text | Type::Json | Type::Hex => Values::Texts(Vec::new(), Vec::new()),
                Type::Whole | Type::Usd | Type::Instant => Values::Wholes(Vec::new()),
                Type::Double => Values::Doubles(Vec::new()),
                Type::Flag => Values::Flags(Vec::new()),
            };
            ColumnBuffer { values, levels: Vec::new() }
        }

        /// Adds a value; `None`: it does not have the type of the column.
        fn push(&mut self, column: &Column, value: Value<'_>) -> Option<Pushed> {
            let mut pushed = Pushed::Bytes(0);
            let mut level = 1;
            match (&mut self.values, column.is, value) {
                (_, _, Value::Null) if !column.required => level = 0,
                (Values::Texts(bytes, ends), Type::Hex, Value::Blob(blob)) => {
                    crate::digest::append_hex(blob, bytes);
                    ends.push(bytes.len());
                    pushed = Pushed::Bytes(2 * blob.len());
                }
                (Values::Texts(bytes, ends), _, Value::Text(text) | Value::Json(text)) => {
                    std::str::from_utf8(text).ok()?;
                    bytes.extend_from_slice(text);
                    ends.push(bytes.len());
                    pushed = Pushed::Bytes(text.len());
                }
                (Values::Wholes(values), Type::Whole, Value::Integer(whole)) => values.push(whole),
                (Values::Wholes(values), Type::Instant, Value::Text(text)) => values.push(micros(text)?),
                (Values::Wholes(values), Type::Usd, value) => {
                    let nanos = match value {
                        Value::Integer(nanos) => i128::from(nanos),
                        Value::Usd(usd) => usd.units(),
                        // A sum beyond 9.2 billion USD, which SQL returns as a double.
                        Value::Real(_) => i128::MAX,
                        _ => return None,
                    };
                    if (-MAX_NANOS..=MAX_NANOS).contains(&nanos) {
                        values.push(i64::try_from(nanos).ok()?);
                    } else {
                        (level, pushed) = (0, Pushed::TooLarge);
                    }
                }
                (Values::Doubles(values), _, Value::Real(real)) => values.push(real),
                (Values::Doubles(values), _, Value::Integer(whole)) => values.push(whole as f64),
                (Values::Flags(values), _, Value::Integer(flag @ (0 | 1))) => values.push(flag == 1),
                _ => return None,
            }
            self.levels.push(level);
            Some(pushed)
        }
    }

    /// Parses an instant in the format of the archive to microseconds since 1970; `None`: it is
    /// invalid.
    fn micros(text: &[u8]) -> Option<i64> {
        let text: &[u8; 27] = text.try_into().ok()?;
        let number = |from: usize, digits: usize| {
            text[from..from + digits].iter().try_fold(0_i64, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
            })
        };
        let part = |from: usize| u32::try_from(number(from, 2)?).ok();
        let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, part(5)?, part(8)?)?;
        let seconds = date.and_hms_opt(part(11)?, part(14)?, part(17)?)?.and_utc().timestamp();
        Some(seconds * 1_000_000 + number(20, 6)?)
    }

    fn schema(table: DatasetTable, columns: &[Column]) -> Result<TypePtr, WriteError> {
        let fields = columns.iter().map(|column| {
            let (physical, logical) = match column.is {
                Type::Text | Type::Json | Type::Hex => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
                Type::Whole => (Physical::INT64, None),
                Type::Double => (Physical::DOUBLE, None),
                Type::Flag => (Physical::BOOLEAN, None),
                Type::Usd => (Physical::INT64, Some(LogicalType::decimal(9, 18))),
                Type::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            };
            let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
            let node = Node::primitive_type_builder(&column.name, physical)
                .with_repetition(repetition)
                .with_logical_type(logical);
            let node = if column.is == Type::Usd { node.with_precision(18).with_scale(9) } else { node };
            Ok(Arc::new(node.build().map_err(write_error)?))
        });
        let fields = fields.collect::<Result<Vec<_>, WriteError>>()?;
        let schema =
            Node::group_type_builder(table.name()).with_fields(fields).build().map_err(write_error)?;
        Ok(Arc::new(schema))
    }

    fn properties(table: DatasetTable, columns: &[Column]) -> WriterPropertiesPtr {
        let level = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
        let index = |name: &&str| columns.iter().position(|column| column.name == *name);
        let sorted = sorted_by(table).iter().filter_map(index).map(|index| SortingColumn {
            column_idx: i32::try_from(index).unwrap_or_default(),
            descending: false,
            nulls_first: false,
        });
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(None)
            .set_sorting_columns(Some(sorted.collect()));
        for column in columns.iter().filter(|column| DISTINCT.contains(&column.name.as_str())) {
            properties =
                properties.set_column_dictionary_enabled(ColumnPath::from(column.name.as_str()), false);
        }
        Arc::new(properties.build())
    }

    /// Converts an error of the Parquet writer, and unwraps the I/O error that usually caused it.
    fn write_error(error: ParquetError) -> WriteError {
        match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => WriteError::Io(*cause),
                Err(cause) => WriteError::Io(io::Error::other(cause)),
            },
            other => WriteError::Io(io::Error::other(other)),
        }
    }
}
