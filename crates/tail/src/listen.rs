//! Sources of type `tcp` and `udp`: applications send lines to a port of this host.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::Stop;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::pipeline::{Item, Origin};
use crate::shared::SourceContext;
use crate::status::SourceState;
use crate::stream::Stream;

/// Most connections of one port; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 1000;
/// Bytes that are read from a connection at a time.
const READ_BYTES: usize = 16 << 10;
/// Most senders of datagrams whose logs of several lines are put together at a time.
const MAX_SENDERS: usize = 1000;
/// A log of several lines is complete when no line has followed for so long.
const GROUP_TIMEOUT: Duration = crate::file::GROUP_TIMEOUT;
/// Pause before a port that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Receives lines over TCP until told to stop.
pub(crate) async fn run_tcp(context: SourceContext, port: u16, idle: Option<Duration>, mut stop: Stop) {
    let bind = || async {
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await,
        }
    };
    let Some(listener) = open("tcp", port, &context, &mut stop, bind).await else { return };
    let context = Arc::new(context);
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            biased;
            () = stop.raised() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (context, stop) = (Arc::clone(&context), stop.clone());
                connections.spawn(async move {
                    serve(&context, stream, peer, idle, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                // Mostly too many open files: trying again at once would only burn CPU.
                context.counters.note_error(format!("tcp port {port}: cannot accept: {error}"));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn serve(
    context: &SourceContext,
    mut connection: TcpStream,
    peer: SocketAddr,
    idle: Option<Duration>,
    mut stop: Stop,
) {
    let mut stream = Stream::new(context.origin_of(peer.ip()), &context.reading, Instant::now());
    let mut buffer = vec![0; READ_BYTES];
    loop {
        // A log that waits for more lines is handed over after a while, long before the connection is idle.
        let wait = if stream.holds() { Some(GROUP_TIMEOUT) } else { idle };
        let read = async {
            match wait {
                Some(wait) => tokio::time::timeout(wait, connection.read(&mut buffer)).await,
                None => Ok(connection.read(&mut buffer).await),
            }
        };
        let read = tokio::select! {
            biased;
            () = stop.raised() => break,
            read = read => read,
        };
        let items = match read {
            Ok(Ok(0)) => break,
            Ok(Ok(length)) => stream.push(&buffer[..length], false, Instant::now(), context.shared.clock.now_ms()),
            Ok(Err(error)) => {
                tracing::debug!(%peer, %error, "connection of a log source broke");
                break;
            }
            Err(_) if stream.holds() => stream.flush(context.shared.clock.now_ms()),
            Err(_) => break,
        };
        if !context.send(items, &mut stop).await {
            break;
        }
    }
    context.send_last(stream.finish(context.shared.clock.now_ms())).await;
}

/// Receives datagrams until told to stop.
pub(crate) async fn run_udp(context: SourceContext, port: u16, frame_size: usize, mut stop: Stop) {
    let bind = || async {
        match UdpSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).await {
            Ok(socket) => Ok(socket),
            Err(_) => UdpSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).await,
        }
    };
    let Some(socket) = open("udp", port, &context, &mut stop, bind).await else { return };
    let mut senders = Senders { streams: HashMap::new() };
    // One byte more than a frame tells a datagram that is too long from one that just fits.
    let mut buffer = vec![0; frame_size + 1];
    loop {
        let received = tokio::select! {
            biased;
            () = stop.raised() => break,
            received = receive(&socket, &mut buffer, senders.hold()) => received,
        };
        let (now, now_ms) = (Instant::now(), context.shared.clock.now_ms());
        let mut items = senders.flush_old(now, now_ms);
        match received {
            None => {}
            Some(Ok((length, peer))) => {
                if length > frame_size {
                    let text = format!(
                        "udp port {port}: a datagram was longer than frame_size ({frame_size} bytes) and was cut"
                    );
                    context.counters.note_error(text);
                }
                let stream = senders.of(peer.ip(), &context, now, &mut items, now_ms);
                items.extend(stream.push(&buffer[..length.min(frame_size)], true, now, now_ms));
            }
            Some(Err(error)) => {
                context.counters.note_error(format!("udp port {port}: {error}"));
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        if !context.send(items, &mut stop).await {
            break;
        }
    }
    let now_ms = context.shared.clock.now_ms();
    let rest = senders.streams.values_mut().flat_map(|stream| stream.finish(now_ms)).collect();
    context.send_last(rest).await;
}

/// The next datagram, or `None` when lines that are held have waited long enough.
async fn receive(socket: &UdpSocket, buffer: &mut [u8], holds: bool) -> Option<io::Result<(usize, SocketAddr)>> {
    if !holds {
        return Some(socket.recv_from(buffer).await);
    }
    tokio::time::timeout(GROUP_TIMEOUT, socket.recv_from(buffer)).await.ok()
}

/// One stream for each address that sends datagrams.
struct Senders {
    streams: HashMap<IpAddr, Stream>,
}

impl Senders {
    fn hold(&self) -> bool {
        self.streams.values().any(Stream::holds)
    }

    fn of<'a>(
        &'a mut self,
        peer: IpAddr,
        context: &SourceContext,
        now: Instant,
        items: &mut Vec<Item>,
        now_ms: i64,
    ) -> &'a mut Stream {
        if self.streams.len() >= MAX_SENDERS && !self.streams.contains_key(&peer) {
            self.streams.drain().for_each(|(_, mut stream)| items.extend(stream.finish(now_ms)));
        }
        self.streams.entry(peer).or_insert_with(|| Stream::new(context.origin_of(peer), &context.reading, now))
    }

    fn flush_old(&mut self, now: Instant, now_ms: i64) -> Vec<Item> {
        let old = self.streams.values_mut();
        let old = old.filter(|stream| stream.holds() && now.duration_since(stream.heard_at) >= GROUP_TIMEOUT);
        old.flat_map(|stream| stream.flush(now_ms)).collect()
    }
}

/// Opens a port, trying again until it is free or the source is to stop.
async fn open<T, F>(kind: &str, port: u16, context: &SourceContext, stop: &mut Stop, bind: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        match bind().await {
            Ok(socket) => {
                context.counters.set_state(SourceState::Ok);
                return Some(socket);
            }
            Err(error) => context.complain(format!("cannot listen on {kind} port {port}: {error}")),
        }
        tokio::select! {
            biased;
            () = stop.raised() => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

impl SourceContext {
    /// Origin of lines that an address sends.
    fn origin_of(&self, peer: IpAddr) -> Origin {
        let mut tags = vec![format!("source_host:{}", peer.to_canonical())];
        tags.extend(self.source.tags.iter().cloned());
        Origin {
            check: self.source.check.clone(),
            place: self.source.name(),
            service: self.source.service.clone(),
            source: self.source.source.clone(),
            tags,
            counters: Arc::clone(&self.counters),
        }
    }
}
