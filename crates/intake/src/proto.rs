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

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
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
    fn zigzag_alternates() {
        assert_eq!([0, 1, 2, 3, u64::MAX].map(unzigzag), [0, -1, 1, -2, i64::MIN]);
    }
}
