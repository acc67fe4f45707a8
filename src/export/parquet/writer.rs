//! This is the writer of a Parquet file: rows in, typed columns out, in groups that fit into memory.

use super::schema::Column;
use crate::error::{Error, Result};
use crate::export::WriteError;
use crate::report::rows::Value;
use crate::report::rows::dataset::DatasetTable;
use std::io::Write;

/// What a file holds by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileStats {
    /// Rows.
    pub rows: u64,
    /// Amounts that DECIMAL(18, 9) cannot hold, and that are NULL therefore.
    pub amounts_too_large: u64,
}

/// Says that there is no Parquet in this program.
///
/// # Errors
/// [`Error::Usage`] in a program that was built without it.
pub fn available() -> Result<()> {
    if cfg!(feature = "parquet") {
        return Ok(());
    }
    Err(Error::Usage {
        what: "this runledger was built without Parquet".to_owned(),
        hint: Some(
            "build it with `cargo install --path . --features parquet`, or use export runs".to_owned(),
        ),
    })
}

/// A file that rows are written to.
#[cfg(not(feature = "parquet"))]
pub struct File<W>(std::marker::PhantomData<W>);

#[cfg(not(feature = "parquet"))]
impl<W: Write + Send> File<W> {
    /// Begins the file.
    pub fn begin(_out: W, _table: DatasetTable, _columns: &'static [Column]) -> Result<File<W>, WriteError> {
        available()?;
        Ok(File(std::marker::PhantomData))
    }

    /// Writes a row.
    pub fn add<'v>(&mut self, _values: impl Iterator<Item = Value<'v>>) -> Result<(), WriteError> {
        Ok(available()?)
    }

    /// Ends the file.
    pub fn finish(self) -> Result<FileStats, WriteError> {
        available()?;
        Ok(FileStats::default())
    }
}

#[cfg(feature = "parquet")]
pub use file::File;

#[cfg(feature = "parquet")]
mod file {
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

    /// A group of rows is written when it has so many, or so many bytes of texts: it is held in memory until then, and is
    /// what a reader takes at once.
    const GROUP_ROWS: usize = 120_000;
    const GROUP_BYTES: usize = 64 << 20;

    /// How many rows a column's writer is given at a time.
    const BATCH_ROWS: usize = 4096;

    /// What DECIMAL(18, 9) holds, in nano-dollars.
    const MOST_NANOS: i128 = 999_999_999_999_999_999;

    /// The compression: a quarter smaller than the fastest, and still as fast as rows come.
    const ZSTD_LEVEL: i32 = 3;

    /// The columns of which each value is another: a dictionary would only be in the way.
    const DISTINCT: [&str; 4] = ["run_id", "content_hash", "snapshot_id", "booked_at"];

    /// A file that rows are written to.
    pub struct File<W: Write + Send> {
        writer: SerializedFileWriter<W>,
        columns: &'static [Column],
        group: Vec<Filling>,
        group_rows: usize,
        group_bytes: usize,
        held: FileStats,
    }

    /// The values of one column in the group that is being filled: those that are not NULL, and for each row whether it is.
    struct Filling {
        values: Values,
        levels: Vec<i16>,
    }

    enum Values {
        /// All texts one after the other, and where each ends.
        Texts(Vec<u8>, Vec<usize>),
        Wholes(Vec<i64>),
        Doubles(Vec<f64>),
        Flags(Vec<bool>),
    }

    impl<W: Write + Send> File<W> {
        /// Begins the file of a table with these columns.
        ///
        /// # Errors
        /// What the place refuses.
        pub fn begin(out: W, table: DatasetTable, columns: &'static [Column]) -> Result<File<W>, WriteError> {
            let writer = SerializedFileWriter::new(out, schema(table, columns)?, properties(table, columns))
                .map_err(refused)?;
            let group = columns.iter().map(Filling::of).collect();
            Ok(File { writer, columns, group, group_rows: 0, group_bytes: 0, held: FileStats::default() })
        }

        /// Writes a row: a value a column, in their order.
        ///
        /// # Errors
        /// What the place refuses; [`Error::Internal`] for a value that is not what its column holds.
        pub fn add<'v>(&mut self, values: impl Iterator<Item = Value<'v>>) -> Result<(), WriteError> {
            for ((column, held), value) in self.columns.iter().zip(&mut self.group).zip(values) {
                let taken = held.take(column, value).ok_or_else(|| {
                    let what = format!(
                        "the archive's {} has a value that is none; `runledger check` tells which",
                        column.name
                    );
                    Error::Internal(what)
                })?;
                match taken {
                    Taken::Bytes(bytes) => self.group_bytes += bytes,
                    Taken::TooLarge => self.held.amounts_too_large += 1,
                }
            }
            self.group_rows += 1;
            self.held.rows += 1;
            if self.group_rows >= GROUP_ROWS || self.group_bytes >= GROUP_BYTES {
                self.write_group()?;
            }
            Ok(())
        }

        /// Writes what is left, and the end of the file.
        ///
        /// # Errors
        /// What the place refuses.
        pub fn finish(mut self) -> Result<FileStats, WriteError> {
            if self.group_rows > 0 {
                self.write_group()?;
            }
            self.writer.close().map_err(refused)?;
            Ok(self.held)
        }

        fn write_group(&mut self) -> Result<(), WriteError> {
            let mut group = self.writer.next_row_group().map_err(refused)?;
            for (column, held) in self.columns.iter().zip(&mut self.group) {
                let Filling { values, levels } = std::mem::replace(held, Filling::of(column));
                let levels = if column.required { None } else { Some(levels) };
                let levels = levels.as_deref();
                let written = match values {
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
                written.map_err(refused)?;
            }
            group.close().map_err(refused)?;
            (self.group_rows, self.group_bytes) = (0, 0);
            Ok(())
        }
    }

    /// Writes a column of a group. `levels`: 1 where a row has a value, and 0 where it is NULL; `None`: each has one.
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

    /// What became of a value.
    enum Taken {
        /// It is held, and takes so many bytes of text.
        Bytes(usize),
        /// It is an amount that its type cannot hold.
        TooLarge,
    }

    impl Filling {
        fn of(column: &Column) -> Filling {
            let values = match column.is {
                Type::Text | Type::Json | Type::Hex => Values::Texts(Vec::new(), Vec::new()),
                Type::Whole | Type::Usd | Type::Instant => Values::Wholes(Vec::new()),
                Type::Double => Values::Doubles(Vec::new()),
                Type::Flag => Values::Flags(Vec::new()),
            };
            Filling { values, levels: Vec::new() }
        }

        /// Takes a value in; `None`: it is not what the column holds.
        fn take(&mut self, column: &Column, value: Value<'_>) -> Option<Taken> {
            let mut taken = Taken::Bytes(0);
            let mut level = 1;
            match (&mut self.values, column.is, value) {
                (_, _, Value::Null) if !column.required => level = 0,
                (Values::Texts(bytes, ends), Type::Hex, Value::Blob(blob)) => {
                    crate::digest::append_hex(blob, bytes);
                    ends.push(bytes.len());
                    taken = Taken::Bytes(2 * blob.len());
                }
                (Values::Texts(bytes, ends), _, Value::Text(text) | Value::Json(text)) => {
                    std::str::from_utf8(text).ok()?;
                    bytes.extend_from_slice(text);
                    ends.push(bytes.len());
                    taken = Taken::Bytes(text.len());
                }
                (Values::Wholes(values), Type::Whole, Value::Integer(whole)) => values.push(whole),
                (Values::Wholes(values), Type::Instant, Value::Text(text)) => values.push(micros(text)?),
                (Values::Wholes(values), Type::Usd, value) => {
                    let nanos = match value {
                        Value::Integer(nanos) => i128::from(nanos),
                        Value::Usd(usd) => usd.units(),
                        // Two costs whose sum is beyond 9.2 billion USD: SQL has but a double for that.
                        Value::Real(_) => i128::MAX,
                        _ => return None,
                    };
                    if (-MOST_NANOS..=MOST_NANOS).contains(&nanos) {
                        values.push(i64::try_from(nanos).ok()?);
                    } else {
                        (level, taken) = (0, Taken::TooLarge);
                    }
                }
                (Values::Doubles(values), _, Value::Real(real)) => values.push(real),
                (Values::Doubles(values), _, Value::Integer(whole)) => values.push(whole as f64),
                (Values::Flags(values), _, Value::Integer(flag @ (0 | 1))) => values.push(flag == 1),
                _ => return None,
            }
            self.levels.push(level);
            Some(taken)
        }
    }

    /// The microseconds since 1970 of an instant as the archive stores it; `None`: it is none.
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
            Ok(Arc::new(node.build().map_err(refused)?))
        });
        let fields = fields.collect::<Result<Vec<_>, WriteError>>()?;
        let schema = Node::group_type_builder(table.name()).with_fields(fields).build().map_err(refused)?;
        Ok(Arc::new(schema))
    }

    fn properties(table: DatasetTable, columns: &[Column]) -> WriterPropertiesPtr {
        let level = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
        let place = |name: &&str| columns.iter().position(|column| column.name == *name);
        let sorted = sorted_by(table).iter().filter_map(place).map(|place| SortingColumn {
            column_idx: i32::try_from(place).unwrap_or_default(),
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

    /// What Parquet's writer says: mostly what the place said to it.
    fn refused(error: ParquetError) -> WriteError {
        match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => WriteError::Io(*cause),
                Err(cause) => WriteError::Io(io::Error::other(cause)),
            },
            other => WriteError::Io(io::Error::other(other)),
        }
    }
}
