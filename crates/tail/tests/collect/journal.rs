//! The journal, through a program that stands in for `journalctl`: it notes how it is called and prints entries.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use expect_test::expect;
use serde_json::{Value, json};

use crate::harness::Bench;

/// Prints the newest cursor when asked for one line, else the entries and waits.
const PROGRAM: &str = r#"#!/bin/sh
echo "$@" >> DIR/calls
case "$*" in
  *--lines=1*) echo '{"__CURSOR":"s=0","MESSAGE":"old"}'; exit 0;;
  *--after-cursor=s=bad*) echo 'Failed to seek to cursor: Invalid argument' >&2; exit 1;;
esac
cat DIR/entries
[ -e DIR/exit ] && { echo 'broken' >&2; exit 3; }
exec sleep 60
"#;

fn bench(entries: &[Value]) -> Bench {
    let mut bench = Bench::new();
    bench.config.batch.wait = Duration::from_millis(10);
    let text: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
    bench.write("entries", text);
    bench.write("journalctl", PROGRAM.replace("DIR", &bench.folder.path().display().to_string()));
    let program = bench.path("journalctl");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.config.journalctl = program;
    bench
}

fn calls(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("calls")).unwrap_or_default()
}

#[tokio::test]
async fn entries_are_read_from_a_saved_place() {
    let mut bench = bench(&[
        json!({ "__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1795534732123456", "PRIORITY": "3", "MESSAGE": "boom",
                "SYSLOG_IDENTIFIER": "sshd", "_SYSTEMD_UNIT": "ssh.service" }),
        json!({ "__CURSOR": "s=2", "PRIORITY": "6", "MESSAGE": [104, 105, 255], "_COMM": "x" }),
        json!({ "__CURSOR": "s=3", "MESSAGE": "no", "_SYSTEMD_UNIT": "noisy.service" }),
    ]);
    let source = json!({
        "type": "journald", "include_units": ["ssh.service", "x.service"], "exclude_units": ["noisy.service"],
        "tags": ["a:1"]
    });
    bench.apply(std::slice::from_ref(&source)).await;
    let lines = bench.wait_for_lines(2).await;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| format!("{} {} {}: {}", line.service, line.source, line.status, line.message))
        .collect();
    expect![[r#"
        [
            "sshd sshd error: {\"message\":\"boom\",\"journald\":{\"PRIORITY\":\"3\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"_SYSTEMD_UNIT\":\"ssh.service\"}}",
            "x x info: {\"message\":\"hi�\",\"journald\":{\"PRIORITY\":\"6\",\"_COMM\":\"x\"}}",
        ]
    "#]]
    .assert_debug_eq(&seen);
    assert_eq!((lines[0].time_ms, &lines[0].tags[..]), (1_795_534_732_123, &["a:1".to_owned()][..]));
    bench.shutdown().await;
    bench.start().await;
    bench.wait_for_lines(2).await;
    bench.shutdown().await;
    expect![[r#"
        --output=json --all --no-pager --quiet --lines=1
        --output=json --all --no-pager --quiet --follow --no-tail --after-cursor=s=0 _SYSTEMD_UNIT=ssh.service + _SYSTEMD_UNIT=x.service
        --output=json --all --no-pager --quiet --follow --no-tail --after-cursor=s=3 _SYSTEMD_UNIT=ssh.service + _SYSTEMD_UNIT=x.service
    "#]]
    .assert_eq(&calls(&bench));
}

#[tokio::test]
async fn the_program_is_started_again_when_it_ends() {
    let mut bench = bench(&[json!({ "__CURSOR": "s=1", "MESSAGE": "one" })]);
    bench.write("exit", "");
    bench.apply(&[json!({ "type": "journald", "start_position": "beginning", "service": "s", "source": "o" })]).await;
    let lines = bench.wait_for_lines(2).await;
    assert_eq!((lines[0].service.as_str(), lines[0].source.as_str()), ("s", "o"));
    let error = bench.tail().status().sources[0].last_error.clone().unwrap();
    assert!(error.starts_with("journalctl ended with exit status: 3"), "{error}");
    bench.shutdown().await;
    let calls = calls(&bench);
    let calls: Vec<&str> = calls.lines().collect();
    assert!(calls[0].ends_with("--no-tail") && calls[1].ends_with("--after-cursor=s=1"), "{calls:?}");
}

#[tokio::test]
async fn a_cursor_of_another_journal_is_given_up() {
    let mut bench = bench(&[json!({ "__CURSOR": "s=1", "MESSAGE": "one" })]);
    let registry = json!({
        "version": 1, "files": [],
        "sources": { "journald:": { "last_seen_ms": i64::MAX, "cursor": "s=bad" } }
    });
    bench.write("run/registry.json", registry.to_string());
    bench.apply(&[json!({ "type": "journald" })]).await;
    assert_eq!(bench.wait_for_lines(1).await.len(), 1);
    bench.shutdown().await;
}

#[tokio::test]
async fn a_missing_program_is_said() {
    let mut bench = Bench::new();
    bench.config.journalctl = bench.path("nothing");
    bench.apply(&[json!({ "type": "journald" })]).await;
    for _ in 0..100 {
        if bench.tail().status().sources[0].last_error.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let error = bench.tail().status().sources[0].last_error.clone().unwrap();
    assert_eq!(error, "journalctl is not installed: the journal cannot be read");
    bench.shutdown().await;
}
