//! Writes protobuf's wire format into a buffer that the caller keeps from message to message.

/// Wire type of a field.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const DELIMITED: u8 = 2;

pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number whose small absolute values are short.
pub(crate) fn zigzag(out: &mut Vec<u8>, value: i64) {
    varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn tag(out: &mut Vec<u8>, field: u8, wire: u8) {
    debug_assert!(field < 16, "the tag of a field above 15 takes two bytes");
    out.push(field << 3 | wire);
}

/// A number that is left out when it is 0, as protobuf does.
pub(crate) fn number_field(out: &mut Vec<u8>, field: u8, value: u64) {
    if value != 0 {
        tag(out, field, VARINT);
        varint(out, value);
    }
}

/// A number that is left out when it is 0.
pub(crate) fn double_field(out: &mut Vec<u8>, field: u8, value: f64) {
    if value.to_bits() != 0 {
        tag(out, field, FIXED64);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Bytes, present even when empty.
pub(crate) fn bytes_field(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    tag(out, field, DELIMITED);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Text that is left out when it is empty.
pub(crate) fn text_field(out: &mut Vec<u8>, field: u8, text: &str) {
    if !text.is_empty() {
        bytes_field(out, field, text.as_bytes());
    }
}

/// A message within a message. Its length stands in front of it, so it is written first and then moved behind.
pub(crate) fn message_field(out: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, DELIMITED);
    let start = out.len();
    write(out);
    let length = out.len() - start;
    let mut prefix = Vec::with_capacity(5);
    varint(&mut prefix, length as u64);
    out.splice(start..start, prefix);
}

/// Offsets behind each top-level field of a message, `None` when it is not one that this module wrote.
pub(crate) fn field_ends(message: &[u8]) -> Option<Vec<usize>> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < message.len() {
        if message[at] & 7 != DELIMITED {
            return None;
        }
        let (length, prefix) = read_varint(message.get(at + 1..)?)?;
        at = at.checked_add(1 + prefix)?.checked_add(usize::try_from(length).ok()?)?;
        if at > message.len() {
            return None;
        }
        ends.push(at);
    }
    Some(ends)
}

fn read_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_written_as_protobuf_says() {
        let mut out = Vec::new();
        number_field(&mut out, 1, 150);
        number_field(&mut out, 1, 0);
        text_field(&mut out, 2, "hi");
        text_field(&mut out, 2, "");
        double_field(&mut out, 3, 1.0);
        message_field(&mut out, 4, |inner| zigzag(inner, -2));
        assert_eq!(out, [0x08, 0x96, 1, 0x12, 2, b'h', b'i', 0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x22, 1, 3]);
    }

    #[test]
    fn fields_are_told_apart() {
        let mut out = Vec::new();
        bytes_field(&mut out, 1, &[0; 200]);
        bytes_field(&mut out, 1, &[]);
        assert_eq!(field_ends(&out), Some(vec![203, 205]));
        assert_eq!(field_ends(&out[..100]), None);
        assert_eq!(field_ends(&[0x08, 1]), None);
    }
}
