//! The list of metrics, with a cache of a moment: completion asks for it at every key stroke.

use std::sync::Arc;
use std::time::Duration;

use galgo_metrics::{Engine, MetricSummary};
use galgo_query::source::Scope;
use parking_lot::Mutex;

use crate::app::App;
use crate::error::ApiResult;

/// How long a list stays good as long as no series was added.
const FRESH: Duration = Duration::from_secs(2);

/// Starts of lists are rounded down to this many seconds, so that callers share one.
const ROUND_S: i64 = 60;

/// The newest list.
#[derive(Debug, Default)]
pub struct MetricNames(Mutex<Option<Cached>>);

#[derive(Debug)]
struct Cached {
    from: i64,
    series: u64,
    at: Duration,
    list: Arc<Vec<MetricSummary>>,
}

/// All metrics with points since about `from`, in order of names.
pub async fn since(app: &App, from: i64) -> ApiResult<Arc<Vec<MetricSummary>>> {
    let from = from.div_euclid(ROUND_S) * ROUND_S;
    let (series, now) = (app.engine.stats().series, app.clock.monotonic());
    if let Some(cached) = &*app.names.0.lock() {
        let fresh = cached.from == from && cached.series == series && now.saturating_sub(cached.at) < FRESH;
        if fresh {
            return Ok(cached.list.clone());
        }
    }
    let list = Arc::new(select(app, from, None, Scope::All).await?);
    *app.names.0.lock() = Some(Cached { from, series, at: now, list: list.clone() });
    Ok(list)
}

/// The metrics with points since `from` of one host or within a scope, in order of names.
pub async fn select(app: &App, from: i64, host: Option<String>, scope: Scope) -> ApiResult<Vec<MetricSummary>> {
    let engine: Arc<Engine> = app.engine.clone();
    app.queries.run(move |_, _| engine.metrics(from, host.as_deref(), &scope)).await
}

/// How well a metric name answers what somebody typed: higher is better, `None` for not at all.
pub fn rank(name: &str, typed: &str) -> Option<u32> {
    if typed.is_empty() {
        return Some(0);
    }
    let (name, typed) = (name.to_lowercase(), typed.to_lowercase());
    let shorter = 200_u32.saturating_sub(name.len() as u32);
    if name == typed {
        return Some(10_000);
    }
    if name.starts_with(&typed) {
        return Some(4000 + shorter);
    }
    if let Some(at) = name.find(&typed) {
        let at_word = name[..at].ends_with(['.', '_']);
        return Some(if at_word { 3000 } else { 2000 } + shorter);
    }
    // All letters in order, as in `sysload1` for `system.load.1`.
    let mut letters = name.chars();
    let fuzzy = typed.chars().all(|letter| letters.any(|next| next == letter));
    fuzzy.then_some(1000 + shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_matches_rank_higher() {
        let order = ["system.load.1", "system.load.15", "docker.system.load.1", "system.io.load.1x", "other"];
        let ranks: Vec<Option<u32>> = order.iter().map(|name| rank(name, "system.load.1")).collect();
        assert!(ranks[0] > ranks[1] && ranks[1] > ranks[2] && ranks[2] > ranks[3] && ranks[3] > ranks[4], "{ranks:?}");
        assert_eq!(rank("other", "system.load.1"), None);
        assert!(rank("system.load.1", "sysload1").is_some());
        assert_eq!(rank("anything", ""), Some(0));
    }
}
