//! What a segment is: an immutable set of files that hold the data of one engine, of one kind, of one time partition.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identity of a segment, never used twice. As text it is 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(u128);

impl SegmentId {
    /// A fresh identity.
    pub fn random() -> Self {
        Self(Uuid::new_v4().as_u128())
    }

    /// The identity with this number, as read from a catalogue.
    pub fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// The number of this identity.
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl std::fmt::Display for SegmentId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl std::fmt::Debug for SegmentId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SegmentId({self})")
    }
}

impl std::str::FromStr for SegmentId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("segment id must be 32 lower-case hexadecimal digits: {text:?}");
        let valid = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !valid {
            return Err(refused());
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| refused())
    }
}

impl Serialize for SegmentId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SegmentId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One file of a segment, as it was when complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFile {
    /// Role within the segment, such as `data.parquet` or `index`.
    pub name: String,
    /// Where the store keeps it; relative, with `/` between parts (see [`SegmentMeta::path_of`]).
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// CRC32C of all bytes.
    pub crc32c: u32,
}

/// What the catalogue knows of a segment: enough to plan a query without touching a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentMeta {
    /// Identity.
    pub id: SegmentId,
    /// Which engine owns it, such as `metrics`.
    pub engine: String,
    /// What the engine keeps in it, such as `raw`, `sketch`, `rollup60`, `rollup3600`.
    pub kind: String,
    /// How often its data was compacted: 0 as flushed from the head.
    pub level: u8,
    /// Write order: of two values for the same moment, that of the higher sequence wins.
    pub sequence: u64,
    /// Start of its time partition, seconds since the UNIX epoch, inclusive.
    pub partition_start: i64,
    /// End of its time partition, seconds since the UNIX epoch, exclusive.
    pub partition_end: i64,
    /// Time of its first datum, seconds since the UNIX epoch.
    pub min_time: i64,
    /// Time of its last datum, seconds since the UNIX epoch, inclusive.
    pub max_time: i64,
    /// Rows in its data file (for metrics: chunks).
    pub rows: u64,
    /// Points, log lines or spans.
    pub points: u64,
    /// Length of all files together, bytes.
    pub bytes: u64,
    /// Its files.
    pub files: Vec<SegmentFile>,
    /// When it was written, milliseconds since the UNIX epoch.
    pub created_ms: i64,
}

impl SegmentMeta {
    /// Where the store keeps a file of a segment: `engine/kind/partition_start/id.name`.
    pub fn path_of(engine: &str, kind: &str, partition_start: i64, id: SegmentId, name: &str) -> String {
        format!("{engine}/{kind}/{partition_start}/{id}.{name}")
    }

    /// The file with this name.
    pub fn file(&self, name: &str) -> Option<&SegmentFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_refuse_other_text() {
        let id = SegmentId::from_u128(0xab);
        let text = "000000000000000000000000000000ab";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<SegmentId>(&format!("\"{text}\"")).unwrap(), id);
        for wrong in ["", "ab", "+00000000000000000000000000000ab", "000000000000000000000000000000AB", "é"] {
            assert!(wrong.parse::<SegmentId>().is_err(), "{wrong:?}");
        }
        assert_ne!(SegmentId::random(), SegmentId::random());
    }

    #[test]
    fn paths_name_engine_kind_partition_and_id() {
        let path = SegmentMeta::path_of("metrics", "raw", -7200, SegmentId::from_u128(1), "data.parquet");
        assert_eq!(path, "metrics/raw/-7200/00000000000000000000000000000001.data.parquet");
    }
}
