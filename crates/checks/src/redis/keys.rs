//! Lengths of the keys that an instance names (`keys`), over all databases or one.

use std::collections::BTreeMap;

use galgo_agent::check::Samples;

use super::connection::{Connection, RedisError};
use super::info::Info;
use super::resp::Reply;

/// Most keys that patterns may find in one database.
const MAX_KEYS: usize = 10_000;

/// Keys that one step of a scan looks at.
const SCAN_COUNT: &str = "1000";

/// The wanted keys of an instance.
#[derive(Debug)]
pub struct WantedKeys {
    /// Names and patterns.
    pub keys: Vec<String>,
    /// The one database, 0 for all.
    pub database: u64,
    /// Whether a key that is nowhere is told.
    pub warn_on_missing: bool,
}

/// Length and type of a key in one database.
struct Length {
    key: String,
    kind: String,
    length: i64,
}

impl WantedKeys {
    /// Measures the keys and submits their lengths. The connection is left at another database.
    pub async fn measure(
        &self,
        connection: &mut Connection,
        info: &Info,
        tags: &[String],
        out: &mut Samples,
    ) -> Result<(), RedisError> {
        let mut databases: Vec<u64> = info.numbered("db").filter_map(|(number, _)| number.parse().ok()).collect();
        if databases.is_empty() {
            out.warn("redis holds no keys at all");
            self.keys.iter().for_each(|key| self.tell_missing(key, tags, out));
            return Ok(());
        }
        if self.database != 0 {
            if !databases.contains(&self.database) {
                out.warn(format!("redis has no database {}", self.database));
                return Ok(());
            }
            databases = vec![self.database];
        }
        let mut overall: BTreeMap<String, i64> = BTreeMap::new();
        for database in databases {
            connection.select(database).await?;
            for found in self.lengths(connection, out).await? {
                *overall.entry(found.key.clone()).or_default() += found.length;
                if found.length > 0 {
                    let own = [
                        format!("key:{}", found.key),
                        format!("key_type:{}", found.kind),
                        format!("redis_db:db{database}"),
                    ];
                    out.gauge("redis.key.length", found.length as f64, &[tags, &own].concat());
                }
            }
        }
        for (key, _) in overall.iter().filter(|(_, length)| **length == 0) {
            self.tell_missing(key, tags, out);
        }
        Ok(())
    }

    fn tell_missing(&self, key: &str, tags: &[String], out: &mut Samples) {
        let mut own = vec![format!("key:{key}")];
        if self.database != 0 {
            own.push(format!("redis_db:db{}", self.database));
        }
        own.extend_from_slice(tags);
        out.gauge("redis.key.length", 0.0, &own);
        if self.warn_on_missing {
            out.warn(format!("redis has no key {key}"));
        }
    }

    async fn lengths(&self, connection: &mut Connection, out: &mut Samples) -> Result<Vec<Length>, RedisError> {
        let mut found = Vec::new();
        for wanted in &self.keys {
            let keys = if is_pattern(wanted) {
                scan(connection, wanted, out).await?
            } else {
                vec![wanted.clone().into_bytes()]
            };
            for key in keys {
                found.push(length(connection, &key).await?);
            }
        }
        Ok(found)
    }
}

/// Whether a name has a sign of a pattern that is not escaped.
fn is_pattern(name: &str) -> bool {
    let mut escaped = false;
    name.chars().any(|letter| {
        let sign = matches!(letter, '*' | '?' | '[') && !escaped;
        escaped = letter == '\\' && !escaped;
        sign
    })
}

async fn scan(connection: &mut Connection, pattern: &str, out: &mut Samples) -> Result<Vec<Vec<u8>>, RedisError> {
    let mut cursor = "0".to_owned();
    let mut found = Vec::new();
    loop {
        let reply = connection.command(&["SCAN", &cursor, "MATCH", pattern, "COUNT", SCAN_COUNT]).await?;
        let [next, keys] = reply.items() else { return Ok(found) };
        for key in keys.items() {
            if let Reply::Text(bytes) = key {
                found.push(bytes.clone());
            }
        }
        cursor = next.text().unwrap_or_default();
        if found.len() >= MAX_KEYS {
            out.warn(format!("more than {MAX_KEYS} keys match {pattern}: the rest is not measured"));
            found.truncate(MAX_KEYS);
        }
        if cursor == "0" || cursor.is_empty() || found.len() >= MAX_KEYS {
            // A scan may give a key twice.
            found.sort_unstable();
            found.dedup();
            return Ok(found);
        }
    }
}

async fn length(connection: &mut Connection, key: &[u8]) -> Result<Length, RedisError> {
    let shown = String::from_utf8_lossy(key).into_owned();
    let kind = match connection.raw_command(&[b"TYPE", key]).await {
        Ok(reply) => reply.text().unwrap_or_default(),
        // The key is on another server of the cluster.
        Err(RedisError::Refused { .. }) => return Ok(Length { key: shown, kind: "none".into(), length: 0 }),
        Err(error) => return Err(error),
    };
    let command: &[u8] = match kind.as_str() {
        "list" => b"LLEN",
        "set" => b"SCARD",
        "zset" => b"ZCARD",
        "hash" => b"HLEN",
        "stream" => b"XLEN",
        other => return Ok(Length { length: i64::from(other == "string"), key: shown, kind }),
    };
    let reply = connection.raw_command(&[command, key]).await?;
    Ok(Length { key: shown, kind, length: reply.number().unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_told_from_names() {
        for (name, wanted) in
            [("queue:*", true), ("a?", true), ("a[1]", true), ("a\\*", false), ("a\\\\*", true), ("a", false)]
        {
            assert_eq!(is_pattern(name), wanted, "{name}");
        }
    }
}
