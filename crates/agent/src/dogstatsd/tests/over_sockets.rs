//! The server over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use galgo_core::{Clock, ManualClock, SystemClock};
use parking_lot::Mutex;

use super::*;
use crate::report::{Output, OutputError};

#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Report>);

#[async_trait::async_trait]
impl Output for Recorder {
    async fn deliver(&self, report: Report) -> Result<(), OutputError> {
        self.0.lock().append(report);
        Ok(())
    }
}

/// A server on all sockets below a folder, its output and its clock, which stands at `T`.
pub(super) fn serve(folder: &std::path::Path) -> (Server, Arc<Recorder>, Arc<ManualClock>) {
    serve_with(folder, |_| {})
}

fn serve_with(
    folder: &std::path::Path,
    change: impl FnOnce(&mut ServerConfig),
) -> (Server, Arc<Recorder>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at_ms(T * 1000));
    let output = Arc::new(Recorder::default());
    let mut config = ServerConfig {
        udp: Some("127.0.0.1:0".parse().unwrap()),
        unix_datagram: Some(folder.join("dsd.socket")),
        unix_stream: Some(folder.join("dsd-stream.socket")),
        ..ServerConfig::new(AggregatorConfig::for_host("web-1"))
    };
    change(&mut config);
    let server =
        Server::start(config, Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&output) as Arc<dyn Output>).unwrap();
    (server, output, clock)
}

pub(super) async fn wait_until(mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited for 5 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_feeds_one_aggregator_and_the_end_flushes_it() {
    use tokio::io::AsyncWriteExt;
    let folder = tempfile::tempdir().unwrap();
    let (server, output, _clock) = serve(folder.path());
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"hits:1|c\nbroken\n", server.udp_addr().unwrap()).unwrap();
    let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
    unix.send_to(b"hits:10|c", folder.path().join("dsd.socket")).unwrap();
    let mut stream = tokio::net::UnixStream::connect(folder.path().join("dsd-stream.socket")).await.unwrap();
    for packet in ["hits:100|c", "hits:1000|c\n\n"] {
        stream.write_all(&(packet.len() as u32).to_le_bytes()).await.unwrap();
        stream.write_all(packet.as_bytes()).await.unwrap();
    }
    server.take(b"hits:10000|c\n\xff\xfe");
    wait_until(|| server.stats().packets == 5).await;
    assert_eq!((server.stats().parse_errors, server.stats().aggregator.metrics), (2, 5));
    server.shutdown().await;
    check(
        &output.0.lock(),
        expect![[r#"
            hits count/10 "web-1"  | +1=11111
        "#]],
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "socket files are removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_buckets_are_delivered_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (server, output, clock) = serve(folder.path());
    server.take(b"hits:1|c");
    clock.advance(Duration::from_secs(10));
    wait_until(|| server.stats().points_delivered == 1).await;
    assert_eq!(output.0.lock().series[0].metric, "hits");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_stream_packet_closes_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let (server, _output, _clock) = serve(folder.path());
    let mut stream = tokio::net::UnixStream::connect(folder.path().join("dsd-stream.socket")).await.unwrap();
    stream.write_all(&9000u32.to_le_bytes()).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(server.stats().connection_errors, 1);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_socket_file_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dsd.socket");
    drop(std::os::unix::net::UnixDatagram::bind(&path).unwrap());
    let (server, output, _clock) = serve(folder.path());
    let again =
        ServerConfig { unix_datagram: Some(path.clone()), ..ServerConfig::new(AggregatorConfig::for_host("h")) };
    let error = Server::start(again, Arc::new(SystemClock::new()), output).unwrap_err();
    assert!(error.to_string().ends_with("another process listens on the socket"), "{error}");
    server.shutdown().await;
    std::fs::write(&path, "precious").unwrap();
    let error = sockets::bind_unix_datagram(&path, 1024, 0).unwrap_err();
    assert!(error.to_string().contains("no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_lines_are_dropped_where_a_line_feed_is_required() {
    let folder = tempfile::tempdir().unwrap();
    let (server, output, _clock) = serve_with(folder.path(), |config| {
        config.eol_required = EolRequired::from_names(&["udp".to_owned(), "named_pipe".to_owned()]);
    });
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"hits:1|c\nhits:2|c\nhits:40|c", server.udp_addr().unwrap()).unwrap();
    let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
    unix.send_to(b"hits:100|c", folder.path().join("dsd.socket")).unwrap();
    wait_until(|| server.stats().packets == 2).await;
    assert_eq!((server.stats().cut_packets, server.stats().parse_errors), (1, 0));
    server.shutdown().await;
    assert_eq!(output.0.lock().series[0].points[0].value, 103.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_packet_that_is_too_large_the_whole_lines_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (server, output, _clock) = serve_with(folder.path(), |config| config.buffer_bytes = 20);
    let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
    for packet in ["hits:1|c\nhits:2|c\nhits:4000|c", "hits:100|c\nhits:20|c", "hits:10000000|c|#a:b,c:d"] {
        unix.send_to(packet.as_bytes(), folder.path().join("dsd.socket")).unwrap();
    }
    wait_until(|| server.stats().packets == 3).await;
    assert_eq!((server.stats().cut_packets, server.stats().parse_errors), (2, 0));
    server.shutdown().await;
    assert_eq!(output.0.lock().series[0].points[0].value, 123.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_passed_on_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let next = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    next.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let port = next.local_addr().unwrap().port();
    let (server, _output, _clock) =
        serve_with(folder.path(), |config| config.forward = Some(("127.0.0.1".to_owned(), port)));
    server.take(b"hits:1|c\nbroken");
    let mut buffer = [0; 100];
    let length = next.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"hits:1|c\nbroken");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let (server, output, _clock) = serve(folder.path());
    let config = |change: fn(&mut ServerConfig, SocketAddr)| {
        let mut config = ServerConfig::new(AggregatorConfig::for_host("h"));
        change(&mut config, server.udp_addr().unwrap());
        config
    };
    for (config, kind, text) in [
        (
            config(|config, taken| config.udp = Some(taken)),
            SocketKind::Udp,
            "cannot listen for DogStatsD on udp 127.0.0.1:",
        ),
        (
            config(|config, _| config.unix_stream = Some("/proc/no/such".into())),
            SocketKind::UnixStream,
            "cannot listen for DogStatsD on unix stream socket /proc/no/such: ",
        ),
        (
            config(|config, _| config.forward = Some(("no such host".into(), 1))),
            SocketKind::Forward,
            "cannot pass DogStatsD packets on to udp no such host:1: ",
        ),
    ] {
        let error =
            Server::start(config, Arc::new(SystemClock::new()), Arc::clone(&output) as Arc<dyn Output>).unwrap_err();
        assert_eq!((error.kind, error.to_string().starts_with(text)), (kind, true), "{error}");
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("dsd.socket")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o722);
    server.shutdown().await;
}
