//! Takes secrets out of configuration that agents describe, before anything is stored. Agents do so themselves; a
//! server cannot rely on it.
//!
//! It works on the text, line by line, since YAML, JSON and what is neither all come this way, and it rather hides too
//! much than too little.

use serde_json::Value;

/// What stands in the place of a secret.
const HIDDEN: &str = "********";

/// Parts of names whose values are secret.
const SECRET_PARTS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "cookie",
    "community",
    "private_key",
    "api_key",
    "app_key",
];

/// Names that are secret when they are the whole name, or its last part after `_`.
const SECRET_ENDS: [&str; 6] = ["pass", "pwd", "key", "apikey", "bearer", "auth"];

/// Names that end like a secret and are none.
const HARMLESS_ENDS: [&str; 9] = [
    "aggregation_key",
    "partition_key",
    "primary_key",
    "foreign_key",
    "ssl_key",
    "tls_key",
    "key_path",
    "token_path",
    "disable_generic_tags",
];

/// Whether the value under this name must not be shown. A path to a file with a key is no secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    if HARMLESS_ENDS.iter().any(|end| name.ends_with(end)) || name.ends_with("_path") || name.ends_with("_file") {
        return false;
    }
    let last = name.rsplit(['_', '.']).next().unwrap_or(&name);
    SECRET_PARTS.iter().any(|part| name.contains(part)) || SECRET_ENDS.contains(&last)
}

/// A text of YAML or JSON without the values of secret names and without passwords in addresses.
pub fn scrub_text(text: &str) -> String {
    let mut scrubbed = String::with_capacity(text.len());
    // Inside a secret block: the indentation of its name, and how many brackets are still open.
    let mut block: Option<(usize, i32)> = None;
    for line in text.split_inclusive('\n') {
        if let Some((indent, open)) = block {
            let content = line.trim_start();
            let deeper = line.len() - content.len() > indent;
            let listed = content.starts_with("- ") && line.len() - content.len() >= indent;
            if content.trim_end().is_empty() || open > 0 || deeper || listed {
                block = Some((indent, open + depth(line)));
                continue;
            }
        }
        let (shown, opened) = scrub_line(line);
        scrubbed.push_str(&shown);
        block = opened;
    }
    scrubbed
}

/// A message without passwords in addresses and in `name=value`. Unlike configuration it is prose: `(using password: YES)`
/// tells no secret and much else.
pub fn scrub_message(text: &str) -> String {
    text.split_inclusive('\n').map(|line| without_assignments(&without_userinfo(line))).collect()
}

/// A document without the values of secret names; its texts are taken for configuration.
pub fn scrub_value(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let hidden = is_secret_name(&name) && !value.is_null() && !value.is_boolean();
                let shown = if hidden { HIDDEN.into() } else { scrub_value(value) };
                (name, shown)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(scrub_value).collect(),
        Value::String(text) => scrub_text(&text).into(),
        other => other,
    }
}

/// One line without its secrets, and the block that begins at its end when that is secret too.
fn scrub_line(line: &str) -> (String, Option<(usize, i32)>) {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(':') {
        let (before, after) = rest.split_at(at);
        let value = &after[1..];
        let name = name_before(before);
        if !is_value(before, value) || !is_secret_name(name) {
            shown.push_str(before);
            shown.push(':');
            rest = value;
            continue;
        }
        shown.push_str(before);
        shown.push(':');
        let blank = value.len() - value.trim_start_matches(' ').len();
        shown.push_str(&value[..blank]);
        let value = &value[blank..];
        let end = value_end(value, before.contains(['{', '[']));
        let (secret, following) = value.split_at(end);
        if is_block(secret) {
            shown.push_str(if blank == 0 { " " } else { "" });
            shown.push_str(&format!("{HIDDEN}\n"));
            let dashes = line.len() - line.trim_start_matches([' ', '-']).len();
            return (shown, Some((dashes, depth(secret))));
        }
        shown.push_str(&hidden(secret));
        rest = following;
    }
    shown.push_str(rest);
    (without_assignments(&without_userinfo(&shown)), None)
}

/// The name that ends where the colon is, without quotes.
fn name_before(before: &str) -> &str {
    let quoted = before.trim_end().trim_end_matches(['"', '\'']);
    let start = quoted.rfind(|character: char| !(character.is_alphanumeric() || "_-.".contains(character)));
    let start = start.map_or(0, |at| at + quoted[at..].chars().next().map_or(1, char::len_utf8));
    quoted[start..].trim_start_matches('-')
}

/// A colon ends a name when a blank follows, or a quote stands before it.
fn is_value(before: &str, after: &str) -> bool {
    after.is_empty() || after.starts_with([' ', '\n', '\r', '\t']) || before.ends_with(['"', '\''])
}

fn value_end(value: &str, in_flow: bool) -> usize {
    let line_end = value.trim_end().len();
    if !in_flow {
        return line_end;
    }
    if let Some(quote @ ('"' | '\'')) = value.chars().next() {
        let mut escaped = false;
        for (at, character) in value.char_indices().skip(1) {
            match character {
                _ if escaped => escaped = false,
                '\\' if quote == '"' => escaped = true,
                _ if character == quote => return at + 1,
                _ => {}
            }
        }
        return line_end;
    }
    value.find([',', '}', ']']).unwrap_or(line_end).min(line_end)
}

/// Whether the secret goes on in the following lines.
fn is_block(secret: &str) -> bool {
    let secret = secret.trim();
    secret.is_empty() || secret.starts_with(['|', '>']) || depth(secret) > 0
}

/// Brackets that a text leaves open.
fn depth(text: &str) -> i32 {
    text.chars().map(|character| i32::from("[{".contains(character)) - i32::from("]}".contains(character))).sum()
}

/// A handle of a secret backend says where the secret lies and is none; neither are nothing, yes and no.
fn hidden(secret: &str) -> String {
    let bare = secret.trim().trim_matches(['"', '\'']);
    let handle = bare.starts_with("ENC[") && bare.ends_with(']');
    if handle || matches!(bare, "null" | "~" | "true" | "false") { secret.to_owned() } else { format!("\"{HIDDEN}\"") }
}

/// `mysql://user:password@host` without the password.
fn without_userinfo(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find(|character: char| character.is_whitespace() || "/\"'?#".contains(character));
        let authority = &after[..end.unwrap_or(after.len())];
        match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
            Some((user, host)) => shown.push_str(&format!("{user}:{HIDDEN}@{host}")),
            None => shown.push_str(authority),
        }
        rest = &after[authority.len()..];
    }
    shown.push_str(rest);
    shown
}

/// `host=db password=…` and `?api_key=…` without the values of secret names.
fn without_assignments(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at(at + 1);
        shown.push_str(before);
        rest = after;
        if is_secret_name(name_before(&before[..at])) {
            let end = after.find(|character: char| character.is_whitespace() || "&;,\"'".contains(character));
            rest = &after[end.unwrap_or(after.len())..];
            shown.push_str(if rest.len() < after.len() { HIDDEN } else { "" });
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_loses_its_secrets_and_nothing_else() {
        let text = "\
init_config:
instances:
  - host: 127.0.0.1:3306
    user: datadog # who
    pass: hunter2
    password: 'it''s'
    api_key: ENC[handle]
    tls_cert: /etc/cert.pem
    tls_key: /etc/key.pem
    auth_token_path: /run/token
    url: http://me:hunter2@host:80/a?b#c&token=hunter2&d
    dsn: \"host=a password=hunter2;user=b\"
    headers: {Authorization: Bearer hunter2, Accept: text/plain}
    private_key: |
      -----BEGIN
      hunter2

    tags: [env:test, key:value]
    tokens:
    - hunter2
    - hunter2
    options: {\"password\": \"hun\\\"ter2\", \"x\": [1]}
    secrets: [hunter2,
      hunter2]
    last: 1
";
        expect![[r#"
            init_config:
            instances:
              - host: 127.0.0.1:3306
                user: datadog # who
                pass: "********"
                password: "********"
                api_key: ENC[handle]
                tls_cert: /etc/cert.pem
                tls_key: /etc/key.pem
                auth_token_path: /run/token
                url: http://me:********@host:80/a?b#c&token=********&d
                dsn: "host=a password=********;user=b"
                headers: {Authorization: "********", Accept: text/plain}
                private_key: ********
                tags: [env:test, key:value]
                tokens: ********
                options: {"password": "********", "x": [1]}
                secrets: ********
                last: 1
        "#]]
        .assert_eq(&scrub_text(text));
    }

    #[test]
    fn documents_lose_the_values_of_secret_names() {
        let scrubbed = scrub_value(json!({
            "pass": "x", "key": 12, "user": "me", "use_token": true, "list": [{ "token": ["x"] }],
            "instance_config": "server: a\npass: x\n",
        }));
        expect![[r#"{"pass":"********","key":"********","user":"me","use_token":true,"list":[{"token":"********"}],"instance_config":"server: a\npass: \"********\"\n"}"#]]
            .assert_eq(&scrubbed.to_string());
    }

    #[test]
    fn messages_stay_readable() {
        for (text, expected) in [
            (
                "Access denied for user 'a'@'b' (using password: YES)",
                "Access denied for user 'a'@'b' (using password: YES)",
            ),
            ("no route to mysql://me:hunter2@db:3306\nat x", "no route to mysql://me:********@db:3306\nat x"),
            ("bad dsn: host=db password=hunter2 user=me", "bad dsn: host=db password=******** user=me"),
            ("KeyError: 'token'", "KeyError: 'token'"),
        ] {
            assert_eq!(scrub_message(text), expected);
        }
    }

    #[test]
    fn odd_lines_are_survived() {
        for text in
            ["", ":", "pass:", "pass: '", "é:ü: pass: ß", "\"", "password: \"a\\", "://@:@", "- pass: x", "pass:\n"]
        {
            let scrubbed = scrub_text(text);
            assert!(!scrubbed.contains("ß") && !scrubbed.contains("pass: x"), "{scrubbed}");
        }
    }
}
