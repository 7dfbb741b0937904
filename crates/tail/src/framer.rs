//! Cuts bytes into lines. A line that is longer than the limit comes in pieces, each marked as cut.

use crate::encoding::Encoding;

/// One line, or a piece of a line that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Its text without line ending.
    pub text: String,
    /// Position right after it and its line ending.
    pub end: u64,
    /// Whether it is the remainder of a piece that came before.
    pub continues: bool,
    /// Whether it goes on in the next piece.
    pub goes_on: bool,
}

/// Turns bytes that arrive in any portions into lines, with their positions.
#[derive(Debug)]
pub(crate) struct Framer {
    encoding: Encoding,
    limit: usize,
    buffer: Vec<u8>,
    /// Position of the buffer's first byte.
    start: u64,
    /// How much of the buffer is known to hold no line feed.
    scanned: usize,
    continues: bool,
}

impl Framer {
    /// A framer for bytes from the position `start` on; pieces have at most `limit` bytes.
    pub fn new(encoding: Encoding, limit: usize, start: u64) -> Self {
        let limit = limit.max(4 * encoding.unit());
        Self { encoding, limit, buffer: Vec::new(), start, scanned: 0, continues: false }
    }

    /// Takes bytes that follow those before.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Frame>) {
        let bytes = self.without_leading_zeros(bytes);
        self.buffer.extend_from_slice(bytes);
        let mut begin = 0;
        loop {
            let rest = &self.buffer[begin..];
            let found = self
                .encoding
                .find_line_feed(rest, self.scanned.min(rest.len()) / self.encoding.unit() * self.encoding.unit());
            match found {
                Some(at) if at <= self.limit => {
                    let next = begin + at + self.encoding.unit();
                    out.push(self.frame(begin, begin + at, next, false));
                    begin = next;
                }
                _ if rest.len() > self.limit => {
                    let cut = begin + self.encoding.cut(rest, self.limit);
                    out.push(self.frame(begin, cut, cut, true));
                    begin = cut;
                }
                _ => break,
            }
            self.scanned = 0;
        }
        self.consume(begin);
        self.scanned = self.buffer.len();
    }

    /// What is left without a line ending, when nothing more will come.
    pub fn finish(&mut self) -> Option<Frame> {
        if self.buffer.is_empty() {
            return None;
        }
        let end = self.buffer.len();
        let frame = self.frame(0, end, end, false);
        self.consume(end);
        self.scanned = 0;
        Some(frame)
    }

    /// Whether no part of a line waits for the rest.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn frame(&mut self, from: usize, to: usize, next: usize, goes_on: bool) -> Frame {
        let mut text = self.encoding.decode(&self.buffer[from..to]);
        if !goes_on && text.ends_with('\r') {
            text.pop();
        }
        let continues = std::mem::replace(&mut self.continues, goes_on);
        Frame { text, end: self.start + next as u64, continues, goes_on }
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes as u64;
        if bytes > 0 {
            // Only what is left is kept: hundreds of files must not each hold room for a whole read.
            self.buffer = self.buffer[bytes..].to_vec();
        }
    }

    /// A writer without `O_APPEND` leaves a hole where the file was cut off by a rotation; it reads as zeros.
    fn without_leading_zeros<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if !self.buffer.is_empty() || self.continues || self.encoding.unit() > 1 {
            return bytes;
        }
        let zeros = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        self.start += zeros as u64;
        &bytes[zeros..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(encoding: Encoding, limit: usize, portions: &[&[u8]]) -> Vec<(String, u64, bool, bool)> {
        let mut framer = Framer::new(encoding, limit, 100);
        let mut out = Vec::new();
        portions.iter().for_each(|portion| framer.push(portion, &mut out));
        out.extend(framer.finish());
        out.into_iter().map(|frame| (frame.text, frame.end - 100, frame.continues, frame.goes_on)).collect()
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let got = frames(Encoding::Utf8, 100, &[b"a\r\nb", b"c\n\nrest"]);
        let want = [("a", 3, false, false), ("bc", 6, false, false), ("", 7, false, false), ("rest", 11, false, false)];
        assert_eq!(got, want.map(|(text, end, a, b)| (text.to_owned(), end, a, b)));
    }

    #[test]
    fn long_lines_come_in_pieces() {
        let got = frames(Encoding::Utf8, 4, &[b"abcdefghij\nx\nabcd\n"]);
        let want = [
            ("abcd", 4, false, true),
            ("efgh", 8, true, true),
            ("ij", 11, true, false),
            ("x", 13, false, false),
            ("abcd", 18, false, false),
        ];
        assert_eq!(got, want.map(|(text, end, a, b)| (text.to_owned(), end, a, b)));
    }

    #[test]
    fn utf_16_is_framed_in_units() {
        let bytes: Vec<u8> = "ab\r\nĊ\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let (one, two) = bytes.split_at(7);
        let texts: Vec<String> = frames(Encoding::Utf16Le, 100, &[one, two]).into_iter().map(|frame| frame.0).collect();
        assert_eq!(texts, ["ab", "Ċ"]);
    }

    #[test]
    fn zeros_before_a_line_are_skipped() {
        let got = frames(Encoding::Utf8, 4, &[&[0; 50], b"\0\0a\n"]);
        assert_eq!(got, [("a".to_owned(), 54, false, false)]);
    }

    proptest! {
        #[test]
        fn portions_do_not_matter(
            lines in prop::collection::vec("[a-zä]{0,12}", 0..20),
            cuts in prop::collection::vec(1usize..9, 1..60),
        ) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
            let whole = frames(Encoding::Utf8, 6, &[&text]);
            let mut portions = Vec::new();
            let mut rest = &text[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (portion, after) = rest.split_at((*cut).min(rest.len()));
                portions.push(portion);
                rest = after;
            }
            prop_assert_eq!(frames(Encoding::Utf8, 6, &portions), whole.clone());
            let joined: String = whole.iter().map(|frame| if frame.3 { frame.0.clone() } else { format!("{}\n", frame.0) }).collect();
            prop_assert_eq!(joined.into_bytes(), text);
        }
    }
}
