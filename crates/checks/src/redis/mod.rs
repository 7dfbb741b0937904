//! Check `redisdb`: what a Redis server says of itself (`INFO`), its slow commands, lengths of chosen keys, and whether
//! it can be reached at all. The service checks are `redis.can_connect` and `redis.replication.master_link_status`.
//!
//! The few commands that are needed are spoken by an own small client: it bounds every reply.

mod connection;
mod info;
mod keys;
mod names;
mod resp;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, InstanceError, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;

use crate::options::Options;

use connection::{Connection, RedisError, Server};
use info::{Info, part};
use keys::WantedKeys;

/// Entries of the slow log that are fetched, unless `slowlog-max-len` says otherwise.
const MAX_SLOW_ENTRIES: u64 = 128;

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let made = Redis::read(instance, Arc::clone(&context.clock));
    Ok(Box::new(made.map_err(|error| CheckError::new(error.to_string()))?))
}

#[derive(Debug)]
struct Redis {
    server: Server,
    connection: Option<Connection>,
    reconnects: bool,
    keys: Option<WantedKeys>,
    command_stats: bool,
    client_metrics: bool,
    slow_entries: Option<u64>,
    /// Number of the newest entry of the slow log that was seen.
    last_slow: Option<i64>,
    tags: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl Redis {
    fn read(instance: &Instance, clock: Arc<dyn Clock>) -> Result<Self, InstanceError> {
        let options = Options::of(instance);
        if options.get("host").is_none() && options.get("unix_socket_path").is_none() {
            return Err(instance.refuse("host (with port) or unix_socket_path is required"));
        }
        let server = Server::read(&options)?;
        let (host, port) = server.tag_values();
        let mut tags = instance.tags();
        tags.extend([format!("redis_host:{host}"), format!("redis_port:{port}")]);
        let keys = options.texts("keys")?;
        Ok(Self {
            connection: None,
            reconnects: options.flag("disable_connection_cache", false),
            keys: (!keys.is_empty()).then(|| WantedKeys {
                keys,
                database: server.database,
                warn_on_missing: options.flag("warn_on_missing_keys", true),
            }),
            command_stats: options.flag("command_stats", false),
            client_metrics: options.flag("collect_client_metrics", false),
            slow_entries: options.whole("slowlog-max-len")?.filter(|entries| *entries > 0),
            last_slow: None,
            server,
            tags,
            clock,
        })
    }

    /// The answer to `INFO` over the kept connection or, when that turns out to be gone, a new one; with the time it
    /// took in milliseconds.
    async fn info(&mut self) -> Result<(Connection, Info, f64), RedisError> {
        let kept = self.connection.take().filter(|_| !self.reconnects);
        if let Some(mut connection) = kept
            && let Ok((info, took)) = self.ask_info(&mut connection).await
        {
            return Ok((connection, info, took));
        }
        let mut connection = self.server.connect().await?;
        let (info, took) = self.ask_info(&mut connection).await?;
        Ok((connection, info, took))
    }

    async fn ask_info(&self, connection: &mut Connection) -> Result<(Info, f64), RedisError> {
        let began = self.clock.monotonic();
        let reply = connection.command(&["INFO"]).await?;
        let took_ms = self.clock.monotonic().saturating_sub(began).as_secs_f64() * 1000.0;
        Ok((Info::parse(&reply.text().unwrap_or_default()), (took_ms * 100.0).round() / 100.0))
    }

    async fn measure(
        &mut self,
        connection: &mut Connection,
        info: &Info,
        tags: &[String],
        out: &mut Samples,
    ) -> Result<(), RedisError> {
        if let Some(clients) = config(connection, "maxclients").await? {
            out.gauge("redis.net.maxclients", clients as f64, tags);
        }
        if self.client_metrics {
            client_names(connection, tags, out).await?;
        }
        if let Some(keys) = &self.keys {
            keys.measure(connection, info, tags, out).await?;
            connection.select(self.server.database).await?;
        }
        if self.command_stats {
            command_stats(connection, tags, out).await?;
        }
        self.slow_log(connection, tags, out).await
    }

    async fn slow_log(
        &mut self,
        connection: &mut Connection,
        tags: &[String],
        out: &mut Samples,
    ) -> Result<(), RedisError> {
        let entries = match self.slow_entries {
            Some(entries) => entries,
            None => {
                let kept = config(connection, "slowlog-max-len").await?;
                kept.and_then(|kept| u64::try_from(kept).ok()).unwrap_or(MAX_SLOW_ENTRIES).min(MAX_SLOW_ENTRIES)
            }
        };
        let reply = match optional(connection.command(&["SLOWLOG", "GET", &entries.to_string()]).await)? {
            Some(reply) => reply,
            None => return Ok(()),
        };
        let numbers = reply.items().iter().filter_map(|entry| entry.items().first()?.number());
        let newest = numbers.max();
        // Numbers that begin anew are those of a server that did.
        let seen = self.last_slow.filter(|last| newest.is_some_and(|newest| newest >= *last));
        for entry in reply.items() {
            let [number, _, micros, command, ..] = entry.items() else { continue };
            let (Some(number), Some(micros)) = (number.number(), micros.number()) else { continue };
            if seen.is_some_and(|last| number <= last) {
                continue;
            }
            let mut own = tags.to_vec();
            if let Some(name) = command.items().first().and_then(resp::Reply::text) {
                own.push(format!("command:{name}"));
            }
            out.histogram("redis.slowlog.micros", micros as f64, &own);
        }
        self.last_slow = newest.or(self.last_slow);
        Ok(())
    }
}

#[async_trait]
impl Check for Redis {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let (mut connection, info, took_ms) = match self.info().await {
            Ok(answer) => answer,
            Err(error) => {
                out.service_check("redis.can_connect", CheckStatus::Critical, &self.tags, error.to_string());
                return Err(CheckError::new(error.to_string()));
            }
        };
        let mut tags = self.tags.clone();
        tags.extend(info.get("role").map(|role| format!("redis_role:{role}")));
        out.service_check("redis.can_connect", CheckStatus::Ok, &tags, "");
        out.gauge("redis.info.latency_ms", took_ms, &tags);
        if let Some(version) = info.get("redis_version") {
            crate::version::note(out, version);
        }
        submit_info(&info, &tags, out);
        submit_databases(&info, &tags, out);
        submit_replication(&info, &tags, out);
        let outcome = self.measure(&mut connection, &info, &tags, out).await;
        // A connection whose replies may be out of step is not kept.
        if outcome.is_ok() {
            self.connection = Some(connection);
        }
        outcome.map_err(|error| CheckError::new(error.to_string()))
    }

    async fn cancel(&mut self) {
        self.connection = None;
    }
}

fn submit_info(info: &Info, tags: &[String], out: &mut Samples) {
    for (fact, value) in info.iter() {
        let Ok(number) = value.parse::<f64>() else { continue };
        if let Some(name) = names::gauge(fact) {
            out.gauge(name, number, tags);
        } else if let Some(name) = names::rate(fact) {
            out.rate(name, number, tags);
        }
    }
    if let Some(commands) = info.number("total_commands_processed") {
        out.rate("redis.net.commands", commands, tags);
    }
}

fn submit_databases(info: &Info, tags: &[String], out: &mut Samples) {
    for (number, value) in info.numbered("db") {
        let count = |key: &str| part(value, key).and_then(|text| text.parse::<f64>().ok());
        let (Some(keys), Some(expires)) = (count("keys"), count("expires")) else { continue };
        let tags = [tags, &[format!("redis_db:db{number}")]].concat();
        out.gauge("redis.keys", keys, &tags);
        out.gauge("redis.expires", expires, &tags);
        out.gauge("redis.persist", keys - expires, &tags);
        if keys > 0.0 {
            out.gauge("redis.persist.percent", 100.0 * (keys - expires) / keys, &tags);
            out.gauge("redis.expires.percent", 100.0 * expires / keys, &tags);
        }
    }
}

fn submit_replication(info: &Info, tags: &[String], out: &mut Samples) {
    let own_offset = info.number("master_repl_offset").unwrap_or(0.0);
    for (number, value) in info.numbered("slave") {
        let offset = part(value, "offset").and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        if own_offset >= offset && part(value, "ip").is_some() {
            let mut tags = tags.to_vec();
            for key in ["ip", "port"] {
                tags.extend(part(value, key).map(|text| format!("slave_{key}:{text}")));
            }
            tags.push(format!("slave_id:{number}"));
            out.gauge("redis.replication.delay", own_offset - offset, &tags);
        }
    }
    let Some(link) = info.get("master_link_status") else { return };
    let down_for = info.number("master_link_down_since_seconds");
    let (status, down_for) =
        if link == "up" { (CheckStatus::Ok, Some(0.0)) } else { (CheckStatus::Critical, down_for) };
    let message = if link == "up" { String::new() } else { format!("the link to the primary is {link}") };
    out.service_check("redis.replication.master_link_status", status, tags, message);
    if let Some(seconds) = down_for {
        out.gauge("redis.replication.master_link_down_since_seconds", seconds, tags);
    }
}

/// The reply, or nothing when the server refuses: hosted servers know fewer commands.
fn optional(reply: Result<resp::Reply, RedisError>) -> Result<Option<resp::Reply>, RedisError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(RedisError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A setting of the server that is a number.
async fn config(connection: &mut Connection, key: &str) -> Result<Option<i64>, RedisError> {
    let reply = optional(connection.command(&["CONFIG", "GET", key]).await)?;
    Ok(reply.and_then(|reply| reply.items().get(1)?.number()))
}

/// How many connections each client name has.
async fn client_names(connection: &mut Connection, tags: &[String], out: &mut Samples) -> Result<(), RedisError> {
    let Some(reply) = optional(connection.command(&["CLIENT", "LIST"]).await)? else {
        out.warn("redis does not allow CLIENT LIST: redis.net.connections is left out");
        return Ok(());
    };
    let mut by_name: BTreeMap<String, u32> = BTreeMap::new();
    for line in reply.text().unwrap_or_default().lines().filter(|line| !line.trim().is_empty()) {
        let name = line.split(' ').find_map(|pair| pair.strip_prefix("name=")).unwrap_or_default();
        let name = if name.is_empty() { "unknown" } else { name };
        *by_name.entry(name.to_owned()).or_default() += 1;
    }
    for (name, number) in by_name {
        let tags = [tags, &[format!("source:{name}")]].concat();
        out.gauge("redis.net.connections", f64::from(number), &tags);
    }
    Ok(())
}

async fn command_stats(connection: &mut Connection, tags: &[String], out: &mut Samples) -> Result<(), RedisError> {
    let Some(reply) = optional(connection.command(&["INFO", "commandstats"]).await)? else {
        out.warn("redis does not allow INFO commandstats: redis.command.* is left out");
        return Ok(());
    };
    for (key, value) in Info::parse(&reply.text().unwrap_or_default()).iter() {
        let Some(command) = key.strip_prefix("cmdstat_") else { continue };
        let tags = [tags, &[format!("command:{command}")]].concat();
        for (metric, key) in [("redis.command.calls", "calls"), ("redis.command.usec_per_call", "usec_per_call")] {
            if let Some(number) = part(value, key).and_then(|text| text.parse::<f64>().ok()) {
                out.gauge(metric, number, &tags);
            }
        }
    }
    Ok(())
}
