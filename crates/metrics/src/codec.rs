//! How the points of one chunk become bytes: times, values and sketches (docs/formats/metric-segment.md).
//!
//! Each blob starts with one codec byte, so a faster codec may be used for hot segments and compaction may re-encode.
//! Decoding never trusts a length: the caller says how many points it expects (from the checksummed index).

use galgo_core::Sketch;
use galgo_core::sketch::Bin;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

/// Most points of one chunk. Sizes fall until about 1000 points and decoding a piece of a chunk costs all of it.
pub const MAX_CHUNK_POINTS: usize = 1500;

/// How much work an encoding is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// The chunk will be merged into a larger one soon.
    Hot,
    /// The chunk stays.
    Cold,
}

impl Effort {
    // Of a cold chunk, level 8 would save 0.4 % more bytes and take 1.6 times as long
    // (docs/decisions/0003-metric-segments.md).
    fn level(self) -> usize {
        match self {
            Self::Hot => 1,
            Self::Cold => 4,
        }
    }
}

/// Below this, raw values are smaller than pco's own header and tables.
const MIN_PCO_POINTS: usize = 12;

const TIMES_REGULAR: u8 = 0;
const TIMES_RAW: u8 = 1;
const TIMES_PCO: u8 = 2;
const VALUES_CONSTANT: u8 = 0;
const VALUES_RAW: u8 = 1;
const VALUES_PCO: u8 = 2;
const SKETCHES_ZSTD: u8 = 3;

/// A blob that cannot be decoded. The caller adds the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(pub String);

fn error(message: impl Into<String>) -> CodecError {
    CodecError(message.into())
}

/// The step of times that are evenly spaced; `Some(0)` for a single time.
pub fn regular_step(times: &[u32]) -> Option<u32> {
    match times {
        [] => None,
        [_] => Some(0),
        [first, second, rest @ ..] => {
            let step = second - first;
            let mut previous = *second;
            for &time in rest {
                if time - previous != step {
                    return None;
                }
                previous = time;
            }
            Some(step)
        }
    }
}

/// Appends the encoded times (strictly ascending, in seconds) to `out`.
pub fn encode_times(times: &[u32], effort: Effort, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let Some(&first) = times.first() else { return Err(error("no times to encode")) };
    if let Some(step) = regular_step(times) {
        out.push(TIMES_REGULAR);
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&step.to_le_bytes());
    } else if times.len() < MIN_PCO_POINTS {
        out.push(TIMES_RAW);
        times.iter().for_each(|time| out.extend_from_slice(&time.to_le_bytes()));
    } else {
        out.push(TIMES_PCO);
        // Naming the mode and the delta halves the size against pco's own choice at this chunk length.
        let config = ChunkConfig::default()
            .with_compression_level(effort.level())
            .with_mode_spec(ModeSpec::Classic)
            .with_delta_spec(DeltaSpec::TryConsecutive(1));
        pco_encode(times, &config, out)?;
    }
    Ok(())
}

/// Decodes `count` times into `out`, which is cleared first.
pub fn decode_times(blob: &[u8], count: usize, out: &mut Vec<u32>) -> Result<(), CodecError> {
    out.clear();
    let (&codec, body) = blob.split_first().ok_or_else(|| error("times blob is empty"))?;
    match codec {
        TIMES_REGULAR => {
            let [first, step] = words(body).ok_or_else(|| error("times blob is cut"))?;
            let last = u64::from(step) * (count.max(1) as u64 - 1) + u64::from(first);
            if last > u64::from(u32::MAX) {
                return Err(error(format!("times end beyond {}", u32::MAX)));
            }
            out.extend((0..count as u32).map(|index| first + index * step));
        }
        TIMES_RAW => {
            let (bytes, rest) = body.as_chunks::<4>();
            if bytes.len() != count || !rest.is_empty() {
                return Err(error(format!("times blob holds {} bytes for {count} points", body.len())));
            }
            out.extend(bytes.iter().map(|bytes| u32::from_le_bytes(*bytes)));
        }
        TIMES_PCO => pco_decode(body, count, out)?,
        other => return Err(error(format!("unknown times codec {other}"))),
    }
    Ok(())
}

/// The first time and step of a regularly spaced times blob; `None` for the other codecs.
pub fn peek_regular(blob: &[u8]) -> Option<(u32, u32)> {
    let (&codec, body) = blob.split_first()?;
    let [first, step] = words(body)?;
    (codec == TIMES_REGULAR).then_some((first, step))
}

fn words(body: &[u8]) -> Option<[u32; 2]> {
    let (words, rest) = body.as_chunks::<4>();
    match (words, rest) {
        ([first, step], []) => Some([u32::from_le_bytes(*first), u32::from_le_bytes(*step)]),
        _ => None,
    }
}

/// Appends the encoded values to `out`, bit-exact.
pub fn encode_values(values: &[f64], effort: Effort, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let Some(first) = values.first() else { return Err(error("no values to encode")) };
    let constant = values.iter().all(|value| value.to_bits() == first.to_bits());
    if constant {
        out.push(VALUES_CONSTANT);
        out.extend_from_slice(&first.to_le_bytes());
        return Ok(());
    }
    let start = out.len();
    if values.len() >= MIN_PCO_POINTS {
        out.push(VALUES_PCO);
        pco_encode(values, &ChunkConfig::default().with_compression_level(effort.level()), out)?;
        if out.len() - start <= 1 + values.len() * 8 {
            return Ok(());
        }
        out.truncate(start);
    }
    out.push(VALUES_RAW);
    values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    Ok(())
}

/// Decodes `count` values into `out`, which is cleared first.
pub fn decode_values(blob: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), CodecError> {
    out.clear();
    let (&codec, body) = blob.split_first().ok_or_else(|| error("values blob is empty"))?;
    match codec {
        VALUES_CONSTANT => {
            let bytes: [u8; 8] = body.try_into().map_err(|_| error("constant value is not 8 bytes"))?;
            out.resize(count, f64::from_le_bytes(bytes));
        }
        VALUES_RAW => {
            let (bytes, rest) = body.as_chunks::<8>();
            if bytes.len() != count || !rest.is_empty() {
                return Err(error(format!("values blob holds {} bytes for {count} points", body.len())));
            }
            out.extend(bytes.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        }
        VALUES_PCO => pco_decode(body, count, out)?,
        other => return Err(error(format!("unknown values codec {other}"))),
    }
    Ok(())
}

// One pco chunk with one page: format byte, chunk metadata, page. The count stands in the index.
fn pco_encode<T: pco::data_types::Number>(
    numbers: &[T],
    config: &ChunkConfig,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let failed = |failure: pco::errors::PcoError| error(format!("pco: {failure}"));
    let compressor = FileCompressor::default();
    compressor.write_header(&mut *out).map_err(failed)?;
    let mut chunk = compressor.chunk_compressor(numbers, config).map_err(failed)?;
    chunk.write_meta(&mut *out).map_err(failed)?;
    chunk.write_page(0, &mut *out).map_err(failed)?;
    Ok(())
}

fn pco_decode<T: pco::data_types::Number + Default>(
    body: &[u8],
    count: usize,
    out: &mut Vec<T>,
) -> Result<(), CodecError> {
    let failed = |failure: pco::errors::PcoError| error(format!("pco: {failure}"));
    if count > MAX_CHUNK_POINTS {
        return Err(error(format!("chunk of {count} points is longer than {MAX_CHUNK_POINTS}")));
    }
    let (decompressor, rest) = FileDecompressor::new(body).map_err(failed)?;
    let (mut chunk, rest) = decompressor.chunk_decompressor::<T, _>(rest).map_err(failed)?;
    let mut page = chunk.page_decompressor(rest, count).map_err(failed)?;
    out.resize(count, T::default());
    let progress = page.read(out).map_err(failed)?;
    if progress.n_processed != count {
        return Err(error(format!("pco chunk holds {} of {count} points", progress.n_processed)));
    }
    Ok(())
}

/// Appends the encoded sketches to `out`.
pub fn encode_sketches(sketches: &[Sketch], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut plain = Vec::new();
    for sketch in sketches {
        write_sketch(sketch, &mut plain);
    }
    out.push(SKETCHES_ZSTD);
    out.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    let packed = zstd::bulk::compress(&plain, 3).map_err(|failure| error(format!("zstd: {failure}")))?;
    out.extend_from_slice(&packed);
    Ok(())
}

/// Decodes `count` sketches.
pub fn decode_sketches(blob: &[u8], count: usize) -> Result<Vec<Sketch>, CodecError> {
    /// A chunk of full sketches is far below this; a larger length is damage.
    const MAX_PLAIN_BYTES: usize = 256 << 20;
    let cut = || error("sketches blob is cut");
    let (&codec, body) = blob.split_first().ok_or_else(cut)?;
    if codec != SKETCHES_ZSTD {
        return Err(error(format!("unknown sketches codec {codec}")));
    }
    let (length, packed) = body.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_PLAIN_BYTES {
        return Err(error(format!("sketches of {length} bytes are larger than {MAX_PLAIN_BYTES}")));
    }
    let plain = zstd::bulk::decompress(packed, length).map_err(|failure| error(format!("zstd: {failure}")))?;
    let mut rest = plain.as_slice();
    (0..count).map(|_| read_sketch(&mut rest)).collect()
}

/// Appends one sketch: count, sum, min, max, then keys as differences with their counts.
pub fn write_sketch(sketch: &Sketch, out: &mut Vec<u8>) {
    put_varint(sketch.count(), out);
    for statistic in [sketch.sum(), sketch.min().unwrap_or(0.0), sketch.max().unwrap_or(0.0)] {
        out.extend_from_slice(&statistic.to_le_bytes());
    }
    put_varint(sketch.bins().len() as u64, out);
    let mut previous = 0_i64;
    for bin in sketch.bins() {
        put_varint(zigzag(i64::from(bin.key) - previous), out);
        put_varint(bin.count, out);
        previous = i64::from(bin.key);
    }
}

/// Reads one sketch and moves `rest` behind it.
pub fn read_sketch(rest: &mut &[u8]) -> Result<Sketch, CodecError> {
    let cut = || error("sketch is cut");
    let count = take_varint(rest).ok_or_else(cut)?;
    let mut statistics = [0.0; 3];
    for statistic in &mut statistics {
        *statistic = f64::from_le_bytes(take_array(rest).ok_or_else(cut)?);
    }
    let bins = take_varint(rest).ok_or_else(cut)?;
    if bins > galgo_core::sketch::BIN_LIMIT as u64 {
        return Err(error(format!("sketch of {bins} bins")));
    }
    let mut previous = 0_i64;
    let mut read = Vec::with_capacity(bins as usize);
    for _ in 0..bins {
        let key = previous + unzigzag(take_varint(rest).ok_or_else(cut)?);
        previous = key;
        let key = i16::try_from(key).map_err(|_| error(format!("sketch key {key} is out of range")))?;
        read.push(Bin { key, count: take_varint(rest).ok_or_else(cut)? });
    }
    let [sum, min, max] = statistics;
    Ok(Sketch::from_parts(read, count, sum, min, max))
}

/// Appends an unsigned LEB128 number.
pub fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads an unsigned LEB128 number; `None` when it is cut or longer than 64 bits.
pub fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Reads `N` bytes.
pub fn take_array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

/// Maps small negative numbers to small unsigned ones.
pub fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times_back(times: &[u32]) -> Vec<u32> {
        let (mut blob, mut back) = (Vec::new(), Vec::new());
        encode_times(times, Effort::Cold, &mut blob).unwrap();
        decode_times(&blob, times.len(), &mut back).unwrap();
        back
    }

    #[test]
    fn regular_times_take_nine_bytes() {
        let times: Vec<u32> = (0..720).map(|index| 1_700_000_000 + index * 10).collect();
        let mut blob = Vec::new();
        encode_times(&times, Effort::Hot, &mut blob).unwrap();
        assert_eq!(blob.len(), 9);
        assert_eq!(peek_regular(&blob), Some((1_700_000_000, 10)));
        assert_eq!(times_back(&times), times);
    }

    #[test]
    fn special_values_are_bit_exact() {
        for values in [
            vec![f64::INFINITY; 3],
            vec![-0.0, 0.0, f64::MIN_POSITIVE, f64::MAX, 1e-310],
            (0..40).map(|n| f64::from(n) * 0.1).collect(),
        ] {
            let (mut blob, mut back) = (Vec::new(), Vec::new());
            encode_values(&values, Effort::Hot, &mut blob).unwrap();
            decode_values(&blob, values.len(), &mut back).unwrap();
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&back), bits(&values));
        }
    }

    proptest! {
        #[test]
        fn times_round_trip(start in 0..u32::MAX / 2, gaps in prop::collection::vec(1..200_u32, 0..MAX_CHUNK_POINTS)) {
            let mut times = vec![start];
            for gap in gaps.iter().take(MAX_CHUNK_POINTS - 1) { times.push(times[times.len() - 1] + gap); }
            prop_assert_eq!(times_back(&times), times);
        }

        #[test]
        fn values_round_trip(values in prop::collection::vec(any::<f64>().prop_filter("not NaN", |v| !v.is_nan()), 1..300)) {
            let (mut blob, mut back) = (Vec::new(), Vec::new());
            encode_values(&values, Effort::Hot, &mut blob).unwrap();
            decode_values(&blob, values.len(), &mut back).unwrap();
            prop_assert_eq!(back, values);
        }

        #[test]
        fn sketches_round_trip(lists in prop::collection::vec(prop::collection::vec(-1e9..1e9_f64, 0..40), 1..10)) {
            let sketches: Vec<Sketch> = lists.iter().map(|list| { let mut sketch = Sketch::new(); list.iter().for_each(|&v| sketch.insert(v, 3)); sketch }).collect();
            let mut blob = Vec::new();
            encode_sketches(&sketches, &mut blob).unwrap();
            prop_assert_eq!(decode_sketches(&blob, sketches.len()).unwrap(), sketches);
        }

        #[test]
        fn damaged_blobs_never_panic(mut blob in prop::collection::vec(any::<u8>(), 0..200), codec in 0..5_u8, count in 0..2000_usize) {
            if let Some(first) = blob.first_mut() { *first = codec; }
            let _ = decode_times(&blob, count, &mut Vec::new());
            let _ = decode_values(&blob, count, &mut Vec::new());
            let _ = decode_sketches(&blob, count);
        }
    }
}
