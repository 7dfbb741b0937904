//! How much of a report is kept. An agent is a stranger: whatever it sends has a bound, and what is beyond is cut off.

use serde_json::{Map, Value};

use super::{CheckConfiguration, CheckInstance, LogSource};
use crate::database::storable;

/// Most instances of checks, and as many configurations, of one host.
pub const MAX_INSTANCES: usize = 500;
/// Most sources of logs of one host.
pub const MAX_LOG_SOURCES: usize = 500;
/// Longest name of a check, instance, version, loader or path in characters.
const MAX_NAME_CHARS: usize = 300;
/// Longest message or warning in characters.
const MAX_MESSAGE_CHARS: usize = 4000;
/// Longest traceback in characters; its end says most.
const MAX_TRACEBACK_CHARS: usize = 16_000;
/// Longest configuration of an instance in characters.
const MAX_CONFIGURATION_CHARS: usize = 16_000;
/// Most warnings of a run.
const MAX_WARNINGS: usize = 20;
/// Most facts about what is checked.
const MAX_METADATA: usize = 64;
/// Most fields of a source of logs.
const MAX_LOG_FIELDS: usize = 40;
/// Most entries of a list in such a field (tags, files).
const MAX_LOG_LIST: usize = 50;

impl CheckInstance {
    /// The instance with all texts and lists within their bounds.
    pub(super) fn bounded(mut self) -> Self {
        for text in [&mut self.check, &mut self.instance, &mut self.version] {
            *text = name(text);
        }
        let details = &mut self.details;
        details.source = name(&details.source);
        details.loader = name(&details.loader);
        details.error = cut(&details.error, MAX_MESSAGE_CHARS);
        details.traceback = cut_front(&details.traceback, MAX_TRACEBACK_CHARS);
        details.warnings.truncate(MAX_WARNINGS);
        details.warnings.iter_mut().for_each(|warning| *warning = cut(warning, MAX_MESSAGE_CHARS));
        let facts = std::mem::take(&mut details.metadata).into_iter().take(MAX_METADATA);
        details.metadata = facts.map(|(key, value)| (name(&key), cut(&value, MAX_MESSAGE_CHARS))).collect();
        if !details.interval_s.is_finite() {
            details.interval_s = 0.0;
        }
        self
    }
}

impl CheckConfiguration {
    /// The configuration with all texts within their bounds.
    pub(super) fn bounded(mut self) -> Self {
        for text in [&mut self.check, &mut self.instance, &mut self.version] {
            *text = name(text);
        }
        let details = &mut self.details;
        details.provider = name(&details.provider);
        details.source = name(&details.source);
        details.init_config = cut(&details.init_config, MAX_CONFIGURATION_CHARS);
        details.instance_config = cut(&details.instance_config, MAX_CONFIGURATION_CHARS);
        self
    }
}

impl LogSource {
    /// The source with all texts and lists within their bounds.
    pub(super) fn bounded(self) -> Self {
        let fields = self.details.into_iter().take(MAX_LOG_FIELDS);
        let details: Map<String, Value> = fields.map(|(key, value)| (name(&key), field(value, 0))).collect();
        Self { kind: name(&self.kind), state: name(&self.state), details }
    }
}

/// How deep fields may nest; what lies deeper is left out.
const MAX_DEPTH: usize = 3;

fn field(value: Value, depth: usize) -> Value {
    match value {
        Value::String(text) => cut(&text, MAX_MESSAGE_CHARS).into(),
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => Value::Null,
        Value::Array(items) => items.into_iter().take(MAX_LOG_LIST).map(|item| field(item, depth + 1)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().take(MAX_LOG_FIELDS);
            Value::Object(fields.map(|(key, value)| (name(&key), field(value, depth + 1))).collect())
        }
        scalar => scalar,
    }
}

fn name(text: &str) -> String {
    text.trim().chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARS).collect()
}

fn cut(text: &str, max_chars: usize) -> String {
    storable(text).chars().take(max_chars).collect()
}

/// Keeps the end of a long text.
fn cut_front(text: &str, max_chars: usize) -> String {
    let text = storable(text);
    let beyond = text.chars().count().saturating_sub(max_chars);
    text.chars().skip(beyond).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agents::InstanceDetails;

    #[test]
    fn whatever_is_beyond_its_bound_is_cut_off() {
        let details = InstanceDetails {
            error: "e".repeat(MAX_MESSAGE_CHARS + 1),
            traceback: format!("{}end", "t".repeat(MAX_TRACEBACK_CHARS)),
            warnings: vec!["w\0".into(); MAX_WARNINGS + 1],
            interval_s: f64::INFINITY,
            ..InstanceDetails::default()
        };
        let instance = CheckInstance { check: "a\nb".repeat(200), details, ..CheckInstance::default() }.bounded();
        assert_eq!(instance.check.chars().count(), MAX_NAME_CHARS);
        assert!(!instance.check.contains('\n'));
        assert_eq!(instance.details.error.len(), MAX_MESSAGE_CHARS);
        assert!(instance.details.traceback.len() == MAX_TRACEBACK_CHARS && instance.details.traceback.ends_with("end"));
        assert_eq!(instance.details.warnings, vec!["w"; MAX_WARNINGS]);
        assert_eq!(instance.details.interval_s, 0.0);
    }

    #[test]
    fn fields_of_a_log_source_do_not_nest_for_ever() {
        let details = json!({ "a": { "b": { "c": { "d": [1] } } }, "tags": vec!["t"; 100] });
        let source = LogSource { details: details.as_object().cloned().unwrap_or_default(), ..LogSource::default() };
        let bounded = source.bounded().details;
        assert_eq!(bounded["a"], json!({ "b": { "c": { "d": null } } }));
        assert_eq!(bounded["tags"].as_array().map(Vec::len), Some(MAX_LOG_LIST));
    }
}
