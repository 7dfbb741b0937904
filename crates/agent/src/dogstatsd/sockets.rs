//! Opens and reads the sockets. Datagrams are read by a plain thread each, in a tight loop: a wake-up of the async
//! runtime for every packet would cost more than parsing it.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use crate::stop::Stop;

/// Where the kernel says how many packets may wait at a Unix datagram socket that is made now.
const QUEUE_LENGTH_FILE: &str = "/proc/sys/net/unix/max_dgram_qlen";
/// How long a reader waits for a packet before it looks at the stop signal.
const STOP_POLL: Duration = Duration::from_millis(250);
/// Most packets that are read before the reader looks at the stop signal.
const MAX_BURST: usize = 10_000;
/// A burst of so many packets is followed by a pause of this length, at which 200,000 packets a second are 40.
const PAUSE_AFTER: usize = 4;
const PAUSE: Duration = Duration::from_micros(200);
/// Shortest queue of a Unix socket, and smallest buffer of a UDP socket, that hold what comes in a pause.
const MIN_PAUSE_QUEUE: u32 = 512;
const MIN_PAUSE_BUFFER_BYTES: usize = 1024 * 1024;
/// Most packets that are still read after the stop signal.
const MAX_DRAINED_PACKETS: usize = 100_000;
/// Mode of the socket files: everybody may send (Datadog's 0722).
const SOCKET_MODE: u32 = 0o722;

/// A datagram socket, and how to read it.
#[derive(Debug)]
pub(super) struct Datagrams<S> {
    pub(super) socket: S,
    /// Whether so many packets may wait that the reader may pause.
    may_pause: bool,
}

/// A UDP socket bound to an address.
pub(super) fn bind_udp(addr: SocketAddr, buffer_bytes: usize) -> io::Result<Datagrams<UdpSocket>> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
    socket.bind(&addr.into())?;
    prepare(SockRef::from(&socket), buffer_bytes)?;
    let granted = socket.recv_buffer_size()?;
    Ok(Datagrams { socket: socket.into(), may_pause: granted >= MIN_PAUSE_BUFFER_BYTES })
}

/// A Unix datagram socket at a path.
pub(super) fn bind_unix_datagram(
    path: &Path,
    buffer_bytes: usize,
    queue_packets: u32,
) -> io::Result<Datagrams<UnixDatagram>> {
    make_room(path, |path| UnixDatagram::unbound()?.connect(path))?;
    let (socket, may_wait) = with_queue(queue_packets, || UnixDatagram::bind(path))?;
    prepare(SockRef::from(&socket), buffer_bytes)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(Datagrams { socket, may_pause: may_wait >= MIN_PAUSE_QUEUE })
}

/// Makes a Unix datagram socket at which so many packets may wait; says how many may. The kernel counts them instead of
/// their bytes, and its usual limit, 10, is reached by the first burst of clients that do not wait. A socket keeps the
/// limit that held when it was made, so that the setting of the machine is only raised for that moment, where that is
/// allowed.
fn with_queue<T>(packets: u32, make: impl FnOnce() -> io::Result<T>) -> io::Result<(T, u32)> {
    let read = || std::fs::read_to_string(QUEUE_LENGTH_FILE).ok()?.trim().parse::<u32>().ok();
    let write = |length: u32| std::fs::write(QUEUE_LENGTH_FILE, length.to_string());
    let Some(length) = read() else { return Ok((make()?, 0)) };
    if length >= packets {
        return Ok((make()?, length));
    }
    if write(packets).is_err() {
        tracing::info!(
            length,
            "few packets may wait at the DogStatsD socket: raise net.unix.max_dgram_qlen if clients lose some"
        );
        return Ok((make()?, length));
    }
    let made = make();
    if let Err(error) = write(length) {
        tracing::warn!(%error, length, "net.unix.max_dgram_qlen could not be set back");
    }
    Ok((made?, packets))
}

/// A Unix stream socket at a path, listening.
pub(super) fn bind_unix_stream(path: &Path) -> io::Result<tokio::net::UnixListener> {
    make_room(path, |path| std::os::unix::net::UnixStream::connect(path).map(drop))?;
    let listener = tokio::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

fn prepare(socket: SockRef<'_>, buffer_bytes: usize) -> io::Result<()> {
    // The kernel cuts the size down to net.core.rmem_max without a word.
    if let Err(error) = socket.set_recv_buffer_size(buffer_bytes) {
        tracing::warn!(%error, buffer_bytes, "receive buffer of a DogStatsD socket could not be raised");
    }
    socket.set_read_timeout(Some(STOP_POLL))
}

/// Removes the socket file of a server that is gone. One that still answers, and any other file, is left alone.
fn make_room(path: &Path, connect: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .map_or(Ok(()), std::fs::create_dir_all);
        }
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "the path is taken by something that is no socket"));
    }
    match connect(path) {
        // A socket of another type than ours refuses with EPROTOTYPE, but somebody may own it.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens on the socket")),
    }
}

/// Reads packets until the stop signal, and then what the kernel already holds.
///
/// A packet of more than `room` bytes is handed over with one byte more than that. At high rates the reader pauses for
/// a moment whenever nothing waits: to be woken for every single packet would cost more than to take it.
pub(super) fn read_datagrams(datagrams: &Datagrams<impl AsFd>, room: usize, stop: &Stop, mut take: impl FnMut(&[u8])) {
    let mut buffer = vec![0; room + 1];
    let mut receive =
        |flags| recv(&datagrams.socket, &mut buffer[..], flags).map(|(length, _)| take(&buffer[..length]));
    loop {
        let mut taken = drain(&mut receive, MAX_BURST);
        if stop.is_raised() {
            drain(&mut receive, MAX_DRAINED_PACKETS);
            return;
        }
        if taken >= PAUSE_AFTER && datagrams.may_pause {
            #[allow(clippy::disallowed_methods)] // no condition to wait on, and nothing that a test would simulate
            std::thread::sleep(PAUSE);
            continue;
        }
        while taken == 0 && !stop.is_raised() {
            // Waits for STOP_POLL at most.
            match receive(RecvFlags::empty()) {
                Ok(()) => taken = 1,
                Err(Errno::AGAIN) => {}
                // An ICMP answer to some earlier packet, or a signal: no reason to end.
                Err(error) => tracing::debug!(%error, "DogStatsD socket could not be read"),
            }
        }
    }
}

/// Takes what waits, at most so many packets; says how many.
fn drain(receive: &mut impl FnMut(RecvFlags) -> Result<(), Errno>, max_packets: usize) -> usize {
    let mut taken = 0;
    while taken < max_packets && receive(RecvFlags::DONTWAIT).is_ok() {
        taken += 1;
    }
    taken
}

/// Reads length-prefixed packets of one connection until it ends. An oversized packet closes it: what follows cannot
/// be told from text.
pub(super) async fn read_stream(mut stream: UnixStream, room: usize, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; room];
    loop {
        let length = match stream.read_u32_le().await {
            Ok(length) => length as usize,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some(packet) = buffer.get_mut(..length) else {
            let reason = format!("packet of {length} bytes is larger than {room}");
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        };
        stream.read_exact(packet).await?;
        take(packet);
    }
}

/// Removes a socket file when the server ends.
#[derive(Debug)]
pub(super) struct SocketFile(pub(super) PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "socket file could not be removed");
        }
    }
}
