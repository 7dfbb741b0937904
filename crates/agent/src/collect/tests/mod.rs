//! Golden tests: a check on a tree of the kernel's files in simulated time, and everything that comes out of its
//! sampler.

mod disk;
mod machine;
mod network;
mod process;
mod system;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expect_test::Expect;
use galgo_core::{Clock, ManualClock};
use serde_json::{Value, json};

use super::*;
use crate::check::{Check, CheckContext, CheckError, Instance, Sampler, SamplerConfig, Samples, Source};
use crate::report::Report;

/// Wall-clock time of the first run, in seconds.
const START: i64 = 1_700_000_000;

/// Every file system has 1000 KiB, of which 400 are free and 350 available; `/bare` has no inodes, `/gone` is broken.
#[derive(Debug)]
struct FixedVolumes;

impl Volumes for FixedVolumes {
    fn usage(&self, mount_point: &Path) -> std::io::Result<VolumeUsage> {
        let inodes = if mount_point == Path::new("/bare") { 0 } else { 100 };
        match mount_point.to_str() {
            Some("/gone") => Err(std::io::Error::other("stale file handle")),
            Some("/empty") => Ok(VolumeUsage { total: 0, free: 0, available: 0, inodes: 0, inodes_free: 0 }),
            _ => Ok(VolumeUsage { total: 1_024_000, free: 409_600, available: 358_400, inodes, inodes_free: 75 }),
        }
    }
}

/// A check on its tree.
struct Fixture {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    sampler: Sampler,
    check: Option<Box<dyn Check>>,
    instance: Instance,
    /// Lines of results that this test is not about begin like this.
    hidden: &'static [&'static str],
}

impl Fixture {
    /// A check without a configuration.
    fn new(check: &str) -> Self {
        Self::with(check, json!({}), json!({}))
    }

    /// A check with the options of an instance and of its file; without any of both it is a built-in one.
    fn with(check: &str, options: Value, init_config: Value) -> Self {
        let built_in = options == json!({}) && init_config == json!({});
        let path = if built_in { "".into() } else { format!("conf.d/{check}.yaml").into() };
        let config = SamplerConfig { host: "web-1".into(), interval: 15, ..SamplerConfig::default() };
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at_ms(START * 1000)),
            sampler: Sampler::new(config),
            check: None,
            instance: Instance::new(check, options, init_config, Source { path, index: 0 }).unwrap(),
            hidden: &[],
        }
    }

    fn hide(mut self, hidden: &'static [&'static str]) -> Self {
        self.hidden = hidden;
        self
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn link(self, path: &str, target: &str) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
        self
    }

    fn without(self, path: &str) -> Self {
        let path = self.folder.path().join(path);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap()
        } else {
            std::fs::remove_file(path).unwrap()
        }
        self
    }

    fn context(&self) -> CheckContext {
        CheckContext {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            host: "web-1".into(),
            roots: Roots::below(self.folder.path(), Arc::new(FixedVolumes)),
            settings: Arc::new(json!({})),
        }
    }

    fn make(&self) -> Result<Box<dyn Check>, CheckError> {
        let factories = factories();
        let (_, factory) = factories.iter().find(|(name, _)| *name == self.instance.check).unwrap();
        factory(&self.instance, &self.context())
    }

    async fn report(&mut self) -> (Report, Samples, Result<(), CheckError>) {
        let mut check = match self.check.take() {
            Some(check) => check,
            None => self.make().unwrap(),
        };
        let mut samples = Samples::default();
        let outcome = check.run(&mut samples).await;
        self.check = Some(check);
        let report = self.sampler.commit(&mut samples, Moment::now(&*self.clock));
        (report, samples, outcome)
    }

    /// Runs the check, compares what came out, and lets 10 s pass.
    async fn run(mut self, expected: Expect) -> Self {
        let (report, samples, outcome) = self.report().await;
        let mut lines: Vec<String> = report.series.iter().map(line).collect();
        lines.retain(|line| !self.hidden.iter().any(|hidden| line.starts_with(hidden)));
        for check in &report.checks {
            lines.push(format!("{} {:?} {} {}", check.check, check.status, check.tags.join(","), check.message));
        }
        lines.extend(samples.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.extend(outcome.err().map(|error| error.message.replace(self.folder.path().to_str().unwrap(), "")));
        expected.assert_eq(&lines.iter().map(|line| format!("{}\n", line.trim_end())).collect::<String>());
        self.clock.advance(Duration::from_secs(10));
        self
    }

    /// Why an instance is refused.
    fn refusal(check: &str, options: Value) -> String {
        Self::with(check, options, json!({})).make().err().map(|error| error.message).unwrap_or_default()
    }
}

fn line(series: &crate::Series) -> String {
    assert_eq!((series.host.as_str(), series.interval, series.points.len()), ("web-1", 15, 1));
    let (kind, value) = (series.kind.as_str(), series.points[0].value);
    // Shares and the like are compared to a millionth.
    let value = (value * 1e6).round() / 1e6;
    let unit = if series.unit.is_empty() { "-" } else { series.unit };
    format!("{} {kind} {value} {unit} {}", series.metric, series.tags.join(","))
}
