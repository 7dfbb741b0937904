//! Immutable metric segments: a Parquet file of chunks, which explains itself to any tool, and beside it an index by
//! which our own kernel finds and reads chunks without Parquet (docs/formats/metric-segment.md).

mod index;
mod parquet_file;
mod reader;
mod writer;

pub use index::{ChunkRef, SegmentIndex};
pub use parquet_file::rebuild_index;
pub use reader::{PieceReader, SegmentReader};
pub use writer::{EncodedChunk, FinishedSegment, SegmentWriter, SeriesInfo};

/// Name of the Parquet file within a segment.
pub const DATA_FILE: &str = "data";
/// Name of the index file within a segment.
pub const INDEX_FILE: &str = "index";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use galgo_core::MetricKind;

    // Enough chunks for several row groups and pages, of varied length.
    fn sample() -> (FinishedSegment<Vec<u8>>, Vec<Vec<f64>>) {
        sample_of(3000)
    }

    fn sample_of(count: u32) -> (FinishedSegment<Vec<u8>>, Vec<Vec<f64>>) {
        let mut writer = SegmentWriter::new(Vec::new()).unwrap();
        let mut all = Vec::new();
        for series in 0..count {
            let (metric, host) = (format!("m{:02}", series / 1000), format!("h{series:04}"));
            let tags = ["a:b".to_owned(), format!("n:{}", series % 7)];
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            writer.series(&SeriesInfo {
                metric: &metric,
                host: &host,
                tags: &tags,
                kind: MetricKind::Gauge,
                interval: 10,
            });
            for chunk in 0..3_u32 {
                let count = 1 + (series * 7 + chunk) % 40;
                let times: Vec<u32> = (0..count)
                    .map(|index| 1000 + chunk * 1000 + index * 10 + u32::from(series % 2 == 0 && index == 3))
                    .collect();
                let values: Vec<f64> = (0..count).map(|index| f64::from(series * index) / 7.0).collect();
                writer.chunk(&EncodedChunk::of_points(&times, &values, codec::Effort::Cold).unwrap()).unwrap();
                all.push(values);
            }
        }
        (writer.finish().unwrap(), all)
    }

    #[test]
    fn every_blob_lies_where_the_index_says() {
        let (segment, all) = sample();
        let index = SegmentIndex::decode(&segment.index).unwrap();
        assert_eq!(index.metric("m01"), Some(1000..2000));
        let mut expected = all.iter();
        let mut values = Vec::new();
        for series in 0..3000 {
            assert_eq!(index.host(series), format!("h{series:04}"));
            for chunk in index.chunks(series) {
                let blob = &segment.data[chunk.values_offset as usize..][..chunk.values_len as usize];
                assert_eq!(crc32c::crc32c(blob), chunk.values_crc);
                codec::decode_values(blob, usize::from(chunk.count), &mut values).unwrap();
                assert_eq!(Some(&values), expected.next());
                let times = &segment.data[chunk.times_offset as usize..][..chunk.times_len as usize];
                assert_eq!(crc32c::crc32c(times), chunk.times_crc);
            }
        }
        assert_eq!((segment.rows, segment.points), (9000, all.iter().map(Vec::len).sum::<usize>() as u64));
    }

    // The files of version 1 lie beside the tests for ever; `GALGO_UPDATE_GOLDEN=1` writes them, which only a new
    // version may do.
    #[test]
    fn segments_of_version_1_stay_readable() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let (data_path, index_path) = (folder.join("segment-v1.data"), folder.join("segment-v1.index"));
        let (made, all) = sample_of(40);
        if std::env::var_os("GALGO_UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&data_path, &made.data).unwrap();
            std::fs::write(&index_path, &made.index).unwrap();
        }
        let (data, index) = (std::fs::read(data_path).unwrap(), std::fs::read(index_path).unwrap());
        let index = SegmentIndex::decode(&index).unwrap();
        let mut values = Vec::new();
        let mut read = Vec::new();
        for series in 0..40 {
            assert_eq!(index.tags(series).collect::<Vec<_>>(), ["a:b".to_owned(), format!("n:{}", series % 7)]);
            for chunk in index.chunks(series) {
                let blob = &data[chunk.values_offset as usize..][..chunk.values_len as usize];
                codec::decode_values(blob, usize::from(chunk.count), &mut values).unwrap();
                read.push(values.clone());
            }
        }
        assert_eq!(read, all);
        SegmentIndex::decode(&rebuild_index(data.into()).unwrap()).unwrap();
    }

    #[test]
    fn the_index_follows_from_the_data_file() {
        let (segment, _) = sample();
        assert_eq!(rebuild_index(segment.data.into()).unwrap(), segment.index);
    }

    #[test]
    fn a_damaged_index_is_an_error() {
        let (segment, _) = sample();
        for position in (0..segment.index.len()).step_by(97) {
            let mut damaged = segment.index.clone();
            damaged[position] ^= 1;
            assert!(SegmentIndex::decode(&damaged).is_err(), "flip at {position}");
            assert!(SegmentIndex::decode(&segment.index[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn postings_answer_within_a_metric() {
        let (segment, _) = sample();
        let index = SegmentIndex::decode(&segment.index).unwrap();
        let range = index.metric("m01").unwrap();
        assert_eq!(index.with_tag(&range, "a:b").len(), 1000);
        assert_eq!(index.with_tag(&range, "n:0").iter().next(), Some(1001));
        assert_eq!(index.with_host(&range, "h1500").iter().collect::<Vec<_>>(), [1500]);
        assert_eq!(index.with_host(&range, "h0500").len(), 0);
        assert_eq!(index.with_tags_like(&range, &|tag| tag.starts_with("n:")).len(), 1000);
    }
}
