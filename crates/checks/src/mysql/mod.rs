//! The MySQL integration: MySQL from 5.7, Percona Server and MariaDB, over TCP, TLS or a Unix socket, under the names,
//! types and tags of agent-metrics.md §9.
//!
//! One connection is kept from run to run ([`session`]); a run ([`run`]) reads the variables ([`status`], [`metrics`],
//! [`innodb_text`]) and then the groups that are switched on. Whatever the server refuses becomes a warning of that run.

mod config;
mod defaults_file;
mod group_replication;
mod innodb_text;
mod metrics;
mod process;
mod replication;
mod run;
mod schema;
mod session;
mod status;
mod version;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;

use self::config::{Config, Endpoint, LegacyQuery};
use self::defaults_file::Client;
use self::run::{Run, Variables};
use self::session::{Session, SessionConfig};
use self::status::QueryCache;
use self::version::Version;
use crate::custom_query::{CustomQueries, Table, number};

const CAN_CONNECT: &str = "mysql.can_connect";

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let config = Config::of(instance).map_err(|error| CheckError::new(error.to_string()))?;
    let session = SessionConfig {
        connect_timeout: config.connect_timeout,
        query_timeout: config.query_timeout,
        charset: config.charset.clone(),
    };
    Ok(Box::new(MySql {
        session: Session::new(session, config.endpoint.clone()),
        custom: CustomQueries::of(instance, ""),
        config,
        clock: Arc::clone(&context.clock),
        proc: context.roots.proc.clone(),
        query_cache: None,
        indexes_read: None,
    }))
}

#[derive(Debug)]
struct MySql {
    config: Config,
    session: Session,
    custom: CustomQueries,
    clock: Arc<dyn Clock>,
    proc: PathBuf,
    query_cache: Option<QueryCache>,
    indexes_read: Option<Duration>,
}

#[async_trait]
impl Check for MySql {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let began = self.session.begin(|| endpoint(&self.config)).await;
        // The file may have named another server, so the tags are known only now.
        let mut check_tags = self.config.tags.clone();
        check_tags.extend(self.session.endpoint().tags());
        for problem in self.config.problems.iter().chain(&self.custom.problems) {
            out.warn(problem);
        }
        if began.is_ok() {
            self.collect(out, &check_tags).await;
        } else {
            self.query_cache = None;
        }
        let result = match self.session.lost().map(str::to_owned) {
            None => {
                out.service_check(CAN_CONNECT, CheckStatus::Ok, &check_tags, "");
                Ok(())
            }
            Some(reason) => {
                out.service_check(CAN_CONNECT, CheckStatus::Critical, &check_tags, &reason);
                Err(CheckError::new(reason))
            }
        };
        self.report_as(out);
        result
    }

    async fn cancel(&mut self) {
        self.session.close().await;
    }
}

impl MySql {
    async fn collect(&mut self, out: &mut Samples, check_tags: &[String]) {
        let version = match self.session.query("SELECT @@version, @@version_comment").await {
            Ok(table) => {
                let cell = |at| table.rows.first().and_then(|row| Table::text(row, at)).unwrap_or_default();
                Version::parse(cell(0), cell(1))
            }
            Err(error) => {
                out.warn(format!("version: {error}"));
                return;
            }
        };
        out.metadata.extend(version.metadata());
        let mut tags = check_tags.to_vec();
        tags.push(format!("dbms_flavor:{}", version.flavor.to_lowercase()));
        let now = self.clock.monotonic();
        let indexes_due = self
            .config
            .index_interval
            .is_some_and(|interval| self.indexes_read.is_none_or(|before| now.saturating_sub(before) >= interval));
        let mut run = Run {
            config: &self.config,
            session: &mut self.session,
            out,
            tags,
            check_tags: check_tags.to_vec(),
            version,
            variables: Variables::default(),
        };
        if !run.config.only_custom_queries && status::read(&mut run).await {
            aurora_role(&mut run).await;
            status::collect(&mut run, &mut self.query_cache).await;
            processor_time(&mut run, &self.proc);
            if run.config.groups.replication {
                replication::collect(&mut run).await;
                if !run.version.is_mariadb() {
                    group_replication::collect(&mut run).await;
                }
            }
            schema::performance(&mut run).await;
            schema::collect(&mut run).await;
            if indexes_due {
                self.indexes_read = Some(now);
                schema::indexes(&mut run).await;
            }
        }
        let legacy = &self.config.legacy;
        for query in legacy {
            run_legacy(&mut run, query).await;
        }
        for query in &mut self.custom.queries {
            if query.due(now)
                && let Some(table) = run.ask(&query.name, &query.sql, "").await
            {
                query.submit(&table, &run.tags, run.out);
            }
        }
    }

    /// Puts everything under the host that `reported_hostname` names.
    fn report_as(&self, out: &mut Samples) {
        let host = &self.config.reported_hostname;
        if host.is_empty() {
            return;
        }
        out.values.iter_mut().for_each(|sample| sample.host.clone_from(host));
        out.checks.iter_mut().for_each(|check| check.host.clone_from(host));
    }
}

/// Where to connect now: the configuration, or the file that it names, which may have changed since.
fn endpoint(config: &Config) -> Result<Endpoint, String> {
    match &config.defaults_file {
        None => Ok(config.endpoint.clone()),
        Some(path) => Ok(Client::read(path)?.over(config.endpoint.clone())),
    }
}

/// Aurora tells which of its servers writes.
async fn aurora_role(run: &mut Run<'_>) {
    if run.variables.text("aurora_server_id").is_none() {
        return;
    }
    let sql = "SELECT IF(session_id = 'MASTER_SESSION_ID', 'writer', 'reader') \
               FROM information_schema.replica_host_status WHERE server_id = @@aurora_server_id";
    if let Some(table) = run.ask("Aurora role", sql, "").await
        && let Some(role) = table.rows.first().and_then(|row| Table::text(row, 0))
    {
        run.tags.push(format!("replication_role:{role}"));
    }
}

fn processor_time(run: &mut Run<'_>, proc: &std::path::Path) {
    let endpoint = run.session.endpoint();
    if !endpoint.is_local() {
        return;
    }
    if let Some(times) = process::times(proc, endpoint, &run.variables) {
        run.out.rate("mysql.performance.user_time", times.user, &run.tags);
        run.out.rate("mysql.performance.kernel_time", times.kernel, &run.tags);
        run.out.rate("mysql.performance.cpu_time", times.user + times.kernel, &run.tags);
    }
}

async fn run_legacy(run: &mut Run<'_>, query: &LegacyQuery) {
    let Some(table) = run.ask(&query.metric, &query.sql, "").await else { return };
    let Some(at) = table.position(&query.field) else {
        run.out.warn(format!("{}: the result has no column {}", query.metric, query.field));
        return;
    };
    // Without a column of tags there is one value, that of the first row.
    let rows = if query.tag.is_some() { table.rows.len() } else { 1 };
    for row in table.rows.iter().take(rows) {
        let mut tags = run.tags.clone();
        tags.extend(query.tags.iter().cloned());
        if let Some((column, key)) = &query.tag {
            let value = table.position(column).and_then(|at| Table::text(row, at));
            tags.extend(value.map(|value| format!("{key}:{value}")));
        }
        match Table::text(row, at).map(|text| (text, number(text))) {
            Some((_, Some(value))) => run.out.submit(query.kind, &query.metric, value, &tags),
            Some((text, None)) => {
                run.out.warn(format!("{}: column {} is not a number: `{text:.60}`", query.metric, query.field));
            }
            None => {}
        }
    }
}
