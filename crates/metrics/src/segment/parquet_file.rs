//! The Parquet side of a segment: one row per chunk, blobs stored plain and uncompressed (they are compressed already),
//! so that the place of each blob in the file follows from the page locations and blobs can be read without Parquet.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use galgo_core::MetricKind;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::index::{ChunkRef, IndexBuilder};
use super::writer::{EncodedChunk, SeriesInfo};
use crate::codec::{self, CodecError};

/// The columns of a segment. `tags` is a comma-separated list (a normalised tag holds no comma); kinds are 1 count,
/// 2 rate, 3 gauge, 4 distribution; times are UNIX seconds.
const SCHEMA: &str = "message galgo_metric_chunks {
    REQUIRED BYTE_ARRAY metric (UTF8);
    REQUIRED BYTE_ARRAY host (UTF8);
    REQUIRED BYTE_ARRAY tags (UTF8);
    REQUIRED INT32 kind;
    REQUIRED INT32 interval;
    REQUIRED INT64 first_time;
    REQUIRED INT64 last_time;
    REQUIRED INT32 points;
    REQUIRED DOUBLE sum;
    REQUIRED DOUBLE min;
    REQUIRED DOUBLE max;
    REQUIRED DOUBLE last;
    REQUIRED INT32 times_crc32c;
    REQUIRED INT32 values_crc32c;
    REQUIRED BYTE_ARRAY times;
    REQUIRED BYTE_ARRAY values;
}";

/// Positions of the blob columns in [`SCHEMA`].
const TIMES_COLUMN: usize = 14;
const VALUES_COLUMN: usize = 15;
/// Chunks between two checks of the page limits.
const WRITE_BATCH_ROWS: usize = 32;
const PAGE_ROWS: usize = 1024;
const BLOB_PAGE_BYTES: usize = 64 * 1024;

fn failed(error: parquet::errors::ParquetError) -> CodecError {
    CodecError(format!("parquet: {error}"))
}

/// Where the blobs of one chunk start in the file.
#[derive(Debug, Clone, Copy)]
pub struct BlobPlace {
    pub times: u64,
    pub values: u64,
}

/// Rows of the open row group, by column.
#[derive(Debug, Default)]
pub struct ChunkColumns {
    metric: ByteArray,
    host: ByteArray,
    tags: ByteArray,
    kind: i32,
    interval: i32,
    metrics: Vec<ByteArray>,
    hosts: Vec<ByteArray>,
    tag_lists: Vec<ByteArray>,
    kinds: Vec<i32>,
    intervals: Vec<i32>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    points: Vec<i32>,
    statistics: [Vec<f64>; 4],
    times_crcs: Vec<i32>,
    values_crcs: Vec<i32>,
    times: Vec<ByteArray>,
    values: Vec<ByteArray>,
}

impl ChunkColumns {
    pub(super) fn set_series(&mut self, series: &SeriesInfo<'_>) {
        self.metric = ByteArray::from(series.metric);
        self.host = ByteArray::from(series.host);
        self.tags = ByteArray::from(series.tags.join(",").into_bytes());
        self.kind = i32::from(series.kind.code());
        self.interval = i32::try_from(series.interval).unwrap_or(i32::MAX);
    }

    pub(super) fn push(&mut self, chunk: &EncodedChunk, times_crc: u32, values_crc: u32) {
        self.metrics.push(self.metric.clone());
        self.hosts.push(self.host.clone());
        self.tag_lists.push(self.tags.clone());
        self.kinds.push(self.kind);
        self.intervals.push(self.interval);
        self.firsts.push(i64::from(chunk.first));
        self.lasts.push(i64::from(chunk.last));
        self.points.push(i32::from(chunk.count));
        for (column, statistic) in self.statistics.iter_mut().zip(chunk.statistics) {
            column.push(statistic);
        }
        self.times_crcs.push(times_crc as i32);
        self.values_crcs.push(values_crc as i32);
        self.times.push(ByteArray::from(chunk.times.clone()));
        self.values.push(ByteArray::from(chunk.values.clone()));
    }

    pub(super) fn rows(&self) -> usize {
        self.points.len()
    }

    fn clear(&mut self) {
        let Self { metrics, hosts, tag_lists, times, values, .. } = self;
        [metrics, hosts, tag_lists, times, values].into_iter().for_each(Vec::clear);
        let Self { kinds, intervals, points, times_crcs, values_crcs, .. } = self;
        [kinds, intervals, points, times_crcs, values_crcs].into_iter().for_each(Vec::clear);
        self.firsts.clear();
        self.lasts.clear();
        self.statistics.iter_mut().for_each(Vec::clear);
    }
}

/// A Parquet file being written, row group by row group.
pub struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<Sink<W>>,
}

// The library gives back either the metadata or the writer; a sink that can be emptied yields both.
struct Sink<W>(Option<W>);

impl<W: Write> Sink<W> {
    fn open(&mut self) -> std::io::Result<&mut W> {
        self.0.as_mut().ok_or_else(|| std::io::Error::other("segment file is complete"))
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.open()?.flush()
    }
}

impl<W: Write + Send> ParquetFile<W> {
    pub fn new(out: W) -> Result<Self, CodecError> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(failed)?);
        let mut properties = WriterProperties::builder()
            .set_created_by("galgo metric segment 1".into())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_dictionary_enabled(true)
            .set_write_batch_size(WRITE_BATCH_ROWS)
            .set_data_page_row_count_limit(PAGE_ROWS);
        for blob in ["times", "values"] {
            let column = ColumnPath::from(blob);
            properties = properties
                .set_column_compression(column.clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_encoding(column.clone(), Encoding::PLAIN)
                .set_column_statistics_enabled(column.clone(), EnabledStatistics::None)
                .set_column_data_page_size_limit(column, BLOB_PAGE_BYTES);
        }
        for number in ["sum", "min", "max", "last", "times_crc32c", "values_crc32c"] {
            properties = properties.set_column_statistics_enabled(ColumnPath::from(number), EnabledStatistics::None);
        }
        let writer =
            SerializedFileWriter::new(Sink(Some(out)), schema, Arc::new(properties.build())).map_err(failed)?;
        Ok(Self { writer })
    }

    /// Writes the rows as one row group and clears them.
    pub fn write_row_group(&mut self, rows: &mut ChunkColumns) -> Result<(), CodecError> {
        let mut group = self.writer.next_row_group().map_err(failed)?;
        macro_rules! column {
            ($kind:ty, $values:expr) => {{
                let mut column = group
                    .next_column()
                    .map_err(failed)?
                    .ok_or_else(|| CodecError("parquet: too few columns".into()))?;
                column.typed::<$kind>().write_batch($values, None, None).map_err(failed)?;
                column.close().map_err(failed)?;
            }};
        }
        column!(ByteArrayType, &rows.metrics);
        column!(ByteArrayType, &rows.hosts);
        column!(ByteArrayType, &rows.tag_lists);
        column!(Int32Type, &rows.kinds);
        column!(Int32Type, &rows.intervals);
        column!(Int64Type, &rows.firsts);
        column!(Int64Type, &rows.lasts);
        column!(Int32Type, &rows.points);
        for statistic in &rows.statistics {
            column!(DoubleType, statistic);
        }
        column!(Int32Type, &rows.times_crcs);
        column!(Int32Type, &rows.values_crcs);
        column!(ByteArrayType, &rows.times);
        column!(ByteArrayType, &rows.values);
        group.close().map_err(failed)?;
        rows.clear();
        Ok(())
    }

    /// Completes the file and says where the blobs of each chunk start; `lengths` are those of all chunks in order.
    pub fn finish(mut self, lengths: &[(u32, u32)]) -> Result<(W, Vec<BlobPlace>), CodecError> {
        let metadata = self.writer.finish().map_err(failed)?;
        let data = self.writer.inner_mut().0.take().ok_or_else(|| CodecError("segment file is complete".into()))?;
        let times: Vec<u32> = lengths.iter().map(|&(times, _)| times).collect();
        let values: Vec<u32> = lengths.iter().map(|&(_, values)| values).collect();
        let times = blob_offsets(&metadata, TIMES_COLUMN, &times)?;
        let values = blob_offsets(&metadata, VALUES_COLUMN, &values)?;
        let places = times.into_iter().zip(values).map(|(times, values)| BlobPlace { times, values }).collect();
        Ok((data, places))
    }
}

// A plain, uncompressed page of required byte arrays ends with its values, each behind a 4-byte length. So the first
// value of a page starts at the page's end minus the lengths of all its values.
fn blob_offsets(
    metadata: &parquet::file::metadata::ParquetMetaData,
    column: usize,
    lengths: &[u32],
) -> Result<Vec<u64>, CodecError> {
    let damaged = || CodecError("parquet: page locations do not match the rows".into());
    let offset_index = metadata.offset_index().ok_or_else(|| CodecError("parquet: no offset index".into()))?;
    let mut offsets = Vec::with_capacity(lengths.len());
    let mut group_start = 0;
    for (group, pages) in offset_index.iter().enumerate() {
        let rows = metadata.row_group(group).num_rows() as usize;
        let pages = pages.get(column).ok_or_else(damaged)?.page_locations();
        for (position, page) in pages.iter().enumerate() {
            let first = group_start + page.first_row_index as usize;
            let end =
                pages.get(position + 1).map_or(group_start + rows, |next| group_start + next.first_row_index as usize);
            let page_lengths = lengths.get(first..end).ok_or_else(damaged)?;
            let payload: u64 = page_lengths.iter().map(|&length| 4 + u64::from(length)).sum();
            let page_end = page.offset as u64 + page.compressed_page_size as u64;
            let mut at = page_end.checked_sub(payload).ok_or_else(damaged)?;
            for &length in page_lengths {
                offsets.push(at + 4);
                at += 4 + u64::from(length);
            }
        }
        group_start += rows;
    }
    if offsets.len() == lengths.len() { Ok(offsets) } else { Err(damaged()) }
}

/// Makes the index anew from the Parquet file alone, for a segment whose index is lost or damaged.
pub fn rebuild_index(data: Bytes) -> Result<Vec<u8>, CodecError> {
    let reader = SerializedFileReader::new_with_options(
        data,
        parquet::file::serialized_reader::ReadOptionsBuilder::new().with_page_index().build(),
    )
    .map_err(failed)?;
    let mut builder = IndexBuilder::default();
    let mut chunks = Vec::new();
    let mut current: Option<(ByteArray, ByteArray, ByteArray, bool)> = None;
    for group in 0..reader.num_row_groups() {
        let rows = reader.metadata().row_group(group).num_rows().max(0) as usize;
        let group = reader.get_row_group(group).map_err(failed)?;
        let bytes = |column: usize| read_column::<ByteArrayType>(group.get_column_reader(column), rows);
        let ints = |column: usize| read_column::<Int32Type>(group.get_column_reader(column), rows);
        let longs = |column: usize| read_column::<Int64Type>(group.get_column_reader(column), rows);
        let (metrics, hosts, tags) = (bytes(0)?, bytes(1)?, bytes(2)?);
        let (kinds, intervals, firsts, lasts, counts) = (ints(3)?, ints(4)?, longs(5)?, longs(6)?, ints(7)?);
        let (times_crcs, values_crcs) = (ints(12)?, ints(13)?);
        let (times, values) = (bytes(TIMES_COLUMN)?, bytes(VALUES_COLUMN)?);
        for row in 0..rows {
            let kind = MetricKind::from_code(kinds[row] as u8)
                .ok_or_else(|| CodecError(format!("unknown kind {}", kinds[row])))?;
            let distribution = kind == MetricKind::Distribution;
            let key = (metrics[row].clone(), hosts[row].clone(), tags[row].clone(), distribution);
            if current.as_ref() != Some(&key) {
                let text = |bytes: &ByteArray| bytes.as_utf8().map(str::to_owned).map_err(failed);
                let tag_list = text(&tags[row])?;
                let tags: Vec<&str> = tag_list.split(',').filter(|tag| !tag.is_empty()).collect();
                let (metric, host) = (text(&metrics[row])?, text(&hosts[row])?);
                let interval = intervals[row].max(0) as u32;
                builder.series(&SeriesInfo { metric: &metric, host: &host, tags: &tags, kind, interval });
                current = Some(key);
            }
            builder.count_chunk();
            chunks.push(ChunkRef {
                first: firsts[row] as u32,
                last: lasts[row] as u32,
                count: counts[row] as u16,
                step: codec::peek_regular(times[row].data()).map(|(_, step)| step),
                times_offset: 0,
                times_len: times[row].len() as u32,
                times_crc: times_crcs[row] as u32,
                values_offset: 0,
                values_len: values[row].len() as u32,
                values_crc: values_crcs[row] as u32,
            });
        }
    }
    let times_lengths: Vec<u32> = chunks.iter().map(|chunk| chunk.times_len).collect();
    let values_lengths: Vec<u32> = chunks.iter().map(|chunk| chunk.values_len).collect();
    let times = blob_offsets(reader.metadata(), TIMES_COLUMN, &times_lengths)?;
    let values = blob_offsets(reader.metadata(), VALUES_COLUMN, &values_lengths)?;
    for ((chunk, times), values) in chunks.iter_mut().zip(times).zip(values) {
        chunk.times_offset = times;
        chunk.values_offset = values;
    }
    builder.finish(&chunks)
}

fn read_column<T: parquet::data_type::DataType>(
    reader: parquet::errors::Result<ColumnReader>,
    rows: usize,
) -> Result<Vec<T::T>, CodecError> {
    let mut reader = parquet::column::reader::get_typed_column_reader::<T>(reader.map_err(failed)?);
    let mut values = Vec::with_capacity(rows);
    while values.len() < rows {
        let (_, read, _) = reader.read_records(rows - values.len(), None, None, &mut values).map_err(failed)?;
        if read == 0 {
            return Err(CodecError(format!("parquet: column holds {} of {rows} rows", values.len())));
        }
    }
    Ok(values)
}
