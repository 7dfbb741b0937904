//! Check `openmetrics`: scrapes what a program exposes for Prometheus and submits it under Datadog's rules
//! (reference: otlp-prometheus.md §6), in both generations of its options.
//!
//! [`exposition`] parses; [`scrape`] reads an answer while it arrives; [`targets`] and [`labels`] hold what is wanted
//! and how labels become tags; [`current`] and [`legacy`] turn a family into samples; [`sink`] bounds their number.

pub mod current;
pub mod exposition;
pub mod histogram;
pub mod labels;
pub mod legacy;
pub mod number;
pub mod scrape;
pub mod sink;
pub mod targets;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use galgo_agent::check::{Check, CheckContext, CheckError, Instance, InstanceError, Samples};
use galgo_core::Clock;
use galgo_core::check::CheckStatus;
use serde_json::Value;

use crate::http::{Defaults, HttpClient, HttpError, HttpOptions, Request, shown_url, url_tag};
use crate::options::Options;
use crate::pattern::Pattern;
use crate::trust::TrustError;

use current::{Current, patterns_of};
use exposition::{Family, Format, Kind};
use labels::SharedLabels;
use legacy::Legacy;
use scrape::ScrapeError;
use sink::{Context, DEFAULT_LIMIT, Sink};

/// What is asked for; the second generation with `use_latest_spec` asks for OpenMetrics.
const ACCEPT_PLAIN: &str = "text/plain";
const ACCEPT_OPENMETRICS: &str =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1";

/// Makes the check of an instance.
pub fn factory(instance: &Instance, context: &CheckContext) -> Result<Box<dyn Check>, CheckError> {
    let read = Settings::read(instance, context).map_err(|error| CheckError::new(error.to_string()))?;
    let fail = |error: TrustError| CheckError::new(instance.refuse(error.to_string()).to_string());
    let client = HttpClient::new(read.http, &read.settings.url).map_err(fail)?;
    Ok(Box::new(OpenMetrics {
        client,
        settings: read.settings,
        rules: read.rules,
        began_s: context.clock.now_ms() as f64 / 1000.0,
        clock: Arc::clone(&context.clock),
        flush_first: None,
    }))
}

/// Which generation's rules hold.
#[derive(Debug)]
enum Rules {
    Current(Box<Current>),
    Legacy(Box<Legacy>),
}

impl Rules {
    fn shared(&mut self) -> &mut SharedLabels {
        match self {
            Self::Current(rules) => rules.shared(),
            Self::Legacy(rules) => rules.shared(),
        }
    }

    fn named(&self, family: Family) -> Family {
        match self {
            Self::Current(rules) => rules.named(family),
            Self::Legacy(rules) => rules.named(family),
        }
    }

    fn submit(&mut self, family: &Family, now_s: f64, sink: &mut Sink<'_>) {
        match self {
            Self::Current(rules) => rules.submit(family, now_s, sink),
            Self::Legacy(rules) => rules.submit(family, sink),
        }
    }
}

/// What both generations have in common.
#[derive(Debug)]
struct Settings {
    url: String,
    namespace: String,
    health: Option<&'static str>,
    /// Tags of the health check.
    health_tags: Vec<String>,
    limit: usize,
    skip_lines: Option<Pattern>,
    always_openmetrics: bool,
    use_process_start_time: bool,
    ignore_connection_errors: bool,
}

struct Read {
    settings: Settings,
    http: HttpOptions,
    rules: Rules,
}

impl Settings {
    fn read(instance: &Instance, context: &CheckContext) -> Result<Read, InstanceError> {
        let options = Options::of(instance);
        let is_current = options.get("openmetrics_endpoint").is_some();
        if !is_current && options.get("prometheus_url").is_none() {
            return Err(instance.refuse("openmetrics_endpoint is required"));
        }
        let url = options.required(if is_current { "openmetrics_endpoint" } else { "prometheus_url" })?;
        let latest = is_current && options.flag("use_latest_spec", false);
        let accept = if latest { ACCEPT_OPENMETRICS } else { ACCEPT_PLAIN };
        let tags = own_tags(&options, instance)?;
        let mut endpoint_tags = tags.clone();
        if options.flag("tag_by_endpoint", true) || !is_current {
            endpoint_tags.push(format!("endpoint:{}", url_tag(&url)));
        }
        let health = if is_current { "openmetrics.health" } else { "prometheus.health" };
        let health_key = if is_current { "enable_health_service_check" } else { "health_service_check" };
        let settings = Self {
            namespace: options.text("namespace")?.unwrap_or_default(),
            health: options.flag(health_key, true).then_some(health),
            health_tags: endpoint_tags.clone(),
            limit: limit(&options)?,
            skip_lines: patterns_of(&options, "raw_line_filters", &options.texts("raw_line_filters")?)?,
            always_openmetrics: latest,
            use_process_start_time: options.flag("use_process_start_time", false),
            ignore_connection_errors: options.flag("ignore_connection_errors", false),
            url,
        };
        let rules = if is_current {
            Rules::Current(Box::new(Current::read(&options, endpoint_tags)?))
        } else {
            Rules::Legacy(Box::new(Legacy::read(&options, tags)?))
        };
        let http = HttpOptions::read(&options, context, Defaults { accept, verify: true })?;
        Ok(Read { settings, http, rules })
    }
}

/// The instance's tags without those that `ignore_tags` names.
fn own_tags(options: &Options<'_>, instance: &Instance) -> Result<Vec<String>, InstanceError> {
    let ignored = patterns_of(options, "ignore_tags", &options.texts("ignore_tags")?)?;
    let mut tags = instance.tags();
    tags.retain(|tag| !ignored.as_ref().is_some_and(|pattern| pattern.search(tag)));
    Ok(tags)
}

/// `max_returned_metrics`; nothing switches the bound off.
fn limit(options: &Options<'_>) -> Result<usize, InstanceError> {
    match options.whole("max_returned_metrics")? {
        None | Some(0) => Ok(DEFAULT_LIMIT),
        Some(limit) => usize::try_from(limit)
            .map_err(|_| options.refuse("max_returned_metrics", "a number of series", &Value::from(limit))),
    }
}

/// The check.
#[derive(Debug)]
struct OpenMetrics {
    client: HttpClient,
    settings: Settings,
    rules: Rules,
    clock: Arc<dyn Clock>,
    /// When this instance began, seconds since the UNIX epoch.
    began_s: f64,
    /// Whether first values count as growth; unknown before the first scrape that went well.
    flush_first: Option<bool>,
}

#[async_trait]
impl Check for OpenMetrics {
    async fn run(&mut self, out: &mut Samples) -> Result<(), CheckError> {
        let outcome = self.scrape(out).await;
        match outcome {
            Ok(()) => self.flush_first = Some(true),
            // A counter that appears after a gap may be old: its first value is no growth.
            Err(_) => self.flush_first = self.flush_first.map(|_| false),
        }
        outcome.map_err(|error| CheckError::new(error.to_string()))
    }
}

impl OpenMetrics {
    async fn scrape(&mut self, out: &mut Samples) -> Result<(), ScrapeError> {
        let answer = self.client.send(&Request::get(self.settings.url.clone())).await;
        let response = match answer.and_then(crate::http::Response::checked) {
            Ok(response) => response,
            Err(error) => {
                self.tell_health(CheckStatus::Critical, error.to_string(), out);
                let is_connection = matches!(error, HttpError::Exchange { tls: None, .. });
                if self.settings.ignore_connection_errors && is_connection {
                    out.warn(error.to_string());
                    return Ok(());
                }
                return Err(error.into());
            }
        };
        self.tell_health(CheckStatus::Ok, String::new(), out);
        let format = match self.settings.always_openmetrics {
            true => Format::OpenMetrics,
            // The first generation knows one format only.
            false if matches!(self.rules, Rules::Legacy(_)) => Format::Prometheus,
            false => Format::of_content_type(&response.content_type()),
        };
        let flush_first = self.flush_first.unwrap_or(false);
        let mut pass = Pass {
            rules: &mut self.rules,
            sink: Sink::new(out, &self.settings.namespace, self.settings.limit, flush_first),
            now_s: self.clock.now_ms() as f64 / 1000.0,
            held: Vec::new(),
            late: (self.flush_first.is_none() && self.settings.use_process_start_time).then(Vec::new),
            process_start: None,
        };
        pass.rules.shared().begin();
        let url = shown_url(&self.settings.url);
        let skip = self.settings.skip_lines.as_ref();
        let read = scrape::read(&url, response, format, skip, &mut |family| pass.take(family)).await;
        pass.finish(self.began_s, read.is_ok());
        read
    }

    fn tell_health(&self, status: CheckStatus, message: String, out: &mut Samples) {
        if let Some(name) = self.settings.health {
            let context = Context { tags: self.settings.health_tags.clone(), host: String::new() };
            let mut sink = Sink::new(out, &self.settings.namespace, 0, false);
            sink.service_check(name, status, context, message);
        }
    }
}

/// One scrape on its way.
struct Pass<'a> {
    rules: &'a mut Rules,
    sink: Sink<'a>,
    now_s: f64,
    /// Families that wait for labels that others lend.
    held: Vec<Family>,
    /// Counters of the first scrape, which wait until it is known when their process began.
    late: Option<Vec<Family>>,
    process_start: Option<f64>,
}

impl Pass<'_> {
    fn take(&mut self, family: Family) {
        let family = self.rules.named(family);
        if let Some(late) = &mut self.late {
            if family.name == "process_start_time_seconds" {
                let starts = family.samples.iter().map(|sample| sample.value);
                self.process_start = starts.chain(self.process_start).reduce(f64::min);
            }
            if matches!(family.kind, Kind::Counter | Kind::Histogram | Kind::Summary) {
                late.push(family);
                return;
            }
        }
        self.share(family);
    }

    fn share(&mut self, family: Family) {
        let shared = self.rules.shared();
        shared.observe(&family);
        if shared.waits() {
            self.held.push(family);
            return;
        }
        self.release();
        self.rules.submit(&family, self.now_s, &mut self.sink);
    }

    fn release(&mut self) {
        for family in std::mem::take(&mut self.held) {
            self.rules.submit(&family, self.now_s, &mut self.sink);
        }
    }

    fn finish(mut self, began_s: f64, whole: bool) {
        if let Some(late) = self.late.take() {
            // A process that began after the agent has counters that began with it.
            self.sink.flush_first |= self.process_start.is_some_and(|start| start > began_s);
            late.into_iter().for_each(|family| self.share(family));
        }
        self.release();
        self.rules.shared().end(whole);
        self.sink.finish();
    }
}
