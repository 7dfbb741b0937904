//! Columns: packed numbers, read one after the other straight from the body.

use std::borrow::Cow;

use crate::proto::{Proto, Wire};
use crate::report::DecodeError;

/// The bytes of one packed field. Senders write it once; when it comes in pieces (or number by number, which protobuf
/// allows as well), the pieces are joined.
#[derive(Debug, Default)]
pub(super) struct Column<'a> {
    bytes: Cow<'a, [u8]>,
    start: Option<Proto<'a>>,
}

impl<'a> Column<'a> {
    /// Adds what one occurrence of the field holds.
    pub(super) fn push(&mut self, wire: Wire<'a>) {
        match wire {
            Wire::Bytes(packed) if self.start.is_none() && self.bytes.is_empty() => self.start = Some(packed),
            Wire::Bytes(packed) => self.joined().extend_from_slice(packed.bytes()),
            Wire::Varint(mut value) => {
                let bytes = self.joined();
                while value >= 0x80 {
                    bytes.push(value as u8 | 0x80);
                    value >>= 7;
                }
                bytes.push(value as u8);
            }
            Wire::Fixed64(bits) => self.joined().extend_from_slice(&bits.to_le_bytes()),
            Wire::Fixed32(bits) => self.joined().extend_from_slice(&bits.to_le_bytes()),
        }
    }

    fn joined(&mut self) -> &mut Vec<u8> {
        if let Some(first) = self.start.take() {
            self.bytes = Cow::Borrowed(first.bytes());
        }
        self.bytes.to_mut()
    }

    /// A reader at the start of the column.
    pub(super) fn read(&self) -> Proto<'_> {
        self.start.unwrap_or_else(|| Proto::new(&self.bytes))
    }
}

/// A column of which each number is the difference to the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deltas<'a> {
    column: Proto<'a>,
    sum: i64,
}

impl<'a> Deltas<'a> {
    pub(super) fn new(column: Proto<'a>) -> Self {
        Self { column, sum: 0 }
    }

    /// The rest of the column, counted from 0 again.
    pub(super) fn counted_anew(self) -> Self {
        Self { sum: 0, ..self }
    }

    /// The next number, `None` at the end. Sums wrap, as they do at the sender.
    pub(super) fn next(&mut self) -> Result<Option<i64>, DecodeError> {
        if self.column.is_empty() {
            return Ok(None);
        }
        self.sum = self.sum.wrapping_add(self.column.zigzag()?);
        Ok(Some(self.sum))
    }

    /// The next number as an index below `len`.
    pub(super) fn next_index(&mut self, len: usize, what: &'static str) -> Result<usize, DecodeError> {
        let index = self.next()?.and_then(|index| usize::try_from(index).ok()).filter(|&index| index < len);
        index.ok_or_else(|| self.column.malformed(what))
    }
}
