//! Which metrics are wanted, under which name and as what (`metrics` and `extra_metrics`).
//!
//! An entry is a name, a pattern, or a map from either to a new name or to a map with `name`, `type` and what the type
//! needs. What has a sign that a regular expression could mean is a pattern and is searched for anywhere in the name.

use std::collections::HashMap;
use std::sync::Arc;

use galgo_agent::check::InstanceError;
use galgo_core::check::CheckStatus;
use serde_json::{Map, Value};

use super::exposition::Kind;
use crate::options::{Options, scalar_text};
use crate::pattern::{Pattern, is_literal};

/// Names for which the answer of the patterns is remembered; beyond, they are asked each time.
const MAX_REMEMBERED: usize = 10_000;

/// How the samples of a family are submitted.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// As the type says that the endpoint gives.
    Native,
    /// `NAME.count` as monotonic count.
    Counter,
    /// A gauge.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
    /// `NAME.total` as gauge and `NAME.count` as monotonic count.
    CounterGauge,
    /// Growth per second.
    Rate,
    /// A service check; values without a status are unknown.
    ServiceCheck(Vec<(i64, CheckStatus)>),
    /// Percentage of time, of a counter in parts of a second.
    TemporalPercent(f64),
    /// Seconds since the time that the value is.
    TimeElapsed,
    /// A fact in the label of that name.
    Metadata(String),
}

impl Treatment {
    /// How a family of that type is treated, if at all.
    pub fn of_kind(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Counter => Some(Self::Counter),
            Kind::Gauge => Some(Self::Gauge),
            Kind::Histogram => Some(Self::Histogram),
            Kind::Summary => Some(Self::Summary),
            Kind::Unknown | Kind::GaugeHistogram | Kind::Info | Kind::StateSet => None,
        }
    }
}

/// What becomes of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Name without namespace.
    pub name: String,
    /// How it is submitted.
    pub treatment: Treatment,
}

/// The wanted metrics of an instance.
#[derive(Debug)]
pub struct Targets {
    exact: HashMap<String, Arc<Target>>,
    patterns: Vec<(Pattern, Treatment)>,
    remembered: HashMap<String, Option<Arc<Target>>>,
}

impl Targets {
    /// Reads `metrics` and `extra_metrics`.
    pub fn read(options: &Options<'_>) -> Result<Self, InstanceError> {
        let mut made = Self { exact: HashMap::new(), patterns: Vec::new(), remembered: HashMap::new() };
        for key in ["metrics", "extra_metrics"] {
            match options.get(key) {
                None => {}
                Some(Value::Array(entries)) => {
                    entries.iter().try_for_each(|entry| made.add_entry(options, key, entry))?;
                }
                Some(other) => return Err(options.refuse(key, "a list of names and maps", other)),
            }
        }
        if made.exact.is_empty() && made.patterns.is_empty() {
            return Err(options.refuse("metrics", "a list of names, patterns or maps", &Value::Array(Vec::new())));
        }
        Ok(made)
    }

    fn add_entry(&mut self, options: &Options<'_>, key: &str, entry: &Value) -> Result<(), InstanceError> {
        match entry {
            Value::String(name) => self.add(options, key, name, name.clone(), Treatment::Native),
            Value::Object(map) => map.iter().try_for_each(|(raw, value)| match value {
                Value::String(name) => self.add(options, key, raw, name.clone(), Treatment::Native),
                Value::Object(details) => {
                    let name = details.get("name").and_then(scalar_text).unwrap_or_else(|| raw.clone());
                    let treatment = treatment(details)
                        .map_err(|expected| options.refuse(&format!("{key}.{raw}"), &expected, value))?;
                    self.add(options, key, raw, name, treatment)
                }
                other => Err(options.refuse(&format!("{key}.{raw}"), "a name or a map", other)),
            }),
            other => Err(options.refuse(&format!("an entry of {key}"), "a name or a map", other)),
        }
    }

    fn add(
        &mut self,
        options: &Options<'_>,
        key: &str,
        raw: &str,
        name: String,
        treatment: Treatment,
    ) -> Result<(), InstanceError> {
        if is_literal(raw) {
            self.exact.insert(raw.to_owned(), Arc::new(Target { name, treatment }));
            return Ok(());
        }
        // What a pattern finds keeps its own name.
        let refuse = |_| options.refuse(key, "names and regular expressions", &Value::from(raw));
        self.patterns.push((Pattern::regex(raw).map_err(refuse)?, treatment));
        Ok(())
    }

    /// What becomes of a metric, if it is wanted.
    pub fn find(&mut self, metric: &str) -> Option<Arc<Target>> {
        if let Some(target) = self.exact.get(metric) {
            return Some(Arc::clone(target));
        }
        if let Some(known) = self.remembered.get(metric) {
            return known.clone();
        }
        let found = self.patterns.iter().find(|(pattern, _)| pattern.search(metric));
        let target =
            found.map(|(_, treatment)| Arc::new(Target { name: metric.to_owned(), treatment: treatment.clone() }));
        if self.remembered.len() < MAX_REMEMBERED {
            self.remembered.insert(metric.to_owned(), target.clone());
        }
        target
    }
}

/// The error says what was expected.
fn treatment(details: &Map<String, Value>) -> Result<Treatment, String> {
    let kind = match details.get("type") {
        None => return Ok(Treatment::Native),
        Some(kind) => kind.as_str().unwrap_or_default(),
    };
    Ok(match kind {
        "native" | "native_dynamic" => Treatment::Native,
        "counter" => Treatment::Counter,
        "gauge" => Treatment::Gauge,
        "histogram" => Treatment::Histogram,
        "summary" => Treatment::Summary,
        "counter_gauge" => Treatment::CounterGauge,
        "rate" => Treatment::Rate,
        "time_elapsed" => Treatment::TimeElapsed,
        "service_check" => Treatment::ServiceCheck(status_map(details)?),
        "temporal_percent" => Treatment::TemporalPercent(scale(details)?),
        "metadata" => match details.get("label").and_then(Value::as_str) {
            Some(label) if !label.is_empty() => Treatment::Metadata(label.to_owned()),
            _ => return Err("a map with label".into()),
        },
        _ => {
            return Err(
                "a map whose type is native, native_dynamic, counter, gauge, histogram, summary, counter_gauge, \
                        rate, service_check, temporal_percent, time_elapsed or metadata"
                    .into(),
            );
        }
    })
}

fn status_map(details: &Map<String, Value>) -> Result<Vec<(i64, CheckStatus)>, String> {
    let expected = || "a map whose status_map leads from whole numbers to OK, WARNING, CRITICAL or UNKNOWN".to_owned();
    let map = details.get("status_map").and_then(Value::as_object).filter(|map| !map.is_empty());
    let entry = |(value, status): (&String, &Value)| {
        let status = match status.as_str()?.to_uppercase().as_str() {
            "OK" => CheckStatus::Ok,
            "WARNING" => CheckStatus::Warning,
            "CRITICAL" => CheckStatus::Critical,
            "UNKNOWN" => CheckStatus::Unknown,
            _ => return None,
        };
        Some((value.parse().ok()?, status))
    };
    let entries = map.ok_or_else(expected)?.iter();
    entries.map(|pair| entry(pair).ok_or_else(expected)).collect()
}

fn scale(details: &Map<String, Value>) -> Result<f64, String> {
    let parts = match details.get("scale") {
        Some(Value::String(unit)) => match unit.to_lowercase().as_str() {
            "second" => Some(1.0),
            "millisecond" => Some(1e3),
            "microsecond" => Some(1e6),
            "nanosecond" => Some(1e9),
            _ => None,
        },
        Some(Value::Number(parts)) => parts.as_f64().filter(|parts| *parts > 0.0),
        _ => None,
    };
    parts.ok_or_else(|| "a map whose scale is second, millisecond, microsecond, nanosecond or a number".into())
}

#[cfg(test)]
mod tests {
    use galgo_agent::check::{Instance, Source};
    use serde_json::json;

    use super::*;

    fn targets(metrics: Value) -> Result<Targets, String> {
        let made = Instance::new("openmetrics", json!({ "metrics": metrics }), Value::Null, Source::default());
        Targets::read(&Options::of(&made.unwrap())).map_err(|error| error.reason)
    }

    #[test]
    fn names_win_over_patterns_and_patterns_keep_names() {
        let mut targets = targets(json!([
            "plain",
            { "renamed": "new.name", "typed": { "name": "t", "type": "gauge" } },
            "^go_(?!gc)",
            { "_seconds$": { "type": "time_elapsed" } },
        ]))
        .unwrap();
        let mut found =
            |metric: &str| targets.find(metric).map(|target| (target.name.clone(), target.treatment.clone()));
        let native = |name: &str| Some((name.to_owned(), Treatment::Native));
        assert_eq!(found("plain"), native("plain"));
        assert_eq!(found("renamed"), native("new.name"));
        assert_eq!(found("typed"), Some(("t".to_owned(), Treatment::Gauge)));
        assert_eq!(found("go_threads"), native("go_threads"));
        assert_eq!(found("go_gc_x"), None);
        assert_eq!(found("up_seconds"), Some(("up_seconds".to_owned(), Treatment::TimeElapsed)));
        assert_eq!(found("plain2"), None);
    }

    #[test]
    fn wrong_entries_are_named() {
        let refused = |metrics: Value| targets(metrics).map(drop).unwrap_err();
        assert_eq!(refused(json!([])), "metrics must be a list of names, patterns or maps, not []");
        assert_eq!(refused(json!(["("])), "metrics must be names and regular expressions, not \"(\"");
        assert_eq!(refused(json!([7])), "an entry of metrics must be a name or a map, not 7");
        let wrong = refused(json!([{ "a": { "type": "meter" } }]));
        assert!(wrong.starts_with("metrics.a must be a map whose type is native, "), "{wrong}");
        let wrong = refused(json!([{ "a": { "type": "service_check" } }]));
        assert!(wrong.starts_with("metrics.a must be a map whose status_map leads"), "{wrong}");
        assert!(refused(json!([{ "a": { "type": "temporal_percent", "scale": 0 } }])).contains("scale"));
    }
}
