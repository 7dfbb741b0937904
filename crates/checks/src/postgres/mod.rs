//! The PostgreSQL integration: releases 11 to 18 (older ones as far as they know the queries), over TCP, TLS or a
//! socket, under the names, types and tags of Datadog's check.
//!
//! One connection is kept from run to run ([`session`]). What is asked is in tables ([`statements`]) or, where it depends
//! on the configuration, in [`database`] and [`relations`]. What the server refuses becomes a warning of that run.

mod config;
mod database;
mod queries;
mod relations;
mod session;
mod statements;
mod tls;

use std::sync::Arc;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;

use self::config::Config;
use self::queries::Run;
use self::session::Session;
use crate::custom_query::{CustomQueries, Table};

const CAN_CONNECT: &str = "postgres.can_connect";

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let config = Arc::new(Config::of(instance).map_err(|error| CheckError::new(error.to_string()))?);
    Ok(Box::new(Postgres {
        session: Session::new(Arc::clone(&config)),
        custom: CustomQueries::of(instance, "postgresql"),
        config,
        clock: Arc::clone(&context.clock),
    }))
}

#[derive(Debug)]
struct Postgres {
    config: Arc<Config>,
    session: Session,
    custom: CustomQueries,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Check for Postgres {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        for problem in self.config.problems.iter().chain(&self.custom.problems) {
            out.warn(problem);
        }
        if self.session.begin().await.is_ok() {
            self.collect(out).await;
        }
        let mut tags = self.config.server_tags();
        tags.push(format!("db:{}", self.config.database));
        let result = match self.session.lost().map(str::to_owned) {
            None => {
                out.service_check(CAN_CONNECT, CheckStatus::Ok, &tags, "");
                Ok(())
            }
            Some(reason) => {
                out.service_check(CAN_CONNECT, CheckStatus::Critical, &tags, &reason);
                Err(CheckError::new(reason))
            }
        };
        let host = &self.config.reported_hostname;
        if !host.is_empty() {
            out.values.iter_mut().for_each(|sample| sample.host.clone_from(host));
            out.checks.iter_mut().for_each(|check| check.host.clone_from(host));
        }
        result
    }

    async fn cancel(&mut self) {
        self.session.close();
    }
}

impl Postgres {
    async fn collect(&mut self, out: &mut Samples) {
        let sql =
            "SELECT current_setting('server_version_num'), current_setting('server_version'), pg_is_in_recovery()";
        let table = match self.session.query(sql).await {
            Ok(table) => table,
            Err(error) => return out.warn(format!("version: {error}")),
        };
        let cell = |at| table.rows.first().and_then(|row| Table::text(row, at)).unwrap_or_default();
        let version: u32 = cell(0).parse().unwrap_or(0);
        let standby = cell(2) == "t";
        out.metadata.extend(version_facts(version, cell(1)));
        let mut server_tags = self.config.server_tags();
        if self.config.role_tag {
            server_tags.push(format!("replication_role:{}", if standby { "standby" } else { "master" }));
        }
        let mut run = Run {
            config: &self.config,
            session: &mut self.session,
            out,
            server_tags,
            release: version / 10_000,
            standby,
        };
        if !self.config.only_custom_queries {
            database::collect(&mut run).await;
            relations::collect(&mut run).await;
            queries::collect(&mut run).await;
        }
        let mut tags = run.server_tags.clone();
        tags.push(format!("db:{}", self.config.database));
        let now = self.clock.monotonic();
        for query in &mut self.custom.queries {
            if query.due(now)
                && let Some(table) = run.ask(&query.name, &query.sql).await
            {
                query.submit(&table, &tags, run.out);
            }
        }
    }
}

/// Since release 10 the number is major × 10000 + minor.
fn version_facts(number: u32, text: &str) -> Vec<(String, String)> {
    let (major, minor, patch) = match number {
        100_000.. => (number / 10_000, number % 10_000, 0),
        _ => (number / 10_000, number / 100 % 100, number % 100),
    };
    let fact = |name: &str, value: String| (format!("version.{name}"), value);
    vec![
        fact("raw", text.split_whitespace().next().unwrap_or(text).to_owned()),
        fact("scheme", "semver".into()),
        fact("major", major.to_string()),
        fact("minor", minor.to_string()),
        fact("patch", patch.to_string()),
    ]
}
