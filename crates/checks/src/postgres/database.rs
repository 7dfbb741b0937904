//! What is measured of each database: its activity, size, sessions, transactions and tables.

use galgo_agent::check::SampleKind::{Gauge, MonotonicCount, Rate};

use super::queries::Column::{Metric, Tag};
use super::queries::{Column, Run};
use super::session::QueryError;
use super::statements::DATABASE;

/// Submits everything about databases.
pub(super) async fn collect(run: &mut Run<'_>) {
    statistics(run).await;
    if run.config.sizes {
        sizes(run).await;
    }
    if run.release >= 14 {
        sessions(run).await;
    }
    let condition = run.config.database_condition("datname");
    let sql = format!("SELECT count(*) FROM pg_database WHERE {condition}");
    run.submit("databases", &sql, &[Metric(Gauge, "db.count")], false).await;
    if run.config.counts {
        let sql = "SELECT n.nspname, count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
                   GROUP BY n.nspname";
        run.submit("number of tables", sql, &[Tag("schema"), Metric(Gauge, "table.count")], true).await;
    }
    if run.config.activity {
        activity(run).await;
    }
    if run.config.functions {
        functions(run).await;
    }
    wal_files(run).await;
}

async fn statistics(run: &mut Run<'_>) {
    // 2^31 transactions after a database's oldest one the numbers would meet again.
    let sql = format!(
        "SELECT s.datname, s.numbackends, s.xact_commit, s.xact_rollback, s.blks_read, s.blks_hit, s.tup_returned, \
         s.tup_fetched, s.tup_inserted, s.tup_updated, s.tup_deleted, s.deadlocks, s.deadlocks, s.temp_bytes, \
         s.temp_files, s.blk_read_time, s.blk_write_time, 2147483648 - age(d.datfrozenxid) \
         FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid WHERE {}",
        run.config.database_condition("s.datname")
    );
    run.submit("database statistics", &sql, DATABASE, false).await;
}

/// Sizes one by one where the user may not connect to some database.
async fn sizes(run: &mut Run<'_>) {
    let sql = format!(
        "SELECT datname, pg_database_size(datname) FROM pg_database WHERE {} \
         AND (has_database_privilege(datname, 'CONNECT') OR pg_has_role('pg_read_all_stats', 'MEMBER'))",
        run.config.database_condition("datname")
    );
    run.submit("database sizes", &sql, &[Tag("db"), Metric(Gauge, "database_size")], false).await;
}

async fn sessions(run: &mut Run<'_>) {
    const COLUMNS: &[Column] = &[
        Tag("db"),
        Metric(MonotonicCount, "sessions.session_time"),
        Metric(MonotonicCount, "sessions.active_time"),
        Metric(MonotonicCount, "sessions.idle_in_transaction_time"),
        Metric(MonotonicCount, "sessions.count"),
        Metric(MonotonicCount, "sessions.abandoned"),
        Metric(MonotonicCount, "sessions.fatal"),
        Metric(MonotonicCount, "sessions.killed"),
    ];
    let sql = format!(
        "SELECT datname, session_time, active_time, idle_in_transaction_time, sessions, sessions_abandoned, \
         sessions_fatal, sessions_killed FROM pg_stat_database WHERE {}",
        run.config.database_condition("datname")
    );
    run.submit("sessions", &sql, COLUMNS, false).await;
}

async fn activity(run: &mut Run<'_>) {
    const COLUMNS: &[Column] = &[
        Tag("db"),
        Tag("app"),
        Tag("user"),
        Metric(Gauge, "transactions.open"),
        Metric(Gauge, "transactions.idle_in_transaction"),
        Metric(Gauge, "active_queries"),
        Metric(Gauge, "waiting_queries"),
        Metric(Gauge, "active_waiting_queries"),
        Metric(Gauge, "activity.xact_start_age"),
        Metric(Gauge, "activity.backend_xid_age"),
        Metric(Gauge, "activity.backend_xmin_age"),
    ];
    // Manual vacuums hold no locks that anybody waits for; the check's own queries are not what is looked for.
    let sql = format!(
        "SELECT datname, application_name, usename, count(xact_start), \
         count(CASE WHEN state = 'idle in transaction' THEN 1 END), \
         count(CASE WHEN state = 'active' AND pid <> pg_backend_pid() THEN 1 END), \
         count(CASE WHEN wait_event IS NOT NULL THEN 1 END), \
         count(CASE WHEN wait_event IS NOT NULL AND state = 'active' THEN 1 END), \
         max(extract(epoch FROM clock_timestamp() - xact_start)), max(age(backend_xid)), max(age(backend_xmin)) \
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND query !~* '^vacuum ' AND {} \
         GROUP BY datname, application_name, usename",
        run.config.database_condition("datname")
    );
    run.submit("activity", &sql, COLUMNS, false).await;
}

async fn functions(run: &mut Run<'_>) {
    const COLUMNS: &[Column] = &[
        Tag("schema"),
        Tag("function"),
        Metric(Rate, "function.calls"),
        Metric(Rate, "function.total_time"),
        Metric(Rate, "function.self_time"),
    ];
    // Functions of one name are told apart by the names of their arguments.
    let sql = "SELECT s.schemaname, CASE WHEN count(*) OVER (PARTITION BY s.funcname) > 1 AND p.proargnames IS NOT NULL \
               THEN s.funcname || '_' || array_to_string(p.proargnames, '_') ELSE s.funcname END, \
               s.calls, s.total_time, s.self_time FROM pg_stat_user_functions s JOIN pg_proc p ON p.oid = s.funcid";
    run.submit("functions", sql, COLUMNS, true).await;
}

/// Files of the write-ahead log. Only who may monitor sees them; unless they were asked for, that is no warning.
async fn wal_files(run: &mut Run<'_>) {
    const COLUMNS: &[Column] = &[Metric(Gauge, "wal_count"), Metric(Gauge, "wal_size"), Metric(Gauge, "wal_age")];
    if run.config.wal == Some(false) || run.release < 10 {
        return;
    }
    let sql = "SELECT count(*), sum(size), extract(epoch FROM now() - min(modification)) FROM pg_ls_waldir()";
    if run.config.wal.is_some() {
        run.submit("WAL files", sql, COLUMNS, false).await;
        return;
    }
    match run.session.query(sql).await {
        Ok(table) => super::queries::submit(&table, COLUMNS, &run.server_tags, run.out),
        Err(QueryError::Denied(_) | QueryError::Lost(_)) => {}
        Err(error) => run.out.warn(format!("WAL files: {error}")),
    }
}
