//! Where a request carries its keys. Reading them costs no allocation beyond a decoded query value, and no lookup.
//!
//! Order of an API key, as agents of all ages send it: the path (`/v1/input/<key>`), the query (`dd-api-key`,
//! `api_key`), the header `DD-API-KEY`. Header names are case-insensitive in HTTP.

use std::borrow::Cow;

use http::header::COOKIE;
use http::{HeaderMap, Uri};

/// Name of the page's session cookie.
pub const SESSION_COOKIE: &str = "galgo_session";

/// Header that the page adds to changing calls; a form on a foreign site cannot set it.
pub const PAGE_HEADER: &str = "x-galgo-page";

/// Keys longer than this are no keys: it bounds what is compared and logged.
const MAX_KEY_BYTES: usize = 256;

/// The API key that a request carries, not yet checked.
pub fn api_key<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Cow<'a, str>> {
    path_key(uri.path())
        .map(Cow::Borrowed)
        .or_else(|| query_value(uri, "dd-api-key"))
        .or_else(|| query_value(uri, "api_key"))
        .or_else(|| header(headers, "dd-api-key"))
        .filter(|key| plausible(key))
}

/// The application key that a request carries, not yet checked.
pub fn application_key<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<Cow<'a, str>> {
    header(headers, "dd-application-key").or_else(|| query_value(uri, "application_key")).filter(|key| plausible(key))
}

/// The page's session token.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == SESSION_COOKIE && plausible(value)).then_some(value))
}

/// A path and query that may be logged: values of keys are replaced.
pub fn scrubbed(uri: &Uri) -> String {
    let path = match path_key(uri.path()) {
        Some(_) => "/v1/input/***",
        None => uri.path(),
    };
    let Some(query) = uri.query() else { return path.to_owned() };
    let shown: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret_name(name) => Cow::Owned(format!("{name}=***")),
            _ => Cow::Borrowed(pair),
        })
        .collect();
    format!("{path}?{}", shown.join("&"))
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("key") || name.contains("token") || name.contains("password")
}

fn path_key(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/input/")
        .filter(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).map(Cow::Borrowed)
}

fn plausible(key: &str) -> bool {
    !key.is_empty() && key.len() <= MAX_KEY_BYTES
}

/// The first value of a query parameter, percent-decoded.
pub fn query_value<'a>(uri: &'a Uri, wanted: &str) -> Option<Cow<'a, str>> {
    let pairs = uri.query()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == wanted).map(|(_, value)| decode(value))
}

/// Undoes percent-encoding and `+`; bytes that are no UTF-8 become U+FFFD.
pub fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Cow::Borrowed(raw);
    }
    let bytes = raw.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| raw.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().expect("test addresses are valid")
    }

    #[test]
    fn a_key_is_found_in_path_query_and_header() {
        let mut headers = HeaderMap::new();
        headers.insert("dd-api-key", "from-header".parse().expect("ascii"));
        for (address, expected) in [
            ("/v1/input/abc123", "abc123"),
            ("/v1/input/abc123?api_key=other", "abc123"),
            ("/x?api_key=from%2Dquery", "from-query"),
            ("/x?dd-api-key=first&api_key=second", "first"),
            ("/x", "from-header"),
        ] {
            assert_eq!(api_key(&uri(address), &headers).as_deref(), Some(expected), "{address}");
        }
        assert_eq!(api_key(&uri("/x"), &HeaderMap::new()), None);
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=b; galgo_session=tok; c=d".parse().expect("ascii"));
        assert_eq!(session(&headers), Some("tok"));
        assert_eq!(session(&HeaderMap::new()), None);
    }

    #[test]
    fn logged_addresses_hold_no_secret() {
        for (address, expected) in [
            ("/api/v1/series?api_key=secret&x=1", "/api/v1/series?api_key=***&x=1"),
            ("/a?application_key=s&dd-api-key=t", "/a?application_key=***&dd-api-key=***"),
            ("/v1/input/secret", "/v1/input/***"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(scrubbed(&uri(address)), expected);
        }
    }

    #[test]
    fn odd_escapes_do_not_break() {
        for (raw, expected) in [("a%", "a%"), ("%4", "%4"), ("%zz+", "%zz "), ("%C3%A9", "é"), ("%ff", "\u{fffd}")] {
            assert_eq!(decode(raw), expected, "{raw}");
        }
    }
}
