//! One file of the disk queue: a header that says what is in it, then payloads, each with its own checksum.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `GALGOFQ1` |
//! | 4 | payloads (all numbers are little-endian) |
//! | 8 | points in them |
//! | 8 | creation of the oldest, in milliseconds since the UNIX epoch |
//! | 4 | CRC-32C of all of the above |
//!
//! and then for each payload
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length of what follows the checksum |
//! | 4 | CRC-32C of what follows |
//! | 1, 1, 1, 1 | route, encoding, halvings, 0 |
//! | 4 | points |
//! | 8 | creation, in milliseconds since the UNIX epoch |
//! | rest | body |
//!
//! Keys are never written.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytes::Bytes;

use crate::payload::{Encoding, Payload, Route};

const MAGIC: &[u8; 8] = b"GALGOFQ1";
const HEADER_BYTES: usize = 32;
const RECORD_HEAD_BYTES: usize = 8;
const RECORD_FIELDS_BYTES: usize = 16;
/// Largest file that is read, in bytes: a batch of payloads, or one that is larger than a batch.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) payloads: u32,
    pub(super) points: u64,
    pub(super) oldest_ms: i64,
}

impl Header {
    pub(super) fn of(payloads: &[Payload]) -> Self {
        Self {
            payloads: u32::try_from(payloads.len()).unwrap_or(u32::MAX),
            points: payloads.iter().map(|payload| u64::from(payload.points)).sum(),
            oldest_ms: payloads.iter().map(|payload| payload.created_ms).min().unwrap_or(0),
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.payloads.to_le_bytes());
        out.extend_from_slice(&self.points.to_le_bytes());
        out.extend_from_slice(&self.oldest_ms.to_le_bytes());
        let checksum = crc32c::crc32c(&out[start..]);
        out.extend_from_slice(&checksum.to_le_bytes());
    }

    /// Reads a header, `None` when it is damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let (checked, checksum) = header.split_last_chunk::<4>()?;
        let intact = checked.starts_with(MAGIC) && crc32c::crc32c(checked) == u32::from_le_bytes(*checksum);
        intact.then_some(())?;
        let mut fields = &checked[MAGIC.len()..];
        let payloads = u32::from_le_bytes(take(&mut fields)?);
        let points = u64::from_le_bytes(take(&mut fields)?);
        let oldest_ms = i64::from_le_bytes(take(&mut fields)?);
        Some(Self { payloads, points, oldest_ms })
    }

    /// Reads the header of a file; `Ok(None)` when it is damaged.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        // At most the header: the cap that the lint asks for.
        #[allow(clippy::disallowed_methods)]
        File::open(path)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
        Ok(Self::parse(&header))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// The bytes of a file.
pub(super) fn encode(payloads: &[Payload]) -> Vec<u8> {
    let bodies: usize = payloads.iter().map(|payload| payload.body.len() + 24).sum();
    let mut out = Vec::with_capacity(HEADER_BYTES + bodies);
    Header::of(payloads).write(&mut out);
    for payload in payloads {
        let length = RECORD_FIELDS_BYTES + payload.body.len();
        out.extend_from_slice(&(length as u32).to_le_bytes());
        let checksum_at = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[payload.route.code(), payload.encoding.code(), payload.halvings, 0]);
        out.extend_from_slice(&payload.points.to_le_bytes());
        out.extend_from_slice(&payload.created_ms.to_le_bytes());
        out.extend_from_slice(&payload.body);
        let checksum = crc32c::crc32c(&out[checksum_at + 4..]);
        out[checksum_at..checksum_at + 4].copy_from_slice(&checksum.to_le_bytes());
    }
    out
}

/// Writes a file and makes sure that it is on disk; nobody but its owner may read it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The payloads of a file as far as they are intact, and whether all of it is.
pub(super) fn read(path: &Path) -> io::Result<(Vec<Payload>, bool)> {
    let mut bytes = Vec::new();
    // Capped, as the lint asks for.
    #[allow(clippy::disallowed_methods)]
    File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(decode(bytes.into()))
}

fn decode(bytes: Bytes) -> (Vec<Payload>, bool) {
    let mut payloads = Vec::new();
    let Some(header) = Header::parse(&bytes) else { return (payloads, false) };
    let mut at = HEADER_BYTES;
    while at < bytes.len() {
        let Some((payload, end)) = decode_record(&bytes, at) else { return (payloads, false) };
        payloads.push(payload);
        at = end;
    }
    let whole = payloads.len() == header.payloads as usize;
    (payloads, whole)
}

/// The payload at an offset and where it ends. Its body shares the memory of the file.
fn decode_record(bytes: &Bytes, at: usize) -> Option<(Payload, usize)> {
    let mut head = bytes.get(at..at + RECORD_HEAD_BYTES)?;
    let length = u32::from_le_bytes(take(&mut head)?) as usize;
    let checksum = u32::from_le_bytes(take(&mut head)?);
    let start = at + RECORD_HEAD_BYTES;
    let end = start.checked_add(length)?;
    let record = bytes.get(start..end)?;
    if length < RECORD_FIELDS_BYTES || crc32c::crc32c(record) != checksum {
        return None;
    }
    let mut fields = record;
    let [route, encoding, halvings, _] = take(&mut fields)?;
    let payload = Payload {
        route: Route::from_code(route)?,
        encoding: Encoding::from_code(encoding)?,
        points: u32::from_le_bytes(take(&mut fields)?),
        created_ms: i64::from_le_bytes(take(&mut fields)?),
        body: bytes.slice(start + RECORD_FIELDS_BYTES..end),
        halvings,
        doubtful_answers: 0,
        receipt: None,
    };
    Some((payload, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(body: &'static [u8]) -> Payload {
        Payload {
            route: Route::Sketches,
            encoding: Encoding::Zstd,
            body: Bytes::from_static(body),
            points: 7,
            created_ms: 1_700_000_000_123,
            halvings: 1,
            doubtful_answers: 0,
            receipt: None,
        }
    }

    fn bodies(payloads: &[Payload]) -> Vec<&[u8]> {
        payloads.iter().map(|payload| &payload.body[..]).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let written = [payload(b"one"), payload(b""), payload(b"three")];
        let bytes = encode(&written);
        assert_eq!(Header::parse(&bytes), Some(Header { payloads: 3, points: 21, oldest_ms: 1_700_000_000_123 }));
        let (read, whole) = decode(bytes.into());
        assert!(whole);
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
    }

    #[test]
    fn whatever_is_cut_off_or_changed_what_stands_before_is_kept_and_the_damage_seen() {
        let bytes = encode(&[payload(b"one"), payload(b"two"), payload(b"three")]);
        for length in 0..bytes.len() {
            let (read, whole) = decode(bytes[..length].to_vec().into());
            assert!(!whole, "{length}");
            assert!([&b"one"[..], b"two", b"three"].starts_with(&bodies(&read)), "{length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            let (read, whole) = decode(changed.into());
            assert!(!whole, "{at}");
            assert!([&b"one"[..], b"two", b"three"].starts_with(&bodies(&read)), "{at}");
        }
    }
}
