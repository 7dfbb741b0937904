//! What a column of a custom query means: a tag, a value of some kind, a service check.

use galgo_agent::check::{SampleKind, Samples, is_affirmative};
use galgo_core::check::CheckStatus;
use serde_json::Value;

use super::number;
use crate::options::scalar_text;

/// A column with a meaning.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// Name as configured; other columns refer to it.
    pub(super) name: String,
    role: Role,
}

#[derive(Debug, Clone, PartialEq)]
enum Role {
    /// A tag of the whole row; NULL is written as `None`, or left out.
    Tag { boolean: bool, skip_null: bool },
    /// Comma-separated values of one tag.
    TagList,
    /// Kept for a column that refers to it.
    Source,
    /// A value.
    Metric { metric: String, kind: SampleKind, factor: f64 },
    /// A counter that is wanted as a gauge (`.total`) and as its growth (`.count`).
    MonotonicGauge { metric: String },
    /// A service check whose status is looked up.
    ServiceCheck { check: String, statuses: Vec<(String, CheckStatus)> },
    /// The cell says as what another column is to be submitted.
    Match { source: String, items: Vec<(String, Column)> },
}

const TYPES: &str = "tag, tag_list, tag_not_null, gauge, count, monotonic_count, monotonic_gauge, rate, histogram, \
                     historate, temporal_percent, service_check, match or source";

impl Column {
    /// Reads a column; an empty entry stands for one that is not wanted.
    pub(super) fn parse(column: &Value, prefix: &str) -> Result<Option<Self>, String> {
        let map = match column {
            Value::Null => return Ok(None),
            Value::Object(map) if map.is_empty() => return Ok(None),
            Value::Object(map) => map,
            other => return Err(format!("must be a map with name and type, not {other}")),
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let name = text("name").ok_or("name is missing")?.to_owned();
        let kind = text("type").ok_or_else(|| format!("type of {name} is missing; known are {TYPES}"))?;
        let metric = || if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let plain = |kind| Role::Metric { metric: metric(), kind, factor: 1.0 };
        let boolean = map.get("boolean").is_some_and(is_affirmative);
        let role = match kind {
            "tag" => Role::Tag { boolean, skip_null: false },
            "tag_not_null" => Role::Tag { boolean, skip_null: true },
            "tag_list" => Role::TagList,
            "source" => Role::Source,
            "gauge" => plain(SampleKind::Gauge),
            "count" => plain(SampleKind::Count),
            "monotonic_count" => plain(SampleKind::MonotonicCount),
            "rate" => plain(SampleKind::Rate),
            "histogram" => plain(SampleKind::Histogram),
            "historate" => plain(SampleKind::Historate),
            "monotonic_gauge" => Role::MonotonicGauge { metric: metric() },
            "temporal_percent" => {
                let factor = percent_factor(map.get("scale")).map_err(|problem| format!("{name}: {problem}"))?;
                Role::Metric { metric: metric(), kind: SampleKind::Rate, factor }
            }
            "service_check" => {
                let statuses = map.get("status_map").or_else(|| map.get("status_mapping"));
                let statuses = status_map(statuses).map_err(|problem| format!("{name}: {problem}"))?;
                Role::ServiceCheck { check: metric(), statuses }
            }
            "match" => {
                let source = text("source").unwrap_or_default().to_owned();
                Role::Match { items: match_items(&source, map.get("items"), prefix)?, source }
            }
            other => return Err(format!("type of {name} must be {TYPES}, not `{other}`")),
        };
        Ok(Some(Self { name, role }))
    }

    /// Adds the tags that the cell stands for.
    pub(super) fn tag(&self, cell: Option<&str>, tags: &mut Vec<String>) {
        match &self.role {
            Role::Tag { boolean, skip_null } => match cell {
                None if *skip_null => {}
                None => tags.push(format!("{}:None", self.name)),
                Some(cell) if *boolean => {
                    let on = number(cell).map_or_else(|| is_affirmative(&cell.into()), |number| number != 0.0);
                    tags.push(format!("{}:{on}", self.name));
                }
                Some(cell) => tags.push(format!("{}:{cell}", self.name)),
            },
            Role::TagList => {
                let values = cell.unwrap_or_default().split(',').map(str::trim).filter(|value| !value.is_empty());
                tags.extend(values.map(|value| format!("{}:{value}", self.name)));
            }
            _ => {}
        }
    }

    /// Submits the value of a cell; `source` gives the cells of the same row by column name.
    pub(super) fn submit<'row>(
        &self,
        cell: &str,
        source: &dyn Fn(&str) -> Option<&'row str>,
        tags: &[String],
        out: &mut Samples,
    ) -> Result<(), String> {
        let value = || number(cell).ok_or_else(|| format!("column {} is not a number: `{cell:.60}`", self.name));
        match &self.role {
            Role::Tag { .. } | Role::TagList | Role::Source => {}
            Role::Metric { metric, kind, factor } => out.submit(*kind, metric, value()? * factor, tags),
            Role::MonotonicGauge { metric } => {
                let value = value()?;
                out.gauge(format!("{metric}.total"), value, tags);
                out.monotonic_count(format!("{metric}.count"), value, tags);
            }
            Role::ServiceCheck { check, statuses } => {
                let found = statuses.iter().find(|(text, _)| text.eq_ignore_ascii_case(cell.trim()));
                let status = found.map_or(CheckStatus::Unknown, |(_, status)| *status);
                out.service_check(check, status, tags, "");
            }
            Role::Match { source: of, items } => {
                let item = items.iter().find(|(text, _)| text == cell);
                if let (Some((_, item)), Some(value)) = (item, source(of)) {
                    return item.submit(value, source, tags, out);
                }
            }
        }
        Ok(())
    }
}

/// From the growth of a time per second to percent.
fn percent_factor(scale: Option<&Value>) -> Result<f64, String> {
    let units_per_second = match scale {
        Some(Value::Number(number)) => number.as_f64().filter(|scale| *scale > 0.0),
        Some(Value::String(unit)) => match unit.as_str() {
            "second" => Some(1.0),
            "millisecond" => Some(1e3),
            "microsecond" => Some(1e6),
            "nanosecond" => Some(1e9),
            _ => None,
        },
        _ => None,
    };
    let expected = "scale must be second, millisecond, microsecond, nanosecond or a number of units in a second";
    units_per_second.map(|units| 100.0 / units).ok_or_else(|| expected.to_owned())
}

fn status_map(map: Option<&Value>) -> Result<Vec<(String, CheckStatus)>, String> {
    let Some(Value::Object(map)) = map else {
        return Err("status_map must be a map from value to OK, WARNING, CRITICAL or UNKNOWN".into());
    };
    let status = |value: &Value| match scalar_text(value).unwrap_or_default().to_uppercase().as_str() {
        "OK" | "0" => Some(CheckStatus::Ok),
        "WARNING" | "1" => Some(CheckStatus::Warning),
        "CRITICAL" | "2" => Some(CheckStatus::Critical),
        "UNKNOWN" | "3" => Some(CheckStatus::Unknown),
        _ => None,
    };
    let expected = |value: &Value| format!("status must be OK, WARNING, CRITICAL or UNKNOWN, not {value}");
    map.iter().map(|(text, value)| Ok((text.clone(), status(value).ok_or_else(|| expected(value))?))).collect()
}

fn match_items(source: &str, items: Option<&Value>, prefix: &str) -> Result<Vec<(String, Column)>, String> {
    let Some(Value::Object(items)) = items else {
        return Err("items must be a map from value to name and type".into());
    };
    if source.is_empty() {
        return Err("source must name the column with the value".into());
    }
    let mut parsed = Vec::new();
    for (value, item) in items {
        let column = Column::parse(item, prefix).map_err(|problem| format!("items.{value}: {problem}"))?;
        match column {
            Some(Column { role: Role::Match { .. }, .. }) => return Err(format!("items.{value}: match in a match")),
            Some(column) => parsed.push((value.clone(), column)),
            None => {}
        }
    }
    Ok(parsed)
}
