//! How fast packets are taken. Nothing here is a test of correctness; run it on an idle machine with
//! `cargo test --release -p galgo-agent throughput -- --ignored --nocapture --test-threads 1`.

use galgo_core::{Clock, SystemClock};

use super::over_sockets::{serve, wait_until};
use super::*;

/// CPU seconds of the threads with this name so far.
fn cpu_seconds(thread: &str) -> f64 {
    let of_task = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let times = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        (name.trim() == thread).then(|| times.split_ascii_whitespace().next()?.parse::<f64>().ok())?
    };
    std::fs::read_dir("/proc/self/task").unwrap().flatten().filter_map(of_task).sum::<f64>() / 1e9
}

/// How fast one core takes packets that are in memory.
#[test]
#[ignore = "a measurement: depends on the machine"]
fn throughput() {
    const PACKETS: u32 = 2_000_000;
    let mut aggregator = aggregator(|_| {});
    let packets: Vec<String> = (0..1000)
        .map(|i| format!("http.requests:{i}|c|#env:prod,service:web,version:1.2.{},route:/api/{i}", i % 3))
        .collect();
    let own_thread = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
    let before = cpu_seconds(own_thread.trim());
    for i in 0..PACKETS {
        let packet = text(packets[i as usize % packets.len()].as_bytes());
        for message in messages(&packet) {
            aggregator.add(&message.unwrap(), T + i64::from(i / 200_000));
        }
    }
    let seconds = cpu_seconds(own_thread.trim()) - before;
    assert_eq!(aggregator.stats().metrics, u64::from(PACKETS));
    println!(
        "{:.0} messages a CPU second, {:.0} ns each",
        f64::from(PACKETS) / seconds,
        seconds * 1e9 / f64::from(PACKETS)
    );
}

/// What a run over a Unix socket gave.
struct Run {
    sent: usize,
    /// Packets for which a client that does not wait found no room.
    refused: usize,
    seconds: f64,
    reader_cpu: f64,
}

/// Sends packets as clients in Python do, one metric each, at a rate over several sockets.
fn send_at_rate(path: &std::path::Path, per_second: usize, seconds: usize, waits: bool) -> (usize, usize, f64) {
    let clock = SystemClock::new();
    let sockets: Vec<_> = (0..4)
        .map(|_| {
            let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
            socket.connect(path).unwrap();
            socket.set_nonblocking(!waits).unwrap();
            socket
        })
        .collect();
    let packets: Vec<String> = (0..1000)
        .map(|i| format!("http.requests:1|c|#env:prod,service:web,version:1.2.{},route:/api/{i}", i % 3))
        .collect();
    let (mut sent, mut refused) = (0, 0);
    let started = clock.monotonic();
    for i in 0..per_second * seconds {
        // Evenly spaced: a sleep of the system would make bursts.
        while (clock.monotonic() - started).as_secs_f64() * (per_second as f64) < i as f64 {
            std::hint::spin_loop();
        }
        match sockets[i % sockets.len()].send(packets[i % packets.len()].as_bytes()) {
            Ok(_) => sent += 1,
            Err(_) => refused += 1,
        }
    }
    (sent, refused, (clock.monotonic() - started).as_secs_f64())
}

async fn run_at_rate(per_second: usize, waits: bool) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let (server, _output, _) = serve(folder.path());
    let path = folder.path().join("dsd.socket");
    let before = cpu_seconds("dogstatsd-uds");
    let sender = tokio::task::spawn_blocking(move || send_at_rate(&path, per_second, 5, waits));
    let (sent, refused, seconds) = sender.await.unwrap();
    wait_until(|| server.stats().packets == sent as u64).await;
    let reader_cpu = cpu_seconds("dogstatsd-uds") - before;
    assert_eq!(server.stats().aggregator.metrics, sent as u64, "what was sent was counted");
    server.shutdown().await;
    Run { sent, refused, seconds, reader_cpu }
}

/// 200,000 packets a second over a Unix socket, sender and kernel included, and as many as it takes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: depends on the machine"]
async fn throughput_over_a_socket() {
    for (per_second, waits) in [(200_000, true), (200_000, false), (1_000_000, true)] {
        let run = run_at_rate(per_second, waits).await;
        println!(
            "{per_second} packets a second wanted, senders {}: {:.0} a second sent, {} of {} found no room, \
             reader busy {:.0} % of a core, {:.0} packets a CPU second",
            if waits { "wait" } else { "do not wait" },
            run.sent as f64 / run.seconds,
            run.refused,
            run.sent + run.refused,
            run.reader_cpu / run.seconds * 100.0,
            run.sent as f64 / run.reader_cpu
        );
    }
}
