//! The server: readers hand packets to one aggregator, a loop flushes its closed buckets into the output.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use galgo_core::Clock;
use galgo_intake::dogstatsd as protocol;
use parking_lot::Mutex;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;

use super::aggregator::{Aggregator, AggregatorStats};
use super::config::AggregatorConfig;
use super::sockets::{self, DatagramSocket, SocketFile};
use crate::report::{Output, Report};
use crate::stop::{Stop, StopHandle, stop_signal};

/// Time between two looks for closed buckets. Most find none and cost nothing.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Most connections of the stream socket at a time.
const MAX_CONNECTIONS: usize = 512;
/// Wanted size of receive buffers; the kernel may grant less.
pub const DEFAULT_RECEIVE_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Where to listen. Everything may be absent.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// UDP address (`127.0.0.1:8125`).
    pub udp: Option<SocketAddr>,
    /// Path of a Unix datagram socket.
    pub unix_datagram: Option<PathBuf>,
    /// Path of a Unix stream socket.
    pub unix_stream: Option<PathBuf>,
    /// Wanted size of the receive buffers of datagram sockets, in bytes.
    pub receive_buffer_bytes: usize,
    /// How messages are aggregated.
    pub aggregator: AggregatorConfig,
}

impl ServerConfig {
    /// Listens nowhere; the caller sets the sockets.
    pub fn new(aggregator: AggregatorConfig) -> Self {
        Self {
            udp: None,
            unix_datagram: None,
            unix_stream: None,
            receive_buffer_bytes: DEFAULT_RECEIVE_BUFFER_BYTES,
            aggregator,
        }
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for DogStatsD on {place}: {reason}")]
pub struct ServerError {
    place: String,
    reason: io::Error,
}

/// What the server did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerStats {
    /// Packets read.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
    /// Messages that could not be parsed.
    pub parse_errors: u64,
    /// Stream connections that were refused (too many) or broke off.
    pub connection_errors: u64,
    /// Points and sketches that the output took.
    pub points_delivered: u64,
    /// Points and sketches that the output refused.
    pub points_refused: u64,
    /// Live contexts.
    pub contexts: u64,
    /// What the aggregator did.
    pub aggregator: AggregatorStats,
}

impl ServerStats {
    /// The counters under the names of Galgo's own `/metrics`.
    pub fn counters(&self) -> [(&'static str, u64); 13] {
        let aggregator = &self.aggregator;
        [
            ("galgo_dogstatsd_packets_total", self.packets),
            ("galgo_dogstatsd_bytes_total", self.bytes),
            ("galgo_dogstatsd_parse_errors_total", self.parse_errors),
            ("galgo_dogstatsd_connection_errors_total", self.connection_errors),
            ("galgo_dogstatsd_points_delivered_total", self.points_delivered),
            ("galgo_dogstatsd_points_refused_total", self.points_refused),
            ("galgo_dogstatsd_metrics_total", aggregator.metrics),
            ("galgo_dogstatsd_events_total", aggregator.events),
            ("galgo_dogstatsd_service_checks_total", aggregator.checks),
            ("galgo_dogstatsd_dropped_contexts_total", aggregator.dropped_contexts),
            ("galgo_dogstatsd_dropped_names_total", aggregator.dropped_names),
            ("galgo_dogstatsd_dropped_values_total", aggregator.dropped_values),
            ("galgo_dogstatsd_dropped_full_total", aggregator.dropped_full),
        ]
    }
}

#[derive(Debug, Default)]
struct Counters {
    packets: AtomicU64,
    bytes: AtomicU64,
    parse_errors: AtomicU64,
    connection_errors: AtomicU64,
    points_delivered: AtomicU64,
    points_refused: AtomicU64,
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

/// What readers share.
#[derive(Debug)]
struct Receiver {
    aggregator: Mutex<Aggregator>,
    clock: Arc<dyn Clock>,
    counters: Counters,
}

impl Receiver {
    fn take(&self, packet: &[u8]) {
        count(&self.counters.packets, 1);
        count(&self.counters.bytes, packet.len());
        let text = protocol::text(packet);
        let now = self.clock.now_s();
        let mut broken = 0;
        let mut aggregator = self.aggregator.lock();
        for message in protocol::messages(&text) {
            match message {
                Ok(message) => aggregator.add(&message, now),
                Err(error) => {
                    broken += 1;
                    tracing::debug!(%error, "DogStatsD message dropped");
                }
            }
        }
        drop(aggregator);
        count(&self.counters.parse_errors, broken);
    }

    async fn deliver(&self, report: Report, output: &dyn Output) {
        if report.is_empty() {
            return;
        }
        let points = report.points();
        match output.deliver(report).await {
            Ok(()) => count(&self.counters.points_delivered, points),
            Err(error) => {
                count(&self.counters.points_refused, points);
                tracing::warn!(%error, points, "DogStatsD metrics were not stored");
            }
        }
    }
}

/// A running DogStatsD server. End it with [`Server::shutdown`].
#[derive(Debug)]
pub struct Server {
    receiver: Arc<Receiver>,
    udp_addr: Option<SocketAddr>,
    stop: StopHandle,
    running: Mutex<Running>,
    output: Arc<dyn Output>,
}

/// What ends when the server ends.
#[derive(Debug, Default)]
struct Running {
    readers: Vec<JoinHandle<()>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    files: Vec<SocketFile>,
}

impl Server {
    /// Opens the sockets and starts to read. Must be called within a tokio runtime.
    pub fn start(config: ServerConfig, clock: Arc<dyn Clock>, output: Arc<dyn Output>) -> Result<Self, ServerError> {
        let aggregator = Mutex::new(Aggregator::new(config.aggregator));
        let receiver = Arc::new(Receiver { aggregator, clock, counters: Counters::default() });
        let (handle, stop) = stop_signal();
        let mut running = Running::default();
        let mut udp_addr = None;
        let buffer_bytes = config.receive_buffer_bytes;
        if let Some(addr) = config.udp {
            let failed = |reason| ServerError { place: format!("udp {addr}"), reason };
            let socket = sockets::bind_udp(addr, buffer_bytes).map_err(failed)?;
            udp_addr = socket.local_addr().ok();
            running.readers.push(read("dogstatsd-udp", socket, &receiver, &stop).map_err(failed)?);
        }
        if let Some(path) = config.unix_datagram {
            let failed = |reason| ServerError { place: format!("unix socket {}", path.display()), reason };
            let socket = sockets::bind_unix_datagram(&path, buffer_bytes).map_err(failed)?;
            running.files.push(SocketFile(path.clone()));
            running.readers.push(read("dogstatsd-uds", socket, &receiver, &stop).map_err(failed)?);
        }
        if let Some(path) = config.unix_stream {
            let failed = |reason| ServerError { place: format!("unix stream socket {}", path.display()), reason };
            let listener = sockets::bind_unix_stream(&path).map_err(failed)?;
            running.files.push(SocketFile(path.clone()));
            running.tasks.push(tokio::spawn(accept(listener, Arc::clone(&receiver), stop.clone())));
        }
        running.tasks.push(tokio::spawn(flush(Arc::clone(&receiver), Arc::clone(&output), stop)));
        Ok(Self { receiver, udp_addr, stop: handle, running: Mutex::new(running), output })
    }

    /// The UDP address in use.
    pub fn udp_addr(&self) -> Option<SocketAddr> {
        self.udp_addr
    }

    /// Takes a packet that came another way (`/dogstatsd/v2/proxy`): lines of messages.
    pub fn take(&self, packet: &[u8]) {
        self.receiver.take(packet);
    }

    /// What happened so far.
    pub fn stats(&self) -> ServerStats {
        let counters = &self.receiver.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let aggregator = self.receiver.aggregator.lock();
        ServerStats {
            packets: get(&counters.packets),
            bytes: get(&counters.bytes),
            parse_errors: get(&counters.parse_errors),
            connection_errors: get(&counters.connection_errors),
            points_delivered: get(&counters.points_delivered),
            points_refused: get(&counters.points_refused),
            contexts: aggregator.contexts() as u64,
            aggregator: aggregator.stats(),
        }
    }

    /// Stops reading, takes what the kernel still holds, flushes everything (open buckets included) and returns once
    /// the output has it. A second call finds nothing to do.
    pub async fn shutdown(&self) {
        self.stop.stop();
        let Running { readers, tasks, files } = std::mem::take(&mut *self.running.lock());
        let join = move || readers.into_iter().filter_map(|reader| reader.join().err()).count();
        if tokio::task::spawn_blocking(join).await.unwrap_or(1) > 0 {
            tracing::error!("a DogStatsD reader broke");
        }
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a DogStatsD task broke");
            }
        }
        let report = self.receiver.aggregator.lock().flush_all(self.receiver.clock.now_s());
        self.receiver.deliver(report, &*self.output).await;
        drop(files);
    }
}

/// Starts the thread that reads a socket.
fn read(name: &str, socket: impl DatagramSocket, receiver: &Arc<Receiver>, stop: &Stop) -> io::Result<JoinHandle<()>> {
    let (receiver, stop) = (Arc::clone(receiver), stop.clone());
    let thread = std::thread::Builder::new().name(name.into());
    thread.spawn(move || sockets::read_datagrams(&socket, &stop, |packet| receiver.take(packet)))
}

/// Flushes closed buckets until the stop signal.
async fn flush(receiver: Arc<Receiver>, output: Arc<dyn Output>, mut stop: Stop) {
    let config = Arc::new(receiver.aggregator.lock().config().clone());
    let mut ticks = tokio::time::interval(FLUSH_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.raised() => return,
        }
        let now = receiver.clock.now_s();
        let closed = receiver.aggregator.lock().close(now);
        if closed.is_empty() {
            continue;
        }
        // Sorting and naming 100,000 contexts takes a while: not on an async thread.
        let config = Arc::clone(&config);
        match tokio::task::spawn_blocking(move || closed.into_report(&config)).await {
            Ok(report) => receiver.deliver(report, &*output).await,
            Err(error) => tracing::error!(%error, "DogStatsD flush broke"),
        }
    }
}

/// Serves connections of the stream socket until the stop signal.
async fn accept(listener: UnixListener, receiver: Arc<Receiver>, mut stop: Stop) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.map(|(stream, _)| stream),
            () = stop.raised() => break,
        };
        // Finished connections are forgotten here.
        while connections.try_join_next().is_some() {}
        let (Ok(stream), Ok(slot)) = (stream, Arc::clone(&slots).try_acquire_owned()) else {
            count(&receiver.counters.connection_errors, 1);
            // Out of file descriptors: let some connections end first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (receiver, mut stop) = (Arc::clone(&receiver), stop.clone());
        connections.spawn(async move {
            tokio::select! {
                biased;
                read = sockets::read_stream(stream, |packet| receiver.take(packet)) => {
                    if let Err(error) = read {
                        count(&receiver.counters.connection_errors, 1);
                        tracing::debug!(%error, "DogStatsD connection broke off");
                    }
                }
                () = stop.raised() => {}
            }
            drop(slot);
        });
    }
    while connections.join_next().await.is_some() {}
}
