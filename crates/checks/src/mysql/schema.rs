//! Sizes of schemas, tables and indexes, rows that were read and changed, and the performance schema's view of queries,
//! connections and errors (reference: agent-metrics.md §9.9).

use galgo_agent::check::SampleKind::{self, Gauge, MonotonicCount};

use super::run::Run;
use super::session::QueryError;
use crate::custom_query::{Table, number};

const ON_PERFORMANCE_SCHEMA: &str = "SELECT ON performance_schema.*";
const SYSTEM_SCHEMAS: &str = "('mysql', 'performance_schema', 'information_schema')";

/// Submits the rows of a table whose first columns are tags and whose others are metrics.
fn submit(run: &mut Run<'_>, table: &Table, tags: &[&str], metrics: &[(SampleKind, &str)]) {
    for row in &table.rows {
        let own = tags.iter().enumerate().map(|(at, key)| (*key, Table::text(row, at).unwrap_or("None")));
        let row_tags = run.tags_with(own);
        for (at, (kind, metric)) in metrics.iter().enumerate() {
            if let Some(value) = Table::text(row, tags.len() + at).and_then(number) {
                run.out.submit(*kind, *metric, value, &row_tags);
            }
        }
    }
}

/// Sizes and rows of schemas and tables, as far as they are wanted.
pub(super) async fn collect(run: &mut Run<'_>) {
    let groups = run.config.groups.clone();
    if groups.schema_size {
        let sql = "SELECT table_schema, IFNULL(SUM(data_length + index_length) / 1048576e0, 0) \
                   FROM information_schema.tables GROUP BY table_schema";
        if let Some(table) = run.ask("schema sizes", sql, "SELECT").await {
            submit(run, &table, &["schema"], &[(Gauge, "mysql.info.schema.size")]);
        }
    }
    for (wanted, choice) in [(groups.table_size, "NOT IN"), (groups.system_table_size, "IN")] {
        if wanted {
            let sql = format!(
                "SELECT table_schema, table_name, IFNULL(index_length / 1048576e0, 0), IFNULL(data_length / 1048576e0, 0) \
                 FROM information_schema.tables WHERE table_schema {choice} {SYSTEM_SCHEMAS}"
            );
            let metrics = [(Gauge, "mysql.info.table.index_size"), (Gauge, "mysql.info.table.data_size")];
            if let Some(table) = run.ask("table sizes", &sql, "SELECT").await {
                submit(run, &table, &["schema", "table"], &metrics);
            }
        }
    }
    if groups.table_rows_stats {
        table_rows(run).await;
    }
}

async fn table_rows(run: &mut Run<'_>) {
    let (sql, grant) = if run.variables.is_on("performance_schema") {
        let sql = format!(
            "SELECT object_schema, object_name, count_read, count_write \
             FROM performance_schema.table_io_waits_summary_by_table WHERE object_schema NOT IN {SYSTEM_SCHEMAS}"
        );
        (sql, ON_PERFORMANCE_SCHEMA)
    } else if run.variables.is_on("userstat") {
        let sql = "SELECT table_schema, table_name, rows_read, rows_changed FROM information_schema.table_statistics";
        (sql.to_owned(), "PROCESS")
    } else {
        run.out.warn("table_rows_stats_metrics: neither performance_schema nor userstat is switched on in the server");
        return;
    };
    let metrics = [(MonotonicCount, "mysql.info.table.rows.read"), (MonotonicCount, "mysql.info.table.rows.changed")];
    if let Some(table) = run.ask("rows of tables", &sql, grant).await {
        submit(run, &table, &["schema", "table"], &metrics);
    }
}

/// What the performance schema says of connections, errors and, with `extra_performance_metrics`, of run times.
pub(super) async fn performance(run: &mut Run<'_>) {
    if !run.variables.is_on("performance_schema") {
        if run.config.groups.extra_performance {
            run.out.warn("extra_performance_metrics: performance_schema is switched off in the server");
        }
        return;
    }
    if run.config.groups.extra_performance && (run.version.is_mariadb() || run.version.mysql_from((5, 6, 0))) {
        run_times(run).await;
    }
    user_connections(run).await;
    if run.version.mysql_from((8, 0, 0)) {
        errors_raised(run).await;
    }
}

async fn run_times(run: &mut Run<'_>) {
    // Timers are in picoseconds.
    let sql = "SELECT schema_name, ROUND(SUM(sum_timer_wait) / SUM(count_star) / 1000000) \
               FROM performance_schema.events_statements_summary_by_digest \
               WHERE schema_name IS NOT NULL GROUP BY schema_name";
    if let Some(table) = run.ask("average run times", sql, ON_PERFORMANCE_SCHEMA).await {
        submit(run, &table, &["schema"], &[(Gauge, "mysql.performance.query_run_time.avg")]);
    }
    let sql = "SELECT ROUND(avg_timer_wait / 1000000) FROM performance_schema.events_statements_summary_by_digest";
    if let Some(table) = run.ask("run times of digests", sql, ON_PERFORMANCE_SCHEMA).await {
        let times = table.rows.iter().filter_map(|row| Table::text(row, 0)?.parse().ok()).collect();
        if let Some(time) = percentile_95(times) {
            run.out.gauge("mysql.performance.digest_95th_percentile.avg_us", time, &run.tags);
        }
    }
}

/// The smallest value above the lower 95 %.
fn percentile_95(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let below = (values.len() as f64 * 0.95).round() as usize;
    values.get(below.min(values.len().checked_sub(1)?)).copied()
}

async fn user_connections(run: &mut Run<'_>) {
    let sql = "SELECT processlist_user, processlist_host, processlist_db, processlist_state, COUNT(processlist_user) \
               FROM performance_schema.threads WHERE processlist_user IS NOT NULL AND processlist_state IS NOT NULL \
               GROUP BY processlist_user, processlist_host, processlist_db, processlist_state";
    let tags = ["processlist_user", "processlist_host", "processlist_db", "processlist_state"];
    if let Some(table) = run.ask("user connections", sql, ON_PERFORMANCE_SCHEMA).await {
        submit(run, &table, &tags, &[(Gauge, "mysql.performance.user_connections")]);
    }
}

async fn errors_raised(run: &mut Run<'_>) {
    // The check's own user may not look into every table, which it should not report.
    let own = run.session.endpoint().user.replace('\\', "\\\\").replace('\'', "''");
    let sql = format!(
        "SELECT error_number, error_name, SUM(sum_error_raised) \
         FROM performance_schema.events_errors_summary_by_user_by_error \
         WHERE sum_error_raised > 0 AND error_number IS NOT NULL AND error_name IS NOT NULL \
         AND NOT (error_name = 'ER_NO_SYSTEM_TABLE_ACCESS' AND user = '{own}') GROUP BY error_number, error_name"
    );
    if let Some(table) = run.ask("errors", &sql, ON_PERFORMANCE_SCHEMA).await {
        let metrics = [(MonotonicCount, "mysql.performance.errors_raised")];
        submit(run, &table, &["error_number", "error_name"], &metrics);
    }
}

/// Sizes and uses of secondary indexes. Unless they were asked for by name, a missing privilege is no warning: the
/// integration's instructions do not grant it.
pub(super) async fn indexes(run: &mut Run<'_>) {
    let sql = "SELECT database_name, table_name, index_name, ROUND(stat_value * @@innodb_page_size / 1048576e0, 2) \
               FROM mysql.innodb_index_stats WHERE stat_name = 'size' AND index_name != 'PRIMARY'";
    let tags = ["db", "table", "index"];
    if let Some(table) = quietly(run, "index sizes", sql, "SELECT ON mysql.innodb_index_stats").await {
        submit(run, &table, &tags, &[(Gauge, "mysql.index.size")]);
    }
    if !run.variables.is_on("performance_schema") {
        return;
    }
    let sql = "SELECT object_schema, object_name, index_name, count_read, count_update, count_delete \
               FROM performance_schema.table_io_waits_summary_by_index_usage WHERE index_name IS NOT NULL \
               AND index_name != 'PRIMARY' AND object_schema NOT IN ('mysql', 'performance_schema')";
    if let Some(table) = quietly(run, "uses of indexes", sql, ON_PERFORMANCE_SCHEMA).await {
        let metrics = [(Gauge, "mysql.index.reads"), (Gauge, "mysql.index.updates"), (Gauge, "mysql.index.deletes")];
        submit(run, &table, &tags, &metrics);
    }
}

async fn quietly(run: &mut Run<'_>, what: &str, sql: &str, grant: &str) -> Option<Table> {
    if run.config.index_asked {
        return run.ask(what, sql, grant).await;
    }
    match run.session.query(sql).await {
        Ok(table) => Some(table),
        Err(error) if error.is_denied() => None,
        Err(QueryError::Lost(_)) => None,
        Err(error) => {
            run.out.warn(format!("{what}: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_95th_percentile_is_a_value_of_the_list() {
        assert_eq!(percentile_95(vec![]), None);
        assert_eq!(percentile_95(vec![7.0]), Some(7.0));
        assert_eq!(percentile_95((1..=100).rev().map(f64::from).collect()), Some(96.0));
    }
}
