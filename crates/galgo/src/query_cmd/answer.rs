//! The answer of `/api/v1/query`, as far as it is printed.

use serde_json::Value;

use super::quantity::Unit;

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    /// The query of this group, its scope resolved.
    pub(super) expression: String,
    /// The group: `host:a,env:b`, or `*`.
    pub(super) group: String,
    /// Unit of the values.
    pub(super) unit: Unit,
    /// Seconds between points.
    pub(super) interval: f64,
    /// Seconds since the UNIX epoch and values, in order, without gaps' nulls.
    pub(super) points: Vec<(f64, f64)>,
}

/// All series.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Answer {
    pub(super) series: Vec<Series>,
}

impl Answer {
    /// Reads the answer; `None` when it is of another kind.
    pub(super) fn read(answer: &Value) -> Option<Self> {
        let series = answer.get("series")?.as_array()?;
        Some(Self { series: series.iter().map(Series::read).collect() })
    }

    /// Values of all series.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| series.points.iter().map(|&(_, value)| value))
    }
}

impl Series {
    fn read(series: &Value) -> Self {
        let text = |key: &str| series.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let tags = series.get("tag_set").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let tags: Vec<&str> = tags.collect();
        let group = if tags.is_empty() { text("scope") } else { tags.join(",") };
        let point = |point: &Value| Some((point.get(0)?.as_f64()? / 1000.0, point.get(1)?.as_f64()?));
        let points = series.get("pointlist").and_then(Value::as_array).into_iter().flatten().filter_map(point);
        Self {
            expression: text("expression"),
            group: if group.is_empty() { "*".into() } else { group },
            unit: Unit::read(series.get("unit")),
            interval: series.get("interval").and_then(Value::as_f64).unwrap_or(0.0),
            points: points.collect(),
        }
    }
}

/// The texts of an error answer; the body itself when it has another shape.
pub(super) fn errors(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let one = |error: &Value| match error {
        Value::String(text) => text.clone(),
        // JSON:API errors of version 2.
        other => other.get("detail").or(other.get("title")).and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    match value.get("errors").and_then(Value::as_array) {
        Some(errors) => errors.iter().map(one).collect(),
        None if text.trim().is_empty() => Vec::new(),
        None => vec![text.trim().chars().take(500).collect()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_read() {
        let answer = json!({ "status": "ok", "series": [
            { "expression": "avg:m{host:a}", "scope": "host:a", "tag_set": ["host:a"], "interval": 20,
              "pointlist": [[1000, 1.5], [21000, null], [41000, 2]], "unit": null },
            { "expression": "avg:m{*}", "scope": "*", "tag_set": [], "pointlist": [] },
        ]});
        let answer = Answer::read(&answer).expect("an answer");
        assert_eq!(answer.series[0].points, [(1.0, 1.5), (41.0, 2.0)]);
        assert_eq!((answer.series[0].group.as_str(), answer.series[1].group.as_str()), ("host:a", "*"));
        assert_eq!(Answer::read(&json!({ "errors": [] })), None);
    }

    #[test]
    fn errors_of_all_shapes_are_read() {
        for (body, expected) in [
            (r#"{"errors":["a","b"]}"#, vec!["a", "b"]),
            (r#"{"errors":[{"title":"t","detail":"d"}]}"#, vec!["d"]),
            ("bad gateway\n", vec!["bad gateway"]),
            ("", vec![]),
        ] {
            assert_eq!(errors(body.as_bytes()), expected, "{body}");
        }
    }
}
