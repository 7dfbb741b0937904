//! Takes the secrets out of a text that leaves the agent: a flare, `configcheck`, a log line, an inventory.
//!
//! It works on the text, line by line, so that comments, broken YAML, commands and logs are covered too. It rather
//! hides too much than too little.

mod line;

use serde_json::Value;

use line::scrub_line;

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "********";

/// Ends of the names of keys whose values are hidden.
const SECRET_ENDS: [&str; 16] = [
    "key",
    "password",
    "passwd",
    "pass",
    "pwd",
    "token",
    "secret",
    "bearer",
    "passphrase",
    "credential",
    "credentials",
    "community_string",
    "community",
    "authorization",
    "cookie",
    "private_key_content",
];
/// Names that end like a secret and are none: files, and words of other fields.
const HARMLESS: [&str; 10] = [
    "tls_private_key",
    "tls_ca_key",
    "ssl_key",
    "ssl_private_key",
    "private_key_path",
    "aggregation_key",
    "partition_key",
    "sort_key",
    "primary_key",
    "foreign_key",
];
/// Keys whose items below are secrets.
const SECRET_LISTS: [&str; 6] =
    ["community_strings", "api_keys", "additional_endpoints", "passwords", "tokens", "secrets"];

/// Whether a key's value must not be shown.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = plain_name(name);
    let last = name.rsplit('.').next().unwrap_or(&name);
    !HARMLESS.contains(&last) && SECRET_ENDS.iter().any(|end| last.ends_with(end))
}

fn is_secret_list(name: &str) -> bool {
    SECRET_LISTS.contains(&plain_name(name).as_str())
}

fn plain_name(name: &str) -> String {
    name.trim_matches(['"', '\'', ' ', '-']).to_ascii_lowercase().replace('-', "_")
}

/// What the lines before one say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Nothing.
    None,
    /// It belongs to the text block of a secret if it is indented deeper than this.
    Text(usize),
    /// Its item is a secret if it is indented deeper than this, or as deep and a list item.
    List(usize),
    /// It is part of a private key in PEM form.
    Pem,
}

/// The text without its secrets: values of keys that are named like secrets (`api_key`, `password`, `token` …),
/// passwords in addresses, API and application keys but for their last characters, private keys, bearer tokens.
pub fn scrub(text: &str) -> String {
    let mut scrubbed = String::with_capacity(text.len());
    let mut block = Block::None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let (kept, next) = scrub_in(block, content);
        scrubbed.push_str(&kept);
        scrubbed.push_str(&line[content.len()..]);
        block = next;
    }
    scrubbed
}

/// A line in its block, and the block of the next line.
fn scrub_in(block: Block, line: &str) -> (String, Block) {
    let bare = line.trim_start();
    let indent = line.len() - bare.len();
    let is_blank = bare.is_empty();
    match block {
        Block::Pem => {
            let next = if line.contains("-----END") { Block::None } else { Block::Pem };
            return (hidden_at(indent), next);
        }
        Block::Text(outer) if is_blank || indent > outer => {
            return (if is_blank { line.to_owned() } else { hidden_at(indent) }, block);
        }
        Block::List(outer) if is_blank || indent > outer || (indent == outer && bare.starts_with('-')) => {
            return (scrub_item(line, indent), block);
        }
        _ => {}
    }
    if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") && !line.contains("-----END") {
        return (hidden_at(indent), Block::Pem);
    }
    (scrub_line(line), block_after(line))
}

fn hidden_at(indent: usize) -> String {
    format!("{}{HIDDEN}", " ".repeat(indent))
}

/// An item of a list of secrets; a key with an address (`https://host:`) is kept.
fn scrub_item(line: &str, indent: usize) -> String {
    let bare = line.trim();
    let Some(item) = bare.strip_prefix('-').map(str::trim) else { return scrub_line(line) };
    let opens_more = item.is_empty() || item.ends_with(':') || item.starts_with("ENC[") || item.contains(": ");
    if opens_more { scrub_line(line) } else { format!("{}- {}", " ".repeat(indent), line::masked(item)) }
}

/// The block that a line of the form `key:` or `key: |` opens.
fn block_after(line: &str) -> Block {
    let bare = line.trim_start_matches([' ', '-', '#']);
    let Some((name, value)) = bare.split_once(':') else { return Block::None };
    let indent = line.len() - bare.len();
    let value = value.trim();
    let value = if value.starts_with('#') { "" } else { value };
    if value.is_empty() && is_secret_list(name) {
        return Block::List(indent);
    }
    if value.starts_with(['|', '>']) && is_secret_name(name) {
        return Block::Text(indent);
    }
    Block::None
}

/// A JSON value without its secrets.
pub fn scrub_value(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let hide = |(key, value): (&String, &Value)| {
                let below = match value {
                    Value::String(text) if is_secret_name(key) => line::masked(text).into(),
                    Value::Number(_) if is_secret_name(key) => HIDDEN.into(),
                    other if is_secret_list(key) => hide_all(other),
                    other => scrub_value(other),
                };
                (key.clone(), below)
            };
            Value::Object(map.iter().map(hide).collect())
        }
        Value::Array(items) => items.iter().map(scrub_value).collect(),
        Value::String(text) => Value::String(scrub(text)),
        other => other.clone(),
    }
}

/// Hides every text of a list of secrets; keys of maps, such as addresses, stay.
fn hide_all(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let hide = |(key, value): (&String, &Value)| {
                let is_plain = !is_secret_name(key) && ["host", "port"].contains(&plain_name(key).as_str());
                (scrub(key), if is_plain { scrub_value(value) } else { hide_all(value) })
            };
            Value::Object(map.iter().map(hide).collect())
        }
        Value::Array(items) => items.iter().map(hide_all).collect(),
        Value::String(text) => line::masked(text).into(),
        Value::Number(_) => HIDDEN.into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
