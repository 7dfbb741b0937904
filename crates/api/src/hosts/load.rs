//! The three numbers that a host list shows beside each host, out of the metric store.

use std::collections::HashMap;
use std::sync::Arc;

use galgo_query::source::{Budget, Fill, Grid, Leaf, MetricSource, Scope, SourceError, SpaceAgg, TypeModifier};
use serde_json::{Map, Value};

use crate::app::App;

/// Seconds over which the numbers are averaged.
const WINDOW_S: i64 = 300;

/// Which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Per cent of CPU used, everything but idle.
    Cpu,
    /// Per cent of CPU spent waiting for disks.
    Iowait,
    /// Load of the last 15 minutes per core.
    Load,
}

impl Field {
    const ALL: [Self; 3] = [Self::Cpu, Self::Iowait, Self::Load];

    fn metric(self) -> &'static str {
        match self {
            Self::Cpu => "system.cpu.idle",
            Self::Iowait => "system.cpu.iowait",
            Self::Load => "system.load.norm.15",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Iowait => "iowait",
            Self::Load => "load",
        }
    }

    fn of(self, value: f64) -> f64 {
        match self {
            Self::Cpu => (100.0 - value).max(0.0),
            Self::Iowait | Self::Load => value,
        }
    }
}

/// The numbers of all hosts of a moment.
#[derive(Debug, Clone, Default)]
pub struct Loads {
    by_field: HashMap<Field, HashMap<String, f64>>,
}

impl Loads {
    /// Reads the numbers. A store that cannot answer leaves them out: a host list is useful without them.
    pub async fn read(app: &App) -> Arc<Self> {
        let now = app.clock.now_s();
        let work = move |source: &dyn MetricSource, budget: &Budget| Self::collect(source, budget, now);
        match app.queries.run(work).await {
            Ok(Ok(loads)) => Arc::new(loads),
            Ok(Err(error)) => {
                tracing::warn!(%error, "host list without cpu and load");
                Arc::default()
            }
            Err(error) => {
                tracing::warn!(%error, "host list without cpu and load");
                Arc::default()
            }
        }
    }

    fn collect(source: &dyn MetricSource, budget: &Budget, now: i64) -> Result<Self, SourceError> {
        let mut loads = Self::default();
        for field in Field::ALL {
            let rows = source.leaf(&leaf(field.metric(), now), budget)?.rows;
            let values = rows.into_iter().filter_map(|row| {
                let host = row.group.into_iter().next().flatten()?;
                let value = row.values.into_iter().rev().find(|value| value.is_finite())?;
                Some((host, field.of(value)))
            });
            loads.by_field.insert(field, values.collect());
        }
        Ok(loads)
    }

    /// One number of a host. The groups of a query are lower case, as tags are.
    pub fn value(&self, field: Field, host: &str) -> Option<f64> {
        let values = self.by_field.get(&field)?;
        values.get(host).or_else(|| values.get(&host.to_lowercase())).copied()
    }

    /// All numbers of a host, as `metrics` of the host list.
    pub fn document(&self, host: &str) -> Value {
        let known =
            Field::ALL.into_iter().filter_map(|field| Some((field.name().to_owned(), self.value(field, host)?.into())));
        Value::Object(known.collect::<Map<_, _>>())
    }
}

fn leaf(metric: &str, now: i64) -> Leaf {
    // Two buckets, since the newest one has just begun.
    let start = (now - WINDOW_S).div_euclid(WINDOW_S) * WINDOW_S;
    Leaf {
        metric: metric.to_owned(),
        scope: Scope::All,
        group_by: vec!["host".to_owned()],
        space: SpaceAgg::Avg,
        time: None,
        modifier: TypeModifier::None,
        fill: Fill::Null,
        weighted: false,
        diff: None,
        grid: Grid::Uniform { start, step: WINDOW_S, len: 2 },
        skip_ungrouped: true,
    }
}
