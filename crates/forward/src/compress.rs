//! Compresses bodies, and undoes it for the few that must be taken apart again.

use std::io::Write;

use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use galgo_intake::inflate::with_inflater;

use crate::config::Compression;
use crate::payload::Encoding;

/// Largest body that is taken apart, in bytes uncompressed.
const MAX_RAW_BYTES: usize = 16 * 1024 * 1024;

/// The body and how it came out.
pub(crate) fn compress(raw: Vec<u8>, compression: Compression) -> (Encoding, Bytes) {
    let compressed = match compression {
        Compression::None => return (Encoding::Identity, raw.into()),
        Compression::Zstd(level) => zstd::bulk::compress(&raw, level).map(|body| (Encoding::Zstd, body)),
        Compression::Deflate(level) => deflate(&raw, level).map(|body| (Encoding::Deflate, body)),
        Compression::Gzip(level) => gzip(&raw, level).map(|body| (Encoding::Gzip, body)),
    };
    match compressed {
        Ok((encoding, body)) => (encoding, body.into()),
        Err(error) => {
            tracing::warn!(%error, bytes = raw.len(), "payload could not be compressed and is sent as it is");
            (Encoding::Identity, raw.into())
        }
    }
}

fn deflate(raw: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::new(level.min(9)));
    encoder.write_all(raw)?;
    encoder.finish()
}

fn gzip(raw: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level.min(9)));
    encoder.write_all(raw)?;
    encoder.finish()
}

/// The body as it was before [`compress`]; `None` when it is damaged.
pub(crate) fn decompress(body: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    let Some(encoding) = encoding.header() else { return Some(body.to_vec()) };
    with_inflater(|inflater| inflater.inflate(Some(encoding), body, MAX_RAW_BYTES).ok().map(<[u8]>::to_vec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compression_is_undone() {
        let raw = b"metric metric metric ".repeat(100);
        for compression in [
            Compression::None,
            Compression::Zstd(1),
            Compression::Deflate(6),
            Compression::Gzip(6),
            Compression::Gzip(99),
        ] {
            let (encoding, body) = compress(raw.clone(), compression);
            assert_eq!(encoding == Encoding::Identity, compression == Compression::None);
            assert_eq!(decompress(&body, encoding).as_deref(), Some(&raw[..]), "{compression:?}");
        }
        assert_eq!(decompress(b"no zstd", Encoding::Zstd), None);
    }
}
