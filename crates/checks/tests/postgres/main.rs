//! The PostgreSQL check against real servers.
#![allow(clippy::unwrap_used)] // a test that cannot go on says where

use std::collections::BTreeSet;
use std::sync::Arc;

use galgo_agent::check::{Check, CheckContext, Instance, Sample, Samples, Source};
use galgo_agent::collect::Roots;
use galgo_core::SystemClock;
use galgo_core::check::CheckStatus;
use serde_json::{Value, json};

mod server;

use server::Server;

fn check(options: Value) -> Box<dyn Check> {
    let context = CheckContext {
        clock: Arc::new(SystemClock::new()),
        host: "h".into(),
        roots: Roots::machine(),
        settings: Arc::new(Value::Null),
    };
    let instance = Instance::new("postgres", options, Value::Null, Source::default()).unwrap();
    galgo_checks::postgres::factory(&instance, &context).unwrap()
}

fn instance(server: &Server, more: &Value) -> Value {
    let mut options = json!({ "host": "127.0.0.1", "username": "datadog", "password": "secret", "port": server.port });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    options
}

async fn run(check: &mut Box<dyn Check>) -> (Samples, Result<(), String>) {
    let mut out = Samples::default();
    let result = check.run(&mut out).await.map_err(|error| error.to_string());
    (out, result)
}

/// The value of a metric with some tags.
fn value(out: &Samples, metric: &str, tags: &[&str]) -> f64 {
    let fits =
        |sample: &&Sample| sample.metric == metric && tags.iter().all(|tag| sample.tags.iter().any(|have| have == tag));
    out.values.iter().find(fits).unwrap_or_else(|| panic!("{metric} {tags:?} is missing")).value
}

fn names(out: &Samples) -> BTreeSet<&str> {
    out.values.iter().map(|sample| sample.metric.as_str()).collect()
}

fn can_connect(out: &Samples) -> (CheckStatus, String, Vec<String>) {
    let run = out.checks.iter().find(|run| run.check == "postgres.can_connect").unwrap();
    (run.status, run.message.clone(), run.tags.clone())
}

#[tokio::test]
async fn all_groups_arrive() {
    let Some(server) = Server::start(&["track_functions=all"]).await else { return };
    server.sql("CREATE TABLE orders (id INT PRIMARY KEY, n INT)");
    server.sql("INSERT INTO orders SELECT i, i FROM generate_series(1, 100) i");
    server.sql("CREATE FUNCTION twice(x INT) RETURNS INT LANGUAGE plpgsql AS 'BEGIN RETURN 2 * x; END'");
    server.sql("SELECT twice(n) FROM orders");
    server.sql("SELECT pg_create_physical_replication_slot('spare')");
    let _holder = server.session("BEGIN; LOCK TABLE orders IN SHARE MODE; SELECT pg_sleep(600)");
    server.until("SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock'", "1").await;
    let options = json!({ "tags": ["team:db"], "relations": [{ "relation_regex": "^ord" }],
        "collect_activity_metrics": true, "collect_function_metrics": "yes", "collect_wal_metrics": true });
    let mut check = check(instance(&server, &options));
    let (out, result) = run(&mut check).await;
    assert_eq!((result, out.warnings.clone()), (Ok(()), Vec::<String>::new()));
    // Another release may have more than what is listed.
    let kinds: BTreeSet<(String, &str)> =
        out.values.iter().map(|sample| (format!("{:?}", sample.kind), sample.metric.as_str())).collect();
    let listed = include_str!("metrics.txt").lines().map(|line| line.split_once(' ').unwrap());
    let missing: Vec<_> = listed.filter(|(kind, metric)| !kinds.contains(&((*kind).to_owned(), metric))).collect();
    assert!(missing.is_empty(), "not submitted: {missing:?}");
    let port = format!("port:{}", server.port);
    for sample in &out.values {
        for tag in ["team:db", "server:127.0.0.1", "replication_role:master", &port] {
            assert!(sample.tags.iter().any(|have| have == tag), "{sample:?} has no {tag}");
        }
    }
    assert_eq!(value(&out, "postgresql.rows_inserted", &["db:postgres", "schema:public", "table:orders"]), 100.0);
    assert!(value(&out, "postgresql.database_size", &["db:postgres"]) > 1e6);
    assert!(value(&out, "postgresql.individual_index_size", &["index:orders_pkey"]) > 0.0);
    assert_eq!(value(&out, "postgresql.locks", &["lock_mode:ShareLock", "table:orders", "granted:true"]), 1.0);
    assert_eq!(value(&out, "postgresql.transactions.open", &["app:psql", "user:postgres"]), 1.0);
    assert_eq!(value(&out, "postgresql.function.calls", &["function:twice", "schema:public"]), 100.0);
    assert_eq!(value(&out, "postgresql.running", &[]), 1.0);
    assert_eq!(value(&out, "postgresql.db.count", &[]), 1.0);
    let (status, message, tags) = can_connect(&out);
    assert_eq!((status, message.as_str()), (CheckStatus::Ok, ""));
    assert_eq!(tags, ["team:db", port.as_str(), "server:127.0.0.1", "db:postgres"]);
    assert!(out.metadata.iter().any(|(name, value)| name == "version.major" && value.parse::<u32>().unwrap() >= 11));
    run(&mut check).await.1.unwrap();
    assert_eq!(server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'datadog'").trim(), "1");
}

#[tokio::test]
async fn a_stopped_server_is_critical_and_comes_back() {
    let Some(mut server) = Server::start(&[]).await else { return };
    let mut check = check(instance(&server, &json!({ "connect_timeout": 2 })));
    assert_eq!(run(&mut check).await.1, Ok(()));
    server.down();
    let (out, result) = run(&mut check).await;
    let reason =
        format!("cannot connect to PostgreSQL at 127.0.0.1:{}: Connection refused (os error 111)", server.port);
    assert_eq!(result, Err(reason.clone()));
    assert_eq!((can_connect(&out).0, can_connect(&out).1), (CheckStatus::Critical, reason));
    server.up().await;
    let (out, result) = run(&mut check).await;
    assert_eq!((result, can_connect(&out).0), (Ok(()), CheckStatus::Ok));
    server.down();
    server.up().await;
    assert_eq!(run(&mut check).await.1, Ok(()), "a restart between two runs is nothing to tell");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_the_password() {
    let Some(server) = Server::start(&[]).await else { return };
    let (out, result) = run(&mut check(instance(&server, &json!({ "password": "hunter2" })))).await;
    let message = can_connect(&out).1;
    assert_eq!(result, Err(message.clone()));
    assert!(message.ends_with("password authentication failed for user \"datadog\""), "{message}");
}

#[tokio::test]
async fn what_is_not_granted_becomes_a_warning() {
    let Some(server) = Server::start(&[]).await else { return };
    server.sql("CREATE USER poor WITH PASSWORD 'secret'");
    let options = json!({ "username": "poor", "collect_wal_metrics": true });
    let (out, result) = run(&mut check(instance(&server, &options))).await;
    assert_eq!((result, can_connect(&out).0), (Ok(()), CheckStatus::Ok));
    let hint = "WAL files: permission denied for function pg_ls_waldir; grant pg_monitor to the user of this check";
    assert_eq!(out.warnings, [hint]);
    assert!(names(&out).contains("postgresql.commits"));
    let (out, _) = run(&mut check(instance(&server, &json!({ "username": "poor" })))).await;
    assert_eq!(out.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_query_that_hangs_holds_up_nothing() {
    let Some(server) = Server::start(&[]).await else { return };
    server.sql("CREATE TABLE t (n INT)");
    server.sql("GRANT SELECT ON t TO datadog");
    let _lock = server.session("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)");
    server.until("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'", "1").await;
    let query = |sql: &str, name: &str| json!({ "query": sql, "columns": [{ "name": name, "type": "gauge" }] });
    // The server's own limit is switched off for the second one, so that it has to be cancelled.
    let options = json!({ "query_timeout": 500, "custom_queries": [
        query("SELECT n FROM t", "locked"),
        query("SET statement_timeout = 0; SELECT 1 FROM pg_sleep(500)", "asleep"),
        query("SELECT 5", "after"),
        { "query": "SELECT 'a', true", "metric_prefix": "own.",
          "columns": [{ "name": "k", "type": "tag" }, { "name": "on", "type": "gauge" }] },
        query("SELECT x FROM nowhere", "none"),
    ] });
    let mut check = check(instance(&server, &options));
    for _ in 0..2 {
        let (out, result) = run(&mut check).await;
        assert_eq!(result, Ok(()));
        assert_eq!(value(&out, "postgresql.after", &["db:postgres"]), 5.0);
        assert_eq!(value(&out, "own.on", &["k:a"]), 1.0);
        let told = [
            "custom query #1: no answer within 500ms",
            "custom query #2: no answer within 500ms",
            "custom query #5: relation \"nowhere\" does not exist",
        ];
        assert_eq!(out.warnings, told);
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'datadog'";
    // Nothing is left behind.
    server.until(sessions, "1").await;
}

#[tokio::test]
async fn a_standby_tells_its_delay_and_its_source_the_lag() {
    let Some(source) = Server::start(&[]).await else { return };
    let replica = source.replica().await;
    source.until("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", "1").await;
    source.sql("CREATE TABLE t (n INT)");
    replica.until("SELECT count(*) FROM pg_class WHERE relname = 't'", "1").await;
    let (out, result) = run(&mut check(instance(&replica, &json!({})))).await;
    assert_eq!((result, out.warnings.clone()), (Ok(()), Vec::<String>::new()));
    assert_eq!(value(&out, "postgresql.replication_delay", &["replication_role:standby"]), 0.0);
    assert!(value(&out, "postgresql.replication_delay_bytes", &[]) >= 0.0);
    assert_eq!(value(&out, "postgresql.wal_receiver.connected", &["status:streaming"]), 1.0);
    let (out, _) = run(&mut check(instance(&source, &json!({})))).await;
    assert_eq!(out.warnings, Vec::<String>::new());
    assert!(value(&out, "postgresql.replication.wal_replay_lag", &["wal_state:streaming"]) >= 0.0);
    assert!(!names(&out).contains("postgresql.replication_delay"));
}

#[tokio::test]
async fn a_socket_and_tls_lead_to_the_server() {
    let Some(mut server) = Server::start(&[]).await else { return };
    let query = json!([{ "query": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        "columns": [{ "name": "encrypted", "type": "gauge" }] }]);
    let by_socket = json!({ "host": server.folder(), "only_custom_queries": true, "custom_queries": query });
    let (out, result) = run(&mut check(instance(&server, &by_socket))).await;
    assert_eq!((result, value(&out, "postgresql.encrypted", &[])), (Ok(()), 0.0));
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    server.file("data/server.crt", &made.cert.pem());
    server.file("data/server.key", &made.signing_key.serialize_pem());
    server.file("other.crt", &other.cert.pem());
    let with = |ssl: &str, ca: Option<&str>| {
        let ca = ca.map(|name| server.folder().join(name));
        let more = json!({ "ssl": ssl, "ssl_root_cert": ca, "only_custom_queries": true, "custom_queries": query });
        check(instance(&server, &more))
    };
    let mut required = with("require", None);
    let error = run(&mut required).await.1.unwrap_err();
    assert!(error.contains("server does not support TLS"), "{error}");
    let mut checks = [
        (required, Ok(1.0)),
        (with("prefer", None), Ok(1.0)),
        (with("disable", None), Ok(0.0)),
        (with("verify-full", Some("data/server.crt")), Ok(1.0)),
        (with("verify-ca", Some("data/server.crt")), Ok(1.0)),
        (with("verify-full", Some("other.crt")), Err("certificate")),
    ];
    server.sql("ALTER SYSTEM SET ssl = on");
    server.down();
    server.up().await;
    for (check, expected) in &mut checks {
        let (out, result) = run(check).await;
        match expected {
            Ok(encrypted) => {
                assert_eq!((result, value(&out, "postgresql.encrypted", &[])), (Ok(()), *encrypted));
            }
            Err(reason) => assert!(result.clone().unwrap_err().contains(*reason), "{result:?}"),
        }
    }
}
