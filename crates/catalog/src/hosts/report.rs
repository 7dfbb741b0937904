//! What comes from the hosts themselves: sightings on the ingest path and reports of metadata.

use std::collections::BTreeMap;

use std::sync::atomic::Ordering;

use galgo_core::tags::normalise_tags;
use serde_json::Value;
use sqlx::AnyConnection;

use crate::database::storable;
use crate::hosts::registry::{Details, Slot, checked_host, save, saved, touch};
use crate::hosts::tags::{MAX_TAGS_OF_A_SOURCE, canonical_source, set_tags};
use crate::secrets::SecretHash;
use crate::{Catalog, Result};

/// Kinds of metadata documents. Inventory payloads use their discriminator (`host_metadata`, `agent_metadata`, …).
pub mod kind {
    /// The host payload of `/intake/` without key, tags, gohai, checks and processes.
    pub const HOST: &str = "host";
    /// What gohai collected, parsed from its JSON string.
    pub const GOHAI: &str = "gohai";
    /// The `agent_checks` list.
    pub const AGENT_CHECKS: &str = "agent_checks";
    /// The `resources` object (top processes).
    pub const RESOURCES: &str = "resources";
}

/// What one payload says of a host. Empty fields change nothing.
#[derive(Debug, Clone, Default)]
pub struct HostReport {
    /// Name of the host.
    pub host: String,
    /// Version of the agent.
    pub agent_version: String,
    /// Flavour of the agent.
    pub agent_flavor: String,
    /// Operating system (`os` or `systemStats.platform`).
    pub platform: String,
    /// Other names, added to those known.
    pub aliases: Vec<String>,
    /// Integrations, added to those known.
    pub apps: Vec<String>,
    /// Where it is known from, added to those known.
    pub sources: Vec<String>,
    /// Tags by source as sent (`system`, `google cloud platform`); each source given is replaced whole.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Documents by kind; each kind given is replaced whole.
    pub metadata: BTreeMap<String, Value>,
}

/// Longest metadata document in bytes of JSON; a longer one is not kept.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// Most metadata documents of one payload.
const MAX_DOCUMENTS: usize = 32;
/// Longest kind of a document in characters.
const MAX_KIND_CHARS: usize = 64;
/// Most aliases, apps or sources of a host.
const MAX_NAMES: usize = 200;
/// Longest name of an app, source, version or platform in characters; what is beyond is cut off.
const MAX_NAME_CHARS: usize = 255;

impl Catalog {
    /// Notes that data of a host came in. No SQL, no write lock for a known host; flushed now and then.
    pub fn host_seen(&self, host: &str) {
        if !host.is_empty() {
            self.inner.hosts.see(host, self.inner.clock.now_s());
        }
    }

    /// Takes a report, durable when it returns. `external_host_tags` are reports with nothing but tags.
    pub async fn report_host(&self, report: HostReport) -> Result<()> {
        let host = checked_host(&report.host)?.to_owned();
        self.inner.hosts.see(&host, self.inner.clock.now_s());
        self.take_report(&host, report).await
    }

    /// Attaches tags to other hosts without marking them as seen (`external_host_tags`). What cannot be a host name is
    /// left out.
    pub async fn external_host_tags(&self, tags: Vec<(String, BTreeMap<String, Vec<String>>)>) -> Result<()> {
        for (host, tags) in tags {
            if let Ok(host) = checked_host(&host) {
                self.take_report(host, HostReport { tags, ..HostReport::default() }).await?;
            }
        }
        Ok(())
    }

    async fn take_report(&self, host: &str, report: HostReport) -> Result<()> {
        let slot = self.inner.hosts.get_or_make(host)?;
        let mut change = self.inner.hosts.area.change().await;
        let before = slot.details.load_full();
        let mut after = before.as_ref().clone();
        merge(&mut after, host, &report);
        let documents = changed_documents(&slot, &report.metadata);
        let same_details = *before == after;
        if same_details && documents.is_empty() {
            change.abandon();
            return Ok(());
        }
        let mut write = self.inner.database.write().await?;
        if same_details {
            // Documents are read from the database alone: no other node has to hear of this.
            touch_unsaved(write.connection(), host, &slot).await?;
        } else {
            change.raise(write.connection()).await?;
            save(write.connection(), host, &slot, &after).await?;
        }
        for document in &documents {
            put_document(write.connection(), host, document, self.inner.clock.now_s()).await?;
        }
        write.commit().await?;
        slot.documents.lock().extend(documents.into_iter().map(|document| (document.kind, document.digest)));
        let tags_differ = before.tags != after.tags || before.aliases != after.aliases;
        if same_details {
            change.abandon();
        } else {
            saved(&slot, after);
            change.settle();
        }
        if tags_differ {
            self.inner.hosts.tags_changed(&self.inner.clock, false);
        }
        Ok(())
    }
}

/// A document that differs from the one last written.
struct Document {
    kind: String,
    text: String,
    digest: u64,
}

fn changed_documents(slot: &Slot, metadata: &BTreeMap<String, Value>) -> Vec<Document> {
    let known = slot.documents.lock();
    let mut changed = Vec::new();
    for (kind, value) in metadata.iter().take(MAX_DOCUMENTS) {
        let text = value.to_string();
        if kind.is_empty() || kind.chars().count() > MAX_KIND_CHARS || text.len() > MAX_DOCUMENT_BYTES {
            tracing::debug!(kind, bytes = text.len(), "host metadata document is too large and not kept");
            continue;
        }
        let digest = short_digest(&text);
        if known.get(kind) != Some(&digest) {
            changed.push(Document { kind: storable(kind).into_owned(), text, digest });
        }
    }
    changed
}

fn short_digest(text: &str) -> u64 {
    let half = SecretHash::of(text).half();
    half.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

async fn put_document(connection: &mut AnyConnection, host: &str, document: &Document, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO host_metadata (host, kind, document, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (host, kind) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at",
    )
    .bind(host)
    .bind(&document.kind)
    .bind(&document.text)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The documents' host needs a row before them.
async fn touch_unsaved(connection: &mut AnyConnection, host: &str, slot: &Slot) -> Result<()> {
    let (first_seen, last_seen) = (slot.first_seen.load(Ordering::Relaxed), slot.last_seen.load(Ordering::Relaxed));
    touch(connection, host, first_seen, last_seen).await
}

fn merge(details: &mut Details, host: &str, report: &HostReport) {
    for (field, reported) in [
        (&mut details.agent_version, &report.agent_version),
        (&mut details.agent_flavor, &report.agent_flavor),
        (&mut details.platform, &report.platform),
    ] {
        let reported = name(reported);
        if !reported.is_empty() {
            *field = reported;
        }
    }
    for (field, reported) in [
        (&mut details.aliases, &report.aliases),
        (&mut details.apps, &report.apps),
        (&mut details.sources, &report.sources),
    ] {
        for reported in reported.iter().map(|reported| name(reported)).filter(|reported| !reported.is_empty()) {
            if field.len() < MAX_NAMES {
                field.insert(reported);
            }
        }
    }
    details.aliases.remove(host);
    for (source, tags) in &report.tags {
        // Agents attribute their configured tags to `system`; a source without a name is theirs too.
        let source = if source.trim().is_empty() { "system" } else { source };
        let mut tags = normalise_tags(tags.iter().map(String::as_str));
        tags.truncate(MAX_TAGS_OF_A_SOURCE);
        if let Err(error) = set_tags(details, canonical_source(source), tags) {
            tracing::warn!(%error, host, "tags of a host report are not kept");
        }
    }
}

fn name(text: &str) -> String {
    text.trim().chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARS).collect()
}
