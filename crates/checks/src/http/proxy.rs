//! Which proxy a request goes through: `http` and `https` by the scheme of the address, none for what `no_proxy` names.

use std::net::IpAddr;

use reqwest::Url;
use serde_json::Value;

use crate::options::scalar_text;

/// Proxies of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    except: Vec<String>,
}

impl Proxies {
    /// Reads a map of `http`, `https` and `no_proxy`; none when neither proxy is named. The error says what was
    /// expected.
    pub fn read(value: &Value) -> Result<Option<Self>, String> {
        let Value::Object(map) = value else { return Err("a map of http, https and no_proxy".into()) };
        let proxy = |key: &str| -> Result<Option<Url>, String> {
            let text = map.get(key).and_then(scalar_text).filter(|text| !text.is_empty());
            let Some(text) = text else { return Ok(None) };
            let full = if text.contains("://") { text } else { format!("http://{text}") };
            Url::parse(&full).map(Some).map_err(|_| format!("a map whose {key} is the address of a proxy"))
        };
        let except = match map.get("no_proxy") {
            Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
            Some(Value::String(text)) => text.split([',', ';', ' ']).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let except = except.iter().map(|entry: &String| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty());
        let made = Self { http: proxy("http")?, https: proxy("https")?, except: except.collect() };
        Ok((made.http.is_some() || made.https.is_some()).then_some(made))
    }

    /// The proxy for an address.
    pub fn choose(&self, url: &Url) -> Option<Url> {
        let host = url.host_str()?.trim_matches(['[', ']']).to_lowercase();
        if self.except.iter().any(|entry| is_excepted(&host, entry)) {
            return None;
        }
        if url.scheme() == "https" { self.https.clone() } else { self.http.clone() }
    }
}

/// An entry is `*`, a network, a host, or a domain with everything below it.
fn is_excepted(host: &str, entry: &str) -> bool {
    if entry == "*" || entry == host {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return entry.split_once('/').is_some_and(|(network, bits)| in_network(address, network, bits));
    }
    let domain = entry.trim_start_matches('*').trim_start_matches('.');
    !domain.is_empty() && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_scheme_and_the_exceptions_choose() {
        let proxies = Proxies::read(&json!({
            "http": "proxy.test:3128",
            "https": "http://user:secret@secure.test:3129",
            "no_proxy": ["10.0.0.0/8", ".internal", "*.corp.test", "exact.test", "fd00::/8"],
        }));
        let proxies = proxies.unwrap().unwrap();
        let chosen = |url: &str| proxies.choose(&Url::parse(url).unwrap()).map(|url| url.port().unwrap());
        assert_eq!(chosen("http://a.test/"), Some(3128));
        assert_eq!(chosen("https://a.test/"), Some(3129));
        for direct in [
            "http://10.1.2.3/",
            "http://a.internal/",
            "http://x.corp.test/",
            "https://exact.test/",
            "http://[fd00::1]/",
        ] {
            assert_eq!(chosen(direct), None, "{direct}");
        }
        assert_eq!(chosen("http://11.1.2.3/"), Some(3128));
        assert_eq!(chosen("http://notexact.test/"), Some(3128));
        assert_eq!(Proxies::read(&json!({ "no_proxy": "a" })), Ok(None));
        assert!(Proxies::read(&json!("http://x")).is_err());
    }
}
