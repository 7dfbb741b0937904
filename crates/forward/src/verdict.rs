//! What an answer means for a payload (reference: intake-agent.md §2, intake-logs.md §8).
//!
//! | answer | what happens |
//! |---|---|
//! | 2xx | taken |
//! | 400 | refused: dropped and counted |
//! | 413 | too large: halved and sent again, dropped when that does not help |
//! | 401, 403 | the key is refused: the payload waits, attempts are slow, the status says so |
//! | 404, 405, 406, 410, 411, 414, 415, 422, 431, 501 | doubtful: the server may be on its way up behind a proxy, or know no such path. Tried a few times, then dropped |
//! | 3xx, 402, 407, 408, 409, 425, 429, 5xx, none | tried again until it works, after `Retry-After` if there is one |
//!
//! Datadog's agent drops a payload on 403 and repeats it for ever on 404; it takes a redirect for success. A key can be
//! repaired, a path will not appear, and a redirected body reached nobody.

/// What an answer means for a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server has it.
    Taken,
    /// It will never have it.
    Refused,
    /// It may have it in smaller pieces.
    TooLarge,
    /// It does not know the key.
    KeyRefused,
    /// It may be for good or not.
    Doubtful,
    /// Another time.
    Later,
    /// Another time, and less of it.
    TooFast,
}

/// How often a payload is tried again after a doubtful answer.
pub(crate) const MAX_DOUBTFUL_ANSWERS: u8 = 4;
/// How often a payload that is too large is halved.
pub(crate) const MAX_HALVINGS: u8 = 3;

impl Verdict {
    pub(crate) fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            400 => Self::Refused,
            413 => Self::TooLarge,
            401 | 403 => Self::KeyRefused,
            404 | 405 | 406 | 410 | 411 | 414 | 415 | 422 | 431 | 501 => Self::Doubtful,
            429 | 503 => Self::TooFast,
            _ => Self::Later,
        }
    }
}
