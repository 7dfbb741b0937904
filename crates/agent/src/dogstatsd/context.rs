//! Contexts: the identities under which values are aggregated. A message's name and tags are looked up as raw bytes;
//! only a combination never seen is normalised, so that the stored series and the aggregated context are one thing.

use std::sync::Arc;

use galgo_core::tags::{normalise_metric, normalise_tags};
use galgo_intake::dogstatsd::{MetricType, Tags};
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::config::AggregatorConfig;

/// Raw spellings remembered for each context; beyond, all spellings are forgotten and learnt again.
const SPELLINGS_PER_CONTEXT: usize = 4;

/// What is done with the values of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Counter,
    Gauge,
    Set,
    Histogram,
    Distribution,
}

impl Class {
    pub(super) fn of(kind: MetricType) -> Self {
        match kind {
            MetricType::Count => Self::Counter,
            MetricType::Gauge => Self::Gauge,
            MetricType::Set => Self::Set,
            MetricType::Histogram | MetricType::Timing => Self::Histogram,
            MetricType::Distribution => Self::Distribution,
        }
    }
}

/// Identity of a context, normalised.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ContextKey {
    pub(super) class: Class,
    pub(super) metric: String,
    pub(super) host: String,
    pub(super) tags: Vec<String>,
}

/// A context with when it was last seen (seconds).
#[derive(Debug)]
pub(super) struct Context {
    pub(super) key: Arc<ContextKey>,
    pub(super) last_seen: i64,
}

/// Under which name values are aggregated: their own, or that of the distribution that a histogram is copied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Own,
    Copy,
}

/// Number of a context, valid until it expires.
pub(super) type ContextId = u32;

/// Why a message has no context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoContext {
    /// The table is full.
    Full,
    /// No letter is left of the metric's name.
    BadName,
    /// The block list names it.
    Blocked,
}

/// Every live context.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    slots: Vec<Option<Context>>,
    free: Vec<ContextId>,
    by_spelling: HashMap<u128, ContextId>,
    by_key: HashMap<u128, ContextId>,
    scratch: Vec<u8>,
}

impl Contexts {
    /// Number of live contexts.
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// A live context.
    pub(super) fn get(&self, id: ContextId) -> Option<&Context> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// The context of a message, seen at `now`; made when there is none.
    pub(super) fn resolve(
        &mut self,
        (class, naming): (Class, Naming),
        name: &str,
        tags: Tags<'_>,
        now: i64,
        config: &AggregatorConfig,
    ) -> Result<ContextId, NoContext> {
        self.scratch.clear();
        self.scratch.extend_from_slice(&[class as u8, naming as u8]);
        self.scratch.extend_from_slice(name.as_bytes());
        for tag in tags.iter() {
            // A byte that UTF-8 never holds separates the parts.
            self.scratch.push(0xff);
            self.scratch.extend_from_slice(tag.as_bytes());
        }
        let spelling = xxh3_128(&self.scratch);
        if let Some(&id) = self.by_spelling.get(&spelling)
            && let Some(context) = self.slots[id as usize].as_mut()
        {
            context.last_seen = context.last_seen.max(now);
            return Ok(id);
        }
        let id = self.learn((class, naming), name, tags, now, config)?;
        if self.by_spelling.len() >= config.max_contexts.saturating_mul(SPELLINGS_PER_CONTEXT) {
            self.by_spelling.clear();
        }
        self.by_spelling.insert(spelling, id);
        Ok(id)
    }

    fn learn(
        &mut self,
        identity: (Class, Naming),
        name: &str,
        tags: Tags<'_>,
        now: i64,
        config: &AggregatorConfig,
    ) -> Result<ContextId, NoContext> {
        let key = context_key(identity, name, tags, config)?;
        let hash = self.hash_of(&key);
        if let Some(&id) = self.by_key.get(&hash)
            && let Some(context) = self.slots[id as usize].as_mut()
        {
            context.last_seen = context.last_seen.max(now);
            return Ok(id);
        }
        if self.len() >= config.max_contexts {
            return Err(NoContext::Full);
        }
        let context = Some(Context { key: Arc::new(key), last_seen: now });
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id as usize] = context;
                id
            }
            None => {
                self.slots.push(context);
                (self.slots.len() - 1) as ContextId
            }
        };
        self.by_key.insert(hash, id);
        Ok(id)
    }

    fn hash_of(&mut self, key: &ContextKey) -> u128 {
        self.scratch.clear();
        self.scratch.push(key.class as u8);
        for part in [&key.metric, &key.host].into_iter().chain(&key.tags) {
            self.scratch.extend_from_slice(part.as_bytes());
            self.scratch.push(0xff);
        }
        xxh3_128(&self.scratch)
    }

    /// Forgets the contexts for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl Fn(ContextId, &Context) -> bool) {
        let mut forgotten = false;
        for (id, slot) in self.slots.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|context| !keep(id as ContextId, context)) {
                *slot = None;
                self.free.push(id as ContextId);
                forgotten = true;
            }
        }
        if forgotten {
            let slots = &self.slots;
            let lives = |id: &mut ContextId| slots[*id as usize].is_some();
            self.by_spelling.retain(|_, id| lives(id));
            self.by_key.retain(|_, id| lives(id));
        }
    }
}

fn context_key(
    (class, naming): (Class, Naming),
    name: &str,
    tags: Tags<'_>,
    config: &AggregatorConfig,
) -> Result<ContextKey, NoContext> {
    let mapped = config.mapper.as_ref().and_then(|mapper| mapper.map(name));
    let name = mapped.as_ref().map_or(name, |mapped| &mapped.name);
    let prefixed = format!("{}{name}", config.prefix_of(name));
    if config.blocks(name) || config.blocks(&prefixed) {
        return Err(NoContext::Blocked);
    }
    let full = match naming {
        Naming::Own => prefixed,
        Naming::Copy => format!("{}{prefixed}", config.histogram_to_distribution_prefix),
    };
    let metric = normalise_metric(&full).ok_or(NoContext::BadName)?.into_owned();
    let (host, mut plain) = host_and_tags(tags, None, config);
    plain.extend(mapped.iter().flat_map(|mapped| &mapped.tags).map(String::as_str));
    Ok(ContextKey { class, metric, host, tags: normalise_tags(plain) })
}

/// The host of a message (`field`, else its tag `host:`, else the default) and its ordinary tags with the configured
/// ones, as sent.
pub(super) fn host_and_tags<'a>(
    tags: Tags<'a>,
    field: Option<&str>,
    config: &'a AggregatorConfig,
) -> (String, Vec<&'a str>) {
    let mut plain = Vec::new();
    let special = tags.split_special(&mut plain);
    plain.extend(config.tags.iter().map(String::as_str));
    let host = field.or(special.host).unwrap_or(&config.host);
    (host.to_owned(), plain)
}
