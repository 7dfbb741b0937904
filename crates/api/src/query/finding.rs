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
