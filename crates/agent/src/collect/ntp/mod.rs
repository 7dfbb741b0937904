//! How far this machine's clock is from that of time servers (check `ntp`): several servers are asked at the same time
//! and the median of their answers counts. By default every 15 minutes, as public servers ask of their guests.

mod packet;
mod servers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use galgo_core::Clock;
use galgo_core::check::CheckStatus;
use tokio::net::{UdpSocket, lookup_host};
use xxhash_rust::xxh3::xxh3_64;

use super::collector::tagged;
use super::options::Options;
use crate::check::{Check, CheckContext, CheckError, Instance, Samples};
use packet::{PacketError, Timestamp, read_response, request};

/// Most servers of one instance that are asked.
const MAX_SERVERS: usize = 32;

#[derive(Debug)]
struct Ntp {
    clock: Arc<dyn Clock>,
    servers: Vec<String>,
    port: u16,
    version: u8,
    timeout: Duration,
    /// Seconds above which the clock counts as wrong.
    threshold: f64,
}

pub(super) fn make(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let own = Options::of(instance);
    let whole = |key: &str, default: f64, max: f64| {
        let number = own.number(key, default)?;
        if number.fract() == 0.0 && (1.0..=max).contains(&number) {
            return Ok(number);
        }
        let expected = format!("a whole number from 1 to {max}");
        Err(own.refuse(key, &expected, own.get(key).unwrap_or(&serde_json::Value::Null)))
    };
    let ntp = Ntp {
        clock: Arc::clone(&context.clock),
        servers: servers::choose(&own, &context.roots)?,
        port: whole("port", 123.0, 65_535.0)? as u16,
        version: whole("version", 3.0, 4.0)? as u8,
        timeout: own.seconds("timeout", 5.0)?,
        threshold: own.number("offset_threshold", 60.0)?,
    };
    Ok(tagged(instance, ntp))
}

#[async_trait]
impl Check for Ntp {
    fn version(&self) -> String {
        crate::VERSION.to_owned()
    }

    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let asked = self.servers.iter().take(MAX_SERVERS).map(|server| self.offset_from(server));
        let mut offsets = Vec::new();
        let mut failures = Vec::new();
        for (server, answer) in self.servers.iter().zip(join_all(asked).await) {
            match answer {
                Ok(offset) => offsets.push(offset),
                Err(error) => failures.push(format!("{server}: {error}")),
            }
        }
        let Some(offset) = median(offsets) else {
            out.service_check("ntp.in_sync", CheckStatus::Unknown, &[], "");
            return Err(CheckError::new(format!("no time server answers: {}", failures.join("; "))));
        };
        out.gauge("ntp.offset", offset, &[]);
        // Whole seconds count, as they do for Datadog's agent.
        let (status, message) = if offset.abs().trunc() > self.threshold {
            let threshold = self.threshold;
            (CheckStatus::Critical, format!("the clock is off by {offset:.3} s, more than {threshold} s"))
        } else {
            (CheckStatus::Ok, String::new())
        };
        out.service_check("ntp.in_sync", status, &[], message);
        Ok(())
    }
}

/// Why one server's answer is not counted.
#[derive(Debug, thiserror::Error)]
enum QueryError {
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("{0}")]
    Network(#[from] std::io::Error),
    #[error("{0}")]
    Packet(#[from] PacketError),
}

impl Ntp {
    /// Seconds by which the server's clock is ahead of this machine's.
    async fn offset_from(&self, server: &str) -> Result<f64, QueryError> {
        match tokio::time::timeout(self.timeout, self.query(server)).await {
            Ok(answer) => answer,
            Err(_) => Err(QueryError::Timeout(self.timeout)),
        }
    }

    async fn query(&self, server: &str) -> Result<f64, QueryError> {
        let mut addresses = lookup_host((server, self.port)).await?;
        let address = addresses.next().ok_or_else(|| std::io::Error::other("the name has no address"))?;
        let local: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
        let socket = UdpSocket::bind(local).await?;
        socket.connect(address).await?;

        let (sent_ms, sent) = (self.clock.now_ms(), self.clock.monotonic());
        // The server repeats it; somebody who does not see the request cannot answer it.
        let cookie = xxh3_64(format!("{server} {sent:?} {sent_ms} {:?}", socket.local_addr()?).as_bytes());
        socket.send(&request(self.version, cookie)).await?;
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).await?;
        let took = self.clock.monotonic().saturating_sub(sent);
        let response = read_response(&buffer[..length], cookie)?;
        Ok(response.offset(Timestamp::from_unix_ms(sent_ms), took))
    }
}

fn median(mut offsets: Vec<f64>) -> Option<f64> {
    offsets.sort_by(f64::total_cmp);
    let upper = *offsets.get(offsets.len() / 2)?;
    if offsets.len() % 2 == 1 {
        return Some(upper);
    }
    Some((offsets[offsets.len() / 2 - 1] + upper) / 2.0)
}

#[cfg(test)]
mod tests;
