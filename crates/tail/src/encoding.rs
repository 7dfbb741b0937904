//! How the bytes of a file are text, and where its lines end.

use std::borrow::Cow;

use encoding_rs::SHIFT_JIS;

/// Encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8; other bytes are replaced.
    #[default]
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Shift JIS.
    ShiftJis,
}

impl Encoding {
    /// The encoding of a name in a configuration; empty stands for UTF-8.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" => Some(Self::Utf8),
            "utf-16-le" => Some(Self::Utf16Le),
            "utf-16-be" => Some(Self::Utf16Be),
            "shift-jis" => Some(Self::ShiftJis),
            _ => None,
        }
    }

    /// Its name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16-le",
            Self::Utf16Be => "utf-16-be",
            Self::ShiftJis => "shift-jis",
        }
    }

    /// Bytes of the smallest unit; a line begins at a multiple of it.
    pub(crate) fn unit(self) -> usize {
        match self {
            Self::Utf8 | Self::ShiftJis => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// Where the first line feed at or after `from` begins. `from` must be a multiple of the unit.
    pub(crate) fn find_line_feed(self, bytes: &[u8], from: usize) -> Option<usize> {
        let pair: [u8; 2] = match self {
            // The second byte of a pair in Shift JIS is never a line feed.
            Self::Utf8 | Self::ShiftJis => return memchr::memchr(b'\n', &bytes[from..]).map(|at| from + at),
            Self::Utf16Le => [b'\n', 0],
            Self::Utf16Be => [0, b'\n'],
        };
        let units = bytes[from..].chunks_exact(2);
        units.into_iter().position(|unit| unit == pair).map(|at| from + at * 2)
    }

    /// Largest length up to `limit` at which the bytes may be cut without cutting a character in two.
    pub(crate) fn cut(self, bytes: &[u8], limit: usize) -> usize {
        match self {
            Self::Utf8 => {
                let floor = limit.saturating_sub(3);
                let boundary = (floor..=limit).rev().find(|at| bytes.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80));
                boundary.filter(|at| *at > 0).unwrap_or(limit)
            }
            Self::ShiftJis => limit,
            Self::Utf16Le | Self::Utf16Be => {
                let even = limit & !1;
                let high = |at: usize| match self {
                    Self::Utf16Le => bytes.get(at + 1),
                    _ => bytes.get(at),
                };
                // A unit of D8 to DB is the first half of a pair.
                let splits = even >= 4 && high(even - 2).is_some_and(|byte| (0xD8..0xDC).contains(byte));
                if splits { even - 2 } else { even }
            }
        }
    }

    /// The text of a line without its line feed; a byte order mark at its beginning is left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        let text: Cow<'_, str> = match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::ShiftJis => SHIFT_JIS.decode_without_bom_handling(bytes).0,
            Self::Utf16Le => decode_utf16(bytes, u16::from_le_bytes),
            Self::Utf16Be => decode_utf16(bytes, u16::from_be_bytes),
        };
        match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text.into_owned(),
        }
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let chars = char::decode_utf16(units).map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
    Cow::Owned(chars.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn lines_are_decoded() {
        for (encoding, bytes, text) in [
            (Encoding::Utf8, b"\xef\xbb\xbfa\xff".to_vec(), "a\u{fffd}"),
            (Encoding::Utf16Le, utf16("\u{feff}ä𝄞", u16::to_le_bytes), "ä𝄞"),
            (Encoding::Utf16Be, utf16("ä𝄞", u16::to_be_bytes), "ä𝄞"),
            (Encoding::ShiftJis, b"\x83\x8d\x83\x4f".to_vec(), "ログ"),
        ] {
            assert_eq!(encoding.decode(&bytes), text);
            assert_eq!(Encoding::from_name(encoding.name()), Some(encoding));
        }
    }

    #[test]
    fn a_line_feed_of_utf_16_is_looked_for_in_whole_units() {
        // U+0A0A and U+000A, low byte first: the first line feed byte pair that is aligned counts.
        let bytes = [0x0A, 0x0A, 0x0A, 0x00];
        assert_eq!(Encoding::Utf16Le.find_line_feed(&bytes, 0), Some(2));
        assert_eq!(Encoding::Utf16Be.find_line_feed(&[0x01, 0x00, 0x0A, 0x00, 0x00, 0x0A], 0), Some(4));
    }

    #[test]
    fn a_cut_keeps_characters_whole() {
        assert_eq!(Encoding::Utf8.cut("aä".as_bytes(), 2), 1);
        assert_eq!(Encoding::Utf8.cut("ab".as_bytes(), 2), 2);
        assert_eq!(Encoding::Utf16Le.cut(&utf16("a𝄞", u16::to_le_bytes), 4), 2);
        assert_eq!(Encoding::Utf16Le.cut(&utf16("ab", u16::to_le_bytes), 3), 2);
    }
}
