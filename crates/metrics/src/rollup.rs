//! Rollups: one-minute and one-hour summaries of a closed day, so that long ranges stay cheap to read and can outlive
//! the raw points. Scalars keep count, sum, minimum, maximum and last of each bucket; distributions keep the merged
//! sketch, so percentiles over long ranges are as exact as over short ones.

use galgo_core::Sketch;
use galgo_query::kernel::ChunkStats;
use galgo_query::source::Grid;

use crate::codec::{self, CodecError, Effort, MAX_CHUNK_POINTS};
use crate::segment::EncodedChunk;

/// One resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// Length of a bucket in seconds; divides a day.
    pub seconds: u32,
    /// Kind of its segments in the manifest.
    pub kind: &'static str,
}

/// All resolutions, finest first.
pub const RESOLUTIONS: [Resolution; 2] =
    [Resolution { seconds: 60, kind: "rollup60" }, Resolution { seconds: 3600, kind: "rollup3600" }];

const VALUES_ROLLUP: u8 = 4;

/// The resolution of a kind of segment; `None` for raw points.
pub fn of_kind(kind: &str) -> Option<Resolution> {
    RESOLUTIONS.into_iter().find(|resolution| resolution.kind == kind)
}

/// The coarsest resolution whose buckets never straddle an edge of the grid.
pub fn for_grid(grid: &Grid) -> Option<Resolution> {
    let fits = |seconds: u32| {
        let seconds = i64::from(seconds);
        match grid {
            Grid::Uniform { start, step, .. } => start % seconds == 0 && step % seconds == 0,
            Grid::Edges(edges) => edges.iter().all(|edge| edge % seconds == 0),
        }
    };
    RESOLUTIONS.into_iter().rev().find(|resolution| fits(resolution.seconds))
}

/// Buckets of scalars, column by column.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Buckets {
    /// Starts of the buckets that hold points.
    pub starts: Vec<u32>,
    /// Count, sum, minimum, maximum and last of each.
    pub columns: [Vec<f64>; 5],
}

impl Buckets {
    /// Summarises points with ascending times.
    pub fn of(times: &[u32], values: &[f64], seconds: u32) -> Self {
        let mut buckets = Self::default();
        for (&time, &value) in times.iter().zip(values) {
            let start = time - time % seconds;
            if buckets.starts.last() != Some(&start) {
                buckets.starts.push(start);
                for (column, first) in buckets.columns.iter_mut().zip([0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY, 0.0])
                {
                    column.push(first);
                }
            }
            let at = buckets.starts.len() - 1;
            let [count, sum, min, max, last] = &mut buckets.columns;
            count[at] += 1.0;
            sum[at] += value;
            min[at] = min[at].min(value);
            max[at] = max[at].max(value);
            last[at] = value;
        }
        buckets
    }

    /// Encodes the buckets as chunks.
    pub fn chunks(&self) -> Result<Vec<EncodedChunk>, CodecError> {
        let mut chunks = Vec::new();
        for start in (0..self.starts.len()).step_by(MAX_CHUNK_POINTS) {
            let range = start..(start + MAX_CHUNK_POINTS).min(self.starts.len());
            // The chunk's own statistics are those of its sums, minima, maxima and lasts.
            let [_, sum, min, max, last] = &self.columns;
            let statistics = [
                sum[range.clone()].iter().sum(),
                min[range.clone()].iter().copied().fold(f64::INFINITY, f64::min),
                max[range.clone()].iter().copied().fold(f64::NEG_INFINITY, f64::max),
                last[range.end - 1],
            ];
            let mut chunk = EncodedChunk::spanning(&self.starts[range.clone()], statistics, Effort::Cold)?;
            chunk.values.push(VALUES_ROLLUP);
            for column in &self.columns {
                let mut blob = Vec::new();
                codec::encode_values(&column[range.clone()], Effort::Cold, &mut blob)?;
                chunk.values.extend_from_slice(&(blob.len() as u32).to_le_bytes());
                chunk.values.extend_from_slice(&blob);
            }
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// Decodes the values of a chunk with `count` buckets; `starts` are left as they are.
    pub fn decode_values(&mut self, blob: &[u8], count: usize) -> Result<(), CodecError> {
        let cut = || CodecError("rollup blob is cut".into());
        let (&codec, mut rest) = blob.split_first().ok_or_else(cut)?;
        if codec != VALUES_ROLLUP {
            return Err(CodecError(format!("unknown rollup codec {codec}")));
        }
        for column in &mut self.columns {
            let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let (body, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
            codec::decode_values(body, count, column)?;
            rest = tail;
        }
        Ok(())
    }

    /// The statistics of a bucket as the kernel takes them.
    pub fn stats(&self, at: usize, seconds: u32) -> ChunkStats {
        let start = i64::from(self.starts[at]);
        let [count, sum, min, max, last] = &self.columns;
        ChunkStats {
            first_time: start,
            last_time: start + i64::from(seconds) - 1,
            count: count[at] as u64,
            sum: sum[at],
            min: min[at],
            max: max[at],
            last: last[at],
        }
    }
}

/// Merges sketches with ascending times into buckets and encodes them as chunks.
pub fn sketch_chunks(times: &[u32], sketches: &[Sketch], seconds: u32) -> Result<Vec<EncodedChunk>, CodecError> {
    let (mut starts, mut merged): (Vec<u32>, Vec<Sketch>) = (Vec::new(), Vec::new());
    for (&time, sketch) in times.iter().zip(sketches) {
        let start = time - time % seconds;
        if starts.last() == Some(&start) {
            let at = merged.len() - 1;
            merged[at].merge(sketch);
        } else {
            starts.push(start);
            merged.push(sketch.clone());
        }
    }
    let ranges =
        (0..starts.len()).step_by(MAX_CHUNK_POINTS).map(|start| start..(start + MAX_CHUNK_POINTS).min(starts.len()));
    ranges.map(|range| EncodedChunk::of_sketches(&starts[range.clone()], &merged[range], Effort::Cold)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_summarise_and_come_back() {
        let times = [0, 10, 59, 60, 3601];
        let buckets = Buckets::of(&times, &[1.0, 5.0, 3.0, -1.0, 7.0], 60);
        assert_eq!(buckets.starts, [0, 60, 3600]);
        assert_eq!(buckets.columns[0], [3.0, 1.0, 1.0]);
        let chunks = buckets.chunks().unwrap();
        assert_eq!(chunks.len(), 1);
        let mut back = Buckets { starts: buckets.starts.clone(), ..Buckets::default() };
        back.decode_values(&chunks[0].values, 3).unwrap();
        assert_eq!(back, buckets);
        let stats = back.stats(0, 60);
        assert_eq!((stats.count, stats.sum, stats.min, stats.max, stats.last), (3, 9.0, 1.0, 5.0, 3.0));
        assert_eq!((stats.first_time, stats.last_time), (0, 59));
    }

    #[test]
    fn the_coarsest_fitting_resolution_is_chosen() {
        let uniform =
            |start, step| for_grid(&Grid::Uniform { start, step, len: 1 }).map(|resolution| resolution.seconds);
        assert_eq!(uniform(0, 3600), Some(3600));
        assert_eq!(uniform(7200, 14_400), Some(3600));
        assert_eq!(uniform(600, 300), Some(60));
        assert_eq!(uniform(0, 20), None);
        assert_eq!(for_grid(&Grid::Edges(vec![0, 86_400, 172_800])).map(|resolution| resolution.seconds), Some(3600));
    }
}
