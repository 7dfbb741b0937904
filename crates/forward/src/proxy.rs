//! Which proxy a server is reached through (reference: agent-config.md §3).

use std::net::IpAddr;

use reqwest::Url;

use crate::config::ProxyConfig;

impl ProxyConfig {
    /// The proxy on the way to a server's address, `None` for the direct way or when the address is none.
    pub fn for_url(&self, url: &str) -> Option<String> {
        proxy_for(self, &Url::parse(url).ok()?).map(str::to_owned)
    }
}

/// The proxy for a server, `None` for none.
pub(crate) fn proxy_for<'a>(config: &'a ProxyConfig, server: &Url) -> Option<&'a str> {
    let proxy = if server.scheme() == "https" { &config.https } else { &config.http };
    let goes_around = config.no_proxy.iter().any(|rule| matches(rule.trim(), server, config.no_proxy_nonexact_match));
    let is_here = config.no_proxy_nonexact_match && is_loopback(server);
    (!proxy.is_empty() && !goes_around && !is_here).then_some(proxy)
}

fn host_of(server: &Url) -> String {
    server.host_str().unwrap_or("").trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

fn is_loopback(server: &Url) -> bool {
    let host = host_of(server);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a rule of `no_proxy` names a server. Exact rules are `host` or `host:port`; the others also know domains
/// (`example.com` stands for everything below it as well, `.example.com` for everything below it alone), networks and
/// `*`, each with or without a port.
fn matches(rule: &str, server: &Url, nonexact: bool) -> bool {
    let rule = rule.to_ascii_lowercase();
    let host = host_of(server);
    let port = server.port_or_known_default();
    if rule.is_empty() {
        return false;
    }
    if rule == host || rule == format!("[{host}]") || port.is_some_and(|port| is_host_and_port(&rule, &host, port)) {
        return true;
    }
    if !nonexact {
        return false;
    }
    if rule == "*" {
        return true;
    }
    if let Some((network, bits)) = rule.split_once('/') {
        return in_network(&host, network, bits);
    }
    let (name, rule_port) = match rule.rsplit_once(':') {
        Some((name, rule_port)) if !name.contains(':') => (name, rule_port.parse::<u16>().ok()),
        _ => (rule.as_str(), None),
    };
    if rule_port.is_some() && rule_port != port {
        return false;
    }
    let domain = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
    match domain {
        Some(domain) => is_below(&host, domain),
        None => host == name || is_below(&host, name),
    }
}

fn is_host_and_port(rule: &str, host: &str, port: u16) -> bool {
    rule == format!("{host}:{port}") || rule == format!("[{host}]:{port}")
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn in_network(host: &str, network: &str, bits: &str) -> bool {
    let (Ok(host), Ok(network), Ok(bits)) = (host.parse(), network.parse(), bits.parse::<u32>()) else { return false };
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            u32::from(host) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(host), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            u128::from(host) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_servers() {
        for (rule, server, exact, nonexact) in [
            ("obs.example", "https://obs.example", true, true),
            ("OBS.example", "https://obs.example/x", true, true),
            ("obs.example:443", "https://obs.example", true, true),
            ("obs.example:8443", "https://obs.example", false, false),
            ("obs.example:8443", "https://obs.example:8443", true, true),
            ("example", "https://obs.example", false, true),
            (".example", "https://obs.example", false, true),
            ("*.example", "https://obs.example", false, true),
            (".obs.example", "https://obs.example", false, false),
            ("bs.example", "https://obs.example", false, false),
            ("example:8443", "https://obs.example:8443", false, true),
            ("*", "https://obs.example", false, true),
            ("10.0.0.0/8", "http://10.1.2.3:8080", false, true),
            ("10.0.0.0/8", "http://11.1.2.3", false, false),
            ("0.0.0.0/0", "http://11.1.2.3", false, true),
            ("10.1.2.3", "http://10.1.2.3:8080", true, true),
            ("fd00::/8", "http://[fd00::1]", false, true),
            ("::2", "http://[::2]:80", true, true),
            ("", "https://obs.example", false, false),
        ] {
            let server = Url::parse(server).unwrap();
            assert_eq!(
                (matches(rule, &server, false), matches(rule, &server, true)),
                (exact, nonexact),
                "{rule} {server}"
            );
        }
    }

    #[test]
    fn the_scheme_of_the_server_chooses_the_proxy() {
        let mut config =
            ProxyConfig { http: "http://p:1".into(), https: "http://p:2".into(), ..ProxyConfig::default() };
        let proxy = |config: &ProxyConfig, url: &str| proxy_for(config, &Url::parse(url).unwrap()).map(str::to_owned);
        assert_eq!(proxy(&config, "http://a").as_deref(), Some("http://p:1"));
        assert_eq!(proxy(&config, "https://a").as_deref(), Some("http://p:2"));
        assert_eq!(proxy(&config, "http://127.0.0.1").as_deref(), Some("http://p:1"));
        config.no_proxy = vec!["a".into()];
        assert_eq!(proxy(&config, "https://a"), None);
        config.no_proxy_nonexact_match = true;
        assert_eq!(proxy(&config, "http://127.0.0.1"), None);
    }
}
