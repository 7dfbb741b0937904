//! Sends the data set: some connections, each with its own hosts, step after step in order of time.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};

use super::body::{Format, Template};
use super::connection::Connection;
use super::data::{STEP_S, SeriesPlan, Values, host_name};
use super::server::wait;

/// How often a request that the server cannot take now (429, 503) is sent again.
const MAX_RETRIES: u32 = 600;
/// Wait before it is sent again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// What is sent, and how.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LoadArgs {
    /// Hosts.
    #[arg(long, default_value_t = 1000)]
    pub(super) hosts: usize,
    /// Series of each host.
    #[arg(long, default_value_t = 100)]
    pub(super) series_per_host: usize,
    /// Points of each series in one request.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(super) points_per_series: u64,
    /// Series in one request.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) series_per_request: u64,
    /// Connections.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(super) connections: u64,
    /// How points travel.
    #[arg(long, value_enum, default_value_t = Format::V2Proto)]
    pub(super) format: Format,
    /// Seed of the data set.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
}

impl LoadArgs {
    /// Seconds that one request covers.
    pub(super) fn block_s(&self) -> i64 {
        self.points_per_series as i64 * STEP_S
    }

    /// Number of series.
    pub(super) fn series(&self) -> u64 {
        (self.hosts * self.series_per_host) as u64
    }
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) requests: u64,
    /// Points that the server acknowledged.
    pub(super) points: u64,
    pub(super) retries: u64,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.requests += other.requests;
        self.points += other.points;
        self.retries += other.retries;
    }
}

/// One connection with the bodies of its hosts.
struct Worker {
    connection: Connection,
    templates: Vec<Template>,
}

/// All connections.
pub(super) struct Load {
    workers: Vec<Worker>,
    block_s: i64,
    progress: AtomicU64,
}

impl Load {
    /// Builds the bodies and connects.
    pub(super) fn new(args: &LoadArgs, plans: &[SeriesPlan], addr: SocketAddr, api_key: &str) -> anyhow::Result<Self> {
        let connections = (args.connections as usize).min(args.hosts.max(1));
        let mut workers = Vec::with_capacity(connections);
        for _ in 0..connections {
            let connection = Connection::open(addr, args.format.path(), args.format.content_type(), api_key)?;
            workers.push(Worker { connection, templates: Vec::new() });
        }
        for host in 0..args.hosts {
            let name = host_name(host);
            let mut first = 0;
            for some in plans.chunks(args.series_per_request as usize) {
                let values = some.iter().enumerate();
                let values = values.map(|(at, plan)| Values::new(plan.shape, args.seed, host, first + at)).collect();
                let template = Template::new(args.format, &name, some, values, args.points_per_series as usize);
                workers[host % connections].templates.push(template);
                first += some.len();
            }
        }
        Ok(Self { workers, block_s: args.block_s(), progress: AtomicU64::new(0) })
    }

    /// Sends `blocks` steps from `start` (seconds) on. `show` is called about once a second with the points sent so far.
    pub(super) fn send(&mut self, start: i64, blocks: i64, show: impl Fn(u64)) -> anyhow::Result<Sent> {
        let (block_s, progress) = (self.block_s, &self.progress);
        let workers = &mut self.workers;
        std::thread::scope(|scope| {
            let main = std::thread::current();
            let senders: Vec<_> = workers
                .iter_mut()
                .map(|worker| {
                    let main = main.clone();
                    scope.spawn(move || {
                        let sent = worker.send(start, blocks, block_s, progress);
                        main.unpark();
                        sent
                    })
                })
                .collect();
            while !senders.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                show(progress.load(Ordering::Relaxed));
                wait(Duration::from_secs(1));
            }
            let mut total = Sent::default();
            for sender in senders {
                let sent = sender.join();
                total += sent.map_err(|_| anyhow::anyhow!("a sender broke"))??;
            }
            Ok(total)
        })
    }
}

impl Worker {
    fn send(&mut self, start: i64, blocks: i64, block_s: i64, progress: &AtomicU64) -> anyhow::Result<Sent> {
        let mut sent = Sent::default();
        for block in 0..blocks {
            let time = start + block * block_s;
            for template in &mut self.templates {
                let points = template.points() as u64;
                let (mut status, mut body) = self.connection.post(|out| template.write(time, out))?;
                let mut retries = 0;
                while matches!(status, 429 | 503) && retries < MAX_RETRIES {
                    wait(RETRY_AFTER);
                    (status, body) = self.connection.repeat()?;
                    retries += 1;
                }
                if status / 100 != 2 {
                    bail!("a request was refused with {status}: {}", String::from_utf8_lossy(body));
                }
                sent += Sent { requests: 1, points, retries: u64::from(retries) };
                progress.fetch_add(points, Ordering::Relaxed);
            }
        }
        Ok(sent)
    }
}

/// Splits hours into whole blocks and returns (start, blocks) so that the last point lies just before `end`.
pub(super) fn blocks_before(end: i64, hours: f64, block_s: i64) -> anyhow::Result<(i64, i64)> {
    let blocks = (hours * 3600.0 / block_s as f64).round() as i64;
    if blocks < 1 {
        bail!("{hours} hours are less than one request of {block_s} s");
    }
    let end = end - end.rem_euclid(STEP_S);
    let start = end.checked_sub(blocks * block_s).context("too many hours")?;
    Ok((start, blocks))
}
