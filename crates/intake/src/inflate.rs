//! Content encodings, undone with a cap on the inflated size (reference: intake-agent.md §2).
//!
//! Bodies are small and many, so the state of each decompressor and the output buffers are kept and reused: inflating
//! a body of a few hundred bytes allocates nothing once a worker is warm.

use std::cell::Cell;

use flate2::{Crc, Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// Inflated size allowed for v1 series, sketches, distribution points and v3 payloads, in bytes (the API's own limit).
pub const MAX_SERIES_V1_BYTES: usize = 62_914_560;
/// Inflated size allowed for v2 series, in bytes (the API's own limit).
pub const MAX_SERIES_V2_BYTES: usize = 5_242_880;
/// Inflated size allowed for checks, host metadata, inventories and events, in bytes. Agents send 4 MiB at most; these
/// bodies become trees of values, which take many times their text.
pub const MAX_METADATA_BYTES: usize = 5 * 1024 * 1024;

/// Most encodings that may be stacked on one body.
const MAX_ENCODINGS: usize = 4;
/// Buffers larger than this are not kept for the next body.
const MAX_KEPT_BYTES: usize = 1024 * 1024;
/// Smallest output buffer.
const MIN_BUFFER_BYTES: usize = 16 * 1024;

/// Why a body could not be inflated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// Stands for a 415.
    #[error("unsupported content encoding: {0:?}")]
    Unsupported(String),
    /// Stands for a 413.
    #[error("inflated body is longer than {limit} bytes")]
    TooLarge {
        /// Most bytes allowed.
        limit: usize,
    },
    /// Stands for a 400.
    #[error("corrupt {encoding} body: {what}")]
    Corrupt {
        /// Which encoding.
        encoding: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl InflateError {
    /// The HTTP status that it stands for.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unsupported(_) => 415,
            Self::TooLarge { .. } => 413,
            Self::Corrupt { .. } => 400,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Deflate,
    Gzip,
    Zstd,
}

/// Reusable state of the decompressors. One serves one body at a time; keep one per worker (see [`with_inflater`]).
#[derive(Default)]
pub struct Inflater {
    flate: Option<Decompress>,
    zstd: Option<ZstdState>,
    output: Buffer,
    /// The input of a second layer while `output` takes its result.
    previous: Buffer,
}

struct ZstdState {
    decoder: Decoder<'static>,
    window_log_max: u32,
}

impl Inflater {
    /// Undoes a `Content-Encoding` (a comma list is undone from right to left). The result is at most `limit` bytes and
    /// borrows from `body` when there is nothing to undo. An empty body is empty in every encoding.
    pub fn inflate<'a>(
        &'a mut self,
        content_encoding: Option<&str>,
        body: &'a [u8],
        limit: usize,
    ) -> Result<&'a [u8], InflateError> {
        self.output.forget_if_large();
        self.previous.forget_if_large();
        let encodings = parse_encodings(content_encoding.unwrap_or(""))?;
        let mut layers = 0;
        for encoding in encodings.into_iter().flatten() {
            if body.is_empty() {
                break;
            }
            std::mem::swap(&mut self.output, &mut self.previous);
            let input = if layers == 0 { body } else { self.previous.filled() };
            self.output.start(input.len(), limit);
            match encoding {
                Encoding::Deflate => inflate_zlib(&mut self.flate, input, &mut self.output)?,
                Encoding::Gzip => inflate_gzip(&mut self.flate, input, &mut self.output)?,
                Encoding::Zstd => inflate_zstd(&mut self.zstd, input, &mut self.output)?,
            }
            layers += 1;
        }
        if layers > 0 {
            return Ok(self.output.filled());
        }
        if body.len() > limit { Err(InflateError::TooLarge { limit }) } else { Ok(body) }
    }
}

/// Lends this thread's inflater. A nested call gets a fresh one.
pub fn with_inflater<R>(work: impl FnOnce(&mut Inflater) -> R) -> R {
    thread_local! {
        static IDLE: Cell<Option<Box<Inflater>>> = const { Cell::new(None) };
    }
    let mut inflater = IDLE.take().unwrap_or_default();
    let result = work(&mut inflater);
    IDLE.set(Some(inflater));
    result
}

/// The encodings to undo, in order.
fn parse_encodings(header: &str) -> Result<[Option<Encoding>; MAX_ENCODINGS], InflateError> {
    let mut encodings = [None; MAX_ENCODINGS];
    let mut slots = encodings.iter_mut();
    for name in header.rsplit(',').map(str::trim) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let encoding = if name.is_empty() || is("identity") {
            continue;
        } else if is("deflate") {
            Encoding::Deflate
        } else if is("gzip") || is("x-gzip") {
            Encoding::Gzip
            // The API client for Python names it after its version.
        } else if is("zstd") || is("zstd1") {
            Encoding::Zstd
        } else {
            return Err(InflateError::Unsupported(name.chars().take(60).collect()));
        };
        match slots.next() {
            Some(slot) => *slot = Some(encoding),
            None => return Err(InflateError::Unsupported(format!("more than {MAX_ENCODINGS} encodings"))),
        }
    }
    Ok(encodings)
}

/// An output buffer: `bytes` is always initialised, `len` of it is filled. So it is cleared once, not for each body.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    len: usize,
    limit: usize,
}

impl Buffer {
    fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn forget_if_large(&mut self) {
        if self.bytes.len() > MAX_KEPT_BYTES {
            self.bytes = Vec::new();
        }
        self.len = 0;
    }

    fn start(&mut self, input_len: usize, limit: usize) {
        self.len = 0;
        self.limit = limit;
        // Metric payloads shrink to a fourth or less; one byte beyond the limit shows that it is passed.
        let first = input_len.saturating_mul(4).max(MIN_BUFFER_BYTES).min(limit.saturating_add(1));
        if self.bytes.len() < first {
            self.bytes.resize(first, 0);
        }
    }

    /// Room for more output; grows the buffer when it is full.
    fn room(&mut self) -> Result<&mut [u8], InflateError> {
        if self.len > self.limit {
            return Err(InflateError::TooLarge { limit: self.limit });
        }
        if self.len == self.bytes.len() {
            let larger = self.bytes.len().saturating_mul(2).max(MIN_BUFFER_BYTES).min(self.limit.saturating_add(1));
            self.bytes.resize(larger, 0);
        }
        let end = self.bytes.len().min(self.limit.saturating_add(1));
        Ok(&mut self.bytes[self.len..end])
    }

    fn check_limit(&self) -> Result<(), InflateError> {
        if self.len > self.limit { Err(InflateError::TooLarge { limit: self.limit }) } else { Ok(()) }
    }
}

/// `deflate` means the zlib format (RFC 1950); bodies without its header are read as raw deflate, which some clients
/// send instead.
fn inflate_zlib(state: &mut Option<Decompress>, input: &[u8], output: &mut Buffer) -> Result<(), InflateError> {
    let has_zlib_header = matches!(input, [cmf, flags, ..]
        if cmf & 0x0f == 8 && (u16::from(*cmf) << 8 | u16::from(*flags)) % 31 == 0);
    run_deflate(state, has_zlib_header, input, output, "deflate").map(drop)
}

/// Inflates one deflate stream and returns how many bytes of the input it took. What follows a zlib stream is ignored.
fn run_deflate(
    state: &mut Option<Decompress>,
    zlib_header: bool,
    input: &[u8],
    output: &mut Buffer,
    encoding: &'static str,
) -> Result<usize, InflateError> {
    let flate = state.get_or_insert_with(|| Decompress::new(zlib_header));
    flate.reset(zlib_header);
    loop {
        let taken = flate.total_in() as usize;
        let produced_before = flate.total_out();
        let status = flate.decompress(&input[taken..], output.room()?, FlushDecompress::None);
        let produced = flate.total_out() - produced_before;
        output.len += produced as usize;
        match status {
            Ok(Status::StreamEnd) => {
                output.check_limit()?;
                return Ok(flate.total_in() as usize);
            }
            Ok(_) if produced == 0 && flate.total_in() as usize == taken => {
                return Err(InflateError::Corrupt { encoding, what: "it is cut off" });
            }
            Ok(_) => {}
            Err(_) => return Err(InflateError::Corrupt { encoding, what: "it is no deflate stream" }),
        }
    }
}

/// Gzip (RFC 1952), one member or several. The header and trailer are read here, because the library's own gzip reader
/// would build a new decompressor for each body.
fn inflate_gzip(state: &mut Option<Decompress>, input: &[u8], output: &mut Buffer) -> Result<(), InflateError> {
    let corrupt = |what| InflateError::Corrupt { encoding: "gzip", what };
    let mut rest = input;
    loop {
        rest = skip_gzip_header(rest).ok_or(corrupt("bad header"))?;
        let start = output.len;
        let taken = run_deflate(state, false, rest, output, "gzip")?;
        let (trailer, behind) = rest[taken..].split_first_chunk::<8>().ok_or(corrupt("it is cut off"))?;
        let member = &output.bytes[start..output.len];
        let mut crc = Crc::new();
        crc.update(member);
        let mut expected = crc.sum().to_le_bytes().to_vec();
        expected.extend_from_slice(&(member.len() as u32).to_le_bytes());
        if expected != trailer {
            return Err(corrupt("checksum or length does not match"));
        }
        rest = behind;
        // Zeros behind the last member are padding.
        if rest.iter().all(|&byte| byte == 0) {
            return Ok(());
        }
    }
}

/// What stands behind the header of a gzip member.
fn skip_gzip_header(input: &[u8]) -> Option<&[u8]> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const HEADER_CRC: u8 = 2;
    let (header, mut rest) = input.split_first_chunk::<10>()?;
    let flags = header[3];
    if header[..3] != [0x1f, 0x8b, 8] || flags & 0xe0 != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            rest = &rest[memchr::memchr(0, rest)? + 1..];
        }
    }
    if flags & HEADER_CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Zstandard, one frame or several, decoded as a stream: agents do not write the content size.
fn inflate_zstd(state: &mut Option<ZstdState>, input: &[u8], output: &mut Buffer) -> Result<(), InflateError> {
    let corrupt = |what| InflateError::Corrupt { encoding: "zstd", what };
    let decoder = zstd_decoder(state, output.limit).map_err(|_| corrupt("decoder could not be set up"))?;
    let mut source = InBuffer::around(input);
    loop {
        let room = output.room()?;
        let room_len = room.len();
        let mut target = OutBuffer::around(room);
        let taken_before = source.pos();
        let hint = decoder.run(&mut source, &mut target).map_err(|_| corrupt("it is no zstd frame"))?;
        let produced = target.pos();
        output.len += produced;
        let all_read = source.pos() == input.len();
        if hint == 0 && all_read {
            return output.check_limit();
        }
        let stuck = produced == 0 && source.pos() == taken_before;
        if stuck || (all_read && produced < room_len) {
            return Err(corrupt("it is cut off"));
        }
    }
}

/// The decoder, ready for a new body. Its window is bounded by what the body may inflate to: the window is allocated
/// because a header says so, not because data arrive.
fn zstd_decoder(state: &mut Option<ZstdState>, limit: usize) -> std::io::Result<&mut Decoder<'static>> {
    // 8 MiB is the window of the highest normal level, 128 MiB the library's own bound.
    let window_log_max = (usize::BITS - limit.leading_zeros()).clamp(23, 27);
    let mut current = match state.take() {
        Some(current) if current.window_log_max == window_log_max => current,
        _ => {
            let mut decoder = Decoder::new()?;
            decoder.set_parameter(DParameter::WindowLogMax(window_log_max))?;
            ZstdState { decoder, window_log_max }
        }
    };
    current.decoder.reinit()?;
    Ok(&mut state.insert(current).decoder)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn raw_deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd_stream(data: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(encoding: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, InflateError> {
        with_inflater(|inflater| inflater.inflate(Some(encoding), body, limit).map(<[u8]>::to_vec))
    }

    #[test]
    fn encodings_are_undone() {
        let data = b"{\"series\":[]}".repeat(100);
        let stacked = gzip(&zlib(&data));
        let two_members = [gzip(&data[..100]), gzip(&data[100..]), vec![0; 3]].concat();
        let two_frames = [zstd_stream(&data[..100]), zstd_stream(&data[100..])].concat();
        for (encoding, body) in [
            ("", data.clone()),
            ("identity", data.clone()),
            ("deflate", zlib(&data)),
            ("Deflate", raw_deflate(&data)),
            ("gzip", gzip(&data)),
            ("x-gzip", two_members),
            ("zstd", zstd_stream(&data)),
            ("zstd", zstd::bulk::compress(&data, 3).unwrap()),
            ("zstd1", two_frames),
            ("deflate, gzip", stacked),
        ] {
            assert_eq!(inflate(encoding, &body, data.len()).as_deref(), Ok(&data[..]), "{encoding}");
        }
        for encoding in ["", "deflate", "gzip", "zstd", "gzip, zstd"] {
            assert_eq!(
                inflate(encoding, b"", 10).as_deref(),
                Ok(&b""[..]),
                "{encoding}: an empty body is a keep-alive"
            );
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = vec![0_u8; 1_000_000];
        for limit in [0, 10, 100_000, 999_999] {
            for (encoding, body) in
                [("deflate", zlib(&bomb)), ("gzip", gzip(&bomb)), ("zstd", zstd_stream(&bomb)), ("", bomb.clone())]
            {
                assert_eq!(inflate(encoding, &body, limit), Err(InflateError::TooLarge { limit }), "{encoding}");
            }
        }
    }

    #[test]
    fn unknown_encodings_are_named() {
        for (encoding, message) in [
            ("br", "unsupported content encoding: \"br\""),
            ("gzip, snappy", "unsupported content encoding: \"snappy\""),
            ("gzip,gzip,gzip,gzip,gzip", "unsupported content encoding: \"more than 4 encodings\""),
        ] {
            let error = inflate(encoding, b"x", 10).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.status()), (message, 415));
        }
    }

    #[test]
    fn cut_and_broken_bodies_are_corrupt() {
        let data = b"some text that is worth compressing, worth compressing".repeat(20);
        for (encoding, body) in [("deflate", zlib(&data)), ("gzip", gzip(&data)), ("zstd", zstd_stream(&data))] {
            for length in 1..body.len() {
                let result = inflate(encoding, &body[..length], 1 << 20);
                assert!(matches!(result, Err(InflateError::Corrupt { .. })), "{encoding} cut to {length}: {result:?}");
            }
            assert!(inflate(encoding, b"plain text", 1 << 20).is_err());
            // The state of a failed body does not reach into the next.
            assert_eq!(inflate(encoding, &body, 1 << 20).as_deref(), Ok(&data[..]));
        }
        let mut flipped = gzip(&data);
        let last = flipped.len() - 5;
        flipped[last] ^= 1;
        assert_eq!(
            inflate("gzip", &flipped, 1 << 20).unwrap_err().to_string(),
            "corrupt gzip body: checksum or length does not match"
        );
    }

    proptest! {
        #[test]
        fn anything_comes_back(data in prop::collection::vec(0_u8..8, 0..60_000)) {
            for (encoding, body) in [("deflate", zlib(&data)), ("gzip", gzip(&data)), ("zstd", zstd_stream(&data))] {
                let inflated = inflate(encoding, &body, data.len());
                prop_assert_eq!(inflated.as_deref(), Ok(&data[..]));
            }
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..500)) {
            for encoding in ["deflate", "gzip", "zstd", "zstd,gzip"] {
                let _ = inflate(encoding, &noise, 10_000);
            }
        }
    }
}
