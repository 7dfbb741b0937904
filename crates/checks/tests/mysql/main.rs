//! The MySQL check against real MariaDB servers, with the user and the options of a usual configuration.
#![allow(clippy::unwrap_used)] // a test that cannot go on says where

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::check::{Check, CheckContext, Instance, SampleKind, Samples, Source};
use galgo_agent::collect::Roots;
use galgo_core::SystemClock;
use galgo_core::check::CheckStatus;
use serde_json::{Value, json};

mod server;

use server::Server;

fn check_with(options: Value, init_config: Value) -> Box<dyn Check> {
    let context = CheckContext {
        clock: Arc::new(SystemClock::new()),
        host: "h".into(),
        roots: Roots::machine(),
        settings: Arc::new(Value::Null),
    };
    let instance = Instance::new("mysql", options, init_config, Source::default()).unwrap();
    galgo_checks::mysql::factory(&instance, &context).unwrap()
}

fn check(options: Value) -> Box<dyn Check> {
    check_with(options, Value::Null)
}

/// An instance for the exercise's user, with more keys.
fn instance(server: &Server, more: &Value) -> Value {
    let mut options = json!({ "server": "127.0.0.1", "user": "datadog", "pass": "secret", "port": server.port });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    options
}

async fn run(check: &mut Box<dyn Check>) -> (Samples, Result<(), String>) {
    let mut out = Samples::default();
    let result = check.run(&mut out).await.map_err(|error| error.to_string());
    (out, result)
}

fn names(out: &Samples) -> BTreeSet<&str> {
    out.values.iter().map(|sample| sample.metric.as_str()).collect()
}

fn value(out: &Samples, metric: &str) -> f64 {
    out.values.iter().find(|sample| sample.metric == metric).unwrap_or_else(|| panic!("{metric} is missing")).value
}

fn status(out: &Samples, check: &str) -> (CheckStatus, String, Vec<String>) {
    let run = out.checks.iter().find(|run| run.check == check).unwrap_or_else(|| panic!("{check} is missing"));
    (run.status, run.message.clone(), run.tags.clone())
}

/// The options of the exercise's file.
fn usual() -> Value {
    json!({ "options": { "replication": 0, "galera_cluster": 1, "extra_status_metrics": true,
        "extra_innodb_metrics": true, "extra_performance_metrics": true, "schema_size_metrics": false,
        "disable_innodb_metrics": false }, "tags": ["team:db"] })
}

#[tokio::test]
async fn all_groups_arrive() {
    let Some(server) = Server::start(&["--performance-schema=on", "--log-bin=b", "--server-id=1"]).await else {
        return;
    };
    server.sql("CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v INT, KEY (v)) ENGINE=InnoDB");
    server.sql("INSERT INTO shop.t VALUES (1, 1), (2, 2); USE shop; SELECT * FROM t WHERE v = 1");
    let mut check = check(instance(&server, &usual()));
    let (out, result) = run(&mut check).await;
    assert_eq!((result, out.warnings.clone()), (Ok(()), Vec::<String>::new()));
    // Another release may have more than what is listed.
    let kinds: BTreeSet<(String, &str)> =
        out.values.iter().map(|sample| (format!("{:?}", sample.kind), sample.metric.as_str())).collect();
    let listed = include_str!("metrics.txt").lines().map(|line| line.split_once(' ').unwrap());
    let missing: Vec<_> = listed.filter(|(kind, metric)| !kinds.contains(&((*kind).to_owned(), metric))).collect();
    assert!(missing.is_empty(), "not submitted: {missing:?}");
    let tags = ["dbms_flavor:mariadb", "port", "server:127.0.0.1", "team:db"];
    for sample in &out.values {
        for tag in tags {
            assert!(sample.tags.iter().any(|have| have.starts_with(tag)), "{sample:?}");
        }
    }
    assert!(value(&out, "mysql.performance.cpu_time") > 0.0);
    let pages = value(&out, "mysql.innodb.buffer_pool_pages_total");
    assert_eq!(value(&out, "mysql.innodb.buffer_pool_total"), pages * 16384.0);
    let (status, message, tags) = status(&out, "mysql.can_connect");
    let port = format!("port:{}", server.port);
    assert_eq!((status, message.as_str()), (CheckStatus::Ok, ""));
    assert_eq!(tags, ["team:db", port.as_str(), "server:127.0.0.1"]);
    let facts: BTreeMap<String, String> = out.metadata.into_iter().collect();
    assert_eq!(facts["flavor"], "MariaDB");
    assert!(facts["version.raw"].contains("+"), "{facts:?}");
    // From the second run on there is an interval to look at.
    let (out, _) = run(&mut check).await;
    assert!(names(&out).contains("mysql.performance.qcache.utilization.instant"));
    // One connection is kept.
    assert_eq!(server.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'datadog'"), "1\n");
}

#[tokio::test]
async fn sizes_rows_and_indexes_come_when_they_are_wanted() {
    let Some(server) = Server::start(&["--performance-schema=on"]).await else { return };
    server.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v INT, KEY by_v (v)); \
         INSERT INTO shop.t VALUES (1, 1); ANALYZE TABLE shop.t; GRANT SELECT ON *.* TO 'datadog'@'localhost'",
    );
    let options = json!({ "options": { "schema_size_metrics": "yes", "table_size_metrics": 1,
        "system_table_size_metrics": "true", "table_rows_stats_metrics": true }, "index_metrics": { "enabled": true },
        "additional_status": [{ "name": "Uptime", "metric_name": "mysql.uptime", "type": "gauge" }] });
    let mut check = check(instance(&server, &options));
    let (out, result) = run(&mut check).await;
    assert_eq!((result, out.warnings.clone()), (Ok(()), Vec::<String>::new()));
    let tagged = |metric: &str, tags: &[&str]| {
        let found = out.values.iter().find(|sample| {
            sample.metric == metric && tags.iter().all(|tag| sample.tags.iter().any(|have| have == tag))
        });
        found.unwrap_or_else(|| panic!("{metric} {tags:?} is missing")).value
    };
    assert!(tagged("mysql.info.schema.size", &["schema:shop"]) > 0.0);
    assert_eq!(tagged("mysql.info.table.data_size", &["schema:shop", "table:t"]), 0.015625);
    assert!(tagged("mysql.info.table.index_size", &["schema:mysql", "table:user"]) >= 0.0);
    assert_eq!(tagged("mysql.info.table.rows.changed", &["schema:shop", "table:t"]), 1.0);
    assert!(tagged("mysql.index.size", &["db:shop", "table:t", "index:by_v"]) > 0.0);
    assert!(tagged("mysql.index.reads", &["db:shop", "table:t", "index:by_v"]) >= 0.0);
    assert!(tagged("mysql.uptime", &[]) >= 0.0);
    // Indexes have an interval of their own.
    let (out, _) = run(&mut check).await;
    assert!(!names(&out).contains("mysql.index.size"));
}

#[tokio::test]
async fn a_stopped_server_is_critical_and_comes_back() {
    let Some(mut server) = Server::start(&[]).await else { return };
    let mut check = check(instance(&server, &json!({ "connect_timeout": 2, "query_timeout": 1 })));
    assert_eq!(run(&mut check).await.1, Ok(()));
    server.down();
    let (out, result) = run(&mut check).await;
    let reason = format!("cannot connect to MySQL at 127.0.0.1:{}: Connection refused (os error 111)", server.port);
    assert_eq!(result, Err(reason.clone()));
    let (critical, message, _) = status(&out, "mysql.can_connect");
    assert_eq!((critical, message, out.values.len()), (CheckStatus::Critical, reason, 0));
    server.up().await;
    let (out, result) = run(&mut check).await;
    assert_eq!((result, status(&out, "mysql.can_connect").0), (Ok(()), CheckStatus::Ok));
    assert!(names(&out).contains("mysql.performance.questions"));
    // One that was restarted between two runs is nothing to tell.
    server.down();
    server.up().await;
    assert_eq!(run(&mut check).await.1, Ok(()));
    // One that hangs is.
    server.signal("-STOP");
    let (out, result) = run(&mut check).await;
    assert!(result.unwrap_err().ends_with("no answer within 2s"));
    assert_eq!(status(&out, "mysql.can_connect").0, CheckStatus::Critical);
    server.signal("-CONT");
    assert_eq!(run(&mut check).await.1, Ok(()));
}

#[tokio::test]
async fn a_wrong_password_is_told_without_the_password() {
    let Some(server) = Server::start(&[]).await else { return };
    let mut check = check(instance(&server, &json!({ "pass": "hunter2" })));
    let (out, result) = run(&mut check).await;
    let message = status(&out, "mysql.can_connect").1;
    assert_eq!(result, Err(message.clone()));
    assert!(message.contains("Access denied for user 'datadog'@'localhost'"), "{message}");
    assert!(!message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn what_is_not_granted_becomes_a_warning() {
    let Some(server) = Server::start(&["--performance-schema=on", "--log-bin=b", "--server-id=1"]).await else {
        return;
    };
    server.sql("CREATE USER 'poor'@'localhost' IDENTIFIED BY 'secret'");
    let mut options = instance(&server, &usual());
    options["user"] = "poor".into();
    options["options"]["replication"] = true.into();
    let (out, result) = run(&mut check(options)).await;
    assert_eq!((result, status(&out, "mysql.can_connect").0), (Ok(()), CheckStatus::Ok));
    let groups: BTreeSet<&str> = out.warnings.iter().filter_map(|warning| Some(warning.split_once(':')?.0)).collect();
    let expected = ["InnoDB status", "average run times", "binary logs", "replication status", "run times of digests"];
    for group in expected {
        assert!(groups.contains(group), "{group} is missing in {:?}", out.warnings);
    }
    assert!(out.warnings.iter().all(|warning| warning.contains("; grant ")), "{:?}", out.warnings);
    assert!(names(&out).contains("mysql.innodb.data_reads") && names(&out).contains("mysql.net.connections"));
}

#[tokio::test]
async fn custom_queries_of_both_forms_run() {
    let Some(server) = Server::start(&[]).await else { return };
    server.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.orders (state VARCHAR(9), n INT); \
         INSERT INTO shop.orders VALUES ('open', 3), ('done', 7); GRANT SELECT ON shop.* TO 'datadog'@'localhost'",
    );
    let columns = json!([{ "name": "state", "type": "tag" }, { "name": "shop.orders", "type": "gauge" }]);
    let options = json!({
        "only_custom_queries": true,
        "custom_queries": [
            { "query": "SELECT state, n FROM shop.orders", "columns": columns, "tags": ["q:1"] },
            { "query": "SELECT nothing FROM shop.nowhere", "columns": columns },
        ],
        "queries": [
            { "type": "gauge", "metric": "shop.total", "query": "SELECT SUM(n) AS total FROM shop.orders",
              "field": "Total", "tags": ["q:2"] },
            { "type": "rate", "metric": "shop.by_state", "query": "SELECT state, n FROM shop.orders ORDER BY n",
              "field": "n", "tag_key": "state" },
            { "type": "gauge", "metric": "shop.bad", "query": "SELECT 1 AS one", "field": "two" },
        ],
        "use_global_custom_queries": "extend",
    });
    let globals = json!({ "global_custom_queries": [{ "query": "SELECT 1", "metric_prefix": "all",
        "columns": [{ "name": "up", "type": "service_check", "status_map": { "1": "OK" } }] }] });
    let (out, result) = run(&mut check_with(instance(&server, &options), globals)).await;
    assert_eq!(result, Ok(()));
    let own = |tags: &[String]| -> Vec<String> {
        let standard = |tag: &&String| !["server:", "port:", "dbms_flavor:"].iter().any(|key| tag.starts_with(key));
        tags.iter().filter(standard).cloned().collect()
    };
    let mut lines: Vec<String> =
        out.values.iter().map(|s| format!("{:?} {} {} {:?}", s.kind, s.metric, s.value, own(&s.tags))).collect();
    lines.extend(out.checks.iter().map(|run| format!("{} {:?}", run.check, run.status)));
    lines.extend(out.warnings);
    expect_test::expect![[r#"
        Gauge shop.total 10 ["q:2"]
        Rate shop.by_state 3 ["state:open"]
        Rate shop.by_state 7 ["state:done"]
        Gauge shop.orders 3 ["q:1", "state:open"]
        Gauge shop.orders 7 ["q:1", "state:done"]
        all.up Ok
        mysql.can_connect Ok
        shop.bad: the result has no column two
        custom query #2: Table 'shop.nowhere' doesn't exist (error 1146)"#]]
    .assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn a_query_that_hangs_holds_up_nothing() {
    let Some(server) = Server::start(&[]).await else { return };
    server.sql(
        "CREATE DATABASE shop; CREATE TABLE shop.t (n INT); GRANT SELECT ON shop.* TO 'datadog'@'localhost'; \
         CREATE TABLE shop.u (n INT)",
    );
    let _lock = server.session("LOCK TABLES shop.t WRITE; SELECT SLEEP(600)");
    let asleep = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'";
    server.until(asleep, |count| count == "1\n").await;
    let query = |sql: &str, name: &str| json!({ "query": sql, "columns": [{ "name": name, "type": "gauge" }] });
    // The server's own limit is switched off for the last one, so that it has to be killed.
    let options = json!({ "query_timeout": 1, "custom_queries": [
        query("SELECT n FROM shop.t", "locked"),
        query("SET STATEMENT max_statement_time = 0 FOR SELECT SLEEP(500)", "asleep"),
        query("SELECT 5", "after"),
    ] });
    let mut check = check(instance(&server, &options));
    for _ in 0..2 {
        let began = tokio::time::Instant::now();
        let (out, result) = run(&mut check).await;
        assert_eq!(result, Ok(()));
        assert_eq!(value(&out, "after"), 5.0);
        let told = ["custom query #1: no answer within 1s", "custom query #2: no answer within 1s"];
        assert_eq!(out.warnings, told);
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
        let threads = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'datadog'";
        // Nothing is left behind.
        server.until(threads, |count| count == "1\n").await;
    }
}

#[tokio::test]
async fn a_socket_and_a_defaults_file_lead_to_the_server() {
    let Some(server) = Server::start(&[]).await else { return };
    let socket = server.socket();
    let options = json!({ "sock": socket, "user": "datadog", "pass": "secret", "only_custom_queries": true });
    let (out, result) = run(&mut check(options)).await;
    assert_eq!(result, Ok(()));
    let server_tag = format!("server:{}", socket.display());
    assert_eq!(status(&out, "mysql.can_connect").2, ["port:unix_socket", server_tag.as_str()]);
    let file = server.folder().join("client.cnf");
    let text = format!("[client]\nuser=datadog\npassword='secret'\nhost=127.0.0.1\nport={}\n", server.port);
    std::fs::write(&file, text).unwrap();
    let mut check = check(json!({ "defaults_file": file, "only_custom_queries": true }));
    let (out, result) = run(&mut check).await;
    assert_eq!(result, Ok(()));
    let port = format!("port:{}", server.port);
    assert_eq!(status(&out, "mysql.can_connect").2, [port.as_str(), "server:127.0.0.1"]);
}

#[tokio::test]
async fn a_replica_and_its_source_are_told_apart() {
    let Some(source) = Server::start(&["--log-bin=b", "--server-id=1"]).await else { return };
    let Some(replica) = Server::start(&["--server-id=2", "--performance-schema=on"]).await else { return };
    source.sql(
        "CREATE USER 'repl'@'localhost' IDENTIFIED BY 'r'; \
         GRANT REPLICATION SLAVE ON *.* TO 'repl'@'localhost'",
    );
    replica.sql("GRANT REPLICA MONITOR ON *.* TO 'datadog'@'localhost'");
    // The replica has users of its own; what made the source's is not for it.
    source.sql("GRANT REPLICA MONITOR ON *.* TO 'datadog'@'localhost'; RESET MASTER");
    let port = source.port;
    let change = |name: &str, host: &str| {
        format!(
            "CHANGE MASTER {name} TO MASTER_HOST='{host}', MASTER_PORT={port}, MASTER_USER='repl', \
                 MASTER_PASSWORD='r', MASTER_USE_GTID=slave_pos"
        )
    };
    replica.sql(&format!("{}; START SLAVE; {}", change("", "127.0.0.1"), change("'eu'", "localhost")));
    replica.until("SHOW ALL SLAVES STATUS", |status| status.contains("Waiting for master to send event")).await;
    let options = json!({ "options": { "replication": true } });
    let modes = |out: &Samples| -> Vec<(CheckStatus, String)> {
        let runs = out.checks.iter().filter(|run| run.check == "mysql.replication.replica_running");
        runs.map(|run| (run.status, run.tags.last().unwrap().clone())).collect()
    };
    let mut on_replica = check(instance(&replica, &options));
    let (out, result) = run(&mut on_replica).await;
    assert_eq!((result, out.warnings.clone()), (Ok(()), Vec::<String>::new()));
    assert_eq!(modes(&out), [(CheckStatus::Ok, "replication_mode:replica".into())]);
    let behind = out.values.iter().find(|sample| sample.metric == "mysql.replication.seconds_behind_source").unwrap();
    assert_eq!((behind.kind, behind.value), (SampleKind::Gauge, 0.0));
    assert!(behind.tags.contains(&"channel:default".to_owned()), "{:?}", behind.tags);
    assert_eq!(value(&out, "mysql.replication.slave_running"), 1.0);
    let (out, _) = run(&mut check(instance(&source, &options))).await;
    assert_eq!(modes(&out), [(CheckStatus::Ok, "replication_mode:source".into())]);
    assert_eq!(value(&out, "mysql.replication.replicas_connected"), 1.0);
    // A channel on its own, which is not started.
    let eu = json!({ "options": { "replication": true, "replication_channel": "eu" } });
    let (out, _) = run(&mut check(instance(&replica, &eu))).await;
    assert_eq!(modes(&out), [(CheckStatus::Critical, "replication_mode:replica".into())]);
    replica.sql("STOP SLAVE SQL_THREAD");
    let (out, _) = run(&mut on_replica).await;
    assert_eq!(modes(&out), [(CheckStatus::Warning, "replication_mode:replica".into())]);
}

#[tokio::test]
async fn tls_is_verified_by_the_authority_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(path("other.pem"), other.cert.pem()).unwrap();
    server::give_to_server(folder.path());
    let (cert, key) = (format!("--ssl-cert={}", path("cert.pem")), format!("--ssl-key={}", path("key.pem")));
    let Some(server) = Server::start(&[&cert, &key]).await else { return };
    let query = json!([{ "query": "SELECT variable_value <> '' FROM information_schema.session_status \
        WHERE variable_name = 'Ssl_cipher'", "columns": [{ "name": "encrypted", "type": "gauge" }] }]);
    let with = |ssl: Value| {
        check(instance(&server, &json!({ "ssl": ssl, "only_custom_queries": true, "custom_queries": query })))
    };
    let (out, result) = run(&mut with(json!({ "ca": path("cert.pem") }))).await;
    assert_eq!((result, value(&out, "encrypted")), (Ok(()), 1.0));
    let (out, result) = run(&mut with(json!(true))).await;
    assert_eq!((result, value(&out, "encrypted")), (Ok(()), 1.0));
    let (out, result) = run(&mut with(json!({}))).await;
    assert_eq!((result, value(&out, "encrypted")), (Ok(()), 0.0));
    let (_, result) = run(&mut with(json!({ "ca": path("other.pem") }))).await;
    assert!(result.clone().unwrap_err().contains("certificate"), "{result:?}");
    let (_, result) = run(&mut with(json!({ "ca": path("none.pem") }))).await;
    assert!(result.clone().unwrap_err().contains("No such file"), "{result:?}");
}
