//! One line of text without its secrets.

use super::{HIDDEN, is_secret_list, is_secret_name};

/// The line without its secrets.
pub(super) fn scrub_line(line: &str) -> String {
    let named = hide_named(line);
    hide_hex_keys(&hide_url_passwords(&named))
}

/// What is shown of a secret: nothing, or the last characters of what looks like a key of Datadog. A handle is none.
pub(super) fn masked(secret: &str) -> String {
    let bare = secret.trim_matches(['"', '\'']);
    if bare.is_empty() || is_harmless_value(bare) {
        return secret.to_owned();
    }
    hex_key(bare).unwrap_or_else(|| HIDDEN.to_owned())
}

fn is_harmless_value(value: &str) -> bool {
    let is_reference = (value.starts_with("ENC[") && value.ends_with(']')) || value.starts_with("%%");
    is_reference || matches!(value, "true" | "false" | "null" | "None" | "~" | HIDDEN)
}

/// An API key (32 hexadecimal digits) or application key (40) but for its last characters.
fn hex_key(text: &str) -> Option<String> {
    let shown = match text.len() {
        32 => 5,
        40 => 4,
        _ => return None,
    };
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| format!("{}{}", "*".repeat(text.len() - shown), &text[text.len() - shown..]))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Hides the values after `name:`, `name=`, `"name":`, `--name value` and the token after `Bearer`.
fn hide_named(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut at = 0;
    while at < line.len() {
        let rest = &line[at..];
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            kept.push_str(&rest[..next]);
            at += next;
            continue;
        }
        let word = &rest[..length];
        let starts_line = line[..at].trim_matches([' ', '\t', '-', '#', '"', '\'']).is_empty();
        kept.push_str(word);
        at += length;
        if let Some(value) = Value::after(word, &line[at..], starts_line) {
            kept.push_str(&line[at..at + value.start]);
            kept.push_str(&masked_as(&line[at + value.start..at + value.end], value.is_list));
            at += value.end;
        }
    }
    kept
}

fn masked_as(value: &str, is_list: bool) -> String {
    if is_list { format!("[{HIDDEN}]") } else { masked(value) }
}

/// Where the value of a secret stands in what follows its name.
struct Value {
    start: usize,
    end: usize,
    is_list: bool,
}

impl Value {
    /// The secret after `word`, if there is one.
    fn after(word: &str, rest: &str, starts_line: bool) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        if matches!(lower.as_str(), "bearer" | "basic") && rest.starts_with(' ') {
            return Self::until_delimiter(rest, 1).filter(|value| value.end - value.start >= MIN_TOKEN);
        }
        let is_list = is_secret_list(word);
        if !is_list && !is_secret_name(word) {
            return None;
        }
        if word.starts_with("--") && rest.starts_with(' ') {
            return Self::until_delimiter(rest, 1);
        }
        let closed = rest.trim_start_matches(['\\', '"', '\'']);
        let spaced = closed.trim_start_matches([' ', '\t']);
        let separator = spaced.chars().next().filter(|separator| matches!(separator, ':' | '='))?;
        // Go writes `name:="value"`, Ruby and others `name => value`.
        let value = spaced[1..].trim_start_matches(['=', '>']).trim_start_matches([' ', '\t']);
        let start = rest.len() - value.len();
        // `key:value` without a blank in the middle of a text is a tag or a part of an address.
        if separator == ':' && start == rest.len() - spaced.len() + 1 && starts_line && value.starts_with("//") {
            return None;
        }
        if value.is_empty() || value.starts_with(['{', '#', '|', '>']) {
            return None;
        }
        if value.starts_with('[') {
            let end = value.find(']').map_or(rest.len(), |end| start + end + 1);
            return Some(Self { start, end, is_list: true });
        }
        if is_list {
            return None;
        }
        let is_header = lower.ends_with("authorization") || lower.ends_with("cookie");
        if (starts_line && separator == ':' || is_header) && !value.starts_with(['"', '\'', '\\']) {
            let comment = value.find(" #").map_or(value.len(), |at| at);
            let quote = if is_header { value.find(['"', '\'']).unwrap_or(comment) } else { comment };
            let end = start + value[..comment.min(quote)].trim_end().len();
            return Some(Self { start, end, is_list: false });
        }
        Self::until_delimiter(rest, start)
    }

    /// A quoted value without its quotes, or an unquoted one up to a delimiter.
    fn until_delimiter(rest: &str, start: usize) -> Option<Self> {
        let value = &rest[start..];
        let quotes = value.len() - value.trim_start_matches(['\\']).len();
        if let Some(quote) = value[quotes..].chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
            let opening = &value[..quotes + 1];
            let inner = start + opening.len();
            let end = closing(&rest[inner..], quote, quotes).map_or(rest.len(), |at| inner + at);
            return Some(Self { start: inner, end, is_list: false });
        }
        let length = value.find(|c: char| c.is_whitespace() || ",&;)}]\"'".contains(c)).unwrap_or(value.len());
        (length > 0).then_some(Self { start, end: start + length, is_list: false })
    }
}

/// Shortest word after `Bearer` that is taken for a token.
const MIN_TOKEN: usize = 8;

/// Where the quote that ends a value stands; one behind more backslashes than the opening one is part of it.
fn closing(text: &str, quote: char, backslashes: usize) -> Option<usize> {
    for (at, _) in text.match_indices(quote) {
        let before = text[..at].len() - text[..at].trim_end_matches('\\').len();
        if before == backslashes || (backslashes == 0 && before.is_multiple_of(2)) {
            return Some(at - backslashes.min(before));
        }
    }
    None
}

/// `scheme://user:password@host` without the password.
fn hide_url_passwords(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        kept.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#\"'<>,".contains(c)).unwrap_or(after.len());
        // A password may hold characters that end an address: the last @ before a blank or quote counts.
        let wide = after.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(after.len());
        let has_password = after[..end].split_once(':').is_some_and(|(_, password)| !is_port(password));
        let at_sign = after[..if has_password { wide } else { end }].rfind('@');
        rest = after;
        if let Some(at_sign) = at_sign {
            match after[..at_sign].split_once(':') {
                Some((user, password)) if !password.is_empty() => {
                    kept.push_str(user);
                    kept.push(':');
                    kept.push_str(&masked(password));
                }
                _ => kept.push_str(&after[..at_sign]),
            }
            rest = &after[at_sign..];
        }
    }
    kept.push_str(rest);
    kept
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// Hides keys of 32 and 40 hexadecimal digits wherever they stand, but for their last characters.
fn hide_hex_keys(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        kept.push_str(&rest[..start]);
        let word_end = rest[start..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest.len(), |end| start + end);
        let word = &rest[start..word_end];
        match hex_key(word) {
            Some(hidden) => kept.push_str(&hidden),
            None => kept.push_str(word),
        }
        rest = &rest[word_end..];
    }
    kept.push_str(rest);
    kept
}
