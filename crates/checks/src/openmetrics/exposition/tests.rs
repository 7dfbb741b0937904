//! The parser on real texts, on wrong ones, and against a renderer.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn parse(format: Format, text: &str) -> Result<Vec<Family>, ParseError> {
    let mut parser = Parser::new(format);
    let mut families = Vec::new();
    for line in text.lines() {
        families.extend(parser.line(line)?);
    }
    families.extend(parser.finish()?);
    Ok(families)
}

fn describe(families: &[Family]) -> String {
    let mut out = String::new();
    for family in families {
        out += &format!("{} {:?} unit={:?} help={:?}\n", family.name, family.kind, family.unit, family.help);
        for sample in &family.samples {
            let labels: Vec<String> = sample.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            out += &format!("  {:?} [{}] {:?}", sample.role, labels.join(" "), sample.value);
            if let Some(time) = sample.timestamp {
                out += &format!(" @{time}");
            }
            if let Some(exemplar) = &sample.exemplar {
                out += &format!(" # {:?} {} {:?}", exemplar.labels, exemplar.value, exemplar.timestamp);
            }
            out.push('\n');
        }
    }
    out
}

fn check(format: Format, text: &str, wanted: &Expect) {
    wanted.assert_eq(&describe(&parse(format, text).unwrap()));
}

#[test]
fn prometheus_text() {
    let text = r#"
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
# TYPE plain_counter counter
plain_counter 7
# HELP lat A \\ back\nslash
# TYPE lat histogram
lat_bucket{le="0.05",} 24054
lat_bucket{ le = "+Inf" } 144320
lat_sum 53423
lat_count 144320
# TYPE rpc summary
rpc{quantile="0.5"} 4773
rpc_sum 1.7560473e+07
rpc_count 2693
rpc_max NaN
{"my.metric","odd label"="x"} 1
"#;
    check(
        Format::Prometheus,
        text,
        &expect![[r#"
            http_requests Counter unit="" help="The total number of HTTP requests."
              Total [method="post" code="200"] 1027.0 @1395066363
              Total [method="post" code="400"] 3.0 @1395066363
            msdos_file_access_time_seconds Unknown unit="" help=""
              Plain [path="C:\\DIR\\FILE.TXT" error="Cannot find file:\n\"FILE.TXT\""] 1458255915.0
            metric_without_timestamp_and_labels Unknown unit="" help=""
              Plain [] 12.47
            something_weird Unknown unit="" help=""
              Plain [problem="division by zero"] inf @-3982.045
            plain_counter Counter unit="" help=""
              Total [] 7.0
            lat Histogram unit="" help="A \\ back\nslash"
              Bucket [le="0.05"] 24054.0
              Bucket [le="+Inf"] 144320.0
              Sum [] 53423.0
              Count [] 144320.0
            rpc Summary unit="" help=""
              Plain [quantile="0.5"] 4773.0
              Sum [] 17560473.0
              Count [] 2693.0
            rpc_max Unknown unit="" help=""
              Plain [] NaN
            my.metric Unknown unit="" help=""
              Plain [odd label="x"] 1.0
        "#]],
    );
}

#[test]
fn openmetrics_text() {
    let text = r##"# TYPE acme_http_router_request_seconds summary
# UNIT acme_http_router_request_seconds seconds
# HELP acme_http_router_request_seconds Latency though all of ACME's HTTP request router.
acme_http_router_request_seconds_sum{path="/api/v1"} 9036.32
acme_http_router_request_seconds_count{path="/api/v1"} 807283.0
acme_http_router_request_seconds_created{path="/api/v1"} 1605281325.0
# TYPE foo counter
foo_total 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.0
foo_created 1520430000.123
# TYPE h histogram
h_bucket{le="0.01"} 0
h_bucket{le="+Inf"} 17 # {trace_id="oHg5SJYRHA0"} 9.8
h_count 17
h_sum 324789.3
# TYPE build info
build_info{version="1.2"} 1
# TYPE s stateset
s{s="a"} 1
# TYPE g gaugehistogram
g_bucket{le="+Inf"} 2
g_gcount 2
g_gsum 3
# EOF
"##;
    check(
        Format::OpenMetrics,
        text,
        &expect![[r##"
            acme_http_router_request_seconds Summary unit="seconds" help="Latency though all of ACME's HTTP request router."
              Sum [path="/api/v1"] 9036.32
              Count [path="/api/v1"] 807283.0
              Created [path="/api/v1"] 1605281325.0
            foo Counter unit="" help=""
              Total [] 17.0 @1520879607.789 # [("trace_id", "KOO5S4vxi0o")] 0.67 Some(1520879607.0)
              Created [] 1520430000.123
            h Histogram unit="" help=""
              Bucket [le="0.01"] 0.0
              Bucket [le="+Inf"] 17.0 # [("trace_id", "oHg5SJYRHA0")] 9.8 None
              Count [] 17.0
              Sum [] 324789.3
            build Info unit="" help=""
              Info [version="1.2"] 1.0
            s StateSet unit="" help=""
              Plain [s="a"] 1.0
            g GaugeHistogram unit="" help=""
              Bucket [le="+Inf"] 2.0
              GaugeCount [] 2.0
              GaugeSum [] 3.0
        "##]],
    );
}

#[test]
fn a_wrong_line_is_named() {
    let cases = [
        ("<html>", "line 1: no number as value: <html>"),
        ("ok 1\n{} 1", "line 2: no metric name: {} 1"),
        ("a{b=\"c} 1", "line 1: quote or brace not closed: a{b=\"c} 1"),
        ("a{b=\"c\"", "line 1: quote or brace not closed: a{b=\"c\""),
        ("a{b=c} 1", "line 1: a label is not name=\"value\": a{b=c} 1"),
        ("a{b=\"c\" d=\"e\"} 1", "line 1: a label is not name=\"value\": a{b=\"c\" d=\"e\"} 1"),
        ("a{\"b\"} 1", "line 1: a label is not name=\"value\": a{\"b\"} 1"),
        ("a one", "line 1: no number as value: a one"),
        ("a 1 soon", "line 1: no number as timestamp: a 1 soon"),
        ("a 1 2 3", "line 1: text after the sample: a 1 2 3"),
        ("a 1 # {\"x\"} 1", "line 1: a label is not name=\"value\": a 1 # {\"x\"} 1"),
    ];
    for (text, wanted) in cases {
        assert_eq!(parse(Format::Prometheus, text).unwrap_err().to_string(), wanted);
    }
}

#[test]
fn an_openmetrics_text_has_one_end() {
    assert_eq!(parse(Format::OpenMetrics, "a 1").unwrap_err(), ParseError::CutOff { lines: 1 });
    assert_eq!(parse(Format::OpenMetrics, "# EOF\n\na 1").unwrap_err(), ParseError::AfterEnd { line: 3 });
    assert_eq!(parse(Format::Prometheus, "# EOF\na 1").unwrap().len(), 1);
}

#[test]
fn a_family_is_bounded() {
    let mut parser = Parser::new(Format::Prometheus);
    let error = (0..=MAX_FAMILY_SAMPLES).find_map(|_| parser.line("a 1").err());
    assert_eq!(error, Some(ParseError::TooManySamples { family: "a".into() }));
}

/// The exposition of families as a client would write it.
fn render(families: &[Family], format: Format) -> String {
    let mut out = String::new();
    let escape = |text: &str| text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
    let labels_of = |labels: &[(String, String)]| {
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        format!("{{{}}}", pairs.join(","))
    };
    let seconds = |time: f64| if format == Format::Prometheus { time * 1000.0 } else { time };
    for family in families {
        let suffix = if family.total_in_name { "_total" } else { "" };
        if !family.help.is_empty() {
            out += &format!("# HELP {}{suffix} {}\n", family.name, escape(&family.help));
        }
        let kind = format!("{:?}", family.kind).to_lowercase();
        out += &format!("# TYPE {}{suffix} {kind}\n", family.name);
        for sample in &family.samples {
            let role = family.kind.suffixes().iter().find(|(_, role)| *role == sample.role);
            let name = format!("{}{}", family.name, role.map_or("", |(suffix, _)| suffix));
            out += &format!("{name}{} {:?}", labels_of(&sample.labels), sample.value);
            if let Some(time) = sample.timestamp {
                out += &format!(" {}", seconds(time));
            }
            if let Some(exemplar) = &sample.exemplar {
                out += &format!(" # {} {:?}", labels_of(&exemplar.labels), exemplar.value);
            }
            out.push('\n');
        }
    }
    out + if format == Format::OpenMetrics { "# EOF\n" } else { "" }
}

fn any_family() -> impl Strategy<Value = Family> {
    let kind = prop_oneof![
        Just(Kind::Counter),
        Just(Kind::Gauge),
        Just(Kind::Histogram),
        Just(Kind::Summary),
        Just(Kind::Info),
        Just(Kind::Unknown),
    ];
    let labels = prop::collection::vec(("[a-z_][a-z0-9_]{0,6}", "\\PC{0,12}|[\\\\\n\"{}=, #]{1,5}"), 0..4);
    let exemplar = prop::option::of(labels.clone().prop_map(|labels| Exemplar { labels, value: 0.5, timestamp: None }));
    let value = prop_oneof![any::<i32>().prop_map(f64::from), -1e9..1e9, Just(f64::INFINITY)];
    let time = prop::option::of((0..4_000_000_000_i64).prop_map(|time| time as f64));
    let sample = (any::<prop::sample::Index>(), labels, value, time, exemplar);
    ("[a-z]{3,8}", kind, "[ -~]{0,20}", prop::collection::vec(sample, 1..5)).prop_map(|(name, kind, help, samples)| {
        let roles: Vec<Role> = match kind.suffixes() {
            [] => vec![Role::Plain],
            suffixes => suffixes.iter().map(|(_, role)| *role).collect(),
        };
        let samples = samples.into_iter().map(|(pick, labels, value, timestamp, exemplar)| Sample {
            role: roles[pick.index(roles.len())],
            labels,
            value,
            timestamp,
            exemplar,
        });
        Family {
            name,
            total_in_name: kind == Kind::Counter,
            kind,
            unit: String::new(),
            help: help.trim().to_owned(),
            samples: samples.collect(),
        }
    })
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_again(mut families in prop::collection::vec(any_family(), 0..4), open in any::<bool>()) {
        families.dedup_by(|a, b| a.name == b.name);
        let format = if open { Format::OpenMetrics } else { Format::Prometheus };
        let text = render(&families, format);
        prop_assert_eq!(parse(format, &text).unwrap(), families, "{}", text);
    }

    #[test]
    fn nothing_panics(text in "([a-z#{}\"=,\\\\ \n0-9.+]|# TYPE |# EOF|\\PC){0,200}") {
        for format in [Format::Prometheus, Format::OpenMetrics] {
            let _ = parse(format, &text);
        }
    }
}
