//! Reads the options of an instance as leniently as Datadog's own checks do (`yes` is true, one text is a list of one,
//! a number may be in quotes) and names file, key and value of what cannot be understood.

use std::time::Duration;

use serde_json::Value;

use crate::check::{CheckError, Instance, is_affirmative};

/// The spellings of "no"; those of "yes" are known to [`is_affirmative`].
const NEGATIVE: [&str; 6] = ["no", "false", "0", "n", "off", ""];

/// One map of options: an instance's own, or its file's `init_config`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'a> {
    instance: &'a Instance,
    map: &'a Value,
}

impl<'a> Options<'a> {
    /// The instance's own options.
    pub(super) fn of(instance: &'a Instance) -> Self {
        Self { instance, map: &instance.options }
    }

    /// The options of the whole file.
    pub(super) fn init(instance: &'a Instance) -> Self {
        Self { instance, map: &instance.init_config }
    }

    /// The value of a key; null counts as not given.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// An error about a key.
    pub(super) fn refuse(&self, key: &str, expected: &str, value: &Value) -> CheckError {
        CheckError::new(self.instance.refuse(format!("{key} must be {expected}, not {value}")).to_string())
    }

    /// Whether something is switched on.
    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, CheckError> {
        match self.get(key) {
            None => Ok(default),
            Some(value) if is_affirmative(value) => Ok(true),
            Some(Value::Bool(_) | Value::Number(_)) => Ok(false),
            Some(Value::String(text)) if NEGATIVE.contains(&text.to_lowercase().as_str()) => Ok(false),
            Some(value) => Err(self.refuse(key, "true or false", value)),
        }
    }

    /// A number that is not below 0.
    pub(super) fn number(&self, key: &str, default: f64) -> Result<f64, CheckError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let valid = number.filter(|number| number.is_finite() && *number >= 0.0);
        valid.ok_or_else(|| self.refuse(key, "a number of at least 0", value))
    }

    /// A number of seconds above 0.
    pub(super) fn seconds(&self, key: &str, default: f64) -> Result<Duration, CheckError> {
        let seconds = self.number(key, default)?;
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if !duration.is_zero() => Ok(duration),
            _ => Err(self.refuse(key, "a number of seconds above 0", self.get(key).unwrap_or(&Value::Null))),
        }
    }

    /// One text; an empty one counts as not given.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, CheckError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let text = scalar(value).ok_or_else(|| self.refuse(key, "one text", value))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A list of texts; one text alone is a list of one, empty ones are left out.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, CheckError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let texts: Option<Vec<String>> = match value {
            Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(scalar).collect(),
            other => scalar(other).map(|text| vec![text]),
        };
        let texts = texts.ok_or_else(|| self.refuse(key, "a list of texts", value))?;
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Source;
    use serde_json::json;

    fn instance(options: Value) -> Instance {
        let source = Source { path: "conf.d/disk.yaml".into(), index: 1 };
        Instance::new("disk", options, json!({}), source).unwrap()
    }

    #[test]
    fn values_are_read_in_every_spelling() {
        let instance = instance(json!({
            "on": "yes", "off": "No", "one": 1, "list": ["a", 2, null, ""], "single": "a", "n": "2.5", "nothing": null
        }));
        let options = Options::of(&instance);
        let flag = |key| options.flag(key, true).unwrap();
        assert_eq!(["on", "off", "one", "nothing", "missing"].map(flag), [true, false, true, true, true]);
        assert_eq!(options.texts("list").unwrap(), ["a", "2"]);
        assert_eq!(options.texts("single").unwrap(), ["a"]);
        assert_eq!(options.number("n", 1.0).unwrap(), 2.5);
        assert_eq!(options.seconds("missing", 5.0).unwrap(), Duration::from_secs(5));
        assert_eq!(options.text("one").unwrap().as_deref(), Some("1"));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let instance = instance(json!({ "f": "perhaps", "n": "many", "t": 0, "l": { "a": 1 } }));
        let options = Options::of(&instance);
        let messages = [
            options.flag("f", true).unwrap_err().message,
            options.number("n", 1.0).unwrap_err().message,
            options.seconds("t", 1.0).unwrap_err().message,
            options.texts("l").unwrap_err().message,
        ];
        let prefix = "disk (conf.d/disk.yaml, instance 2): ";
        let expected = [
            r#"f must be true or false, not "perhaps""#,
            r#"n must be a number of at least 0, not "many""#,
            "t must be a number of seconds above 0, not 0",
            r#"l must be a list of texts, not {"a":1}"#,
        ];
        assert_eq!(messages, expected.map(|text| format!("{prefix}{text}")));
    }
}
