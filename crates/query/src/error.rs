//! What can be wrong with a query, and where.

use crate::ast::Span;
use crate::source::SourceError;

/// A fault in a query text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Lower case, no full stop.
    pub message: String,
    /// The text that is at fault, empty while not yet known.
    pub text: String,
    /// First byte at fault.
    pub offset: usize,
    /// Number of bytes at fault, 0 at the end of the text.
    pub len: usize,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is wrong: 400.
    #[error("{0}")]
    Text(Fault),
    /// The request around the text is wrong (times, names): 400.
    #[error("{0}")]
    Request(String),
    /// A bound was reached: 422 or 429.
    #[error("{0}")]
    Limit(String),
    /// The store could not read: 500.
    #[error("{0}")]
    Storage(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} at character {}", self.message, self.character())?;
        let rest = self.text.get(self.offset..).unwrap_or_default();
        if rest.is_empty() {
            return formatter.write_str(" (end of the query)");
        }
        let near: String = rest.chars().take(20).collect();
        write!(formatter, " (near `{near}`)")
    }
}

impl Fault {
    /// Position of the fault in characters, counted from 1.
    pub fn character(&self) -> usize {
        self.text.get(..self.offset).map_or(self.offset, |before| before.chars().count()) + 1
    }

    /// The line at fault with a line of carets under the fault.
    ///
    /// ```
    /// let error = galgo_query::parse::parse_request("avg:system.load.1{host:a").unwrap_err();
    /// assert_eq!(
    ///     error.caret(),
    ///     "avg:system.load.1{host:a\n                        ^ expected `,`, `AND`, `OR` or `}`"
    /// );
    /// ```
    pub fn caret(&self) -> String {
        let offset = self.offset.min(self.text.len());
        let line_start = self.text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line = self.text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let before = self.text.get(line_start..offset).unwrap_or_default().chars().count();
        let width = self.text.get(offset..offset + self.len).map_or(1, |fault| fault.chars().count()).max(1);
        let room = line.chars().count().saturating_sub(before).max(1);
        format!("{line}\n{}{} {}", " ".repeat(before), "^".repeat(width.min(room)), self.message)
    }
}

impl QueryError {
    /// A fault at a place of a text that the caller of the caller knows (see [`QueryError::in_text`]).
    pub fn at(span: Span, message: impl Into<String>) -> Self {
        Self::Text(Fault { message: message.into(), text: String::new(), offset: span.start, len: span.len })
    }

    /// Names the text that a fault belongs to, unless it is known already.
    #[must_use]
    pub fn in_text(mut self, text: &str) -> Self {
        if let Self::Text(fault) = &mut self
            && fault.text.is_empty()
        {
            fault.text = text.to_owned();
        }
        self
    }
}

impl From<Fault> for QueryError {
    fn from(fault: Fault) -> Self {
        Self::Text(fault)
    }
}

impl From<SourceError> for QueryError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Limit(text) => Self::Limit(text),
            SourceError::Storage(text) => Self::Storage(text),
        }
    }
}
