//! A pull reader over JSON that borrows every string from the body. It exists for the series endpoints, where a tree
//! of values or a vector per series would cost more than the parsing: the caller names the keys it wants as they come.
//!
//! Strings with escapes cannot be borrowed. They are rare, so a body that has any backslash is scanned once before it
//! is read and all its escaped strings are decoded into one buffer ([`Escapes`]) from which they are then borrowed.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use crate::report::DecodeError;

/// How deep a value that nobody reads may nest.
const MAX_DEPTH: usize = 128;

/// Powers of ten that a double holds exactly.
const EXACT_POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The decoded forms of all strings of a body that hold an escape.
#[derive(Debug, Default)]
pub(crate) struct Escapes {
    decoded: String,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    /// Offset behind the opening quote, in the body.
    start: usize,
    /// Offset of the closing quote, in the body.
    end: usize,
    /// Where the decoded form stands in the buffer.
    decoded: (usize, usize),
}

impl Escapes {
    /// Scans a body.
    pub(crate) fn scan(body: &str) -> Result<Self, DecodeError> {
        let mut escapes = Self::default();
        let bytes = body.as_bytes();
        if memchr(b'\\', bytes).is_none() {
            return Ok(escapes);
        }
        let mut at = 0;
        while let Some(quote) = memchr(b'"', &bytes[at..]) {
            let start = at + quote + 1;
            let end = match memchr2(b'"', b'\\', &bytes[start..]) {
                Some(offset) if bytes[start + offset] == b'"' => start + offset,
                Some(_) => escapes.decode(body, start)?,
                None => return Err(malformed(start, "string without end")),
            };
            at = end + 1;
        }
        Ok(escapes)
    }

    /// Decodes the string that starts at `start` and returns the offset of its closing quote.
    fn decode(&mut self, body: &str, start: usize) -> Result<usize, DecodeError> {
        let bytes = body.as_bytes();
        let decoded_from = self.decoded.len();
        let mut at = start;
        loop {
            let Some(offset) = memchr2(b'"', b'\\', &bytes[at..]) else {
                return Err(malformed(start, "string without end"));
            };
            self.decoded.push_str(&body[at..at + offset]);
            at += offset;
            if bytes[at] == b'"' {
                self.spans.push(Span { start, end: at, decoded: (decoded_from, self.decoded.len()) });
                return Ok(at);
            }
            at = self.decode_one(bytes, at)?;
        }
    }

    /// Decodes the escape at `at` and returns the offset behind it.
    fn decode_one(&mut self, bytes: &[u8], at: usize) -> Result<usize, DecodeError> {
        let plain = match bytes.get(at + 1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(&same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'u') => return self.decode_unicode(bytes, at),
            _ => return Err(malformed(at, "unknown escape in string")),
        };
        self.decoded.push(plain);
        Ok(at + 2)
    }

    fn decode_unicode(&mut self, bytes: &[u8], at: usize) -> Result<usize, DecodeError> {
        let unit = hex4(bytes, at + 2).ok_or_else(|| malformed(at, "\\u without four hex digits"))?;
        let low_follows = bytes.get(at + 6) == Some(&b'\\') && bytes.get(at + 7) == Some(&b'u');
        if (0xd800..0xdc00).contains(&unit) && low_follows {
            let low = hex4(bytes, at + 8).filter(|low| (0xdc00..0xe000).contains(low));
            if let Some(low) = low {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                self.decoded.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(at + 12);
            }
        }
        // Half a surrogate pair stands for no character.
        self.decoded.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(at + 6)
    }
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

fn malformed(at: usize, what: impl Into<Cow<'static, str>>) -> DecodeError {
    DecodeError::Json { at, what: what.into() }
}

/// The reader: a place in the body.
#[derive(Debug)]
pub(crate) struct Json<'a> {
    body: &'a str,
    at: usize,
    escapes: &'a Escapes,
    next_escape: usize,
}

impl<'a> Json<'a> {
    /// Starts reading; `escapes` must have been scanned from the same body.
    pub(crate) fn new(body: &'a str, escapes: &'a Escapes) -> Self {
        Self { body, at: 0, escapes, next_escape: 0 }
    }

    /// Skips white space and shows the next byte; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        let bytes = self.body.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.at += 1;
        }
        0
    }

    /// Reads an object; `member` is called with each key and must read its value.
    #[inline]
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.expect(b'{', "expected an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':', "expected `:` behind a key")?;
            member(self, key)?;
            if !self.take(b',') {
                return self.expect(b'}', "expected `,` or `}` in an object");
            }
        }
    }

    /// Reads an array; `element` is called at each element and must read it.
    #[inline]
    pub(crate) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.expect(b'[', "expected an array")?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.take(b',') {
                return self.expect(b']', "expected `,` or `]` in an array");
            }
        }
    }

    /// Reads a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<&'a str, DecodeError> {
        self.expect(b'"', "expected a string")?;
        let start = self.at;
        match memchr2(b'"', b'\\', &self.body.as_bytes()[start..]) {
            Some(length) if self.body.as_bytes()[start + length] == b'"' => {
                self.at = start + length + 1;
                Ok(&self.body[start..start + length])
            }
            Some(_) => self.escaped_string(start),
            None => Err(malformed(start, "string without end")),
        }
    }

    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<&'a str, DecodeError> {
        let spans = &self.escapes.spans;
        while spans.get(self.next_escape).is_some_and(|span| span.start < start) {
            self.next_escape += 1;
        }
        match spans.get(self.next_escape).filter(|span| span.start == start) {
            Some(span) => {
                self.at = span.end + 1;
                Ok(&self.escapes.decoded[span.decoded.0..span.decoded.1])
            }
            None => Err(malformed(start, "misplaced quote")),
        }
    }

    /// Reads a string, or `null` as the empty string.
    #[inline]
    pub(crate) fn string_or_null(&mut self) -> Result<&'a str, DecodeError> {
        if self.null() { Ok("") } else { self.string() }
    }

    /// Reads a string, number, `true`, `false` (the last three as they are written) or `null` (`None`).
    #[inline]
    pub(crate) fn scalar_text(&mut self) -> Result<Option<&'a str>, DecodeError> {
        match self.peek() {
            b'"' => Ok(Some(self.string()?)),
            b'{' | b'[' => Err(malformed(self.at, "expected a string")),
            _ => {
                let token = self.token();
                match token {
                    "null" => Ok(None),
                    "true" | "false" => Ok(Some(token)),
                    _ if token.parse::<f64>().is_ok() => Ok(Some(token)),
                    _ => Err(malformed(self.at - token.len(), "expected a string")),
                }
            }
        }
    }

    /// Reads `null` if it is next.
    #[inline]
    pub(crate) fn null(&mut self) -> bool {
        let is_null = self.peek() == b'n' && self.body.as_bytes()[self.at..].starts_with(b"null");
        if is_null {
            self.at += 4;
        }
        is_null
    }

    /// Reads a number. Strings that hold a number count, as do `NaN` and `Infinity`, which some encoders write;
    /// a string that holds none is NaN.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<f64, DecodeError> {
        if self.peek() == b'"' {
            return Ok(self.string()?.trim().parse().unwrap_or(f64::NAN));
        }
        if let Some(value) = self.short_decimal() {
            return Ok(value);
        }
        let token = self.token();
        let starts_well = token.starts_with(|first: char| matches!(first, '-' | '+' | '0'..='9' | 'N' | 'I'));
        match token.parse() {
            Ok(value) if starts_well => Ok(value),
            _ => Err(malformed(self.at - token.len(), "expected a number")),
        }
    }

    /// Reads a decimal without exponent that is exact as a quotient of two doubles; that is nearly every number.
    #[inline]
    fn short_decimal(&mut self) -> Option<f64> {
        let bytes = self.body.as_bytes();
        let negative = bytes.get(self.at) == Some(&b'-');
        let start = self.at + usize::from(negative);
        let (mut at, mut mantissa, mut digits, mut point) = (start, 0_u64, 0_usize, None);
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                    digits += 1;
                }
                b'.' if point.is_none() && digits > 0 => point = Some(at),
                b'e' | b'E' | b'.' => return None,
                _ => break,
            }
            at += 1;
        }
        let decimals = point.map_or(0, |point| at - point - 1);
        // 15 digits fit the 53 bits of a double.
        if digits == 0 || digits > 15 || (point.is_some() && decimals == 0) {
            return None;
        }
        self.at = at;
        let value = mantissa as f64 / EXACT_POWERS_OF_TEN[decimals];
        Some(if negative { -value } else { value })
    }

    /// Reads everything up to the next delimiter.
    fn token(&mut self) -> &'a str {
        let start = self.at;
        let bytes = self.body.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if matches!(byte, b',' | b']' | b'}' | b':' | b'"' | b'[' | b'{' | b' ' | b'\n' | b'\r' | b'\t') {
                break;
            }
            self.at += 1;
        }
        &self.body[start..self.at]
    }

    /// Reads over one value of any kind.
    pub(crate) fn skip(&mut self) -> Result<(), DecodeError> {
        // For each open bracket, whether it is an object.
        let mut open = [false; MAX_DEPTH];
        let mut depth = 0;
        loop {
            match self.peek() {
                bracket @ (b'{' | b'[') => {
                    let is_object = bracket == b'{';
                    self.at += 1;
                    if !self.take(if is_object { b'}' } else { b']' }) {
                        if depth == MAX_DEPTH {
                            return Err(malformed(self.at, format!("nested deeper than {MAX_DEPTH}")));
                        }
                        open[depth] = is_object;
                        depth += 1;
                        if is_object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                _ => self.skip_literal()?,
            }
            loop {
                let Some(innermost) = depth.checked_sub(1) else { return Ok(()) };
                if self.take(b',') {
                    if open[innermost] {
                        self.skip_key()?;
                    }
                    break;
                }
                self.expect(if open[innermost] { b'}' } else { b']' }, "expected `,` or the end of a value")?;
                depth = innermost;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), DecodeError> {
        self.string()?;
        self.expect(b':', "expected `:` behind a key")
    }

    fn skip_literal(&mut self) -> Result<(), DecodeError> {
        if matches!(self.peek(), b't' | b'f' | b'n') {
            let token = self.token();
            let known = matches!(token, "true" | "false" | "null");
            return if known { Ok(()) } else { Err(malformed(self.at - token.len(), "expected a value")) };
        }
        self.number().map(drop)
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), DecodeError> {
        if self.peek() == 0 && self.at >= self.body.len() {
            Ok(())
        } else {
            Err(malformed(self.at, "something follows the end of the payload"))
        }
    }

    /// An error at this place.
    #[cold]
    pub(crate) fn malformed(&self, what: impl Into<Cow<'static, str>>) -> DecodeError {
        malformed(self.at, what)
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), DecodeError> {
        if self.take(byte) { Ok(()) } else { Err(malformed(self.at, what)) }
    }
}
