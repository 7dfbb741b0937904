//! What is asked of a loaded server: the queries of the goals, each several times.

use std::time::Duration;

use galgo_core::Clock;

use super::data::{STEP_S, host_name};
use super::server::Server;

const HOUR_S: i64 = 3600;

/// One query with the range it looks back over, in hours.
#[derive(Debug, Clone)]
pub(super) struct QueryPlan {
    pub(super) name: &'static str,
    pub(super) text: String,
    hours: i64,
}

/// The queries of the goals.
pub(super) fn plans(hosts: usize) -> Vec<QueryPlan> {
    let plan = |name, text: String, hours| QueryPlan { name, text, hours };
    let host = host_name(hosts / 2);
    vec![
        plan("one series, 1 h", format!("avg:bench.cpu.walk.00{{host:{host}}}"), 1),
        plan("avg by host, 1 h", "avg:bench.cpu.walk.00{*} by {host}".into(), 1),
        plan("avg of all, 6 h", "avg:bench.cpu.walk.00{*}".into(), 6),
        plan("sum by service, 1 h", "sum:bench.net.rate.00{*} by {service}".into(), 1),
        plan("top 10 hosts, 1 h", "top(avg:bench.cpu.walk.01{*} by {host}, 10, 'mean', 'desc')".into(), 1),
        plan("rollup 3600 by host, 6 h", "avg:bench.cpu.walk.02{*} by {host}.rollup(avg, 3600)".into(), 6),
    ]
}

/// What a query cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct QueryCost {
    /// CPU of the server.
    pub(super) cpu_min: Duration,
    pub(super) cpu_median: Duration,
    /// As the client saw it.
    pub(super) wall_median: Duration,
    /// Series and points of the answer.
    pub(super) series: usize,
    pub(super) points: usize,
}

/// Asks a query `runs` times. Each run looks at a window one step earlier, so that no answer is a copy of the last.
pub(super) fn measure(
    server: &Server,
    plan: &QueryPlan,
    last: i64,
    runs: usize,
    clock: &dyn Clock,
) -> anyhow::Result<QueryCost> {
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    let (mut series, mut points) = (0, 0);
    for run in 0..runs.max(1) {
        let to = last - run as i64 * STEP_S;
        let (threads, started) = (server.process.thread_times()?, clock.monotonic());
        (series, points) = server.api.query(&plan.text, to - plan.hours * HOUR_S, to)?;
        wall.push(clock.monotonic() - started);
        cpu.push(server.process.thread_times()?.since(&threads));
    }
    cpu.sort();
    wall.sort();
    Ok(QueryCost { cpu_min: cpu[0], cpu_median: cpu[cpu.len() / 2], wall_median: wall[wall.len() / 2], series, points })
}
