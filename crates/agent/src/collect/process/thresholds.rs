//! How many processes there should be (service check `process.up`).

use galgo_core::check::CheckStatus;
use serde_json::Value;

use crate::check::{CheckError, Samples};
use crate::collect::options::Options;

const KEY: &str = "thresholds";
const EXPECTED: &str = "a map of `warning` and `critical`, each a list of the least and the most processes";

/// Ranges of numbers of processes; without one of them, at least one process is expected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thresholds {
    warning: (f64, f64),
    critical: (f64, f64),
}

impl Thresholds {
    /// `None` when the instance has none.
    pub(super) fn new(options: &Options<'_>) -> Result<Option<Self>, CheckError> {
        let Some(value) = options.get(KEY) else { return Ok(None) };
        let refuse = || options.refuse(KEY, EXPECTED, value);
        let map = value.as_object().ok_or_else(refuse)?;
        let read = |key: &str| match map.get(key) {
            None | Some(Value::Null) => Ok((1.0, f64::INFINITY)),
            Some(given) => range(given).ok_or_else(refuse),
        };
        if map.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { warning: read("warning")?, critical: read("critical")? }))
    }

    fn status(&self, processes: f64) -> CheckStatus {
        let outside = |(least, most): (f64, f64)| processes < least || processes > most;
        match (outside(self.critical), outside(self.warning)) {
            (true, _) => CheckStatus::Critical,
            (false, true) => CheckStatus::Warning,
            (false, false) => CheckStatus::Ok,
        }
    }
}

/// Two numbers. YAML's `.inf` is no JSON number and arrives as null.
fn range(value: &Value) -> Option<(f64, f64)> {
    let [least, most] = value.as_array()?.as_slice() else { return None };
    let number = |value: &Value| match value {
        Value::Null => Some(f64::INFINITY),
        Value::String(text) => text.trim().trim_start_matches('.').parse().ok(),
        other => other.as_f64(),
    };
    Some((number(least)?, number(most)?))
}

pub(super) fn submit(
    thresholds: Option<&Thresholds>,
    name: &str,
    processes: usize,
    tags: &[String],
    out: &mut Samples,
) {
    let status = match thresholds {
        Some(thresholds) => thresholds.status(processes as f64),
        None if processes == 0 => CheckStatus::Critical,
        None => CheckStatus::Ok,
    };
    let message = match status {
        CheckStatus::Ok => String::new(),
        _ => format!("{processes} processes found for {name}"),
    };
    let tags: Vec<String> = tags.iter().cloned().chain([format!("process:{name}")]).collect();
    out.service_check("process.up", status, &tags, message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Instance, Source};
    use serde_json::json;

    fn thresholds(value: Value) -> Result<Option<Thresholds>, CheckError> {
        let instance = Instance::new("process", json!({ KEY: value }), json!({}), Source::default()).unwrap();
        Thresholds::new(&Options::of(&instance))
    }

    #[test]
    fn the_worse_range_counts() {
        let thresholds = thresholds(json!({ "critical": [1, 7], "warning": [3, 5] })).unwrap().unwrap();
        let cases = [
            (0.0, CheckStatus::Critical),
            (1.0, CheckStatus::Warning),
            (3.0, CheckStatus::Ok),
            (5.0, CheckStatus::Ok),
            (6.0, CheckStatus::Warning),
            (8.0, CheckStatus::Critical),
        ];
        for (processes, expected) in cases {
            assert_eq!(thresholds.status(processes), expected, "{processes}");
        }
    }

    #[test]
    fn an_open_end_has_several_spellings() {
        for end in [json!(null), json!(".inf"), json!("inf")] {
            let thresholds = thresholds(json!({ "warning": [2, end] })).unwrap().unwrap();
            assert_eq!(thresholds.status(1e9), CheckStatus::Ok);
            assert_eq!(thresholds.status(1.0), CheckStatus::Warning);
            assert_eq!(thresholds.status(0.0), CheckStatus::Critical);
        }
        assert_eq!(thresholds(json!(null)), Ok(None));
        assert!(thresholds(json!({ "critical": 3 })).is_err());
        assert!(thresholds(json!([1, 2])).is_err());
    }
}
