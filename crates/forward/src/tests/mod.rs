//! Whole forwarders: over scripted servers in simulated time, and over sockets.

mod answers;
mod http;
mod logs;
mod outage;
mod server;

use std::sync::Arc;
use std::time::Duration;

use galgo_agent::{Output, Report, Series};
use galgo_core::{Clock, MetricKind, Point};
use tokio::time::Instant;

use crate::config::{Compression, DiskConfig, EndpointConfig, ForwarderConfig};
use crate::forwarder::Forwarder;
use crate::transport::Transport;
use server::Server;

/// Where simulated time starts, in milliseconds since the UNIX epoch.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// A clock that goes with the simulated time of tokio.
#[derive(Debug)]
struct SimulatedClock(Instant);

impl SimulatedClock {
    fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for SimulatedClock {
    fn now_ms(&self) -> i64 {
        EPOCH_MS + self.0.elapsed().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// One server, no compression (so that the script can read bodies), no disk.
fn config() -> ForwarderConfig {
    ForwarderConfig {
        endpoints: vec![endpoint("http://one", "key-one")],
        compression: Compression::None,
        log_compression: Compression::None,
        validate_keys_every: None,
        ..ForwarderConfig::for_host("web-1")
    }
}

fn endpoint(url: &str, key: &str) -> EndpointConfig {
    EndpointConfig { url: url.into(), api_keys: vec![key.into()] }
}

fn with_disk(folder: &std::path::Path, max_bytes: u64) -> ForwarderConfig {
    let disk = DiskConfig { max_bytes, max_disk_ratio: 1.0, ..DiskConfig::at(folder) };
    ForwarderConfig { disk: Some(disk), ..config() }
}

fn start(config: ForwarderConfig, clock: &Arc<SimulatedClock>, servers: &[&Arc<Server>]) -> Forwarder {
    let transports = servers.iter().map(|server| Arc::clone(server) as Arc<dyn Transport>).collect();
    Forwarder::start_over(config, Arc::clone(clock) as Arc<dyn Clock>, transports).unwrap()
}

/// A report with one point of the metric `m` and this value.
fn report(value: usize) -> Report {
    named_report("m", value)
}

fn named_report(metric: &str, value: usize) -> Report {
    let series = Series {
        metric: metric.into(),
        kind: MetricKind::Gauge,
        interval: 15,
        unit: "",
        host: "web-1".into(),
        tags: vec![],
        points: vec![Point { time: EPOCH_MS / 1000 - 3000 + value as i64 % 3000, value: value as f64 }],
    };
    Report { series: vec![series], ..Report::default() }
}

/// Delivers values one after another, so many seconds apart.
async fn deliver_every(forwarder: &Forwarder, seconds: u64, values: std::ops::Range<usize>) {
    for value in values {
        forwarder.deliver(report(value)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

async fn sleep(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
