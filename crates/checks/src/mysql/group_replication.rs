//! MySQL group replication: the state of this member and what it certified (reference: agent-metrics.md §9.8).

use galgo_core::check::CheckStatus;

use super::run::Run;
use crate::custom_query::Table;

const GRANT: &str = "SELECT ON performance_schema.*";

/// Gauges by column of `performance_schema.replication_group_member_stats`.
const STATS: [(&str, &str); 8] = [
    ("count_transactions_in_queue", "transactions"),
    ("count_transactions_checked", "transactions_check"),
    ("count_conflicts_detected", "conflicts_detected"),
    ("count_transactions_rows_validating", "transactions_validating"),
    ("count_transactions_remote_in_applier_queue", "transactions_in_applier_queue"),
    ("count_transactions_remote_applied", "transactions_applied"),
    ("count_transactions_local_proposed", "transactions_proposed"),
    ("count_transactions_local_rollback", "transactions_rollback"),
];

/// Number of [`STATS`] that releases before 8.0.2 have.
const OLD_STATS: usize = 4;

/// Submits the state of this member, if the plugin is active.
pub(super) async fn collect(run: &mut Run<'_>) {
    let sql = "SELECT plugin_status FROM information_schema.plugins WHERE plugin_name = 'group_replication'";
    let Some(plugin) = run.ask("group replication plugin", sql, "").await else { return };
    if plugin.rows.first().and_then(|row| Table::text(row, 0)) != Some("ACTIVE") {
        return;
    }
    let roles = run.version.mysql_from((8, 0, 2));
    member(run, roles).await;
    stats(run, if roles { STATS.len() } else { OLD_STATS }).await;
}

async fn member(run: &mut Run<'_>, roles: bool) {
    let role = if roles { "member_role" } else { "NULL" };
    let sql = format!(
        "SELECT channel_name, member_state, {role} FROM performance_schema.replication_group_members \
         WHERE member_id = @@server_uuid"
    );
    let Some(table) = run.ask("group replication members", &sql, GRANT).await else { return };
    let Some(row) = table.rows.first() else { return };
    let state = Table::text(row, 1).unwrap_or("OFFLINE");
    let mut own = vec![("channel_name", Table::text(row, 0).unwrap_or_default()), ("member_state", state)];
    own.extend(Table::text(row, 2).map(|role| ("member_role", role)));
    let tags = run.tags_with(own.iter().copied());
    run.out.gauge("mysql.replication.group.member_status", 1.0, &tags);
    let status = if state == "ONLINE" { CheckStatus::Ok } else { CheckStatus::Critical };
    let mut tags = run.check_tags.clone();
    tags.extend(own.iter().map(|(key, value)| format!("{key}:{value}")));
    let message = if status == CheckStatus::Ok { String::new() } else { format!("the member is {state}") };
    run.out.service_check("mysql.replication.group.status", status, &tags, message);
}

async fn stats(run: &mut Run<'_>, known: usize) {
    let columns: Vec<&str> = STATS[..known].iter().map(|(column, _)| *column).collect();
    let sql = format!(
        "SELECT channel_name, {} FROM performance_schema.replication_group_member_stats \
         WHERE channel_name IN ('group_replication_applier', 'group_replication_recovery') \
         AND member_id = @@server_uuid",
        columns.join(", ")
    );
    let Some(table) = run.ask("group replication statistics", &sql, GRANT).await else { return };
    for row in &table.rows {
        let tags = run.tags_with([("channel_name", Table::text(row, 0).unwrap_or_default())]);
        for (at, (_, metric)) in STATS[..known].iter().enumerate() {
            if let Some(value) = Table::text(row, at + 1).and_then(|text| text.parse().ok()) {
                run.out.gauge(format!("mysql.replication.group.{metric}"), value, &tags);
            }
        }
    }
}
