//! Hosts: who reported and when, what they said of themselves, their tags by source, whether they are muted.
//!
//! Names, tags and times live in memory (loaded at start) and are read without SQL; metadata documents stay in the
//! database. A changed tag replaces the [`galgo_core::HostTags`] snapshot that queries read.

pub mod listing;
pub mod mute;
pub(crate) mod registry;
pub mod report;
pub mod tags;

use std::collections::BTreeMap;

/// Seconds without a report after which a host no longer counts as active (reference: rest-api.md §4).
pub const ACTIVE_SECONDS: i64 = 2 * 3600;

/// A host as a listing shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// A stable number below 2^53, derived from the name.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Other names, sorted.
    pub aliases: Vec<String>,
    /// Integrations seen on it, sorted.
    pub apps: Vec<String>,
    /// Where it is known from (`agent`, `aws`, …), sorted.
    pub sources: Vec<String>,
    /// Tags by source as shown (`Datadog`, `Users`, …), sorted.
    pub tags_by_source: BTreeMap<String, Vec<String>>,
    /// Version of the agent, empty when unknown.
    pub agent_version: String,
    /// Flavour of the agent, empty when unknown.
    pub agent_flavor: String,
    /// Operating system, empty when unknown.
    pub platform: String,
    /// Seconds since the UNIX epoch.
    pub first_seen: i64,
    /// Seconds since the UNIX epoch; 0 for a host that was only tagged or muted.
    pub last_seen: i64,
    /// Whether it reported within [`ACTIVE_SECONDS`].
    pub up: bool,
    /// The mute in force.
    pub mute: Option<mute::Mute>,
}
