//! Units and descriptions of metrics that agents are known to send, so that graphs have axes before anybody set a
//! unit. A table in code, not rows: it grows with the program, and what users set lies above it. Types are not here:
//! the stored points know their kind.

mod datadog;
mod mysql;
mod system;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::metrics::metadata::MetricMetadata;

/// Name, unit, per unit, description.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// The integrations with a table.
static TABLES: [(&str, &[Row]); 4] =
    [("system", system::ROWS), ("mysql", mysql::ROWS), ("agent", datadog::ROWS), ("ntp", NTP)];

static NTP: &[Row] = &[("ntp.offset", "second", "", "Difference between the local clock and the time servers")];

static BY_NAME: LazyLock<HashMap<&str, (&str, &Row)>> = LazyLock::new(|| {
    let rows = TABLES.iter().flat_map(|(integration, rows)| rows.iter().map(move |row| (row.0, (*integration, row))));
    rows.collect()
});

/// What is known of a metric; all empty for an unknown one.
pub fn metadata(metric: &str) -> MetricMetadata {
    let Some((integration, (_, unit, per_unit, description))) = BY_NAME.get(metric) else {
        return MetricMetadata::default();
    };
    MetricMetadata {
        unit: (*unit).to_owned(),
        per_unit: (*per_unit).to_owned(),
        description: (*description).to_owned(),
        integration: (*integration).to_owned(),
        ..MetricMetadata::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use galgo_core::units;

    #[test]
    fn every_row_is_unique_and_names_units_that_exist() {
        let rows: Vec<&Row> = TABLES.iter().flat_map(|(_, rows)| rows.iter()).collect();
        assert_eq!(BY_NAME.len(), rows.len());
        for (metric, unit, per_unit, description) in rows {
            for unit in [unit, per_unit].into_iter().filter(|unit| !unit.is_empty()) {
                assert!(units::lookup(unit).is_some_and(|known| known.name == *unit), "{metric}: {unit}");
            }
            assert!(!description.is_empty() && !description.ends_with('.'), "{metric}: {description}");
        }
    }

    #[test]
    fn known_metrics_have_units() {
        let unit = |metric: &str| {
            let metadata = metadata(metric);
            (metadata.unit, metadata.per_unit, metadata.integration)
        };
        let expected =
            |unit: &str, per: &str, integration: &str| (unit.to_owned(), per.to_owned(), integration.to_owned());
        assert_eq!(unit("system.cpu.user"), expected("percent", "", "system"));
        assert_eq!(unit("system.net.bytes_rcvd"), expected("byte", "second", "system"));
        assert_eq!(unit("mysql.performance.queries"), expected("query", "second", "mysql"));
        assert_eq!(unit("no.such.metric"), expected("", "", ""));
    }
}
