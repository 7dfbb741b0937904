//! What becomes of payloads by what servers answer.

use galgo_core::check::{CheckRun, CheckStatus};
use serde_json::json;

use super::server::status;
use super::*;
use crate::payload::Route;
use crate::stats::EndpointState;
use crate::transport::Answer;
use crate::{ForwarderError, KeyVerdict};

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let server = Server::new(|request| match request.at.as_secs() {
        0..60 => Some(Answer { status: 429, retry_after: Some(Duration::from_secs(100)), ..Answer::default() }),
        _ => status(202),
    });
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..10).await;
    let moments = server.moments();
    assert!((100.0..130.0).contains(&(moments[1] - moments[0])), "{moments:?}");
    assert_eq!(server.values(), (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn refused_payloads_are_dropped_and_counted() {
    let server = Server::new(|request| match request.route {
        Route::Series => Some(Answer { status: 400, words: "bad metric".into(), ..Answer::default() }),
        _ => status(202),
    });
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    sleep(20).await;
    let stats = forwarder.stats().endpoints.remove(0);
    assert_eq!((stats.dropped.refused, stats.dropped.points, stats.retries), (1, 1, 0));
    assert_eq!(stats.last_error, "/api/v2/series: HTTP 400: bad metric");
    assert_eq!(server.moments().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_is_too_large_is_halved() {
    let server = Server::new(|request| status(if request.body.len() > 150 { 413 } else { 202 }));
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    for value in 0..16 {
        forwarder.deliver(report(value)).await.unwrap();
    }
    sleep(20).await;
    assert_eq!(server.values(), (0..16).collect::<Vec<_>>());
    assert_eq!(forwarder.stats().endpoints[0].dropped.payloads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_is_always_too_large_is_dropped_in_the_end() {
    let server = Server::new(|_| status(413));
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    for value in 0..64 {
        forwarder.deliver(report(value)).await.unwrap();
    }
    sleep(6).await;
    let dropped = forwarder.stats().endpoints[0].dropped;
    assert_eq!((dropped.refused, dropped.points, server.moments().len()), (8, 64, 15));
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_keeps_payloads_until_it_is_replaced() {
    let server = Server::new(|request| status(if request.key == "key-new" { 202 } else { 403 }));
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..40).await;
    let stats = forwarder.stats().endpoints.remove(0);
    assert_eq!((stats.state, stats.dropped.payloads()), (EndpointState::KeyRefused, 0));
    assert_eq!(stats.last_error, "the server refuses the API key (HTTP 403)");
    assert!(server.moments().len() < 12, "{:?}", server.moments());
    assert_eq!(forwarder.validate_keys().await[0].verdict, KeyVerdict::Invalid);
    forwarder.set_api_keys("http://one/", &["key-new".to_owned()]).unwrap();
    sleep(60).await;
    assert_eq!(server.values(), (0..40).collect::<Vec<_>>());
    assert_eq!(forwarder.validate_keys().await[0].verdict, KeyVerdict::Valid);
    let error = forwarder.set_api_keys("http://one", &[]).unwrap_err();
    assert_eq!(error, ForwarderError::KeyCount { url: "http://one".into(), known: 1, given: 0 });
}

#[tokio::test(start_paused = true)]
async fn an_unknown_path_is_tried_a_few_times() {
    let server = Server::new(|request| match request.route {
        Route::Series | Route::Metadata => status(404),
        _ => status(202),
    });
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.payload(Route::Metadata, &json!({"hostname": "web-1"}));
    sleep(1).await;
    assert_eq!((server.moments().len(), forwarder.stats().endpoints[0].dropped.refused), (1, 1));
    forwarder.deliver(report(1)).await.unwrap();
    sleep(300).await;
    let series: Vec<_> =
        server.seen().into_iter().filter(|seen| seen.body.windows(3).any(|part| part == b"\x01m\"")).collect();
    assert_eq!((series.len(), forwarder.stats().endpoints[0].dropped.refused >= 2), (5, true));
}

#[tokio::test(start_paused = true)]
async fn a_path_that_appears_in_time_gets_everything() {
    let server = Server::new(|request| status(if request.at.as_secs() < 20 { 404 } else { 202 }));
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    sleep(100).await;
    assert_eq!(server.values(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_not_taken_for_success() {
    let server =
        Server::new(|_| Some(Answer { status: 301, words: "redirects to https://one/".into(), ..Answer::default() }));
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    sleep(100).await;
    let stats = forwarder.stats().endpoints.remove(0);
    assert_eq!((stats.state, stats.sent_payloads), (EndpointState::Failing, 0));
    assert_eq!(stats.last_error, "HTTP 301: redirects to https://one/");
}

#[tokio::test(start_paused = true)]
async fn clocks_are_compared() {
    let server = Server::new(|request| {
        let server_time = Some(EPOCH_MS / 1000 + request.at.as_secs() as i64 - 90);
        Some(Answer { status: 202, server_time, ..Answer::default() })
    });
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    sleep(10).await;
    assert_eq!(forwarder.stats().endpoints[0].clock_skew_s, Some(90));
}

#[tokio::test(start_paused = true)]
async fn kinds_go_together_but_two_of_a_kind_do_not() {
    let server = Server::away(0, 0);
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    let check = CheckRun {
        check: "up".into(),
        host: "web-1".into(),
        time: 1,
        status: CheckStatus::Ok,
        message: String::new(),
        tags: vec![],
    };
    let points = (0..30_000).map(|i| Point { time: EPOCH_MS / 1000 - 1, value: f64::from(i) }).collect();
    let mut large = report(0);
    large.series[0].points = points;
    large.checks.push(check);
    forwarder.deliver(large).await.unwrap();
    forwarder.payload(Route::Metadata, &json!({"hostname": "web-1"}));
    sleep(1).await;
    let seen: Vec<_> = server.seen().into_iter().map(|seen| (seen.route.path(), seen.at.as_millis() / 5)).collect();
    let first = seen[0].1;
    let (together, later): (Vec<_>, Vec<_>) = seen.iter().partition(|(_, at)| *at == first);
    assert!(
        together.len() >= 2 && together.iter().filter(|(path, _)| *path == "/api/v2/series").count() == 1,
        "{seen:?}"
    );
    assert_eq!(later.iter().filter(|(path, _)| *path == "/api/v2/series").count(), 2, "{seen:?}");
}
