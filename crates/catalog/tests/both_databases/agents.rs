//! What agents say of their checks and logs.

use galgo_catalog::agents::reading::STALE_SECONDS;
use galgo_catalog::agents::{
    AgentReport, CheckConfiguration, CheckInstance, ConfigurationDetails, InstanceDetails, LogSource, RunStatus,
};
use galgo_catalog::{Catalog, CatalogError};
use serde_json::{Map, json};

use crate::place::{START, on_both};

fn instance(check: &str, id: &str, status: RunStatus) -> CheckInstance {
    CheckInstance { check: check.into(), instance: id.into(), status, ..CheckInstance::default() }
}

fn report(host: &str, checks: Vec<CheckInstance>) -> AgentReport {
    AgentReport { host: host.into(), checks: Some(checks), ..AgentReport::default() }
}

async fn names(catalog: &Catalog, host: &str) -> Vec<String> {
    let instances = catalog.host_instances(host, 100).await.unwrap();
    instances.into_iter().map(|reported| reported.instance.instance).collect()
}

#[tokio::test]
async fn a_report_replaces_the_older_one_of_its_host() {
    on_both(async |place| {
        let catalog = place.open().await;
        let first = vec![instance("disk", "disk:1", RunStatus::Ok), instance("mysql", "mysql:1", RunStatus::Error)];
        catalog.report_agent(report("a", first)).await.unwrap();
        catalog.report_agent(report("b", vec![instance("disk", "disk:1", RunStatus::Ok)])).await.unwrap();
        // What fails comes first.
        assert_eq!(names(&catalog, "a").await, ["mysql:1", "disk:1"]);
        place.advance(60);
        let details = InstanceDetails { error: "no\0 route".into(), runs: 3, ..InstanceDetails::default() };
        let mysql = CheckInstance { last_run: Some(START), details, ..instance("mysql", "mysql:2", RunStatus::Error) };
        catalog.report_agent(report("a", vec![mysql])).await.unwrap();
        let again = place.open().await;
        let instances = again.check_instances("mysql", 100).await.unwrap();
        assert_eq!(instances.len(), 1);
        let one = &instances[0];
        assert_eq!((one.host.as_str(), one.instance.instance.as_str(), one.reported_at), ("a", "mysql:2", START + 60));
        assert_eq!((one.instance.details.error.as_str(), one.instance.details.runs), ("no route", 3));
        assert_eq!(names(&again, "b").await, ["disk:1"]);
        // An agent without checks takes them out; one that speaks of something else does not.
        again.report_agent(AgentReport { host: "a".into(), ..AgentReport::default() }).await.unwrap();
        assert_eq!(names(&again, "a").await, ["mysql:2"]);
        again.report_agent(report("a", Vec::new())).await.unwrap();
        assert_eq!(names(&again, "a").await, Vec::<String>::new());
        assert!(matches!(again.report_agent(report("", Vec::new())).await, Err(CatalogError::Invalid(_))));
    })
    .await;
}

#[tokio::test]
async fn integrations_are_counted_over_hosts_and_old_reports_apart() {
    on_both(async |place| {
        let catalog = place.open().await;
        catalog.report_agent(report("old", vec![instance("disk", "disk:1", RunStatus::Error)])).await.unwrap();
        place.advance(STALE_SECONDS as u64 + 1);
        let versioned = CheckInstance {
            version: "2.0".into(),
            last_run: Some(START + 7),
            ..instance("disk", "disk:1", RunStatus::Ok)
        };
        let checks = vec![versioned, instance("disk", "disk:2", RunStatus::Pending)];
        catalog.report_agent(report("new", checks)).await.unwrap();
        let running = catalog.running_checks().await.unwrap();
        assert_eq!(running.len(), 1);
        let disk = &running[0];
        assert_eq!((disk.check.as_str(), disk.hosts, disk.stale_hosts), ("disk", 2, 1));
        assert_eq!((disk.ok, disk.warning, disk.error, disk.pending), (1, 0, 0, 1));
        assert_eq!((disk.last_run, disk.reported_at), (Some(START + 7), START + STALE_SECONDS + 1));
        assert_eq!(disk.versions, ["2.0"]);
    })
    .await;
}

#[tokio::test]
async fn a_report_that_says_the_same_only_moves_its_time() {
    on_both(async |place| {
        let catalog = place.open().await;
        let same = || report("a", vec![instance("ntp", "ntp:1", RunStatus::Ok)]);
        catalog.report_agent(same()).await.unwrap();
        place.advance(600);
        catalog.report_agent(same()).await.unwrap();
        assert_eq!(catalog.agent_report_times("a").await.unwrap(), (Some(START + 600), None));
        // Forgotten after a month without a report, and there again with the next.
        place.advance(31 * 86_400);
        catalog.host_seen("a");
        catalog.maintain().await.unwrap();
        assert_eq!(catalog.agent_report_times("a").await.unwrap(), (None, None));
        catalog.report_agent(same()).await.unwrap();
        assert_eq!(names(&catalog, "a").await, ["ntp:1"]);
    })
    .await;
}

#[tokio::test]
async fn configurations_and_logs_stand_beside_the_checks() {
    on_both(async |place| {
        let catalog = place.open().await;
        catalog.report_agent(report("a", vec![instance("mysql", "mysql:1", RunStatus::Ok)])).await.unwrap();
        let details = ConfigurationDetails { provider: "file".into(), ..ConfigurationDetails::default() };
        let own = CheckConfiguration {
            check: "mysql".into(),
            instance: "mysql:1".into(),
            version: "8.0.36".into(),
            details: details.clone(),
        };
        let source = LogSource {
            kind: "file".into(),
            state: "error".into(),
            details: Map::from_iter([("path".into(), json!("/var/log/a.log"))]),
        };
        let logs = vec![source.clone(), LogSource { state: "ok".into(), ..source }];
        let beside = AgentReport {
            host: "a".into(),
            configurations: Some(vec![own.clone(), own]),
            logs: Some(logs.clone()),
            ..AgentReport::default()
        };
        catalog.report_agent(beside).await.unwrap();
        let instances = catalog.host_instances("a", 100).await.unwrap();
        assert_eq!(instances[0].configuration.as_ref(), Some(&details));
        assert_eq!(instances[0].instance.version, "8.0.36");
        assert_eq!(catalog.running_checks().await.unwrap()[0].versions, ["8.0.36"]);
        let running = catalog.running_logs().await.unwrap();
        assert_eq!(
            (running[0].kind.as_str(), running[0].hosts, running[0].sources, running[0].error),
            ("file", 1, 2, 1)
        );
        let read = catalog.host_log_sources("a", 100).await.unwrap();
        assert_eq!(read.into_iter().map(|reported| reported.source).collect::<Vec<_>>(), logs);
        assert_eq!(catalog.log_sources("file", 1).await.unwrap().len(), 1);
    })
    .await;
}
