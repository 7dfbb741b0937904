use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

/// One line for each message: what a reader of the protocol would say that it means.
fn show(packet: &str) -> String {
    messages(packet).map(|message| message.map_or_else(|error| format!("error: {error}"), show_one) + "\n").collect()
}

fn show_one(message: Message<'_>) -> String {
    let tail = |tags: Tags<'_>, origin: Origin<'_>| {
        let mut text = String::new();
        let mut plain = Vec::new();
        let special = tags.split_special(&mut plain);
        if !plain.is_empty() {
            text += &format!(" tags={plain:?}");
        }
        if special != SpecialTags::default() {
            text += &format!(" {special:?}").replace("SpecialTags ", "").replace("None", "-");
        }
        for (name, value) in [("c", origin.local_data), ("e", origin.external_data), ("card", origin.cardinality)] {
            text += &value.map(|value| format!(" {name}={value:?}")).unwrap_or_default();
        }
        text
    };
    match message {
        Message::Metric(metric) => {
            let values = match metric.values {
                Values::Numbers(numbers) => format!("{:?}", numbers.iter().collect::<Vec<_>>()),
                Values::Member(member) => format!("{member:?}"),
            };
            let time = metric.timestamp.map(|time| format!(" at {time}")).unwrap_or_default();
            let rate = if metric.sample_rate == 1.0 { String::new() } else { format!(" @{}", metric.sample_rate) };
            format!("{} {:?} {values}{rate}{time}{}", metric.name, metric.kind, tail(metric.tags, metric.origin))
        }
        Message::Event(event) => format!(
            "event {:?} {:?} {} {} {:?} {:?} {:?} {:?}{}",
            event.title,
            event.text,
            event.alert_type,
            event.priority,
            event.timestamp,
            event.host,
            event.aggregation_key,
            event.source_type,
            tail(event.tags, event.origin)
        ),
        Message::Check(check) => format!(
            "check {} {:?} {:?} {:?} {:?}{}",
            check.name,
            check.status,
            check.timestamp,
            check.host,
            check.message,
            tail(check.tags, check.origin)
        ),
    }
}

fn check_packet(packet: &str, expected: Expect) {
    expected.assert_eq(&show(packet));
}

#[test]
fn metrics() {
    check_packet(
        "page.views:1|c\n\
         fuel:0.5|g|#a,b:c,d:\n\
         song:240:234|h|@0.5\n\
         u:abc:def|s\n\
         x:1|c|T1656581400\n\
         p:0.9:1.2|d|@0.1|#env:x|c:ci-abc,in-123|card:high\n\
         t:1::2:|ms\n\
         g:+1|g\n\
         n:nan|g\n\
         z:1|h|@0\n\
         twice:1|c|#a|#b|unknown|@0.5|@0.25\n\
         ext:1|g|e:it-false,cn-nginx,pu-123\n\
         none:1|c|#\n\
         comma:1|c|#,a,,b,\n\
         \n\
         crlf:2|c\r\n",
        expect![[r#"
            page.views Count [1.0]
            fuel Gauge [0.5] tags=["a", "b:c", "d:"]
            song Histogram [240.0, 234.0] @0.5
            u Set "abc:def"
            x Count [1.0] at 1656581400
            p Distribution [0.9, 1.2] @0.1 tags=["env:x"] c="ci-abc,in-123" card="high"
            t Timing [1.0, 2.0]
            g Gauge [1.0]
            n Gauge [NaN]
            z Histogram [1.0]
            twice Count [1.0] @0.25 tags=["b"]
            ext Gauge [1.0] e="it-false,cn-nginx,pu-123"
            none Count [1.0]
            comma Count [1.0] tags=["a", "b"]
            crlf Count [2.0]
        "#]],
    );
}

#[test]
fn special_tags() {
    check_packet(
        "a:1|c|#host:web-1,env:x\n\
         a:1|c|#host:\n\
         a:1|c|#hostname:x,dd.internal.other:y\n\
         a:1|c|#dd.internal.entity_id:pod,dd.internal.card:low,dd.internal.jmx_check_name:kafka,z",
        expect![[r#"
            a Count [1.0] tags=["env:x"] { host: Some("web-1"), entity_id: -, cardinality: -, jmx_check_name: - }
            a Count [1.0] { host: Some(""), entity_id: -, cardinality: -, jmx_check_name: - }
            a Count [1.0] tags=["hostname:x", "dd.internal.other:y"]
            a Count [1.0] tags=["z"] { host: -, entity_id: Some("pod"), cardinality: Some("low"), jmx_check_name: Some("kafka") }
        "#]],
    );
}

#[test]
fn refused_metrics() {
    check_packet(
        ":1|c\na|c\na:1\na:|c\na:b|c\na:1|x\na:1|\na:1:b|c\na:::|c\na:1|c|@x\na:1|c|Tx\na:1|c|T0\nnoise\n|\n:|",
        expect![[r#"
            error: metric has no name or no value
            error: metric has no name or no value
            error: message has no type
            error: metric has no name or no value
            error: value is not a valid number
            error: unknown metric type
            error: unknown metric type
            error: value is not a valid number
            error: metric has no name or no value
            error: sample rate is not a valid number
            error: timestamp is not a valid number
            error: timestamp is not a valid number
            error: message has no type
            error: metric has no name or no value
            error: metric has no name or no value
        "#]],
    );
}

#[test]
fn events() {
    check_packet(
        "_e{5,4}:title|text|t:warning|#a\n\
         _e{2,12}:ab|line1\\nline2|p:low\n\
         _e{7,3}:città|a:b|d:1656581400|h:web|k:key|s:docker|c:abc|card:low\n\
         _e{3,3}:a|b|c|d|p:urgent|t:odd|d:x|later\n\
         _e{1,0}:a|",
        expect![[r#"
            event "title" "text" warning normal None None None None tags=["a"]
            event "ab" "line1\nline2" info low None None None None
            error: event header is malformed or does not fit the text
            event "a|b" "c|d" info normal None None None None
            event "a" "" info normal None None None None
        "#]],
    );
    check_packet(
        "_e{6,3}:città|a:b|d:1656581400|h:web|k:key|s:docker|c:abc|card:low|e:it-true",
        expect![[r#"
            event "città" "a:b" info normal Some(1656581400) Some("web") Some("key") Some("docker") c="abc" e="it-true" card="low"
        "#]],
    );
}

#[test]
fn refused_events() {
    check_packet(
        "_e{0,4}:|text\n_e{5,4}:title|tex\n_e{5,4}title|text\n_e{a,4}:title|text\n_e{}:x|y\n_e{5}:title|text\n_e{99999999999999999999,1}:a|b\n_e{5,4}:title text\n_e{-1,4}:a|text\n_e{5,3}:citt\u{e0}|abc",
        expect![[r#"
            error: event has no title
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
            error: event header is malformed or does not fit the text
        "#]],
    );
}

#[test]
fn checks() {
    check_packet(
        "_sc|redis.up|2|#env:dev|m:timed out\n\
         _sc|a.b|0|d:1656581400|h:web|m:first|m:last m\\: x|c:abc|e:it-false|card:none\n\
         _sc|a|1|d:soon|#host:x,y\n\
         _sc|a|4\n_sc|a|x\n_sc|a|\n_sc|a\n_sc||1\n_sc\n_scx|a|1",
        expect![[r#"
            check redis.up Critical None None "timed out" tags=["env:dev"]
            check a.b Ok Some(1656581400) Some("web") "last m\\: x" c="abc" e="it-false" card="none"
            check a Warning None None "" tags=["y"] { host: Some("x"), entity_id: -, cardinality: -, jmx_check_name: - }
            error: service check status is not 0 to 3
            error: service check status is not 0 to 3
            error: service check has no name or no status
            error: service check has no name or no status
            error: service check has no name or no status
            error: service check has no name or no status
            error: service check has no name or no status
        "#]],
    );
}

#[test]
fn broken_bytes_are_marked() {
    assert_eq!(show(&text(b"a:1|c|#env:\xff")), "a Count [1.0] tags=[\"env:\u{fffd}\"]\n");
}

proptest! {
    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), shape in "[_esc{}0-9,:|a@#T\\n]{0,60}") {
        show(&text(&noise));
        show(&shape);
    }

    #[test]
    fn packed_values_come_back(values in prop::collection::vec(any::<f64>().prop_filter("no NaN", |v| !v.is_nan()), 1..20)) {
        let packed = values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(":");
        let message = format!("m:{packed}|d");
        let Ok(Message::Metric(Metric { values: Values::Numbers(numbers), .. })) = parse(&message) else {
            return Err(TestCaseError::fail(message));
        };
        prop_assert_eq!(numbers.iter().collect::<Vec<_>>(), values);
    }
}
