//! Opens and reads the sockets. Datagrams are read by a plain thread each, in a tight loop: a wake-up of the async
//! runtime for every packet would cost more than parsing it.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

use crate::stop::Stop;

/// Where the kernel says how many datagrams may wait at a Unix socket.
const QUEUE_LENGTH_FILE: &str = "/proc/sys/net/unix/max_dgram_qlen";
/// Fewer than that, and a burst finds no room.
const MIN_QUEUE_LENGTH: u32 = 256;
/// How long a reader waits for a packet before it looks at the stop signal.
const STOP_POLL: Duration = Duration::from_millis(250);
/// Most packets that are still read after the stop signal.
const MAX_DRAINED_PACKETS: usize = 100_000;
/// Mode of the socket files: everybody may send (Datadog's 0722).
const SOCKET_MODE: u32 = 0o722;

/// A socket that receives packets.
pub(super) trait DatagramSocket: Send + 'static {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;
}

impl DatagramSocket for UdpSocket {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv(buffer)
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        UdpSocket::set_nonblocking(self, nonblocking)
    }
}

impl DatagramSocket for UnixDatagram {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv(buffer)
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        UnixDatagram::set_nonblocking(self, nonblocking)
    }
}

/// A UDP socket bound to an address.
pub(super) fn bind_udp(addr: SocketAddr, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
    socket.bind(&addr.into())?;
    prepare(SockRef::from(&socket), buffer_bytes)?;
    Ok(socket.into())
}

/// A Unix datagram socket at a path.
pub(super) fn bind_unix_datagram(path: &Path, buffer_bytes: usize) -> io::Result<UnixDatagram> {
    make_room(path, |path| UnixDatagram::unbound()?.connect(path))?;
    let socket = UnixDatagram::bind(path)?;
    prepare(SockRef::from(&socket), buffer_bytes)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    tell_queue_length();
    Ok(socket)
}

/// Unix datagrams wait by number, not by size: with a short queue clients that do not wait lose packets in a burst.
fn tell_queue_length() {
    let length = std::fs::read_to_string(QUEUE_LENGTH_FILE).ok().and_then(|text| text.trim().parse::<u32>().ok());
    if let Some(length) = length.filter(|length| *length < MIN_QUEUE_LENGTH) {
        tracing::info!(
            length,
            "few datagrams may wait at the DogStatsD socket; for bursts of many clients raise net.unix.max_dgram_qlen"
        );
    }
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
/// A packet of more than `room` bytes is handed over with one byte more than that.
pub(super) fn read_datagrams(socket: &impl DatagramSocket, room: usize, stop: &Stop, mut take: impl FnMut(&[u8])) {
    let mut buffer = vec![0; room + 1];
    let mut to_drain = MAX_DRAINED_PACKETS;
    let mut stopping = false;
    while to_drain > 0 {
        if !stopping && stop.is_raised() {
            stopping = true;
            if let Err(error) = socket.set_nonblocking(true) {
                tracing::warn!(%error, "last DogStatsD packets could not be read");
                return;
            }
        }
        to_drain -= usize::from(stopping);
        match socket.receive(&mut buffer) {
            Ok(length) => take(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if stopping {
                    return;
                }
            }
            // An ICMP answer to some earlier packet, or a signal: no reason to end.
            Err(error) => tracing::debug!(%error, "DogStatsD socket could not be read"),
        }
    }
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
