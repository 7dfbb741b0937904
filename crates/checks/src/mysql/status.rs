//! Status and system variables, InnoDB's status text, the binary logs, and what is worked out from them.

use galgo_agent::check::SampleKind;

use super::innodb_text;
use super::metrics::{EXTRA_INNODB, EXTRA_STATUS, GALERA, INNODB, STATUS, VARIABLES};
use super::run::{Run, Variables};
use crate::custom_query::Table;

/// Query cache hits, inserts and not cached queries of the run before.
pub(super) type QueryCache = [f64; 3];

/// Reads the variables; `false` when there is nothing to go on with.
pub(super) async fn read(run: &mut Run<'_>) -> bool {
    let Some(status) = run.ask("status variables", "SHOW /*!50002 GLOBAL */ STATUS", "").await else { return false };
    run.variables.extend(status);
    if let Some(variables) = run.ask("system variables", "SHOW GLOBAL VARIABLES", "").await {
        run.variables.extend(variables);
    }
    true
}

/// Submits everything that comes from variables.
pub(super) async fn collect(run: &mut Run<'_>, query_cache: &mut Option<QueryCache>) {
    let innodb = !run.config.groups.disable_innodb && has_innodb(run).await;
    if innodb {
        read_innodb(run).await;
    }
    if run.variables.is_on("log_bin") {
        binary_logs(run).await;
    }
    key_cache(run);
    query_cache_utilization(run, query_cache);
    run.submit(STATUS);
    run.submit(VARIABLES);
    if innodb {
        run.submit(INNODB);
        if run.config.groups.extra_innodb {
            run.submit(EXTRA_INNODB);
        }
    }
    if run.config.groups.extra_status {
        run.submit(EXTRA_STATUS);
    }
    if run.config.groups.galera_cluster {
        run.submit(GALERA);
    }
    for wanted in &run.config.additional {
        match run.variables.text(&wanted.variable).map(|_| run.variables.number(&wanted.variable)) {
            Some(Some(value)) => run.out.submit(wanted.kind, &wanted.metric, value, &run.tags),
            Some(None) => run.out.warn(format!("{}: the variable is not a number", wanted.variable)),
            None => run.out.warn(format!("{}: the server has no such variable", wanted.variable)),
        }
    }
    if innodb {
        deadlocks(run).await;
    }
}

async fn has_innodb(run: &mut Run<'_>) -> bool {
    let sql = "SELECT support FROM information_schema.engines WHERE engine = 'InnoDB'";
    let Some(engines) = run.ask("storage engines", sql, "").await else { return false };
    let support = engines.rows.first().and_then(|row| Table::text(row, 0)).unwrap_or("NO");
    !support.eq_ignore_ascii_case("no") && !support.eq_ignore_ascii_case("disabled")
}

async fn read_innodb(run: &mut Run<'_>) {
    if let Some(status) = run.ask("InnoDB status", "SHOW /*!50000 ENGINE */ INNODB STATUS", "PROCESS").await {
        match status.rows.first().and_then(|row| Table::text(row, 2)) {
            Some(text) => {
                for (name, value) in innodb_text::parse(text) {
                    run.variables.add_missing(name, value);
                }
            }
            None => run.out.warn("InnoDB status: the server sent none; set disable_innodb_metrics if it has no InnoDB"),
        }
    }
    buffer_pool(&mut run.variables);
    // MariaDB has the parts as variables and leaves them out of the text.
    let part = |name: &str| run.variables.number(&format!("Innodb_ibuf_merged_{name}"));
    if let [Some(inserts), Some(marks), Some(deletes)] = ["inserts", "delete_marks", "deletes"].map(part) {
        run.variables.add_missing("Innodb_ibuf_merged", inserts + marks + deletes);
    }
}

/// The buffer pool in bytes, from its pages.
fn buffer_pool(variables: &mut Variables) {
    let page = |name: &str| variables.number(&format!("Innodb_buffer_pool_pages_{name}"));
    let (total, free, dirty, data) = (page("total"), page("free"), page("dirty"), page("data"));
    let size = variables.number("Innodb_page_size").or_else(|| variables.number("innodb_page_size"));
    let used = total.zip(free).map(|(total, free)| total - free);
    if let Some(size) = size {
        for (name, pages) in [("total", total), ("free", free), ("dirty", dirty), ("data", data), ("used", used)] {
            if let Some(pages) = pages {
                variables.add_missing(&format!("Innodb_buffer_pool_bytes_{name}"), pages * size);
            }
        }
    }
    if let Some((used, total)) = used.zip(total).filter(|(_, total)| *total > 0.0) {
        variables.add_missing("Innodb_buffer_pool_pages_utilization", used / total);
    }
}

async fn deadlocks(run: &mut Run<'_>) {
    // MariaDB has a variable for it.
    let mut count = run.variables.number("Innodb_deadlocks");
    if count.is_none() {
        let sql = "SELECT `count` FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'";
        let Some(table) = run.ask("deadlocks", sql, "PROCESS").await else { return };
        count = table.rows.first().and_then(|row| Table::text(row, 0)?.parse().ok());
    }
    if let Some(count) = count {
        run.out.monotonic_count("mysql.innodb.deadlocks", count, &run.tags);
    }
}

async fn binary_logs(run: &mut Run<'_>) {
    let grant = if run.version.is_mariadb() { "BINLOG MONITOR (REPLICATION CLIENT)" } else { "REPLICATION CLIENT" };
    if let Some(logs) = run.ask("binary logs", "SHOW BINARY LOGS", grant).await {
        let sizes = logs.rows.iter().filter_map(|row| Table::text(row, 1)?.parse::<f64>().ok());
        run.out.gauge("mysql.binlog.disk_use", sizes.sum(), &run.tags);
    }
}

fn key_cache(run: &mut Run<'_>) {
    let number = |name: &str| run.variables.number(name);
    let Some(block) = number("key_cache_block_size") else { return };
    let utilization = number("Key_blocks_unused").zip(number("key_buffer_size").filter(|size| *size > 0.0));
    let metrics = [
        ("mysql.performance.key_cache_utilization", utilization.map(|(unused, size)| 1.0 - unused * block / size)),
        ("mysql.myisam.key_buffer_bytes_used", number("Key_blocks_used").map(|blocks| blocks * block)),
        ("mysql.myisam.key_buffer_bytes_unflushed", number("Key_blocks_not_flushed").map(|blocks| blocks * block)),
    ];
    for (metric, value) in metrics {
        if let Some(value) = value {
            run.out.gauge(metric, value, &run.tags);
        }
    }
}

/// Share of queries in percent that the query cache answered, since the start and since the last run.
fn query_cache_utilization(run: &mut Run<'_>, before: &mut Option<QueryCache>) {
    let number = |name: &str| run.variables.number(name);
    let now = [number("Qcache_hits"), number("Qcache_inserts"), number("Qcache_not_cached")];
    let [Some(hits), Some(inserts), Some(not_cached)] = now else {
        *before = None;
        return;
    };
    let now = [hits, inserts, not_cached];
    run.out.submit(SampleKind::Gauge, "mysql.performance.qcache.utilization", share(now), &run.tags);
    if let Some(before) = before.filter(|before| now.iter().zip(before).all(|(now, before)| *now >= *before)) {
        let since = [0, 1, 2].map(|at: usize| now[at] - before[at]);
        run.out.gauge("mysql.performance.qcache.utilization.instant", share(since), &run.tags);
    }
    *before = Some(now);
}

fn share([hits, inserts, not_cached]: QueryCache) -> f64 {
    let all = hits + inserts + not_cached;
    if hits == 0.0 || all <= 0.0 { 0.0 } else { hits / all * 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_pool_is_given_in_bytes() {
        let mut variables = Variables::default();
        let rows = [("total", "8192"), ("free", "7168"), ("dirty", "4"), ("data", "1000")]
            .map(|(name, pages)| vec![Some(format!("Innodb_buffer_pool_pages_{name}")), Some(pages.to_owned())]);
        let mut table = Table { rows: rows.to_vec(), ..Table::default() };
        table.rows.push(vec![Some("Innodb_page_size".into()), Some("16384".into())]);
        variables.extend(table);
        buffer_pool(&mut variables);
        let bytes = |name: &str| variables.number(&format!("Innodb_buffer_pool_bytes_{name}")).unwrap();
        assert_eq!([bytes("total"), bytes("used"), bytes("dirty")], [134_217_728.0, 16_777_216.0, 65_536.0]);
        assert_eq!(variables.number("Innodb_buffer_pool_pages_utilization"), Some(0.125));
    }

    #[test]
    fn a_query_cache_that_nobody_asks_is_used_to_zero_percent() {
        assert_eq!([[0.0, 0.0, 0.0], [0.0, 5.0, 5.0], [3.0, 1.0, 0.0]].map(share), [0.0, 0.0, 75.0]);
    }
}
