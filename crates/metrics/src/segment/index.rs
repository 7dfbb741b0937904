//! The index beside a segment: dictionaries, series with their tags, and where each chunk lies. It is read whole when
//! first touched and kept within the bound of the index cache; postings (tag → series) are derived from it in memory.

use std::collections::HashMap;
use std::ops::Range;

use galgo_core::{KeyHash, MetricKind};
use roaring::RoaringBitmap;

use super::writer::SeriesInfo;
use crate::codec::{CodecError, put_varint, take_varint};

/// Why an index cannot be read. The caller adds the file.
pub type IndexError = CodecError;

const MAGIC: &[u8; 4] = b"GMI1";
/// No index section is larger; a length above it is damage.
const MAX_SECTION_BYTES: usize = 1 << 30;

fn damaged(what: &str) -> IndexError {
    CodecError(format!("index: {what}"))
}

/// Where one chunk lies and what it spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// Time of the first point, in seconds.
    pub first: u32,
    /// Time of the last point.
    pub last: u32,
    /// Number of points.
    pub count: u16,
    /// Seconds between points when they are evenly spaced.
    pub step: Option<u32>,
    /// Where the times start in the data file.
    pub times_offset: u64,
    /// Length of the times.
    pub times_len: u32,
    /// CRC32C of the times.
    pub times_crc: u32,
    /// Where the values start in the data file.
    pub values_offset: u64,
    /// Length of the values.
    pub values_len: u32,
    /// CRC32C of the values.
    pub values_crc: u32,
}

/// Collects the series of a segment in order.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    strings: HashMap<String, u32>,
    string_list: Vec<u8>,
    metrics: Vec<(u32, u32)>,
    hosts: Vec<u32>,
    tag_counts: Vec<u32>,
    tags: Vec<u32>,
    kinds: Vec<u32>,
    intervals: Vec<u32>,
    chunk_counts: Vec<u32>,
}

impl IndexBuilder {
    fn intern(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.strings.get(text) {
            return id;
        }
        let id = self.strings.len() as u32;
        put_varint(text.len() as u64, &mut self.string_list);
        self.string_list.extend_from_slice(text.as_bytes());
        self.strings.insert(text.to_owned(), id);
        id
    }

    pub fn series(&mut self, series: &SeriesInfo<'_>) {
        let metric = self.intern(series.metric);
        match self.metrics.last_mut() {
            Some((last, count)) if *last == metric => *count += 1,
            _ => self.metrics.push((metric, 1)),
        }
        let host = self.intern(series.host);
        self.hosts.push(host);
        for tag in series.tags {
            let tag = self.intern(tag);
            self.tags.push(tag);
        }
        self.tag_counts.push(series.tags.len() as u32);
        self.kinds.push(u32::from(series.kind.code()));
        self.intervals.push(series.interval);
        self.chunk_counts.push(0);
    }

    pub fn count_chunk(&mut self) {
        if let Some(count) = self.chunk_counts.last_mut() {
            *count += 1;
        }
    }

    /// The bytes of the index file.
    pub fn finish(self, chunks: &[ChunkRef]) -> Result<Vec<u8>, CodecError> {
        let mut out = MAGIC.to_vec();
        let mut strings = Vec::new();
        put_varint(self.strings.len() as u64, &mut strings);
        strings.extend_from_slice(&self.string_list);
        let packed = zstd::bulk::compress(&strings, 3).map_err(|error| damaged(&error.to_string()))?;
        let mut section = (strings.len() as u32).to_le_bytes().to_vec();
        section.extend_from_slice(&packed);
        put_section(&section, &mut out);
        let (metrics, counts): (Vec<u32>, Vec<u32>) = self.metrics.iter().copied().unzip();
        for column in [
            &metrics,
            &counts,
            &self.hosts,
            &self.tag_counts,
            &self.tags,
            &self.kinds,
            &self.intervals,
            &self.chunk_counts,
        ] {
            put_numbers(column, &mut out)?;
        }
        let words = |field: fn(&ChunkRef) -> u32| chunks.iter().map(field).collect::<Vec<u32>>();
        put_numbers(&words(|chunk| chunk.first), &mut out)?;
        put_numbers(&words(|chunk| chunk.last - chunk.first), &mut out)?;
        put_numbers(&words(|chunk| u32::from(chunk.count)), &mut out)?;
        // A step is stored plus one, 0 for none.
        put_numbers(&words(|chunk| chunk.step.map_or(0, |step| step.saturating_add(1))), &mut out)?;
        put_numbers(&chunks.iter().map(|chunk| chunk.times_offset).collect::<Vec<u64>>(), &mut out)?;
        put_numbers(&words(|chunk| chunk.times_len), &mut out)?;
        put_numbers(&words(|chunk| chunk.times_crc), &mut out)?;
        put_numbers(&chunks.iter().map(|chunk| chunk.values_offset).collect::<Vec<u64>>(), &mut out)?;
        put_numbers(&words(|chunk| chunk.values_len), &mut out)?;
        put_numbers(&words(|chunk| chunk.values_crc), &mut out)?;
        Ok(out)
    }
}

fn put_section(body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(body).to_le_bytes());
    out.extend_from_slice(body);
}

fn put_numbers<T: pco::data_types::Number>(numbers: &[T], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let mut body = (numbers.len() as u32).to_le_bytes().to_vec();
    let packed = pco::standalone::simple_compress(numbers, &pco::ChunkConfig::default().with_compression_level(6))
        .map_err(|error| damaged(&error.to_string()))?;
    body.extend_from_slice(&packed);
    put_section(&body, out);
    Ok(())
}

fn take_section<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], IndexError> {
    let (header, tail) = rest.split_first_chunk::<8>().ok_or_else(|| damaged("cut in a section header"))?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    let expected = u32::from_le_bytes([c0, c1, c2, c3]);
    if length > tail.len() || length > MAX_SECTION_BYTES {
        return Err(damaged(&format!("section of {length} bytes is cut at {}", tail.len())));
    }
    let (body, tail) = tail.split_at(length);
    let crc = crc32c::crc32c(body);
    if crc != expected {
        return Err(damaged(&format!("section crc32c {crc:#010x}, expected {expected:#010x}")));
    }
    *rest = tail;
    Ok(body)
}

fn take_numbers<T: pco::data_types::Number + Default>(rest: &mut &[u8]) -> Result<Vec<T>, IndexError> {
    let body = take_section(rest)?;
    let (count, packed) = body.split_first_chunk::<4>().ok_or_else(|| damaged("cut in a column"))?;
    let count = u32::from_le_bytes(*count) as usize;
    let numbers: Vec<T> = pco::standalone::simple_decompress(packed).map_err(|error| damaged(&error.to_string()))?;
    if numbers.len() != count {
        return Err(damaged(&format!("column holds {} of {count} numbers", numbers.len())));
    }
    Ok(numbers)
}

/// An index in memory.
#[derive(Debug)]
pub struct SegmentIndex {
    strings: Vec<Box<str>>,
    metrics: HashMap<Box<str>, Range<u32>>,
    hosts: Vec<u32>,
    tag_starts: Vec<u32>,
    tags: Vec<u32>,
    kinds: Vec<u8>,
    intervals: Vec<u32>,
    chunk_starts: Vec<u32>,
    chunks: Vec<ChunkRef>,
    ids: HashMap<Box<str>, u32>,
    // String id → ascending series that carry it as a tag, or as their host.
    tag_postings: Postings,
    host_postings: Postings,
}

#[derive(Debug)]
struct Postings {
    starts: Vec<u32>,
    series: Vec<u32>,
}

impl Postings {
    // A counting sort of (string id, series) pairs.
    fn new(strings: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; strings + 1];
        for (id, _) in pairs.clone() {
            starts[id as usize + 1] += 1;
        }
        for id in 0..strings {
            starts[id + 1] += starts[id];
        }
        let mut next = starts.clone();
        let mut series = vec![0; starts[strings] as usize];
        for (id, one) in pairs {
            let at = &mut next[id as usize];
            series[*at as usize] = one;
            *at += 1;
        }
        Self { starts, series }
    }

    fn of(&self, id: u32) -> &[u32] {
        &self.series[self.starts[id as usize] as usize..self.starts[id as usize + 1] as usize]
    }
}

fn starts_of(counts: &[u32]) -> Vec<u32> {
    let mut starts = Vec::with_capacity(counts.len() + 1);
    let mut sum = 0_u32;
    starts.push(0);
    for &count in counts {
        sum = sum.saturating_add(count);
        starts.push(sum);
    }
    starts
}

fn read_strings(rest: &mut &[u8]) -> Result<Vec<Box<str>>, IndexError> {
    let section = take_section(rest)?;
    let (length, packed) = section.split_first_chunk::<4>().ok_or_else(|| damaged("cut in the strings"))?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > MAX_SECTION_BYTES {
        return Err(damaged("strings are too large"));
    }
    let plain = zstd::bulk::decompress(packed, length).map_err(|error| damaged(&error.to_string()))?;
    let mut plain = plain.as_slice();
    let count = take_varint(&mut plain).ok_or_else(|| damaged("cut in the strings"))?;
    let mut strings = Vec::with_capacity((count as usize).min(plain.len()));
    for _ in 0..count {
        let length = take_varint(&mut plain).ok_or_else(|| damaged("cut in a string"))? as usize;
        let (text, tail) = plain.split_at_checked(length).ok_or_else(|| damaged("cut in a string"))?;
        plain = tail;
        strings.push(std::str::from_utf8(text).map_err(|_| damaged("a string is not UTF-8"))?.into());
    }
    Ok(strings)
}

fn read_chunks(rest: &mut &[u8]) -> Result<Vec<ChunkRef>, IndexError> {
    let firsts: Vec<u32> = take_numbers(rest)?;
    let spans: Vec<u32> = take_numbers(rest)?;
    let counts: Vec<u32> = take_numbers(rest)?;
    let steps: Vec<u32> = take_numbers(rest)?;
    let times_offsets: Vec<u64> = take_numbers(rest)?;
    let times_lens: Vec<u32> = take_numbers(rest)?;
    let times_crcs: Vec<u32> = take_numbers(rest)?;
    let values_offsets: Vec<u64> = take_numbers(rest)?;
    let values_lens: Vec<u32> = take_numbers(rest)?;
    let values_crcs: Vec<u32> = take_numbers(rest)?;
    let rows = firsts.len();
    let lengths = [
        spans.len(),
        counts.len(),
        steps.len(),
        times_offsets.len(),
        times_lens.len(),
        times_crcs.len(),
        values_offsets.len(),
        values_lens.len(),
        values_crcs.len(),
    ];
    if lengths.iter().any(|&length| length != rows) {
        return Err(damaged("chunk columns differ in length"));
    }
    let chunk = |row: usize| ChunkRef {
        first: firsts[row],
        last: firsts[row].saturating_add(spans[row]),
        count: counts[row] as u16,
        step: steps[row].checked_sub(1),
        times_offset: times_offsets[row],
        times_len: times_lens[row],
        times_crc: times_crcs[row],
        values_offset: values_offsets[row],
        values_len: values_lens[row],
        values_crc: values_crcs[row],
    };
    Ok((0..rows).map(chunk).collect())
}

impl SegmentIndex {
    /// Reads an index file. Every section is checked by its CRC32C before it is decoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("not a metric index of version 1"))?;
        let strings = read_strings(&mut rest)?;
        let metric_ids: Vec<u32> = take_numbers(&mut rest)?;
        let metric_counts: Vec<u32> = take_numbers(&mut rest)?;
        let hosts: Vec<u32> = take_numbers(&mut rest)?;
        let tag_counts: Vec<u32> = take_numbers(&mut rest)?;
        let tags: Vec<u32> = take_numbers(&mut rest)?;
        let kinds: Vec<u32> = take_numbers(&mut rest)?;
        let intervals: Vec<u32> = take_numbers(&mut rest)?;
        let chunk_counts: Vec<u32> = take_numbers(&mut rest)?;
        let chunks = read_chunks(&mut rest)?;
        let (tag_starts, chunk_starts) = (starts_of(&tag_counts), starts_of(&chunk_counts));
        let metric_starts = starts_of(&metric_counts);
        let series = hosts.len();
        let consistent =
            [tag_counts.len(), kinds.len(), intervals.len(), chunk_counts.len()].iter().all(|&length| length == series)
                && metric_starts.last().map(|&end| end as usize) == Some(series)
                && metric_ids.len() == metric_counts.len()
                && tag_starts.last().map(|&end| end as usize) == Some(tags.len())
                && chunk_starts.last().map(|&end| end as usize) == Some(chunks.len())
                && hosts.iter().chain(&tags).chain(&metric_ids).all(|&id| (id as usize) < strings.len());
        if !consistent {
            return Err(damaged("columns do not fit together"));
        }
        let mut metrics: HashMap<Box<str>, Range<u32>> = HashMap::with_capacity(metric_ids.len());
        for (position, &id) in metric_ids.iter().enumerate() {
            metrics.insert(strings[id as usize].clone(), metric_starts[position]..metric_starts[position + 1]);
        }
        let ids = strings.iter().enumerate().map(|(id, text)| (text.clone(), id as u32)).collect();
        let tag_pairs = (0..series as u32).flat_map(|one| {
            let range = tag_starts[one as usize] as usize..tag_starts[one as usize + 1] as usize;
            tags[range].iter().map(move |&tag| (tag, one))
        });
        let tag_postings = Postings::new(strings.len(), tag_pairs);
        let host_postings =
            Postings::new(strings.len(), hosts.iter().enumerate().map(|(one, &host)| (host, one as u32)));
        let kinds = kinds.into_iter().map(|kind| kind as u8).collect();
        Ok(Self {
            strings,
            metrics,
            hosts,
            tag_starts,
            tags,
            kinds,
            intervals,
            chunk_starts,
            chunks,
            ids,
            tag_postings,
            host_postings,
        })
    }

    /// About how many bytes this index takes in memory.
    pub fn memory_bytes(&self) -> usize {
        let strings: usize = self.strings.iter().map(|text| 2 * text.len() + 64).sum();
        let series = self.hosts.len() * 32;
        strings + series + self.tags.len() * 8 + self.chunks.len() * size_of::<ChunkRef>()
    }

    /// Names of all metrics with the range of their series.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, Range<u32>)> {
        self.metrics.iter().map(|(name, range)| (&**name, range.clone()))
    }

    /// The series of a metric.
    pub fn metric(&self, name: &str) -> Option<Range<u32>> {
        self.metrics.get(name).cloned()
    }

    /// The host of a series.
    pub fn host(&self, series: u32) -> &str {
        &self.strings[self.hosts[series as usize] as usize]
    }

    /// The tags of a series, sorted.
    pub fn tags(&self, series: u32) -> impl Iterator<Item = &str> + Clone {
        let range = self.tag_starts[series as usize] as usize..self.tag_starts[series as usize + 1] as usize;
        self.tags[range].iter().map(|&tag| &*self.strings[tag as usize])
    }

    /// The kind of a series.
    pub fn kind(&self, series: u32) -> MetricKind {
        MetricKind::from_code(self.kinds[series as usize]).unwrap_or(MetricKind::Gauge)
    }

    /// The submission interval of a series in seconds, 0 when unknown.
    pub fn interval(&self, series: u32) -> u32 {
        self.intervals[series as usize]
    }

    /// The chunks of a series in order of time.
    pub fn chunks(&self, series: u32) -> &[ChunkRef] {
        &self.chunks[self.chunk_starts[series as usize] as usize..self.chunk_starts[series as usize + 1] as usize]
    }

    /// The stable identity of a series of a metric.
    pub fn key_hash(&self, metric: &str, series: u32) -> KeyHash {
        let distribution = self.kind(series) == MetricKind::Distribution;
        KeyHash::of(metric, self.host(series), self.tags(series), distribution)
    }

    /// The series of a range that carry a tag.
    pub fn with_tag(&self, range: &Range<u32>, tag: &str) -> RoaringBitmap {
        self.ids.get(tag).map_or_else(RoaringBitmap::new, |&id| within(self.tag_postings.of(id), range))
    }

    /// The series of a range that belong to a host.
    pub fn with_host(&self, range: &Range<u32>, host: &str) -> RoaringBitmap {
        self.ids.get(host).map_or_else(RoaringBitmap::new, |&id| within(self.host_postings.of(id), range))
    }

    /// The series of a range that carry a tag for which `matches` holds.
    pub fn with_tags_like(&self, range: &Range<u32>, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        self.union_of(&self.tag_postings, range, matches)
    }

    /// The series of a range that belong to a host for which `matches` holds.
    pub fn with_hosts_like(&self, range: &Range<u32>, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        self.union_of(&self.host_postings, range, matches)
    }

    fn union_of(&self, postings: &Postings, range: &Range<u32>, matches: &dyn Fn(&str) -> bool) -> RoaringBitmap {
        let mut union = RoaringBitmap::new();
        for (id, text) in self.strings.iter().enumerate() {
            let series = postings.of(id as u32);
            if !series.is_empty() && matches(text) {
                union |= within(series, range);
            }
        }
        union
    }
}

fn within(series: &[u32], range: &Range<u32>) -> RoaringBitmap {
    let start = series.partition_point(|&one| one < range.start);
    let end = series.partition_point(|&one| one < range.end);
    series[start..end].iter().copied().collect()
}
