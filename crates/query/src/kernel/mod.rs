//! The aggregation kernel of one leaf: a store feeds it the points of one series after another, it keeps one small
//! accumulator for each group and bucket and gives back the finished matrix. It lives here and not in a store so that
//! the rules of the language (reference: metric-queries.md §4, §7–§9) are written once and tested against the oracle.
//!
//! Use:
//!
//! ```
//! use galgo_core::MetricKind;
//! use galgo_query::kernel::Kernel;
//! use galgo_query::source::{Grid, Leaf};
//!
//! let grid = Grid::Uniform { start: 0, step: 20, len: 3 };
//! let leaf = Leaf { group_by: vec!["host".into()], ..Leaf::all("system.load.1", grid) };
//! let mut kernel = Kernel::new(&leaf);
//! let (_from, _to) = leaf.scan_range(); // wider than the grid: points outside of it only serve as neighbours
//! kernel.begin(0, MetricKind::Gauge, 10);
//! kernel.points(&[0, 10, 20], &[1.0, 3.0, 5.0]);
//! kernel.end();
//! let matrix = kernel.finish(vec![vec![Some("web-1".into())]]);
//! assert_eq!(matrix.rows[0].values[..2], [2.0, 5.0]);
//! ```
//!
//! Order of work for one series: points fold into one [`fold::Cell`] a bucket; [`Kernel::end`] reads the cells as
//! values ([`reading`]), takes differences, interpolates ([`interpolate`]) and adds the values to the group
//! ([`groups`]). Distributions bypass all of this and merge per group and bucket ([`distribution`]).

mod buckets;
mod distribution;
mod fold;
mod groups;
mod interpolate;
mod reading;

use galgo_core::{MetricKind, Sketch};

use crate::source::{Leaf, Matrix, Row, SeriesDiff};
use buckets::Buckets;
use distribution::Distributions;
use fold::{Cell, CountFold, Fold, LastFold, MaxFold, MinFold, SumFold};
use groups::Groups;
use interpolate::Interpolation;
use reading::{FoldKind, Reading};

/// Default reach of interpolation in seconds (reference: metric-queries.md §8).
pub const DEFAULT_FILL_LIMIT: i64 = 300;

/// A pre-aggregated run of points that lies wholly inside one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChunkStats {
    /// Time of the first point, in seconds.
    pub first_time: i64,
    /// Time of the last point, in seconds.
    pub last_time: i64,
    /// Number of points, above 0.
    pub count: u64,
    /// Sum of the values.
    pub sum: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Value of the last point.
    pub last: f64,
}

/// Aggregates one leaf. See the module's comment for the order of calls.
#[derive(Debug)]
pub struct Kernel {
    leaf: Leaf,
    buckets: Buckets,
    cells: Vec<Cell>,
    /// Buckets of the current series that hold points: `touched.0..touched.1`.
    touched: (usize, usize),
    values: Vec<f64>,
    group: usize,
    reading: Reading,
    interpolation: Interpolation,
    groups: Groups,
    distributions: Distributions,
}

impl Kernel {
    /// A kernel for one leaf.
    pub fn new(leaf: &Leaf) -> Self {
        let buckets = Buckets::of(leaf);
        Self {
            cells: vec![Cell::EMPTY; buckets.len()],
            values: vec![f64::NAN; buckets.len()],
            touched: (usize::MAX, 0),
            group: 0,
            reading: Reading::of(leaf, MetricKind::Gauge, 0),
            interpolation: Interpolation::None,
            groups: Groups::new(leaf.space, buckets.window()),
            distributions: Distributions::new(leaf.space, buckets.window().len()),
            leaf: leaf.clone(),
            buckets,
        }
    }

    /// Number of cells (groups × buckets) held so far, for the store's budget.
    pub fn cells(&self) -> usize {
        self.groups.len().max(self.distributions.len()) * self.buckets.window().len()
    }

    /// Starts a series of the group with this index.
    pub fn begin(&mut self, group_index: usize, kind: MetricKind, interval: u32) {
        self.group = group_index;
        self.reading = Reading::of(&self.leaf, kind, interval);
        self.interpolation = Interpolation::of(&self.leaf, kind, self.reading.weighted);
        debug_assert!(self.touched.0 == usize::MAX, "begin without end");
    }

    /// Whether [`Kernel::stats`] may stand for the points of the current series.
    pub fn accepts_stats(&self) -> bool {
        self.reading.kind != MetricKind::Distribution
    }

    /// Adds points with ascending, unique times that follow those already added.
    pub fn points(&mut self, times: &[i64], values: &[f64]) {
        debug_assert_eq!(times.len(), values.len());
        match self.reading.fold {
            FoldKind::Sum => self.fold_points::<SumFold>(times, values),
            FoldKind::Min => self.fold_points::<MinFold>(times, values),
            FoldKind::Max => self.fold_points::<MaxFold>(times, values),
            FoldKind::Count => self.fold_points::<CountFold>(times, values),
            FoldKind::Last => self.fold_points::<LastFold>(times, values),
        }
    }

    /// Adds points at `start`, `start + step`, …; they follow those already added. `step` is above 0.
    pub fn points_regular(&mut self, start: i64, step: i64, values: &[f64]) {
        debug_assert!(step > 0);
        match self.reading.fold {
            FoldKind::Sum => self.fold_regular::<SumFold>(start, step, values),
            FoldKind::Min => self.fold_regular::<MinFold>(start, step, values),
            FoldKind::Max => self.fold_regular::<MaxFold>(start, step, values),
            FoldKind::Count => self.fold_regular::<CountFold>(start, step, values),
            FoldKind::Last => self.fold_regular::<LastFold>(start, step, values),
        }
    }

    /// Adds a pre-aggregated run of points that lies wholly in one bucket.
    pub fn stats(&mut self, stats: &ChunkStats) {
        let Some(bucket) = self.buckets.index_of(stats.first_time) else { return };
        debug_assert!(Some(bucket) == self.buckets.index_of(stats.last_time), "statistics span two buckets");
        match self.reading.fold {
            FoldKind::Sum => SumFold::stats(&mut self.cells[bucket], stats),
            FoldKind::Min => MinFold::stats(&mut self.cells[bucket], stats),
            FoldKind::Max => MaxFold::stats(&mut self.cells[bucket], stats),
            FoldKind::Count => CountFold::stats(&mut self.cells[bucket], stats),
            FoldKind::Last => LastFold::stats(&mut self.cells[bucket], stats),
        }
        self.touch(bucket, bucket + 1);
    }

    /// Adds the sketch of one second of a distribution.
    pub fn sketch(&mut self, time: i64, sketch: &Sketch) {
        let window = self.buckets.window();
        if let Some(bucket) = self.buckets.index_of(time).filter(|bucket| window.contains(bucket)) {
            self.distributions.add(self.group, bucket - window.start, sketch);
        }
    }

    /// Ends the series and adds it to its group.
    pub fn end(&mut self) {
        let (low, high) = self.touched;
        if low >= high {
            return;
        }
        self.touched = (usize::MAX, 0);
        let touched = low..high;
        self.reading.take(&mut self.cells[touched.clone()], &mut self.values[touched.clone()], low, &self.buckets);
        if let Some(diff) = self.leaf.diff {
            difference(&mut self.values[touched.clone()], diff);
        }
        self.groups.add(self.group, &mut self.values, touched, self.interpolation, &self.buckets);
    }

    /// The rows that have a value, in order of their tags. `groups[i]` names the group with index `i`.
    pub fn finish(self, groups: Vec<Vec<Option<String>>>) -> Matrix {
        let Self { groups: mut scalars, distributions, buckets, leaf, .. } = self;
        let window = buckets.window();
        let mut rows = Vec::new();
        for (index, group) in groups.into_iter().enumerate() {
            let mut values = vec![f64::NAN; window.len()];
            scalars.read(index, &mut values);
            distributions.read(index, &mut values, &leaf, |bucket| buckets.length(window.start + bucket));
            if values.iter().any(|value| !value.is_nan()) {
                rows.push(Row { group, values });
            }
        }
        rows.sort_by(|left, right| left.group.cmp(&right.group));
        Matrix { rows }
    }

    fn touch(&mut self, low: usize, high: usize) {
        self.touched = (self.touched.0.min(low), self.touched.1.max(high));
    }

    fn fold_points<F: Fold>(&mut self, times: &[i64], values: &[f64]) {
        if let Some((low, high)) = fold::points::<F>(&mut self.cells, &self.buckets, times, values) {
            self.touch(low, high);
        }
    }

    fn fold_regular<F: Fold>(&mut self, start: i64, step: i64, values: &[f64]) {
        if let Some((low, high)) = fold::regular::<F>(&mut self.cells, &self.buckets, start, step, values) {
            self.touch(low, high);
        }
    }
}

/// Replaces each value by its difference to the value before; the first one has none.
fn difference(values: &mut [f64], diff: SeriesDiff) {
    let mut before = f64::NAN;
    for value in values.iter_mut().filter(|value| !value.is_nan()) {
        let now = *value;
        let delta = now - before;
        *value = if diff == SeriesDiff::Monotonic && delta < 0.0 { f64::NAN } else { delta };
        before = now;
    }
}

#[cfg(test)]
mod tests;
