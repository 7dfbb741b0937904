//! Labels that one metric lends to others: `share_labels` (`label_joins` of the older check) and `target_info`.
//!
//! A source without `match` lends its labels to everything; with `match` only to samples that have the same values of
//! those labels. Sources may stand anywhere in a text, so families are held back until all were seen.

use std::collections::HashMap;

use galgo_agent::check::InstanceError;
use serde_json::Value;

use super::exposition::{Family, Kind, Sample};
use crate::options::{Options, scalar_text};

/// Most combinations of labels that are lent; a source with more would cost more than it tells.
const MAX_LENT: usize = 50_000;

type Label = (String, String);

#[derive(Debug, Clone, PartialEq, Default)]
struct SourceRule {
    metric: String,
    /// Only samples of one of these values lend.
    values: Option<Vec<f64>>,
    /// Only these labels are lent.
    labels: Option<Vec<String>>,
    /// Labels that must agree, sorted.
    matching: Vec<String>,
}

/// Labels lent by sources whose samples had the same matching labels.
#[derive(Debug, Default)]
struct Group {
    names: Vec<String>,
    lent: HashMap<Vec<String>, Vec<Label>>,
}

/// What is lent to whom.
#[derive(Debug, Default)]
pub struct SharedLabels {
    rules: Vec<SourceRule>,
    target_info: bool,
    /// Whether what was once learnt holds for all later scrapes.
    keep: bool,
    learnt: bool,
    missing: Vec<String>,
    to_all: Vec<Label>,
    of_target: Vec<Label>,
    groups: Vec<Group>,
    lent: usize,
}

impl SharedLabels {
    /// Reads `share_labels`, `cache_shared_labels` and `target_info`.
    pub fn read(options: &Options<'_>) -> Result<Self, InstanceError> {
        let mut rules = Vec::new();
        for (metric, rule) in options.map("share_labels")?.into_iter().flatten() {
            rules.push(source_rule(options, metric, rule)?);
        }
        let keep = options.flag("cache_shared_labels", true);
        Ok(Self { rules, keep, target_info: options.flag("target_info", false), ..Self::default() })
    }

    /// Reads `label_joins`.
    pub fn read_joins(options: &Options<'_>) -> Result<Self, InstanceError> {
        let mut rules = Vec::new();
        for (metric, rule) in options.map("label_joins")?.into_iter().flatten() {
            let list = |key: &str| match rule.get(key) {
                Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
                Some(value) => scalar_text(value).into_iter().collect(),
                None => Vec::new(),
            };
            let mut matching = list("labels_to_match");
            matching.extend(list("label_to_match"));
            let labels: Vec<String> = list("labels_to_get");
            if matching.is_empty() || labels.is_empty() {
                let expected = "a map with labels_to_match and labels_to_get";
                return Err(options.refuse(&format!("label_joins.{metric}"), expected, rule));
            }
            matching.retain(|label| label != "*");
            matching.sort_unstable();
            let labels = (!labels.iter().any(|label| label == "*")).then_some(labels);
            rules.push(SourceRule { metric: metric.clone(), values: Some(vec![1.0]), labels, matching });
        }
        Ok(Self { rules, ..Self::default() })
    }

    /// Begins a scrape.
    pub fn begin(&mut self) {
        if self.learnt && self.keep {
            return;
        }
        self.to_all.clear();
        self.groups.clear();
        self.lent = 0;
        self.missing = self.rules.iter().map(|rule| rule.metric.clone()).collect();
        if self.target_info && !self.rules.iter().any(|rule| rule.metric == "target_info") {
            self.missing.push("target_info".into());
        }
    }

    /// Whether a source has yet to come in this scrape.
    pub fn waits(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Learns from a family, if it is a source that is waited for; `target_info` may change later on.
    pub fn observe(&mut self, family: &Family) {
        let source = source_name(family);
        if self.target_info
            && source == "target_info"
            && let Some(sample) = family.samples.first()
        {
            self.of_target = sample.labels.clone();
        }
        let Some(at) = self.missing.iter().position(|metric| *metric == source || *metric == family.name) else {
            return;
        };
        let metric = self.missing.swap_remove(at);
        for rule in self.rules.clone().iter().filter(|rule| rule.metric == metric) {
            family.samples.iter().for_each(|sample| self.learn(rule, sample));
        }
    }

    /// Ends a scrape: sources that did not come are no longer waited for. What was learnt of half a text is not kept.
    pub fn end(&mut self, whole: bool) {
        self.missing.clear();
        self.learnt |= whole;
    }

    fn learn(&mut self, rule: &SourceRule, sample: &Sample) {
        if rule.values.as_ref().is_some_and(|values| !values.contains(&sample.value)) || self.lent >= MAX_LENT {
            return;
        }
        let wanted = |name: &String| rule.labels.as_ref().is_none_or(|labels| labels.contains(name));
        let lent: Vec<Label> = sample.labels.iter().filter(|(name, _)| wanted(name)).cloned().collect();
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for name in &rule.matching {
            if let Some(value) = sample.label(name) {
                names.push(name.clone());
                values.push(value.to_owned());
            }
        }
        if names.is_empty() {
            lent.into_iter().for_each(|label| set(&mut self.to_all, label));
            return;
        }
        self.lent += 1;
        let at = self.groups.iter().position(|group| group.names == names).unwrap_or_else(|| {
            self.groups.push(Group { names, ..Group::default() });
            self.groups.len() - 1
        });
        let known = self.groups[at].lent.entry(values).or_default();
        lent.into_iter().for_each(|label| set(known, label));
    }

    /// Adds to a sample's labels what it is lent.
    pub fn populate(&self, labels: &mut Vec<Label>) {
        let mut borrowed = Vec::new();
        for group in &self.groups {
            let value_of =
                |name: &String| labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let Some(values) = group.names.iter().map(value_of).collect::<Option<Vec<String>>>() else { continue };
            borrowed.extend(group.lent.get(&values).into_iter().flatten().cloned());
        }
        let always = self.of_target.iter().chain(&self.to_all).cloned();
        always.chain(borrowed).for_each(|label| set(labels, label));
    }
}

/// An info family lends under the name of its samples.
fn source_name(family: &Family) -> String {
    if family.kind == Kind::Info { format!("{}_info", family.name) } else { family.name.clone() }
}

/// Sets a label, in the place of one of that name.
pub(super) fn set(labels: &mut Vec<Label>, (name, value): Label) {
    match labels.iter_mut().find(|(known, _)| *known == name) {
        Some(known) => known.1 = value,
        None => labels.push((name, value)),
    }
}

fn source_rule(options: &Options<'_>, metric: &str, rule: &Value) -> Result<SourceRule, InstanceError> {
    let metric_key = |key: &str| format!("share_labels.{metric}.{key}");
    let map = match rule {
        Value::Bool(true) => return Ok(SourceRule { metric: metric.to_owned(), ..SourceRule::default() }),
        Value::Object(map) => map,
        other => return Err(options.refuse(&format!("share_labels.{metric}"), "true or a map", other)),
    };
    let texts = |key: &str| match map.get(key) {
        None => Ok(None),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            let texts = texts.ok_or_else(|| options.refuse(&metric_key(key), "a list of labels", &map[key]))?;
            Ok((!texts.is_empty()).then_some(texts))
        }
        Some(other) => Err(options.refuse(&metric_key(key), "a list of labels", other)),
    };
    let number = |item: &Value| scalar_text(item).and_then(|text| text.parse().ok());
    let values = match map.get("values") {
        None => None,
        Some(Value::Array(items)) => match items.iter().map(number).collect::<Option<Vec<f64>>>() {
            Some(values) => Some(values),
            None => return Err(options.refuse(&metric_key("values"), "a list of numbers", &map["values"])),
        },
        Some(other) => return Err(options.refuse(&metric_key("values"), "a list of numbers", other)),
    };
    let mut matching = texts("match")?.unwrap_or_default();
    matching.sort_unstable();
    Ok(SourceRule { metric: metric.to_owned(), values, labels: texts("labels")?, matching })
}
