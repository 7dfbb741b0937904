//! Writes a segment: series in order of (metric, host, tags), each with its chunks in order of time.

use std::io::Write;

use galgo_core::{MetricKind, Sketch};

use super::index::{ChunkRef, IndexBuilder};
use super::parquet_file::{BlobPlace, ChunkColumns, ParquetFile};
use crate::codec::{self, CodecError, Effort, MAX_CHUNK_POINTS};

/// The series that the following chunks belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesInfo<'a> {
    /// Normalised metric name.
    pub metric: &'a str,
    /// Host, empty for none.
    pub host: &'a str,
    /// Normalised tags, sorted.
    pub tags: &'a [&'a str],
    /// Kind of its newest point.
    pub kind: MetricKind,
    /// Seconds between submissions, 0 when unknown.
    pub interval: u32,
}

/// One encoded chunk with its statistics.
#[derive(Debug, Clone, Default)]
pub struct EncodedChunk {
    /// Time of the first point.
    pub first: u32,
    /// Time of the last point.
    pub last: u32,
    /// Number of points, at most [`MAX_CHUNK_POINTS`].
    pub count: u16,
    /// Sum, minimum, maximum and last value (of a distribution: over all its sketches; last is the last average).
    pub statistics: [f64; 4],
    /// Encoded times.
    pub times: Vec<u8>,
    /// Encoded values or sketches.
    pub values: Vec<u8>,
}

impl EncodedChunk {
    /// Encodes points; times are strictly ascending, at most [`MAX_CHUNK_POINTS`].
    pub fn of_points(times: &[u32], values: &[f64], effort: Effort) -> Result<Self, CodecError> {
        debug_assert_eq!(times.len(), values.len());
        let (mut sum, mut min, mut max) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
        for &value in values {
            sum += value;
            min = f64::min(min, value);
            max = f64::max(max, value);
        }
        let last = values.last().copied().unwrap_or(f64::NAN);
        let mut chunk = Self::spanning(times, [sum, min, max, last], effort)?;
        codec::encode_values(values, effort, &mut chunk.values)?;
        Ok(chunk)
    }

    /// Encodes sketches; times are strictly ascending, at most [`MAX_CHUNK_POINTS`].
    pub fn of_sketches(times: &[u32], sketches: &[Sketch], effort: Effort) -> Result<Self, CodecError> {
        debug_assert_eq!(times.len(), sketches.len());
        let sum = sketches.iter().map(Sketch::sum).sum();
        let min = sketches.iter().filter_map(Sketch::min).fold(f64::INFINITY, f64::min);
        let max = sketches.iter().filter_map(Sketch::max).fold(f64::NEG_INFINITY, f64::max);
        let last = sketches.last().and_then(Sketch::avg).unwrap_or(f64::NAN);
        let mut chunk = Self::spanning(times, [sum, min, max, last], effort)?;
        codec::encode_sketches(sketches, &mut chunk.values)?;
        Ok(chunk)
    }

    /// A chunk without values: they are appended by the caller.
    pub fn spanning(times: &[u32], statistics: [f64; 4], effort: Effort) -> Result<Self, CodecError> {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return Err(CodecError("chunk without points".into()));
        };
        if times.len() > MAX_CHUNK_POINTS {
            return Err(CodecError(format!("chunk of {} points is longer than {MAX_CHUNK_POINTS}", times.len())));
        }
        let mut chunk = Self { first, last, count: times.len() as u16, statistics, ..Self::default() };
        codec::encode_times(times, effort, &mut chunk.times)?;
        Ok(chunk)
    }
}

/// A complete segment, ready to be published.
#[derive(Debug)]
pub struct FinishedSegment<W> {
    /// What the Parquet file was written to.
    pub data: W,
    /// The index file.
    pub index: Vec<u8>,
    /// Number of chunks.
    pub rows: u64,
    /// Number of points.
    pub points: u64,
    /// Time of the first point.
    pub min_time: u32,
    /// Time of the last point.
    pub max_time: u32,
}

/// Writes one segment; holds one row group and the index in memory.
pub struct SegmentWriter<W: Write + Send> {
    parquet: ParquetFile<W>,
    index: IndexBuilder,
    pending: Vec<ChunkRef>,
    columns: ChunkColumns,
    points: u64,
    min_time: u32,
    max_time: u32,
}

/// Chunks of one row group: about 6 MB of blobs, which bounds what a writer and a reader hold.
const ROW_GROUP_ROWS: usize = 4096;

impl<W: Write + Send> SegmentWriter<W> {
    /// Starts a segment whose Parquet file goes to `out`.
    pub fn new(out: W) -> Result<Self, CodecError> {
        Ok(Self {
            parquet: ParquetFile::new(out)?,
            index: IndexBuilder::default(),
            pending: Vec::new(),
            columns: ChunkColumns::default(),
            points: 0,
            min_time: u32::MAX,
            max_time: 0,
        })
    }

    /// Starts the next series; it must come after the one before in order of (metric, distribution, host, tags).
    pub fn series(&mut self, series: &SeriesInfo<'_>) {
        self.columns.set_series(series);
        self.index.series(series);
    }

    /// Adds the next chunk of the series.
    pub fn chunk(&mut self, chunk: &EncodedChunk) -> Result<(), CodecError> {
        let (times_crc, values_crc) = (crc32c::crc32c(&chunk.times), crc32c::crc32c(&chunk.values));
        let step = codec::peek_regular(&chunk.times).map(|(_, step)| step);
        self.pending.push(ChunkRef {
            first: chunk.first,
            last: chunk.last,
            count: chunk.count,
            step,
            times_offset: 0,
            times_len: chunk.times.len() as u32,
            times_crc,
            values_offset: 0,
            values_len: chunk.values.len() as u32,
            values_crc,
        });
        self.index.count_chunk();
        self.columns.push(chunk, times_crc, values_crc);
        self.points += u64::from(chunk.count);
        self.min_time = self.min_time.min(chunk.first);
        self.max_time = self.max_time.max(chunk.last);
        if self.columns.rows() >= ROW_GROUP_ROWS {
            self.parquet.write_row_group(&mut self.columns)?;
        }
        Ok(())
    }

    /// Completes both files.
    pub fn finish(mut self) -> Result<FinishedSegment<W>, CodecError> {
        if self.columns.rows() > 0 {
            self.parquet.write_row_group(&mut self.columns)?;
        }
        let rows = self.pending.len() as u64;
        let lengths: Vec<(u32, u32)> = self.pending.iter().map(|chunk| (chunk.times_len, chunk.values_len)).collect();
        let (data, places) = self.parquet.finish(&lengths)?;
        for (chunk, BlobPlace { times, values }) in self.pending.iter_mut().zip(places) {
            chunk.times_offset = times;
            chunk.values_offset = values;
        }
        let index = self.index.finish(&self.pending)?;
        Ok(FinishedSegment { data, index, rows, points: self.points, min_time: self.min_time, max_time: self.max_time })
    }
}
