//! Servers that go away and come back, agents that die in between.

use super::*;
use crate::stats::EndpointState;

/// Most requests in any second, of those after a moment.
fn busiest_second(moments: &[f64], after: f64) -> usize {
    let mut moments: Vec<f64> = moments.iter().copied().filter(|moment| *moment >= after).collect();
    moments.sort_by(f64::total_cmp);
    let within = |(at, start): (usize, &f64)| moments[at..].partition_point(|moment| *moment < start + 1.0);
    moments.iter().enumerate().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_a_server_loses_nothing_and_keeps_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::away(20, 3620);
    let clock = SimulatedClock::start();
    let forwarder = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..200).await;
    let stats = forwarder.stats().endpoints.remove(0);
    assert_eq!((stats.state, stats.last_error.as_str()), (EndpointState::Failing, "connection refused"));
    assert!(stats.queued.disk_payloads > 190 && stats.queued.memory_payloads < 3, "{stats:?}");
    let during: Vec<f64> = server.moments().into_iter().filter(|moment| (100.0..3000.0).contains(moment)).collect();
    assert!(during.len() < 2900 / 32 + 2, "one attempt in 32 to 64 s: {}", during.len());
    deliver_every(&forwarder, 15, 200..300).await;
    assert_eq!(server.values(), (0..300).collect::<Vec<_>>());
    assert!(busiest_second(&server.moments(), 3620.0) <= 20, "{}", busiest_second(&server.moments(), 3620.0));
    let stats = forwarder.stats().endpoints.remove(0);
    assert_eq!((stats.state, stats.dropped.payloads(), stats.queued), (EndpointState::Ok, 0, Default::default()));
    assert_eq!((stats.sent_points, stats.last_error.as_str(), stats.failing_since), (300, "", None));
    forwarder.shutdown(Duration::from_secs(5)).await;
    let files = || std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok).filter(|item| item.path().is_dir());
    assert!(files().all(|item| std::fs::read_dir(item.path()).unwrap().count() == 0), "nothing is left on disk");
}

#[tokio::test(start_paused = true)]
async fn memory_alone_keeps_an_hour_as_well() {
    let server = Server::away(0, 3600);
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..280).await;
    assert_eq!(server.values(), (0..280).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn agents_do_not_come_back_as_a_herd() {
    const AGENTS: usize = 200;
    let server = Server::away(0, 1800);
    let clock = SimulatedClock::start();
    let forwarders: Vec<Forwarder> = (0..AGENTS).map(|_| start(config(), &clock, &[&server])).collect();
    for round in 0..120 {
        for forwarder in &forwarders {
            forwarder.deliver(report(round)).await.unwrap();
        }
        sleep(15).await;
    }
    sleep(600).await;
    let moments = server.moments();
    assert_eq!(server.values().len(), AGENTS * 120);
    // The first answers come as the waits of the agents end, over about a minute.
    let at = |from: f64| busiest_second(&moments[..], from);
    let early = moments.iter().filter(|moment| (1800.0..1801.0).contains(*moment)).count();
    assert!(early < AGENTS / 5, "{early} requests in the first second");
    assert!(at(1800.0) < AGENTS * 6, "{} requests in the busiest second", at(1800.0));
}

#[tokio::test(start_paused = true)]
async fn what_was_on_disk_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::away(0, 400);
    let clock = SimulatedClock::start();
    let forwarder = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..20).await;
    drop(forwarder);
    sleep(1).await;
    let forwarder = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    sleep(200).await;
    deliver_every(&forwarder, 15, 20..22).await;
    let values = server.values();
    // Only what was gathered within the last seconds may be gone.
    let lost: Vec<usize> = (0..22).filter(|value| !values.contains(value)).collect();
    assert!(lost.iter().all(|value| *value == 19), "{lost:?}");
    assert!(values.is_sorted(), "{values:?}");
}

#[tokio::test(start_paused = true)]
async fn over_the_bounds_the_oldest_go_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::away(0, 3600);
    let clock = SimulatedClock::start();
    // Every file takes a block of 4096 bytes.
    let forwarder = start(with_disk(folder.path(), 20 * 4096), &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..300).await;
    let values = server.values();
    let dropped = forwarder.stats().endpoints[0].dropped;
    assert!(
        values.is_sorted() && values.ends_with(&(250..298).collect::<Vec<_>>()[..30]) || values.contains(&298),
        "{values:?}"
    );
    assert_eq!(dropped.points as usize, 300 - values.len(), "{dropped:?}");
    assert!(dropped.overflow > 150 && values.len() > 60, "{dropped:?}, {} came", values.len());
    // It shows as a metric, too.
    let bodies: Vec<u8> = server.seen().into_iter().filter(|seen| seen.taken).flat_map(|seen| seen.body).collect();
    assert!(String::from_utf8_lossy(&bodies).contains("galgo.forwarder.dropped_points"));
}

#[tokio::test(start_paused = true)]
async fn without_a_disk_the_oldest_in_memory_go() {
    let server = Server::away(0, 600);
    let clock = SimulatedClock::start();
    let forwarder = start(ForwarderConfig { memory_bytes: 4000, ..config() }, &clock, &[&server]);
    deliver_every(&forwarder, 15, 0..60).await;
    let values = server.values();
    let dropped = forwarder.stats().endpoints[0].dropped;
    assert_eq!((dropped.points as usize, values.contains(&59)), (60 - values.len(), true), "{dropped:?} {values:?}");
    assert!(dropped.overflow > 5 && values.is_sorted(), "{dropped:?} {values:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_does_not_hold_up_another() {
    let (dead, well) = (Server::away(0, u64::MAX), Server::away(0, 0));
    let clock = SimulatedClock::start();
    let endpoints = vec![endpoint("http://dead", "key"), endpoint("http://well", "key")];
    let forwarder = start(ForwarderConfig { endpoints, ..config() }, &clock, &[&dead, &well]);
    deliver_every(&forwarder, 15, 0..10).await;
    assert_eq!(well.values(), (0..10).collect::<Vec<_>>());
    let late = well.seen().iter().map(|seen| seen.at.as_secs() % 15).max();
    assert!(late <= Some(6), "{late:?}");
    let states: Vec<_> = forwarder.stats().endpoints.iter().map(|endpoint| endpoint.state).collect();
    assert_eq!(states, [EndpointState::Failing, EndpointState::Ok]);
}

#[tokio::test(start_paused = true)]
async fn a_long_backlog_does_not_starve_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let clock = SimulatedClock::start();
    let server = Server::away(0, 30_000);
    let forwarder = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    // One payload for each metric, so that the backlog is long.
    for value in 0..5000 {
        forwarder.deliver(report(value)).await.unwrap();
        sleep(6).await;
    }
    for value in 5000..5060 {
        forwarder.deliver(report(value)).await.unwrap();
        sleep(6).await;
    }
    let values = server.values();
    assert!(values.contains(&5010) && !values.contains(&4990), "new payloads go between old ones");
    sleep(900).await;
    let mut values = server.values();
    let old: Vec<usize> = values.iter().copied().filter(|value| *value < 4990).collect();
    assert!(old.is_sorted(), "the backlog itself keeps its order");
    values.sort_unstable();
    assert_eq!(values, (0..5060).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn shutdown_sends_what_was_gathered() {
    let server = Server::away(0, 0);
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    forwarder.shutdown(Duration::from_secs(5)).await;
    assert_eq!(server.values(), [1]);
    assert!(clock.monotonic() < Duration::from_secs(1));
    forwarder.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_keeps_on_disk_what_it_cannot_send() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::away(0, 60);
    let clock = SimulatedClock::start();
    let forwarder = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    forwarder.shutdown(Duration::from_secs(5)).await;
    assert_eq!((server.values().len(), forwarder.stats().endpoints[0].queued.disk_payloads), (0, 1));
    assert!(clock.monotonic() < Duration::from_secs(6));
    sleep(60).await;
    let forwarder = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    forwarder.deliver(report(2)).await.unwrap();
    sleep(30).await;
    assert_eq!(server.values(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn shutdown_without_a_disk_counts_what_is_lost() {
    let server = Server::away(0, u64::MAX);
    let clock = SimulatedClock::start();
    let forwarder = start(config(), &clock, &[&server]);
    forwarder.deliver(report(1)).await.unwrap();
    forwarder.shutdown(Duration::from_secs(5)).await;
    assert_eq!(forwarder.stats().endpoints[0].dropped.shutdown, 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_agent_on_the_same_folder_works_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::away(0, 0);
    let clock = SimulatedClock::start();
    let first = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    let second = start(with_disk(folder.path(), 1 << 30), &clock, &[&server]);
    second.deliver(report(1)).await.unwrap();
    second.shutdown(Duration::from_secs(5)).await;
    assert_eq!(server.values(), [1]);
    first.shutdown(Duration::from_secs(5)).await;
}
