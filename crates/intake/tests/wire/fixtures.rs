//! Payloads as real clients sent them (tests/fixtures, see its README).

use std::path::PathBuf;

use expect_test::{Expect, expect};
use galgo_intake::{
    Context, DecodeError, Report, check_run, distribution_points, events, inflate, series_v1, series_v2, series_v3,
    sketches,
};

use crate::sink::Recorder;

const CTX: Context = Context { now_s: 1_800_000_000, from_agent: false };

type Decode = fn(&[u8], &Context, &mut Recorder) -> Result<Report, DecodeError>;

fn body(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let sent = std::fs::read(path).unwrap();
    let encoding = name.rsplit_once('.').map(|(_, encoding)| encoding).filter(|&encoding| encoding != "json");
    // The encodings of files are named as the header is, but for zlib, which HTTP calls deflate.
    let encoding = encoding.map(|encoding| if encoding == "zlib" { "deflate" } else { encoding });
    inflate::with_inflater(|inflater| inflater.inflate(encoding, &sent, 1 << 20).unwrap().to_vec())
}

fn check(names: &[&str], decode: Decode, expected: Expect) {
    let mut shown = String::new();
    for name in names {
        let mut sink = Recorder::default();
        let report = decode(&body(name), &CTX, &mut sink).unwrap();
        assert!(!report.has_drops(), "{name}: {report:?}");
        shown += &sink.show();
    }
    expected.assert_eq(&shown);
}

#[test]
fn v1_series() {
    check(
        &[
            "datadogpy_v1_gauge.json",
            "datadogpy_v1_count.json",
            "datadogpy_v1_single.json",
            "client_v1.json",
            "client_v1.deflate",
        ],
        series_v1::decode,
        expect![[r#"
            fixture.v1.gauge gauge host=fixture-host tags=["env:test", "café:crème"] 1656581400=1.5 1656581410=2.0
            fixture.v1.count count host=other interval=10 1656581400=3.0
            fixture.v1.default gauge host=fixture-host 1656581400=1e-7
            fixture.v1.single gauge host=fixture-host 1795522598=42.5
            fixture.client.v1 gauge host=h tags=["test:a"] 1656581400=1.1
            fixture.client.v1 gauge host=h tags=["test:a"] 1656581400=1.1
        "#]],
    );
}

#[test]
fn v2_series() {
    check(
        &["client_v2.json", "client_v2.gzip", "client_v2.deflate", "client_v2.zstd1"],
        series_v2::decode_json,
        expect![[r#"
        fixture.client.v2 gauge host=dummyhost tags=["env:test"] unit=byte 1656581400=0.7
        fixture.client.v2.count count interval=10 1656581400=7.0
        fixture.client.v2 gauge host=dummyhost tags=["env:test"] unit=byte 1656581400=0.7
        fixture.client.v2.count count interval=10 1656581400=7.0
        fixture.client.v2 gauge host=dummyhost tags=["env:test"] unit=byte 1656581400=0.7
        fixture.client.v2.count count interval=10 1656581400=7.0
        fixture.client.v2 gauge host=dummyhost tags=["env:test"] unit=byte 1656581400=0.7
        fixture.client.v2.count count interval=10 1656581400=7.0
    "#]],
    );
    check(
        &["agent_v2_series.zstd"],
        series_v2::decode_proto,
        expect![[r#"
        datadog.agent.running gauge host=web-1 tags=["version:7.60.1"] 1656581400=1.0
        system.disk.in_use gauge host=web-1 tags=["fs:ext4"] pairs=[("device", "/dev/sda1")] 1656581400=0.25
        app.requests rate host=web-1 tags=["env:prod", "città:roma"] interval=10 1656581400=1.5 1656581410=0.0
        app.jobs count host=web-1 interval=10 unit=job 1656581400=7.0
        no.host gauge 1656581400=-1.0
    "#]],
    );
}

#[test]
fn distributions() {
    check(
        &["datadogpy_distribution.json", "client_distribution.deflate"],
        distribution_points::decode,
        expect![[r#"
        fixture.dist distribution host=other tags=["env:test"] 1656581400: count 3 sum 13.0 min 1.0 max 10.0 bins [(1338, 1), (1383, 1), (1487, 1)] 1656581401: count 1 sum 0.5 min 0.5 max 0.5 bins [(1293, 1)]
        fixture.client.dist distribution 1656581400: count 2 sum 3.0 min 1.0 max 2.0 bins [(1338, 1), (1383, 1)]
    "#]],
    );
    check(
        &["agent_sketches.zlib"],
        sketches::decode,
        expect![[r#"
        app.latency distribution host=web-1 tags=["env:prod"] 1656581400: count 70004 sum 70004.5 min -2.0 max 10.0 bins [(-1383, 1), (0, 2), (1338, 70000), (1487, 1)] 1656581410: count 1 sum 5.0 min 5.0 max 5.0 bins [(1442, 1)]
    "#]],
    );
}

#[test]
fn v3_series_and_sketches() {
    check(
        &["agent_v3.zstd"],
        series_v3::decode,
        expect![[r#"
        app.zero gauge host=web-1 tags=["dc:fra"] 1656581400=0.0
        app.int count host=web-1 tags=["env:prod", "dc:fra"] pairs=[("device", "sda")] interval=10 unit=byte 1656581400=-7.0 1656581410=1000000000000.0
        app.f32 rate host=web-1 tags=["env:prod", "role:db", "város:pécs", "dc:fra"] interval=10 1656581405=0.5
        app.f64 gauge tags=["env:prod", "role:db", "város:pécs", "dc:fra"] unit=second 1656581400=0.1 1656581401=-2.5e-8
        app.dist distribution host=web-1 tags=["env:prod", "dc:fra"] interval=10 1656581400: count 4 sum 6.5 min 1.0 max 2.5 bins [(1338, 2), (1383, 1), (1397, 1)] 1656581410: count 1 sum 3.0 min 3.0 max 3.0 bins [(1409, 1)]
    "#]],
    );
}

#[test]
fn checks_and_events() {
    let runs: Vec<_> = ["datadogpy_check.json", "client_checks.json"]
        .iter()
        .flat_map(|name| check_run::decode(&body(name), &CTX).unwrap().runs)
        .collect();
    expect![[r#"
        [
            CheckRun {
                check: "fixture.check",
                host: "other",
                time: 1656581400,
                status: Critical,
                message: "down",
                tags: [
                    "env:test",
                ],
            },
            CheckRun {
                check: "app.ok",
                host: "h",
                time: 1800000000,
                status: Ok,
                message: "",
                tags: [
                    "env:x",
                ],
            },
        ]
    "#]]
    .assert_debug_eq(&runs);
    expect![[r#"
        Event {
            title: "Deployed",
            text: "v2",
            time: 1656581400,
            priority: "normal",
            host: "fixture-host",
            device: "",
            tags: [
                "env:test",
            ],
            alert_type: "success",
            aggregation_key: "k",
            source_type_name: "",
            event_type: "",
            related_event_id: None,
        }
    "#]]
    .assert_debug_eq(&events::decode(&body("datadogpy_event.json"), &CTX).unwrap());
}
