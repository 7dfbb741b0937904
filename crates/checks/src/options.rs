//! Reads an instance's options the way Datadog's checks do: a number may stand in quotes, a flag may be `yes`, one text
//! may stand for a list of one. What cannot be read is refused with the key, the value and what was expected.

use std::time::Duration;

use galgo_agent::check::{Instance, InstanceError, is_affirmative};
use serde_json::{Map, Value};

/// An instance's options with the file's `init_config` behind them.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    instance: &'a Instance,
}

/// The text of a scalar.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

impl<'a> Options<'a> {
    /// The options of an instance.
    pub fn of(instance: &'a Instance) -> Self {
        Self { instance }
    }

    /// The value of a key, unless it is absent or null.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.instance.options.get(key).filter(|value| !value.is_null())
    }

    /// The value of a key in the instance, else in `init_config`.
    pub fn get_or_init(&self, key: &str) -> Option<&'a Value> {
        self.get(key).or_else(|| self.init(key))
    }

    /// The value of a key in `init_config`.
    pub fn init(&self, key: &str) -> Option<&'a Value> {
        self.instance.init_config.get(key).filter(|value| !value.is_null())
    }

    /// The key of two that is set, the first winning: a name and its older name.
    pub fn either(&self, key: &'static str, older: &'static str) -> &'static str {
        if self.get(key).is_none() && self.get(older).is_some() { older } else { key }
    }

    /// An error about a key.
    pub fn refuse(&self, key: &str, expected: &str, value: &Value) -> InstanceError {
        self.instance.refuse(format!("{key} must be {expected}, not {value}"))
    }

    /// A text; numbers and flags are taken as they are written.
    pub fn text(&self, key: &str) -> Result<Option<String>, InstanceError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        scalar_text(value).map(Some).ok_or_else(|| self.refuse(key, "a text", value))
    }

    /// A text that must be there.
    pub fn required(&self, key: &str) -> Result<String, InstanceError> {
        let text = self.text(key)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| self.instance.refuse(format!("{key} is required")))
    }

    /// A flag.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).map_or(default, is_affirmative)
    }

    /// A finite number.
    pub fn number(&self, key: &str) -> Result<Option<f64>, InstanceError> {
        self.number_in(key, self.get(key))
    }

    /// A finite number of the instance, else of `init_config`.
    pub fn number_or_init(&self, key: &str) -> Result<Option<f64>, InstanceError> {
        self.number_in(key, self.get_or_init(key))
    }

    fn number_in(&self, key: &str, value: Option<&Value>) -> Result<Option<f64>, InstanceError> {
        let Some(value) = value else { return Ok(None) };
        number_of(value).map(Some).ok_or_else(|| self.refuse(key, "a number", value))
    }

    /// A whole number from 0.
    pub fn whole(&self, key: &str) -> Result<Option<u64>, InstanceError> {
        let Some(number) = self.number(key)? else { return Ok(None) };
        if number < 0.0 || number.fract() != 0.0 {
            return Err(self.refuse(key, "a whole number from 0", &Value::from(number)));
        }
        Ok(Some(number as u64))
    }

    /// A TCP port.
    pub fn port(&self, key: &str) -> Result<Option<u16>, InstanceError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let port = number_of(value).filter(|port| port.fract() == 0.0 && (1.0..=65535.0).contains(port));
        port.map(|port| Some(port as u16)).ok_or_else(|| self.refuse(key, "a port from 1 to 65535", value))
    }

    /// A time limit in seconds above 0, of the instance or of `init_config`.
    pub fn limit(&self, key: &str) -> Result<Option<Duration>, InstanceError> {
        let Some(value) = self.get_or_init(key) else { return Ok(None) };
        let seconds = number_of(value).filter(|seconds| *seconds > 0.0);
        let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        limit.map(Some).ok_or_else(|| self.refuse(key, "a number of seconds above 0", value))
    }

    /// A list of texts; one text stands for a list of one.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, InstanceError> {
        self.texts_in(key, self.get(key))
    }

    /// A list of texts of the instance, else of `init_config`.
    pub fn texts_or_init(&self, key: &str) -> Result<Vec<String>, InstanceError> {
        self.texts_in(key, self.get_or_init(key))
    }

    fn texts_in(&self, key: &str, value: Option<&Value>) -> Result<Vec<String>, InstanceError> {
        let refuse = |value: &Value| self.refuse(key, "a list of texts", value);
        match value {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| scalar_text(item).ok_or_else(|| refuse(item))).collect()
            }
            Some(value) => scalar_text(value).map(|text| vec![text]).ok_or_else(|| refuse(value)),
        }
    }

    /// A map.
    pub fn map(&self, key: &str) -> Result<Option<&'a Map<String, Value>>, InstanceError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(value) => Err(self.refuse(key, "a map", value)),
        }
    }

    /// A map from text to text.
    pub fn text_map(&self, key: &str) -> Result<Vec<(String, String)>, InstanceError> {
        let Some(map) = self.map(key)? else { return Ok(Vec::new()) };
        let pair = |(name, value): (&String, &Value)| {
            let text = scalar_text(value).ok_or_else(|| self.refuse(&format!("{key}.{name}"), "a text", value))?;
            Ok((name.clone(), text))
        };
        map.iter().map(pair).collect()
    }
}

/// A tag's value as Datadog's checks write it: separators become one `_`, none at either end.
pub fn normalise_tag(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        let separates = matches!(letter, ',' | '+' | '*' | '-' | '/' | '(' | ')' | '[' | ']' | '{' | '}' | '_')
            || letter.is_ascii_whitespace();
        if !separates {
            out.push(letter);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    out.replace("_.", ".").replace("._", ".").trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use galgo_agent::check::Source;
    use serde_json::json;

    use super::*;

    fn instance(options: Value, init: Value) -> Instance {
        Instance::new("x", options, init, Source::default()).unwrap()
    }

    #[test]
    fn values_are_read_in_every_usual_spelling() {
        let made = instance(
            json!({ "a": "5", "b": "yes", "c": "one", "d": [1, "two"], "e": null, "m": { "k": 1 } }),
            json!({ "timeout": 3 }),
        );
        let options = Options::of(&made);
        assert_eq!(options.number("a").unwrap(), Some(5.0));
        assert!(options.flag("b", false));
        assert_eq!(options.texts("c").unwrap(), ["one"]);
        assert_eq!(options.texts("d").unwrap(), ["1", "two"]);
        assert_eq!(options.text("e").unwrap(), None);
        assert_eq!(options.text_map("m").unwrap(), [("k".to_owned(), "1".to_owned())]);
        assert_eq!(options.limit("timeout").unwrap(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn what_cannot_be_read_names_key_value_and_expectation() {
        let made = instance(json!({ "port": 70000, "timeout": "soon", "m": [] }), Value::Null);
        let options = Options::of(&made);
        let text = |error: InstanceError| error.reason;
        assert_eq!(text(options.port("port").unwrap_err()), "port must be a port from 1 to 65535, not 70000");
        let refused = text(options.limit("timeout").unwrap_err());
        assert_eq!(refused, "timeout must be a number of seconds above 0, not \"soon\"");
        assert_eq!(text(options.map("m").unwrap_err()), "m must be a map, not []");
        assert_eq!(text(options.required("url").unwrap_err()), "url is required");
    }

    #[test]
    fn tag_values_lose_their_separators() {
        for (given, wanted) in [("My first service", "My_first_service"), ("a--b/(c)", "a_b_c"), ("x._y", "x.y")] {
            assert_eq!(normalise_tag(given), wanted);
        }
    }
}
