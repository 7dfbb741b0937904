//! A loader with folders of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use galgo_agent::check::{Check, CheckContext, CheckError, Instance, Loader, Samples, Source};
use galgo_agent::collect::Roots;
use galgo_core::clock::SystemClock;
use galgo_python::{PythonConfig, PythonLoader};
use serde_json::{Value, json};

/// A key that must never show in a log or an error.
pub const API_KEY: &str = "0123456789abcdef0123456789abcdef";

/// The interpreter for tests of the built-in base.
pub fn interpreter() -> Option<PathBuf> {
    std::env::var_os("GALGO_PYTHON").map(PathBuf::from)
}

/// The interpreter with Datadog's own base class.
pub fn real_base() -> Option<PathBuf> {
    let path = std::env::var_os("GALGO_CHECKS_BASE_PYTHON").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: GALGO_CHECKS_BASE_PYTHON names no interpreter with datadog-checks-base");
    }
    path
}

/// A loader with folders of its own.
pub struct Rig {
    pub folder: tempfile::TempDir,
    pub loader: PythonLoader,
}

impl Rig {
    /// A loader with the default limits.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A loader with other settings.
    pub fn with(change: impl FnOnce(&mut PythonConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let checks_d = folder.path().join("checks.d");
        std::fs::create_dir(&checks_d).unwrap();
        let mut config = PythonConfig::new(folder.path().join("run"));
        config.interpreter = interpreter();
        config.check_dirs = vec![checks_d];
        config.host_tags = vec!["env:test".into(), "region:france".into()];
        config.run_timeout = Duration::from_secs(30);
        change(&mut config);
        let settings = json!({
            "api_key": API_KEY, "logs_enabled": true, "proxy": { "http": "" }, "container_exclude": ["image:^pause"],
        });
        let context = CheckContext {
            clock: Arc::new(SystemClock::new()),
            host: "test-host".into(),
            roots: Roots::machine(),
            settings: Arc::new(settings),
        };
        Self { loader: PythonLoader::new(config, context), folder }
    }

    /// Writes `checks.d/NAME.py`.
    pub fn module(&self, name: &str, source: &str) -> &Self {
        std::fs::write(self.folder.path().join("checks.d").join(format!("{name}.py")), source).unwrap();
        self
    }

    /// Writes a check whose `check` method has this body, after `from checks import AgentCheck`.
    pub fn body(&self, name: &str, body: &str) -> &Self {
        let body: String = body.lines().map(|line| format!("        {line}\n")).collect();
        let head = "import os, sys, time, threading\nfrom checks import AgentCheck\n\n";
        self.module(name, &format!("{head}class Check(AgentCheck):\n    def check(self, instance):\n{body}"))
    }

    /// The check of an instance.
    pub async fn load(&self, name: &str, options: Value) -> Result<Box<dyn Check>, CheckError> {
        self.loader.load(&instance(name, options)).await.expect("there is such a check")
    }

    /// Loads and runs a check once.
    pub async fn run(&self, name: &str, options: Value) -> (Samples, Result<(), CheckError>) {
        let mut check = match self.load(name, options).await {
            Ok(check) => check,
            Err(error) => return (Samples::default(), Err(error)),
        };
        run(&mut *check).await
    }

    /// As [`Rig::run`], for a check that must not fail.
    pub async fn run_ok(&self, name: &str, options: Value) -> Samples {
        let (samples, outcome) = self.run(name, options).await;
        outcome.unwrap_or_else(|error| panic!("{error}\n{}", error.traceback));
        samples
    }
}

/// An instance without an `init_config`.
pub fn instance(name: &str, options: Value) -> Instance {
    Instance::new(name, options, Value::Null, Source::default()).unwrap()
}

/// Runs a check.
pub async fn run(check: &mut dyn Check) -> (Samples, Result<(), CheckError>) {
    let mut samples = Samples::default();
    let outcome = check.run(&mut samples).await;
    (samples, outcome)
}

/// The values by metric, in the order of submission.
pub fn values(samples: &Samples) -> Vec<(&str, f64)> {
    samples.values.iter().map(|sample| (sample.metric.as_str(), sample.value)).collect()
}
