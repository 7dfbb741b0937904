//! Taking a report: it replaces what its host reported before, in one transaction.

use std::sync::atomic::Ordering;

use serde::Serialize;
use sqlx::AnyConnection;

use super::limits::{MAX_INSTANCES, MAX_LOG_SOURCES};
use super::{AgentReport, CheckConfiguration, CheckInstance, LogSource};
use crate::database::Database;
use crate::hosts::registry::{Slot, checked_host, to_json, touch};
use crate::secrets::SecretHash;
use crate::{Catalog, Result};

/// Days after which a report that nobody repeated is forgotten.
const KEPT_DAYS: i64 = 30;

/// One of the three lists of a report.
struct Part {
    /// Under which the digest of the list is remembered beside those of the host's metadata documents.
    name: &'static str,
    /// When the list was last reported.
    seen: &'static str,
    /// Moves that time.
    touch: &'static str,
    /// Takes out the older list.
    clear: &'static str,
}

const CHECKS: Part = Part {
    name: "agent checks",
    seen: "SELECT checks_at FROM agent_reports WHERE host = $1",
    touch: "UPDATE agent_reports SET checks_at = $2 WHERE host = $1",
    clear: "DELETE FROM agent_checks WHERE host = $1",
};
const CONFIGURATIONS: Part = Part {
    name: "check configurations",
    seen: "SELECT configurations_at FROM agent_reports WHERE host = $1",
    touch: "UPDATE agent_reports SET configurations_at = $2 WHERE host = $1",
    clear: "DELETE FROM check_configurations WHERE host = $1",
};
const LOGS: Part = Part {
    name: "log sources",
    seen: "SELECT logs_at FROM agent_reports WHERE host = $1",
    touch: "UPDATE agent_reports SET logs_at = $2 WHERE host = $1",
    clear: "DELETE FROM agent_log_sources WHERE host = $1",
};

impl Catalog {
    /// Takes what an agent says of its checks, their configuration and its logs; durable when it returns.
    pub async fn report_agent(&self, report: AgentReport) -> Result<()> {
        let host = checked_host(&report.host)?.to_owned();
        let now = self.inner.clock.now_s();
        self.inner.hosts.see(&host, now);
        let slot = self.inner.hosts.get_or_make(&host)?;
        let checks = report.checks.map(bounded_checks);
        let configurations = report.configurations.map(bounded_configurations);
        let logs = report.logs.map(bounded_logs);
        let mut write = self.inner.database.write().await?;
        let connection = write.connection();
        let (first_seen, last_seen) = (slot.first_seen.load(Ordering::Relaxed), slot.last_seen.load(Ordering::Relaxed));
        touch(connection, &host, first_seen, last_seen).await?;
        let make = sqlx::query("INSERT INTO agent_reports (host) VALUES ($1) ON CONFLICT (host) DO NOTHING");
        make.bind(&host).execute(&mut *connection).await?;
        let mut digests = Vec::new();
        if let Some(checks) = &checks {
            let digest = digest(
                checks
                    .iter()
                    .map(|own| (&own.check, &own.instance, own.status, &own.version, own.last_run, &own.details)),
            );
            if CHECKS.differs(connection, &slot, &host, digest, now).await? {
                put_checks(connection, &host, checks).await?;
            }
            digests.push((CHECKS.name, digest));
        }
        if let Some(configurations) = &configurations {
            let digest =
                digest(configurations.iter().map(|own| (&own.check, &own.instance, &own.version, &own.details)));
            if CONFIGURATIONS.differs(connection, &slot, &host, digest, now).await? {
                put_configurations(connection, &host, configurations).await?;
            }
            digests.push((CONFIGURATIONS.name, digest));
        }
        if let Some(logs) = &logs {
            let digest = digest(logs.iter().map(|source| (&source.kind, &source.state, &source.details)));
            if LOGS.differs(connection, &slot, &host, digest, now).await? {
                put_logs(connection, &host, logs).await?;
            }
            digests.push((LOGS.name, digest));
        }
        write.commit().await?;
        slot.documents.lock().extend(digests.into_iter().map(|(name, digest)| (name.to_owned(), digest)));
        Ok(())
    }
}

impl Part {
    /// Moves the time of the list, and takes the older one out unless it is the same as the newer.
    async fn differs(
        &self,
        connection: &mut AnyConnection,
        slot: &Slot,
        host: &str,
        digest: u64,
        now: i64,
    ) -> Result<bool> {
        let seen: Option<i64> = sqlx::query_scalar(self.seen).bind(host).fetch_one(&mut *connection).await?;
        sqlx::query(self.touch).bind(host).bind(now).execute(&mut *connection).await?;
        let same = slot.documents.lock().get(self.name) == Some(&digest);
        // Never seen: the list was forgotten for its age, whatever this process remembers.
        if same && seen.is_some() {
            return Ok(false);
        }
        sqlx::query(self.clear).bind(host).execute(connection).await?;
        Ok(true)
    }
}

fn bounded_checks(checks: Vec<CheckInstance>) -> Vec<CheckInstance> {
    let bounded = checks.into_iter().map(CheckInstance::bounded).filter(|check| !check.check.is_empty());
    bounded.take(MAX_INSTANCES).collect()
}

fn bounded_configurations(configurations: Vec<CheckConfiguration>) -> Vec<CheckConfiguration> {
    let bounded = configurations.into_iter().map(CheckConfiguration::bounded).filter(|own| !own.check.is_empty());
    bounded.take(MAX_INSTANCES).collect()
}

fn bounded_logs(logs: Vec<LogSource>) -> Vec<LogSource> {
    logs.into_iter().take(MAX_LOG_SOURCES).map(LogSource::bounded).collect()
}

fn digest<T: Serialize>(rows: impl Iterator<Item = T>) -> u64 {
    let text: String = rows.map(|row| to_json(&row)).collect();
    let half = SecretHash::of(&text).half();
    half.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

async fn put_checks(connection: &mut AnyConnection, host: &str, checks: &[CheckInstance]) -> Result<()> {
    for check in checks {
        // Two instances of one identity: the worse of them is the one to know of.
        sqlx::query(
            "INSERT INTO agent_checks (host, check_name, instance, status, version, last_run, details) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (host, check_name, instance) DO UPDATE SET \
             status = excluded.status, version = excluded.version, last_run = excluded.last_run, \
             details = excluded.details WHERE agent_checks.status <> 'ERROR'",
        )
        .bind(host)
        .bind(&check.check)
        .bind(&check.instance)
        .bind(check.status.as_str())
        .bind(&check.version)
        .bind(check.last_run)
        .bind(to_json(&check.details))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn put_configurations(
    connection: &mut AnyConnection,
    host: &str,
    configurations: &[CheckConfiguration],
) -> Result<()> {
    for own in configurations {
        sqlx::query(
            "INSERT INTO check_configurations (host, check_name, instance, version, details) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (host, check_name, instance) DO UPDATE SET \
             version = excluded.version, details = excluded.details",
        )
        .bind(host)
        .bind(&own.check)
        .bind(&own.instance)
        .bind(&own.version)
        .bind(to_json(&own.details))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn put_logs(connection: &mut AnyConnection, host: &str, logs: &[LogSource]) -> Result<()> {
    for (number, source) in logs.iter().enumerate() {
        sqlx::query("INSERT INTO agent_log_sources (host, number, kind, state, details) VALUES ($1, $2, $3, $4, $5)")
            .bind(host)
            .bind(number as i64)
            .bind(&source.kind)
            .bind(&source.state)
            .bind(to_json(&source.details))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Forgets reports that nobody repeated for long.
pub(crate) async fn prune(database: &Database, now: i64) -> Result<()> {
    let oldest = now - KEPT_DAYS * 86_400;
    let mut write = database.write().await?;
    let old = sqlx::query(
        "DELETE FROM agent_reports WHERE COALESCE(checks_at, 0) < $1 AND COALESCE(configurations_at, 0) < $1 \
         AND COALESCE(logs_at, 0) < $1",
    );
    old.bind(oldest).execute(write.connection()).await?;
    write.commit().await
}
