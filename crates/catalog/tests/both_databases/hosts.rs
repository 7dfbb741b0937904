//! Sightings, reports, tags, listing, muting.

use std::collections::BTreeMap;
use std::sync::Arc;

use galgo_catalog::hosts::report::kind;
use galgo_catalog::{Catalog, CatalogError, HostQuery, HostReport, HostSort, Mute};
use serde_json::json;

use crate::place::{START, on_both, somebody, texts};

fn tags(source: &str, tags: &[&str]) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([(source.to_owned(), texts(tags))])
}

fn names(catalog: &Catalog, query: HostQuery) -> Vec<String> {
    let page = catalog.hosts(&HostQuery { count: 100, ..query });
    page.hosts.into_iter().map(|host| host.name).collect()
}

#[tokio::test]
async fn sightings_are_kept_in_memory_and_flushed() {
    on_both(async |place| {
        let catalog = place.open().await;
        for host in ["b", "a", "a", "", "bad\nname", &"x".repeat(256)] {
            catalog.host_seen(host);
        }
        assert_eq!(names(&catalog, HostQuery::default()), ["a", "b"]);
        place.advance(3600);
        catalog.host_seen("a");
        let host = catalog.host("a").unwrap();
        assert_eq!((host.first_seen, host.last_seen, host.up), (START, START + 3600, true));
        catalog.maintain().await.unwrap();
        catalog.close().await.unwrap();
        let catalog = place.open().await;
        assert_eq!(catalog.host("a"), Some(host));
        place.advance(4000);
        let totals = catalog.host_totals(None);
        assert_eq!((totals.active, totals.up), (1, 1));
        let totals = catalog.host_totals(Some(START));
        assert_eq!((totals.active, totals.up), (2, 1));
        assert_eq!(names(&catalog, HostQuery { from: Some(START), ..HostQuery::default() }), ["a", "b"]);
        assert_eq!(names(&catalog, HostQuery::default()), ["a"]);
    })
    .await;
}

#[tokio::test]
async fn reports_are_durable_when_taken() {
    on_both(async |place| {
        let catalog = place.open().await;
        let report = HostReport {
            host: "web-1".into(),
            agent_version: "7.60.0".into(),
            agent_flavor: "agent".into(),
            platform: "linux".into(),
            aliases: texts(&["i-0abc", "web-1"]),
            apps: texts(&["ntp", "agent"]),
            sources: texts(&["agent"]),
            tags: tags("system", &["Env:Prod", "env:prod", "team:a"]),
            metadata: BTreeMap::from([(kind::GOHAI.to_owned(), json!({"cpu": {"cores": "4"}, "nul": "a\u{0}b"}))]),
        };
        catalog.report_host(report.clone()).await.unwrap();
        catalog
            .report_host(HostReport { host: "web-1".into(), apps: texts(&["mysql"]), ..HostReport::default() })
            .await
            .unwrap();
        // Not closed and not flushed: as after a crash.
        let again = place.open().await;
        let host = again.host("i-0abc").unwrap();
        assert_eq!((host.name.as_str(), host.last_seen, host.agent_version.as_str()), ("web-1", START, "7.60.0"));
        assert_eq!((host.aliases, host.apps), (texts(&["i-0abc"]), texts(&["agent", "mysql", "ntp"])));
        assert_eq!(host.tags_by_source, BTreeMap::from([("Datadog".to_owned(), texts(&["env:prod", "team:a"]))]));
        let documents = again.host_metadata(&texts(&["web-1", "other"])).await.unwrap();
        assert_eq!(documents["web-1"][kind::GOHAI]["nul"], json!("a\u{0}b"));
        assert_eq!(documents.len(), 1);

        let changed =
            BTreeMap::from([(kind::GOHAI.to_owned(), json!({"cpu": 8})), (kind::RESOURCES.to_owned(), json!([]))]);
        catalog.report_host(HostReport { metadata: changed, ..report }).await.unwrap();
        let documents = catalog.host_metadata(&texts(&["web-1"])).await.unwrap();
        assert_eq!(documents["web-1"].values().cloned().collect::<Vec<_>>(), [json!({"cpu": 8}), json!([])]);
        let nameless = catalog.report_host(HostReport::default()).await;
        assert!(matches!(nameless, Err(CatalogError::Invalid(_))));
    })
    .await;
}

#[tokio::test]
async fn queries_see_the_tags_of_all_sources() {
    on_both(async |place| {
        let catalog = place.open().await;
        let cell = catalog.host_tags_cell();
        let report = HostReport {
            host: "web-1".into(),
            aliases: texts(&["I-0ABC"]),
            tags: tags("system", &["env:prod", "host:ubuntu"]),
            ..HostReport::default()
        };
        catalog.report_host(report.clone()).await.unwrap();
        catalog.external_host_tags(vec![("vm-9".into(), tags("vsphere", &["env:prod"]))]).await.unwrap();
        catalog.add_host_tags(&somebody(), "web-1", "user", &texts(&["role:db"])).await.unwrap();
        let snapshot = cell.load();
        assert_eq!(snapshot.of("web-1"), texts(&["env:prod", "host:i-0abc", "host:ubuntu", "role:db"]));
        assert_eq!(snapshot.hosts_with("env:prod").collect::<Vec<_>>(), ["vm-9", "web-1"]);
        assert_eq!(catalog.host("vm-9").unwrap().last_seen, 0);
        assert_eq!(names(&catalog, HostQuery { from: Some(0), ..HostQuery::default() }), ["web-1"]);

        catalog.report_host(HostReport { tags: tags("system", &["env:dev"]), ..report }).await.unwrap();
        place.advance(1);
        catalog.maintain().await.unwrap();
        assert_eq!(cell.load().hosts_with("env:dev").collect::<Vec<_>>(), ["web-1"]);
        assert_eq!(cell.load().hosts_with("env:prod").collect::<Vec<_>>(), ["vm-9"]);
        catalog.close().await.unwrap();
        let again = place.open().await;
        assert_eq!(again.host_tags_cell().load(), cell.load());
    })
    .await;
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed_by_source() {
    on_both(async |place| {
        let catalog = place.open().await;
        let who = somebody();
        let added = catalog.add_host_tags(&who, "h", "users", &texts(&["b:2", "A:1"])).await.unwrap();
        assert_eq!(added, texts(&["a:1", "b:2"]));
        assert_eq!(catalog.add_host_tags(&who, "h", "", &texts(&["c"])).await.unwrap(), texts(&["a:1", "b:2", "c"]));
        catalog.add_host_tags(&who, "h", "chef", &texts(&["role:x", "c"])).await.unwrap();
        assert_eq!(catalog.host_tags("h", Some("Chef")), Some(texts(&["c", "role:x"])));
        assert_eq!(catalog.host_tags("h", None), Some(texts(&["a:1", "b:2", "c", "role:x"])));
        assert_eq!(catalog.host_tags("other", None), None);
        catalog.add_host_tags(&who, "g", "user", &texts(&["c"])).await.unwrap();
        assert_eq!(catalog.hosts_by_tag(Some("user"))["c"], texts(&["g", "h"]));
        assert_eq!(
            catalog.hosts_by_tag(None).keys().cloned().collect::<Vec<_>>(),
            texts(&["a:1", "b:2", "c", "role:x"])
        );
        assert_eq!(catalog.replace_host_tags(&who, "h", "user", &texts(&["z"])).await.unwrap(), texts(&["z"]));
        catalog.remove_host_tags(&who, "h", "chef").await.unwrap();
        let again = place.open().await;
        assert_eq!(again.host_tags("h", None), Some(texts(&["z"])));
        assert_eq!(again.host_tags_cell().load().of("h"), texts(&["z"]));
        let unknown = catalog.remove_host_tags(&who, "nobody", "user").await;
        assert!(matches!(unknown, Err(CatalogError::NotFound { what: "host", .. })));
        let many: Vec<String> = (0..1001).map(|number| format!("t:{number}")).collect();
        let refused = catalog.replace_host_tags(&who, "h", "user", &many).await;
        assert!(matches!(refused, Err(CatalogError::Invalid(_))));
        assert!(catalog.add_host_tags(&who, "a\0b", "user", &many[..1]).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    on_both(async |place| {
        let catalog = place.open().await;
        for (host, env, app) in [("a", "prod", "redis"), ("b", "dev", "mysql"), ("c", "prod", "mysql")] {
            catalog.host_seen(host);
            place.advance(1);
            let report = HostReport {
                host: host.into(),
                apps: texts(&[app]),
                tags: tags("system", &[&format!("env:{env}")]),
                ..HostReport::default()
            };
            catalog.report_host(report).await.unwrap();
        }
        let by = |filter: &str, sort: HostSort, descending: bool| HostQuery {
            filter: filter.into(),
            sort,
            descending,
            ..HostQuery::default()
        };
        let load: HostSort = HostSort::Value(Arc::new(|host| match host {
            "a" => Some(0.5),
            "b" => Some(2.0),
            _ => None,
        }));
        for (query, expected) in [
            (by("", HostSort::Name, true), vec!["c", "b", "a"]),
            (by("env:prod", HostSort::Name, false), vec!["a", "c"]),
            (by("mysql env:prod", HostSort::Name, false), vec!["c"]),
            (by("-env:prod", HostSort::Name, false), vec!["b"]),
            (by("", HostSort::Apps, false), vec!["b", "c", "a"]),
            (by("", HostSort::LastSeen, true), vec!["c", "b", "a"]),
            (by("", load.clone(), false), vec!["a", "b", "c"]),
            (by("", load, true), vec!["b", "a", "c"]),
        ] {
            assert_eq!(names(&catalog, query.clone()), expected, "{query:?}");
        }
        let page = catalog.hosts(&HostQuery { start: 1, count: 1, ..HostQuery::default() });
        assert_eq!((page.total_matching, page.hosts.len(), page.hosts[0].name.as_str()), (3, 1, "b"));
        assert_eq!(catalog.host_names("A", 10), ["a"]);
        assert_eq!(catalog.host_names("", 2), ["a", "b"]);
    })
    .await;
}

#[tokio::test]
async fn hosts_are_muted_and_unmuted() {
    on_both(async |place| {
        let catalog = place.open().await;
        let who = somebody();
        let until = |end| Mute { end, message: "work".into() };
        catalog.mute_host(&who, "h", until(Some(START + 100)), false).await.unwrap();
        let twice = catalog.mute_host(&who, "h", until(None), false).await;
        assert!(matches!(twice, Err(CatalogError::Conflict(_))));
        assert!(matches!(catalog.mute_host(&who, "h", until(Some(START)), true).await, Err(CatalogError::Invalid(_))));
        assert_eq!(catalog.mute_host(&who, "h", until(Some(START + 50)), true).await.unwrap(), until(Some(START + 50)));
        let again = place.open().await;
        assert_eq!(again.host("h").unwrap().mute, Some(until(Some(START + 50))));
        place.advance(50);
        assert_eq!(again.host("h").unwrap().mute, None);
        assert!(matches!(catalog.unmute_host(&who, "h").await, Err(CatalogError::Conflict(_))));
        catalog.mute_host(&who, "h", until(None), false).await.unwrap();
        catalog.unmute_host(&who, "h").await.unwrap();
        assert_eq!(catalog.host("h").unwrap().mute, None);
        assert!(matches!(catalog.unmute_host(&who, "unknown").await, Err(CatalogError::Conflict(_))));
    })
    .await;
}

#[tokio::test]
async fn hosts_that_left_are_forgotten() {
    on_both(async |place| {
        let catalog = place.open().await;
        for host in ["gone", "tagged", "here"] {
            catalog.host_seen(host);
        }
        catalog.add_host_tags(&somebody(), "tagged", "user", &texts(&["keep:me"])).await.unwrap();
        catalog.flush().await.unwrap();
        place.advance(31 * 86_400);
        catalog.host_seen("here");
        catalog.maintain().await.unwrap();
        for catalog in [catalog, place.open().await] {
            assert!(
                catalog.host("gone").is_none() && catalog.host("tagged").is_some() && catalog.host("here").is_some()
            );
        }
    })
    .await;
}
