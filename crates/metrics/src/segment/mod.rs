//! Immutable metric segments: a Parquet file of chunks, which explains itself to any tool, and beside it an index by
//! which our own kernel finds and reads chunks without Parquet (docs/formats/metric-segment.md).

mod index;
mod parquet_file;
mod reader;
mod writer;

pub use index::{ChunkRef, IndexError, SegmentIndex};
pub use parquet_file::{rebuild_index, ChunkColumns};
pub use reader::{PieceReader, SegmentReader};
pub use writer::{EncodedChunk, FinishedSegment, SegmentWriter, SeriesInfo};

/// Name of the Parquet file within a segment.
pub const DATA_FILE: &str = "data";
/// Name of the index file within a segment.
pub const INDEX_FILE: &str = "index";
