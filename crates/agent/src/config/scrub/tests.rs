//! What is hidden and what stays.

use serde_json::json;

use super::*;

#[test]
fn secrets_of_a_line_are_hidden() {
    for (text, expected) in [
        ("api_key: 0123456789abcdef0123456789abcdef", "api_key: ***************************bcdef"),
        ("app_key: 0123456789abcdef0123456789abcdef01234567", "app_key: ************************************4567"),
        ("key 0123456789abcdef0123456789abcdef sent", "key ***************************bcdef sent"),
        ("    pass: my secret word   # why", "    pass: ********   # why"),
        ("  - password: \"p,w}d\"", "  - password: \"********\""),
        ("# password: old", "# password: ********"),
        ("password: ENC[db_pass]", "password: ENC[db_pass]"),
        ("password: \"%%env_PASS%%\"", "password: \"%%env_PASS%%\""),
        ("password:", "password:"),
        ("password: ''", "password: ''"),
        ("{\"password\": \"x\\\"y\", \"port\": 1}", "{\"password\": \"********\", \"port\": 1}"),
        ("{'token':'abc', 'a': 1}", "{'token':'********', 'a': 1}"),
        ("{password: abc, user: me}", "{password: ********, user: me}"),
        (
            "say \"{\\\"secret\\\": \\\"abc\\\", \\\"a\\\": 1}\"",
            "say \"{\\\"secret\\\": \\\"********\\\", \\\"a\\\": 1}\"",
        ),
        ("GET /x?api_key=abcdefg&from=1", "GET /x?api_key=********&from=1"),
        ("DD_API_KEY=abc DD_SITE=x", "DD_API_KEY=******** DD_SITE=x"),
        ("mysql --password hunter2 --user me", "mysql --password ******** --user me"),
        ("Authorization: Bearer abcdefghij", "Authorization: ********"),
        ("sent 'Authorization: Basic dXNlcjpwYXNz' there", "sent 'Authorization: ********' there"),
        ("header Bearer abcdefghij end", "header Bearer ******** end"),
        ("bearer of news", "bearer of news"),
        ("proxy: http://me:pw@proxy.example:3128/x", "proxy: http://me:********@proxy.example:3128/x"),
        ("postgres://me:p@ss/word@db:5432/x", "postgres://me:********@db:5432/x"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
        ("https://me@host/", "https://me@host/"),
        ("community_string: public", "community_string: ********"),
        ("community_strings: [a, b]", "community_strings: [********]"),
        ("tls_private_key: /etc/key.pem", "tls_private_key: /etc/key.pem"),
        ("use_password: false", "use_password: false"),
        ("server: 127.0.0.1", "server: 127.0.0.1"),
        ("tags: env:test, key:value", "tags: env:test, key:********"),
        ("Größe: 3 – password: ä b", "Größe: 3 – password: ******** b"),
    ] {
        assert_eq!(scrub(text), expected, "{text}");
    }
}

#[test]
fn secrets_over_several_lines_are_hidden() {
    let text = "\
additional_endpoints:
  \"https://one.example\":
    - key1
  https://two.example:
  - ENC[k]
next: kept
community_strings:
- public
- private
password: |
  first
  second
after: kept
cert: |
  -----BEGIN RSA PRIVATE KEY-----
  MIIB
  -----END RSA PRIVATE KEY-----
end: kept
";
    let expected = "\
additional_endpoints:
  \"https://one.example\":
    - ********
  https://two.example:
  - ENC[k]
next: kept
community_strings:
- ********
- ********
password: |
  ********
  ********
after: kept
cert: |
  ********
  ********
  ********
end: kept
";
    assert_eq!(scrub(text), expected);
}

#[test]
fn values_are_scrubbed_by_their_keys() {
    let value = json!({
        "server": "h", "pass": "x", "port": 1, "pin_token": 5, "url": "http://a:b@c",
        "additional_endpoints": { "https://a.example": ["k"] },
        "list": [{ "api_key": "0123456789abcdef0123456789abcdef" }],
        "key_is_set": true,
    });
    assert_eq!(
        scrub_value(&value),
        json!({
            "server": "h", "pass": "********", "port": 1, "pin_token": "********", "url": "http://a:********@c",
            "additional_endpoints": { "https://a.example": ["********"] },
            "list": [{ "api_key": "***************************bcdef" }],
            "key_is_set": true,
        })
    );
}

/// Lines in which a secret stands, with `@` in its place.
const TEMPLATES: [&str; 14] = [
    "password: @",
    "  - pass: '@'",
    "db_password = \"@\"",
    "{\"token\":\"@\",\"a\":1}",
    "x secret=@ y",
    "https://me:@@host.example/x",
    "Authorization: Bearer @",
    "{a: 1, api_key: @}",
    "mysql --password @ -h x",
    "community_strings:\n  - @\n",
    "api_keys: [a, @]",
    "passphrase: |\n  @\n",
    "say \"{\\\"secret\\\": \\\"@\\\"}\"",
    "# app_key: @",
];

proptest::proptest! {
    #[test]
    fn any_text_can_be_scrubbed(text in ".{0,200}(\n.{0,80}){0,4}") {
        let once = scrub(&text);
        proptest::prop_assert_eq!(text.lines().count(), once.lines().count());
    }

    #[test]
    fn no_secret_is_left(secret in "[a-zA-Z0-9_+]{9,24}", template in 0..TEMPLATES.len()) {
        let template = TEMPLATES[template];
        let text = match template.strip_prefix("https://me:@") {
            Some(rest) => format!("https://me:{secret}{rest}"),
            None => template.replacen('@', &secret, 1),
        };
        proptest::prop_assume!(!["true", "false"].contains(&secret.as_str()));
        let scrubbed = scrub(&text);
        proptest::prop_assert!(!scrubbed.contains(&secret), "{} became {}", text, scrubbed);
    }
}
