//! Log lines: when their sender learns that they are safe.

use std::future::Future;
use std::pin::pin;

use galgo_agent::OutputError;
use galgo_agent::logs::LogLine;

use super::server::status;
use super::*;
use crate::config::LogEndpointConfig;
use crate::stats::EndpointState;

fn lines(messages: &[&str]) -> Vec<LogLine> {
    messages.iter().map(|message| LogLine { message: (*message).into(), ..LogLine::default() }).collect()
}

fn log_endpoint(url: &str, is_reliable: bool) -> LogEndpointConfig {
    LogEndpointConfig { url: url.into(), api_key: "key".into(), is_reliable, use_v2_api: true }
}

fn log_config(endpoints: Vec<LogEndpointConfig>) -> ForwarderConfig {
    ForwarderConfig { endpoints: vec![], log_endpoints: endpoints, ..config() }
}

async fn deliver(forwarder: &Forwarder, messages: &[&str]) -> Result<(), OutputError> {
    galgo_agent::logs::LogOutput::deliver(forwarder, lines(messages)).await
}

/// Messages that a server took.
fn messages(server: &Server) -> Vec<String> {
    let rows = server
        .seen()
        .into_iter()
        .filter(|seen| seen.taken)
        .flat_map(|seen| serde_json::from_slice::<Vec<serde_json::Value>>(&seen.body).unwrap());
    rows.map(|row| row["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_safe_once_the_server_has_it() {
    let server = Server::away(0, 120);
    let clock = SimulatedClock::start();
    let forwarder = start(log_config(vec![log_endpoint("http://logs", true)]), &clock, &[&server]);
    deliver(&forwarder, &["one"]).await.unwrap();
    assert!(clock.monotonic() >= Duration::from_secs(120), "back-pressure, not loss");
    let before = clock.monotonic();
    deliver(&forwarder, &["two", "three"]).await.unwrap();
    assert!(clock.monotonic() - before < Duration::from_secs(2));
    assert_eq!(messages(&server), ["one", "two", "three"]);
    assert_eq!(server.seen()[0].route.path(), "/api/v2/logs");
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_is_an_error_and_the_next_goes_on() {
    let server = Server::new(|request| {
        let refused = request.body.windows(3).any(|part| part == b"bad");
        status(if refused { 400 } else { 202 })
    });
    let clock = SimulatedClock::start();
    let forwarder = start(log_config(vec![log_endpoint("http://logs", true)]), &clock, &[&server]);
    let error = deliver(&forwarder, &["bad"]).await.unwrap_err();
    assert_eq!(error.to_string(), "http://logs gave the lines up");
    deliver(&forwarder, &["good"]).await.unwrap();
    assert_eq!(messages(&server), ["good"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_too_large_is_safe_once_all_its_pieces_are() {
    let server = Server::new(|request| status(if request.body.len() > 300 { 413 } else { 202 }));
    let clock = SimulatedClock::start();
    let forwarder = start(log_config(vec![log_endpoint("http://logs", true)]), &clock, &[&server]);
    deliver(&forwarder, &["one", "two", "three", "four", "five"]).await.unwrap();
    assert_eq!(messages(&server), ["one", "two", "three", "four", "five"]);
    let huge = "x".repeat(400);
    assert!(deliver(&forwarder, &["six", &huge]).await.is_err());
    assert_eq!(messages(&server).last().map(String::as_str), Some("six"));
}

#[tokio::test(start_paused = true)]
async fn one_reliable_server_is_enough_and_the_other_gets_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let (dead, well) = (Server::away(0, 600), Server::away(0, 0));
    let clock = SimulatedClock::start();
    let endpoints = vec![log_endpoint("http://dead", true), log_endpoint("http://well", true)];
    let config = ForwarderConfig { disk: with_disk(folder.path(), 1 << 30).disk, ..log_config(endpoints) };
    let forwarder = start(config, &clock, &[&dead, &well]);
    for message in ["one", "two", "three"] {
        deliver(&forwarder, &[message]).await.unwrap();
        sleep(30).await;
    }
    assert_eq!(messages(&well), ["one", "two", "three"]);
    assert!(forwarder.stats().endpoints[0].queued.disk_payloads > 0);
    sleep(700).await;
    assert_eq!(messages(&dead), ["one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn an_unreliable_server_neither_holds_up_nor_answers_for_others() {
    let (reliable, unreliable) = (Server::away(0, 60), Server::away(0, 0));
    let clock = SimulatedClock::start();
    let endpoints = vec![log_endpoint("http://reliable", true), log_endpoint("http://extra", false)];
    let forwarder = start(log_config(endpoints), &clock, &[&reliable, &unreliable]);
    deliver(&forwarder, &["one"]).await.unwrap();
    assert!(clock.monotonic() >= Duration::from_secs(60));
    assert_eq!((messages(&reliable), messages(&unreliable)), (vec!["one".to_owned()], vec!["one".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn lines_for_which_somebody_waits_are_kept_by_whoever_waits() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::away(0, u64::MAX);
    let clock = SimulatedClock::start();
    let endpoints = vec![log_endpoint("http://logs", true)];
    let config = ForwarderConfig { disk: with_disk(folder.path(), 1 << 30).disk, ..log_config(endpoints) };
    let forwarder = start(config, &clock, &[&server]);
    {
        let mut waiting = pin!(deliver(&forwarder, &["one"]));
        let waited = tokio::time::timeout(Duration::from_secs(300), waiting.as_mut()).await;
        assert!(waited.is_err());
        let stats = forwarder.stats().endpoints.remove(0);
        assert_eq!((stats.queued.disk_payloads, stats.state), (0, EndpointState::Failing));
        forwarder.shutdown(Duration::from_secs(1)).await;
        assert!(futures_util::FutureExt::now_or_never(waiting.as_mut()).is_none(), "nobody knows");
    }
    assert_eq!(forwarder.stats().endpoints[0].dropped.payloads(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_server_lines_are_refused() {
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&Server::away(0, 0)]);
    assert_eq!(deliver(&forwarder, &["x"]).await.unwrap_err().to_string(), "no server for logs is configured");
}

/// A future that is not polled to its end does not lose what it waits for.
#[allow(dead_code)]
fn deliver_is_send(forwarder: &Forwarder) -> impl Future<Output = Result<(), OutputError>> + Send {
    deliver(forwarder, &[])
}
