//! How metric names and tags are normalised, by the same rules on every way in (Datadog's tagging rules: letters are
//! lower-cased; digits, `_`, `-`, `:`, `.` and `/` are kept; everything else becomes `_`; 200 characters at most).

use std::borrow::Cow;

/// Longest tag in characters; what is beyond is cut off.
pub const MAX_TAG_CHARS: usize = 200;

/// Longest metric name in bytes (reference: intake-agent.md §5.3).
pub const MAX_METRIC_BYTES: usize = 350;

/// Normalises one tag; the result is empty when nothing is left. Borrows when there is nothing to change.
pub fn normalise_tag(raw: &str) -> Cow<'_, str> {
    let clean = raw.len() <= MAX_TAG_CHARS && raw.bytes().all(is_plain_tag_byte) && !raw.ends_with('_');
    if clean {
        return Cow::Borrowed(raw);
    }
    let mut tag = String::with_capacity(raw.len().min(MAX_TAG_CHARS * 4));
    for character in raw.trim().chars().take(MAX_TAG_CHARS) {
        if character.is_alphanumeric() {
            // The lower case of a few letters carries a combining mark, which a second pass would refuse.
            tag.extend(character.to_lowercase().filter(|lower| lower.is_alphanumeric()));
        } else if matches!(character, '_' | '-' | ':' | '.' | '/') {
            tag.push(character);
        } else if !tag.ends_with('_') {
            // A run of refused characters becomes one underscore.
            tag.push('_');
        }
    }
    let kept = tag.trim_end_matches('_').len();
    tag.truncate(kept);
    Cow::Owned(tag)
}

fn is_plain_tag_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b':' | b'.' | b'/')
}

/// Normalises a metric name: characters other than letters, digits, `_` and `.` become `_`, and leading characters
/// that are no letters are dropped. `None` when no letter is left.
pub fn normalise_metric(raw: &str) -> Option<Cow<'_, str>> {
    let starts_well = raw.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts_well && raw.len() <= MAX_METRIC_BYTES && raw.bytes().all(is_plain_metric_byte) {
        return Some(Cow::Borrowed(raw));
    }
    let from_letter = raw.trim_start_matches(|first: char| !first.is_ascii_alphabetic());
    if from_letter.is_empty() {
        return None;
    }
    let replaced: String =
        from_letter.chars().map(|kept| if kept.is_ascii_alphanumeric() || kept == '.' { kept } else { '_' }).collect();
    Some(Cow::Owned(replaced.chars().take(MAX_METRIC_BYTES).collect()))
}

fn is_plain_metric_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.'
}

/// Splits a tag at its first colon: `env:prod` → `("env", "prod")`. A tag without a colon is a key with an empty value.
pub fn split_tag(tag: &str) -> (&str, &str) {
    tag.split_once(':').unwrap_or((tag, ""))
}

/// Normalises tags into a sorted list without duplicates and without empty ones.
pub fn normalise_tags<'a>(raw: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut tags: Vec<String> =
        raw.into_iter().map(|tag| normalise_tag(tag).into_owned()).filter(|tag| !tag.is_empty()).collect();
    tags.sort();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_normalised() {
        for (raw, expected) in [
            ("env:prod", "env:prod"),
            ("Env:PROD", "env:prod"),
            ("url:/a?b=c d", "url:/a_b_c_d"),
            ("a  b", "a_b"),
            (" lead:x ", "lead:x"),
            ("device:/dev/sda1", "device:/dev/sda1"),
            ("key:", "key:"),
            ("trail__", "trail"),
            ("città:è", "città:è"),
            ("", ""),
            ("!!!", ""),
        ] {
            assert_eq!(normalise_tag(raw), expected, "{raw:?}");
        }
        assert_eq!(normalise_tag(&"x".repeat(300)).len(), MAX_TAG_CHARS);
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for raw in ["A b__", "x_", "Ünï:Çode!", "_a:_", "İ"] {
            let once = normalise_tag(raw).into_owned();
            assert_eq!(normalise_tag(&once), once, "{raw:?}");
        }
    }

    #[test]
    fn metric_names_are_normalised() {
        assert_eq!(normalise_metric("system.load.1").as_deref(), Some("system.load.1"));
        assert_eq!(normalise_metric("a-b c").as_deref(), Some("a_b_c"));
        assert_eq!(normalise_metric("1.abc").as_deref(), Some("abc"));
        assert_eq!(normalise_metric("123"), None);
        assert_eq!(normalise_metric("").as_deref(), None);
    }

    #[test]
    fn a_tag_list_is_sorted_and_unique() {
        assert_eq!(normalise_tags(["b:2", "A:1", "a:1", ""]), ["a:1", "b:2"]);
    }
}
