//! A walker over protobuf's wire format, borrowing and free of allocation. Generated code would build a tree of
//! vectors and strings for every payload; on the hottest path of the server that costs more than all the rest.

use crate::report::DecodeError;

/// What stands behind a field's tag.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Proto<'a>),
    Fixed32(u32),
}

/// A message, or what is left of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proto<'a> {
    rest: &'a [u8],
    /// Offset of the end of `rest` in the whole body, for error messages.
    end: usize,
}

impl<'a> Proto<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body, end: body.len() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes of this message or field.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// The text of a string field.
    #[inline]
    pub(crate) fn text(&self, field: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.rest).map_err(|_| DecodeError::NotUtf8 { field })
    }

    /// The next field, `None` at the end of the message.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = u32::try_from(tag >> 3).ok().filter(|&field| field > 0);
        let Some(field) = field else { return Err(self.malformed("field number out of range")) };
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => Wire::Bytes(self.delimited()?),
            5 => Wire::Fixed32(u32::from_le_bytes(self.fixed()?)),
            _ => return Err(self.malformed("unknown wire type")),
        };
        Ok(Some((field, wire)))
    }

    /// The next field if it is length-delimited, and its number and its length fit one byte each: nearly every field
    /// that a series has. `None` says nothing of what comes; ask [`Proto::next`].
    #[inline]
    pub(crate) fn next_short(&mut self) -> Option<(u32, Proto<'a>)> {
        let [tag @ 0x08..0x80, length @ 0..0x80, behind @ ..] = self.rest else { return None };
        if tag & 7 != 2 {
            return None;
        }
        let (inner, rest) = behind.split_at_checked(usize::from(*length))?;
        self.rest = rest;
        Some((u32::from(tag >> 3), Proto { rest: inner, end: self.end - rest.len() }))
    }

    /// Takes a run of short string fields of one number, as tags stand in a series, and appends their texts. The run
    /// is checked as one piece of UTF-8: numbers and lengths below 0x80 are ASCII and part the texts from each other.
    /// Takes nothing when the run is not UTF-8; [`Proto::next`] then finds the field at fault.
    #[inline]
    pub(crate) fn take_short_texts(&mut self, field: u8, texts: &mut Vec<&'a str>) {
        let tag = field << 3 | 2;
        let mut end = 0;
        while let Some(&[found, length @ 0..0x80, ..]) = self.rest.get(end..) {
            let field_end = end + 2 + usize::from(length);
            if found != tag || field_end > self.rest.len() {
                break;
            }
            end = field_end;
        }
        let Ok(run) = std::str::from_utf8(&self.rest[..end]) else { return };
        let mut at = 0;
        while at < end {
            let field_end = at + 2 + usize::from(self.rest[at + 1]);
            texts.push(&run[at + 2..field_end]);
            at = field_end;
        }
        self.rest = &self.rest[end..];
    }

    /// The next varint.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            _ => self.long_varint(),
        }
    }

    /// Varints of two to eight bytes are taken apart as one word; times, five bytes long, stand in every point.
    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        const CONTINUES: u64 = 0x8080_8080_8080_8080;
        if let Some(chunk) = self.rest.first_chunk::<8>() {
            let word = u64::from_le_bytes(*chunk);
            let ends = !word & CONTINUES;
            if ends != 0 {
                let last_bit = ends.trailing_zeros();
                self.rest = &self.rest[last_bit as usize / 8 + 1..];
                // Everything behind the last byte goes, then the groups of 7 bits are moved together pairwise.
                let groups = word & (u64::MAX >> (63 - last_bit)) & !CONTINUES;
                let pairs = (groups & 0x007f_007f_007f_007f) | (groups & 0x7f00_7f00_7f00_7f00) >> 1;
                let fours = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2;
                return Ok((fours & 0x0fff_ffff) | (fours >> 32) << 28);
            }
        }
        self.varint_by_bytes()
    }

    #[cold]
    fn varint_by_bytes(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().enumerate().take(10) {
            // The tenth byte holds the 64th bit and nothing else.
            if index == 9 && byte > 1 {
                return Err(self.malformed("varint longer than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(self.malformed("varint is cut off"))
    }

    /// The next zigzag varint.
    #[inline]
    pub(crate) fn zigzag(&mut self) -> Result<i64, DecodeError> {
        Ok(unzigzag(self.varint()?))
    }

    /// The next length-delimited field.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<Proto<'a>, DecodeError> {
        let length = self.varint()?;
        match usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length)) {
            Some((inner, rest)) => {
                self.rest = rest;
                Ok(Proto { rest: inner, end: self.end - rest.len() })
            }
            None => Err(self.malformed("length goes beyond the end")),
        }
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((value, rest)) => {
                self.rest = rest;
                Ok(*value)
            }
            None => Err(self.malformed("fixed-size value is cut off")),
        }
    }

    #[cold]
    pub(crate) fn malformed(&self, what: &'static str) -> DecodeError {
        DecodeError::Proto { at: self.end - self.rest.len(), what }
    }
}

#[inline]
pub(crate) fn unzigzag(value: u64) -> i64 {
    ((value >> 1) as i64) ^ -((value & 1) as i64)
}

/// Whether a body is nothing at all or the `{}` by which agents probe every endpoint, protobuf ones too.
pub(crate) fn is_probe(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_walked() {
        let mut message = Proto::new(&[0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert!(matches!(message.next(), Ok(Some((1, Wire::Varint(150))))));
        let Ok(Some((2, Wire::Bytes(inner)))) = message.next() else { panic!("field 2") };
        assert_eq!(inner.text("x"), Ok("hi"));
        assert!(matches!(message.next(), Ok(Some((3, Wire::Fixed64(bits)))) if f64::from_bits(bits) == 1.0));
        assert!(matches!(message.next(), Ok(None)));
    }

    #[test]
    fn lies_are_named_with_their_place() {
        for (body, error) in [
            (&[0x0a, 5, 1][..], "malformed protobuf at byte 2: length goes beyond the end"),
            (
                &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                "malformed protobuf at byte 11: length goes beyond the end",
            ),
            (&[0xff; 11], "malformed protobuf at byte 0: varint longer than 64 bits"),
            (&[0x80], "malformed protobuf at byte 0: varint is cut off"),
            (&[0x00, 0x00], "malformed protobuf at byte 1: field number out of range"),
            (&[0x0b], "malformed protobuf at byte 1: unknown wire type"),
            (&[0x09, 1], "malformed protobuf at byte 1: fixed-size value is cut off"),
        ] {
            assert_eq!(Proto::new(body).next().map(|_| ()).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn runs_of_texts_are_taken_whole_or_not_at_all() {
        let take = |body: &'static [u8]| {
            let (mut texts, mut message) = (Vec::new(), Proto::new(body));
            message.take_short_texts(3, &mut texts);
            (texts, message.bytes().len())
        };
        assert_eq!(take(b"\x1a\x01a\x1a\x00\x1a\x03\xe6\xbc\xa2\x22\x00"), (vec!["a", "", "\u{6f22}"], 2));
        assert_eq!(take(b""), (vec![], 0));
        assert_eq!(take(b"\x1a"), (vec![], 1));
        assert_eq!(take(b"\x1a\x05a"), (vec![], 3));
        // A text that ends within a character does not borrow from the next.
        assert_eq!(take(b"\x1a\x01a\x1a\x02\xe6\xbc\x1a\x01b"), (vec![], 10));
    }

    #[test]
    fn varints_of_every_length_are_read() {
        for bits in 0..=64 {
            let value = if bits == 0 { 0 } else { u64::MAX >> (64 - bits) };
            for value in [value, value & 0x5a5a_5a5a_5a5a_5a5a, value / 3] {
                let (mut encoded, mut rest) = (Vec::new(), value);
                while rest >= 0x80 {
                    encoded.push(rest as u8 | 0x80);
                    rest >>= 7;
                }
                encoded.push(rest as u8);
                for padding in [0, 1, 10] {
                    let padded = [encoded.clone(), vec![0xff; padding]].concat();
                    let mut reader = Proto::new(&padded);
                    assert_eq!(reader.varint(), Ok(value), "{value:#x} behind which stand {padding} bytes");
                    assert_eq!(reader.bytes().len(), padding);
                }
            }
        }
    }

    #[test]
    fn zigzag_alternates() {
        assert_eq!([0, 1, 2, 3, u64::MAX].map(unzigzag), [0, -1, 1, -2, i64::MIN]);
    }
}
