//! What `anomalies`, `outliers` and `forecast` say of a series: two fields of our own that series of other queries lack,
//! so that Datadog's clients see what they know.

use galgo_query::request::{Role, Series};
use serde::Serialize;

/// Fields beside those of Datadog.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What the numbers are: `usual` or `outlier` values, the `lower` or `upper` edge of a band, a `forecast`; left out
    /// for plain values.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// The times of the values that lie outside of their band, in milliseconds; left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outside: Vec<i64>,
}

impl Finding {
    /// What is said of a series.
    pub fn of(series: &Series) -> Self {
        let role = Some(series.role).filter(|role| *role != Role::Value).map(Role::as_str);
        let outside = series.outside.iter().map(|&bucket| series.axis.starts[bucket] * 1000).collect();
        Self { role, outside }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use galgo_query::frame::{Axis, Lengths};
    use serde_json::json;

    use super::*;

    fn written(role: Role, outside: Vec<usize>) -> serde_json::Value {
        let axis = Arc::new(Axis { starts: vec![60, 120, 180], lengths: Lengths::Same(60) });
        let (tags, values, about) = (Vec::new(), vec![1.0, 9.0, 1.0], Default::default());
        let series = Series { query_index: 0, tags, axis, values, about, role, outside };
        serde_json::to_value(Finding::of(&series)).expect("fields are plain")
    }

    #[test]
    fn plain_series_say_nothing() {
        assert_eq!(written(Role::Value, Vec::new()), json!({}));
        assert_eq!(written(Role::Value, vec![1]), json!({ "outside": [120_000] }));
        assert_eq!(written(Role::Lower, Vec::new()), json!({ "role": "lower" }));
        assert_eq!(written(Role::Outlier, Vec::new()), json!({ "role": "outlier" }));
    }
}
