//! Bytes of a log file: its header and its frames (docs/formats/wal.md). Pure functions, no file.
//!
//! Checksums are seeded with the header of the file, which holds a random salt, and with the offset of the frame. So
//! neither stale blocks of another file nor bytes that a sender placed inside a record ever pass for a frame.

use super::Generation;

/// Magic number at the start of each header copy.
const FILE_MAGIC: [u8; 8] = *b"GALGOWAL";
/// Magic number of a frame. The bytes are rare in text and in each other's neighbourhood.
const FRAME_MAGIC: [u8; 4] = [0xA6, b'g', b'w', 0x1F];
/// The version of the format that this program writes, and the latest that it reads.
pub const VERSION: u16 = 1;
/// Length of one copy of the file header.
const HEADER_COPY_LEN: usize = 64;
/// Length of the file header: two copies, so that a flipped bit in one does not cost the file.
pub const HEADER_LEN: usize = 2 * HEADER_COPY_LEN;
/// Length of a frame apart from its payload.
pub const FRAME_HEADER_LEN: usize = 16;
/// The longest record. Requests are capped well below; a longer length in a frame can only be damage.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// What a log file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// Generation that all its records belong to.
    pub generation: Generation,
    /// Number of the file within the generation.
    pub part: u32,
    /// How many records were acknowledged in this log before this file was begun. The difference to the next file's
    /// says how many good records this one must hold.
    pub first_record: u64,
    /// Random, so that checksums of one file mean nothing in another.
    pub salt: u128,
}

/// Why a header is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderError {
    /// The file ends within the header: it never held a record.
    Short,
    /// Written by a later version.
    Version(u16),
    /// Neither copy has its checksum.
    Damaged,
}

impl FileHeader {
    fn encode_copy(&self) -> [u8; HEADER_COPY_LEN] {
        let mut copy = [0; HEADER_COPY_LEN];
        copy[..8].copy_from_slice(&FILE_MAGIC);
        copy[8..10].copy_from_slice(&VERSION.to_le_bytes());
        copy[12..16].copy_from_slice(&self.part.to_le_bytes());
        copy[16..24].copy_from_slice(&self.generation.0.to_le_bytes());
        copy[24..32].copy_from_slice(&self.first_record.to_le_bytes());
        copy[32..48].copy_from_slice(&self.salt.to_le_bytes());
        let checksum = crc32c::crc32c(&copy[..60]);
        copy[60..].copy_from_slice(&checksum.to_le_bytes());
        copy
    }

    /// The bytes at the start of the file.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let copy = self.encode_copy();
        let mut bytes = [0; HEADER_LEN];
        bytes[..HEADER_COPY_LEN].copy_from_slice(&copy);
        bytes[HEADER_COPY_LEN..].copy_from_slice(&copy);
        bytes
    }

    fn decode_copy(copy: &[u8]) -> Result<Self, HeaderError> {
        let checksum = crc32c::crc32c(&copy[..60]);
        if copy[..8] != FILE_MAGIC || u32_at(copy, 60) != checksum {
            return Err(HeaderError::Damaged);
        }
        let version = u16::from_le_bytes([copy[8], copy[9]]);
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&copy[32..48]);
        Ok(Self {
            generation: Generation(u64_at(copy, 16)),
            part: u32_at(copy, 12),
            first_record: u64_at(copy, 24),
            salt: u128::from_le_bytes(salt),
        })
    }

    /// Reads the header from the start of a file. Either copy will do; the answer says whether both were good.
    pub fn decode(bytes: &[u8]) -> Result<(Self, bool), HeaderError> {
        let header = bytes.get(..HEADER_LEN).ok_or(HeaderError::Short)?;
        let (first, second) = header.split_at(HEADER_COPY_LEN);
        match (Self::decode_copy(first), Self::decode_copy(second)) {
            (Ok(header), Ok(copy)) => Ok((header, header == copy)),
            (Ok(header), Err(_)) | (Err(_), Ok(header)) => Ok((header, false)),
            (Err(HeaderError::Version(version)), _) | (_, Err(HeaderError::Version(version))) => {
                Err(HeaderError::Version(version))
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// What the checksums of all frames in this file start from.
    pub fn seed(&self) -> u32 {
        crc32c::crc32c(&self.encode_copy()[..60])
    }
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[offset..offset + 4]);
    u32::from_le_bytes(four)
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(eight)
}

fn header_checksum(seed: u32, offset: u64, length: u32) -> u32 {
    let mut covered = [0; 16];
    covered[..8].copy_from_slice(&offset.to_le_bytes());
    covered[8..12].copy_from_slice(&FRAME_MAGIC);
    covered[12..].copy_from_slice(&length.to_le_bytes());
    crc32c::crc32c_append(seed, &covered)
}

/// The bytes that go before a payload at this offset of the file. The payload must not pass [`MAX_RECORD_BYTES`].
pub fn frame_header(seed: u32, offset: u64, payload: &[u8]) -> [u8; FRAME_HEADER_LEN] {
    debug_assert!(payload.len() <= MAX_RECORD_BYTES);
    let length = payload.len() as u32;
    let of_header = header_checksum(seed, offset, length);
    let of_payload = crc32c::crc32c_append(of_header, payload);
    let mut header = [0; FRAME_HEADER_LEN];
    header[..4].copy_from_slice(&FRAME_MAGIC);
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..12].copy_from_slice(&of_header.to_le_bytes());
    header[12..].copy_from_slice(&of_payload.to_le_bytes());
    header
}

/// A run of bytes that holds no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its first byte, from the start of the file.
    pub offset: usize,
    /// Its length.
    pub bytes: usize,
    /// Why it holds none.
    pub what: String,
}

/// What a scan meets next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole record.
    Record {
        /// Where its frame begins.
        offset: usize,
        /// The record.
        payload: &'a [u8],
    },
    /// Bytes that once were records; the scan goes on behind them.
    Damage(Span),
    /// The end of the file looks like a write that did not finish. Always the last piece.
    Torn(Span),
}

impl Piece<'_> {
    /// Its first byte, from the start of the file.
    pub fn offset(&self) -> usize {
        match self {
            Self::Record { offset, .. } => *offset,
            Self::Damage(span) | Self::Torn(span) => span.offset,
        }
    }
}

/// Reads the frames of one file, in order, past any damage.
#[derive(Debug)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    seed: u32,
    position: usize,
}

impl<'a> Scanner<'a> {
    /// Scans a whole file whose header gave this seed.
    pub fn new(bytes: &'a [u8], seed: u32) -> Self {
        Self { bytes, seed, position: HEADER_LEN.min(bytes.len()) }
    }

    /// The payload length and checksum of the frame header at `offset`, when it is one.
    fn header_at(&self, offset: usize) -> Option<(usize, u32, u32)> {
        let header = self.bytes.get(offset..offset + FRAME_HEADER_LEN)?;
        let length = u32_at(header, 4);
        let of_header = u32_at(header, 8);
        let valid = header[..4] == FRAME_MAGIC
            && length as usize <= MAX_RECORD_BYTES
            && of_header == header_checksum(self.seed, offset as u64, length);
        valid.then(|| (length as usize, of_header, u32_at(header, 12)))
    }

    fn span(&self, end: usize, what: String) -> Span {
        Span { offset: self.position, bytes: end - self.position, what }
    }

    /// What to call the bytes from the current position on, where no frame begins.
    fn lost(&mut self) -> Piece<'a> {
        let rest = &self.bytes[self.position..];
        let next = memchr::memmem::find_iter(&rest[1..], &FRAME_MAGIC)
            .map(|found| self.position + 1 + found)
            .find(|&offset| self.header_at(offset).is_some());
        if let Some(next) = next {
            let span = self.span(next, "no frame begins here".to_owned());
            self.position = next;
            return Piece::Damage(span);
        }
        let end = self.bytes.len();
        let piece = if rest.iter().all(|&byte| byte == 0) {
            Piece::Torn(self.span(end, "zeros up to the end of the file".to_owned()))
        } else if rest.len() < FRAME_HEADER_LEN && FRAME_MAGIC.starts_with(&rest[..rest.len().min(4)]) {
            Piece::Torn(self.span(end, "frame header is cut short".to_owned()))
        } else {
            Piece::Damage(self.span(end, "no frame begins here or behind".to_owned()))
        };
        self.position = end;
        piece
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.position >= self.bytes.len() {
            return None;
        }
        let offset = self.position;
        let Some((length, of_header, expected)) = self.header_at(offset) else {
            return Some(self.lost());
        };
        let start = offset + FRAME_HEADER_LEN;
        let Some(payload) = self.bytes.get(start..start + length) else {
            let what = format!("frame of {length} bytes is cut short");
            let span = self.span(self.bytes.len(), what);
            self.position = self.bytes.len();
            return Some(Piece::Torn(span));
        };
        let end = start + length;
        let found = crc32c::crc32c_append(of_header, payload);
        let piece = if found == expected {
            Piece::Record { offset, payload }
        } else {
            Piece::Damage(self.span(end, format!("record crc32c {found:#010x}, expected {expected:#010x}")))
        };
        self.position = end;
        Some(piece)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
