//! Rules of the series endpoints, one table or payload each.

use expect_test::{Expect, expect};
use galgo_core::{MetricKind, Point};
use galgo_intake::{
    Context, DecodeError, Report, distribution_points, series_v1, series_v2, series_v3, sketches, validate,
};

use crate::encode::{self, Column, Message};
use crate::sink::{Recorder, Series};

const CTX: Context = Context { now_s: 1_700_000_000, from_agent: false };

/// What arrives, then what was dropped.
fn show(sink: &Recorder, report: &Report) -> String {
    let drops = report
        .dropped
        .iter()
        .map(|dropped| format!("dropped {} {:?}: {}\n", dropped.count, dropped.example, dropped.reason));
    sink.show() + &drops.collect::<String>()
}

fn check_v1(body: &str, expected: Expect) {
    let mut sink = Recorder::default();
    let report = series_v1::decode(body.as_bytes(), &CTX, &mut sink).unwrap();
    expected.assert_eq(&show(&sink, &report));
}

#[test]
fn v1_as_agents_and_clients_write_it() {
    check_v1(
        r#"{"series": [
            {"metric": "system.load.1", "points": [[1656581400, 0.5]], "tags": null, "host": "web-1", "type": "gauge", "interval": 0, "source_type_name": "System"},
            {"metric": "system.disk.used", "points": [[1656581400.7, 12]], "tags": ["fs:ext4"], "host": "web-1", "device": "/dev/sda1", "type": "gauge"},
            {"metric": "app.requests", "points": [[1656581400, 3], [1656581410, 4]], "type": "rate", "interval": 10},
            {"metric": "app.jobs", "points": [["1656581400", "5"]], "type": "count", "interval": null, "host": null},
            {"metric": "app.absent.type", "points": [[1656581400, [7]]], "unknown": {"a": [1, "x]}", {"b": null}]}},
            {"metric": "app.old.type", "points": [[1656581400, 1e3]], "type": "counter", "tags": "a:b, c"},
            {"metric": "app.bare", "points": [1656581400, -1.5]},
            {"metric": "app.now", "points": [[0, 1], [null, 2], [-5, 3]]},
            {"metric": "app.null.value", "points": [[1656581400, null], [1656581401, 1]]},
            {"metric": "app.esc\u0061ped", "points": [[1656581400, 1]], "tags": ["path:\"C:\\\\x\"", "emoji:\ud83d\ude00", "half:\ud83d"], "host": "w\u00e9b"},
            {"metric": "app.resources", "points": [[1656581400, 1]], "resources": [{"type": "host", "name": "r-1"}, {"type": "cluster", "name": "c"}], "tags": [1, true, null, "x"], "host": ""}
        ]}"#,
        expect![[r#"
            system.load.1 gauge host=web-1 1656581400=0.5
            system.disk.used gauge host=web-1 tags=["fs:ext4"] pairs=[("device", "/dev/sda1")] 1656581400=12.0
            app.requests rate interval=10 1656581400=3.0 1656581410=4.0
            app.jobs count 1656581400=5.0
            app.absent.type gauge 1656581400=7.0
            app.old.type count tags=["a:b", "c"] 1656581400=1000.0
            app.bare gauge 1656581400=-1.5
            app.now gauge 1700000000=1.0 1700000000=2.0 1700000000=3.0
            app.null.value gauge 1656581401=1.0
            app.escaped gauge host=wéb tags=["path:\"C:\\\\x\"", "emoji:😀", "half:�"] 1656581400=1.0
            app.resources gauge host=r-1 tags=["1", "true", "x"] pairs=[("cluster", "c")] 1656581400=1.0
        "#]],
    );
}

#[test]
fn one_bad_series_is_dropped_and_named() {
    let long = "x".repeat(351);
    let tags = (0..101).map(|tag| format!("\"t{tag}\"")).collect::<Vec<_>>().join(",");
    let big_tag = "t".repeat(1024 * 100);
    let host = "h".repeat(256);
    check_v1(
        &format!(
            r#"{{"series": [
            {{"metric": "good", "points": [[1656581400, 1]]}},
            {{"points": [[1656581400, 1]]}},
            {{"metric": "{long}", "points": [[1656581400, 1]]}},
            {{"metric": "123", "points": [[1656581400, 1]]}},
            {{"metric": "a.tags", "points": [[1656581400, 1]], "tags": [{tags}]}},
            {{"metric": "a.big.tag", "points": [[1656581400, 1]], "tags": ["{big_tag}", "a"]}},
            {{"metric": "a.host", "points": [[1656581400, 1]], "host": "{host}"}},
            {{"metric": "a.type", "points": [[1656581400, 1]], "type": "histogram"}},
            {{"metric": "a.none", "points": []}},
            {{"metric": "a.null", "points": null}},
            {{"metric": "a.nan", "points": [[1656581400, NaN], [1656581401, "abc"]]}},
            {{"metric": "a.inf", "points": [[1656581400, Infinity], [1656581401, -Infinity]]}},
            {{"metric": "a.edge", "points": [[1700000600, 1], [1700000601, 2]]}}
        ]}}"#
        ),
        expect![[r#"
            good gauge 1656581400=1.0
            a.inf gauge 1656581400=inf 1656581401=-inf
            a.edge gauge 1700000600=1.0
            dropped 1 "": metric name is empty
            dropped 1 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": metric name has 351 bytes, the limit is 350
            dropped 1 "123": metric name has no ascii letter
            dropped 1 "a.tags": series has 101 tags, the limit is 100
            dropped 1 "a.big.tag": tags of the series have 102401 bytes, the limit is 102400
            dropped 1 "a.host": host name has 256 bytes, the limit is 255
            dropped 1 "a.type": unknown metric type "histogram"
            dropped 3 "a.none": series has no points
            dropped 2 "a.nan": value is not a number
            dropped 1 "a.edge": point is more than 600 seconds in the future
        "#]],
    );
}

#[test]
fn a_sink_may_refuse_a_series() {
    let mut sink = Recorder { refuse: "b", ..Recorder::default() };
    let body = br#"{"series":[{"metric":"a","points":[[1,1]]},{"metric":"b","points":[[1,1],[2,2]]}]}"#;
    let report = series_v1::decode(body, &CTX, &mut sink).unwrap();
    assert_eq!((report.accepted_series, report.accepted_points, report.dropped_series), (1, 1, 1));
    assert_eq!(show(&sink, &report), "a gauge 1=1.0\ndropped 1 \"b\": no room\n");
}

#[test]
fn a_report_is_bounded() {
    let series: Vec<String> = (0..1000).map(|n| format!(r#"{{"metric":"m","type":"t{n}","points":[]}}"#)).collect();
    let body = format!(r#"{{"series":[{}]}}"#, series.join(","));
    let report = series_v1::decode(body.as_bytes(), &CTX, &mut Recorder::default()).unwrap();
    assert_eq!((report.dropped_series, report.dropped.len()), (1000, galgo_intake::report::MAX_DROPPED_LISTED));
}

#[test]
fn nothing_to_decode_is_fine() {
    for body in [&b""[..], b"{}", b" {} \n"] {
        let mut sink = Recorder::default();
        for decoded in [
            series_v1::decode(body, &CTX, &mut sink),
            series_v2::decode_json(body, &CTX, &mut sink),
            series_v2::decode_proto(body, &CTX, &mut sink),
            series_v3::decode(body, &CTX, &mut sink),
            sketches::decode(body, &CTX, &mut sink),
            distribution_points::decode(body, &CTX, &mut sink),
        ] {
            assert_eq!(decoded, Ok(Report::default()));
        }
    }
    let empty = series_v1::decode(br#"{"series":[],"more":[{"a":1}]}"#, &CTX, &mut Recorder::default());
    assert_eq!(empty, Ok(Report::default()));
}

#[test]
fn malformed_json_refuses_the_payload() {
    for (body, error) in [
        ("[", "malformed json at byte 0: expected an object"),
        (r#"{"series":{}}"#, "malformed json at byte 10: expected an array"),
        (r#"{"series":[1]}"#, "malformed json at byte 11: expected an object"),
        (r#"{"series":[{"metric":1}]}"#, "malformed json at byte 21: expected a string"),
        (r#"{"series":[{"metric":"a"}"#, "malformed json at byte 25: expected `,` or `]` in an array"),
        (r#"{"series":[]} x"#, "malformed json at byte 14: something follows the end of the payload"),
        (r#"{"series":[{"metric":"a}]}"#, "malformed json at byte 22: string without end"),
        (r#"{"series":[{"metric":"\x"}]}"#, "malformed json at byte 22: unknown escape in string"),
        (r#"{"series":[{"metric":"\u12"}]}"#, "malformed json at byte 22: \\u without four hex digits"),
        (
            r#"{"series":[{"points":[[1]]}]}"#,
            "malformed json at byte 25: expected a point to be a pair of time and value",
        ),
        (
            r#"{"series":[{"points":[[1,2,3]]}]}"#,
            "malformed json at byte 27: expected a point to be a pair of time and value",
        ),
        (
            r#"{"series":[{"points":[1,2,3]}]}"#,
            "malformed json at byte 28: expected points to be pairs of time and value",
        ),
        (r#"{"series":[{"points":[[1,x]]}]}"#, "malformed json at byte 25: expected a number"),
        (r#"{"series":[{"tags":{}}]}"#, "malformed json at byte 19: expected an array of tags"),
        (r#"{"series":[{"tags":[[]]}]}"#, "malformed json at byte 20: expected a string"),
        (r#"{"series":[{"x":tru}]}"#, "malformed json at byte 16: expected a value"),
        (r#"{"series":[{"x":[1,2}]}"#, "malformed json at byte 20: expected `,` or the end of a value"),
        (r#"{"a" 1}"#, "malformed json at byte 5: expected `:` behind a key"),
    ] {
        let refused = series_v1::decode(body.as_bytes(), &CTX, &mut Recorder::default());
        assert_eq!(refused.unwrap_err().to_string(), error, "{body}");
    }
    let deep = format!(r#"{{"x":{}}}"#, "[".repeat(200));
    let refused = series_v1::decode(deep.as_bytes(), &CTX, &mut Recorder::default());
    assert_eq!(refused.unwrap_err().to_string(), "malformed json at byte 134: nested deeper than 128");
    let refused = series_v1::decode(b"{\"series\":[{\"metric\":\"\xff\"}]}", &CTX, &mut Recorder::default());
    assert_eq!(refused, Err(DecodeError::NotUtf8 { field: "payload" }));
}

#[test]
fn v2_json_as_clients_write_it() {
    let mut sink = Recorder::default();
    let report = series_v2::decode_json(
        br#"{"series":[{"metric":"app.temp","type":0,"points":[{"timestamp":1656581400,"value":0.7}],"resources":[{"name":"web-1","type":"host"}],"tags":["env:x"],"unit":"celsius","metadata":{"origin":{"product":1}}},
        {"metric":"app.count","type":1,"interval":10,"points":[{"value":2,"timestamp":1656581400},{"value":null,"timestamp":1656581401}]},
        {"metric":"app.rate","type":"2","points":[{"value":2}]},
        {"metric":"app.odd","type":9,"points":[{"value":2}]}]}"#,
        &CTX,
        &mut sink,
    )
    .unwrap();
    expect![[r#"
        app.temp gauge host=web-1 tags=["env:x"] unit=celsius 1656581400=0.7
        app.count count interval=10 1656581400=2.0
        app.rate rate 1700000000=2.0
        dropped 1 "app.odd": unknown metric type "9"
    "#]]
    .assert_eq(&show(&sink, &report));
}

#[test]
fn numbers_are_read_exactly() {
    let texts = [
        "0",
        "-0",
        "-0.0",
        "1.5",
        "100",
        "0.1",
        "123456789012345",
        "1234567890123456",
        "0.000001",
        "1e5",
        "-1.25E-3",
        "1.7976931348623157e308",
        "5e-324",
        "9007199254740993",
        "3.141592653589793",
        "1e400",
        "00012.50",
    ];
    let points: Vec<String> = texts.iter().map(|text| format!("[1,{text}]")).collect();
    let body = format!(r#"{{"series":[{{"metric":"m","points":[{}]}}]}}"#, points.join(","));
    let mut sink = Recorder::default();
    series_v1::decode(body.as_bytes(), &CTX, &mut sink).unwrap();
    for (text, point) in texts.iter().zip(&sink.series[0].points) {
        assert_eq!(point.value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}

fn plain(metric: &str) -> Series {
    Series {
        metric: metric.into(),
        host: "web-1".into(),
        tags: vec!["env:prod".into()],
        pairs: vec![],
        kind: MetricKind::Gauge,
        interval: 0,
        unit: String::new(),
        points: vec![Point { time: 1_656_581_400, value: 1.0 }],
        sketches: vec![],
    }
}

#[test]
fn v2_protobuf_broken_tags_are_repaired_for_agents_alone() {
    let mut body = encode::v2_proto(&[plain("good"), plain("also.good")]);
    let at = body.windows(8).position(|window| window == b"env:prod").unwrap();
    body[at + 5..at + 7].copy_from_slice(b"\xff\xfe");
    let refused = series_v2::decode_proto(&body, &CTX, &mut Recorder::default());
    assert_eq!(refused, Err(DecodeError::NotUtf8 { field: "tags" }));
    let agent = Context::new(CTX.now_s, Some("datadog-agent/7.60.1"));
    let mut sink = Recorder::default();
    series_v2::decode_proto(&body, &agent, &mut sink).unwrap();
    assert_eq!(
        sink.show(),
        "good gauge host=web-1 tags=[\"env:p\u{fffd}d\"] 1656581400=1.0\nalso.good gauge host=web-1 tags=[\"env:prod\"] 1656581400=1.0\n"
    );

    let mut name = encode::v2_proto(&[plain("good")]);
    let at = name.windows(4).position(|window| window == b"good").unwrap();
    name[at] = 0xff;
    let refused = series_v2::decode_proto(&name, &agent, &mut Recorder::default());
    assert_eq!(refused, Err(DecodeError::NotUtf8 { field: "metric" }));
}

#[test]
fn v2_protobuf_fields_in_any_order_unknown_ones_and_types() {
    let point = Message::default().varint(2, 1_656_581_400).double(1, 2.0).varint(99, 1);
    let series = Message::default()
        .message(4, point.clone())
        .bytes(3, "b:c")
        .varint(5, 2)
        .bytes(77, "new")
        .double(78, 1.0)
        .message(1, Message::default().bytes(2, "").bytes(1, "host"))
        .message(1, Message::default().bytes(2, "/dev/sda").bytes(1, "device"))
        .message(1, Message::default().bytes(2, "first").bytes(1, "host"))
        .message(1, Message::default().bytes(2, "second").bytes(1, "host"))
        .bytes(2, "m")
        .varint(8, 15);
    let odd = Message::default().bytes(2, "odd").varint(5, 4).message(4, point.clone());
    let negative = Message::default().bytes(2, "negative").varint(8, -1_i64 as u64).message(4, point);
    let body = Message::default().message(1, series).message(1, odd).message(1, negative).varint(9, 3);
    let mut sink = Recorder::default();
    let report = series_v2::decode_proto(&body.0, &CTX, &mut sink).unwrap();
    expect![[r#"
        m rate host=first tags=["b:c"] pairs=[("device", "/dev/sda")] interval=15 1656581400=2.0
        negative gauge 1656581400=2.0
        dropped 1 "odd": unknown metric type 4
    "#]]
    .assert_eq(&show(&sink, &report));
}

#[test]
fn sketches_that_make_no_sense_are_dropped() {
    let sketch = |count: u64, keys: &[i64], counts: &[u64], sum: f64| {
        let (mut k, mut n) = (Column::default(), Column::default());
        keys.iter().for_each(|&key| k.push_signed(key));
        counts.iter().for_each(|&count| n.push(count));
        let summary =
            Message::default().varint(1, 1_656_581_400).varint(2, count).double(3, 1.0).double(4, 2.0).double(6, sum);
        summary.bytes(7, k.bytes).bytes(8, n.bytes)
    };
    let series = Message::default()
        .bytes(1, "m")
        .message(7, sketch(3, &[1338, 1338, 1400], &[1, 1, 1], 5.0))
        .message(7, sketch(0, &[], &[], 0.0))
        .message(7, sketch(1, &[1], &[], 1.0))
        .message(7, sketch(1, &[40_000], &[1], 1.0))
        .message(7, sketch(1, &[5], &[1], f64::NAN))
        .message(7, sketch(1, &[5], &[1 << 32], 1.0))
        .message(7, Message::default().varint(2, 1).double(3, 5.0).double(4, 4.0));
    let unpacked = Message::default().varint(1, 1_656_581_401).varint(2, 1).varint(7, encode::zigzag(-7)).varint(8, 1);
    let body = Message::default().message(1, series.message(7, unpacked));
    let mut sink = Recorder::default();
    let report = sketches::decode(&body.0, &CTX, &mut sink).unwrap();
    expect![[r#"
        m distribution 1656581400: count 3 sum 5.0 min 1.0 max 2.0 bins [(1338, 2), (1400, 1)] 1656581401: count 1 sum 0.0 min 0.0 max 0.0 bins [(-7, 1)]
        dropped 1 "m": sketch has no values
        dropped 1 "m": sketch has not as many bin counts as bin keys
        dropped 1 "m": sketch has a bin key beyond 32767
        dropped 1 "m": sketch has a bin count beyond 4294967295
        dropped 1 "m": sketch has a minimum above its maximum
        dropped 1 "m": value is not a number
    "#]]
    .assert_eq(&show(&sink, &report));

    let broken_tag = Message::default().message(1, Message::default().bytes(1, "m").bytes(4, b"\xff"));
    let agent = Context { from_agent: true, ..CTX };
    let refused = sketches::decode(&broken_tag.0, &agent, &mut Recorder::default());
    assert_eq!(refused, Err(DecodeError::NotUtf8 { field: "tags" }));
}

#[test]
fn distribution_points_become_sketches_of_their_second() {
    let mut sink = Recorder::default();
    let report = distribution_points::decode(
        br#"{"series":[{"metric":"d","points":[[1656581400,[1,1,10]],[1656581400,[0.001]],[1656581401,2]],"tags":["a:b"],"host":"h","type":"distribution"},
        {"metric":"e","points":[[0,["5",null,NaN]]]},{"metric":"f","points":[[1656581400,[]]]}]}"#,
        &CTX,
        &mut sink,
    )
    .unwrap();
    expect![[r#"
        d distribution host=h tags=["a:b"] 1656581400: count 4 sum 12.001 min 0.001 max 10.0 bins [(892, 1), (1338, 2), (1487, 1)] 1656581401: count 1 sum 2.0 min 2.0 max 2.0 bins [(1383, 1)]
        e distribution 1700000000: count 1 sum 5.0 min 5.0 max 5.0 bins [(1442, 1)]
        dropped 1 "e": value is not a number
        dropped 1 "f": series has no points
    "#]]
    .assert_eq(&show(&sink, &report));
    let refused = distribution_points::decode(br#"{"series":[{"points":[1]}]}"#, &CTX, &mut sink);
    assert_eq!(refused.unwrap_err().to_string(), "malformed json at byte 22: expected an array");
}

/// A v3 payload of one gauge `m` with one point, whose columns a test then changes.
fn v3_columns() -> Vec<Vec<u8>> {
    let mut columns = vec![Vec::new(); 27];
    columns[1] = b"\x01m".to_vec();
    columns[10] = vec![0x13];
    columns[11] = vec![encode::zigzag(1) as u8];
    for field in [12, 13, 14, 23, 24] {
        columns[field] = vec![0];
    }
    columns[15] = vec![1];
    columns[16] = vec![encode::zigzag(50) as u8];
    columns[17] = vec![encode::zigzag(7) as u8];
    columns
}

fn v3_body(columns: &[Vec<u8>], metadata: Option<Message>) -> Vec<u8> {
    let mut data = Message::default();
    for (field, column) in columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
        data = data.bytes(field as u32, column);
    }
    let payload = metadata.map_or_else(Message::default, |metadata| Message::default().message(2, metadata));
    payload.message(3, data).0
}

fn decode_v3(columns: &[Vec<u8>]) -> Result<String, String> {
    let mut sink = Recorder::default();
    let decoded = series_v3::decode(&v3_body(columns, None), &CTX, &mut sink);
    decoded.map(|report| show(&sink, &report)).map_err(|error| error.to_string())
}

#[test]
fn v3_broken_references_refuse_the_payload() {
    assert_eq!(decode_v3(&v3_columns()).as_deref(), Ok("m gauge 50=7.0\n"));
    for (field, bytes, what) in [
        (11, &[encode::zigzag(2) as u8][..], "name reference out of range"),
        (11, &[encode::zigzag(-1) as u8], "name reference out of range"),
        (11, &[], "name reference out of range"),
        (12, &[2], "tag set reference out of range"),
        (13, &[2], "resource reference out of range"),
        (23, &[2], "source type reference out of range"),
        (24, &[2], "origin reference out of range"),
        (10, &[0x93, 0x04], "unit reference out of range"),
        (1, &[5, b'm'], "length goes beyond the end"),
        (9, &[1, 2], "origins are not triples"),
        (3, &[2], "tag set is cut off"),
        (3, &[1], "tag set of negative size"),
        (3, &[2, 2], "tag set refers to what is not there"),
        (3, &[2, 1], "tag set refers to what is not there"),
        (5, &[1], "resource type out of range"),
    ] {
        let mut columns = v3_columns();
        columns[field] = bytes.to_vec();
        let error = decode_v3(&columns).unwrap_err();
        assert!(error.ends_with(what), "column {field} as {bytes:?}: {error}");
    }
    let mut columns = v3_columns();
    columns[1] = b"\x01\xff".to_vec();
    assert_eq!(decode_v3(&columns), Err("metric name is not valid utf-8".into()));
    assert_eq!(
        series_v3::decode(&[0x12, 0], &CTX, &mut Recorder::default()).unwrap_err().to_string(),
        "malformed protobuf at byte 2: no metric data"
    );
}

#[test]
fn v3_short_columns_cut_the_tail() {
    let mut columns = v3_columns();
    columns[15] = vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(decode_v3(&columns).as_deref(), Ok("m gauge 50=7.0\n"));
    columns[17].clear();
    assert_eq!(decode_v3(&columns).as_deref(), Ok("dropped 1 \"m\": series has no points\n"));
}

#[test]
fn v3_metadata_holds_for_all_series_and_tags_are_repaired() {
    let mut columns = v3_columns();
    columns[2] = b"\x03a:\xff\x03b:c".to_vec();
    // Set 1 is both tags; set 2 is set 1 and again tag 2.
    columns[3] = [2, 1, 1, 2, -1, 3].map(|number| encode::zigzag(number) as u8).to_vec();
    columns[12] = vec![encode::zigzag(2) as u8];
    let metadata = Message::default()
        .bytes(1, "b:c")
        .bytes(1, "d:e")
        .bytes(2, "host")
        .bytes(2, "meta-host")
        .bytes(2, "k")
        .bytes(2, "v");
    let mut sink = Recorder::default();
    series_v3::decode(&v3_body(&columns, Some(metadata)), &CTX, &mut sink).unwrap();
    assert_eq!(
        sink.show(),
        "m gauge host=meta-host tags=[\"a:\u{fffd}\", \"b:c\", \"b:c\", \"d:e\"] pairs=[(\"k\", \"v\")] 50=7.0\n"
    );
    let odd = Message::default().bytes(2, "host");
    assert!(series_v3::decode(&v3_body(&columns, Some(odd)), &CTX, &mut sink).is_err());
}

#[test]
fn v3_columns_in_pieces_are_joined() {
    let columns = v3_columns();
    let mut data = Message::default();
    for (field, column) in columns.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
        data = data.bytes(field as u32, column);
    }
    // A second series, number by number.
    data = data.varint(10, 0x33).varint(11, 0).varint(12, 0).varint(13, 0).varint(23, 0).varint(24, 0).varint(14, 10);
    data = data.varint(15, 1).varint(16, encode::zigzag(150)).double(19, 0.5);
    let mut sink = Recorder::default();
    series_v3::decode(&Message::default().message(3, data).0, &CTX, &mut sink).unwrap();
    assert_eq!(sink.show(), "m gauge 50=7.0\nm gauge interval=10 200=0.5\n");
}

#[test]
fn limits_are_the_published_ones() {
    assert_eq!(
        (
            validate::MAX_METRIC_BYTES,
            validate::MAX_TAGS,
            validate::MAX_TAG_SET_BYTES,
            validate::MAX_RESOURCES,
            validate::MAX_HOST_BYTES,
            validate::MAX_FUTURE_S
        ),
        (350, 100, 102_400, 500, 255, 600)
    );
}
