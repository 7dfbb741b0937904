//! The buckets in which a kernel collects points: those of the answer and, before and after them, those that only
//! serve as neighbours for interpolation and differences.

use std::ops::Range;

use crate::source::{Fill, Grid, Leaf};

use super::DEFAULT_FILL_LIMIT;

/// Most buckets that are added on either side of the answer: with one-second buckets the longest fill.
const MAX_MARGIN: i64 = crate::rollup::MAX_FILL_LIMIT;

/// Buckets of a kernel, margins included.
#[derive(Debug)]
pub(super) enum Buckets {
    /// Even buckets from `start`.
    Uniform { start: i64, step: i64, len: usize, window: Range<usize> },
    /// Uneven buckets.
    Edges { edges: Vec<i64>, window: Range<usize> },
}

impl Buckets {
    pub(super) fn of(leaf: &Leaf) -> Self {
        let (back, ahead) = margins(leaf);
        match &leaf.grid {
            Grid::Uniform { start, step, len } => {
                let (before, after) = (in_buckets(back, *step), in_buckets(ahead, *step));
                let window = before as usize..before as usize + len;
                Self::Uniform { start: start - before * step, step: *step, len: window.end + after as usize, window }
            }
            Grid::Edges(inner) => {
                let mut edges = inner.clone();
                let len = edges.len().saturating_sub(1);
                if leaf.diff.is_some() && len > 0 {
                    // One more bucket, as long as the first, gives the first difference its predecessor.
                    edges.insert(0, 2 * edges[0] - edges[1]);
                }
                let before = edges.len().saturating_sub(1) - len;
                Self::Edges { edges, window: before..before + len }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Uniform { len, .. } => *len,
            Self::Edges { edges, .. } => edges.len().saturating_sub(1),
        }
    }

    /// The buckets of the answer among all of them.
    pub(super) fn window(&self) -> Range<usize> {
        match self {
            Self::Uniform { window, .. } | Self::Edges { window, .. } => window.clone(),
        }
    }

    pub(super) fn is_uniform(&self) -> bool {
        matches!(self, Self::Uniform { .. })
    }

    /// Start of a bucket in seconds; the end of the last one for `bucket == len`.
    pub(super) fn start(&self, bucket: usize) -> i64 {
        match self {
            Self::Uniform { start, step, .. } => start + bucket as i64 * step,
            Self::Edges { edges, .. } => edges[bucket],
        }
    }

    /// Length of a bucket in seconds.
    pub(super) fn length(&self, bucket: usize) -> f64 {
        match self {
            Self::Uniform { step, .. } => *step as f64,
            Self::Edges { edges, .. } => (edges[bucket + 1] - edges[bucket]) as f64,
        }
    }

    /// The bucket that holds a time.
    pub(super) fn index_of(&self, time: i64) -> Option<usize> {
        let (from, to) = self.range();
        if time < from || time >= to {
            return None;
        }
        Some(match self {
            Self::Uniform { start, step, .. } => ((time - start) / step) as usize,
            Self::Edges { edges, .. } => edges.partition_point(|&edge| edge <= time) - 1,
        })
    }

    /// All times that matter: `from <= time < to`.
    pub(super) fn range(&self) -> (i64, i64) {
        if self.len() == 0 { (0, 0) } else { (self.start(0), self.start(self.len())) }
    }
}

/// Seconds as a number of buckets, rounded up and bounded.
fn in_buckets(seconds: i64, step: i64) -> i64 {
    ((seconds + step - 1) / step).min(MAX_MARGIN)
}

/// How far before and after the answer points matter, in seconds.
fn margins(leaf: &Leaf) -> (i64, i64) {
    let (back, ahead) = match leaf.fill {
        Fill::ByKind if leaf.diff.is_some() || leaf.weighted => (0, 0),
        Fill::ByKind => (DEFAULT_FILL_LIMIT, DEFAULT_FILL_LIMIT),
        Fill::Linear { limit } => (limit, limit),
        Fill::Last { limit } | Fill::Zero { limit } => (limit, 0),
        Fill::Null => (0, 0),
    };
    // A difference looks for its predecessor as far back as interpolation would, at least one bucket.
    let predecessor = if leaf.diff.is_some() { leaf.grid.first_length().max(DEFAULT_FILL_LIMIT) } else { 0 };
    (back.max(0).max(predecessor), ahead.max(0))
}

impl Leaf {
    /// The times whose points a store must hand to the kernel, in seconds: `from <= time < to`.
    pub fn scan_range(&self) -> (i64, i64) {
        Buckets::of(self).range()
    }
}
