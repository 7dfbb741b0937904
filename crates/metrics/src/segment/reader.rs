//! Reads chunks of a segment by their place in the data file. Every blob is checked by its CRC32C before it is decoded.

use std::sync::Arc;

use bytes::Bytes;
use galgo_core::Sketch;
use galgo_store::{LocalFile, SegmentMeta};

use super::index::{ChunkRef, SegmentIndex};
use crate::codec;
use crate::rollup::Buckets;

/// An open segment: its entry in the catalogue, its data file and its index.
#[derive(Debug, Clone)]
pub struct SegmentReader {
    /// The catalogue's entry.
    pub meta: Arc<SegmentMeta>,
    /// The data file.
    pub data: Arc<LocalFile>,
    /// The index.
    pub index: Arc<SegmentIndex>,
}

/// How much is read at once when chunks lie side by side: a series rarely comes alone, and one larger read is cheaper
/// than many small ones.
const WINDOW_BYTES: usize = 32 * 1024;

/// Reads blobs of one column, mostly ascending, through a window.
#[derive(Debug, Default)]
struct Window {
    start: u64,
    bytes: Bytes,
    sequential: bool,
}

impl Window {
    fn read(&mut self, file: &LocalFile, offset: u64, length: usize) -> Result<Bytes, String> {
        let end = offset + length as u64;
        let window_end = self.start + self.bytes.len() as u64;
        if offset < self.start || end > window_end {
            // Read ahead only once reads have turned out to follow each other.
            let near = offset >= window_end && offset - window_end < WINDOW_BYTES as u64;
            let wanted = if near && self.sequential { length.max(WINDOW_BYTES) } else { length };
            self.sequential = near;
            let available = file.len().saturating_sub(offset);
            if (length as u64) > available {
                return Err(format!(
                    "{}: blob at {offset} of {length} bytes is beyond the end at {}",
                    file.path(),
                    file.len()
                ));
            }
            self.bytes = file.read_at(offset, wanted.min(available as usize)).map_err(|error| error.to_string())?;
            self.start = offset;
        }
        let from = (offset - self.start) as usize;
        Ok(self.bytes.slice(from..from + length))
    }
}

/// Reads the chunks of one segment for one query.
#[derive(Debug)]
pub struct PieceReader {
    /// The segment.
    pub segment: SegmentReader,
    times: Window,
    values: Window,
}

impl PieceReader {
    /// A reader without anything read.
    pub fn new(segment: SegmentReader) -> Self {
        Self { segment, times: Window::default(), values: Window::default() }
    }

    /// Decodes the values of a chunk of scalars.
    pub fn values(&mut self, chunk: &ChunkRef, out: &mut Vec<f64>) -> Result<(), String> {
        let blob = self.values_blob(chunk)?;
        codec::decode_values(&blob, usize::from(chunk.count), out).map_err(|error| self.name(chunk, &error.to_string()))
    }

    /// Decodes the buckets of a chunk of a rollup segment.
    pub fn buckets(&mut self, chunk: &ChunkRef, out: &mut Buckets) -> Result<(), String> {
        let mut starts = std::mem::take(&mut out.starts);
        self.times(chunk, &mut starts)?;
        out.starts = starts;
        let blob = self.values_blob(chunk)?;
        out.decode_values(&blob, usize::from(chunk.count)).map_err(|error| self.name(chunk, &error.to_string()))
    }

    /// Decodes the sketches of a chunk.
    pub fn sketches(&mut self, chunk: &ChunkRef) -> Result<Vec<Sketch>, String> {
        let blob = self.values_blob(chunk)?;
        codec::decode_sketches(&blob, usize::from(chunk.count)).map_err(|error| self.name(chunk, &error.to_string()))
    }

    /// Decodes the times of a chunk. Evenly spaced ones follow from the index.
    pub fn times(&mut self, chunk: &ChunkRef, out: &mut Vec<u32>) -> Result<(), String> {
        if let Some(step) = chunk.step {
            out.clear();
            out.extend(
                (0..u32::from(chunk.count)).map(|position| chunk.first.wrapping_add(position.wrapping_mul(step))),
            );
            return Ok(());
        }
        let blob = self.times.read(&self.segment.data, chunk.times_offset, chunk.times_len as usize)?;
        self.check(chunk, "times", &blob, chunk.times_crc)?;
        codec::decode_times(&blob, usize::from(chunk.count), out).map_err(|error| self.name(chunk, &error.to_string()))
    }

    /// The raw blobs of a chunk, for compaction that copies a chunk unchanged.
    pub fn blobs(&mut self, chunk: &ChunkRef) -> Result<(Bytes, Bytes), String> {
        let times = self.times.read(&self.segment.data, chunk.times_offset, chunk.times_len as usize)?;
        self.check(chunk, "times", &times, chunk.times_crc)?;
        Ok((times, self.values_blob(chunk)?))
    }

    fn values_blob(&mut self, chunk: &ChunkRef) -> Result<Bytes, String> {
        let blob = self.values.read(&self.segment.data, chunk.values_offset, chunk.values_len as usize)?;
        self.check(chunk, "values", &blob, chunk.values_crc)?;
        Ok(blob)
    }

    fn check(&self, chunk: &ChunkRef, what: &str, blob: &[u8], expected: u32) -> Result<(), String> {
        let crc = crc32c::crc32c(blob);
        if crc == expected {
            return Ok(());
        }
        Err(self.name(chunk, &format!("{what} crc32c {crc:#010x}, expected {expected:#010x}")))
    }

    fn name(&self, chunk: &ChunkRef, what: &str) -> String {
        let (id, path) = (self.segment.meta.id, self.segment.data.path());
        format!("segment {id}: {path}: chunk at {}: {what}", chunk.values_offset)
    }
}
