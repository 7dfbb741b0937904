//! The first generation of the check (`prometheus_url`): its options and what it makes of a family. Names keep their
//! `_total`, histograms and summaries are gauges unless asked otherwise, and patterns are shell patterns.

use std::collections::{HashMap, HashSet};

use galgo_agent::check::{InstanceError, SampleKind};
use serde_json::Value;

use super::current::plain_bound;
use super::exposition::{Family, Kind, Role, Sample};
use super::histogram::{Buckets, OwnBucket};
use super::labels::SharedLabels;
use super::number::python_float;
use super::sink::{Context, Sink};
use crate::options::Options;
use crate::pattern::{Pattern, PatternError};

/// Type that a family is given in place of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Override {
    Kind(Kind),
    Rate,
}

/// Samples with one of these values of the label are left out; without values, whatever the value.
type IgnoredLabel = (String, Option<Vec<String>>);

/// The options of one instance.
#[derive(Debug)]
pub struct Legacy {
    mapper: HashMap<String, String>,
    wildcards: Vec<Pattern>,
    overrides: HashMap<String, Override>,
    override_patterns: Vec<(Pattern, Override)>,
    ignored: HashSet<String>,
    ignored_patterns: Vec<Pattern>,
    ignored_by_labels: Vec<IgnoredLabel>,
    shared: SharedLabels,
    labels_mapper: HashMap<String, String>,
    exclude_labels: HashSet<String>,
    include_labels: HashSet<String>,
    label_to_hostname: String,
    hostname_suffix: String,
    prefix: String,
    buckets: bool,
    own_counts: bool,
    distributions: bool,
    counters_monotonic: bool,
    with_gauge: bool,
    counts_monotonic: bool,
    sums_monotonic: bool,
    tags: Vec<String>,
}

impl Legacy {
    /// Reads the options of an instance; `tags` are those of everything.
    pub fn read(options: &Options<'_>, tags: Vec<String>) -> Result<Self, InstanceError> {
        let (mapper, wildcards) = mapper(options)?;
        let (overrides, override_patterns) = overrides(options)?;
        let (patterns, ignored): (Vec<String>, Vec<String>) =
            options.texts("ignore_metrics")?.into_iter().partition(|entry| entry.contains('*'));
        let patterns: Result<Vec<Pattern>, PatternError> = patterns.iter().map(|glob| Pattern::glob(glob)).collect();
        let mut labels_mapper: HashMap<String, String> = options.text_map("labels_mapper")?.into_iter().collect();
        labels_mapper.insert("le".into(), "upper_bound".into());
        let distributions = options.flag("send_distribution_buckets", false);
        Ok(Self {
            mapper,
            wildcards,
            overrides,
            override_patterns,
            ignored: ignored.into_iter().collect(),
            ignored_patterns: patterns.map_err(|error| wrong_glob(options, "ignore_metrics", &error))?,
            ignored_by_labels: ignored_by_labels(options)?,
            shared: SharedLabels::read_joins(options)?,
            labels_mapper,
            exclude_labels: options.texts("exclude_labels")?.into_iter().collect(),
            include_labels: options.texts("include_labels")?.into_iter().collect(),
            label_to_hostname: options.text("label_to_hostname")?.unwrap_or_default(),
            hostname_suffix: options.text("label_to_hostname_suffix")?.unwrap_or_default(),
            prefix: options.text("prometheus_metrics_prefix")?.unwrap_or_default(),
            buckets: options.flag("send_histograms_buckets", true),
            own_counts: distributions || options.flag("non_cumulative_buckets", false),
            distributions,
            counters_monotonic: options.flag("send_monotonic_counter", true),
            with_gauge: options.flag("send_monotonic_with_gauge", false),
            counts_monotonic: options.flag("send_distribution_counts_as_monotonic", false),
            sums_monotonic: options.flag("send_distribution_sums_as_monotonic", false),
            tags,
        })
    }

    /// Labels that are lent.
    pub fn shared(&mut self) -> &mut SharedLabels {
        &mut self.shared
    }

    /// A family under the name that all options go by.
    pub fn named(&self, mut family: Family) -> Family {
        if family.total_in_name {
            family.name.push_str("_total");
        }
        family
    }

    /// Submits a family, if it is wanted.
    pub fn submit(&self, family: &Family, sink: &mut Sink<'_>) {
        let kind = self.kind_of(family);
        if !matches!(kind, Override::Rate)
            && !matches!(kind, Override::Kind(Kind::Counter | Kind::Gauge | Kind::Histogram | Kind::Summary))
        {
            return;
        }
        let raw = family.name.strip_prefix(&self.prefix).unwrap_or(&family.name);
        if self.ignored.contains(raw) || self.ignored_patterns.iter().any(|pattern| pattern.search(raw)) {
            return;
        }
        let name = match self.mapper.get(raw) {
            Some(name) => name.as_str(),
            None if self.wildcards.iter().any(|pattern| pattern.search(raw)) => raw,
            None => return,
        };
        let is_histogram = kind == Override::Kind(Kind::Histogram);
        let buckets = if is_histogram && self.own_counts { Buckets::of(family) } else { Buckets::default() };
        for sample in family.samples.iter().filter(|sample| sample.value.is_finite() && sample.role != Role::Created) {
            let own = buckets.own(sample, false);
            let Some(context) = self.context(sample, own) else { continue };
            match kind {
                Override::Rate => sink.submit(SampleKind::Rate, name, sample.value, &context),
                Override::Kind(Kind::Counter) if self.counters_monotonic => {
                    sink.submit(SampleKind::MonotonicCount, name, sample.value, &context);
                }
                Override::Kind(Kind::Histogram) => self.submit_histogram(name, sample, own, context, sink),
                Override::Kind(Kind::Summary) => self.submit_summary(name, sample, &context, sink),
                Override::Kind(_) => {
                    sink.submit(SampleKind::Gauge, name, sample.value, &context);
                    if kind == Override::Kind(Kind::Counter) && self.with_gauge {
                        sink.submit(SampleKind::MonotonicCount, &format!("{name}.total"), sample.value, &context);
                    }
                }
            }
        }
    }

    fn kind_of(&self, family: &Family) -> Override {
        let by_pattern = || self.override_patterns.iter().find(|(pattern, _)| pattern.search(&family.name));
        let chosen = self.overrides.get(&family.name).or_else(|| by_pattern().map(|(_, kind)| kind));
        chosen.copied().unwrap_or(Override::Kind(family.kind))
    }

    /// Tags and host of a sample; nothing when it is left out.
    fn context(&self, sample: &Sample, own: Option<OwnBucket>) -> Option<Context> {
        let mut labels = sample.labels.clone();
        self.shared.populate(&mut labels);
        let value_of = |label: &str| labels.iter().find(|(name, _)| name == label).map(|(_, value)| value.clone());
        let ignored = |(label, values): &IgnoredLabel| {
            value_of(label).is_some_and(|value| values.as_ref().is_none_or(|values| values.contains(&value)))
        };
        if self.ignored_by_labels.iter().any(ignored) {
            return None;
        }
        let host = value_of(&self.label_to_hostname).filter(|host| !host.is_empty());
        let host = host.map(|host| host + &self.hostname_suffix).unwrap_or_default();
        if let Some(own) = own {
            // The original writes the bound that it makes up itself as a whole number, unless it makes a distribution.
            let made_up = own.lowest && own.lower == 0.0 && !self.distributions;
            labels.push(("lower_bound".into(), if made_up { "0".into() } else { python_float(own.lower) }));
        }
        let mut tags = self.tags.clone();
        for (name, value) in &labels {
            let included = self.include_labels.is_empty() || self.include_labels.contains(name);
            if included && !self.exclude_labels.contains(name) {
                let renamed = self.labels_mapper.get(name).unwrap_or(name);
                let value = if matches!(name.as_str(), "le" | "quantile") { plain_bound(value) } else { value.clone() };
                tags.push(format!("{renamed}:{value}"));
            }
        }
        Some(Context { tags, host })
    }

    fn submit_count(&self, monotonic: bool, name: &str, value: f64, context: &Context, sink: &mut Sink<'_>) {
        if monotonic {
            sink.submit(SampleKind::MonotonicCount, name, value, context);
            return;
        }
        sink.submit(SampleKind::Gauge, name, value, context);
        if self.with_gauge {
            sink.submit(SampleKind::MonotonicCount, &format!("{name}.total"), value, context);
        }
    }

    fn submit_summary(&self, name: &str, sample: &Sample, context: &Context, sink: &mut Sink<'_>) {
        match sample.role {
            Role::Sum => self.submit_count(self.sums_monotonic, &format!("{name}.sum"), sample.value, context, sink),
            Role::Count => {
                self.submit_count(self.counts_monotonic, &format!("{name}.count"), sample.value, context, sink);
            }
            Role::Plain if sample.label("quantile").is_some() => {
                sink.submit(SampleKind::Gauge, &format!("{name}.quantile"), sample.value, context);
            }
            _ => {}
        }
    }

    fn submit_histogram(
        &self,
        name: &str,
        sample: &Sample,
        own: Option<OwnBucket>,
        mut context: Context,
        sink: &mut Sink<'_>,
    ) {
        let count_name = format!("{name}.count");
        match sample.role {
            Role::Sum if !self.distributions => {
                self.submit_count(self.sums_monotonic, &format!("{name}.sum"), sample.value, &context, sink);
            }
            Role::Count if !self.distributions => {
                if self.buckets {
                    context.tags.push("upper_bound:none".into());
                }
                self.submit_count(self.counts_monotonic, &count_name, sample.value, &context, sink);
            }
            Role::Bucket if self.buckets => {
                let is_last = super::histogram::upper_bound(sample) == Some(f64::INFINITY);
                match own {
                    Some(own) if self.distributions => {
                        if own.lower != own.upper {
                            sink.bucket(name, own.count, (own.lower, own.upper), &context);
                        }
                    }
                    Some(own) => self.submit_count(self.counts_monotonic, &count_name, own.count, &context, sink),
                    None if self.own_counts || is_last => {}
                    None => self.submit_count(self.counts_monotonic, &count_name, sample.value, &context, sink),
                }
            }
            _ => {}
        }
    }
}

fn wrong_glob(options: &Options<'_>, key: &str, error: &PatternError) -> InstanceError {
    options.refuse(key, "names and shell patterns", &Value::from(error.to_string()))
}

type Mapper = (HashMap<String, String>, Vec<Pattern>);

fn mapper(options: &Options<'_>) -> Result<Mapper, InstanceError> {
    let mut mapper = HashMap::new();
    match options.get("metrics") {
        Some(Value::Array(entries)) if !entries.is_empty() => {
            for entry in entries {
                match entry {
                    Value::String(name) => drop(mapper.insert(name.clone(), name.clone())),
                    Value::Object(map) => {
                        for (raw, name) in map {
                            let refuse = || options.refuse(&format!("metrics.{raw}"), "a name", name);
                            let text = name.as_str().ok_or_else(refuse)?;
                            mapper.insert(raw.clone(), text.to_owned());
                        }
                    }
                    other => return Err(options.refuse("an entry of metrics", "a name or a map of names", other)),
                }
            }
        }
        other => {
            let value = other.cloned().unwrap_or_default();
            return Err(options.refuse("metrics", "a list of names, shell patterns or maps", &value));
        }
    }
    let globs = mapper.keys().filter(|name| name.contains('*'));
    let patterns: Result<Vec<Pattern>, PatternError> = globs.map(|glob| Pattern::glob(glob)).collect();
    Ok((mapper, patterns.map_err(|error| wrong_glob(options, "metrics", &error))?))
}

type Overrides = (HashMap<String, Override>, Vec<(Pattern, Override)>);

fn overrides(options: &Options<'_>) -> Result<Overrides, InstanceError> {
    let (mut exact, mut patterns) = (HashMap::new(), Vec::new());
    for (name, kind) in options.text_map("type_overrides")? {
        let chosen = match kind.as_str() {
            "counter" => Override::Kind(Kind::Counter),
            "gauge" => Override::Kind(Kind::Gauge),
            "histogram" => Override::Kind(Kind::Histogram),
            "summary" => Override::Kind(Kind::Summary),
            "rate" => Override::Rate,
            _ => {
                let expected = "counter, gauge, histogram, summary or rate";
                return Err(options.refuse(&format!("type_overrides.{name}"), expected, &Value::from(kind)));
            }
        };
        if name.contains('*') {
            let pattern = Pattern::glob(&name).map_err(|error| wrong_glob(options, "type_overrides", &error))?;
            patterns.push((pattern, chosen));
        } else {
            exact.insert(name, chosen);
        }
    }
    Ok((exact, patterns))
}

fn ignored_by_labels(options: &Options<'_>) -> Result<Vec<IgnoredLabel>, InstanceError> {
    let mut made = Vec::new();
    for (label, values) in options.map("ignore_metrics_by_labels")?.into_iter().flatten() {
        let items = match values {
            Value::Array(items) => items.iter().filter_map(crate::options::scalar_text).collect::<Vec<String>>(),
            other => {
                return Err(options.refuse(&format!("ignore_metrics_by_labels.{label}"), "a list of texts", other));
            }
        };
        if items.iter().any(|item| item == "*") {
            made.push((label.clone(), None));
        } else if !items.is_empty() {
            made.push((label.clone(), Some(items)));
        }
    }
    Ok(made)
}
