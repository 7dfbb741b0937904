//! Check `tcp_check`: whether a TCP port takes connections, and how long that takes. The service check is `tcp.can_connect`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, InstanceError, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::options::{Options, normalise_tag};
use crate::trust::probe::{ConnectError, resolve};

/// Time to connect unless configured.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Most addresses of one host that are tried in a run, so that a run has an end.
const MAX_ADDRESSES: usize = 16;

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let made = TcpCheck::read(instance, Arc::clone(&context.clock));
    Ok(Box::new(made.map_err(|error| CheckError::new(error.to_string()))?))
}

#[derive(Debug)]
struct TcpCheck {
    host: String,
    port: u16,
    timeout: Duration,
    collect_response_time: bool,
    all_addresses: bool,
    ipv4_only: bool,
    /// How long addresses are used; for good when not given.
    cached_for: Option<Duration>,
    cache: Option<(Vec<IpAddr>, Duration)>,
    metric_tags: Vec<String>,
    check_tags: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl TcpCheck {
    fn read(instance: &Instance, clock: Arc<dyn Clock>) -> Result<Self, InstanceError> {
        let options = Options::of(instance);
        let name = options.required("name")?;
        let host = options.required("host")?;
        let port = options.port("port")?.ok_or_else(|| instance.refuse("port is required"))?;
        let mut metric_tags = vec![format!("url:{host}:{port}"), format!("instance:{name}")];
        metric_tags.extend(instance.tags());
        let mut check_tags = instance.tags();
        check_tags.push(format!("target_host:{host}"));
        check_tags.push(format!("port:{port}"));
        check_tags.push(format!("instance:{}", normalise_tag(&name)));
        Ok(Self {
            host,
            port,
            timeout: options.limit("timeout")?.unwrap_or(DEFAULT_TIMEOUT),
            collect_response_time: options.flag("collect_response_time", false),
            all_addresses: options.flag("multiple_ips", false),
            ipv4_only: options.flag("ipv4_only", false),
            cached_for: options.number("ip_cache_duration")?.map(|s| Duration::from_secs_f64(s.clamp(0.0, 1e9))),
            cache: None,
            metric_tags,
            check_tags,
            clock,
        })
    }

    async fn addresses(&mut self) -> Result<Vec<IpAddr>, ConnectError> {
        let now = self.clock.monotonic();
        if let Some((addresses, since)) = &self.cache
            && self.cached_for.is_none_or(|limit| now.saturating_sub(*since) <= limit)
        {
            return Ok(addresses.clone());
        }
        let host = self.host.trim_matches(['[', ']']);
        let found = timeout(self.timeout, resolve(host, self.port)).await.unwrap_or_else(|_| {
            Err(ConnectError::TimedOut { host: host.to_owned(), port: self.port, limit: self.timeout })
        })?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.iter().map(SocketAddr::ip).filter(|ip| ip.is_ipv4() || !self.ipv4_only) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.truncate(if self.all_addresses { MAX_ADDRESSES } else { 1 });
        if addresses.is_empty() {
            return Err(ConnectError::Resolve { host: host.to_owned(), reason: "no IPv4 address".into() });
        }
        self.cache = Some((addresses.clone(), now));
        Ok(addresses)
    }

    async fn try_address(&self, address: IpAddr, out: &mut Samples) -> bool {
        let began = self.clock.monotonic();
        let connected = timeout(self.timeout, TcpStream::connect((address, self.port))).await;
        let took = self.clock.monotonic().saturating_sub(began);
        let problem = match connected {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("timed out after {:?}", self.timeout)),
        };
        let with_address = |tags: &[String]| [tags, &[format!("address:{address}")]].concat();
        let tags = with_address(&self.check_tags);
        out.gauge("network.tcp.can_connect", f64::from(u8::from(problem.is_none())), &tags);
        match &problem {
            None => {
                out.service_check("tcp.can_connect", CheckStatus::Ok, &tags, "");
                if self.collect_response_time {
                    let tags = with_address(&self.metric_tags);
                    out.gauge("network.tcp.response_time", took.as_secs_f64(), &tags);
                }
            }
            Some(problem) => {
                let message = format!("{problem} (after {} ms)", took.as_millis());
                out.service_check("tcp.can_connect", CheckStatus::Critical, &tags, message);
            }
        }
        problem.is_none()
    }
}

#[async_trait]
impl Check for TcpCheck {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let addresses = match self.addresses().await {
            Ok(addresses) => addresses,
            Err(error) => {
                out.gauge("network.tcp.can_connect", 0.0, &self.check_tags);
                out.service_check("tcp.can_connect", CheckStatus::Critical, &self.check_tags, error.to_string());
                return Err(CheckError::new(error.to_string()));
            }
        };
        for address in addresses {
            if !self.try_address(address, out).await {
                // A host that moved is found again.
                self.cache = None;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::tests::{closed_port, context, described, instance, run};

    fn made(options: Value) -> Box<dyn Check> {
        factory(&instance("tcp_check", options), &context(json!({}))).unwrap()
    }

    #[tokio::test]
    async fn an_open_port_is_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let options = json!({ "name": "My service", "host": "127.0.0.1", "port": port, "collect_response_time": "yes",
            "tags": ["a:b"] });
        let mut check = made(options);
        let (samples, outcome) = run(&mut *check).await;
        outcome.unwrap();
        let tags = format!("a:b address:127.0.0.1 instance:My_service port:{port} target_host:127.0.0.1");
        let own = format!("a:b address:127.0.0.1 instance:My service url:127.0.0.1:{port}");
        let wanted = format!(
            "Gauge network.tcp.can_connect 1 [{tags}]\nGauge network.tcp.response_time 0 [{own}]\n\
             check tcp.can_connect Ok [{tags}] \n"
        );
        assert_eq!(described(&samples), wanted);
    }

    #[tokio::test]
    async fn a_closed_port_is_critical_and_says_why() {
        let port = closed_port().await.port();
        let mut check = made(json!({ "name": "x", "host": "127.0.0.1", "port": port.to_string() }));
        let (samples, outcome) = run(&mut *check).await;
        outcome.unwrap();
        let tags = format!("address:127.0.0.1 instance:x port:{port} target_host:127.0.0.1");
        let wanted = format!(
            "Gauge network.tcp.can_connect 0 [{tags}]\ncheck tcp.can_connect Critical [{tags}] \
             Connection refused (os error 111) (after 0 ms)\n"
        );
        assert_eq!(described(&samples), wanted);
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_fails_the_check() {
        let mut check = made(json!({ "name": "x", "host": "no-such-host.invalid", "port": 1 }));
        let (samples, outcome) = run(&mut *check).await;
        assert!(outcome.unwrap_err().message.starts_with("unable to resolve no-such-host.invalid, check your DNS: "));
        assert_eq!(samples.checks[0].status, CheckStatus::Critical);
    }

    #[tokio::test]
    async fn all_addresses_are_tried_when_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut check = made(json!({ "name": "x", "host": "localhost", "port": port, "multiple_ips": true,
            "ipv4_only": true, "ip_cache_duration": 60 }));
        assert_eq!(run(&mut *check).await.0.checks.len(), 1);
    }

    #[test]
    fn wrong_options_are_named() {
        let refused = |options| factory(&instance("tcp_check", options), &context(json!({}))).map(drop).unwrap_err();
        let wanted = "tcp_check (built in): port must be a port from 1 to 65535, not \"http\"";
        assert_eq!(refused(json!({ "name": "x", "host": "h", "port": "http" })).message, wanted);
        assert_eq!(refused(json!({ "name": "x", "port": 1 })).message, "tcp_check (built in): host is required");
    }
}
