//! How a host looks in `/api/v1/hosts` (reference: rest-api.md §4).

use std::collections::BTreeMap;

use galgo_catalog::Host;
use galgo_catalog::hosts::report::kind;
use serde_json::{Map, Value, json};

use crate::hosts::load::Loads;

/// Documents of one host by kind.
pub type Documents = BTreeMap<String, Value>;

/// One entry of `host_list`; `meta` only when documents are given.
pub fn host_document(host: &Host, loads: &Loads, documents: Option<&Documents>) -> Value {
    let mut aliases = host.aliases.clone();
    if !aliases.contains(&host.name) {
        aliases.insert(0, host.name.clone());
    }
    let mut document = json!({
        "id": host.id,
        "name": host.name,
        "host_name": host.name,
        "aliases": aliases,
        "apps": host.apps,
        "sources": host.sources,
        "tags_by_source": host.tags_by_source,
        "up": host.up,
        "is_muted": host.mute.is_some(),
        "mute_timeout": host.mute.as_ref().and_then(|mute| mute.end),
        "last_reported_time": host.last_seen,
        "metrics": loads.document(&host.name),
    });
    if let Some(documents) = documents {
        document["meta"] = meta(host, documents);
    }
    document
}

/// `meta`: what the host's own payloads say, in the types that clients expect. What is unknown is left out.
pub fn meta(host: &Host, documents: &Documents) -> Value {
    let mut meta = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() && value != "" {
            meta.insert(key.to_owned(), value);
        }
    };
    put("agent_version", host.agent_version.clone().into());
    put("agent_flavor", host.agent_flavor.clone().into());
    put("platform", host.platform.clone().into());
    put("host_id", host.id.into());
    let empty = Value::Null;
    let reported = documents.get(kind::HOST).unwrap_or(&empty);
    let system = &reported["systemStats"];
    for key in ["machine", "platform", "processor", "pythonV"] {
        put(key, text(&system[key]));
    }
    put("cpuCores", whole(&system["cpuCores"]));
    for key in ["nixV", "macV", "winV", "fbsdV"] {
        put(key, array(&system[key]));
    }
    let own = &reported["meta"];
    put("socket-hostname", text(&own["socket-hostname"]));
    put("socket-fqdn", text(&own["socket-fqdn"]));
    put("timezones", array(&own["timezones"]));
    put("install_method", install_method(&reported["install-method"]));
    put("network", object(&reported["network"]));
    put("logs_agent", object(&reported["logs"]));
    put("agent_checks", array(documents.get(kind::AGENT_CHECKS).unwrap_or(&empty)));
    if let Some(gohai) = documents.get(kind::GOHAI).filter(|gohai| !gohai.is_null()) {
        put("gohai", gohai.to_string().into());
    }
    Value::Object(meta)
}

fn install_method(value: &Value) -> Value {
    let Some(fields) = value.as_object() else { return Value::Null };
    let texts = fields.iter().filter(|(_, value)| value.is_string());
    Value::Object(texts.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn text(value: &Value) -> Value {
    if value.is_string() { value.clone() } else { Value::Null }
}

fn array(value: &Value) -> Value {
    if value.is_array() { value.clone() } else { Value::Null }
}

fn object(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { Value::Null }
}

/// Old agents send numbers as text.
fn whole(value: &Value) -> Value {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    number.map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            id: 7,
            name: "web-1".into(),
            aliases: vec!["i-123".into()],
            apps: vec!["agent".into()],
            sources: vec!["agent".into()],
            tags_by_source: BTreeMap::from([("Datadog".into(), vec!["env:test".into()])]),
            agent_version: "7.60.1".into(),
            agent_flavor: "agent".into(),
            platform: "linux".into(),
            first_seen: 1,
            last_seen: 2,
            up: true,
            mute: None,
        }
    }

    #[test]
    fn a_host_looks_like_datadogs() {
        let shown = host_document(&host(), &Loads::default(), None);
        expect_test::expect![[r#"{"id":7,"name":"web-1","host_name":"web-1","aliases":["web-1","i-123"],"apps":["agent"],"sources":["agent"],"tags_by_source":{"Datadog":["env:test"]},"up":true,"is_muted":false,"mute_timeout":null,"last_reported_time":2,"metrics":{}}"#]]
        .assert_eq(&shown.to_string());
    }

    #[test]
    fn meta_keeps_the_types_of_the_schema() {
        let documents = Documents::from([
            (
                kind::HOST.to_owned(),
                json!({
                    "systemStats": { "cpuCores": "4", "machine": "amd64", "nixV": ["debian", "12", ""], "pythonV": 3 },
                    "meta": { "socket-hostname": "web-1", "timezones": ["UTC"] },
                    "install-method": { "tool": "deb", "tool_version": null },
                }),
            ),
            (kind::GOHAI.to_owned(), json!({ "cpu": { "mhz": "1" } })),
        ]);
        expect_test::expect![[r#"{"agent_version":"7.60.1","agent_flavor":"agent","platform":"linux","host_id":7,"machine":"amd64","cpuCores":4,"nixV":["debian","12",""],"socket-hostname":"web-1","timezones":["UTC"],"install_method":{"tool":"deb"},"gohai":"{\"cpu\":{\"mhz\":\"1\"}}"}"#]]
        .assert_eq(&meta(&host(), &documents).to_string());
    }
}
