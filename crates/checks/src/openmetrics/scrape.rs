//! Fetches an exposition and reads it line by line while it arrives.

use crate::http::{HttpError, Response};
use crate::pattern::Pattern;

use super::exposition::{Family, Format, ParseError, Parser};

/// Longest line, in bytes.
const MAX_LINE: usize = 1024 * 1024;

/// Longest text, in bytes (after decompression).
const MAX_TEXT: usize = 256 * 1024 * 1024;

/// Why a scrape failed.
#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    /// The exchange.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What came is no exposition.
    #[error("{url}: {error}")]
    Parse {
        /// The endpoint.
        url: String,
        /// What is wrong.
        error: ParseError,
    },
    /// Too much came.
    #[error("{url}: {what} longer than {limit} bytes")]
    TooLong {
        /// The endpoint.
        url: String,
        /// What is too long.
        what: &'static str,
        /// How long it may be.
        limit: usize,
    },
}

/// Reads an answer and hands over every family as it is complete. What came before an error was handed over.
pub async fn read(
    url: &str,
    mut response: Response,
    format: Format,
    skip: Option<&Pattern>,
    accept: &mut (dyn FnMut(Family) + Send),
) -> Result<(), ScrapeError> {
    let fail = |error| ScrapeError::Parse { url: url.to_owned(), error };
    let too_long = |what, limit| ScrapeError::TooLong { url: url.to_owned(), what, limit };
    let mut parser = Parser::new(format);
    let mut take = |parser: &mut Parser, line: &[u8]| -> Result<(), ParseError> {
        let text = String::from_utf8_lossy(line);
        if !skip.is_some_and(|pattern| pattern.search(&text)) {
            parser.line(&text)?.into_iter().for_each(&mut *accept);
        }
        Ok(())
    };
    let (mut begun, mut total) = (Vec::new(), 0_usize);
    while let Some(piece) = response.piece().await? {
        let piece = piece.as_ref();
        total += piece.len();
        if total > MAX_TEXT {
            return Err(too_long("text", MAX_TEXT));
        }
        let mut lines = piece.split(|&byte| byte == b'\n');
        // The last part has no end yet; the first ends the line that the piece before began.
        let unfinished = lines.next_back().unwrap_or_default();
        for line in lines {
            if begun.is_empty() {
                take(&mut parser, line).map_err(fail)?;
            } else {
                begun.extend_from_slice(line);
                take(&mut parser, &begun).map_err(fail)?;
                begun.clear();
            }
        }
        begun.extend_from_slice(unfinished);
        if begun.len() > MAX_LINE {
            return Err(too_long("a line", MAX_LINE));
        }
    }
    if !begun.is_empty() {
        take(&mut parser, &begun).map_err(fail)?;
    }
    parser.finish().map_err(fail)?.into_iter().for_each(accept);
    Ok(())
}
