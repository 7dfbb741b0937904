//! Makes checks from instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use galgo_core::Clock;
use serde_json::Value;

use super::{Check, CheckError, Instance};
use crate::collect::Roots;

/// What a check may know of the agent around it.
#[derive(Debug, Clone)]
pub struct CheckContext {
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Name under which the host reports.
    pub host: String,
    /// Where the kernel's files are.
    pub roots: Roots,
    /// The agent's whole configuration as one map (`datadog.yaml` with environment), secrets resolved.
    pub settings: Arc<Value>,
}

impl CheckContext {
    /// A setting by its dotted key.
    pub fn setting(&self, key: &str) -> Option<&Value> {
        key.split('.').try_fold(&*self.settings, |map, part| map.get(part)).filter(|value| !value.is_null())
    }
}

/// Makes checks of one kind.
#[async_trait]
pub trait Loader: Send + Sync {
    /// `core` or `python`: what an instance's `loader` option names.
    fn name(&self) -> &'static str;

    /// The check for an instance, or `None` when this loader has none of that name.
    async fn load(&self, instance: &Instance) -> Option<Result<Box<dyn Check>, CheckError>>;
}

/// Makes the check of an instance with the first loader that knows it (or the one that its `loader` option names), and
/// says which loader that was.
pub async fn load(
    loaders: &[Arc<dyn Loader>],
    instance: &Instance,
) -> Result<(Box<dyn Check>, &'static str), CheckError> {
    let wanted = &instance.common.loader;
    for loader in loaders.iter().filter(|loader| wanted.is_empty() || loader.name() == wanted) {
        if let Some(made) = loader.load(instance).await {
            return Ok((made?, loader.name()));
        }
    }
    let name = &instance.check;
    let reason =
        format!("no check named {name}: neither built in nor a Python module of that name (checks.d/{name}.py)");
    Err(CheckError::new(reason))
}

/// Makes a native check from an instance.
pub type Factory = fn(&Instance, &CheckContext) -> Result<Box<dyn Check>, CheckError>;

/// The checks that are written in Rust.
pub struct NativeLoader {
    context: CheckContext,
    factories: BTreeMap<&'static str, Factory>,
}

impl std::fmt::Debug for NativeLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeLoader").field("checks", &self.factories.keys()).finish_non_exhaustive()
    }
}

impl NativeLoader {
    /// A loader of the given checks.
    pub fn new(context: CheckContext, factories: impl IntoIterator<Item = (&'static str, Factory)>) -> Self {
        Self { context, factories: factories.into_iter().collect() }
    }
}

#[async_trait]
impl Loader for NativeLoader {
    fn name(&self) -> &'static str {
        "core"
    }

    async fn load(&self, instance: &Instance) -> Option<Result<Box<dyn Check>, CheckError>> {
        self.factories.get(instance.check.as_str()).map(|factory| factory(instance, &self.context))
    }
}
