//! One instance of a check's configuration, and the options that every check knows (reference: python-checks.md §2).

use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::collect::default_interval;

/// Where an instance was configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The file, empty for a check that runs by default.
    pub path: PathBuf,
    /// Which of the file's instances, from 0.
    pub index: usize,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.as_os_str().is_empty() {
            return f.write_str("built in");
        }
        write!(f, "{}, instance {}", self.path.display(), self.index + 1)
    }
}

/// A configuration that a check cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check} ({source_text}): {reason}")]
pub struct InstanceError {
    /// The check.
    pub check: String,
    /// File and number of the instance.
    pub source_text: String,
    /// Key, value and what was expected.
    pub reason: String,
}

/// What the agent itself does with an instance's options.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    /// Time between runs (`min_collection_interval`).
    pub interval: Duration,
    /// Tag `service:` on everything, empty for none.
    pub service: String,
    /// Whether metrics carry no host (`empty_default_hostname`).
    pub without_host: bool,
    /// Loader that is asked for (`loader`), empty for any.
    pub loader: String,
}

/// One instance of a check, secrets resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Name of the check, such as `mysql`.
    pub check: String,
    /// `NAME:HASH`, the same as long as the configuration is.
    pub id: String,
    /// The instance's own map.
    pub options: Value,
    /// The file's `init_config`, a map.
    pub init_config: Value,
    /// Where it comes from.
    pub source: Source,
    /// The options that every check knows.
    pub common: Common,
}

/// Identity of an instance: the check's name and a hash of its configuration.
pub fn instance_id(check: &str, options: &Value, init_config: &Value) -> String {
    let hash = xxh3_64(format!("{options}\n{init_config}").as_bytes());
    format!("{check}:{hash:016x}")
}

impl Instance {
    /// An instance from its maps; null stands for an empty map.
    pub fn new(check: &str, options: Value, init_config: Value, source: Source) -> Result<Self, InstanceError> {
        let refuse =
            |reason: String| InstanceError { check: check.to_owned(), source_text: source.to_string(), reason };
        let map = |value: Value, what: &str| match value {
            Value::Null => Ok(Value::Object(Map::new())),
            Value::Object(_) => Ok(value),
            other => Err(refuse(format!("{what} must be a map, not {other}"))),
        };
        let options = map(options, "the instance")?;
        let init_config = map(init_config, "init_config")?;
        let common = common(check, &options, &init_config).map_err(refuse)?;
        let id = instance_id(check, &options, &init_config);
        Ok(Self { check: check.to_owned(), id, options, init_config, source, common })
    }

    /// The instance's options in a check's own type; unknown keys are the type's affair.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, InstanceError> {
        T::deserialize(&self.options).map_err(|error| self.refuse(error.to_string()))
    }

    /// An error about this instance.
    pub fn refuse(&self, reason: impl Into<String>) -> InstanceError {
        InstanceError { check: self.check.clone(), source_text: self.source.to_string(), reason: reason.into() }
    }

    /// The instance's `tags`, as a list or as one comma-separated text.
    pub fn tags(&self) -> Vec<String> {
        match self.options.get("tags") {
            Some(Value::Array(tags)) => tags.iter().filter_map(text_of).collect(),
            Some(Value::String(tags)) => {
                tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn common(check: &str, options: &Value, init_config: &Value) -> Result<Common, String> {
    let either = |key: &str| {
        let set = |map: &Value| map.get(key).filter(|value| !value.is_null()).cloned();
        set(options).or_else(|| set(init_config))
    };
    let interval = match either("min_collection_interval") {
        None => default_interval(check),
        Some(value) => seconds(&value)
            .ok_or_else(|| format!("min_collection_interval must be a number of seconds above 0, not {value}"))?,
    };
    Ok(Common {
        interval,
        service: either("service").as_ref().and_then(text_of).unwrap_or_default(),
        without_host: options.get("empty_default_hostname").is_some_and(is_affirmative),
        loader: either("loader").as_ref().and_then(text_of).unwrap_or_default(),
    })
}

/// A duration from a number of seconds, or from such a number in quotes.
fn seconds(value: &Value) -> Option<Duration> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number > 0.0).then(|| Duration::try_from_secs_f64(number).ok()).flatten()
}

/// Whether an option is switched on, in any of the spellings that Datadog's checks accept.
pub fn is_affirmative(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => matches!(text.to_lowercase().as_str(), "yes" | "true" | "1" | "y" | "on"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_common_options_are_read_from_the_instance_first() {
        let init = json!({ "min_collection_interval": 30, "service": "shop" });
        let made = |options| Instance::new("x", options, init.clone(), Source::default());
        let instance = made(json!({ "min_collection_interval": "45", "empty_default_hostname": "yes" })).unwrap();
        assert_eq!(instance.common.interval, Duration::from_secs(45));
        assert_eq!((instance.common.service.as_str(), instance.common.without_host), ("shop", true));
        assert_eq!(made(Value::Null).unwrap().common.interval, Duration::from_secs(30));
        let refused = made(json!({ "min_collection_interval": -1 })).unwrap_err().to_string();
        assert_eq!(refused, "x (built in): min_collection_interval must be a number of seconds above 0, not -1");
        assert!(made(json!([1])).is_err());
    }

    #[test]
    fn the_id_follows_the_configuration() {
        let id = |options| Instance::new("x", options, Value::Null, Source::default()).unwrap().id;
        assert_eq!(id(json!({ "a": 1 })), id(json!({ "a": 1 })));
        assert_ne!(id(json!({ "a": 1 })), id(json!({ "a": 2 })));
        assert!(id(json!({})).starts_with("x:"));
    }

    #[test]
    fn tags_are_a_list_or_one_text() {
        let tags = |tags| Instance::new("x", json!({ "tags": tags }), Value::Null, Source::default()).unwrap().tags();
        assert_eq!(tags(json!(["a:1", 2])), ["a:1", "2"]);
        assert_eq!(tags(json!("a:1, b:2")), ["a:1", "b:2"]);
        assert_eq!(tags(json!(null)), Vec::<String>::new());
    }
}
