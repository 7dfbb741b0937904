use super::*;
use expect_test::expect;
use serde_json::json;

fn parse(config: Value) -> TailSource {
    TailSource::parse(&config, "conf.d/x.yaml, logs 1").unwrap()
}

#[test]
fn the_exercise_s_source_is_read() {
    let source = parse(json!({
        "type": "file", "path": "/var/log/mysql/mysql-slow.log", "source": "mysql",
        "sourcecategory": "database", "service": "myapplication"
    }));
    let SourceKind::File(file) = &source.kind else { panic!("{source:?}") };
    assert_eq!((file.encoding, file.start_position), (Encoding::Utf8, StartPosition::End));
    assert_eq!((source.source.as_str(), source.service.as_str()), ("mysql", "myapplication"));
    assert_eq!(source.tags, ["sourcecategory:database"]);
    assert_eq!(source.name(), "file:/var/log/mysql/mysql-slow.log");
    assert!(source.warnings.is_empty());
}

#[test]
fn tags_are_a_list_or_one_text() {
    for tags in [json!(["a:1", "b:2"]), json!("a:1, b:2")] {
        let source = parse(json!({ "type": "integration", "tags": tags, "sourcecategory": "c" }));
        assert_eq!(source.tags, ["a:1", "b:2", "sourcecategory:c"]);
    }
}

#[test]
fn listeners_and_the_journal_are_read() {
    let tcp = parse(json!({ "type": "tcp", "port": "10514", "idle_timeout": "1m30s" }));
    assert_eq!(tcp.kind, SourceKind::Tcp { port: 10514, idle_timeout: Some(Duration::from_secs(90)) });
    let udp = parse(json!({ "type": "udp", "port": 514, "frame_size": 100 }));
    assert_eq!(udp.kind, SourceKind::Udp { port: 514, frame_size: Some(100) });
    let journal = parse(json!({
        "type": "journald", "include_units": ["nginx.service"], "exclude_units": "a.service,b.service",
        "start_position": "beginning", "wrong": 1
    }));
    let SourceKind::Journald(read) = &journal.kind else { panic!("{journal:?}") };
    assert_eq!(read.include, ["_SYSTEMD_UNIT=nginx.service"]);
    assert_eq!(read.exclude, ["_SYSTEMD_UNIT=a.service", "_SYSTEMD_UNIT=b.service"]);
    assert_eq!(journal.warnings, ["wrong means nothing in a log source"]);
}

#[test]
fn entries_are_the_same_when_their_configuration_is() {
    let config = json!({ "type": "tcp", "port": 1 });
    let one = TailSource::parse(&config, "a").unwrap();
    assert_eq!(one, TailSource::parse(&config, "b").unwrap());
    assert_ne!(one, TailSource::parse(&json!({ "type": "tcp", "port": 2 }), "a").unwrap());
    assert_ne!(one.clone(), one.for_check("nginx"));
}

#[test]
fn errors_name_place_key_and_expectation() {
    let errors: Vec<String> = [
        json!([]),
        json!({}),
        json!({ "type": "docker" }),
        json!({ "type": "windows_event" }),
        json!({ "type": "unix" }),
        json!({ "type": "file" }),
        json!({ "type": "file", "path": "x.log" }),
        json!({ "type": "file", "path": "/x", "encoding": "latin-1" }),
        json!({ "type": "file", "path": "/x", "start_position": "start" }),
        json!({ "type": "tcp" }),
        json!({ "type": "udp", "port": 70000 }),
        json!({ "type": "tcp", "port": 1, "idle_timeout": "soon" }),
        json!({ "type": "udp", "port": 1, "frame_size": 0 }),
        json!({ "type": "file", "path": "/x", "tags": { "a": 1 } }),
        json!({ "type": "file", "path": "/x", "service": ["a"] }),
        json!({ "type": "file", "path": "/x", "log_processing_rules": [{ "type": "multi_line", "name": "n", "pattern": "(" }] }),
        json!({ "type": "file", "path": "/x", "auto_multi_line_extra_patterns": ["["] }),
        json!({ "type": "journald", "include_matches": ["x"] }),
    ]
    .iter()
    .map(|config| TailSource::parse(config, "x.yaml, logs 1").unwrap_err().to_string())
    .collect();
    expect![[r#"
        x.yaml, logs 1: an entry of logs must be a map with a type, not a list
        x.yaml, logs 1: type is missing: expected file, tcp, udp, journald or integration
        x.yaml, logs 1: type: docker is not collected by this agent
        x.yaml, logs 1: type: windows_event is not collected by this agent
        x.yaml, logs 1: type must be file, tcp, udp, journald or integration, not "unix"
        x.yaml, logs 1: path is missing: a source of type file needs one
        x.yaml, logs 1: path must be absolute, not "x.log"
        x.yaml, logs 1: encoding must be utf-8, utf-16-le, utf-16-be or shift-jis, not "latin-1"
        x.yaml, logs 1: start_position must be end, beginning, forceEnd or forceBeginning, not "start"
        x.yaml, logs 1: port is missing: a listener needs one
        x.yaml, logs 1: port must be a number from 1 to 65535, not 70000
        x.yaml, logs 1: idle_timeout must be a duration such as 30s or 1m30s, not the text "soon"
        x.yaml, logs 1: frame_size must be a number from 1 to 65535, not 0
        x.yaml, logs 1: tags must be a list of texts, not a map
        x.yaml, logs 1: service must be a text, not a list
        x.yaml, logs 1: log_processing_rules[0] (rule n): pattern "(": unclosed group
        x.yaml, logs 1: auto_multi_line_extra_patterns: pattern "[": unclosed character class
        x.yaml, logs 1: include_matches must hold FIELD=value, not "x""#]]
    .assert_eq(&errors.join("\n"));
}

#[test]
fn durations_are_written_as_go_does() {
    for (text, millis) in [("30s", 30_000), ("1h2m3.5s", 3_723_500), ("300ms", 300)] {
        assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["30", "s", "1d", "-1s", "1s x"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}
