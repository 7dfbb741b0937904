//! Replication: how far a replica is behind, whether its threads run, who is connected to a source (reference:
//! agent-metrics.md §9.8).

use galgo_core::check::CheckStatus;

use super::run::Run;
use super::session::QueryError;
use crate::custom_query::Table;

const REPLICA_CHECK: &str = "mysql.replication.replica_running";
const SLAVE_CHECK: &str = "mysql.replication.slave_running";

/// One channel of a replica.
#[derive(Debug, Clone, PartialEq, Default)]
struct Channel {
    name: String,
    io_running: Option<bool>,
    sql_running: Option<bool>,
    seconds_behind: Option<f64>,
}

/// Submits everything about replication between single servers.
pub(super) async fn collect(run: &mut Run<'_>) {
    let channels = channels(run).await;
    for channel in &channels {
        if let Some(seconds) = channel.seconds_behind {
            let tags = run.tags_with([("channel", channel.name.as_str())]);
            for metric in ["mysql.replication.seconds_behind_source", "mysql.replication.seconds_behind_master"] {
                run.out.gauge(metric, seconds, &tags);
            }
        }
    }
    let replicas = replicas_connected(run).await;
    if let Some(replicas) = replicas {
        for metric in ["mysql.replication.replicas_connected", "mysql.replication.slaves_connected"] {
            run.out.gauge(metric, replicas, &run.tags);
        }
    }
    let replicas = replicas.unwrap_or(0.0);
    if replicas > 0.0 || channels.is_empty() {
        let healthy = replicas > 0.0 && run.variables.is_on("log_bin");
        submit_status(run, if healthy { CheckStatus::Ok } else { CheckStatus::Warning }, "source");
    }
    if !channels.is_empty() {
        let status = replica_status(&channels, run.variables.text("Slave_running"));
        if let Some(status) = status {
            submit_status(run, status, "replica");
        }
    }
}

fn submit_status(run: &mut Run<'_>, status: CheckStatus, mode: &str) {
    let mode = format!("replication_mode:{mode}");
    let mut tags = run.tags.clone();
    tags.push(mode.clone());
    run.out.gauge(SLAVE_CHECK, f64::from(u8::from(status == CheckStatus::Ok)), &tags);
    let mut tags = run.check_tags.clone();
    tags.push(mode);
    run.out.service_check(SLAVE_CHECK, status, &tags, "");
    run.out.service_check(REPLICA_CHECK, status, &tags, "");
}

/// Both threads of some channel run: fine. One of them: a warning. None: critical. Without any word of them the
/// variable of old servers counts.
fn replica_status(channels: &[Channel], slave_running: Option<&str>) -> Option<CheckStatus> {
    let any = |running: fn(&Channel) -> Option<bool>| {
        let known: Vec<bool> = channels.iter().filter_map(running).collect();
        (!known.is_empty()).then(|| known.contains(&true))
    };
    match (any(|channel| channel.io_running), any(|channel| channel.sql_running)) {
        (None, None) => {
            let on = slave_running?.trim().eq_ignore_ascii_case("on");
            Some(if on { CheckStatus::Ok } else { CheckStatus::Critical })
        }
        (io, sql) => Some(match (io.unwrap_or(false), sql.unwrap_or(false)) {
            (true, true) => CheckStatus::Ok,
            (false, false) => CheckStatus::Critical,
            _ => CheckStatus::Warning,
        }),
    }
}

/// The statement that lists replication channels, for each product and release.
fn statement(run: &Run<'_>, channel: Option<&str>) -> String {
    let quoted = |name: &str| name.replace('\\', "\\\\").replace('\'', "''");
    if run.version.is_mariadb() {
        // All connections come with their names; one is picked from them afterwards.
        return match run.version.mariadb_from((10, 5, 1)) {
            true => "SHOW ALL REPLICAS STATUS".to_owned(),
            false => "SHOW ALL SLAVES STATUS".to_owned(),
        };
    }
    let base = if run.version.mysql_from((8, 0, 22)) { "SHOW REPLICA STATUS" } else { "SHOW SLAVE STATUS" };
    match channel {
        Some(channel) => format!("{base} FOR CHANNEL '{}'", quoted(channel)),
        None => base.to_owned(),
    }
}

async fn channels(run: &mut Run<'_>) -> Vec<Channel> {
    let wanted = run.config.groups.replication_channel.clone();
    let sql = statement(run, wanted.as_deref());
    let grant = match run.version.mariadb_from((10, 5, 0)) {
        true => "REPLICA MONITOR",
        false => "REPLICATION CLIENT",
    };
    let table = match run.session.query(&sql).await {
        Ok(table) => table,
        // A source knows no such channel, which is no mistake.
        Err(QueryError::Refused { code: 1617 | 3074, .. } | QueryError::Lost(_)) => return Vec::new(),
        Err(error) if error.is_denied() => {
            run.out.warn(format!("replication status: {error}; grant {grant} to the user of this check"));
            return Vec::new();
        }
        Err(error) => {
            run.out.warn(format!("replication status: {error}"));
            return Vec::new();
        }
    };
    let channels = read_channels(&table, wanted.as_deref());
    match wanted {
        Some(wanted) if run.version.is_mariadb() => {
            channels.into_iter().filter(|channel| channel.name.eq_ignore_ascii_case(&wanted)).collect()
        }
        _ => channels,
    }
}

fn read_channels(table: &Table, wanted: Option<&str>) -> Vec<Channel> {
    let column = |names: &[&str]| names.iter().find_map(|name| table.position(name));
    let name = column(&["Connection_name", "Channel_Name"]);
    let io = column(&["Replica_IO_Running", "Slave_IO_Running"]);
    let sql = column(&["Replica_SQL_Running", "Slave_SQL_Running"]);
    let behind = column(&["Seconds_Behind_Source", "Seconds_Behind_Master"]);
    let channel = |row: &Vec<Option<String>>| {
        let text = |at: Option<usize>| at.and_then(|at| Table::text(row, at));
        let running = |at| text(at).map(|state| state.trim().eq_ignore_ascii_case("yes"));
        let name = text(name).filter(|name| !name.is_empty()).or(name.is_none().then_some(wanted).flatten());
        Channel {
            name: name.unwrap_or("default").to_owned(),
            io_running: running(io),
            sql_running: running(sql),
            seconds_behind: text(behind).and_then(|seconds| seconds.parse().ok()),
        }
    };
    table.rows.iter().map(channel).collect()
}

/// Number of threads that send the binary log to a replica.
async fn replicas_connected(run: &mut Run<'_>) -> Option<f64> {
    let without_blocking = run.config.groups.replication_non_blocking_status
        && run.variables.is_on("performance_schema")
        && (run.version.is_mariadb() || run.version.mysql_from((5, 6, 0)));
    let (sql, grant) = if without_blocking {
        let sql = "SELECT COUNT(*) FROM performance_schema.threads WHERE processlist_command LIKE 'Binlog dump%'";
        (sql, "SELECT ON performance_schema.*")
    } else {
        ("SELECT COUNT(*) FROM information_schema.processlist WHERE command LIKE 'Binlog dump%'", "PROCESS")
    };
    let table = run.ask("connected replicas", sql, grant).await?;
    table.rows.first().and_then(|row| Table::text(row, 0)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[&str], rows: &[&[Option<&str>]]) -> Table {
        let rows = rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect();
        Table { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows, cut: false }
    }

    #[test]
    fn channels_are_read_in_the_words_of_all_products() {
        let new = ["Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source", "Channel_Name"];
        let rows: [&[Option<&str>]; 2] =
            [&[Some("Yes"), Some("Yes"), Some("3"), Some("")], &[Some("Connecting"), Some("Yes"), None, Some("c2")]];
        let channels = read_channels(&table(&new, &rows), None);
        assert_eq!(channels[0].name, "default");
        assert_eq!((channels[0].io_running, channels[0].seconds_behind), (Some(true), Some(3.0)));
        assert_eq!((channels[1].name.as_str(), channels[1].io_running), ("c2", Some(false)));
        let mariadb = ["Connection_name", "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master"];
        let channels = read_channels(&table(&mariadb, &[&[Some("eu"), Some("No"), Some("No"), None]]), None);
        assert_eq!((channels[0].name.as_str(), channels[0].sql_running), ("eu", Some(false)));
    }

    #[test]
    fn the_status_follows_the_two_threads() {
        let channel = |io, sql| Channel { io_running: io, sql_running: sql, ..Channel::default() };
        let (yes, no) = (Some(true), Some(false));
        let cases = [
            (vec![channel(yes, yes)], CheckStatus::Ok),
            (vec![channel(no, no)], CheckStatus::Critical),
            (vec![channel(no, yes)], CheckStatus::Warning),
            (vec![channel(no, no), channel(yes, yes)], CheckStatus::Ok),
        ];
        for (channels, expected) in cases {
            assert_eq!(replica_status(&channels, None), Some(expected), "{channels:?}");
        }
        let silent = [Channel::default()];
        assert_eq!(replica_status(&silent, Some("ON")), Some(CheckStatus::Ok));
        assert_eq!(replica_status(&silent, Some("OFF")), Some(CheckStatus::Critical));
        assert_eq!(replica_status(&silent, None), None);
    }
}
