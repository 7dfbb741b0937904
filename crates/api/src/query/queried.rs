//! What people ask for: metrics, the tags and aggregations of their queries, and when last. Kept in memory, bounded, and
//! shown by `filter[queried]` and active-configurations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use galgo_query::source::{Leaf, Scope, SpaceAgg, TimeAgg};
use parking_lot::Mutex;

/// Most metrics remembered; beyond, the one not queried for longest is forgotten.
const MAX_METRICS: usize = 20_000;

/// Most tags remembered of one metric.
const MAX_TAGS: usize = 200;

/// The memory.
#[derive(Debug, Default)]
pub struct Queried(Mutex<HashMap<String, Usage>>);

#[derive(Debug, Default)]
struct Usage {
    last: i64,
    tags: BTreeMap<String, i64>,
    aggregations: BTreeMap<(&'static str, &'static str), i64>,
}

/// What was asked of one metric.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tag keys in scopes and groups.
    pub tags: BTreeSet<String>,
    /// Pairs of space and time aggregation.
    pub aggregations: BTreeSet<(&'static str, &'static str)>,
}

impl Queried {
    /// Notes a leaf that was asked for at `now` (seconds).
    pub fn note(&self, leaf: &Leaf, now: i64) {
        let mut metrics = self.0.lock();
        if !metrics.contains_key(&leaf.metric) && metrics.len() >= MAX_METRICS {
            let oldest = metrics.iter().min_by_key(|(_, usage)| usage.last).map(|(name, _)| name.clone());
            oldest.and_then(|name| metrics.remove(&name));
        }
        let usage = metrics.entry(leaf.metric.clone()).or_default();
        usage.last = now;
        let mut tags = leaf.group_by.clone();
        keys_of(&leaf.scope, &mut tags);
        for tag in tags {
            if usage.tags.len() < MAX_TAGS || usage.tags.contains_key(&tag) {
                usage.tags.insert(tag, now);
            }
        }
        if let Some(pair) = aggregation(leaf) {
            usage.aggregations.insert(pair, now);
        }
    }

    /// The metrics queried since a second.
    pub fn since(&self, from: i64) -> BTreeSet<String> {
        let metrics = self.0.lock();
        metrics.iter().filter(|(_, usage)| usage.last >= from).map(|(name, _)| name.clone()).collect()
    }

    /// What was asked of a metric since a second.
    pub fn of(&self, metric: &str, from: i64) -> Used {
        let metrics = self.0.lock();
        let Some(usage) = metrics.get(metric) else { return Used::default() };
        Used {
            tags: usage.tags.iter().filter(|(_, at)| **at >= from).map(|(tag, _)| tag.clone()).collect(),
            aggregations: usage.aggregations.iter().filter(|(_, at)| **at >= from).map(|(pair, _)| *pair).collect(),
        }
    }
}

fn keys_of(scope: &Scope, into: &mut Vec<String>) {
    match scope {
        Scope::All => {}
        Scope::And(parts) | Scope::Or(parts) => parts.iter().for_each(|part| keys_of(part, into)),
        Scope::Not(inner) => keys_of(inner, into),
        Scope::Tag(tag) | Scope::Like(tag) => into.push(tag.split(':').next().unwrap_or_default().to_owned()),
    }
}

fn aggregation(leaf: &Leaf) -> Option<(&'static str, &'static str)> {
    let space = match leaf.space {
        SpaceAgg::Avg => "avg",
        SpaceAgg::Sum => "sum",
        SpaceAgg::Min => "min",
        SpaceAgg::Max => "max",
        _ => return None,
    };
    let time = match leaf.time {
        None if space == "sum" => "sum",
        None | Some(TimeAgg::Avg | TimeAgg::Last) => "avg",
        Some(TimeAgg::Sum) => "sum",
        Some(TimeAgg::Min) => "min",
        Some(TimeAgg::Max) => "max",
        Some(TimeAgg::Count) => "count",
    };
    Some((space, time))
}

#[cfg(test)]
mod tests {
    use galgo_query::source::{Fill, Grid, TypeModifier};

    use super::*;

    #[test]
    fn scopes_groups_and_aggregations_are_remembered() {
        let leaf = Leaf {
            metric: "m".into(),
            scope: Scope::And(vec![
                Scope::Tag("env:prod".into()),
                Scope::Not(Box::new(Scope::Like("service:web*".into()))),
            ]),
            group_by: vec!["host".into()],
            space: SpaceAgg::Max,
            time: None,
            modifier: TypeModifier::None,
            fill: Fill::ByKind,
            weighted: false,
            diff: None,
            grid: Grid::Uniform { start: 0, step: 10, len: 1 },
            skip_ungrouped: false,
        };
        let queried = Queried::default();
        queried.note(&leaf, 100);
        let used = queried.of("m", 100);
        assert_eq!(used.tags, BTreeSet::from(["env".into(), "host".into(), "service".into()]));
        assert_eq!(used.aggregations, BTreeSet::from([("max", "avg")]));
        assert_eq!(queried.of("m", 101), Used::default());
        assert_eq!(queried.since(50), BTreeSet::from(["m".into()]));
    }
}
