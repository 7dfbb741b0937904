//! TCP and UDP, on free ports of this host and in real time.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::harness::Bench;

/// A port that nobody uses; the listener opens it a moment later.
async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn listening(kind: &str, more: Value) -> (Bench, u16) {
    let mut bench = Bench::new();
    bench.config.batch.wait = Duration::from_millis(10);
    let port = free_port().await;
    let mut config = json!({ "type": kind, "port": port, "service": "shop", "source": "app", "tags": ["a:1"] });
    config.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    bench.apply(&[config]).await;
    for _ in 0..100 {
        if bench.tail().status().sources[0].state == galgo_tail::SourceState::Ok {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (bench, port)
}

#[tokio::test]
async fn lines_come_over_tcp() {
    let (mut bench, port) = listening("tcp", json!({ "idle_timeout": "100ms" })).await;
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    connection.write_all(b"<11>one\r\ntwo\n\nrest").await.unwrap();
    // The connection is idle and closed by the listener: what came without a line end is a line.
    let lines = bench.wait_for_lines(3).await;
    let seen: Vec<_> = lines.iter().map(|line| (line.message.as_str(), line.status.as_str())).collect();
    assert_eq!(seen, [("<11>one", "error"), ("two", "info"), ("rest", "info")]);
    assert_eq!(lines[0].tags, ["source_host:127.0.0.1", "a:1"]);
    drop(connection);
    let mut again = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    again.write_all(b"three\n").await.unwrap();
    assert_eq!(bench.wait_for_lines(1).await[0].message, "three");
    bench.shutdown().await;
}

#[tokio::test]
async fn datagrams_are_lines() {
    let (mut bench, port) = listening("udp", json!({ "frame_size": 10 })).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in ["<0>one", "two\nthree\n", "0123456789abc"] {
        socket.send_to(datagram.as_bytes(), ("127.0.0.1", port)).await.unwrap();
    }
    let lines = bench.wait_for_lines(4).await;
    let seen: Vec<_> = lines.iter().map(|line| (line.message.as_str(), line.status.as_str())).collect();
    assert_eq!(seen, [("<0>one", "emergency"), ("two", "info"), ("three", "info"), ("0123456789", "info")]);
    assert_eq!(lines[0].tags, ["source_host:127.0.0.1", "a:1"]);
    let error = bench.tail().status().sources[0].last_error.clone().unwrap();
    assert!(error.contains("longer than frame_size (10 bytes)"), "{error}");
    bench.shutdown().await;
}

#[tokio::test]
async fn lines_of_a_sender_are_put_together() {
    let rule = json!([{ "type": "multi_line", "name": "hash", "pattern": "#" }]);
    for kind in ["udp", "tcp"] {
        let (mut bench, port) = listening(kind, json!({ "log_processing_rules": rule })).await;
        let text = b"#1\nx\n#2\n";
        let mut connection = None;
        if kind == "tcp" {
            let mut opened = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            opened.write_all(text).await.unwrap();
            connection = Some(opened);
        } else {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.send_to(text, ("127.0.0.1", port)).await.unwrap();
        }
        let texts: Vec<_> = bench.wait_for_lines(2).await.into_iter().map(|line| line.message).collect();
        assert_eq!(texts, ["#1\nx", "#2"], "{kind}");
        drop(connection);
        bench.shutdown().await;
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("[::]:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut bench = Bench::new();
    bench.apply(&[json!({ "type": "tcp", "port": port })]).await;
    for _ in 0..100 {
        if bench.tail().status().sources[0].last_error.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let error = bench.tail().status().sources[0].last_error.clone().unwrap();
    assert!(error.starts_with(&format!("cannot listen on tcp port {port}: ")), "{error}");
    bench.shutdown().await;
}
