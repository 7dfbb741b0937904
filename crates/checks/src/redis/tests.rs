//! The check against a real server where one is installed, and against canned replies.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use super::*;
use crate::http::tests::{closed_port, context, described, instance, run};

fn made(options: Value) -> Box<dyn Check> {
    factory(&instance("redisdb", options), &context(json!({}))).unwrap()
}

/// A real server on a socket in a temporary folder; it ends with the test.
struct RealServer {
    child: Child,
    folder: TempDir,
}

impl Drop for RealServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl RealServer {
    /// Nothing when no server is installed.
    async fn start(arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket", socket.to_str().unwrap()])
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            eprintln!("redis-server is not installed: the test against a real server is left out");
            return None;
        };
        let server = Self { child, folder };
        for _ in 0..200 {
            if UnixStream::connect(&socket).await.is_ok() {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server did not begin to listen");
    }

    fn options(&self, extra: Value) -> Value {
        let mut options = json!({ "unix_socket_path": self.folder.path().join("redis.sock") });
        for (key, value) in extra.as_object().unwrap() {
            options[key] = value.clone();
        }
        options
    }

    async fn ask(&self, commands: &[&[&str]]) {
        let made = instance("redisdb", self.options(json!({})));
        let mut connection = Server::read(&Options::of(&made)).unwrap().connect().await.unwrap();
        for command in commands {
            connection.command(command).await.unwrap();
        }
    }
}

fn value(samples: &Samples, metric: &str, tag: &str) -> Option<f64> {
    let has = |tags: &[String]| tag.is_empty() || tags.iter().any(|known| known == tag);
    let found = samples.values.iter().find(|sample| sample.metric == metric && has(&sample.tags));
    found.map(|sample| sample.value)
}

#[tokio::test]
async fn a_real_server_tells_all() {
    let Some(server) = RealServer::start(&["--slowlog-log-slower-than", "0"]).await else { return };
    server
        .ask(&[
            &["SET", "text", "x"],
            &["SET", "short", "x", "EX", "100"],
            &["RPUSH", "jobs:a", "1", "2", "3"],
            &["SADD", "jobs:b", "1"],
            &["SELECT", "3"],
            &["HSET", "jobs:a", "f", "1"],
        ])
        .await;
    let options = server.options(json!({ "tags": ["a:b"], "command_stats": true, "collect_client_metrics": true,
        "keys": ["jobs:*", "text", "missing"] }));
    let mut check = made(options);
    let (samples, outcome) = run(&mut *check).await;
    outcome.unwrap();
    assert_eq!(value(&samples, "redis.keys", "redis_db:db0"), Some(4.0));
    assert_eq!(value(&samples, "redis.persist.percent", "redis_db:db0"), Some(75.0));
    assert_eq!(value(&samples, "redis.expires", "redis_db:db3"), Some(0.0));
    assert!(value(&samples, "redis.mem.used", "redis_role:master").unwrap() > 0.0);
    assert_eq!(value(&samples, "redis.net.maxclients", "a:b"), Some(10_000.0));
    assert_eq!(value(&samples, "redis.net.connections", "source:unknown"), Some(1.0));
    assert_eq!(value(&samples, "redis.command.calls", "command:rpush"), Some(1.0));
    for metric in ["redis.info.latency_ms", "redis.cpu.sys", "redis.net.commands", "redis.stats.keyspace_hits"] {
        assert!(value(&samples, metric, "redis_port:unix_socket").is_some(), "{metric}");
    }
    let lengths: Vec<String> = described(&samples)
        .lines()
        .filter_map(|line| line.strip_prefix("Gauge redis.key.length "))
        .map(|line| line.split(" redis_host").next().unwrap().replace("a:b ", ""))
        .collect();
    let wanted = [
        "0 [key:missing",
        "1 [key:jobs:a key_type:hash redis_db:db3",
        "1 [key:jobs:b key_type:set redis_db:db0",
        "1 [key:text key_type:string redis_db:db0",
        "3 [key:jobs:a key_type:list redis_db:db0",
    ];
    assert_eq!(lengths, wanted);
    assert_eq!(samples.warnings, ["redis has no key missing"]);
    let slow = |samples: &Samples| samples.values.iter().filter(|one| one.metric == "redis.slowlog.micros").count();
    assert!(slow(&samples) >= 6);
    let first = slow(&samples);
    // Only what came since then, over the same connection.
    let (samples, outcome) = run(&mut *check).await;
    outcome.unwrap();
    assert!(slow(&samples) > 0 && slow(&samples) <= first + 2, "{} after {first}", slow(&samples));
    assert!(samples.metadata.iter().any(|(name, _)| name == "version.major"));
}

#[tokio::test]
async fn a_real_server_wants_a_password() {
    let Some(server) = RealServer::start(&["--requirepass", "geheim"]).await else { return };
    let (samples, outcome) = run(&mut *made(server.options(json!({})))).await;
    let message = outcome.unwrap_err().message;
    assert!(message.ends_with("INFO: NOAUTH Authentication required."), "{message}");
    assert_eq!(samples.checks[0].status, CheckStatus::Critical);
    let (_, outcome) = run(&mut *made(server.options(json!({ "password": "falsch" })))).await;
    let message = outcome.unwrap_err().message;
    assert!(message.contains("AUTH: WRONGPASS") && !message.contains("falsch"), "{message}");
    let right = server.options(json!({ "username": "default", "password": "geheim", "db": 2 }));
    run(&mut *made(right)).await.1.unwrap();
}

/// A server that gives every connection these replies, one for each command.
async fn canned<const N: usize>(replies: [&'static str; N]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for reply in replies {
                let mut command = [0; 1024];
                if !stream.read(&mut command).await.is_ok_and(|read| read > 0) {
                    break;
                }
                let framed = match reply.as_bytes()[0] {
                    b'#' => format!("${}\r\n{reply}\r\n", reply.len()),
                    _ => reply.to_owned(),
                };
                if stream.write_all(framed.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn replication_is_told() {
    let info = "# Replication\r\nrole:master\r\nmaster_repl_offset:100\r\n\
                slave0:ip=10.0.0.1,port=6380,state=online,offset=90,lag=1\r\n";
    let address = canned([info, "-ERR unknown command\r\n", "-ERR unknown command\r\n", "*0\r\n"]).await;
    let (samples, outcome) = run(&mut *made(json!({ "host": "127.0.0.1", "port": address.port() }))).await;
    outcome.unwrap();
    let tags = format!("redis_host:127.0.0.1 redis_port:{} redis_role:master", address.port());
    let wanted = format!(
        "Gauge redis.info.latency_ms 0 [{tags}]\n\
         Gauge redis.replication.delay 10 [{tags} slave_id:0 slave_ip:10.0.0.1 slave_port:6380]\n\
         Gauge redis.replication.master_repl_offset 100 [{tags}]\n\
         check redis.can_connect Ok [{tags}] \n"
    );
    assert_eq!(described(&samples), wanted);
    let info = "# Replication\r\nrole:slave\r\nmaster_link_status:down\r\nmaster_link_down_since_seconds:7\r\n";
    let address = canned([info, "*2\r\n+maxclients\r\n+5\r\n", "*0\r\n", "*0\r\n"]).await;
    let (samples, _) = run(&mut *made(json!({ "host": "127.0.0.1", "port": address.port() }))).await;
    let text = described(&samples);
    assert!(text.contains("Gauge redis.replication.master_link_down_since_seconds 7 "), "{text}");
    assert!(text.contains("check redis.replication.master_link_status Critical "), "{text}");
    assert!(text.contains("Gauge redis.net.maxclients 5 "), "{text}");
}

#[tokio::test]
async fn servers_that_are_away_silent_or_others_are_critical() {
    let closed = closed_port().await;
    let (samples, outcome) = run(&mut *made(json!({ "host": "127.0.0.1", "port": closed.port() }))).await;
    let wanted = format!("{closed}: Connection refused (os error 111)");
    assert_eq!(outcome.unwrap_err().message, wanted);
    assert_eq!((samples.checks[0].status, &samples.checks[0].message), (CheckStatus::Critical, &wanted));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (_, outcome) = run(&mut *made(json!({ "host": "127.0.0.1", "port": port, "socket_timeout": 0.05 }))).await;
    assert_eq!(outcome.unwrap_err().message, format!("127.0.0.1:{port}: no reply within 50ms"));
    let other = canned(["HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let (_, outcome) = run(&mut *made(json!({ "host": "127.0.0.1", "port": other.port() }))).await;
    let wanted = format!("{other}: not the protocol of Redis: a reply of kind 'H'");
    assert_eq!(outcome.unwrap_err().message, wanted);
}

#[tokio::test]
async fn a_connection_that_is_gone_is_made_anew() {
    let address = canned(["# Server\r\nrole:master\r\n", "*0\r\n", "*0\r\n", "*0\r\n"]).await;
    let mut check = made(json!({ "host": "127.0.0.1", "port": address.port() }));
    for _ in 0..3 {
        run(&mut *check).await.1.unwrap();
    }
}

#[test]
fn wrong_options_are_named() {
    let refused = |options| factory(&instance("redisdb", options), &context(json!({}))).map(drop).unwrap_err().message;
    assert_eq!(refused(json!({})), "redisdb (built in): host (with port) or unix_socket_path is required");
    let wanted = "redisdb (built in): db must be a whole number from 0, not -1.0";
    assert_eq!(refused(json!({ "host": "h", "db": -1 })), wanted);
}
