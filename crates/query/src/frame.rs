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
    /// What an algorithm says of the values. What changes them drops it; what chooses among series or buckets keeps it.
    pub finding: Option<Box<Finding>>,
}

/// What the numbers of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// What was measured, or computed from it.
    #[default]
    Value,
    /// Values of a group that behaves like the others (`outliers`).
    Usual,
    /// Values of a group that does not (`outliers`).
    Outlier,
    /// Lower edge of the values that are to be expected (`anomalies`, `forecast`).
    Lower,
    /// Upper edge of them.
    Upper,
    /// What is to be expected after the newest value (`forecast`).
    Forecast,
}

impl Role {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Usual => "usual",
            Self::Outlier => "outlier",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Forecast => "forecast",
        }
    }
}

/// What an algorithm says of a series besides its values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finding {
    /// What the values are.
    pub role: Role,
    /// Further lines over the same buckets, NaN where there is nothing.
    pub lines: Vec<(Role, Vec<f64>)>,
    /// For each bucket whether its value lies outside of the lines, on a side that counts; empty when none does.
    pub outside: Vec<bool>,
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

impl Group {
    /// A series of which no algorithm says anything.
    pub fn new(tags: Vec<Option<String>>, values: Vec<f64>) -> Self {
        Self { tags, values, finding: None }
    }

    /// Whether it has a value or a line anywhere.
    pub fn has_value(&self) -> bool {
        let any = |values: &[f64]| values.iter().any(|value| !value.is_nan());
        any(&self.values)
            || self.finding.as_ref().is_some_and(|finding| finding.lines.iter().any(|(_, line)| any(line)))
    }

    /// The values, and after the newest of them its forecast: what ranks and scalars are made of.
    pub fn continued(&self) -> std::borrow::Cow<'_, [f64]> {
        let lines = self.finding.as_ref().map_or(&[][..], |finding| &finding.lines);
        match lines.iter().find(|(role, _)| *role == Role::Forecast) {
            None => (&self.values[..]).into(),
            Some((_, forecast)) => {
                let either = |(&value, &expected): (&f64, &f64)| if value.is_nan() { expected } else { value };
                self.values.iter().zip(forecast).map(either).collect::<Vec<f64>>().into()
            }
        }
    }

    /// The series over other buckets; each takes what the bucket with that index has, `None` for nothing.
    fn at(self, buckets: impl Iterator<Item = Option<usize>> + Clone) -> Self {
        let pick = |values: &[f64]| buckets.clone().map(|at| at.map_or(f64::NAN, |at| values[at])).collect();
        let finding = self.finding.map(|finding| {
            let is_outside = |at: Option<usize>| at.is_some_and(|at| finding.outside[at]);
            Box::new(Finding {
                role: finding.role,
                lines: finding.lines.iter().map(|(role, line)| (*role, pick(line))).collect(),
                outside: if finding.outside.is_empty() {
                    Vec::new()
                } else {
                    buckets.clone().map(is_outside).collect()
                },
            })
        });
        Self { values: pick(&self.values), tags: self.tags, finding }
    }
}

impl Frame {
    /// The answer of a leaf.
    pub fn of_matrix(matrix: &Matrix, grid: &Grid, keys: Vec<String>) -> Self {
        let rows = matrix.rows.iter().map(|row| Group::new(row.group.clone(), row.values.clone())).collect();
        Self { axis: Arc::new(Axis::of(grid)), keys, rows, missing: None, collapsed: false }
    }

    /// A single series that is the same everywhere.
    pub fn constant(value: f64, axis: Arc<Axis>) -> Self {
        let rows = vec![Group::new(Vec::new(), vec![value; axis.len()])];
        Self { axis, keys: Vec::new(), rows, missing: None, collapsed: false }
    }

    /// One series in place of all.
    #[must_use]
    pub fn single(&self, values: Vec<f64>) -> Self {
        Self {
            axis: self.axis.clone(),
            keys: Vec::new(),
            rows: vec![Group::new(Vec::new(), values)],
            missing: None,
            collapsed: false,
        }
    }

    /// Changes each value that is there.
    #[must_use]
    pub fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        for row in &mut self.rows {
            row.values.iter_mut().for_each(|value| *value = change(*value));
            row.finding = None;
        }
        self.missing = self.missing.map(change).filter(|value| !value.is_nan());
        self
    }

    /// Changes each series as a whole.
    #[must_use]
    pub fn map_rows(mut self, mut change: impl FnMut(&Axis, &mut [f64])) -> Self {
        for row in &mut self.rows {
            change(&self.axis, &mut row.values);
            row.finding = None;
        }
        self
    }

    /// The frame over the buckets with these indices.
    #[must_use]
    pub fn select(self, buckets: &[usize]) -> Self {
        let axis = Arc::new(self.axis.select(buckets));
        let rows = self.rows.into_iter().map(|row| row.at(buckets.iter().copied().map(Some))).collect();
        Self { axis, rows, ..self }
    }

    /// The frame over other buckets; each takes the value of the bucket with the same index in `from`, `None` for
    /// nothing.
    #[must_use]
    pub fn remap(self, axis: Arc<Axis>, from: &[Option<usize>]) -> Self {
        let rows = self.rows.into_iter().map(|row| row.at(from.iter().copied())).collect();
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
