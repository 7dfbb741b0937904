//! The seam between the query language and a metric store: what a leaf of a query asks for ([`Leaf`]), what it gets
//! ([`Matrix`]) and who answers ([`MetricSource`]). This crate knows no store.

use galgo_core::MetricKind;

/// The buckets of an answer. Bucket `i` covers `edges(i).0 <= time < edges(i).1` and is stamped with its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grid {
    /// `len` buckets of `step` seconds; `start` is a multiple of `step`.
    Uniform {
        /// Start of the first bucket, in seconds.
        start: i64,
        /// Length of a bucket in seconds, above 0.
        step: i64,
        /// Number of buckets.
        len: usize,
    },
    /// Buckets of uneven length (calendar rollups): `n + 1` ascending edges in seconds for `n` buckets.
    Edges(Vec<i64>),
}

impl Grid {
    /// Number of buckets.
    pub fn len(&self) -> usize {
        match self {
            Self::Uniform { len, .. } => *len,
            Self::Edges(edges) => edges.len().saturating_sub(1),
        }
    }

    /// Whether there is no bucket.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Start of a bucket in seconds; the end of the last one for `bucket == len`.
    pub fn time(&self, bucket: usize) -> i64 {
        match self {
            Self::Uniform { start, step, .. } => start + bucket as i64 * step,
            Self::Edges(edges) => edges[bucket],
        }
    }

    /// Length of a bucket in seconds.
    pub fn length(&self, bucket: usize) -> i64 {
        match self {
            Self::Uniform { step, .. } => *step,
            Self::Edges(edges) => edges[bucket + 1] - edges[bucket],
        }
    }

    /// Length of the first bucket in seconds, 0 when there is none.
    pub fn first_length(&self) -> i64 {
        if self.is_empty() { 0 } else { self.length(0) }
    }
}

/// A condition on the tags of a series, host tags included. `host:x` also matches the series' own host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every series.
    All,
    /// All of them hold.
    And(Vec<Scope>),
    /// One of them holds.
    Or(Vec<Scope>),
    /// It does not hold.
    Not(Box<Scope>),
    /// The series has exactly this tag (`env:prod`, or `bare` without a colon).
    Tag(String),
    /// The series has a tag that matches the pattern, in which `*` stands for any run of characters: `host:web-*`,
    /// `*:redis`. `key:*` also holds for a bare `key`.
    Like(String),
}

/// How the values of several series of one group become one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpaceAgg {
    /// Mean.
    Avg,
    /// Sum.
    Sum,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Number of values of a distribution.
    Count,
    /// Standard deviation of a distribution.
    Stddev,
    /// Percentile of a distribution, between 0 and 100.
    Percentile(f64),
    /// Number of a distribution's values within the bounds (threshold counting).
    CountBetween {
        /// Values above this are counted (at or above when `low_inclusive`).
        low: f64,
        /// Whether `low` itself counts.
        low_inclusive: bool,
        /// Values below this are counted (at or below when `high_inclusive`).
        high: f64,
        /// Whether `high` itself counts.
        high_inclusive: bool,
    },
}

/// How the points of one series in one bucket become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeAgg {
    /// Mean.
    Avg,
    /// Sum.
    Sum,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Number of points.
    Count,
    /// Newest.
    Last,
}

/// `.as_count()` and `.as_rate()` (reference: metric-queries.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TypeModifier {
    /// Neither.
    #[default]
    None,
    /// Values become counts per bucket.
    AsCount,
    /// Values become rates per second.
    AsRate,
}

/// What stands in a bucket where a series of a combined group has no point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fill {
    /// By kind: linear within 300 s for gauges, nothing for counts and rates.
    #[default]
    ByKind,
    /// A straight line between real samples, up to `limit` seconds after the last.
    Linear {
        /// Seconds.
        limit: i64,
    },
    /// The last real sample, up to `limit` seconds.
    Last {
        /// Seconds.
        limit: i64,
    },
    /// Zero, up to `limit` seconds after the last real sample.
    Zero {
        /// Seconds.
        limit: i64,
    },
    /// Nothing.
    Null,
}

/// Which points of a series are turned into differences before space aggregation (reference: functions.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeriesDiff {
    /// `diff`: difference to the bucket before.
    Plain,
    /// `monotonic_diff`: the same, negative differences dropped.
    Monotonic,
}

/// One metric query without functions: the unit of work of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Normalised metric name.
    pub metric: String,
    /// Which series.
    pub scope: Scope,
    /// Tag keys to group by; none for one group of everything.
    pub group_by: Vec<String>,
    /// How series are combined.
    pub space: SpaceAgg,
    /// How points are combined, `None` for the default of the kind and modifier.
    pub time: Option<TimeAgg>,
    /// `.as_count()` or `.as_rate()`.
    pub modifier: TypeModifier,
    /// Interpolation.
    pub fill: Fill,
    /// `.weighted()`.
    pub weighted: bool,
    /// `diff()` directly around the query.
    pub diff: Option<SeriesDiff>,
    /// Buckets wanted.
    pub grid: Grid,
    /// Leave out series that lack a group-by tag (monitors) instead of grouping them under `N/A` (graphs).
    pub skip_ungrouped: bool,
}

impl Leaf {
    /// The mean of every series of a metric, without modifiers.
    pub fn all(metric: impl Into<String>, grid: Grid) -> Self {
        Self {
            metric: metric.into(),
            scope: Scope::All,
            group_by: Vec::new(),
            space: SpaceAgg::Avg,
            time: None,
            modifier: TypeModifier::None,
            fill: Fill::ByKind,
            weighted: false,
            diff: None,
            grid,
            skip_ungrouped: false,
        }
    }
}

/// One group of a leaf's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// One value for each group-by key; `None` where the series has no such tag (shown as `N/A`).
    pub group: Vec<Option<String>>,
    /// One value for each bucket, NaN where there is none.
    pub values: Vec<f64>,
}

/// The answer of a leaf: groups × buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// Groups that have at least one value, in order of their tags.
    pub rows: Vec<Row>,
}

/// What a store knows of a metric; steers defaults of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricInfo {
    /// Kind of the newest series.
    pub kind: MetricKind,
    /// Seconds between submissions, 0 when unknown.
    pub interval: u32,
}

/// Bounds on one query. A store that would pass one stops with [`SourceError::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Most series that one leaf may touch.
    pub max_series: usize,
    /// Most points that one leaf may decode.
    pub max_points: u64,
    /// Most groups × buckets of one leaf.
    pub max_cells: usize,
    /// When to give up, in the injected clock's monotonic time.
    pub deadline: std::time::Duration,
}

/// Why a store could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// A bound was reached; the text names it, its value and what to do.
    #[error("{0}")]
    Limit(String),
    /// Data could not be read; the text names the file.
    #[error("{0}")]
    Storage(String),
}

/// A metric store. Calls block; callers run them off the async threads.
pub trait MetricSource: Send + Sync {
    /// Kind and interval of a metric, `None` when nobody ever sent it.
    fn describe(&self, metric: &str) -> Option<MetricInfo>;

    /// Answers one leaf.
    fn leaf(&self, leaf: &Leaf, budget: &Budget) -> Result<Matrix, SourceError>;
}
