//! Metric metadata and tag configurations.

use galgo_catalog::{CatalogError, MetricMetadataChange, TagConfiguration, TagConfigurationChange};

use crate::place::{START, on_both, somebody, texts};

fn configuration(metric: &str) -> TagConfiguration {
    TagConfiguration {
        metric: metric.into(),
        metric_type: "distribution".into(),
        tags: texts(&["app", "env", "app"]),
        include_percentiles: Some(true),
        exclude_tags_mode: false,
        aggregations: vec![("avg".into(), "sum".into())],
        created_at: 0,
        modified_at: 0,
    }
}

#[tokio::test]
async fn metadata_is_set_over_defaults() {
    on_both(async |place| {
        let catalog = place.open().await;
        assert_eq!(catalog.metric_metadata("my.metric"), Default::default());
        assert_eq!(catalog.metric_metadata("system.load.1").integration, "system");
        let change = MetricMetadataChange {
            metric_type: Some("count".into()),
            unit: Some("Bytes".into()),
            description: Some("how many\0".into()),
            statsd_interval: Some(10),
            ..Default::default()
        };
        let set = catalog.set_metric_metadata(&somebody(), "system.mem.free", change).await.unwrap();
        assert_eq!((set.unit.as_str(), set.metric_type.as_str(), set.statsd_interval), ("byte", "count", Some(10)));
        assert_eq!((set.description.as_str(), set.integration.as_str()), ("how many", "system"));
        let cleared = MetricMetadataChange { unit: Some(String::new()), ..Default::default() };
        let set = catalog.set_metric_metadata(&somebody(), "system.mem.free", cleared).await.unwrap();
        assert_eq!((set.unit.as_str(), set.metric_type.as_str()), ("", "count"));
        assert_eq!(place.open().await.metric_metadata("system.mem.free"), set);
        for wrong in [
            MetricMetadataChange { unit: Some("furlong".into()), ..Default::default() },
            MetricMetadataChange { metric_type: Some("histogram".into()), ..Default::default() },
            MetricMetadataChange { statsd_interval: Some(-1), ..Default::default() },
            MetricMetadataChange { description: Some("x".repeat(5000)), ..Default::default() },
        ] {
            let refused = catalog.set_metric_metadata(&somebody(), "m", wrong.clone()).await;
            assert!(matches!(refused, Err(CatalogError::Invalid(_))), "{wrong:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn tag_configurations_are_made_changed_and_removed() {
    on_both(async |place| {
        let catalog = place.open().await;
        let who = somebody();
        let made = catalog.create_tag_configuration(&who, configuration("b")).await.unwrap();
        assert_eq!((made.created_at, made.modified_at, made.tags.clone()), (START, START, texts(&["app", "env"])));
        let twice = catalog.create_tag_configuration(&who, configuration("b")).await;
        assert!(matches!(twice, Err(CatalogError::Conflict(_))));
        catalog.create_tag_configuration(&who, configuration("a")).await.unwrap();
        place.advance(5);
        let change = TagConfigurationChange { tags: Some(texts(&["host"])), ..Default::default() };
        let changed = catalog.update_tag_configuration(&who, "b", change.clone()).await.unwrap();
        assert_eq!(
            (changed.created_at, changed.modified_at, changed.tags.clone()),
            (START, START + 5, texts(&["host"]))
        );
        assert_eq!(changed.aggregations, made.aggregations);
        catalog.delete_tag_configuration(&who, "a").await.unwrap();
        assert_eq!(place.open().await.tag_configurations(), [changed]);
        for result in [
            catalog.update_tag_configuration(&who, "a", change).await.map(|_| ()),
            catalog.delete_tag_configuration(&who, "a").await,
        ] {
            assert!(matches!(result, Err(CatalogError::NotFound { what: "tag configuration", .. })));
        }
        let gauge = TagConfiguration { metric_type: "gauge".into(), ..configuration("g") };
        assert!(matches!(catalog.create_tag_configuration(&who, gauge).await, Err(CatalogError::Invalid(_))));
        let many = TagConfiguration { tags: vec!["x".repeat(201)], ..configuration("g") };
        assert!(matches!(catalog.create_tag_configuration(&who, many).await, Err(CatalogError::Invalid(_))));
    })
    .await;
}
