//! What is asked of the evaluator and what it answers.

use galgo_core::MetricKind;

use crate::frame::Axis;
pub use crate::frame::Role;
use crate::reduce::Aggregator;
use crate::variables::Variables;

/// Where a query is used; monitors differ from graphs in a few rules (reference: metric-queries.md §4, functions.md §13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Context {
    /// Graphs and the API.
    #[default]
    Graph,
    /// Monitors: series that lack a group-by tag are left out, some functions are refused.
    Monitor,
}

/// A text of comma-separated queries, as v1 has it.
#[derive(Debug, Clone)]
pub struct TextRequest<'a> {
    /// The text.
    pub text: &'a str,
    /// First second.
    pub from: i64,
    /// Last second: the last bucket contains it.
    pub to: i64,
    /// Wanted length of a bucket in seconds, `None` for the default of the window.
    pub interval: Option<i64>,
    /// Template variables of the text.
    pub variables: &'a Variables,
    /// Who asks.
    pub context: Context,
}

impl<'a> TextRequest<'a> {
    /// A request without variables, for a graph.
    pub fn new(text: &'a str, from: i64, to: i64, variables: &'a Variables) -> Self {
        Self { text, from, to, interval: None, variables, context: Context::Graph }
    }
}

/// A query with a name, as v2 and widgets have it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedQuery {
    /// The name that formulas use.
    pub name: String,
    /// The query.
    pub text: String,
    /// How a scalar is made of its series.
    pub aggregator: Aggregator,
}

/// An expression over named queries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Formula {
    /// The expression.
    pub text: String,
    /// How many series are kept.
    pub limit: Option<Limit>,
}

/// The best so many series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub count: usize,
    /// Largest first.
    pub descending: bool,
}

/// Named queries and formulas over them.
#[derive(Debug, Clone)]
pub struct FormulaRequest<'a> {
    /// The queries.
    pub queries: &'a [NamedQuery],
    /// The formulas; none for every query as it is.
    pub formulas: &'a [Formula],
    /// First second.
    pub from: i64,
    /// First second after the window.
    pub to: i64,
    /// Wanted length of a bucket in seconds, `None` for the default of the window. Scalars have none.
    pub interval: Option<i64>,
    /// Template variables of the queries.
    pub variables: &'a Variables,
    /// Who asks.
    pub context: Context,
}

/// The answer to a query: series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The series, those of the first query or formula first. Each has at least one value.
    pub series: Vec<Series>,
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Which query of the text, or which formula, it belongs to.
    pub query_index: usize,
    /// Keys and values of its group, in the order of the query; `None` is shown as `N/A`.
    pub tags: Vec<(String, Option<String>)>,
    /// The buckets.
    pub axis: std::sync::Arc<Axis>,
    /// A value for each bucket, NaN where there is none.
    pub values: Vec<f64>,
    /// What the series is.
    pub about: About,
    /// What its numbers are.
    pub role: Role,
    /// The buckets whose values lie outside of what is usual, on a side that counts, ascending.
    pub outside: Vec<usize>,
}

/// What a series is, in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// Metric name; for arithmetic and functions the expression over metric names.
    pub metric: String,
    /// The query of this group, its tags in the scope: `avg:system.cpu.idle{host:x}`.
    pub expression: String,
    /// The scope of this group: `*`, or tags joined by commas.
    pub scope: String,
    /// Space aggregator as written, `None` when left out or when there are several queries.
    pub aggr: Option<String>,
    /// Kind of the first metric.
    pub kind: Option<MetricKind>,
    /// Whose unit the values have.
    pub unit: Option<UnitSource>,
}

/// The metric whose unit the values of a series have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitSource {
    /// Normalised metric name.
    pub metric: String,
    /// Whether the values are that unit per second.
    pub per_second: bool,
}

impl About {
    /// The same of a line that an algorithm adds: `lower(…)`, `upper(…)`, `forecast(…)` around its names.
    #[must_use]
    pub fn of_line(&self, role: Role) -> Self {
        let around = |name: &str| format!("{}({name})", role.as_str());
        Self { metric: around(&self.metric), expression: around(&self.expression), ..self.clone() }
    }
}

impl Series {
    /// Tags as `key:value`, the form of `tag_set` and `group_tags`.
    pub fn tag_set(&self) -> Vec<String> {
        self.tags.iter().map(|(key, value)| format!("{key}:{}", value.as_deref().unwrap_or(NOT_AVAILABLE))).collect()
    }

    /// Length of a bucket in seconds.
    pub fn interval(&self) -> i64 {
        self.axis.interval()
    }

    /// The buckets that have a value: their start in seconds and the value.
    pub fn points(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        self.axis.starts.iter().copied().zip(self.values.iter().copied()).filter(|(_, value)| !value.is_nan())
    }
}

/// How a missing tag is shown.
pub const NOT_AVAILABLE: &str = "N/A";

impl Answer {
    /// All series over common times: the times at which any of them has a value, ascending, and for each series a value
    /// for each time (`None` where it has none). The form of v2.
    pub fn table(&self) -> (Vec<i64>, Vec<Vec<Option<f64>>>) {
        let mut times: Vec<i64> = self.series.iter().flat_map(|series| series.points().map(|(time, _)| time)).collect();
        times.sort_unstable();
        times.dedup();
        let row = |series: &Series| {
            let mut row = vec![None; times.len()];
            for (time, value) in series.points() {
                if let Ok(at) = times.binary_search(&time) {
                    row[at] = Some(value);
                }
            }
            row
        };
        let rows = self.series.iter().map(row).collect();
        (times, rows)
    }
}

/// The answer to a scalar request: a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScalarAnswer {
    /// Tag keys, one column each.
    pub keys: Vec<String>,
    /// One for each formula, or query when there are no formulas.
    pub columns: Vec<ScalarColumn>,
    /// The groups, best of the first column first when it has a limit.
    pub rows: Vec<ScalarRow>,
}

/// A column of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalarColumn {
    /// Text of the formula, or name of the query.
    pub name: String,
    /// Whose unit the values have.
    pub unit: Option<UnitSource>,
}

/// A group of a scalar answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarRow {
    /// A value for each key; `None` is shown as `N/A`.
    pub tags: Vec<Option<String>>,
    /// A number for each column.
    pub values: Vec<Option<f64>>,
}
