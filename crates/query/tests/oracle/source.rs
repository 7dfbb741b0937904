//! The raw series behind the real seam: the kernel does the work, as in a store.

use std::time::Duration;

use galgo_core::{MetricKind, Sketch};
use galgo_query::kernel::{ChunkStats, Kernel};
use galgo_query::source::{Budget, Leaf, Matrix, MetricInfo, MetricSource, Scope, SourceError};

use super::data::{Data, RawSeries};

pub const BUDGET: Budget =
    Budget { max_series: 10_000, max_points: 10_000_000, max_cells: 1_000_000, deadline: Duration::MAX };

impl MetricSource for Data {
    fn describe(&self, metric: &str) -> Option<MetricInfo> {
        let series = self.series.iter().rev().find(|series| series.metric == metric)?;
        Some(MetricInfo { kind: series.kind, interval: series.interval })
    }

    fn leaf(&self, leaf: &Leaf, budget: &Budget) -> Result<Matrix, SourceError> {
        let mut kernel = Kernel::new(leaf);
        let mut groups: Vec<Vec<Option<String>>> = Vec::new();
        for (number, series) in self.series.iter().enumerate().filter(|(_, series)| series.metric == leaf.metric) {
            let tags = self.tags_of(series);
            if !matches(&leaf.scope, &tags) {
                continue;
            }
            let group: Vec<Option<String>> = leaf.group_by.iter().map(|key| value_of(&tags, key)).collect();
            if leaf.skip_ungrouped && group.iter().any(Option::is_none) {
                continue;
            }
            let index = groups.iter().position(|known| *known == group).unwrap_or_else(|| {
                groups.push(group);
                groups.len() - 1
            });
            kernel.begin(index, series.kind, series.interval);
            feed(&mut kernel, series, leaf, number);
            kernel.end();
            if kernel.cells() > budget.max_cells {
                return Err(SourceError::Limit(format!("more than {} groups × buckets", budget.max_cells)));
            }
        }
        Ok(kernel.finish(groups))
    }
}

/// Hands the points over in one of the forms that a store may choose.
fn feed(kernel: &mut Kernel, series: &RawSeries, leaf: &Leaf, number: usize) {
    if series.kind == MetricKind::Distribution {
        for (time, value) in &series.points {
            let mut sketch = Sketch::new();
            sketch.insert(*value, 1);
            kernel.sketch(*time, &sketch);
        }
        return;
    }
    let (from, to) = leaf.scan_range();
    let (times, values): (Vec<i64>, Vec<f64>) =
        series.points.iter().filter(|(time, _)| (from..to).contains(time)).copied().unzip();
    match number % 3 {
        0 => kernel.points(&times, &values),
        1 => {
            let half = times.len() / 2;
            kernel.points(&times[..half], &values[..half]);
            kernel.points(&times[half..], &values[half..]);
        }
        _ if kernel.accepts_stats() => {
            for (&time, &value) in times.iter().zip(&values) {
                kernel.stats(&ChunkStats {
                    first_time: time,
                    last_time: time,
                    count: 1,
                    sum: value,
                    min: value,
                    max: value,
                    last: value,
                });
            }
        }
        _ => kernel.points(&times, &values),
    }
}

/// The values of a key, joined when there are several.
fn value_of(tags: &[String], key: &str) -> Option<String> {
    let mut values: Vec<&str> =
        tags.iter().filter_map(|tag| tag.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'))).collect();
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then(|| values.join(","))
}

fn matches(scope: &Scope, tags: &[String]) -> bool {
    match scope {
        Scope::All => true,
        Scope::And(parts) => parts.iter().all(|part| matches(part, tags)),
        Scope::Or(parts) => parts.iter().any(|part| matches(part, tags)),
        Scope::Not(part) => !matches(part, tags),
        Scope::Tag(tag) => tags.contains(tag),
        Scope::Like(pattern) => tags.iter().any(|tag| {
            like(pattern, tag) || pattern.strip_suffix(":*").is_some_and(|key| key == tag && !tag.contains(':'))
        }),
    }
}

fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).filter(|&at| rest.is_char_boundary(at)).any(|at| like(tail, &rest[at..]))
        }),
    }
}
