//! The server: readers hand packets to one aggregator, a loop flushes its closed buckets into the output.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::fd::AsFd;
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
use super::metric_stats::MetricStats;
use super::sockets::{self, Datagrams, SocketFile};
use crate::report::{Output, Report};
use crate::stop::{Stop, StopHandle, stop_signal};

/// Time between two looks for closed buckets. Most find none and cost nothing.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Most connections of the stream socket at a time.
const MAX_CONNECTIONS: usize = 512;
/// Largest `buffer_bytes`: what UDP can carry.
const MAX_BUFFER_BYTES: usize = 65_535;
/// Wanted size of receive buffers; the kernel may grant less.
pub const DEFAULT_RECEIVE_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Packets that should be able to wait at the Unix datagram socket: 20 ms of the highest rates. The kernel charges
/// their memory to the senders.
pub const DEFAULT_QUEUE_PACKETS: u32 = 4096;

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
    /// How many packets should be able to wait at the Unix datagram socket; 0 for what the machine says.
    pub queue_packets: u32,
    /// Largest packet, in bytes (`dogstatsd_buffer_size`); of a larger datagram the whole lines that fit are taken.
    pub buffer_bytes: usize,
    /// Where a message must end in a line feed (`dogstatsd_eol_required`); one that does not is dropped there.
    pub eol_required: EolRequired,
    /// Host and port to which every packet is passed on over UDP (`statsd_forward_host`, `statsd_forward_port`).
    pub forward: Option<(String, u16)>,
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
            queue_packets: DEFAULT_QUEUE_PACKETS,
            buffer_bytes: protocol::MAX_PACKET_BYTES,
            eol_required: EolRequired::default(),
            forward: None,
            aggregator,
        }
    }
}

/// Where a message must end in a line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EolRequired {
    /// Over UDP.
    pub udp: bool,
    /// Over both Unix sockets.
    pub uds: bool,
}

impl EolRequired {
    /// From the words of `dogstatsd_eol_required`; others, such as `named_pipe`, say nothing here.
    pub fn from_names(names: &[String]) -> Self {
        let has = |wanted: &str| names.iter().any(|name| name.trim() == wanted);
        Self { udp: has("udp"), uds: has("uds") }
    }
}

/// The sockets of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketKind {
    /// [`ServerConfig::udp`].
    Udp,
    /// [`ServerConfig::unix_datagram`].
    UnixDatagram,
    /// [`ServerConfig::unix_stream`].
    UnixStream,
    /// [`ServerConfig::forward`].
    Forward,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot {} {place}: {reason}", self.doing())]
pub struct ServerError {
    /// Which socket is at fault; without it the server may start.
    pub kind: SocketKind,
    place: String,
    reason: io::Error,
}

impl ServerError {
    fn doing(&self) -> &'static str {
        if self.kind == SocketKind::Forward { "pass DogStatsD packets on to" } else { "listen for DogStatsD on" }
    }
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
    /// Packets that were longer than the buffer, or whose last message lacks its line feed where one is required.
    pub cut_packets: u64,
    /// Packets that could not be passed on.
    pub forward_errors: u64,
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
    pub fn counters(&self) -> [(&'static str, u64); 15] {
        let aggregator = &self.aggregator;
        [
            ("galgo_dogstatsd_packets_total", self.packets),
            ("galgo_dogstatsd_bytes_total", self.bytes),
            ("galgo_dogstatsd_parse_errors_total", self.parse_errors),
            ("galgo_dogstatsd_cut_packets_total", self.cut_packets),
            ("galgo_dogstatsd_forward_errors_total", self.forward_errors),
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
    cut_packets: AtomicU64,
    forward_errors: AtomicU64,
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
    forward: Option<UdpSocket>,
}

impl Receiver {
    /// Takes a packet from a socket with a buffer of `room` bytes, of which a longer packet filled one more.
    fn take_datagram(&self, packet: &[u8], room: usize, needs_eol: bool) {
        let is_cut = packet.len() > room;
        self.take(&packet[..packet.len().min(room)], needs_eol || is_cut);
    }

    /// Takes a packet; `needs_eol` when only lines with their line feed are whole.
    fn take(&self, packet: &[u8], needs_eol: bool) {
        count(&self.counters.packets, 1);
        count(&self.counters.bytes, packet.len());
        self.pass_on(packet);
        let whole = if needs_eol {
            packet.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
        } else {
            packet.len()
        };
        if whole < packet.len() {
            count(&self.counters.cut_packets, 1);
        }
        let text = protocol::text(&packet[..whole]);
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

    /// Passes a packet on as it is; the socket does not wait.
    fn pass_on(&self, packet: &[u8]) {
        if let Some(socket) = &self.forward
            && socket.send(packet).is_err()
        {
            count(&self.counters.forward_errors, 1);
        }
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
        let forward = config.forward.map(|(host, port)| connect(&host, port)).transpose()?;
        let receiver = Arc::new(Receiver { aggregator, clock, counters: Counters::default(), forward });
        let (handle, stop) = stop_signal();
        let mut running = Running::default();
        let mut udp_addr = None;
        let buffer_bytes = config.receive_buffer_bytes;
        let room = config.buffer_bytes.clamp(1, MAX_BUFFER_BYTES);
        let EolRequired { udp: udp_eol, uds: uds_eol } = config.eol_required;
        if let Some(addr) = config.udp {
            let failed = |reason| ServerError { kind: SocketKind::Udp, place: format!("udp {addr}"), reason };
            let socket = sockets::bind_udp(addr, buffer_bytes).map_err(failed)?;
            udp_addr = socket.socket.local_addr().ok();
            let reader = Reader { room, needs_eol: udp_eol, receiver: Arc::clone(&receiver), stop: stop.clone() };
            running.readers.push(reader.start("dogstatsd-udp", socket).map_err(failed)?);
        }
        if let Some(path) = config.unix_datagram {
            let place = format!("unix socket {}", path.display());
            let failed = |reason| ServerError { kind: SocketKind::UnixDatagram, place: place.clone(), reason };
            let socket = sockets::bind_unix_datagram(&path, buffer_bytes, config.queue_packets).map_err(failed)?;
            running.files.push(SocketFile(path.clone()));
            let reader = Reader { room, needs_eol: uds_eol, receiver: Arc::clone(&receiver), stop: stop.clone() };
            running.readers.push(reader.start("dogstatsd-uds", socket).map_err(failed)?);
        }
        if let Some(path) = config.unix_stream {
            let place = format!("unix stream socket {}", path.display());
            let failed = |reason| ServerError { kind: SocketKind::UnixStream, place: place.clone(), reason };
            let listener = sockets::bind_unix_stream(&path).map_err(failed)?;
            running.files.push(SocketFile(path.clone()));
            let reader = Reader { room, needs_eol: uds_eol, receiver: Arc::clone(&receiver), stop: stop.clone() };
            running.tasks.push(tokio::spawn(accept(listener, reader)));
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
        self.receiver.take(packet, false);
    }

    /// What came in by metric, most frequent first; `None` unless [`AggregatorConfig::metric_stats`] is set.
    pub fn metric_stats(&self) -> Option<Vec<MetricStats>> {
        self.receiver.aggregator.lock().metric_stats()
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
            cut_packets: get(&counters.cut_packets),
            forward_errors: get(&counters.forward_errors),
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

/// A socket to which packets are passed on.
fn connect(host: &str, port: u16) -> Result<UdpSocket, ServerError> {
    let failed = |reason| ServerError { kind: SocketKind::Forward, place: format!("udp {host}:{port}"), reason };
    let unknown = || io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    let addr = (host, port).to_socket_addrs().and_then(|mut found| found.next().ok_or_else(unknown)).map_err(failed)?;
    let any: SocketAddr = if addr.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
    let open = || {
        let socket = UdpSocket::bind(any)?;
        socket.connect(addr)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    open().map_err(failed)
}

/// How a socket is read, and for whom.
#[derive(Debug)]
struct Reader {
    /// Largest packet, in bytes.
    room: usize,
    needs_eol: bool,
    receiver: Arc<Receiver>,
    stop: Stop,
}

impl Reader {
    /// Starts the thread that reads a socket.
    fn start(self, name: &str, socket: Datagrams<impl AsFd + Send + 'static>) -> io::Result<JoinHandle<()>> {
        let Self { room, needs_eol, receiver, stop } = self;
        let take = move |packet: &[u8]| receiver.take_datagram(packet, room, needs_eol);
        let thread = std::thread::Builder::new().name(name.into());
        thread.spawn(move || sockets::read_datagrams(&socket, room, &stop, take))
    }
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
async fn accept(listener: UnixListener, reader: Reader) {
    let Reader { room, needs_eol, receiver, mut stop } = reader;
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
                read = sockets::read_stream(stream, room, |packet| receiver.take(packet, needs_eol)) => {
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
