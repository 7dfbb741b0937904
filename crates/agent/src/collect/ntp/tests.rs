//! The check against servers on this machine whose clocks are wrong on purpose.

use super::*;
use crate::check::Source;
use crate::collect::{MachineVolumes, Roots};
use galgo_core::ManualClock;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_700_000_000_000;

/// A server that is `ahead_ms` ahead and answers every request until the test ends; the port it listens on.
async fn server(ahead_ms: i64, stratum: u8) -> u16 {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut request = [0; 64];
        while let Ok((length, client)) = socket.recv_from(&mut request).await {
            assert_eq!(length, packet::PACKET_BYTES);
            let answer = packet::response(&request[..length], 0, stratum, b"DENY", NOW_MS + ahead_ms);
            socket.send_to(&answer, client).await.unwrap();
        }
    });
    port
}

async fn run(options: Value) -> (Samples, Result<(), CheckError>) {
    let instance = Instance::new("ntp", options, json!({}), Source::default()).unwrap();
    let context = CheckContext {
        clock: Arc::new(ManualClock::at_ms(NOW_MS)),
        host: "h".into(),
        roots: Roots::below(std::path::Path::new("/nonexistent"), Arc::new(MachineVolumes)),
        settings: Arc::new(json!({})),
    };
    let mut samples = Samples::default();
    let outcome = make(&instance, &context).unwrap().run(&mut samples).await;
    (samples, outcome)
}

#[tokio::test]
async fn the_offset_and_whether_it_is_too_much() {
    for (ahead_ms, status, message) in
        [(1500, CheckStatus::Ok, ""), (-75_250, CheckStatus::Critical, "the clock is off by -75.250 s, more than 60 s")]
    {
        let port = server(ahead_ms, 2).await;
        let (samples, outcome) = run(json!({ "host": "127.0.0.1", "port": port, "tags": ["a:b"] })).await;
        outcome.unwrap();
        let offset = &samples.values[0];
        assert_eq!((offset.metric.as_str(), offset.tags.as_slice()), ("ntp.offset", &["a:b".to_owned()][..]));
        assert!((offset.value - ahead_ms as f64 / 1000.0).abs() < 1e-6, "{}", offset.value);
        let check = &samples.checks[0];
        assert_eq!((check.check.as_str(), check.status, check.message.as_str()), ("ntp.in_sync", status, message));
    }
}

#[tokio::test]
async fn no_usable_answer_leaves_the_status_unknown() {
    let refusing = server(0, 0).await;
    let (samples, outcome) = run(json!({ "host": "127.0.0.1", "port": refusing })).await;
    assert_eq!(samples.values, []);
    assert_eq!(samples.checks[0].status, CheckStatus::Unknown);
    assert_eq!(outcome.unwrap_err().message, "no time server answers: 127.0.0.1: the server refuses: DENY");

    let silent = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (samples, outcome) = run(json!({ "host": "127.0.0.1", "port": port, "timeout": 0.05 })).await;
    assert_eq!(samples.checks[0].status, CheckStatus::Unknown);
    assert_eq!(outcome.unwrap_err().message, "no time server answers: 127.0.0.1: no answer within 0.05 s");
}

#[tokio::test]
async fn one_dead_server_among_several_does_not_matter() {
    let port = server(2000, 1).await;
    // Nobody listens on that port of the second address.
    let hosts = json!(["127.0.0.1", "127.0.0.2"]);
    let (samples, outcome) = run(json!({ "hosts": hosts, "port": port, "timeout": 1 })).await;
    outcome.unwrap();
    assert!((samples.values[0].value - 2.0).abs() < 1e-6);
}

#[test]
fn the_median_of_offsets() {
    for (offsets, expected) in
        [(vec![], None), (vec![3.0], Some(3.0)), (vec![9.0, 1.0], Some(5.0)), (vec![9.0, 1.0, 2.0], Some(2.0))]
    {
        assert_eq!(median(offsets), expected);
    }
}
