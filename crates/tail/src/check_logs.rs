//! Lines that checks send. A source of type `integration` with the check's name says what they are filed under.

use std::collections::HashMap;
use std::sync::Arc;

use galgo_agent::Stop;
use galgo_agent::check::{CheckLog, Instance};
use parking_lot::RwLock;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::pipeline::{Item, Origin, Position};
use crate::rules::SharedRules;
use crate::severity;
use crate::shared::Shared;
use crate::source::TailSource;
use crate::status::Counters;

/// Lines that wait to be taken; a check that sends more waits.
pub(crate) const QUEUE: usize = 256;

/// A line and the instance that sent it.
pub(crate) type Sent = (Arc<Instance>, CheckLog);

/// What lines of one check are filed under.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub source: TailSource,
    pub rules: SharedRules,
    pub counters: Arc<Counters>,
}

/// Registrations by name of the check.
pub(crate) type Registrations = Arc<RwLock<HashMap<String, Registration>>>;

/// Takes lines of checks until told to stop, and then those that wait already.
pub(crate) struct CheckLines {
    pub shared: Arc<Shared>,
    pub registrations: Registrations,
    pub global_rules: SharedRules,
    pub receiver: mpsc::Receiver<Sent>,
}

impl CheckLines {
    /// Takes lines until told to stop.
    pub async fn run(mut self, mut stop: Stop) {
        loop {
            let sent = tokio::select! {
                biased;
                () = stop.raised() => break,
                sent = self.receiver.recv() => sent,
            };
            let Some((instance, log)) = sent else { return };
            if let Some(item) = self.item(&instance, log) {
                let lane = self.shared.pipelines.lane_of(&item.origin.place);
                tokio::select! {
                    biased;
                    () = self.shared.pipelines.send(lane, item) => {}
                    () = stop.raised() => return,
                }
            }
        }
        self.receiver.close();
        while let Ok((instance, log)) = self.receiver.try_recv() {
            if let Some(item) = self.item(&instance, log) {
                let lane = self.shared.pipelines.lane_of(&item.origin.place);
                self.shared.pipelines.send(lane, item).await;
            }
        }
    }

    fn item(&self, instance: &Instance, log: CheckLog) -> Option<Item> {
        let registration = self.registrations.read().get(&instance.check).cloned();
        let rules = registration.as_ref().map_or(&self.global_rules, |registered| &registered.rules);
        let counters = registration.as_ref().map(|registered| Arc::clone(&registered.counters)).unwrap_or_default();
        let (body, tags) = without_tags(log.json);
        let text = match &body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Counters::add(&counters.bytes_read, text.len() as u64);
        Counters::add(&counters.lines_read, 1);
        let Some(text) = rules.apply(text) else {
            Counters::add(&counters.lines_dropped, 1);
            return None;
        };
        let time_ms = body.get("timestamp").and_then(Value::as_i64).filter(|time| *time > 0);
        Some(Item {
            text: Some(text),
            status: status_of(&body),
            time_ms: time_ms.unwrap_or_else(|| self.shared.clock.now_ms()),
            origin: Arc::new(origin(instance, registration.map(|registered| registered.source), tags, counters)),
            position: Position::None,
        })
    }
}

/// The line without its `ddtags`, and these.
fn without_tags(mut body: Value) -> (Value, Vec<String>) {
    let tags = match body.as_object_mut().and_then(|map| map.shift_remove("ddtags")) {
        Some(Value::String(tags)) => {
            tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    (body, tags)
}

fn status_of(body: &Value) -> &'static str {
    let given = ["status", "level", "severity"].iter().find_map(|key| body.get(key)?.as_str());
    match given.unwrap_or_default().to_ascii_lowercase().as_str() {
        "emergency" | "emerg" => "emergency",
        "alert" => "alert",
        "critical" | "crit" | "fatal" => "critical",
        "error" | "err" => "error",
        "warn" | "warning" => "warn",
        "notice" => "notice",
        "debug" | "trace" => "debug",
        _ => severity::INFO,
    }
}

fn origin(instance: &Instance, source: Option<TailSource>, tags: Vec<String>, counters: Arc<Counters>) -> Origin {
    let check = instance.check.clone();
    let (service, mut name, mut all) = match source {
        Some(source) => (source.service, source.source, source.tags),
        None => (instance.common.service.clone(), String::new(), Vec::new()),
    };
    if name.is_empty() {
        name.clone_from(&check);
    }
    all.extend(tags);
    Origin { place: format!("integration:{check}"), check, service, source: name, tags: all, counters }
}
