//! Broken UTF-8 in tags, repaired as Datadog's intake does: each run of broken bytes becomes one U+FFFD.

use std::borrow::Cow;

/// The text of a tag; borrows when nothing is broken.
pub(crate) fn repair(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut repaired = String::with_capacity(bytes.len());
    let mut in_broken_run = false;
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            repaired.push_str(chunk.valid());
            in_broken_run = false;
        }
        if !chunk.invalid().is_empty() && !in_broken_run {
            repaired.push(char::REPLACEMENT_CHARACTER);
            in_broken_run = true;
        }
    }
    Cow::Owned(repaired)
}

#[cfg(test)]
mod tests {
    use super::repair;

    #[test]
    fn a_run_becomes_one_mark() {
        for (bytes, text) in [
            (&b"env:prod"[..], "env:prod"),
            (b"env:\xff\xfe\xfd", "env:\u{fffd}"),
            (b"\xffa\xff", "\u{fffd}a\u{fffd}"),
            ("città".as_bytes(), "città"),
            (b"", ""),
        ] {
            assert_eq!(repair(bytes), text);
        }
    }
}
