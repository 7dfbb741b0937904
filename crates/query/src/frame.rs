//! What functions work on: groups × buckets with their times and tags.

use std::sync::Arc;

use crate::source::{Grid, Matrix};

/// The buckets of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// Start of each bucket in seconds, ascending.
    pub starts: Vec<i64>,
    /// Length of each bucket in seconds.
    pub lengths: Lengths,
}

/// Lengths of buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lengths {
    /// All the same.
    Same(i64),
    /// One for each bucket.
    Each(Vec<i64>),
}

/// One series of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// A value for each key of the frame; `None` is shown as `N/A`.
    pub tags: Vec<Option<String>>,
    /// A value for each bucket, NaN where there is none.
    pub values: Vec<f64>,
}

/// Series over common buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The buckets.
    pub axis: Arc<Axis>,
    /// Tag keys by which the series are told apart; none for a single series.
    pub keys: Vec<String>,
    /// The series, in order of their tags unless ranked.
    pub rows: Vec<Group>,
    /// What stands for a group that is not there (after `default_zero`).
    pub missing: Option<f64>,
    /// Whether each series is one number repeated (after `reduce`).
    pub collapsed: bool,
}

/// The value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// Series.
    Frame(Frame),
}

impl Axis {
    /// The buckets of a grid.
    pub fn of(grid: &Grid) -> Self {
        let starts = (0..grid.len()).map(|bucket| grid.time(bucket)).collect();
        let lengths = match grid {
            Grid::Uniform { step, .. } => Lengths::Same(*step),
            Grid::Edges(_) => Lengths::Each((0..grid.len()).map(|bucket| grid.length(bucket)).collect()),
        };
        Self { starts, lengths }
    }

    /// Number of buckets.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no bucket.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Length of a bucket in seconds.
    pub fn length(&self, bucket: usize) -> i64 {
        match &self.lengths {
            Lengths::Same(length) => *length,
            Lengths::Each(lengths) => lengths[bucket],
        }
    }

    /// The length that stands for all of them: that of the first bucket.
    pub fn interval(&self) -> i64 {
        match &self.lengths {
            Lengths::Same(length) => *length,
            Lengths::Each(lengths) => lengths.first().copied().unwrap_or(1),
        }
    }

    /// The bucket that holds a time.
    pub fn index_of(&self, time: i64) -> Option<usize> {
        let bucket = self.starts.partition_point(|&start| start <= time).checked_sub(1)?;
        (time < self.starts[bucket] + self.length(bucket)).then_some(bucket)
    }

    /// The buckets with these indices.
    pub fn select(&self, buckets: &[usize]) -> Self {
        let starts = buckets.iter().map(|&bucket| self.starts[bucket]).collect();
        let lengths = match &self.lengths {
            Lengths::Same(length) => Lengths::Same(*length),
            Lengths::Each(lengths) => Lengths::Each(buckets.iter().map(|&bucket| lengths[bucket]).collect()),
        };
        Self { starts, lengths }
    }
}

impl Frame {
    /// The answer of a leaf.
    pub fn of_matrix(matrix: &Matrix, grid: &Grid, keys: Vec<String>) -> Self {
        let rows =
            matrix.rows.iter().map(|row| Group { tags: row.group.clone(), values: row.values.clone() }).collect();
        Self { axis: Arc::new(Axis::of(grid)), keys, rows, missing: None, collapsed: false }
    }

    /// A single series that is the same everywhere.
    pub fn constant(value: f64, axis: Arc<Axis>) -> Self {
        let rows = vec![Group { tags: Vec::new(), values: vec![value; axis.len()] }];
        Self { axis, keys: Vec::new(), rows, missing: None, collapsed: false }
    }

    /// One series in place of all.
    #[must_use]
    pub fn single(&self, values: Vec<f64>) -> Self {
        Self {
            axis: self.axis.clone(),
            keys: Vec::new(),
            rows: vec![Group { tags: Vec::new(), values }],
            missing: None,
            collapsed: false,
        }
    }

    /// Changes each value that is there.
    #[must_use]
    pub fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        for row in &mut self.rows {
            row.values.iter_mut().for_each(|value| *value = change(*value));
        }
        self.missing = self.missing.map(change).filter(|value| !value.is_nan());
        self
    }

    /// Changes each series as a whole.
    #[must_use]
    pub fn map_rows(mut self, mut change: impl FnMut(&Axis, &mut [f64])) -> Self {
        for row in &mut self.rows {
            change(&self.axis, &mut row.values);
        }
        self
    }

    /// The frame over the buckets with these indices.
    #[must_use]
    pub fn select(self, buckets: &[usize]) -> Self {
        let axis = Arc::new(self.axis.select(buckets));
        let pick = |values: &[f64]| buckets.iter().map(|&bucket| values[bucket]).collect();
        let rows = self.rows.into_iter().map(|row| Group { values: pick(&row.values), tags: row.tags }).collect();
        Self { axis, rows, ..self }
    }

    /// The frame over other buckets; each takes the value of the bucket with the same index in `from`, `None` for
    /// nothing.
    #[must_use]
    pub fn remap(self, axis: Arc<Axis>, from: &[Option<usize>]) -> Self {
        let pick =
            |values: &[f64]| from.iter().map(|bucket| bucket.map_or(f64::NAN, |bucket| values[bucket])).collect();
        let rows = self.rows.into_iter().map(|row| Group { values: pick(&row.values), tags: row.tags }).collect();
        Self { axis, rows, ..self }
    }

    /// Groups × buckets.
    pub fn cells(&self) -> usize {
        self.rows.len() * self.axis.len()
    }

    /// Positions of other keys among those of this frame; `None` when one of them is not there.
    pub fn positions(&self, keys: &[String]) -> Option<Vec<usize>> {
        keys.iter().map(|key| self.keys.iter().position(|own| own == key)).collect()
    }
}
