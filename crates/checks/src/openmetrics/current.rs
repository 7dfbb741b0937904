//! The second generation of the check (`openmetrics_endpoint`): its options and what it makes of a family.

use std::collections::HashSet;
use std::sync::Arc;

use galgo_agent::check::{InstanceError, SampleKind};
use galgo_core::check::CheckStatus;
use serde_json::Value;

use super::exposition::{Family, Kind, Role, Sample};
use super::histogram::Buckets;
use super::labels::{SharedLabels, set};
use super::number::{self, canonical, python_float};
use super::sink::{Context, Sink};
use super::targets::{Target, Targets, Treatment};
use crate::options::Options;
use crate::pattern::{Pattern, is_literal};

/// Which of a histogram's samples are submitted, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HistogramRules {
    buckets: bool,
    own_counts: bool,
    distributions: bool,
    counters_too: bool,
    without_bounds: bool,
}

/// Samples whose label has a value that matches are left out; without a pattern, whatever the value.
type LabelExclusion = (String, Option<Pattern>);

/// The options of one instance.
#[derive(Debug)]
pub struct Current {
    targets: Targets,
    shared: SharedLabels,
    exclude_names: HashSet<String>,
    exclude_patterns: Option<Pattern>,
    exclude_by_labels: Vec<LabelExclusion>,
    exclude_labels: HashSet<String>,
    include_labels: HashSet<String>,
    rename_labels: Vec<(String, String)>,
    hostname_label: String,
    hostname_format: String,
    raw_prefix: String,
    histograms: HistogramRules,
    /// Tags of everything.
    tags: Vec<String>,
}

impl Current {
    /// Reads the options of an instance; `tags` are those of everything.
    pub fn read(options: &Options<'_>, tags: Vec<String>) -> Result<Self, InstanceError> {
        let (literal, patterns): (Vec<String>, Vec<String>) =
            options.texts("exclude_metrics")?.into_iter().partition(|entry| is_literal(entry));
        let hostname_label = options.text("hostname_label")?.unwrap_or_default();
        let hostname_format = options.text("hostname_format")?.unwrap_or_default();
        if !hostname_label.is_empty() && !hostname_format.is_empty() && !hostname_format.contains("<HOSTNAME>") {
            let value = Value::from(hostname_format);
            return Err(options.refuse("hostname_format", "a text with <HOSTNAME> in it", &value));
        }
        Ok(Self {
            targets: Targets::read(options)?,
            shared: SharedLabels::read(options)?,
            exclude_names: literal.into_iter().collect(),
            exclude_patterns: patterns_of(options, "exclude_metrics", &patterns)?,
            exclude_by_labels: label_exclusions(options)?,
            exclude_labels: options.texts("exclude_labels")?.into_iter().collect(),
            include_labels: options.texts("include_labels")?.into_iter().collect(),
            rename_labels: options.text_map("rename_labels")?,
            hostname_label,
            hostname_format,
            raw_prefix: options.text("raw_metric_prefix")?.unwrap_or_default(),
            histograms: histogram_rules(options),
            tags,
        })
    }

    /// Labels that are lent.
    pub fn shared(&mut self) -> &mut SharedLabels {
        &mut self.shared
    }

    /// A family under the name that all options go by.
    pub fn named(&self, mut family: Family) -> Family {
        if !self.raw_prefix.is_empty()
            && let Some(rest) = family.name.strip_prefix(&self.raw_prefix)
        {
            family.name = rest.to_owned();
        }
        family
    }

    /// Submits a family, if it is wanted.
    pub fn submit(&mut self, family: &Family, now_s: f64, sink: &mut Sink<'_>) {
        let excluded = self.exclude_names.contains(&family.name)
            || self.exclude_patterns.as_ref().is_some_and(|pattern| pattern.search(&family.name));
        if excluded {
            return;
        }
        let Some(target) = self.targets.find(&family.name) else { return };
        let treatment = match &target.treatment {
            Treatment::Native => Treatment::of_kind(family.kind),
            chosen => Some(chosen.clone()),
        };
        let Some(treatment) = treatment else { return };
        let buckets = if treatment == Treatment::Histogram && self.histograms.own_counts {
            Buckets::of(family)
        } else {
            Buckets::default()
        };
        for sample in family.samples.iter().filter(|sample| sample.value.is_finite() && sample.role != Role::Created) {
            let Some(prepared) = self.prepare(family.kind, sample) else { continue };
            let one = One { family, sample, target: &target, prepared, buckets: &buckets, now_s };
            self.submit_sample(&treatment, one, sink);
        }
    }

    /// Labels, tags and host of a sample; nothing when it is left out.
    fn prepare(&self, kind: Kind, sample: &Sample) -> Option<Prepared> {
        let mut labels = sample.labels.clone();
        self.shared.populate(&mut labels);
        normalise_bounds(kind, &mut labels);
        let excluded = |(label, pattern): &LabelExclusion| {
            let value = labels.iter().find(|(name, _)| name == label).map(|(_, value)| value);
            value.is_some_and(|value| pattern.as_ref().is_none_or(|pattern| pattern.search(value)))
        };
        if self.exclude_by_labels.iter().any(excluded) {
            return None;
        }
        let host = labels.iter().find(|(name, _)| *name == self.hostname_label).map(|(_, value)| value);
        let host = match host {
            Some(host) if !self.hostname_format.is_empty() => self.hostname_format.replacen("<HOSTNAME>", host, 1),
            Some(host) => host.clone(),
            None => String::new(),
        };
        let wanted = |name: &String| {
            !self.exclude_labels.contains(name)
                && (self.include_labels.is_empty() || self.include_labels.contains(name))
        };
        let own = labels.iter().filter(|(name, _)| wanted(name));
        let mut tags: Vec<String> = own.map(|(name, value)| format!("{}:{value}", self.renamed(name))).collect();
        tags.extend(self.tags.iter().cloned());
        Some(Prepared { labels, context: Context { tags, host } })
    }

    fn renamed<'n>(&'n self, label: &'n str) -> &'n str {
        self.rename_labels.iter().find(|(known, _)| known == label).map_or(label, |(_, renamed)| renamed.as_str())
    }

    fn submit_sample(&self, treatment: &Treatment, one: One<'_>, sink: &mut Sink<'_>) {
        let (name, value) = (one.target.name.as_str(), one.sample.value);
        let context = &one.prepared.context;
        match treatment {
            Treatment::Native => {}
            Treatment::Gauge => sink.submit(SampleKind::Gauge, name, value, context),
            Treatment::Rate => sink.submit(SampleKind::Rate, name, value, context),
            Treatment::Counter => sink.submit(SampleKind::MonotonicCount, &format!("{name}.count"), value, context),
            Treatment::CounterGauge => {
                sink.submit(SampleKind::Gauge, &format!("{name}.total"), value, context);
                sink.submit(SampleKind::MonotonicCount, &format!("{name}.count"), value, context);
            }
            Treatment::TimeElapsed => sink.submit(SampleKind::Gauge, name, one.now_s - value, context),
            Treatment::TemporalPercent(scale) => {
                sink.submit(SampleKind::Rate, name, value / scale * 100.0, context);
            }
            Treatment::ServiceCheck(statuses) => {
                let found = statuses.iter().find(|(known, _)| *known == value as i64);
                let status = found.map_or(CheckStatus::Unknown, |(_, status)| *status);
                let context = Context { tags: self.tags.clone(), host: context.host.clone() };
                sink.service_check(name, status, context, String::new());
            }
            Treatment::Metadata(label) => {
                if let Some((_, fact)) = one.prepared.labels.iter().find(|(known, _)| known == label) {
                    sink.metadata(name, fact);
                }
            }
            Treatment::Summary => submit_summary(&one, sink),
            Treatment::Histogram => self.submit_histogram(one, sink),
        }
    }

    fn submit_histogram(&self, one: One<'_>, sink: &mut Sink<'_>) {
        let rules = self.histograms;
        let (name, value) = (one.target.name.as_str(), one.sample.value);
        let suffix = match one.role() {
            Role::Sum => ".sum",
            Role::Count => ".count",
            Role::Bucket if rules.buckets => ".bucket",
            _ => return,
        };
        if suffix != ".bucket" {
            if !rules.distributions || rules.counters_too {
                sink.submit(SampleKind::MonotonicCount, &format!("{name}{suffix}"), value, &one.prepared.context);
            }
            return;
        }
        let Some(upper) = super::histogram::upper_bound(one.sample) else { return };
        let mut context = one.prepared.context;
        let mut count = value;
        if rules.own_counts {
            let Some(own) = one.buckets.own(one.sample, true) else { return };
            count = own.count;
            context.tags.push(format!("lower_bound:{}", canonical(own.lower)));
            if rules.distributions {
                if rules.without_bounds {
                    let upper_tag = format!("{}:", self.renamed("upper_bound"));
                    context.tags.retain(|tag| !tag.starts_with("lower_bound:") && !tag.starts_with(&upper_tag));
                }
                // A bucket from -inf to -inf holds nothing.
                if own.lower != own.upper || own.upper.is_finite() {
                    sink.bucket(name, own.count, (own.lower, own.upper), &context);
                }
                return;
            }
        }
        // What lies below infinity is the count, under the same tags.
        if !upper.is_infinite() {
            sink.submit(SampleKind::MonotonicCount, &format!("{name}.bucket"), count, &context);
        }
    }
}

/// A sample with its tags.
struct Prepared {
    labels: Vec<(String, String)>,
    context: Context,
}

/// One sample with all that is known of it.
struct One<'a> {
    family: &'a Family,
    sample: &'a Sample,
    target: &'a Arc<Target>,
    prepared: Prepared,
    buckets: &'a Buckets,
    now_s: f64,
}

impl One<'_> {
    /// What the sample is; a family without a fitting type goes by its name.
    fn role(&self) -> Role {
        if self.sample.role != Role::Plain || self.family.kind == Kind::Summary {
            return self.sample.role;
        }
        let suffixes = [("_sum", Role::Sum), ("_count", Role::Count), ("_bucket", Role::Bucket)];
        let found = suffixes.iter().find(|(suffix, _)| self.family.name.ends_with(suffix));
        found.map_or(Role::Plain, |(_, role)| *role)
    }
}

fn submit_summary(one: &One<'_>, sink: &mut Sink<'_>) {
    let (name, value) = (one.target.name.as_str(), one.sample.value);
    let (kind, suffix) = match one.role() {
        Role::Sum => (SampleKind::MonotonicCount, "sum"),
        Role::Count => (SampleKind::MonotonicCount, "count"),
        Role::Plain => (SampleKind::Gauge, "quantile"),
        _ => return,
    };
    sink.submit(kind, &format!("{name}.{suffix}"), value, &one.prepared.context);
}

/// `le` becomes `upper_bound`; bounds and quantiles are written in one way.
fn normalise_bounds(kind: Kind, labels: &mut Vec<(String, String)>) {
    let canonical_text = |text: &str| number::parse(text).map_or_else(|| text.to_owned(), canonical);
    match kind {
        Kind::Histogram => {
            if let Some(at) = labels.iter().position(|(name, _)| name == "le") {
                let (_, bound) = labels.remove(at);
                let bound = canonical_text(&bound);
                set(labels, ("upper_bound".into(), bound));
            }
        }
        Kind::Summary => {
            if let Some((_, quantile)) = labels.iter_mut().find(|(name, _)| name == "quantile") {
                *quantile = canonical_text(quantile);
            }
        }
        _ => {}
    }
}

fn histogram_rules(options: &Options<'_>) -> HistogramRules {
    let counters_too = options.flag("collect_counters_with_distributions", false);
    let without_bounds = options.flag("collect_histograms_as_distributions", false);
    let distributions = counters_too || without_bounds || options.flag("histogram_buckets_as_distributions", false);
    HistogramRules {
        buckets: distributions || options.flag("collect_histogram_buckets", true),
        own_counts: distributions || options.flag("non_cumulative_histogram_buckets", false),
        distributions,
        counters_too,
        without_bounds,
    }
}

/// Any of an option's patterns.
pub(super) fn patterns_of(
    options: &Options<'_>,
    key: &str,
    patterns: &[String],
) -> Result<Option<Pattern>, InstanceError> {
    let refuse = |error: crate::pattern::PatternError| {
        options.refuse(key, "a list of regular expressions", &Value::from(error.to_string()))
    };
    Pattern::any_of(patterns).map_err(refuse)
}

fn label_exclusions(options: &Options<'_>) -> Result<Vec<LabelExclusion>, InstanceError> {
    let mut made = Vec::new();
    for (label, values) in options.map("exclude_metrics_by_labels")?.into_iter().flatten() {
        let key = format!("exclude_metrics_by_labels.{label}");
        match values {
            Value::Bool(true) => made.push((label.clone(), None)),
            Value::Array(items) => {
                let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                let texts = texts.ok_or_else(|| options.refuse(&key, "true or a list of texts", values))?;
                if let Some(pattern) = patterns_of(options, &key, &texts)? {
                    made.push((label.clone(), Some(pattern)));
                }
            }
            other => return Err(options.refuse(&key, "true or a list of texts", other)),
        }
    }
    Ok(made)
}

/// The bound of a tag that is written with all its digits, for the older check.
pub(super) fn plain_bound(text: &str) -> String {
    number::parse(text).map_or_else(|| text.to_owned(), python_float)
}
