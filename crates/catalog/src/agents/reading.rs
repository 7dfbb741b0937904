//! Which integrations run where and how they do.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{CheckInstance, ConfigurationDetails, LogSource};
use crate::hosts::registry::from_json;
use crate::{Catalog, Result};

/// Seconds after which a report counts as old: agents send one every ten minutes, so three were missed.
pub const STALE_SECONDS: i64 = 1800;

/// Most different versions of a check that are told.
const MAX_VERSIONS: usize = 10;

/// One check over all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunningCheck {
    /// Name of the check.
    pub check: String,
    /// Hosts whose newest report has it.
    pub hosts: i64,
    /// Of those, hosts whose report is old ([`STALE_SECONDS`]): their instances are not counted below.
    pub stale_hosts: i64,
    /// Instances that run well.
    pub ok: i64,
    /// Instances that warn.
    pub warning: i64,
    /// Instances that fail.
    pub error: i64,
    /// Instances that have not run yet.
    pub pending: i64,
    /// The newest run, in seconds since the UNIX epoch; `None` when no agent says.
    pub last_run: Option<i64>,
    /// The newest report, in seconds since the UNIX epoch.
    pub reported_at: i64,
    /// Versions, the most frequent first.
    pub versions: Vec<String>,
}

/// Sources of logs of one kind over all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunningLogs {
    /// `file`, `tcp`, `udp`, `journald`, …
    pub kind: String,
    /// Hosts that have one.
    pub hosts: i64,
    /// Of those, hosts whose report is old.
    pub stale_hosts: i64,
    /// Sources of hosts whose report is not old.
    pub sources: i64,
    /// Of those, in a state that says error.
    pub error: i64,
    /// The newest report, in seconds since the UNIX epoch.
    pub reported_at: i64,
}

/// An instance with where it runs and how it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedInstance {
    /// Name of the host.
    pub host: String,
    /// The instance.
    pub instance: CheckInstance,
    /// Its configuration, when the agent told it.
    pub configuration: Option<ConfigurationDetails>,
    /// When the host said so, in seconds since the UNIX epoch.
    pub reported_at: i64,
}

/// A source of logs with where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedLogs {
    /// Name of the host.
    pub host: String,
    /// The source.
    pub source: LogSource,
    /// When the host said so, in seconds since the UNIX epoch.
    pub reported_at: i64,
}

/// Instances whose failure matters most come first.
macro_rules! select_instances {
    ($condition:literal) => {
        concat!(
            "SELECT c.host, c.check_name, c.instance, c.status, c.version, c.last_run, c.details, r.checks_at, \
             k.version, k.details FROM agent_checks c JOIN agent_reports r ON r.host = c.host \
             LEFT JOIN check_configurations k ON k.host = c.host AND k.check_name = c.check_name \
             AND k.instance = c.instance WHERE ",
            $condition,
            " ORDER BY CASE c.status WHEN 'ERROR' THEN 0 WHEN 'WARNING' THEN 1 WHEN 'PENDING' THEN 2 ELSE 3 END, \
             c.check_name, c.host, c.instance LIMIT $2"
        )
    };
}

impl Catalog {
    /// Every check that some agent runs, by name.
    pub async fn running_checks(&self) -> Result<Vec<RunningCheck>> {
        let fresh = self.inner.clock.now_s() - STALE_SECONDS;
        let rows = sqlx::query(
            "SELECT c.check_name, COUNT(DISTINCT c.host), \
             COUNT(DISTINCT CASE WHEN r.checks_at < $1 THEN c.host END), \
             COUNT(CASE WHEN r.checks_at >= $1 AND c.status = 'OK' THEN 1 END), \
             COUNT(CASE WHEN r.checks_at >= $1 AND c.status = 'WARNING' THEN 1 END), \
             COUNT(CASE WHEN r.checks_at >= $1 AND c.status = 'ERROR' THEN 1 END), \
             COUNT(CASE WHEN r.checks_at >= $1 AND c.status = 'PENDING' THEN 1 END), \
             MAX(c.last_run), MAX(r.checks_at) \
             FROM agent_checks c JOIN agent_reports r ON r.host = c.host GROUP BY c.check_name ORDER BY c.check_name",
        );
        let rows = rows.bind(fresh).fetch_all(self.inner.database.reader()).await?;
        let mut versions = self.versions().await?;
        let running = |row: &AnyRow| {
            let check: String = row.try_get(0)?;
            Ok(RunningCheck {
                versions: versions.remove(&check).unwrap_or_default(),
                check,
                hosts: row.try_get(1)?,
                stale_hosts: row.try_get(2)?,
                ok: row.try_get(3)?,
                warning: row.try_get(4)?,
                error: row.try_get(5)?,
                pending: row.try_get(6)?,
                last_run: row.try_get(7)?,
                reported_at: row.try_get::<Option<i64>, _>(8)?.unwrap_or_default(),
            })
        };
        rows.iter().map(running).collect()
    }

    async fn versions(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let rows = sqlx::query(
            "SELECT c.check_name, CASE WHEN c.version <> '' THEN c.version ELSE COALESCE(k.version, '') END AS told, \
             COUNT(DISTINCT c.host) AS hosts FROM agent_checks c LEFT JOIN check_configurations k ON k.host = c.host \
             AND k.check_name = c.check_name AND k.instance = c.instance GROUP BY c.check_name, told \
             ORDER BY hosts DESC, told DESC",
        );
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows.fetch_all(self.inner.database.reader()).await? {
            let (check, version): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let known = versions.entry(check).or_default();
            if !version.is_empty() && known.len() < MAX_VERSIONS {
                known.push(version);
            }
        }
        Ok(versions)
    }

    /// Every kind of log source that some agent reads.
    pub async fn running_logs(&self) -> Result<Vec<RunningLogs>> {
        let fresh = self.inner.clock.now_s() - STALE_SECONDS;
        let rows = sqlx::query(
            "SELECT l.kind, COUNT(DISTINCT l.host), COUNT(DISTINCT CASE WHEN r.logs_at < $1 THEN l.host END), \
             COUNT(CASE WHEN r.logs_at >= $1 THEN 1 END), \
             COUNT(CASE WHEN r.logs_at >= $1 AND LOWER(l.state) LIKE '%error%' THEN 1 END), MAX(r.logs_at) \
             FROM agent_log_sources l JOIN agent_reports r ON r.host = l.host GROUP BY l.kind ORDER BY l.kind",
        );
        let rows = rows.bind(fresh).fetch_all(self.inner.database.reader()).await?;
        let running = |row: &AnyRow| {
            Ok(RunningLogs {
                kind: row.try_get(0)?,
                hosts: row.try_get(1)?,
                stale_hosts: row.try_get(2)?,
                sources: row.try_get(3)?,
                error: row.try_get(4)?,
                reported_at: row.try_get::<Option<i64>, _>(5)?.unwrap_or_default(),
            })
        };
        rows.iter().map(running).collect()
    }

    /// The instances of one check on all hosts, failing ones first, at most `limit`.
    pub async fn check_instances(&self, check: &str, limit: usize) -> Result<Vec<ReportedInstance>> {
        self.instances(select_instances!("c.check_name = $1"), check, limit).await
    }

    /// The instances of all checks of one host, failing ones first, at most `limit`.
    pub async fn host_instances(&self, host: &str, limit: usize) -> Result<Vec<ReportedInstance>> {
        self.instances(select_instances!("c.host = $1"), host, limit).await
    }

    async fn instances(&self, select: &'static str, key: &str, limit: usize) -> Result<Vec<ReportedInstance>> {
        if key.contains('\0') {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(select).bind(key).bind(limit as i64).fetch_all(self.inner.database.reader()).await?;
        rows.iter().map(instance).collect()
    }

    /// The log sources of one kind on all hosts, at most `limit`.
    pub async fn log_sources(&self, kind: &str, limit: usize) -> Result<Vec<ReportedLogs>> {
        self.logs(
            "SELECT l.host, l.kind, l.state, l.details, r.logs_at FROM agent_log_sources l \
             JOIN agent_reports r ON r.host = l.host WHERE l.kind = $1 ORDER BY l.host, l.number LIMIT $2",
            kind,
            limit,
        )
        .await
    }

    /// The log sources of one host, at most `limit`.
    pub async fn host_log_sources(&self, host: &str, limit: usize) -> Result<Vec<ReportedLogs>> {
        self.logs(
            "SELECT l.host, l.kind, l.state, l.details, r.logs_at FROM agent_log_sources l \
             JOIN agent_reports r ON r.host = l.host WHERE l.host = $1 ORDER BY l.number LIMIT $2",
            host,
            limit,
        )
        .await
    }

    async fn logs(&self, select: &'static str, key: &str, limit: usize) -> Result<Vec<ReportedLogs>> {
        if key.contains('\0') {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(select).bind(key).bind(limit as i64).fetch_all(self.inner.database.reader()).await?;
        let reported = |row: &AnyRow| {
            let details: Map<String, Value> = from_json(&row.try_get::<String, _>(3)?)?;
            let source = LogSource { kind: row.try_get(1)?, state: row.try_get(2)?, details };
            let reported_at = row.try_get::<Option<i64>, _>(4)?.unwrap_or_default();
            Ok(ReportedLogs { host: row.try_get(0)?, source, reported_at })
        };
        rows.iter().map(reported).collect()
    }

    /// When a host last reported its checks and its log sources, in seconds since the UNIX epoch.
    pub async fn agent_report_times(&self, host: &str) -> Result<(Option<i64>, Option<i64>)> {
        let row = sqlx::query("SELECT checks_at, logs_at FROM agent_reports WHERE host = $1").bind(host);
        let Some(row) = row.fetch_optional(self.inner.database.reader()).await? else { return Ok((None, None)) };
        Ok((row.try_get(0)?, row.try_get(1)?))
    }
}

fn instance(row: &AnyRow) -> Result<ReportedInstance> {
    let text = |index: usize| row.try_get::<String, _>(index);
    let version = text(4)?;
    let configured: Option<String> = row.try_get(8)?;
    let configuration: Option<String> = row.try_get(9)?;
    Ok(ReportedInstance {
        host: text(0)?,
        instance: CheckInstance {
            check: text(1)?,
            instance: text(2)?,
            status: text(3)?.parse()?,
            version: if version.is_empty() { configured.unwrap_or_default() } else { version },
            last_run: row.try_get(5)?,
            details: from_json(&text(6)?)?,
        },
        configuration: configuration.map(|text| from_json(&text)).transpose()?,
        reported_at: row.try_get::<Option<i64>, _>(7)?.unwrap_or_default(),
    })
}
