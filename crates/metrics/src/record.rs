//! The payload of one record of the metric log: definitions of series, then points, then sketches
//! (docs/formats/metric-wal-record.md). Numbers of series are those of one process; `run` tells processes apart.

use galgo_core::{MetricKind, Sketch};

use crate::codec::{CodecError, put_varint, read_sketch, take_array, take_varint, unzigzag, write_sketch, zigzag};
use crate::head::Definition;
use crate::head::index::HeadIndex;

const VERSION: u8 = 1;

fn cut() -> CodecError {
    CodecError("record is cut".into())
}

/// A definition as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDefinition<'a> {
    /// Number of the series in the run that wrote it.
    pub id: u32,
    /// Kind.
    pub kind: MetricKind,
    /// Interval in seconds, 0 when unknown.
    pub interval: u32,
    /// Normalised metric name.
    pub metric: &'a str,
    /// Host, empty for none.
    pub host: &'a str,
    /// Normalised tags, sorted.
    pub tags: Vec<&'a str>,
}

/// Points of one series within a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Number of the series.
    pub id: u32,
    /// Number of points.
    pub count: u32,
}

/// A sketch of a series at a second.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchEntry {
    /// Number of the series.
    pub id: u32,
    /// Seconds since the UNIX epoch.
    pub time: u32,
    /// The values.
    pub sketch: Sketch,
}

/// What a record carries beside definitions.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Content {
    /// Which series the points belong to, in order.
    pub entries: Vec<Entry>,
    /// Times of all points, entry after entry.
    pub times: Vec<u32>,
    /// Values of all points.
    pub values: Vec<f64>,
    /// Sketches.
    pub sketches: Vec<SketchEntry>,
}

/// Starts a record: version, run, definitions.
pub fn begin(run: u64, definitions: &[Definition], index: &HeadIndex, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(&run.to_le_bytes());
    put_varint(definitions.len() as u64, out);
    for Definition { series, kind, interval } in definitions {
        put_varint(u64::from(series.id), out);
        out.push(kind.code());
        put_varint(u64::from(*interval), out);
        put_text(index.strings.text(series.metric), out);
        put_text(index.strings.text(series.host), out);
        put_varint(series.tags.len() as u64, out);
        index.tags(series).for_each(|tag| put_text(tag, out));
    }
}

/// Starts a record without definitions.
pub fn begin_plain(run: u64, out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(&run.to_le_bytes());
    out.push(0);
}

/// Completes a record.
pub fn put_content(content: &Content, out: &mut Vec<u8>) {
    out.reserve(content.entries.len() * 4 + content.times.len() * 10 + 8);
    put_varint(content.entries.len() as u64, out);
    for entry in &content.entries {
        put_varint(u64::from(entry.id), out);
        put_varint(u64::from(entry.count), out);
    }
    let mut previous = 0_i64;
    for &time in &content.times {
        put_varint(zigzag(i64::from(time) - previous), out);
        previous = i64::from(time);
    }
    for value in &content.values {
        out.extend_from_slice(&value.to_le_bytes());
    }
    put_varint(content.sketches.len() as u64, out);
    for SketchEntry { id, time, sketch } in &content.sketches {
        put_varint(u64::from(*id), out);
        put_varint(u64::from(*time), out);
        write_sketch(sketch, out);
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// A record as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord<'a> {
    /// Which process wrote it.
    pub run: u64,
    /// Definitions, which hold for this record and later ones of the run.
    pub definitions: Vec<StoredDefinition<'a>>,
    /// Points and sketches.
    pub content: Content,
}

/// Reads a record.
pub fn decode(mut rest: &[u8]) -> Result<StoredRecord<'_>, CodecError> {
    let rest = &mut rest;
    let [version] = take_array(rest).ok_or_else(cut)?;
    if version != VERSION {
        return Err(CodecError(format!("record of version {version}, expected {VERSION}")));
    }
    let run = u64::from_le_bytes(take_array(rest).ok_or_else(cut)?);
    let count = take_count(rest)?;
    let definitions = (0..count).map(|_| take_definition(rest)).collect::<Result<_, _>>()?;
    let content = take_content(rest)?;
    if !rest.is_empty() {
        return Err(CodecError(format!("record has {} bytes too many", rest.len())));
    }
    Ok(StoredRecord { run, definitions, content })
}

fn take_content(rest: &mut &[u8]) -> Result<Content, CodecError> {
    let mut content = Content::default();
    let mut points = 0_u64;
    for _ in 0..take_count(rest)? {
        let (id, count) = (take_u32(rest)?, take_u32(rest)?);
        points += u64::from(count);
        content.entries.push(Entry { id, count });
    }
    // A point takes nine bytes at least, so a count beyond that is a lie.
    if points > rest.len() as u64 / 9 {
        return Err(cut());
    }
    let mut previous = 0_i64;
    for _ in 0..points {
        previous = previous.wrapping_add(unzigzag(take_varint(rest).ok_or_else(cut)?));
        content
            .times
            .push(u32::try_from(previous).map_err(|_| CodecError(format!("time {previous} is out of range")))?);
    }
    for _ in 0..points {
        content.values.push(f64::from_le_bytes(take_array(rest).ok_or_else(cut)?));
    }
    for _ in 0..take_count(rest)? {
        let (id, time) = (take_u32(rest)?, take_u32(rest)?);
        content.sketches.push(SketchEntry { id, time, sketch: read_sketch(rest)? });
    }
    Ok(content)
}

fn take_definition<'a>(rest: &mut &'a [u8]) -> Result<StoredDefinition<'a>, CodecError> {
    let id = take_u32(rest)?;
    let [kind] = take_array(rest).ok_or_else(cut)?;
    let kind = MetricKind::from_code(kind).ok_or_else(|| CodecError(format!("unknown kind {kind}")))?;
    let interval = take_u32(rest)?;
    let (metric, host) = (take_text(rest)?, take_text(rest)?);
    let count = take_count(rest)?;
    let tags = (0..count).map(|_| take_text(rest)).collect::<Result<_, _>>()?;
    Ok(StoredDefinition { id, kind, interval, metric, host, tags })
}

// A count of things that take a byte each at least.
fn take_count(rest: &mut &[u8]) -> Result<usize, CodecError> {
    let count = take_varint(rest).ok_or_else(cut)?;
    if count > rest.len() as u64 {
        return Err(cut());
    }
    Ok(count as usize)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, CodecError> {
    let number = take_varint(rest).ok_or_else(cut)?;
    u32::try_from(number).map_err(|_| CodecError(format!("number {number} is out of range")))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, CodecError> {
    let length = take_count(rest)?;
    let (text, tail) = rest.split_at(length);
    *rest = tail;
    std::str::from_utf8(text).map_err(|_| CodecError("text is not UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_of_version_1_stay_readable() {
        // Version 1, run 7, one definition (id 3, count, every 10 s, `m`, host `h`, tag `a:b`), one point, no sketch.
        let bytes = [
            &[1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 3, 1, 10, 1, b'm', 1, b'h', 1, 3][..],
            b"a:b",
            &[1, 3, 1, 20],
            &2.5_f64.to_le_bytes(),
            &[0],
        ]
        .concat();
        let record = decode(&bytes).unwrap();
        let definition = StoredDefinition {
            id: 3,
            kind: MetricKind::Count,
            interval: 10,
            metric: "m",
            host: "h",
            tags: vec!["a:b"],
        };
        assert_eq!(record.definitions, [definition]);
        let expected =
            Content { entries: vec![Entry { id: 3, count: 1 }], times: vec![10], values: vec![2.5], sketches: vec![] };
        assert_eq!((record.run, record.content), (7, expected));
    }

    proptest! {
        #[test]
        fn content_round_trips(points in prop::collection::vec((any::<u32>(), 0..5_u32), 0..20), sketched in prop::collection::vec((any::<u32>(), any::<u32>(), -1e6..1e6_f64), 0..5)) {
            let mut content = Content::default();
            for (id, count) in points {
                content.entries.push(Entry { id, count });
                for index in 0..count {
                    content.times.push(id.rotate_left(index));
                    content.values.push(f64::from(id) / 3.0 - f64::from(index));
                }
            }
            for (id, time, value) in sketched {
                let mut sketch = Sketch::new();
                sketch.insert(value, 2);
                content.sketches.push(SketchEntry { id, time, sketch });
            }
            let mut bytes = Vec::new();
            begin_plain(7, &mut bytes);
            put_content(&content, &mut bytes);
            let back = decode(&bytes).unwrap();
            prop_assert_eq!(back.run, 7);
            prop_assert_eq!(back.content, content);
            for length in 0..bytes.len() {
                prop_assert!(decode(&bytes[..length]).is_err());
            }
        }

        #[test]
        fn damaged_records_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let mut versioned = vec![VERSION];
            versioned.extend_from_slice(&bytes);
            let _ = decode(&versioned);
        }
    }
}
