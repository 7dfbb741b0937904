//! The manifest, two nodes on one database, races.

use galgo_catalog::{HostReport, MetricMetadataChange};
use galgo_store::testing::manifest_suite;

use crate::place::{on_both, somebody, texts};

#[tokio::test]
async fn the_manifest_keeps_its_rules() {
    on_both(async |place| manifest_suite(async || place.open().await.manifest()).await).await;
}

#[tokio::test]
async fn nodes_hear_of_each_others_changes() {
    on_both(async |place| {
        if !place.is_postgres() {
            return;
        }
        let (one, other) = (place.open().await, place.open().await);
        let key = one.create_api_key(&somebody(), "shared").await.unwrap();
        one.add_host_tags(&somebody(), "h", "user", &texts(&["env:prod"])).await.unwrap();
        let change = MetricMetadataChange { description: Some("d".into()), ..Default::default() };
        one.set_metric_metadata(&somebody(), "m", change).await.unwrap();
        assert!(other.api_key(&key.secret).is_none());
        other.host_seen("waiting");
        other.maintain().await.unwrap();
        assert!(other.api_key(&key.secret).is_some() && other.host("waiting").is_some());
        assert_eq!(other.host_tags_cell().load().of("h"), texts(&["env:prod"]));
        assert_eq!(other.metric_metadata("m").description, "d");
        other.revoke_api_key(&somebody(), &key.info.id).await.unwrap();
        one.maintain().await.unwrap();
        assert!(one.api_key(&key.secret).is_none());
    })
    .await;
}

#[tokio::test]
async fn a_change_cut_off_half_way_is_found_again() {
    on_both(async |place| {
        let catalog = place.open().await;
        for polls in 0..200 {
            let host = format!("host-{polls}");
            let report = HostReport { host: host.clone(), apps: texts(&["x"]), ..HostReport::default() };
            poll_a_few_times(catalog.report_host(report), polls).await;
        }
        let name = "after all";
        catalog.create_api_key(&somebody(), name).await.unwrap();
        catalog.maintain().await.unwrap();
        let again = place.open().await;
        for polls in 0..200 {
            let host = format!("host-{polls}");
            let stored = again.host(&host).map(|host| host.apps).unwrap_or_default();
            assert_eq!(catalog.host(&host).map(|host| host.apps).unwrap_or_default(), stored, "{host}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_catalogue_can_live_in_memory_alone() {
    let clock = std::sync::Arc::new(galgo_core::ManualClock::at_ms(0));
    let config = galgo_catalog::Config { database_url: "sqlite::memory:".into(), ..Default::default() };
    let (catalog, first) = galgo_catalog::Catalog::open(&config, clock).await.unwrap();
    catalog.report_host(HostReport { host: "h".into(), ..HostReport::default() }).await.unwrap();
    catalog.maintain().await.unwrap();
    assert!(catalog.api_key(&first.unwrap().api_key.value).is_some());
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalogue.db");
    std::fs::write(&file, vec![7; 8192]).unwrap();
    let clock = std::sync::Arc::new(galgo_core::ManualClock::at_ms(0));
    let config = galgo_catalog::Config { database_url: format!("sqlite:{}", file.display()), ..Default::default() };
    let error = galgo_catalog::Catalog::open(&config, clock).await.unwrap_err().to_string();
    assert!(error.contains("catalogue.db") && error.contains("not a database"), "{error}");
}

/// Polls a future and drops it, as a server does when a client hangs up.
async fn poll_a_few_times(future: impl Future, polls: usize) {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        let done =
            std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        if done {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_writers_wait_for_each_other() {
    on_both(async |place| {
        let catalog = place.open().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let catalog = catalog.clone();
            tasks.spawn(async move {
                let report =
                    HostReport { host: format!("h{number}"), apps: texts(&["agent"]), ..HostReport::default() };
                catalog.report_host(report).await.unwrap();
                catalog.create_api_key(&somebody(), &format!("k{number}")).await.unwrap();
                catalog.audit(&somebody(), "a", "b", "c", serde_json::Value::Null).await.unwrap();
                catalog.flush().await.unwrap();
                catalog.manifest().next_sequence("e").await.unwrap()
            });
        }
        let mut sequences = tasks.join_all().await;
        sequences.sort_unstable();
        assert_eq!(sequences, (1..=40).collect::<Vec<u64>>());
        assert_eq!(catalog.list_api_keys().await.unwrap().len(), 41);
        catalog.ping().await.unwrap();
    })
    .await;
}
