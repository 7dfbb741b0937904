//! How messages are cut out of a stream: the length of a message in four bytes (big-endian), then the message as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest message in bytes, either way. The runner sends samples in parts that stay well below.
pub const MAX_FRAME_BYTES: usize = 16 << 20;

/// A buffer that grew beyond this for one long message is given back afterwards.
const KEPT_BUFFER_BYTES: usize = 256 << 10;

/// Why a message could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed or ended within a message.
    #[error("stream broken: {0}")]
    Io(#[from] std::io::Error),
    /// Longer than allowed.
    #[error("message of {0} bytes, the limit is {MAX_FRAME_BYTES}")]
    TooLong(usize),
    /// Not the JSON that was expected.
    #[error("message not understood: {0}")]
    Json(#[from] serde_json::Error),
}

/// A message with its length in front.
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(length));
    }
    frame[..4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(frame)
}

/// The next message, or `None` at the end of the stream.
pub async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<Option<T>, FrameError> {
    let mut length = [0; 4];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong(length));
    }
    buffer.resize(length, 0);
    stream.read_exact(buffer).await?;
    let message = serde_json::from_slice(buffer)?;
    buffer.clear();
    buffer.shrink_to(KEPT_BUFFER_BYTES);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read_all(mut bytes: &[u8]) -> Result<Vec<Value>, FrameError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut buffer, mut messages) = (Vec::new(), Vec::new());
            while let Some(message) = read(&mut bytes, &mut buffer).await? {
                messages.push(message);
            }
            Ok(messages)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec(".*", 0..8)) {
            let messages: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
            let bytes: Vec<u8> = messages.iter().flat_map(|message| encode(message).unwrap()).collect();
            prop_assert_eq!(read_all(&bytes).unwrap(), messages);
        }

        #[test]
        fn garbage_is_refused_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_all(&bytes);
        }
    }

    #[test]
    fn long_and_cut_messages_are_refused() {
        let refused = read_all(&u32::MAX.to_be_bytes()).unwrap_err().to_string();
        assert_eq!(refused, "message of 4294967295 bytes, the limit is 16777216");
        let cut = encode(&json!([1])).unwrap();
        assert!(matches!(read_all(&cut[..cut.len() - 1]), Err(FrameError::Io(_))));
        assert!(matches!(read_all(&[0, 0, 0, 1, b'x']), Err(FrameError::Json(_))));
        assert!(matches!(encode(&"x".repeat(MAX_FRAME_BYTES)), Err(FrameError::TooLong(_))));
    }
}
